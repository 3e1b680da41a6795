//! The head: which line is the newest.
//!
//! `<file>.head` is rewritten in place after each append and never waits for the disk. It lets a verifier
//! notice that the end of a live file was cut off, also between two checkpoints. After a kill it may be
//! behind the file, never ahead of it.
//!
//! ```text
//!   {"seq":12,"hash":"<64 hex>"} spaces … \n        always 128 bytes, written by one call
//! ```

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::line::LineHash;

/// The number and hash of one line, usually the newest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The line's sequence number; the first of a trail is 1.
    pub seq: u64,
    /// The line's hash.
    pub hash: LineHash,
}

impl Head {
    /// What the first line of a new trail links to.
    pub const GENESIS: Self = Self { seq: 0, hash: LineHash::ZERO };
}

/// Where the head of the audit file at `path` is kept.
#[must_use]
pub fn head_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".head");
    PathBuf::from(name)
}

/// Reads the head kept for the audit file at `path`; `None` when there is none.
///
/// # Errors
/// What the file system reports, and `InvalidData` when the file is not a head.
pub fn read_head(path: &Path) -> io::Result<Option<Head>> {
    let text = match std::fs::read(head_path(path)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    serde_json::from_slice(&text).map(Some).map_err(|_| io::ErrorKind::InvalidData.into())
}

/// The open head file.
#[derive(Debug)]
pub(super) struct HeadFile(File);

impl HeadFile {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(head_path(path))
            .map(Self)
    }

    /// One positioned write of constant length, so that a kill leaves the old head or the new one.
    pub(super) fn write(&self, head: Head) -> io::Result<()> {
        let text = format!("{{\"seq\":{},\"hash\":\"{}\"}}", head.seq, head.hash);
        let text = format!("{text:<width$}\n", width = LENGTH - 1);
        self.0.write_all_at(text.as_bytes(), 0)
    }
}

const LENGTH: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_head_replaces_the_one_before() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.log");
        assert_eq!(read_head(&path).unwrap(), None);
        let file = HeadFile::open(&path).unwrap();
        for seq in [u64::MAX, 7] {
            let head = Head { seq, hash: LineHash::of(b"x") };
            file.write(head).unwrap();
            assert_eq!(read_head(&path).unwrap(), Some(head));
            assert_eq!(std::fs::metadata(head_path(&path)).unwrap().len(), 128);
        }
    }

    #[test]
    fn what_is_not_a_head_is_an_error_and_not_an_absence() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.log");
        for text in ["", "{}", "{\"seq\":1,\"hash\":\"xyz\"}"] {
            std::fs::write(head_path(&path), text).unwrap();
            assert_eq!(read_head(&path).unwrap_err().kind(), io::ErrorKind::InvalidData, "{text}");
        }
    }
}
