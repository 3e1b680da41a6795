//! Why the trail could not be written.

use std::io;

/// The entry was not, or not certainly, recorded: the request must fail.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// The path names a directory, a device or the like. The operator configures another path.
    #[error("the audit path is not a regular file; configure a path to a file")]
    NotAFile,
    /// The file holds something else. The operator moves it away or configures another path.
    #[error("the file is not an audit log of this vault's format; move it away or configure another path")]
    NotAuditLog,
    /// The file was written by a later version. The operator installs that version, or moves the file away.
    #[error("the audit log has format {found}, but this version writes format {known}")]
    NewerFormat {
        /// The format in the file.
        found: u32,
        /// The newest that this version knows.
        known: u32,
    },
    /// The file belongs to another vault: its checkpoints are signed by another key. The operator moves it away.
    #[error("the audit log belongs to another vault, its checkpoint key differs; move it away")]
    OtherVault,
    /// Another process writes this file. The operator stops it.
    #[error("the audit log is in use by another process")]
    InUse,
    /// No whole line stands near the end of the file. The operator verifies it and moves it away.
    #[error("the end of the audit log is damaged; run the verifier on it and move it away")]
    Damaged,
    /// The file was deleted while in use. Writing stops until it is reopened.
    #[error("the audit log was deleted while in use; nothing is answered until it is reopened")]
    Deleted,
    /// The file was renamed, or another put in its place, and not reopened in time. Writing stops until it is.
    #[error("the audit log was moved away and not reopened in time; nothing is answered until it is")]
    Moved,
    /// The file became shorter while in use. Writing stops until it is reopened under a new name.
    #[error("the audit log was cut short while in use; move it away and reopen")]
    CutShort,
    /// A file that is not empty stands where the next one is to be created. The operator moves it away.
    #[error("a file already stands where the next audit log is to begin; move it away and reopen")]
    Occupied,
    /// The entry is larger than a line may be. The caller sends less at once.
    #[error("the audit entry has {bytes} bytes, more than the {limit} that a line may hold")]
    TooLong {
        /// The line's length.
        bytes: usize,
        /// The greatest length.
        limit: usize,
    },
    /// The log was closed: the vault is shutting down.
    #[error("the audit log is closed")]
    Closed,
    /// The file system refused. The operator frees space or repairs access; the next entry tries again.
    #[error("cannot {doing} the audit log")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// What the file system said.
        #[source]
        source: io::Error,
    },
}

/// Names what was being done when the file system refused.
pub(super) fn doing(doing: &'static str) -> impl FnOnce(io::Error) -> AuditError {
    move |source| AuditError::Io { doing, source }
}
