//! How much waits for each receiver: a bound, so that one who is away for long fills no disk.
//!
//! The count is of this process alone: it is made from the store when it is first asked for and again with each tidying.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::metrics::counter::Counter;
use vault_core::id::WebhookId;
use vault_core::store::key::Table;
use vault_core::webhook::rate::PENDING_MAX;

use crate::barrier::{Barrier, LoadError};
use crate::telemetry::metrics::Metrics;

/// What waits for each receiver, as far as it was asked.
#[derive(Default)]
pub(super) struct Backlog {
    known: Mutex<HashMap<WebhookId, u64>>,
    overflowed: Counter,
}

impl Backlog {
    /// Knows nothing yet; `metrics` shows what found no room.
    pub(super) fn new(metrics: &Metrics) -> Self {
        let backlog = Self::default();
        metrics.register(|registry| {
            registry.register(
                "webhook_messages_overflowed",
                "Messages that were given up because too many waited for the receiver",
                backlog.overflowed.clone(),
            );
        });
        backlog
    }

    /// Takes room for one message more; `None` when there is none.
    pub(super) fn take(
        self: &Arc<Self>,
        barrier: &Barrier,
        webhook: WebhookId,
    ) -> Result<Option<Room>, LoadError> {
        let known = self.known().get(&webhook).copied();
        let pending = match known {
            Some(pending) => pending,
            None => pending(barrier, webhook)?,
        };
        let mut known = self.known();
        let waits = known.entry(webhook).or_insert(pending);
        if *waits >= PENDING_MAX {
            return Ok(None);
        }
        *waits += 1;
        Ok(Some(Room { backlog: Arc::clone(self), webhook, is_used: false }))
    }

    /// A message was given up because there was no room.
    pub(super) fn overflowed(&self) {
        if self.overflowed.inc() == 0 {
            tracing::error!("too much waits for a webhook; what comes now is given up: see its deliveries");
        }
    }

    /// So much waits, by the store.
    pub(super) fn counted(&self, webhook: WebhookId, pending: u64) {
        self.known().insert(webhook, pending);
    }

    /// So many wait no more.
    pub(super) fn ended(&self, webhook: WebhookId, count: u64) {
        if let Some(waits) = self.known().get_mut(&webhook) {
            *waits = waits.saturating_sub(count);
        }
    }

    /// The store may be another one.
    pub(super) fn forget(&self) {
        self.known().clear();
    }

    fn known(&self) -> MutexGuard<'_, HashMap<WebhookId, u64>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Room for one message. It is given back where it is not used: what was decided is not always committed.
pub(super) struct Room {
    backlog: Arc<Backlog>,
    webhook: WebhookId,
    is_used: bool,
}

impl Room {
    /// The message is on disk.
    pub(super) fn keep(mut self) {
        self.is_used = true;
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if !self.is_used {
            self.backlog.ended(self.webhook, 1);
        }
    }
}

fn pending(barrier: &Barrier, webhook: WebhookId) -> Result<u64, LoadError> {
    let (mut count, mut after) = (0, None::<Vec<u8>>);
    loop {
        let page = barrier.names(Table::WebhookQueue, webhook.as_bytes(), after.as_deref(), PAGE)?;
        let Some(last) = page.last() else { return Ok(count) };
        after = Some(last.clone());
        count += page.len() as u64;
        if count >= PENDING_MAX {
            return Ok(count);
        }
    }
}

/// Names read at a time.
const PAGE: usize = 1000;
