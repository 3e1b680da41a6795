//! The circuit of the target as the vault keeps it, the line of those that wait for it, and the clock that asks both.

use std::collections::BTreeSet;

use vault_core::clock::Timestamp;
use vault_core::entropy::random_bytes;
use vault_core::incident::ledger::LedgerEvent;
use vault_core::rotation::circuit::{self, Met, asks, is_met};
use vault_core::target::breaker::{Admission, Broken, Caller, Circuit, Evidence, PROBE_MAX, Turn};
use vault_core::target::turns::Round;

use crate::world::World;

/// How many accounts of the target are worked on at once.
const WIDTH: usize = 3;

/// A place in the line, and who stands there.
type Place = (u8, String);

#[derive(Debug)]
pub(crate) struct Line {
    /// The process: how the circuit stands.
    pub circuit: Circuit,
    /// The process: whose turn it is to find out.
    round: Round<Place>,
    /// The process: begun because the clock said so, and the target is not called yet.
    by_clock: BTreeSet<String>,
    /// The process: who was let through last to find out, and since when it does so.
    prober: Option<String>,
    probing: Option<Timestamp>,
    /// The store: what is known of a circuit that is open.
    stored: Option<(Broken, Timestamp)>,
}

impl Line {
    pub(crate) fn new() -> Self {
        let (round, by_clock) = (Round::default(), BTreeSet::new());
        Self { circuit: Circuit::FRESH, round, by_clock, prober: None, probing: None, stored: None }
    }

    fn is_prober(&self, key: &str) -> bool {
        self.prober.as_deref() == Some(key)
    }
}

impl World {
    /// The process dies: what is stored of the circuit is read by the next one.
    pub(crate) fn forget_line(&mut self) {
        let Some(line) = &mut self.line else { return };
        let circuit = line.stored.map_or(Circuit::FRESH, |(outage, until)| Circuit::stored(outage, until));
        *line = Line { circuit, stored: line.stored, ..Line::new() };
    }

    pub(crate) fn circuit(&self) -> Circuit {
        self.line.as_ref().map_or(Circuit::FRESH, |line| line.circuit)
    }

    /// Asks whether the clock may begin something for this account.
    pub(crate) fn ask_circuit(&mut self, key: &str) -> Admission {
        let now = self.now;
        let Some(line) = &mut self.line else { return Admission::Go };
        let (next, admission) = line.circuit.ask(now);
        line.circuit = next;
        if admission != Admission::Probe {
            return admission;
        }
        // A clock that was stepped back tells nothing of how long the other one has been under way.
        let second = line.probing.filter(|since| *since <= now && now.since(*since) < PROBE_MAX);
        (line.prober, line.probing) = (Some(key.to_owned()), Some(now));
        if let Some(since) = second {
            self.violate(format!("the circuit: a second one finds out, and the first does since {since:?}"));
        }
        admission
    }

    /// The account, if it was to find out, had nothing to ask.
    pub(crate) fn unask_circuit(&mut self, key: &str) {
        let Some(line) = self.line.as_mut().filter(|line| line.is_prober(key)) else { return };
        (line.circuit, line.probing) = (line.circuit.unasked(), None);
    }

    /// Takes in what a call for this account told; gives back what is to be written down after what follows from its answer.
    pub(crate) fn hear_call(&mut self, key: &str, evidence: Option<Evidence>) -> Option<Turn> {
        let (now, draw) = (self.now, self.line.as_ref().map(|_| random_bytes(&self.entropy)));
        let line = self.line.as_mut()?;
        let is_prober = line.is_prober(key);
        if is_prober || evidence == Some(Evidence::Reached) {
            line.probing = None;
        }
        let Some(evidence) = evidence else {
            if is_prober {
                line.circuit = line.circuit.unheard(now);
            }
            return None;
        };
        let caller = if is_prober { Caller::Probe } else { Caller::Other };
        let (next, turn) = line.circuit.heard(evidence, caller, now, u64::from_le_bytes(draw?));
        line.circuit = next;
        match turn {
            Some(closed @ Turn::Closed(_)) => {
                self.turn_circuit(closed);
                None
            }
            turn => turn,
        }
    }

    /// Writes down how the circuit has turned.
    pub(crate) fn turn_circuit(&mut self, turn: Turn) {
        let Some(line) = &mut self.line else { return };
        line.stored = match line.circuit {
            Circuit::Open { outage, until } => Some((outage, until)),
            Circuit::Closed { .. } => None,
            Circuit::HalfOpen { .. } => line.stored,
        };
        let circuit = line.circuit.word();
        self.opened += u64::from(matches!(turn, Turn::Opened(_)));
        self.moments += 1;
        self.log(format!("{} the circuit is {circuit}: {turn:?}", self.moments));
        if let Some(incident) = self.outage.open {
            self.write_down("", &[LedgerEvent::Circuit { incident, at: self.now, turn }]);
        }
    }

    /// Nothing that the clock has begun calls a target that has stopped answering meanwhile.
    pub(crate) fn turned_away(&mut self, key: &str) -> bool {
        let Some(line) = &mut self.line else { return false };
        if !line.by_clock.remove(key) || line.circuit.shut_until().is_none() {
            return false;
        }
        let plan = circuit::turn_away(self.accounts[key].clone(), &self.context_of(key));
        self.log(format!("{key} is turned away"));
        self.in_flight.remove(key);
        if let Some(plan) = plan {
            self.commit(plan);
        }
        true
    }

    /// Nobody asked for what is about to be done.
    pub(crate) fn begins_by_clock(&mut self, key: &str) {
        if let Some(line) = &mut self.line {
            line.by_clock.insert(key.to_owned());
        }
    }

    /// What an account was doing is over.
    pub(crate) fn ends_by_clock(&mut self, key: &str) {
        if let Some(line) = &mut self.line {
            line.by_clock.remove(key);
        }
    }

    fn is_full(&self) -> bool {
        self.line.is_some() && self.in_flight.len() >= WIDTH
    }

    /// Does what the clock asks for one account, unless somebody is at it.
    pub(crate) fn attend(&mut self, key: &str) {
        let account = self.accounts[key].clone();
        if self.in_flight.contains_key(key) || !is_met(&account, self.now) {
            return;
        }
        let is_busy = self.is_full() && !account.stage.is_active();
        let admission = match asks(&account, None, self.now) {
            false => Admission::Go,
            true if !is_busy => self.ask_circuit(key),
            true => match self.circuit().ask(self.now).1 {
                wait @ Admission::Wait(_) => wait,
                _ => Admission::Go,
            },
        };
        let is_by_clock = admission == Admission::Go && !account.lending.expired(self.now);
        let ctx = self.context_of(key);
        let met = Met { admission, is_busy, maintenance: None };
        let plan = circuit::attend(account, met, |_| self.uptake(), &ctx);
        let drives = plan.as_ref().is_some_and(|plan| plan.effect.is_some());
        if let Some(plan) = plan {
            self.commit(plan);
        }
        if drives && is_by_clock {
            self.begins_by_clock(key);
        }
        if admission == Admission::Probe && !drives {
            self.unask_circuit(key);
        }
    }

    /// Those that wait for the target, in their order.
    pub(crate) fn waiting(&self) -> Vec<Place> {
        let place = |(key, account): (&String, &vault_core::account::Account)| {
            account.place_in_line().map(|place| (place, key.clone()))
        };
        let mut line: Vec<Place> = self.accounts.iter().filter_map(place).collect();
        line.sort();
        line
    }

    /// Lets one of those that wait go to find out, or all when the target answers.
    pub(crate) fn look_at_circuit(&mut self) {
        let waiting = self.waiting();
        let circuit = self.circuit();
        if waiting.is_empty() || self.line.is_none() {
            return;
        }
        if let Circuit::Closed { .. } = circuit {
            for (_, key) in waiting {
                if self.is_full() || self.circuit().shut_until().is_some() {
                    return;
                }
                self.attend(&key);
            }
        } else if circuit.ask(self.now).1 == Admission::Probe {
            self.let_one_go(waiting);
        }
    }

    fn let_one_go(&mut self, waiting: Vec<Place>) {
        let Some(after) = self.line.as_mut().map(|line| line.round.begin()) else { return };
        let (first, rest): (Vec<Place>, Vec<Place>) =
            waiting.into_iter().partition(|place| after.as_ref().is_none_or(|after| place > after));
        for place in first.into_iter().chain(rest) {
            if let Some(line) = &mut self.line {
                line.round.tried(place.clone());
            }
            self.attend(&place.1);
            if self.circuit().ask(self.now).1 != Admission::Probe {
                return;
            }
        }
    }
}
