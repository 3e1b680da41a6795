//! Folds what happened into the record of an incident, and gives its time line the next line.

use serde::{Deserialize, Serialize};

use super::entry::{ALIKE_FOR, Cause, Entry, Failure, WHOLE_LINES, What};
use super::{Incident, IncidentState, Kind, Marks, Members, Review};
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
            | Self::Withdrawn { incident, .. }
            | Self::Acknowledged { incident, .. }
            | Self::Assigned { incident, .. }
            | Self::Note { incident, .. }
            | Self::Reviewed { incident, .. } => *incident,
        }
    }
}

/// An incident after an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Its record.
    pub incident: Incident,
    /// The line that its time line gets, if any.
    pub entry: Option<Entry>,
}

/// Why a person's event is not taken, as a sentence for that person.
#[must_use]
pub fn refusal(incident: &Incident, event: &LedgerEvent) -> Option<&'static str> {
    match (event, incident.state) {
        (LedgerEvent::Acknowledged { .. }, IncidentState::Closed) => {
            Some("the incident is over: there is nothing left to take")
        }
        (LedgerEvent::Reviewed { .. }, IncidentState::Open) => {
            Some("the incident is open: review it when it is over, and write a note until then")
        }
        _ => None,
    }
}

/// The record after `event`, and the line it makes. `None` when there is no record and the event does not open one.
#[must_use]
pub fn record(incident: Option<Incident>, event: &LedgerEvent) -> Option<Recorded> {
    let mut incident = match (incident, event) {
        (Some(incident), _) => incident,
        (None, LedgerEvent::Fault(report)) => return Some(opened(report)),
        (None, _) => return None,
    };
    let line = match event {
        LedgerEvent::Fault(report) => failed(&mut incident, report),
        // Of a target's incident only: [`super::group::hear`].
        LedgerEvent::Moved { .. } => None,
        LedgerEvent::Reconciled { at, .. } => Some((*at, None, What::Reconciled)),
        LedgerEvent::Circuit { at, turn, .. } => turned(turn).map(|what| (*at, None, what)),
        LedgerEvent::NextAttempt { at, .. } => {
            incident.next_attempt = *at;
            incident.parked &= at.is_none();
            None
        }
        LedgerEvent::Parked { at, .. } => {
            incident.parked = true;
            incident.next_attempt = None;
            Some((*at, None, What::Parked))
        }
        LedgerEvent::Mitigated { at, .. } => Some((*at, None, What::Mitigated)),
        LedgerEvent::Remediated { at, .. } => {
            close(&mut incident);
            Some((*at, None, What::Remediated))
        }
        LedgerEvent::Withdrawn { at, by, .. } => {
            close(&mut incident);
            Some((*at, Some(by.clone()), What::Withdrawn))
        }
        // Who comes second finds it taken: nothing happens by it.
        LedgerEvent::Acknowledged { .. } if incident.taken => None,
        LedgerEvent::Acknowledged { at, by, .. } => {
            incident.taken = true;
            incident.owner.get_or_insert_with(|| by.clone());
            Some((*at, Some(by.clone()), What::Acknowledged))
        }
        LedgerEvent::Assigned { at, by, owner, .. } => {
            incident.owner = Some(owner.clone());
            Some((*at, Some(by.clone()), What::Assigned { owner: owner.clone() }))
        }
        LedgerEvent::Note { at, by, text, staff_minutes, .. } => {
            incident.staff_minutes = incident.staff_minutes.saturating_add(*staff_minutes);
            let note = What::Note { text: text.clone(), staff_minutes: *staff_minutes };
            Some((*at, Some(by.clone()), note))
        }
        LedgerEvent::Reviewed { at, by, cause, text, staff_minutes, .. } => {
            incident.staff_minutes = incident.staff_minutes.saturating_add(*staff_minutes);
            incident.review = Some(Review { by: by.clone(), cause: *cause, text: text.clone() });
            let review = What::Reviewed { cause: *cause, text: text.clone(), staff_minutes: *staff_minutes };
            Some((*at, Some(by.clone()), review))
        }
    };
    let entry = line.map(|(wall, by, what)| write(&mut incident, wall, by, what));
    Some(Recorded { incident, entry })
}

/// The line of a turn of the target's circuit; of those who were let through in vain, only the first has one.
fn turned(turn: &Turn) -> Option<What> {
    Some(match turn {
        Turn::Opened(outage) => What::CircuitOpened { class: outage.class, failures: outage.failures },
        Turn::Failed(outage) if outage.probes == 1 => What::CircuitTried { class: outage.class },
        Turn::Failed(_) => return None,
        Turn::Closed(outage) => What::CircuitClosed { probes: outage.probes, failures: outage.failures },
    })
}

pub(super) fn close(incident: &mut Incident) {
    incident.state = IncidentState::Closed;
    incident.parked = false;
    incident.next_attempt = None;
}

pub(super) fn opened(report: &FaultReport) -> Recorded {
    // What did not begin has been wrong since it was due, however late that was noticed.
    let fault_at = if report.class == FaultClass::Overdue { report.due_at.min(report.at) } else { report.at };
    let mut incident = Incident {
        id: report.incident,
        kind: Kind::Account,
        subject: report.subject.clone(),
        target: report.target.clone(),
        class: report.class,
        phase: report.phase,
        detail: report.detail.clone(),
        state: IncidentState::Open,
        parked: false,
        marks: Marks::default(),
        failures: 1,
        reopened: 0,
        next_attempt: None,
        owner: None,
        events: Vec::new(),
        events_dropped: 0,
        lines: 0,
        last_at: report.at,
        failed_at: report.at,
        alike: 0,
        taken: false,
        stepped_back: None,
        staff_minutes: 0,
        review: None,
        moved_from: report.moved_from,
        members: Members::default(),
    };
    // By a clock that went on, an attempt begins before it fails.
    if report.started_at > report.at {
        incident.stepped_back = Some(report.started_at.since(report.at));
    }
    let what = What::Opened {
        due_at: report.due_at,
        started_at: report.started_at,
        fault_at,
        failure: failure(report),
    };
    let entry = write(&mut incident, report.at, None, what);
    Recorded { incident, entry: Some(entry) }
}

fn failed(incident: &mut Incident, report: &FaultReport) -> Option<(Timestamp, Option<String>, What)> {
    let is_alike = incident.class == report.class
        && incident.phase == report.phase
        && incident.detail == report.detail
        && incident.lines >= WHOLE_LINES
        && report.at >= incident.failed_at
        && report.at.since(incident.failed_at) < ALIKE_FOR;
    incident.class = report.class;
    incident.phase = report.phase;
    incident.detail.clone_from(&report.detail);
    incident.failures = incident.failures.saturating_add(1);
    incident.parked &= report.stays_parked;
    incident.moved_from = report.moved_from.or(incident.moved_from);
    let failure = failure(report);
    let what = if incident.state == IncidentState::Closed {
        reopen(incident);
        What::Reopened { failure, repeats: std::mem::take(&mut incident.alike) }
    } else if is_alike {
        incident.alike = incident.alike.saturating_add(1);
        return None;
    } else {
        What::Failed { failure, repeats: std::mem::take(&mut incident.alike) }
    };
    incident.failed_at = report.at;
    Some((report.at, None, what))
}

pub(super) fn reopen(incident: &mut Incident) {
    incident.state = IncidentState::Open;
    incident.reopened = incident.reopened.saturating_add(1);
    // Somebody has to take it once more, and what was found out was not all.
    incident.taken = false;
    incident.review = None;
}

pub(super) fn failure(report: &FaultReport) -> Failure {
    Failure {
        class: report.class,
        phase: report.phase,
        detail: report.detail.clone(),
        attempt: report.attempts,
    }
}

/// The next line. The marks follow from the lines and from nothing else.
pub(super) fn write(incident: &mut Incident, wall: Timestamp, by: Option<String>, what: What) -> Entry {
    let at = incident.admit(wall);
    let entry = Entry { seq: incident.lines, at, wall: (wall != at).then_some(wall), by, what };
    incident.lines = incident.lines.saturating_add(1);
    incident.marks.fold(&entry);
    entry
}
