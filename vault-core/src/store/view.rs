//! What readers may see while the writer is at work.
//!
//! An engine shows a change as soon as it is applied, before it is on disk, and sled has no snapshots. So
//! the writer publishes the old values of everything it is about to change before it applies, and takes
//! them back after the sync. A reader reads the engine first and looks here afterwards: a change that it
//! may have seen was published before, so an old value found here wins.
//!
//! ```text
//!   writer:  begin(old values) ─► engine.apply ─► (sync) ─► end(new head)
//!   reader:        engine.get ─► overlay has the key? old value : what was read
//!   snapshot:      keeps every overlay published since it was taken; the oldest value of a key wins
//! ```
//!
//! After an engine failure the overlay stays for good: the outcome of that commit is unknown, and readers
//! go on with what is known to be on disk.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use arc_swap::ArcSwap;

use super::batch::Versioned;
use super::engine::{Engine, RawEntry};
use super::error::StoreError;
use super::integrity::{Head, IntegrityKeys, Position};
use super::key::{Key, Table};
use super::record;

/// The old values of the keys that one commit changes; `None` where there was no value.
#[derive(Debug, Default)]
pub(crate) struct Overlay {
    pub(crate) old: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    pub(crate) bytes: usize,
}

/// The head with the keys that can check it: present while the store is unlocked.
#[derive(Clone)]
pub(crate) struct Sealing {
    pub(crate) head: Head,
    pub(crate) keys: Arc<IntegrityKeys>,
}

/// Shared between the writer and all readers.
pub(crate) struct Views {
    engine: Arc<dyn Engine>,
    overlay: ArcSwap<Overlay>,
    shared: Mutex<Shared>,
}

#[derive(Default)]
struct Shared {
    sealing: Option<Sealing>,
    pins: Vec<Weak<Pin>>,
}

impl Views {
    pub(crate) fn new(engine: Arc<dyn Engine>) -> Arc<Self> {
        Arc::new(Self { engine, overlay: ArcSwap::default(), shared: Mutex::default() })
    }

    pub(crate) fn engine(&self) -> &dyn Engine {
        self.engine.as_ref()
    }

    /// Before the engine changes anything: readers and snapshots keep the old values.
    pub(crate) fn begin(&self, overlay: Arc<Overlay>) {
        let mut shared = self.shared();
        shared.pins.retain(|pin| pin.upgrade().is_some_and(|pin| pin.absorb(&overlay)));
        self.overlay.store(overlay);
    }

    /// After the sync: readers see the new values, and new snapshots stand at `sealing`.
    pub(crate) fn end(&self, sealing: Sealing) {
        let mut shared = self.shared();
        self.overlay.store(Arc::default());
        shared.sealing = Some(sealing);
    }

    /// Sets or takes away the integrity key with the head, while no commit is under way.
    pub(crate) fn set_sealing(&self, sealing: Option<Sealing>) {
        self.shared().sealing = sealing;
    }

    pub(crate) fn position(&self) -> Option<Position> {
        self.shared().sealing.as_ref().map(|sealing| sealing.head.position)
    }

    /// The durable value of `key`. Takes no lock.
    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let found = self.engine.get(key)?;
        match self.overlay.load().old.get(key) {
            Some(old) => Ok(old.clone()),
            None => Ok(found),
        }
    }

    /// A view of the store that stays as it is.
    pub(crate) fn snapshot(self: &Arc<Self>) -> Snapshot {
        let mut shared = self.shared();
        let layers = vec![self.overlay.load_full()];
        let pin = Arc::new(Pin(Mutex::new(Layers { layers, bytes: 0, expired: false })));
        // Dead ones are normally taken out by the next commit; a store that only reads must not collect them.
        if shared.pins.len() >= PINS_SWEEP {
            shared.pins.retain(|pin| pin.strong_count() > 0);
        }
        shared.pins.push(Arc::downgrade(&pin));
        Snapshot { views: Arc::clone(self), pin, sealing: shared.sealing.clone() }
    }

    /// Held for a few instructions only, never during a sync.
    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a snapshot holds against the writer: the overlays published since it was taken, oldest first.
struct Pin(Mutex<Layers>);

struct Layers {
    layers: Vec<Arc<Overlay>>,
    bytes: usize,
    expired: bool,
}

impl Pin {
    /// Keeps `overlay`; false when the snapshot has become too expensive and was given up.
    fn absorb(&self, overlay: &Arc<Overlay>) -> bool {
        let mut held = self.layers();
        held.bytes = held.bytes.saturating_add(overlay.bytes);
        if held.bytes > PIN_BYTES_MAX || held.layers.len() >= PIN_LAYERS_MAX {
            held.expired = true;
            held.layers = Vec::new();
            return false;
        }
        held.layers.push(Arc::clone(overlay));
        true
    }

    fn layers(&self) -> MutexGuard<'_, Layers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The value that `key` had, if it was changed since.
    fn old(&self, key: &[u8]) -> Result<Option<Option<Vec<u8>>>, StoreError> {
        let held = self.layers();
        if held.expired {
            return Err(StoreError::SnapshotExpired);
        }
        Ok(held.layers.iter().find_map(|layer| layer.old.get(key)).cloned())
    }

    /// The values that the keys in `range` had, where they were changed since.
    fn old_range(
        &self,
        range: (Bound<&[u8]>, Bound<&[u8]>),
    ) -> Result<BTreeMap<Vec<u8>, Option<Vec<u8>>>, StoreError> {
        let held = self.layers();
        if held.expired {
            return Err(StoreError::SnapshotExpired);
        }
        let mut merged = BTreeMap::new();
        for layer in &held.layers {
            for (key, old) in layer.old.range::<[u8], _>(range) {
                merged.entry(key.clone()).or_insert_with(|| old.clone());
            }
        }
        Ok(merged)
    }
}

/// The store as it was after one commit, while others go on.
///
/// Costs the writer nothing but memory for the values that it replaces meanwhile; a snapshot that would
/// hold more than 64 MiB of them is given up ([`StoreError::SnapshotExpired`]).
pub struct Snapshot {
    views: Arc<Views>,
    pin: Arc<Pin>,
    sealing: Option<Sealing>,
}

impl Snapshot {
    /// Where the store stood; `None` while it is locked.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.sealing.as_ref().map(|sealing| sealing.head.position)
    }

    /// The value of `key`.
    ///
    /// # Errors
    /// The engine's, [`StoreError::Malformed`], [`StoreError::SnapshotExpired`].
    pub fn get(&self, key: &Key) -> Result<Option<Versioned>, StoreError> {
        self.raw_get(&key.to_bytes())?.map(|raw| record::decode(raw).ok_or(StoreError::Malformed)).transpose()
    }

    /// Up to `limit` records of `table` whose name starts with `prefix` and is greater than `after`.
    ///
    /// # Errors
    /// The engine's, [`StoreError::Malformed`], [`StoreError::SnapshotExpired`].
    pub fn scan(
        &self,
        table: Table,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Versioned)>, StoreError> {
        let prefix = Key::new(table, prefix).to_bytes();
        let after = after.map(|after| Key::new(table, after).to_bytes());
        let page = self.raw_scan(&prefix, after.as_deref(), limit)?;
        page.into_iter()
            .map(|(mut key, raw)| {
                key.drain(..1);
                Ok((key, record::decode(raw).ok_or(StoreError::Malformed)?))
            })
            .collect()
    }

    pub(crate) fn sealing(&self) -> Option<&Sealing> {
        self.sealing.as_ref()
    }

    pub(crate) fn raw_get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let found = self.views.engine.get(key)?;
        Ok(self.pin.old(key)?.unwrap_or(found))
    }

    /// Like [`Engine::scan`], over the store as it was.
    ///
    /// Works through the engine in stretches; each stretch is read first and corrected afterwards.
    pub(crate) fn raw_scan(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<RawEntry>, StoreError> {
        let mut page: Vec<RawEntry> = Vec::new();
        let mut cursor = after.map(<[u8]>::to_vec);
        while page.len() < limit {
            let want = limit.saturating_sub(page.len());
            let found = self.views.engine.scan(prefix, cursor.as_deref(), want)?;
            let last = if found.len() < want { None } else { found.last().map(|(key, _)| key.clone()) };
            let lower = match cursor.as_deref() {
                Some(cursor) if cursor >= prefix => Bound::Excluded(cursor),
                _ => Bound::Included(prefix),
            };
            let upper = last.as_deref().map_or(Bound::Unbounded, Bound::Included);
            let mut stretch: BTreeMap<Vec<u8>, Vec<u8>> = found.into_iter().collect();
            for (key, old) in self.pin.old_range((lower, upper))? {
                if !key.starts_with(prefix) {
                    continue;
                }
                match old {
                    Some(old) => stretch.insert(key, old),
                    None => stretch.remove(&key),
                };
            }
            page.extend(stretch);
            if last.is_none() {
                break;
            }
            cursor = last;
        }
        page.truncate(limit);
        Ok(page)
    }
}

/// Most bytes of replaced values that one snapshot may hold.
const PIN_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Most commits that one snapshot may outlive.
const PIN_LAYERS_MAX: usize = 65_536;
/// From this many registered snapshots on, the dropped ones are swept out by the next.
const PINS_SWEEP: usize = 64;
