//! Single schedules that are told step by step.

use vault_core::account::Readable;
use vault_core::rotation::port::Probe;
use vault_core::rotation::run::Cause;
use vault_core::rotation::step::{self, Event};

use crate::heal;
use crate::target::Mood;
use crate::world::World;

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
