//! Duplicates: an incident that has the cause of another is merged into it, and keeps its own proof.
//!
//! ```text
//!   Merged ──► beneath the survivor: its own time line, its own attempts, its own proof; no messages, nobody takes it alone
//!      │        └─ proven, withdrawn, failed again: told on the survivor's time line as well, and opens that again
//!      └─ Unmerged ──► stands for itself again
//!   survivor: over when its own part is over and no incident beneath it is open; until then what is proven waits
//! ```
//!
//! No account is moved and no proof is lent: what closes each of them is its own verification alone. Nothing is beneath
//! what is beneath another, so there is one step from any incident to the one that is shown.

mod rule;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use self::rule::{Refusal, join, may_merge, may_unmerge, survivor};

use super::entry::{Entry, Failure, What};
use super::ledger::{self, LedgerEvent, settled};
use super::severity::Severity;
use super::{Incident, IncidentState, Kind};
use crate::clock::Timestamp;
use crate::id::IncidentId;

/// How an incident is merged with others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Merges {
    /// The one that it is merged into.
    pub into: Option<IncidentId>,
    /// Those that are merged into it, at most [`BENEATH_MAX`].
    pub beneath: Vec<Duplicate>,
    /// Whether others ever were beneath it.
    pub ever: bool,
    /// Whether its own part is over, while there are others beneath it.
    pub own_over: bool,
    /// Whether it, or one beneath it, was verified healthy since it was opened last, while there are others beneath it.
    pub proven: bool,
    /// Who had it when it was merged.
    pub own: Option<Own>,
}

/// Who had an incident when it was merged into another: what is taken with that one since is so for as long as they are one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Own {
    /// Whether somebody had taken it since it was opened last.
    pub taken: bool,
    /// When somebody took it first.
    pub acknowledged: Option<Timestamp>,
    /// Whose it was.
    pub owner: Option<String>,
}

/// Notes who has it, before it is taken with the one that it is merged into.
pub(super) fn put_beneath(incident: &mut Incident, into: IncidentId) {
    incident.merged.into = Some(into);
    incident.merged.own =
        Some(Own { taken: incident.taken, acknowledged: incident.marks.t5, owner: incident.owner.clone() });
}

/// Takes it from the one that it was merged into. Nobody has it but who had it before: who was told since that somebody
/// does is told of it again.
pub(super) fn take_apart(incident: &mut Incident) -> Option<IncidentId> {
    let from = incident.merged.into.take()?;
    if let Some(own) = incident.merged.own.take() {
        incident.notified &= own.taken || !incident.taken;
        incident.taken &= own.taken;
        incident.marks.t5 = own.acknowledged;
        incident.owner = own.owner;
    }
    Some(from)
}

/// An incident beneath another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duplicate {
    /// Which.
    pub incident: IncidentId,
    /// Whether it is open.
    pub is_open: bool,
}

impl Merges {
    /// Whether nothing was ever merged.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// How many of those beneath it are open.
    #[must_use]
    pub fn open(&self) -> u32 {
        let open = self.beneath.iter().filter(|one| one.is_open).count();
        u32::try_from(open).unwrap_or(u32::MAX)
    }

    /// Whether its figures hang together with those of others, now or at any time.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.ever || self.into.is_some()
    }
}

/// What the survivor is told of one beneath it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Turn {
    /// It comes beneath it.
    Merged {
        /// How bad that is.
        severity: Severity,
    },
    /// It stands for itself again.
    Unmerged,
    /// It is over.
    Ended {
        /// By a verification; else its subject is no longer managed.
        proven: bool,
    },
    /// It was over, and failed again.
    Failed(Failure),
    /// It is worse than it was.
    Worse {
        /// How bad.
        severity: Severity,
    },
}

/// What a change of one incident is to others: to the one that it is beneath, and to those beneath it. To be folded into
/// these in the same commit; nothing more follows from that.
#[must_use]
pub fn follows(before: Option<&Incident>, after: &Incident, events: &[&LedgerEvent]) -> Vec<LedgerEvent> {
    let mut found: Vec<LedgerEvent> = above(before, after, events).into_iter().collect();
    for beneath in after.merged.beneath.iter().filter(|beneath| beneath.is_open) {
        for event in events {
            let incident = beneath.incident;
            match event {
                LedgerEvent::Acknowledged { at, by, .. } => {
                    found.push(LedgerEvent::Acknowledged { incident, at: *at, by: by.clone() });
                }
                LedgerEvent::Assigned { at, by, owner, .. } => {
                    let (by, owner) = (by.clone(), owner.clone());
                    found.push(LedgerEvent::Assigned { incident, at: *at, by, owner });
                }
                _ => {}
            }
        }
    }
    found
}

/// What the survivor is told.
fn above(before: Option<&Incident>, after: &Incident, events: &[&LedgerEvent]) -> Option<LedgerEvent> {
    let was = before.and_then(|before| before.merged.into);
    let survivor = after.merged.into.or(was)?;
    let was_open = before.is_some_and(|before| before.state == IncidentState::Open);
    let was_bad = before.map(Incident::severity);
    let turn = match (was, after.merged.into, was_open, after.state) {
        (None, ..) => Turn::Merged { severity: after.severity() },
        (_, None, ..) => Turn::Unmerged,
        (_, _, true, IncidentState::Closed) => Turn::Ended { proven: after.marks.t7.is_some() },
        (_, _, false, IncidentState::Open) => Turn::Failed(Failure {
            class: after.class,
            phase: after.phase,
            detail: after.detail.clone(),
            attempt: after.failures,
        }),
        (_, _, true, IncidentState::Open) if was_bad < Some(after.severity()) => {
            Turn::Worse { severity: after.severity() }
        }
        _ => return None,
    };
    let by = events.iter().find_map(|event| match event {
        LedgerEvent::Merged { by, .. } | LedgerEvent::Unmerged { by, .. } => Some(by.clone()),
        _ => None,
    });
    Some(LedgerEvent::Beneath { incident: survivor, at: after.last_at, by, of: after.id, turn })
}

/// An incident after something happened to one beneath it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Its record.
    pub incident: Incident,
    /// The lines that its time line gets.
    pub entries: Vec<Entry>,
}

/// Folds what happened to one beneath it into `incident`; no other event changes anything.
#[must_use]
pub fn hear(mut incident: Incident, event: &LedgerEvent) -> Heard {
    let mut entries = Vec::new();
    if let LedgerEvent::Beneath { at, by, of, turn, .. } = event
        && heard(&mut incident, *of, turn)
    {
        let at = settled(&incident, *at);
        if let Some(what) = line(&mut incident, *of, turn) {
            entries.push(ledger::write(&mut incident, at, by.clone(), what));
        }
        // The last of all that it stands for was its end.
        if incident.state == IncidentState::Open && incident.merged.own_over && incident.merged.open() == 0 {
            let what = over(&mut incident);
            entries.push(ledger::write(&mut incident, at, None, what));
        }
    }
    Heard { incident, entries }
}

/// Notes how the one beneath it stands now; `false` where it is not beneath it.
fn heard(incident: &mut Incident, of: IncidentId, turn: &Turn) -> bool {
    let merged = &mut incident.merged;
    let known = merged.beneath.iter_mut().find(|one| one.incident == of);
    match (turn, known) {
        (Turn::Merged { .. }, None) => {
            merged.beneath.push(Duplicate { incident: of, is_open: true });
            merged.ever = true;
        }
        (Turn::Unmerged, Some(_)) => merged.beneath.retain(|one| one.incident != of),
        (Turn::Ended { proven }, Some(one)) => {
            one.is_open = false;
            merged.proven |= proven;
        }
        (Turn::Failed(_), Some(one)) => one.is_open = true,
        (Turn::Worse { .. }, Some(_)) => {}
        _ => return false,
    }
    true
}

/// The line of a turn; of one that is worse there is none, for its own time line says it.
fn line(incident: &mut Incident, of: IncidentId, turn: &Turn) -> Option<What> {
    match turn {
        Turn::Merged { severity } | Turn::Worse { severity } => {
            incident.worst = Some(incident.severity().max(*severity));
        }
        Turn::Failed(failure) if incident.state == IncidentState::Closed => {
            ledger::reopen(incident);
            incident.class = failure.class;
            incident.phase = failure.phase;
            incident.detail.clone_from(&failure.detail);
            return Some(What::Reopened { failure: failure.clone(), repeats: 0 });
        }
        // It may be worse than all that is open; who was told of the one that stands for it is told of that.
        Turn::Failed(failure) => {
            incident.worst = Some(incident.severity().max(failure.class.severity()));
        }
        _ => {}
    }
    let told = match turn {
        Turn::Merged { .. } => Told::Merged,
        Turn::Unmerged => Told::Unmerged,
        Turn::Ended { proven: true } => Told::Proven,
        Turn::Ended { proven: false } => Told::Withdrawn,
        Turn::Failed(_) => Told::Failed,
        Turn::Worse { .. } => return None,
    };
    Some(What::Beneath { incident: of, told })
}

/// Its own part is over, `proven` or given up: closes it, or has it wait for those beneath it.
pub(super) fn own_over(incident: &mut Incident, proven: bool) -> What {
    if incident.merged.beneath.is_empty() {
        ledger::close(incident);
        return ended(incident, proven);
    }
    incident.merged.own_over = true;
    incident.merged.proven |= proven;
    match incident.merged.open() {
        0 => over(incident),
        open => {
            incident.parked = false;
            incident.next_attempt = None;
            What::Waiting { proven, open }
        }
    }
}

fn over(incident: &mut Incident) -> What {
    ledger::close(incident);
    ended(incident, incident.merged.proven)
}

const fn ended(incident: &Incident, proven: bool) -> What {
    match (proven, incident.kind) {
        (true, _) => What::Remediated,
        (false, Kind::Target) => What::Dissolved,
        (false, Kind::Account) => What::Withdrawn,
    }
}

/// The line of one whose own part is over, and that waits for others.
pub(super) fn waiting(proven: bool, open: u32) -> String {
    let own = if proven { "verified healthy" } else { "no longer managed" };
    format!("its own part is {own}; it stays open until {open} merged into it are")
}

/// What the time line of the survivor says of one beneath it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// It comes beneath it.
    Merged,
    /// It stands for itself again.
    Unmerged,
    /// It is verified healthy.
    Proven,
    /// Its subject is no longer managed.
    Withdrawn,
    /// It failed again.
    Failed,
}

impl Told {
    /// Its stable word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Merged => "merged",
            Self::Unmerged => "unmerged",
            Self::Proven => "merged_proven",
            Self::Withdrawn => "merged_withdrawn",
            Self::Failed => "merged_failed",
        }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Merged => "is merged into this one, and keeps its own proof",
            Self::Unmerged => "stands for itself again",
            Self::Proven => "is verified healthy",
            Self::Withdrawn => "is over: its subject is no longer managed",
            Self::Failed => "failed again",
        })
    }
}

/// When a time is the earlier of two that may not be known.
pub(super) fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// Most incidents that are merged into one: what happens to the one is written to all of them in one commit.
pub const BENEATH_MAX: usize = 32;

#[cfg(test)]
mod tests;
