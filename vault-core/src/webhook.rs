//! Webhooks: who is told of what happened to credentials, and what became of the telling.
//!
//! ```text
//!  a fact is committed ──► with it, for each webhook that wants to know: Queued (a delivery, and when it is tried)
//!                              │ sent, signed                                     ▲
//!                              ├── answered 2xx ──► delivered                     │ backoff
//!                              ├── 410, or the last attempt ──► dead              │
//!                              └── anything else ─────────────────────────────────┘
//! ```
//!
//! What comes above a receiver's limit is kept back, and told in one message ([`rate`]).
//!
//! A message follows the Standard Webhooks specification ([`sign`]); its id is the same in every attempt. At least
//! once: a crash between the answer and its commit repeats it.

pub mod bundle;
mod delivery;
pub mod escalation;
pub mod event;
pub mod format;
pub mod mail;
mod overtaken;
pub mod rate;
pub mod sign;

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::account::Subject;
use crate::clock::Timestamp;
use crate::id::WebhookId;
use crate::incident::severity::Severity;
use crate::secret::{SecretString, for_sealing};

use self::escalation::Patience;
use self::event::{Event, EventKind};
use self::format::Format;
use self::mail::Mail;

pub use self::delivery::{About, Attempt, Delivery, DeliveryState, FailureClass, log_key, queue_key, queued};

/// A receiver, and what it is told. Stored under its name.
#[derive(Debug, Serialize, Deserialize)]
pub struct Webhook {
    /// Which one, from its making to its removal: a later one of that name has none of its deliveries.
    pub id: WebhookId,
    /// Where to. May hold a token of the receiver's: not for logs.
    pub url: String,
    /// What it wants to know; nothing named is everything.
    pub events: BTreeSet<EventKind>,
    /// Of which accounts, by path, with `*` for any text; none named is every account and management credential.
    pub accounts: Vec<String>,
    /// Whether nothing is queued and nothing sent.
    pub disabled: bool,
    /// Whether plain HTTP to another machine is allowed.
    pub allow_http: bool,
    /// The authorities that its certificate may be of, as PEM; those of the system where none is named.
    pub tls_ca: Option<String>,
    /// How long an attempt may take.
    pub timeout: Duration,
    /// After so many attempts a delivery is dead.
    pub max_attempts: u32,
    /// The wait after a first attempt that failed.
    pub retry_base: Duration,
    /// The longest wait between attempts.
    pub retry_cap: Duration,
    /// What signs.
    #[serde(with = "for_sealing")]
    pub secret: SecretString,
    /// What signed before, and goes on beside it for a while.
    pub former: Option<Former>,
    /// When it was made.
    pub created_at: Timestamp,
    /// The shape of its messages.
    #[serde(default)]
    pub format: Format,
    /// By which a pager knows whom to call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routing_key: Option<RoutingKey>,
    /// Of failures and incidents only those that are as bad as this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_severity: Option<Severity>,
    /// After how long it is told that nobody takes an incident; `None`: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalate_after: Option<Duration>,
    /// After how much more time again; `None`: once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalate_repeat: Option<Duration>,
    /// Messages a minute; what comes above is told in one. 0 is no limit, as of a record from before.
    #[serde(default)]
    pub rate_limit: u32,
    /// From whom mail comes and to whom it goes, where it is mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<Mail>,
}

/// By which a pager knows whom to call.
#[derive(Debug, Serialize, Deserialize)]
pub struct RoutingKey {
    /// The key.
    #[serde(with = "for_sealing")]
    pub key: SecretString,
}

/// A secret that is on its way out.
#[derive(Debug, Serialize, Deserialize)]
pub struct Former {
    /// The secret.
    #[serde(with = "for_sealing")]
    pub secret: SecretString,
    /// Until when it signs.
    pub until: Timestamp,
}

/// Of a webhook, what decides whether it is told: nothing secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// Which one.
    pub id: WebhookId,
    /// Its name.
    pub name: String,
    events: BTreeSet<EventKind>,
    accounts: Vec<String>,
    format: Format,
    min_severity: Option<Severity>,
    /// How long it lets an incident wait; `None`: it does not mind.
    pub patience: Option<Patience>,
}

impl Subscription {
    /// That of `webhook`; `None` of one that is told nothing.
    #[must_use]
    pub fn of(name: String, webhook: &Webhook) -> Option<Self> {
        let Webhook { id, format, min_severity, .. } = *webhook;
        let (events, accounts) = (webhook.events.clone(), webhook.accounts.clone());
        let repeat = webhook.escalate_repeat;
        let patience = webhook.escalate_after.map(|after| Patience { after, repeat });
        (!webhook.disabled).then_some(Self { id, name, events, accounts, format, min_severity, patience })
    }

    /// Whether it is told of some accounts only.
    #[must_use]
    pub fn is_choosy(&self) -> bool {
        !self.accounts.is_empty()
    }

    /// Whether `event` is for it: of a target's incident, where an account on that target fits.
    #[must_use]
    pub fn wants(&self, event: &Event) -> bool {
        let concerns = |pattern: &String| {
            event.subject.iter().chain(&event.beside).any(|subject| match subject {
                Subject::Account(path) => fits(pattern.as_bytes(), path.as_str().as_bytes()),
                Subject::Management(_) => false,
            })
        };
        let is_asked = match event.kind {
            // For each its own time, whatever else it is told.
            EventKind::Escalated => self.patience.is_some(),
            kind if self.events.is_empty() => self.format.takes_unasked(kind),
            kind => self.events.contains(&kind),
        };
        is_asked
            && self.format.takes(event.kind)
            && event.severity.is_none_or(|severity| self.is_bad_enough(severity, event.before))
            && (self.accounts.is_empty() || self.accounts.iter().any(concerns))
    }
}

impl Subscription {
    /// Whether a failure is told; of one that was told as `before`, only where that was not bad enough.
    fn is_bad_enough(&self, severity: Severity, before: Option<Severity>) -> bool {
        let is_enough = |severity| self.min_severity.is_none_or(|min| severity >= min);
        is_enough(severity) && !before.is_some_and(is_enough)
    }
}

/// Whether `text` is as `pattern` says, where `*` stands for any text.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    let (mut rest, mut left) = (pattern, text);
    // Where to go on when what follows the last star did not fit.
    let mut retry: Option<(&[u8], &[u8])> = None;
    loop {
        match (rest.split_first(), left.split_first()) {
            (Some((b'*', after)), _) => {
                retry = Some((after, left));
                rest = after;
            }
            (None, None) => return true,
            (Some((want, after)), Some((byte, more))) if want == byte => (rest, left) = (after, more),
            _ => {
                let Some((after, (_, more))) =
                    retry.and_then(|(after, from)| Some((after, from.split_first()?)))
                else {
                    return false;
                };
                retry = Some((after, more));
                (rest, left) = (after, more);
            }
        }
    }
}

/// Most webhooks.
pub const WEBHOOKS_MAX: usize = 16;
/// The shortest time after which it is told that nobody takes an incident.
pub const ESCALATE_MIN: Duration = Duration::from_secs(60);
/// The longest.
pub const ESCALATE_MAX: Duration = Duration::from_secs(30 * 24 * 3600);
/// Most patterns of accounts of one.
pub const PATTERNS_MAX: usize = 64;
/// How long an attempt takes at most, when nothing is said; and the most that may be said.
pub const TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);
/// The longest that an attempt may take.
pub const TIMEOUT_MAX: Duration = Duration::from_secs(60);
/// Attempts when nothing is said: about half a day, with the other defaults.
pub const ATTEMPTS_DEFAULT: u32 = 20;
/// Most attempts.
pub const ATTEMPTS_MAX: u32 = 100;
/// The first wait when nothing is said.
pub const RETRY_BASE_DEFAULT: Duration = Duration::from_secs(5);
/// The longest wait when nothing is said.
pub const RETRY_CAP_DEFAULT: Duration = Duration::from_secs(3600);
/// The longest wait that may be said.
pub const RETRY_CAP_MAX: Duration = Duration::from_secs(24 * 3600);
/// How long a former secret signs beside the new one when nothing is said.
pub const OVERLAP_DEFAULT: Duration = Duration::from_secs(24 * 3600);
/// The longest that may be said of that.
pub const OVERLAP_MAX: Duration = Duration::from_secs(30 * 24 * 3600);

#[cfg(test)]
mod tests;
