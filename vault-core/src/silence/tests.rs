//! Who is covered, for how long, what is held, and what is not.

use super::foresee::{Found, Outlook};
use super::hold::{hold, is_held, release};
use super::*;
use crate::account::plan::{Context, HistoryKind};
use crate::account::wake::wake;
use crate::account::{Account, Settings, Version};
use crate::entropy::SeededEntropy;
use crate::id::RotationId;
use crate::lease::{Borrower, EndCause, Lease, LeaseState, closing};
use crate::path::AccountPath;
use crate::rotation::run::{Cause, Stage as Rotation, Step};
use crate::rotation::step::{self, tick};

const NOW: Timestamp = Timestamp::from_secs(1_000_000);
const HOUR: u64 = 3600;

fn after(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

fn target(name: &str) -> Scope {
    Scope::Target(Name::parse(name).unwrap())
}

fn ask(scope: Scope, mode: Mode, until: Timestamp) -> Ask {
    Ask { scope, mode, from: None, until, reason: "an upgrade".to_owned() }
}

fn made(ask: Ask) -> Result<Silence, Unfit> {
    Silence::new(SilenceId::generate(NOW, &SeededEntropy::new(1)), ask, "ann".to_owned(), NOW)
}

fn window() -> Silence {
    made(ask(target("t"), Mode::Maintenance, after(HOUR))).unwrap()
}

#[test]
fn each_has_a_reason_and_an_end_that_is_not_far() {
    let fine = || ask(target("t"), Mode::Silence, after(HOUR));
    let month = 30 * 24 * HOUR;
    for (asked, want) in [
        (fine(), None),
        (Ask { until: after(month), ..fine() }, None),
        (Ask { until: after(month + 1), ..fine() }, Some(Unfit::LastsTooLong)),
        (Ask { until: NOW, ..fine() }, Some(Unfit::Over)),
        (Ask { from: Some(after(HOUR)), ..fine() }, Some(Unfit::Over)),
        (Ask { from: Some(after(month)), until: after(month + HOUR), ..fine() }, None),
        (Ask { from: Some(after(month + 1)), until: after(month + HOUR), ..fine() }, Some(Unfit::TooFar)),
        (Ask { reason: " \n".to_owned(), ..fine() }, Some(Unfit::NoReason)),
        (Ask { reason: "x".repeat(1025), ..fine() }, Some(Unfit::TooLong)),
        (Ask { scope: Scope::Accounts(String::new()), ..fine() }, Some(Unfit::NoPattern)),
        (Ask { scope: Scope::Accounts("x".repeat(513)), ..fine() }, Some(Unfit::TooLong)),
        (
            Ask { scope: Scope::Accounts("*".to_owned()), mode: Mode::Maintenance, ..fine() },
            Some(Unfit::NotATarget),
        ),
    ] {
        assert_eq!(made(asked.clone()).err(), want, "{asked:?}");
    }
}

#[test]
fn it_covers_a_target_whole_or_accounts_by_their_path_and_the_longest_counts() {
    let on_target = made(ask(target("t"), Mode::Silence, after(60))).unwrap();
    let of_accounts = made(ask(Scope::Accounts("db/*".to_owned()), Mode::Silence, after(90))).unwrap();
    let all = [on_target.clone(), of_accounts.clone()];
    for (subject, on, now, want) in [
        ("a/web/x", "t", NOW, Some(&on_target)),
        ("m/t", "t", NOW, Some(&on_target)),
        ("dynamic leases on t", "t", NOW, Some(&on_target)),
        ("a/web/x", "u", NOW, None),
        ("a/db/x", "u", NOW, Some(&of_accounts)),
        ("a/db/x", "t", NOW, Some(&of_accounts)),
        ("a/db/x", "t", after(89), Some(&of_accounts)),
        ("a/db/x", "t", after(90), None),
        // No account: the name of a target is no path.
        ("m/db/x", "u", NOW, None),
        ("dynamic leases on db/x", "u", NOW, None),
    ] {
        assert_eq!(covers(&all, subject, on, now), want, "{subject} {on}");
    }
    assert_eq!(maintenance(&all, "t", NOW), None, "a silence holds nothing");
    assert_eq!(maintenance(&[window()], "t", NOW), Some(&window()));
    assert_eq!(maintenance(&[window()], "u", NOW), None);
}

#[test]
fn it_begins_and_ends_once_also_when_the_clock_steps() {
    let planned = made(Ask { from: Some(after(10)), ..ask(target("t"), Mode::Silence, after(20)) }).unwrap();
    assert_eq!((planned.stage, planned.wake(), planned.turned(NOW)), (Stage::Planned, after(10), None));
    assert!(!planned.is_in_force(after(15)), "the clock has not begun it");
    let lasts = planned.turned(after(10)).unwrap();
    assert_eq!((lasts.stage, lasts.wake()), (Stage::InForce, after(20)));
    assert!(lasts.is_in_force(NOW), "a step back does not unmake it");
    assert_eq!(lasts.turned(after(19)), None);
    let ending = lasts.turned(after(20)).unwrap();
    assert_eq!(
        (ending.stage, ending.wake(), ending.is_in_force(NOW)),
        (Stage::Ending, Timestamp::EPOCH, false)
    );
    assert_eq!(ending.turned(after(99)), None);
    assert_eq!(planned.turned(after(99)).unwrap().stage, Stage::Ending, "a step forward passes it over");
    assert_eq!(lasts.clone().ended("bob".to_owned()).ended_by.as_deref(), Some("bob"));
    let longer = lasts.prolonged(after(99), "more".to_owned(), "bob".to_owned(), after(15)).unwrap();
    assert_eq!((longer.until, longer.by.as_str(), longer.from), (after(99), "bob", after(10)));
    assert_eq!(ending.prolonged(after(99), "x".to_owned(), "bob".to_owned(), NOW), Err(Unfit::Over));
}

fn context(now: Timestamp) -> Context {
    let entropy = SeededEntropy::new(1);
    Context {
        now,
        next_due: Some(now.plus(Duration::from_secs(24 * HOUR))),
        window_open: true,
        retries: 3,
        retry_base: Duration::from_secs(1),
        retry_cap: Duration::from_secs(60),
        grace: Duration::ZERO,
        early_after: Duration::ZERO,
        hold: Duration::ZERO,
        overlaps: false,
        mints: false,
        draw: u64::MAX,
        rotation: RotationId::generate(now, &entropy),
        incident: IncidentId::generate(now, &entropy),
        group: Default::default(),
        circuit: None,
        heartbeat: None,
        reconciles: false,
    }
}

/// An account that is due at `NOW`.
fn due() -> Account {
    let subject = Subject::Account(AccountPath::parse("db/app").unwrap());
    let target = Name::parse("t").unwrap();
    let mut account = Account::new(subject, target, "app".to_owned(), Settings::default(), NOW);
    account.versions.last = 1;
    account.versions.current = Some(Version::new(1, NOW));
    account.next_rotation = Some(NOW);
    account
}

fn waiting(cause: Cause) -> Account {
    let mut plan = step::start(due(), cause, &context(NOW));
    let Rotation::Active { run, .. } = plan.account.stage else { panic!("nothing began") };
    plan.account.stage = Rotation::Waiting { run, step: Step::Retire, at: NOW };
    plan.account
}

fn lent(mut account: Account) -> Account {
    let text = || "x".to_owned();
    account.lending.holder = Some(Lease {
        id: text(),
        subject: account.subject.key(),
        borrower: Borrower { id: text(), name: text(), token: text(), accessor: text() },
        generation: 1,
        version: 1,
        issued_at: NOW,
        expires_at: after(10),
        max_expires_at: after(10),
        ttl: None,
        pool: None,
        renewed_at: None,
        reason: None,
        ticket: None,
        state: LeaseState::Active,
        ending: None,
        closing: None,
        closed_at: None,
    });
    account
}

#[test]
fn what_begins_before_a_planned_maintenance_is_not_held() {
    let planned = Silence { from: after(HOUR), until: after(2 * HOUR), ..window() };
    for (due_at, want) in
        [(NOW, false), (after(HOUR - 1), false), (after(HOUR), true), (after(2 * HOUR), false)]
    {
        let account = Account { next_rotation: Some(due_at), ..due() };
        assert_eq!(is_held(&account, &planned, NOW), want, "{due_at:?}");
    }
}

#[test]
fn what_the_clock_asks_for_is_held_and_what_must_die_is_not() {
    let person = || "ann".to_owned();
    let closes = || Cause::LeaseClose { lease: "l".to_owned(), principal: None };
    for (name, account, now, want) in [
        ("due", due(), NOW, true),
        ("not due yet", due(), NOW.minus(Duration::from_secs(1)), false),
        ("a retry", waiting(Cause::Schedule), NOW, true),
        ("a retry of what a person asked for", waiting(Cause::Demand { principal: person() }), NOW, true),
        ("the end of a lease", waiting(closes()), NOW, false),
        ("a revocation", waiting(Cause::Revocation { principal: person() }), NOW, false),
        ("a lease that runs out", lent(due()), after(10), false),
        ("lent", lent(due()), NOW, false),
    ] {
        let plan = hold(account.clone(), &window(), &context(now));
        assert_eq!(plan.is_some(), want, "{name}");
        let until_then = Silence { from: now, until: now.plus(Duration::from_secs(1)), ..window() };
        assert_eq!(is_held(&account, &until_then, now), want, "foreseen: {name}");
        let Some(plan) = plan else { continue };
        // An hour, and all of the five minutes over which what was held begins.
        assert_eq!(wake(&plan.account), Some(after(HOUR + 300)), "{name}");
        assert_eq!(plan.effect, None);
        assert_eq!(plan.history[0].kind, HistoryKind::Postponed);
        assert!(tick(plan.account.clone(), &context(after(HOUR))).is_none(), "{name}");
        assert!(tick(plan.account, &context(after(HOUR + 300))).is_some(), "{name}");
    }
}

#[test]
fn a_lease_that_ends_while_its_account_is_held_goes_at_once() {
    let held = hold(waiting(Cause::Schedule), &window(), &context(NOW)).unwrap().account;
    // Begun before the lease was: the lease ends when it is done, so it must not wait.
    let ended = closing::end(lent(held), None, EndCause::CheckIn, &context(after(5))).unwrap().account;
    assert_eq!((ended.held(), wake(&ended)), (None, Some(NOW)));
    assert!(hold(ended.clone(), &window(), &context(after(6))).is_none());
    assert!(tick(ended, &context(after(6))).is_some());
}

#[test]
fn a_person_goes_before_a_maintenance_and_what_fails_then_is_held_again() {
    let held = hold(due(), &window(), &context(NOW)).unwrap().account;
    let asked = step::request(held, Cause::Demand { principal: "ann".to_owned() }, &context(NOW)).unwrap();
    assert!(asked.effect.is_some());
    assert_eq!(asked.account.held_until, None);
}

#[test]
fn one_that_ends_early_lets_go_within_a_quarter_of_its_time() {
    let held = hold(due(), &window(), &context(NOW)).unwrap().account;
    let spread = window().ended("ann".to_owned()).spread(after(100));
    assert_eq!(spread, Duration::from_secs(25));
    let let_go = release(held, spread, &context(after(100))).unwrap().account;
    assert_eq!(wake(&let_go), Some(after(125)));
    let all = window().spread(after(HOUR));
    let in_time = hold(due(), &window(), &context(NOW)).unwrap().account;
    assert!(release(in_time, all, &context(after(HOUR))).is_none(), "by itself it is spread already");
    assert!(release(let_go, spread, &context(after(100))).is_none(), "a second time changes nothing");
    assert!(release(due(), spread, &context(NOW)).is_none());
}

#[test]
fn a_window_that_passed_in_a_maintenance_is_no_failure_and_any_other_is() {
    let held = hold(due(), &window(), &context(NOW)).unwrap().account;
    let shut = |now| Context { window_open: false, ..context(now) };
    let late = tick(held.clone(), &shut(after(3 * HOUR))).unwrap();
    assert_eq!(late.ledger.len(), 1, "there was time since the maintenance, and nothing happened");
    let plan = tick(held, &shut(after(HOUR + 300))).unwrap();
    assert!(plan.ledger.is_empty());
    assert_eq!(plan.account.next_rotation, Some(after(25 * HOUR + 300)));
    assert_eq!(tick(due(), &shut(after(HOUR))).unwrap().ledger.len(), 1);
}

#[test]
fn what_was_held_is_not_overdue_before_it_had_a_turn() {
    let held = hold(due(), &window(), &context(NOW)).unwrap().account;
    assert!(step::overdue(held.clone(), &context(after(HOUR + 301))).is_none());
    assert!(step::overdue(held, &context(after(HOUR + 361))).is_some());
    assert!(step::overdue(due(), &context(after(61))).is_some());
}

#[test]
fn what_will_be_held_until_when_and_what_will_not_is_said_before() {
    let told = |outlook: &Outlook| outlook.steps().join("\n");
    let end = after(HOUR).to_rfc3339();
    let mut outlook = Outlook::of(&window(), None, NOW);
    let text = told(&outlook);
    for part in [
        format!("the maintenance of t begins at once, and ends by itself at {end}"),
        "held until then: what the clock asks for on it: rotations that are due, retries, ends of a grace"
            .to_owned(),
        "not held: what a person asks for".to_owned(),
        "the end of a lease and a revocation with their retries".to_owned(),
        "told at the end if it is still open then".to_owned(),
        "over 300 s at most".to_owned(),
    ] {
        assert!(text.contains(&part), "{part}: {text}");
    }
    outlook.found = Some(Found { accounts: 40, held: 3 });
    outlook.before = Some(after(60));
    let text = told(&outlook);
    assert!(text.contains("of its 40 credentials 3 would begin"), "{text}");
    let changed = format!("which was to end at {}, ends by itself at {end} instead", after(60).to_rfc3339());
    assert!(text.contains(&changed), "{text}");
    let unsaid = told(&Outlook::of_maintenance(Name::parse("t").unwrap(), None));
    assert!(unsaid.contains("the time that you say, 30 days from now at the latest"), "{unsaid}");

    let planned =
        Ask { from: Some(after(60)), ..ask(Scope::Accounts("db/*".to_owned()), Mode::Silence, after(HOUR)) };
    let text = told(&Outlook::of(&made(planned).unwrap(), None, NOW));
    let begins = format!("the silence of accounts db/* begins at {}", after(60).to_rfc3339());
    assert!(text.contains(&begins) && text.contains("go on as ever") && !text.contains("held"), "{text}");
}

#[test]
fn what_a_silence_covers_is_said_where_it_was_counted() {
    let told = |scope: Scope, accounts: Option<u64>| {
        let silence = made(ask(scope, Mode::Silence, after(HOUR))).unwrap();
        let found = accounts.map(|accounts| Found { accounts, held: 0 });
        Outlook { found, ..Outlook::of(&silence, None, NOW) }.steps().join("\n")
    };
    let pattern = || Scope::Accounts("db/*".to_owned());
    let target = Scope::Target(Name::parse("t").unwrap());
    assert!(!told(pattern(), None).contains("covers"));
    assert!(told(pattern(), Some(0)).contains("covers no account that there is now"));
    assert!(
        told(pattern(), Some(1)).contains("covers 1 account that there is now, and those that come to fit")
    );
    assert!(told(pattern(), Some(7)).contains("covers 7 accounts that there are now"));
    assert!(told(target, Some(3)).contains("covers all that is on it: 3 credentials now"));
}
