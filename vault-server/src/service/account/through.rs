//! What an engine adds when it makes or changes a target or an account in its own words.

use vault_core::database::Origin;
use vault_core::identity::Principal;

use crate::barrier::Transaction;

/// By what a target or an account is made, and what is committed together with it.
#[derive(Clone, Copy)]
pub(in crate::service) struct Through<'a> {
    /// The config or role that it belongs to; `None` where a person writes it without an engine.
    pub(in crate::service) origin: Option<&'a Origin>,
    /// Who gives the password that is stored with it, and so knows it.
    pub(in crate::service) giver: Option<&'a Principal>,
    /// Further changes of the same commit.
    pub(in crate::service) also: Also<'a>,
}

/// Adds changes to a commit.
pub(in crate::service) type Also<'a> = &'a (dyn Fn(&mut Transaction) + Send + Sync);

impl Through<'_> {
    /// Nothing is added.
    pub(in crate::service) const NOTHING: Self = Self { origin: None, giver: None, also: &|_| () };

    /// Whether `stored` belongs to something else that is still there.
    pub(in crate::service) fn is_foreign(&self, stored: Option<&Origin>) -> bool {
        match (self.origin, stored) {
            (None, _) => false,
            (Some(own), Some(stored)) => own != stored && !stored.released,
            (Some(_), None) => true,
        }
    }
}
