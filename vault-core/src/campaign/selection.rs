//! Which accounts a campaign is about.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::account::{Account, Subject};
use crate::clock::Timestamp;
use crate::knower::Named;

/// What was asked for; an account has to meet all that is set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Selection {
    /// Only accounts of this target.
    pub target: Option<String>,
    /// Only accounts whose path fits; `*` stands for any text.
    pub filter: Option<String>,
    /// Only accounts whose password is at least this old.
    pub older_than: Option<Duration>,
    /// Only what they know.
    pub known_by: Option<Named>,
    /// Management credentials of targets, too, after the accounts.
    pub management: bool,
}

impl Selection {
    /// Whether `account` is asked for, apart from who knows it.
    #[must_use]
    pub fn takes(&self, account: &Account, now: Timestamp) -> bool {
        let path = match &account.subject {
            Subject::Account(path) => path.to_string(),
            // What a leaver knows is not safe because it is a management credential.
            Subject::Management(_) if !self.management && self.known_by.is_none() => return false,
            Subject::Management(target) => target.to_string(),
        };
        let is_old = |age: Duration| {
            let set_at = account.versions.current.map_or(account.created_at, |version| version.created_at);
            now.since(account.last_rotation.unwrap_or(set_at)) >= age
        };
        self.target.as_ref().is_none_or(|target| *target == account.target.as_str())
            && self.filter.as_ref().is_none_or(|filter| fits(filter, &path))
            && self.older_than.is_none_or(is_old)
    }
}

/// Whether `text` fits `pattern`, in which `*` stands for any text, slashes too.
#[must_use]
pub fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    rest.ends_with(last)
}
