//! What is refused at the door, and with which words; and what is mended silently because nothing is lost.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test: what fails ends it")]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use vault_core::entropy::SeededEntropy;
use vault_core::store::anchor::MemoryAnchor;
use vault_core::store::batch::{Batch, Require};
use vault_core::store::contract::{TEST_KEY, unlocked};
use vault_core::store::engine::EngineError;
use vault_core::store::key::{Key, Table};
use vault_core::store::migrate::{MigrateError, migrate};
use vault_core::store::{EngineKind, EngineOptions, MemoryEngine, Store, StoreError, open_engine};

const ON_DISK: [EngineKind; 2] = [EngineKind::Sled, EngineKind::Redb];

fn open(kind: EngineKind, dir: &Path) -> Result<Store, StoreError> {
    Store::open_dir(kind, dir, &EngineOptions::default(), Arc::new(SeededEntropy::new(3)))
}

fn filled(kind: EngineKind, dir: &Path, rows: u64) {
    let store = open(kind, dir).unwrap();
    store.bootstrap(&TEST_KEY, Batch::new()).unwrap();
    for row in 0..rows {
        let mut batch = Batch::new();
        batch.put(Key::new(Table::Account, row.to_be_bytes()), Require::Absent, vec![1; 100]);
        store.commit(batch).unwrap();
    }
}

fn refusal(kind: EngineKind, dir: &Path) -> EngineError {
    match open(kind, dir).map(|_| ()) {
        Err(StoreError::Engine(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_store_that_is_open_is_refused() {
    for kind in ON_DISK {
        let dir = tempfile::tempdir().unwrap();
        let first = open(kind, dir.path()).unwrap();
        assert!(matches!(refusal(kind, dir.path()), EngineError::Locked(_)));
        drop(first);
        open(kind, dir.path()).unwrap();
    }
}

#[test]
fn another_engines_directory_and_a_newer_format_are_refused() {
    for (kind, other) in [(EngineKind::Sled, EngineKind::Redb), (EngineKind::Redb, EngineKind::Sled)] {
        let dir = tempfile::tempdir().unwrap();
        filled(kind, dir.path(), 3);
        let error = refusal(other, dir.path());
        assert!(
            matches!(&error, EngineError::OtherEngine { found, .. } if found == kind.as_str()),
            "{error}"
        );
        let marker = fs::read_to_string(dir.path().join("engine")).unwrap();
        fs::write(dir.path().join("engine"), marker.replace("format 1", "format 9")).unwrap();
        let error = refusal(kind, dir.path());
        assert!(matches!(error, EngineError::NewerFormat { found: 9, known: 1 }), "{error}");
    }
}

#[test]
fn missing_files_are_damage_and_never_a_fresh_store() {
    let cases = [
        (EngineKind::Sled, "engine"),
        (EngineKind::Sled, "sled/db"),
        (EngineKind::Sled, "sled/conf"),
        (EngineKind::Redb, "engine"),
        (EngineKind::Redb, "redb/records.redb"),
    ];
    for (kind, file) in cases {
        for truncate in [false, true] {
            let dir = tempfile::tempdir().unwrap();
            filled(kind, dir.path(), 3);
            let path = dir.path().join(file);
            if truncate {
                fs::write(&path, b"").unwrap()
            } else {
                fs::remove_file(&path).unwrap()
            }
            let error = refusal(kind, dir.path());
            assert!(matches!(error, EngineError::Corrupt(_)), "{file}: {error:?}");
        }
    }
}

#[test]
fn an_interrupted_creation_begins_anew() {
    for kind in ON_DISK {
        let dir = tempfile::tempdir().unwrap();
        drop(open(kind, dir.path()).unwrap());
        let marker = fs::read_to_string(dir.path().join("engine")).unwrap();
        fs::write(dir.path().join("engine"), marker.replace("complete", "being made")).unwrap();
        for file in fs::read_dir(dir.path().join(kind.as_str())).unwrap() {
            let path = file.unwrap().path();
            if path.is_file() {
                fs::write(path, b"half").unwrap();
            }
        }
        filled(kind, dir.path(), 3);
        let store = open(kind, dir.path()).unwrap();
        assert_eq!(store.unlock(&TEST_KEY).unwrap().records, 3);
    }
}

#[test]
fn what_a_crash_left_of_a_sled_snapshot_does_not_stop_the_next_open() {
    let dir = tempfile::tempdir().unwrap();
    filled(EngineKind::Sled, dir.path(), 50);
    let leftover = dir.path().join("sled/snap.FFFFFFFFFFFFFFFF.generating");
    fs::write(&leftover, b"half a snapshot").unwrap();
    let store = open(EngineKind::Sled, dir.path()).unwrap();
    assert!(!leftover.exists());
    store.unlock(&TEST_KEY).unwrap();
    assert!(store.verify().unwrap().is_intact());
}

#[test]
fn a_store_that_went_back_is_refused_with_both_numbers() {
    for kind in ON_DISK {
        let (dir, old) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        filled(kind, dir.path(), 5);
        copy_tree(&dir.path().join(kind.as_str()), old.path());
        let store = open(kind, dir.path()).unwrap();
        store.unlock(&TEST_KEY).unwrap();
        let mut batch = Batch::new();
        batch.put(Key::new(Table::Account, "late"), Require::Absent, vec![]);
        store.commit(batch).unwrap();
        drop(store);
        fs::remove_dir_all(dir.path().join(kind.as_str())).unwrap();
        copy_tree(old.path(), &dir.path().join(kind.as_str()));
        let store = open(kind, dir.path()).unwrap();
        let error = store.unlock(&TEST_KEY).unwrap_err();
        assert!(matches!(error, StoreError::WentBack { anchor: 7, head: 6 }), "{error}");
        drop(store);

        fs::remove_dir_all(dir.path().join(kind.as_str())).unwrap();
        let empty = tempfile::tempdir().unwrap();
        drop(open(kind, empty.path()).unwrap());
        copy_tree(&empty.path().join(kind.as_str()), &dir.path().join(kind.as_str()));
        let error = open(kind, dir.path()).map(|_| ()).unwrap_err();
        assert!(matches!(error, StoreError::WentBack { anchor: 7, head: 0 }), "{error}");
    }
}

#[test]
fn a_migrated_store_is_the_same_store_on_the_other_engine() {
    for (from, to) in [(EngineKind::Sled, EngineKind::Redb), (EngineKind::Redb, EngineKind::Sled)] {
        let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        filled(from, old.path(), 200);
        {
            let from = open_engine(from, old.path(), &EngineOptions::default()).unwrap();
            let to = open_engine(to, new.path(), &EngineOptions::default()).unwrap();
            let mut steps = Vec::new();
            let copied = migrate(from.as_ref(), to.as_ref(), &mut |done| steps.push(done)).unwrap();
            assert_eq!((copied, steps), (201, vec![64, 128, 192, 201]));
            let again = migrate(from.as_ref(), to.as_ref(), &mut |_| {});
            assert!(matches!(again, Err(MigrateError::NotEmpty)));
        }
        let store = open(to, new.path()).unwrap();
        let position = store.unlock(&TEST_KEY).unwrap();
        assert_eq!((position.records, position.commit), (200, 201));
        assert!(store.verify().unwrap().is_intact());
    }
}

#[test]
fn records_without_their_head_are_refused() {
    use vault_core::store::engine::{Engine, RawOp};
    let engine = Arc::new(MemoryEngine::default());
    let anchor = MemoryAnchor::default();
    drop(unlocked(Arc::<MemoryEngine>::clone(&engine), &anchor).unwrap());
    engine.apply(&[RawOp::Delete(b"\0head".to_vec()), RawOp::Put(vec![8, 1], vec![0; 9])]).unwrap();
    let fresh = || Box::new(MemoryAnchor::default());
    let entropy = || Arc::new(SeededEntropy::new(1));
    let error = Store::open(Arc::<MemoryEngine>::clone(&engine), fresh(), entropy()).map(|_| ()).unwrap_err();
    assert!(matches!(error, StoreError::HeadMissing), "{error}");
    let error = Store::open(engine, Box::new(anchor), entropy()).map(|_| ()).unwrap_err();
    assert!(matches!(error, StoreError::WentBack { anchor: 1, head: 0 }), "{error}");
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
