//! Recomputes the set hash over all records of one snapshot.
//!
//! A record that vanished, was added, altered or put back to an older revision changes the sum. Which one it
//! was the sum does not say; the record's own encryption does, when it is read.

use super::error::StoreError;
use super::handle::Store;
use super::integrity::{HEAD_KEY, Head, Position};
use super::sum::Sum;
use super::view::Snapshot;

/// What a check of the whole store found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifyReport {
    /// The commit that was checked.
    pub commit: u64,
    /// How many records the head record counts.
    pub records_expected: u64,
    /// How many there are.
    pub records_found: u64,
    /// How many of those are too short to be a record.
    pub malformed: u64,
    /// Whether the sum over all records is the head record's.
    pub is_sum_right: bool,
    /// Whether the engine gave the keys in rising order.
    pub is_ordered: bool,
    /// Whether the head record on disk is the one in memory.
    pub is_head_right: bool,
}

impl VerifyReport {
    /// Whether the store holds exactly what was committed.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        self.is_sum_right
            && self.is_ordered
            && self.is_head_right
            && self.malformed == 0
            && self.records_found == self.records_expected
    }
}

/// A check under way: a page at a time, so that it can be paced.
pub struct Scrub {
    snapshot: Snapshot,
    cursor: Option<Vec<u8>>,
    found: Sum,
    records: u64,
    malformed: u64,
    is_ordered: bool,
}

impl Scrub {
    /// Checks up to `rows` more records; the report when all were checked.
    ///
    /// # Errors
    /// The engine's (which is a finding too), [`StoreError::SnapshotExpired`] when so much was written
    /// meanwhile that the check must start anew, [`StoreError::Locked`].
    pub fn step(&mut self, rows: usize) -> Result<Option<VerifyReport>, StoreError> {
        let rows = rows.max(1);
        let page = self.snapshot.raw_scan(&[], self.cursor.as_deref(), rows)?;
        let sealing = self.snapshot.sealing().ok_or(StoreError::Locked)?;
        let is_last = page.len() < rows;
        for (key, raw) in page {
            if self.cursor.as_ref().is_some_and(|before| *before >= key) {
                self.is_ordered = false;
            }
            if key != HEAD_KEY {
                self.records = self.records.saturating_add(1);
                match sealing.keys.element(&key, &raw) {
                    Ok(element) => self.found = self.found.plus(element),
                    Err(_) => self.malformed = self.malformed.saturating_add(1),
                }
            }
            self.cursor = Some(key);
        }
        // An engine that goes backwards would be scanned for ever.
        if !is_last && self.is_ordered {
            return Ok(None);
        }
        self.report().map(Some)
    }

    /// How many records were checked so far, of how many.
    #[must_use]
    pub fn progress(&self) -> (u64, u64) {
        (self.records, self.snapshot.position().map_or(0, |position| position.records))
    }

    fn report(&self) -> Result<VerifyReport, StoreError> {
        let sealing = self.snapshot.sealing().ok_or(StoreError::Locked)?;
        let Head { sum, position: Position { commit, records } } = sealing.head;
        let on_disk = self.snapshot.raw_get(HEAD_KEY)?;
        let on_disk = on_disk.and_then(|sealed| sealing.keys.open(&sealed).ok());
        Ok(VerifyReport {
            commit,
            records_expected: records,
            records_found: self.records,
            malformed: self.malformed,
            is_sum_right: self.found == sum,
            is_ordered: self.is_ordered,
            is_head_right: on_disk.is_some_and(|head| head == sealing.head),
        })
    }
}

impl Store {
    /// Begins a check of all records as they are; others may go on writing.
    ///
    /// # Errors
    /// [`StoreError::Locked`] without the integrity key.
    pub fn scrub(&self) -> Result<Scrub, StoreError> {
        let snapshot = self.snapshot();
        if snapshot.sealing().is_none() {
            return Err(StoreError::Locked);
        }
        Ok(Scrub { snapshot, cursor: None, found: Sum::ZERO, records: 0, malformed: 0, is_ordered: true })
    }

    /// Checks all records in one go.
    ///
    /// # Errors
    /// [`StoreError::Locked`], the engine's, [`StoreError::SnapshotExpired`] when the store was written too
    /// much during each of three attempts.
    pub fn verify(&self) -> Result<VerifyReport, StoreError> {
        let mut attempts_left = VERIFY_ATTEMPTS_MAX;
        loop {
            attempts_left = attempts_left.saturating_sub(1);
            match self.verify_once() {
                Err(StoreError::SnapshotExpired) if attempts_left > 0 => {}
                outcome => return outcome,
            }
        }
    }

    fn verify_once(&self) -> Result<VerifyReport, StoreError> {
        let mut scrub = self.scrub()?;
        loop {
            if let Some(report) = scrub.step(VERIFY_PAGE_ROWS)? {
                return Ok(report);
            }
        }
    }
}

const VERIFY_ATTEMPTS_MAX: u32 = 3;
const VERIFY_PAGE_ROWS: usize = 1000;
