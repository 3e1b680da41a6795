//! How bad an incident was, since when it waits for somebody, and who was notified first.

use std::time::Duration;

use super::*;
use crate::clock::Timestamp;
use crate::entropy::SeededEntropy;
use crate::id::IncidentId;
use crate::incident::severity::Severity;

fn at(minute: u64) -> Timestamp {
    Timestamp::from_secs(1_000_000).plus(Duration::from_secs(minute * 60))
}

fn id() -> IncidentId {
    IncidentId::generate(at(0), &SeededEntropy::new(1))
}

fn fault(minute: u64, class: FaultClass, reopened: bool) -> LedgerEvent {
    LedgerEvent::Fault(FaultReport {
        incident: id(),
        reopened,
        at: at(minute),
        subject: "a/app".to_owned(),
        target: "t".to_owned(),
        class,
        phase: None,
        detail: "words".to_owned(),
        due_at: at(0),
        started_at: at(0),
        attempts: 1,
        stays_parked: false,
        scope: Default::default(),
        moved_from: None,
    })
}

fn after(events: &[LedgerEvent]) -> Incident {
    let fold = |incident, event| record(incident, event).map(|recorded| recorded.incident);
    events.iter().fold(None, fold).unwrap()
}

#[test]
fn an_incident_is_as_bad_as_it_was_at_its_worst_since_it_was_opened_last() {
    let mut events = vec![fault(0, FaultClass::Unreachable, false)];
    assert_eq!(after(&events).severity(), Severity::Error);
    events.extend([fault(1, FaultClass::Drift, false), fault(2, FaultClass::ConsumerLag, false)]);
    assert_eq!(after(&events).severity(), Severity::Critical);
    events.push(LedgerEvent::Remediated { incident: id(), at: at(3) });
    assert_eq!(after(&events).severity(), Severity::Critical, "whoever was called hears that it is over");
    events.push(fault(4, FaultClass::ConsumerLag, true));
    assert_eq!(after(&events).severity(), Severity::Warning);
    // One from before this was written down.
    let old = Incident { worst: None, waiting: None, ..after(&events) };
    assert_eq!((old.severity(), old.waits_since()), (Severity::Warning, Some(at(0))));
}

#[test]
fn it_waits_from_its_opening_until_somebody_takes_it() {
    let by = || "ann".to_owned();
    let mut events = vec![fault(0, FaultClass::Drift, false), fault(5, FaultClass::Drift, false)];
    assert_eq!(after(&events).waits_since(), Some(at(0)));
    events.push(LedgerEvent::Acknowledged { incident: id(), at: at(6), by: by() });
    assert_eq!(after(&events).waits_since(), None);
    events.push(fault(7, FaultClass::Drift, false));
    assert_eq!(after(&events).waits_since(), None);
    events.push(LedgerEvent::Remediated { incident: id(), at: at(8) });
    events.push(fault(9, FaultClass::Drift, true));
    assert_eq!(after(&events).waits_since(), Some(at(9)), "somebody has to take it once more");
    events.push(LedgerEvent::Withdrawn { incident: id(), at: at(10), by: by() });
    assert_eq!(after(&events).waits_since(), None);
}

#[test]
fn the_first_notice_of_an_opening_is_a_line_and_the_very_first_is_t4() {
    let notice = |minute, opening| {
        let receiver = "chat".to_owned();
        LedgerEvent::Notified { incident: id(), at: at(minute), receiver, opening }
    };
    let mut events = vec![fault(0, FaultClass::Drift, false), notice(1, 0), notice(2, 0)];
    let told = after(&events);
    assert_eq!((told.lines, told.marks.t4), (2, Some(at(1))));
    events.push(LedgerEvent::Remediated { incident: id(), at: at(3) });
    events.extend([fault(4, FaultClass::Drift, true), notice(5, 0)]);
    let late = after(&events);
    assert_eq!((late.lines, late.notified), (4, false), "that was of the opening before");
    events.push(notice(6, 1));
    let told = after(&events);
    assert_eq!((told.lines, told.marks.t4), (5, Some(at(1))));
    // Where nobody was told ever, a late message is the first.
    let late = [
        fault(0, FaultClass::Drift, false),
        LedgerEvent::Remediated { incident: id(), at: at(3) },
        fault(4, FaultClass::Drift, true),
        notice(5, 0),
        notice(6, 1),
    ];
    let told = after(&late);
    assert_eq!((told.lines, told.marks.t4), (5, Some(at(5))));
    // One that is written down a moment late is no clock that went back.
    let mut near = told;
    near.notified = false;
    let LedgerEvent::Notified { receiver, .. } = notice(6, 1) else { panic!("a notice") };
    let moment = near.last_at.minus(Duration::from_secs(2));
    let event = LedgerEvent::Notified { incident: id(), at: moment, receiver, opening: 1 };
    assert_eq!(record(Some(near), &event).unwrap().incident.stepped_back, None);
}
