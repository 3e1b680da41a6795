//! Static secrets, versions 1 and 2 of Vault's KV engine.
//!
//! ```text
//!   version 1   KvSecret    mount ‖ path                   data, replaced by each write
//!   version 2   KvMetadata  mount ‖ path                   versions and settings
//!               KvVersion   mount ‖ path ‖ NUL ‖ number    data, written once
//!               Meta        "kv/" ‖ mount ‖ path           a permanent removal that is under way
//! ```
//!
//! A read of version 2 opens one metadata record and one version and takes no lock. A write is one commit.
//! Writers of one path take turns, so that a crowd of them does not spend itself on conflicts; that only one
//! of two writers with the same `cas` wins is the store's doing. After an upgrade from version 1 what was there
//! is read as version 1 where it lies, and becomes one when it is first changed.

mod list;
mod plain;
mod read;
mod record;
mod remove;
mod write;

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use tokio::sync::{Mutex, MutexGuard};
use vault_core::kv::{CasError, CustomMetadata, Data, DataError, SecretPath, SettingsError, Version};
use vault_core::mount::Mount;
use vault_core::secret::SecretString;

use crate::barrier::{Barrier, CommitError, LoadError, Transaction};

pub use self::plain::PlainSecret;
pub use self::record::{StoredSecret, StoredVersion};

/// Why a secret was not read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KvError {
    /// Another version is current, or the writer did not say which.
    #[error(transparent)]
    Cas(#[from] CasError),
    /// Too large.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A setting that is out of bounds.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// Notes that are out of bounds.
    #[error(transparent)]
    Custom(#[from] vault_core::kv::CustomError),
    /// There is nothing to change.
    #[error("there is no such secret")]
    Absent,
    /// The version to change is deleted or destroyed.
    #[error("the current version is deleted or destroyed")]
    Gone(Box<View>),
    /// The mount was disabled or upgraded while the request was under way.
    #[error("the mount was changed meanwhile; try again")]
    MountChanged,
    /// The data of a version that should be there is not: the check of the store will say more.
    #[error("the data of a version is missing")]
    Missing,
    /// A record was not loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A change was not committed.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl From<crate::barrier::Sealed> for KvError {
    fn from(_: crate::barrier::Sealed) -> Self {
        Self::Load(LoadError::Sealed)
    }
}

/// What is told about a version beside its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Its number.
    pub number: u64,
    /// What is known about it.
    pub version: Version,
    /// What people noted about the secret.
    pub custom: CustomMetadata,
}

/// What a read of version 2 found.
#[derive(Debug)]
pub enum Found {
    /// Nothing at all.
    Nothing,
    /// A version that is deleted or destroyed.
    Gone(View),
    /// A version with its data.
    Data(View, Data),
}

/// One secret: where it is, and under which names its records stand.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The mount.
    pub mount: &'a Mount,
    /// The path below it.
    pub path: &'a SecretPath,
}

impl Place<'_> {
    fn record(&self) -> Vec<u8> {
        self.mount.key(&self.path.record())
    }

    fn versions(&self) -> Vec<u8> {
        self.mount.key(&self.path.versions())
    }

    fn version(&self, number: u64) -> Vec<u8> {
        self.mount.key(&self.path.version(number))
    }
}

/// The static secrets. Cheap to clone.
#[derive(Clone)]
pub struct KvService {
    barrier: Barrier,
    turns: Arc<Turns>,
}

/// Writers of one path take turns. Paths share a turn by chance; that costs time and nothing else.
struct Turns {
    hasher: RandomState,
    locks: Vec<Mutex<()>>,
}

impl KvService {
    /// The secrets behind `barrier`.
    #[must_use]
    pub fn new(barrier: Barrier) -> Self {
        let locks = (0..TURNS).map(|_| Mutex::default()).collect();
        Self { barrier, turns: Arc::new(Turns { hasher: RandomState::new(), locks }) }
    }

    async fn turn(&self, name: &[u8]) -> Option<MutexGuard<'_, ()>> {
        let hash = self.turns.hasher.hash_one(name);
        let at = usize::try_from(hash % TURNS as u64).unwrap_or_default();
        match self.turns.locks.get(at) {
            Some(lock) => Some(lock.lock().await),
            None => None,
        }
    }

    /// Begins a transaction that is refused unless the mount is still there, with the same version.
    fn begin(&self, mount: &Mount) -> Result<Transaction, KvError> {
        let stored = self.barrier.load::<Mount>(*mount.id.as_bytes())?;
        let is_same = |stored: &Mount| {
            !stored.ending && stored.kv_version() == mount.kv_version() && stored.kv == mount.kv
        };
        let stored = stored.filter(|stored| is_same(&stored.value)).ok_or(KvError::MountChanged)?;
        let mut transaction = self.barrier.transaction()?;
        transaction.check::<Mount>(*mount.id.as_bytes(), stored.require());
        Ok(transaction)
    }
}

/// The data in a record.
fn opened(text: &SecretString) -> Result<Data, KvError> {
    Data::parse(text).map_err(|_| KvError::Missing)
}

const TURNS: usize = 1024;
