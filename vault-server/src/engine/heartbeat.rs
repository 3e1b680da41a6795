//! Looks by itself whether stored credentials work: each account at its time, each target within its budget.
//!
//! Heartbeats stand in an index of their own, by target and time, so that those that a budget keeps waiting are in
//! nobody's way and cost nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use vault_core::account::plan::{Context, Effect, Plan};
use vault_core::account::{Account, Subject};
use vault_core::clock::Timestamp;
use vault_core::incident::Incident;
use vault_core::path::Name;
use vault_core::rotation::fault::{FaultClass, Scope};
use vault_core::rotation::heartbeat::{self, Due};
use vault_core::rotation::lockout::hold_heartbeat;
use vault_core::rotation::port::Probe;
use vault_core::rotation::step::Event;
use vault_core::store::key::Table;
use vault_core::target::Target;
use vault_core::target::breaker::Admission;
use vault_core::target::pace::{Heartbeats, Pace};

use super::drive::{Called, Chain};
use super::flight::Flight;
use super::{ActError, Engine};
use crate::barrier::LoadError;

/// What each target's budget has left, by target; and whose heartbeat could not be worked on.
#[derive(Default)]
pub(crate) struct Paces {
    paces: Mutex<HashMap<String, Pace>>,
    /// Until when they are passed over, by their names in the index.
    broken: Mutex<BTreeMap<Vec<u8>, Timestamp>>,
}

impl Paces {
    fn take(&self, target: &Name, rate: u32, now: Timestamp) -> bool {
        let mut paces = self.paces.lock().unwrap_or_else(PoisonError::into_inner);
        paces.entry(target.to_string()).or_insert_with(|| Pace::new(now)).take(rate, now)
    }

    /// One whose record cannot be read stays at the front of the index: it must not have the whole budget.
    fn pass_over(&self, name: Vec<u8>, until: Timestamp) {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner).insert(name, until);
    }

    /// Those of a target that are passed over.
    fn passed_over(&self, target: &Name, now: Timestamp) -> BTreeSet<Vec<u8>> {
        let mut broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        // A clock that was stepped back makes nobody wait longer.
        broken.retain(|_, until| *until > now && until.since(now) <= PASSED_OVER);
        let prefix = prefix(target);
        broken.keys().filter(|name| name.starts_with(&prefix)).cloned().collect()
    }
}

impl Engine {
    /// How often the account is looked at; `None`: never.
    pub(crate) fn heartbeat_of(&self, account: &Account, target: Heartbeats) -> Option<Duration> {
        let every = account.settings.heartbeat.unwrap_or(target.every);
        Some(every).filter(|every| !every.is_zero())
    }

    /// Begins the heartbeats that are due, as many as each target's budget allows.
    ///
    /// # Errors
    /// [`LoadError`] when the index cannot be read.
    pub(super) fn look_at_heartbeats(&self) -> Result<(), LoadError> {
        let mut after = None::<Vec<u8>>;
        loop {
            let names = self.inner.barrier.names(Table::Heartbeat, &[], after.as_deref(), 1)?;
            let Some(name) = names.into_iter().next() else { return Ok(()) };
            let Some((target, _, _)) = entry_of(&name) else {
                after = Some(name);
                continue;
            };
            self.look_at_heartbeats_of(&target)?;
            // After all times.
            after = Some([prefix(&target).as_slice(), &[u8::MAX; 9]].concat());
        }
    }

    fn look_at_heartbeats_of(&self, target: &Name) -> Result<(), LoadError> {
        let now = self.now();
        let broken = self.inner.paces.passed_over(target, now);
        let count = PAGE + broken.len();
        let mut names = self.inner.barrier.names(Table::Heartbeat, &prefix(target), None, count)?;
        names.retain(|name| !broken.contains(name));
        let due = |name: Vec<u8>| entry_of(&name).map(|(_, at, subject)| (name, at, subject));
        let due = names.into_iter().filter_map(due).take_while(|(_, at, _)| *at <= now);
        let due: Vec<(Vec<u8>, Timestamp, Subject)> = due.collect();
        if due.is_empty() || self.maintenance(target).is_some() {
            return Ok(());
        }
        let Some(Target { heartbeats, .. }) = self.target(target)?.map(|target| target.value) else {
            return Ok(());
        };
        for (name, _, subject) in due {
            // Whoever is at it may be proving it.
            let Some(flight) = self.inner.flights.try_take(&subject.key()) else { continue };
            // Where nothing answers, one goes to find out; that no rotation is due must not keep the circuit open.
            if matches!(self.circuit(target).ask(now).1, Admission::Wait(_))
                || !self.inner.paces.take(target, heartbeats.rate, now)
            {
                return Ok(());
            }
            let is_probe = self.ask_circuit(target, &subject) == Admission::Probe;
            let (engine, target) = (self.clone(), target.clone());
            self.spawn(async move {
                match engine.beat(&subject, flight, is_probe).await {
                    Ok(true) => {}
                    Ok(false) if is_probe => engine.unask_circuit(&target, &subject),
                    Ok(false) => {}
                    Err(error) => {
                        if is_probe {
                            engine.unhear_circuit(&target, &subject);
                        }
                        if engine.barrier().is_sealed() {
                            return;
                        }
                        tracing::warn!(%subject, error = %Chain(&error), "a heartbeat was not noted; it is done again");
                        engine.inner.paces.pass_over(name, now.plus(PASSED_OVER));
                    }
                }
            });
        }
        Ok(())
    }

    /// Looks at one account; tells whether its target was asked.
    async fn beat(&self, subject: &Subject, flight: Flight, is_probe: bool) -> Result<bool, ActError> {
        let place = self.place(subject).await;
        let Some(loaded) = self.account(subject)? else { return Ok(false) };
        let account = loaded.value;
        // Until its turn came the target may have stopped answering.
        if !is_probe && self.circuit(&account.target).shut_until().is_some() {
            return Ok(false);
        }
        let due = match heartbeat::due(&account, &self.context(&account)?) {
            Due::Now if self.is_locked(&account) => Due::Later,
            due => due,
        };
        match due {
            Due::No => return Ok(false),
            Due::Later => {
                self.decide(subject, |account, context| Some(heartbeat::later(account, context))).await?;
                return Ok(false);
            }
            Due::Now => {}
        }
        let called = match self.call(&account, Effect::Check).await? {
            Ok(called) => called,
            Err(held) => {
                let put_off = |account, context: &Context| Some(hold_heartbeat(account, &held, context));
                self.decide(subject, put_off).await?;
                return Ok(false);
            }
        };
        drop(place);
        let turned = self.hear(&account.target, subject, called.evidence()).await;
        let Called { event, brought, .. } = called;
        self.inner.meter.circuits.beaten(word(&event));
        let plan = self
            .decide_with(subject, &brought, |account, context| {
                Some(heartbeat::beaten(account, &event, context))
            })
            .await?;
        if let Some(turned) = turned {
            self.turn_circuit(&account.target, turned).await;
        }
        self.go_on(subject, plan.and_then(|plan| plan.effect), flight);
        Ok(true)
    }

    /// Whether the account is known to be locked: each login may lengthen that.
    fn is_locked(&self, account: &Account) -> bool {
        let own = account.incident.filter(|_| account.incident_scope == Scope::Account);
        let incident = own.map(|id| self.inner.barrier.load::<Incident>(*id.as_bytes()));
        matches!(incident, Some(Ok(Some(incident))) if incident.value.class == FaultClass::AccountLocked)
    }

    /// Arms the heartbeats of accounts that have none yet, or another one than their settings ask for.
    pub(super) async fn arm_heartbeats(&self, subjects: Vec<Subject>) {
        for subject in subjects {
            let Some(flight) = self.inner.flights.try_take(&subject.key()) else { continue };
            // What is committed is armed.
            if let Err(error) = self.act(flight, &subject, |account, _| (Some(Plan::new(account)), ())).await
            {
                tracing::warn!(%subject, error = %Chain(&error), "a heartbeat could not be armed; tried again");
            }
        }
    }
}

/// What a heartbeat came to, as a label.
fn word(event: &Event) -> &'static str {
    match event {
        Event::Checked(Probe::Works) => RESULTS[0],
        Event::Checked(Probe::Refused) => RESULTS[1],
        Event::Checked(Probe::Blocked(_)) => RESULTS[2],
        _ => RESULTS[3],
    }
}

/// The name of an account's heartbeat in the index.
pub(crate) fn beat_name(account: &Account, at: Timestamp) -> Vec<u8> {
    let millis = u64::try_from(at.as_millis()).unwrap_or(0);
    [prefix(&account.target).as_slice(), &millis.to_be_bytes(), account.subject.key().as_bytes()].concat()
}

fn prefix(target: &Name) -> Vec<u8> {
    [target.as_str().as_bytes(), &[0]].concat()
}

fn entry_of(name: &[u8]) -> Option<(Name, Timestamp, Subject)> {
    let end = name.iter().position(|byte| *byte == 0)?;
    let (target, rest) = name.split_at_checked(end)?;
    let target = Name::parse(std::str::from_utf8(target).ok()?).ok()?;
    let (millis, subject) = rest.get(1..)?.split_first_chunk::<8>()?;
    let millis = i64::try_from(u64::from_be_bytes(*millis)).ok()?;
    let subject = Subject::from_key(std::str::from_utf8(subject).ok()?)?;
    Some((target, Timestamp::from_millis(millis), subject))
}

/// What a heartbeat may come to, as labels.
pub(super) const RESULTS: [&str; 4] = ["works", "refused", "blocked", "inconclusive"];
/// For how long one that could not be worked on is passed over.
const PASSED_OVER: Duration = Duration::from_mins(10);
/// Accounts of a target that are looked at in one round.
const PAGE: usize = 64;
/// Accounts of which the heartbeat is armed in one walk over all.
pub(super) const ARMED_MAX: usize = 2_000;
