//! Puts messages into the queues of who wants them, in the commit of what they tell.
//!
//! A commit has an end: who takes an incident beneath which are 32 others has 33 messages for each of 16 receivers. Where
//! not all of them find room, those of a receiver are one record, from which its lane queues them.

use vault_core::clock::Timestamp;
use vault_core::id::WebhookId;
use vault_core::store::batch::{BATCH_WRITES_MAX, Require};
use vault_core::webhook::bundle::{Bundle, bundle_key};
use vault_core::webhook::event::Event;
use vault_core::webhook::{Delivery, Subscription, log_key, queue_key};

use super::{Ended, Outbox, Queued};
use crate::barrier::{LoadError, Transaction};

impl Outbox {
    /// Puts a message of each of `events` for each who wants it into `batch`.
    pub(super) fn queue_all(
        &self,
        batch: &mut Transaction,
        subscriptions: &[Subscription],
        events: &[Event],
        now: Timestamp,
    ) -> Result<(), LoadError> {
        let wanted = |subscription: &Subscription| -> Vec<Delivery> {
            let events = events.iter().filter(|event| subscription.wants(event));
            events.map(|event| Delivery::of(&self.linked(event.clone()))).collect()
        };
        let wanted: Vec<(&Subscription, Vec<Delivery>)> =
            subscriptions.iter().map(|subscription| (subscription, wanted(subscription))).collect();
        let messages: usize = wanted.iter().map(|(_, deliveries)| deliveries.len()).sum();
        let has_room = batch.len() + messages + SPARE <= BATCH_WRITES_MAX;
        for (subscription, deliveries) in wanted {
            let Some(first) = deliveries.first().map(|first| first.event) else { continue };
            if !has_room && deliveries.len() > 1 {
                let bundle = Bundle { due: now, deliveries };
                batch.put(bundle_key(subscription.id, first), Require::Absent, &bundle);
                continue;
            }
            for delivery in deliveries {
                self.put_message(batch, subscription.id, delivery, now)?;
            }
        }
        Ok(())
    }

    /// Puts one message into `batch`: into the queue of its receiver; or into the log, where too much waits already.
    pub(crate) fn put_message(
        &self,
        batch: &mut Transaction,
        webhook: WebhookId,
        delivery: Delivery,
        due: Timestamp,
    ) -> Result<(), LoadError> {
        let event = delivery.event;
        if self.inner.backlog.take(&self.inner.barrier, webhook)? {
            batch.put(queue_key(webhook, due, event), Require::Absent, &Queued(delivery));
        } else {
            let ended = Ended(delivery.overflowed(self.inner.clock.now()));
            batch.put(log_key(webhook, event), Require::Absent, &ended);
        }
        Ok(())
    }
}

/// Lines of a batch that are left for what is put into it after the messages.
const SPARE: usize = 16;
