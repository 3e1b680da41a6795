//! `static-roles/<name>`: an account by the words of Vault, made, changed and let go together with it.

use std::time::Duration;

use vault_core::account::{Account, Settings, Subject};
use vault_core::database::{DatabaseConfig, Origin, StaticRole};
use vault_core::identity::Principal;
use vault_core::mount::Mount;
use vault_core::path::{AccountPath, Name};
use vault_core::rotation::fault::Action;
use vault_core::schedule::{Cadence, RotationPolicy, RotationPolicyError, RotationPolicySpec};
use vault_core::secret::SecretString;
use vault_core::store::batch::Require;
use vault_core::store::key::Table;

use super::config::check_statements;
use super::{DatabaseError, DatabaseService};
use crate::barrier::{LoadError, Loaded, Transaction};
use crate::service::account::{AccountError, Adoption, Begun, Configure, Credential, Rotated, Through};

/// What a person writes of a static role. What is `None` stays as it is.
#[derive(Debug, Default)]
pub struct StaticRoleRequest {
    /// The config; needed for a new one, and the same ever after.
    pub db_name: Option<Name>,
    /// The user on the target; needed for a new one, and the same ever after.
    pub username: Option<String>,
    /// Rotate so long after the last rotation.
    pub rotation_period: Option<Duration>,
    /// Rotate at the occurrences of a cron text, in UTC.
    pub rotation_schedule: Option<String>,
    /// How long after an occurrence a rotation may start.
    pub rotation_window: Option<Duration>,
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
        principal: &str,
    ) -> Result<Rotated, DatabaseError> {
        check_statements("rotation_statements", request.rotation_statements.iter().flatten())?;
        match self.load_role(mount, name)? {
            None => self.create_role(mount, name, request, principal).await,
            Some(role) => self.change_role(mount, name, role, request, principal).await,
        }
    }

    async fn create_role(
        &self,
        mount: &Mount,
        name: &Name,
        request: StaticRoleRequest,
        principal: &str,
    ) -> Result<Rotated, DatabaseError> {
        let invalid = |text: &str| DatabaseError::Invalid(text.to_owned());
        let config = request.db_name.clone().ok_or_else(|| invalid("database name is a required field"))?;
        let username = request.username.clone().filter(|name| !name.is_empty());
        let username =
            username.ok_or_else(|| invalid("username is a required field to create a static account"))?;
        let rotation = rotation(&request, None)?;
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
        let password = request.password;
        let configure =
            Configure { target: loaded.value.target.clone(), username, password, settings, adoption };
        let through = Through { origin: Some(&origin), also: &also };
        let begun = self.accounts.configure_through(&path, configure, principal, through).await?;
        if begun == Begun::No {
            return Ok(Rotated::Done { version: 0 });
        }
        self.imported(mount, name, &path, principal).await
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
        let own_rotation = rotation(&request, account.settings.own_rotation.as_ref())?;
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
        let through = Through { origin: Some(&origin), also: &also };
        self.accounts.configure_through(&role.account, configure, principal, through).await?;
        Ok(Rotated::Done { version: 0 })
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
        self.allowing(mount, &role.value.config, name)?;
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
        Ok(self.accounts.rotate(&role.value.account, false, principal).await?)
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

/// When a role rotates: as asked for, or as `before`.
fn rotation(
    request: &StaticRoleRequest,
    before: Option<&RotationPolicy>,
) -> Result<RotationPolicy, DatabaseError> {
    let invalid = |text: &str| Err(DatabaseError::Invalid(text.to_owned()));
    let (period, schedule) = (request.rotation_period, request.rotation_schedule.clone());
    let window = request.rotation_window;
    let spec = match (period, schedule, before) {
        (Some(_), Some(_), _) => {
            return invalid(
                "mutually exclusive fields rotation_period and rotation_schedule were both specified; only one \
                 of them can be provided",
            );
        }
        (None, None, None) => {
            return invalid("rotation_period is required to create static accounts, or rotation_schedule");
        }
        (None, None, Some(before)) if window.is_none() => return Ok(before.clone()),
        (None, None, Some(before)) => {
            RotationPolicySpec { rotation_window: window, ..RotationPolicySpec::from(before.clone()) }
        }
        (period, schedule, before) => {
            let kept = before.filter(|_| period.is_none()).and_then(window_of);
            RotationPolicySpec {
                rotation_period: period,
                rotation_schedule: schedule,
                rotation_window: window.or(kept),
                ..RotationPolicySpec::default()
            }
        }
    };
    if spec.rotation_period.is_some() && spec.rotation_window.is_some() {
        return invalid("rotation_window is invalid with use of rotation_period");
    }
    if window.is_some_and(|window| window < WINDOW_MIN) {
        return invalid("rotation_window must be 3600 seconds or more");
    }
    RotationPolicy::try_new(spec).map_err(|error| match error {
        RotationPolicyError::PeriodTooShort => {
            DatabaseError::Invalid("rotation_period must be 5 seconds or more".to_owned())
        }
        RotationPolicyError::Schedule(cause) => {
            DatabaseError::Invalid(format!("could not parse rotation_schedule: {cause}"))
        }
        error => DatabaseError::Invalid(error.to_string()),
    })
}

fn window_of(policy: &RotationPolicy) -> Option<Duration> {
    match policy.cadence() {
        Cadence::Schedule { window, .. } => *window,
        Cadence::Period(_) => None,
    }
}

/// The name of a role's record.
fn key(mount: &Mount, name: &Name) -> Vec<u8> {
    mount.key(name.as_str().as_bytes())
}

/// The shortest window, as in Vault.
const WINDOW_MIN: Duration = Duration::from_secs(3600);
/// How many names are tried for the account of a new role.
const NUMBER_MAX: u32 = 100;
