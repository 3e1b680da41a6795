//! Damaged files are harmless or noticed, never silently wrong: single bits flipped and tails cut off over
//! all files of a store.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test: what fails ends it")]

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use vault_core::entropy::SeededEntropy;
use vault_core::store::batch::{Batch, Require, Versioned};
use vault_core::store::contract::TEST_KEY;
use vault_core::store::key::{Key, Table};
use vault_core::store::{EngineKind, EngineOptions, Store, StoreError};

const ROWS: u64 = 5_000;
const FLIPS: u64 = 30;

type Rows = BTreeMap<Vec<u8>, Versioned>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Finding {
    Harmless,
    RefusedOnOpen,
    RefusedOnUnlock,
    ReadError,
    VerifyFails,
    Silent,
}

fn open(kind: EngineKind, dir: &Path, check_on_open: bool) -> Result<Store, StoreError> {
    let options = EngineOptions { check_on_open, cache_bytes: 32 * 1024 * 1024 };
    Store::open_dir(kind, dir, &options, Arc::new(SeededEntropy::new(9)))
}

fn fill(kind: EngineKind, dir: &Path) -> Rows {
    let store = open(kind, dir, true).unwrap();
    store.bootstrap(&TEST_KEY, Batch::new()).unwrap();
    let value = |row: u64, round: u64| vec![u8::try_from((row + round) % 251).unwrap(); 300];
    for (round, require) in [(1, Require::Absent), (2, Require::At(1))] {
        for first in (0..ROWS).step_by(100) {
            // The second round leaves half of the rows as they are.
            let rows = (first..first + 100).filter(|row| round == 1 || row % 2 == 0);
            let mut batch = Batch::new();
            for row in rows {
                batch.put(Key::new(Table::Credential, row.to_be_bytes()), require, value(row, round));
            }
            store.commit(batch).unwrap();
        }
    }
    rows(&store).unwrap()
}

fn rows(store: &Store) -> Result<Rows, StoreError> {
    let mut all = Rows::new();
    let mut after: Option<Vec<u8>> = None;
    loop {
        let page = store.scan(Table::Credential, &[], after.as_deref(), 500)?;
        let Some((last, _)) = page.last() else { return Ok(all) };
        after = Some(last.clone());
        for (name, value) in page {
            // What a scan shows and what a read of the same key shows must agree.
            let read = store.get(&Key::new(Table::Credential, name.clone()))?;
            all.insert(name, read.unwrap_or(Versioned { revision: 0, bytes: value.bytes }));
        }
    }
}

fn examine(kind: EngineKind, dir: &Path, check_on_open: bool, expected: &Rows) -> Finding {
    let store = match open(kind, dir, check_on_open) {
        Ok(store) => store,
        Err(_) => return Finding::RefusedOnOpen,
    };
    if store.unlock(&TEST_KEY).is_err() {
        return Finding::RefusedOnUnlock;
    }
    let Ok(found) = rows(&store) else { return Finding::ReadError };
    match store.verify() {
        Err(_) => Finding::ReadError,
        Ok(report) if !report.is_intact() => Finding::VerifyFails,
        Ok(_) if found == *expected => Finding::Harmless,
        Ok(_) => Finding::Silent,
    }
}

/// The files that hold the store, with their sizes.
fn files(dir: &Path) -> Vec<(PathBuf, u64)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let meta = entry.metadata().unwrap();
        if meta.is_dir() {
            all.extend(files(&entry.path()));
        } else if meta.len() > 0 {
            all.push((entry.path(), meta.len()));
        }
    }
    all.sort();
    all
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

#[derive(Default)]
struct Tally(BTreeMap<Finding, Vec<String>>);

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |finding| self.0.get(&finding).map_or(0, Vec::len);
        write!(
            f,
            "{:>8} {:>8} {:>8} {:>8} {:>8} {:>8}",
            count(Finding::Harmless),
            count(Finding::RefusedOnOpen),
            count(Finding::RefusedOnUnlock),
            count(Finding::ReadError),
            count(Finding::VerifyFails),
            count(Finding::Silent)
        )
    }
}

type Damage = Box<dyn Fn(&Path)>;

/// One bit at each of 30 places, evenly over all files, and one in each small file besides.
fn flips(made: &Path) -> Vec<(String, Damage)> {
    let files = files(made);
    let total: u64 = files.iter().map(|(_, size)| size).sum();
    let spread = (0..FLIPS).map(|n| total * (2 * n + 1) / (2 * FLIPS));
    let mut before = 0;
    let mut starts = Vec::new();
    for (_, size) in &files {
        starts.push(before + size / 3);
        before += size;
    }
    spread
        .chain(starts)
        .map(|place| {
            let mut at = place;
            let (path, _) = files
                .iter()
                .find(|(_, size)| {
                    let is_here = at < *size;
                    if !is_here {
                        at -= size;
                    }
                    is_here
                })
                .unwrap();
            let relative = path.strip_prefix(made).unwrap().to_path_buf();
            let name = format!("{} bit {} of byte {at}", relative.display(), place % 8);
            let flip: Damage = Box::new(move |dir| {
                let mut bytes = fs::read(dir.join(&relative)).unwrap();
                bytes[usize::try_from(at).unwrap()] ^= 1 << (place % 8);
                fs::write(dir.join(&relative), bytes).unwrap();
            });
            (name, flip)
        })
        .collect()
}

/// The engine's largest file cut by these many bytes, and every other file to half and to nothing.
fn cuts(made: &Path) -> Vec<(String, Damage)> {
    let files = files(made);
    let (largest, size) = files.iter().max_by_key(|(_, size)| size).unwrap().clone();
    let mut lengths: Vec<(PathBuf, u64)> = [1, 16, 300, 4096, 65_536, 300_000, size / 2, size - 1]
        .map(|bytes| (largest.clone(), size.saturating_sub(bytes)))
        .to_vec();
    for (path, size) in files.into_iter().filter(|(path, _)| *path != largest) {
        lengths.extend([(path.clone(), size / 2), (path, 0)]);
    }
    lengths
        .into_iter()
        .map(|(path, length)| {
            let relative = path.strip_prefix(made).unwrap().to_path_buf();
            let name = format!("{} cut to {length}", relative.display());
            let cut: Damage = Box::new(move |dir| {
                let file = fs::OpenOptions::new().write(true).open(dir.join(&relative)).unwrap();
                file.set_len(length).unwrap();
            });
            (name, cut)
        })
        .collect()
}

/// The engines meet damage with panics, which the store turns into errors: their traces would fill pages.
fn hush_the_engines_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let is_ours = info.location().is_none_or(|place| place.file().contains("store_damage"));
        if is_ours {
            usual(info);
        }
    }));
}

fn damage_is_noticed(kind: EngineKind, check_on_open: bool) {
    hush_the_engines_panics();
    let (made, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let expected = fill(kind, made.path());
    assert_eq!(expected.len() as u64, ROWS);
    let mut out = std::io::stderr();
    let title = format!("{}, own check {check_on_open}", kind.as_str());
    writeln!(out, "{title:<22} places harmless     open    unlock     read   verify   SILENT").unwrap();
    for (what, damages) in [("flips", flips(made.path())), ("cuts", cuts(made.path()))] {
        let mut tally = Tally::default();
        let count = damages.len();
        for (number, (name, damage)) in damages.into_iter().enumerate() {
            let dir = work.path().join(format!("{what}-{number}"));
            copy_tree(made.path(), &dir);
            damage(&dir);
            let finding = examine(kind, &dir, check_on_open, &expected);
            tally.0.entry(finding).or_default().push(name);
            fs::remove_dir_all(&dir).unwrap();
        }
        writeln!(out, "{what:<22} {count:>6} {tally}").unwrap();
        let silent = tally.0.get(&Finding::Silent);
        assert!(silent.is_none(), "silent damage: {silent:?}");
        assert!(tally.0.len() > 1 || count == 0, "nothing was damaged: {:?}", tally.0);
    }
}

#[test]
fn damaged_sled_files_are_noticed() {
    damage_is_noticed(EngineKind::Sled, true);
}

#[test]
fn damaged_redb_files_are_noticed() {
    damage_is_noticed(EngineKind::Redb, true);
}

#[test]
fn damaged_redb_files_are_noticed_without_its_own_check_too() {
    damage_is_noticed(EngineKind::Redb, false);
}
