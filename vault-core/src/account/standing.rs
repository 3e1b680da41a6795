//! How an account stands to its rotation policy: how old its credential is, and whether it is due.

use std::time::Duration;

use super::Account;
use crate::clock::Timestamp;
use crate::rotation::run::{Stage, Step};
use crate::schedule::{Cadence, RotationPolicy};

/// What a moment's look at an account shows. Pure: nothing is asked of the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// How old the credential is that readers get; `None` when there is none yet.
    pub age: Option<Duration>,
    /// How long its policy lets a credential live: the period, or the time between the next two occurrences of the
    /// schedule. `None` without a policy, or when there are no two.
    pub period: Option<Duration>,
    /// Whether the vault has never changed it: what there is was brought by a person, or nothing is there.
    pub never_rotated: bool,
    /// When it should be rotated, or should have been: of a rotation that is under way and has not promoted, when that was
    /// due.
    pub due_at: Option<Timestamp>,
    /// Until when a maintenance of its target holds what is due.
    pub held_until: Option<Timestamp>,
    /// How long it has been due without having been rotated; what was held, since that is over.
    pub overdue: Option<Duration>,
    /// Whether its rotation waits for a person.
    pub is_parked: bool,
}

impl Standing {
    /// How `account` stands at `now` under `policy`.
    #[must_use]
    pub fn of(account: &Account, policy: Option<&RotationPolicy>, now: Timestamp) -> Self {
        let due_at = match (account.stage.run(), account.stage.step()) {
            (Some(run), Some(step)) if step != Step::Retire => Some(run.due_at),
            _ => account.next_rotation,
        };
        let is_parked = matches!(account.stage, Stage::Parked { .. });
        let held = account.held().filter(|_| !account.stage.is_active() && !is_parked);
        // Held until later than now, it waits since later than now: it is not overdue.
        let waits_since = due_at.map(|due| held.map_or(due, |held| due.max(held)));
        Self {
            age: account.versions.current.map(|current| now.since(current.created_at)),
            period: policy.and_then(|policy| period(policy, now)),
            never_rotated: account.last_rotation.is_none(),
            due_at,
            held_until: held.filter(|held| *held > now && due_at.is_some_and(|due| due <= now)),
            overdue: waits_since.filter(|since| *since <= now).map(|since| now.since(since)),
            is_parked,
        }
    }

    /// The age by the period, in millionths: above 1 000 000 the credential is older than its policy says.
    #[must_use]
    pub fn ratio(&self) -> Option<u64> {
        let (age, period) = (self.age?.as_millis(), self.period?.as_millis());
        u64::try_from((age * 1_000_000).checked_div(period)?).ok()
    }
}

/// How many credentials are how old by their policies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AgeCounts {
    /// All accounts.
    pub accounts: u64,
    /// Those whose age is measured against nothing.
    pub without_policy: u64,
    /// Those without a credential yet.
    pub without_credential: u64,
    /// Those whose credential the vault has never changed.
    pub never_rotated: u64,
    /// Of those with an age and a period, how many from each of [`AGE_BOUNDS`] on up to the next.
    pub buckets: [u64; AGE_BOUNDS.len()],
}

impl AgeCounts {
    /// Counts an account.
    pub fn add(&mut self, standing: &Standing) {
        self.accounts += 1;
        self.without_policy += u64::from(standing.period.is_none());
        self.without_credential += u64::from(standing.age.is_none());
        self.never_rotated += u64::from(standing.never_rotated);
        let Some(ratio) = standing.ratio() else { return };
        let bucket = AGE_BOUNDS.iter().rposition(|bound| *bound <= ratio);
        if let Some(count) = bucket.and_then(|index| self.buckets.get_mut(index)) {
            *count += 1;
        }
    }
}

/// Where the buckets of ages begin, in millionths of the period.
pub const AGE_BOUNDS: [u64; 7] = [0, 250_000, 500_000, 750_000, 1_000_000, 1_250_000, 2_000_000];

fn period(policy: &RotationPolicy, now: Timestamp) -> Option<Duration> {
    match policy.cadence() {
        Cadence::Period(period) => Some(*period),
        Cadence::Schedule { cron, zone, .. } => {
            let next = cron.next_after(*zone, now)?;
            Some(cron.next_after(*zone, next)?.since(next))
        }
    }
}

#[cfg(test)]
mod tests;
