//! Folds what happened into the record of an incident, and gives its time line the next line.

mod event;

use std::time::Duration;

use super::act::{Act, Acted};
use super::entry::{ALIKE_FOR, Entry, Failure, WHOLE_LINES, What};
use super::{Incident, IncidentState, Kind, Marks, Members, Review, merge};
use crate::clock::Timestamp;
use crate::rotation::fault::FaultClass;
use crate::target::breaker::Turn;

pub use self::event::{FaultReport, LedgerEvent};

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
    if incident.merged.into.is_some() {
        match event {
            LedgerEvent::Acknowledged { .. } | LedgerEvent::Assigned { .. } => {
                return Some("the incident is merged into another, and is taken with that: take that one");
            }
            LedgerEvent::Reviewed { .. } => {
                return Some("the incident is merged into another: review that one, it stands for both");
            }
            _ => {}
        }
    }
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
        // Of a target's incident, or of one with others beneath it: [`super::group::hear`], [`merge::hear`].
        LedgerEvent::Moved { .. } | LedgerEvent::Beneath { .. } => None,
        LedgerEvent::Merged { at, by, into, .. } => {
            merge::put_beneath(&mut incident, *into);
            Some((settled(&incident, *at), Some(by.clone()), What::Merged { into: *into }))
        }
        LedgerEvent::Unmerged { at, by, .. } => merge::take_apart(&mut incident)
            .map(|from| (settled(&incident, *at), Some(by.clone()), What::Unmerged { from })),
        LedgerEvent::Reconciled { at, .. } => Some((*at, None, What::Reconciled)),
        LedgerEvent::LockoutGuard { at, text, .. } => {
            Some((*at, None, What::LockoutGuardHeld { text: text.clone() }))
        }
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
        LedgerEvent::Remediated { at, .. } => Some((*at, None, merge::own_over(&mut incident, true))),
        LedgerEvent::Withdrawn { at, by, .. } => {
            Some((*at, Some(by.clone()), merge::own_over(&mut incident, false)))
        }
        LedgerEvent::Notified { .. } if !is_first_notice(&incident, event) => None,
        LedgerEvent::Notified { at, receiver, opening, .. } => {
            incident.notified |= *opening >= incident.reopened;
            Some((settled(&incident, *at), None, What::Notified { receiver: receiver.clone() }))
        }
        LedgerEvent::Escalated { at, receivers, .. } => {
            Some((settled(&incident, *at), None, What::Escalated { receivers: receivers.clone() }))
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
        LedgerEvent::Reviewed { .. } if is_repeated(&incident, event) => None,
        LedgerEvent::Reviewed { at, by, cause, text, staff_minutes, .. } => {
            incident.staff_minutes = incident.staff_minutes.saturating_add(*staff_minutes);
            incident.review = said(event);
            let review = What::Reviewed { cause: *cause, text: text.clone(), staff_minutes: *staff_minutes };
            Some((*at, Some(by.clone()), review))
        }
    };
    let entry = line.map(|(wall, by, what)| write(&mut incident, wall, by, what));
    Some(Recorded { incident, entry })
}

/// What a review says.
fn said(event: &LedgerEvent) -> Option<Review> {
    let LedgerEvent::Reviewed { by, cause, text, staff_minutes, .. } = event else { return None };
    Some(Review { by: by.clone(), cause: *cause, text: text.clone(), staff_minutes: *staff_minutes })
}

/// Whether somebody has said the very same a moment ago: a button that was pressed twice is one review.
fn is_repeated(incident: &Incident, event: &LedgerEvent) -> bool {
    let LedgerEvent::Reviewed { at, .. } = event else { return false };
    incident.review == said(event)
        && incident.marks.t8.is_some_and(|before| settled(incident, *at).since(before) < REPEATED_FOR)
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
        notified: false,
        worst: None,
        waiting: None,
        merged: merge::Merges::default(),
        acted: None,
        // Whoever commits the record knows it.
        team: None,
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

/// Whether `event` is that somebody was notified, and nobody was since the incident was opened last. Of an opening that is
/// over it is the first where nobody was notified ever.
#[must_use]
pub fn is_first_notice(incident: &Incident, event: &LedgerEvent) -> bool {
    let LedgerEvent::Notified { opening, .. } = event else { return false };
    let is_of_last = *opening >= incident.reopened;
    if is_of_last { !incident.notified } else { incident.marks.t4.is_none() }
}

/// Several write to one time line: what was decided a moment before the last line is no clock that went back.
pub(super) fn settled(incident: &Incident, at: Timestamp) -> Timestamp {
    if incident.last_at.since(at) < SKEW { at.max(incident.last_at) } else { at }
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
    // One that waits for others only was over as far as this goes.
    let was_over = std::mem::take(&mut incident.merged.own_over) || incident.state == IncidentState::Closed;
    let what = if was_over {
        // How bad those beneath it are that are open still is not forgotten.
        let beneath = incident.worst.filter(|_| incident.merged.open() > 0);
        reopen(incident);
        incident.worst = beneath.map(|beneath| beneath.max(report.class.severity()));
        What::Reopened { failure, repeats: std::mem::take(&mut incident.alike) }
    } else if is_alike {
        incident.alike = incident.alike.saturating_add(1);
        incident.acted = Some(Acted { at: report.at, act: Act::failed(report.class, report.phase) });
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
    if let Some(own) = &mut incident.merged.own {
        own.taken = false;
    }
    incident.notified = false;
    incident.waiting = None;
    // As the failure that opens it again says.
    incident.worst = None;
    incident.review = None;
    incident.merged.proven = false;
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
    incident.note_act(&entry);
    incident.follow(at);
    entry
}

const SKEW: Duration = Duration::from_secs(10);
/// How long the same review by the same person counts as one.
const REPEATED_FOR: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests;
