//! What an effect asks of the lockout guard, and what becomes of one that must wait.

use std::time::Duration;

use super::*;
use crate::account::Settings;
use crate::clock::Timestamp;
use crate::entropy::SeededEntropy;
use crate::id::{IncidentId, RotationId};
use crate::incident::group::Outage;
use crate::path::{AccountPath, Name};
use crate::rotation::heartbeat::beaten;
use crate::rotation::run::Cause;
use crate::rotation::step::{Finding, advance, request};
use crate::rotation::{attempt, step};
use crate::target::lockout::Lockout;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fn ctx() -> Context {
    let entropy = SeededEntropy::new(7);
    Context {
        now: NOW,
        next_due: None,
        window_open: true,
        retries: 3,
        retry_base: Duration::from_secs(10),
        retry_cap: Duration::from_secs(300),
        grace: Duration::ZERO,
        early_after: Duration::ZERO,
        hold: Duration::ZERO,
        overlaps: false,
        mints: false,
        draw: 0,
        rotation: RotationId::generate(NOW, &entropy),
        incident: IncidentId::generate(NOW, &entropy),
        group: Outage::default(),
        circuit: None,
        heartbeat: Some(Duration::from_secs(600)),
        reconciles: false,
    }
}

/// Three versions are stored, and a rotation is in this step.
fn account(step: Step) -> Account {
    let subject = Subject::Account(AccountPath::parse("db/app").unwrap());
    let mut account =
        Account::new(subject, Name::parse("ldap").unwrap(), "app".into(), Settings::default(), NOW);
    account.versions.last = 3;
    account.versions.pending = Some(Version::new(3, NOW));
    account.versions.current = Some(Version::new(2, NOW));
    account.versions.previous = Some(Version::new(1, NOW));
    let mut plan = request(account, Cause::Schedule, &ctx()).unwrap();
    let Stage::Active { run, .. } = plan.account.stage else { panic!() };
    plan.account.stage = Stage::Active { run, step };
    plan.account
}

fn manager(step: Step) -> Account {
    Account { subject: Subject::Management(Name::parse("ldap").unwrap()), ..account(step) }
}

fn held() -> Held {
    let lockout = Lockout { threshold: 3, ..Lockout::default() };
    Held { username: "app".to_owned(), until: NOW.plus(Duration::from_secs(700)), refused: 2, lockout }
}

fn app(logins: u32) -> Logins {
    Logins::from([("app".to_owned(), logins)])
}

#[test]
fn an_effect_asks_for_room_for_each_login_that_may_be_refused() {
    let retire = Effect::Retire { end_sessions: false };
    for (step, effect, asks, sends) in [
        // Nothing is changed where the login that proves it would have to wait.
        (Step::Prepare, Effect::Prepare, app(1), Logins::new()),
        (Step::Apply, Effect::Apply, app(1), Logins::new()),
        (Step::Verify, Effect::Verify, app(1), app(1)),
        (Step::Probe, Effect::Probe, app(1), app(3)),
        (Step::Revert, Effect::Revert, Logins::new(), Logins::new()),
        (Step::Retire, retire, app(1), app(1)),
        (Step::Prepare, Effect::Check, app(1), app(1)),
        (Step::Prepare, Effect::CheckPrevious { settle: true }, app(1), app(1)),
    ] {
        let account = account(step);
        assert_eq!((asked(&account, effect), sent(&account, effect)), (asks, sends), "{effect:?}");
    }
    // A management credential acts by itself.
    for (step, effect, asks, sends) in [
        (Step::Prepare, Effect::Prepare, app(1), app(1)),
        (Step::Revert, Effect::Revert, app(1), app(1)),
        (Step::Probe, Effect::Probe, app(1), app(6)),
        (Step::Retire, retire, app(1), app(2)),
    ] {
        let account = manager(step);
        assert_eq!((asked(&account, effect), sent(&account, effect)), (asks, sends), "{effect:?}");
    }
}

#[test]
fn two_that_live_side_by_side_are_both_tried_and_of_two_names_each_counts_for_itself() {
    let mut account = account(Step::Retire);
    let Stage::Active { run, .. } = &mut account.stage else { panic!() };
    run.overlaps = true;
    let retire = Effect::Retire { end_sessions: true };
    assert_eq!(asked(&account, retire), app(2));
    let known = remember(account.clone(), &[2]);
    assert_eq!(asked(&known, retire), app(1), "one that was refused is not tried again");
    account.settings.alternate_username = Some("app_b".to_owned());
    account.versions.current =
        account.versions.current.map(|version| Version { is_alternate: true, ..version });
    let both = Logins::from([("app".to_owned(), 1), ("app_b".to_owned(), 1)]);
    assert_eq!(asked(&account, retire), both);
}

#[test]
fn a_candidate_that_is_asked_beside_another_name_needs_room_of_its_own() {
    let mut account = account(Step::Probe);
    let Stage::Active { run, .. } = &mut account.stage else { panic!() };
    run.overlaps = true;
    account.settings.alternate_username = Some("app_b".to_owned());
    account.versions.pending =
        account.versions.pending.map(|version| Version { is_alternate: true, ..version });
    let alternate = Logins::from([("app_b".to_owned(), 1)]);
    assert_eq!(asked(&account, Effect::Probe), alternate, "it is asked first");
    let known = remember(account, &[3, 3]);
    let both = Logins::from([("app".to_owned(), 1), ("app_b".to_owned(), 1)]);
    assert_eq!(asked(&known, Effect::Probe), both, "another one first, and if that works the candidate");
    let again = remember(known, &[3]);
    assert_eq!(again.stage.run().map(|run| run.refused.clone()), Some(vec![3]), "once is enough to know");
}

#[test]
fn what_is_held_keeps_its_step_and_goes_on_where_it_stopped_without_having_been_tried() {
    let before = remember(account(Step::Probe), &[3]);
    let plan = hold(before.clone(), &held(), &ctx()).unwrap();
    let Stage::Waiting { run, step, at } = &plan.account.stage else { panic!("{:?}", plan.account.stage) };
    assert_eq!((*step, *at, run.held), (Step::Probe, held().until, Some(held().until)));
    assert_eq!(plan.account.versions, before.versions, "no candidate is lost");
    assert!(plan.account.stage.current_is_doubtful(), "nothing is known that was not known before");
    assert_eq!(attempt::ended(&before, &plan, NOW), None);
    // Nothing has failed, and yet people are told.
    let told: Vec<_> = plan.ledger.iter().map(std::mem::discriminant).collect();
    let incident = ctx().incident;
    let guard = LedgerEvent::LockoutGuard { incident, at: NOW, text: held().to_string() };
    let next = LedgerEvent::NextAttempt { incident, at: Some(held().until) };
    assert_eq!(plan.ledger[1..], [guard, next]);
    assert!(
        matches!(&plan.ledger[0], LedgerEvent::Fault(report) if report.class == FaultClass::Overdue),
        "{told:?}"
    );
    assert_eq!(plan.history.last().unwrap().kind, HistoryKind::LockoutGuardHeld);

    let resumed = step::tick(plan.account, &Context { now: held().until, ..ctx() }).unwrap();
    assert_eq!(resumed.effect, Some(Effect::Probe));
    let run = resumed.account.stage.run().unwrap();
    assert_eq!((run.attempts, run.held, run.refused.as_slice()), (1, None, &[3][..]));
    assert_eq!(asked(&resumed.account, Effect::Probe), app(1));
    assert_eq!(sent(&resumed.account, Effect::Probe), app(3), "the candidate once more, after the others");
    let other = Account { stage: account(Step::Probe).stage, ..resumed.account.clone() };
    let other = remember(other, &[2]);
    assert_eq!(sent(&other, Effect::Probe), app(2), "another that was refused is not tried again");
    // A new doubt begins with nothing refused.
    let works = Event::Probed(Finding::Works(2));
    let next = advance(resumed.account, works, &ctx()).unwrap();
    assert_eq!(next.account.stage.run().unwrap().refused, [] as [u64; 0]);
}

#[test]
fn a_change_that_is_held_was_not_made_and_is_looked_at_again_from_the_start() {
    let plan = hold(account(Step::Apply), &held(), &ctx()).unwrap();
    assert_eq!(plan.account.stage.step(), Some(Step::Prepare));
    assert!(plan.account.stage.untouched() && plan.account.versions.pending.is_some());
    let idle = Account { stage: Stage::Idle, ..account(Step::Apply) };
    assert!(hold(idle, &held(), &ctx()).is_none());
}

#[test]
fn a_probe_that_runs_out_of_room_is_the_same_probe_again() {
    let plan = advance(remember(account(Step::Probe), &[3]), Event::OutOfRoom, &ctx()).unwrap();
    assert_eq!((plan.effect, plan.account.stage.step()), (Some(Effect::Probe), Some(Step::Probe)));
    assert_eq!(plan.account.stage.run().unwrap().refused, [3]);
    assert!(advance(account(Step::Apply), Event::OutOfRoom, &ctx()).is_none());
}

#[test]
fn a_heartbeat_is_put_off_and_never_beyond_the_next_one() {
    let mut account = account(Step::Prepare);
    account.stage = Stage::Idle;
    for (every, next) in [(600, 600), (3600, 700)] {
        let ctx = Context { heartbeat: Some(Duration::from_secs(every)), ..ctx() };
        let plan = hold_heartbeat(account.clone(), &held(), &ctx);
        assert_eq!(plan.account.beat.next, Some(NOW.plus(Duration::from_secs(next))));
    }
}

#[test]
fn that_a_heartbeat_is_put_off_is_said_once_until_it_goes_on() {
    let mut account = account(Step::Prepare);
    account.stage = Stage::Idle;
    let said = |plan: &Plan| plan.history.iter().any(|line| line.kind == HistoryKind::LockoutGuardHeld);
    let mut plan = hold_heartbeat(account, &held(), &ctx());
    assert!(said(&plan));
    for _ in 0..3 {
        plan = hold_heartbeat(plan.account, &held(), &ctx());
        assert!(!said(&plan), "it was said");
    }
    for shown in [Probe::Works, Probe::Inconclusive(Fault::new(FaultClass::Unreachable, "x"))] {
        let went = beaten(plan.account, &Event::Checked(shown), &ctx());
        plan = hold_heartbeat(went.account, &held(), &ctx());
        assert!(said(&plan), "it went on in between");
    }
}

#[test]
fn a_login_counts_as_refused_unless_it_is_known_that_it_was_not() {
    let fault = |class| Fault::new(class, "x");
    for (class, counts) in [
        (FaultClass::Unreachable, false),
        (FaultClass::Tls, false),
        (FaultClass::AccountLocked, false),
        (FaultClass::Ambiguous, true),
        (FaultClass::PluginTimeout, true),
        (FaultClass::ManagementAuthRefused, true),
    ] {
        let wanted = counts.then_some(Login::Refused);
        assert_eq!(of_probe(&Probe::Inconclusive(fault(class))), wanted, "{class}");
        assert_eq!(of_verification(&Verification::Inconclusive(fault(class))), wanted, "{class}");
        assert_eq!(of_check(&Err(fault(class))), wanted, "{class}");
    }
    assert_eq!(of_probe(&Probe::Blocked(fault(FaultClass::AccountLocked))), None);
    assert_eq!(
        of_management(&Event::Prepared(Err(fault(FaultClass::ManagementAuthRefused)))),
        Some(Login::Refused)
    );
    assert_eq!(of_management(&Event::Prepared(Err(fault(FaultClass::PermissionDenied)))), None);
    assert_eq!(of_management(&Event::Applied(Outcome::Applied)), Some(Login::Works));
    assert_eq!(of_check(&Err(fault(FaultClass::PermissionDenied))), Some(Login::Works), "it was let in");
}

#[test]
fn a_purse_is_empty_when_the_next_refused_login_could_lock_and_full_again_after_one_that_worked() {
    let mut purse = Purse::with(app(2), 2);
    purse.pay("app", Some(Login::Refused));
    purse.pay("app", None);
    assert!(purse.admits("app"));
    purse.pay("app", Some(Login::Refused));
    assert!(!purse.admits("app") && purse.admits("other"));
    assert_eq!(purse.shown.len(), 2);
    let mut purse = Purse::with(app(0), 2);
    purse.pay("app", Some(Login::Works));
    purse.pay("app", Some(Login::Refused));
    assert!(purse.admits("app"));
    purse.pay("app", Some(Login::Refused));
    assert!(!purse.admits("app"));
    for version in [3, 4, 3] {
        purse.refuse(version);
    }
    assert_eq!(purse.refused, [3, 4]);
    // Where nothing is guarded nothing is remembered.
    let mut open = Purse::default();
    open.pay("app", Some(Login::Refused));
    open.refuse(3);
    assert!(open.admits("app") && open.shown.is_empty() && open.refused.is_empty());
}
