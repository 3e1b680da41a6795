//! `sys/webhooks/…`: who is told of what happens to credentials, and what became of each message.

use serde::{Deserialize, Serialize};

use crate::{Sensitive, WireTime, duration::Seconds, lenient};

/// GET `sys/webhooks/<name>`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WebhookInfo {
    /// Which one, from its making to its removal.
    pub id: String,
    /// Where messages go.
    pub url: String,
    /// What it is told; nothing named is everything.
    pub events: Vec<String>,
    /// Of which accounts, with `*` for any text; none named is every account and management credential.
    pub accounts: Vec<String>,
    /// Whether it is told nothing.
    pub disabled: bool,
    /// Whether plain HTTP to another machine is allowed.
    pub allow_http: bool,
    /// The authorities that its certificate may be of; those of the system when absent.
    pub tls_ca: Option<String>,
    /// How long an attempt may take, in seconds, rounded up.
    pub timeout: u64,
    /// After so many attempts a message is given up.
    pub max_attempts: u32,
    /// The first wait between attempts, in seconds, rounded up.
    pub retry_base: u64,
    /// The longest wait between attempts, in seconds, rounded up.
    pub retry_cap: u64,
    /// The shape of its messages: `standard`, `slack`, `pagerduty` or `mail`.
    pub format: String,
    /// Of failures and incidents only those that are as bad as this: `warning`, `error`, `critical`.
    pub min_severity: Option<String>,
    /// After how long it is told that nobody has acknowledged an incident, in seconds.
    pub escalate_after: Option<u64>,
    /// After how much more time again, in seconds.
    pub escalate_repeat: Option<u64>,
    /// Messages a minute; what comes above is told in one. 0 is no limit.
    pub rate_limit: u32,
    /// From whom mail comes, where it is mail.
    pub mail_from: Option<String>,
    /// To whom it goes.
    pub mail_to: Vec<String>,
    /// As whom the vault logs in to the mail server.
    pub username: Option<String>,
    /// Until when the secret before signs beside the present one.
    pub former_secret_until: Option<WireTime>,
    /// When it was made.
    pub created: WireTime,
    /// Messages still to be delivered.
    pub pending: u64,
    /// Messages in the log that were delivered.
    pub delivered: u64,
    /// Messages in the log that were given up.
    pub dead: u64,
    /// Messages in the log that were kept back and told in another.
    pub summed: u64,
}

/// What POST `sys/webhooks/<name>` answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WebhookWritten {
    /// Which one it is.
    pub id: String,
    /// The secret that the vault has made for it: shown once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<Sensitive<String>>,
}

/// POST `sys/webhooks/<name>/rotate-secret`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SecretRotation {
    /// How long the secret before signs beside the new one.
    #[serde(deserialize_with = "lenient::optional_seconds", skip_serializing_if = "Option::is_none")]
    pub overlap: Option<Seconds>,
    /// The new secret; the vault makes one when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<Sensitive<String>>,
}

/// What that answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SecretRotated {
    /// The secret that the vault has made: shown once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<Sensitive<String>>,
    /// Until when the one before signs beside it.
    pub former_secret_until: WireTime,
}

/// One message to one webhook.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeliveryInfo {
    /// What happened; the same in every attempt and for every webhook.
    pub id: String,
    /// The `webhook-id` header.
    pub message_id: String,
    /// What happened, as receivers are told.
    #[serde(rename = "type")]
    pub kind: String,
    /// When.
    pub at: WireTime,
    /// `pending`, `delivered`, `dead` or `summed`.
    pub state: String,
    /// Attempts so far.
    pub attempts: u32,
    /// When the last attempt began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_attempt: Option<WireTime>,
    /// How long it took, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_millis: Option<u64>,
    /// What the receiver answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_status: Option<u16>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// When it is tried next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_attempt: Option<WireTime>,
    /// When it was delivered, or given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<WireTime>,
    /// The message that tells of it, where it was kept back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// What is sent; only where one is asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

/// GET `sys/webhooks/<name>/deliveries`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeliveryList {
    /// The newest first.
    pub deliveries: Vec<DeliveryInfo>,
}
