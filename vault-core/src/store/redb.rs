//! The redb engine: one table, and commits of two kinds.
//!
//! A commit that comes alone is made in two phases with the allocator's state in it: after a crash the file opens
//! at once. Of commits that follow each other closely, all but the first are made in one phase, guarded by their
//! checksums, which takes a third less time; a crash among them makes the next start walk over the file. When the
//! rush is over, [`Engine::rest`] makes the file open at once again. Every commit is on disk when it returns, of
//! either kind.

use std::io::ErrorKind;
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use redb::{Builder, Database, Durability, ReadOnlyTable, ReadableDatabase, TableDefinition};

use super::engine::{Engine, EngineError, RawEntry, RawOp};
use super::memory::lower_bound;
use super::open::EngineOptions;
use super::place::{Place, Stage, sync_tree};

/// redb under the port.
pub(crate) struct RedbEngine {
    /// What readers see, opened anew after each commit, so that a read waits for no lock. (redb takes one to begin a
    /// transaction.) Until the next commit it holds back the pages that this one freed. Dropped before the database.
    shown: ArcSwap<Shown>,
    db: Database,
    /// Whether a commit came since the last rest.
    in_rush: AtomicBool,
    /// Whether the next start would walk over the file.
    unsettled: AtomicBool,
    _place: Place,
}

impl RedbEngine {
    /// Opens the engine in its place, or makes it there.
    pub(crate) fn open(place: Place, options: &EngineOptions) -> Result<Self, EngineError> {
        let stage = place.stage(NAME)?;
        let dir = place.engine_dir(NAME)?;
        // A plain open of a damaged file may panic in redb.
        let opened = catch_unwind(AssertUnwindSafe(|| open_file(&dir, stage, options)));
        let db = opened.unwrap_or_else(|_| Err(EngineError::Corrupt("redb panicked on open".into())))?;
        if stage == Stage::Unmade {
            sync_tree(&dir).map_err(EngineError::Io)?;
            place.mark(NAME, Stage::Made)?;
        }
        let shown = ArcSwap::from_pointee(show(&db).map_err(classify)?);
        Ok(Self {
            shown,
            db,
            in_rush: AtomicBool::default(),
            unsettled: AtomicBool::default(),
            _place: place,
        })
    }

    fn write(&self, ops: &[RawOp]) -> Result<(), redb::Error> {
        let mut transaction = self.db.begin_write()?;
        transaction.set_durability(Durability::Immediate)?;
        let quickly = self.in_rush.swap(true, Ordering::Relaxed);
        transaction.set_quick_repair(!quickly);
        self.unsettled.store(quickly, Ordering::Relaxed);
        {
            let mut table = transaction.open_table(RECORDS)?;
            for op in ops {
                match op {
                    RawOp::Put(key, value) => table.insert(key.as_slice(), value.as_slice())?,
                    RawOp::Delete(key) => table.remove(key.as_slice())?,
                };
            }
        }
        transaction.commit()?;
        self.shown.store(Arc::new(show(&self.db)?));
        Ok(())
    }

    fn settle(&self) -> Result<(), redb::Error> {
        self.in_rush.store(false, Ordering::Relaxed);
        if self.unsettled.swap(false, Ordering::Relaxed) {
            let mut transaction = self.db.begin_write()?;
            transaction.set_quick_repair(true);
            transaction.commit()?;
        }
        Ok(())
    }
}

impl Engine for RedbEngine {
    fn name(&self) -> &'static str {
        NAME
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        unpanicked(|| Ok(self.shown.load().get(key)?.map(|value| value.value().to_vec())))
    }

    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<RawEntry>, EngineError> {
        unpanicked(|| {
            let table = self.shown.load_full();
            let mut found = Vec::new();
            for entry in table.range::<&[u8]>((lower_bound(prefix, after), Bound::Unbounded))?.take(limit) {
                let (key, value) = entry?;
                if !key.value().starts_with(prefix) {
                    break;
                }
                found.push((key.value().to_vec(), value.value().to_vec()));
            }
            Ok(found)
        })
    }

    fn apply(&self, ops: &[RawOp]) -> Result<(), EngineError> {
        unpanicked(|| self.write(ops))
    }

    fn rest(&self) -> Result<(), EngineError> {
        unpanicked(|| self.settle())
    }
}

fn open_file(dir: &Path, stage: Stage, options: &EngineOptions) -> Result<Database, EngineError> {
    let path = dir.join("records.redb");
    let mut builder = Builder::new();
    builder.set_cache_size(usize::try_from(options.cache_bytes).unwrap_or(usize::MAX));
    builder.set_check_integrity_on_open(options.check_on_open);
    let db = match stage {
        Stage::Unmade => builder.create(&path),
        Stage::Made if !path.is_file() => {
            return Err(EngineError::Corrupt("the file `redb/records.redb` is missing".into()));
        }
        Stage::Made => builder.open(&path),
    };
    let db = db.map_err(|error| classify(error.into()))?;
    if stage == Stage::Unmade {
        make_table(&db).map_err(classify)?;
    }
    Ok(db)
}

/// The records as the last commit left them.
fn show(db: &Database) -> Result<Shown, redb::Error> {
    Ok(db.begin_read()?.open_table(RECORDS)?)
}

fn make_table(db: &Database) -> Result<(), redb::Error> {
    let mut transaction = db.begin_write()?;
    transaction.set_quick_repair(true);
    transaction.open_table(RECORDS)?;
    transaction.commit()?;
    Ok(())
}

/// Runs `work`; damage that redb meets with a panic is damage too.
fn unpanicked<T>(work: impl FnOnce() -> Result<T, redb::Error>) -> Result<T, EngineError> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(outcome) => outcome.map_err(classify),
        Err(_) => Err(EngineError::Corrupt("redb panicked".into())),
    }
}

fn classify(error: redb::Error) -> EngineError {
    match error {
        // redb tells an empty or cut file in this way.
        redb::Error::Io(error) if error.kind() == ErrorKind::InvalidData => {
            EngineError::Corrupt(error.to_string())
        }
        redb::Error::Io(error) => EngineError::Io(error),
        other => EngineError::Corrupt(other.to_string()),
    }
}

type Shown = ReadOnlyTable<&'static [u8], &'static [u8]>;

const NAME: &str = "redb";
const RECORDS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("records");

#[cfg(test)]
mod tests {
    use std::fs;
    use std::rc::Rc;

    use super::*;

    /// Opens what a crash at this moment would leave; says whether the file had to be walked over, and its keys.
    fn after_a_crash(dir: &Path) -> (bool, Vec<Vec<u8>>) {
        let copy = tempfile::tempdir().unwrap();
        let path = copy.path().join("records.redb");
        fs::copy(dir.join(NAME).join("records.redb"), &path).unwrap();
        let walked = Rc::new(std::cell::Cell::new(false));
        let told = Rc::clone(&walked);
        let db = Builder::new().set_repair_callback(move |_| told.set(true)).open(&path).unwrap();
        let table = db.begin_read().unwrap().open_table(RECORDS).unwrap();
        let keys = table.range::<&[u8]>(..).unwrap().map(|entry| entry.unwrap().0.value().to_vec()).collect();
        (walked.get(), keys)
    }

    #[test]
    fn only_a_crash_in_a_rush_of_writes_makes_the_next_start_walk_over_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let options = EngineOptions { check_on_open: false, ..EngineOptions::default() };
        let engine = RedbEngine::open(Place::claim(dir.path()).unwrap(), &options).unwrap();
        let mut written: Vec<Vec<u8>> = Vec::new();
        // p: a write, r: a rest.
        for (acts, walks) in
            [("p", false), ("pp", true), ("r", false), ("rp", false), ("p", true), ("ppr", false)]
        {
            for act in acts.chars() {
                if act == 'r' {
                    engine.rest().unwrap();
                } else {
                    let key = vec![u8::try_from(written.len()).unwrap()];
                    engine.apply(&[RawOp::Put(key.clone(), vec![7; 5000])]).unwrap();
                    written.push(key);
                }
            }
            assert_eq!(after_a_crash(dir.path()), (walks, written.clone()), "{acts}");
        }
    }
}
