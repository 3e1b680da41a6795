//! The circuits of the targets: hears what each call told, keeps on disk which are open, and lets those go that wait.
//!
//! In memory stands what is known; on disk what must outlive the process: that a circuit is open, and who waits. Who
//! waits stands in the order of the index, so that neither memory nor the due index grows with a target that is dead.

mod known;

use serde::{Deserialize, Serialize};
use vault_core::account::{Account, Subject};
use vault_core::clock::Timestamp;
use vault_core::entropy::random_bytes;
use vault_core::incident::ledger::LedgerEvent;
use vault_core::path::Name;
use vault_core::rotation::circuit;
use vault_core::rotation::fault::Fault;
use vault_core::store::batch::Require;
use vault_core::store::key::Table;
use vault_core::target::breaker::{Admission, Broken, Caller, Circuit, Evidence, STATES, Turn};

pub use self::known::Circuits;
use super::Engine;
use super::commit::PlanError;
use super::drive::Chain;
use super::flight::Flight;
use super::gate::Entrant;
use super::ledger::put_incidents;
use crate::barrier::{CommitError, LoadError, Record};

/// The record of a circuit that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenCircuit {
    /// What is known of the outage.
    pub outage: Broken,
    /// When one account is let through.
    pub until: Timestamp,
}

impl Record for OpenCircuit {
    const TABLE: Table = Table::Circuit;
}

impl Engine {
    /// The circuit of a target. One whose record cannot be read is closed: the next calls show what is true.
    pub(crate) fn circuit(&self, target: &Name) -> Circuit {
        let circuits = &self.inner.circuits;
        if let Some(circuit) = circuits.with(target, |known| known.circuit) {
            return circuit;
        }
        let circuit = match self.inner.barrier.load::<OpenCircuit>(circuit_name(target)) {
            Ok(Some(stored)) => Circuit::stored(stored.value.outage, stored.value.until),
            Ok(None) => Circuit::FRESH,
            Err(LoadError::Sealed) => return Circuit::FRESH,
            Err(error) => {
                tracing::error!(%target, error = %Chain(&error), "the circuit of a target cannot be read");
                Circuit::FRESH
            }
        };
        circuits.learn(target, circuit);
        circuit
    }

    /// Asks whether the clock may begin something on a target, for `subject`.
    pub(super) fn ask_circuit(&self, target: &Name, subject: &Subject) -> Admission {
        let circuit = self.circuit(target);
        let (now, circuits) = (self.now(), &self.inner.circuits);
        let asked = circuits.with(target, |known| {
            let (next, admission) = known.circuit.ask(now);
            known.circuit = next;
            if admission == Admission::Probe {
                known.lets_through(subject);
            }
            admission
        });
        asked.unwrap_or_else(|| circuit.ask(now).1)
    }

    /// `subject`, if it was to find out, had nothing to ask.
    pub(super) fn unask_circuit(&self, target: &Name, subject: &Subject) {
        self.inner.circuits.with(target, |known| {
            if known.is_prober(subject) {
                known.circuit = known.circuit.unasked();
            }
        });
    }

    /// Whether what the clock began must wait after all: until its turn came, the target has stopped answering.
    pub(super) fn is_turned_away(&self, subject: &Subject, flight: &Flight) -> bool {
        let account = self.account(subject).ok().flatten().filter(|_| flight.is_by_clock());
        account.is_some_and(|account| self.circuit(&account.value.target).shut_until().is_some())
    }

    /// Puts what was begun, and has not called its target, among those that wait for it.
    pub(super) async fn turn_away(&self, subject: &Subject) {
        if let Err(error) = self.decide(subject, circuit::turn_away).await {
            tracing::warn!(%subject, error = %Chain(&error), "an account that waits for its target was not written down");
        }
    }

    /// `subject`, if it was to find out, did not get so far: another one may, after a pause.
    pub(super) fn unhear_circuit(&self, target: &Name, subject: &Subject) {
        let now = self.now();
        self.inner.circuits.with(target, |known| {
            if known.is_prober(subject) {
                known.circuit = known.circuit.unheard(now);
            }
        });
    }

    /// Takes in what an effect of `subject` told of its target, if anything. An answer is written down before what follows from
    /// it, so that the time line tells of it before it tells of the repair; what opens the circuit is given back, to be written
    /// down [after](Self::turn_circuit) what the failure itself means, which may be what opens the incident.
    pub(super) async fn hear(
        &self,
        target: &Name,
        subject: &Subject,
        evidence: Option<Evidence>,
    ) -> Option<Turn> {
        let Some(evidence) = evidence else {
            self.unhear_circuit(target, subject);
            return None;
        };
        let turn = self.heard(target, Some(subject), evidence)?;
        if let Turn::Closed(_) = turn {
            self.turn_circuit(target, turn).await;
            return None;
        }
        Some(turn)
    }

    /// As [`hear`](Self::hear), of a call that belongs to no account; `None` is an answer.
    pub(crate) async fn hear_call(&self, target: &Name, fault: Option<&Fault>) {
        let evidence = fault.map_or(Some(Evidence::Reached), Evidence::of_fault);
        if let Some(turn) = evidence.and_then(|evidence| self.heard(target, None, evidence)) {
            self.turn_circuit(target, turn).await;
        }
    }

    fn heard(&self, target: &Name, subject: Option<&Subject>, evidence: Evidence) -> Option<Turn> {
        self.circuit(target);
        let (now, draw) = (self.now(), u64::from_le_bytes(random_bytes(self.entropy())));
        self.inner.circuits.with(target, |known| {
            let is_prober = subject.is_some_and(|subject| known.is_prober(subject));
            let caller = if is_prober { Caller::Probe } else { Caller::Other };
            let (next, turn) = known.circuit.heard(evidence, caller, now, draw);
            known.circuit = next;
            turn
        })?
    }

    /// Writes down how a circuit has turned: its record, the incident's line, the audit trail, the metrics.
    pub(super) async fn turn_circuit(&self, target: &Name, turn: Turn) {
        if let Err(error) = self.put_turn(target, turn).await {
            // Memory knows it. After a restart the next calls show it again, and who waits is on disk.
            tracing::warn!(%target, error = %Chain(&error), "a turn of a target's circuit was not written down");
        }
        let (event, outage) = match turn {
            Turn::Opened(outage) => ("target_circuit_opened", outage),
            Turn::Failed(outage) => ("target_circuit_tried", outage),
            Turn::Closed(outage) => ("target_circuit_closed", outage),
        };
        if let Turn::Opened(_) = turn {
            self.inner.meter.circuits.opened();
        }
        let failures = outage.failures;
        let data = serde_json::json!({
            "class": outage.class.as_str(),
            "detail": format!("{failures} calls without an answer since {}", outage.since.to_rfc3339()),
        });
        if let Err(error) = self.audited(event, &format!("targets/{target}"), &data) {
            tracing::error!(%error, event, "an act of the vault is missing from the audit trail");
        }
    }

    async fn put_turn(&self, target: &Name, turn: Turn) -> Result<(), PlanError> {
        let barrier = &self.inner.barrier;
        let _turn = self.turn_at(target).await;
        for _ in 0..CONFLICTS_MAX {
            let mut batch = barrier.transaction().map_err(CommitError::from)?;
            // One that cannot be read is written anew: nothing but its revision is asked for.
            let stored = barrier.revision::<OpenCircuit>(circuit_name(target))?;
            // As it stands now: whoever comes second writes nothing else.
            match (self.circuit(target), stored) {
                (Circuit::Open { outage, until }, stored) if self.target(target)?.is_some() => {
                    let required = stored.map_or(Require::Absent, Require::At);
                    batch.put(circuit_name(target), required, &OpenCircuit { outage, until });
                }
                (Circuit::Closed { .. }, Some(revision)) => {
                    batch.delete::<OpenCircuit>(circuit_name(target), revision);
                }
                _ => {}
            }
            if let Some(incident) = self.outage(target)?.open {
                let event = LedgerEvent::Circuit { incident, at: self.now(), turn };
                put_incidents(barrier, &mut batch, "", &[event])?;
            }
            if batch.is_empty() {
                return Ok(());
            }
            match barrier.commit(batch).await {
                Err(CommitError::Conflict) => tokio::task::yield_now().await,
                other => return Ok(other?),
            }
        }
        Err(CommitError::Conflict.into())
    }

    /// Looks at the targets where somebody waits: lets one go to find out, or all when it answers.
    ///
    /// # Errors
    /// [`LoadError`] when the index cannot be read.
    pub(super) async fn look_at_circuits(&self) -> Result<(), LoadError> {
        for target in self.awaited_targets()? {
            match self.circuit(&target) {
                Circuit::Closed { .. } => self.let_all_go(target),
                circuit if matches!(circuit.ask(self.now()).1, Admission::Probe) => {
                    self.let_one_go(&target).await?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The targets where an account waits. One look into the index for each.
    fn awaited_targets(&self) -> Result<Vec<Name>, LoadError> {
        let (mut found, mut after) = (Vec::new(), None::<Vec<u8>>);
        loop {
            let names = self.inner.barrier.names(Table::Circuit, WAITING, after.as_deref(), 1)?;
            let Some(name) = names.into_iter().next() else { return Ok(found) };
            let Some((target, _)) = waiting_of(&name) else {
                after = Some(name);
                continue;
            };
            let mut last = waiting_prefix(&target);
            // After all that wait there: no place is as high.
            last.push(u8::MAX);
            after = Some(last);
            found.push(target);
        }
    }

    /// One of those that wait for a target, and can be worked on, goes to find out.
    async fn let_one_go(&self, target: &Name) -> Result<(), LoadError> {
        let (prefix, after) = (waiting_prefix(target), self.inner.circuits.turn_after(target));
        let mut names = self.inner.barrier.names(Table::Circuit, &prefix, after.as_deref(), TRIED)?;
        if after.is_some() && names.len() < TRIED {
            names.extend(self.inner.barrier.names(Table::Circuit, &prefix, None, TRIED - names.len())?);
        }
        for name in names {
            let Some((_, subject)) = waiting_of(&name) else { continue };
            self.inner.circuits.tried(target, name);
            self.attend(subject, self.now()).await;
            if !matches!(self.circuit(target).ask(self.now()).1, Admission::Probe) {
                break;
            }
        }
        Ok(())
    }

    /// Those that waited for a target go on beside everything else, as many at a time as it takes.
    fn let_all_go(&self, target: Name) {
        let Some(flight) = self.inner.flights.try_take(&format!("c/{target}")) else { return };
        let engine = self.clone();
        self.spawn(async move {
            let _flight = flight;
            if let Err(error) = engine.let_go(&target).await {
                tracing::warn!(%target, error = %Chain(&error), "accounts that wait for a target are let go later");
            }
        });
    }

    async fn let_go(&self, target: &Name) -> Result<(), LoadError> {
        let (prefix, mut after) = (waiting_prefix(target), None::<Vec<u8>>);
        loop {
            let names = self.inner.barrier.names(Table::Circuit, &prefix, after.as_deref(), PAGE)?;
            let Some(last) = names.last() else { return Ok(()) };
            after = Some(last.clone());
            for (_, subject) in names.iter().filter_map(|name| waiting_of(name)) {
                let Some(configured) = self.target(target)? else { return Ok(()) };
                // In the line of all others. Given back at once: whoever is let go takes a place of its own.
                tokio::select! {
                    place = self.inner.gates.enter(&configured.value, Entrant::Account) => drop(place),
                    () = self.inner.shutdown.begun() => return Ok(()),
                }
                if self.circuit(target).shut_until().is_some() {
                    return Ok(());
                }
                self.attend(subject, self.now()).await;
            }
        }
    }

    /// Shows how many targets there are in each state.
    pub(super) fn count_circuits(&self) -> Result<(), LoadError> {
        let mut counts = STATES.map(|state| (state, 0_i64));
        let mut after = None::<Vec<u8>>;
        loop {
            let names = self.inner.barrier.names(Table::Target, &[], after.as_deref(), PAGE)?;
            let Some(last) = names.last() else { break };
            after = Some(last.clone());
            for name in &names {
                let target = std::str::from_utf8(name).ok().and_then(|name| Name::parse(name).ok());
                let Some(state) = target.map(|target| self.circuit(&target).word()) else { continue };
                counts.iter_mut().filter(|(word, _)| *word == state).for_each(|(_, count)| *count += 1);
            }
        }
        self.inner.meter.circuits.counted(&counts);
        Ok(())
    }

    /// What is known of the circuit of a target that is removed goes with it.
    pub(crate) fn drop_circuit(
        &self,
        batch: &mut crate::barrier::Transaction,
        target: &Name,
    ) -> Result<(), LoadError> {
        if let Some(revision) = self.inner.barrier.revision::<OpenCircuit>(circuit_name(target))? {
            batch.delete::<OpenCircuit>(circuit_name(target), revision);
        }
        Ok(())
    }

    /// Forgets the circuit of a target that was removed.
    pub(crate) fn forget_circuit(&self, target: &Name) {
        self.inner.circuits.forget(target);
    }

    /// A person has changed how the target is reached: that is tried now, and not at the end of a pause.
    pub(crate) fn hasten_circuit(&self, target: &Name) {
        let now = self.now();
        self.inner.circuits.with(target, |known| known.circuit = known.circuit.hastened(now));
    }
}

/// The name of an account among those that wait for its target.
pub(crate) fn waiting_name(account: &Account, place: u8) -> Vec<u8> {
    let mut name = waiting_prefix(&account.target);
    name.push(place);
    name.extend_from_slice(account.subject.key().as_bytes());
    name
}

fn waiting_prefix(target: &Name) -> Vec<u8> {
    [WAITING, target.as_str().as_bytes(), &[0]].concat()
}

fn waiting_of(name: &[u8]) -> Option<(Name, Subject)> {
    let rest = name.strip_prefix(WAITING)?;
    let end = rest.iter().position(|byte| *byte == 0)?;
    let (target, rest) = rest.split_at_checked(end)?;
    let target = Name::parse(std::str::from_utf8(target).ok()?).ok()?;
    let subject = Subject::from_key(std::str::from_utf8(rest.get(2..)?).ok()?)?;
    Some((target, subject))
}

fn circuit_name(target: &Name) -> Vec<u8> {
    [OPEN, target.as_str().as_bytes()].concat()
}

/// Before the names of circuits that are open.
const OPEN: &[u8] = b"c";
/// Before the names of accounts that wait.
const WAITING: &[u8] = b"w";
/// Records read at a time.
const PAGE: usize = 200;
/// Accounts that are looked at to find one that can be worked on.
const TRIED: usize = 16;
/// How often a turn is written down again because another commit came first.
const CONFLICTS_MAX: u32 = 64;
