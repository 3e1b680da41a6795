//! The time line of an incident: lines that are only ever added, and the marks that follow from them.

mod cause;

use std::fmt::Write as _;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::cause::Cause;

use super::Marks;
use super::group::Why;
use super::merge::{Told, waiting};
use crate::account::Subject;
use crate::clock::Timestamp;
use crate::id::IncidentId;
use crate::rotation::fault::FaultClass;
use crate::rotation::run::Step;

/// A line of an incident's time line. It is written once, in the commit of what it tells of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its place, from 0 on.
    pub seq: u64,
    /// When, by the incident's own time, which never goes back.
    pub at: Timestamp,
    /// What the clock showed, where that differs: it was stepped back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wall: Option<Timestamp>,
    /// Who; `None` is the vault itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// What.
    pub what: What,
}

/// A failed attempt, or evidence outside any.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Its class.
    pub class: FaultClass,
    /// The step that failed; `None` for a failure outside any rotation.
    pub phase: Option<Step>,
    /// A sentence that is safe to show.
    pub detail: String,
    /// The attempts of its rotation so far.
    pub attempt: u32,
}

/// What happened in an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// It was opened.
    Opened {
        /// When the rotation was due.
        due_at: Timestamp,
        /// When its first attempt began.
        started_at: Timestamp,
        /// When it failed first.
        fault_at: Timestamp,
        /// How.
        failure: Failure,
    },
    /// It failed again soon after it was closed.
    Reopened {
        /// How.
        failure: Failure,
        /// Failures like the one told last, before it was closed, which have no line of their own.
        #[serde(default)]
        repeats: u32,
    },
    /// An attempt failed.
    Failed {
        /// How.
        failure: Failure,
        /// Failures like the one told last, since then, which have no line of their own.
        repeats: u32,
    },
    /// An account fails for the same reason.
    Joined {
        /// Whose credential, as [`crate::account::Subject::key`].
        subject: String,
        /// How.
        failure: Failure,
    },
    /// An account is no longer part of it.
    Left {
        /// Whose credential.
        subject: String,
        /// Why.
        why: Why,
    },
    /// The accounts beneath it fail in another way now.
    ClassChanged {
        /// How.
        failure: Failure,
    },
    /// No account is beneath it any more, and none left it by proof.
    Dissolved,
    /// Nothing answers there: the clock begins nothing on the target before something does.
    CircuitOpened {
        /// How the last call failed.
        class: FaultClass,
        /// Calls without an answer, one after the other.
        failures: u32,
    },
    /// One account was let through to the target for the first time, and got no answer either. Those that follow have no
    /// line; the one that tells of the answer counts them.
    CircuitTried {
        /// How it failed.
        class: FaultClass,
    },
    /// The target has answered: those that waited for it go on.
    CircuitClosed {
        /// Accounts that were let through to find out.
        probes: u32,
        /// Calls without an answer, from before it was opened on.
        failures: u32,
    },
    /// The vault sets a fresh credential by itself, because the target's settings say so.
    Reconciled,
    /// The lockout guard holds a login back: refused, it could lock the account on its target.
    LockoutGuardHeld {
        /// Until when, and why.
        text: String,
    },
    /// It waits for a person.
    Parked,
    /// A receiver has taken a message that tells of it.
    Notified {
        /// The name of the webhook.
        receiver: String,
    },
    /// Receivers are told that nobody has taken it.
    Escalated {
        /// The names of their webhooks.
        receivers: Vec<String>,
    },
    /// Somebody takes it.
    Acknowledged,
    /// It has an owner.
    Assigned {
        /// Who.
        owner: String,
    },
    /// A remark.
    Note {
        /// The remark.
        text: String,
        /// Minutes that somebody has spent on it.
        #[serde(default)]
        staff_minutes: u32,
    },
    /// Consumers can log in again.
    Mitigated,
    /// Verified healthy.
    Remediated,
    /// Its subject is no longer managed.
    Withdrawn,
    /// It has the cause of another, beneath which it is shown from now on.
    Merged {
        /// The other.
        into: IncidentId,
    },
    /// It stands for itself again.
    Unmerged {
        /// The one that it was beneath.
        from: IncidentId,
    },
    /// Something happened to one that is merged into it.
    Beneath {
        /// Which.
        incident: IncidentId,
        /// What.
        told: Told,
    },
    /// Its own part is over, and it waits for those that are merged into it.
    Waiting {
        /// By a verification; else its subject is no longer managed.
        proven: bool,
        /// How many of those are open.
        open: u32,
    },
    /// Why it happened, as people found afterwards.
    Reviewed {
        /// The kind of cause.
        cause: Cause,
        /// In words.
        text: String,
        /// Minutes that somebody has spent on it, beside those that notes tell of.
        staff_minutes: u32,
    },
}

impl Entry {
    /// The failure that it tells of.
    #[must_use]
    pub const fn failure(&self) -> Option<&Failure> {
        match &self.what {
            What::Opened { failure, .. }
            | What::Reopened { failure, .. }
            | What::Failed { failure, .. }
            | What::Joined { failure, .. }
            | What::ClassChanged { failure } => Some(failure),
            _ => None,
        }
    }

    /// Failures that it stands for beside its own.
    #[must_use]
    pub const fn repeats(&self) -> u32 {
        match self.what {
            What::Failed { repeats, .. } | What::Reopened { repeats, .. } => repeats,
            _ => 0,
        }
    }

    /// Minutes of work that it tells of.
    #[must_use]
    pub const fn staff_minutes(&self) -> u32 {
        match self.what {
            What::Note { staff_minutes, .. } | What::Reviewed { staff_minutes, .. } => staff_minutes,
            _ => 0,
        }
    }

    /// What happened, as a stable word.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self.what {
            What::Opened { .. } => "opened",
            What::Reopened { .. } => "reopened",
            What::Failed { .. } => "failed",
            What::Joined { .. } => "joined",
            What::Left { why: Why::Moved(_), .. } => "moved",
            What::Left { .. } => "left",
            What::ClassChanged { .. } => "class_changed",
            What::Dissolved => "dissolved",
            What::CircuitOpened { .. } => "circuit_opened",
            What::CircuitTried { .. } => "circuit_tried",
            What::CircuitClosed { .. } => "circuit_closed",
            What::Reconciled => "reconciled_by_policy",
            What::LockoutGuardHeld { .. } => "lockout_guard_held",
            What::Parked => "parked",
            What::Notified { .. } => "notified",
            What::Escalated { .. } => "escalated",
            What::Acknowledged => "acknowledged",
            What::Assigned { .. } => "assigned",
            What::Note { .. } => "note",
            What::Mitigated => "mitigated",
            What::Remediated => "remediated",
            What::Withdrawn => "withdrawn",
            What::Merged { .. } => "merged",
            What::Unmerged { .. } => "unmerged",
            What::Beneath { told, .. } => told.word(),
            What::Waiting { proven: true, .. } => "own_proven",
            What::Waiting { proven: false, .. } => "own_withdrawn",
            What::Reviewed { .. } => "reviewed",
        }
    }

    /// What happened, in a sentence that is safe to show.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = match &self.what {
            What::Opened { failure, .. } | What::Reopened { failure, .. } | What::Failed { failure, .. } => {
                format!("{}: {}", failure.class, failure.detail)
            }
            What::Joined { subject, failure } => {
                format!("{}: {}: {}", named(subject), failure.class, failure.detail)
            }
            What::Left { subject, why } => format!("{}: {why}", named(subject)),
            What::ClassChanged { failure } => format!("now {}: {}", failure.class, failure.detail),
            What::Dissolved => "no account is beneath it any more".to_owned(),
            What::CircuitOpened { class, failures } => {
                format!(
                    "{class}: {failures} calls without an answer; the clock begins nothing until one is answered"
                )
            }
            What::CircuitTried { class } => {
                format!(
                    "{class}: one account was let through and got no answer; others follow, each after a longer wait"
                )
            }
            What::CircuitClosed { probes, failures } => {
                format!(
                    "the target answers, after {failures} calls without an answer, {probes} of them let through to find out; those that waited go on"
                )
            }
            What::Reconciled => {
                "reconciled by policy: a fresh password is set by the management credential".to_owned()
            }
            What::LockoutGuardHeld { text } => text.clone(),
            What::Parked => "waits for a person".to_owned(),
            What::Notified { receiver } => format!("webhook {receiver} has taken the message"),
            What::Escalated { receivers } => {
                format!("nobody has taken it: told to {}", receivers.join(", "))
            }
            What::Acknowledged => "acknowledged".to_owned(),
            What::Assigned { owner } => format!("owner is {owner}"),
            What::Note { text, .. } => text.clone(),
            What::Mitigated => "consumers can log in again".to_owned(),
            What::Remediated => "verified healthy".to_owned(),
            What::Withdrawn => "no longer managed".to_owned(),
            What::Merged { into } => format!("has the cause of incident {into}, and is merged into it"),
            What::Unmerged { from } => format!("is not merged into incident {from} any more"),
            What::Beneath { incident, told } => format!("incident {incident} {told}"),
            What::Waiting { proven, open } => waiting(*proven, *open),
            What::Reviewed { cause, text, .. } => format!("{}: {text}", cause.word()),
        };
        if self.repeats() > 0 {
            // Writing to a string does not fail.
            let _ = write!(text, " (before it, the failure told last came {} times more)", self.repeats());
        }
        text
    }
}

/// A subject as people know it.
fn named(subject: &str) -> String {
    Subject::from_key(subject).map_or_else(|| subject.to_owned(), |subject| subject.to_string())
}

/// The marks that follow from a time line. Its order is that of the places, whatever the times say.
#[must_use]
pub fn marks<'a>(entries: impl Iterator<Item = &'a Entry>) -> Marks {
    let folded = entries.fold((Marks::default(), None), |(mut marks, own), entry| {
        let own = if matches!(entry.what, What::Merged { .. }) { marks.t5 } else { own };
        marks.t5 = if matches!(entry.what, What::Unmerged { .. }) { own } else { marks.t5 };
        marks.fold(entry);
        (marks, own)
    });
    folded.0
}

impl Marks {
    /// Takes in the next line.
    pub(super) fn fold(&mut self, entry: &Entry) {
        let at = entry.at;
        match &entry.what {
            What::Opened { due_at, started_at, fault_at, .. } => {
                // By a clock that was stepped back since, nothing is later than that it was seen.
                self.t0 = Some((*due_at).min(at));
                self.t1 = Some((*started_at).min(at));
                self.t2 = Some((*fault_at).min(at));
                self.t3 = Some(at);
            }
            What::Reopened { .. } => {
                // It never was remediated, as it turns out: the clock runs on from the first detection.
                self.t6 = None;
                self.t7 = None;
                self.t8 = None;
            }
            // Its consumers are hurt as well.
            What::Joined { .. } => self.t6 = None,
            What::Notified { .. } => {
                self.t4.get_or_insert(at);
            }
            What::Acknowledged => {
                self.t5.get_or_insert(at);
            }
            What::Mitigated => {
                self.t6.get_or_insert(at);
            }
            What::Remediated => {
                self.t6.get_or_insert(at);
                self.t7 = Some(at);
            }
            What::Reviewed { .. } => self.t8 = Some(at),
            What::Waiting { proven: true, .. } => {
                self.t6.get_or_insert(at);
            }
            What::Waiting { proven: false, .. }
            | What::Merged { .. }
            | What::Unmerged { .. }
            | What::Beneath { .. }
            | What::Failed { .. }
            | What::Left { .. }
            | What::ClassChanged { .. }
            | What::Dissolved
            | What::CircuitOpened { .. }
            | What::CircuitTried { .. }
            | What::CircuitClosed { .. }
            | What::Reconciled
            | What::LockoutGuardHeld { .. }
            | What::Parked
            | What::Escalated { .. }
            | What::Assigned { .. }
            | What::Note { .. }
            | What::Withdrawn => {}
        }
    }
}

/// From here on, failures that are like the one before share a line for [`ALIKE_FOR`].
pub(super) const WHOLE_LINES: u64 = 500;
/// How long failures that are alike share a line, once there are very many.
pub(super) const ALIKE_FOR: Duration = Duration::from_secs(60 * 60);
