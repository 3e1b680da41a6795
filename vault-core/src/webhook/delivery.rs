//! A message on its way to one receiver: its attempts, why they failed, and where it stands in queue and log.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Webhook;
use super::event::{Event, EventKind};
use super::format::Format;
use crate::clock::Timestamp;
use crate::id::{EventId, IncidentId, WebhookId};
use crate::schedule::backoff;

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
    /// The message that tells of it, where it was kept back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<EventId>,
    /// Whether a person has it sent again.
    #[serde(default)]
    pub by_hand: bool,
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
    /// Kept back, because the receiver had enough: another message tells of it.
    Summed,
}

impl DeliveryState {
    /// The word in answers.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
            Self::Summed => "summed",
        }
    }

    /// By its [`word`](Self::word).
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Pending, Self::Delivered, Self::Dead, Self::Summed]
            .into_iter()
            .find(|state| state.word() == word)
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
    /// There is no message of the webhook's format for this.
    Unfit,
    /// A pager is not told of an incident what is [not true any more](Delivery::is_overtaken).
    Overtaken,
    /// Too much waited for the receiver already.
    Overflow,
    /// A mail server refused user and password, or has no way to log in that is known.
    Login,
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

    /// Whether nobody was asked: what is not true any more, what found no room, and what cannot be put or sent as configured.
    #[must_use]
    pub const fn is_unsent(self) -> bool {
        matches!(self, Self::Overtaken | Self::Overflow | Self::Unfit | Self::Settings)
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
            Self::Unfit => "unfit",
            Self::Overtaken => "overtaken",
            Self::Overflow => "overflow",
            Self::Login => "login",
        }
    }
}

impl Attempt {
    /// Whether the receiver was asked.
    #[must_use]
    pub fn was_sent(&self) -> bool {
        !self.failure.is_some_and(FailureClass::is_unsent)
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
            summary: None,
            by_hand: false,
        }
    }

    /// The same, where too much waits for the receiver already: given up before it was tried.
    #[must_use]
    pub fn overflowed(self, now: Timestamp) -> Self {
        let failure = Some(FailureClass::Overflow);
        let last = Some(Attempt { at: now, millis: 0, status: None, failure });
        Self { last, state: DeliveryState::Dead, ended_at: Some(now), ..self }
    }

    /// The same, where `summary` tells of it.
    #[must_use]
    pub fn summed(self, summary: EventId, now: Timestamp) -> Self {
        Self { summary: Some(summary), state: DeliveryState::Summed, ended_at: Some(now), ..self }
    }

    /// The incident of which somebody knows once this is delivered.
    #[must_use]
    pub fn notifies(&self) -> Option<About> {
        self.about.filter(|_| self.kind.notifies())
    }

    /// Whether the last attempt failed so.
    #[must_use]
    pub fn ended_as(&self, class: FailureClass) -> bool {
        self.last.and_then(|last| last.failure) == Some(class)
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
            // Who tries a wrong password again and again locks the user.
            Some(
                FailureClass::Gone | FailureClass::Unfit | FailureClass::Overtaken | FailureClass::Login,
            ) => Some(DeliveryState::Dead),
            Some(_) if is_final(webhook.format, attempt.status) => Some(DeliveryState::Dead),
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
        (self.summary, self.by_hand) = (None, true);
    }

    /// Whether the log need not keep it any longer.
    #[must_use]
    pub fn is_stale(&self, now: Timestamp) -> bool {
        let kept = if self.state == DeliveryState::Dead { DEAD_KEPT } else { DELIVERED_KEPT };
        self.ended_at.is_some_and(|ended| now.since(ended) >= kept)
    }
}

/// Whether a receiver says by this status that it will never take the message.
fn is_final(format: Format, status: Option<u16>) -> bool {
    match format {
        Format::Pagerduty => status == Some(400),
        Format::Mail => status.is_some_and(|status| (500..600).contains(&status)),
        Format::Standard | Format::Slack => false,
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

/// How long the log keeps what was delivered.
const DELIVERED_KEPT: Duration = Duration::from_secs(7 * 24 * 3600);
/// How long it keeps what was given up.
const DEAD_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);
