//! Dynamic leases under random schedules of faults and crashes.
//!
//! The world is a store with records, a target with users, and processes that die before and after each
//! effect. After every step: no user without a lease, no active lease without its user, no closed lease whose
//! user may still come in, and whatever failed has an open incident. Once the queue is drained nothing is left.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that fails shall stop"
)]

#[path = "dynamic_lease/world.rs"]
mod world;

use proptest::prelude::*;
use vault_core::incident::entry::What;
use vault_core::lease::dynamic::{Stage, step};
use vault_core::rotation::fault::FaultClass;

use world::{Crash, Creation, Op, Removing, World};

fn crash() -> impl Strategy<Value = Crash> {
    prop_oneof![4 => Just(Crash::Never), 1 => Just(Crash::BeforeEffect), 1 => Just(Crash::AfterEffect)]
}

fn op() -> impl Strategy<Value = Op> {
    let creation = prop_oneof![
        4 => Just(Creation::Done),
        1 => Just(Creation::Refused),
        1 => Just(Creation::ReplyLost),
        1 => Just(Creation::RequestLost),
        1 => Just(Creation::Late),
    ];
    let removing = prop_oneof![
        3 => Just(Removing::Done),
        2 => Just(Removing::Fails(FaultClass::Unreachable)),
        2 => Just(Removing::Fails(FaultClass::PermissionDenied)),
        1 => Just(Removing::Fails(FaultClass::ManagementAuthRefused)),
        1 => Just(Removing::ReplyLost),
        1 => Just(Removing::Lies),
    ];
    prop_oneof![
        3 => (creation, crash(), prop::bool::weighted(0.2))
            .prop_map(|(how, crash, ends_meanwhile)| Op::Issue { how, crash, ends_meanwhile }),
        2 => (0..8usize, any::<bool>()).prop_map(|(which, by_person)| Op::End { which, by_person }),
        1 => (0..8usize, 0..2000u64, crash())
            .prop_map(|(which, seconds, crash)| Op::Renew { which, seconds, crash }),
        4 => (0..400u64, removing, crash()).prop_map(|(seconds, how, crash)| Op::Tick { seconds, how, crash }),
        1 => Just(Op::Deliver),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_fails_and_dies_no_user_is_lost_and_no_lease_ends_before_its_user(
        ops in prop::collection::vec(op(), 1..60)
    ) {
        let mut world = World::new();
        for op in &ops {
            world.apply(op);
            world.check();
        }
        world.drain();
        world.check();
    }
}

fn revoking(world: &mut World) -> Vec<u8> {
    world.issue(Creation::Done, Crash::Never, false);
    world.end(0, true);
    world.store.keys().next().unwrap().clone()
}

#[test]
fn what_may_heal_is_tried_without_end_and_what_may_not_waits_for_a_person() {
    for (class, parks) in [
        (FaultClass::Unreachable, false),
        (FaultClass::ManagementAuthRefused, false),
        (FaultClass::OldStillValid, false),
        (FaultClass::Ambiguous, false),
        (FaultClass::PermissionDenied, true),
        (FaultClass::Preflight, true),
    ] {
        let mut world = World::new();
        let key = revoking(&mut world);
        for attempt in 1..=20 {
            world.now = world.now.plus(step::RETRY_CAP);
            world.tick(Removing::Fails(class), Crash::Never);
            world.check();
            let lease = &world.store[&key];
            assert_eq!(
                lease.stage == Stage::Parked,
                parks && attempt >= step::FAILURES_MAX,
                "{class} {attempt}"
            );
        }
        // Neither the end of its token nor of its time wakes what is parked; a person does.
        world.end(0, false);
        assert_eq!(world.store[&key].stage == Stage::Parked, parks);
        world.end(0, true);
        world.tick(Removing::Done, Crash::Never);
        assert!(world.store.is_empty());
        world.check();
    }
}

#[test]
fn that_a_lease_waits_for_a_person_is_told_once_however_often_others_fail() {
    let mut world = World::new();
    let parked = revoking(&mut world);
    for _ in 0..step::FAILURES_MAX {
        world.now = world.now.plus(step::RETRY_CAP);
        world.tick(Removing::Fails(FaultClass::PermissionDenied), Crash::Never);
    }
    assert_eq!(world.store[&parked].stage, Stage::Parked);
    let told = |world: &World| world.lines.iter().filter(|line| line.what == What::Parked).count();
    assert_eq!(told(&world), 1);
    world.issue(Creation::Done, Crash::Never, false);
    world.end(1, true);
    world.end(0, false);
    for _ in 0..5 {
        world.now = world.now.plus(step::RETRY_CAP);
        world.tick(Removing::Fails(FaultClass::Unreachable), Crash::Never);
        world.check();
    }
    assert_eq!((told(&world), world.trouble.failing), (1, 2));
}

#[test]
fn a_target_that_fails_many_leases_has_one_incident_until_the_last_is_over() {
    let mut world = World::new();
    for _ in 0..3 {
        revoking(&mut world);
    }
    for which in 0..3 {
        world.end(which, true);
    }
    world.tick(Removing::Fails(FaultClass::Unreachable), Crash::Never);
    assert_eq!((world.trouble.failing, world.incidents.len()), (3, 1));
    let keys: Vec<_> = world.store.keys().cloned().collect();
    for (at, key) in keys.iter().enumerate() {
        assert!(world.trouble.incident.is_some(), "closed after {at} of 3");
        world.remove(key, Removing::Done, Crash::Never);
    }
    assert!(world.trouble.incident.is_none());
    // What fails again soon is the same incident.
    revoking(&mut world);
    world.tick(Removing::Fails(FaultClass::Unreachable), Crash::Never);
    let incident = world.incidents.values().next().unwrap();
    assert_eq!((world.incidents.len(), incident.reopened), (1, 1));
}

#[test]
fn what_may_heal_uses_up_no_attempt_and_a_person_gives_new_ones() {
    let mut world = World::new();
    let key = revoking(&mut world);
    let fail = |world: &mut World, class, times| {
        for _ in 0..times {
            world.now = world.now.plus(step::RETRY_CAP);
            world.tick(Removing::Fails(class), Crash::Never);
            world.check();
        }
        world.store[&key].stage == Stage::Parked
    };
    assert!(!fail(&mut world, FaultClass::Unreachable, 20));
    assert!(!fail(&mut world, FaultClass::Preflight, step::FAILURES_MAX - 1));
    assert!(!fail(&mut world, FaultClass::Unreachable, 3));
    assert!(fail(&mut world, FaultClass::Preflight, 1));
    world.end(0, true);
    world.check();
    assert!(!fail(&mut world, FaultClass::Preflight, step::FAILURES_MAX - 1));
    assert!(fail(&mut world, FaultClass::Preflight, 1));
}

#[test]
fn an_incident_stays_parked_while_one_of_its_leases_is() {
    let mut world = World::new();
    revoking(&mut world);
    for _ in 0..step::FAILURES_MAX {
        world.now = world.now.plus(step::RETRY_CAP);
        world.tick(Removing::Fails(FaultClass::Preflight), Crash::Never);
    }
    let parked = |world: &World| world.incidents.values().next().unwrap().parked;
    assert!(parked(&world));
    world.issue(Creation::Done, Crash::Never, false);
    for which in 0..2 {
        world.end(which, false);
    }
    world.tick(Removing::Fails(FaultClass::Unreachable), Crash::Never);
    assert!(parked(&world), "another lease's failure hides it");
    world.now = world.now.plus(step::RETRY_CAP);
    world.tick(Removing::Done, Crash::Never);
    assert!(parked(&world) && world.store.len() == 1);
    world.check();
}
