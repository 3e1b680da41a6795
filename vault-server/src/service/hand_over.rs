//! Giving a password back to people before the vault forgets it.
//!
//! ```text
//!   delete, hand-over               every version that the target may accept is given; nothing is removed
//!   delete, hand-over, confirm=…    who asks holds those versions: removed, unless there is another by now
//! ```
//!
//! In two steps, because an answer can be lost on its way: with one, the password would be lost with it.

use std::fmt;

use vault_core::account::{Account, Version};
use vault_core::clock::Timestamp;
use vault_core::secret::SecretString;

use super::account::AccountError;
use crate::engine::Engine;

/// What is given to people.
#[derive(Debug)]
pub struct HandedOver {
    /// The account's name on its target.
    pub username: String,
    /// When the account was made.
    pub created_at: Timestamp,
    /// Every stored version; the one that most likely is right comes first.
    pub passwords: Vec<Handed>,
}

/// One version of a password.
#[derive(Debug)]
pub struct Handed {
    /// Its number.
    pub version: u64,
    /// What the vault takes it for: `current`, `previous` or `pending`.
    pub state: &'static str,
    /// The name that it opens, where that is not the account's.
    pub username: Option<String>,
    /// The password; `None` when its record is missing or damaged, which a restore from a backup may mend.
    pub password: Option<SecretString>,
}

impl HandedOver {
    /// What the second step says, once all of it has arrived.
    #[must_use]
    pub fn confirmation(&self) -> Confirmation {
        let versions = self.passwords.iter().map(|handed| handed.version).collect();
        Confirmation { created_at: self.created_at.as_millis(), versions }
    }
}

/// Which versions of which account somebody holds. The account is told by the time it was made, since another may
/// have been made at its path meanwhile, whose versions are counted from one again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmation {
    created_at: i64,
    versions: Vec<u64>,
}

impl Confirmation {
    /// Reads what [`fmt::Display`] writes, such as `1790000000000-7-6`; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split('-');
        let created_at = numbers.next()?.parse().ok()?;
        let versions: Vec<u64> = numbers.map(|number| number.parse().ok()).collect::<Option<_>>()?;
        (!versions.is_empty()).then_some(Self { created_at, versions })
    }

    fn covers(&self, handed: &HandedOver) -> bool {
        let holds = |one: &Handed| self.versions.contains(&one.version);
        self.created_at == handed.created_at.as_millis() && handed.passwords.iter().all(holds)
    }
}

impl fmt::Display for Confirmation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.created_at)?;
        self.versions.iter().try_for_each(|version| write!(f, "-{version}"))
    }
}

/// What is still to be given before the account is removed; `None` when all of it is `confirmed`, or there is nothing.
pub(in crate::service) fn still_to_give(
    engine: &Engine,
    account: &Account,
    confirmed: Option<&Confirmation>,
) -> Result<Option<HandedOver>, AccountError> {
    let versions = &account.versions;
    let stored =
        [("current", versions.current), ("previous", versions.previous), ("pending", versions.pending)];
    let mut passwords = Vec::new();
    for (state, version) in stored {
        let Some(Version { number, .. }) = version else { continue };
        // A version whose secret cannot be read is told of: it may be the one that works.
        let login = match engine.stored(account, number) {
            Err(error) if error.is_damage() => None,
            found => found?.map(|stored| stored.login),
        };
        let other = login.as_ref().map(|login| &login.username).filter(|name| **name != account.username);
        let username = other.cloned();
        let password = login.map(|login| login.password);
        passwords.push(Handed { version: number, state, username, password });
    }
    let handed = HandedOver { username: account.username.clone(), created_at: account.created_at, passwords };
    match confirmed {
        _ if handed.passwords.is_empty() => Ok(None),
        None => Ok(Some(handed)),
        Some(confirmed) if confirmed.covers(&handed) => Ok(None),
        Some(_) => Err(AccountError::State(format!(
            "{} has a version that was not confirmed, so nothing was removed: ask for the hand-over again, \
             without confirm",
            account.subject
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_confirmation_is_read_as_it_was_written() {
        let written = Confirmation { created_at: 1_790_000_000_000, versions: vec![7, 6] };
        assert_eq!(written.to_string(), "1790000000000-7-6");
        assert_eq!(Confirmation::parse("1790000000000-7-6"), Some(written));
        for text in ["", "7", "7-", "-7", "1-2-x", "1-2 ", "current", "99999999999999999999-1"] {
            assert_eq!(Confirmation::parse(text), None, "{text:?}");
        }
    }
}
