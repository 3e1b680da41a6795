//! What an effect may cost, what was reserved for it, and what is written down of it.

use vault_core::account::Account;
use vault_core::clock::Timestamp;
use vault_core::path::Name;
use vault_core::rotation::lockout::{Logins, Purse};
use vault_core::target::Target;
use vault_core::target::lockout::{Held, Limit, Login};

/// What an effect may cost, and what was reserved for it.
#[derive(Default)]
pub(in crate::engine) struct Pass {
    pub(super) limit: Option<Limit>,
    pub(super) at: Option<Timestamp>,
    pub(super) reserved: Logins,
    /// The name of the target's management credential.
    pub(super) manager: Option<String>,
    /// What it may spend.
    pub(in crate::engine) purse: Purse,
}

impl Pass {
    /// What is to be written down where nothing was sent.
    pub(in crate::engine) fn unsent(self, account: &Account) -> Vec<Bill> {
        let (Some(limit), Some(at)) = (self.limit, self.at) else { return Vec::new() };
        let bill = |(username, reserved)| {
            let (target, shown) = (account.target.clone(), Vec::new());
            Bill { target, username, limit, reserved: Some((reserved, at)), shown }
        };
        self.reserved.into_iter().map(bill).collect()
    }
}

/// What is to be written down of the logins of one name.
#[derive(Clone, Debug)]
pub(crate) struct Bill {
    pub(super) target: Name,
    pub(super) username: String,
    pub(super) limit: Limit,
    pub(super) reserved: Option<(u32, Timestamp)>,
    pub(super) shown: Vec<Login>,
}

/// The refused logins that count for a name.
pub(crate) struct Counted {
    /// All of them, and when none counts any more.
    pub(crate) all: Held,
    /// When there is room for the next one, where there is none.
    pub(crate) held_until: Option<Timestamp>,
}

impl Bill {
    pub(super) fn of_management(target: &Target, limit: Limit, shown: Login) -> Self {
        Self {
            target: target.name.clone(),
            username: target.username.clone(),
            limit,
            reserved: None,
            shown: vec![shown],
        }
    }
}
