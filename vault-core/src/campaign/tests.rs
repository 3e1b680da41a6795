//! Waves, pauses, leases and counts.

use proptest::prelude::*;

use super::item::{Item, Look, Skip, State, look};
use super::selection::{Selection, fits};
use super::step::{Change, Event, Refusal, Task, step, task};
use super::*;
use crate::account::{Account, Health, Settings, Subject, Version};
use crate::id::RotationId;
use crate::lease::{Borrower, Lease, LeaseState};
use crate::path::{AccountPath, Name};
use crate::rotation::fault::{Fault, FaultClass};
use crate::rotation::grace::Grace;
use crate::rotation::port::Rights;
use crate::rotation::run::{Cause, Run, Stage, Step};

const NOW: Timestamp = Timestamp::from_secs(1000);

fn campaign(kind: Kind, canary: u64, stop_at: u8, leases: Leases) -> Campaign {
    let options = Options { canary, pace: None, concurrency: None, stop_at, leases };
    let id = CampaignId::derived([7; 16]);
    Campaign::new(id, kind, Selection::default(), options, "ann".to_owned(), NOW)
}

/// With so many accounts written down, in pages.
fn gathered(mut campaign: Campaign, count: u64) -> Campaign {
    let mut left = count;
    while left > 0 {
        let page = left.min(100);
        left -= page;
        assert!(matches!(task(&campaign), Task::Gather(_)));
        let found = BTreeMap::from([("t".to_owned(), page)]);
        campaign = step(campaign, Event::Gathered { found, last: Some(vec![1]) }, NOW).unwrap();
    }
    step(campaign, Event::Gathered { found: BTreeMap::new(), last: None }, NOW).unwrap()
}

fn changes(count: u64, after: &State) -> Event {
    let change = Change { target: "t".to_owned(), before: State::Pending, after: after.clone() };
    Event::Settled(vec![change; usize::try_from(count).unwrap()])
}

fn failed() -> State {
    State::Failed { class: "unreachable".to_owned(), detail: String::new() }
}

#[test]
fn waves_grow_tenfold_and_each_waits_for_the_one_before() {
    let mut campaign = gathered(campaign(Kind::Rotate, 1, 10, Leases::Wait), 2500);
    let mut sizes = Vec::new();
    while let Task::Rotate(from, to) = task(&campaign) {
        sizes.push(to - from);
        if to - from > 1 {
            let almost = step(campaign.clone(), changes(to - from - 1, &State::Rotated { version: 2 }), NOW);
            assert_eq!(task(&almost.unwrap()), Task::Rotate(from, to), "one is still under way");
        }
        campaign = step(campaign, changes(to - from, &State::Rotated { version: 2 }), NOW).unwrap();
    }
    assert_eq!(sizes, [1, 10, 100, 1000, 1000, 389]);
    assert_eq!((campaign.word(), campaign.tally.rotated), ("done", 2500));
}

#[test]
fn a_breach_has_no_canary_and_does_not_stop() {
    let campaign = gathered(campaign(Kind::Respond, 0, 100, Leases::Cut), 1500);
    assert_eq!(task(&campaign), Task::Rotate(0, 1000));
    let campaign = step(campaign, changes(1000, &failed()), NOW).unwrap();
    assert_eq!(task(&campaign), Task::Rotate(1000, 1500));
    assert_eq!(campaign.failures["unreachable"], 1000);
}

#[test]
fn nobody_found_is_done_at_once() {
    let campaign = gathered(campaign(Kind::Offboard, 0, 100, Leases::CutOwn), 0);
    assert_eq!((campaign.word(), task(&campaign)), ("done", Task::Rest));
}

#[test]
fn waves_stay_as_small_as_the_canary_until_something_has_rotated() {
    let mut campaign = gathered(campaign(Kind::Rotate, 2, 10, Leases::Wait), 100);
    campaign = step(campaign, changes(2, &State::Skipped(Skip::Failing)), NOW).unwrap();
    assert_eq!(task(&campaign), Task::Rotate(2, 4), "two that were left alone prove nothing");
    campaign = step(campaign, changes(1, &State::Skipped(Skip::NoCredential)), NOW).unwrap();
    campaign = step(campaign, changes(1, &State::Rotated { version: 2 }), NOW).unwrap();
    assert_eq!(task(&campaign), Task::Rotate(4, 24));
}

#[test]
fn too_many_failures_pause_it_and_a_resume_goes_on_with_the_same_wave() {
    let campaign = gathered(campaign(Kind::Rotate, 10, 20, Leases::Wait), 100);
    let campaign = step(campaign, changes(2, &failed()), NOW).unwrap();
    assert_eq!(campaign.word(), "running", "20 % are not more than 20 %");
    let campaign = step(campaign, changes(1, &failed()), NOW).unwrap();
    assert_eq!((campaign.word(), task(&campaign)), ("paused", Task::Rest));
    // What was under way is written down all the same.
    let campaign = step(campaign, changes(1, &State::Rotated { version: 2 }), NOW).unwrap();
    assert_eq!(campaign.word(), "paused");
    let campaign = step(campaign, Event::Resume, NOW).unwrap();
    assert_eq!(task(&campaign), Task::Rotate(0, 10));
    let campaign = step(campaign, changes(6, &State::Rotated { version: 2 }), NOW).unwrap();
    assert_eq!(task(&campaign), Task::Rotate(10, 100));
}

#[test]
fn what_waits_for_a_check_in_keeps_it_open() {
    let campaign = gathered(campaign(Kind::Rotate, 1, 10, Leases::Wait), 1);
    let waiting = State::Waiting { holder: "bob".to_owned(), until: NOW };
    let campaign = step(campaign, changes(1, &waiting), NOW).unwrap();
    assert_eq!((campaign.word(), task(&campaign)), ("waiting", Task::Watch));
    let change = Change { target: "t".to_owned(), before: waiting, after: State::Rotated { version: 2 } };
    let campaign = step(campaign, Event::Settled(vec![change]), NOW).unwrap();
    assert_eq!((campaign.word(), campaign.tally.waiting, campaign.tally.rotated), ("done", 0, 1));
}

#[test]
fn what_is_over_stays_over() {
    let campaign = gathered(campaign(Kind::Rotate, 1, 10, Leases::Wait), 5);
    assert_eq!(step(campaign.clone(), Event::Resume, NOW), Err(Refusal::NotPaused));
    let over = step(campaign, Event::Cancel { by: "ann".to_owned() }, NOW).unwrap();
    assert_eq!((over.word(), task(&over)), ("cancelled", Task::Rest));
    for event in [Event::Resume, Event::Pause { by: "x".to_owned() }, Event::Cancel { by: "x".to_owned() }] {
        assert_eq!(step(over.clone(), event, NOW), Err(Refusal::Over));
    }
    // What was under way is counted.
    let over = step(over, changes(1, &State::Rotated { version: 2 }), NOW).unwrap();
    assert_eq!((over.word(), over.tally.rotated), ("cancelled", 1));
}

proptest! {
    /// Whatever happens in whatever order, each account is settled once, and the counts add up.
    #[test]
    fn counts_add_up_and_waves_do_not_overlap(
        total in 0_u64..3000,
        canary in 0_u64..30,
        stop_at in 0_u8..=100,
        moves in prop::collection::vec((0_u8..5, 1_u64..700), 0..60),
    ) {
        let mut campaign = gathered(campaign(Kind::Rotate, canary, stop_at, Leases::Wait), total);
        let mut settled = 0;
        for (kind, count) in moves {
            let before = campaign.clone();
            let open = match task(&campaign) {
                Task::Rotate(from, to) => {
                    prop_assert!(from <= settled && settled < to && to <= total);
                    to - settled
                }
                _ => 0,
            };
            let event = match kind {
                0 => Event::Pause { by: "ann".to_owned() },
                1 => Event::Resume,
                2 => changes(count.min(open), &failed()),
                _ => changes(count.min(open), &State::Rotated { version: 2 }),
            };
            if let Event::Settled(changes) = &event {
                settled += changes.len() as u64;
            }
            campaign = step(campaign, event, NOW).unwrap_or(before);
            prop_assert_eq!(campaign.settled(), settled);
            prop_assert_eq!(campaign.targets.values().map(|t| t.remaining()).sum::<u64>(), total - settled);
            prop_assert!(campaign.is_over() == (settled == total && campaign.paused.is_none()) || total == 0);
        }
    }
}

fn account() -> Account {
    let subject = Subject::Account(AccountPath::parse("db/app").unwrap());
    let target = Name::parse("t").unwrap();
    let mut account = Account::new(subject, target, "app".to_owned(), Settings::default(), NOW);
    account.versions.current = Some(Version::new(3, NOW));
    account.versions.last = 3;
    account.health = Health::Verified(NOW);
    account
}

fn item(account: &Account) -> Item {
    Item {
        subject: account.subject.clone(),
        target: "t".to_owned(),
        account: account.created_at,
        version: Some(3),
        state: State::Pending,
    }
}

fn run(started_at: Timestamp, fault: bool) -> Run {
    Run {
        id: RotationId::derived([1; 16]),
        cause: Cause::Schedule,
        due_at: started_at,
        started_at,
        attempts: 1,
        refusals: 0,
        rights: Rights::default(),
        reverting: false,
        overlaps: true,
        mints: false,
        doubtful: false,
        held: None,
        refused: Vec::new(),
        parked: 0,
        grace: None,
        fault: fault.then(|| Fault::new(FaultClass::Unreachable, "gone")),
    }
}

fn lease(version: u64) -> Lease {
    Lease {
        id: "l".to_owned(),
        subject: "a/db/app".to_owned(),
        borrower: Borrower {
            id: "x".to_owned(),
            name: "bob".to_owned(),
            token: String::new(),
            accessor: "x".to_owned(),
        },
        generation: 1,
        version,
        issued_at: NOW,
        expires_at: NOW,
        max_expires_at: NOW,
        ttl: None,
        pool: None,
        renewed_at: None,
        reason: None,
        ticket: None,
        state: LeaseState::Active,
        ending: None,
        closing: None,
        closed_at: None,
    }
}

#[test]
fn an_account_is_begun_only_at_the_version_that_was_written_down() {
    let (rotate, respond) =
        (campaign(Kind::Rotate, 1, 10, Leases::Wait), campaign(Kind::Respond, 0, 100, Leases::Cut));
    let before = account();
    let item = item(&before);
    assert_eq!(look(&rotate, &item, Some(&before), false), Look::Begin);
    let mut active = before.clone();
    active.stage = Stage::Active { run: run(NOW, false), step: Step::Apply };
    assert_eq!(look(&rotate, &item, Some(&active), false), Look::Wait);
    let mut after = before.clone();
    after.versions.previous = after.versions.current.replace(Version::new(4, NOW));
    after.stage = Stage::Waiting { run: run(NOW, false), step: Step::Retire, at: NOW };
    assert_eq!(look(&rotate, &item, Some(&after), false), Look::Settled(State::Rotated { version: 4 }));
    // After a breach there is no grace.
    assert_eq!(look(&respond, &item, Some(&after), false), Look::Begin);
    (after.stage, after.versions.previous) = (Stage::Idle, None);
    assert_eq!(look(&respond, &item, Some(&after), false), Look::Settled(State::Rotated { version: 4 }));
    let mut another = before;
    another.created_at = NOW.plus(std::time::Duration::from_secs(1));
    assert_eq!(look(&rotate, &item, Some(&another), false), Look::Settled(State::Skipped(Skip::Gone)));
    assert_eq!(look(&rotate, &item, None, false), Look::Settled(State::Skipped(Skip::Gone)));
}

#[test]
fn a_failure_of_its_own_is_one_and_an_older_one_is_left_alone() {
    let campaign = campaign(Kind::Rotate, 1, 10, Leases::Wait);
    let item = item(&account());
    let old = NOW.minus(std::time::Duration::from_secs(60));
    for (stage, want) in [
        (
            Stage::Waiting { run: run(NOW, true), step: Step::Prepare, at: NOW },
            State::Failed { class: "unreachable".to_owned(), detail: "gone".to_owned() },
        ),
        (Stage::Waiting { run: run(old, true), step: Step::Prepare, at: NOW }, State::Skipped(Skip::Failing)),
        (Stage::Parked { run: run(old, true), step: Step::Prepare }, State::Skipped(Skip::Parked)),
    ] {
        let account = Account { stage, ..account() };
        assert_eq!(look(&campaign, &item, Some(&account), false), Look::Settled(want));
    }
}

#[test]
fn a_lease_waits_or_is_cut_as_was_asked() {
    let mut lent = account();
    lent.lending.holder = Some(lease(3));
    let item = item(&lent);
    let waits = Look::Settled(State::Waiting { holder: "bob".to_owned(), until: NOW });
    for (leases, is_own, want) in [
        (Leases::Wait, true, waits.clone()),
        (Leases::CutOwn, false, waits),
        (Leases::CutOwn, true, Look::Cut),
        (Leases::Cut, false, Look::Cut),
    ] {
        let campaign = campaign(Kind::Offboard, 0, 100, leases);
        assert_eq!(look(&campaign, &item, Some(&lent), is_own), want, "{leases:?} {is_own}");
    }
}

#[test]
fn a_lease_is_cut_also_where_a_rotation_waits_or_is_parked_before_it_touched_the_target() {
    let old = NOW.minus(std::time::Duration::from_secs(60));
    for stage in [
        Stage::Waiting { run: run(old, true), step: Step::Prepare, at: NOW },
        Stage::Waiting { run: run(old, false), step: Step::Prepare, at: NOW },
        Stage::Parked { run: run(old, true), step: Step::Prepare },
    ] {
        let mut lent = Account { stage, ..account() };
        lent.lending.holder = Some(lease(3));
        let item = item(&lent);
        let cut = campaign(Kind::Respond, 0, 100, Leases::Cut);
        assert_eq!(look(&cut, &item, Some(&lent), false), Look::Cut, "{:?}", lent.stage);
        let wait = campaign(Kind::Respond, 0, 100, Leases::Wait);
        assert_ne!(look(&wait, &item, Some(&lent), false), Look::Cut, "{:?}", lent.stage);
        lent.stage = Stage::Parked { run: run(old, true), step: Step::Probe };
        let left = Look::Settled(State::Skipped(Skip::Parked));
        assert_eq!(look(&cut, &item, Some(&lent), false), left, "what touched the target is a person's");
    }
}

#[test]
fn an_old_fault_does_not_count_in_the_grace() {
    let mut after = account();
    let item = item(&after);
    after.versions.previous = after.versions.current.replace(Version::new(4, NOW));
    let mut run = run(NOW, true);
    run.grace = Some(Grace { began: NOW, ends: NOW, held: false });
    after.stage = Stage::Waiting { run, step: Step::Retire, at: NOW };
    let rotate = campaign(Kind::Rotate, 1, 10, Leases::Wait);
    assert_eq!(look(&rotate, &item, Some(&after), false), Look::Settled(State::Rotated { version: 4 }));
    let respond = campaign(Kind::Respond, 0, 100, Leases::Cut);
    assert_eq!(look(&respond, &item, Some(&after), false), Look::Begin);
}

#[test]
fn a_filter_knows_one_wildcard() {
    for (pattern, text, want) in [
        ("db/app", "db/app", true),
        ("db/app", "db/app2", false),
        ("db/*", "db/a/b", true),
        ("*", "", true),
        ("*/app", "db/app", true),
        ("*/app", "db/app2", false),
        ("a*b*c", "a1b2c", true),
        ("a*b*c", "a1c2b", false),
        ("ab*b", "ab", false),
    ] {
        assert_eq!(fits(pattern, text), want, "{pattern} {text}");
    }
}
