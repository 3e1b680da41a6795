//! `sys/leases/…`.

use serde::{Deserialize, Serialize};

use crate::{WireTime, duration::Seconds, lenient};

/// PUT or POST `sys/leases/lookup`, `sys/leases/renew`, `sys/leases/revoke`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LeaseRequest {
    /// The lease.
    pub lease_id: String,
    /// For renew: how long from now; the lease's own TTL when absent.
    #[serde(deserialize_with = "lenient::optional_seconds", skip_serializing_if = "Option::is_none")]
    pub increment: Option<Seconds>,
    /// For revoke: answer only when the target has refused what was handed out.
    #[serde(deserialize_with = "lenient::optional_bool", skip_serializing_if = "Option::is_none")]
    pub sync: Option<bool>,
}

/// The answer of `sys/leases/lookup`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LeaseInfo {
    /// The lease.
    pub id: String,
    /// When it was granted.
    pub issue_time: WireTime,
    /// When it ends unless renewed.
    pub expire_time: Option<WireTime>,
    /// When it was last renewed.
    pub last_renewal: Option<WireTime>,
    /// Whether it can be renewed.
    pub renewable: bool,
    /// Seconds left.
    pub ttl: u64,
    /// `active`, `revoking` or `quarantined`; Vault has no such key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}
