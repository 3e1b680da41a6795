//! The object around every logical answer, and the body of every error.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::sensitive::Sensitive;

/// Vault's answer envelope: every key is present, `null` where there is nothing.
///
/// Clients such as vaultrs refuse an answer in which `lease_id`, `lease_duration`, `renewable` or
/// `request_id` is missing or `null`, so these four have no `Option`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Envelope<T> {
    /// Names this request in the audit log.
    #[serde(default)]
    pub request_id: String,
    /// The lease that came with the data; empty without one.
    #[serde(default)]
    pub lease_id: String,
    /// Whether that lease can be renewed.
    #[serde(default)]
    pub renewable: bool,
    /// Seconds for which the data may be used.
    #[serde(default)]
    pub lease_duration: u64,
    /// The answer itself.
    #[serde(default = "none")]
    pub data: Option<T>,
    /// Where the answer was put when the client asked for response wrapping.
    #[serde(default)]
    pub wrap_info: Option<WrapInfo>,
    /// What the caller should know although the request succeeded.
    #[serde(default)]
    pub warnings: Option<Vec<String>>,
    /// The token that a login or `auth/token/create` made.
    #[serde(default)]
    pub auth: Option<AuthBlock>,
    /// The type of the mount that answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mount_type: Option<String>,
}

impl<T> Envelope<T> {
    /// Wraps data that has no lease.
    pub fn of(request_id: impl Into<String>, data: T) -> Self {
        Self { data: Some(data), ..Self::empty(request_id) }
    }

    /// An answer without data, to be filled.
    pub fn empty(request_id: impl Into<String>) -> Self {
        Self {
            request_id: request_id.into(),
            lease_id: String::new(),
            renewable: false,
            lease_duration: 0,
            data: None,
            wrap_info: None,
            warnings: None,
            auth: None,
            mount_type: None,
        }
    }
}

/// `Option::default` without asking `T` for one.
const fn none<T>() -> Option<T> {
    None
}

/// A new or renewed token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuthBlock {
    /// The token.
    pub client_token: Sensitive<String>,
    /// Names the token without being one.
    pub accessor: String,
    /// All its policies, sorted.
    pub policies: Vec<String>,
    /// The policies it carries itself.
    pub token_policies: Vec<String>,
    /// The policies of its identity, when there are some.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub identity_policies: Vec<String>,
    /// What the login recorded about the principal; `null` when nothing.
    pub metadata: Option<BTreeMap<String, String>>,
    /// Seconds until it expires; 0 is never.
    pub lease_duration: u64,
    /// Whether it can be renewed.
    pub renewable: bool,
    /// The identity it belongs to; empty without one.
    pub entity_id: String,
    /// `service` or `batch`.
    pub token_type: String,
    /// Whether it outlives the token that made it.
    pub orphan: bool,
    /// Always `null` here; clients expect the key.
    pub mfa_requirement: Option<Value>,
    /// Requests left; 0 is without limit.
    pub num_uses: u64,
}

/// Where a wrapped answer waits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WrapInfo {
    /// The single-use token that opens it.
    pub token: Sensitive<String>,
    /// That token's accessor.
    pub accessor: String,
    /// Seconds it waits.
    pub ttl: u64,
    /// When it was made.
    pub creation_time: crate::WireTime,
    /// The path that was asked.
    pub creation_path: String,
}

/// The body of every error: always a list, empty for "nothing there".
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ErrorBody<T = Value> {
    /// Sentences for the caller; never a secret.
    #[serde(default)]
    pub errors: Vec<String>,
    /// The same as facts for programs, on 409 and 502.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub data: Option<T>,
}

impl ErrorBody {
    /// An error with one sentence and no facts.
    pub fn saying(sentence: impl Into<String>) -> Self {
        Self { errors: vec![sentence.into()], data: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_carries_every_key_that_vaults_clients_insist_on() {
        let json = serde_json::to_value(Envelope::of("r-1", serde_json::json!({"a": 1}))).unwrap();
        let expected = serde_json::json!({
            "request_id": "r-1", "lease_id": "", "renewable": false, "lease_duration": 0, "data": {"a": 1},
            "wrap_info": null, "warnings": null, "auth": null,
        });
        assert_eq!(json, expected);
    }

    #[test]
    fn nothing_there_is_an_empty_list() {
        let body = ErrorBody::<Value> { errors: Vec::new(), data: None };
        assert_eq!(serde_json::to_string(&body).unwrap(), r#"{"errors":[]}"#);
    }

    #[test]
    fn a_token_in_an_answer_is_not_shown_by_debug() {
        let auth = AuthBlock { client_token: "hvs.canary".to_owned().into(), ..AuthBlock::default() };
        assert!(!format!("{auth:?}").contains("canary"));
        assert_eq!(serde_json::to_value(&auth).unwrap()["client_token"], "hvs.canary");
    }
}
