//! A dynamic role: how users are made on a database, for how long.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::path::Name;
use crate::rotation::provisioner::Statements;

/// The record of a role; holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DynamicRole {
    /// Which `config/<name>` of the mount it uses.
    pub config: Name,
    /// How users are made, kept and removed.
    pub statements: Statements,
    /// What a lease gets; `None` for the mount's own.
    #[serde(default)]
    pub default_ttl: Option<Duration>,
    /// The longest life of a lease, renewals included; `None` for the mount's own.
    #[serde(default)]
    pub max_ttl: Option<Duration>,
    /// How passwords are made; `None` for the config's own.
    #[serde(default)]
    pub password_policy: Option<Name>,
}
