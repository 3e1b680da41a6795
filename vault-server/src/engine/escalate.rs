//! Tells receivers that nobody takes an incident, when the time that they let it wait is over.
//!
//! The watch over an incident is armed in the commit that opens it, where somebody wants to be told. What is told, the line on
//! the time line and the next look are one commit, on condition that the incident is as it was read. Whoever takes or
//! closes it leaves the watch alone: the next look finds that it waits no more, and removes it.

use vault_core::clock::Timestamp;
use vault_core::id::{IncidentId, WebhookId};
use vault_core::incident::Incident;
use vault_core::incident::ledger::LedgerEvent;
use vault_core::store::batch::Require;
use vault_core::store::due::{self, Due};
use vault_core::store::key::Table;
use vault_core::webhook::Subscription;
use vault_core::webhook::escalation::{Patience, Watch};
use vault_core::webhook::event::Event;

use super::commit::PlanError;
use super::drive::Chain;
use super::ledger::put_incidents;
use super::record::DUE_ESCALATION;
use super::silence::{over, silences};
use super::{ActError, Engine};
use crate::barrier::{Barrier, CommitError, LoadError, Loaded, Record, Transaction};

impl Record for Watch {
    const TABLE: Table = Table::Escalation;
}

/// Those of `subscriptions` that are told when nobody takes the incident that `event` is about.
fn listeners(subscriptions: &[Subscription], event: &Event) -> Vec<(WebhookId, Patience)> {
    let wants = subscriptions.iter().filter(|subscription| subscription.wants(event));
    wants.filter_map(|subscription| Some((subscription.id, subscription.patience?))).collect()
}

/// A watch as it is stored; one that is damaged is none, and is written anew.
struct Stored {
    watch: Option<Watch>,
    require: Require,
}

/// Puts a watch in the place of the one before, and its entry in the due index with it. It stays when nobody is to be told
/// any more, because it knows who was.
fn put(batch: &mut Transaction, before: &Stored, watch: &Watch) {
    let is_news = before.watch.is_some() || watch.armed.is_some();
    if !is_news || before.watch.as_ref() == Some(watch) {
        return;
    }
    rearm(batch, before, watch.incident, watch.armed);
    batch.put(*watch.incident.as_bytes(), before.require, watch);
}

/// Removes the watch over an incident that waits no more.
fn remove(batch: &mut Transaction, before: &Stored, incident: IncidentId) {
    rearm(batch, before, incident, None);
    if let Require::At(revision) = before.require {
        batch.delete::<Watch>(*incident.as_bytes(), revision);
    }
}

fn rearm(batch: &mut Transaction, before: &Stored, incident: IncidentId, armed: Option<Timestamp>) {
    let entry = |at: Timestamp| due::encode(at, DUE_ESCALATION, incident.as_bytes());
    let old = before.watch.as_ref().and_then(|before| before.armed);
    if old == armed {
        return;
    }
    if let Some(at) = old {
        batch.unmark(Table::Due, entry(at));
    }
    if let Some(at) = armed {
        batch.mark(Table::Due, entry(at));
    }
}

/// The watch over an incident.
fn stored(barrier: &Barrier, incident: IncidentId) -> Result<Stored, LoadError> {
    match barrier.load::<Watch>(*incident.as_bytes()) {
        Ok(loaded) => {
            let require = loaded.as_ref().map_or(Require::Absent, Loaded::require);
            Ok(Stored { watch: loaded.map(|loaded| loaded.value), require })
        }
        Err(error) if error.is_damage() => {
            tracing::error!(%incident, error = %Chain(&error), "the watch over an incident is written anew");
            let revision = barrier.revision::<Watch>(*incident.as_bytes())?;
            Ok(Stored { watch: None, require: revision.map_or(Require::Absent, Require::At) })
        }
        Err(error) => Err(error),
    }
}

/// Puts into `batch` that `incident`, of which `event` tells that nobody takes it, is watched, where somebody wants to be
/// told; and that it is not any more, where it does not wait. The time counts from `from` on at least.
pub(super) fn arm(
    barrier: &Barrier,
    batch: &mut Transaction,
    (incident, event): (&Incident, &Event),
    subscriptions: &[Subscription],
    from: Option<Timestamp>,
) -> Result<(), LoadError> {
    let before = stored(barrier, incident.id)?;
    let Some(since) = incident.waits_since() else {
        remove(batch, &before, incident.id);
        return Ok(());
    };
    let known = before.watch.clone().filter(|known| known.since == since);
    let known = known.unwrap_or_else(|| Watch::new(incident.id, since));
    let from = from.map_or(known.from, |from| known.from.max(from));
    put(batch, &before, &Watch { from, ..known }.armed(&listeners(subscriptions, event)));
    Ok(())
}

/// Has every open incident looked at: who is told, or what is silenced, has changed.
pub(crate) fn look_at_all(batch: &mut Transaction, now: Timestamp, id: &[u8; 16]) {
    let name = [SWEEP, id.as_slice()].concat();
    batch.mark(Table::Due, due::encode(now, DUE_ESCALATION, &name));
}

impl Engine {
    /// Looks at the incident that an entry of the index is about, or at all, beside everything else.
    pub(super) fn attend_escalation(&self, entry: &Due) {
        let key = format!("e/{}", data_encoding::HEXLOWER.encode(&entry.name));
        let Some(flight) = self.inner.flights.try_take(&key) else { return };
        let (engine, entry) = (self.clone(), entry.clone());
        self.spawn(async move {
            let _flight = flight;
            let looked = match <[u8; 16]>::try_from(entry.name.as_slice()) {
                Ok(id) => engine.look_after(IncidentId::from_stored(id), Some(&entry)).await,
                Err(_) => engine.look_after_all(&entry).await,
            };
            match looked {
                // Another commit came first: the entry is still there, and the next look is soon.
                Ok(()) | Err(ActError::Plan(PlanError::Commit(CommitError::Conflict))) => {}
                Err(error) => {
                    tracing::warn!(error = %Chain(&error), "an incident that waits could not be looked at; tried again");
                }
            }
        });
    }

    /// Looks at one incident; `entry` is what was due.
    async fn look_after(&self, id: IncidentId, entry: Option<&Due>) -> Result<(), ActError> {
        let barrier = &self.inner.barrier;
        let mut batch = barrier.transaction().map_err(CommitError::from).map_err(failed)?;
        let before = stored(barrier, id)?;
        let armed = before.watch.as_ref().and_then(|before| before.armed);
        if let Some(entry) = entry.filter(|entry| armed != Some(entry.at)) {
            // Of a watch that is damaged or gone.
            batch.unmark(Table::Due, due::encode(entry.at, entry.kind, &entry.name));
        }
        let incident = match barrier.load::<Incident>(*id.as_bytes()) {
            Ok(incident) => incident,
            Err(error) if error.is_damage() => {
                tracing::error!(%id, error = %Chain(&error), "an incident that waits cannot be read");
                None
            }
            Err(error) => return Err(error.into()),
        };
        let waits = incident.and_then(|incident| Some((incident.value.waits_since()?, incident)));
        let Some((since, incident)) = waits else {
            remove(&mut batch, &before, id);
            return self.commit_look(batch, false).await;
        };
        let known = before.watch.clone().filter(|known| known.since == since);
        let known = known.unwrap_or_else(|| Watch::new(id, since));
        let told = self.escalate(&mut batch, &before, &known, &incident)?;
        self.commit_look(batch, told).await
    }

    /// Puts what a look comes to into `batch`; tells whether anybody is told.
    fn escalate(
        &self,
        batch: &mut Transaction,
        before: &Stored,
        known: &Watch,
        incident: &Loaded<Incident>,
    ) -> Result<bool, ActError> {
        let (barrier, now) = (&self.inner.barrier, self.now());
        let all = silences(barrier)?;
        let silenced = over(barrier, &all, &incident.value, now)?.map(|silence| silence.until);
        let outbox = &self.inner.outbox;
        let (event, subscriptions) = outbox.escalation(&incident.value)?;
        let (next, tell) = known.look(&listeners(&subscriptions, &event), silenced, now);
        put(batch, before, &next);
        let told: Vec<Subscription> =
            subscriptions.iter().filter(|one| tell.contains(&one.id)).cloned().collect();
        if told.is_empty() {
            batch.check::<Incident>(*incident.value.id.as_bytes(), incident.require());
            return Ok(false);
        }
        let receivers = told.iter().map(|one| one.name.clone()).collect();
        let line = LedgerEvent::Escalated { incident: incident.value.id, at: now, receivers };
        put_incidents(barrier, batch, "", &[line])?;
        outbox.tell_these(batch, &told, &event)?;
        Ok(true)
    }

    async fn commit_look(&self, batch: Transaction, told: bool) -> Result<(), ActError> {
        if batch.is_empty() {
            return Ok(());
        }
        self.inner.barrier.commit(batch).await.map_err(failed)?;
        if told {
            self.inner.meter.escalated();
            self.inner.outbox.committed();
        }
        Ok(())
    }

    async fn look_after_all(&self, entry: &Due) -> Result<(), ActError> {
        let barrier = &self.inner.barrier;
        let mut after = None::<Vec<u8>>;
        loop {
            let page = barrier.names(Table::OpenIncident, &[], after.as_deref(), PAGE)?;
            let full = page.len() == PAGE;
            after = page.last().cloned();
            for name in page.iter().filter_map(|name| <[u8; 16]>::try_from(name.as_slice()).ok()) {
                self.look_after(IncidentId::from_stored(name), None).await?;
            }
            if !full {
                break;
            }
        }
        let mut batch = barrier.transaction().map_err(CommitError::from).map_err(failed)?;
        batch.unmark(Table::Due, due::encode(entry.at, entry.kind, &entry.name));
        barrier.commit(batch).await.map_err(failed)
    }
}

fn failed(error: CommitError) -> ActError {
    ActError::Plan(error.into())
}

/// What the name of an entry begins with that is about all incidents: such a name is longer than an id.
const SWEEP: &[u8] = b"s";
/// Incidents read at a time.
const PAGE: usize = 200;
