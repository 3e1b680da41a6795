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

fn hear_all(
    mut group: Incident,
    mut member: Member,
    reports: impl IntoIterator<Item = FaultReport>,
) -> (Incident, Member) {
    for report in reports {
        let heard = hear(Some(group), Some(member), &LedgerEvent::Fault(report)).unwrap();
        (group, member) = (heard.incident, heard.member.unwrap());
    }
    (group, member)
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
    let last = report("a/x", FaultClass::ManagementAuthRefused, "refused", 2001);
    let (group, _) = hear_all(group, member, [last]);
    assert_eq!(
        (group.class, group.detail.as_str()),
        (FaultClass::ManagementAuthRefused, "refused"),
        "what it is now is told"
    );
    assert_eq!(group.lines, WHOLE_LINES + 1, "what is worse is told at once");
}

#[test]
fn an_account_that_comes_back_keeps_what_it_failed_by_before() {
    let (group, x) = after([report("a/x", FaultClass::Tls, "x", 0)]);
    let y = LedgerEvent::Fault(report("a/y", FaultClass::Tls, "x", 1));
    let group = hear(Some(group), None, &y).unwrap().incident;
    let healed = LedgerEvent::Remediated { incident: group.id, at: at(2) };
    let left = hear(Some(group), Some(x), &healed).unwrap();
    let again = report("a/x", FaultClass::Unreachable, "gone", 3);
    let (group, x) = hear_all(left.incident, left.member.unwrap(), [again]);
    assert_eq!((group.members.now, group.members.ever), (2, 2));
    assert_eq!((x.attempts, x.failures.len(), x.joined_at), (1, 2, at(3)));
}

#[test]
fn who_took_it_has_not_taken_what_comes_after_all_were_served_again() {
    for is_served in [false, true] {
        let (group, x) = after([report("a/x", FaultClass::Tls, "x", 0)]);
        let taken = LedgerEvent::Acknowledged { incident: group.id, at: at(1), by: "ann".to_owned() };
        let mut heard = hear(Some(group), Some(x), &taken).unwrap();
        if is_served {
            let served = LedgerEvent::Mitigated { incident: heard.incident.id, at: at(2) };
            heard = hear(Some(heard.incident), heard.member, &served).unwrap();
        }
        let y = LedgerEvent::Fault(report("a/y", FaultClass::Tls, "x", 3));
        let group = hear(Some(heard.incident), None, &y).unwrap().incident;
        assert_eq!((group.taken, group.marks.t6), (!is_served, None));
    }
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
