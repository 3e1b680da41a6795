//! How many messages a receiver is sent in a minute, and what becomes of the rest: pure decisions.
//!
//! ```text
//!  due ──► room in this minute, or urgent ──► sent
//!     └──► neither ──► kept back: counted in the sum of this minute ── its end ──► one message says what was kept back
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::delivery::{About, Delivery};
use super::event::{Event, EventKind};
use super::format::Format;
use crate::clock::Timestamp;
use crate::id::{EventId, IncidentId, WebhookId};
use crate::incident::severity::Severity;

/// The minute that counts, and how often the receiver was asked in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Minute {
    /// When it began.
    pub began: Timestamp,
    /// Attempts so far.
    pub sent: u32,
}

impl Minute {
    /// That of a receiver that was asked at these times: what a start after a crash knows.
    #[must_use]
    pub fn of(attempts: impl IntoIterator<Item = Timestamp>, now: Timestamp) -> Self {
        let is_recent = |at: &Timestamp| *at <= now && now.since(*at) < MINUTE;
        let recent = attempts.into_iter().filter(is_recent);
        recent.fold(Self { began: now, sent: 0 }, |minute, at| Self {
            began: minute.began.min(at),
            sent: minute.sent.saturating_add(1),
        })
    }

    /// The same, or a new one where it is over, or the clock was stepped back.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Self {
        if now < self.began || now.since(self.began) >= MINUTE { Self { began: now, sent: 0 } } else { self }
    }

    /// How many more may be sent; `limit` 0 is no limit.
    #[must_use]
    pub const fn room(&self, limit: u32) -> u32 {
        if limit == 0 { u32::MAX } else { limit.saturating_sub(self.sent) }
    }

    /// When it is over.
    #[must_use]
    pub fn until(&self) -> Timestamp {
        self.began.plus(MINUTE)
    }
}

/// What a stored message says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// How bad it is.
    pub severity: Option<Severity>,
    /// Whose credential.
    pub account: Option<String>,
}

impl Facts {
    /// Of the body of a delivery.
    #[must_use]
    pub fn of(body: &str) -> Self {
        let Ok(body) = serde_json::from_str::<serde_json::Value>(body) else { return Self::default() };
        let text = |name: &str| body.get("data")?.get(name)?.as_str();
        Self {
            severity: text("severity").and_then(Severity::parse),
            account: text("account").map(str::to_owned),
        }
    }
}

/// Whether a message is sent however many were: a critical incident, that nobody takes one, what a person asked for; and
/// of a pager what ends an alert, because an alert whose end is kept back stays.
#[must_use]
pub fn is_urgent(delivery: &Delivery, facts: &Facts, format: Format) -> bool {
    delivery.by_hand
        || match delivery.kind {
            EventKind::Summary | EventKind::Escalated | EventKind::Test => true,
            EventKind::Opened => facts.severity == Some(Severity::Critical),
            EventKind::Acknowledged | EventKind::Closed => format == Format::Pagerduty,
            _ => false,
        }
}

/// What was kept back in a minute, to be told in one message. Stored while it is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum {
    /// The message that will tell it.
    pub id: EventId,
    /// When the first was kept back.
    pub since: Timestamp,
    /// When it is told.
    pub until: Timestamp,
    /// How many messages.
    pub total: u64,
    /// How many of each kind.
    pub kinds: BTreeMap<EventKind, u64>,
    /// The worst of them.
    pub worst: Option<Severity>,
    /// The first incidents that they tell of.
    pub incidents: BTreeSet<IncidentId>,
    /// The first accounts.
    pub accounts: BTreeSet<String>,
}

impl Sum {
    /// Of nothing yet.
    #[must_use]
    pub fn new(id: EventId, since: Timestamp, until: Timestamp) -> Self {
        let (kinds, incidents, accounts) = Default::default();
        Self { id, since, until, total: 0, kinds, worst: None, incidents, accounts }
    }

    /// Counts one more.
    pub fn add(&mut self, delivery: &Delivery, facts: Facts) {
        self.total = self.total.saturating_add(1);
        let of_kind = self.kinds.entry(delivery.kind).or_default();
        *of_kind = of_kind.saturating_add(1);
        self.worst = self.worst.max(facts.severity);
        keep(&mut self.incidents, delivery.about.map(|about| about.incident));
        keep(&mut self.accounts, facts.account);
    }

    /// Whether it is to be told; at once where the clock was stepped back.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        now >= self.until || now < self.since
    }

    /// The message.
    #[must_use]
    pub fn event(&self, webhook: &str, now: Timestamp) -> Event {
        Event::summary(self, webhook, now)
    }
}

fn keep<T: Ord>(some: &mut BTreeSet<T>, one: Option<T>) {
    if some.len() < NAMED_MAX {
        some.extend(one);
    }
}

/// An incident of which somebody is notified once a summary is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Which one.
    pub about: About,
}

/// Where the open sum of a webhook stands.
#[must_use]
pub fn sum_key(webhook: WebhookId) -> Vec<u8> {
    [SUM, webhook.as_bytes().as_slice()].concat()
}

/// Where the notices of a summary stand.
#[must_use]
pub fn notices_key(webhook: WebhookId, summary: EventId) -> Vec<u8> {
    [NOTICE, webhook.as_bytes().as_slice(), summary.as_bytes()].concat()
}

/// Where one of them stands: the incident and its opening after that.
#[must_use]
pub fn notice_key(webhook: WebhookId, summary: EventId, about: About) -> Vec<u8> {
    let mut key = notices_key(webhook, summary);
    key.extend_from_slice(about.incident.as_bytes());
    key.extend_from_slice(&about.opening.to_be_bytes());
    key
}

/// The webhook in the key of something that it has open, and the summary of a notice.
#[must_use]
pub fn noted(key: &[u8]) -> Option<(WebhookId, Option<EventId>)> {
    let (webhook, rest) = key.get(1..)?.split_first_chunk::<16>()?;
    let summary = if key.starts_with(NOTICE) { Some(*rest.first_chunk::<16>()?) } else { None };
    Some((WebhookId::from_stored(*webhook), summary.map(EventId::from_stored)))
}

/// Messages a minute when nothing is said.
pub const RATE_DEFAULT: u32 = 60;
/// The most that may be said.
pub const RATE_MAX: u32 = 6000;
/// Incidents and accounts that a summary names.
pub const NAMED_MAX: usize = 20;
/// The most messages that wait for one receiver: what comes then is given up at once.
pub const PENDING_MAX: u64 = 100_000;
const MINUTE: Duration = Duration::from_secs(60);
const SUM: &[u8] = b"s";
/// What the keys of notices begin with.
pub const NOTICE: &[u8] = b"n";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    const NOW: Timestamp = Timestamp::from_secs(1_000_000);

    fn at(seconds: u64) -> Timestamp {
        NOW.plus(Duration::from_secs(seconds))
    }

    fn delivery(kind: EventKind, severity: Option<&str>, number: u64) -> Delivery {
        let entropy = SeededEntropy::new(number);
        let mut delivery = Delivery::of(&Event::test(EventId::generate(NOW, &entropy), NOW, "w"));
        let data = serde_json::json!({ "severity": severity, "account": format!("a{number}") });
        delivery.kind = kind;
        delivery.body = serde_json::json!({ "type": kind.word(), "data": data }).to_string();
        delivery.about = Some(About { incident: IncidentId::generate(NOW, &entropy), opening: 0 });
        delivery
    }

    #[test]
    fn a_minute_has_room_for_so_many_and_the_next_one_again() {
        let mut minute = Minute { began: NOW, sent: 0 };
        for (seconds, limit, sent, room) in [
            (0, 3, 0, 3),
            (59, 3, 3, 0),
            (59, 3, 7, 0),
            (59, 0, 7, u32::MAX),
            (60, 3, 0, 3),
            (119, 3, 2, 1),
            (3600, 3, 0, 3),
        ] {
            minute = minute.at(at(seconds));
            if minute.began != at(seconds) || seconds == 0 {
                minute.sent = sent;
            }
            assert_eq!(minute.room(limit), room, "{seconds} s, {limit}, {sent}");
        }
        let stepped = minute.at(NOW);
        assert_eq!((stepped.began, stepped.sent), (NOW, 0), "the clock was stepped back");
        assert_eq!(stepped.until(), at(60));
    }

    #[test]
    fn who_was_asked_before_a_crash_was_asked_in_this_minute_all_the_same() {
        let minute = Minute::of([at(0), at(5), at(30), at(100)], at(62));
        assert_eq!(
            (minute.began, minute.sent),
            (at(5), 2),
            "neither what is older nor what is of the future"
        );
        assert_eq!(Minute::of([], NOW), Minute { began: NOW, sent: 0 });
    }

    #[test]
    fn what_cannot_wait_is_not_kept_back() {
        use EventKind::{Acknowledged, Closed, Escalated, Failed, Opened, Promoted, Summary, Test};
        for (kind, severity, format, want) in [
            (Opened, Some("critical"), Format::Standard, true),
            (Opened, Some("error"), Format::Standard, false),
            (Opened, None, Format::Standard, false),
            (Escalated, Some("warning"), Format::Slack, true),
            (Closed, Some("critical"), Format::Slack, false),
            (Closed, Some("error"), Format::Pagerduty, true),
            (Acknowledged, Some("error"), Format::Pagerduty, true),
            (Acknowledged, Some("error"), Format::Standard, false),
            (Failed, Some("critical"), Format::Standard, false),
            (Promoted, None, Format::Standard, false),
            (Summary, None, Format::Standard, true),
            (Test, None, Format::Standard, true),
        ] {
            let one = delivery(kind, severity, 1);
            let facts = Facts::of(&one.body);
            assert_eq!(is_urgent(&one, &facts, format), want, "{kind:?} {severity:?} {format:?}");
            let asked = Delivery { by_hand: true, ..one };
            assert!(is_urgent(&asked, &facts, format), "a person asked for it");
        }
        assert_eq!(Facts::of("no message"), Facts::default());
    }

    #[test]
    fn a_sum_counts_each_and_names_the_first() {
        let entropy = SeededEntropy::new(99);
        let mut sum = Sum::new(EventId::generate(NOW, &entropy), at(1), at(60));
        for number in 0..30 {
            let severity = if number == 7 { "error" } else { "warning" };
            let one = delivery(EventKind::Opened, Some(severity), number);
            sum.add(&one, Facts::of(&one.body));
        }
        let promoted = delivery(EventKind::Promoted, None, 0);
        sum.add(&promoted, Facts::of(&promoted.body));
        assert_eq!((sum.total, sum.worst), (31, Some(Severity::Error)));
        assert_eq!(sum.kinds, BTreeMap::from([(EventKind::Opened, 30), (EventKind::Promoted, 1)]));
        assert_eq!((sum.incidents.len(), sum.accounts.len()), (NAMED_MAX, NAMED_MAX));
        assert!(
            !sum.is_due(at(59)) && sum.is_due(at(60)) && sum.is_due(NOW),
            "or the clock was stepped back"
        );
        let bytes = rmp_serde::to_vec_named(&sum).unwrap();
        assert_eq!(rmp_serde::from_slice::<Sum>(&bytes).unwrap(), sum);
        let told = sum.event("chat", at(60));
        assert_eq!((told.id, told.kind, told.severity), (sum.id, EventKind::Summary, Some(Severity::Error)));
        let body: serde_json::Value = serde_json::from_str(&told.body()).unwrap();
        assert_eq!(body["type"], "webhook.summary");
        assert_eq!(body["data"]["total"], 31);
        assert_eq!(
            body["data"]["kinds"],
            serde_json::json!({ "credential.promoted": 1, "incident.opened": 30 })
        );
        assert_eq!(body["data"]["incidents"].as_array().unwrap().len(), NAMED_MAX);
        assert_eq!(body["data"]["since"], at(1).to_rfc3339());
    }

    #[test]
    fn a_key_says_whose_it_is() {
        let entropy = SeededEntropy::new(4);
        let (webhook, event) = (WebhookId::generate(NOW, &entropy), EventId::generate(NOW, &entropy));
        let about = About { incident: IncidentId::generate(NOW, &entropy), opening: 3 };
        assert_eq!(noted(&sum_key(webhook)), Some((webhook, None)));
        let key = notice_key(webhook, event, about);
        assert_eq!(noted(&key), Some((webhook, Some(event))));
        assert!(key.starts_with(&notices_key(webhook, event)));
        assert_eq!((noted(b"s"), noted(b"n0123456789abcdef")), (None, None));
    }
}
