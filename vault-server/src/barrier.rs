//! Typed, sealed records: the only way of the services to the store.
//!
//! ```text
//!   service ── Record ──► rmp (named fields) ──► Keyring::seal(Place{table, name, revision}) ──► Store
//! ```
//!
//! Nothing passes while the vault is sealed: the keyring is held in one swappable slot, and taking it
//! out stops every access at once. Plaintext buffers are wiped.

mod memory;
mod names;
mod record;
mod transaction;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwapOption;
use tokio::sync::{Notify, RwLock, oneshot};
use vault_core::crypto::{Keyring, OpenError, Place, Suite};
use vault_core::entropy::Entropy;
use vault_core::secret::SecretBytes;
use vault_core::store::batch::{Revision, Versioned};
use vault_core::store::key::{Key, Table};
use vault_core::store::{CommitError as StoreCommitError, Store, StoreError};

use self::memory::Memory;
pub use self::memory::Remembered;
pub use self::record::{Loaded, Record, require};
pub use self::transaction::Transaction;

/// The barrier. Cheap to clone; all clones share one store and one keyring slot.
#[derive(Clone)]
pub struct Barrier {
    inner: Arc<Inner>,
}

struct Inner {
    store: Arc<Store>,
    keyring: ArcSwapOption<Keyring>,
    suite: Suite,
    entropy: Arc<dyn Entropy>,
    /// Commits pass it together; a change of the keyring passes it alone.
    gate: Arc<RwLock<()>>,
    sealed_records: AtomicU64,
    memory: Memory,
    /// Tells who waits that the keys are out.
    closing: Notify,
    /// Times that they were taken out.
    closings: AtomicU64,
}

/// The vault is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the vault is sealed")]
pub struct Sealed;

/// Records with their names, in order.
pub type Page<R> = Vec<(Vec<u8>, Loaded<R>)>;

/// What there is of records, with their names, in order.
pub type Each<R> = Vec<(Vec<u8>, Result<Loaded<R>, LoadError>)>;

/// Why a record was not loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The vault is sealed.
    #[error("the vault is sealed")]
    Sealed,
    /// The record is there but does not open: damaged, moved or rolled back behind the vault's back.
    /// Restore it from a backup; the rest of the vault goes on.
    #[error("a record of table {table:?} does not open")]
    Refused {
        /// Its table.
        table: Table,
        /// Why.
        #[source]
        source: OpenError,
    },
    /// The record opens but cannot be read: written by a newer version of Rotunda.
    #[error("a record of table {0:?} has a form that this version does not read")]
    Unreadable(Table),
    /// The store failed.
    #[error("the store failed")]
    Store(#[source] StoreError),
}

impl LoadError {
    /// Whether it is this one record that cannot be read, and others can.
    #[must_use]
    pub const fn is_damage(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::Unreadable(_))
    }
}

/// Why a transaction was not committed. Nothing of it happened, except for [`CommitError::Unknown`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// The vault is sealed.
    #[error("the vault is sealed")]
    Sealed,
    /// Another commit came first: load again, decide again, try again.
    #[error("another change came first")]
    Conflict,
    /// Too many writes wait already: try again later.
    #[error("too many writes are waiting")]
    Busy,
    /// A record cannot be encoded: a fault of the version that is running.
    #[error("a record of table {0:?} cannot be encoded")]
    Unencodable(Table),
    /// The store refused the transaction, and nothing of it happened.
    #[error("the store refused the change")]
    Store(#[source] StoreCommitError),
    /// The store failed while it wrote; whether the change is there will be known after a restart.
    #[error("the store failed during the change")]
    Unknown(#[source] StoreCommitError),
}

impl From<Sealed> for LoadError {
    fn from(_: Sealed) -> Self {
        Self::Sealed
    }
}

impl From<Sealed> for CommitError {
    fn from(_: Sealed) -> Self {
        Self::Sealed
    }
}

impl From<StoreCommitError> for CommitError {
    fn from(error: StoreCommitError) -> Self {
        match error {
            StoreCommitError::Conflict(_) => Self::Conflict,
            StoreCommitError::Locked => Self::Sealed,
            StoreCommitError::Busy => Self::Busy,
            StoreCommitError::Failed(_) => Self::Unknown(error),
            error => Self::Store(error),
        }
    }
}

impl Barrier {
    /// A sealed barrier over `store`.
    #[must_use]
    pub fn new(store: Arc<Store>, suite: Suite, entropy: Arc<dyn Entropy>) -> Self {
        let inner = Inner {
            store,
            keyring: ArcSwapOption::empty(),
            suite,
            entropy,
            gate: Arc::default(),
            sealed_records: AtomicU64::new(0),
            memory: Memory::new(),
            closing: Notify::new(),
            closings: AtomicU64::new(0),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Loads the record `name` of the table of `R`.
    ///
    /// # Errors
    /// [`LoadError`] by cause; absence is `Ok(None)`.
    pub fn load<R: Record>(&self, name: impl Into<Vec<u8>>) -> Result<Option<Loaded<R>>, LoadError> {
        let keyring = self.keyring()?;
        let key = Key::new(R::TABLE, name);
        let Some(stored) = self.inner.store.get(&key).map_err(LoadError::Store)? else { return Ok(None) };
        open(&keyring, &key, &stored).map(Some)
    }

    /// Like [`load`](Self::load), for a record that may stay opened: what the store holds is read each time, and
    /// opened only when it is not what it was the last time.
    ///
    /// # Errors
    /// [`LoadError`] by cause; absence is `Ok(None)`.
    pub fn recall<R: Remembered>(
        &self,
        name: impl Into<Vec<u8>>,
    ) -> Result<Option<Loaded<Arc<R>>>, LoadError> {
        let keyring = self.keyring()?;
        let key = Key::new(R::TABLE, name);
        let Some(stored) = self.inner.store.get(&key).map_err(LoadError::Store)? else { return Ok(None) };
        if let Some(known) = self.inner.memory.recall(&key, &stored) {
            return Ok(Some(known));
        }
        let Loaded { value, revision } = open(&keyring, &key, &stored)?;
        let value = Arc::new(value);
        self.inner.memory.keep(key, stored, &value);
        // A seal that came meanwhile has forgotten everything but this.
        if self.is_sealed() {
            self.inner.memory.clear();
        }
        Ok(Some(Loaded { value, revision }))
    }

    /// Loads up to `limit` records whose name starts with `prefix` and is greater than `after`, in order.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn list<R: Record>(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Page<R>, LoadError> {
        let page = self.list_each(prefix, after, limit)?;
        page.into_iter().map(|(name, loaded)| Ok((name, loaded?))).collect()
    }

    /// Like [`list`](Self::list), where one record that cannot be read must not hide the others.
    ///
    /// # Errors
    /// [`LoadError`] by cause, of the whole; [`LoadError::is_damage`] of a single record.
    pub fn list_each<R: Record>(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Each<R>, LoadError> {
        let keyring = self.keyring()?;
        let entries = self.inner.store.scan(R::TABLE, prefix, after, limit).map_err(LoadError::Store)?;
        let opened = entries.into_iter().map(|(name, stored)| {
            let key = Key::new(R::TABLE, name);
            let loaded = open(&keyring, &key, &stored);
            (key.name, loaded)
        });
        Ok(opened.collect())
    }

    /// The revision of a record, without opening it; `None` when it is not there.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn revision<R: Record>(&self, name: impl Into<Vec<u8>>) -> Result<Option<Revision>, LoadError> {
        let _open = self.keyring()?;
        let stored = self.inner.store.get(&Key::new(R::TABLE, name)).map_err(LoadError::Store)?;
        Ok(stored.map(|stored| stored.revision))
    }

    /// Whether an index entry is there.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn has_mark(&self, table: Table, name: &[u8]) -> Result<bool, LoadError> {
        let _open = self.keyring()?;
        let stored = self.inner.store.get(&Key::new(table, name)).map_err(LoadError::Store)?;
        Ok(stored.is_some())
    }

    /// Begins a transaction, which seals with the key generation that is active now.
    ///
    /// # Errors
    /// [`Sealed`].
    pub fn transaction(&self) -> Result<Transaction, Sealed> {
        Ok(Transaction::new(self.keyring()?, self.inner.suite, Arc::clone(&self.inner.entropy)))
    }

    /// Commits; returns when it is on disk. Dropping the future does not take the change back.
    ///
    /// # Errors
    /// [`CommitError`] by cause.
    pub async fn commit(&self, transaction: Transaction) -> Result<(), CommitError> {
        if let Some(table) = transaction.unencodable() {
            return Err(CommitError::Unencodable(table));
        }
        let gate = Arc::clone(&self.inner.gate).read_owned().await;
        if self.keyring()?.active() != transaction.generation() {
            // Sealed under a generation that may be dropped soon: to be sealed anew.
            return Err(CommitError::Conflict);
        }
        let (lines, once_committed) = (transaction.len() as u64, transaction.once_committed);
        let (done, outcome) = oneshot::channel();
        self.inner.store.submit(
            transaction.batch,
            Box::new(move |result| {
                // Also where the caller is gone by now.
                if result.is_ok() {
                    once_committed.into_iter().for_each(|act| act());
                }
                // Held until the outcome is known, even when the caller is gone: see `replace_keyring`.
                drop(gate);
                let _ = done.send(result);
            }),
        );
        outcome.await.unwrap_or(Err(StoreCommitError::Closed))?;
        self.inner.sealed_records.fetch_add(lines, Ordering::Relaxed);
        Ok(())
    }

    /// The store below, for what is not sealed: positions, health, subscriptions, integrity.
    #[must_use]
    pub fn store(&self) -> &Arc<Store> {
        &self.inner.store
    }

    /// Whether the keyring is out of reach.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.inner.keyring.load().is_none()
    }

    /// How often the keys were taken out: what was held beside them is good for no later number.
    #[must_use]
    pub fn closings(&self) -> u64 {
        self.inner.closings.load(Ordering::SeqCst)
    }

    /// The keys in use.
    ///
    /// # Errors
    /// [`Sealed`].
    pub(crate) fn keyring(&self) -> Result<Arc<Keyring>, Sealed> {
        self.inner.keyring.load_full().ok_or(Sealed)
    }

    /// Puts the keys in.
    pub(crate) fn open_with(&self, keyring: Arc<Keyring>) {
        self.inner.keyring.store(Some(keyring));
    }

    /// Puts new keys in place of the old, after every commit that was sealed under the old ones is done.
    /// From here on only the new active generation is written.
    pub(crate) async fn replace_keyring(&self, keyring: Arc<Keyring>) {
        let _gate = self.inner.gate.write().await;
        // A seal that came between stays.
        if !self.is_sealed() {
            self.inner.keyring.store(Some(keyring));
        }
    }

    /// About how many records were sealed since the server started.
    #[must_use]
    pub fn sealed_records(&self) -> u64 {
        self.inner.sealed_records.load(Ordering::Relaxed)
    }

    pub(crate) fn suite(&self) -> Suite {
        self.inner.suite
    }

    /// Takes the keys out. They are wiped when the last access that is under way ends.
    pub(crate) fn close(&self) {
        self.inner.keyring.store(None);
        self.inner.closings.fetch_add(1, Ordering::SeqCst);
        self.inner.memory.clear();
        self.inner.closing.notify_waiters();
    }

    /// Ends when the keys are taken out; at once when they are out already.
    pub(crate) async fn closed(&self) {
        // Made before the look: a seal that comes between is told to it all the same.
        let closing = self.inner.closing.notified();
        if !self.is_sealed() {
            closing.await;
        }
    }
}

fn open<R: Record>(keyring: &Keyring, key: &Key, stored: &Versioned) -> Result<Loaded<R>, LoadError> {
    let plaintext = open_plaintext(keyring, key, stored)
        .map_err(|source| LoadError::Refused { table: key.table, source })?;
    let value = record::decode(plaintext.expose()).ok_or(LoadError::Unreadable(key.table))?;
    Ok(Loaded { value, revision: stored.revision })
}

/// The plaintext of a stored record.
pub(crate) fn open_plaintext(
    keyring: &Keyring,
    key: &Key,
    stored: &Versioned,
) -> Result<SecretBytes, OpenError> {
    let place = Place { namespace: "", table: key.table, name: &key.name, revision: stored.revision };
    keyring.open(&place, &stored.bytes)
}

/// How often a service decides anew after a conflict, before it gives up: far above what contention makes.
pub const ATTEMPTS_MAX: u32 = 64;

#[cfg(test)]
pub(crate) mod tests;
