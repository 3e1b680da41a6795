//! What the vault did by itself in an incident.

use serde::{Deserialize, Serialize};

use crate::WireTime;

/// What the vault did by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct IncidentAct {
    /// When.
    pub at: WireTime,
    /// What, such as `probe` or `park`.
    pub kind: String,
    /// In words that go on from “the vault”.
    pub text: String,
}
