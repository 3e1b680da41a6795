//! Folds what happened into the record of an incident.

use serde::{Deserialize, Serialize};

use super::{EVENTS_MAX, Incident, IncidentEvent, IncidentEventKind, IncidentState, Marks};
use crate::clock::Timestamp;
use crate::id::IncidentId;
use crate::rotation::fault::FaultClass;
use crate::rotation::run::Step;

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
            | Self::Withdrawn { incident, .. }
            | Self::Acknowledged { incident, .. }
            | Self::Assigned { incident, .. }
            | Self::Note { incident, .. } => *incident,
        }
    }
}

/// The record after `event`. `None` when there is no record and the event does not open one.
#[must_use]
pub fn record(incident: Option<Incident>, event: &LedgerEvent) -> Option<Incident> {
    let mut incident = match (incident, event) {
        (Some(incident), _) => incident,
        (None, LedgerEvent::Fault(report)) => return Some(opened(report)),
        (None, _) => return None,
    };
    match event {
        LedgerEvent::Fault(report) => failed(&mut incident, report),
        LedgerEvent::NextAttempt { at, .. } => {
            incident.next_attempt = *at;
            incident.parked &= at.is_none();
        }
        LedgerEvent::Parked { at, .. } => {
            incident.parked = true;
            incident.next_attempt = None;
            push(&mut incident, *at, IncidentEventKind::Parked, None, "waits for a person");
        }
        LedgerEvent::Mitigated { at, .. } => {
            incident.marks.t6.get_or_insert(*at);
            push(&mut incident, *at, IncidentEventKind::Mitigated, None, "consumers can log in again");
        }
        LedgerEvent::Remediated { at, .. } => {
            incident.state = IncidentState::Closed;
            incident.parked = false;
            incident.next_attempt = None;
            incident.marks.t6.get_or_insert(*at);
            incident.marks.t7 = Some(*at);
            push(&mut incident, *at, IncidentEventKind::Remediated, None, "verified healthy");
        }
        LedgerEvent::Withdrawn { at, by, .. } => {
            incident.state = IncidentState::Closed;
            incident.parked = false;
            incident.next_attempt = None;
            push(&mut incident, *at, IncidentEventKind::Withdrawn, Some(by), "no longer managed");
        }
        LedgerEvent::Acknowledged { at, by, .. } => {
            incident.marks.t5.get_or_insert(*at);
            incident.owner.get_or_insert_with(|| by.clone());
            push(&mut incident, *at, IncidentEventKind::Acknowledged, Some(by), "acknowledged");
        }
        LedgerEvent::Assigned { at, by, owner, .. } => {
            incident.owner = Some(owner.clone());
            push(&mut incident, *at, IncidentEventKind::Assigned, Some(by), &format!("owner is {owner}"));
        }
        LedgerEvent::Note { at, by, text, .. } => {
            push(&mut incident, *at, IncidentEventKind::Note, Some(by), text);
        }
    }
    Some(incident)
}

fn opened(report: &FaultReport) -> Incident {
    // What did not begin has been wrong since it was due, however late that was noticed.
    let fault_at = if report.class == FaultClass::Overdue { report.due_at.min(report.at) } else { report.at };
    let marks = Marks {
        t0: Some(report.due_at),
        t1: Some(report.started_at),
        t2: Some(fault_at),
        t3: Some(report.at),
        ..Marks::default()
    };
    let text = format!("{}: {}", report.class, report.detail);
    Incident {
        id: report.incident,
        subject: report.subject.clone(),
        target: report.target.clone(),
        class: report.class,
        phase: report.phase,
        detail: report.detail.clone(),
        state: IncidentState::Open,
        parked: false,
        marks,
        failures: 1,
        reopened: 0,
        next_attempt: None,
        owner: None,
        events: vec![IncidentEvent { at: report.at, kind: IncidentEventKind::Opened, by: None, text }],
        events_dropped: 0,
    }
}

fn failed(incident: &mut Incident, report: &FaultReport) {
    let text = format!("{}: {}", report.class, report.detail);
    incident.class = report.class;
    incident.phase = report.phase;
    incident.detail.clone_from(&report.detail);
    incident.failures = incident.failures.saturating_add(1);
    incident.parked &= report.stays_parked;
    let kind = if incident.state == IncidentState::Closed {
        incident.state = IncidentState::Open;
        incident.reopened = incident.reopened.saturating_add(1);
        // It never was remediated, as it turns out: the clock runs on from the first detection.
        incident.marks.t6 = None;
        incident.marks.t7 = None;
        IncidentEventKind::Reopened
    } else {
        IncidentEventKind::Failed
    };
    push(incident, report.at, kind, None, &text);
}

fn push(incident: &mut Incident, at: Timestamp, kind: IncidentEventKind, by: Option<&String>, text: &str) {
    if incident.events.len() >= EVENTS_MAX {
        incident.events.remove(EVENTS_MAX / 2);
        incident.events_dropped = incident.events_dropped.saturating_add(1);
    }
    incident.events.push(IncidentEvent { at, kind, by: by.cloned(), text: text.to_owned() });
}
