//! `sys/policies/acl/<name>`: path policies in HCL or JSON.

use serde::{Deserialize, Serialize};

/// PUT or POST `sys/policies/acl/<name>`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PolicyWrite {
    /// The text as written; it is given back byte for byte.
    pub policy: String,
}

/// GET `sys/policies/acl/<name>`: these two keys and nothing more (hvac compares the whole object).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PolicyRead {
    /// Lower-cased.
    pub name: String,
    /// The text as written.
    pub policy: String,
}
