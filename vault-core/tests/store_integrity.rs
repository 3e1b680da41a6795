//! What happens behind the store's back is noticed by the set hash.

#![expect(clippy::unwrap_used, reason = "a test: what fails ends it")]

use std::sync::Arc;

use vault_core::clock::Timestamp;
use vault_core::store::MemoryEngine;
use vault_core::store::anchor::MemoryAnchor;
use vault_core::store::batch::{Batch, Require};
use vault_core::store::contract::{TEST_KEY, unlocked};
use vault_core::store::due::Due;
use vault_core::store::engine::{Engine, RawEntry, RawOp};
use vault_core::store::key::{Key, Table};
use vault_core::store::{Store, StoreError};

/// A store of 100 records, each with revision 2, and what it held when each had revision 1.
fn filled() -> (Arc<MemoryEngine>, MemoryAnchor, Store, Vec<RawEntry>) {
    let (engine, anchor) = (Arc::new(MemoryEngine::default()), MemoryAnchor::default());
    let store = unlocked(Arc::<MemoryEngine>::clone(&engine), &anchor).unwrap();
    let write = |require, byte| {
        let mut batch = Batch::new();
        for name in 0..100_u8 {
            batch.put(Key::new(Table::Credential, vec![name]), require, vec![byte, name]);
        }
        store.commit(batch).unwrap();
    };
    write(Require::Absent, 1);
    let old = engine.scan(&[], None, 1000).unwrap();
    write(Require::At(1), 2);
    (engine, anchor, store, old)
}

fn raw_key(name: u8) -> Vec<u8> {
    vec![Table::Credential.byte(), name]
}

type Attack = fn(&MemoryEngine, &[RawEntry]) -> Vec<RawOp>;

#[test]
fn a_record_that_vanished_was_added_altered_moved_or_rolled_back_is_noticed() {
    let attacks: [(&str, Attack); 7] = [
        ("vanished", |_, _| vec![RawOp::Delete(raw_key(5))]),
        ("added", |_, _| vec![RawOp::Put(raw_key(200), vec![0; 10])]),
        ("altered", |engine, _| {
            let mut value = engine.get(&raw_key(5)).unwrap().unwrap();
            value[9] ^= 1;
            vec![RawOp::Put(raw_key(5), value)]
        }),
        ("rolled back", |_, old| {
            let (key, value) = old.iter().find(|(key, _)| *key == raw_key(5)).unwrap();
            vec![RawOp::Put(key.clone(), value.clone())]
        }),
        ("another revision", |engine, _| {
            let mut value = engine.get(&raw_key(5)).unwrap().unwrap();
            value[7] += 1;
            vec![RawOp::Put(raw_key(5), value)]
        }),
        ("swapped", |engine, _| {
            let (a, b) =
                (engine.get(&raw_key(1)).unwrap().unwrap(), engine.get(&raw_key(2)).unwrap().unwrap());
            vec![RawOp::Put(raw_key(1), b), RawOp::Put(raw_key(2), a)]
        }),
        ("cut short", |_, _| vec![RawOp::Put(raw_key(5), vec![0; 3])]),
    ];
    for (what, attack) in attacks {
        let (engine, anchor, store, old) = filled();
        assert!(store.verify().unwrap().is_intact());
        engine.apply(&attack(&engine, &old)).unwrap();
        let report = store.verify().unwrap();
        assert!(!report.is_intact(), "{what}: {report:?}");
        assert!(report.is_head_right, "{what}: {report:?}");
        drop(store);
        let store = unlocked(Arc::<MemoryEngine>::clone(&engine), &anchor).unwrap();
        assert!(!store.verify().unwrap().is_intact(), "{what}, after a restart");
    }
}

#[test]
fn damage_is_not_healed_by_later_commits() {
    let (engine, _anchor, store, _) = filled();
    let mut value = engine.get(&raw_key(5)).unwrap().unwrap();
    value[9] ^= 1;
    engine.apply(&[RawOp::Put(raw_key(5), value)]).unwrap();
    // Both the damaged record and others are rewritten through the store.
    for name in 0..100_u8 {
        let mut batch = Batch::new();
        batch.put(Key::new(Table::Credential, vec![name]), Require::At(2), vec![9]);
        store.commit(batch).unwrap();
    }
    assert!(!store.verify().unwrap().is_intact());
}

#[test]
fn an_older_whole_store_is_refused_when_the_side_file_is_newer() {
    let (engine, anchor, store, old) = filled();
    drop(store);
    let present = engine.scan(&[], None, 1000).unwrap();
    engine.apply(&present.into_iter().map(|(key, _)| RawOp::Delete(key)).collect::<Vec<_>>()).unwrap();
    engine.apply(&old.into_iter().map(|(key, value)| RawOp::Put(key, value)).collect::<Vec<_>>()).unwrap();
    let error = unlocked(Arc::<MemoryEngine>::clone(&engine), &anchor).map(|_| ()).unwrap_err();
    assert!(matches!(error, StoreError::WentBack { anchor: 3, head: 2 }), "{error}");
    // Wanted, and said so by removing the side file: the older state is whole.
    let store = unlocked(engine, &MemoryAnchor::default()).unwrap();
    assert!(store.verify().unwrap().is_intact());
}

#[test]
fn an_older_head_record_is_noticed() {
    let (engine, _, store, old) = filled();
    let (key, value) = old.into_iter().find(|(key, _)| key == b"\0head").unwrap();
    engine.apply(&[RawOp::Put(key, value)]).unwrap();
    let report = store.verify().unwrap();
    assert!(report.is_sum_right && !report.is_head_right, "{report:?}");
    drop(store);
    let store = unlocked(engine, &MemoryAnchor::default()).unwrap();
    assert!(!store.verify().unwrap().is_intact());
}

#[test]
fn every_altered_bit_of_the_head_record_is_refused() {
    let (engine, anchor, store, _) = filled();
    drop(store);
    let good = engine.get(b"\0head").unwrap().unwrap();
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        engine.apply(&[RawOp::Put(b"\0head".to_vec(), bad)]).unwrap();
        let error = unlocked(Arc::<MemoryEngine>::clone(&engine), &anchor).map(|_| ()).unwrap_err();
        assert!(matches!(error, StoreError::HeadRefused), "bit {bit}: {error}");
    }
    engine.apply(&[RawOp::Put(b"\0head".to_vec(), good)]).unwrap();
    assert!(unlocked(engine, &anchor).is_ok());
}

#[test]
fn two_heads_of_the_same_records_look_different() {
    let (engine, _, store, _) = filled();
    let head = || engine.get(b"\0head").unwrap().unwrap();
    let mut seen = vec![head()];
    for revision in 2..6 {
        let mut batch = Batch::new();
        batch.put(Key::new(Table::Credential, vec![0]), Require::At(revision), vec![]);
        store.commit(batch).unwrap();
        seen.push(head());
    }
    let lengths: std::collections::BTreeSet<_> = seen.iter().map(Vec::len).collect();
    assert_eq!(lengths.into_iter().collect::<Vec<_>>(), [89]);
    // No byte but the version stays: sum, count and number are all hidden.
    for at in 1..89 {
        let bytes: std::collections::BTreeSet<_> = seen.iter().map(|head| head[at]).collect();
        assert!(bytes.len() > 1, "byte {at} is the same in all");
    }
}

#[test]
fn what_is_due_comes_earliest_first_and_no_more_than_asked() {
    let store = unlocked(Arc::new(MemoryEngine::default()), &MemoryAnchor::default()).unwrap();
    let due = |at: i64, name: &str| Due { at: Timestamp::from_millis(at), kind: 1, name: name.into() };
    let mut batch = Batch::new();
    for entry in [due(300, "c"), due(100, "a"), due(256, "b"), due(301, "d"), due(100, "b")] {
        batch.put(entry.key(), Require::Absent, vec![]);
    }
    batch.put(Key::new(Table::Due, "short"), Require::Absent, vec![]);
    store.commit(batch).unwrap();
    let at = |now, limit| -> Vec<Due> {
        let found = store.due_before(Timestamp::from_millis(now), limit).unwrap();
        assert!(found.iter().all(|(_, revision)| *revision == 1));
        found.into_iter().map(|(due, _)| due).collect()
    };
    assert_eq!(at(99, 9), []);
    assert_eq!(at(100, 9), [due(100, "a"), due(100, "b")]);
    assert_eq!(at(300, 9), [due(100, "a"), due(100, "b"), due(256, "b"), due(300, "c")]);
    assert_eq!(at(300, 2), [due(100, "a"), due(100, "b")]);
}

#[test]
fn a_wrong_key_and_an_empty_store_say_so() {
    let (engine, anchor, store, _) = filled();
    drop(store);
    let entropy = || Arc::new(vault_core::entropy::SeededEntropy::new(5));
    let store = Store::open(engine, Box::new(anchor), entropy()).unwrap();
    assert!(matches!(store.unlock(&[9; 32]), Err(StoreError::HeadRefused)));
    assert_eq!(store.position(), None);
    assert_eq!(store.unlock(&TEST_KEY).unwrap().records, 100);
    let fresh = Store::open(Arc::new(MemoryEngine::default()), Box::new(MemoryAnchor::default()), entropy());
    assert!(matches!(fresh.unwrap().unlock(&TEST_KEY), Err(StoreError::Uninitialised)));
}
