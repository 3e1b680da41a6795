//! The hash-chained audit file.
//!
//! Each entry is one `write` to an append-only descriptor, under a lock, so that lines never mix. What a
//! crash or a full disk cut short is closed by a `recovered` line that names it; nothing is ever removed.
//! Once the file was deleted, moved away or shortened, every append fails until it is reopened: the vault
//! prefers to answer nothing over answering unseen.

mod error;
mod place;
mod tail;
mod written;

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use error::AuditError;
use error::doing;
use place::{Standing, Watch};
pub use written::Written;

use super::AuditSink;
use super::checkpoint::{CheckpointReason, CheckpointSigner, PublicKey};
use super::entry::Entry;
use super::head::{Head, HeadFile, read_head};
use super::line::{self, CHAIN, ChainEvent, LINE_BYTES_MAX};
use super::receipt::AuditReceipt;
use crate::clock::Timestamp;

/// The open audit file. Share it by reference or `Arc`; every method may be called from any thread.
#[derive(Debug)]
pub struct AuditFile {
    path: PathBuf,
    signer: CheckpointSigner,
    /// The store's newest commit number plus one; 0 as long as none was noted.
    commit: AtomicU64,
    opening: Opening,
    state: Mutex<State>,
}

/// What was found when the file was opened; worth a warning when it is not clean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The last line before this opening; [`Head::GENESIS`] for a new trail.
    pub last: Head,
    /// Bytes of a write that a crash had cut short; they were kept and closed by a `recovered` line.
    pub torn_bytes: u64,
    /// The line named by the head file, when the file ended before it: lines are gone, by a power cut or by
    /// a person. The trail says so from here on, and the verifier always reports it.
    pub lost: Option<Head>,
    /// The head file of an existing trail was absent or unreadable, so lost lines could not be noticed.
    pub head_unknown: bool,
}

/// What a reopening found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reopened {
    /// The path still names the open file, so it was kept.
    Kept,
    /// A new file was begun; the old one ends with a signed checkpoint.
    Began,
    /// A new file was begun, but the old one could not be ended with a checkpoint. The chain continues.
    BeganWithoutClosing,
}

#[derive(Debug)]
struct State {
    file: Arc<File>,
    head_file: HeadFile,
    /// The newest line.
    head: Head,
    /// When it was written; before the first write, when the file was opened.
    written_at: Timestamp,
    /// How long the file is, as far as this process wrote it.
    length: u64,
    entries_unsigned: u32,
    signed_at: Timestamp,
    watch: Watch,
    condition: Condition,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    /// The file ends with the line that `head` names.
    Sound,
    /// A write failed half-way; where the chain ends must be read from the file first.
    Uncertain,
    Closed,
}

impl AuditFile {
    /// Opens the trail at `path`, or begins it with mode 0600, and writes a signed checkpoint.
    ///
    /// Reads only the end of the file. When the file is absent but its head file is there, the new file
    /// continues that chain.
    ///
    /// # Errors
    /// [`AuditError`] by cause; nothing was written unless the cause is [`AuditError::Io`].
    pub fn open(path: &Path, signer: CheckpointSigner, now: Timestamp) -> Result<Self, AuditError> {
        // A power cut may leave an empty head file; that is as good as none, and no reason not to start.
        let known = match read_head(path) {
            Err(error) if error.kind() == io::ErrorKind::InvalidData => None,
            other => other.map_err(doing("read the head file of"))?,
        };
        let (state, opening) = match place::look(path)? {
            Standing::Free => begin(path, known.unwrap_or(Head::GENESIS), &signer, now)?,
            Standing::Taken => resume(path, known, signer.public_key(), now)?,
        };
        let this = Self {
            path: path.to_owned(),
            signer,
            commit: AtomicU64::new(0),
            opening,
            state: Mutex::new(state),
        };
        this.start(now)?;
        Ok(this)
    }

    /// What was found on opening.
    #[must_use]
    pub fn opening(&self) -> Opening {
        self.opening
    }

    /// The key that verifiers pin.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        self.signer.public_key()
    }

    /// The newest line, to be kept where an intruder cannot reach.
    #[must_use]
    pub fn head(&self) -> Head {
        self.lock().head
    }

    /// When the newest line was written.
    #[must_use]
    pub fn written_at(&self) -> Timestamp {
        self.lock().written_at
    }

    /// Notes the store's newest commit number; the next checkpoint names it.
    pub fn note_commit(&self, commit: u64) {
        self.commit.fetch_max(commit.saturating_add(1), Ordering::Relaxed);
    }

    /// Begins a new file at the same path, after the old one was moved away (SIGHUP). Its first line links
    /// to the last of the old one. This also ends the refusal after a deletion.
    ///
    /// # Errors
    /// [`AuditError`]; the old file stays in use then.
    pub fn reopen(&self, now: Timestamp) -> Result<Reopened, AuditError> {
        let mut state = self.lock();
        if state.condition == Condition::Closed {
            return Err(AuditError::Closed);
        }
        let ours = state.file.metadata().map_err(doing("look at"))?;
        let untouched = ours.len() >= state.length;
        match place::look(&self.path)? {
            Standing::Taken if untouched && place::is_same(&self.path, &ours)? => return Ok(Reopened::Kept),
            Standing::Taken => return Err(AuditError::Occupied),
            Standing::Free => {}
        }
        let closed = untouched && self.end(&mut state, CheckpointReason::Rotated, now).is_ok();
        let (mut next, _) = begin(&self.path, state.head, &self.signer, now)?;
        let mut batch = Vec::new();
        let head = self.sign(&mut batch, next.head, CheckpointReason::Start, now);
        next.write(&batch, head, now)?;
        next.signed(now);
        *state = next;
        Ok(if closed { Reopened::Began } else { Reopened::BeganWithoutClosing })
    }

    /// Ends the trail with a signed checkpoint and waits for the disk; every later append fails.
    ///
    /// # Errors
    /// [`AuditError`] when the checkpoint could not be written or synced; the trail is closed all the same.
    pub fn close(&self, now: Timestamp) -> Result<(), AuditError> {
        let mut state = self.lock();
        if state.condition == Condition::Closed {
            return Ok(());
        }
        let ended = self.end(&mut state, CheckpointReason::Closed, now);
        state.condition = Condition::Closed;
        let synced = ended.and_then(|()| state.file.sync_data().map_err(doing("sync")));
        state.file.unlock().map_err(doing("unlock"))?;
        synced
    }

    /// Closes what a crash left, tells of lost lines, and signs the beginning of this run.
    fn start(&self, now: Timestamp) -> Result<(), AuditError> {
        let mut state = self.lock();
        let mut batch = Vec::new();
        if state.condition == Condition::Uncertain {
            state.mend(&mut batch, now)?;
        }
        if let Some(expected) = self.opening.lost {
            let event = ChainEvent::TailLost { expected };
            state.head = line::compose(&mut batch, state.head, now, CHAIN, &event.to_body());
        }
        let head = self.sign(&mut batch, state.head, CheckpointReason::Start, now);
        state.write(&batch, head, now)?;
        state.signed(now);
        Ok(())
    }

    /// Writes a last checkpoint into the present file.
    fn end(&self, state: &mut State, reason: CheckpointReason, now: Timestamp) -> Result<(), AuditError> {
        let mut batch = Vec::new();
        if state.condition == Condition::Uncertain {
            state.mend(&mut batch, now)?;
        }
        let head = self.sign(&mut batch, state.head, reason, now);
        state.write(&batch, head, now)?;
        state.signed(now);
        Ok(())
    }

    fn sign(&self, batch: &mut Vec<u8>, prev: Head, reason: CheckpointReason, now: Timestamp) -> Head {
        let commit = self.commit.load(Ordering::Relaxed).checked_sub(1);
        let event = self.signer.sign(prev, reason, commit, now);
        line::compose(batch, prev, now, CHAIN, &event.to_body())
    }

    /// The file when it may be written: not closed, still in its place, and its end known.
    fn ready(&self, batch: &mut Vec<u8>, now: Timestamp) -> Result<MutexGuard<'_, State>, AuditError> {
        let mut guard = self.lock();
        let state = &mut *guard;
        if state.condition == Condition::Closed {
            return Err(AuditError::Closed);
        }
        state.watch.check(&self.path, &state.file, state.length, now)?;
        if state.condition == Condition::Uncertain {
            state.mend(batch, now)?;
        }
        Ok(guard)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A thread that panicked here left at worst an unwritten batch: the state is set after each write.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AuditSink for AuditFile {
    fn append(&self, entry: &Entry, now: Timestamp) -> Result<AuditReceipt, AuditError> {
        let bytes = entry.body().len() + LINE_FRAME_BYTES_MAX;
        if bytes > LINE_BYTES_MAX {
            return Err(AuditError::TooLong { bytes, limit: LINE_BYTES_MAX });
        }
        let mut batch = Vec::with_capacity(bytes);
        let mut state = self.ready(&mut batch, now)?;
        let line = line::compose(&mut batch, state.head, now, entry.kind(), entry.body());
        let due = state.entries_unsigned + 1 >= ENTRIES_UNSIGNED_MAX || state.is_due(now);
        let head = if due { self.sign(&mut batch, line, CheckpointReason::Interval, now) } else { line };
        state.write(&batch, head, now)?;
        if due {
            state.signed(now);
        } else {
            state.entries_unsigned += 1;
        }
        Ok(AuditReceipt::new(line))
    }

    fn tick(&self, now: Timestamp) -> Result<(), AuditError> {
        let mut batch = Vec::new();
        let mut state = self.ready(&mut batch, now)?;
        let mut head = state.head;
        let due = state.entries_unsigned > 0 && state.is_due(now);
        if due || !batch.is_empty() {
            head = self.sign(&mut batch, head, CheckpointReason::Interval, now);
            state.write(&batch, head, now)?;
            state.signed(now);
        }
        Ok(())
    }

    fn sync(&self) -> Result<(), AuditError> {
        // Outside the lock, so that others append meanwhile.
        let file = Arc::clone(&self.lock().file);
        file.sync_data().map_err(doing("sync"))
    }
}

impl State {
    /// Writes whole lines by one call, then moves on to `head`.
    ///
    /// After any failure where the file ends is unknown; the next writer reads it from the file.
    fn write(&mut self, batch: &[u8], head: Head, now: Timestamp) -> Result<(), AuditError> {
        self.condition = Condition::Uncertain;
        let written = loop {
            match (&*self.file).write(batch) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other.map_err(doing("write"))?,
            }
        };
        self.length = self.length.saturating_add(u64::try_from(written).unwrap_or(u64::MAX));
        if written != batch.len() {
            return Err(doing("write")(io::ErrorKind::WriteZero.into()));
        }
        (self.head, self.written_at) = (head, now);
        self.condition = Condition::Sound;
        self.head_file.write(head).map_err(doing("write the head file of"))
    }

    /// Finds where the chain ends after a failed write or a crash, and puts into `batch` what closes the
    /// torn rest. The rest itself stays in the file.
    fn mend(&mut self, batch: &mut Vec<u8>, now: Timestamp) -> Result<(), AuditError> {
        let length = self.file.metadata().map_err(doing("look at"))?.len();
        let tail = tail::read(&self.file, length).map_err(doing("read"))?.ok_or(AuditError::Damaged)?;
        self.length = length;
        self.head = tail.head;
        if tail.unterminated || tail.torn.is_some() {
            batch.push(b'\n');
        }
        if let Some(torn) = tail.torn {
            let event = ChainEvent::Recovered { torn_bytes: torn.bytes, torn_sha256: torn.sha256 };
            self.head = line::compose(batch, tail.head, now, CHAIN, &event.to_body());
        }
        Ok(())
    }

    fn is_due(&self, now: Timestamp) -> bool {
        now.since(self.signed_at) >= UNSIGNED_MAX
    }

    fn signed(&mut self, now: Timestamp) {
        self.entries_unsigned = 0;
        self.signed_at = now;
    }
}

/// Begins a file whose first line follows `prev`.
fn begin(
    path: &Path,
    prev: Head,
    signer: &CheckpointSigner,
    now: Timestamp,
) -> Result<(State, Opening), AuditError> {
    let (file, head) = place::create(path, prev, signer.public_key(), now)?;
    let state = state(path, file, head, Condition::Sound, now)?;
    state.head_file.write(head).map_err(doing("write the head file of"))?;
    Ok((state, Opening { last: prev, torn_bytes: 0, lost: None, head_unknown: false }))
}

/// Takes up an existing file where it ends.
fn resume(
    path: &Path,
    known: Option<Head>,
    key: PublicKey,
    now: Timestamp,
) -> Result<(State, Opening), AuditError> {
    let file = place::open(path, key)?;
    let length = file.metadata().map_err(doing("look at"))?.len();
    let tail = tail::read(&file, length).map_err(doing("read"))?.ok_or(AuditError::Damaged)?;
    // The head file may be behind the file, by the one write that a kill came after.
    let lost = known.filter(|known| {
        known.seq > tail.head.seq || (known.seq == tail.head.seq && known.hash != tail.head.hash)
    });
    let torn_bytes = tail.torn.as_ref().map_or(0, |torn| torn.bytes);
    let state = state(path, file, tail.head, Condition::Uncertain, now)?;
    Ok((state, Opening { last: tail.head, torn_bytes, lost, head_unknown: known.is_none() }))
}

fn state(
    path: &Path,
    file: File,
    head: Head,
    condition: Condition,
    now: Timestamp,
) -> Result<State, AuditError> {
    Ok(State {
        length: file.metadata().map_err(doing("look at"))?.len(),
        file: Arc::new(file),
        head_file: HeadFile::open(path).map_err(doing("open the head file of"))?,
        head,
        written_at: now,
        entries_unsigned: 0,
        signed_at: now,
        watch: Watch::default(),
        condition,
    })
}

/// After so many entries a checkpoint is written, whatever the time.
const ENTRIES_UNSIGNED_MAX: u32 = 1_000;

/// After so long a checkpoint is written with the next entry or tick.
const UNSIGNED_MAX: Duration = Duration::from_secs(5);

/// The most that number, time, type and the two hashes take around an entry's own fields.
const LINE_FRAME_BYTES_MAX: usize = 512;

#[cfg(test)]
mod tests;
