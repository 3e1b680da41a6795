//! `reports/rotation/ended` and `reports/rotation/attempts`: what the rotation report adds up, one by one.

use serde::{Deserialize, Serialize};

use crate::WireTime;

/// GET `reports/rotation/ended?from=…&to=…&after=…&limit=…`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EndedRotations {
    /// Rotations that ended in the window, by the time of their end.
    pub rotations: Vec<EndedRotation>,
    /// What to give as `after` for those that follow; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// How a rotation ended. One that a person lets go on after it was parked ends once more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EndedRotation {
    /// Its name.
    pub rotation: String,
    /// Whose credential: the account's path, or the target's name.
    pub subject: String,
    /// The target.
    pub target: String,
    /// When it was due.
    pub due_at: WireTime,
    /// When its first attempt began.
    pub started_at: WireTime,
    /// When it ended.
    pub ended_at: WireTime,
    /// Attempts that it took.
    pub attempts: u64,
    /// The class of its last failure when it was parked; `null` when it succeeded.
    pub class: Option<String>,
    /// Whose the account was then; absent where it was of no team.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
}

/// GET `reports/rotation/attempts?from=…&to=…&after=…&limit=…`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EndedAttempts {
    /// Attempts that ended in the window, by the time of their end.
    pub attempts: Vec<EndedAttempt>,
    /// What to give as `after` for those that follow; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// How an attempt ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EndedAttempt {
    /// The rotation that it belongs to.
    pub rotation: String,
    /// Which of that rotation: 1, 2, … and anew from 1 after a person let it go on.
    pub number: u64,
    /// Whose credential: the account's path, or the target's name.
    pub subject: String,
    /// The target.
    pub target: String,
    /// When it was over.
    pub at: WireTime,
    /// Whether the rotation was done with it.
    pub succeeded: bool,
    /// The class of its failure.
    pub class: Option<String>,
    /// The step that it failed in.
    pub phase: Option<String>,
    /// Whose the account was then; absent where it was of no team.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
}
