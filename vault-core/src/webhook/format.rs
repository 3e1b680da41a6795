//! What is sent: the vault's own message, or one in the shape that a chat or a pager takes.
//!
//! A delivery keeps the vault's own message; the shape is made of it when it is sent. So a format that is changed
//! holds for what is pending, and the routing key of a pager is in no message that is stored.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

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
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Standard, Self::Slack, Self::Pagerduty];

    /// Its stable word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Slack => "slack",
            Self::Pagerduty => "pagerduty",
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
            Self::Standard | Self::Slack => true,
            Self::Pagerduty => action(kind).is_some(),
        }
    }

    /// What is sent for the vault's own message `body`; `None` where that is no message of the vault's, or this shape has
    /// none for it, or needs a routing key and there is none.
    #[must_use]
    pub fn render(self, body: &str, routing_key: Option<&str>) -> Option<String> {
        if self == Self::Standard {
            return Some(body.to_owned());
        }
        let message = Message::read(body)?;
        match self {
            Self::Standard | Self::Slack => Some(message.slack().to_string()),
            Self::Pagerduty => message.pagerduty(routing_key?).map(|event| event.to_string()),
        }
    }
}

/// What a pager does at such an event.
const fn action(kind: EventKind) -> Option<&'static str> {
    match kind {
        EventKind::Opened | EventKind::Escalated | EventKind::Test => Some("trigger"),
        EventKind::Acknowledged => Some("acknowledge"),
        EventKind::Closed => Some("resolve"),
        _ => None,
    }
}

/// A message of the vault's, read again.
struct Message {
    kind: EventKind,
    timestamp: String,
    data: Map<String, Value>,
}

impl Message {
    fn read(body: &str) -> Option<Self> {
        let Value::Object(mut body) = serde_json::from_str(body).ok()? else { return None };
        let Some(Value::Object(data)) = body.remove("data") else { return None };
        let kind = EventKind::parse(body.get("type")?.as_str()?)?;
        let timestamp = body.get("timestamp")?.as_str()?.to_owned();
        Some(Self { kind, timestamp, data })
    }

    fn fact(&self, name: &str) -> Option<String> {
        match self.data.get(name)? {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }

    /// Whose credential or which target it is about.
    fn about(&self) -> String {
        let of_target = || self.fact("target").map(|target| format!("target {target}"));
        match (self.fact("account"), self.fact("management_of")) {
            (Some(account), _) => account,
            (None, Some(target)) => format!("management of {target}"),
            (None, None) => of_target().or_else(|| self.fact("webhook")).unwrap_or_default(),
        }
    }

    /// The whole in one line.
    fn summary(&self) -> String {
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
        }
    }

    /// `text` is for clients and programs that know no blocks.
    fn slack(&self) -> Value {
        let summary = mrkdwn(&self.summary(), SUMMARY_CHARS_MAX);
        let fields: Vec<Value> = FACTS
            .into_iter()
            .filter_map(|(name, label)| Some((label, self.fact(name)?)))
            .map(|(label, fact)| json!({ "type": "mrkdwn", "text": format!("*{label}*\n{}", mrkdwn(&fact, FACT_CHARS_MAX)) }))
            .collect();
        let line = format!("{} · {}", self.kind.word(), mrkdwn(&self.timestamp, FACT_CHARS_MAX));
        let mut blocks =
            vec![json!({ "type": "section", "text": { "type": "mrkdwn", "text": format!("*{summary}*") } })];
        if !fields.is_empty() {
            blocks.push(json!({ "type": "section", "fields": fields }));
        }
        blocks.push(json!({ "type": "context", "elements": [{ "type": "mrkdwn", "text": line }] }));
        json!({ "text": summary, "blocks": blocks })
    }

    fn pagerduty(&self, routing_key: &str) -> Option<Value> {
        let action = action(self.kind)?;
        // A test is an alert of its own.
        let key = self.fact("incident_id").unwrap_or_else(|| format!("rotunda test {}", self.about()));
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
        let event = json!({
            "routing_key": routing_key, "event_action": action, "dedup_key": key,
            "payload": payload, "client": client,
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

fn clipped(text: &str, chars_max: usize) -> String {
    text.chars().take(chars_max).collect()
}

/// What a chat shows of a message beside its summary; Slack takes ten fields.
const FACTS: [(&str, &str); 8] = [
    ("target", "Target"),
    ("class", "Class"),
    ("severity", "Severity"),
    ("accounts_total", "Accounts"),
    ("attempts", "Attempts"),
    ("owner", "Owner"),
    ("opened_at", "Opened"),
    ("incident_id", "Incident"),
];
/// A field of Slack's has 2,000 characters at most, and each of these may become five.
const FACT_CHARS_MAX: usize = 300;
/// A section of Slack's has 3,000.
const SUMMARY_CHARS_MAX: usize = 500;
/// A summary of PagerDuty's.
const PAGER_SUMMARY_CHARS_MAX: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn body(kind: &str, data: &Value) -> String {
        json!({ "type": kind, "timestamp": "2026-11-22T16:00:00.000Z", "data": data }).to_string()
    }

    fn incident() -> Value {
        json!({
            "incident_id": "i-1", "kind": "target", "target": "pg-main", "class": "unreachable", "severity": "error",
            "accounts_total": 12, "opened_at": "2026-11-22T15:59:00.000Z",
        })
    }

    fn rendered(format: Format, body: &str) -> Value {
        serde_json::from_str(&format.render(body, Some("R0")).unwrap()).unwrap()
    }

    #[test]
    fn a_chat_is_told_in_one_line_and_in_fields() {
        let told = rendered(Format::Slack, &body("incident.opened", &incident()));
        assert_eq!(told["text"], "error: target pg-main unreachable (12 accounts)");
        assert_eq!(told["blocks"][0]["text"]["text"], "*error: target pg-main unreachable (12 accounts)*");
        assert_eq!(told["blocks"][1]["fields"][0]["text"], "*Target*\npg-main");
        assert!(told["blocks"][1]["fields"].as_array().unwrap().len() <= 10);
        assert_eq!(told["blocks"][2]["elements"][0]["text"], "incident.opened · 2026-11-22T16:00:00.000Z");
        let test = rendered(Format::Slack, &body("webhook.test", &json!({ "webhook": "chat" })));
        assert_eq!(test["text"], "a test of the webhook chat");
    }

    #[test]
    fn no_name_is_markup_or_a_mention() {
        let data = json!({ "account": "<!channel>&<@U1> @all\n@here", "version": 7 });
        let told = rendered(Format::Slack, &body("credential.promoted", &data));
        let want = "&lt;!channel&gt;&amp;&lt;@\u{200b}U1&gt; @\u{200b}all @\u{200b}here: version 7 is served";
        assert_eq!(told["text"], want);
        assert_eq!(told["blocks"][0]["text"]["text"], format!("*{want}*"));
        let long = json!({ "account": "&".repeat(9000), "target": "<".repeat(9000) });
        let told = rendered(Format::Slack, &body("credential.retired", &long));
        assert!(told["text"].as_str().unwrap().chars().count() <= 3000);
        assert!(told["blocks"][1]["fields"][0]["text"].as_str().unwrap().chars().count() <= 2000);
    }

    #[test]
    fn a_pager_is_triggered_acknowledged_and_resolved_under_one_key() {
        for (kind, action) in [
            ("incident.opened", "trigger"),
            ("incident.escalated", "trigger"),
            ("incident.acknowledged", "acknowledge"),
            ("incident.closed", "resolve"),
        ] {
            let event = rendered(Format::Pagerduty, &body(kind, &incident()));
            assert_eq!(
                (&event["routing_key"], &event["event_action"], &event["dedup_key"]),
                (&json!("R0"), &json!(action), &json!("i-1"))
            );
            assert_eq!(event.get("payload").is_some(), action == "trigger", "{event}");
        }
        let payload = rendered(Format::Pagerduty, &body("incident.opened", &incident()))["payload"].clone();
        assert_eq!(
            payload,
            json!({
                "summary": "error: target pg-main unreachable (12 accounts)", "source": "pg-main", "severity": "error",
                "timestamp": "2026-11-22T16:00:00.000Z", "component": "target pg-main", "group": "pg-main",
                "class": "unreachable", "custom_details": incident(),
            })
        );
        let test = rendered(Format::Pagerduty, &body("webhook.test", &json!({ "webhook": "pd" })));
        assert_eq!(
            (&test["payload"]["severity"], &test["dedup_key"]),
            (&json!("info"), &json!("rotunda test pd"))
        );
    }

    #[test]
    fn what_a_shape_has_no_message_for_is_none() {
        let promoted = body("credential.promoted", &json!({ "account": "a", "version": 1 }));
        assert_eq!(Format::Pagerduty.render(&promoted, Some("R0")), None);
        assert_eq!(
            Format::Pagerduty.render(&body("incident.opened", &incident()), None),
            None,
            "no routing key"
        );
        for broken in
            ["", "[]", "{}", r#"{"type":"incident.opened"}"#, r#"{"type":"x","timestamp":"","data":{}}"#]
        {
            assert_eq!(Format::Slack.render(broken, None), None, "{broken}");
            assert_eq!(Format::Standard.render(broken, None).as_deref(), Some(broken));
        }
        for kind in EventKind::ALL {
            let word = kind.word();
            let is_told = Format::Pagerduty.render(&body(word, &incident()), Some("R0")).is_some();
            assert_eq!(Format::Pagerduty.takes(kind), is_told, "{word}");
            assert!(
                Format::Slack.takes(kind) && Format::Slack.render(&body(word, &incident()), None).is_some()
            );
        }
    }
}
