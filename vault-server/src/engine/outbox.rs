//! What webhooks are told, put into the very commit of what happened: neither is there without the other.
//!
//! Where no webhook is configured this writes nothing and reads nothing.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;
use vault_core::account::plan::Plan;
use vault_core::account::{Account, Subject};
use vault_core::clock::{Clock, Timestamp};
use vault_core::entropy::Entropy;
use vault_core::id::EventId;
use vault_core::incident::{Incident, IncidentState, Kind};
use vault_core::store::batch::{BATCH_WRITES_MAX, Require};
use vault_core::store::key::Table;
use vault_core::webhook::event::{Event, of_incident, of_plan};
use vault_core::webhook::{Delivery, Subscription, WEBHOOKS_MAX, Webhook, queue_key};

use super::record::Managed;
use super::silence::Withholding;
use crate::barrier::{Barrier, LoadError, Record, Transaction};

impl Record for Webhook {
    const TABLE: Table = Table::Webhook;
}

/// A delivery that is pending.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Queued(pub Delivery);

impl Record for Queued {
    const TABLE: Table = Table::WebhookQueue;
}

/// A delivery that has ended.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Ended(pub Delivery);

impl Record for Ended {
    const TABLE: Table = Table::WebhookLog;
}

/// An incident that a commit has opened or closed, or an account of which it has put beneath it.
pub(crate) struct Turned {
    /// How it stood before; `None`: there was none.
    pub(crate) before: Option<IncidentState>,
    /// How it stands now.
    pub(crate) incident: Incident,
    /// Whether it is open as before, and to who was told of it this is another failure.
    pub(crate) is_news: bool,
}

impl Turned {
    /// Whether it was opened, reopened or closed.
    pub(crate) fn is_turn(&self) -> bool {
        self.before != Some(self.incident.state)
    }
}

/// Who is told. Cheap to clone.
#[derive(Clone)]
pub struct Outbox {
    inner: Arc<Inner>,
}

struct Inner {
    barrier: Barrier,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    /// The webhooks as they are in the store, and how often they have changed; none when they are to be read.
    known: Mutex<(u64, Option<Arc<[Subscription]>>)>,
    /// Wakes those who deliver.
    news: Notify,
}

impl Outbox {
    /// Knows no webhook yet.
    #[must_use]
    pub fn new(barrier: Barrier, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        let (known, news) = (Mutex::default(), Notify::new());
        Self { inner: Arc::new(Inner { barrier, clock, entropy, known, news }) }
    }

    /// The webhooks that are told of anything.
    ///
    /// # Errors
    /// [`LoadError`] by cause. One that cannot be read is left out, and the log names it.
    pub fn subscriptions(&self) -> Result<Arc<[Subscription]>, LoadError> {
        let known = || self.inner.known.lock().unwrap_or_else(PoisonError::into_inner);
        let change = match &*known() {
            (_, Some(known)) => return Ok(Arc::clone(known)),
            (change, None) => *change,
        };
        let mut found = Vec::new();
        for (name, webhook) in self.inner.barrier.list_each::<Webhook>(&[], None, WEBHOOKS_MAX)? {
            let name = String::from_utf8_lossy(&name).into_owned();
            match webhook {
                Ok(webhook) => found.extend(Subscription::of(name, &webhook.value)),
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(webhook = name, error, "a webhook cannot be read, and is told nothing");
                }
            }
        }
        let found: Arc<[Subscription]> = found.into();
        let mut known = known();
        // What has changed since it was read is read again.
        if known.0 == change {
            known.1 = Some(Arc::clone(&found));
        }
        Ok(found)
    }

    /// Webhooks have changed in the store, or it was sealed.
    pub fn forget(&self) {
        let mut known = self.inner.known.lock().unwrap_or_else(PoisonError::into_inner);
        *known = (known.0 + 1, None);
        drop(known);
        self.inner.news.notify_waiters();
    }

    /// Ends when something may be there to deliver.
    pub fn news(&self) -> impl Future<Output = ()> + '_ {
        self.inner.news.notified()
    }

    /// What was put has been committed.
    pub fn committed(&self) {
        self.inner.news.notify_waiters();
    }

    /// A new id.
    #[must_use]
    pub fn id(&self) -> EventId {
        EventId::generate(self.inner.clock.now(), &*self.inner.entropy)
    }

    /// Puts what `plan`, decided upon `before`, and `turned` have to tell into `batch`; tells whether that was anything.
    pub(crate) fn put(
        &self,
        batch: &mut Transaction,
        plan: Option<(&Account, &Plan)>,
        turned: &[Turned],
    ) -> Result<bool, LoadError> {
        let subscriptions = self.subscriptions()?;
        if subscriptions.is_empty() {
            return Ok(false);
        }
        let (now, lines) = (self.inner.clock.now(), batch.len());
        let mut events = plan.map(|(before, plan)| of_plan(before, plan, || self.id())).unwrap_or_default();
        let mut withholding = Withholding::default();
        let subject = plan.map(|(_, plan)| plan.account.subject.key());
        for Turned { before, incident, is_news } in turned {
            let joiner = subject.as_deref().filter(|_| incident.kind == Kind::Target);
            let (barrier, is_open) = (&self.inner.barrier, incident.state == IncidentState::Open);
            let told_before = match joiner {
                // Told as one that was opened again.
                _ if *is_news => Some(IncidentState::Closed),
                Some(joiner) if *before == Some(IncidentState::Open) && is_open => {
                    if !withholding.lets_go(barrier, batch, incident, joiner, now)? {
                        continue;
                    }
                    None
                }
                _ => *before,
            };
            let Some(event) = of_incident(self.id(), told_before, incident, now) else { continue };
            let is_late = told_before != *before && !is_news;
            if is_late || !withholding.keeps(barrier, batch, event.kind, incident, joiner, now)? {
                events.push(self.around(event, incident, &subscriptions)?);
            }
        }
        queue_all(batch, &subscriptions, &events, now);
        Ok(batch.len() > lines)
    }

    /// Puts into `batch` that `incident` was opened: it is still open, and was not told before.
    pub(crate) fn tell_opened(&self, batch: &mut Transaction, incident: &Incident) -> Result<(), LoadError> {
        let now = self.inner.clock.now();
        let subscriptions = self.subscriptions()?;
        if let Some(event) = of_incident(self.id(), None, incident, now) {
            let event = self.around(event, incident, &subscriptions)?;
            queue_all(batch, &subscriptions, &[event], now);
        }
        Ok(())
    }

    /// With the accounts on a target, where it is about that and somebody is told of some accounts only.
    fn around(
        &self,
        mut event: Event,
        incident: &Incident,
        subscriptions: &[Subscription],
    ) -> Result<Event, LoadError> {
        if incident.kind != Kind::Target || !subscriptions.iter().any(Subscription::is_choosy) {
            return Ok(event);
        }
        let prefix = [incident.target.as_bytes(), &[0]].concat();
        let mut after = None::<Vec<u8>>;
        loop {
            let page = self.inner.barrier.list_each::<Managed>(&prefix, after.as_deref(), PAGE)?;
            let full = page.len() == PAGE;
            after = page.last().map(|(name, _)| name.clone());
            let managed = page.into_iter().filter_map(|(_, managed)| managed.ok());
            event.beside.extend(managed.filter_map(|one| Subject::from_key(&one.value.subject)));
            if !full {
                return Ok(event);
            }
        }
    }
}

fn queue_all(batch: &mut Transaction, subscriptions: &[Subscription], events: &[Event], now: Timestamp) {
    for event in events {
        for subscription in subscriptions.iter().filter(|subscription| subscription.wants(event)) {
            if batch.len() >= BATCH_WRITES_MAX {
                // Cannot be: a plan has a handful of events, and there are few webhooks. The fact goes before.
                tracing::error!(webhook = subscription.name, "an event found no room in its commit");
                continue;
            }
            queue(batch, subscription, event, now);
        }
    }
}

fn queue(batch: &mut Transaction, subscription: &Subscription, event: &Event, now: Timestamp) {
    let key = queue_key(subscription.id, now, event.id);
    batch.put(key, Require::Absent, &Queued(Delivery::of(event)));
}

/// Records read at a time.
const PAGE: usize = 500;
