//! Puts messages into the queues of who wants them, in the commit of what they tell.
//!
//! A commit has an end: who takes an incident beneath which are 32 others has 33 messages for each of 16 receivers. Where
//! not all of them find room, those of a receiver are one record, from which its lane queues them.

use std::sync::Arc;

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
        let (event, backlog) = (delivery.event, &self.inner.backlog);
        if let Some(room) = backlog.take(&self.inner.barrier, webhook)? {
            batch.put(queue_key(webhook, due, event), Require::Absent, &Queued(delivery));
            batch.once_committed(move || room.keep());
        } else {
            let ended = Ended(delivery.overflowed(self.inner.clock.now()));
            batch.put(log_key(webhook, event), Require::Absent, &ended);
            let backlog = Arc::clone(backlog);
            batch.once_committed(move || backlog.overflowed());
        }
        Ok(())
    }
}

/// Lines of a batch that are left for what is put into it after the messages.
const SPARE: usize = 16;

#[cfg(test)]
mod tests {
    use vault_core::clock::{Clock, ManualClock};
    use vault_core::entropy::{Entropy, SeededEntropy};
    use vault_core::id::EventId;
    use vault_core::store::key::Table;
    use vault_core::webhook::rate::PENDING_MAX;

    use super::*;
    use crate::barrier::Barrier;
    use crate::barrier::tests::open_barrier;
    use crate::telemetry::metrics::Metrics;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    struct Bench {
        barrier: Barrier,
        metrics: Metrics,
        entropy: Arc<dyn Entropy>,
        outbox: Outbox,
        webhook: WebhookId,
    }

    impl Bench {
        fn new() -> Self {
            let (barrier, metrics) = (open_barrier(), Metrics::default());
            let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(NOW));
            let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(7));
            let outbox = Outbox::new(barrier.clone(), clock, Arc::clone(&entropy), &metrics);
            let webhook = WebhookId::generate(NOW, &*entropy);
            Self { barrier, metrics, entropy, outbox, webhook }
        }

        /// One message more, in a commit that is not made yet.
        fn begun(&self) -> Result<Transaction, LoadError> {
            let mut batch = self.barrier.transaction().map_err(|_| LoadError::Sealed)?;
            let event = Event::test(EventId::generate(NOW, &*self.entropy), NOW, "w");
            self.outbox.put_message(&mut batch, self.webhook, Delivery::of(&event), NOW)?;
            Ok(batch)
        }

        /// How many are in the queue, and in the log.
        fn counts(&self) -> [usize; 2] {
            [Table::WebhookQueue, Table::WebhookLog].map(|table| {
                self.barrier.names(table, self.webhook.as_bytes(), None, 9).map_or(0, |n| n.len())
            })
        }

        fn shows(&self, line: &str) -> bool {
            self.metrics.text().is_ok_and(|text| text.lines().any(|one| one.ends_with(line)))
        }
    }

    #[tokio::test]
    async fn only_what_is_committed_takes_room_and_is_counted() {
        let bench = Bench::new();
        bench.outbox.counted(bench.webhook, PENDING_MAX - 1);
        drop(bench.begun().unwrap());
        let first = bench.begun().unwrap();
        drop(bench.begun().unwrap());
        assert!(bench.shows("webhook_messages_overflowed_total 0"), "nothing is on disk");
        bench.barrier.commit(first).await.unwrap();
        assert_eq!(bench.counts(), [1, 0], "it found room");
        bench.barrier.commit(bench.begun().unwrap()).await.unwrap();
        assert_eq!(bench.counts(), [1, 1], "that was the last");
        assert!(bench.shows("webhook_messages_overflowed_total 1"));
    }

    #[tokio::test]
    async fn what_waits_is_not_counted_anew_where_a_webhook_has_changed() {
        let bench = Bench::new();
        // By the store there is none.
        bench.outbox.counted(bench.webhook, PENDING_MAX);
        bench.outbox.changed();
        bench.barrier.commit(bench.begun().unwrap()).await.unwrap();
        assert_eq!(bench.counts(), [0, 1], "it is known as it was");
        bench.outbox.forget();
        bench.barrier.commit(bench.begun().unwrap()).await.unwrap();
        assert_eq!(bench.counts(), [1, 1], "the store may be another one");
    }
}
