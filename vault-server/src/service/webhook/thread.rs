//! Which mail about an incident was the first, so that the others answer it.

use vault_core::id::{EventId, WebhookId};
use vault_core::store::batch::Require;
use vault_core::store::key::Table;
use vault_core::webhook::format::Format;
use vault_core::webhook::mail::{THREAD, Thread, thread_key};
use vault_core::webhook::{Delivery, DeliveryState, Webhook};

use super::{WebhookError, WebhookService};
use crate::barrier::{Loaded, Record, Transaction};

impl Record for Thread {
    const TABLE: Table = Table::WebhookNote;
}

impl WebhookService {
    /// The first mail about the incident that `delivery` tells of, where there was one.
    pub(super) fn first_mail(
        &self,
        webhook: &Webhook,
        delivery: &Delivery,
    ) -> Result<Option<EventId>, WebhookError> {
        let Some(about) = delivery.about.filter(|_| webhook.format == Format::Mail) else { return Ok(None) };
        Ok(self.thread(&thread_key(webhook.id, about.incident))?.0.map(|thread| thread.first))
    }

    /// A thread; one that is damaged is none, and is written anew.
    fn thread(&self, key: &[u8]) -> Result<(Option<Thread>, Require), WebhookError> {
        match self.barrier.load::<Thread>(key) {
            Ok(thread) => {
                let must = thread.as_ref().map_or(Require::Absent, Loaded::require);
                Ok((thread.map(|thread| thread.value), must))
            }
            Err(error) if error.is_damage() => {
                tracing::error!(%error, "the first mail about an incident is not known; the next one is the first");
                let revision = self.barrier.revision::<Thread>(key)?;
                Ok((None, revision.map_or(Require::Absent, Require::At)))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Puts into `batch` that a mail about an incident was taken.
    pub(super) fn put_thread(
        &self,
        batch: &mut Transaction,
        webhook: &Webhook,
        delivery: &Delivery,
    ) -> Result<(), WebhookError> {
        let is_mail = webhook.format == Format::Mail && delivery.state == DeliveryState::Delivered;
        let Some(about) = delivery.about.filter(|_| is_mail) else { return Ok(()) };
        let key = thread_key(webhook.id, about.incident);
        let (known, must) = self.thread(&key)?;
        let first = known.map_or(delivery.event, |known| known.first);
        batch.put(key, must, &Thread { first, at: self.clock.now() });
        Ok(())
    }

    /// Forgets threads in which nothing was sent for long.
    pub(super) async fn tidy_threads(&self, id: WebhookId) -> Result<(), WebhookError> {
        let (prefix, now) = ([THREAD, id.as_bytes()].concat(), self.clock.now());
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = self.barrier.list_each::<Thread>(&prefix, after.as_deref(), PAGE)?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after = Some(last.clone());
            let is_stale = |thread: &Loaded<Thread>| thread.value.is_stale(now);
            let stale = page.into_iter().filter(|(_, thread)| thread.as_ref().is_ok_and(is_stale));
            self.drop_keys(Table::WebhookNote, stale.map(|(key, _)| key).collect()).await?;
        }
    }
}

/// Records read at a time.
const PAGE: usize = 200;
