//! What can go wrong with the store, by who must act.

use std::sync::Arc;

use super::engine::EngineError;
use super::key::Key;

/// Why a batch was not committed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// A record is not at the revision that the batch requires, or the batch contradicts itself (one key
    /// twice, a delete of what must be absent). Nothing was changed: read again and decide again.
    #[error("a record of table {:?} is not at the revision that the batch requires", .0.table)]
    Conflict(Key),
    /// More than [`BATCH_WRITES_MAX`](super::batch::BATCH_WRITES_MAX) lines or
    /// [`BATCH_BYTES_MAX`](super::batch::BATCH_BYTES_MAX) bytes. Nothing was changed.
    #[error("the batch is too large")]
    TooLarge,
    /// A key is longer than [`KEY_BYTES_MAX`](super::key::KEY_BYTES_MAX). Nothing was changed.
    #[error("a key is too long")]
    KeyTooLong,
    /// The store has no integrity key: the vault is sealed. Nothing was changed.
    #[error("the store is locked: the vault is sealed")]
    Locked,
    /// Too many batches wait for the writer. Nothing was changed: try again later.
    #[error("too many writes are waiting")]
    Busy,
    /// A record that the batch builds on cannot be read. Nothing was changed; see `operator verify`.
    #[error("a record of table {:?} cannot be read", .0.table)]
    Unreadable(Key),
    /// The store is closed, or it stopped after a failure (see [`Health`](super::Health)). Nothing was changed.
    #[error("the store takes no more writes")]
    Closed,
    /// The engine failed while the batch was applied: **it may or may not be on disk**. The store stops;
    /// after it was opened again the records say what happened.
    #[error("the store's engine failed during the write, whose outcome is unknown")]
    Failed(#[source] Arc<EngineError>),
}

/// Why the store could not be opened, unlocked, read or checked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The engine failed.
    #[error("the storage engine failed")]
    Engine(#[from] EngineError),
    /// A stored value is too short to hold its revision: the files were altered.
    #[error("a stored record is malformed; run `rotunda operator verify`")]
    Malformed,
    /// The side file with the commit number cannot be read or written, or is damaged.
    #[error("the commit number's side file failed")]
    Anchor(#[source] std::io::Error),
    /// The store is at an earlier commit than the side file has seen: its log was truncated, or an older
    /// copy was put in its place. Restore from a backup; if the older state is wanted, remove the side file.
    #[error(
        "the store went back: it is at commit {head}, but commit {anchor} was acknowledged (side file `commit`)"
    )]
    WentBack {
        /// The commit number in the side file.
        anchor: u64,
        /// The commit number in the store; 0 when its head record is gone.
        head: u64,
    },
    /// The store holds no records yet: initialise it first.
    #[error("the store is not initialised")]
    Uninitialised,
    /// The store holds records but not its head record: it was removed behind the store's back.
    #[error("the store's head record is missing: the files were altered")]
    HeadMissing,
    /// The head record does not open: a wrong integrity key, or the record was altered.
    #[error("the store's head record does not open: wrong key, or the files were altered")]
    HeadRefused,
    /// Initialisation was asked of a store that holds records.
    #[error("the store is already initialised")]
    AlreadyInitialised,
    /// The check needs the integrity key: unseal first.
    #[error("the store is locked: the vault is sealed")]
    Locked,
    /// So much was written while the snapshot was held that it was given up. Take a new one.
    #[error("the snapshot was held too long")]
    SnapshotExpired,
    /// The store is closed, or it stopped after a failure.
    #[error("the store is closed")]
    Closed,
    /// The first commit failed.
    #[error("the first commit failed")]
    Commit(#[from] CommitError),
    /// The writer's thread could not be started.
    #[error("the store's writer thread could not be started")]
    Thread(#[source] std::io::Error),
}
