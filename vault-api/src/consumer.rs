//! `accounts/confirm`: a consumer says which version it uses.

use serde::{Deserialize, Serialize};

use crate::WireTime;

/// POST `accounts/confirm/<path>`: what the caller uses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConfirmRequest {
    /// The version.
    pub version: u64,
}

/// What a confirmation answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Confirmation {
    /// The version that the caller uses.
    pub version: u64,
    /// Whether that is the current one.
    pub current: bool,
    /// When it said so first.
    pub confirmed: WireTime,
}
