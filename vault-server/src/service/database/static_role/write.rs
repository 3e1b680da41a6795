//! Making and changing a static role, together with its account.

use vault_core::account::{Account, Settings, Subject};
use vault_core::database::{DatabaseConfig, Origin, StaticRole};
use vault_core::identity::Principal;
use vault_core::mount::Mount;
use vault_core::path::{AccountPath, Name};
use vault_core::rotation::fault::Action;
use vault_core::store::batch::Require;

use super::{StaticRoleRequest, key};
use crate::barrier::{Loaded, Transaction};
use crate::service::account::{AccountError, Adoption, Begun, Configure, Rotated, Through};
use crate::service::database::config::check_statements;
use crate::service::database::{DatabaseError, DatabaseService};

impl DatabaseService {
    /// Makes or changes a static role and its account, in one commit. A new one is rotated at once; when that
    /// fails before anything was done on the target, nothing is left of it.
    ///
    /// # Errors
    /// [`DatabaseError`] by cause.
    pub async fn write_static_role(
        &self,
        mount: &Mount,
        name: &Name,
        request: StaticRoleRequest,
        principal: &Principal,
    ) -> Result<Rotated, DatabaseError> {
        check_statements("rotation_statements", request.rotation_statements.iter().flatten())?;
        match self.load_role(mount, name)? {
            None => self.create_role(mount, name, request, principal).await,
            Some(role) => self.change_role(mount, name, role, request, principal.display_name()).await,
        }
    }

    async fn create_role(
        &self,
        mount: &Mount,
        name: &Name,
        request: StaticRoleRequest,
        principal: &Principal,
    ) -> Result<Rotated, DatabaseError> {
        let invalid = |text: &str| DatabaseError::Invalid(text.to_owned());
        let config = request.db_name.clone().ok_or_else(|| invalid("database name is a required field"))?;
        let username = request.username.clone().filter(|name| !name.is_empty());
        let username =
            username.ok_or_else(|| invalid("username is a required field to create a static account"))?;
        let rotation = request.rotation.upon(None)?;
        let there = self.mount_there(mount)?;
        let loaded = self.allowing(mount, &config, name)?;
        let (path, kept) = self.account_of(mount, name, &loaded.value.target, &username)?;
        let settings = Settings {
            own_rotation: Some(rotation),
            rotation_policy: None,
            password_policy: request.password_policy.flatten(),
            ..kept
        };
        let role = StaticRole {
            account: path.clone(),
            config: config.clone(),
            rotation_statements: request.rotation_statements.unwrap_or_default(),
            skip_import_rotation: request.skip_import_rotation,
        };
        let origin = Origin { mount: mount.id, name: name.clone(), released: false };
        let also = |batch: &mut Transaction| {
            batch.check::<Mount>(*mount.id.as_bytes(), there);
            batch.check::<DatabaseConfig>(mount.key(config.as_str().as_bytes()), loaded.require());
            batch.put(key(mount, name), Require::Absent, &role);
        };
        let adoption = if request.skip_import_rotation { Adoption::AsDue } else { Adoption::AtOnce };
        // One that is replaced at once need not be kept.
        let password = request.password.filter(|_| request.skip_import_rotation);
        let configure =
            Configure { target: loaded.value.target.clone(), username, password, settings, adoption };
        let through = Through { origin: Some(&origin), giver: Some(principal), also: &also };
        let begun =
            self.accounts.configure_through(&path, configure, principal.display_name(), through).await?;
        if begun == Begun::No {
            return Ok(Rotated::Done { version: 0 });
        }
        self.imported(mount, name, &path, principal.display_name()).await
    }

    /// How the first rotation of a new role has ended. One that has left the target as it was is taken back.
    async fn imported(
        &self,
        mount: &Mount,
        name: &Name,
        path: &AccountPath,
        principal: &str,
    ) -> Result<Rotated, DatabaseError> {
        let fault = match self.accounts.last_outcome(path) {
            Err(AccountError::Target { fault, status }) => {
                let account = self.accounts.config(path)?;
                let untouched = |account: &Account| account.versions.stored().next().is_none();
                if !account.as_ref().is_some_and(untouched) {
                    return Err(AccountError::Target { fault, status }.into());
                }
                fault
            }
            outcome => return Ok(outcome?),
        };
        self.remove_static_role(mount, name, principal).await?;
        Err(match fault.class.action() {
            Action::Park => DatabaseError::Import(fault),
            _ => DatabaseError::Unreachable(fault),
        })
    }

    async fn change_role(
        &self,
        mount: &Mount,
        name: &Name,
        loaded: Loaded<StaticRole>,
        request: StaticRoleRequest,
        principal: &str,
    ) -> Result<Rotated, DatabaseError> {
        let require = loaded.require();
        let mut role = loaded.value;
        let account = self.accounts.config(&role.account)?.ok_or(AccountError::NotFound)?;
        if request.username.as_ref().is_some_and(|username| *username != account.username) {
            return Err(DatabaseError::Invalid("cannot update static account username".to_owned()));
        }
        if request.db_name.as_ref().is_some_and(|config| *config != role.config) {
            return Err(DatabaseError::Invalid(format!(
                "cannot update static account db_name (it is {}); delete the role and make it anew",
                role.config
            )));
        }
        if request.password.is_some() {
            return Err(DatabaseError::Invalid(format!(
                "a password is taken when a role is made; later give it at accounts/config/{}",
                role.account
            )));
        }
        if let Some(config) = self.config_of(mount, &role)? {
            self.check_target(&role, &config)?;
        }
        let own_rotation = request.rotation.upon(account.settings.own_rotation.as_ref())?;
        let password_policy = request.password_policy.unwrap_or(account.settings.password_policy);
        let settings = Settings { own_rotation: Some(own_rotation), password_policy, ..account.settings };
        role.rotation_statements = request.rotation_statements.unwrap_or(role.rotation_statements);
        let there = self.mount_there(mount)?;
        let also = |batch: &mut Transaction| {
            batch.check::<Mount>(*mount.id.as_bytes(), there);
            batch.put(key(mount, name), require, &role);
        };
        let origin = Origin { mount: mount.id, name: name.clone(), released: false };
        let configure = Configure {
            target: account.target,
            username: account.username,
            password: None,
            settings,
            adoption: Adoption::AsDue,
        };
        let through = Through { origin: Some(&origin), giver: None, also: &also };
        self.accounts.configure_through(&role.account, configure, principal, through).await?;
        // The first rotation of a role that was made before has not succeeded yet: whoever writes it again asks
        // for it again.
        if account.versions.current.is_none() && !role.skip_import_rotation {
            return Ok(self.accounts.rotate(&role.account, false, principal).await?);
        }
        Ok(Rotated::Done { version: 0 })
    }

    /// Where the account of a new role is, and what stays of its settings: the one that manages the user
    /// already, if its role is gone, or else the first free place of the role's name.
    fn account_of(
        &self,
        mount: &Mount,
        name: &Name,
        target: &Name,
        username: &str,
    ) -> Result<(AccountPath, Settings), DatabaseError> {
        let released = |account: &Account| account.origin.as_ref().is_some_and(|origin| origin.released);
        if let Some(account) = self.accounts.managing(target, username)? {
            return match &account.subject {
                Subject::Account(path) if released(&account) => Ok((path.clone(), account.settings)),
                subject => Err(DatabaseError::Invalid(format!(
                    "{username:?} is already managed by the secrets engine, as {subject}; one user name belongs \
                     to one account"
                ))),
            };
        }
        for number in 1..=NUMBER_MAX {
            let suffix = if number == 1 { String::new() } else { format!("-{number}") };
            let path = AccountPath::parse(&format!("{}/{name}{suffix}", mount.path.as_str()))
                .map_err(|error| DatabaseError::Invalid(format!("the path of its account: {error}")))?;
            match self.accounts.config(&path)? {
                Some(account) if released(&account) => {}
                // One that is not released is refused by the commit.
                _ => return Ok((path, Settings::default())),
            }
        }
        Err(DatabaseError::Invalid(format!(
            "there are {NUMBER_MAX} accounts of earlier roles {name}; delete those that nobody needs"
        )))
    }
}

/// How many names are tried for the account of a new role.
const NUMBER_MAX: u32 = 100;
