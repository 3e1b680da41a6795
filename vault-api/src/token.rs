//! `auth/token/…`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{WireTime, duration::Seconds, lenient, sensitive::Sensitive};

/// POST `auth/token/create`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TokenCreate {
    /// Chooses the token itself; only for a root token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Sensitive<String>>,
    /// A true list: one text with a comma is one policy, as in Vault.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<String>,
    /// Written to the audit log with each use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meta: Option<BTreeMap<String, String>>,
    /// How long it lives unless renewed.
    #[serde(deserialize_with = "lenient::optional_seconds", skip_serializing_if = "Option::is_none")]
    pub ttl: Option<Seconds>,
    /// How long it lives at most.
    #[serde(deserialize_with = "lenient::optional_seconds", skip_serializing_if = "Option::is_none")]
    pub explicit_max_ttl: Option<Seconds>,
    /// Renews to this span for ever.
    #[serde(deserialize_with = "lenient::optional_seconds", skip_serializing_if = "Option::is_none")]
    pub period: Option<Seconds>,
    /// Requests it may make; absent or 0 is without limit.
    #[serde(deserialize_with = "lenient::optional_u64", skip_serializing_if = "Option::is_none")]
    pub num_uses: Option<u64>,
    /// Makes an orphan.
    #[serde(deserialize_with = "lenient::flag", skip_serializing_if = "std::ops::Not::not")]
    pub no_parent: bool,
    /// Leaves out the policy `default`.
    #[serde(deserialize_with = "lenient::flag", skip_serializing_if = "std::ops::Not::not")]
    pub no_default_policy: bool,
    /// Shown as `token-NAME`.
    #[serde(deserialize_with = "lenient::optional_text", skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Whether it can be renewed; it can unless this says no.
    #[serde(deserialize_with = "lenient::optional_bool", skip_serializing_if = "Option::is_none")]
    pub renewable: Option<bool>,
    /// `service` (the default) or `batch`.
    #[serde(
        rename = "type",
        deserialize_with = "lenient::optional_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub kind: Option<String>,
    /// Accepted and unused: the command line always sends it.
    #[serde(deserialize_with = "lenient::optional_text", skip_serializing_if = "Option::is_none")]
    pub entity_alias: Option<String>,
}

/// POST `auth/token/lookup`, `auth/token/revoke`, `auth/token/renew` and, without a token, `…/renew-self`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TokenRequest {
    /// The token meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<Sensitive<String>>,
    /// For renew: how long from now.
    #[serde(deserialize_with = "lenient::optional_seconds", skip_serializing_if = "Option::is_none")]
    pub increment: Option<Seconds>,
}

/// POST `auth/token/lookup-accessor` and `auth/token/revoke-accessor`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AccessorRequest {
    /// The accessor of the token meant.
    pub accessor: String,
}

/// The data of a lookup.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TokenInfo {
    /// Names the token without being one.
    pub accessor: String,
    /// Unix seconds.
    pub creation_time: i64,
    /// Seconds it was made for.
    pub creation_ttl: u64,
    /// For people.
    pub display_name: String,
    /// The identity it belongs to; empty without one.
    pub entity_id: String,
    /// When it ends; `null` is never.
    pub expire_time: Option<WireTime>,
    /// Seconds it lives at most; 0 is without limit.
    pub explicit_max_ttl: u64,
    /// The token; empty when looked up by accessor.
    pub id: Sensitive<String>,
    /// When it was made; the first root token has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issue_time: Option<WireTime>,
    /// What its maker wrote about it.
    pub meta: Option<BTreeMap<String, String>>,
    /// Requests left; 0 is without limit.
    pub num_uses: u64,
    /// Whether it outlives the token that made it.
    pub orphan: bool,
    /// The path that made it.
    pub path: String,
    /// Its policies, sorted.
    pub policies: Vec<String>,
    /// Whether it can be renewed; the first root token has no such key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renewable: Option<bool>,
    /// The span to which it renews for ever, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<u64>,
    /// From where it may be used, when not from anywhere.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bound_cidrs: Vec<String>,
    /// The token role that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// When it was last renewed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_renewal: Option<WireTime>,
    /// The same in Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_renewal_time: Option<i64>,
    /// Seconds left; 0 is without limit.
    pub ttl: u64,
    /// `service` or `batch`.
    #[serde(rename = "type")]
    pub kind: String,
}
