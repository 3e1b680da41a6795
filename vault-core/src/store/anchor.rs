//! The commit number outside the engine, so that an engine that went back is noticed.
//!
//! Written after each durable commit, without a sync of its own: after a power cut it may lag behind the
//! engine, never run ahead. It notices a truncated log and an engine's directory replaced by an older copy;
//! a copy that replaces both is noticed by the audit checkpoints, which live elsewhere.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::place::sync_dir;

/// Holds the number of the last acknowledged commit.
pub trait Anchor: Send {
    /// The number, or `None` when there is none yet.
    ///
    /// # Errors
    /// The file cannot be read, or is damaged ([`io::ErrorKind::InvalidData`]).
    fn read(&mut self) -> io::Result<Option<u64>>;

    /// Replaces the number; survives the process, not yet a power cut.
    ///
    /// # Errors
    /// The file cannot be written.
    fn write(&mut self, commit: u64) -> io::Result<()>;

    /// Makes the last number survive a power cut.
    ///
    /// # Errors
    /// The file cannot be synced.
    fn sync(&mut self) -> io::Result<()>;
}

/// The side file `commit`: magic (8) ‖ number (8, big endian) ‖ the first 8 bytes of their SHA-256.
///
/// Overwritten in place within one sector, so a write is never torn. The checksum finds accidents, not
/// attackers; they are up against the head record.
#[derive(Debug)]
pub struct FileAnchor(File);

impl FileAnchor {
    /// Opens `<dir>/commit`, or makes it.
    ///
    /// # Errors
    /// The file cannot be opened or made.
    pub fn open(dir: &Path) -> io::Result<Self> {
        let path = dir.join("commit");
        let is_new = !path.try_exists()?;
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
        let mut anchor = Self(file);
        if is_new || anchor.0.metadata()?.len() == 0 {
            anchor.write(0)?;
            anchor.sync()?;
            sync_dir(dir)?;
        }
        Ok(anchor)
    }
}

impl Anchor for FileAnchor {
    fn read(&mut self) -> io::Result<Option<u64>> {
        let mut bytes = Vec::new();
        self.0.seek(SeekFrom::Start(0))?;
        Read::by_ref(&mut self.0).take(ANCHOR_BYTES + 1).read_to_end(&mut bytes)?;
        let number = bytes.get(8..16).and_then(|number| <[u8; 8]>::try_from(number).ok());
        match number.map(u64::from_be_bytes) {
            Some(number) if bytes == encode(number) => Ok((number > 0).then_some(number)),
            _ => Err(io::Error::new(io::ErrorKind::InvalidData, "the side file `commit` is damaged")),
        }
    }

    fn write(&mut self, commit: u64) -> io::Result<()> {
        self.0.seek(SeekFrom::Start(0))?;
        self.0.write_all(&encode(commit))
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }
}

/// An anchor in memory: for the memory engine, and for tests that keep it over a restart by cloning it.
#[derive(Clone, Debug, Default)]
pub struct MemoryAnchor(std::sync::Arc<std::sync::atomic::AtomicU64>);

impl Anchor for MemoryAnchor {
    fn read(&mut self) -> io::Result<Option<u64>> {
        let number = self.0.load(std::sync::atomic::Ordering::SeqCst);
        Ok((number > 0).then_some(number))
    }

    fn write(&mut self, commit: u64) -> io::Result<()> {
        self.0.store(commit, std::sync::atomic::Ordering::SeqCst);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn encode(number: u64) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.extend_from_slice(&number.to_be_bytes());
    let digest = Sha256::digest(&out);
    out.extend(digest.iter().take(8));
    out
}

const MAGIC: &[u8; 8] = b"rtncmmt1";
const ANCHOR_BYTES: u64 = 24;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_there_again_after_reopening() {
        let dir = tempfile::tempdir().unwrap();
        let mut anchor = FileAnchor::open(dir.path()).unwrap();
        assert_eq!(anchor.read().unwrap(), None);
        anchor.write(41).unwrap();
        anchor.write(42).unwrap();
        anchor.sync().unwrap();
        assert_eq!(FileAnchor::open(dir.path()).unwrap().read().unwrap(), Some(42));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("commit");
        let good = encode(77);
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, &bad).unwrap();
            assert!(FileAnchor::open(dir.path()).unwrap().read().is_err(), "bit {bit}");
        }
        for length in 1..good.len() {
            std::fs::write(&path, &good[..length]).unwrap();
            assert!(FileAnchor::open(dir.path()).unwrap().read().is_err(), "length {length}");
        }
    }
}
