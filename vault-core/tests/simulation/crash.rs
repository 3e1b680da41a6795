//! Every crash of one rotation, instead of some of many.

use vault_core::rotation::run::Cause;
use vault_core::rotation::step;

use crate::target::{MOODS, Mood};
use crate::world::{InFlight, World};
use crate::{answer, heal, invariant};

/// Every kind of trouble at every call, and a crash before and after every moment of the rotation.
#[test]
fn a_crash_at_every_moment_of_a_rotation_loses_nothing() {
    for (kind, overlaps, mints, turns) in [
        ("replaced", false, false, false),
        ("side by side", true, false, false),
        ("made by the target", true, true, false),
        ("taking turns", false, false, true),
    ] {
        let cases = crashes(overlaps, mints, turns);
        println!("{kind}: {cases} cases of trouble × call × crash, 0 credentials lost");
    }
}

fn crashes(overlaps: bool, mints: bool, turns: bool) -> u32 {
    let mut cases = 0;
    for mood in MOODS {
        for at_call in 0..6 {
            for crash_at in 0..40 {
                for adopted in [0_usize, 1] {
                    let mut world = World::new(7, 2);
                    {
                        let mut state = world.target.0.lock().unwrap();
                        (state.overlaps, state.mints) = (overlaps, mints);
                    }
                    if turns {
                        world.take_turns();
                    }
                    let key = format!("a/app/{adopted}");
                    let ctx = world.context_of(&key);
                    let cause = Cause::Demand { principal: "person".into() };
                    let plan = step::request(world.accounts[&key].clone(), cause, &ctx).unwrap();
                    world.commit(plan);
                    let mut calls = 0;
                    let mut moment = 0;
                    while world.in_flight.contains_key(&key) && moment < 60 {
                        if moment == crash_at {
                            world.crash();
                        } else if matches!(world.in_flight[&key], InFlight::Effect(_)) {
                            world.send(&key, if calls == at_call { mood } else { Mood::Well });
                            calls += 1;
                        } else {
                            answer(&mut world, &key).unwrap();
                        }
                        moment += 1;
                        invariant::check(&world).unwrap();
                    }
                    if let Err(failure) = heal(&mut world) {
                        panic!(
                            "{mood:?} at call {at_call}, crash at {crash_at}: {failure}\n{:#?}",
                            world.trace
                        );
                    }
                    cases += 1;
                }
            }
        }
    }
    cases
}
