//! A consumer says that it uses a version.

use vault_core::account::Account;
use vault_core::consumer::{Receipt, Unconfirmed};
use vault_core::identity::Principal;

use super::flush::FlushError;
use super::{ConsumerService, name};
use crate::barrier::{CommitError, LoadError};

/// Why a confirmation was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfirmError {
    /// It never fetched a version of this account.
    #[error("you have fetched no version of this credential; read it first")]
    NothingFetched,
    /// It fetched another version last.
    #[error("you fetched version {0} last: confirm that one")]
    Fetched(u64),
    /// The memory is full of receipts that wait to be written down.
    #[error("too many consumers are new at once; try again in a moment")]
    Full,
    /// A record could not be read.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The receipt could not be written down; it is kept in memory, and tried again.
    #[error("the confirmation is not written down yet")]
    Commit(#[from] CommitError),
}

impl From<FlushError> for ConfirmError {
    fn from(error: FlushError) -> Self {
        match error {
            FlushError::Load(error) => Self::Load(error),
            FlushError::Commit(error) => Self::Commit(error),
        }
    }
}

impl ConsumerService {
    /// Notes, durably, that `principal` says that it uses `version` of `account`; its receipt as it is then.
    ///
    /// # Errors
    /// [`ConfirmError`] by cause.
    pub async fn confirm(
        &self,
        account: &Account,
        principal: &Principal,
        version: u64,
    ) -> Result<Receipt, ConfirmError> {
        let receipt = self.note_confirmed(account, principal, version)?;
        // One that another commit came before is written down within a second, like any receipt.
        self.flush().await?;
        Ok(receipt)
    }

    fn note_confirmed(
        &self,
        account: &Account,
        principal: &Principal,
        version: u64,
    ) -> Result<Receipt, ConfirmError> {
        let now = self.inner.clock.now();
        let key = self.key(&account.subject, principal);
        let name = name(&account.subject, principal.accessor().as_str());
        let stored = self.inner.barrier.load::<Receipt>(name)?.map(|stored| stored.value);
        let stored = stored.filter(|stored| stored.account == account.created_at);
        let mut shard = self.shard(key);
        let shard = &mut *shard;
        let known = shard.known.get(&key).filter(|known| known.is_of(account, principal));
        // What the memory knows is newer; what is stored knows of confirmations before a restart.
        let latest = known.and_then(|known| known.receipt.after(stored.as_ref())).or(stored);
        let mut receipt = latest.ok_or(ConfirmError::NothingFetched)?;
        let before = receipt.confirmed;
        receipt.confirm(version, now).map_err(|Unconfirmed::Fetched(last)| ConfirmError::Fetched(last))?;
        if receipt.confirmed != before {
            shard.known.remove(&key);
            shard.dirty.retain(|dirty| *dirty != key);
            if !self.learn(shard, key, account.subject.clone(), receipt.clone()) {
                return Err(ConfirmError::Full);
            }
        }
        Ok(receipt)
    }
}
