//! One call on the target: what goes out, what comes back, and what is committed of it.

use std::pin::pin;
use std::task::{Context as TaskContext, Poll, Waker};

use vault_core::account::plan::Effect;
use vault_core::account::{Account, Readable, Subject, Version};
use vault_core::rotation::check::refused_to_others;
use vault_core::rotation::execute::{Answer, Bench, StoredVersion, execute, failed, own_order};
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::lockout::bill::Bill;
use vault_core::rotation::lockout::{self, Purse};
use vault_core::rotation::port::{Login, NO_RIGHTS};
use vault_core::rotation::step;
use vault_core::secret::SecretString;
use vault_core::target::breaker::{Evidence, Turn};

use crate::believed;
use crate::guard::MANAGER;
use crate::target::Mood;
use crate::world::{InFlight, World};

/// What an answer that is not committed has cost, and told of the circuit.
#[derive(Debug, Default)]
pub(crate) struct Owed {
    bills: Vec<Bill>,
    turn: Option<Turn>,
    /// Logins of the management credential that were refused, for another account.
    managers: usize,
}

/// What came of a call.
struct Called {
    answer: Answer,
    /// Whether the management credential made it for the account.
    is_managed: bool,
    /// Whether the target was asked at all.
    is_asked: bool,
}

impl Called {
    /// One that was not made.
    fn unsent(effect: Effect, class: FaultClass, detail: &str) -> Self {
        let event = failed(effect, Fault::new(class, detail));
        let answer = Answer { purse: Some(Purse::default()), ..Answer::from(event) };
        Self { answer, is_managed: false, is_asked: false }
    }
}

impl World {
    /// Sends one call out, if one is waiting and may go. Its answer is in memory afterwards.
    pub(crate) fn send(&mut self, key: &str, mood: Mood) {
        let Some(&InFlight::Effect(effect)) = self.in_flight.get(key) else { return };
        if !self.enters(key)
            || self.turned_away(key)
            || self.beat_turned_away(key)
            || !self.sits_down(key, effect)
        {
            return;
        }
        let mut pass = match self.admit(key, effect) {
            Ok(pass) => pass,
            Err(held) => {
                self.stands_up(key);
                return self.hold_back(key, &held);
            }
        };
        self.acted_by.insert(key.to_owned(), (effect, self.managing_version()));
        self.moments += 1;
        let purse = std::mem::take(&mut pass.purse);
        let Called { answer, is_managed, is_asked } = self.call(key, effect, mood, purse);
        self.log(format!("{} {key} {effect:?} under {mood:?} gave {:?}", self.moments, answer.event));
        let mut owed = Owed::default();
        if is_asked {
            self.calls += 1;
            owed.managers = if is_managed { self.managers_refused() } else { 0 };
            if let Err(violation) = believed::check(self, key, &answer.event) {
                self.violate(violation);
            }
        }
        owed.bills = pass.bills(&self.accounts[key], effect, &answer, is_managed);
        owed.turn = self.hear_call(key, is_asked.then(|| Evidence::of(&answer.event)).flatten());
        self.owed.insert(key.to_owned(), owed);
        self.in_flight.insert(key.to_owned(), InFlight::Answer(answer));
    }

    fn managers_refused(&self) -> usize {
        let shown = &self.target.0.lock().unwrap().door.shown;
        shown.iter().filter(|(name, _, works)| name == MANAGER && !works).count()
    }

    /// An answer is lost before it is committed. What it would have said of the management credential is not counted: that
    /// is the one thing that the guard forgets, and says so.
    pub(crate) fn lose_answer(&mut self, key: &str) {
        self.stands_up(key);
        self.ends_by_clock(key);
        if let Some(owed) = self.owed.remove(key) {
            self.target.0.lock().unwrap().door.forgive(MANAGER, owed.managers);
        }
    }

    fn call(&mut self, key: &str, effect: Effect, mood: Mood, purse: Purse) -> Called {
        let account = &self.accounts[key];
        let (management, is_managed) = match self.management(account, effect) {
            Ok(management) => management,
            Err((class, detail)) => return Called::unsent(effect, class, &detail),
        };
        let stored = |version: Option<Version>| {
            let number = version?.number;
            let password = SecretString::new(self.secrets.get(&(key.to_owned(), number))?.clone());
            let login = Login { username: self.names[&(key.to_owned(), number)].clone(), password };
            let handle = self.handles.get(&(key.to_owned(), number)).cloned();
            Some(StoredVersion { number, login, handle })
        };
        let bench = Bench {
            spec: &self.spec,
            management: &management,
            username: account.username_for(effect),
            beside: account.username_beside(effect),
            is_management: matches!(account.subject, Subject::Management(_)),
            overlaps: account.stage.run().is_some_and(|run| run.overlaps),
            rotation: account.stage.run().map_or_else(|| self.context_of(key).rotation, |run| run.id),
            rights: account.stage.run().map_or(&NO_RIGHTS, |run| &run.rights),
            pending: stored(account.versions.pending),
            current: stored(account.versions.current),
            previous: stored(account.versions.previous),
            refused: account.stage.run().filter(|_| purse.is_guarded()).map_or(&[], |run| &run.refused),
            purse,
        };
        {
            let mut state = self.target.0.lock().unwrap();
            state.mood = Some(mood);
            state.door.shown.clear();
        }
        let answer = block_on(execute(effect, &self.target, &bench));
        self.target.0.lock().unwrap().mood = None;
        Called { answer, is_managed, is_asked: true }
    }

    /// The credentials to act with, and whether they are the target's for somebody else; or why there are none.
    fn management(
        &self,
        account: &Account,
        effect: Effect,
    ) -> Result<(Vec<Login>, bool), (FaultClass, String)> {
        if matches!(effect, Effect::Check | Effect::CheckPrevious { settle: false }) {
            return Ok((Vec::new(), false));
        }
        if let Subject::Management(_) = account.subject {
            return Ok((self.logins(account, &own_order(effect, &account.versions)), false));
        }
        let manager = &self.accounts["m/db"];
        let refused = |class, detail: &str| Err((class, detail.to_owned()));
        match (manager.readable(), self.manager_held()) {
            (Readable::Yes(_), Some(held)) => refused(FaultClass::Overdue, &held.to_string()),
            (Readable::Yes(version), None) => Ok((self.logins(manager, &[version]), true)),
            (Readable::Refused, _) => {
                refused(FaultClass::ManagementAuthRefused, "the target refuses the management credential")
            }
            _ => refused(FaultClass::Ambiguous, "the management credential is in doubt"),
        }
    }

    fn logins(&self, account: &Account, versions: &[u64]) -> Vec<Login> {
        let secret = |version: &u64| self.secrets.get(&(account.subject.key(), *version));
        let login = |secret: &String| Login {
            username: account.username.clone(),
            password: SecretString::new(secret.clone()),
        };
        versions.iter().filter_map(secret).map(login).collect()
    }

    /// Commits an answer, if one is waiting.
    pub(crate) fn settle_answer(&mut self, key: &str) {
        if !matches!(self.in_flight.get(key), Some(InFlight::Answer(_))) {
            return;
        }
        let Some(InFlight::Answer(Answer { event, minted, purse })) = self.in_flight.remove(key) else {
            return;
        };
        let Owed { bills, turn, .. } = self.owed.remove(key).unwrap_or_default();
        self.pay(&bills);
        self.stands_up(key);
        let refused = event.management_refused() && key != "m/db";
        let (effect, acted_by) = self.acted_by[key];
        if refused && !event.is_unknown() && acted_by != self.managing_version() {
            // A refusal of a management credential that is not the current one any more.
            self.in_flight.insert(key.to_owned(), InFlight::Effect(effect));
            return;
        }
        let (account, ctx) = (self.accounts[key].clone(), self.context_of(key));
        let plan = if self.is_beaten(key) {
            Some(self.beaten(account, &event, &ctx))
        } else {
            let known = purse.map(|purse| purse.refused).unwrap_or_default();
            step::advance(lockout::remember(account, &known), event, &ctx)
        };
        if let Some(plan) = plan {
            self.commit_with(plan, minted);
        }
        if refused && acted_by == self.managing_version() {
            self.note_refused_manager();
        }
        if let Some(turn) = turn {
            self.turn_circuit(turn);
        }
    }

    /// What a call has cost is written down that no decision follows from.
    pub(crate) fn settle_owed(&mut self, key: &str) {
        let Owed { bills, turn, .. } = self.owed.remove(key).unwrap_or_default();
        self.pay(&bills);
        self.stands_up(key);
        if let Some(turn) = turn {
            self.turn_circuit(turn);
        }
    }

    /// One refusal is enough for the whole target: nobody else tries until a person has looked.
    fn note_refused_manager(&mut self) {
        // Who works on it goes on.
        let under_way = self.in_flight.remove("m/db");
        if let Some(plan) = refused_to_others(self.accounts["m/db"].clone(), &self.context_of("m/db")) {
            self.commit(plan);
        }
        self.in_flight.extend(under_way.map(|under_way| ("m/db".to_owned(), under_way)));
    }
}

/// Polls a future that never waits.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let polled = future.as_mut().poll(&mut TaskContext::from_waker(Waker::noop()));
    let Poll::Ready(value) = polled else { panic!("a simulated call never waits") };
    value
}
