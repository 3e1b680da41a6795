//! A sink in memory for tests of whatever needs a receipt.

use std::sync::{Mutex, PoisonError};

use super::AuditSink;
use super::entry::Entry;
use super::file::AuditError;
use super::head::Head;
use super::line;
use super::receipt::AuditReceipt;
use crate::clock::Timestamp;

/// Keeps the lines it is given, without checkpoints, and fails when told to.
#[derive(Debug)]
pub struct MemoryAudit(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    head: Head,
    lines: Vec<u8>,
    failures: u32,
}

impl MemoryAudit {
    /// An empty trail.
    #[must_use]
    pub fn new() -> Self {
        Self(Mutex::new(Inner { head: Head::GENESIS, lines: Vec::new(), failures: 0 }))
    }

    /// The lines so far, as they would stand in a file.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.lock().lines).into_owned()
    }

    /// Lets the next `count` appends fail as a full disk would.
    pub fn fail_next(&self, count: u32) {
        self.lock().failures = count;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryAudit {
    fn default() -> Self {
        Self::new()
    }
}

impl AuditSink for MemoryAudit {
    fn append(&self, entry: &Entry, now: Timestamp) -> Result<AuditReceipt, AuditError> {
        let mut inner = self.lock();
        if let Some(left) = inner.failures.checked_sub(1) {
            inner.failures = left;
            let source = std::io::ErrorKind::StorageFull.into();
            return Err(AuditError::Io { doing: "write", source });
        }
        let inner = &mut *inner;
        inner.head = line::compose(&mut inner.lines, inner.head, now, entry.kind(), entry.body());
        Ok(AuditReceipt::new(inner.head))
    }

    fn tick(&self, _: Timestamp) -> Result<(), AuditError> {
        Ok(())
    }

    fn sync(&self) -> Result<(), AuditError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::digest::Digester;
    use super::super::entry::System;
    use super::super::verify::{VerifyOptions, verify};
    use super::*;

    #[test]
    fn it_chains_what_it_takes_and_fails_when_told() {
        let audit = MemoryAudit::new();
        let system = System { event: "tested", path: "", data: None, plain_keys: &[] };
        let entry = Entry::system(&Digester::new(&[7; 32]), &system);
        audit.fail_next(1);
        assert!(audit.append(&entry, Timestamp::EPOCH).is_err());
        for seq in 1..4 {
            assert_eq!(audit.append(&entry, Timestamp::EPOCH).unwrap().line().seq, seq);
        }
        audit.tick(Timestamp::EPOCH).unwrap();
        audit.sync().unwrap();
        let report = verify(audit.text().as_bytes(), &VerifyOptions::default()).unwrap();
        // Its only fault is that it has no opening line.
        assert_eq!((report.entries, report.findings_total), (3, 1));
    }
}
