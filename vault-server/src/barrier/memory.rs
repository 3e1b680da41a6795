//! Records that stay opened, each for as long as the store holds the very bytes that it was opened from.
//!
//! The store is asked at each access all the same: a change, a revocation above all, shows at once, because
//! the bytes are others then. What is saved is the unwrapping, the deciphering and the decoding. Only types
//! that say so are kept ([`Remembered`]): facts that every request needs, never the data of a secret.
//!
//! Fixed slots, found by a hash of the key, without a lock; a record pushes out what stood in its slot.

use std::any::Any;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use vault_core::store::batch::Versioned;
use vault_core::store::key::Key;

use super::{Loaded, Record};

/// A record that may stay opened in memory until the vault is sealed: it holds no credential and no data of
/// a secret.
pub trait Remembered: Record + Send + Sync + 'static {}

/// The records that are open.
pub(super) struct Memory {
    slots: Box<[ArcSwapOption<Slot>]>,
    hasher: RandomState,
}

struct Slot {
    key: Key,
    sealed: Versioned,
    value: Arc<dyn Any + Send + Sync>,
}

impl Memory {
    pub(super) fn new() -> Self {
        let slots = (0..SLOTS).map(|_| ArcSwapOption::empty()).collect();
        Self { slots, hasher: RandomState::new() }
    }

    /// What these very bytes at this very place were opened to.
    pub(super) fn recall<R: Remembered>(&self, key: &Key, sealed: &Versioned) -> Option<Loaded<Arc<R>>> {
        let slot = self.slot(key)?.load();
        let slot = slot.as_ref().filter(|slot| slot.key == *key && slot.sealed == *sealed)?;
        let value = Arc::clone(&slot.value).downcast::<R>().ok()?;
        Some(Loaded { value, revision: sealed.revision })
    }

    pub(super) fn keep<R: Remembered>(&self, key: Key, sealed: Versioned, value: &Arc<R>) {
        if sealed.bytes.len() > SEALED_BYTES_MAX {
            return;
        }
        if let Some(slot) = self.slot(&key) {
            let value: Arc<dyn Any + Send + Sync> = Arc::<R>::clone(value);
            slot.store(Some(Arc::new(Slot { key, sealed, value })));
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        for slot in &self.slots {
            slot.store(None);
        }
    }

    fn slot(&self, key: &Key) -> Option<&ArcSwapOption<Slot>> {
        let hash = self.hasher.hash_one((key.table, &key.name));
        self.slots.get(usize::try_from(hash % SLOTS as u64).ok()?)
    }
}

/// How many records stay open at most.
const SLOTS: usize = 1024;
/// A larger record is opened each time: a thousand of them would be too much.
const SEALED_BYTES_MAX: usize = 2048;
