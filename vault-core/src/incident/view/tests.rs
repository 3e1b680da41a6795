//! Views of incidents that were begun before version 2, and of what only a time line tells.

use super::*;
use crate::id::IncidentId;
use crate::incident::group::hear;
use crate::incident::ledger::{FaultReport, LedgerEvent, record};
use crate::rotation::fault::Scope;

fn at(minute: i64) -> Timestamp {
    Timestamp::from_secs(1_800_000_000 + 60 * minute)
}

fn id() -> IncidentId {
    IncidentId::generate(at(0), &crate::entropy::SeededEntropy::new(1))
}

fn fault(minute: i64, class: FaultClass) -> LedgerEvent {
    LedgerEvent::Fault(FaultReport {
        incident: id(),
        reopened: false,
        at: at(minute),
        subject: "a/app".to_owned(),
        target: "t".to_owned(),
        class,
        phase: None,
        detail: "closed".to_owned(),
        due_at: at(minute),
        started_at: at(minute),
        attempts: 1,
        stays_parked: false,
        scope: Scope::Account,
        moved_from: None,
    })
}

fn told(events: &[LedgerEvent]) -> (Incident, Vec<Entry>) {
    let (mut incident, mut lines) = (None, Vec::new());
    for event in events {
        let recorded = record(incident, event).unwrap();
        incident = Some(recorded.incident);
        lines.extend(recorded.entry);
    }
    (incident.unwrap(), lines)
}

/// The incident as a vault before version 2 left it: its whole time line is in the record.
fn before_version_2(events: &[LedgerEvent]) -> Incident {
    let (mut incident, lines) = told(events);
    let earlier = |line: &Entry| EarlierEvent {
        at: line.wall.unwrap_or(line.at),
        kind: line.word().to_owned(),
        by: None,
        text: line.text(),
    };
    incident.events = lines.iter().map(earlier).collect();
    incident.lines = 0;
    incident.last_at = Timestamp::EPOCH;
    incident.stepped_back = None;
    incident
}

fn history() -> Vec<LedgerEvent> {
    let (incident, by) = (id(), || "eve".to_owned());
    vec![
        fault(0, FaultClass::Unreachable),
        LedgerEvent::Acknowledged { incident, at: at(1), by: by() },
        LedgerEvent::Remediated { incident, at: at(2) },
        fault(3, FaultClass::Drift),
        LedgerEvent::Mitigated { incident, at: at(4) },
        LedgerEvent::Withdrawn { incident, at: at(5), by: by() },
        LedgerEvent::Note { incident, at: at(6), by: by(), text: "gone".to_owned(), staff_minutes: 0 },
    ]
}

#[test]
fn who_comes_beneath_the_incident_of_a_target_does_not_say_what_that_is_about() {
    let (mut group, mut lines) = (None, Vec::new());
    let late = (FaultClass::Overdue, "a/late");
    for (minute, (class, subject)) in (0..).zip([(FaultClass::Unreachable, "a/app"), late]) {
        let LedgerEvent::Fault(report) = fault(minute, class) else { panic!("a fault") };
        let report = FaultReport { subject: subject.to_owned(), scope: Scope::Target, ..report };
        let heard = hear(group, None, &LedgerEvent::Fault(report)).unwrap();
        (group, lines) = (Some(heard.incident), [lines, heard.entries].concat());
    }
    let group = group.unwrap();
    assert_eq!(group.class, FaultClass::Unreachable);
    let joined = group.last_at;
    for until in [joined, joined.plus(std::time::Duration::from_secs(60))] {
        assert_eq!(View::before(&group, &lines, until).unwrap().class, FaultClass::Unreachable);
        assert_eq!(Known::told(&group, &lines, until).class, FaultClass::Unreachable);
    }
}

#[test]
fn an_incident_that_was_begun_before_version_2_is_seen_like_any_other() {
    let (whole, lines) = told(&history());
    let earlier = before_version_2(&history());
    // And one that was begun before and went on after.
    let half = before_version_2(&history()[..3]);
    let (mut half, mut rest) = (half, Vec::new());
    for event in &history()[3..] {
        let recorded = record(Some(half), event).unwrap();
        half = recorded.incident;
        rest.extend(recorded.entry);
    }
    for minute in 0..9 {
        let view = View::before(&whole, &lines, at(minute));
        assert_eq!(View::before(&earlier, &[], at(minute)), view, "{minute}");
        assert_eq!(View::before(&half, &rest, at(minute)), view, "{minute}");
        assert_eq!(view.is_none(), minute == 0);
    }
    let withdrawn = View::before(&whole, &lines, at(9)).unwrap();
    assert_eq!((withdrawn.end, withdrawn.class), (End::Withdrawn(at(5)), FaultClass::Drift));
    let repaired = View::before(&whole, &lines, at(3)).unwrap();
    assert_eq!((repaired.end, repaired.class), (End::Remediated(at(2)), FaultClass::Unreachable));
}

#[test]
fn events_of_before_version_2_that_go_back_in_time_make_it_suspect() {
    let mut incident = before_version_2(&history());
    assert!(!View::before(&incident, &[], at(9)).unwrap().stepped_back);
    incident.events[1].at = at(-1);
    assert!(View::before(&incident, &[], at(9)).unwrap().stepped_back);
}

#[test]
fn a_step_back_that_came_later_does_not_touch_what_was_known() {
    let (incident, by) = (id(), || "eve".to_owned());
    let back = LedgerEvent::Note { incident, at: at(1), by: by(), text: "back".to_owned(), staff_minutes: 7 };
    let (incident, lines) = told(&[
        fault(0, FaultClass::Unreachable),
        LedgerEvent::Remediated { incident, at: at(2) },
        LedgerEvent::Acknowledged { incident, at: at(4), by: by() },
        back,
    ]);
    let then = View::before(&incident, &lines, at(3)).unwrap();
    assert_eq!((then.stepped_back, then.acknowledged, then.staff_minutes), (false, None, 0));
    let now = View::before(&incident, &lines, at(5)).unwrap();
    assert_eq!((now.stepped_back, now.acknowledged, now.staff_minutes), (true, Some(at(4)), 7));
    assert!(View::needs_lines(&incident, at(3)) && !View::needs_lines(&incident, at(5)));
}
