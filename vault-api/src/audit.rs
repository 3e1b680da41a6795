//! `sys/audit-hash/<name>`: the digest under which a value stands in the audit log.

use serde::{Deserialize, Serialize};

use crate::sensitive::Sensitive;

/// PUT or POST `sys/audit-hash/<name>`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuditHashRequest {
    /// The value to look for.
    pub input: Sensitive<String>,
}

/// Its answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuditHashResponse {
    /// `hmac-sha256:` and the digest in hex.
    pub hash: String,
}
