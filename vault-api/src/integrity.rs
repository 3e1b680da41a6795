//! `sys/integrity`: whether every record that should be in the store is there, unaltered.

use serde::{Deserialize, Serialize};

use crate::WireTime;

/// GET `sys/integrity` and POST `sys/integrity/verify`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct IntegrityReport {
    /// Whether the set hash over all records matched; absent before the first pass.
    pub ok: Option<bool>,
    /// The commit at which it was compared.
    pub commit: u64,
    /// Records read.
    pub records: u64,
    /// When the pass ended.
    pub verified_at: Option<WireTime>,
    /// What was found, in sentences; empty when all is well.
    pub findings: Vec<String>,
}
