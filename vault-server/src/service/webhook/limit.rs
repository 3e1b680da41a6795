//! What comes above a receiver's limit: kept back, counted, and told in one message when the minute is over.
//!
//! Who is kept back stands in the log from then on, in the commit that counts it; who is notified by the summary is
//! written down when that is taken, before it counts as delivered. So a crash in between sends the summary again.

use std::collections::BTreeSet;

use vault_core::clock::Timestamp;
use vault_core::id::{EventId, WebhookId};
use vault_core::store::batch::Require;
use vault_core::store::key::Table;
use vault_core::webhook::event::EventKind;
use vault_core::webhook::format::Format;
use vault_core::webhook::rate::{
    Facts, Minute, NOTICE, Notice, Sum, is_urgent, noted, notice_key, notices_key, sum_key,
};
use vault_core::webhook::{Attempt, Delivery, DeliveryState, Webhook, queue_key};

use super::{WebhookError, WebhookService};
use crate::barrier::{CommitError, Loaded, Record, Transaction};
use crate::engine::outbox::Queued;

impl Record for Sum {
    const TABLE: Table = Table::WebhookNote;
}

impl Record for Notice {
    const TABLE: Table = Table::WebhookNote;
}

/// What is done with what is due.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Divided {
    /// Sent now.
    pub(super) send: Vec<Vec<u8>>,
    /// Kept back.
    pub(super) keep: Vec<Vec<u8>>,
    /// Whether more is to be sent than goes at a time.
    pub(super) more: bool,
}

impl WebhookService {
    /// The minute of a receiver, by what is stored of its attempts.
    pub(super) async fn minute(&self, id: WebhookId) -> Result<Minute, WebhookError> {
        let mut attempts = Vec::new();
        self.each(id, |shown| {
            attempts.extend(shown.delivery.last.filter(Attempt::was_sent).map(|last| last.at));
        })
        .await?;
        Ok(Minute::of(attempts, self.clock.now()))
    }

    /// Divides what is due, of which so many may be sent in this minute, into what is sent and what is kept back; at most
    /// `together` are sent.
    pub(super) fn divide(
        &self,
        webhook: &Webhook,
        (mut room, together): (u32, usize),
        due: Vec<Vec<u8>>,
    ) -> Result<Divided, WebhookError> {
        let mut divided = Divided::default();
        for key in due {
            // What is over is ended as such: it is not sent, and needs no room.
            let is_over = self.is_over(webhook, &key)?;
            let is_sent = is_over || room > 0 || self.is_urgent(webhook, &key)?;
            match is_sent {
                true if divided.send.len() >= together => divided.more = true,
                true => {
                    room = room.saturating_sub(u32::from(!is_over));
                    divided.send.push(key);
                }
                false => divided.keep.push(key),
            }
        }
        Ok(divided)
    }

    /// Whether a message to a pager is not true any more.
    fn is_over(&self, webhook: &Webhook, key: &[u8]) -> Result<bool, WebhookError> {
        if webhook.format != Format::Pagerduty {
            return Ok(false);
        }
        match self.barrier.load::<Queued>(key) {
            Ok(Some(pending)) => self.is_overtaken(webhook, &pending.value.0),
            Ok(None) => Ok(false),
            Err(error) if error.is_damage() => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn is_urgent(&self, webhook: &Webhook, key: &[u8]) -> Result<bool, WebhookError> {
        match self.barrier.load::<Queued>(key) {
            Ok(Some(pending)) => {
                let delivery = &pending.value.0;
                Ok(is_urgent(delivery, &Facts::of(&delivery.body), webhook.format))
            }
            Ok(None) => Ok(true),
            // Who sends it finds out, and passes it over.
            Err(error) if error.is_damage() => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    /// Moves messages to the log and counts them in the open sum; all of it in one commit.
    pub(super) async fn keep_back(
        &self,
        webhook: &Webhook,
        minute: Minute,
        keys: &[Vec<u8>],
    ) -> Result<(), WebhookError> {
        for keys in keys.chunks(KEPT_TOGETHER) {
            loop {
                let mut batch = self.barrier.transaction()?;
                let kept = self.put_kept(&mut batch, webhook, minute, keys)?;
                match self.barrier.commit(batch).await {
                    Err(CommitError::Conflict) => {}
                    outcome => {
                        outcome?;
                        self.meter.summed(kept);
                        self.outbox.ended(webhook.id, kept);
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    /// Puts that messages were kept back into `batch`; tells how many.
    fn put_kept(
        &self,
        batch: &mut Transaction,
        webhook: &Webhook,
        minute: Minute,
        keys: &[Vec<u8>],
    ) -> Result<u64, WebhookError> {
        let (id, now) = (webhook.id, self.clock.now());
        let (open, must) = self.open_sum(id)?;
        let mut sum = open.unwrap_or_else(|| Sum::new(self.outbox.id(), now, minute.until()));
        let (mut kept, mut notices) = (0, BTreeSet::new());
        for key in keys {
            let Some(pending) = self.barrier.load::<Queued>(key.as_slice())? else { continue };
            let delivery = pending.value.0;
            sum.add(&delivery, Facts::of(&delivery.body));
            batch.delete::<Queued>(key.as_slice(), pending.revision);
            // Who is not named in it is nobody's news.
            let named = delivery.notifies().filter(|about| sum.incidents.contains(&about.incident));
            if let Some(about) = named {
                let key = notice_key(id, sum.id, about);
                let is_there = self.barrier.revision::<Notice>(key.clone())?.is_some();
                if !is_there && notices.insert(key.clone()) {
                    batch.put(key, Require::Absent, &Notice { about });
                }
            }
            self.put_log(batch, id, delivery.summed(sum.id, now))?;
            kept += 1;
        }
        if kept > 0 {
            batch.put(sum_key(id), must, &sum);
        }
        Ok(kept)
    }

    /// The open sum of a webhook; one that is damaged is none, and is written anew.
    fn open_sum(&self, id: WebhookId) -> Result<(Option<Sum>, Require), WebhookError> {
        match self.barrier.load::<Sum>(sum_key(id)) {
            Ok(open) => {
                let must = open.as_ref().map_or(Require::Absent, Loaded::require);
                Ok((open.map(|open| open.value), must))
            }
            Err(error) if error.is_damage() => {
                tracing::error!(%error, "what was kept back for a webhook cannot be read; it is counted anew");
                let revision = self.barrier.revision::<Sum>(sum_key(id))?;
                Ok((None, revision.map_or(Require::Absent, Require::At)))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Queues the message that tells what was kept back, when its time has come.
    pub(super) async fn tell_sum(&self, (name, webhook): (&str, &Webhook)) -> Result<(), WebhookError> {
        let (id, now) = (webhook.id, self.clock.now());
        let (Some(sum), Require::At(revision)) = self.open_sum(id)? else { return Ok(()) };
        if !sum.is_due(now) {
            return Ok(());
        }
        let mut batch = self.barrier.transaction()?;
        batch.delete::<Sum>(sum_key(id), revision);
        let delivery = Delivery::of(&self.outbox.linked(sum.event(name, now)));
        batch.put(queue_key(id, now, sum.id), Require::Absent, &Queued(delivery));
        match self.barrier.commit(batch).await {
            // The next look finds it again.
            Err(CommitError::Conflict) => Ok(()),
            outcome => Ok(outcome?),
        }
    }

    /// Writes down who is notified of incidents by `delivery`, where that is a summary which was taken.
    pub(super) async fn note_summed(
        &self,
        (name, id): (&str, WebhookId),
        delivery: &Delivery,
    ) -> Result<(), WebhookError> {
        if delivery.kind != EventKind::Summary || delivery.state != DeliveryState::Delivered {
            return Ok(());
        }
        let at = delivery.ended_at.unwrap_or_else(|| self.clock.now());
        let prefix = notices_key(id, delivery.event);
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = self.barrier.names(Table::WebhookNote, &prefix, after.as_deref(), PAGE)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.clone());
            for key in page {
                self.note_one(name, &key, at).await?;
            }
        }
    }

    async fn note_one(&self, name: &str, key: &[u8], at: Timestamp) -> Result<(), WebhookError> {
        loop {
            let mut batch = self.barrier.transaction()?;
            match self.barrier.load::<Notice>(key) {
                Ok(Some(notice)) => {
                    self.put_notified(&mut batch, name, notice.value.about, at)?;
                    batch.delete::<Notice>(key, notice.revision);
                }
                Ok(None) => return Ok(()),
                Err(error) if error.is_damage() => {
                    tracing::error!(%error, "who was notified of an incident cannot be read");
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            }
            match self.barrier.commit(batch).await {
                Err(CommitError::Conflict) => {}
                outcome => return Ok(outcome?),
            }
        }
    }

    /// Forgets notices of summaries that are not in the log any more.
    pub(super) async fn tidy_notices(&self, id: WebhookId) -> Result<(), WebhookError> {
        let prefix = [NOTICE, id.as_bytes()].concat();
        // Before it is asked which summaries there are: the notices of one that is opened meanwhile are not among them.
        let (mut notices, mut after) = (Vec::new(), None::<Vec<u8>>);
        loop {
            let page = self.barrier.names(Table::WebhookNote, &prefix, after.as_deref(), PAGE)?;
            let Some(last) = page.last() else { break };
            after = Some(last.clone());
            notices.extend(page);
            tokio::task::yield_now().await;
        }
        if notices.is_empty() {
            return Ok(());
        }
        let mut known: BTreeSet<EventId> = self.open_sum(id)?.0.into_iter().map(|sum| sum.id).collect();
        self.each(id, |shown| {
            if shown.delivery.kind == EventKind::Summary {
                known.insert(shown.delivery.event);
            }
        })
        .await?;
        notices.retain(|key| {
            noted(key).and_then(|(_, summary)| summary).is_some_and(|summary| !known.contains(&summary))
        });
        self.drop_keys(Table::WebhookNote, notices).await
    }
}

/// Messages that are kept back in one commit: each has three records in it.
pub(super) const KEPT_TOGETHER: usize = 40;
/// Names read at a time.
const PAGE: usize = 100;
