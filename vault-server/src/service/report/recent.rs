//! Reports as they were a moment ago, for screens that are looked at again and again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use vault_api::report::RotationReport;
use vault_core::clock::Timestamp;

/// Each report that is at hand, as [`Lately`](super::Lately) places them.
pub(super) type Reports = [RotationReport; 4];

/// What was added up last.
#[derive(Default)]
pub(super) struct Recent {
    kept: Mutex<Option<Kept>>,
    /// Held by who adds up: others wait, and find what that has found.
    turn: Mutex<()>,
}

/// Reports of one moment.
pub(super) struct Kept {
    /// Which unsealing they are from.
    closings: u64,
    at: Timestamp,
    reports: Arc<Reports>,
    /// Whether somebody is at the next one.
    is_renewed: bool,
}

/// What is at hand.
pub(super) struct AtHand {
    pub(super) reports: Arc<Reports>,
    /// Whether they are old enough, and nobody is at the next one: then the caller is.
    pub(super) is_due: bool,
}

impl Recent {
    /// What was added up at most `max_age` before `now`, while the vault was open as it is.
    pub(super) fn at_hand(&self, closings: u64, now: Timestamp, max_age: Duration) -> Option<AtHand> {
        let mut kept = self.kept();
        // A clock that was stepped back says nothing of the age.
        let fits =
            |kept: &&mut Kept| kept.closings == closings && kept.at <= now && now.since(kept.at) <= max_age;
        let kept = kept.as_mut().filter(fits)?;
        let is_due = !kept.is_renewed && now.since(kept.at) >= RENEWED_AFTER;
        kept.is_renewed |= is_due;
        Some(AtHand { reports: Arc::clone(&kept.reports), is_due })
    }

    pub(super) fn keep(&self, kept: Option<Kept>) {
        *self.kept() = kept;
    }

    /// Nothing came of the next one.
    pub(super) fn give_up(&self) {
        if let Some(kept) = self.kept().as_mut() {
            kept.is_renewed = false;
        }
    }

    pub(super) fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self) -> MutexGuard<'_, Option<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// `reports`, which were added up at that time.
    pub(super) fn new(closings: u64, at: Timestamp, reports: Arc<Reports>) -> Self {
        Self { closings, at, reports, is_renewed: false }
    }
}

/// What is older than this is added up anew behind the answer.
const RENEWED_AFTER: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_at_hand_is_of_this_unsealing_and_young_enough() {
        let (recent, minute) = (Recent::default(), Duration::from_secs(60));
        let at = Timestamp::from_secs(1_800_000_000);
        let later = |seconds| at.plus(Duration::from_secs(seconds));
        assert!(recent.at_hand(1, at, minute).is_none());
        recent.keep(Some(Kept::new(1, at, Arc::default())));
        assert!(!recent.at_hand(1, later(29), minute).unwrap().is_due);
        assert!(recent.at_hand(2, later(1), minute).is_none(), "of another unsealing");
        assert!(recent.at_hand(1, later(61), minute).is_none(), "too old");
        assert!(recent.at_hand(1, at.minus(minute), minute).is_none(), "the clock was stepped back");
        // One of those who ask adds up anew, and again when nothing came of it.
        assert!(recent.at_hand(1, later(30), minute).unwrap().is_due);
        assert!(!recent.at_hand(1, later(31), minute).unwrap().is_due);
        recent.give_up();
        assert!(recent.at_hand(1, later(32), minute).unwrap().is_due);
        recent.keep(Some(Kept::new(1, later(32), Arc::default())));
        assert!(!recent.at_hand(1, later(33), minute).unwrap().is_due);
    }
}
