//! The audit trail: who asked for what, what was answered, and what the vault did by itself.
//!
//! Entries are JSON lines in Vault's shape in which secret text appears only as keyed digests. Each line
//! holds the hash of the one before, and signed checkpoints fix the chain at short intervals. An answer
//! may leave only with an [`AuditReceipt`], which only a sink that has written the entry can make.
//!
//! ```text
//!   Entry ──append──► AuditFile ──► <file>        opened ◄─ entry ◄─ entry ◄─ checkpoint ◄─ …
//!     │                   └───────► <file>.head   {seq, hash} of the newest line
//!     └ strings only as hmac-sha256 digests       verify(reader) needs no secret
//! ```
//!
//! The format, and what is and is not detected, is written down in `docs/audit.md`.

pub mod checkpoint;
pub mod digest;
pub mod entry;
pub mod file;
pub mod head;
pub mod header;
pub mod line;
#[cfg(any(test, feature = "test-support"))]
pub mod memory;
pub mod receipt;
pub mod search;
pub mod verify;

pub use checkpoint::{CheckpointSigner, PublicKey};
pub use digest::Digester;
pub use entry::{Auth, Entry, Operation, Request, Response, System, Token, WrapInfo};
pub use file::{AuditError, AuditFile, Opening, Reopened, Written};
pub use head::Head;
pub use header::{AuditedHeader, AuditedHeaders, HeaderError};
pub use line::LineHash;
pub use receipt::AuditReceipt;
pub use verify::{Finding, Report, Status, VerifyOptions, verify, verify_file};

use crate::clock::Timestamp;

/// Where entries become durable evidence, in the order in which they are appended.
///
/// This is the local, primary record: it alone makes receipts. A remote collector reads its lines later
/// and can neither make nor hold up an answer.
pub trait AuditSink: Send + Sync {
    /// Writes one entry. When this fails the request must fail too, and nothing may be revealed.
    ///
    /// # Errors
    /// [`AuditError`] when the entry was not, or not certainly, written.
    fn append(&self, entry: &Entry, now: Timestamp) -> Result<AuditReceipt, AuditError>;

    /// Signs what was written since the last checkpoint, if that is due; called by the scheduler so that
    /// a quiet vault has a signed tail too.
    ///
    /// # Errors
    /// [`AuditError`] when a checkpoint was due and could not be written.
    fn tick(&self, now: Timestamp) -> Result<(), AuditError>;

    /// Waits until everything appended is on disk.
    ///
    /// # Errors
    /// [`AuditError::Io`] when the disk does not confirm.
    fn sync(&self) -> Result<(), AuditError>;
}
