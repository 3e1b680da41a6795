//! `pools/config`, `pools/check-out`, `pools/check-in`, `pools/status`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    WireTime,
    account::Holder,
    checkout::{CheckOutResponse, LeaseEnd},
    duration::Seconds,
    incident::FailureFacts,
    lenient,
};

/// GET and POST `pools/config/<name>`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PoolConfig {
    /// The paths of its accounts.
    pub accounts: Vec<String>,
    /// How long a check-out lasts when the caller does not say; the account's own TTL when absent.
    #[serde(deserialize_with = "lenient::optional_seconds")]
    pub ttl: Option<Seconds>,
    /// How long a check-out lasts at most; the account's own when absent.
    #[serde(deserialize_with = "lenient::optional_seconds")]
    pub max_ttl: Option<Seconds>,
    /// Whether anybody who may check in may end anybody's check-out.
    pub disable_check_in_enforcement: bool,
}

/// The data of POST `pools/check-out/<name>`; the envelope has `lease_id` and `lease_duration`. The request is that
/// of `accounts/check-out/<path>`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PoolCheckOut {
    /// The path of the account that was lent.
    pub account: String,
    /// As of an account.
    #[serde(flatten)]
    pub out: CheckOutResponse,
}

/// POST `pools/check-in/<name>`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PoolCheckInRequest {
    /// What is given back; the caller's only check-out when nothing is named.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<String>,
    /// Fencing: a stale lease is refused and changes nothing.
    #[serde(deserialize_with = "lenient::optional_text", skip_serializing_if = "Option::is_none")]
    pub lease_id: Option<String>,
    /// Takes it from another holder.
    #[serde(deserialize_with = "lenient::flag", skip_serializing_if = "std::ops::Not::not")]
    pub force: bool,
}

/// Its answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PoolCheckIns {
    /// What was given back; empty when nothing was lent.
    pub check_ins: Vec<PoolCheckIn>,
}

/// One account that was given back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PoolCheckIn {
    /// The account's path.
    pub account: String,
    /// How far the end of its lease has come.
    pub state: LeaseEnd,
}

/// GET `pools/status/<name>`: never a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PoolStatus {
    /// How many accounts it has.
    pub total: u64,
    /// How many of them are free.
    pub available: u64,
    /// Each of them, by path.
    pub accounts: BTreeMap<String, PoolAccount>,
}

/// How one account of a pool stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PoolAccount {
    /// Whether it would be lent.
    pub available: bool,
    /// `free`, `lent`, `ending`, `promised`, `changing`, `failing`, `refused` or `not_ready`.
    pub state: String,
    /// Who has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holder: Option<Holder>,
    /// When it was lent last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_lent: Option<WireTime>,
    /// What failed, if something did.
    #[serde(flatten)]
    pub failure: FailureFacts,
}
