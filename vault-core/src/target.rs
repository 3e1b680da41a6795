//! A target: a system on which accounts live. Its management credential is an account of its own.

pub mod breaker;
pub mod lockout;
pub mod pace;
pub mod turns;

use serde::{Deserialize, Serialize};

use self::lockout::Lockout;
use self::pace::Heartbeats;
use crate::clock::Timestamp;
use crate::database::Origin;
use crate::path::Name;
use crate::rotation::port::TargetSpec;
use crate::team::Team;

/// The record of a target; holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Its name.
    pub name: Name,
    /// The kind of rotator that serves it.
    pub rotator: String,
    /// Where it is and how to talk to it.
    pub spec: TargetSpec,
    /// The name of the management credential there.
    pub username: String,
    /// How many accounts are worked on at once, so that one slow target delays nobody else and none is
    /// overrun.
    pub concurrency: u32,
    /// Which names may be managed as accounts there, each with `*` at either end for any text; none for all.
    /// Whoever may write an account can take over every name that this allows.
    #[serde(default)]
    pub allowed_usernames: Vec<String>,
    /// How candidates are made of accounts that name no policy; without one, the built-in policy.
    #[serde(default)]
    pub password_policy: Option<Name>,
    /// The `config` of a database mount that it was made by.
    #[serde(default)]
    pub origin: Option<Origin>,
    /// When it was first configured.
    pub created_at: Timestamp,
    /// How often its credentials are looked at.
    #[serde(default)]
    pub heartbeats: Heartbeats,
    /// What is done about a credential that was changed outside.
    #[serde(default)]
    pub on_drift: OnDrift,
    /// When it locks an account.
    #[serde(default)]
    pub lockout: Lockout,
    /// Who looks after it, and after the accounts on it that name no team.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<Team>,
}

/// What the vault does by itself about a credential that was changed outside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnDrift {
    /// Nothing: a person must find out who set it.
    #[default]
    Park,
    /// A fresh one is set by the management credential, once for each incident.
    Reconcile,
}

impl OnDrift {
    /// Its stable word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Park => "park",
            Self::Reconcile => "reconcile",
        }
    }

    /// By its [`word`](Self::word).
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Park, Self::Reconcile].into_iter().find(|one| one.word() == word)
    }
}

impl Target {
    /// Whether `username` may be managed there.
    #[must_use]
    pub fn allows(&self, username: &str) -> bool {
        self.allowed_usernames.is_empty()
            || self.allowed_usernames.iter().any(|pattern| fits(pattern, username))
    }
}

fn fits(pattern: &str, name: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(""), _) => true,
        (Some(tail), Some(_)) => name.contains(tail.strip_suffix('*').unwrap_or(tail)),
        (Some(tail), None) => name.ends_with(tail),
        (None, Some(head)) => name.starts_with(head),
        (None, None) => name == pattern,
    }
}

/// Accounts of one target that are worked on at once, where nothing is configured.
pub const CONCURRENCY_DEFAULT: u32 = 4;
/// The most that may be configured.
pub const CONCURRENCY_MAX: u32 = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_allowed_by_any_pattern_and_by_none_at_all() {
        for (patterns, name, want) in [
            (&[][..], "anybody", true),
            (&["app_*"], "app_shop", true),
            (&["app_*"], "dba", false),
            (&["*_ro"], "shop_ro", true),
            (&["*shop*"], "the_shop_ro", true),
            (&["*"], "anybody", true),
            (&["dba"], "dba", true),
            (&["dba"], "dba2", false),
            (&["dba", "app_*"], "app_x", true),
        ] {
            let target = Target {
                name: Name::parse("pg").unwrap(),
                rotator: "postgresql".to_owned(),
                spec: TargetSpec { connection_url: String::new(), settings: Default::default() },
                username: "admin".to_owned(),
                concurrency: 1,
                allowed_usernames: patterns.iter().map(|&text| text.to_owned()).collect(),
                password_policy: None,
                origin: None,
                created_at: Timestamp::EPOCH,
                heartbeats: Heartbeats::default(),
                on_drift: OnDrift::Park,
                lockout: Lockout::default(),
                team: None,
            };
            assert_eq!(target.allows(name), want, "{patterns:?} {name}");
        }
    }
}
