//! Single schedules that are told step by step.

use std::time::Duration;

use vault_core::account::Readable;
use vault_core::rotation::port::Probe;
use vault_core::rotation::run::Cause;
use vault_core::rotation::step::{self, Event};

use crate::target::{Mood, SHUT};
use crate::world::{PERIOD, World};
use crate::{deliver_delayed, heal, invariant};

/// A check outside a rotation closes only incidents that it can speak for.
#[test]
fn a_verified_login_does_not_close_a_failed_rotation() {
    let mut world = World::new(3, 1);
    let key = "a/app/0";
    let plan = step::request(world.accounts[key].clone(), Cause::Schedule, &world.context_of(key)).unwrap();
    world.commit(plan);
    world.send(key, Mood::Denied);
    world.settle_answer(key);
    assert_eq!(world.accounts[key].stage.word(), "parked");
    let plan =
        step::advance(world.accounts[key].clone(), Event::Checked(Probe::Works), &world.context_of(key))
            .unwrap();
    world.commit(plan);
    assert!(world.accounts[key].incident.is_some());
}

/// Where old and new live side by side, the old one works on: there is nothing to put back.
#[test]
fn lost_rights_leave_an_overlapping_account_on_its_old_password() {
    let mut world = World::new(5, 1);
    world.target.0.lock().unwrap().overlaps = true;
    let key = "a/app/0";
    let plan = step::request(world.accounts[key].clone(), Cause::Schedule, &world.context_of(key)).unwrap();
    world.commit(plan);
    for mood in [Mood::Well, Mood::RightsGone, Mood::Well] {
        world.send(key, mood);
        world.settle_answer(key);
    }
    let account = &world.accounts[key];
    assert_eq!((account.stage.word(), account.readable()), ("parked", Readable::Yes(1)));
    heal(&mut world).unwrap();
}

/// A target that gives no means to keep a late request off, and takes no password twice: it refuses the candidate
/// because the candidate is what it holds.
#[test]
fn a_candidate_that_is_refused_because_it_is_live_is_kept() {
    let mut world = World::new(11, 1);
    world.target.0.lock().unwrap().remembers = true;
    let key = "a/app/0";
    let plan = step::request(world.accounts[key].clone(), Cause::Schedule, &world.context_of(key)).unwrap();
    world.commit(plan);
    // Prepared; the change is held up on its way; the probe finds the old password at work.
    for mood in [Mood::Well, Mood::Delayed, Mood::Well] {
        world.send(key, mood);
        world.settle_answer(key);
    }
    assert_eq!(world.accounts[key].stage.word(), "backoff");
    deliver_delayed(&mut world);
    world.now = world.now.plus(Duration::from_secs(600));
    world.tick();
    while world.in_flight.contains_key(key) {
        world.send(key, Mood::Well);
        world.settle_answer(key);
        invariant::check(&world).unwrap();
    }
    let account = &world.accounts[key];
    assert_eq!(
        (account.stage.word(), account.versions.current.map(|version| version.number)),
        ("idle", Some(2))
    );
}

/// Nobody knows what opens the second name of an account that is adopted.
#[test]
fn both_names_of_an_adopted_account_are_the_vaults() {
    let mut world = World::new(5, 2);
    world.take_turns();
    let key = "a/app/1";
    let plan = step::request(world.accounts[key].clone(), Cause::Schedule, &world.context_of(key)).unwrap();
    world.commit(plan);
    world.run_to_rest();
    assert_eq!(world.accounts[key].stage.word(), "idle");
    assert_eq!(world.target.0.lock().unwrap().passwords["user1-b"], SHUT);
}

/// The change of one name says nothing of a candidate that waited for the other.
#[test]
fn a_password_that_is_told_puts_a_candidate_out_of_turn() {
    let mut world = World::new(5, 1);
    world.no_consumers = true;
    world.take_turns();
    let key = "a/app/0";
    for (call, mood) in [(5, Mood::Well), (2, Mood::Denied)] {
        world.now = world.now.plus(PERIOD);
        let ctx = world.context_of(key);
        let plan = step::request(world.accounts[key].clone(), Cause::Schedule, &ctx).unwrap();
        world.commit(plan);
        for at in 1..=call {
            world.send(key, if at == 2 { mood } else { Mood::Well });
            world.settle_answer(key);
            world.tick();
        }
        if call == 5 {
            world.now = world.now.plus(PERIOD);
            world.tick();
            world.run_to_rest();
        }
    }
    let account = &world.accounts[key];
    assert_eq!(
        (account.stage.word(), account.versions.pending.map(|v| v.is_alternate)),
        ("parked", Some(false))
    );
    world.target.0.lock().unwrap().passwords.insert("user0".into(), "by hand".into());
    world.told(key, "by hand".into());
    assert_eq!(world.accounts[key].versions.pending, None);
    heal(&mut world).unwrap();
}

/// In the grace somebody takes the new one away: the old one is served again, and a rotation repairs the rest.
#[test]
fn a_new_credential_that_is_taken_away_in_its_grace_gives_way_to_the_old_one() {
    for works in [true, false] {
        let mut world = World::new(5, 1);
        world.no_consumers = true;
        world.target.0.lock().unwrap().overlaps = true;
        let key = "a/app/0";
        let demand = Cause::Demand { principal: "person".into() };
        let plan = step::request(world.accounts[key].clone(), demand, &world.context_of(key)).unwrap();
        world.commit(plan);
        world.run_to_rest();
        assert_eq!(
            (world.accounts[key].stage.word(), world.accounts[key].readable()),
            ("grace", Readable::Yes(2))
        );
        {
            let mut state = world.target.0.lock().unwrap();
            let old = state.older.remove("user0").unwrap().pop_first().unwrap();
            let left = if works { old } else { "by hand".to_owned() };
            state.passwords.insert("user0".to_owned(), left);
        }
        let checked = Event::Checked(Probe::Refused);
        let plan = step::advance(world.accounts[key].clone(), checked, &world.context_of(key)).unwrap();
        world.commit(plan);
        world.send(key, Mood::Well);
        world.settle_answer(key);
        let account = &world.accounts[key];
        assert!(account.incident.is_some());
        assert_eq!(account.stage.word(), "backoff");
        assert_eq!(account.readable(), if works { Readable::Yes(1) } else { Readable::Refused });
        world.now = world.now.plus(Duration::from_secs(600));
        world.tick();
        world.run_to_rest();
        assert_eq!(world.accounts[key].readable(), Readable::Yes(3));
        heal(&mut world).unwrap();
    }
}

/// Who revokes waits for no grace, also not for that of a rotation that is under way or waits.
#[test]
fn a_revocation_leaves_nothing_alive_that_was_served() {
    let revocation = || Cause::Revocation { principal: "person".into() };
    for trouble in [Mood::Well, Mood::Unreachable] {
        let mut world = World::new(5, 1);
        world.target.0.lock().unwrap().overlaps = true;
        let key = "a/app/0";
        let plan = step::request(world.accounts[key].clone(), revocation(), &world.context_of(key)).unwrap();
        world.commit(plan);
        world.send(key, trouble);
        world.settle_answer(key);
        world.now = world.now.plus(Duration::from_secs(600));
        world.tick();
        world.run_to_rest();
        let account = &world.accounts[key];
        assert_eq!((account.stage.word(), account.readable()), ("idle", Readable::Yes(2)), "{trouble:?}");
        assert!(world.target.0.lock().unwrap().older["user0"].is_empty());
    }
}
