//! The durable store: ordered keys, atomic batches with preconditions, durable before acknowledged.
//!
//! ```text
//!  services ── Batch ──► Store (one writer thread: check, apply as one transaction, sync, acknowledge)
//!                          │ Engine port
//!                 memory · sled (guarded) · redb
//! ```
//!
//! There are no blind writes: each names the revision it replaces, so a lost update cannot happen and
//! the encryption of a record can bind the revision it will have.

pub mod batch;
pub mod engine;
pub mod key;
