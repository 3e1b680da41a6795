//! Ending the management of an account. What becomes of its password must be said.

use vault_core::account::{Account, Subject};
use vault_core::incident::ledger::LedgerEvent;
use vault_core::path::AccountPath;
use vault_core::rehearsal::Rehearsal;
use vault_core::rotation::run::Stage;
use vault_core::store::batch::Require;
use vault_core::store::due;
use vault_core::store::key::Table;

use super::{AccountError, AccountService, Also};
use crate::barrier::{Loaded, Transaction};
use crate::engine::circuit::waiting_name;
use crate::engine::commit::{drop_secret, reschedule};
use crate::engine::heartbeat::beat_name;
use crate::engine::ledger::put_incidents;
use crate::engine::record::{DUE_ACCOUNT, Managed, Member, managed_names};
use crate::engine::{ActError, READ_WAIT};
use crate::service::hand_over::{Confirmation, HandedOver, still_to_give};

/// What becomes of the password that the target still accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disposal {
    /// It is rotated once more, and nobody knows the new one.
    RotateAndForget,
    /// It is handed to the caller; the account is removed once the caller holds every version.
    HandOver(Option<Confirmation>),
}

impl AccountService {
    /// Ends the management of an account; or gives what the caller has to hold first, and changes nothing.
    ///
    /// # Errors
    /// [`AccountError`] by cause.
    pub async fn remove(
        &self,
        path: &AccountPath,
        disposal: Disposal,
        principal: &str,
    ) -> Result<Option<HandedOver>, AccountError> {
        let subject = Subject::Account(path.clone());
        self.check_free(&subject)?;
        if self.engine.barrier().revision::<Member>(subject.key())?.is_some() {
            return Err(AccountError::State(format!(
                "{path} belongs to a pool, which would lend it; take it out of the pool before it is deleted"
            )));
        }
        if disposal == Disposal::RotateAndForget {
            self.revoke_versions(&subject, principal).await?;
        }
        let Some(_flight) = self.engine.flights().take(&subject.key(), READ_WAIT).await else {
            return Err(AccountError::Busy(format!("{path} is being rotated; try again in a moment")));
        };
        self.check_free(&subject)?;
        let Some(loaded) = self.engine.account(&subject)? else { return Err(AccountError::NotFound) };
        let account = &loaded.value;
        if account.lending.is_held() {
            return Err(AccountError::State(format!(
                "{path} is checked out; check it in before it is deleted"
            )));
        }
        let never_adopted = account.versions.current.is_none() && account.stage.untouched();
        if let Disposal::HandOver(confirmed) = &disposal {
            // Whichever version is right, the caller gets it: so this needs neither certainty nor the target.
            if let Some(handed) = still_to_give(&self.engine, account, confirmed.as_ref())? {
                return Ok(Some(handed));
            }
        } else if account.stage != Stage::Idle && !never_adopted {
            return Err(AccountError::State(format!(
                "a rotation of {path} has not ended well, so its password is not certain; repair it before it is \
                 deleted, or delete it with disposal=hand-over, which gives you every version"
            )));
        }
        self.wipe(&loaded, principal).await?;
        Ok(None)
    }

    /// An account that a static role names is taken away by deleting that.
    fn check_free(&self, subject: &Subject) -> Result<(), AccountError> {
        let origin = self.engine.account(subject)?.and_then(|loaded| loaded.value.origin);
        match origin.filter(|origin| !origin.released) {
            Some(origin) => Err(AccountError::State(format!(
                "{subject} belongs to the static role {} of a database mount; delete it there first",
                origin.name
            ))),
            None => Ok(()),
        }
    }

    /// Lets an account go whose static role is being removed, in one commit with what `also` adds. It is
    /// removed if the vault has never set its password and no pool has it; else it stays, tells to be released,
    /// and rotates no more by itself.
    ///
    /// # Errors
    /// [`AccountError`] by cause; nothing was committed.
    pub(in crate::service) async fn let_go(
        &self,
        path: &AccountPath,
        principal: &str,
        also: Also<'_>,
    ) -> Result<(), AccountError> {
        let subject = Subject::Account(path.clone());
        let Some(_flight) = self.engine.flights().take(&subject.key(), READ_WAIT).await else {
            return Err(AccountError::Busy(format!("{path} is being rotated; try again in a moment")));
        };
        let loaded = self.engine.account(&subject)?;
        let _turns = self.engine.turns_to_withdraw(loaded.as_ref().map(|loaded| &loaded.value)).await;
        let mut batch = self.engine.barrier().transaction()?;
        also(&mut batch);
        if let Some(loaded) = loaded {
            let account = &loaded.value;
            let never_set = account.last_rotation.is_none() && account.stage.untouched();
            // What is in a pool stays there, and must stay to be found by it.
            let pooled = self.engine.barrier().revision::<Member>(subject.key())?.is_some();
            if never_set && !pooled && !account.lending.is_held() {
                self.wipe_in(&mut batch, &loaded, principal)?;
            } else {
                self.release_in(&mut batch, loaded);
            }
        }
        Ok(self.engine.barrier().commit(batch).await?)
    }

    fn release_in(&self, batch: &mut Transaction, loaded: Loaded<Account>) {
        let (require, armed) = (loaded.require(), loaded.value.armed);
        let mut account = loaded.value;
        if let Some(origin) = &mut account.origin {
            origin.released = true;
        }
        account.settings.own_rotation = None;
        // A policy that nothing names any more can be deleted.
        account.settings.password_policy = None;
        account.next_rotation = None;
        reschedule(batch, armed, &mut account);
        batch.put(account.subject.key(), require, &account);
    }

    /// Removes the records of an account; its history and incidents stay.
    pub(in crate::service) async fn wipe(
        &self,
        loaded: &Loaded<Account>,
        principal: &str,
    ) -> Result<(), AccountError> {
        let _turns = self.engine.turns_to_withdraw(Some(&loaded.value)).await;
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
        for managed in managed_names(account) {
            self.engine.drop_tally(batch, &managed)?;
            if let Some(revision) = barrier.revision::<Managed>(managed.clone())? {
                batch.delete::<Managed>(managed, revision);
            }
        }
        if let Some(at) = account.armed {
            batch.unmark(Table::Due, due::encode(at, DUE_ACCOUNT, account.subject.key().as_bytes()));
        }
        if let Some(at) = account.beat.armed {
            batch.unmark(Table::Heartbeat, beat_name(account, at));
        }
        if let Some(place) = account.queued {
            batch.unmark(Table::Circuit, waiting_name(account, place));
        }
        if let Some(incident) = account.incident {
            let withdrawn =
                LedgerEvent::Withdrawn { incident, at: self.engine.now(), by: principal.to_owned() };
            let turned = put_incidents(barrier, batch, &account.subject.key(), &[withdrawn])
                .map_err(ActError::from)?;
            self.engine.outbox().put(batch, None, &turned)?;
        }
        match barrier.load::<Rehearsal>(account.subject.key())? {
            None => {
                batch.check::<Rehearsal>(account.subject.key(), Require::Absent);
            }
            Some(rehearsal) if rehearsal.value.shadow.is_none() => {
                batch.delete::<Rehearsal>(account.subject.key(), rehearsal.revision);
            }
            // The shadow is still to be removed from the target; the record goes with it.
            Some(rehearsal) => {
                let require = rehearsal.require();
                batch.put(account.subject.key(), require, &Rehearsal { last: None, ..rehearsal.value });
            }
        }
        // Nobody put it into a pool meanwhile.
        batch.check::<Member>(account.subject.key(), Require::Absent);
        batch.delete::<Account>(account.subject.key(), loaded.revision);
        self.engine.trace_removed(batch, account);
        Ok(())
    }
}
