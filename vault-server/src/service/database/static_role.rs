//! `static-roles/<name>`: an account by the words of Vault, made, changed and let go together with it.

mod write;

use vault_core::account::Account;
use vault_core::database::cadence::Asked;
use vault_core::database::{DatabaseConfig, StaticRole};
use vault_core::identity::Principal;
use vault_core::mount::Mount;
use vault_core::path::Name;
use vault_core::secret::SecretString;
use vault_core::store::key::Table;

use super::{DatabaseError, DatabaseService};
use crate::barrier::{LoadError, Loaded, Transaction};
use crate::service::account::{AccountError, Credential, Rotated};

/// What a person writes of a static role. What is `None` stays as it is.
#[derive(Debug, Default)]
pub struct StaticRoleRequest {
    /// The config; needed for a new one, and the same ever after.
    pub db_name: Option<Name>,
    /// The user on the target; needed for a new one, and the same ever after.
    pub username: Option<String>,
    /// When it rotates.
    pub rotation: Asked,
    /// They must say what rotation does.
    pub rotation_statements: Option<Vec<String>>,
    /// `Some(None)` takes it away.
    pub password_policy: Option<Option<Name>>,
    /// Makes a new one without a rotation.
    pub skip_import_rotation: bool,
    /// The password that the user has, for a new one that is not rotated at once.
    pub password: Option<SecretString>,
}

/// A static role and its account.
#[derive(Debug)]
pub struct StaticRoleView {
    /// The role.
    pub role: StaticRole,
    /// The account, which holds the rest.
    pub account: Account,
}

impl DatabaseService {
    /// Whether the static role is there.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn static_role_exists(&self, mount: &Mount, name: &Name) -> Result<bool, LoadError> {
        Ok(self.engine.barrier().revision::<StaticRole>(key(mount, name))?.is_some())
    }

    /// A static role, if it is there.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn static_role(&self, mount: &Mount, name: &Name) -> Result<Option<StaticRoleView>, LoadError> {
        let Some(loaded) = self.load_role(mount, name)? else { return Ok(None) };
        let account = self.accounts.config(&loaded.value.account)?;
        Ok(account.map(|account| StaticRoleView { role: loaded.value, account }))
    }

    /// The names of all static roles.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn static_roles(&self, mount: &Mount) -> Result<Vec<String>, LoadError> {
        self.names(Table::StaticRole, mount)
    }

    /// Removes a static role. Its account goes too, if the vault has never set its password; else it is
    /// released and stays below `accounts/`, so that the password is not lost.
    ///
    /// # Errors
    /// [`DatabaseError`] by cause.
    pub async fn remove_static_role(
        &self,
        mount: &Mount,
        name: &Name,
        principal: &str,
    ) -> Result<(), DatabaseError> {
        let Some(loaded) = self.load_role(mount, name)? else { return Ok(()) };
        let also = |batch: &mut Transaction| {
            batch.delete::<StaticRole>(key(mount, name), loaded.revision);
        };
        Ok(self.accounts.let_go(&loaded.value.account, principal, &also).await?)
    }

    /// The credential of a static role, by the same rule as `accounts/creds`, and only while its config allows
    /// the role.
    ///
    /// # Errors
    /// [`DatabaseError`] by cause.
    pub async fn static_credential(
        &self,
        mount: &Mount,
        name: &Name,
        reader: &Principal,
    ) -> Result<Credential, DatabaseError> {
        let role = self.load_role(mount, name)?.ok_or_else(|| DatabaseError::UnknownRole(name.clone()))?;
        let config = self.allowing(mount, &role.value.config, name)?;
        self.check_target(&role.value, &config.value)?;
        match self.accounts.credential(&role.value.account, reader).await {
            Err(AccountError::Busy(_)) if self.waits_for_import(&role.value)? => {
                Err(DatabaseError::Invalid(format!(
                    "the role {name} has no password yet, because skip_import_rotation was asked for; rotate it first"
                )))
            }
            outcome => Ok(outcome?),
        }
    }

    /// Whether nobody has asked for a first password yet.
    fn waits_for_import(&self, role: &StaticRole) -> Result<bool, LoadError> {
        let account = self.accounts.config(&role.account)?;
        Ok(account.is_some_and(|account| account.versions.last == 0 && account.stage.run().is_none()))
    }

    /// Rotates the account of a static role now.
    ///
    /// # Errors
    /// [`DatabaseError`] by cause.
    pub async fn rotate_role(
        &self,
        mount: &Mount,
        name: &Name,
        principal: &str,
    ) -> Result<Rotated, DatabaseError> {
        let role = self.load_role(mount, name)?;
        let role =
            role.ok_or_else(|| DatabaseError::Invalid("no static role found for role name".to_owned()))?;
        if let Some(config) = self.config_of(mount, &role.value)? {
            self.check_target(&role.value, &config)?;
        }
        Ok(self.accounts.rotate(&role.value.account, false, principal).await?)
    }

    /// The config that a role names, if it is there.
    fn config_of(&self, mount: &Mount, role: &StaticRole) -> Result<Option<DatabaseConfig>, LoadError> {
        let loaded = self.engine.barrier().load::<DatabaseConfig>(key(mount, &role.config))?;
        Ok(loaded.map(|loaded| loaded.value))
    }

    /// A config that was deleted and made anew has another target. What it names now is not where the account
    /// of an older role lives, and nobody shall take the one for the other.
    fn check_target(&self, role: &StaticRole, config: &DatabaseConfig) -> Result<(), DatabaseError> {
        let account = self.accounts.config(&role.account)?;
        let Some(account) = account.filter(|account| account.target != config.target) else { return Ok(()) };
        Err(DatabaseError::Invalid(format!(
            "the config {} was deleted and made anew: its target is {}, but this role's user is on {}, which the \
             config had before; delete the role and make it anew (its account {} keeps the password)",
            role.config, config.target, account.target, role.account
        )))
    }

    fn load_role(&self, mount: &Mount, name: &Name) -> Result<Option<Loaded<StaticRole>>, LoadError> {
        self.engine.barrier().load(key(mount, name))
    }

    /// The config, if it lets this role use it.
    pub(super) fn allowing(
        &self,
        mount: &Mount,
        config: &Name,
        role: &Name,
    ) -> Result<Loaded<DatabaseConfig>, DatabaseError> {
        let loaded = self.existing_config(mount, config)?;
        if loaded.value.allows(role.as_str()) {
            return Ok(loaded);
        }
        Err(DatabaseError::NotAllowed(role.clone()))
    }
}

/// The name of a role's record.
fn key(mount: &Mount, name: &Name) -> Vec<u8> {
    mount.key(name.as_str().as_bytes())
}
