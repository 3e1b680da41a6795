//! How much waits for each receiver: a bound, so that one who is away for long fills no disk.
//!
//! The count is of this process alone: it is made from the store when it is first asked for and again with each tidying,
//! and may be above the truth meanwhile by what was decided and not committed.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

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

    /// Takes room for one message more; `false` when there is none.
    pub(super) fn take(&self, barrier: &Barrier, webhook: WebhookId) -> Result<bool, LoadError> {
        let known = self.known().get(&webhook).copied();
        let pending = match known {
            Some(pending) => pending,
            None => pending(barrier, webhook)?,
        };
        let mut known = self.known();
        let waits = known.entry(webhook).or_insert(pending);
        if *waits >= PENDING_MAX {
            drop(known);
            if self.overflowed.inc() == 0 {
                tracing::error!(
                    "too much waits for a webhook; what comes now is given up: see its deliveries"
                );
            }
            return Ok(false);
        }
        *waits += 1;
        Ok(true)
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

    /// The store is another one, or its webhooks are.
    pub(super) fn forget(&self) {
        self.known().clear();
    }

    fn known(&self) -> MutexGuard<'_, HashMap<WebhookId, u64>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
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
