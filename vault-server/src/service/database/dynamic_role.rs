//! `roles/<name>` and `creds/<name>`: users that are made for a lease.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use vault_core::database::DatabaseConfig;
use vault_core::entropy::base62;
use vault_core::id::RotationId;
use vault_core::identity::{Limits as MountLimits, Principal};
use vault_core::lease::dynamic::role::DynamicRole;
use vault_core::lease::dynamic::username::{self, template};
use vault_core::lease::dynamic::{Dynamic, Stage, step};
use vault_core::lease::{EndCause, Limits};
use vault_core::mount::Mount;
use vault_core::password::PasswordPolicy;
use vault_core::path::Name;
use vault_core::rotation::provisioner::Statements;
use vault_core::secret::SecretString;
use vault_core::store::key::Table;
use vault_core::target::Target;

use super::{DatabaseError, DatabaseService};
use crate::barrier::{ATTEMPTS_MAX, CommitError, LoadError, Loaded, require};
use crate::engine::dynamic::{Basis, DynamicError};
use crate::engine::record::StoredPasswordPolicy;
use crate::service::account::borrower;

/// What a person writes of a dynamic role. What is `None` stays as it is.
#[derive(Debug, Default)]
pub struct DynamicRoleRequest {
    /// The config; needed for a new role.
    pub config: Option<Name>,
    /// How users are made.
    pub creation: Option<Vec<String>>,
    /// How they are removed.
    pub revocation: Option<Vec<String>>,
    /// How what a creation has left is removed.
    pub rollback: Option<Vec<String>>,
    /// How they are let in longer.
    pub renew: Option<Vec<String>>,
    /// `Some(None)` for the mount's own.
    pub default_ttl: Option<Option<Duration>>,
    /// `Some(None)` for the mount's own.
    pub max_ttl: Option<Option<Duration>>,
    /// `Some(None)` for the config's own.
    pub password_policy: Option<Option<Name>>,
}

/// What somebody asks of which role.
struct Asked<'a> {
    mount: &'a Mount,
    name: &'a Name,
    principal: &'a Principal,
    reason: Option<String>,
}

/// A user that was made.
#[derive(Debug)]
pub struct Issued {
    /// Its lease.
    pub lease: Dynamic,
    /// Its password, which is kept nowhere.
    pub password: SecretString,
}

impl DatabaseService {
    /// Whether the dynamic role is there.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn dynamic_role_exists(&self, mount: &Mount, name: &Name) -> Result<bool, LoadError> {
        Ok(self.engine.barrier().revision::<DynamicRole>(key(mount, name))?.is_some())
    }

    /// A dynamic role, if it is there.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn dynamic_role(&self, mount: &Mount, name: &Name) -> Result<Option<DynamicRole>, LoadError> {
        let loaded = self.engine.barrier().load::<DynamicRole>(key(mount, name))?;
        Ok(loaded.map(|loaded| loaded.value))
    }

    /// The names of all dynamic roles.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn dynamic_roles(&self, mount: &Mount) -> Result<Vec<String>, LoadError> {
        self.names(Table::DynamicRole, mount)
    }

    /// Makes or changes a dynamic role. Leases that are open are kept and removed by what it says from now on.
    ///
    /// # Errors
    /// [`DatabaseError`] by cause; nothing was changed.
    pub async fn write_dynamic_role(
        &self,
        mount: &Mount,
        name: &Name,
        request: DynamicRoleRequest,
    ) -> Result<(), DatabaseError> {
        let invalid = |text: &str| DatabaseError::Invalid(text.to_owned());
        for _ in 0..ATTEMPTS_MAX {
            let loaded = self.engine.barrier().load::<DynamicRole>(key(mount, name))?;
            let there = loaded.as_ref().map(|loaded| &loaded.value);
            let config = request.config.clone().or_else(|| there.map(|role| role.config.clone()));
            let config = config.ok_or_else(|| invalid("database name is a required field"))?;
            let role = changed(there, config, &request);
            if role.max_ttl.is_some_and(|max| role.default_ttl.is_some_and(|ttl| ttl > max)) {
                return Err(invalid("default_ttl must not be greater than max_ttl"));
            }
            self.check_statements_of(mount, &role)?;
            let there = self.mount_there(mount)?;
            // A policy that is named is there when this is committed.
            let _references = self.engine.references().read().await;
            self.password_policy_of(role.password_policy.as_ref())?;
            let mut batch = self.engine.barrier().transaction()?;
            batch.check::<Mount>(*mount.id.as_bytes(), there);
            batch.put(key(mount, name), require(loaded.as_ref()), &role);
            match self.engine.barrier().commit(batch).await {
                Err(CommitError::Conflict) => {}
                outcome => return Ok(outcome?),
            }
        }
        Err(CommitError::Conflict.into())
    }

    /// Statements are judged by the rotator of the config's target, once there is one.
    fn check_statements_of(&self, mount: &Mount, role: &DynamicRole) -> Result<(), DatabaseError> {
        let Some(view) = self.config(mount, &role.config)? else { return Ok(()) };
        let rotator = self.engine.rotator(&view.target.rotator)?;
        let provisioner = rotator.as_ref().and_then(|rotator| rotator.provisioner());
        let provisioner = provisioner.ok_or_else(|| {
            DatabaseError::Invalid(format!("{} makes no users for leases", view.config.plugin_name))
        })?;
        provisioner.validate(&role.statements).map_err(DatabaseError::Invalid)
    }

    /// Removes a dynamic role, if it is there. Its leases live on, and end as it said when they were made.
    ///
    /// # Errors
    /// [`DatabaseError`] by cause.
    pub async fn remove_dynamic_role(&self, mount: &Mount, name: &Name) -> Result<(), DatabaseError> {
        for _ in 0..ATTEMPTS_MAX {
            let Some(revision) = self.engine.barrier().revision::<DynamicRole>(key(mount, name))? else {
                return Ok(());
            };
            let mut batch = self.engine.barrier().transaction()?;
            batch.delete::<DynamicRole>(key(mount, name), revision);
            match self.engine.barrier().commit(batch).await {
                Err(CommitError::Conflict) => {}
                outcome => return Ok(outcome?),
            }
        }
        Err(CommitError::Conflict.into())
    }

    /// Makes a user by the role `name`, on a lease of `principal`. It goes again when `gone` is cancelled by then, because
    /// nobody takes the answer any more.
    ///
    /// # Errors
    /// [`DatabaseError`] by cause. No user is left behind.
    pub async fn issue(
        &self,
        mount: &Mount,
        name: &Name,
        principal: &Principal,
        reason: Option<String>,
        limits: MountLimits,
        gone: &CancellationToken,
    ) -> Result<Issued, DatabaseError> {
        for _ in 0..ATTEMPTS_MAX {
            let asked = Asked { mount, name, principal, reason: reason.clone() };
            let issued = match self.try_issue(asked, limits).await {
                // What was decided upon was changed while the target was waited for.
                Err(DatabaseError::Dynamic(DynamicError::Outdated)) => continue,
                outcome => outcome?,
            };
            if !gone.is_cancelled() {
                return Ok(issued);
            }
            // It was never handed out, and nobody would give it back.
            let ended = self.engine.begin_end_dynamic(&issued.lease.key(), &EndCause::CheckIn).await;
            if let Some(lease) = ended.map_err(DynamicError::from)? {
                self.engine.spawn_removal(&lease);
            }
            return Err(DynamicError::Busy("the client hung up before it was given anything").into());
        }
        Err(CommitError::Conflict.into())
    }

    async fn try_issue(&self, asked: Asked<'_>, limits: MountLimits) -> Result<Issued, DatabaseError> {
        let Asked { mount, name, .. } = asked;
        let role = self.engine.barrier().load::<DynamicRole>(key(mount, name))?;
        let Loaded { value: role, revision: role_at } =
            role.ok_or_else(|| DatabaseError::UnknownRole(name.clone()))?;
        let Loaded { value: config, revision: config_at } = self.allowing(mount, &role.config, name)?;
        let basis =
            Basis { role: (key(mount, name), role_at), config: (key(mount, &role.config), config_at) };
        if role.statements.creation.is_empty() {
            return Err(DatabaseError::Invalid(format!("the role {name} has no creation_statements")));
        }
        self.check_statements_of(mount, &role)?;
        let target = self.engine.target(&config.target)?;
        let target = target.ok_or_else(|| DatabaseError::UnknownConfig(role.config.clone()))?.value;
        let policy =
            self.password_policy_of(role.password_policy.as_ref().or(target.password_policy.as_ref()))?;
        let password = policy.unwrap_or_else(PasswordPolicy::of_vault).generate(self.engine.entropy());
        let limits = Limits { ttl: limits.default_ttl, max_ttl: limits.max_ttl };
        let limits = step::limits(role.default_ttl, role.max_ttl, limits);
        let username = self.username(&config, &asked)?;
        let lease = self.drawn(asked, role, &target, username, limits);
        let lease = self.engine.provision(lease, &password, &basis).await?;
        Ok(Issued { lease, password })
    }

    /// A name for a new user, by the config's template if it has one.
    fn username(&self, config: &DatabaseConfig, asked: &Asked<'_>) -> Result<String, DatabaseError> {
        let (now, entropy) = (self.engine.now(), self.engine.entropy());
        let (who, role) = (asked.principal.display_name(), asked.name.as_str());
        if config.username_template.is_empty() {
            return Ok(username::username(who, role, now, entropy));
        }
        let names = template::Names { display_name: who, role };
        template::templated(&config.username_template, names, now, entropy)
            .map_err(|error| DatabaseError::Invalid(error.to_string()))
    }

    fn drawn(
        &self,
        asked: Asked<'_>,
        role: DynamicRole,
        target: &Target,
        username: String,
        limits: Limits,
    ) -> Dynamic {
        let Asked { mount, name, principal, reason } = asked;
        let (now, entropy) = (self.engine.now(), self.engine.entropy());
        Dynamic {
            mount: mount.id,
            mount_path: mount.path.as_str().to_owned(),
            role: name.to_string(),
            suffix: base62::random(SUFFIX_CHARS, entropy),
            target: target.name.clone(),
            place: None,
            server: None,
            username,
            job: RotationId::generate(now, entropy),
            borrower: borrower(principal),
            reason,
            issued_at: now,
            expires_at: now.plus(limits.ttl),
            max_expires_at: now.plus(limits.max_ttl),
            ttl: limits.ttl,
            renewed_at: None,
            statements: role.statements,
            stage: Stage::Requested,
            undo: false,
            ending: None,
            closing: None,
            failures: 0,
            refusals: 0,
            fault: None,
            troubled: false,
            armed: None,
        }
    }

    /// The password policy of this name; `None` where none is named.
    fn password_policy_of(&self, name: Option<&Name>) -> Result<Option<PasswordPolicy>, DatabaseError> {
        let Some(name) = name else { return Ok(None) };
        let stored = self.engine.barrier().load::<StoredPasswordPolicy>(name.as_str())?;
        let policy = stored.and_then(|stored| PasswordPolicy::parse(&stored.value.text).ok());
        let none = || DatabaseError::Invalid(format!("there is no password policy {name}"));
        Ok(Some(policy.ok_or_else(none)?))
    }
}

fn changed(there: Option<&DynamicRole>, config: Name, request: &DynamicRoleRequest) -> DynamicRole {
    let old = there.map(|role| role.statements.clone()).unwrap_or_default();
    let statements = Statements {
        creation: request.creation.clone().unwrap_or(old.creation),
        revocation: request.revocation.clone().unwrap_or(old.revocation),
        rollback: request.rollback.clone().unwrap_or(old.rollback),
        renew: request.renew.clone().unwrap_or(old.renew),
    };
    DynamicRole {
        config,
        statements,
        default_ttl: request.default_ttl.unwrap_or(there.and_then(|role| role.default_ttl)),
        max_ttl: request.max_ttl.unwrap_or(there.and_then(|role| role.max_ttl)),
        password_policy: match &request.password_policy {
            Some(policy) => policy.clone(),
            None => there.and_then(|role| role.password_policy.clone()),
        },
    }
}

fn key(mount: &Mount, name: &Name) -> Vec<u8> {
    mount.key(name.as_str().as_bytes())
}

/// Of a lease's id: 24 letters and digits, as Vault's.
const SUFFIX_CHARS: usize = 24;
