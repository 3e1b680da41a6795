//! What is known of the circuits, in memory: how each stands, and whose turn it is to find out.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use vault_core::path::Name;
use vault_core::target::breaker::Circuit;
use vault_core::target::turns::Round;

/// The circuits, by target.
#[derive(Default)]
pub struct Circuits {
    known: Mutex<BTreeMap<String, Circuit>>,
    rounds: Mutex<BTreeMap<String, Round<Vec<u8>>>>,
}

impl Circuits {
    /// Changes one circuit under the lock.
    pub(super) fn with<T>(&self, target: &Name, change: impl FnOnce(&mut Circuit) -> T) -> Option<T> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get_mut(target.as_str()).map(change)
    }

    pub(super) fn learn(&self, target: &Name, circuit: Circuit) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(target.to_string()).or_insert(circuit);
    }

    /// What was known of a target that is no more says nothing of the next one of its name.
    pub fn forget(&self, target: &Name) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(target.as_str());
        self.rounds.lock().unwrap_or_else(PoisonError::into_inner).remove(target.as_str());
    }

    /// After whom in line it is somebody's turn; `None`: it is that of the first.
    pub(super) fn turn_after(&self, target: &Name) -> Option<Vec<u8>> {
        let mut rounds = self.rounds.lock().unwrap_or_else(PoisonError::into_inner);
        rounds.entry(target.to_string()).or_default().begin()
    }

    /// Notes who has the turn.
    pub(super) fn tried(&self, target: &Name, name: Vec<u8>) {
        let mut rounds = self.rounds.lock().unwrap_or_else(PoisonError::into_inner);
        rounds.entry(target.to_string()).or_default().tried(name);
    }
}
