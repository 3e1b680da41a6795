//! The mount table: what is mounted where, and how that changes.
//!
//! ```text
//!   absent ─enable─► active ─tune · remount─► active ─disable─► ending ─ tokens · records ─► absent
//! ```
//!
//! Requests look at one immutable table and take no lock. A change is committed first and seen then. What
//! is disabled answers nothing from that commit on; its tokens and records go after it, and a crash in
//! between is made good at the next unseal.

mod change;
mod teardown;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwapOption;
use vault_core::clock::Timestamp;
use vault_core::crypto::Keyring;
use vault_core::entropy::Entropy;
use vault_core::id::{MigrationId, MountId};
use vault_core::kv::SettingsError;
use vault_core::mount::{Class, Kind, Mount, MountPath, MountPathError, MountTable, TableError, Tuning};
use vault_core::store::key::Table;

use crate::barrier::{Barrier, CommitError, LoadError, Record};
use crate::engine::commit::PlanError;
use crate::service::database::DatabaseError;
use crate::service::pool::PoolError;
use crate::service::token::TokenServiceError;

pub use self::change::Change;
pub use self::teardown::Teardown;

impl Record for Mount {
    const TABLE: Table = Table::Mount;
}

/// Why the mount table was not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MountError {
    /// The path cannot be one of a mount.
    #[error(transparent)]
    Path(#[from] MountPathError),
    /// What is there already does not allow it.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A secret engine cannot become a way in, nor the other way round.
    #[error("cannot remount between auth/ and secrets engines")]
    OtherClass,
    /// An option that the engine does not know, or cannot change.
    #[error("{0}")]
    Option(String),
    /// A setting that is out of bounds.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// It was disabled meanwhile.
    #[error("the mount is gone")]
    Gone,
    /// A record was not loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A change was not committed.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// A target or an account of the mount was not let go yet; it will be tried again.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// Leases of the mount are ending and not proven over; the mount has stopped to answer.
    #[error("{0} leases of the mount are not over yet: they are tried again until they are")]
    LeasesLeft(usize),
    /// A lease of the mount could not be ended.
    #[error(transparent)]
    Lease(#[from] PlanError),
    /// A token that came through the mount was not revoked yet; it will be tried again.
    #[error(transparent)]
    Token(#[from] TokenServiceError),
    /// What was lent from a pool of the mount does not end yet; it will be tried again.
    #[error(transparent)]
    Pool(#[from] Box<PoolError>),
}

impl From<crate::barrier::Sealed> for MountError {
    fn from(_: crate::barrier::Sealed) -> Self {
        Self::Load(LoadError::Sealed)
    }
}

/// What is to be mounted.
#[derive(Clone, Debug)]
pub struct NewMount {
    /// Where.
    pub path: MountPath,
    /// Which engine.
    pub kind: Kind,
    /// For people.
    pub description: String,
    /// Settings of the engine.
    pub options: BTreeMap<String, String>,
    /// Settings that every engine has.
    pub tuning: Tuning,
    /// Kept and shown.
    pub local: bool,
    /// Kept and shown.
    pub seal_wrap: bool,
}

/// A mount that was moved.
#[derive(Clone, Debug)]
pub struct Migration {
    /// Its name.
    pub id: MigrationId,
    /// Where the mount was.
    pub from: MountPath,
    /// Where it is.
    pub to: MountPath,
}

/// The mounts. Cheap to clone; all clones share one table.
#[derive(Clone)]
pub struct MountService {
    inner: Arc<Inner>,
}

struct Inner {
    barrier: Barrier,
    entropy: Arc<dyn Entropy>,
    /// `None` while sealed.
    table: ArcSwapOption<MountTable>,
    /// One change at a time.
    changing: tokio::sync::Mutex<()>,
    /// The newest moves, for who asks how they went.
    migrations: Mutex<VecDeque<Migration>>,
    /// Woken when a mount is ending.
    ending: tokio::sync::Notify,
}

impl MountService {
    /// The mounts behind `barrier`; none before the first unseal.
    #[must_use]
    pub fn new(barrier: Barrier, entropy: Arc<dyn Entropy>) -> Self {
        let inner = Inner {
            barrier,
            entropy,
            table: ArcSwapOption::empty(),
            changing: tokio::sync::Mutex::default(),
            migrations: Mutex::default(),
            ending: tokio::sync::Notify::new(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// What is mounted now; nothing while sealed.
    #[must_use]
    pub fn table(&self) -> Arc<MountTable> {
        self.inner.table.load_full().unwrap_or_default()
    }

    /// Whether the table was read since the unseal.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.inner.table.load().is_some()
    }

    /// The mount that `path` belongs to, and what is left of the path below it.
    #[must_use]
    pub fn find<'p>(&self, path: &'p str) -> Option<(Arc<Mount>, &'p str)> {
        let table = self.inner.table.load();
        table.as_ref()?.find(path).map(|(mount, rest)| (Arc::clone(mount), rest))
    }

    /// Reads the table. Once for each unseal, before the first request.
    ///
    /// # Errors
    /// [`MountError::Load`].
    pub(crate) fn load(&self, keyring: &Keyring) -> Result<(), MountError> {
        let mut table = MountTable::built_in(|path| built_in_id(keyring, path));
        let (mounts, unread) = self.read()?;
        for mount in mounts {
            if mount.ending {
                self.inner.ending.notify_one();
            } else {
                table = with_or_without(table, mount);
            }
        }
        // Last: beside one that cannot be read, no place is known to be free.
        for (id, error) in unread {
            tracing::error!(mount = %id, error = &error as &dyn std::error::Error, "the record of a mount cannot be read: restore it from a backup");
            table = table.with_unread(id);
        }
        self.inner.table.store(Some(Arc::new(table)));
        Ok(())
    }

    /// Forgets the table: the vault is being sealed.
    pub(crate) fn clear(&self) {
        self.inner.table.store(None);
    }

    /// The mounts that are being taken away and are not gone yet.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn ending(&self) -> Result<Vec<Mount>, LoadError> {
        let (mounts, _) = self.read()?;
        Ok(mounts.into_iter().filter(|mount| mount.ending).collect())
    }

    /// All mounts that are stored, and the ids of those whose records cannot be read, with why.
    fn read(&self) -> Result<(Vec<Mount>, Unread), LoadError> {
        let (mut mounts, mut unread) = (Vec::new(), Vec::new());
        for (name, mount) in self.inner.barrier.list_each::<Mount>(b"", None, MOUNTS_MAX)? {
            match (mount, name.try_into().map(MountId::from_stored)) {
                (Ok(mount), _) => mounts.push(mount.value),
                (Err(error), Ok(id)) if error.is_damage() => unread.push((id, error)),
                (Err(error), _) => return Err(error),
            }
        }
        Ok((mounts, unread))
    }

    /// What is wrong with the table, as sentences.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        self.table().unread().map(|id| TableError::Unread(id).to_string()).collect()
    }

    /// The mount of `class` that a caller names by `text`.
    ///
    /// # Errors
    /// [`MountError::Path`], or [`TableError::Absent`].
    pub fn named(&self, class: Class, text: &str) -> Result<Arc<Mount>, MountError> {
        let path = MountPath::parse(class, text)?;
        let mount = self.table().at(&path).map(Arc::clone);
        mount.ok_or_else(|| TableError::Absent(path).into())
    }

    /// How the move of this name went: every one that is known has ended well.
    #[must_use]
    pub fn migration(&self, id: MigrationId) -> Option<Migration> {
        self.migrations().iter().find(|migration| migration.id == id).cloned()
    }

    fn migrations(&self) -> std::sync::MutexGuard<'_, VecDeque<Migration>> {
        self.inner.migrations.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn new_id(&self, now: Timestamp) -> MountId {
        MountId::generate(now, &*self.inner.entropy)
    }
}

/// Mounts whose records cannot be read, and why.
type Unread = Vec<(MountId, LoadError)>;

/// One mount that has no place any more must not keep the vault sealed: it is left out, and what is in it stays.
fn with_or_without(table: MountTable, mount: Mount) -> MountTable {
    let path = mount.path.clone();
    table.with(Arc::new(mount)).unwrap_or_else(|error| {
        tracing::error!(%path, %error, "a mount is left out; move what stands in its place");
        table
    })
}

/// The id of what is built in: the same at every unseal, and another in each vault.
fn built_in_id(keyring: &Keyring, path: &str) -> MountId {
    let digest = keyring.token_key().hmac_sha256(format!("built-in mount {path}").as_bytes());
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(digest).for_each(|(byte, from)| *byte = from);
    MountId::derived(bytes)
}

const PAGE: usize = 128;
/// More mounts than anybody has.
const MOUNTS_MAX: usize = 100_000;
const MIGRATIONS_KEPT: usize = 64;
