//! `accounts/history`.

use serde::{Deserialize, Serialize};

use crate::WireTime;

/// GET `accounts/history/<path>`, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AccountHistory {
    /// What happened.
    pub events: Vec<AccountEvent>,
}

/// One line of an account's history.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AccountEvent {
    /// When.
    pub at: WireTime,
    /// What, such as `staged`, `promoted`, `failed`, `checked-out`.
    pub kind: String,
    /// The version it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// The failure's class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// More, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Who caused it; absent for the vault itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
    /// The rotation it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotation_id: Option<String>,
}
