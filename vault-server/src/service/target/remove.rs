//! Deleting a target. The management password is not lost by the way.

use std::time::Instant;

use tokio::sync::RwLockWriteGuard;
use vault_core::account::{Account, Subject};
use vault_core::lease::dynamic::SUBJECT_PREFIX;
use vault_core::path::Name;
use vault_core::rehearsal;
use vault_core::target::Target;

use super::TargetService;
use crate::engine::READ_WAIT;
use crate::engine::flight::Flight;
use crate::service::account::{AccountError, Also};
use crate::service::hand_over::{Confirmation, HandedOver, still_to_give};

/// What becomes of the management password of a target that is deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disposal {
    /// It is handed to the caller; the target is removed once the caller holds every version.
    HandOver(Option<Confirmation>),
    /// Nobody knows it any more.
    Forget,
}

impl TargetService {
    /// Removes a target that has no accounts any more; or gives what the caller has to hold first, and changes
    /// nothing. What becomes of a password that the vault itself has made must be said.
    ///
    /// # Errors
    /// [`AccountError`] by cause.
    pub async fn remove(
        &self,
        name: &Name,
        disposal: Option<Disposal>,
        principal: &str,
    ) -> Result<Option<HandedOver>, AccountError> {
        let subject = Subject::Management(name.clone());
        let _alone = self.alone(name, &subject).await?;
        let Some(target) = self.engine.target(name)? else { return Ok(None) };
        if let Some(origin) = target.value.origin.as_ref().filter(|origin| !origin.released) {
            return Err(AccountError::State(format!(
                "{name} belongs to the config {} of a database mount; delete it there",
                origin.name
            )));
        }
        let accounts = self.engine.subjects_on(name)?;
        let managed: Vec<String> =
            accounts.iter().filter_map(|key| key.strip_prefix("a/")).map(str::to_owned).collect();
        if !managed.is_empty() {
            return Err(AccountError::State(format!(
                "{name} still has {} accounts (such as {}); delete them first",
                managed.len(),
                managed.first().map_or("", String::as_str)
            )));
        }
        let leases = accounts.iter().filter(|key| key.starts_with(SUBJECT_PREFIX)).count();
        if leases > 0 {
            return Err(AccountError::State(format!(
                "{name} still has {leases} dynamic leases; revoke them first"
            )));
        }
        if accounts.iter().any(|key| key.starts_with(rehearsal::SUBJECT_PREFIX)) {
            return Err(AccountError::State(format!(
                "{name} may still have the shadow account of a rehearsal, which is being removed; try again in a moment"
            )));
        }
        let manager = self.engine.account(&subject)?;
        let _turns = self.engine.turns_to_withdraw(manager.as_ref().map(|manager| &manager.value)).await;
        let mut batch = self.engine.barrier().transaction()?;
        if let Some(manager) = manager {
            if let Some(handed) = self.before_removal(&manager.value, disposal)? {
                return Ok(Some(handed));
            }
            self.accounts.wipe_in(&mut batch, &manager, principal)?;
        }
        batch.delete::<Target>(name.as_str(), target.revision);
        self.engine.drop_circuit(&mut batch, name)?;
        self.engine.barrier().commit(batch).await?;
        self.engine.forget_circuit(name);
        Ok(None)
    }

    /// Lets a target go whose config is being removed, in one commit with what `also` adds. It is removed if
    /// by that nothing is lost; else it stays, and is told to be released.
    ///
    /// # Errors
    /// [`AccountError`] by cause; nothing was committed.
    pub(in crate::service) async fn let_go(
        &self,
        name: &Name,
        principal: &str,
        also: Also<'_>,
    ) -> Result<(), AccountError> {
        let subject = Subject::Management(name.clone());
        let _alone = self.alone(name, &subject).await?;
        let manager = self.engine.account(&subject)?;
        let _turns = self.engine.turns_to_withdraw(manager.as_ref().map(|manager| &manager.value)).await;
        let mut batch = self.engine.barrier().transaction()?;
        also(&mut batch);
        let mut is_removed = false;
        if let Some(target) = self.engine.target(name)? {
            // Dynamic leases need it, too, until they are over.
            let has_accounts = self.engine.subjects_on(name)?.iter().any(|key| !key.starts_with("m/"));
            let is_known = |manager: &Account| manager.last_rotation.is_none() && manager.stage.untouched();
            match manager {
                Some(manager) if !has_accounts && is_known(&manager.value) => {
                    self.accounts.wipe_in(&mut batch, &manager, principal)?;
                    batch.delete::<Target>(name.as_str(), target.revision);
                    self.engine.drop_circuit(&mut batch, name)?;
                    is_removed = true;
                }
                _ => {
                    let require = target.require();
                    let mut target = target.value;
                    if let Some(origin) = &mut target.origin {
                        origin.released = true;
                    }
                    target.password_policy = None;
                    batch.put(name.as_str(), require, &target);
                }
            }
        }
        self.engine.barrier().commit(batch).await?;
        if is_removed {
            self.engine.forget_circuit(name);
        }
        Ok(())
    }

    /// Sees to it that nobody makes an account or a user of the target, or works on its management credential. It waits
    /// for the latter without holding up the former: they are those of every target.
    async fn alone(
        &self,
        name: &Name,
        subject: &Subject,
    ) -> Result<(RwLockWriteGuard<'_, ()>, Flight), AccountError> {
        let deadline = Instant::now() + READ_WAIT;
        loop {
            let alone = self.engine.references().write().await;
            if let Some(flight) = self.engine.flights().try_take(&subject.key()) {
                return Ok((alone, flight));
            }
            drop(alone);
            let left = deadline.saturating_duration_since(Instant::now());
            if self.engine.flights().take(&subject.key(), left).await.is_none() {
                return Err(AccountError::Busy(format!(
                    "the management credential of {name} is being rotated; try again in a moment"
                )));
            }
        }
    }

    /// What is still to be given of a management credential that the vault is about to forget.
    fn before_removal(
        &self,
        manager: &Account,
        disposal: Option<Disposal>,
    ) -> Result<Option<HandedOver>, AccountError> {
        let disposal = match disposal {
            Some(Disposal::HandOver(confirmed)) => {
                return still_to_give(&self.engine, manager, confirmed.as_ref());
            }
            other => other,
        };
        if !manager.stage.untouched() {
            return Err(AccountError::State(
                "a rotation of the management credential has not ended well, so its password is not certain; repair \
                 it before the target is deleted, or delete it with disposal=hand-over, which gives you every version"
                    .to_owned(),
            ));
        }
        // A password that a person brought is known to that person.
        if disposal.is_none() && manager.last_rotation.is_some() {
            return Err(AccountError::Invalid(
                "only the vault knows the management password, because it has rotated it; say what becomes of it: \
                 disposal=hand-over (it is given to you) or disposal=forget (nobody knows it any more)"
                    .to_owned(),
            ));
        }
        Ok(None)
    }
}
