//! Ending the management of an account. What becomes of its password must be said.

use vault_core::account::{Account, Subject};
use vault_core::incident::ledger::LedgerEvent;
use vault_core::path::AccountPath;
use vault_core::rotation::run::Stage;
use vault_core::secret::SecretString;
use vault_core::store::batch::Require;
use vault_core::store::due;
use vault_core::store::key::Table;

use super::{AccountError, AccountService};
use crate::barrier::{Loaded, Transaction};
use crate::engine::READ_WAIT;
use crate::engine::commit::{drop_secret, put_incidents};
use crate::engine::record::{DUE_ACCOUNT, Managed, Member, managed_name};

/// What becomes of the password that the target still accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposal {
    /// It is rotated once more, and nobody knows the new one.
    RotateAndForget,
    /// It is handed to the caller, once.
    HandOver,
}

impl AccountService {
    /// Ends the management of an account.
    ///
    /// # Errors
    /// [`AccountError`] by cause.
    pub async fn remove(
        &self,
        path: &AccountPath,
        disposal: Disposal,
        principal: &str,
    ) -> Result<Option<(String, SecretString)>, AccountError> {
        let subject = Subject::Account(path.clone());
        if self.engine.barrier().revision::<Member>(subject.key())?.is_some() {
            return Err(AccountError::State(format!(
                "{path} belongs to a pool, which would lend it; take it out of the pool before it is deleted"
            )));
        }
        if disposal == Disposal::RotateAndForget {
            self.rotate(path, false, principal).await?;
        }
        let Some(_flight) = self.engine.flights().take(&subject.key(), READ_WAIT).await else {
            return Err(AccountError::Busy(format!("{path} is being rotated; try again in a moment")));
        };
        let Some(loaded) = self.engine.account(&subject)? else { return Err(AccountError::NotFound) };
        let account = &loaded.value;
        if account.lending.is_held() {
            return Err(AccountError::State(format!(
                "{path} is checked out; check it in before it is deleted"
            )));
        }
        let never_adopted = account.versions.current.is_none() && account.stage.untouched();
        if account.stage != Stage::Idle && !never_adopted {
            return Err(AccountError::State(format!(
                "a rotation of {path} has not ended well, so its password is not certain; repair it before it is deleted"
            )));
        }
        let handed_over = match (disposal, account.versions.current) {
            (Disposal::HandOver, Some(current)) => self.engine.password(&subject, current.number)?,
            _ => None,
        };
        self.wipe(&loaded, principal).await?;
        Ok(handed_over.map(|password| (loaded.value.username.clone(), password)))
    }

    /// Removes the records of an account; its history and incidents stay.
    pub(in crate::service) async fn wipe(
        &self,
        loaded: &Loaded<Account>,
        principal: &str,
    ) -> Result<(), AccountError> {
        let mut batch = self.engine.barrier().transaction()?;
        self.wipe_in(&mut batch, loaded, principal)?;
        Ok(self.engine.barrier().commit(batch).await?)
    }

    /// As [`wipe`](Self::wipe), together with other changes.
    pub(in crate::service) fn wipe_in(
        &self,
        batch: &mut Transaction,
        loaded: &Loaded<Account>,
        principal: &str,
    ) -> Result<(), AccountError> {
        let account = &loaded.value;
        let barrier = self.engine.barrier();
        for version in account.versions.stored() {
            drop_secret(barrier, batch, &account.subject, version.number)?;
        }
        let managed = managed_name(&account.target, &account.username);
        if let Some(revision) = barrier.revision::<Managed>(managed.clone())? {
            batch.delete::<Managed>(managed, revision);
        }
        if let Some(at) = account.armed {
            batch.unmark(Table::Due, due::encode(at, DUE_ACCOUNT, account.subject.key().as_bytes()));
        }
        if let Some(incident) = account.incident {
            let withdrawn =
                LedgerEvent::Withdrawn { incident, at: self.engine.now(), by: principal.to_owned() };
            put_incidents(barrier, batch, &[withdrawn])?;
        }
        // Nobody put it into a pool meanwhile.
        batch.check::<Member>(account.subject.key(), Require::Absent);
        batch.delete::<Account>(account.subject.key(), loaded.revision);
        Ok(())
    }
}
