//! The door of the simulated target: who has logged in with what, and when it would lock a name.

use std::collections::BTreeMap;

use vault_core::clock::Timestamp;
use vault_core::target::lockout::Lockout;

/// A login, and whether it was let in.
pub(crate) type Shown = (String, String, bool);

#[derive(Debug, Default)]
pub(crate) struct Door {
    /// When the target locks; `None`: never.
    pub lockout: Option<Lockout>,
    /// The target's own clock, which nobody steps back.
    pub now: Timestamp,
    /// Refused logins of each name, since one was let in.
    refused: BTreeMap<String, Vec<Timestamp>>,
    /// The logins of the call that is under way, or was the last one.
    pub shown: Vec<Shown>,
}

impl Door {
    /// Somebody logs in. Gives back what the target does where that locks the name: only the vault logs in here.
    pub(crate) fn login(&mut self, user: &str, password: &str, works: bool) -> Option<String> {
        self.shown.push((user.to_owned(), password.to_owned(), works));
        let lockout = self.lockout?;
        let refused = self.refused.entry(user.to_owned()).or_default();
        if works {
            refused.clear();
            return None;
        }
        refused.retain(|at| self.now.since(*at) < lockout.window);
        refused.push(self.now);
        let count = refused.len();
        (count >= lockout.threshold as usize).then(|| {
            format!("the guard: {user} is locked by {count} refused logins, all of them the vault's")
        })
    }

    /// Refused logins of a name do not count any more: the vault may forget them, and says so.
    pub(crate) fn forgive(&mut self, user: &str, logins: usize) {
        let Some(refused) = self.refused.get_mut(user) else { return };
        refused.truncate(refused.len().saturating_sub(logins));
    }

    /// Whether a login with this was let in in the last call; `None`: there was none.
    pub(crate) fn last(&self, user: &str, password: &str) -> Option<bool> {
        let mut shown = self.shown.iter().rev();
        shown.find(|(name, tried, _)| name == user && tried == password).map(|(.., works)| *works)
    }
}
