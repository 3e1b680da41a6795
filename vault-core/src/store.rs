//! The durable store: ordered keys, atomic batches with preconditions, durable before acknowledged.
//!
//! ```text
//!  services ── Batch ──► Store (one writer thread: check, apply as one transaction, sync, acknowledge)
//!                          │            └── set hash over all records, in the same transaction
//!                          │ Engine port
//!                 memory · sled (guarded) · redb
//! ```
//!
//! There are no blind writes: each names the revision it replaces, so a lost update cannot happen and
//! the encryption of a record can bind the revision it will have.
//!
//! Invariants:
//! - a commit that was acknowledged is on disk;
//! - a reader never sees a change before it is on disk, and never waits for a sync;
//! - one page of a scan, and one snapshot, shows the store as it was after one commit;
//! - every transaction of the engine moves the set hash with the records, so a record that vanished,
//!   was added, altered or rolled back behind the store's back is noticed (`docs/storage.md`).

pub mod batch;
pub mod key;

mod handle;
mod view;
mod writer;

mod group;
mod record;

pub mod anchor;
mod integrity;
mod sum;
pub mod verify;

pub mod due;
mod error;
pub mod migrate;
pub mod watch;

pub mod engine;
mod memory;
mod open;
mod place;
mod redb;
mod sled;

#[cfg(any(test, feature = "test-support"))]
pub mod contract;
#[cfg(any(test, feature = "test-support"))]
pub mod crash;
#[cfg(any(test, feature = "test-support"))]
pub mod ring;

pub use error::{CommitError, StoreError};
pub use handle::{Ack, Health, Store};
pub use integrity::Position;
pub use memory::MemoryEngine;
pub use open::{EngineKind, EngineOptions, open_engine};
pub use view::Snapshot;
