//! What became of each message: shown, tried again by hand, and tidied.

use std::collections::HashSet;
use std::time::Instant;

use vault_core::clock::Timestamp;
use vault_core::entropy::random_bytes;
use vault_core::id::{EventId, WebhookId};
use vault_core::path::Name;
use vault_core::store::batch::Require;
use vault_core::store::key::{Key, Table};
use vault_core::webhook::event::Event;
use vault_core::webhook::rate::{Notice, noted};
use vault_core::webhook::{
    Attempt, Delivery, DeliveryState, FailureClass, Webhook, log_key, queue_key, queued,
};

use super::lane::Kept;
use super::send::{Answered, Moment};
use super::{WebhookError, WebhookService};
use crate::barrier::{CommitError, LoadError, Loaded};
use crate::engine::outbox::{Ended, Queued};

/// A delivery, and when it is tried next.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The delivery.
    pub delivery: Delivery,
    /// When it is tried next; `None` of one that has ended.
    pub next: Option<Timestamp>,
}

/// How many deliveries of a webhook stand how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Still to be delivered.
    pub pending: u64,
    /// Delivered, and in the log.
    pub delivered: u64,
    /// Given up, and in the log.
    pub dead: u64,
    /// Kept back and told in another message, and in the log.
    pub summed: u64,
}

impl WebhookService {
    /// The newest deliveries that stand so (all, when nothing is said), the newest first; at most `limit`.
    ///
    /// # Errors
    /// [`WebhookError`] by cause.
    pub async fn deliveries(
        &self,
        name: &Name,
        state: Option<DeliveryState>,
        limit: usize,
    ) -> Result<Vec<Shown>, WebhookError> {
        let id = self.find(name)?.ok_or(WebhookError::NotFound)?.value.id;
        let mut found: Vec<Shown> = Vec::new();
        self.each(id, |shown| {
            if state.is_none_or(|state| state == shown.delivery.state) {
                found.push(shown);
            }
            // The newest are kept: what comes is in no order of time.
            if found.len() >= limit.saturating_mul(2).max(PAGE) {
                newest(&mut found, limit);
            }
        })
        .await?;
        newest(&mut found, limit);
        Ok(found)
    }

    /// One delivery.
    ///
    /// # Errors
    /// [`WebhookError`] by cause.
    pub fn delivery(&self, name: &Name, event: EventId) -> Result<Shown, WebhookError> {
        let id = self.find(name)?.ok_or(WebhookError::NotFound)?.value.id;
        self.one(id, event)?.ok_or(WebhookError::NotFound)
    }

    fn one(&self, id: WebhookId, event: EventId) -> Result<Option<Shown>, WebhookError> {
        if let Some(ended) = self.barrier.load::<Ended>(log_key(id, event))? {
            return Ok(Some(Shown { delivery: ended.value.0, next: None }));
        }
        let Some(key) = self.queue_place(id, event)? else { return Ok(None) };
        let pending = self.barrier.load::<Queued>(key.clone())?;
        Ok(pending.map(|pending| shown(&key, pending.value.0)))
    }

    /// How the deliveries of a webhook stand, all in all.
    ///
    /// # Errors
    /// [`WebhookError`] by cause.
    pub async fn counts(&self, id: WebhookId) -> Result<Counts, WebhookError> {
        let mut counts = Counts::default();
        self.each(id, |shown| match shown.delivery.state {
            DeliveryState::Pending => counts.pending += 1,
            DeliveryState::Delivered => counts.delivered += 1,
            // What is not true any more was not given up.
            DeliveryState::Dead if shown.delivery.ended_as(FailureClass::Overtaken) => {}
            DeliveryState::Dead => counts.dead += 1,
            DeliveryState::Summed => counts.summed += 1,
        })
        .await?;
        Ok(counts)
    }

    /// Calls `take` with each delivery that can be read, once. There may be 100,000, so others have their turn in between; what is
    /// tried again or has ended meanwhile is told as it was met first.
    pub(super) async fn each(
        &self,
        id: WebhookId,
        mut take: impl FnMut(Shown) + Send,
    ) -> Result<(), LoadError> {
        let (mut met, mut after) = (HashSet::<EventId>::new(), None::<Vec<u8>>);
        loop {
            let page = self.barrier.list_each::<Queued>(id.as_bytes(), after.as_deref(), PAGE)?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            for (key, pending) in page {
                let pending = pending.into_iter().filter(|pending| met.insert(pending.value.0.event));
                pending.for_each(|pending| take(shown(&key, pending.value.0)));
            }
            tokio::task::yield_now().await;
        }
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = self.barrier.list_each::<Ended>(id.as_bytes(), after.as_deref(), PAGE)?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after = Some(last.clone());
            for (_, ended) in page {
                let ended = ended.into_iter().filter(|ended| !met.contains(&ended.value.0.event));
                ended.for_each(|ended| take(Shown { delivery: ended.value.0, next: None }));
            }
            tokio::task::yield_now().await;
        }
    }

    /// Has a delivery tried again at once, as often as a new one; also one that was delivered.
    ///
    /// # Errors
    /// [`WebhookError`] by cause.
    pub async fn retry(&self, name: &Name, event: EventId) -> Result<Shown, WebhookError> {
        loop {
            let id = self.find(name)?.ok_or(WebhookError::NotFound)?.value.id;
            let mut batch = self.barrier.transaction()?;
            let mut delivery = match self.barrier.load::<Ended>(log_key(id, event))? {
                Some(ended) => {
                    batch.delete::<Ended>(log_key(id, event), ended.revision);
                    ended.value.0
                }
                None => {
                    let key = self.queue_place(id, event)?.ok_or(WebhookError::NotFound)?;
                    let Some(pending) = self.barrier.load::<Queued>(key.clone())? else { continue };
                    batch.delete::<Queued>(key, pending.revision);
                    pending.value.0
                }
            };
            delivery.revive();
            let now = self.clock.now();
            let key = queue_key(id, now, event);
            if self.barrier.revision::<Queued>(key.clone())?.is_some() {
                // Due this very moment already.
                return Ok(Shown { delivery, next: Some(now) });
            }
            batch.put(key, Require::Absent, &Queued(delivery.clone()));
            match self.barrier.commit(batch).await {
                Err(CommitError::Conflict) => {}
                outcome => {
                    outcome?;
                    self.outbox.committed();
                    return Ok(Shown { delivery, next: Some(now) });
                }
            }
        }
    }

    /// Sends a test message now and tells what came of it. It is not tried again, and stands in the log.
    ///
    /// # Errors
    /// [`WebhookError`] by cause. That the receiver did not take it is none.
    pub async fn test(&self, name: &Name) -> Result<Shown, WebhookError> {
        let hook: Loaded<Webhook> = self.find(name)?.ok_or(WebhookError::NotFound)?;
        let (now, began) = (self.clock.now(), Instant::now());
        let event = self.outbox.linked(Event::test(self.outbox.id(), now, name.as_str()));
        let mut delivery = Delivery::of(&event);
        let answered = match self.channel(&hook, &mut Kept::None) {
            Some(channel) => channel.send(&hook.value, &delivery, None, Moment::of(&*self.clock)).await,
            None => Answered::failed(FailureClass::Settings),
        };
        let millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let attempt = Attempt { at: now, millis, status: answered.status, failure: answered.failure };
        let draw = u64::from_le_bytes(random_bytes(&*self.entropy));
        if delivery.attempted(attempt, &hook.value, now, draw).is_some() {
            (delivery.state, delivery.ended_at) = (DeliveryState::Dead, Some(now));
        }
        self.meter.attempted(attempt.failure);
        let mut batch = self.barrier.transaction()?;
        self.put_log(&mut batch, hook.value.id, delivery.clone())?;
        self.barrier.commit(batch).await?;
        Ok(Shown { delivery, next: None })
    }

    /// Forgets what is old, what is too much, and what belongs to no webhook any more; counts the rest.
    ///
    /// # Errors
    /// [`WebhookError`] by cause; the rest waits for the next time.
    pub async fn tidy(&self) -> Result<(), WebhookError> {
        let (mut pending, mut dead) = (0, 0);
        for table in [Table::WebhookQueue, Table::WebhookLog] {
            let is_of = |key: &[u8], id: &WebhookId| key.starts_with(id.as_bytes());
            self.drop_strangers(table, is_of).await?;
        }
        let is_of = |key: &[u8], id: &WebhookId| noted(key).is_some_and(|(webhook, _)| webhook == *id);
        self.drop_strangers(Table::WebhookNote, is_of).await?;
        for id in self.ids()? {
            self.shorten(id).await?;
            self.tidy_notices(id).await?;
            self.tidy_threads(id).await?;
            let counts = self.counts(id).await?;
            self.outbox.counted(id, counts.pending);
            pending += i64::try_from(counts.pending).unwrap_or(i64::MAX);
            dead += i64::try_from(counts.dead).unwrap_or(i64::MAX);
        }
        self.meter.counted(pending, dead);
        Ok(())
    }

    /// Forgets of one log what is old; and the oldest, while there are more than [`LOG_MAX`].
    async fn shorten(&self, id: WebhookId) -> Result<(), WebhookError> {
        let now = self.clock.now();
        let mut kept: std::collections::VecDeque<Vec<u8>> = std::collections::VecDeque::new();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = self.barrier.list_each::<Ended>(id.as_bytes(), after.as_deref(), PAGE)?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after = Some(last.clone());
            let mut go = Vec::new();
            for (key, ended) in page {
                match ended {
                    Ok(ended) if ended.value.0.is_stale(now) => go.push(key),
                    _ => kept.push_back(key),
                }
            }
            while kept.len() > LOG_MAX {
                go.extend(kept.pop_front());
            }
            self.drop_keys(Table::WebhookLog, go).await?;
            tokio::task::yield_now().await;
        }
    }

    /// The webhooks that there are.
    fn ids(&self) -> Result<Vec<WebhookId>, WebhookError> {
        let hooks = self.barrier.list_each::<Webhook>(&[], None, PAGE)?;
        // Whose deliveries are whose is not known while one cannot be read: nothing goes.
        let ids = hooks.into_iter().map(|(_, hook)| Ok(hook?.value.id));
        ids.collect::<Result<_, LoadError>>().map_err(WebhookError::from)
    }

    /// Drops what belongs to no webhook. Who there is is asked after each page was read: what is queued for a webhook that
    /// is made meanwhile is not on it.
    async fn drop_strangers(
        &self,
        table: Table,
        is_of: impl Fn(&[u8], &WebhookId) -> bool,
    ) -> Result<(), WebhookError> {
        let mut after: Option<Vec<u8>> = None;
        loop {
            let mut page = self.barrier.names(table, &[], after.as_deref(), PAGE)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.clone());
            let known = self.ids()?;
            page.retain(|key| !known.iter().any(|id| is_of(key, id)));
            self.drop_keys(table, page).await?;
            tokio::task::yield_now().await;
        }
    }

    pub(super) async fn drop_keys(&self, table: Table, keys: Vec<Vec<u8>>) -> Result<(), WebhookError> {
        for some in keys.chunks(TOGETHER) {
            let mut batch = self.barrier.transaction()?;
            for key in some {
                let revision = match table {
                    Table::WebhookQueue => self.barrier.revision::<Queued>(key.as_slice())?,
                    Table::WebhookNote => self.barrier.revision::<Notice>(key.as_slice())?,
                    _ => self.barrier.revision::<Ended>(key.as_slice())?,
                };
                if let Some(revision) = revision {
                    batch.delete_key(Key::new(table, key.as_slice()), revision);
                }
            }
            if !batch.is_empty() {
                match self.barrier.commit(batch).await {
                    // Another commit came first: next time.
                    Ok(()) | Err(CommitError::Conflict) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }
}

fn shown(key: &[u8], delivery: Delivery) -> Shown {
    Shown { delivery, next: queued(key).map(|(due, _)| due) }
}

fn newest(found: &mut Vec<Shown>, limit: usize) {
    found.sort_by_key(|shown| std::cmp::Reverse((shown.delivery.at, shown.delivery.event)));
    found.truncate(limit);
}

/// Records read at a time.
const PAGE: usize = 200;
/// Records that go in one commit.
const TOGETHER: usize = 100;
/// Most deliveries of one webhook that its log keeps.
const LOG_MAX: usize = 2_000;
/// Most deliveries that one answer shows.
pub const SHOWN_MAX: usize = 1000;
