//! `incidents/…`: what failed, since when, who has it.

mod act;
mod action;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::act::IncidentAct;
pub use self::action::{
    AccountAction, AccountActions, ActRequest, ActResponse, ActionStep, IncidentAction, IncidentActions,
    Runbook,
};
use crate::{WireTime, lenient, silence::Silenced};

/// Why something failed, as facts; flat inside the objects that carry it, absent keys when all is well.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FailureFacts {
    /// The failure's class, such as `unreachable` or `policy_rejected`; each has a runbook.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// One sentence without secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The incident that stands for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incident: Option<String>,
    /// Attempts made so far.
    // Read through `Value`: serde's buffer for flattened fields does not know arbitrary-precision numbers.
    #[serde(deserialize_with = "lenient::optional_u64", skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u64>,
    /// When the vault tries again by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_attempt: Option<WireTime>,
}

/// GET `incidents/?state=open|closed|all&team=…&order=opened|exposure&limit=…`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct IncidentList {
    /// The incidents in the order asked for, the oldest first unless named: with a limit those that press most, or the
    /// oldest and in the last tenth the newest.
    pub incidents: Vec<Incident>,
    /// How many there are, of which these may be a part.
    pub total: u64,
    /// Of these, those that nobody has acknowledged.
    pub unacknowledged: u64,
}

/// Whether an incident is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IncidentState {
    /// Not verified healthy yet.
    #[default]
    Open,
    /// Verified healthy; nothing else closes one.
    Closed,
}

/// GET `incidents/<id>`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Incident {
    /// Its name.
    pub id: String,
    /// The account's path, or the target's name.
    pub subject: String,
    /// The target it happened on.
    pub target: String,
    /// The failure's class.
    pub class: String,
    /// How bad it was at its worst since it was opened: `warning`, `error` or `critical`.
    pub severity: String,
    /// For how long it has been, or was, open to harm, in seconds: from the first evidence to the proof.
    pub exposure_seconds: u64,
    /// The step of the rotation that failed.
    pub phase: String,
    /// Whether it is over.
    pub state: IncidentState,
    /// When it was opened.
    pub opened_at: WireTime,
    /// One sentence without secrets.
    pub detail: Option<String>,
    /// Who has it.
    pub owner: Option<String>,
    /// When somebody took note.
    pub acknowledged_at: Option<WireTime>,
    /// Attempts made so far.
    pub attempts: u64,
    /// When the vault tries again by itself.
    pub next_attempt: Option<WireTime>,
    /// The times `t0` (due) to `t7` (remediated) that are known.
    pub marks: BTreeMap<String, Option<WireTime>>,
    /// What happened, oldest first; of a long time line the first and the newest lines. Left out of lists.
    pub events: Vec<IncidentEvent>,
    /// Lines of the whole time line; GET `incidents/<id>/events` pages through it.
    pub events_total: u64,
    /// Times it was reopened.
    pub reopened: u64,
    /// The most by which the server's clock was stepped back meanwhile: its durations are no observations then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock_stepped_back_seconds: Option<f64>,
    /// Minutes that people have spent on it, as notes and the review say.
    pub staff_minutes: u64,
    /// What people found afterwards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review: Option<IncidentReview>,
    /// `account`; `target` when it is a target's, with the accounts that fail because of it beneath it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// Of those beneath it now, the first 100. Left out of lists; GET `incidents/<id>/accounts` pages through all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<String>,
    /// How many are beneath it now, of a target's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accounts_open: Option<u64>,
    /// How many ever were, of a target's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accounts_total: Option<u64>,
    /// The target's incident that the account was beneath before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moved_from: Option<String>,
    /// The incident that has the same cause and stands for this one as well; lists show that one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<String>,
    /// Those that this one stands for as well, each with a proof of its own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub merged: Vec<MergedIncident>,
    /// What keeps its notification back, while that lasts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silenced: Option<Silenced>,
    /// What the vault did last by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_act: Option<IncidentAct>,
    /// Whose it was when it was opened for the first time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
}

/// An incident that is merged into another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MergedIncident {
    /// Its name.
    pub id: String,
    /// The account's path, or the target's name; empty where it cannot be read.
    pub subject: String,
    /// The failure's class; empty where it cannot be read.
    pub class: String,
    /// Whether it is over.
    pub state: IncidentState,
    /// When it was opened.
    pub opened_at: WireTime,
}

/// One line of an incident; lines are only ever added.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct IncidentEvent {
    /// When.
    pub at: WireTime,
    /// What, such as `opened`, `attempt`, `note`.
    pub kind: String,
    /// Who; the vault itself when absent.
    pub by: Option<String>,
    /// More, in words.
    pub text: Option<String>,
    /// Its place in the time line, from 0 on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// What the server's clock showed, where that was earlier than the line before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock: Option<WireTime>,
    /// The failure's class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// The step of the rotation that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// Which attempt of the rotation failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u64>,
    /// Minutes of work that the line tells of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub staff_minutes: Option<u64>,
    /// Since when it was wrong, as far as is known; of `opened`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault_at: Option<WireTime>,
    /// When the first attempt began, as the clock showed it; of `opened`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<WireTime>,
    /// The incident that this one is merged into from here on; of `merged`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub into: Option<String>,
}

/// GET `incidents/<id>/events`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct IncidentEvents {
    /// The lines, oldest first.
    pub events: Vec<IncidentEvent>,
    /// The place to give as `after` for the lines that follow; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// GET `incidents/<id>/accounts`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct IncidentAccounts {
    /// The accounts that are, or were, beneath a target's incident, by name.
    pub accounts: Vec<IncidentAccount>,
    /// What to give as `after` for those that follow; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// An account beneath a target's incident.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct IncidentAccount {
    /// Which.
    pub account: String,
    /// `open`, `parked`, or why it is there no more: `proven`, `moved`, `withdrawn`.
    pub state: String,
    /// The class of its last failure.
    pub class: String,
    /// The step that failed last.
    pub phase: String,
    /// Its last failure in words.
    pub detail: String,
    /// Its failures since it joined.
    pub attempts: u64,
    /// When the vault tries again by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_attempt: Option<WireTime>,
    /// Since when it is beneath the incident.
    pub joined_at: WireTime,
    /// Since when its consumers can log in again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mitigated_at: Option<WireTime>,
    /// Since when it is there no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_at: Option<WireTime>,
    /// Its own incident, when it has moved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moved_to: Option<String>,
    /// Its failures, oldest first, those alike in one line; of many the first and the newest.
    pub failures: Vec<IncidentEvent>,
}

/// What people found afterwards.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct IncidentReview {
    /// Who says so.
    pub by: String,
    /// The kind of cause, such as `network` or `changed_outside`.
    pub cause: String,
    /// In words.
    pub text: String,
}

/// POST `incidents/<id>/review`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReviewRequest {
    /// The kind of cause, such as `network` or `changed_outside`.
    pub cause: String,
    /// In words.
    pub text: String,
    /// Minutes spent, beside those that notes tell of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub staff_minutes: Option<u64>,
}

/// POST `incidents/<id>/assign`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AssignRequest {
    /// Who shall have it.
    pub owner: String,
}

/// POST `incidents/<id>/merge`, and without `into` `incidents/<id>/unmerge`; answered by [`ActResponse`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MergeRequest {
    /// The incident that stands for both from then on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub into: Option<String>,
    /// Whether it is only asked what would be done.
    pub dry_run: bool,
}

/// POST `incidents/<id>/note`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NoteRequest {
    /// What to add.
    pub text: String,
    /// Minutes spent on the incident.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub staff_minutes: Option<u64>,
}
