//! How the accounts of a pool stand: states, never secrets.

use vault_api::account::AccountStatus;
use vault_core::clock::Timestamp;
use vault_core::lease::Borrower;
use vault_core::path::AccountPath;
use vault_core::pool::{Availability, PoolId, availability};

use super::{Legible, PoolError, PoolService};

/// How one account stands.
#[derive(Debug)]
pub struct Standing {
    /// The account.
    pub path: AccountPath,
    /// Whether it is free, and why not.
    pub availability: Availability,
    /// Who has it, or had it and is not proven to have lost it.
    pub borrower: Option<Borrower>,
    /// When it was lent last.
    pub lent_at: Option<Timestamp>,
    /// What is known of it; nothing when its record is damaged.
    pub status: Option<AccountStatus>,
}

impl PoolService {
    /// How each account of the pool stands, in the pool's order.
    ///
    /// # Errors
    /// [`PoolError`] by cause.
    pub fn status(&self, id: &PoolId) -> Result<Vec<Standing>, PoolError> {
        let now = self.engine.now();
        let mut standings = Vec::new();
        for path in self.existing(id)?.accounts {
            // A pool keeps its accounts from being deleted; one that left meanwhile has nothing to tell.
            let account = match self.legible(&path)? {
                Legible::Account(loaded) => loaded.value,
                Legible::Absent => continue,
                Legible::Damaged => {
                    let availability = Availability::Failing;
                    standings.push(Standing {
                        path,
                        availability,
                        borrower: None,
                        lent_at: None,
                        status: None,
                    });
                    continue;
                }
            };
            standings.push(Standing {
                availability: availability(&account, now),
                lent_at: account.lending.lent_at,
                status: Some(self.accounts.view(&account)?),
                borrower: account.lending.holder.map(|lease| lease.borrower),
                path,
            });
        }
        Ok(standings)
    }
}
