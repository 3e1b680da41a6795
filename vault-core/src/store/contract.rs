//! What every engine promises, as a suite that each of them runs.
//!
//! A case gets a `Reopen`: each call gives the same engine again after the one before was dropped, as a
//! restart would. A case that fails says in a sentence what was broken.

use std::error::Error;
use std::sync::Arc;

use super::anchor::MemoryAnchor;
use super::batch::{BATCH_BYTES_MAX, BATCH_WRITES_MAX, Batch, Require};
use super::engine::{Engine, RawEntry, RawOp};
use super::error::{CommitError, StoreError};
use super::handle::Store;
use super::key::{KEY_BYTES_MAX, Key, Table};
use crate::entropy::SeededEntropy;

/// Opens the same engine again.
pub type Reopen<'a> = &'a dyn Fn() -> Arc<dyn Engine>;
/// What a case says.
pub type Outcome = Result<(), Box<dyn Error + Send + Sync>>;

/// One case of the suite.
pub type Case = fn(Reopen<'_>) -> Outcome;

/// Every case, by the promise it checks. Each needs a fresh place.
pub const CASES: &[(&str, Case)] = &[
    ("a batch is there after a restart", batch_survives),
    ("a scan is ordered, bounded by its prefix and resumes after a key", scan_is_ordered),
    ("keys and values up to their limits come back", limits_fit),
    ("a large value is replaced by a smaller one, and removed", large_values_shrink),
    ("a batch is refused whole when one requirement fails", batches_are_atomic),
    ("revisions count puts and begin anew after a delete", revisions_count),
    ("a locked store is readable and takes no writes", locked_store_reads),
    ("the set hash holds after any commits and a restart", set_hash_holds),
    ("a batch that no store could accept is refused by its reason", shapes_are_checked),
];

/// The integrity key that the suite's stores have.
pub const TEST_KEY: [u8; 32] = [7; 32];

/// Opens a store over `engine` and unlocks or initialises it under [`TEST_KEY`].
///
/// # Errors
/// What the store says.
pub fn unlocked(engine: Arc<dyn Engine>, anchor: &MemoryAnchor) -> Result<Store, StoreError> {
    let store = Store::open(engine, Box::new(anchor.clone()), Arc::new(SeededEntropy::new(1)))?;
    if store.is_initialised()? {
        store.unlock(&TEST_KEY)?;
    } else {
        store.bootstrap(&TEST_KEY, Batch::new())?;
    }
    Ok(store)
}

fn batch_survives(reopen: Reopen<'_>) -> Outcome {
    let engine = reopen();
    engine.apply(&[put(b"a", b"1"), put(b"b", b"2"), put(b"c", b"3")])?;
    engine.apply(&[put(b"b", b"two"), RawOp::Delete(b"c".to_vec()), RawOp::Delete(b"none".to_vec())])?;
    drop(engine);
    let engine = reopen();
    same("after the restart", &engine.scan(&[], None, 9)?, &entries(&[(b"a", b"1"), (b"b", b"two")]))?;
    same("a removed key", &engine.get(b"c")?, &None)?;
    engine.apply(&[])?;
    same("an empty batch changes nothing", &engine.get(b"a")?, &Some(b"1".to_vec()))
}

fn scan_is_ordered(reopen: Reopen<'_>) -> Outcome {
    let engine = reopen();
    let keys: [&[u8]; 7] = [b"b/2", b"a", b"b/1", b"b/\xff\xff", b"b/10", b"c", b"b\x00"];
    engine.apply(&keys.map(|key| put(key, key)))?;
    /// Prefix, after, limit, and the keys found.
    type Scan<'a> = (&'a [u8], Option<&'a [u8]>, usize, &'a [&'a [u8]]);
    let cases: &[Scan<'_>] = &[
        (b"", None, 99, &[b"a", b"b\x00", b"b/1", b"b/10", b"b/2", b"b/\xff\xff", b"c"]),
        (b"b/", None, 99, &[b"b/1", b"b/10", b"b/2", b"b/\xff\xff"]),
        (b"b/", None, 2, &[b"b/1", b"b/10"]),
        (b"b/", Some(b"b/10"), 99, &[b"b/2", b"b/\xff\xff"]),
        (b"b/", Some(b"b/11"), 1, &[b"b/2"]),
        (b"b/", Some(b"a"), 1, &[b"b/1"]),
        (b"b/", Some(b"c"), 99, &[]),
        (b"b/", Some(b"b/\xff\xff"), 99, &[]),
        (b"x", None, 99, &[]),
        (b"", None, 0, &[]),
    ];
    for (prefix, after, limit, expected) in cases {
        let found: Vec<_> = engine.scan(prefix, *after, *limit)?.into_iter().map(|(key, _)| key).collect();
        let expected: Vec<_> = expected.iter().map(|key| key.to_vec()).collect();
        same(&format!("scan {prefix:?} after {after:?}"), &found, &expected)?;
    }
    Ok(())
}

fn limits_fit(reopen: Reopen<'_>) -> Outcome {
    let long_key = vec![0xff; KEY_BYTES_MAX];
    let values = [0, 1, 4095, 4096, 4097, 8192, 100_000, BATCH_BYTES_MAX];
    let ops: Vec<_> =
        (0_u8..).zip(values).map(|(name, length)| put(&[name], &patterned(length, name))).collect();
    let engine = reopen();
    engine.apply(&ops)?;
    engine.apply(&[put(&long_key, b"long")])?;
    drop(engine);
    let engine = reopen();
    for (name, length) in (0_u8..).zip(values) {
        let is_same = engine.get(&[name])?.as_deref() == Some(&patterned(length, name));
        ensure(is_same, &format!("a value of {length} bytes comes back"))?;
    }
    let scanned = engine.scan(&[], None, 99)?.into_iter().map(|(_, value)| value.len());
    same("the values' lengths in a scan", &scanned.take(8).collect::<Vec<_>>(), &values.to_vec())?;
    same("the longest key's value", &engine.get(&long_key)?, &Some(b"long".to_vec()))
}

fn large_values_shrink(reopen: Reopen<'_>) -> Outcome {
    let engine = reopen();
    // "k" and "k\0" have neighbouring names: nothing of one may show in the other.
    for length in [50_000, 9_000, 12_000, 10, 5_000, 0, 70_000] {
        engine.apply(&[put(b"k", &patterned(length, 1)), put(b"k\0", &patterned(6_000, 2))])?;
        same("the value", &engine.get(b"k")?, &Some(patterned(length, 1)))?;
        same("its neighbour", &engine.get(b"k\0")?, &Some(patterned(6_000, 2)))?;
    }
    engine.apply(&[RawOp::Delete(b"k".to_vec())])?;
    drop(engine);
    let expected: Vec<RawEntry> = vec![(b"k\0".to_vec(), patterned(6_000, 2))];
    same("what is left", &reopen().scan(&[], None, 9)?, &expected)
}

fn batches_are_atomic(reopen: Reopen<'_>) -> Outcome {
    let anchor = MemoryAnchor::default();
    let store = unlocked(reopen(), &anchor)?;
    let (a, b) = (Key::new(Table::Account, "a"), Key::new(Table::Lease, "b"));
    let mut both = Batch::new();
    both.put(a.clone(), Require::Absent, b"1".to_vec());
    both.put(b.clone(), Require::At(1), b"1".to_vec());
    match store.commit(both) {
        Err(CommitError::Conflict(key)) => same("the key in conflict", &key, &b)?,
        other => return Err(format!("a batch with a failed requirement: {other:?}").into()),
    }
    ensure(store.get(&a)?.is_none(), "nothing of a refused batch is seen")?;
    let mut check = Batch::new();
    check.check(b.clone(), Require::Absent);
    check.put(a.clone(), Require::Absent, b"1".to_vec());
    store.commit(check)?;
    let mut gone = Batch::new();
    gone.delete(a.clone(), 1);
    gone.check(b, Require::At(3));
    ensure(matches!(store.commit(gone), Err(CommitError::Conflict(_))), "a failed check refuses the batch")?;
    ensure(store.get(&a)?.is_some(), "the delete beside a failed check did not happen")
}

fn revisions_count(reopen: Reopen<'_>) -> Outcome {
    let anchor = MemoryAnchor::default();
    let store = unlocked(reopen(), &anchor)?;
    let key = Key::new(Table::Policy, "p");
    let revision = |store: &Store| store.get(&key).map(|value| value.map(|value| value.revision));
    for (require, expected) in [(Require::Absent, 1), (Require::At(1), 2), (Require::At(2), 3)] {
        let mut batch = Batch::new();
        batch.put(key.clone(), require, vec![]);
        store.commit(batch)?;
        same("the revision", &revision(&store)?, &Some(expected))?;
    }
    for stale in [Require::Absent, Require::At(0), Require::At(2), Require::At(4)] {
        let mut batch = Batch::new();
        batch.put(key.clone(), stale, vec![]);
        ensure(matches!(store.commit(batch), Err(CommitError::Conflict(_))), "a stale put is refused")?;
    }
    let mut batch = Batch::new();
    batch.delete(key.clone(), 3);
    store.commit(batch)?;
    same("after the delete", &revision(&store)?, &None)?;
    let mut batch = Batch::new();
    batch.put(key.clone(), Require::Absent, vec![]);
    store.commit(batch)?;
    same("after a new put", &revision(&store)?, &Some(1))
}

fn locked_store_reads(reopen: Reopen<'_>) -> Outcome {
    let anchor = MemoryAnchor::default();
    let key = Key::new(Table::Seal, "config");
    let mut batch = Batch::new();
    batch.put(key.clone(), Require::Absent, b"wrapped".to_vec());
    let store = unlocked(reopen(), &anchor)?;
    store.commit(batch)?;
    store.lock();
    let mut batch = Batch::new();
    batch.put(key.clone(), Require::At(1), b"changed".to_vec());
    ensure(matches!(store.commit(batch.clone()), Err(CommitError::Locked)), "lock refuses writes")?;
    drop(store);
    let store = Store::open(reopen(), Box::new(anchor), Arc::new(SeededEntropy::new(2)))?;
    let value = store.get(&key)?.map(|value| value.bytes);
    same("read while locked", &value, &Some(b"wrapped".to_vec()))?;
    ensure(matches!(store.commit(batch.clone()), Err(CommitError::Locked)), "locked after a restart")?;
    ensure(matches!(store.verify(), Err(StoreError::Locked)), "no check without the key")?;
    ensure(matches!(store.unlock(&[8; 32]), Err(StoreError::HeadRefused)), "a wrong key is refused")?;
    ensure(
        matches!(store.bootstrap(&TEST_KEY, Batch::new()), Err(StoreError::AlreadyInitialised)),
        "no second initialisation",
    )?;
    store.unlock(&TEST_KEY)?;
    Ok(store.commit(batch)?)
}

fn set_hash_holds(reopen: Reopen<'_>) -> Outcome {
    let anchor = MemoryAnchor::default();
    let mut store = unlocked(reopen(), &anchor)?;
    for round in 0..5_u64 {
        for name in 0..40_u64 {
            let key = Key::new(Table::History, name.to_be_bytes());
            let current = store.get(&key)?;
            let mut batch = Batch::new();
            match current {
                Some(value) if (name + round).is_multiple_of(7) => batch.delete(key, value.revision),
                Some(value) => batch.put(key, Require::At(value.revision), patterned(30, 1)),
                None => batch.put(key, Require::Absent, patterned(5_000, 2)),
            }
            store.commit(batch)?;
        }
        let report = store.verify()?;
        ensure(report.is_intact(), &format!("round {round}: {report:?}"))?;
        let before = store.position();
        drop(store);
        store = unlocked(reopen(), &anchor)?;
        same("the position after a restart", &store.position(), &before)?;
    }
    let report = store.verify()?;
    ensure(report.is_intact() && report.records_found > 30, &format!("at the end: {report:?}"))
}

fn shapes_are_checked(reopen: Reopen<'_>) -> Outcome {
    let anchor = MemoryAnchor::default();
    let store = unlocked(reopen(), &anchor)?;
    let puts = |count: usize, bytes: usize| {
        let mut batch = Batch::new();
        for name in 0..count {
            let key = Key::new(Table::Account, name.to_string());
            batch.put(key, Require::Absent, vec![0; bytes]);
        }
        batch
    };
    let refused = |batch| store.commit(batch).err();
    let too_many = refused(puts(BATCH_WRITES_MAX + 1, 0));
    ensure(matches!(too_many, Some(CommitError::TooLarge)), "too many lines")?;
    let too_big = refused(puts(2, BATCH_BYTES_MAX / 2 + 1));
    ensure(matches!(too_big, Some(CommitError::TooLarge)), "too many bytes")?;
    let mut long = Batch::new();
    long.check(Key::new(Table::Account, vec![0; KEY_BYTES_MAX]), Require::Absent);
    ensure(matches!(refused(long), Some(CommitError::KeyTooLong)), "too long a key")?;
    let mut twice = puts(2, 0);
    twice.check(Key::new(Table::Account, "1"), Require::Absent);
    ensure(matches!(refused(twice), Some(CommitError::Conflict(_))), "one key twice")?;
    store.commit(puts(BATCH_WRITES_MAX, 10))?;
    let mut longest = Batch::new();
    longest.put(Key::new(Table::Lease, vec![9; KEY_BYTES_MAX - 1]), Require::Absent, vec![]);
    Ok(store.commit(longest)?)
}

fn put(key: &[u8], value: &[u8]) -> RawOp {
    RawOp::Put(key.to_vec(), value.to_vec())
}

fn entries(list: &[(&[u8], &[u8])]) -> Vec<RawEntry> {
    list.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
}

/// Bytes that differ from place to place, so that a part out of order is seen.
fn patterned(length: usize, salt: u8) -> Vec<u8> {
    (0..length).map(|at| (at / 251).to_le_bytes().iter().fold(salt, |a, b| a.wrapping_add(*b))).collect()
}

fn ensure(holds: bool, what: &str) -> Outcome {
    if holds { Ok(()) } else { Err(format!("does not hold: {what}").into()) }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, expected: &T) -> Outcome {
    if found == expected {
        return Ok(());
    }
    let brief = |value: &T| format!("{value:?}").chars().take(400).collect::<String>();
    Err(format!("{what}: found {}, expected {}", brief(found), brief(expected)).into())
}
