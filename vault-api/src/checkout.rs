//! `accounts/check-out/<path>` and `accounts/check-in/<path>`.

use serde::{Deserialize, Serialize};

use crate::{WireTime, duration::Seconds, lenient, sensitive::Sensitive};

/// POST `accounts/check-out/<path>`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CheckOutRequest {
    /// For how long; the account's own TTL when absent.
    #[serde(deserialize_with = "lenient::optional_seconds", skip_serializing_if = "Option::is_none")]
    pub ttl: Option<Seconds>,
    /// Why, for the audit log and for who waits.
    #[serde(deserialize_with = "lenient::optional_text", skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The ticket it is for.
    #[serde(deserialize_with = "lenient::optional_text", skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// How long to wait in line when another has it; not at all when absent.
    #[serde(deserialize_with = "lenient::optional_seconds", skip_serializing_if = "Option::is_none")]
    pub wait: Option<Seconds>,
}

/// Its data; the envelope has `lease_id` and `lease_duration`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CheckOutResponse {
    /// The account's name on its target.
    pub username: String,
    /// Its password, dead once the lease is closed.
    pub password: Sensitive<String>,
    /// Which version that is.
    pub version: u64,
    /// The fencing generation of this check-out.
    pub generation: u64,
    /// When the lease ends unless renewed.
    pub expires_at: WireTime,
}

/// The `data` of the 409 when another has the account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HeldFacts {
    /// Who has it.
    pub holder: String,
    /// Until when unless renewed.
    pub expires_at: Option<WireTime>,
    /// The caller's place in line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<u64>,
    /// The holder's lease, only when the caller is the holder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease_id: Option<String>,
}

/// POST `accounts/check-in/<path>`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CheckInRequest {
    /// Fencing: a stale lease is refused and changes nothing.
    #[serde(deserialize_with = "lenient::optional_text", skip_serializing_if = "Option::is_none")]
    pub lease_id: Option<String>,
    /// Takes it from another holder.
    #[serde(deserialize_with = "lenient::flag", skip_serializing_if = "std::ops::Not::not")]
    pub force: bool,
}

/// Whether the handed-out password is dead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LeaseEnd {
    /// The target refuses it.
    Closed,
    /// Not proved yet; it is tried again, or waits for a person.
    #[default]
    Revoking,
}

/// The answer of a check-in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CheckInResponse {
    /// The lease that ended.
    pub lease_id: String,
    /// How far its end has come.
    pub state: LeaseEnd,
    /// The version that serves from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// The incident, when the end could not be brought about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incident: Option<String>,
}
