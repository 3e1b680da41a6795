//! `config/<name>`: made, read, removed, together with its target.

use std::collections::BTreeMap;

use vault_core::database::connection::written;
use vault_core::database::statement::sets_password;
use vault_core::database::{DatabaseConfig, Origin};
use vault_core::identity::Principal;
use vault_core::lease::dynamic::username::template;
use vault_core::mount::Mount;
use vault_core::path::Name;
use vault_core::rotation::port::{Login, TargetSpec};
use vault_core::secret::SecretString;
use vault_core::store::key::Table;
use vault_core::target::{CONCURRENCY_MAX, Target};

use super::{DatabaseError, DatabaseService};
use crate::barrier::{LoadError, Loaded, Transaction, require};
use crate::service::account::{Rotated, Through};
use crate::service::target::Configure;

/// What a person writes of a config. What is `None` stays as it is.
#[derive(Default)]
pub struct ConfigRequest {
    /// `<rotator>-database-plugin`.
    pub plugin_name: Option<String>,
    /// The address, with placeholders or with a credential in it.
    pub connection_url: Option<SecretString>,
    /// The name of the management credential.
    pub username: Option<String>,
    /// Its password.
    pub password: Option<SecretString>,
    /// Whether a new connection or credential is tried before it is stored.
    pub verify: bool,
    /// Settings of the rotator; an empty text takes one away.
    pub settings: BTreeMap<String, String>,
    /// Which roles may use it.
    pub allowed_roles: Option<Vec<String>>,
    /// `Some(None)` takes it away.
    pub password_policy: Option<Option<Name>>,
    /// How user names of dynamic roles are made.
    pub username_template: Option<String>,
    /// They must say what rotation does.
    pub root_rotation_statements: Option<Vec<String>>,
    /// How many accounts are worked on at once, when positive.
    pub max_open_connections: Option<i64>,
    /// Kept and shown.
    pub max_idle_connections: Option<i64>,
    /// Kept and shown.
    pub max_connection_lifetime: Option<String>,
}

impl std::fmt::Debug for ConfigRequest {
    /// Without the address as it was written: a password may stand in it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConfigRequest").field("plugin_name", &self.plugin_name).finish_non_exhaustive()
    }
}

/// A config and its target.
#[derive(Debug)]
pub struct ConfigView {
    /// The config.
    pub config: DatabaseConfig,
    /// The target, which holds the rest.
    pub target: Target,
}

/// A connection as it shall be.
struct Connection {
    rotator: String,
    spec: TargetSpec,
    username: String,
    password: Option<SecretString>,
}

impl DatabaseService {
    /// Whether the config is there.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn config_exists(&self, mount: &Mount, name: &Name) -> Result<bool, LoadError> {
        Ok(self.engine.barrier().revision::<DatabaseConfig>(key(mount, name))?.is_some())
    }

    /// A config, if it is there.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn config(&self, mount: &Mount, name: &Name) -> Result<Option<ConfigView>, LoadError> {
        let Some(loaded) = self.engine.barrier().load::<DatabaseConfig>(key(mount, name))? else {
            return Ok(None);
        };
        let target = self.engine.target(&loaded.value.target)?;
        Ok(target.map(|target| ConfigView { config: loaded.value, target: target.value }))
    }

    /// The names of all configs.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn configs(&self, mount: &Mount) -> Result<Vec<String>, LoadError> {
        self.names(Table::DatabaseConfig, mount)
    }

    /// Makes or changes a config and its target, in one commit. Says whether a password stood in the address.
    ///
    /// # Errors
    /// [`DatabaseError`] by cause; nothing was changed.
    pub async fn configure(
        &self,
        mount: &Mount,
        name: &Name,
        request: ConfigRequest,
        principal: &Principal,
    ) -> Result<bool, DatabaseError> {
        let loaded = self.engine.barrier().load::<DatabaseConfig>(key(mount, name))?;
        let target = match &loaded {
            Some(loaded) => self.engine.target(&loaded.value.target)?.map(|target| target.value),
            None => None,
        };
        let mount_there = self.mount_there(mount)?;
        let was_written = request.connection_url.as_ref().is_some_and(|url| written(url.expose()).is_some());
        let config = self.changed(mount, name, loaded.as_ref(), &request)?;
        let connection = connection(&request, &config.plugin_name, target.as_ref())?;
        if request.verify {
            self.verify(&connection, target.as_ref()).await?;
        }
        let password_policy = match request.password_policy {
            Some(policy) => policy,
            None => target.as_ref().and_then(|target| target.password_policy.clone()),
        };
        let rotation_policy = self.targets.config(&config.target)?.and_then(|(_, policy)| policy);
        let configure = Configure {
            rotator: connection.rotator,
            spec: connection.spec,
            username: connection.username,
            password: connection.password,
            concurrency: concurrency(config.max_open_connections),
            rotation_policy,
            allowed_usernames: None,
            password_policy,
            heartbeats: None,
            on_drift: None,
            lockout: None,
            team: None,
        };
        let origin = Origin { mount: mount.id, name: name.clone(), released: false };
        let (record, before) = (key(mount, name), require(loaded.as_ref()));
        let also = |batch: &mut Transaction| {
            batch.check::<Mount>(*mount.id.as_bytes(), mount_there);
            batch.put(record.clone(), before, &config);
        };
        let through = Through { origin: Some(&origin), giver: Some(principal), also: &also };
        self.targets.configure_through(&config.target, configure, through).await?;
        Ok(was_written)
    }

    /// The config's own record as it shall be.
    fn changed(
        &self,
        mount: &Mount,
        name: &Name,
        loaded: Option<&Loaded<DatabaseConfig>>,
        request: &ConfigRequest,
    ) -> Result<DatabaseConfig, DatabaseError> {
        let statements = request.root_rotation_statements.iter().flatten();
        check_statements("root_rotation_statements", statements)?;
        let mut config = match loaded {
            Some(loaded) => loaded.value.clone(),
            None => DatabaseConfig {
                target: self.free_target(mount, name)?,
                plugin_name: String::new(),
                allowed_roles: Vec::new(),
                username_template: String::new(),
                root_rotation_statements: Vec::new(),
                max_open_connections: None,
                max_idle_connections: None,
                max_connection_lifetime: None,
            },
        };
        config.plugin_name = request.plugin_name.clone().unwrap_or(config.plugin_name);
        config.allowed_roles = request.allowed_roles.clone().unwrap_or(config.allowed_roles);
        if let Some(template) = &request.username_template {
            if !template.is_empty() {
                template::check(template, self.engine.now())
                    .map_err(|error| DatabaseError::Invalid(error.to_string()))?;
            }
            config.username_template.clone_from(template);
        }
        config.root_rotation_statements =
            request.root_rotation_statements.clone().unwrap_or(config.root_rotation_statements);
        config.max_open_connections = request.max_open_connections.or(config.max_open_connections);
        config.max_idle_connections = request.max_idle_connections.or(config.max_idle_connections);
        config.max_connection_lifetime =
            request.max_connection_lifetime.clone().or(config.max_connection_lifetime);
        Ok(config)
    }

    /// A name for the target of a new config: what people would call it, with a number where another has it.
    fn free_target(&self, mount: &Mount, name: &Name) -> Result<Name, DatabaseError> {
        let may = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '_' | '-' | '.');
        let mount: String =
            mount.path.as_str().chars().map(|sign| if may(sign) { sign } else { '-' }).collect();
        for number in 1..=NUMBER_MAX {
            let suffix = if number == 1 { String::new() } else { format!("-{number}") };
            let target = Name::parse(&format!("{mount}.{name}{suffix}"))
                .map_err(|error| DatabaseError::Invalid(format!("the name of its target: {error}")))?;
            if self.engine.target(&target)?.is_none() {
                return Ok(target);
            }
        }
        Err(DatabaseError::Invalid(format!(
            "there are targets {mount}.{name} to {mount}.{name}-{NUMBER_MAX}; delete those that nobody needs"
        )))
    }

    /// Tries a credential that was given. One that was not has nothing new to be tried.
    async fn verify(&self, connection: &Connection, known: Option<&Target>) -> Result<(), DatabaseError> {
        let Some(password) = &connection.password else { return Ok(()) };
        let login = Login { username: connection.username.clone(), password: password.duplicate() };
        let tried = self.targets.try_login(&connection.rotator, &connection.spec, &login, known).await?;
        tried.map_err(DatabaseError::Verify)
    }

    /// Removes a config. Its target goes too, unless it still has accounts, or a password that only the vault
    /// knows: then it is released, and stays below `targets/`.
    ///
    /// # Errors
    /// [`DatabaseError`] by cause.
    pub async fn remove_config(
        &self,
        mount: &Mount,
        name: &Name,
        principal: &str,
    ) -> Result<(), DatabaseError> {
        let Some(loaded) = self.engine.barrier().load::<DatabaseConfig>(key(mount, name))? else {
            return Ok(());
        };
        let record = key(mount, name);
        let also = |batch: &mut Transaction| {
            batch.delete::<DatabaseConfig>(record.clone(), loaded.revision);
        };
        Ok(self.targets.let_go(&loaded.value.target, principal, &also).await?)
    }

    /// Rotates the management credential, through itself.
    ///
    /// # Errors
    /// [`DatabaseError`] by cause.
    pub async fn rotate_root(
        &self,
        mount: &Mount,
        name: &Name,
        principal: &str,
    ) -> Result<Rotated, DatabaseError> {
        let config = self.existing_config(mount, name)?.value;
        Ok(self.targets.rotate(&config.target, principal).await?)
    }

    /// Looks afresh whether the management credential logs in, whatever was concluded of it before, and lets
    /// go on what waited for it. No connection is held open that would have to be closed.
    ///
    /// # Errors
    /// [`DatabaseError`] by cause.
    pub async fn reset(&self, mount: &Mount, name: &Name) -> Result<(), DatabaseError> {
        let config = self.existing_config(mount, name)?.value;
        self.targets.check(&config.target).await?;
        Ok(())
    }
}

/// The connection that a request makes of what there is.
fn connection(
    request: &ConfigRequest,
    plugin_name: &str,
    target: Option<&Target>,
) -> Result<Connection, DatabaseError> {
    let invalid = |text: &str| DatabaseError::Invalid(text.to_owned());
    if plugin_name.is_empty() {
        return Err(invalid("empty plugin name"));
    }
    let rotator = plugin_name.strip_suffix(PLUGIN_SUFFIX).ok_or_else(|| {
        DatabaseError::Invalid(format!(
            "error creating database object: plugin not found in the catalog: {plugin_name}"
        ))
    })?;
    let rotator = if MYSQL_VARIANTS.contains(&rotator) { "mysql" } else { rotator };
    let given = request.connection_url.as_ref().map(SecretString::expose).filter(|url| !url.is_empty());
    let url = given.or_else(|| target.map(|target| target.spec.connection_url.as_str()));
    let url = url.ok_or_else(|| invalid("error creating database object: connection_url cannot be empty"))?;
    let mut settings = target.map_or_else(BTreeMap::new, |target| target.spec.settings.clone());
    settings.extend(request.settings.clone());
    settings.retain(|_, value| !value.is_empty());
    let (connection_url, username, password) = match written(url) {
        None => {
            let username = request.username.clone().or_else(|| target.map(|target| target.username.clone()));
            (url.to_owned(), username, request.password.as_ref().map(SecretString::duplicate))
        }
        Some(written) => {
            let other = request.username.as_ref().is_some_and(|name| *name != written.username)
                || request.password.as_ref().is_some_and(|given| !given.ct_eq(written.password.expose()));
            if other {
                return Err(invalid(
                    "connection_url holds another user name or password than the fields username and password",
                ));
            }
            (written.connection_url, Some(written.username), Some(written.password))
        }
    };
    let username = username.filter(|name| !name.is_empty());
    let username = username.ok_or_else(|| {
        invalid("error creating database object: missing username: the name of the management credential")
    })?;
    let spec = TargetSpec { connection_url, settings };
    Ok(Connection { rotator: rotator.to_owned(), spec, username, password })
}

/// Statements of rotation are taken only where they say what is done anyway.
pub(super) fn check_statements<'a>(
    field: &str,
    statements: impl Iterator<Item = &'a String>,
) -> Result<(), DatabaseError> {
    let mut each = statements.flat_map(|text| text.split(';')).filter(|text| !text.trim().is_empty());
    if each.all(sets_password) {
        return Ok(());
    }
    Err(DatabaseError::Invalid(format!(
        "{field} are not run: the password is set by a statement of Rotunda's own, which keeps it out of the \
         database's log, and is proved by a login. Leave them out, or write \
         ALTER ROLE \"{{{{name}}}}\" WITH PASSWORD '{{{{password}}}}', which says the same"
    )))
}

fn concurrency(max_open_connections: Option<i64>) -> Option<u64> {
    let asked = max_open_connections.and_then(|count| u64::try_from(count).ok()).filter(|count| *count > 0);
    asked.map(|count| count.min(u64::from(CONCURRENCY_MAX)))
}

/// The name of a config's record.
fn key(mount: &Mount, name: &Name) -> Vec<u8> {
    mount.key(name.as_str().as_bytes())
}

/// `postgresql-database-plugin` is the rotator `postgresql`.
const PLUGIN_SUFFIX: &str = "-database-plugin";
/// Vault's other names for its MySQL plugin, which differ in the length of user names.
const MYSQL_VARIANTS: [&str; 3] = ["mysql-aurora", "mysql-rds", "mysql-legacy"];
/// How many names are tried for the target of a new config.
const NUMBER_MAX: u32 = 100;
