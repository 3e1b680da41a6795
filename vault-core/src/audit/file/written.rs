//! Reads what was written so far, while more is written.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use super::{AuditFile, Condition};
use crate::audit::verify::VerifyOptions;

/// The file as far as it was written at one moment. What is appended later is not in it; what was taken away from the file
/// since is.
#[derive(Debug)]
pub struct Written {
    file: Arc<File>,
    at: u64,
    end: u64,
}

impl AuditFile {
    /// What was written so far, and what a check of it may rely on: the newest line and the key as this process knows them,
    /// whatever the files beside it say. `None` while nobody knows where the file ends: after a write that was cut short,
    /// until the next one closes it.
    #[must_use]
    pub fn written(&self) -> Option<(Written, VerifyOptions)> {
        let (written, head) = {
            let state = self.lock();
            if state.condition == Condition::Uncertain {
                return None;
            }
            (Written { file: Arc::clone(&state.file), at: 0, end: state.length }, state.head)
        };
        let options = VerifyOptions {
            head: Some(head),
            public_key: Some(self.public_key()),
            ..VerifyOptions::default()
        };
        Some((written, options))
    }
}

impl Read for Written {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let room = usize::try_from(self.end - self.at).unwrap_or(usize::MAX).min(buf.len());
        let read = self.file.read_at(buf.get_mut(..room).unwrap_or_default(), self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}
