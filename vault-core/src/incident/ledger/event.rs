//! What the ledger is told.

use serde::{Deserialize, Serialize};

use super::super::entry::Cause;
use super::super::merge::Turn as MergedTurn;
use crate::clock::Timestamp;
use crate::id::IncidentId;
use crate::rotation::fault::{FaultClass, Scope};
use crate::rotation::run::Step;
use crate::target::breaker::Turn;

/// A failure, as the ledger is told of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultReport {
    /// The incident it belongs to; new when no record has this id.
    pub incident: IncidentId,
    /// Whether that incident was closed and is open again.
    pub reopened: bool,
    /// When it was seen.
    pub at: Timestamp,
    /// Whose credential.
    pub subject: String,
    /// The target.
    pub target: String,
    /// Its class.
    pub class: FaultClass,
    /// The step that failed.
    pub phase: Option<Step>,
    /// A sentence that is safe to show.
    pub detail: String,
    /// When the rotation was due.
    pub due_at: Timestamp,
    /// When its first attempt began.
    pub started_at: Timestamp,
    /// Attempts so far.
    pub attempts: u32,
    /// Whether something of the incident waits for a person as before, whatever comes of this.
    #[serde(default)]
    pub stays_parked: bool,
    /// Whose incident it is: the account's, or its target's, in which the account is a member.
    #[serde(default)]
    pub scope: Scope,
    /// The target's incident that the account was in until now.
    #[serde(default)]
    pub moved_from: Option<IncidentId>,
}

/// What the ledger is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LedgerEvent {
    /// Something failed: opens, reopens or continues an incident.
    Fault(FaultReport),
    /// When the vault tries again.
    NextAttempt {
        /// Which incident.
        incident: IncidentId,
        /// When; `None`: not by itself.
        at: Option<Timestamp>,
    },
    /// It waits for a person.
    Parked {
        /// Which incident.
        incident: IncidentId,
        /// When.
        at: Timestamp,
    },
    /// Consumers can log in again.
    Mitigated {
        /// Which incident.
        incident: IncidentId,
        /// When.
        at: Timestamp,
    },
    /// Verified healthy.
    Remediated {
        /// Which incident.
        incident: IncidentId,
        /// When.
        at: Timestamp,
    },
    /// The account fails in a way of its own: it is no longer part of its target's incident.
    Moved {
        /// The target's incident.
        incident: IncidentId,
        /// When.
        at: Timestamp,
        /// Its own.
        to: IncidentId,
    },
    /// The vault sets a fresh credential by itself, because the target's settings say so.
    Reconciled {
        /// Which incident.
        incident: IncidentId,
        /// When.
        at: Timestamp,
    },
    /// The lockout guard holds a login back: refused, it could lock the account on its target.
    LockoutGuard {
        /// Which incident.
        incident: IncidentId,
        /// When.
        at: Timestamp,
        /// Until when, and why.
        text: String,
    },
    /// The circuit of the target has turned.
    Circuit {
        /// The target's incident.
        incident: IncidentId,
        /// When.
        at: Timestamp,
        /// How.
        turn: Turn,
    },
    /// What it is about is no longer managed, so it will never be verified.
    Withdrawn {
        /// Which incident.
        incident: IncidentId,
        /// When.
        at: Timestamp,
        /// Who ended the management.
        by: String,
    },
    /// A receiver has taken a message that tells of it.
    Notified {
        /// Which incident.
        incident: IncidentId,
        /// When.
        at: Timestamp,
        /// The name of the webhook.
        receiver: String,
        /// How often the incident had been reopened when the message was made.
        opening: u32,
    },
    /// Receivers are told that nobody has taken it.
    Escalated {
        /// Which incident.
        incident: IncidentId,
        /// When.
        at: Timestamp,
        /// The names of their webhooks.
        receivers: Vec<String>,
    },
    /// Somebody takes it.
    Acknowledged {
        /// Which incident.
        incident: IncidentId,
        /// When.
        at: Timestamp,
        /// Who.
        by: String,
    },
    /// It has an owner.
    Assigned {
        /// Which incident.
        incident: IncidentId,
        /// When.
        at: Timestamp,
        /// Who said so.
        by: String,
        /// The owner.
        owner: String,
    },
    /// A remark.
    Note {
        /// Which incident.
        incident: IncidentId,
        /// When.
        at: Timestamp,
        /// Who.
        by: String,
        /// The remark.
        text: String,
        /// Minutes that somebody has spent on it.
        staff_minutes: u32,
    },
    /// Somebody says that it has the cause of another.
    Merged {
        /// Which incident.
        incident: IncidentId,
        /// When.
        at: Timestamp,
        /// Who.
        by: String,
        /// The other.
        into: IncidentId,
    },
    /// Somebody says that it has not.
    Unmerged {
        /// Which incident.
        incident: IncidentId,
        /// When.
        at: Timestamp,
        /// Who.
        by: String,
    },
    /// Something happened to one that is merged into it.
    Beneath {
        /// The survivor.
        incident: IncidentId,
        /// When.
        at: Timestamp,
        /// Who, where it was a person.
        by: Option<String>,
        /// The one beneath it.
        of: IncidentId,
        /// What.
        turn: MergedTurn,
    },
    /// What people found afterwards.
    Reviewed {
        /// Which incident.
        incident: IncidentId,
        /// When.
        at: Timestamp,
        /// Who.
        by: String,
        /// The kind of cause.
        cause: Cause,
        /// In words.
        text: String,
        /// Minutes that somebody has spent on it, beside those that notes tell of.
        staff_minutes: u32,
    },
}

impl LedgerEvent {
    /// The incident that the event is about.
    #[must_use]
    pub fn incident(&self) -> IncidentId {
        match self {
            Self::Fault(report) => report.incident,
            Self::NextAttempt { incident, .. }
            | Self::Parked { incident, .. }
            | Self::Mitigated { incident, .. }
            | Self::Remediated { incident, .. }
            | Self::Moved { incident, .. }
            | Self::Circuit { incident, .. }
            | Self::Reconciled { incident, .. }
            | Self::LockoutGuard { incident, .. }
            | Self::Withdrawn { incident, .. }
            | Self::Notified { incident, .. }
            | Self::Escalated { incident, .. }
            | Self::Acknowledged { incident, .. }
            | Self::Assigned { incident, .. }
            | Self::Note { incident, .. }
            | Self::Merged { incident, .. }
            | Self::Unmerged { incident, .. }
            | Self::Beneath { incident, .. }
            | Self::Reviewed { incident, .. } => *incident,
        }
    }
}
