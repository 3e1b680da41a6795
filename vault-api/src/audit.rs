//! `sys/audit`: the devices; `sys/audit-hash/<name>`: the digest under which a value stands in the audit log;
//! `sys/audit-search`: its lines.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{WireTime, lenient, sensitive::Sensitive};

/// GET `sys/audit`: one of the devices, by its name and a slash.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuditDevice {
    /// `file`, `socket` or `syslog`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its name and a slash.
    pub path: String,
    /// For people.
    pub description: String,
    /// Kept, and without meaning here: nothing is replicated.
    pub local: bool,
    /// Where and how it writes.
    pub options: BTreeMap<String, String>,
    /// How it fares.
    pub health: AuditHealth,
}

/// How an audit device fares since the vault was unsealed or the device added; the chained file's failures, since the
/// program was started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuditHealth {
    /// Whether it has taken the last line that it was given.
    pub takes_lines: bool,
    /// Whether it does not keep up, so that nobody waits for it.
    pub behind: bool,
    /// Lines that it has not taken.
    pub failures: u64,
    /// The number of the newest line; of the chained file only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest_line: Option<u64>,
    /// When it took a line last; absent before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest_at: Option<WireTime>,
    /// When each line was last looked at, by the vault itself; of the chained file only, absent before the first time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checked_at: Option<WireTime>,
    /// The last line that was looked at then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checked_line: Option<u64>,
    /// How much was found to be wrong then; 0: each line is as it was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub findings: Option<u64>,
}

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

/// PUT or POST `sys/audit-search`: what is left out fits everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuditSearchRequest {
    /// An account's path, or any path, or its end after a slash.
    #[serde(deserialize_with = "lenient::optional_text", skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Part of the display name of who asked.
    #[serde(deserialize_with = "lenient::optional_text", skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
    /// `read`, `update`, …, or an act of the vault itself such as `rotation_promoted`.
    #[serde(deserialize_with = "lenient::optional_text", skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// `succeeded` or `failed`.
    #[serde(deserialize_with = "lenient::optional_text", skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// `request`, `response`, `system` or `chain`.
    #[serde(
        rename = "type",
        deserialize_with = "lenient::optional_text",
        skip_serializing_if = "Option::is_none"
    )]
    pub kind: Option<String>,
    /// Included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<WireTime>,
    /// Excluded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<WireTime>,
    /// A text of which the line holds the digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Sensitive<String>>,
    /// How many lines are given: 50, at most 200.
    #[serde(deserialize_with = "lenient::optional_u64", skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// From where to go on: what the last answer said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// Its answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuditSearchResponse {
    /// The lines that fit, byte for byte as they are written, the newest first.
    pub lines: Vec<String>,
    /// From where to go on; `null` at the beginning of the file.
    pub next: Option<String>,
    /// Lines that were looked at.
    pub looked_at: u64,
    /// What is no line.
    pub unreadable: u64,
    /// The number of the newest line.
    pub newest_line: u64,
    /// Its hash.
    pub newest_hash: String,
    /// The key that signs the checkpoints.
    pub public_key: String,
}
