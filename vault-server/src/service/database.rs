//! The database engine: targets and accounts by the words of Vault.
//!
//! ```text
//!   DatabaseConfig  mount id · name  ► target                  StaticRole  mount id · name  ► account
//! ```
//!
//! A record here is made, changed and taken away in the commit of its target or account. What is deleted here
//! while only the vault knows a password is let go: the target or account stays, and tells that it is released.

mod config;
mod dynamic_role;
mod static_role;

use vault_core::database::cadence::CadenceError;
use vault_core::database::{DatabaseConfig, StaticRole};
use vault_core::mount::Mount;
use vault_core::path::Name;
use vault_core::rotation::fault::Fault;
use vault_core::store::batch::Require;
use vault_core::store::key::Table;

use crate::barrier::{CommitError, LoadError, Loaded, Record, Sealed};
use crate::engine::Engine;
use crate::engine::dynamic::DynamicError;
use crate::service::account::{AccountError, AccountService};
use crate::service::target::TargetService;

pub use self::config::{ConfigRequest, ConfigView};
pub use self::dynamic_role::{DynamicRoleRequest, Issued};
pub use self::static_role::{StaticRoleRequest, StaticRoleView};

impl Record for DatabaseConfig {
    const TABLE: Table = Table::DatabaseConfig;
}

impl Record for StaticRole {
    const TABLE: Table = Table::StaticRole;
}

/// Why something of the database engine was not done. The texts are Vault's where clients know them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// The caller's input; the sentence says what to mend.
    #[error("{0}")]
    Invalid(String),
    /// There is no such config.
    #[error("failed to find entry for connection with name: {:?}", .0.as_str())]
    UnknownConfig(Name),
    /// It cannot rotate so.
    #[error(transparent)]
    Cadence(#[from] CadenceError),
    /// There is no such role.
    #[error("unknown role: {0}")]
    UnknownRole(Name),
    /// The config does not name the role.
    #[error("{:?} is not an allowed role", .0.as_str())]
    NotAllowed(Name),
    /// The first rotation of a new role failed, and a person has to mend something first.
    #[error("error setting credentials: {0}")]
    Import(Fault),
    /// The first rotation of a new role failed, and may succeed later.
    #[error("error setting credentials: {0}")]
    Unreachable(Fault),
    /// The management credential that was given does not log in.
    #[error("error creating database object: error verifying connection: {}", .0.detail)]
    Verify(Fault),
    /// The mount was disabled meanwhile.
    #[error("the mount is gone")]
    MountGone,
    /// A dynamic lease.
    #[error(transparent)]
    Dynamic(#[from] DynamicError),
    /// A target or an account.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// A record was not loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A change was not committed.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl From<Sealed> for DatabaseError {
    fn from(_: Sealed) -> Self {
        Self::Load(LoadError::Sealed)
    }
}

/// The configs and roles of every database mount. Cheap to clone.
#[derive(Clone)]
pub struct DatabaseService {
    engine: Engine,
    targets: TargetService,
    accounts: AccountService,
}

impl DatabaseService {
    /// The configs and roles behind `engine`.
    #[must_use]
    pub fn new(engine: Engine, targets: TargetService, accounts: AccountService) -> Self {
        Self { engine, targets, accounts }
    }

    /// The config `name` of a mount, as dynamic roles need it, too.
    ///
    /// # Errors
    /// [`DatabaseError::UnknownConfig`], or [`LoadError`] by cause.
    pub(in crate::service) fn existing_config(
        &self,
        mount: &Mount,
        name: &Name,
    ) -> Result<Loaded<DatabaseConfig>, DatabaseError> {
        let loaded = self.engine.barrier().load(mount.key(name.as_str().as_bytes()))?;
        loaded.ok_or_else(|| DatabaseError::UnknownConfig(name.clone()))
    }

    /// What a commit requires so that nothing is made in a mount that is being taken away.
    fn mount_there(&self, mount: &Mount) -> Result<Require, DatabaseError> {
        let loaded = self.engine.barrier().load::<Mount>(*mount.id.as_bytes())?;
        let loaded = loaded.filter(|loaded| !loaded.value.ending).ok_or(DatabaseError::MountGone)?;
        Ok(loaded.require())
    }

    /// Lets everything of a mount go that is being taken away. What only the vault knows the password of stays,
    /// released. One that cannot go does not keep the others.
    ///
    /// # Errors
    /// The first [`DatabaseError`], after all were tried; what is left is let go at the next try.
    pub(in crate::service) async fn let_go_all(&self, mount: &Mount) -> Result<(), DatabaseError> {
        let mut first = Ok(());
        for name in self.names(Table::StaticRole, mount)? {
            if let Ok(name) = Name::parse(&name) {
                first = first.and(self.remove_static_role(mount, &name, DISABLED).await);
            }
        }
        for name in self.names(Table::DatabaseConfig, mount)? {
            if let Ok(name) = Name::parse(&name) {
                first = first.and(self.remove_config(mount, &name, DISABLED).await);
            }
        }
        first
    }

    /// The names in one of the mount's tables, in order.
    fn names(&self, table: Table, mount: &Mount) -> Result<Vec<String>, LoadError> {
        self.engine.barrier().names_below(table, &mount.key(b""))
    }
}

/// Who lets things go when their mount is disabled.
const DISABLED: &str = "sys/mounts";
