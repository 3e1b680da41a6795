//! When a credential is due.
//!
//! Pure: an occurrence is a function of the policy and of instants that are passed in. The caller draws
//! the jitter once, stores the due time and acts on what is stored, so a restart makes nothing due that
//! was not due before.
//!
//! ```text
//!   period      last ──────── period ────────► due (+ jitter)
//!   schedule    … occurrence ──(+ jitter)──► due ──────► end of window; missed: the next occurrence
//! ```

pub mod backoff;
pub mod cron;
pub mod policy;
pub mod span;

use std::time::Duration;

pub use backoff::backoff;
pub use cron::{Cron, CronError};
pub use policy::{Cadence, RotationPolicy, RotationPolicyError, RotationPolicySpec};

use crate::clock::Timestamp;

/// Stands for "no further occurrence": the last second of the year 9999.
pub const NEVER: Timestamp = Timestamp::from_secs(253_402_300_799);

/// When the next rotation is due, given the last one.
///
/// A result before `now` means overdue since then. An account that was never rotated, or whose last
/// rotation lies in the future because a clock was wrong, counts from `now`. With a window, an occurrence
/// whose window is over is passed by. `jitter_draw` is 64 random bits; draw once and store the result.
#[must_use]
pub fn next_due(
    policy: &RotationPolicy,
    last_rotation: Option<Timestamp>,
    now: Timestamp,
    jitter_draw: u64,
) -> Timestamp {
    let last = last_rotation.map_or(now, |last| last.min(now));
    let due = match policy.cadence() {
        Cadence::Period(period) => Some(last.plus(*period)),
        Cadence::Schedule { cron, zone, window: None } => cron.next_after(*zone, last),
        Cadence::Schedule { cron, zone, window: Some(window) } => {
            // Windows are open from the occurrence until just before occurrence + window.
            cron.next_after(*zone, last.max(now.minus(*window)))
        }
    };
    due.map_or(NEVER, |due| due.plus(share(jitter_draw, policy.jitter())))
}

/// Whether a rotation may start at `now`: always, unless the policy has a window and none is open.
#[must_use]
pub fn within_window(policy: &RotationPolicy, now: Timestamp) -> bool {
    match policy.cadence() {
        Cadence::Period(_) | Cadence::Schedule { window: None, .. } => true,
        Cadence::Schedule { .. } => window_end(policy, now).is_some(),
    }
}

/// When the window that is open at `now` ends; the one that ends first when several overlap. `None` when
/// none is open, or the policy has no windows.
#[must_use]
pub fn window_end(policy: &RotationPolicy, now: Timestamp) -> Option<Timestamp> {
    let Cadence::Schedule { cron, zone, window: Some(window) } = policy.cadence() else { return None };
    let opened = cron.next_after(*zone, now.minus(*window))?;
    (opened <= now).then(|| opened.plus(*window))
}

/// The part of `most` that 64 random bits choose, from zero to all of it, in milliseconds.
pub(crate) fn share(draw: u64, most: Duration) -> Duration {
    let choices = most.as_millis().saturating_add(1);
    // The bias of scaling is below choices / 2^64, which no schedule shows.
    let millis = u128::from(draw).saturating_mul(choices) >> 64;
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
