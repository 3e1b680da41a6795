//! The names of an account on its target, of which it may have two that take turns.

use vault_core::account::{Account, Settings, Subject};
use vault_core::rotation::port::{Login, Rotator};
use vault_core::rotation::run::Stage;
use vault_core::secret::SecretString;
use vault_core::store::batch::Require;
use vault_core::target::Target;

use super::{AccountError, AccountService, USERNAME_BYTES_MAX};
use crate::barrier::Transaction;
use crate::engine::record::{Managed, managed_name};

/// Whether an account with these settings can have the second name that they give it.
pub(super) fn validate(
    rotator: &dyn Rotator,
    target: &Target,
    username: &str,
    settings: &Settings,
) -> Result<(), AccountError> {
    let Some(alternate) = &settings.alternate_username else { return Ok(()) };
    let invalid = |what: String| Err(AccountError::Invalid(what));
    if settings.own_rotation.is_some() {
        return invalid("a static role has one username; take alternate_username away".to_owned());
    }
    if !rotator.alternates(&target.spec) {
        return invalid(format!(
            "accounts of {} cannot take turns; take alternate_username away",
            target.rotator
        ));
    }
    if alternate == username {
        return invalid("alternate_username must be another account than username".to_owned());
    }
    if !target.allows(alternate) {
        return invalid(format!(
            "{alternate} is not one of the allowed_usernames of the target; whoever configures it can add it"
        ));
    }
    if alternate.len() > USERNAME_BYTES_MAX {
        return invalid(format!("alternate_username must have 1 to {USERNAME_BYTES_MAX} bytes"));
    }
    let login = Login { username: alternate.clone(), password: SecretString::new("x".into()) };
    rotator.validate_login(&login).map_err(|why| AccountError::Invalid(format!("alternate_username: {why}")))
}

impl AccountService {
    /// Notes that `account` manages `username`; refused where another account does.
    pub(super) fn manage(
        &self,
        batch: &mut Transaction,
        account: &Account,
        username: &str,
    ) -> Result<(), AccountError> {
        let managed = managed_name(&account.target, username);
        if let Some(other) = self.engine.barrier().load::<Managed>(managed.clone())? {
            let other =
                Subject::from_key(&other.value.subject).map_or(other.value.subject, |s| s.to_string());
            return Err(AccountError::State(format!(
                "{username} on {} is already managed as {other}; two rotations would lock each other out",
                account.target
            )));
        }
        batch.put(managed, Require::Absent, &Managed { subject: account.subject.key() });
        Ok(())
    }

    /// Gives an account another second name, or takes it away, if `settings` do.
    pub(super) fn take_turns(
        &self,
        batch: &mut Transaction,
        account: &Account,
        settings: &Settings,
    ) -> Result<(), AccountError> {
        let (before, after) = (&account.settings.alternate_username, &settings.alternate_username);
        if before == after {
            return Ok(());
        }
        if account.stage != Stage::Idle || account.versions.pending.is_some() {
            return Err(AccountError::State(
                "a rotation has not ended yet; let it end before you change alternate_username".to_owned(),
            ));
        }
        if let Some(version) = account.versions.stored().find(|version| version.is_alternate) {
            return Err(AccountError::State(format!(
                "version {} belongs to {}; rotate, so that {} comes into use, and change alternate_username then",
                version.number,
                account.username_of(version),
                account.username
            )));
        }
        if let Some(before) = before {
            let managed = managed_name(&account.target, before);
            self.engine.drop_tally(batch, &managed)?;
            if let Some(revision) = self.engine.barrier().revision::<Managed>(managed.clone())? {
                batch.delete::<Managed>(managed, revision);
            }
        }
        match after {
            Some(after) => self.manage(batch, account, after),
            None => Ok(()),
        }
    }
}
