//! Tells others what a commit changed, after it is on disk.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::batch::Revision;
use super::key::Key;

/// What one commit changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    /// The commit's number; rises by one from commit to commit.
    pub commit: u64,
    /// The keys, in order.
    pub changed: Vec<Changed>,
}

/// One changed key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Which.
    pub key: Key,
    /// Its revision since, or `None` when it was deleted.
    pub revision: Option<Revision>,
}

/// Is called on the writer's thread after each commit.
///
/// It must not block: every waiting writer would wait with it. Hand the changes to a bounded channel with
/// `try_send`, and read the store anew when that was full.
pub type OnChange = Box<dyn Fn(&Changes) + Send + Sync>;

/// Keeps a subscription alive; dropping it ends it.
#[must_use = "dropping the subscription ends it"]
pub struct Subscription {
    _on_change: Arc<OnChange>,
}

/// All who want to know.
#[derive(Default)]
pub(crate) struct Watchers(Mutex<Vec<Weak<OnChange>>>);

impl Watchers {
    pub(crate) fn subscribe(&self, on_change: OnChange) -> Subscription {
        let on_change = Arc::new(on_change);
        let mut watchers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        watchers.retain(|watcher| watcher.strong_count() > 0);
        watchers.push(Arc::downgrade(&on_change));
        Subscription { _on_change: on_change }
    }

    /// Tells everyone. One watcher that panics does not keep the others, or the writer, from going on.
    pub(crate) fn tell(&self, changes: &Changes) {
        let watchers: Vec<_> = {
            let watchers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            watchers.iter().filter_map(Weak::upgrade).collect()
        };
        for watcher in watchers {
            // Its panic was reported by the panic hook already.
            let _ = catch_unwind(AssertUnwindSafe(|| watcher(changes)));
        }
    }
}
