//! The redb engine: one table, two-phase commits that need no repair after a crash, checksums verified on open.

use std::io::ErrorKind;
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use redb::{Builder, Database, Durability, ReadableDatabase, TableDefinition};

use super::engine::{Engine, EngineError, RawEntry, RawOp};
use super::memory::lower_bound;
use super::open::EngineOptions;
use super::place::{Place, Stage, sync_tree};

/// redb under the port.
pub(crate) struct RedbEngine {
    db: Database,
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
        Ok(Self { db, _place: place })
    }

    fn write(&self, ops: &[RawOp]) -> Result<(), redb::Error> {
        let mut transaction = self.db.begin_write()?;
        transaction.set_durability(Durability::Immediate)?;
        // Two-phase commit with the allocator's state in it: a crash needs no walk over the whole file, and
        // a second crash during start-up cannot roll a commit back.
        transaction.set_quick_repair(true);
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
        Ok(())
    }
}

impl Engine for RedbEngine {
    fn name(&self) -> &'static str {
        NAME
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        unpanicked(|| {
            let table = self.db.begin_read()?.open_table(RECORDS)?;
            Ok(table.get(key)?.map(|value| value.value().to_vec()))
        })
    }

    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<RawEntry>, EngineError> {
        unpanicked(|| {
            let table = self.db.begin_read()?.open_table(RECORDS)?;
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

const NAME: &str = "redb";
const RECORDS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("records");
