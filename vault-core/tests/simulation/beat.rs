//! Heartbeats as the vault keeps them: whose turn it is, what a look shows, and that it shuts out nobody.

use std::collections::BTreeMap;
use std::time::Duration;

use vault_core::account::Account;
use vault_core::account::plan::{Context, Effect, Plan};
use vault_core::rotation::fault::{FaultClass, Scope};
use vault_core::rotation::heartbeat::{self, Due};
use vault_core::rotation::port::Probe;
use vault_core::rotation::step::Event;
use vault_core::target::breaker::Admission;
use vault_core::target::pace::{Heartbeats, Pace};

use crate::target::Mood;
use crate::world::{InFlight, World};

#[derive(Debug)]
pub(crate) struct Beats {
    pub settings: Heartbeats,
    /// The process: what the budget has left.
    pace: Pace,
    /// The process: who is looked at, and whether they find out for the circuit.
    under_way: BTreeMap<String, bool>,
}

impl Beats {
    pub(crate) fn new(every: Duration, now: vault_core::clock::Timestamp) -> Self {
        let settings = Heartbeats { every, rate: 30 };
        Self { settings, pace: Pace::new(now), under_way: BTreeMap::new() }
    }
}

impl World {
    /// The process dies.
    pub(crate) fn forget_beats(&mut self) {
        let now = self.now;
        if let Some(beats) = &mut self.beats {
            (beats.pace, beats.under_way) = (Pace::new(now), BTreeMap::new());
        }
    }

    /// How often each account is looked at.
    pub(crate) fn beats_every(&self) -> Option<Duration> {
        self.beats.as_ref().map(|beats| beats.settings.every)
    }

    pub(crate) fn is_beaten(&self, key: &str) -> bool {
        self.beats.as_ref().is_some_and(|beats| beats.under_way.contains_key(key))
    }

    /// A heartbeat ends without an answer, if it is one: who was to find out by it has not asked.
    pub(crate) fn beat_over(&mut self, key: &str) -> bool {
        match self.beats.as_mut().and_then(|beats| beats.under_way.remove(key)) {
            Some(is_probe) => {
                if is_probe {
                    self.unask_circuit(key);
                }
                true
            }
            None => false,
        }
    }

    /// Where nothing answers any more, only the one that finds out goes on.
    pub(crate) fn beat_turned_away(&mut self, key: &str) -> bool {
        let is_shut = self.circuit().shut_until().is_some();
        let goes = self.beats.as_ref().and_then(|beats| beats.under_way.get(key)).is_none_or(|probe| *probe);
        if goes || !is_shut {
            return false;
        }
        self.in_flight.remove(key);
        self.beat_over(key)
    }

    /// Whoever wants the account waits for the look to end.
    pub(crate) fn finish_beat(&mut self, key: &str) {
        if self.is_beaten(key) {
            self.send(key, Mood::Well);
            self.settle_answer(key);
        }
        if self.is_beaten(key) {
            // It has no place at the target yet.
            self.forget(key);
        }
    }

    /// Arms those that have no heartbeat, or another one than the settings ask for.
    fn arm_beats(&mut self) {
        let Some(every) = self.beats_every() else { return };
        let fits = |account: &Account| heartbeat::fits(account, every, self.now);
        let unfit = self.accounts.iter().filter(|(key, account)| {
            !self.in_flight.contains_key(*key) && !account.stage.is_active() && !fits(account)
        });
        let unfit: Vec<Account> = unfit.map(|(_, account)| account.clone()).collect();
        for account in unfit {
            self.commit(Plan::new(account));
        }
    }

    /// Begins the heartbeats that are due, as many as the budget allows.
    pub(crate) fn look_at_beats(&mut self) {
        self.arm_beats();
        let Some(rate) = self.beats.as_ref().map(|beats| beats.settings.rate) else { return };
        let now = self.now;
        let due = self.accounts.iter().filter_map(|(key, account)| Some((account.beat.next?, key.clone())));
        let mut due: Vec<_> = due.filter(|(at, _)| *at <= now).collect();
        due.sort();
        for (_, key) in due {
            if self.in_flight.contains_key(&key) {
                continue;
            }
            let is_shut = matches!(self.circuit().ask(now).1, Admission::Wait(_));
            if is_shut || !self.beats.as_mut().is_some_and(|beats| beats.pace.take(rate, now)) {
                return;
            }
            let is_probe = self.ask_circuit(&key) == Admission::Probe;
            self.beat(&key, is_probe);
        }
    }

    fn beat(&mut self, key: &str, is_probe: bool) {
        let (account, ctx) = (self.accounts[key].clone(), self.context_of(key));
        let due = match heartbeat::due(&account, &ctx) {
            Due::Now if self.is_locked(&account) => Due::Later,
            due => due,
        };
        if due == Due::Later {
            self.commit(heartbeat::later(account, &ctx));
        }
        if due == Due::Now {
            self.in_flight.insert(key.to_owned(), InFlight::Effect(Effect::Check));
            if let Some(beats) = &mut self.beats {
                beats.under_way.insert(key.to_owned(), is_probe);
            }
        } else if is_probe {
            self.unask_circuit(key);
        }
    }

    fn is_locked(&self, account: &Account) -> bool {
        let own = account.incident.filter(|_| account.incident_scope == Scope::Account);
        own.is_some_and(|id| self.incidents[&id].class == FaultClass::AccountLocked)
    }

    /// What the look means. It opens an incident by what the target has said, and by nothing else.
    pub(crate) fn beaten(&mut self, account: Account, event: &Event, ctx: &Context) -> Plan {
        let (incident, health) = (account.incident, account.health);
        let key = account.subject.key();
        if let Some(beats) = &mut self.beats {
            beats.under_way.remove(&key);
        }
        self.looked += 1;
        let plan = heartbeat::beaten(account, event, ctx);
        let said = matches!(event, Event::Checked(Probe::Refused | Probe::Blocked(_)));
        let opened = incident.is_none() && plan.account.incident.is_some();
        let learnt = !matches!(event, Event::Checked(Probe::Inconclusive(_)));
        if opened && !said || !learnt && plan.account.health != health {
            self.violate(format!("the heartbeat: {key} is said to fail, and {event:?} does not say so"));
        }
        plan
    }
}
