//! The lockout guard as the vault keeps it: what is written down before a call, its seat, and what becomes of its answer.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use vault_core::account::plan::Effect;
use vault_core::account::{Account, Readable};
use vault_core::rotation::lockout::bill::{Bill, Grant, Pass, acts_alone, grant};
use vault_core::rotation::lockout::{Logins, Purse, asked, hold, hold_heartbeat, sent};
use vault_core::rotation::run::Cause;
use vault_core::rotation::step;
use vault_core::target::lockout::{Held, Limit, Lockout, Tally};

use crate::target::Mood;
use crate::world::World;
use crate::{heal, invariant};

/// The name of the management credential on the target.
pub(crate) const MANAGER: &str = "manager";

#[derive(Debug)]
pub(crate) struct Guard {
    pub lockout: Lockout,
    limit: Limit,
    /// The store: what counts, by name.
    tallies: BTreeMap<String, Tally>,
    /// The process: seats that are taken by those who use the management credential.
    seats: BTreeMap<String, u32>,
    /// The process: who has a place at the target. The management credential has all of them, or none.
    inside: BTreeSet<String>,
}

impl Guard {
    pub(crate) fn new(lockout: Lockout) -> Self {
        let limit = lockout.limit().unwrap();
        Self { lockout, limit, tallies: BTreeMap::new(), seats: BTreeMap::new(), inside: BTreeSet::new() }
    }

    fn tally(&self, username: &str) -> Tally {
        self.tallies.get(username).cloned().unwrap_or_default()
    }

    fn put(&mut self, username: &str, tally: Tally) {
        if tally.is_empty() {
            self.tallies.remove(username);
        } else {
            self.tallies.insert(username.to_owned(), tally);
        }
    }
}

impl World {
    /// Takes a place at the target, for as long as there is work. `false`: the management credential is not alone.
    pub(crate) fn enters(&mut self, key: &str) -> bool {
        let Some(guard) = &mut self.guard else { return true };
        guard.inside.retain(|inside| self.in_flight.contains_key(inside));
        let is_free = match key {
            "m/db" => guard.inside.iter().all(|inside| inside == key),
            _ => !guard.inside.contains("m/db"),
        };
        is_free && {
            guard.inside.insert(key.to_owned());
            true
        }
    }

    /// Takes a seat at the management credential, where it is guarded and needed. `false`: there is none.
    pub(crate) fn sits_down(&mut self, key: &str, effect: Effect) -> bool {
        let is_alone = acts_alone(&self.accounts[key], effect);
        let now = self.now;
        let Some(guard) = self.guard.as_mut().filter(|_| !is_alone) else { return true };
        let needed = guard.limit.seats(guard.tally(MANAGER).count(guard.limit, now));
        let taken: u32 = guard.seats.values().sum();
        let is_free = taken + needed <= guard.limit.refusals;
        if is_free {
            guard.seats.insert(key.to_owned(), needed);
        }
        is_free
    }

    pub(crate) fn stands_up(&mut self, key: &str) {
        if let Some(guard) = &mut self.guard {
            guard.seats.remove(key);
        }
    }

    /// The process dies: nobody sits any more.
    pub(crate) fn clear_seats(&mut self) {
        if let Some(guard) = &mut self.guard {
            guard.seats.clear();
            guard.inside.clear();
        }
    }

    /// Why the management credential must not be used now.
    pub(crate) fn manager_held(&self) -> Option<Held> {
        let guard = self.guard.as_ref()?;
        let manager = &self.accounts["m/db"];
        let serves = matches!(manager.readable(), Readable::Yes(_));
        serves.then(|| guard.tally(MANAGER).held(MANAGER, 1, guard.lockout, self.now)).flatten()
    }

    /// Why `effect` must not be run now.
    fn held_back(&self, account: &Account, effect: Effect) -> Option<Held> {
        let guard = self.guard.as_ref()?;
        let held =
            |(name, logins): (String, u32)| guard.tally(&name).held(&name, logins, guard.lockout, self.now);
        let own = asked(account, effect).into_iter().find_map(held);
        own.or_else(|| if acts_alone(account, effect) { None } else { self.manager_held() })
    }

    /// Writes down the logins that `effect` is about to send; or says why it must not.
    pub(crate) fn admit(&mut self, key: &str, effect: Effect) -> Result<Pass, Held> {
        let account = self.accounts[key].clone();
        if let Some(held) = self.held_back(&account, effect) {
            return Err(held);
        }
        let now = self.now;
        let Some(guard) = &mut self.guard else { return Ok(Pass::default()) };
        let (limit, needed) = (guard.limit, asked(&account, effect));
        let (mut room, mut reserved) = (Logins::new(), Logins::new());
        for (username, logins) in sent(&account, effect) {
            let needed = needed.get(&username).copied().unwrap_or(0);
            let Some(Grant { tally, room: left, reserved: written }) =
                grant(guard.tally(&username), logins, needed, limit, now)
            else {
                panic!("there was room for {username} a moment ago");
            };
            guard.put(&username, tally);
            room.insert(username.clone(), left);
            reserved.insert(username, written);
        }
        let (manager, purse) = (Some(MANAGER.to_owned()), Purse::with(room, limit.refusals));
        Ok(Pass { limit: Some(limit), at: Some(now), reserved, manager, purse })
    }

    /// What was about to be called waits for room.
    pub(crate) fn hold_back(&mut self, key: &str, held: &Held) {
        self.log(format!("{key}: {held}"));
        self.held_back += 1;
        let now = self.now;
        if let Some(guard) = &mut self.guard {
            let aged = guard.tally(&held.username).aged(guard.limit, now);
            guard.put(&held.username, aged);
        }
        self.in_flight.remove(key);
        let (account, ctx) = (self.accounts[key].clone(), self.context_of(key));
        let is_beat = self.beat_over(key);
        let plan =
            if is_beat { Some(hold_heartbeat(account, held, &ctx)) } else { hold(account, held, &ctx) };
        if let Some(plan) = plan {
            self.commit(plan);
        }
    }

    /// Writes down what logins have cost.
    pub(crate) fn pay(&mut self, bills: &[Bill]) {
        let now = self.now;
        let Some(guard) = &mut self.guard else { return };
        for bill in bills {
            let paid = bill.paid(guard.tally(&bill.username), now);
            guard.put(&bill.username, paid);
        }
    }
}

/// Where old and new live side by side the candidate is asked once more before another version is believed. With room for
/// one refused login it used up that room each time, and the other one was never asked.
#[test]
fn a_doubt_ends_where_one_refused_login_is_all_that_there_is_room_for() {
    for (overlaps, turns, seed) in
        [(true, false, 31), (true, false, 2811), (false, true, 31), (false, false, 31)]
    {
        let mut world = World::new(seed, 1);
        world.no_consumers = true;
        world.target.0.lock().unwrap().overlaps = overlaps;
        if turns {
            world.take_turns();
        }
        let window = Duration::from_secs(600);
        let lockout = Lockout { threshold: 2, window };
        world.guard = Some(Guard::new(lockout));
        world.target.0.lock().unwrap().door.lockout = Some(lockout);
        let key = "a/app/0";
        let cause = Cause::Demand { principal: "person".into() };
        let plan = step::request(world.accounts[key].clone(), cause, &world.context_of(key)).unwrap();
        world.commit(plan);
        // Prepared; the change is lost, and nobody knows.
        for mood in [Mood::Well, Mood::LostBefore] {
            world.send(key, mood);
            world.settle_answer(key);
        }
        world.run_to_rest();
        assert_eq!(
            world.held_back,
            u64::from(!turns),
            "the candidate is refused, and the next login has no room"
        );
        for _ in 0..5 {
            world.pass(window);
            world.tick();
            world.run_to_rest();
            invariant::check(&world).unwrap();
        }
        let account = &world.accounts[key];
        assert_eq!(account.stage.word(), "idle", "overlaps: {overlaps}, turns: {turns}");
        assert_eq!(account.versions.current.map(|version| version.number), Some(2));
        heal::heal(&mut world).unwrap();
    }
}
