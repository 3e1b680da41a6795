//! `accounts/consumers` and `accounts/confirm`: who fetched which version, and who says that it uses it.

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

/// How far the current version has come among those who are known to use the account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConsumerSummary {
    /// Consumers that are live.
    pub live: u64,
    /// Those of them that have the current version.
    pub current: u64,
    /// Those that have another.
    pub lagging: u64,
    /// Whether no known live consumer lags.
    pub all_current: bool,
    /// Some of those that lag, the one first that was not heard of for the longest time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub laggards: Vec<ConsumerInfo>,
}

/// Somebody who fetched a version.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConsumerInfo {
    /// Who, as tokens are called.
    pub principal: String,
    /// The login (`auth/<mount>/<role or user>`) or entity behind the token; absent when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The token's accessor; only at `accounts/consumers`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accessor: Option<String>,
    /// The version that was fetched last.
    pub version: u64,
    /// The version that it said it uses; absent when it never said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<u64>,
    /// `current`, `lagging`, or `gone`: no consumer any more, but it knows a password that may still open something.
    pub standing: String,
    /// When any version was fetched first.
    pub since: WireTime,
    /// When this version was fetched first.
    pub first_fetched: WireTime,
    /// When it was heard of last, by a fetch or a watch; at most an hour off after a restart.
    pub last_seen: WireTime,
}

/// GET `accounts/consumers/<path>`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConsumerList {
    /// The current version.
    pub version: u64,
    /// How they stand, all in all.
    #[serde(flatten)]
    pub summary: ConsumerSummary,
    /// Each of them, also those that are gone.
    pub consumers: Vec<ConsumerInfo>,
}
