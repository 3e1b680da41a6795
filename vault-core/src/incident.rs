//! Incidents: one account's failure from first evidence until verified healthy, measured honestly.
//!
//! The record is append-only events and the marks t0–t8 that follow from them. Retries are attempts
//! inside one incident; a failure soon after closing reopens it. It closes by verification only.

pub mod ledger;
pub mod report;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::IncidentId;
use crate::rotation::fault::FaultClass;
use crate::rotation::run::Step;

/// Whether an incident is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentState {
    /// Not verified healthy yet.
    Open,
    /// Verified healthy, or withdrawn with its subject.
    Closed,
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

/// A line of an incident's time line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentEvent {
    /// When.
    pub at: Timestamp,
    /// What, as a stable word.
    pub kind: IncidentEventKind,
    /// Who; `None` is the vault itself.
    pub by: Option<String>,
    /// A sentence that is safe to show.
    pub text: String,
}

/// What happened in an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentEventKind {
    /// It was opened.
    Opened,
    /// It failed again soon after it was closed.
    Reopened,
    /// An attempt failed.
    Failed,
    /// It waits for a person.
    Parked,
    /// Somebody takes it.
    Acknowledged,
    /// It has an owner.
    Assigned,
    /// A remark.
    Note,
    /// Consumers can log in again.
    Mitigated,
    /// Verified healthy.
    Remediated,
    /// Its subject is no longer managed.
    Withdrawn,
}

/// The record of one incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Its id.
    pub id: IncidentId,
    /// Whose credential, as [`crate::account::Subject::key`].
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
    /// Failures so far.
    pub failures: u32,
    /// Times it was reopened.
    pub reopened: u32,
    /// When the vault tries again by itself.
    pub next_attempt: Option<Timestamp>,
    /// Who owns it.
    pub owner: Option<String>,
    /// The time line, oldest first; at most [`EVENTS_MAX`], the middle is thinned then.
    pub events: Vec<IncidentEvent>,
    /// Events that were thinned out.
    pub events_dropped: u32,
}

/// Most events kept in one incident's record. The first half is kept for ever, the second is the newest.
pub const EVENTS_MAX: usize = 200;
