//! The bulkhead of password hashes: each takes much memory and a thread, so only a few run at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;

use super::UserpassError;

/// Runs hashes, a few at a time, off the threads that answer requests.
pub(super) struct Hashing {
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
}

impl Default for Hashing {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(AT_ONCE)), waiting: AtomicUsize::new(0) }
    }
}

impl Hashing {
    /// Runs `work` when it is its turn.
    ///
    /// # Errors
    /// [`UserpassError::Busy`] when too many wait already.
    pub(super) async fn run<T, F>(&self, work: F) -> Result<T, UserpassError>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let place = {
            let _waiting = Waiting::enter(&self.waiting)?;
            Arc::clone(&self.places).acquire_owned().await.map_err(|_| UserpassError::Busy)?
        };
        let outcome = tokio::task::spawn_blocking(move || {
            let outcome = work();
            drop(place);
            outcome
        });
        outcome.await.map_err(|_| UserpassError::Hash)
    }
}

/// One that waits; leaves when dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn enter(count: &'a AtomicUsize) -> Result<Self, UserpassError> {
        let waiting = Self(count);
        if count.fetch_add(1, Ordering::Relaxed) < WAITING_MAX {
            Ok(waiting)
        } else {
            Err(UserpassError::Busy)
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Hashes that run at once: 19 MiB each.
const AT_ONCE: usize = 4;
/// Some seconds of work; who comes then is told to come again.
const WAITING_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_comes_when_too_many_wait_is_told_so() {
        let hashing = Hashing::default();
        assert_eq!(hashing.run(|| 1).await.unwrap(), 1);
        hashing.waiting.store(WAITING_MAX, Ordering::Relaxed);
        assert!(matches!(hashing.run(|| 1).await, Err(UserpassError::Busy)));
        assert_eq!(hashing.waiting.load(Ordering::Relaxed), WAITING_MAX, "it has left again");
        hashing.waiting.store(0, Ordering::Relaxed);
        assert_eq!(hashing.run(|| 2).await.unwrap(), 2);
    }
}
