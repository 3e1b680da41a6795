//! The circuit breaker of a target: while nothing answers there, the clock begins nothing on it.
//!
//! ```text
//!   Closed{failures} ── TRIP_AFTER failures without an answer ──► Open{until} ── until is over ──► HalfOpen
//!      ▲                                                            ▲                                │
//!      ├──────────────── any answer, whoever asked ─────────────────┼────────────────────────────────┤
//!      │                                                            └── the probe's failure: longer ─┘
//! ```
//!
//! Only failures of which it is known that no answer came trip it. Whatever the target *said*, a refused login too, is
//! an answer, and closes it. What persons ask for goes to the target in every state; an answer to it closes the circuit as one
//! to the probe does, and that there was none is counted, and ends nobody's probe.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::rotation::event::Event;
use crate::rotation::fault::{Fault, FaultClass};
use crate::schedule::backoff;

/// Whether the clock may begin something on a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Circuit {
    /// It may.
    Closed {
        /// Failures without an answer since the last answer; fewer than [`TRIP_AFTER`].
        failures: u32,
    },
    /// It may not, before `until`.
    Open {
        /// Since when, and how often it was tried.
        outage: Broken,
        /// When one account is let through.
        until: Timestamp,
    },
    /// One account is let through, and what comes of that decides.
    HalfOpen {
        /// Since when it is broken, and how often it was tried.
        outage: Broken,
        /// Since when that one is under way.
        since: Timestamp,
    },
}

/// What is known of a target that does not answer. It is stored, so that a restart neither forgets it nor begins anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Broken {
    /// When the circuit was opened.
    pub since: Timestamp,
    /// Calls without an answer, those before it was opened included.
    pub failures: u32,
    /// Times that one account was let through.
    pub probes: u32,
    /// How the last call failed.
    pub class: FaultClass,
}

/// What a call told of its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// It answered.
    Reached,
    /// No answer came.
    Silent(FaultClass),
}

/// Whose call it was that told something of its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// The one that was let through to find out.
    Probe,
    /// Anybody else: a person, or who was on the way already.
    Other,
}

/// What changed, where that is worth telling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Turn {
    /// It was opened.
    Opened(Broken),
    /// One account was let through and got no answer either.
    Failed(Broken),
    /// It was closed.
    Closed(Broken),
}

/// What the clock may do for one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Go on.
    Go,
    /// Go on as the one that finds out.
    Probe,
    /// Wait; at this time somebody finds out.
    Wait(Timestamp),
}

impl Circuit {
    /// Before anything is known.
    pub const FRESH: Self = Self::Closed { failures: 0 };

    /// As it stands after a restart: whoever was let through is forgotten.
    #[must_use]
    pub const fn stored(outage: Broken, until: Timestamp) -> Self {
        Self::Open { outage, until }
    }

    /// Takes in what a call told. `draw` is 64 random bits.
    #[must_use]
    pub fn heard(
        self,
        evidence: Evidence,
        caller: Caller,
        now: Timestamp,
        draw: u64,
    ) -> (Self, Option<Turn>) {
        match (self, evidence) {
            (Self::Closed { .. }, Evidence::Reached) => (Self::FRESH, None),
            (Self::Open { outage, .. } | Self::HalfOpen { outage, .. }, Evidence::Reached) => {
                (Self::FRESH, Some(Turn::Closed(outage)))
            }
            (Self::Closed { failures }, Evidence::Silent(class)) => {
                let failures = failures.saturating_add(1);
                if failures < TRIP_AFTER {
                    return (Self::Closed { failures }, None);
                }
                let outage = Broken { since: now, failures, probes: 0, class };
                (Self::Open { outage, until: now.plus(pause(0, draw)) }, Some(Turn::Opened(outage)))
            }
            // Somebody who was on the way, or a person: it is known already, and the next probe stays where it is.
            (Self::Open { outage, until }, Evidence::Silent(class)) => {
                (Self::Open { outage: outage.failed(class), until }, None)
            }
            // Whoever was let through is still asking.
            (Self::HalfOpen { outage, since }, Evidence::Silent(class)) if caller == Caller::Other => {
                (Self::HalfOpen { outage: outage.failed(class), since }, None)
            }
            (Self::HalfOpen { outage, .. }, Evidence::Silent(class)) => {
                let outage = outage.failed(class);
                let until = now.plus(pause(outage.probes, draw));
                (Self::Open { outage, until }, Some(Turn::Failed(outage)))
            }
        }
    }

    /// Asks whether the clock may begin something; who gets [`Admission::Probe`] is the one that finds out.
    #[must_use]
    pub fn ask(self, now: Timestamp) -> (Self, Admission) {
        match self {
            Self::Closed { .. } => (self, Admission::Go),
            // Nobody waits longer than the longest pause, also when the clock was stepped back meanwhile.
            Self::Open { until, .. } if now < until && until.since(now) <= PAUSE_CAP => {
                (self, Admission::Wait(until))
            }
            Self::HalfOpen { since, .. } if now >= since && now.since(since) < PROBE_MAX => {
                (self, Admission::Wait(since.plus(PROBE_MAX)))
            }
            Self::Open { outage, .. } | Self::HalfOpen { outage, .. } => {
                let outage = Broken { probes: outage.probes.saturating_add(1), ..outage };
                (Self::HalfOpen { outage, since: now }, Admission::Probe)
            }
        }
    }

    /// Who was to find out had nothing to ask: the next one may, at once.
    #[must_use]
    pub const fn unasked(self) -> Self {
        match self {
            Self::HalfOpen { outage, since } => {
                let probes = outage.probes.saturating_sub(1);
                Self::Open { outage: Broken { probes, ..outage }, until: since }
            }
            other => other,
        }
    }

    /// What the probe asked told nothing of the target: another one may find out, after a pause.
    #[must_use]
    pub fn unheard(self, now: Timestamp) -> Self {
        match self {
            Self::HalfOpen { outage, .. } => {
                let probes = outage.probes.saturating_sub(1);
                Self::Open { outage: Broken { probes, ..outage }, until: now.plus(PAUSE_BASE) }
            }
            other => other,
        }
    }

    /// Somebody mended something: whoever is to find out may do so at once.
    #[must_use]
    pub const fn hastened(self, now: Timestamp) -> Self {
        match self {
            Self::Open { outage, .. } => Self::Open { outage, until: now },
            other => other,
        }
    }

    /// Until when it keeps what the clock asks for; `None` while it is closed.
    #[must_use]
    pub fn shut_until(&self) -> Option<Timestamp> {
        match self {
            Self::Closed { .. } => None,
            Self::Open { until, .. } => Some(*until),
            Self::HalfOpen { since, .. } => Some(since.plus(PROBE_MAX)),
        }
    }

    /// What is known of the outage; `None` while it is closed.
    #[must_use]
    pub const fn outage(&self) -> Option<&Broken> {
        match self {
            Self::Closed { .. } => None,
            Self::Open { outage, .. } | Self::HalfOpen { outage, .. } => Some(outage),
        }
    }

    /// Its stable word.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Closed { .. } => STATES[0],
            Self::Open { .. } => STATES[1],
            Self::HalfOpen { .. } => STATES[2],
        }
    }
}

impl Broken {
    fn failed(self, class: FaultClass) -> Self {
        Self { failures: self.failures.saturating_add(1), class, ..self }
    }
}

impl Evidence {
    /// What an effect's answer tells of the target; `None`: nothing that is known.
    #[must_use]
    pub fn of(event: &Event) -> Option<Self> {
        event.fault().map_or(Some(Self::Reached), Self::of_fault)
    }

    /// What a failure tells of the target. A failure of the vault itself, or of its settings, tells nothing; neither
    /// does a connection that was lost after the change was sent, for the target had answered until then.
    #[must_use]
    pub const fn of_fault(fault: &Fault) -> Option<Self> {
        match fault.class {
            FaultClass::Unreachable
            | FaultClass::Tls
            | FaultClass::PluginTimeout
            | FaultClass::PluginFailed => Some(Self::Silent(fault.class)),
            FaultClass::Preflight
            | FaultClass::StoreFailed
            | FaultClass::Ambiguous
            | FaultClass::ConsumerLag
            | FaultClass::Overdue => None,
            FaultClass::ManagementAuthRefused
            | FaultClass::PermissionDenied
            | FaultClass::PolicyRejected
            | FaultClass::AccountMissing
            | FaultClass::AccountLocked
            | FaultClass::VerifyRefused
            | FaultClass::RightsLost
            | FaultClass::OldStillValid
            | FaultClass::Drift => Some(Self::Reached),
        }
    }
}

fn pause(probes: u32, draw: u64) -> Duration {
    backoff(probes.saturating_add(1), PAUSE_BASE, PAUSE_CAP, draw)
}

/// The words of the states, in the order of how bad they are.
pub const STATES: [&str; 3] = ["closed", "open", "half_open"];
/// Failures without an answer, one after the other, by which a circuit is opened. A single lost connection opens none,
/// and one account that is tried alone opens it within about a minute.
pub const TRIP_AFTER: u32 = 5;
/// The wait before the first account is let through; it doubles with each that fails.
pub const PAUSE_BASE: Duration = Duration::from_secs(10);
/// The longest wait before the next one is let through.
pub const PAUSE_CAP: Duration = Duration::from_secs(300);
/// How long the one that was let through is waited for: a place at the target, and an answer.
pub const PROBE_MAX: Duration = Duration::from_secs(120);

#[cfg(test)]
mod tests;
