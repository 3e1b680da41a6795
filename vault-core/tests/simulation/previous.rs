//! A person has the version before served again, at any moment, and the process may die at each step of that.

use vault_core::account::Readable;
use vault_core::account::plan::Effect;
use vault_core::incident::IncidentState;
use vault_core::rotation::execute::Answer;
use vault_core::rotation::previous;
use vault_core::rotation::run::{Cause, Stage};
use vault_core::rotation::step::{self, Event};

use crate::target::{MOODS, Mood};
use crate::world::{InFlight, World};
use crate::{Dice, answer, deliver_delayed, heal, invariant};

/// Where the process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Death {
    None,
    BeforeTheCall,
    BeforeTheCommit,
    AfterTheCommit,
}

const DEATHS: [Death; 4] = [Death::None, Death::BeforeTheCall, Death::BeforeTheCommit, Death::AfterTheCommit];

/// The request, as one of many things that happen.
pub(crate) fn press(world: &mut World, dice: &mut Dice, key: &str, trouble: u64) -> Result<(), String> {
    let mood =
        if dice.roll(100) < trouble { MOODS[dice.roll(MOODS.len() as u64) as usize] } else { Mood::Well };
    let death = DEATHS[dice.roll(DEATHS.len() as u64) as usize];
    use_previous(world, key, mood, death)
}

fn use_previous(world: &mut World, key: &str, mood: Mood, death: Death) -> Result<(), String> {
    let ctx = world.context_of(key);
    if world.in_flight.contains_key(key) {
        return Ok(());
    }
    let Ok((version, effect)) = previous::ask(&world.accounts[key]) else { return Ok(()) };
    world.person_acts();
    world.in_flight.insert(key.to_owned(), InFlight::Effect(effect));
    if death == Death::BeforeTheCall {
        world.crash();
        return Ok(());
    }
    world.send(key, mood);
    if death == Death::BeforeTheCommit {
        world.crash();
        return Ok(());
    }
    let answer = world.in_flight.remove(key);
    if world.guard.is_some() && !matches!(answer, Some(InFlight::Answer(_))) {
        // Held back, or no seat is free: whoever pressed is told, or waits.
        return Ok(());
    }
    let Some(InFlight::Answer(Answer { event: Event::CheckedPrevious(probe), .. })) = answer else {
        return Err(format!("{key}: {effect:?} was answered by something else"));
    };
    world.settle_owed(key);
    let before = world.secrets.clone();
    if let Some(plan) = previous::tried(world.accounts[key].clone(), version.number, &probe, "person", &ctx) {
        world.commit(plan);
        world.reinstated += 1;
        served(world, key, version.number)?;
    }
    if world.secrets != before {
        return Err(format!("I1: serving the version before changed what is stored of {key}"));
    }
    if death == Death::AfterTheCommit {
        world.crash();
    }
    Ok(())
}

/// It is served, everything else is kept, and a person must say go on.
fn served(world: &World, key: &str, number: u64) -> Result<(), String> {
    let account = &world.accounts[key];
    let stored = account.versions.stored().all(|version| world.login(key, version.number).is_some());
    let open = account.incident.is_some_and(|id| {
        let incident = &world.incidents[&id];
        let (parked, mitigated_at) = match world.members.get(&(id, key.to_owned())) {
            Some(member) => (member.parked, member.mitigated_at),
            None => (incident.parked, incident.marks.t6),
        };
        incident.state == IncidentState::Open && parked && mitigated_at.is_some()
    });
    let parked = matches!(account.stage, Stage::Parked { .. });
    if account.readable() == Readable::Yes(number) && stored && open && parked {
        Ok(())
    } else {
        Err(format!("{key}: version {number} is not served as it should be: {account:?}"))
    }
}

/// Each trouble at each call of a rotation, a crash at each moment of the request, and both kinds of target.
#[test]
fn the_version_before_comes_back_whatever_went_wrong_and_nothing_is_lost() {
    let (mut cases, mut reinstated) = (0, 0);
    for (overlaps, turns, told) in
        [(false, false, true), (true, false, false), (true, false, true), (false, true, false)]
    {
        for mood in MOODS {
            for at_call in 0..6 {
                for (death, then) in
                    DEATHS.into_iter().flat_map(|death| [(death, Mood::Well), (death, Mood::Unreachable)])
                {
                    let mut world = World::new(7, 1);
                    world.target.0.lock().unwrap().overlaps = overlaps;
                    if turns {
                        world.take_turns();
                    }
                    let key = "a/app/0";
                    if told {
                        world.mistyped.insert("mistyped".to_owned());
                        world.told(key, "mistyped".to_owned());
                    }
                    let ctx = world.context_of(key);
                    let cause = Cause::Demand { principal: "person".into() };
                    let plan = step::request(world.accounts[key].clone(), cause, &ctx).unwrap();
                    world.commit(plan);
                    let mut calls = 0;
                    while world.in_flight.contains_key(key) && calls < 30 {
                        let next = if calls == at_call + 1 { then } else { Mood::Well };
                        world.send(key, if calls == at_call { mood } else { next });
                        answer(&mut world, key).unwrap();
                        calls += 1;
                        invariant::check(&world).unwrap();
                    }
                    use_previous(&mut world, key, Mood::Well, death).unwrap();
                    invariant::check(&world).unwrap();
                    // What was thought lost arrives after all.
                    deliver_delayed(&mut world);
                    invariant::check(&world).unwrap();
                    reinstated += world.reinstated;
                    if let Err(failure) = heal(&mut world) {
                        panic!("{mood:?} at call {at_call}, {death:?}: {failure}\n{:#?}", world.trace);
                    }
                    cases += 1;
                }
            }
        }
    }
    println!("{cases} cases, the version before came back in {reinstated}, 0 credentials lost");
    assert!(reinstated > 50, "only {reinstated} of {cases} cases brought a version back");
}

/// A password was mistyped: what served before is served again, and is the vault's own to change.
#[test]
fn a_mistyped_password_gives_way_to_the_one_before() {
    let mut world = World::new(5, 1);
    let key = "a/app/0";
    world.mistyped.insert("mistyped".to_owned());
    world.told(key, "mistyped".to_owned());
    assert!(previous::ask(&world.accounts[key]).is_err(), "nothing is known to be wrong");
    world.in_flight.insert(key.to_owned(), InFlight::Effect(Effect::Check));
    world.send(key, Mood::Well);
    answer(&mut world, key).unwrap();
    assert_eq!(world.accounts[key].readable(), Readable::Refused);
    use_previous(&mut world, key, Mood::Well, Death::None).unwrap();
    assert_eq!((world.accounts[key].readable(), world.reinstated), (Readable::Yes(1), 1));
    heal(&mut world).unwrap();
}
