//! The deliveries of one webhook. Each has a lane of its own, so that a slow receiver delays nobody else's messages.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use vault_core::clock::Timestamp;
use vault_core::entropy::random_bytes;
use vault_core::id::{EventId, WebhookId};
use vault_core::incident::Incident;
use vault_core::incident::ledger::{LedgerEvent, is_first_notice};
use vault_core::store::batch::{Require, Revision};
use vault_core::store::key::Table;
use vault_core::webhook::format::Format;
use vault_core::webhook::rate::Minute;
use vault_core::webhook::{
    About, Attempt, Delivery, DeliveryState, FailureClass, Webhook, log_key, queue_key, queued,
};

use super::limit::{Divided, KEPT_TOGETHER};
use super::send::{Answered, Channel, Moment};
use super::{WebhookError, WebhookService};
use crate::barrier::{CommitError, Loaded, Transaction};
use crate::engine::ledger::put_incidents;
use crate::engine::outbox::{Ended, Queued};

/// The way to a receiver, and of which state of the settings.
pub(super) type Kept = Option<(Revision, Channel)>;

/// What a lane knows while it runs.
struct Lane {
    kept: Kept,
    minute: Minute,
    /// Until when it rests, because its login was refused: who tries that again and again locks the user.
    rests_until: Option<Timestamp>,
}

impl Lane {
    /// Whether nothing is sent now, by settings that were refused.
    fn rests(&self, revision: Revision, now: Timestamp) -> bool {
        let is_as_it_was = self.kept.as_ref().is_some_and(|(of, _)| *of == revision);
        // A clock that was stepped back makes no rest longer.
        is_as_it_was && self.rests_until.is_some_and(|until| now < until && until.since(now) <= LOGIN_REST)
    }

    /// Takes in that so many messages were sent, by which a login may have been refused. That none were says nothing new.
    fn has_sent(&mut self, messages: u32, now: Timestamp, is_refused: bool) {
        self.minute.sent = self.minute.sent.saturating_add(messages);
        if messages > 0 {
            self.rests_until = is_refused.then(|| now.plus(LOGIN_REST));
        }
    }
}

impl WebhookService {
    /// Delivers what is due for `name`, again and again; until it is removed, disabled, or cannot be read.
    pub(super) async fn run_lane(self, name: String, id: WebhookId) {
        let mut lane: Option<Lane> = None;
        loop {
            // Made before the look: what comes between is not missed.
            let news = self.outbox.news();
            let next = match self.deliver_due(&name, id, &mut lane).await {
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

    /// Delivers a handful of what is due, and keeps back what is too much. `None` when the webhook is not served any more.
    async fn deliver_due(
        &self,
        name: &str,
        id: WebhookId,
        lane: &mut Option<Lane>,
    ) -> Result<Option<Next>, WebhookError> {
        let Some(hook) = self.barrier.load::<Webhook>(name)? else { return Ok(None) };
        if hook.value.id != id || hook.value.disabled {
            return Ok(None);
        }
        let lane = match lane {
            Some(lane) => lane,
            None => lane.insert(Lane { kept: None, minute: self.minute(id).await?, rests_until: None }),
        };
        self.unbundle(id).await?;
        self.tell_sum((name, &hook.value)).await?;
        let now = self.clock.now();
        if lane.rests(hook.revision, now) {
            return Ok(Some(Next::Wait));
        }
        lane.minute = lane.minute.at(now);
        let room = lane.minute.room(hook.value.rate_limit);
        let page = if room == 0 { KEPT_TOGETHER } else { TOGETHER };
        let names = self.barrier.names(Table::WebhookQueue, id.as_bytes(), None, page)?;
        let full = names.len() == page;
        // What is due later than any retry is, was queued before the clock was stepped back.
        let latest = now.plus(hook.value.retry_cap.max(hook.value.retry_base).saturating_mul(2));
        let is_due = |name: &Vec<u8>| queued(name).is_some_and(|(due, _)| due <= now || due > latest);
        let due: Vec<Vec<u8>> = names.into_iter().take_while(is_due).collect();
        if due.is_empty() {
            return Ok(Some(Next::Wait));
        }
        let is_more = full && due.len() == page;
        let Divided { send, keep, more } = self.divide(&hook.value, (room, TOGETHER), due)?;
        self.keep_back(&hook.value, lane.minute, &keep).await?;
        let again = if is_more || more { Next::Look } else { Next::Wait };
        let sent = self.send_all(name, hook, &mut lane.kept, send).await?;
        let is_refused = lane.kept.as_ref().is_some_and(|(_, channel)| channel.is_login_refused());
        lane.has_sent(sent, now, is_refused);
        Ok(Some(again))
    }

    /// Makes an attempt for each of these, side by side; tells how many were sent.
    async fn send_all(
        &self,
        name: &str,
        hook: Loaded<Webhook>,
        kept: &mut Kept,
        due: Vec<Vec<u8>>,
    ) -> Result<u32, WebhookError> {
        let now = self.clock.now();
        let Some(channel) = self.channel(&hook, kept) else {
            for key in due {
                let failed = (now, Duration::ZERO, Answered::failed(FailureClass::Settings));
                self.note((name, &hook.value), &key, failed).await?;
            }
            return Ok(0);
        };
        let hook = std::sync::Arc::new(hook);
        let mut work = JoinSet::new();
        for key in due {
            let (service, hook, channel) = (self.clone(), std::sync::Arc::clone(&hook), channel.clone());
            let name = name.to_owned();
            work.spawn(async move { service.deliver((&name, &hook.value), &channel, &key).await });
        }
        let mut outcome = Ok(0_u32);
        while let Some(one) = work.join_next().await {
            match one {
                Ok(Ok(is_sent)) => outcome = outcome.map(|sent| sent.saturating_add(u32::from(is_sent))),
                Ok(Err(error)) => outcome = Err(error),
                // One that broke had gone out, as far as is known.
                Err(_) => outcome = outcome.map(|sent| sent.saturating_add(1)),
            }
        }
        outcome
    }

    /// The way to the receiver of a webhook as it is configured now.
    pub(super) fn channel(&self, hook: &Loaded<Webhook>, kept: &mut Kept) -> Option<Channel> {
        match kept {
            Some((revision, channel)) if *revision == hook.revision => Some(channel.clone()),
            _ => {
                let channel = Channel::of(&hook.value)?;
                *kept = Some((hook.revision, channel.clone()));
                Some(channel)
            }
        }
    }

    /// Makes one attempt; tells whether the receiver was asked.
    async fn deliver(
        &self,
        (name, webhook): (&str, &Webhook),
        channel: &Channel,
        key: &[u8],
    ) -> Result<bool, WebhookError> {
        let pending = match self.barrier.load::<Queued>(key) {
            Ok(Some(pending)) => pending.value.0,
            Ok(None) => return Ok(false),
            Err(error) if error.is_damage() => {
                tracing::error!(%error, "a delivery cannot be read; it is passed over");
                return self.drop_damaged(key).await.map(|()| false);
            }
            Err(error) => return Err(error.into()),
        };
        let (now, began) = (self.clock.now(), Instant::now());
        if self.is_overtaken(webhook, &pending)? {
            let overtaken = (now, Duration::ZERO, Answered::failed(FailureClass::Overtaken));
            return self.note((name, webhook), key, overtaken).await.map(|()| false);
        }
        let first = self.first_mail(webhook, &pending)?;
        let answered = channel.send(webhook, &pending, first, Moment::of(&*self.clock)).await;
        let is_sent = !answered.failure.is_some_and(FailureClass::is_unsent);
        self.note((name, webhook), key, (now, began.elapsed(), answered)).await?;
        Ok(is_sent)
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
                    self.note_summed((name, webhook.id), &delivery).await?;
                    self.note_notified(&mut batch, name, &delivery)?;
                    self.put_thread(&mut batch, webhook, &delivery)?;
                    self.put_log(&mut batch, webhook.id, delivery)?;
                }
            }
            match self.barrier.commit(batch).await {
                Err(CommitError::Conflict) => {}
                outcome => {
                    outcome?;
                    self.meter.attempted(failure);
                    if state != DeliveryState::Pending {
                        self.outbox.ended(webhook.id, 1);
                    }
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

    /// Whether a pager that hears it now would take its incident for [another](Delivery::is_overtaken) than it is.
    pub(super) fn is_overtaken(&self, webhook: &Webhook, delivery: &Delivery) -> Result<bool, WebhookError> {
        let Some(about) = delivery.about.filter(|_| webhook.format == Format::Pagerduty) else {
            return Ok(false);
        };
        match self.barrier.load::<Incident>(*about.incident.as_bytes()) {
            Ok(incident) => Ok(incident.is_some_and(|incident| delivery.is_overtaken(&incident.value))),
            // Called once too often rather than not at all.
            Err(error) if error.is_damage() => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Puts into `batch` that somebody is notified of an incident, where `delivery` is the first that tells of it.
    fn note_notified(
        &self,
        batch: &mut Transaction,
        name: &str,
        delivery: &Delivery,
    ) -> Result<(), WebhookError> {
        let at = delivery.ended_at.unwrap_or_else(|| self.clock.now());
        match delivery.notifies().filter(|_| delivery.state == DeliveryState::Delivered) {
            Some(about) => self.put_notified(batch, name, about, at),
            None => Ok(()),
        }
    }

    /// Puts into `batch` that somebody is notified of an incident, where nobody was. An incident that cannot be read keeps no
    /// delivery from its end.
    pub(super) fn put_notified(
        &self,
        batch: &mut Transaction,
        name: &str,
        about: About,
        at: Timestamp,
    ) -> Result<(), WebhookError> {
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
            at,
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
        batch: &mut Transaction,
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
/// How long mail rests after a login was refused, unless its settings change.
const LOGIN_REST: Duration = Duration::from_mins(15);

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    #[test]
    fn a_rest_is_begun_by_what_was_sent_and_not_by_what_was_kept_back() {
        let minute = Minute { began: NOW, sent: 3 };
        let mut lane = Lane { kept: None, minute, rests_until: None };
        lane.has_sent(2, NOW, true);
        assert_eq!((lane.minute.sent, lane.rests_until), (5, Some(NOW.plus(LOGIN_REST))));
        lane.has_sent(0, NOW.plus(LOGIN_REST), true);
        assert_eq!((lane.minute.sent, lane.rests_until), (5, Some(NOW.plus(LOGIN_REST))), "nothing was sent");
        lane.has_sent(1, NOW.plus(LOGIN_REST), false);
        assert_eq!((lane.minute.sent, lane.rests_until), (6, None));
    }
}
