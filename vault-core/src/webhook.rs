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
//! A message follows the Standard Webhooks specification ([`sign`]); its id is the same in every attempt. At least
//! once: a crash between the answer and its commit repeats it.

pub mod event;
pub mod sign;

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::account::Subject;
use crate::clock::Timestamp;
use crate::id::{EventId, IncidentId, WebhookId};
use crate::schedule::backoff;
use crate::secret::{SecretString, for_sealing};

use self::event::{Event, EventKind};

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
}

impl Subscription {
    /// That of `webhook`; `None` of one that is told nothing.
    #[must_use]
    pub fn of(name: String, webhook: &Webhook) -> Option<Self> {
        let (events, accounts) = (webhook.events.clone(), webhook.accounts.clone());
        (!webhook.disabled).then_some(Self { id: webhook.id, name, events, accounts })
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
        (self.events.is_empty() || self.events.contains(&event.kind))
            && (self.accounts.is_empty() || self.accounts.iter().any(concerns))
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

/// One message to one webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The id of what happened: the same for every webhook, and in every attempt.
    pub event: EventId,
    /// What happened.
    pub kind: EventKind,
    /// When.
    pub at: Timestamp,
    /// The JSON that is sent.
    pub body: String,
    /// Attempts so far.
    pub attempts: u32,
    /// The last of them.
    pub last: Option<Attempt>,
    /// Where it stands.
    pub state: DeliveryState,
    /// When it was delivered, or given up.
    pub ended_at: Option<Timestamp>,
    /// The incident that it tells of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<About>,
}

/// The incident that a message tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// Which one.
    pub incident: IncidentId,
    /// How often it had been reopened by then.
    pub opening: u32,
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It is tried until it is delivered or dead.
    Pending,
    /// The receiver has taken it.
    Delivered,
    /// Given up; a person may have it tried again.
    Dead,
}

impl DeliveryState {
    /// The word in answers.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }
}

/// One attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When it began.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub millis: u64,
    /// What the receiver answered, if it did.
    pub status: Option<u16>,
    /// Why it failed; `None` when it did not.
    pub failure: Option<FailureClass>,
}

/// Why a receiver has not taken a message. A class says what to look at; no text of the receiver's is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// Its name has no address.
    Unresolved,
    /// Its address is one that is never asked: link-local, multicast.
    AddressRefused,
    /// No connection.
    Unreachable,
    /// TLS failed.
    Tls,
    /// No answer in time.
    Timeout,
    /// The connection broke, or the answer was no HTTP.
    Broken,
    /// It sent elsewhere, which is not followed.
    Redirect,
    /// It does not want to be told any more (410).
    Gone,
    /// It refused (another 4xx).
    Refused,
    /// It failed (5xx), or answered what says nothing.
    Failed,
    /// The settings of the webhook cannot be used.
    Settings,
}

impl FailureClass {
    /// That of an answer with this status; `None` for success.
    #[must_use]
    pub const fn of_status(status: u16) -> Option<Self> {
        match status {
            200..=299 => None,
            300..=399 => Some(Self::Redirect),
            410 => Some(Self::Gone),
            400..=499 => Some(Self::Refused),
            _ => Some(Self::Failed),
        }
    }

    /// The word in answers and metrics.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unresolved => "unresolved",
            Self::AddressRefused => "address_refused",
            Self::Unreachable => "unreachable",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Broken => "broken",
            Self::Redirect => "redirect",
            Self::Gone => "gone",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Settings => "settings",
        }
    }
}

impl Delivery {
    /// The first delivery of `event`.
    #[must_use]
    pub fn of(event: &Event) -> Self {
        Self {
            event: event.id,
            kind: event.kind,
            at: event.at,
            body: event.body(),
            attempts: 0,
            last: None,
            state: DeliveryState::Pending,
            ended_at: None,
            about: event.about,
        }
    }

    /// The incident of which somebody knows once this is delivered.
    #[must_use]
    pub fn notifies(&self) -> Option<About> {
        self.about.filter(|_| self.kind.notifies())
    }

    /// Notes what came of an attempt that ended at `now`; gives the time of the next one, if there is one.
    pub fn attempted(
        &mut self,
        attempt: Attempt,
        webhook: &Webhook,
        now: Timestamp,
        draw: u64,
    ) -> Option<Timestamp> {
        self.attempts = self.attempts.saturating_add(1);
        self.last = Some(attempt);
        let ends = match attempt.failure {
            None => Some(DeliveryState::Delivered),
            Some(FailureClass::Gone) => Some(DeliveryState::Dead),
            Some(_) if self.attempts >= webhook.max_attempts => Some(DeliveryState::Dead),
            Some(_) => None,
        };
        if let Some(state) = ends {
            (self.state, self.ended_at) = (state, Some(now));
            return None;
        }
        Some(now.plus(backoff(self.attempts, webhook.retry_base, webhook.retry_cap, draw)))
    }

    /// A person wants it tried again: as often as a new one.
    pub fn revive(&mut self) {
        (self.attempts, self.state, self.ended_at) = (0, DeliveryState::Pending, None);
    }

    /// Whether the log need not keep it any longer.
    #[must_use]
    pub fn is_stale(&self, now: Timestamp) -> bool {
        let kept = if self.state == DeliveryState::Dead { DEAD_KEPT } else { DELIVERED_KEPT };
        self.ended_at.is_some_and(|ended| now.since(ended) >= kept)
    }
}

/// The key of a delivery that is pending: webhook, due time (8 bytes, big endian), event. So each webhook has a
/// queue of its own, the earliest first.
#[must_use]
pub fn queue_key(webhook: WebhookId, due: Timestamp, event: EventId) -> Vec<u8> {
    let millis = u64::try_from(due.as_millis()).unwrap_or(0);
    [webhook.as_bytes().as_slice(), &millis.to_be_bytes(), event.as_bytes()].concat()
}

/// The due time and the event in a key of [`queue_key`].
#[must_use]
pub fn queued(key: &[u8]) -> Option<(Timestamp, EventId)> {
    let (due, event) = key.get(16..)?.split_first_chunk::<8>()?;
    let due = i64::try_from(u64::from_be_bytes(*due)).ok()?;
    Some((Timestamp::from_millis(due), EventId::from_stored(event.try_into().ok()?)))
}

/// The key of a delivery that has ended: webhook, event; so the oldest comes first.
#[must_use]
pub fn log_key(webhook: WebhookId, event: EventId) -> Vec<u8> {
    [webhook.as_bytes().as_slice(), event.as_bytes()].concat()
}

/// Most webhooks.
pub const WEBHOOKS_MAX: usize = 16;
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
/// How long the log keeps what was delivered.
const DELIVERED_KEPT: Duration = Duration::from_secs(7 * 24 * 3600);
/// How long it keeps what was given up.
const DEAD_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

#[cfg(test)]
mod tests;
