//! The deliveries of one webhook. Each has a lane of its own, so that a slow receiver delays nobody else's messages.

use std::time::{Duration, Instant};

use reqwest::Client;
use tokio::task::JoinSet;
use vault_core::clock::Timestamp;
use vault_core::entropy::random_bytes;
use vault_core::id::{EventId, WebhookId};
use vault_core::incident::Incident;
use vault_core::incident::ledger::{LedgerEvent, is_first_notice};
use vault_core::store::batch::{Require, Revision};
use vault_core::store::key::Table;
use vault_core::webhook::format::Format;
use vault_core::webhook::{
    Attempt, Delivery, DeliveryState, FailureClass, Webhook, log_key, queue_key, queued,
};

use super::send::{self, Answered};
use super::{WebhookError, WebhookService};
use crate::barrier::{CommitError, Loaded};
use crate::engine::ledger::put_incidents;
use crate::engine::outbox::{Ended, Queued};

/// A client, and of which state of the settings.
pub(super) type Kept = Option<(Revision, Client)>;

impl WebhookService {
    /// Delivers what is due for `name`, again and again; until it is removed, disabled, or cannot be read.
    pub(super) async fn run_lane(self, name: String, id: WebhookId) {
        let mut kept: Kept = None;
        loop {
            // Made before the look: what comes between is not missed.
            let news = self.outbox.news();
            let next = match self.deliver_due(&name, id, &mut kept).await {
                Ok(Some(next)) => next,
                Ok(None) => return,
                Err(error) => {
                    if !error.is_sealed() {
                        tracing::warn!(webhook = name, %error, "deliveries of a webhook wait");
                    }
                    return;
                }
            };
            if let Next::Look = next {
                continue;
            }
            tokio::select! {
                () = news => {}
                () = tokio::time::sleep(PULSE) => {}
            }
        }
    }

    /// Delivers a handful of what is due. `None` when the webhook is not served any more.
    async fn deliver_due(
        &self,
        name: &str,
        id: WebhookId,
        kept: &mut Kept,
    ) -> Result<Option<Next>, WebhookError> {
        let Some(hook) = self.barrier.load::<Webhook>(name)? else { return Ok(None) };
        if hook.value.id != id || hook.value.disabled {
            return Ok(None);
        }
        let now = self.clock.now();
        let names = self.barrier.names(Table::WebhookQueue, id.as_bytes(), None, TOGETHER)?;
        let full = names.len() == TOGETHER;
        let is_due = |name: &Vec<u8>| queued(name).is_some_and(|(due, _)| due <= now);
        let due: Vec<Vec<u8>> = names.into_iter().take_while(is_due).collect();
        if due.is_empty() {
            return Ok(Some(Next::Wait));
        }
        let again = if full && due.len() == TOGETHER { Next::Look } else { Next::Wait };
        let Some(client) = self.client(&hook, kept) else {
            for key in due {
                let failed = (now, Duration::ZERO, Answered::failed(FailureClass::Settings));
                self.note((name, &hook.value), &key, failed).await?;
            }
            return Ok(Some(again));
        };
        let hook = std::sync::Arc::new(hook);
        let mut work = JoinSet::new();
        for key in due {
            let (service, hook, client) = (self.clone(), std::sync::Arc::clone(&hook), client.clone());
            let name = name.to_owned();
            work.spawn(async move { service.deliver((&name, &hook.value), &client, &key).await });
        }
        let mut outcome = Ok(Some(again));
        while let Some(one) = work.join_next().await {
            if let Ok(Err(error)) = one {
                outcome = Err(error);
            }
        }
        outcome
    }

    /// The client for a webhook as it is configured now.
    pub(super) fn client(&self, hook: &Loaded<Webhook>, kept: &mut Kept) -> Option<Client> {
        match kept {
            Some((revision, client)) if *revision == hook.revision => Some(client.clone()),
            _ => {
                let client = send::client(&hook.value)?;
                *kept = Some((hook.revision, client.clone()));
                Some(client)
            }
        }
    }

    async fn deliver(
        &self,
        (name, webhook): (&str, &Webhook),
        client: &Client,
        key: &[u8],
    ) -> Result<(), WebhookError> {
        let pending = match self.barrier.load::<Queued>(key) {
            Ok(Some(pending)) => pending.value.0,
            Ok(None) => return Ok(()),
            Err(error) if error.is_damage() => {
                tracing::error!(%error, "a delivery cannot be read; it is passed over");
                return self.drop_damaged(key).await;
            }
            Err(error) => return Err(error.into()),
        };
        let (now, began) = (self.clock.now(), Instant::now());
        if self.is_overtaken(webhook, &pending)? {
            let overtaken = (now, Duration::ZERO, Answered::failed(FailureClass::Overtaken));
            return self.note((name, webhook), key, overtaken).await;
        }
        let answered = send::send(client, webhook, pending.event, &pending.body, now).await;
        self.note((name, webhook), key, (now, began.elapsed(), answered)).await
    }

    /// Writes down what came of an attempt. Another commit may have come between; the attempt counts all the same.
    async fn note(
        &self,
        (name, webhook): (&str, &Webhook),
        key: &[u8],
        (at, took, answered): (Timestamp, Duration, Answered),
    ) -> Result<(), WebhookError> {
        let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let attempt = Attempt { at, millis, status: answered.status, failure: answered.failure };
        loop {
            let Some(pending) = self.barrier.load::<Queued>(key)? else { return Ok(()) };
            let mut delivery = pending.value.0;
            let draw = u64::from_le_bytes(random_bytes(&*self.entropy));
            let next = delivery.attempted(attempt, webhook, self.clock.now(), draw);
            let event = delivery.event;
            let mut batch = self.barrier.transaction()?;
            batch.delete::<Queued>(key, pending.revision);
            let (state, failure) = (delivery.state, attempt.failure);
            match next {
                Some(due) => {
                    batch.put(queue_key(webhook.id, due, event), Require::Absent, &Queued(delivery));
                }
                None => {
                    self.note_notified(&mut batch, name, &delivery)?;
                    self.put_log(&mut batch, webhook.id, delivery)?;
                }
            }
            match self.barrier.commit(batch).await {
                Err(CommitError::Conflict) => {}
                outcome => {
                    outcome?;
                    self.meter.attempted(failure);
                    if state == DeliveryState::Dead && failure != Some(FailureClass::Overtaken) {
                        self.meter.died();
                        let class = failure.map_or("", FailureClass::word);
                        tracing::warn!(event = %event, class, "a message was given up; see the deliveries of its webhook");
                    }
                    return Ok(());
                }
            }
        }
    }

    /// Whether a pager would be called for an incident that somebody has taken meanwhile, or that is over: messages
    /// overtake each other, and what is resolved before it is triggered would stay.
    fn is_overtaken(&self, webhook: &Webhook, delivery: &Delivery) -> Result<bool, WebhookError> {
        let Some(about) = delivery.notifies().filter(|_| webhook.format == Format::Pagerduty) else {
            return Ok(false);
        };
        match self.barrier.load::<Incident>(*about.incident.as_bytes()) {
            Ok(incident) => Ok(incident.is_some_and(|incident| incident.value.waits_since().is_none())),
            // Called once too often rather than not at all.
            Err(error) if error.is_damage() => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Puts into `batch` that somebody is notified of an incident, where `delivery` is the first that tells of it. An incident
    /// that cannot be read keeps no delivery from its end.
    pub(super) fn note_notified(
        &self,
        batch: &mut crate::barrier::Transaction,
        name: &str,
        delivery: &Delivery,
    ) -> Result<(), WebhookError> {
        let Some(about) = delivery.notifies().filter(|_| delivery.state == DeliveryState::Delivered) else {
            return Ok(());
        };
        let incident = match self.barrier.load::<Incident>(*about.incident.as_bytes()) {
            Ok(Some(incident)) => incident.value,
            Ok(None) => return Ok(()),
            Err(error) if error.is_damage() => {
                tracing::error!(%error, incident = %about.incident, "an incident cannot be read; it is not written down who was told of it");
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        let event = LedgerEvent::Notified {
            incident: about.incident,
            at: delivery.ended_at.unwrap_or_else(|| self.clock.now()),
            receiver: name.to_owned(),
            opening: about.opening,
        };
        if is_first_notice(&incident, &event) {
            put_incidents(&self.barrier, batch, "", &[event])?;
        }
        Ok(())
    }

    /// Puts a delivery that has ended into the log, in the place of what the log says of it.
    pub(super) fn put_log(
        &self,
        batch: &mut crate::barrier::Transaction,
        id: WebhookId,
        delivery: Delivery,
    ) -> Result<(), WebhookError> {
        let key = log_key(id, delivery.event);
        let there = self.barrier.revision::<Ended>(key.clone())?;
        batch.put(key, there.map_or(Require::Absent, Require::At), &Ended(delivery));
        Ok(())
    }

    async fn drop_damaged(&self, key: &[u8]) -> Result<(), WebhookError> {
        let Some(revision) = self.barrier.revision::<Queued>(key)? else { return Ok(()) };
        let mut batch = self.barrier.transaction()?;
        batch.delete::<Queued>(key, revision);
        match self.barrier.commit(batch).await {
            Err(CommitError::Conflict) => Ok(()),
            outcome => Ok(outcome?),
        }
    }

    /// Where a pending delivery stands in the queue.
    pub(super) fn queue_place(&self, id: WebhookId, event: EventId) -> Result<Option<Vec<u8>>, WebhookError> {
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = self.barrier.names(Table::WebhookQueue, id.as_bytes(), after.as_deref(), PAGE)?;
            let Some(last) = page.last() else { return Ok(None) };
            after = Some(last.clone());
            let found = page.into_iter().find(|key| queued(key).is_some_and(|(_, found)| found == event));
            if found.is_some() {
                return Ok(found);
            }
        }
    }
}

/// What a lane does next.
pub(super) enum Next {
    /// There is more that is due.
    Look,
    /// Nothing is due yet.
    Wait,
}

/// Messages that one receiver is sent at a time.
const TOGETHER: usize = 8;
/// How often the queue is looked at when nothing calls.
const PULSE: Duration = Duration::from_millis(500);
/// Names read at a time.
const PAGE: usize = 500;
