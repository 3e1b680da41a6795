//! Decides how a dynamic lease begins, goes on and ends.
//!
//! Each decision is committed before the effect that it asks for runs, and at the revision that was decided
//! upon; so an end that is asked for while the user is being made is seen by who makes it.

use std::time::Duration;

use super::removal::{Found, Removal};
use super::{Dynamic, Stage};
use crate::clock::Timestamp;
use crate::lease::{EndCause, Limits};
use crate::rotation::fault::{Action, Fault, FaultClass};
use crate::rotation::port::Outcome;
use crate::rotation::provisioner::Made;
use crate::schedule::backoff;

/// A decision, ready to be committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The new record; one that is `Closed` is removed.
    pub lease: Dynamic,
    /// What the target's trouble hears of it.
    pub report: Option<Report>,
    /// What the audit trail hears of it.
    pub note: Note,
    /// Whether the user is to be removed now.
    pub removes: bool,
}

/// What a target's trouble hears of one lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// It failed to end.
    Failed {
        /// How.
        fault: Fault,
        /// Whether it had not failed before.
        first: bool,
        /// When it is tried again; `None`: not by itself.
        next: Option<Timestamp>,
    },
    /// A person asked for it again after it was parked.
    Resumed,
    /// It had failed, and is over.
    Healed,
}

/// What happened, for the audit trail and the counters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What.
    pub kind: NoteKind,
    /// Who caused it; `None` is the vault itself.
    pub principal: Option<String>,
    /// The failure in it.
    pub fault: Option<Fault>,
}

/// What may happen to a dynamic lease, as stable words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoteKind {
    /// It was asked for, and its user name is on disk.
    Requested,
    /// The user was made.
    Created,
    /// The user was certainly not made.
    NotCreated,
    /// It is not known whether the user was made; it is being removed.
    Undone,
    /// It has more time.
    Renewed,
    /// It begins to end.
    Closing,
    /// The user is on another server than it was made on.
    Moved,
    /// An attempt to remove the user failed.
    RevocationFailed,
    /// It takes a person.
    Parked,
    /// The user is gone.
    Closed,
}

impl NoteKind {
    /// The word, as it stands in the audit trail and in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "lease_requested",
            Self::Created => "lease_created",
            Self::NotCreated => "lease_not_created",
            Self::Undone => "lease_undone",
            Self::Renewed => "lease_renewed",
            Self::Closing => "lease_closing",
            Self::Moved => "lease_moved",
            Self::RevocationFailed => "lease_revocation_failed",
            Self::Parked => "lease_parked",
            Self::Closed => "lease_closed",
        }
    }
}

/// Why a lease is not renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("lease is not renewable: it has ended")]
pub struct Ended;

impl Plan {
    fn new(lease: Dynamic, kind: NoteKind) -> Self {
        Self { lease, report: None, note: Note { kind, principal: None, fault: None }, removes: false }
    }
}

/// The lease was asked for.
#[must_use]
pub fn requested(lease: Dynamic) -> Plan {
    let principal = Some(lease.borrower.name.clone());
    let mut plan = Plan::new(Dynamic { stage: Stage::Requested, ..lease }, NoteKind::Requested);
    plan.note.principal = principal;
    plan
}

/// What came of making the user.
#[must_use]
pub fn created(mut lease: Dynamic, made: Made, now: Timestamp) -> Option<Plan> {
    if lease.stage != Stage::Requested {
        return None;
    }
    lease.server = made.server;
    Some(match (made.outcome, &lease.ending) {
        (Outcome::Applied, None) => {
            lease.stage = Stage::Active;
            let principal = Some(lease.borrower.name.clone());
            let mut plan = Plan::new(lease, NoteKind::Created);
            plan.note.principal = principal;
            plan
        }
        // Its token ended, or somebody ended it, while the user was being made.
        (Outcome::Applied, Some(_)) => closing(lease, NoteKind::Closing, now),
        (Outcome::NotApplied(fault), _) => {
            lease.stage = Stage::Closed;
            let mut plan = Plan::new(lease, NoteKind::NotCreated);
            plan.note.fault = Some(fault);
            plan
        }
        (Outcome::Unknown(fault), _) => {
            let mut plan = undo(lease, now);
            plan.note.fault = Some(fault);
            plan
        }
    })
}

/// What a lease needs whose user was being made when the process died, or whose maker gave up. Call it only
/// when nobody makes the user.
#[must_use]
pub fn recover(lease: Dynamic, now: Timestamp) -> Option<Plan> {
    (lease.stage == Stage::Requested).then(|| undo(lease, now))
}

/// Whatever there is of the user goes: nobody has its password.
fn undo(mut lease: Dynamic, now: Timestamp) -> Plan {
    lease.undo = true;
    closing(lease, NoteKind::Undone, now)
}

fn closing(mut lease: Dynamic, kind: NoteKind, now: Timestamp) -> Plan {
    lease.stage = Stage::Revoking { at: now };
    lease.closing.get_or_insert(now);
    Plan { removes: true, ..Plan::new(lease, kind) }
}

/// Ends the lease. One that is ending already is tried again at once when a person asks; the end of its token,
/// mount or time changes nothing then. `None` when nothing changes.
#[must_use]
pub fn end(mut lease: Dynamic, cause: EndCause, now: Timestamp) -> Option<Plan> {
    let principal = match &cause {
        EndCause::Forced { principal } => Some(principal.clone()),
        EndCause::CheckIn => Some(lease.borrower.name.clone()),
        EndCause::Expired | EndCause::TokenGone | EndCause::MountGone => None,
    };
    let by_person = principal.is_some();
    let mut plan = match lease.stage {
        // Who makes the user finds it when the target has answered.
        Stage::Requested if lease.ending.is_none() => {
            lease.ending = Some(cause);
            lease.closing = Some(now);
            Plan::new(lease, NoteKind::Closing)
        }
        Stage::Active => {
            lease.ending = Some(cause);
            closing(lease, NoteKind::Closing, now)
        }
        Stage::Revoking { .. } | Stage::Parked if by_person => {
            // What was in the way may be mended: it is tried as often as the first time.
            lease.refusals = 0;
            let resumed = (lease.stage == Stage::Parked).then_some(Report::Resumed);
            Plan { report: resumed, ..closing(lease, NoteKind::Closing, now) }
        }
        Stage::Requested | Stage::Revoking { .. } | Stage::Parked | Stage::Closed => return None,
    };
    plan.note.principal = principal;
    Some(plan)
}

/// What is due: the end of a lease that ran out, or another attempt to remove its user.
#[must_use]
pub fn tick(lease: Dynamic, now: Timestamp) -> Option<Due> {
    match lease.stage {
        Stage::Active if lease.expires_at <= now => {
            end(lease, EndCause::Expired, now).map(|plan| Due::Ends(Box::new(plan)))
        }
        Stage::Revoking { at } if at <= now => Some(Due::Remove),
        Stage::Requested | Stage::Active | Stage::Revoking { .. } | Stage::Parked | Stage::Closed => None,
    }
}

/// What [`tick`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Due {
    /// It begins to end.
    Ends(Box<Plan>),
    /// Its end was decided already: the user is to be removed.
    Remove,
}

/// When a lease would end that is renewed now, never beyond its maximum.
///
/// # Errors
/// [`Ended`].
pub fn renewal(lease: &Dynamic, increment: Option<Duration>, now: Timestamp) -> Result<Timestamp, Ended> {
    // What has run out is over, even if the scheduler has not come by yet.
    if lease.stage != Stage::Active || lease.expires_at <= now {
        return Err(Ended);
    }
    Ok(now.plus(increment.unwrap_or(lease.ttl)).min(lease.max_expires_at))
}

/// The target lets the user in until `expires_at`.
///
/// # Errors
/// [`Ended`] when it has begun to end meanwhile.
pub fn renewed(mut lease: Dynamic, expires_at: Timestamp, now: Timestamp) -> Result<Plan, Ended> {
    if lease.stage != Stage::Active || lease.expires_at <= now {
        return Err(Ended);
    }
    lease.expires_at = expires_at.min(lease.max_expires_at);
    lease.renewed_at = Some(now);
    let principal = Some(lease.borrower.name.clone());
    let mut plan = Plan::new(lease, NoteKind::Renewed);
    plan.note.principal = principal;
    Ok(plan)
}

/// The user of a lease that ends was found on another server: that one's word counts from here on.
#[must_use]
pub fn moved(mut lease: Dynamic, found: Found) -> Option<Plan> {
    if !matches!(lease.stage, Stage::Revoking { .. }) {
        return None;
    }
    lease.place = Some(found.place);
    lease.server = found.server;
    Some(Plan::new(lease, NoteKind::Moved))
}

/// What came of removing the user. `draw` is for the jitter of the next attempt.
#[must_use]
pub fn removed(mut lease: Dynamic, removal: Removal, now: Timestamp, draw: u64) -> Option<Plan> {
    if !matches!(lease.stage, Stage::Revoking { .. }) {
        return None;
    }
    match removal {
        Removal::Gone => {
            let healed = std::mem::take(&mut lease.troubled);
            lease.stage = Stage::Closed;
            let mut plan = Plan::new(lease, NoteKind::Closed);
            plan.report = healed.then_some(Report::Healed);
            Some(plan)
        }
        Removal::Failed(fault) => {
            lease.failures = lease.failures.saturating_add(1);
            if takes_person(fault.class) {
                lease.refusals = lease.refusals.saturating_add(1);
            }
            let parks = takes_person(fault.class) && lease.refusals >= FAILURES_MAX;
            let next = (!parks).then(|| now.plus(backoff(lease.failures, RETRY_BASE, RETRY_CAP, draw)));
            lease.stage = next.map_or(Stage::Parked, |at| Stage::Revoking { at });
            Some(failed(lease, fault, next))
        }
    }
}

/// The lease should have been ended and its turn has not come: that is no secret.
#[must_use]
pub fn overdue(lease: Dynamic, now: Timestamp) -> Option<Plan> {
    let Stage::Revoking { at } = lease.stage else { return None };
    if lease.troubled || now.since(at) < OVERDUE_AFTER {
        return None;
    }
    let fault = Fault::new(FaultClass::Overdue, "the user should be gone, and its target is busy");
    Some(failed(lease, fault, Some(at)))
}

fn failed(mut lease: Dynamic, fault: Fault, next: Option<Timestamp>) -> Plan {
    let first = !std::mem::replace(&mut lease.troubled, true);
    lease.fault = Some(fault.clone());
    let kind = if next.is_some() { NoteKind::RevocationFailed } else { NoteKind::Parked };
    let mut plan = Plan::new(lease, kind);
    plan.report = Some(Report::Failed { fault: fault.clone(), first, next });
    plan.note.fault = Some(fault);
    plan
}

/// Whether another attempt hardly heals it. What may heal by itself is tried without end; a refused management
/// credential too, because none that was refused is tried again before it was mended.
fn takes_person(class: FaultClass) -> bool {
    match class.action() {
        Action::RetryPaced | Action::Probe => false,
        Action::Park => class != FaultClass::ManagementAuthRefused,
        Action::FreshCandidate => true,
    }
}

/// The bounds of a lease by a role's own and those of its mount.
#[must_use]
pub fn limits(role_ttl: Option<Duration>, role_max: Option<Duration>, mount: Limits) -> Limits {
    let max_ttl = role_max.unwrap_or(mount.max_ttl).min(mount.max_ttl);
    Limits { ttl: role_ttl.unwrap_or(mount.ttl).min(max_ttl), max_ttl }
}

/// Failures of a kind that another attempt hardly heals, before it takes a person: as many as Vault has.
pub const FAILURES_MAX: u32 = 6;
/// Shortest wait between two attempts.
pub const RETRY_BASE: Duration = Duration::from_secs(5);
/// Longest wait between two attempts.
pub const RETRY_CAP: Duration = Duration::from_secs(5 * 60);
/// A removal that has not begun so long after it was due is a failure.
pub const OVERDUE_AFTER: Duration = Duration::from_secs(60);
