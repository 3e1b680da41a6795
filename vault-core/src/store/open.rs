//! Chooses the engine and opens it.

use std::path::Path;
use std::sync::Arc;

use super::engine::{Engine, EngineError};
use super::memory::MemoryEngine;
use super::place::Place;
use super::redb::RedbEngine;
use super::sled::SledEngine;

/// Which engine holds the records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EngineKind {
    /// In memory: gone with the process.
    Memory,
    /// sled 0.34.7 under guard, the default.
    #[default]
    Sled,
    /// redb with quick repair.
    Redb,
}

impl EngineKind {
    /// The engine's name in configuration and status.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Sled => "sled",
            Self::Redb => "redb",
        }
    }
}

/// How an engine is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineOptions {
    /// Bytes of memory for the engine's cache. Best above the size of the data: sled reads 6 times slower
    /// when a million records do not fit.
    pub cache_bytes: u64,
    /// Whether redb verifies all its checksums when it is opened (1.6 s for a million records). Without it,
    /// damage is found later, by the set hash. sled has no such check.
    pub check_on_open: bool,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self { cache_bytes: 256 * 1024 * 1024, check_on_open: true }
    }
}

/// Opens the engine in `dir`, or makes it there.
///
/// # Errors
/// [`EngineError::Locked`] when it is open already, [`EngineError::OtherEngine`], [`EngineError::NewerFormat`],
/// [`EngineError::Corrupt`] when files are damaged or missing, [`EngineError::Io`].
pub fn open_engine(
    kind: EngineKind,
    dir: &Path,
    options: &EngineOptions,
) -> Result<Arc<dyn Engine>, EngineError> {
    Ok(match kind {
        EngineKind::Memory => Arc::new(MemoryEngine::default()),
        EngineKind::Sled => Arc::new(SledEngine::open(Place::claim(dir)?, options)?),
        EngineKind::Redb => Arc::new(RedbEngine::open(Place::claim(dir)?, options)?),
    })
}
