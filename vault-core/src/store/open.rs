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
    /// sled 0.34.7 under guard.
    Sled,
    /// redb, the default: start and memory do not grow with the data.
    #[default]
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

    /// The engine whose files are in `dir`, if there are any.
    #[must_use]
    pub fn found_in(dir: &Path) -> Option<Self> {
        let kinds = [Self::Sled, Self::Redb];
        let marked = super::place::engine_of(dir);
        let marked = marked.and_then(|name| kinds.into_iter().find(|kind| kind.as_str() == name));
        marked.or_else(|| kinds.into_iter().find(|kind| dir.join(kind.as_str()).is_dir()))
    }

    /// Bytes of cache that serve best where nothing is configured: redb reads as fast with little of it, sled needs
    /// what the data need.
    #[must_use]
    pub const fn cache_bytes_default(self) -> u64 {
        match self {
            Self::Memory | Self::Redb => 64 * MIB,
            Self::Sled => 256 * MIB,
        }
    }
}

/// How an engine is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineOptions {
    /// Bytes of memory for the engine's cache, as [`EngineKind::cache_bytes_default`]. sled reads 6 times slower when a
    /// million records do not fit.
    pub cache_bytes: u64,
    /// Whether redb verifies all its checksums when it is opened (1.6 s for a million records). Without it,
    /// damage is found later, by the set hash. sled has no such check.
    pub check_on_open: bool,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self { cache_bytes: 256 * MIB, check_on_open: true }
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

const MIB: u64 = 1024 * 1024;
