//! Single schedules that are told step by step.

use std::time::Duration;

use vault_core::account::Readable;
use vault_core::rotation::port::Probe;
use vault_core::rotation::run::Cause;
use vault_core::rotation::step::{self, Event};

use crate::target::Mood;
use crate::world::World;
use crate::{deliver_delayed, heal, invariant};

/// A check outside a rotation closes only incidents that it can speak for.
#[test]
fn a_verified_login_does_not_close_a_failed_rotation() {
    let mut world = World::new(3, 1);
    let key = "a/app/0";
    let plan = step::request(world.accounts[key].clone(), Cause::Schedule, &world.context()).unwrap();
    world.commit(plan);
    world.send(key, Mood::Denied);
    world.settle_answer(key);
    assert_eq!(world.accounts[key].stage.word(), "parked");
    let plan =
        step::advance(world.accounts[key].clone(), Event::Checked(Probe::Works), &world.context()).unwrap();
    world.commit(plan);
    assert!(world.accounts[key].incident.is_some());
}

/// Where old and new live side by side, the old one works on: there is nothing to put back.
#[test]
fn lost_rights_leave_an_overlapping_account_on_its_old_password() {
    let mut world = World::new(5, 1);
    world.target.0.lock().unwrap().overlaps = true;
    let key = "a/app/0";
    let plan = step::request(world.accounts[key].clone(), Cause::Schedule, &world.context()).unwrap();
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
    let plan = step::request(world.accounts[key].clone(), Cause::Schedule, &world.context()).unwrap();
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
