//! The port that an embedded engine implements. One writer thread calls `apply`; anyone may read.

use std::path::PathBuf;

/// One raw change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RawOp {
    /// Sets a key.
    Put(Vec<u8>, Vec<u8>),
    /// Removes a key; removing an absent key is no error.
    Delete(Vec<u8>),
}

/// A key and its value.
pub type RawEntry = (Vec<u8>, Vec<u8>);

/// An ordered map of bytes to bytes with atomic, durable batches.
pub trait Engine: Send + Sync {
    /// The engine's name in configuration and status: `memory`, `sled`, `redb`.
    fn name(&self) -> &'static str;

    /// The value of `key`.
    ///
    /// # Errors
    /// [`EngineError`] by cause.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError>;

    /// Up to `limit` entries whose key starts with `prefix` and is greater than `after`, in key order.
    ///
    /// # Errors
    /// [`EngineError`] by cause.
    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<RawEntry>, EngineError>;

    /// Applies all of `ops` or none; **on disk when it returns**.
    ///
    /// # Errors
    /// [`EngineError`] by cause. After an error the outcome is unknown and the store must be reopened.
    fn apply(&self, ops: &[RawOp]) -> Result<(), EngineError>;

    /// Uses a pause between writes to prepare for the next start; changes nothing that can be read. The writer
    /// calls it once after the last of several writes.
    ///
    /// # Errors
    /// As [`Engine::apply`].
    fn rest(&self) -> Result<(), EngineError> {
        Ok(())
    }
}

/// Why an engine failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// Another process has the store open.
    #[error("the store at {0} is already open in another process")]
    Locked(PathBuf),
    /// The files are damaged: restore from a backup, or run `rotunda operator verify`.
    #[error("the store is damaged: {0}")]
    Corrupt(String),
    /// The files were written by a newer version of Rotunda.
    #[error("the store has format {found}, and this version reads up to {known}; use a newer rotunda")]
    NewerFormat {
        /// The format on disk.
        found: u32,
        /// The newest format this build reads.
        known: u32,
    },
    /// The directory holds a store of another engine.
    #[error(
        "the directory holds a {found} store, but {asked} is configured; use `rotunda operator migrate-store`"
    )]
    OtherEngine {
        /// What is on disk.
        found: String,
        /// What was asked for.
        asked: &'static str,
    },
    /// The disk or the file system failed (full, read-only, gone).
    #[error("the store's disk failed")]
    Io(#[source] std::io::Error),
}
