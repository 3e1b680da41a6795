//! What schedules leave behind: the report of it is the one that an independent program computes.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use vault_core::account::plan::{Plan, RunEnd};
use vault_core::clock::Timestamp;
use vault_core::id::RotationId;
use vault_core::incident::budget::Objective;
use vault_core::incident::report::Window;
use vault_core::rotation::attempt::{self, Attempt};

use crate::export::{Records, Terms};
use crate::world::World;
use crate::{Dice, play, program};

/// The logs of the store, by the names that their records have there: of two that have one the last counts.
#[derive(Default)]
pub(crate) struct Logs {
    runs: BTreeMap<(Timestamp, RotationId), RunEnd>,
    attempts: BTreeMap<(Timestamp, RotationId, u32), Attempt>,
}

impl World {
    /// What ends with a plan that is about to be committed.
    pub(crate) fn write_ends_down(&mut self, key: &str, plan: &Plan) {
        if let Some(attempt) = attempt::ended(&self.accounts[key], plan, self.now) {
            let name = (attempt.at, attempt.rotation, attempt.number);
            self.logs.attempts.insert(name, attempt);
        }
        if let Some(end) = &plan.ended {
            self.logs.runs.insert((end.ended_at, end.rotation), end.clone());
        }
    }

    /// All that reports are made of.
    fn records(&self) -> Records<'_> {
        Records {
            incidents: self.incidents.iter().map(|(id, one)| (one, self.lines[id].as_slice())).collect(),
            runs: self.logs.runs.values().collect(),
            attempts: self.logs.attempts.values().collect(),
            rotators: BTreeMap::from([("db".to_owned(), "simulated".to_owned())]),
        }
    }
}

/// A world as it was looked at.
struct Look {
    seed: u64,
    asked: Vec<Terms>,
    told: Vec<Value>,
}

/// The reports on a world, and what the program is asked about it.
fn look(world: &World, seed: u64, dice: &mut Dice) -> (Look, Value) {
    let records = world.records();
    let begin = Timestamp::from_secs(1_800_000_000);
    let span = u64::try_from(world.now.since(begin).as_millis()).unwrap().max(1);
    let whole = Window { from: begin, ..Window::until_now(world.now) };
    let mut part = || {
        let from = begin.plus(Duration::from_millis(dice.roll(span)));
        Window { from, to: from.plus(Duration::from_millis(1 + dice.roll(span))), now: world.now }
    };
    let asked = [whole, part(), part()].map(|window| Terms {
        window,
        objective: Objective::default(),
        hourly_cost: None,
    });
    let told = asked.iter().map(|terms| records.measured(terms, |sides| dice.roll(sides))).collect();
    let asks: Vec<Value> = asked.iter().map(Terms::asked).collect();
    let events = program::disordered(records.exported(), |sides| dice.roll(sides));
    (Look { seed, asked: asked.to_vec(), told }, json!({ "asks": asks, "events": events }))
}

#[test]
fn what_schedules_leave_behind_measures_the_same_by_an_independent_program() {
    let worlds = (0..SCHEDULES).flat_map(|seed| {
        let (mut dice, mut looks) = (Dice(seed ^ 0x10_0C), Vec::new());
        play(seed, &mut |world| looks.push(look(world, seed, &mut dice))).unwrap();
        looks
    });
    let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
    program::each(worlds, |Look { seed, asked, told }, computed| {
        assert_eq!(told.len(), computed.len());
        for ((terms, told), computed) in asked.iter().zip(&told).zip(&computed) {
            assert_eq!(told, computed, "seed {seed} {terms:?}: told on the left");
        }
        let whole = &told[0]["total"];
        for name in
            ["opened", "resolved", "open", "succeeded", "failed", "attempts_succeeded", "attempts_failed"]
        {
            *seen.entry(name).or_default() += whole[name].as_u64().unwrap();
        }
        for name in ["completed", "censored", "suspect"] {
            *seen.entry(name).or_default() += whole["ttr"][name].as_u64().unwrap();
        }
    });
    println!("{SCHEDULES} schedules, measured twice each: {seen:?}");
    assert!(seen.values().all(|count| *count > SCHEDULES / 10), "hardly anything to measure: {seen:?}");
}

/// Of the random ones.
const SCHEDULES: u64 = 1000;
