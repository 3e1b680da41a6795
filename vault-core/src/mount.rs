//! Mounts: which engine answers below which path.
//!
//! ```text
//!   secret/data/app   ─► mount `secret/`, of kind kv with version 2; rest `data/app`
//!   auth/ci/login     ─► mount `auth/ci/`, of kind approle;          rest `login`
//!   sys/health        ─► built in; its path never moves
//! ```
//!
//! Records of an engine are stored under the id of its mount, so a mount moves without touching them.

mod kind;
mod path;
mod table;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::kind::{Class, Kind};
pub use self::path::{MOUNT_PATH_BYTES_MAX, MountPath, MountPathError};
pub use self::table::{MountTable, TableError};
use crate::clock::Timestamp;
use crate::id::MountId;
use crate::kv::MountSettings;

/// One mount. Stored sealed under its id, except for those that are built in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// What its records are stored under; its `uuid` in answers.
    pub id: MountId,
    /// Where it is.
    pub path: MountPath,
    /// Which engine answers.
    pub kind: Kind,
    /// A public handle, such as `kv_1f2e3d4c`.
    pub accessor: String,
    /// For people.
    #[serde(default)]
    pub description: String,
    /// Settings of the engine itself, such as `version` of a KV mount.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
    /// Settings that every engine has.
    #[serde(default)]
    pub tuning: Tuning,
    /// As it was asked for; without replication it changes nothing.
    #[serde(default)]
    pub local: bool,
    /// As it was asked for; every record is sealed anyway.
    #[serde(default)]
    pub seal_wrap: bool,
    /// What a KV mount of version 2 keeps, and how long; others have no use for it.
    #[serde(default)]
    pub kv: MountSettings,
    /// When it was made.
    pub created_at: Timestamp,
    /// Whether it is being taken away: nothing answers there, and its records are on their way out.
    #[serde(default)]
    pub ending: bool,
}

/// Settings that every engine has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tuning {
    /// What a lease or token gets that asks for nothing; `None` for the vault's own.
    #[serde(default)]
    pub default_ttl: Option<Duration>,
    /// The longest life of a lease or token; `None` for the vault's own.
    #[serde(default)]
    pub max_ttl: Option<Duration>,
    /// `unauth`, `hidden` or empty: whether lists for people show it.
    #[serde(default)]
    pub listing_visibility: String,
    /// What kind of tokens logins give: `default-service` unless it was set.
    #[serde(default)]
    pub token_type: Option<String>,
    /// As it was asked for; nothing that could be stale is cached anyway.
    #[serde(default)]
    pub force_no_cache: bool,
}

impl Mount {
    /// Which version of the KV engine it is: 2 when its options say so, else 1.
    #[must_use]
    pub fn kv_version(&self) -> u8 {
        if self.options.get("version").is_some_and(|version| version == "2") { 2 } else { 1 }
    }

    /// The public handle of a mount with this id.
    #[must_use]
    pub fn accessor_of(kind: Kind, id: MountId) -> String {
        table::accessor(kind, id)
    }

    /// The name of one of its records: the mount's id, then `name`.
    #[must_use]
    pub fn key(&self, name: &[u8]) -> Vec<u8> {
        [self.id.as_bytes().as_slice(), name].concat()
    }
}
