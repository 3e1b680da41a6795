//! The database engine: Vault's words for targets and accounts.
//!
//! ```text
//!   config/<name>        ► a target, with its management credential     (DatabaseConfig names it)
//!   static-roles/<name>  ► an account upon that target                  (StaticRole names it)
//! ```
//!
//! The records here hold only what targets and accounts have no word for. Connection, passwords, rotation and
//! lending are those of the target and of the account, so both dialects show and change the same thing.

pub mod cadence;
pub mod connection;
pub mod statement;

use serde::{Deserialize, Serialize};

use crate::id::MountId;
use crate::path::{AccountPath, Name};

/// Through which mount a target or an account was made. Stored in its record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The mount.
    pub mount: MountId,
    /// The name of the config or role there.
    pub name: Name,
    /// Whether the config or role is gone. The target or account stays until somebody says what becomes of
    /// its password; a new role for the same user of the same target takes it up again.
    #[serde(default)]
    pub released: bool,
}

/// A `config/<name>`: a target by the words of Vault. Stored sealed under its mount's id and its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseConfig {
    /// The target, which holds address, user name and password.
    pub target: Name,
    /// As it was named, such as `postgresql-database-plugin`.
    pub plugin_name: String,
    /// Which roles may use it, with `*` for any text; none of them while empty.
    #[serde(default)]
    pub allowed_roles: Vec<String>,
    /// How user names of dynamic roles are made; empty for the usual way.
    #[serde(default)]
    pub username_template: String,
    /// As they were written; they say what rotation does anyway.
    #[serde(default)]
    pub root_rotation_statements: Vec<String>,
    /// As it was asked for, and when positive, how many accounts are worked on at once.
    #[serde(default)]
    pub max_open_connections: Option<i64>,
    /// Kept and shown: no connection is held open.
    #[serde(default)]
    pub max_idle_connections: Option<i64>,
    /// Kept and shown: no connection is held open.
    #[serde(default)]
    pub max_connection_lifetime: Option<String>,
}

impl DatabaseConfig {
    /// Whether this role may use it.
    #[must_use]
    pub fn allows(&self, role: &str) -> bool {
        self.allowed_roles.iter().any(|pattern| fits(pattern, role))
    }
}

/// A `static-roles/<name>`: an account by the words of Vault. Stored sealed under its mount's id and its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaticRole {
    /// The account, which holds user name, versions, rotation and password policy.
    pub account: AccountPath,
    /// Which `config/<name>` it belongs to.
    pub config: Name,
    /// As they were written; they say what rotation does anyway.
    #[serde(default)]
    pub rotation_statements: Vec<String>,
    /// Whether it was made without a rotation.
    #[serde(default)]
    pub skip_import_rotation: bool,
}

/// Whether `name` fits `pattern`, in which `*` stands for any text.
fn fits(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|head| name.strip_prefix(head)) else { return false };
    let Some(tail) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_allowed_by_any_pattern_and_by_none_at_all() {
        for (patterns, role, want) in [
            (&[][..], "app", false),
            (&["*"], "app", true),
            (&["app"], "app", true),
            (&["app"], "apps", false),
            (&["other", "app-*"], "app-ro", true),
            (&["*-ro"], "app-ro", true),
            (&["*-ro"], "app-rw", false),
            (&["a*-*o"], "app-x-ro", true),
            (&["a*o*o"], "ao", false),
            (&["aa*a"], "aa", false),
            (&[""], "app", false),
        ] {
            let config = DatabaseConfig {
                target: Name::parse("pg").unwrap(),
                plugin_name: String::new(),
                allowed_roles: patterns.iter().map(|&text| text.to_owned()).collect(),
                username_template: String::new(),
                root_rotation_statements: Vec::new(),
                max_open_connections: None,
                max_idle_connections: None,
                max_connection_lifetime: None,
            };
            assert_eq!(config.allows(role), want, "{patterns:?} {role}");
        }
    }
}
