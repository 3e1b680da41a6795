//! Which actions fit which class in which state; what they say they do.

use std::time::Duration;

use super::*;
use crate::account::plan::HistoryKind;
use crate::account::{Health, Settings, Version};
use crate::entropy::SeededEntropy;
use crate::id::RotationId;
use crate::incident::ledger::{FaultReport, record};
use crate::lease::checkout::{Request, check_out};
use crate::lease::{Borrower, Limits};
use crate::path::{AccountPath, Name};
use crate::rotation::fault::Fault;
use crate::rotation::run::{Cause, Run, Step};
use crate::rotation::step;
use crate::silence::foresee::Outlook;

fn ctx() -> Context {
    let (now, entropy) = (Timestamp::from_secs(1_800_000_000), SeededEntropy::new(1));
    Context {
        now,
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
        rotation: RotationId::generate(now, &entropy),
        incident: IncidentId::generate(now, &entropy),
        group: Default::default(),
        circuit: None,
        heartbeat: None,
        reconciles: false,
    }
}

fn run(cause: Cause) -> Run {
    let Stage::Active { run, .. } = step::start(account(), cause, &ctx()).account.stage else { panic!() };
    run
}

/// An account with two versions and an open incident.
fn account() -> Account {
    let now = ctx().now;
    let subject = Subject::Account(AccountPath::parse("db/app").unwrap());
    let mut account =
        Account::new(subject, Name::parse("pg").unwrap(), "app".into(), Settings::default(), now);
    account.versions.last = 2;
    account.versions.current = Some(Version::new(2, now));
    account.versions.previous = Some(Version::new(1, now));
    account.incident = Some(ctx().incident);
    account
}

fn manager() -> Account {
    let target = Name::parse("pg").unwrap();
    Account { subject: Subject::Management(target), ..account() }
}

fn incident(class: FaultClass) -> Incident {
    let ctx = ctx();
    let report = FaultReport {
        incident: ctx.incident,
        reopened: false,
        at: ctx.now,
        subject: "a/db/app".into(),
        target: "pg".into(),
        class,
        phase: None,
        detail: "something".into(),
        due_at: ctx.now,
        started_at: ctx.now,
        attempts: 1,
        stays_parked: false,
        scope: Default::default(),
        moved_from: None,
    };
    record(None, &LedgerEvent::Fault(report)).unwrap().incident
}

fn at(account: Account, stage: Stage) -> Account {
    Account { stage, ..account }
}

fn parked(step: Step) -> Stage {
    Stage::Parked { run: run(Cause::Schedule), step }
}

fn waiting(step: Step) -> Stage {
    Stage::Waiting { run: run(Cause::Schedule), step, at: ctx().now.plus(Duration::from_secs(60)) }
}

fn words(class: FaultClass, account: &Account) -> String {
    let mut fit = allowed(&incident(class), account, &ctx());
    let last = fit.pop().map(|remedy| (remedy.action, remedy.safe));
    assert_eq!(
        last,
        Some((Action::Maintenance, false)),
        "its target may always be said to be in maintenance"
    );
    let word = |remedy: &Remedy| format!("{}{}", remedy.action.as_str(), if remedy.safe { "" } else { "!" });
    fit.iter().map(word).collect::<Vec<_>>().join(" ")
}

fn lent(account: Account) -> Account {
    let borrower =
        Borrower { id: "p".into(), name: "p".into(), token: String::new(), accessor: String::new() };
    let request =
        Request { lease_id: "l".into(), borrower, ttl: None, reason: None, ticket: None, pool: None };
    let account =
        Account { stage: Stage::Idle, incident: None, health: Health::Verified(ctx().now), ..account };
    let limits = Limits { ttl: Duration::from_secs(60), max_ttl: Duration::from_secs(60) };
    let lent = check_out(account, request, limits, &ctx()).map_err(|_| ()).unwrap().account;
    Account { incident: Some(ctx().incident), ..lent }
}

/// An `!` stands for "not safe".
#[test]
fn each_class_in_each_state_has_its_actions() {
    use FaultClass::*;
    let waits = |step| at(account(), waiting(step));
    let parks = |step| at(account(), parked(step));
    let idle = account;
    let side_by_side = || {
        let mut account = waits(Step::Retire);
        if let Stage::Waiting { run, .. } = &mut account.stage {
            run.overlaps = true;
        }
        account
    };
    for (class, account, expected) in [
        (Unreachable, waits(Step::Prepare), "retry use_previous!"),
        (Tls, waits(Step::Prepare), "retry use_previous!"),
        (StoreFailed, waits(Step::Prepare), "retry use_previous!"),
        (PluginFailed, waits(Step::Prepare), "retry use_previous!"),
        (PluginTimeout, waits(Step::Probe), "retry use_previous!"),
        (Overdue, idle(), "retry use_previous!"),
        (Preflight, parks(Step::Prepare), "use_previous! unpark"),
        (PermissionDenied, parks(Step::Prepare), "use_previous! unpark"),
        (PolicyRejected, parks(Step::Prepare), "use_previous! unpark"),
        (AccountMissing, parks(Step::Prepare), "use_previous! unpark"),
        (AccountLocked, parks(Step::Prepare), "use_previous! unpark!"),
        (AccountLocked, idle(), "retry! use_previous!"),
        (RightsLost, parks(Step::Prepare), "use_previous! unpark!"),
        (ManagementAuthRefused, parks(Step::Prepare), "use_previous! unpark!"),
        (ManagementAuthRefused, manager(), "retry! use_previous! set_password"),
        (ManagementAuthRefused, at(manager(), parked(Step::Prepare)), "use_previous! unpark! set_password"),
        (Ambiguous, waits(Step::Probe), "retry reconcile use_previous!"),
        (Ambiguous, waits(Step::Prepare), "retry reconcile use_previous! set_password"),
        (VerifyRefused, parks(Step::Prepare), "reconcile use_previous! unpark set_password"),
        (VerifyRefused, parks(Step::Probe), "reconcile use_previous! unpark"),
        (OldStillValid, waits(Step::Retire), "retry"),
        (OldStillValid, side_by_side(), "retry use_previous!"),
        (ConsumerLag, side_by_side(), "retry! use_previous!"),
        (Drift, idle(), "reconcile! use_previous! set_password"),
        (Drift, waits(Step::Prepare), "retry! reconcile! use_previous! set_password"),
        (Drift, parks(Step::Prepare), "reconcile! use_previous! unpark! set_password"),
    ] {
        assert_eq!(words(class, &account), expected, "{class} at {:?}", account.stage.word());
    }
}

#[test]
fn nothing_is_offered_that_would_break_a_promise() {
    let drift = incident(FaultClass::Drift);
    let active = step::start(account(), Cause::Schedule, &ctx()).account;
    let unborn =
        Account { versions: crate::account::Versions { previous: None, ..account().versions }, ..account() };
    let revoked = run(Cause::Revocation { principal: "p".into() });
    let revoked = at(account(), Stage::Parked { run: revoked, step: Step::Retire });
    let elsewhere = Account { incident: None, ..account() };
    let closed = Incident { state: IncidentState::Closed, ..drift.clone() };
    for (incident, account, action, expected) in [
        (&drift, active, Action::Retry, Unfit::Active),
        (&drift, unborn, Action::UsePrevious, previous::Unfit::NoPrevious.into()),
        (&drift, revoked, Action::UsePrevious, previous::Unfit::Revoked.into()),
        (&drift, lent(account()), Action::UsePrevious, previous::Unfit::Held.into()),
        (&drift, lent(account()), Action::SetPassword, Unfit::Held),
        (&drift, lent(account()), Action::Reconcile, Unfit::Held),
        (&drift, at(account(), parked(Step::Prepare)), Action::Retry, Unfit::Parked),
        (&drift, at(account(), parked(Step::Retire)), Action::SetPassword, Unfit::Between),
        (&drift, elsewhere, Action::Reconcile, Unfit::MovedOn),
        (&closed, account(), Action::Reconcile, Unfit::Closed),
        (&closed, account(), Action::Maintenance, Unfit::Closed),
        (&drift, manager(), Action::Reconcile, Unfit::OtherClass),
    ] {
        let stage = account.stage.word();
        assert_eq!(fit(action, incident, &account, &ctx()), Err(expected), "{action:?} at {stage}");
        assert!(!allowed(incident, &account, &ctx()).iter().any(|remedy| remedy.action == action));
    }
    let mints = Context { mints: true, ..ctx() };
    assert_eq!(fit(Action::SetPassword, &drift, &account(), &mints), Err(Unfit::Mints));
}

/// The automatic action of a class that parks is a person's to press, and says so where it may harm.
#[test]
fn a_refused_authentication_is_never_called_safe_to_try_again() {
    for action in [Action::Retry, Action::Unpark] {
        assert!(!judge(action, FaultClass::ManagementAuthRefused).safe);
        assert!(!judge(action, FaultClass::AccountLocked).safe);
        assert!(!judge(action, FaultClass::ConsumerLag).safe);
    }
    for class in FaultClass::ALL {
        assert!(!judge(Action::UsePrevious, class).safe, "{class}");
        let runbook = runbook::runbook(class);
        assert!(!runbook.means.is_empty() && !runbook.by_itself.is_empty(), "{class}");
        assert!(!runbook.commands.is_empty(), "{class}");
    }
    for action in Action::ALL {
        assert_eq!(Action::parse(action.as_str()), Some(action));
    }
}

#[test]
fn a_dry_run_names_every_line_that_the_history_will_have() {
    use HistoryKind::{
        Applied, Configured, Drifted, Promoted, Reinstated, Retired, Staged, Started, Verified,
    };
    let whole = [Started, Staged, Applied, Promoted, Retired];
    let refused = Account { health: Health::Refused(ctx().now), ..account() };
    let drifted: Vec<HistoryKind> = std::iter::once(Drifted).chain(whole).collect();
    let mut failed = run(Cause::Schedule);
    failed.fault = Some(Fault::new(FaultClass::OldStillValid, "still"));
    let retiring = at(account(), Stage::Waiting { run: failed, step: Step::Retire, at: ctx().now });
    for (action, account, expected) in [
        (Action::Retry, account(), whole.as_slice()),
        (Action::Unpark, at(account(), parked(Step::Prepare)), whole.as_slice()),
        (Action::Retry, retiring, &[Started, Retired]),
        (Action::Retry, at(account(), waiting(Step::Probe)), &[Started]),
        (Action::Reconcile, refused, drifted.as_slice()),
        (Action::UsePrevious, account(), &[Reinstated]),
        (Action::SetPassword, account(), &[Configured, Verified]),
        (Action::SetPassword, manager(), &[Verified]),
    ] {
        let foreseen = dry_run(action, &account, &ctx());
        let history: Vec<HistoryKind> = foreseen.iter().filter_map(|step| step.history).collect();
        assert_eq!(history, expected, "{action:?}");
        assert!(foreseen.iter().all(|step| step.text.len() > 10), "{foreseen:?}");
    }
    let doubtful = dry_run(Action::Retry, &at(account(), waiting(Step::Probe)), &ctx());
    assert!(doubtful[0].text.contains("which of versions 2, 1 it accepts"), "{doubtful:?}");
    assert!(doubtful[1].text.starts_with("what follows depends"), "{doubtful:?}");
}

#[test]
fn a_maintenance_says_what_becomes_of_the_account_itself() {
    let target = Name::parse("pg").unwrap();
    let until = |seconds: u64| Outlook {
        until: Some(ctx().now.plus(Duration::from_secs(seconds))),
        ..Outlook::of_maintenance(target.clone(), None)
    };
    let waits = at(account(), waiting(Step::Prepare));
    let revoked = run(Cause::Revocation { principal: "p".into() });
    let revoked = Stage::Waiting { run: revoked, step: Step::Retire, at: ctx().now };
    let next = ctx().now.plus(Duration::from_secs(60)).to_rfc3339();
    let held = format!("what the clock asks of db/app at {next} is held");
    let goes = "db/app is tried all the same".to_owned();
    for (account, seconds, expected) in [
        (&waits, 3600, Some(&held)),
        (&waits, 60, None),
        (&at(account(), revoked), 3600, Some(&goes)),
        (&at(account(), parked(Step::Prepare)), 3600, None),
    ] {
        let texts: Vec<String> =
            maintenance(&until(seconds), Some(account)).into_iter().map(|step| step.text).collect();
        let own: Vec<&String> = texts.iter().filter(|text| text.contains("db/app")).collect();
        assert_eq!(own.len(), usize::from(expected.is_some()), "{texts:?}");
        assert!(expected.is_none_or(|expected| own[0].starts_with(expected.as_str())), "{texts:?}");
        assert!(texts.last().is_some_and(|last| last.starts_with("leaves the incident open")), "{texts:?}");
    }
    let unsaid = dry_run(Action::Maintenance, &waits, &ctx());
    assert!(unsaid.iter().any(|step| step.text.contains("is held, if the end is later")), "{unsaid:?}");
    assert_eq!(maintenance(&until(3600), None).len() + 1, maintenance(&until(3600), Some(&waits)).len());
}
