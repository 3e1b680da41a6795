//! The database engine: targets and accounts by the words of Vault.
//!
//! ```text
//!   DatabaseConfig  mount id · name  ► target                  StaticRole  mount id · name  ► account
//! ```
//!
//! A record here is made, changed and taken away in the commit of its target or account. What is deleted here
//! while only the vault knows a password is let go: the target or account stays, and tells that it is released.

mod config;

use vault_core::database::{DatabaseConfig, StaticRole};
use vault_core::mount::Mount;
use vault_core::path::Name;
use vault_core::rotation::fault::Fault;
use vault_core::store::batch::Require;
use vault_core::store::key::Table;

use crate::barrier::{CommitError, LoadError, Loaded, Record, Sealed};
use crate::engine::Engine;
use crate::service::account::{AccountError, AccountService};
use crate::service::target::TargetService;

pub use self::config::{ConfigRequest, ConfigView};

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
    /// The management credential that was given does not log in.
    #[error("error creating database object: error verifying connection: {}", .0.detail)]
    Verify(Fault),
    /// The mount was disabled meanwhile.
    #[error("the mount is gone")]
    MountGone,
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

    /// The names in one of the mount's tables, in order.
    fn names(&self, table: Table, mount: &Mount) -> Result<Vec<String>, LoadError> {
        let prefix = mount.key(b"");
        let mut names = Vec::new();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = self.engine.barrier().names(table, &prefix, after.as_deref(), PAGE)?;
            let Some(last) = page.last() else { return Ok(names) };
            after = Some(last.clone());
            let name = |key: &Vec<u8>| String::from_utf8(key.get(prefix.len()..)?.to_vec()).ok();
            names.extend(page.iter().filter_map(name));
        }
    }
}

/// Records read at a time.
const PAGE: usize = 256;
