//! Webhooks and their messages as they are stored.

use vault_core::store::key::Table;
use vault_core::webhook::bundle::Bundle;
use vault_core::webhook::{Delivery, Webhook};

use crate::barrier::Record;

impl Record for Webhook {
    const TABLE: Table = Table::Webhook;
    /// From 2 on it may have a format: a program that knows 1 alone would send a chat or a pager what that does not take.
    /// From 3 on it may be mail, and have a limit.
    const VERSION: u8 = 3;

    fn decode(version: u8, body: &[u8]) -> Option<Self> {
        matches!(version, 1..=3).then(|| rmp_serde::from_slice(body).ok()).flatten()
    }
}

/// A delivery that is pending.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Queued(pub Delivery);

impl Record for Queued {
    const TABLE: Table = Table::WebhookQueue;
    /// From 2 on it may be of a kind, and have ended in a way, that a program which knows 1 alone does not.
    const VERSION: u8 = 2;

    fn decode(version: u8, body: &[u8]) -> Option<Self> {
        matches!(version, 1 | 2).then(|| rmp_serde::from_slice(body).ok()).flatten()
    }
}

/// A delivery that has ended.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Ended(pub Delivery);

impl Record for Ended {
    const TABLE: Table = Table::WebhookLog;
    /// As of [`Queued`].
    const VERSION: u8 = 2;

    fn decode(version: u8, body: &[u8]) -> Option<Self> {
        matches!(version, 1 | 2).then(|| rmp_serde::from_slice(body).ok()).flatten()
    }
}

impl Record for Bundle {
    const TABLE: Table = Table::WebhookNote;
}
