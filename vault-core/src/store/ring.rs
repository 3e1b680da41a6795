//! A workload whose acknowledgements can be checked after a crash, for kill and power-cut tests.
//!
//! Each task numbers its commits. Commit `n` of task `t` moves the counter of `t` from `n-1` to `n` and puts
//! the payload of `n` into slot `n mod SLOTS` of `t`, in one batch; once it is acknowledged, `t n` is told.
//! Afterwards each counter must be at least what was told, at most one further, and the slots must hold
//! exactly the payloads of the last commits.

use std::error::Error;
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::batch::{Batch, Require};
use super::error::{CommitError, StoreError};
use super::handle::Store;
use super::key::{Key, Table};

/// What a check found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RingReport {
    /// Acknowledged commits that are gone.
    pub lost: u64,
    /// Slots that do not fit their counter: half of a batch, or wrong bytes.
    pub torn: u64,
    /// Commits found, over all tasks.
    pub found: u64,
}

/// Writes with [`TASKS`] threads, telling each acknowledgement as a line `ack TASK NUMBER`, until telling
/// fails or `commits` were made by each task.
///
/// # Errors
/// What the store says.
pub fn write(store: &Store, told: &mut (dyn Write + Send), commits: u64) -> Result<(), Box<dyn Error>> {
    let told = Mutex::new(told);
    let tell = |task: u64, number: u64| {
        let line = format!("ack {task} {number}\n");
        let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
        told.write_all(line.as_bytes()).and_then(|()| told.flush()).is_ok()
    };
    thread::scope(|scope| {
        let tasks: Vec<_> = (0..TASKS)
            .map(|task| {
                scope.spawn(move || -> Result<(), StoreError> {
                    let last = counter(store, task)?;
                    for number in
                        (last.saturating_add(1)..).take(usize::try_from(commits).unwrap_or(usize::MAX))
                    {
                        commit(store, task, number)?;
                        if !tell(task, number) {
                            return Ok(());
                        }
                    }
                    Ok(())
                })
            })
            .collect();
        for task in tasks {
            task.join().map_err(|_| "a task panicked")??;
        }
        Ok(())
    })
}

/// Compares the store with what was acknowledged: the highest number told, by task.
///
/// # Errors
/// What the store says when it cannot be read.
pub fn check(store: &Store, told: &[u64]) -> Result<RingReport, StoreError> {
    let mut report = RingReport::default();
    for task in 0..TASKS {
        let last = counter(store, task)?;
        let acknowledged = usize::try_from(task).ok().and_then(|task| told.get(task)).copied().unwrap_or(0);
        report.lost = report.lost.saturating_add(acknowledged.saturating_sub(last));
        report.found = report.found.saturating_add(last);
        for number in last.saturating_sub(SLOTS).max(1)..=last.saturating_add(1) {
            let is_latest = number <= last && number.saturating_add(SLOTS) > last;
            let value = store.get(&slot(task, number))?.map(|value| value.bytes);
            let is_there = value.as_deref() == Some(payload(task, number).as_slice());
            if is_there != is_latest {
                report.torn = report.torn.saturating_add(1);
            }
        }
    }
    Ok(report)
}

/// The highest acknowledged number of each task, from the lines that were told. A last line without its end
/// was cut off by the crash and counts for nothing.
#[must_use]
pub fn parse(told: &str) -> Vec<u64> {
    let mut highest = vec![0; usize::try_from(TASKS).unwrap_or(0)];
    for line in told.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
        let mut words = line.strip_prefix("ack ").unwrap_or_default().split(' ');
        let (task, number) = (words.next(), words.next());
        let task: Option<usize> = task.and_then(|task| task.parse().ok());
        let number: Option<u64> = number.and_then(|number| number.parse().ok());
        if let (Some(task), Some(number)) = (task, number)
            && let Some(known) = highest.get_mut(task)
        {
            *known = (*known).max(number);
        }
    }
    highest
}

fn counter(store: &Store, task: u64) -> Result<u64, StoreError> {
    // The counter's revision is its number: each commit puts it once.
    Ok(store.get(&counter_key(task))?.map_or(0, |value| value.revision))
}

fn commit(store: &Store, task: u64, number: u64) -> Result<(), StoreError> {
    let key = slot(task, number);
    let require = store.get(&key)?.map_or(Require::Absent, |value| Require::At(value.revision));
    let mut batch = Batch::new();
    batch.put(key, require, payload(task, number));
    let before = if number == 1 { Require::Absent } else { Require::At(number.saturating_sub(1)) };
    batch.put(counter_key(task), before, Vec::new());
    store.commit(batch).map_err(|error: CommitError| StoreError::Commit(error))
}

fn counter_key(task: u64) -> Key {
    Key::new(Table::Meta, format!("ring/{task}"))
}

fn slot(task: u64, number: u64) -> Key {
    Key::new(Table::Credential, format!("ring/{task}/{}", number % SLOTS))
}

/// Mostly small, at times long enough to be cut into parts.
fn payload(task: u64, number: u64) -> Vec<u8> {
    let bytes: usize = match number % 23 {
        0 => 20_000,
        7 => 5_000,
        _ => 600,
    };
    let stamp = format!("{task}/{number};");
    stamp.bytes().cycle().take(bytes).collect()
}

/// How many threads write.
pub const TASKS: u64 = 8;
/// How many of its last payloads each task leaves.
const SLOTS: u64 = 64;
