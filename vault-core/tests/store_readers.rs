//! Writers never lose an update, and readers see whole, durable commits only, while others write.

#![expect(clippy::unwrap_used, reason = "a test: what fails ends it")]

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;

use vault_core::store::anchor::MemoryAnchor;
use vault_core::store::batch::{Batch, Require};
use vault_core::store::contract::unlocked;
use vault_core::store::crash::{CrashEngine, Moment};
use vault_core::store::engine::{Engine, EngineError, RawEntry, RawOp};
use vault_core::store::key::{Key, Table};
use vault_core::store::{CommitError, EngineKind, EngineOptions, MemoryEngine, Store, open_engine};

fn number(store: &Store, key: &Key) -> (u64, Require) {
    match store.get(key).unwrap() {
        Some(value) => (u64::from_be_bytes(value.bytes.try_into().unwrap()), Require::At(value.revision)),
        None => (0, Require::Absent),
    }
}

fn put(key: &Key, require: Require, value: u64) -> Batch {
    let mut batch = Batch::new();
    batch.put(key.clone(), require, value.to_be_bytes().to_vec());
    batch
}

fn on_each_engine(check: impl Fn(Store)) {
    for kind in [EngineKind::Memory, EngineKind::Sled, EngineKind::Redb] {
        let dir = tempfile::tempdir().unwrap();
        let engine = open_engine(kind, dir.path(), &EngineOptions::default()).unwrap();
        check(unlocked(engine, &MemoryAnchor::default()).unwrap());
    }
}

#[test]
fn concurrent_writers_of_one_counter_lose_no_update() {
    const WRITERS: u64 = 8;
    const ROUNDS: u64 = 50;
    on_each_engine(|store| {
        let key = Key::new(Table::Meta, "counter");
        let conflicts = AtomicU64::new(0);
        thread::scope(|scope| {
            for _ in 0..WRITERS {
                scope.spawn(|| {
                    for _ in 0..ROUNDS {
                        loop {
                            let (value, require) = number(&store, &key);
                            match store.commit(put(&key, require, value + 1)) {
                                Ok(()) => break,
                                Err(CommitError::Conflict(_)) => conflicts.fetch_add(1, Ordering::Relaxed),
                                Err(other) => panic!("{other}"),
                            };
                        }
                    }
                });
            }
        });
        assert_eq!(number(&store, &key), (WRITERS * ROUNDS, Require::At(WRITERS * ROUNDS)));
        assert!(store.verify().unwrap().is_intact());
        assert!(conflicts.into_inner() > 0, "{}: the writers never met", store.engine_name());
    });
}

#[test]
fn a_page_and_a_snapshot_show_one_commit() {
    const KEYS: u64 = 40;
    on_each_engine(|store| {
        let key = |name: u64| Key::new(Table::Account, name.to_be_bytes());
        let done = AtomicBool::new(false);
        let pages = AtomicU64::new(0);
        // Every commit sets all even keys to one number and takes the odd ones away, or brings them back.
        let commit = |round: u64| {
            let mut batch = Batch::new();
            for name in 0..KEYS {
                let (_, require) = number(&store, &key(name));
                match (name % 2, require) {
                    (1, Require::At(revision)) => batch.delete(key(name), revision),
                    (_, require) => batch.put(key(name), require, round.to_be_bytes().to_vec()),
                }
            }
            store.commit(batch).unwrap();
        };
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !done.load(Ordering::Relaxed) {
                        let page = store.scan(Table::Account, &[], None, 1000).unwrap();
                        let rounds: BTreeSet<_> = page.iter().map(|(_, value)| &value.bytes).collect();
                        assert!(rounds.len() <= 1, "{}: a torn page", store.engine_name());
                        assert!([0, 20, 40].contains(&page.len()), "{} rows", page.len());
                        let snapshot = store.snapshot();
                        let first = snapshot.scan(Table::Account, &[], None, 7).unwrap();
                        let mut rest = Vec::new();
                        if let Some((last, _)) = first.last() {
                            rest = snapshot.scan(Table::Account, &[], Some(last), 1000).unwrap();
                        }
                        let rows = first.len() + rest.len();
                        assert!([0, 20, 40].contains(&rows), "a torn snapshot of {rows} rows");
                        if let Some((name, value)) = rest.last() {
                            let again = snapshot.get(&Key::new(Table::Account, name.clone())).unwrap();
                            assert_eq!(again.as_ref(), Some(value));
                            assert!(first.iter().all(|(_, other)| other.bytes == value.bytes));
                        }
                        pages.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
            for round in 1..=150 {
                commit(round);
            }
            while pages.load(Ordering::Relaxed) < 20 {
                thread::yield_now();
            }
            done.store(true, Ordering::Relaxed);
        });
        assert!(store.verify().unwrap().is_intact());
    });
}

#[test]
fn verification_between_other_writes_finds_the_store_intact() {
    const ROWS: u64 = 300;
    on_each_engine(|store| {
        let key = |name: u64| Key::new(Table::Lease, name.to_be_bytes());
        let write = |name: u64, value: u64| {
            let (_, require) = number(&store, &key(name));
            store.commit(put(&key(name), require, value)).unwrap();
        };
        (0..ROWS).for_each(|name| write(name, 1));
        let mut scrub = store.scrub().unwrap();
        let mut round = 2;
        let report = loop {
            if let Some(report) = scrub.step(16).unwrap() {
                break report;
            }
            // Before and behind the place where the check stands: changed, added, removed.
            write(round * 7 % ROWS, round);
            write(ROWS + round, round);
            let gone = key(ROWS - round);
            let mut batch = Batch::new();
            batch.delete(gone.clone(), store.get(&gone).unwrap().unwrap().revision);
            store.commit(batch).unwrap();
            round += 1;
        };
        assert!(report.is_intact() && report.records_found == ROWS, "{}: {report:?}", store.engine_name());
        assert!(round > 15, "the check was over before others wrote");
        let report = store.verify().unwrap();
        assert!(
            report.is_intact() && report.commit > scrub.progress().1,
            "{}: {report:?}",
            store.engine_name()
        );
    });
}

/// Shows a change to readers of the engine, and then waits before it calls it durable.
struct SlowSync {
    inner: MemoryEngine,
    applied: Mutex<Sender<()>>,
    may_sync: Mutex<Receiver<()>>,
}

impl Engine for SlowSync {
    fn name(&self) -> &'static str {
        "slow"
    }
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        self.inner.get(key)
    }
    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<RawEntry>, EngineError> {
        self.inner.scan(prefix, after, limit)
    }
    fn apply(&self, ops: &[RawOp]) -> Result<(), EngineError> {
        self.inner.apply(ops)?;
        self.applied.lock().unwrap().send(()).unwrap();
        self.may_sync.lock().unwrap().recv().map_err(|_| EngineError::Corrupt("the sync failed".into()))
    }
}

/// A store whose next syncs wait for a word, and both ends of that.
fn store_with_slow_sync() -> (Store, Receiver<()>, Sender<()>) {
    let ((applied, has_applied), (release, may_sync)) = (channel(), channel());
    let engine = SlowSync {
        inner: MemoryEngine::default(),
        applied: Mutex::new(applied),
        may_sync: Mutex::new(may_sync),
    };
    release.send(()).unwrap();
    let store = unlocked(Arc::new(engine), &MemoryAnchor::default()).unwrap();
    has_applied.recv().unwrap();
    (store, has_applied, release)
}

#[test]
fn readers_see_nothing_before_it_is_durable_and_do_not_wait_for_it() {
    let (store, has_applied, release) = store_with_slow_sync();
    let (old, new, gone) = (
        Key::new(Table::Account, "a-old"),
        Key::new(Table::Account, "b-new"),
        Key::new(Table::Account, "c-gone"),
    );
    let mut first = put(&old, Require::Absent, 1);
    first.put(gone.clone(), Require::Absent, 1_u64.to_be_bytes().to_vec());
    release.send(()).unwrap();
    store.commit(first).unwrap();
    has_applied.recv().unwrap();

    let mut second = put(&old, Require::At(1), 2);
    second.put(new.clone(), Require::Absent, vec![]);
    second.delete(gone.clone(), 1);
    let (ack, outcome) = sync_channel(1);
    store.submit(second, Box::new(move |done| ack.send(done).unwrap()));
    has_applied.recv().unwrap();

    // The engine shows the new values already, and the writer is inside its sync.
    assert_eq!(number(&store, &old).0, 1);
    assert_eq!(store.get(&new).unwrap(), None);
    assert_eq!(number(&store, &gone).0, 1);
    let names = |store: &Store, limit| -> Vec<Vec<u8>> {
        store.scan(Table::Account, &[], None, limit).unwrap().into_iter().map(|(name, _)| name).collect()
    };
    assert_eq!(names(&store, 9), [b"a-old".to_vec(), b"c-gone".to_vec()]);
    assert_eq!(
        names(&store, 2),
        [b"a-old".to_vec(), b"c-gone".to_vec()],
        "hidden rows do not shorten a page"
    );
    assert_eq!(store.verify().unwrap().records_found, 2);
    assert!(outcome.try_recv().is_err(), "acknowledged before the sync");
    let before = store.snapshot();

    release.send(()).unwrap();
    outcome.recv().unwrap().unwrap();
    assert_eq!(number(&store, &old).0, 2);
    assert_eq!(names(&store, 9), [b"a-old".to_vec(), b"b-new".to_vec()]);
    assert_eq!(before.get(&new).unwrap(), None, "a snapshot taken during the sync stays before the commit");
    assert_eq!(before.scan(Table::Account, &[], None, 9).unwrap().len(), 2);
}

#[test]
fn an_unknown_outcome_stops_the_store_and_readers_keep_what_is_durable() {
    let (store, has_applied, release) = store_with_slow_sync();
    let key = Key::new(Table::Account, "a");
    drop(release);
    let outcome = store.commit(put(&key, Require::Absent, 1));
    has_applied.recv().unwrap();
    assert!(matches!(outcome, Err(CommitError::Failed(_))), "{outcome:?}");
    assert_eq!(store.get(&key).unwrap(), None);
    assert!(store.scan(Table::Account, &[], None, 9).unwrap().is_empty());
    assert!(matches!(store.commit(put(&key, Require::Absent, 1)), Err(CommitError::Closed)));
    assert!(store.health().engine.is_some());
}

#[test]
fn a_crash_on_either_side_of_any_write_leaves_a_whole_store() {
    for moment in [Moment::Before, Moment::After] {
        for crash_at in 1..=6 {
            let anchor = MemoryAnchor::default();
            let engine = CrashEngine::new(Arc::new(MemoryEngine::default()));
            let as_engine: Arc<dyn Engine> = Arc::<CrashEngine>::clone(&engine);
            let store = unlocked(as_engine, &anchor).unwrap();
            engine.crash_at(crash_at, moment);
            let key = Key::new(Table::Meta, "n");
            let mut acknowledged = 0;
            for value in 1..=10 {
                let (_, require) =
                    if value == 1 { (0, Require::Absent) } else { (0, Require::At(value - 1)) };
                if store.commit(put(&key, require, value)).is_err() {
                    break;
                }
                acknowledged = value;
            }
            assert!(engine.is_crashed());
            drop(store);
            let store = unlocked(engine.survivor(), &anchor).unwrap();
            let expected = match moment {
                Moment::Before => acknowledged,
                Moment::After => acknowledged + 1,
            };
            assert_eq!(number(&store, &key).0, expected, "{moment:?} write {crash_at}");
            assert!(store.verify().unwrap().is_intact());
        }
    }
}

#[test]
fn watchers_hear_of_each_durable_commit_in_order() {
    let store = unlocked(Arc::new(MemoryEngine::default()), &MemoryAnchor::default()).unwrap();
    let (tell, heard) = channel();
    let subscription = store.subscribe(Box::new(move |changes| tell.send(changes.clone()).unwrap()));
    let stubborn = store.subscribe(Box::new(|_| panic!("a watcher that panics")));
    let key = Key::new(Table::Target, "t");
    store.commit(put(&key, Require::Absent, 1)).unwrap();
    let mut batch = Batch::new();
    batch.delete(key.clone(), 1);
    store.commit(batch).unwrap();
    drop(subscription);
    store.commit(put(&key, Require::Absent, 1)).unwrap();
    drop(stubborn);
    let heard: Vec<_> = heard.try_iter().map(|change| (change.commit, change.changed[0].revision)).collect();
    assert_eq!(heard, [(2, Some(1)), (3, None)]);
}

#[test]
fn every_batch_gets_one_answer_when_the_store_closes() {
    let (store, has_applied, release) = store_with_slow_sync();
    let (ack, outcomes) = channel();
    let submit = |name: u64| {
        let ack = ack.clone();
        let batch = put(&Key::new(Table::Lease, name.to_be_bytes()), Require::Absent, name);
        store.submit(batch, Box::new(move |outcome| ack.send(outcome.is_ok()).unwrap()));
    };
    submit(0);
    has_applied.recv().unwrap();
    (1..50).for_each(submit);
    (0..9).for_each(|_| release.send(()).unwrap());
    store.close();
    (50..60).for_each(submit);
    drop(ack);
    let answers: Vec<bool> = outcomes.try_iter().collect();
    assert_eq!(answers.len(), 60);
    assert!(answers[..50].iter().all(|done| *done), "what was submitted before the close is done");
    assert!(!answers[50..].iter().any(|done| *done), "what came after it is refused");
}

#[test]
fn the_last_handle_may_be_dropped_by_an_acknowledgement() {
    let store = Arc::new(unlocked(Arc::new(MemoryEngine::default()), &MemoryAnchor::default()).unwrap());
    let (ack, outcome) = channel();
    let (handle, go) = (Arc::clone(&store), channel());
    let batch = put(&Key::new(Table::Lease, "x"), Require::Absent, 1);
    let wait: Receiver<()> = go.1;
    store.submit(
        batch,
        Box::new(move |done| {
            wait.recv().unwrap();
            drop(handle);
            ack.send(done.is_ok()).unwrap();
        }),
    );
    drop(store);
    go.0.send(()).unwrap();
    assert!(outcome.recv().unwrap());
}

/// Tells of each rest.
struct Resting(MemoryEngine, Mutex<Sender<()>>);

impl Engine for Resting {
    fn name(&self) -> &'static str {
        "resting"
    }
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        self.0.get(key)
    }
    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<RawEntry>, EngineError> {
        self.0.scan(prefix, after, limit)
    }
    fn apply(&self, ops: &[RawOp]) -> Result<(), EngineError> {
        self.0.apply(ops)
    }
    fn rest(&self) -> Result<(), EngineError> {
        self.1.lock().unwrap().send(()).unwrap();
        Err(EngineError::Corrupt("it does not rest well".into()))
    }
}

#[test]
fn the_engine_rests_after_writes_and_one_that_fails_then_takes_no_more() {
    let (rests, rested) = channel();
    let engine = Resting(MemoryEngine::default(), Mutex::new(rests));
    let store = unlocked(Arc::new(engine), &MemoryAnchor::default()).unwrap();
    rested.recv().unwrap();
    let outcome = store.commit(put(&Key::new(Table::Meta, "n"), Require::Absent, 1));
    assert!(matches!(outcome, Err(CommitError::Closed)), "{outcome:?}");
    assert!(store.health().engine.is_some());
    drop(store);
    assert!(rested.recv().is_err(), "a rest without a write before it");
}
