//! The sled engine, version 0.34.7, with every guard that its faults call for (`docs/storage.md`).
//!
//! - `flush()` of sled ends in `sync_file_range`, which a power cut undoes: after it, the log file itself is
//!   synced, before anything is acknowledged.
//! - `flush_async` can hang for good, so only the one writer flushes, blocking.
//! - A batch is one transaction over both trees.
//! - A crash while sled writes a snapshot leaves a file that stops every later open: it is removed first.
//! - Damage shows as a panic: open, reads and writes run under `catch_unwind`.
//! - sled puts what exceeds an eighth of a segment into blob files, which it never syncs. Values are cut into
//!   parts small enough that this does not happen, and should one appear it is synced all the same.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, RwLock};

use sled::transaction::{ConflictableTransactionError, TransactionError, TransactionalTree};
use sled::{Db, Transactional, Tree};

use self::value::{Stored, part_key, parts_of};
use super::engine::{Engine, EngineError, RawEntry, RawOp};
use super::memory::lower_bound;
use super::open::EngineOptions;
use super::place::{Place, Stage, sync_dir, sync_tree};

mod value;

/// sled under the port.
pub(crate) struct SledEngine {
    /// Keys to small values, or to how many parts a large one has.
    records: Tree,
    /// The parts of large values.
    parts: Tree,
    db: Db,
    /// The log file: what is synced before an acknowledgement.
    log: File,
    blobs: Blobs,
    /// Held for writing while a transaction changes memory (not while it syncs), and for reading while a
    /// large value is put together, so that its parts are of one write.
    gate: RwLock<()>,
    _place: Place,
}

impl SledEngine {
    /// Opens the engine in its place, or makes it there.
    pub(crate) fn open(place: Place, options: &EngineOptions) -> Result<Self, EngineError> {
        let stage = place.stage(NAME)?;
        let dir = place.engine_dir(NAME)?;
        remove_unfinished_snapshots(&dir).map_err(EngineError::Io)?;
        let log_path = dir.join("db");
        if stage == Stage::Made {
            for name in ["db", "conf"] {
                let file = dir.join(name);
                if !file.is_file() || file.metadata().map_err(EngineError::Io)?.len() == 0 {
                    return Err(EngineError::Corrupt(format!("the file `sled/{name}` is missing or empty")));
                }
            }
        }
        let config = sled::Config::default()
            .path(&dir)
            .cache_capacity(options.cache_bytes)
            .flush_every_ms(Some(FLUSH_MILLIS));
        let (db, records, parts) = unpanicked(|| {
            let db = open_when_free(&config)?;
            let (records, parts) = (db.open_tree("records")?, db.open_tree("parts")?);
            if stage == Stage::Unmade {
                db.flush()?;
            }
            Ok((db, records, parts))
        })?;
        if stage == Stage::Unmade {
            sync_tree(&dir).map_err(EngineError::Io)?;
            place.mark(NAME, Stage::Made)?;
        }
        let log = File::open(&log_path).map_err(EngineError::Io)?;
        let blobs = Blobs { dir: dir.join("blobs"), synced: Mutex::default() };
        Ok(Self { records, parts, db, log, blobs, gate: RwLock::new(()), _place: place })
    }

    /// A large value, put together under the gate; `None` when it went meanwhile.
    fn gather(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Failure> {
        let _gate = self.gate.read().unwrap_or_else(PoisonError::into_inner);
        let Some(stored) = self.records.get(key)? else {
            return Ok(None);
        };
        let count = match Stored::decode(&stored).ok_or(Failure::Malformed)? {
            Stored::Whole(value) => return Ok(Some(value.to_vec())),
            Stored::Parts(count) => count,
        };
        let mut value = Vec::new();
        for part in 0..count {
            value.extend_from_slice(&self.parts.get(part_key(key, part))?.ok_or(Failure::Malformed)?);
        }
        Ok(Some(value))
    }

    fn write(&self, ops: &[RawOp]) -> Result<(), Failure> {
        let _gate = self.gate.write().unwrap_or_else(PoisonError::into_inner);
        (&self.records, &self.parts).transaction(|(records, parts)| {
            for op in ops {
                write_one(records, parts, op)?;
            }
            Ok(())
        })?;
        Ok(())
    }
}

impl Engine for SledEngine {
    fn name(&self) -> &'static str {
        NAME
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        unpanicked(|| {
            let Some(stored) = self.records.get(key)? else {
                return Ok(None);
            };
            match Stored::decode(&stored).ok_or(Failure::Malformed)? {
                Stored::Whole(value) => Ok(Some(value.to_vec())),
                Stored::Parts(_) => self.gather(key),
            }
        })
    }

    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<RawEntry>, EngineError> {
        unpanicked(|| {
            let mut found = Vec::new();
            let bounds = (lower_bound(prefix, after), std::ops::Bound::Unbounded);
            for entry in self.records.range::<&[u8], _>(bounds) {
                let (key, stored) = entry?;
                if found.len() >= limit || !key.starts_with(prefix) {
                    break;
                }
                let value = match Stored::decode(&stored).ok_or(Failure::Malformed)? {
                    Stored::Whole(value) => Some(value.to_vec()),
                    Stored::Parts(_) => self.gather(&key)?,
                };
                let Some(value) = value else { continue };
                found.push((key.to_vec(), value));
                if found.len().is_multiple_of(EVICTION_RECORDS) {
                    self.records.get(&key)?;
                }
            }
            Ok(found)
        })
    }

    fn apply(&self, ops: &[RawOp]) -> Result<(), EngineError> {
        unpanicked(|| {
            self.write(ops)?;
            self.db.flush()?;
            self.blobs.sync()?;
            Ok(self.log.sync_data()?)
        })
    }
}

/// Opens the database, waiting for this process's own earlier instance to let go of it.
///
/// sled gives its file lock back on a thread of its own, a moment after the last handle is dropped. Our
/// lock of the directory is already held here, so it cannot be another process that has it.
fn open_when_free(config: &sled::Config) -> Result<sled::Db, sled::Error> {
    for _ in 0..FREE_POLLS {
        match config.open() {
            Err(sled::Error::Io(error)) if error.to_string().contains("could not acquire lock") => {
                std::thread::park_timeout(FREE_POLL);
            }
            result => return result,
        }
    }
    config.open()
}

/// One change within the transaction.
fn write_one(
    records: &TransactionalTree,
    parts: &TransactionalTree,
    op: &RawOp,
) -> Result<(), ConflictableTransactionError<Failure>> {
    let (key, before, count) = match op {
        RawOp::Put(key, value) => {
            let pieces = parts_of(value);
            for (index, piece) in (0_u32..).zip(&pieces) {
                parts.insert(part_key(key, index), *piece)?;
            }
            let count = u32::try_from(pieces.len())
                .map_err(|_| ConflictableTransactionError::Abort(Failure::Malformed))?;
            let stored = if count == 0 { Stored::Whole(value) } else { Stored::Parts(count) };
            (key, records.insert(key.as_slice(), stored.encode())?, count)
        }
        RawOp::Delete(key) => (key, records.remove(key.as_slice())?, 0),
    };
    if let Some(Stored::Parts(old)) = before.as_deref().and_then(Stored::decode) {
        for index in count..old {
            parts.remove(part_key(key, index))?;
        }
    }
    Ok(())
}

/// sled's blob files, each synced once.
struct Blobs {
    dir: PathBuf,
    synced: Mutex<BTreeSet<OsString>>,
}

impl Blobs {
    fn sync(&self) -> io::Result<()> {
        let mut present = BTreeSet::new();
        for entry in fs::read_dir(&self.dir)? {
            present.insert(entry?.file_name());
        }
        let mut synced = self.synced.lock().unwrap_or_else(PoisonError::into_inner);
        if present.is_subset(&synced) {
            return Ok(());
        }
        for name in present.difference(&synced) {
            match File::open(self.dir.join(name)) {
                Ok(file) => file.sync_all()?,
                // Replaced and removed by sled meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        sync_dir(&self.dir)?;
        *synced = present;
        Ok(())
    }
}

/// Removes `snap.*.generating`, which 0.34.7 takes for a finished snapshot and then refuses to open.
fn remove_unfinished_snapshots(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            fs::remove_file(entry.path())?;
        }
    }
    sync_dir(dir)
}

/// What goes wrong inside, before it is told in the port's words.
enum Failure {
    Sled(sled::Error),
    Io(io::Error),
    /// A stored value that this module did not write, or a part that is gone.
    Malformed,
}

impl From<sled::Error> for Failure {
    fn from(error: sled::Error) -> Self {
        Self::Sled(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<TransactionError<Failure>> for Failure {
    fn from(error: TransactionError<Self>) -> Self {
        match error {
            TransactionError::Abort(failure) => failure,
            TransactionError::Storage(error) => Self::Sled(error),
        }
    }
}

impl From<Failure> for EngineError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Io(error) | Failure::Sled(sled::Error::Io(error)) => Self::Io(error),
            Failure::Sled(error) => Self::Corrupt(error.to_string()),
            Failure::Malformed => Self::Corrupt("a stored value is malformed".into()),
        }
    }
}

/// Runs `work`; damage that sled meets with a panic is damage too.
fn unpanicked<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, EngineError> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(outcome) => outcome.map_err(EngineError::from),
        Err(_) => Err(EngineError::Corrupt("sled panicked".into())),
    }
}

/// How often, and how many times, an earlier instance's lock is looked at: ten seconds in all.
const FREE_POLL: std::time::Duration = std::time::Duration::from_millis(20);
const FREE_POLLS: u32 = 500;

/// A scan reads every so many records a second time. sled evicts nothing from a part of its cache before 64
/// accesses have gathered there (`MAX_QUEUE_ITEMS` of its `lru.rs`), and a walk over the store accesses each page
/// about once: without these reads up to 16,384 pages stay in memory, whatever the cache's size is.
const EVICTION_RECORDS: usize = 4;

const NAME: &str = "sled";
/// sled's own background flush; it guards nothing of ours and is as the crash tests ran with it.
const FLUSH_MILLIS: u64 = 500;
