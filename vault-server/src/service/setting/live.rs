//! One record of settings that every request looks at: kept sealed in the store, open in memory while the vault
//! is unsealed.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use tokio::sync::Mutex;

use crate::barrier::{ATTEMPTS_MAX, Barrier, CommitError, LoadError, Record, require};

/// A record and its copy in memory. Cheap to clone; all clones share both.
pub struct Live<R> {
    inner: Arc<Inner<R>>,
}

struct Inner<R> {
    barrier: Barrier,
    name: &'static [u8],
    live: ArcSwap<R>,
    /// Held while the copy is brought to what the store has, so that the latest commit is what stays.
    changing: Mutex<()>,
}

impl<R> Clone for Live<R> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<R: Record + Clone + Default> Live<R> {
    /// The record `name` of its table; its default until it is loaded.
    pub(super) fn new(barrier: Barrier, name: &'static [u8]) -> Self {
        let inner = Inner { barrier, name, live: ArcSwap::default(), changing: Mutex::default() };
        Self { inner: Arc::new(inner) }
    }

    /// What is in force; the default while sealed.
    #[must_use]
    pub fn current(&self) -> Guard<Arc<R>> {
        self.inner.live.load()
    }

    /// What is in force, if it is what the store has: where that cannot be read, the default is in force, and nobody
    /// shall take it for what was once set.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn readable(&self) -> Result<Guard<Arc<R>>, LoadError> {
        self.stored()?;
        Ok(self.current())
    }

    /// Brings the copy to what is stored. Once for each unseal, before anything is served.
    ///
    /// # Errors
    /// [`LoadError`] by cause; then the default is in force.
    pub(super) async fn load(&self) -> Result<(), LoadError> {
        let _changing = self.inner.changing.lock().await;
        self.forget();
        self.show(self.stored()?);
        Ok(())
    }

    /// What the store has; the default when there is nothing.
    pub(super) fn stored(&self) -> Result<R, LoadError> {
        let stored = self.inner.barrier.load::<R>(self.inner.name)?;
        Ok(stored.map(|stored| stored.value).unwrap_or_default())
    }

    /// Back to the default, when the vault is sealed.
    pub(super) fn forget(&self) {
        self.inner.live.store(Arc::default());
    }

    /// Stores what `change` makes of the record, and puts it in force once it is on disk; nothing when it makes
    /// `None` of it.
    pub(super) async fn change<E>(&self, change: impl Fn(&R) -> Result<Option<R>, E>) -> Result<(), E>
    where
        E: From<LoadError> + From<CommitError>,
    {
        let barrier = &self.inner.barrier;
        let _changing = self.inner.changing.lock().await;
        for _ in 0..ATTEMPTS_MAX {
            let stored = barrier.load::<R>(self.inner.name)?;
            let now = stored.as_ref().map(|stored| stored.value.clone()).unwrap_or_default();
            let Some(next) = change(&now)? else { return Ok(()) };
            let mut transaction = barrier.transaction().map_err(CommitError::from)?;
            transaction.put(self.inner.name, require(stored.as_ref()), &next);
            match barrier.commit(transaction).await {
                // The re-wrap came between.
                Err(CommitError::Conflict) => {}
                Err(error) => return Err(error.into()),
                Ok(()) => {
                    self.show(next);
                    return Ok(());
                }
            }
        }
        Err(CommitError::Conflict.into())
    }

    fn show(&self, value: R) {
        self.inner.live.store(Arc::new(value));
        // A seal that came meanwhile has forgotten everything but this.
        if self.inner.barrier.is_sealed() {
            self.forget();
        }
    }
}
