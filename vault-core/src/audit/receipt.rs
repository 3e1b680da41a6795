//! Proof that an entry was written.

use super::head::Head;

/// Only a sink makes one, and only after the write: to demand it as an argument is to be audited.
#[derive(Debug)]
#[must_use = "a receipt is what allows the answer to leave"]
pub struct AuditReceipt {
    line: Head,
}

impl AuditReceipt {
    pub(super) fn new(line: Head) -> Self {
        Self { line }
    }

    /// The number and hash of the line that holds the entry.
    #[must_use]
    pub fn line(&self) -> Head {
        self.line
    }
}
