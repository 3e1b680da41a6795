//! `sys/init`, `sys/seal-status`, `sys/unseal`, `sys/health`, `sys/key-status`: none has an envelope but the last.

use serde::{Deserialize, Serialize};

use crate::{WireTime, lenient, sensitive::Sensitive};

/// PUT or POST `sys/init`: shares, or a passphrase for a one-person installation, not both.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct InitRequest {
    /// How many shares to make.
    #[serde(deserialize_with = "lenient::optional_u64", skip_serializing_if = "Option::is_none")]
    pub secret_shares: Option<u64>,
    /// How many of them unseal.
    #[serde(deserialize_with = "lenient::optional_u64", skip_serializing_if = "Option::is_none")]
    pub secret_threshold: Option<u64>,
    /// Unseals alone, through Argon2id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passphrase: Option<Sensitive<String>>,
}

/// Shown once and stored nowhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct InitResponse {
    /// The shares in hex; empty with a passphrase.
    pub keys: Vec<Sensitive<String>>,
    /// The same in base64.
    pub keys_base64: Vec<Sensitive<String>>,
    /// The first token, with the `root` policy.
    pub root_token: Sensitive<String>,
}

/// GET `sys/init`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct InitStatus {
    /// Whether the vault has keys.
    pub initialized: bool,
}

/// PUT or POST `sys/unseal`: one of the three.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UnsealRequest {
    /// A share, in hex or base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<Sensitive<String>>,
    /// The passphrase, when the vault was initialised with one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passphrase: Option<Sensitive<String>>,
    /// Forgets the shares given so far.
    #[serde(deserialize_with = "lenient::flag", skip_serializing_if = "std::ops::Not::not")]
    pub reset: bool,
}

/// The answer of `sys/seal-status` and `sys/unseal`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SealStatus {
    /// `shamir` or `passphrase`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether the vault has keys.
    pub initialized: bool,
    /// Whether they are out of reach.
    pub sealed: bool,
    /// Shares needed.
    pub t: u64,
    /// Shares made.
    pub n: u64,
    /// Shares given so far.
    pub progress: u64,
    /// Names this round of shares; empty outside of one.
    pub nonce: String,
    /// The server's version.
    pub version: String,
    /// Whether the seal is being changed; always false here.
    pub migration: bool,
    /// Whether recovery shares exist; always false here.
    pub recovery_seal: bool,
    /// The engine that holds the records.
    pub storage_type: String,
    /// Known once unsealed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_name: Option<String>,
    /// Known once unsealed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_id: Option<String>,
}

/// PUT or POST `sys/rekey/init`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RekeyRequest {
    /// The seal that is wanted.
    #[serde(flatten)]
    pub seal: InitRequest,
    /// Whether the new shares must come back before they count.
    #[serde(deserialize_with = "lenient::flag")]
    pub require_verification: bool,
}

/// PUT or POST `sys/rekey/update`, `sys/rekey/verify`, `sys/generate-root/update`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ShareRequest {
    /// A share in hex or base64, or the passphrase.
    pub key: Sensitive<String>,
    /// What the share is meant for.
    pub nonce: String,
}

/// The answers of `sys/rekey/init`, `sys/rekey/update` and `sys/rekey/verify`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rekey {
    /// Names it.
    pub nonce: String,
    /// Whether one is under way.
    pub started: bool,
    /// New shares needed to unseal.
    pub t: u64,
    /// New shares to be made.
    pub n: u64,
    /// Shares given so far.
    pub progress: u64,
    /// Old shares needed.
    pub required: u64,
    /// Whether this share was the last that was needed.
    pub complete: bool,
    /// The new shares in base64, once.
    pub keys_base64: Vec<Sensitive<String>>,
    /// Whether the new shares must come back before they count.
    pub verification_required: bool,
    /// Names the round in which they come back.
    pub verification_nonce: String,
}

/// The answers of `sys/generate-root/attempt` and `sys/generate-root/update`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GenerateRoot {
    /// Names it.
    pub nonce: String,
    /// Whether one is under way.
    pub started: bool,
    /// Shares given so far.
    pub progress: u64,
    /// Shares needed.
    pub required: u64,
    /// Whether this share was the last that was needed.
    pub complete: bool,
    /// The token under the one-time pad: base64 without padding of the XOR of both.
    pub encoded_token: String,
    /// The one-time pad, once, when the server drew it.
    pub otp: Sensitive<String>,
}

/// GET `sys/health`; the status code says the same in one number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Health {
    /// Whether the vault has keys.
    pub initialized: bool,
    /// Whether they are out of reach.
    pub sealed: bool,
    /// Whether another node is active.
    pub standby: bool,
    /// Always false; vaultrs needs the key.
    pub performance_standby: bool,
    /// `disabled`.
    pub replication_performance_mode: String,
    /// `disabled`.
    pub replication_dr_mode: String,
    /// Unix seconds on the server's clock.
    pub server_time_utc: i64,
    /// The server's version.
    pub version: String,
    /// Known once unsealed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_name: Option<String>,
    /// Known once unsealed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_id: Option<String>,
}

/// GET `sys/key-status`: the newest key generation and how far the re-wrap has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeyStatus {
    /// The generation that new writes use.
    pub term: u64,
    /// When it was made.
    pub install_time: WireTime,
    /// Records sealed with it, estimated.
    pub encryptions: u64,
    /// Records of older generations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rewrap: Option<RewrapProgress>,
}

/// The background move of records to the newest generation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RewrapProgress {
    /// Records still to move.
    pub remaining: u64,
    /// Records moved since the last rotation.
    pub done: u64,
}
