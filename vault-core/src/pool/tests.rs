//! What a pool lends, in which order, and for how long.

use super::*;
use crate::account::{Health, Subject, Version};
use crate::entropy::SeededEntropy;
use crate::id::{IncidentId, RotationId};
use crate::lease::line::Waiter;
use crate::lease::{Borrower, EndCause, closing};
use crate::rotation::fault::{Fault, FaultClass};
use crate::rotation::run::{Cause, Run, Step};

const NOW: Timestamp = Timestamp::from_secs(1_000);

fn context() -> Context {
    let entropy = SeededEntropy::new(1);
    Context {
        now: NOW,
        next_due: None,
        window_open: true,
        retries: 3,
        retry_base: Duration::from_secs(1),
        retry_cap: Duration::from_secs(60),
        grace: Duration::ZERO,
        early_after: Duration::ZERO,
        hold: Duration::ZERO,
        overlaps: false,
        mints: false,
        draw: 0,
        rotation: RotationId::generate(NOW, &entropy),
        incident: IncidentId::generate(NOW, &entropy),
        group: Default::default(),
        circuit: None,
        heartbeat: None,
        reconciles: false,
    }
}

fn account(path: &str) -> Account {
    let subject = Subject::Account(AccountPath::parse(path).unwrap());
    let target = Name::parse("t").unwrap();
    let mut account = Account::new(subject, target, path.to_owned(), Settings::default(), NOW);
    account.versions.last = 1;
    account.versions.current = Some(Version::new(1, NOW));
    account.health = Health::Verified(NOW);
    account
}

fn request() -> Request {
    Request {
        lease_id: "pools/check-out/p/x".to_owned(),
        borrower: Borrower {
            id: "b".to_owned(),
            name: "bob".to_owned(),
            token: String::new(),
            accessor: "b".to_owned(),
        },
        ttl: None,
        reason: None,
        ticket: None,
        pool: Some(PoolId {
            mount: MountId::generate(NOW, &SeededEntropy::new(2)),
            name: Name::parse("p").unwrap(),
        }),
    }
}

/// What has happened to an account.
type Change<'a> = &'a dyn Fn(&mut Account);

const LIMITS: Limits = Limits { ttl: Duration::from_secs(60), max_ttl: Duration::from_secs(600) };

fn run(fault: Option<Fault>) -> Run {
    Run {
        id: context().rotation,
        cause: Cause::Schedule,
        due_at: NOW,
        started_at: NOW,
        attempts: 1,
        refusals: 0,
        rights: crate::rotation::port::Rights::default(),
        reverting: false,
        overlaps: false,
        mints: false,
        doubtful: false,
        held: None,
        refused: Vec::new(),
        parked: 0,
        fault,
        grace: None,
    }
}

#[test]
fn only_an_idle_healthy_account_that_nobody_has_or_waits_for_is_free() {
    let fault = || Some(Fault::new(FaultClass::Unreachable, "no route to host"));
    let waiting = |fault, step| Stage::Waiting { run: run(fault), step, at: NOW };
    let cases: [(Availability, Change<'_>); 12] = [
        (Availability::Free, &|_| {}),
        (Availability::Free, &|account| account.health = Health::Unknown),
        (Availability::NotReady, &|account| account.versions.current = None),
        (Availability::Refused, &|account| account.health = Health::Refused(NOW)),
        (Availability::Failing, &|account| account.stage = waiting(fault(), Step::Prepare)),
        (Availability::Failing, &|account| {
            account.stage = Stage::Parked { run: run(fault()), step: Step::Prepare };
        }),
        (Availability::Failing, &|account| account.incident = Some(context().incident)),
        (Availability::Changing, &|account| account.stage = waiting(None, Step::Retire)),
        (Availability::Changing, &|account| {
            account.stage = Stage::Active { run: run(None), step: Step::Prepare };
        }),
        (Availability::Lent, &|account| {
            *account = check_out(account.clone(), request(), LIMITS, &context()).unwrap().account;
        }),
        (Availability::Ending, &|account| {
            let lent = check_out(account.clone(), request(), LIMITS, &context()).unwrap().account;
            *account = closing::end(lent, None, EndCause::CheckIn, &context()).unwrap().account;
        }),
        (Availability::Promised, &|account| {
            let waiter = Waiter { id: "w".to_owned(), name: "w".to_owned(), since: NOW, asked_at: NOW };
            account.lending.line.push(waiter);
        }),
    ];
    for (want, change) in cases {
        let mut account = account("db/app");
        change(&mut account);
        assert_eq!(availability(&account, NOW), want, "{account:?}");
        let lent = check_out(account, request(), LIMITS, &context());
        assert_eq!(lent.err(), (want != Availability::Free).then_some(want));
    }
}

#[test]
fn who_left_the_line_of_an_account_does_not_keep_it_from_its_pool() {
    let mut account = account("db/app");
    let asked_at = NOW.minus(WAITER_KEPT);
    account.lending.line.push(Waiter { id: "w".to_owned(), name: "w".to_owned(), since: asked_at, asked_at });
    let plan = check_out(account, request(), LIMITS, &context()).unwrap();
    let lease = plan.lease.unwrap();
    assert_eq!((lease.ttl, lease.pool), (Some(LIMITS.ttl), request().pool));
    assert_eq!(plan.account.lending.lent_at, Some(NOW));
}

#[test]
fn a_renewal_that_asks_for_nothing_gets_what_the_pool_says() {
    let lent = check_out(account("db/app"), request(), LIMITS, &context()).unwrap().account;
    let of_account = Limits { ttl: Duration::from_secs(7), ..LIMITS };
    let renewed = checkout::renew(lent, "pools/check-out/p/x", None, of_account, &context()).unwrap();
    assert_eq!(renewed.lease.unwrap().expires_at, NOW.plus(LIMITS.ttl));
}

#[test]
fn the_one_that_was_not_lent_for_the_longest_time_comes_first() {
    let lent = |path: &str, at: Option<i64>, generation| {
        let mut account = account(path);
        account.lending.lent_at = at.map(Timestamp::from_secs);
        account.lending.generation = generation;
        account
    };
    let mut accounts = [
        lent("c", Some(9), 1),
        lent("never-2", None, 0),
        lent("b", Some(5), 4),
        lent("a", Some(5), 3),
        lent("never-1", None, 0),
    ];
    by_turn(&mut accounts);
    let order: Vec<String> = accounts.iter().map(|account| account.subject.to_string()).collect();
    assert_eq!(order, ["never-2", "never-1", "a", "b", "c"]);
}

#[test]
fn a_check_out_is_never_longer_than_the_account_or_the_mount_allows() {
    let hours = |hours: u64| Duration::from_secs(hours * 3600);
    for (pool, account, longest, want) in [
        ((None, None), (None, None), 24, (1, 8)),
        ((Some(2), Some(4)), (None, None), 24, (2, 4)),
        ((Some(2), Some(24)), (None, None), 24, (2, 24)),
        ((Some(2), Some(24)), (None, Some(3)), 24, (2, 3)),
        ((Some(4), Some(24)), (None, Some(3)), 24, (3, 3)),
        ((None, None), (Some(2), Some(12)), 24, (2, 12)),
        ((Some(24), Some(24)), (None, None), 6, (6, 6)),
    ] {
        let pool = Pool { ttl: pool.0.map(hours), max_ttl: pool.1.map(hours), ..pool_of(&["a"]) };
        let settings =
            Settings { ttl: account.0.map(hours), max_ttl: account.1.map(hours), ..Settings::default() };
        let limits = pool.limits(&settings, hours(longest));
        assert_eq!(limits, Limits { ttl: hours(want.0), max_ttl: hours(want.1) }, "{pool:?} {settings:?}");
    }
}

fn pool_of(accounts: &[&str]) -> Pool {
    Pool {
        accounts: accounts.iter().map(|path| AccountPath::parse(path).unwrap()).collect(),
        ttl: None,
        max_ttl: None,
        disable_check_in_enforcement: false,
        created_at: NOW,
    }
}

#[test]
fn a_pool_that_makes_no_sense_says_why() {
    let seconds = Duration::from_secs;
    let many: Vec<String> = (0..=ACCOUNTS_MAX).map(|number| format!("a{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for (pool, want) in [
        (pool_of(&["a", "b"]), None),
        (pool_of(&many[1..]), None),
        (pool_of(&[]), Some("at least one service account must be configured")),
        (pool_of(&many), Some("a pool has at most 60 accounts")),
        (pool_of(&["a", "b", "a"]), Some("a is named twice")),
        (
            Pool { ttl: Some(seconds(10)), max_ttl: Some(seconds(5)), ..pool_of(&["a"]) },
            Some("max_ttl (5 seconds) may not be less than ttl (10 seconds)"),
        ),
    ] {
        assert_eq!(pool.check().err().map(|rule| rule.to_string()).as_deref(), want);
    }
}
