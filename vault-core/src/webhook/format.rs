//! What is sent: the vault's own message, or one in the shape that a chat, a pager or people take.
//!
//! A delivery keeps the vault's own message; the shape is made of it when it is sent. So a format that is changed
//! holds for what is pending, and the routing key of a pager is in no message that is stored.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::event::EventKind;

/// The shape of a webhook's messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// The vault's own, by the Standard Webhooks specification.
    #[default]
    Standard,
    /// That of an incoming webhook of Slack; Mattermost and Rocket.Chat take it, too.
    Slack,
    /// That of PagerDuty's Events API version 2.
    Pagerduty,
    /// A letter, to people ([`mail`](super::mail)).
    Mail,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Standard, Self::Slack, Self::Pagerduty, Self::Mail];

    /// Its stable word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Slack => "slack",
            Self::Pagerduty => "pagerduty",
            Self::Mail => "mail",
        }
    }

    /// By its [`word`](Self::word).
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.word() == word)
    }

    /// Whether there is a message of this shape for such an event. A test has one in each.
    #[must_use]
    pub const fn takes(self, kind: EventKind) -> bool {
        match self {
            Self::Standard | Self::Slack | Self::Mail => true,
            Self::Pagerduty => action(kind).is_some(),
        }
    }

    /// Whether a receiver that names no events is told of these: a program of all, people of incidents, which are one message
    /// for all that belongs together.
    #[must_use]
    pub const fn takes_unasked(self, kind: EventKind) -> bool {
        match self {
            Self::Standard => true,
            Self::Slack | Self::Mail | Self::Pagerduty => matches!(
                kind,
                EventKind::Opened
                    | EventKind::Acknowledged
                    | EventKind::Escalated
                    | EventKind::Closed
                    | EventKind::Test
                    | EventKind::Summary
            ),
        }
    }

    /// What is sent for the vault's own message `body`; `None` where that is no message of the vault's, or this shape has
    /// none for it, or needs a routing key and there is none. Wiped when it is dropped, because of that key.
    #[must_use]
    pub fn render(self, body: &str, routing_key: Option<&str>) -> Option<Zeroizing<String>> {
        if self == Self::Standard {
            return Some(Zeroizing::new(body.to_owned()));
        }
        let message = Message::read(body)?;
        match self {
            Self::Slack => Some(Zeroizing::new(message.slack().to_string())),
            Self::Pagerduty => with_key(&message.pagerduty()?.to_string(), routing_key?),
            // A letter is no text to be posted.
            Self::Standard | Self::Mail => None,
        }
    }
}

/// A JSON object that has `routing_key` as its first field, too: written into room that is there at once, so that no copy
/// of the key is left behind.
fn with_key(object: &str, routing_key: &str) -> Option<Zeroizing<String>> {
    let is_plain = routing_key.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let rest = object.strip_prefix('{').filter(|_| is_plain)?;
    let parts = ["{\"routing_key\":\"", routing_key, "\",", rest];
    let mut out = Zeroizing::new(String::with_capacity(parts.iter().map(|part| part.len()).sum()));
    parts.iter().for_each(|part| out.push_str(part));
    Some(out)
}

/// What a pager does at such an event.
const fn action(kind: EventKind) -> Option<&'static str> {
    match kind {
        EventKind::Opened | EventKind::Escalated | EventKind::Test | EventKind::Summary => Some("trigger"),
        EventKind::Acknowledged => Some("acknowledge"),
        EventKind::Closed => Some("resolve"),
        _ => None,
    }
}

/// A message of the vault's, read again.
pub(super) struct Message {
    pub(super) kind: EventKind,
    pub(super) timestamp: String,
    data: Map<String, Value>,
}

impl Message {
    pub(super) fn read(body: &str) -> Option<Self> {
        let Value::Object(mut body) = serde_json::from_str(body).ok()? else { return None };
        let Some(Value::Object(data)) = body.remove("data") else { return None };
        let kind = EventKind::parse(body.get("type")?.as_str()?)?;
        let timestamp = body.get("timestamp")?.as_str()?.to_owned();
        Some(Self { kind, timestamp, data })
    }

    pub(super) fn fact(&self, name: &str) -> Option<String> {
        match self.data.get(name)? {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            Value::Array(all) => {
                let all: Vec<&str> = all.iter().filter_map(Value::as_str).collect();
                Some(all.join(", ")).filter(|all| !all.is_empty())
            }
            other => Some(other.to_string()),
        }
    }

    /// Whose credential or which target it is about.
    pub(super) fn about(&self) -> String {
        let of_target = || self.fact("target").map(|target| format!("target {target}"));
        match (self.fact("account"), self.fact("management_of")) {
            (Some(account), _) => account,
            (None, Some(target)) => format!("management of {target}"),
            (None, None) => of_target().or_else(|| self.fact("webhook")).unwrap_or_default(),
        }
    }

    /// The whole in one line.
    pub(super) fn summary(&self) -> String {
        let about = self.about();
        let fact = |name: &str| self.fact(name).unwrap_or_default();
        let many =
            self.fact("accounts_total").map(|count| format!(" ({count} accounts)")).unwrap_or_default();
        let incident = format!("{}: {about} {}{many}", fact("severity"), fact("class"));
        match self.kind {
            EventKind::Promoted => format!("{about}: version {} is served", fact("version")),
            EventKind::Retired => format!("{about}: version {} is retired", fact("version")),
            EventKind::Failed => format!("{about}: a rotation failed: {}", fact("class")),
            EventKind::Parked => format!("{about}: a rotation waits for a person: {}", fact("class")),
            EventKind::Lagging => format!("{about}: consumers lag: {}", fact("outcome")),
            EventKind::Opened => incident,
            EventKind::Acknowledged => match self.fact("owner") {
                Some(owner) => format!("acknowledged by {owner}: {incident}"),
                None => format!("acknowledged: {incident}"),
            },
            EventKind::Escalated => format!("nobody has acknowledged: {incident}"),
            EventKind::Closed => format!("closed: {incident}"),
            EventKind::Test => format!("a test of the webhook {about}"),
            EventKind::Summary => self.kept_back(),
        }
    }

    /// How much was kept back, of what kinds.
    fn kept_back(&self) -> String {
        let kinds = self.data.get("kinds").and_then(Value::as_object).into_iter().flatten();
        let kinds: Vec<String> = kinds.map(|(kind, count)| format!("{count} {kind}")).collect();
        let worst = self.fact("severity").map(|worst| format!("{worst}: ")).unwrap_or_default();
        let total = self.fact("total").unwrap_or_default();
        format!("{worst}{total} more messages in a minute: {}", kinds.join(", "))
    }

    /// `text` is for clients and programs that know no blocks.
    fn slack(&self) -> Value {
        let summary = mrkdwn(&self.summary(), SUMMARY_CHARS_MAX);
        let fields: Vec<Value> = FACTS
            .into_iter()
            .filter_map(|(name, label)| Some((label, self.fact(name)?)))
            .take(FIELDS_MAX)
            .map(|(label, fact)| json!({ "type": "mrkdwn", "text": format!("*{label}*\n{}", mrkdwn(&fact, FACT_CHARS_MAX)) }))
            .collect();
        let line = format!("{} · {}", self.kind.word(), mrkdwn(&self.timestamp, FACT_CHARS_MAX));
        let mut blocks =
            vec![json!({ "type": "section", "text": { "type": "mrkdwn", "text": format!("*{summary}*") } })];
        if !fields.is_empty() {
            blocks.push(json!({ "type": "section", "fields": fields }));
        }
        if let Some(url) = self.fact("url") {
            let text = format!("<{}|Open in Rotunda>", link(&url));
            blocks.push(json!({ "type": "section", "text": { "type": "mrkdwn", "text": text } }));
        }
        blocks.push(json!({ "type": "context", "elements": [{ "type": "mrkdwn", "text": line }] }));
        json!({ "text": summary, "blocks": blocks })
    }

    fn pagerduty(&self) -> Option<Value> {
        let action = action(self.kind)?;
        // A test is an alert of its own, and so is each summary.
        let key = self.fact("incident_id").unwrap_or_else(|| match self.kind {
            EventKind::Summary => format!("rotunda summary {} {}", self.about(), self.timestamp),
            _ => format!("rotunda test {}", self.about()),
        });
        let payload = (action == "trigger").then(|| {
            present(json!({
                "summary": clipped(&self.summary(), PAGER_SUMMARY_CHARS_MAX),
                "source": self.fact("target").unwrap_or_else(|| "rotunda".to_owned()),
                "severity": self.fact("severity").unwrap_or_else(|| "info".to_owned()),
                "timestamp": self.timestamp,
                "component": self.about(),
                "group": self.fact("target"),
                "class": self.fact("class"),
                "custom_details": self.data,
            }))
        });
        let client = payload.is_some().then_some("Rotunda");
        let url = self.fact("url").filter(|_| payload.is_some());
        let links = url.as_ref().map(|url| json!([{ "href": url, "text": "Open in Rotunda" }]));
        let event = json!({
            "event_action": action, "dedup_key": key, "payload": payload, "client": client,
            "client_url": url, "links": links,
        });
        Some(present(event))
    }
}

/// Without what is not known.
fn present(object: Value) -> Value {
    match object {
        Value::Object(fields) => fields.into_iter().filter(|(_, value)| !value.is_null()).collect(),
        other => other,
    }
}

/// Text in which nothing is markup, a link or a mention: the three characters that Slack demands to be escaped
/// (<https://docs.slack.dev/messaging/formatting-message-text>); and an `@` that Mattermost and Rocket.Chat take for
/// nobody, because a space without width follows it.
fn mrkdwn(text: &str, chars_max: usize) -> String {
    let mut out = String::with_capacity(text.len());
    for character in clipped(text, chars_max).chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '@' => out.push_str("@\u{200b}"),
            character if character.is_control() => out.push(' '),
            character => out.push(character),
        }
    }
    out
}

/// An address in which nothing ends the link.
fn link(url: &str) -> String {
    url.replace('&', "&amp;").replace('<', "%3C").replace('>', "%3E").replace('|', "%7C")
}

fn clipped(text: &str, chars_max: usize) -> String {
    text.chars().take(chars_max).collect()
}

/// What a chat shows of a message beside its summary.
const FACTS: [(&str, &str); 11] = [
    ("target", "Target"),
    ("team", "Team"),
    ("class", "Class"),
    ("severity", "Severity"),
    ("accounts_total", "Accounts"),
    ("attempts", "Attempts"),
    ("owner", "Owner"),
    ("opened_at", "Opened"),
    ("incident_id", "Incident"),
    ("incidents", "Incidents"),
    ("accounts", "Names"),
];
/// Slack takes ten.
const FIELDS_MAX: usize = 10;
/// A field of Slack's has 2,000 characters at most, and each of these may become five.
const FACT_CHARS_MAX: usize = 300;
/// A section of Slack's has 3,000.
const SUMMARY_CHARS_MAX: usize = 500;
/// A summary of PagerDuty's.
const PAGER_SUMMARY_CHARS_MAX: usize = 1024;

#[cfg(test)]
mod tests;
