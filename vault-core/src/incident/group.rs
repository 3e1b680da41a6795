//! The incident of a target: one for it, with the accounts that fail because of it beneath it.
//!
//! ```text
//!   first failure of the target's ──► Opened, Joined ──► more accounts join ──► each leaves by its own proof
//!                                                        └─ fails in a way of its own: Moved, an incident of its own
//!   the last one has left ──► Remediated (one left by proof), or Dissolved (all moved, or no longer managed)
//! ```
//!
//! An account that has an open incident of its own stays with that. What happens to a member is written to its own
//! record; the incident's record and time line change only when somebody joins or leaves, or the class changes, so that
//! five hundred accounts that are tried again and again do not meet in one record.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::entry::{ALIKE_FOR, Entry, Failure, WHOLE_LINES, What};
use super::ledger::{self, FaultReport, LedgerEvent, settled};
use super::{Incident, IncidentState, Kind, Members, merge};
use crate::account::REOPEN_WITHIN;
use crate::clock::Timestamp;
use crate::id::IncidentId;
use crate::rotation::fault::{FaultClass, Scope};
use crate::rotation::run::Step;

/// The incident that a target has, or had last. Stored under the target's name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Outage {
    /// The open one.
    pub open: Option<IncidentId>,
    /// The one closed last, and when: a failure within [`REOPEN_WITHIN`] reopens it.
    pub last: Option<(IncidentId, Timestamp)>,
}

impl Outage {
    /// The incident of a failure now, and whether that is opened again; `fresh` is the id of a new one.
    pub(crate) fn opens(&self, fresh: IncidentId, now: Timestamp) -> (IncidentId, bool) {
        self.open.map_or_else(|| opens(self.last, fresh, now), |open| (open, false))
    }

    /// Whether a failure that was decided upon as `report` says still fits: nobody has opened or closed an incident of
    /// the target meanwhile.
    #[must_use]
    pub fn fits(&self, report: &FaultReport, stored: Option<&Incident>) -> bool {
        match stored.map(|stored| stored.state) {
            Some(IncidentState::Open) => !report.reopened,
            Some(IncidentState::Closed) => report.reopened && self.open.is_none(),
            None => !report.reopened && self.open.is_none(),
        }
    }

    /// After the target's incident was opened or closed.
    #[must_use]
    pub fn turned(&self, group: &Incident) -> Self {
        match group.state {
            // One that is opened again by another beneath it is in nobody's way.
            IncidentState::Open => Self { open: self.open.or(Some(group.id)), ..*self },
            IncidentState::Closed => Self {
                open: self.open.filter(|open| *open != group.id),
                last: Some((group.id, group.last_at)),
            },
        }
    }
}

/// The last incident where it was closed a short while ago, and whether it is that.
pub(crate) fn opens(
    last: Option<(IncidentId, Timestamp)>,
    fresh: IncidentId,
    now: Timestamp,
) -> (IncidentId, bool) {
    match last {
        Some((last, closed_at)) if now.since(closed_at) < REOPEN_WITHIN => (last, true),
        _ => (fresh, false),
    }
}

/// Why an account is no longer beneath the incident of its target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// It is verified healthy.
    Proven,
    /// It fails in a way of its own, and has this incident.
    Moved(IncidentId),
    /// It is no longer managed.
    Withdrawn,
}

impl Why {
    /// Its stable word.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Proven => "proven",
            Self::Moved(_) => "moved",
            Self::Withdrawn => "withdrawn",
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Proven => f.write_str("verified healthy"),
            Self::Moved(to) => write!(f, "fails in a way of its own, see incident {to}"),
            Self::Withdrawn => f.write_str("no longer managed"),
        }
    }
}

/// An account beneath the incident of its target. It stays when the account has left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Whose credential, as [`crate::account::Subject::key`].
    pub subject: String,
    /// When it failed first, since it is beneath the incident.
    pub joined_at: Timestamp,
    /// The class of its last failure.
    pub class: FaultClass,
    /// The step that failed last; `None` for a failure outside any rotation.
    pub phase: Option<Step>,
    /// Its last failure in a sentence.
    pub detail: String,
    /// Its failures since it joined.
    pub attempts: u32,
    /// When the vault tries again by itself.
    pub next_attempt: Option<Timestamp>,
    /// Whether it waits for a person.
    pub parked: bool,
    /// Since when its consumers can log in again.
    pub mitigated_at: Option<Timestamp>,
    /// When it left, and why.
    pub left: Option<(Timestamp, Why)>,
    /// Its failures, oldest first, those alike in one line; at most [`FAILURES_MAX`], of which the first stays.
    pub failures: Vec<Told>,
}

/// A failure of a member, and those after it that were alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// When it came first.
    pub at: Timestamp,
    /// How.
    pub failure: Failure,
    /// How often it came once more.
    pub repeats: u32,
    /// When it came last.
    pub last_at: Timestamp,
}

impl Member {
    /// Whether it is beneath the incident.
    #[must_use]
    pub const fn is_in(&self) -> bool {
        self.left.is_none()
    }

    /// What is known of one whose record is damaged.
    #[must_use]
    pub fn rewritten(group: &Incident, subject: &str) -> Self {
        Self {
            subject: subject.to_owned(),
            joined_at: group.last_at,
            class: group.class,
            phase: group.phase,
            detail: group.detail.clone(),
            attempts: 0,
            next_attempt: None,
            parked: group.parked,
            mitigated_at: None,
            left: None,
            failures: Vec::new(),
        }
    }

    fn new(report: &FaultReport) -> Self {
        Self {
            subject: report.subject.clone(),
            joined_at: report.at,
            class: report.class,
            phase: report.phase,
            detail: report.detail.clone(),
            attempts: 0,
            next_attempt: None,
            parked: false,
            mitigated_at: None,
            left: None,
            failures: Vec::new(),
        }
    }

    fn failed(&mut self, report: &FaultReport) {
        let failure = ledger::failure(report);
        self.class = report.class;
        self.phase = report.phase;
        self.detail.clone_from(&report.detail);
        self.attempts = self.attempts.saturating_add(1);
        self.parked = false;
        let alike = |told: &&mut Told| {
            let last = &told.failure;
            (last.class, last.phase, &last.detail) == (failure.class, failure.phase, &failure.detail)
        };
        if let Some(told) = self.failures.last_mut().filter(alike) {
            told.repeats = told.repeats.saturating_add(1);
            told.last_at = report.at;
            return;
        }
        if self.failures.len() >= FAILURES_MAX {
            self.failures.remove(1);
        }
        self.failures.push(Told { at: report.at, failure, repeats: 0, last_at: report.at });
    }
}

/// The incident of a target, and one member of it, after an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// The incident's record.
    pub incident: Incident,
    /// The lines that its time line gets; without any, its record is as it was.
    pub entries: Vec<Entry>,
    /// The member's record.
    pub member: Option<Member>,
}

impl LedgerEvent {
    /// Whether it is about a target's incident, given what is stored of that.
    #[must_use]
    pub fn is_of_group(&self, stored: Option<&Incident>) -> bool {
        match (stored, self) {
            (Some(stored), _) => stored.kind == Kind::Target,
            (None, Self::Fault(report)) => report.scope == Scope::Target,
            (None, _) => false,
        }
    }
}

/// The records after an event of a member, and the lines that it makes. `None` when there is nothing that it is about.
#[must_use]
pub fn hear(group: Option<Incident>, member: Option<Member>, event: &LedgerEvent) -> Option<Heard> {
    let group = match (group, event) {
        (group, LedgerEvent::Fault(report)) => return Some(failed(group, member, report)),
        (Some(group), _) => group,
        (None, _) => return None,
    };
    let inside = |member: Option<Member>| member.filter(Member::is_in);
    Some(match event {
        LedgerEvent::Remediated { at, .. } => left(group, inside(member)?, *at, None, Why::Proven),
        LedgerEvent::Moved { at, to, .. } => left(group, inside(member)?, *at, None, Why::Moved(*to)),
        LedgerEvent::Withdrawn { at, by, .. } => left(group, inside(member)?, *at, Some(by), Why::Withdrawn),
        LedgerEvent::Mitigated { at, .. } => mitigated(group, inside(member)?, *at),
        LedgerEvent::NextAttempt { at, .. } => {
            let member = inside(member)?;
            let parked = member.parked && at.is_none();
            quiet(group, Member { next_attempt: *at, parked, ..member })
        }
        LedgerEvent::Parked { .. } => {
            quiet(group, Member { next_attempt: None, parked: true, ..inside(member)? })
        }
        // What people do is about the whole.
        _ => {
            let recorded = ledger::record(Some(group), event)?;
            Heard { incident: recorded.incident, entries: recorded.entry.into_iter().collect(), member }
        }
    })
}

fn quiet(incident: Incident, member: Member) -> Heard {
    Heard { incident, entries: Vec::new(), member: Some(member) }
}

fn failed(group: Option<Incident>, member: Option<Member>, report: &FaultReport) -> Heard {
    let mut entries = Vec::new();
    let mut incident = match group {
        Some(group) => group,
        None => {
            let subject = format!("{SUBJECT}{}", report.target);
            let opened = ledger::opened(&FaultReport { subject, ..report.clone() });
            entries.extend(opened.entry);
            Incident { kind: Kind::Target, failures: 0, ..opened.incident }
        }
    };
    let at = settled(&incident, report.at);
    if incident.state == IncidentState::Closed {
        ledger::reopen(&mut incident);
        incident.members.proven = false;
        turn_to(&mut incident, report);
        let what = What::Reopened { failure: ledger::failure(report), repeats: 0 };
        entries.push(ledger::write(&mut incident, at, None, what));
    }
    let is_new = member.is_none();
    let mut member = match member {
        Some(member) if member.is_in() => member,
        earlier => {
            // Everybody was served again: whoever took that has not taken this.
            incident.taken &= incident.marks.t6.is_none();
            incident.members = incident.members.joined(is_new);
            incident.merged.own_over = false;
            let what = What::Joined { subject: report.subject.clone(), failure: ledger::failure(report) };
            entries.push(ledger::write(&mut incident, at, None, what));
            // What it failed by before it left stays told.
            let failures = earlier.map(|member| member.failures).unwrap_or_default();
            Member { failures, ..Member::new(report) }
        }
    };
    member.failed(report);
    // What did not begin tells nothing of the target that is not known.
    if report.class != incident.class && report.class != FaultClass::Overdue {
        incident.taken &= incident.class != FaultClass::Overdue;
        let is_rare = incident.lines < WHOLE_LINES || at.since(incident.failed_at) >= ALIKE_FOR;
        // For the worse at once: those that are parked by it fail no more, and would not say it later.
        if is_rare || report.class.severity() > incident.class.severity() {
            turn_to(&mut incident, report);
            let what = What::ClassChanged { failure: ledger::failure(report) };
            entries.push(ledger::write(&mut incident, at, None, what));
        }
    }
    Heard { incident, entries, member: Some(member) }
}

/// From now on it is about this failure.
fn turn_to(incident: &mut Incident, report: &FaultReport) {
    incident.class = report.class;
    incident.phase = report.phase;
    incident.detail.clone_from(&report.detail);
    incident.failed_at = report.at;
}

fn mitigated(mut incident: Incident, mut member: Member, at: Timestamp) -> Heard {
    let mut entries = Vec::new();
    let wall = settled(&incident, at);
    if member.mitigated_at.is_none() {
        member.mitigated_at = Some(wall);
        incident.members.hurt = incident.members.hurt.saturating_sub(1);
        entries.extend(all_mitigated(&mut incident, wall));
    }
    Heard { incident, entries, member: Some(member) }
}

/// The line that everybody's consumers can log in, once that is so.
fn all_mitigated(incident: &mut Incident, at: Timestamp) -> Option<Entry> {
    let is_news = incident.members.hurt == 0 && incident.marks.t6.is_none();
    is_news.then(|| ledger::write(incident, at, None, What::Mitigated))
}

fn left(mut incident: Incident, mut member: Member, at: Timestamp, by: Option<&String>, why: Why) -> Heard {
    let at = settled(&incident, at);
    let members = incident.members;
    let is_proven = members.proven || why == Why::Proven;
    incident.members = Members {
        now: members.now.saturating_sub(1),
        hurt: members.hurt.saturating_sub(u32::from(member.mitigated_at.is_none())),
        proven: is_proven,
        ..members
    };
    incident.failures = incident.failures.saturating_add(member.attempts);
    member.left = Some((at, why.clone()));
    member.next_attempt = None;
    member.parked = false;
    let what = What::Left { subject: member.subject.clone(), why };
    let mut entries = vec![ledger::write(&mut incident, at, by.cloned(), what)];
    if incident.members.now == 0 {
        let end = merge::own_over(&mut incident, is_proven);
        entries.push(ledger::write(&mut incident, at, None, end));
    } else {
        entries.extend(all_mitigated(&mut incident, at));
    }
    Heard { incident, entries, member: Some(member) }
}

impl Members {
    fn joined(self, is_new: bool) -> Self {
        Self {
            ever: self.ever.saturating_add(u32::from(is_new)),
            now: self.now.saturating_add(1),
            hurt: self.hurt.saturating_add(1),
            ..self
        }
    }
}

/// What the incident of a target names, before the target.
pub const SUBJECT: &str = "target ";
/// Most failures that are told of one member.
pub const FAILURES_MAX: usize = 20;

#[cfg(test)]
mod tests;
