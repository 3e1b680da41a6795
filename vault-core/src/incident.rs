//! Incidents: one account's failure from first evidence until verified healthy, measured honestly.
//!
//! Its time line is lines that are only ever added ([`entry`]); the marks t0–t8 follow from them, and the record keeps
//! them at hand. Retries are attempts inside one incident; a failure soon after closing reopens it. It closes by
//! verification only. Its time never goes back: a clock that is stepped back stands still here, and that is told.

pub mod act;
pub mod budget;
pub mod entry;
pub mod exposure;
pub mod group;
pub mod ledger;
pub mod measure;
pub mod merge;
pub mod remedy;
pub mod report;
pub mod severity;
pub mod view;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::act::Acted;
use self::entry::Cause;
use self::merge::Merges;
use self::severity::Severity;
use crate::clock::Timestamp;
use crate::id::IncidentId;
use crate::rotation::fault::FaultClass;
use crate::rotation::run::Step;
use crate::team::Team;

/// Whether an incident is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentState {
    /// Not verified healthy yet.
    Open,
    /// Verified healthy, or withdrawn with its subject.
    Closed,
}

/// What an incident is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// One credential; or the dynamic leases of a target.
    #[default]
    Account,
    /// A target, with the accounts that fail because of it beneath it ([`group`]).
    Target,
}

impl Kind {
    /// Its stable word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Target => "target",
        }
    }
}

/// The clock of an incident. All absent marks are events that have not happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Marks {
    /// Due: when the rotation should have begun.
    pub t0: Option<Timestamp>,
    /// Started: attempt 1 began.
    pub t1: Option<Timestamp>,
    /// Fault: the first definite failure or evidence.
    pub t2: Option<Timestamp>,
    /// Detected: the incident was opened.
    pub t3: Option<Timestamp>,
    /// Notified: somebody's pager had it.
    pub t4: Option<Timestamp>,
    /// Acknowledged.
    pub t5: Option<Timestamp>,
    /// Mitigated: consumers can log in again.
    pub t6: Option<Timestamp>,
    /// Remediated: verified healthy.
    pub t7: Option<Timestamp>,
    /// Reviewed.
    pub t8: Option<Timestamp>,
}

/// A line of a time line as records before version 2 hold it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EarlierEvent {
    /// When.
    pub at: Timestamp,
    /// What, as a stable word.
    pub kind: String,
    /// Who; `None` is the vault itself.
    pub by: Option<String>,
    /// A sentence that is safe to show.
    pub text: String,
}

/// What people found afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// Who says so.
    pub by: String,
    /// The kind of cause.
    pub cause: Cause,
    /// In words.
    pub text: String,
    /// The minutes of work that it told of.
    #[serde(default)]
    pub staff_minutes: u32,
}

/// The record of one incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Its id.
    pub id: IncidentId,
    /// What it is about.
    #[serde(default)]
    pub kind: Kind,
    /// Whose credential, as [`crate::account::Subject::key`]; other text where it is not about one.
    pub subject: String,
    /// The target.
    pub target: String,
    /// The class of the last failure.
    pub class: FaultClass,
    /// The step that failed last; `None` for a failure outside any rotation.
    pub phase: Option<Step>,
    /// The last failure in a sentence.
    pub detail: String,
    /// Open or closed.
    pub state: IncidentState,
    /// Whether it waits for a person.
    pub parked: bool,
    /// The clock.
    pub marks: Marks,
    /// Failures so far; of a target's incident those of members that have left.
    pub failures: u32,
    /// Times it was reopened.
    pub reopened: u32,
    /// When the vault tries again by itself.
    pub next_attempt: Option<Timestamp>,
    /// Who owns it.
    pub owner: Option<String>,
    /// The first lines of a time line that was begun before version 2, oldest first.
    pub events: Vec<EarlierEvent>,
    /// Lines of those that were thinned out.
    pub events_dropped: u32,
    /// Lines that were written: the place of the next one.
    #[serde(default)]
    pub lines: u64,
    /// When the last line was written, by the incident's own time.
    #[serde(default)]
    pub last_at: Timestamp,
    /// When the last failure got a line.
    #[serde(default)]
    pub failed_at: Timestamp,
    /// Failures since then that were alike, and got none.
    #[serde(default)]
    pub alike: u32,
    /// Whether somebody has taken it since it was opened last.
    #[serde(default)]
    pub taken: bool,
    /// The most by which the clock was stepped back meanwhile: durations of this incident are no observations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stepped_back: Option<Duration>,
    /// Minutes that people have spent on it.
    #[serde(default)]
    pub staff_minutes: u32,
    /// What people found afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<Review>,
    /// The target's incident that the account was in before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_from: Option<IncidentId>,
    /// Of a target's incident: the accounts beneath it.
    #[serde(default)]
    pub members: Members,
    /// Whether somebody was notified since it was opened last.
    #[serde(default)]
    pub notified: bool,
    /// How bad it was at its worst since it was opened last; as its class is where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worst: Option<Severity>,
    /// Since when it is open and nobody takes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Timestamp>,
    /// How it is merged with others that have the same cause.
    #[serde(default, skip_serializing_if = "Merges::is_none")]
    pub merged: Merges,
    /// What the vault did last by itself; read by [`last_act`](Self::last_act).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acted: Option<Acted>,
    /// Whose it was when it was opened for the first time, which stays: the account's team, or its target's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<Team>,
}

/// The accounts beneath a target's incident, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Members {
    /// Those that ever were.
    pub ever: u32,
    /// Those that are.
    pub now: u32,
    /// Of these, those whose consumers cannot be known to log in.
    pub hurt: u32,
    /// Whether one has left by proof since it was opened last.
    pub proven: bool,
}

impl Incident {
    /// How bad it was at its worst since it was opened last.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.worst.unwrap_or(self.class.severity())
    }

    /// Since when it is open and nobody takes it; `None` of one that somebody has taken, that is over, or that is merged into
    /// another, by which it is taken.
    #[must_use]
    pub fn waits_since(&self) -> Option<Timestamp> {
        self.waiting.or(self.marks.t3).filter(|_| self.waits())
    }

    const fn waits(&self) -> bool {
        matches!(self.state, IncidentState::Open) && !self.taken && self.merged.into.is_none()
    }

    /// What follows from a change of its class, of its state, and of who has taken it.
    pub(crate) fn follow(&mut self, at: Timestamp) {
        self.worst = Some(self.severity().max(self.class.severity()));
        self.waiting = self.waits().then(|| self.waiting.unwrap_or(at));
    }

    /// The incident's own time when the clock shows `wall`: it never goes back.
    pub(crate) fn admit(&mut self, wall: Timestamp) -> Timestamp {
        let earlier = self.events.last().map_or(Timestamp::EPOCH, |event| event.at);
        let last = self.last_at.max(earlier);
        let step = last.since(wall);
        // What is stamped when a request comes may be written a moment after what came later.
        if step >= STEP_MIN {
            self.stepped_back = Some(self.stepped_back.map_or(step, |most| most.max(step)));
        }
        self.last_at = last.max(wall);
        self.last_at
    }
}

/// A clock that goes back by less was not stepped.
const STEP_MIN: Duration = Duration::from_secs(1);
