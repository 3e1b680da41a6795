//! What protects targets and finds drift, lent to a share of the schedules: the lockout guard, the circuit, heartbeats.
//!
//! These are the parts by which something might wait for ever. So, beside the promises of every moment: what they hold
//! back goes on by itself once the target is well, within bounds.

use std::time::Duration;

use vault_core::account::plan::Plan;
use vault_core::account::wake::wake;
use vault_core::account::{Health, Readable};
use vault_core::clock::Timestamp;
use vault_core::lease::LeaseState;
use vault_core::rotation::circuit::is_met;
use vault_core::rotation::heartbeat;
use vault_core::rotation::run::Stage;
use vault_core::target::breaker::{Admission, Circuit, PAUSE_CAP, PROBE_MAX, TRIP_AFTER};
use vault_core::target::lockout::Lockout;

use crate::beat::Beats;
use crate::guard::Guard;
use crate::line::Line;
use crate::world::{GRACE, World};
use crate::{Dice, invariant};

/// One schedule of so many has some of it.
const SHARE: u64 = 5;
/// The shortest while after which the clock looks again.
const PULSE: Duration = Duration::from_secs(5);
/// Windows of the guard that the way to the end may take, where each login that is refused uses one up.
const WINDOWS: u32 = 6;
/// Calls on a dead target in an hour: a pause is 152 s in the mean once it is at its longest.
const CALLS_AN_HOUR: u64 = 45;

/// Lends some of it to a schedule, with dice of its own; `None`: it has nothing of it.
pub(crate) fn lend(world: &mut World, seed: u64) -> Option<Dice> {
    if !(seed / 2).is_multiple_of(SHARE) {
        return None;
    }
    let mut dice = Dice(seed ^ 0xb0a7);
    let which = 1 + dice.roll(7);
    if which & 1 != 0 {
        let window = Duration::from_secs([120, 600, 900][dice.roll(3) as usize]);
        let lockout = Lockout { threshold: [2, 3, 3, 5][dice.roll(4) as usize], window };
        world.guard = Some(Guard::new(lockout));
        world.target.0.lock().unwrap().door.lockout = Some(lockout);
    }
    if which & 2 != 0 {
        world.line = Some(Line::new());
    }
    if which & 4 != 0 {
        let every = Duration::from_secs([300, 900, 1800][dice.roll(3) as usize]);
        world.beats = Some(Beats::new(every, world.now));
        world.reconciles = dice.roll(2) == 0;
        for account in world.accounts.values().cloned().collect::<Vec<_>>() {
            world.commit(Plan::new(account));
        }
    }
    Some(dice)
}

fn is_lent(world: &World) -> bool {
    world.guard.is_some() || world.line.is_some() || world.beats.is_some()
}

/// What happens to those beside everything else: a target that answers nobody, and short whiles.
pub(crate) fn happen(world: &mut World, dice: &mut Dice) {
    match dice.roll(12) {
        0 | 1 if world.line.is_some() => {
            let dead = dice.roll(3) != 0;
            world.log(format!("the target answers: {}", !dead));
            world.target.0.lock().unwrap().dead = dead;
        }
        2..=5 => {
            world.pass(Duration::from_secs([1, 5, 20, 120][dice.roll(4) as usize]));
            world.tick();
        }
        _ => {}
    }
}

/// Time passes and only the clock acts, as often as it has something to do.
fn quiet(world: &mut World, span: Duration) -> Result<(), String> {
    let mut left = span;
    while !left.is_zero() {
        let next = next_moment(world).map_or(left, |at| at.since(world.now));
        let next = if is_behind(world) { PULSE } else { next };
        let step = next.clamp(PULSE, PULSE.max(left)).min(left);
        left = left.saturating_sub(step);
        world.pass(step);
        world.tick();
        world.run_to_rest();
        invariant::check(world)?;
        leases_end(world)?;
    }
    Ok(())
}

/// When the clock has something to do next.
fn next_moment(world: &World) -> Option<Timestamp> {
    let due = world.accounts.values().flat_map(|account| [wake(account), account.beat.next]);
    let probe = world.circuit().shut_until();
    due.chain([probe]).flatten().filter(|at| *at > world.now).min()
}

/// Whether somebody could go on now, and found no place a moment ago.
fn is_behind(world: &World) -> bool {
    let is_shut = matches!(world.circuit().ask(world.now).1, Admission::Wait(_));
    world.accounts.values().any(|account| is_met(account, world.now) && !(account.waits && is_shut))
}

/// A lease that has run out is being ended, whether the target answers or not.
fn leases_end(world: &World) -> Result<(), String> {
    let left = world
        .accounts
        .iter()
        .find(|(key, account)| account.lending.expired(world.now) && !world.in_flight.contains_key(*key));
    left.map_or(Ok(()), |(key, account)| {
        Err(format!("the lease of {key} ran out and is not ended in {}", account.stage.word()))
    })
}

/// For an hour nothing answers, and only the clock acts: so much, and no more, is tried.
pub(crate) fn a_dead_hour(world: &mut World, dice: &mut Dice) -> Result<(), String> {
    if world.line.is_none() || dice.roll(3) != 0 {
        return Ok(());
    }
    world.log("nothing answers for an hour".to_owned());
    world.target.0.lock().unwrap().dead = true;
    world.run_to_rest();
    let before = world.calls;
    quiet(world, Duration::from_secs(3600))?;
    let calls = world.calls - before;
    // Until the circuit opens; what had begun; and each lease that ran out.
    let bound = CALLS_AN_HOUR + u64::from(TRIP_AFTER) + 3 * world.accounts.len() as u64;
    if calls > bound {
        return Err(format!("the circuit: {calls} calls on a dead target in an hour, {bound} at most"));
    }
    Ok(())
}

/// What was held back, or waited for the target, goes on without anybody's help: people are needed only for what is
/// parked, and for a management credential that does not work.
pub(crate) fn goes_on_by_itself(world: &mut World) -> Result<(), String> {
    if !is_lent(world) {
        return Ok(());
    }
    let window = world.guard.as_ref().map_or(Duration::ZERO, |guard| guard.lockout.window);
    let everybody = u32::try_from(world.accounts.len()).unwrap();
    // The longest pause; each one's turn twice, of which nobody knows what became; and a window for each refused login
    // that it may take: of the management credential, of three versions in doubt, and of two that are retired. What was put
    // off until some time comes later by as much as the clock was stepped back.
    let bound = PAUSE_CAP + PROBE_MAX * 2 * everybody + window * WINDOWS + world.stepped_back;
    quiet(world, bound)?;
    let manages = match world.accounts["m/db"].readable() {
        Readable::Yes(version) => invariant::opens(world, "m/db", version),
        _ => false,
    };
    if !manages {
        return Ok(());
    }
    for (key, account) in &world.accounts {
        let is_parked = matches!(account.stage, Stage::Parked { .. });
        let late = world.now.minus(PULSE * 4);
        let rests = account.stage == Stage::Idle && !account.lending.is_held();
        let is_due = rests && account.next_rotation.is_some_and(|due| due <= late);
        if (is_due || is_met(account, late)) && !account.waits && !is_parked {
            return Err(format!("{key} has been due for a while in {}", account.stage.word()));
        }
        if account.waits && !is_parked {
            return Err(format!("the circuit: {key} waits for a target that answers since {bound:?}"));
        }
        let closes = account.lending.holder.as_ref().is_some_and(|lease| lease.state == LeaseState::Revoking);
        if closes && !is_parked {
            return Err(format!("the lease of {key} does not close in {}", account.stage.word()));
        }
    }
    Ok(())
}

/// Time passes while people look away.
pub(crate) fn rest(world: &mut World, span: Duration) -> Result<(), String> {
    if is_lent(world) {
        return quiet(world, span);
    }
    world.pass(span);
    world.tick();
    world.run_to_rest();
    Ok(())
}

/// After healing: every credential is proven, and nothing is held or waits. What people have begun at last is given time:
/// a doubt about three versions may take four windows.
pub(crate) fn all_is_well(world: &mut World) -> Result<(), String> {
    if !is_lent(world) {
        return invariant::all_is_well(world);
    }
    let window = world.guard.as_ref().map_or(Duration::ZERO, |guard| guard.lockout.window);
    let last = world.now.plus(window * WINDOWS + GRACE * 2);
    while proven(world).is_err() && world.now < last {
        quiet(world, PULSE * 10)?;
    }
    proven(world)
}

fn proven(world: &World) -> Result<(), String> {
    invariant::all_is_well(world)?;
    if !matches!(world.circuit(), Circuit::Closed { .. }) {
        return Err(format!("healing: the circuit is {:?}", world.circuit()));
    }
    for (key, account) in &world.accounts {
        if account.waits || !matches!(account.health, Health::Verified(_)) {
            return Err(format!("healing: {key} waits: {}, {:?}", account.waits, account.health));
        }
        let beats = world.beats_every();
        if beats.is_some_and(|every| !heartbeat::fits(account, every, world.now)) {
            return Err(format!("healing: {key} has no heartbeat: {:?}", account.beat));
        }
    }
    Ok(())
}

/// A credential is changed outside, and nobody says so: heartbeats find it.
pub(crate) fn find_what_was_changed(world: &mut World) -> Result<(), String> {
    let Some(every) = world.beats_every() else { return Ok(()) };
    let key = "a/app/0";
    let account = &world.accounts[key];
    let current = account.versions.current.unwrap();
    let (name, password) = (account.username_of(current).to_owned(), "changed at last".to_owned());
    {
        let mut state = world.target.0.lock().unwrap();
        state.older.remove(&name);
        state.passwords.insert(name, password.clone());
    }
    world.changed_outside.insert(key.to_owned(), password);
    world.log(format!("{key} changed outside at last"));
    let window = world.guard.as_ref().map_or(Duration::ZERO, |guard| guard.lockout.window);
    quiet(world, every + window + PULSE * 4)?;
    let account = &world.accounts[key];
    let current = account.versions.current.unwrap();
    if invariant::opens(world, key, current.number) || account.incident.is_some() {
        return Ok(());
    }
    Err(format!(
        "the heartbeat: that {key} was changed is not found: {:?}, {:?}",
        account.beat, account.health
    ))
}
