//! What was decided: the new record, what goes with it in the same commit, and the one effect to run after.

use serde::{Deserialize, Serialize};

use super::Account;
use crate::clock::Timestamp;
use crate::id::{IncidentId, RotationId};
use crate::incident::group::Outage;
use crate::incident::ledger::LedgerEvent;
use crate::lease::Lease;
use crate::rotation::fault::{FaultClass, Scope};
use crate::team::Team;

/// Facts from outside that a decision needs. Drawn afresh for each decision.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    /// The present.
    pub now: Timestamp,
    /// When the account would be due next if it were rotated now.
    pub next_due: Option<Timestamp>,
    /// Whether the rotation policy lets a scheduled rotation begin now.
    pub window_open: bool,
    /// How many attempts a fault that a retry may not heal gets before parking.
    pub retries: u32,
    /// Shortest wait before a retry.
    pub retry_base: std::time::Duration,
    /// Longest wait before a retry.
    pub retry_cap: std::time::Duration,
    /// How long the previous version lives on where the target allows two; zero otherwise.
    pub grace: std::time::Duration,
    /// How long all known live consumers must have had the new version for the grace to end early.
    pub early_after: std::time::Duration,
    /// How long the previous version is held after the grace for consumers that lag; zero: not at all.
    pub hold: std::time::Duration,
    /// Whether the target keeps the old credential beside the new one.
    pub overlaps: bool,
    /// Whether the target makes the credentials.
    pub mints: bool,
    /// Randomness for jitter.
    pub draw: u64,
    /// The id a new rotation would get.
    pub rotation: RotationId,
    /// The id a new incident would get.
    pub incident: IncidentId,
    /// The incident that the account's target has, or had.
    pub group: Outage,
    /// When somebody is let through to the account's target, whose circuit is open; `None` while it is closed.
    pub circuit: Option<Timestamp>,
    /// How often it is looked whether the account's credential works; `None`: never.
    pub heartbeat: Option<std::time::Duration>,
    /// Whether a credential that was changed outside is replaced by itself.
    pub reconciles: bool,
}

/// One call on the target. Run only after the plan that asks for it is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Preflight: look whether the change can succeed.
    Prepare,
    /// Make the pending version the account's credential.
    Apply,
    /// Log in with the pending version and compare rights.
    Verify,
    /// Settle, then find out which stored version works.
    Probe,
    /// Put the current version back on the target.
    Revert,
    /// Retire the previous version and see it refused; after a lease also end the account's sessions.
    Retire {
        /// Whether open sessions are ended first.
        end_sessions: bool,
    },
    /// Log in with the current version: a check outside any rotation.
    Check,
    /// Log in with the previous version, because a person wants it served again.
    CheckPrevious {
        /// Whether something that was left on the target is ended first, so that the answer lasts.
        settle: bool,
    },
}

impl Effect {
    /// The step that it is part of, as it stands in metrics.
    #[must_use]
    pub const fn phase(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::Apply => "apply",
            Self::Verify => "verify",
            Self::Probe => "probe",
            Self::Revert => "revert",
            Self::Retire { .. } => "retire",
            Self::Check | Self::CheckPrevious { .. } => "check",
        }
    }
}

/// A change to the stored secrets, in the same commit as the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretChange {
    /// Make a candidate and store it as this version.
    Make {
        /// The version's number.
        version: u64,
        /// Whether the target's policy refused the one before, so that a stricter rule is due.
        stricter: bool,
    },
    /// Store the credential that the target has just made as this version.
    Keep(u64),
    /// Wipe this version.
    Drop(u64),
}

/// A line of an account's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// When.
    pub at: Timestamp,
    /// What happened, as a stable word such as `promoted`.
    pub kind: HistoryKind,
    /// The version it was about.
    pub version: Option<u64>,
    /// The rotation it belongs to.
    pub rotation: Option<RotationId>,
    /// Who caused it; `None` is the vault itself.
    pub principal: Option<String>,
    /// The class of a failure.
    pub class: Option<FaultClass>,
    /// A sentence that is safe to show.
    pub detail: Option<String>,
}

/// What a history entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HistoryKind {
    /// The account was configured.
    Configured,
    /// A rotation began.
    Started,
    /// The process that ran it died; another picked it up.
    Recovered,
    /// A candidate is durable.
    Staged,
    /// The target confirmed the change.
    Applied,
    /// An attempt failed.
    Failed,
    /// The target was asked which version works.
    Probed,
    /// A new version became current.
    Promoted,
    /// The old version is refused by the target.
    Retired,
    /// The old password was put back because rights were lost.
    Reverted,
    /// The grace ended early: every live consumer has the new version.
    GraceEnded,
    /// The grace is over, and the old version is held for consumers that lag.
    Held,
    /// The old version is retired although consumers lag.
    Cut,
    /// What was due is held: its target is in maintenance.
    Postponed,
    /// A login is held back: refused, it could lock the account on its target.
    LockoutGuardHeld,
    /// The rotation waits for a person.
    Parked,
    /// A person had the version before served again; it logged in.
    Reinstated,
    /// The stored credential logged in.
    Verified,
    /// The target refused the stored credential outside any rotation.
    Drifted,
    /// Handed out on a lease.
    CheckedOut,
    /// The lease was given more time.
    Renewed,
    /// The lease is closing.
    Closing,
    /// The lease is closed: what it handed out is refused by the target.
    Closed,
}

/// A decision, ready to be committed as one batch.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The account's new record.
    pub account: Account,
    /// Stored secrets that are made or wiped with it.
    pub secrets: Vec<SecretChange>,
    /// The lease's new record, if one changed.
    pub lease: Option<Lease>,
    /// What the incident ledger is told.
    pub ledger: Vec<LedgerEvent>,
    /// What the history gains.
    pub history: Vec<HistoryEntry>,
    /// A rotation that ended with this decision, for the rotation log.
    pub ended: Option<RunEnd>,
    /// What to do on the target once all of this is durable.
    pub effect: Option<Effect>,
}

/// How a rotation ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEnd {
    /// The rotation.
    pub rotation: RotationId,
    /// Whose credential, as [`super::Subject::key`].
    pub subject: String,
    /// The target.
    pub target: String,
    /// When it was due.
    pub due_at: Timestamp,
    /// When its first attempt began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// Attempts it took.
    pub attempts: u32,
    /// The class of its last fault when it was parked; `None` when it succeeded.
    pub failed: Option<FaultClass>,
    /// Whose the account was then. Whoever commits the record sets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<Team>,
}

impl Plan {
    /// A plan that starts from `account` and changes nothing yet.
    #[must_use]
    pub fn new(account: Account) -> Self {
        Self {
            account,
            secrets: Vec::new(),
            lease: None,
            ledger: Vec::new(),
            history: Vec::new(),
            ended: None,
            effect: None,
        }
    }

    /// The account is verified healthy: it leaves its target's incident, or ends its own.
    pub(crate) fn remediated(&mut self, now: Timestamp) {
        let Some(incident) = self.account.incident.take() else { return };
        self.ledger.push(LedgerEvent::Remediated { incident, at: now });
        if std::mem::take(&mut self.account.incident_scope) == Scope::Account {
            self.account.last_incident = Some((incident, now));
        }
    }

    /// Adds a history line about the rotation in progress.
    pub fn note(&mut self, kind: HistoryKind, version: Option<u64>, now: Timestamp) {
        let rotation = self.account.stage.run().map(|run| run.id);
        let principal = self.account.stage.run().and_then(|run| run.cause.principal());
        self.history.push(HistoryEntry {
            at: now,
            kind,
            version,
            rotation,
            principal,
            class: None,
            detail: None,
        });
    }
}
