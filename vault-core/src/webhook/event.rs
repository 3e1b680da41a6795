//! What receivers are told, and how. Never a secret: names, numbers, times, classes.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::account::plan::{HistoryEntry, HistoryKind, Plan};
use crate::account::{Account, Subject};
use crate::clock::Timestamp;
use crate::id::{EventId, IncidentId};
use crate::incident::severity::Severity;
use crate::incident::{Incident, IncidentState, Kind};
use crate::rotation::fault::{FaultClass, Scope};
use crate::rotation::{grace, run::Stage};
use crate::team::Team;
use crate::webhook::About;
use crate::webhook::rate::Sum;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum EventKind {
    /// A new version became current.
    #[serde(rename = "credential.promoted")]
    Promoted,
    /// The old version is refused by its target.
    #[serde(rename = "credential.retired")]
    Retired,
    /// A rotation failed: once for each class of failure, not for each attempt.
    #[serde(rename = "rotation.failed")]
    Failed,
    /// A rotation waits for a person.
    #[serde(rename = "rotation.parked")]
    Parked,
    /// A grace is over, and consumers do not have the new version.
    #[serde(rename = "consumers.lagging")]
    Lagging,
    /// An incident was opened, or opened again.
    #[serde(rename = "incident.opened")]
    Opened,
    /// Somebody takes an incident.
    #[serde(rename = "incident.acknowledged")]
    Acknowledged,
    /// Nobody has taken an incident for as long as the receiver lets it wait.
    #[serde(rename = "incident.escalated")]
    Escalated,
    /// An incident was closed.
    #[serde(rename = "incident.closed")]
    Closed,
    /// Somebody tries whether messages arrive.
    #[serde(rename = "webhook.test")]
    Test,
    /// More happened in a minute than the receiver is sent one by one.
    #[serde(rename = "webhook.summary")]
    Summary,
}

impl EventKind {
    /// Each of them.
    pub const ALL: [Self; 11] = [
        Self::Promoted,
        Self::Retired,
        Self::Failed,
        Self::Parked,
        Self::Lagging,
        Self::Opened,
        Self::Acknowledged,
        Self::Escalated,
        Self::Closed,
        Self::Test,
        Self::Summary,
    ];

    /// The `type` of its messages.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Promoted => "credential.promoted",
            Self::Retired => "credential.retired",
            Self::Failed => "rotation.failed",
            Self::Parked => "rotation.parked",
            Self::Lagging => "consumers.lagging",
            Self::Opened => "incident.opened",
            Self::Acknowledged => "incident.acknowledged",
            Self::Escalated => "incident.escalated",
            Self::Closed => "incident.closed",
            Self::Test => "webhook.test",
            Self::Summary => "webhook.summary",
        }
    }

    /// Whether who gets such a message is notified of an incident.
    #[must_use]
    pub const fn notifies(self) -> bool {
        matches!(self, Self::Opened | Self::Escalated)
    }

    /// By its [`word`](Self::word).
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// What.
    pub kind: EventKind,
    /// When.
    pub at: Timestamp,
    /// Whose credential; `None` of a target's users, and of a test.
    pub subject: Option<Subject>,
    /// Where it is about a target: the accounts there, which may fail for the same reason.
    pub beside: Vec<Subject>,
    /// The incident that it tells of.
    pub about: Option<About>,
    /// How bad it is, where that can be said.
    pub severity: Option<Severity>,
    /// How bad it was told to be before: it is for those to whom that was not bad enough.
    pub before: Option<Severity>,
    /// Further facts, as they are sent.
    data: Map<String, Value>,
}

impl Event {
    /// A test message.
    #[must_use]
    pub fn test(id: EventId, now: Timestamp, webhook: &str) -> Self {
        let data = facts([("webhook", Value::from(webhook))]);
        Self::new(id, EventKind::Test, now, data)
    }

    /// The same with the address of its page, where people reach the dashboard at `base`: that of the incident; of a test and
    /// a summary the first one.
    #[must_use]
    pub fn linked(mut self, base: &str) -> Self {
        let known = self.data.get("incident_id").and_then(Value::as_str);
        let page = match (known, self.kind) {
            (Some(incident), _) => format!("{base}/ui/incident/{incident}"),
            (None, EventKind::Test | EventKind::Summary) => format!("{base}/ui/"),
            (None, _) => return self,
        };
        self.data.insert("url".to_owned(), page.into());
        self
    }

    /// That so much was kept back.
    pub(super) fn summary(sum: &Sum, webhook: &str, now: Timestamp) -> Self {
        let kinds: Map<String, Value> =
            sum.kinds.iter().map(|(kind, count)| (kind.word().to_owned(), Value::from(*count))).collect();
        let incidents: Vec<String> = sum.incidents.iter().map(ToString::to_string).collect();
        let accounts: Vec<String> = sum.accounts.iter().cloned().collect();
        let data = facts([
            ("webhook", Value::from(webhook)),
            ("since", Value::from(sum.since.to_rfc3339())),
            ("total", Value::from(sum.total)),
            ("kinds", Value::Object(kinds)),
            ("severity", Value::from(sum.worst.map(Severity::as_str))),
            ("incidents", Value::from(incidents)),
            ("accounts", Value::from(accounts)),
        ]);
        Self { severity: sum.worst, ..Self::new(sum.id, EventKind::Summary, now, data) }
    }

    fn new(id: EventId, kind: EventKind, at: Timestamp, data: Map<String, Value>) -> Self {
        let (subject, beside, about) = (None, Vec::new(), None);
        Self { id, kind, at, subject, beside, about, severity: None, before: None, data }
    }

    /// The JSON of its message: `type`, `timestamp`, `data`.
    #[must_use]
    pub fn body(&self) -> String {
        let mut data = self.data.clone();
        match &self.subject {
            Some(Subject::Account(path)) => data.insert("account".to_owned(), path.as_str().into()),
            Some(Subject::Management(target)) => {
                data.insert("management_of".to_owned(), target.as_str().into())
            }
            None => None,
        };
        serde_json::json!({ "type": self.kind.word(), "timestamp": self.at.to_rfc3339(), "data": data })
            .to_string()
    }
}

/// What `plan`, which was decided upon `before`, has to tell of an account of `team`. `id` makes new ids.
pub fn of_plan(
    before: &Account,
    plan: &Plan,
    team: Option<&Team>,
    mut id: impl FnMut() -> EventId,
) -> Vec<Event> {
    let mut events = Vec::new();
    let mut told = before.stage.run().and_then(|run| run.fault.as_ref()).map(|fault| fault.class);
    // What fails because of its target, that one's incident tells, once for all accounts.
    let is_of_target = plan.account.incident.is_some() && plan.account.incident_scope == Scope::Target;
    for entry in &plan.history {
        let kind = match entry.kind {
            HistoryKind::Promoted | HistoryKind::Reinstated => EventKind::Promoted,
            HistoryKind::Retired => EventKind::Retired,
            HistoryKind::Parked | HistoryKind::Failed if is_of_target => continue,
            HistoryKind::Parked => EventKind::Parked,
            HistoryKind::Held | HistoryKind::Cut => EventKind::Lagging,
            // The next attempt of what failed so before tells nothing new.
            HistoryKind::Failed if told != entry.class => {
                told = entry.class;
                EventKind::Failed
            }
            _ => continue,
        };
        let mut data = more(kind, entry, plan);
        data.insert("target".to_owned(), plan.account.target.as_str().into());
        if let Some(team) = team {
            data.insert("team".to_owned(), team.as_str().into());
        }
        let subject = Some(plan.account.subject.clone());
        let class = entry.class.or_else(|| plan.account.stage.run()?.fault.as_ref().map(|fault| fault.class));
        let severity = match kind {
            EventKind::Failed | EventKind::Parked => class.map(FaultClass::severity),
            _ => None,
        };
        events.push(Event { subject, severity, ..Event::new(id(), kind, entry.at, data) });
    }
    events
}

fn more(kind: EventKind, entry: &HistoryEntry, plan: &Plan) -> Map<String, Value> {
    let versions = &plan.account.versions;
    let number =
        |version: Option<crate::account::Version>| Value::from(version.map(|version| version.number));
    let run = plan.account.stage.run();
    let class = entry.class.or_else(|| run?.fault.as_ref().map(|fault| fault.class));
    let class = Value::from(class.map(FaultClass::as_str));
    let next = match &plan.account.stage {
        Stage::Waiting { at, .. } => Value::from(at.to_rfc3339()),
        _ => Value::Null,
    };
    let rotation = Value::from(entry.rotation.map(|id| id.to_string()));
    let version = Value::from(entry.version);
    match kind {
        EventKind::Promoted => {
            let grace = grace::of(&plan.account).map(|grace| grace.ends.to_rfc3339());
            facts([
                ("version", version),
                ("previous_version", number(versions.previous)),
                ("rotation_id", rotation),
                ("grace_ends", Value::from(grace)),
            ])
        }
        EventKind::Retired => facts([
            ("version", version),
            ("current_version", number(versions.current)),
            ("rotation_id", rotation),
        ]),
        EventKind::Lagging => facts([
            ("version", number(versions.current)),
            ("previous_version", version),
            ("rotation_id", rotation),
            ("outcome", Value::from(if entry.kind == HistoryKind::Held { "held" } else { "cut" })),
            ("held_until", if entry.kind == HistoryKind::Held { next } else { Value::Null }),
            ("detail", Value::from(entry.detail.clone())),
        ]),
        _ => facts([
            ("class", class),
            ("current_version", number(versions.current)),
            ("rotation_id", rotation),
            ("attempts", Value::from(run.map(|run| run.attempts))),
            ("next_attempt", next),
            ("incident_id", Value::from(plan.account.incident.map(|id| id.to_string()))),
        ]),
    }
}

/// What the change of an incident has to tell: that it was opened, or closed.
#[must_use]
pub fn of_incident(
    id: EventId,
    before: Option<IncidentState>,
    incident: &Incident,
    now: Timestamp,
) -> Option<Event> {
    let was_open = before == Some(IncidentState::Open);
    let kind = match (was_open, incident.state) {
        (false, IncidentState::Open) => EventKind::Opened,
        (true, IncidentState::Closed) => EventKind::Closed,
        _ => return None,
    };
    Some(about_incident(id, kind, incident, now))
}

/// That an incident, which was as bad as `before`, is worse now.
#[must_use]
pub fn of_worse(id: EventId, before: Severity, incident: &Incident, now: Timestamp) -> Option<Event> {
    let event = || about_incident(id, EventKind::Opened, incident, now);
    (incident.severity() > before).then(|| Event { before: Some(before), ..event() })
}

/// That somebody takes an incident, or that nobody does.
#[must_use]
pub fn of_attention(id: EventId, kind: EventKind, incident: &Incident, now: Timestamp) -> Event {
    about_incident(id, kind, incident, now)
}

fn about_incident(id: EventId, kind: EventKind, incident: &Incident, now: Timestamp) -> Event {
    let time = |at: Option<Timestamp>| Value::from(at.map(Timestamp::to_rfc3339));
    let incident_id: IncidentId = incident.id;
    let group = (incident.kind == Kind::Target).then_some(incident);
    let waits = incident.waits_since().filter(|_| kind == EventKind::Escalated);
    let data = facts([
        ("incident_id", Value::from(incident_id.to_string())),
        ("kind", Value::from(group.map(|group| group.kind.word()))),
        ("accounts_total", Value::from(group.map(|group| group.members.ever))),
        ("class", Value::from(incident.class.as_str())),
        ("severity", Value::from(incident.severity().as_str())),
        ("target", Value::from(incident.target.clone())),
        ("team", Value::from(incident.team.as_ref().map(Team::as_str))),
        (
            "owner",
            Value::from(incident.owner.clone().filter(|_| incident.taken || kind != EventKind::Opened)),
        ),
        ("opened_at", time(incident.marks.t3)),
        ("unacknowledged_since", time(waits)),
        ("remediated_at", time(incident.marks.t7.filter(|_| kind == EventKind::Closed))),
    ]);
    Event {
        subject: Subject::from_key(&incident.subject),
        about: Some(About { incident: incident_id, opening: incident.reopened }),
        severity: Some(incident.severity()),
        ..Event::new(id, kind, now, data)
    }
}

/// The facts that there are.
fn facts<const N: usize>(all: [(&str, Value); N]) -> Map<String, Value> {
    all.into_iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
