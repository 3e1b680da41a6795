//! `incidents/<id>/actions` and `incidents/<id>/act/<action>`: what may be pressed about an incident.

use serde::{Deserialize, Serialize};

use crate::{Sensitive, WireTime};

/// GET `incidents/<id>/actions`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct IncidentActions {
    /// The incident.
    pub id: String,
    /// What it is about.
    pub subject: String,
    /// The class of the failure.
    pub class: String,
    /// What to know about the class.
    pub runbook: Runbook,
    /// What may be pressed where the account stands now.
    pub actions: Vec<IncidentAction>,
    /// Why there is nothing to press that repairs it, when there is nothing.
    pub nothing: Option<String>,
    /// The first 50 beneath a target's incident, each with what may be pressed for it alone; the management credential is
    /// the first of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<AccountActions>,
}

/// What may be pressed for one account beneath a target's incident. What it would do is told of that account alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AccountActions {
    /// Which, as `account` takes it.
    pub account: String,
    /// The class of its last failure.
    pub class: String,
    /// The actions that fit where it stands now.
    pub actions: Vec<AccountAction>,
}

/// An action that fits one account beneath a target's incident.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AccountAction {
    /// Its word.
    pub action: String,
    /// Whether nothing can get worse by it.
    pub safe: bool,
    /// Whether the caller has the right to the act itself.
    pub permitted: bool,
}

/// What a class of failure means, and what to do about it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Runbook {
    /// What it means.
    pub means: String,
    /// What the vault does by itself.
    pub by_itself: String,
    /// What to type, with the names of this incident; a word in capitals stands for one that is not known, or that a shell
    /// would take for something else.
    pub commands: Vec<String>,
}

/// An action that fits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct IncidentAction {
    /// Its word, as in `incidents/<id>/act/<action>`.
    pub action: String,
    /// Whether nothing can get worse by it.
    pub safe: bool,
    /// Why it is safe, or what may get worse.
    pub why: String,
    /// The path of the act itself, to which the caller needs a right as well.
    pub path: String,
    /// Whether the caller has that right.
    pub permitted: bool,
    /// What it would do, in order.
    pub steps: Vec<ActionStep>,
}

/// One thing that an action would do, when all goes well.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ActionStep {
    /// In words.
    pub text: String,
    /// The event that the account's history gains by it, such as `promoted`.
    pub history: Option<String>,
}

/// POST `incidents/<id>/act/<action>`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ActRequest {
    /// Whether it is only asked what would be done.
    pub dry_run: bool,
    /// The password, for `set_password`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<Sensitive<String>>,
    /// Which account beneath a target's incident; without one, `retry` is for all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Of a `maintenance`, how long it lasts.
    #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
    pub lasts: Option<String>,
    /// Or when it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<WireTime>,
    /// And why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What became of an act, or would.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ActResponse {
    /// The action.
    pub action: String,
    /// Whether nothing was done.
    pub dry_run: bool,
    /// Whether nothing can get worse by it.
    pub safe: bool,
    /// Why it is safe, or what may get worse.
    pub why: String,
    /// What it was to do, in order.
    pub steps: Vec<ActionStep>,
    /// `done`, `running`, or `dry_run`.
    pub outcome: String,
    /// The version that is served; 0 where it was about several accounts.
    pub version: u64,
    /// How the account stands, or the incident where it was about several accounts.
    pub state: String,
    /// How many accounts it sets going, where it is about all beneath a target's incident.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accounts: Option<u64>,
    /// How many of them it leaves alone: parked, busy, or not for the caller to rotate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_alone: Option<u64>,
    /// Until when the maintenance lasts that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<WireTime>,
}
