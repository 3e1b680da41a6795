//! What is known of the circuits, in memory: how each stands, and whose turn it is to find out.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use vault_core::account::Subject;
use vault_core::path::Name;
use vault_core::target::breaker::Circuit;
use vault_core::target::turns::Round;

/// The circuits, by target.
#[derive(Default)]
pub struct Circuits {
    known: Mutex<BTreeMap<String, Known>>,
    rounds: Mutex<BTreeMap<String, Round<Vec<u8>>>>,
}

/// A circuit, and who was let through last to find out.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) circuit: Circuit,
    prober: Option<String>,
}

impl Known {
    /// Notes who is let through.
    pub(super) fn lets_through(&mut self, subject: &Subject) {
        self.prober = Some(subject.key());
    }

    /// Whether that is `subject`.
    pub(super) fn is_prober(&self, subject: &Subject) -> bool {
        self.prober.as_ref() == Some(&subject.key())
    }
}

impl Circuits {
    /// Changes one circuit under the lock.
    pub(super) fn with<T>(&self, target: &Name, change: impl FnOnce(&mut Known) -> T) -> Option<T> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get_mut(target.as_str()).map(change)
    }

    pub(super) fn learn(&self, target: &Name, circuit: Circuit) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(target.to_string()).or_insert(Known { circuit, prober: None });
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
