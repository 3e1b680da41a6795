//! Members, their failures, and records from before there were any.

use super::*;
use crate::account::{Account, Settings, Subject};
use crate::path::{AccountPath, Name};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_secs(1_800_000_000 + seconds)
}

fn report(subject: &str, class: FaultClass, detail: &str, seconds: i64) -> FaultReport {
    FaultReport {
        incident: IncidentId::from_stored([7; 16]),
        reopened: false,
        at: at(seconds),
        subject: subject.to_owned(),
        target: "db".to_owned(),
        class,
        phase: Some(Step::Prepare),
        detail: detail.to_owned(),
        due_at: at(0),
        started_at: at(0),
        attempts: 1,
        stays_parked: false,
        scope: Scope::Target,
        moved_from: None,
    }
}

/// What a member's failures make of the records.
fn after(reports: impl IntoIterator<Item = FaultReport>) -> (Incident, Member) {
    let (mut group, mut member) = (None, None);
    for report in reports {
        let heard = hear(group, member, &LedgerEvent::Fault(report)).unwrap();
        (group, member) = (Some(heard.incident), heard.member);
    }
    (group.unwrap(), member.unwrap())
}

#[test]
fn of_many_failures_of_a_member_the_first_and_the_newest_are_told() {
    let unlike = (0..50).map(|at| report("a/x", FaultClass::Unreachable, &format!("detail {at}"), at));
    let (_, member) = after(unlike);
    assert_eq!((member.attempts, member.failures.len()), (50, FAILURES_MAX));
    let told: Vec<&str> = member.failures.iter().map(|told| told.failure.detail.as_str()).collect();
    assert_eq!((told[0], told[1], told[FAILURES_MAX - 1]), ("detail 0", "detail 31", "detail 49"));
}

#[test]
fn a_class_that_goes_back_and_forth_for_ever_does_not_fill_the_time_line() {
    let classes = [FaultClass::Unreachable, FaultClass::Tls];
    let (group, member) = after((0..2000).map(|n| report("a/x", classes[usize::from(n % 2 == 0)], "x", n)));
    assert_eq!((group.lines, member.attempts), (WHOLE_LINES, 2000));
}

#[test]
fn who_writes_a_moment_late_is_no_clock_that_went_back_and_an_hour_is() {
    for (seconds, stepped) in [(-9, None), (-3600, Some(3600))] {
        let (group, _) = after([report("a/x", FaultClass::Tls, "x", 0)]);
        let late = LedgerEvent::Fault(report("a/y", FaultClass::Tls, "x", seconds));
        let group = hear(Some(group), None, &late).unwrap().incident;
        assert_eq!(group.stepped_back.map(|step| step.as_secs()), stepped);
    }
}

#[test]
fn what_is_said_of_an_account_that_is_not_beneath_it_changes_nothing() {
    let (group, _) = after([report("a/x", FaultClass::Tls, "x", 0)]);
    let healed = LedgerEvent::Remediated { incident: group.id, at: at(1) };
    assert_eq!(hear(Some(group.clone()), None, &healed), None);
    let (_, member) = after([report("a/x", FaultClass::Tls, "x", 0)]);
    let left = hear(Some(group), Some(member), &healed).unwrap();
    assert_eq!(hear(Some(left.incident), left.member, &healed), None, "it has left");
}

#[test]
fn records_from_before_read_as_an_accounts_own() {
    let path = AccountPath::parse("app").unwrap();
    let target = Name::parse("db").unwrap();
    let account = Account::new(Subject::Account(path), target, "app".to_owned(), Settings::default(), at(0));
    let mut stored = serde_json::to_value(&account).unwrap();
    stored.as_object_mut().unwrap().remove("incident_scope").unwrap();
    assert_eq!(serde_json::from_value::<Account>(stored).unwrap(), account);

    let own = FaultReport { scope: Scope::Account, ..report("a/app", FaultClass::Drift, "x", 0) };
    let incident = ledger::record(None, &LedgerEvent::Fault(own)).unwrap().incident;
    let mut stored = serde_json::to_value(&incident).unwrap();
    for added in ["kind", "members"] {
        stored.as_object_mut().unwrap().remove(added).unwrap();
    }
    let read: Incident = serde_json::from_value(stored).unwrap();
    assert_eq!((read.kind, &read), (Kind::Account, &incident));
    // An open one of a class that is the target's today stays what it is.
    let more = LedgerEvent::Fault(report("a/app", FaultClass::Unreachable, "x", 1));
    assert!(!more.is_of_group(Some(&read)));
}
