//! A message as a letter: what is broken, since when, who has it, and what to type. Pure; who sends it makes the mail.
//!
//! No text of here is trusted to be one line: what becomes a header is cleaned, and the mail library encodes it again.

use serde::{Deserialize, Serialize};

use super::delivery::Delivery;
use super::event::EventKind;
use super::format::Message;
use crate::clock::Timestamp;
use crate::id::{EventId, IncidentId, WebhookId};
use crate::incident::remedy::runbook::{Names, Runbook, runbook};
use crate::rotation::fault::FaultClass;
use crate::secret::{SecretString, for_sealing};

/// From whom mail comes, to whom it goes, and as whom the vault logs in to the server.
#[derive(Debug, Serialize, Deserialize)]
pub struct Mail {
    /// The sender's address, with or without a name.
    pub from: String,
    /// The receivers' addresses.
    pub to: Vec<String>,
    /// The user; none where the server asks for none.
    pub username: Option<String>,
    /// The user's password.
    pub password: Option<Password>,
}

/// The password at a mail server.
#[derive(Debug, Serialize, Deserialize)]
pub struct Password {
    /// The password.
    #[serde(with = "for_sealing")]
    pub password: SecretString,
}

/// The first mail about an incident: what the others answer, so that mail programs show them together. Stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thread {
    /// The message.
    pub first: EventId,
    /// When the last of them was sent.
    pub at: Timestamp,
}

impl Thread {
    /// Whether nothing was sent for so long that it is forgotten.
    #[must_use]
    pub fn is_stale(&self, now: Timestamp) -> bool {
        now.since(self.at) >= KEPT
    }
}

/// Where the thread of an incident stands.
#[must_use]
pub fn thread_key(webhook: WebhookId, incident: IncidentId) -> Vec<u8> {
    [THREAD, webhook.as_bytes().as_slice(), incident.as_bytes()].concat()
}

/// What is written in a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// One line.
    pub subject: String,
    /// Lines.
    pub text: String,
    /// The same for each attempt.
    pub id: String,
    /// The id of the first mail about the incident, where this is not the first.
    pub answers: Option<String>,
}

impl Letter {
    /// That of a delivery to `webhook`, whose sender is in `domain`. `first` is the first mail about the same incident.
    /// `None` where the body is no message of the vault's.
    #[must_use]
    pub fn of(delivery: &Delivery, webhook: WebhookId, domain: &str, first: Option<EventId>) -> Option<Self> {
        let message = Message::read(&delivery.body)?;
        let first = first.filter(|first| *first != delivery.event);
        let id = |event: EventId| format!("<{event}.{webhook}@{domain}>");
        Some(Self {
            subject: message.subject(first.is_some()),
            text: message.text(),
            id: id(delivery.event),
            answers: first.map(id),
        })
    }
}

impl Message {
    /// The same words for all mails of an incident: some programs put only those together.
    fn subject(&self, is_answer: bool) -> String {
        let text = match (self.fact("incident_id"), self.fact("class")) {
            (Some(_), Some(class)) => format!("[rotunda] {}: {class}", self.about()),
            _ => format!("[rotunda] {}", self.summary()),
        };
        let re = if is_answer { "Re: " } else { "" };
        clean(&format!("{re}{text}")).chars().take(SUBJECT_CHARS_MAX).collect()
    }

    fn text(&self) -> String {
        let mut lines = vec![clean(&self.summary()), String::new()];
        let class = self.fact("class");
        let class = FaultClass::ALL.into_iter().find(|known| class.as_deref() == Some(known.as_str()));
        let book = class.map(runbook).filter(|_| self.fact("incident_id").is_some());
        if let Some(book) = &book {
            lines.push(format!("What it means: {}", book.means));
        }
        lines.extend(
            LINES
                .into_iter()
                .filter_map(|(name, label)| Some(format!("{label}: {}", clean(&self.fact(name)?)))),
        );
        let is_open = matches!(self.kind, EventKind::Opened | EventKind::Escalated);
        if is_open && self.fact("owner").is_none() {
            lines.push("Owner: nobody has taken it yet".to_owned());
        }
        lines.push(format!("Told: {} at {}", self.kind.word(), clean(&self.timestamp)));
        if let Some(book) = book.filter(|_| self.kind != EventKind::Closed) {
            lines.extend(self.advice(&book));
        }
        lines.push(String::new());
        lines.join("\n")
    }

    /// What the vault does by itself, and what to type.
    fn advice(&self, book: &Runbook) -> Vec<String> {
        let own = ["rotunda incident show ID", "rotunda incident ack ID"];
        let known = ["incident_id", "account", "target", "management_of"].map(|fact| self.fact(fact));
        let [incident, account, target, management_of] = known.each_ref().map(Option::as_deref);
        let target = target.or(management_of);
        let is_management = management_of.is_some();
        let names = Names { incident, account, target, is_management, ..Names::default() };
        let commands = own.iter().chain(book.commands).map(|command| format!("  {}", names.fill(command)));
        let head = [String::new(), format!("What the vault does by itself: {}", book.by_itself)];
        head.into_iter().chain([String::new(), "What to type:".to_owned()]).chain(commands).collect()
    }
}

/// One line, without what moves a cursor or hides text.
fn clean(text: &str) -> String {
    text.chars().map(|one| if one.is_control() || is_mark(one) { ' ' } else { one }).collect()
}

/// Line and paragraph separators, and marks that turn the direction of text.
const fn is_mark(one: char) -> bool {
    matches!(one, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// What a mail says beside its first line.
const LINES: [(&str, &str); 21] = [
    ("account", "Account"),
    ("management_of", "Management credential of"),
    ("target", "Target"),
    ("team", "Team"),
    ("class", "Class"),
    ("severity", "Severity"),
    ("accounts_total", "Accounts"),
    ("opened_at", "Since"),
    ("unacknowledged_since", "Nobody has taken it since"),
    ("remediated_at", "Healthy since"),
    ("owner", "Owner"),
    ("version", "Version"),
    ("previous_version", "Version before"),
    ("grace_ends", "The version before works until"),
    ("attempts", "Attempts"),
    ("next_attempt", "Next attempt"),
    ("outcome", "Outcome"),
    ("detail", "Consumers"),
    ("incidents", "Incidents"),
    ("accounts", "Names"),
    ("url", "Page"),
];
const SUBJECT_CHARS_MAX: usize = 200;
/// How long it is known which mail was the first about an incident.
const KEPT: std::time::Duration = std::time::Duration::from_secs(90 * 24 * 3600);
/// What the keys of threads begin with.
pub const THREAD: &[u8] = b"t";
/// Most receivers of one.
pub const RECEIVERS_MAX: usize = 20;

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::entropy::SeededEntropy;
    use crate::webhook::event::Event;

    const NOW: Timestamp = Timestamp::from_secs(1_000_000);

    fn letter(kind: &str, data: Value, first: Option<EventId>) -> Letter {
        let entropy = SeededEntropy::new(1);
        let mut delivery = Delivery::of(&Event::test(EventId::generate(NOW, &entropy), NOW, "w"));
        delivery.body =
            json!({ "type": kind, "timestamp": "2026-11-22T16:00:00.000Z", "data": data }).to_string();
        Letter::of(&delivery, WebhookId::generate(NOW, &entropy), "vault.example", first).unwrap()
    }

    fn incident(more: Value) -> Value {
        let mut data = json!({
            "incident_id": "0199-1", "account": "db/app", "target": "pg-main", "class": "unreachable",
            "severity": "error", "opened_at": "2026-11-22T15:59:00.000Z",
        });
        data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        data
    }

    #[test]
    fn a_letter_says_what_is_broken_since_when_who_has_it_and_what_to_type() {
        let opened = letter(
            "incident.opened",
            incident(json!({ "url": "https://v.example/ui/incident/0199-1" })),
            None,
        );
        assert_eq!(opened.subject, "[rotunda] db/app: unreachable");
        let lines: Vec<&str> = opened.text.lines().collect();
        for line in [
            "error: db/app unreachable",
            "What it means: No connection, or no answer to anything that could have changed something.",
            "Since: 2026-11-22T15:59:00.000Z",
            "Owner: nobody has taken it yet",
            "Page: https://v.example/ui/incident/0199-1",
            "What the vault does by itself: Retried, paced, without end.",
            "  rotunda incident ack 0199-1",
            "  rotunda target check pg-main",
            "  rotunda rotate db/app",
        ] {
            assert!(lines.contains(&line), "{line}\n{}", opened.text);
        }
        let taken = letter("incident.acknowledged", incident(json!({ "owner": "kim" })), None);
        assert!(taken.text.contains("Owner: kim") && !taken.text.contains("nobody"), "{}", taken.text);
        let closed = letter("incident.closed", incident(json!({})), None);
        assert!(!closed.text.contains("What to type"), "{}", closed.text);
    }

    #[test]
    fn those_of_one_incident_answer_the_first_under_ids_of_their_own() {
        let first = EventId::generate(NOW, &SeededEntropy::new(7));
        let answer = letter("incident.closed", incident(json!({})), Some(first));
        assert_eq!(answer.subject, "Re: [rotunda] db/app: unreachable");
        let answers = answer.answers.unwrap();
        assert!(
            answers.starts_with(&format!("<{first}.")) && answers.ends_with("@vault.example>"),
            "{answers}"
        );
        assert_ne!(answer.id, answers);
        let again = letter("incident.opened", incident(json!({})), None);
        assert_eq!((&again.id, again.answers), (&answer.id, None), "the same event, the same id");
        let own = EventId::generate(NOW, &SeededEntropy::new(1));
        assert_eq!(letter("incident.opened", incident(json!({})), Some(own)).answers, None);
    }

    #[test]
    fn no_name_makes_a_line_of_its_own() {
        let evil = json!({
            "account": "a\r\nBcc: all@example.org\r\n\r\nhello", "owner": "x\u{202e}\u{2028}y", "target": "t\nNext: 1",
        });
        let told = letter("incident.opened", incident(evil), None);
        assert_eq!(told.subject, "[rotunda] a  Bcc: all@example.org    hello: unreachable");
        assert!(!told.text.contains('\r') && !told.text.contains('\u{202e}'));
        assert!(
            told.text.lines().all(|line| !line.starts_with("Bcc") && !line.starts_with("Next")),
            "{}",
            told.text
        );
        assert!(
            told.text.contains("  rotunda rotate PATH") && told.text.contains("  rotunda target check NAME")
        );
        let long = letter("incident.opened", incident(json!({ "account": "x".repeat(9000) })), None);
        assert!(long.subject.chars().count() <= SUBJECT_CHARS_MAX);
    }

    #[test]
    fn each_kind_has_a_letter_and_a_runbook_only_an_incident() {
        for kind in EventKind::ALL {
            let told = letter(kind.word(), json!({ "webhook": "w", "class": "drift" }), None);
            assert!(
                !told.subject.is_empty() && !told.text.contains("What to type"),
                "{kind:?}: {}",
                told.text
            );
        }
        let body = "no message".to_owned();
        let broken = Delivery {
            body,
            ..Delivery::of(&Event::test(EventId::generate(NOW, &SeededEntropy::new(1)), NOW, "w"))
        };
        assert_eq!(Letter::of(&broken, WebhookId::generate(NOW, &SeededEntropy::new(1)), "d", None), None);
    }

    #[test]
    fn a_thread_is_forgotten_when_nothing_comes_for_long() {
        let thread = Thread { first: EventId::generate(NOW, &SeededEntropy::new(1)), at: NOW };
        assert!(!thread.is_stale(NOW) && thread.is_stale(NOW.plus(KEPT)));
        let bytes = rmp_serde::to_vec_named(&thread).unwrap();
        assert_eq!(rmp_serde::from_slice::<Thread>(&bytes).unwrap(), thread);
    }
}
