//! Parts of an account's status: who has it, who waits for it, how old its credential is.

use serde::{Deserialize, Serialize};

use crate::WireTime;

/// How old a credential is, and how old its rotation policy lets one become.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CredentialAge {
    /// Since the served version was made.
    pub seconds: u64,
    /// The period of its policy; of a schedule, the time between its next two occurrences. Absent without a policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period_seconds: Option<u64>,
    /// The one by the other in per cent, rounded down: from 100 on it is older than it should be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent: Option<u64>,
}

/// The principal that has an account checked out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Holder {
    /// Who.
    pub principal: String,
    /// By which lease; only shown to the holder and to who may revoke it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease_id: Option<String>,
    /// Since when.
    pub since: Option<WireTime>,
    /// Until when unless renewed.
    pub expires_at: Option<WireTime>,
    /// Why, in the holder's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The ticket that the holder named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// `active` or `revoking`.
    pub state: String,
    /// Whether that is who asks.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub own: bool,
}

/// A principal that waits for an account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Waiter {
    /// Who.
    pub principal: String,
    /// Since when.
    pub since: Option<WireTime>,
}
