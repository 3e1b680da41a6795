//! What people and time mend, and that everything is well after it.

use std::time::Duration;

use vault_core::rotation::run::Cause;
use vault_core::rotation::step;

use crate::world::World;
use crate::{deliver_delayed, invariant, protection};

/// Everything is mended, people press the buttons, time passes.
pub(crate) fn heal(world: &mut World) -> Result<(), String> {
    deliver_delayed(world);
    world.target.0.lock().unwrap().delayed.clear();
    world.target.0.lock().unwrap().rights_lost.clear();
    world.target.0.lock().unwrap().dead = false;
    (world.window_open, world.no_consumers) = (true, true);
    world.tick();
    world.run_to_rest();
    protection::goes_on_by_itself(world)?;
    let keys: Vec<String> = world.accounts.keys().rev().cloned().collect();
    for _ in 0..6 {
        for key in &keys {
            // A management credential that was changed outside is told to the vault by a person.
            if key.starts_with("m/") && world.changed_outside.contains_key(key) {
                let account = &world.accounts[key];
                let current = account.versions.current.unwrap().number;
                let accepted = world.target.0.lock().unwrap().passwords[&account.username].clone();
                let stored = account
                    .versions
                    .stored()
                    .any(|version| world.secrets.get(&(key.clone(), version.number)) == Some(&accepted));
                if !stored {
                    world.secrets.insert((key.clone(), current), accepted.clone());
                    world.target.0.lock().unwrap().durable.insert((account.username.clone(), accepted));
                    world.accounts.get_mut(key).unwrap().health = vault_core::account::Health::Unknown;
                }
            }
            mend_mistyped(world, key);
            world.finish_beat(key);
            world.person_acts();
            let ctx = world.context_of(key);
            let cause = Cause::Demand { principal: "person".into() };
            if let Ok(plan) = step::request(world.accounts[key].clone(), cause, &ctx) {
                world.commit(plan);
            }
            world.run_to_rest();
        }
        protection::rest(world, Duration::from_secs(2000))?;
    }
    invariant::check(world)?;
    protection::all_is_well(world)
}

/// A management password that was told wrong is told again, right.
fn mend_mistyped(world: &mut World, key: &str) {
    let account = &world.accounts[key];
    let Some(current) = account.versions.current else { return };
    let stored = world.secrets.get(&(key.to_owned(), current.number));
    let wrong = stored.is_some_and(|stored| world.mistyped.contains(stored));
    if key.starts_with("m/") && wrong && account.stage.untouched() && !account.stage.is_active() {
        let right = world.target.0.lock().unwrap().passwords[&account.username].clone();
        world.told(key, right);
    }
}
