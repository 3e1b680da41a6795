//! What is wanted of a table's records, in memory and true to the last commit.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use vault_core::store::key::Table;
use vault_core::store::watch::{Changes, Subscription};

use crate::barrier::{Barrier, LoadError, Record};
use crate::engine::drive::Chain;

type Wanted<R, T> = Box<dyn Fn(&R) -> Option<T> + Send + Sync>;

/// Of the records of type `R` whose name begins with a prefix, what is wanted as `T`, by name.
pub(super) struct Mirror<R, T> {
    barrier: Barrier,
    prefix: &'static [u8],
    /// The table that names those that are wanted, where there is one: then no others are read.
    index: Option<Table>,
    wanted: Wanted<R, T>,
    kept: Mutex<Option<Kept<T>>>,
    changed: Arc<Changed>,
    /// With more than this it is let go when nobody looks.
    large: usize,
    /// Minutes since somebody looked.
    unused: AtomicU32,
    _subscription: Subscription,
}

struct Kept<T> {
    /// Which unsealing it was read in.
    closings: u64,
    of: BTreeMap<Vec<u8>, T>,
}

/// The names that have changed since the last look; `None` while nothing is kept.
#[derive(Default)]
struct Changed(Mutex<Option<HashSet<Vec<u8>>>>);

impl<R: Record, T> Mirror<R, T> {
    pub(super) fn new(
        barrier: &Barrier,
        prefix: &'static [u8],
        index: Option<Table>,
        wanted: impl Fn(&R) -> Option<T> + Send + Sync + 'static,
    ) -> Self {
        let changed = Arc::<Changed>::default();
        let told = Arc::clone(&changed);
        let note = move |changes: &Changes| told.note(changes, R::TABLE, prefix);
        Self {
            barrier: barrier.clone(),
            prefix,
            index,
            wanted: Box::new(wanted),
            kept: Mutex::default(),
            changed,
            large: LARGE,
            unused: AtomicU32::new(0),
            _subscription: barrier.store().subscribe(Box::new(note)),
        }
    }

    /// What `look` makes of all of them as they are now.
    ///
    /// # Errors
    /// [`LoadError`] by cause. A record that cannot be read is left out, and the log names it.
    pub(super) fn look<A>(&self, look: impl FnOnce(&BTreeMap<Vec<u8>, T>) -> A) -> Result<A, LoadError> {
        let mut kept = self.kept();
        self.unused.store(0, Ordering::Relaxed);
        let closings = self.barrier.closings();
        let before = kept.take().filter(|kept| kept.closings == closings);
        let now = match before {
            Some(before) => self.renewed(before)?,
            None => self.read(closings)?,
        };
        Ok(look(&kept.insert(now).of))
    }

    /// A minute has passed.
    pub(super) fn minute(&self) {
        let is_unused = self.unused.fetch_add(1, Ordering::Relaxed) >= UNUSED_MAX;
        // Somebody looks, and may be reading all of it: then nothing is to be let go, and nobody waits here for that.
        let mut kept = match self.kept.try_lock() {
            Ok(kept) => kept,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        // What has changed since the last look is held as well.
        let changed = self.changed.names().as_ref().map_or(0, HashSet::len);
        let is_large = kept.as_ref().is_some_and(|kept| kept.of.len() + changed > self.large);
        if is_unused && is_large || self.barrier.is_sealed() {
            *kept = None;
            *self.changed.names() = None;
        }
    }

    fn read(&self, closings: u64) -> Result<Kept<T>, LoadError> {
        // What changes while it is read is read once more.
        *self.changed.names() = Some(HashSet::new());
        let (mut of, mut after) = (BTreeMap::new(), None::<Vec<u8>>);
        loop {
            let count = match self.index {
                Some(index) => {
                    let names = self.barrier.names(index, self.prefix, after.as_deref(), PAGE)?;
                    after = names.last().cloned();
                    let count = names.len();
                    for name in names {
                        self.put(&mut of, name)?;
                    }
                    count
                }
                None => {
                    let page = self.barrier.list_each::<R>(self.prefix, after.as_deref(), PAGE)?;
                    after = page.last().map(|(name, _)| name.clone());
                    let count = page.len();
                    for (name, loaded) in page {
                        self.place(&mut of, name, loaded.map(|loaded| Some(loaded.value)))?;
                    }
                    count
                }
            };
            if count < PAGE {
                return Ok(Kept { closings, of });
            }
        }
    }

    fn renewed(&self, mut kept: Kept<T>) -> Result<Kept<T>, LoadError> {
        let Some(changed) = self.changed.names().as_mut().map(std::mem::take) else {
            return self.read(kept.closings);
        };
        for name in changed {
            self.put(&mut kept.of, name)?;
        }
        Ok(kept)
    }

    fn put(&self, of: &mut BTreeMap<Vec<u8>, T>, name: Vec<u8>) -> Result<(), LoadError> {
        let loaded = self.barrier.load::<R>(name.clone());
        self.place(of, name, loaded.map(|loaded| loaded.map(|loaded| loaded.value)))
    }

    fn place(
        &self,
        of: &mut BTreeMap<Vec<u8>, T>,
        name: Vec<u8>,
        loaded: Result<Option<R>, LoadError>,
    ) -> Result<(), LoadError> {
        let wanted = match loaded {
            Ok(loaded) => loaded.and_then(|record| (self.wanted)(&record)),
            Err(error) if error.is_damage() => {
                let (table, name) = (R::TABLE, data_encoding::HEXLOWER.encode(&name));
                tracing::error!(?table, name, error = %Chain(&error), "a record cannot be read, and is not counted");
                None
            }
            Err(error) => return Err(error),
        };
        match wanted {
            Some(wanted) => of.insert(name, wanted),
            None => of.remove(&name),
        };
        Ok(())
    }

    fn kept(&self) -> MutexGuard<'_, Option<Kept<T>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Changed {
    fn names(&self) -> MutexGuard<'_, Option<HashSet<Vec<u8>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// On the writer's thread.
    fn note(&self, changes: &Changes, table: Table, prefix: &[u8]) {
        let mut ours = changes
            .changed
            .iter()
            .filter(|changed| changed.key.table == table && changed.key.name.starts_with(prefix))
            .peekable();
        if ours.peek().is_none() {
            return;
        }
        if let Some(names) = self.names().as_mut() {
            names.extend(ours.map(|changed| changed.key.name.clone()));
        }
    }
}

/// Minutes after which what nobody looks at is let go, where it is large.
const UNUSED_MAX: u32 = 10;
/// With more records than this it is large: some tens of megabytes.
pub(super) const LARGE: usize = 200_000;
/// Records read at a time.
const PAGE: usize = 500;

#[cfg(test)]
mod tests;
