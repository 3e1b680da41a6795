//! Checks batches in order and gathers those that pass into one transaction of the engine.
//!
//! A batch sees what the batches before it in the group would leave, although nothing is applied yet.

use std::collections::BTreeMap;

use super::batch::{BATCH_BYTES_MAX, BATCH_WRITES_MAX, Batch, Change, Require, Write};
use super::engine::{Engine, RawOp};
use super::error::{CommitError, StoreError};
use super::integrity::{Head, IntegrityKeys};
use super::key::{KEY_BYTES_MAX, Key};
use super::record;
use super::view::Overlay;
use super::watch::Changed;

/// Refuses a batch that no state of the store could accept.
pub(crate) fn check_shape(batch: &Batch) -> Result<(), CommitError> {
    if batch.writes.len() > BATCH_WRITES_MAX {
        return Err(CommitError::TooLarge);
    }
    let mut bytes: usize = 0;
    let mut keys: Vec<&Key> = Vec::with_capacity(batch.writes.len());
    for write in &batch.writes {
        if write.key.name.len() >= KEY_BYTES_MAX {
            return Err(CommitError::KeyTooLong);
        }
        if let Change::Put(value) = &write.change {
            bytes = bytes.saturating_add(value.len());
        }
        keys.push(&write.key);
    }
    if bytes > BATCH_BYTES_MAX {
        return Err(CommitError::TooLarge);
    }
    keys.sort_unstable();
    match keys.array_windows::<2>().find(|[a, b]| a == b) {
        Some([twice, _]) => Err(CommitError::Conflict((*twice).clone())),
        None => Ok(()),
    }
}

/// How many bytes of values a batch brings.
pub(crate) fn batch_bytes(batch: &Batch) -> usize {
    let size = |write: &Write| if let Change::Put(value) = &write.change { value.len() } else { 0 };
    batch.writes.iter().map(size).sum()
}

/// The batches that passed so far.
pub(crate) struct Group<'a> {
    engine: &'a dyn Engine,
    lines: BTreeMap<Vec<u8>, Line>,
}

/// One key's way through the group.
struct Line {
    key: Key,
    old: Option<Vec<u8>>,
    new: Option<Vec<u8>>,
}

/// What one commit does, in the forms that its receivers need.
pub(crate) struct Staged {
    pub(crate) ops: Vec<RawOp>,
    pub(crate) overlay: Overlay,
    pub(crate) changed: Vec<Changed>,
    pub(crate) head: Head,
}

impl<'a> Group<'a> {
    pub(crate) fn new(engine: &'a dyn Engine) -> Self {
        Self { engine, lines: BTreeMap::new() }
    }

    /// Takes `batch` in when all its requirements hold, else changes nothing.
    pub(crate) fn add(&mut self, batch: Batch) -> Result<(), CommitError> {
        let mut passed = Vec::with_capacity(batch.writes.len());
        for write in batch.writes {
            let raw_key = write.key.to_bytes();
            let (current, is_staged) = match self.lines.get(&raw_key) {
                Some(line) => (line.new.clone(), true),
                None => (self.read(&raw_key, &write.key)?, false),
            };
            let revision = match &current {
                Some(raw) => match record::split(raw) {
                    Some((revision, _)) => Some(revision),
                    None => return Err(CommitError::Unreadable(write.key)),
                },
                None => None,
            };
            let new = match (write.require, revision, write.change) {
                (Require::Absent, Some(_), _) | (Require::Absent, None, Change::Delete) => {
                    return Err(CommitError::Conflict(write.key));
                }
                (Require::At(wanted), found, _) if found != Some(wanted) => {
                    return Err(CommitError::Conflict(write.key));
                }
                (_, _, Change::Check) => continue,
                (_, _, Change::Delete) => None,
                (require, _, Change::Put(value)) => Some(record::encode(require.next_revision(), &value)),
            };
            let old = if is_staged { None } else { current };
            passed.push((raw_key, Line { key: write.key, old, new }));
        }
        for (raw_key, line) in passed {
            match self.lines.get_mut(&raw_key) {
                Some(staged) => staged.new = line.new,
                None => {
                    self.lines.insert(raw_key, line);
                }
            }
        }
        Ok(())
    }

    /// Whether there is nothing to change.
    pub(crate) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The whole group as one commit after `head`.
    pub(crate) fn stage(self, head: Head, keys: &IntegrityKeys) -> Result<Staged, StoreError> {
        let mut head = head;
        head.position.commit = head.position.commit.saturating_add(1);
        let mut ops = Vec::with_capacity(self.lines.len().saturating_add(1));
        let mut changed = Vec::with_capacity(self.lines.len());
        let mut overlay = Overlay::default();
        for (raw_key, line) in self.lines {
            head = head.replace(keys, &raw_key, line.old.as_deref(), line.new.as_deref())?;
            let revision = line.new.as_deref().and_then(record::split).map(|(revision, _)| revision);
            changed.push(Changed { key: line.key, revision });
            overlay.bytes += raw_key.len() + line.old.as_ref().map_or(0, Vec::len) + OVERLAY_ENTRY_BYTES;
            overlay.old.insert(raw_key.clone(), line.old);
            ops.push(match line.new {
                Some(raw) => RawOp::Put(raw_key, raw),
                None => RawOp::Delete(raw_key),
            });
        }
        Ok(Staged { ops, overlay, changed, head })
    }

    fn read(&self, raw_key: &[u8], key: &Key) -> Result<Option<Vec<u8>>, CommitError> {
        self.engine.get(raw_key).map_err(|_| CommitError::Unreadable(key.clone()))
    }
}

/// What one entry of an overlay costs besides its bytes, roughly.
const OVERLAY_ENTRY_BYTES: usize = 64;
