//! One worker per account: everything that changes an account holds its lock.
//!
//! The lock is for order and for sharing outcomes; safety does not rest on it, because every commit also
//! requires the revision that was decided upon.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

/// The locks, by account.
#[derive(Default)]
pub struct Flights {
    slots: Mutex<HashMap<String, Arc<Slot>>>,
}

#[derive(Default)]
struct Slot {
    lock: Arc<AsyncMutex<()>>,
    driving: AtomicBool,
}

/// The right to change one account.
pub struct Flight {
    flights: Arc<Flights>,
    key: String,
    slot: Arc<Slot>,
    guard: Option<OwnedMutexGuard<()>>,
    by_clock: bool,
}

impl Flights {
    fn slot(&self, key: &str) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(key.to_owned()).or_default())
    }

    /// Takes the account, waiting at most `wait`; `None` when somebody else still has it.
    pub async fn take(self: &Arc<Self>, key: &str, wait: Duration) -> Option<Flight> {
        let mut flight = self.waiting(key);
        let lock = Arc::clone(&flight.slot.lock).lock_owned();
        flight.guard = tokio::time::timeout(wait, lock).await.ok();
        flight.guard.is_some().then_some(flight)
    }

    /// A flight that is not got yet. Dropping it, also in the middle of the waiting, tidies its slot.
    fn waiting(self: &Arc<Self>, key: &str) -> Flight {
        Flight {
            flights: Arc::clone(self),
            key: key.to_owned(),
            slot: self.slot(key),
            guard: None,
            by_clock: false,
        }
    }

    /// Takes the account if nobody has it.
    #[must_use]
    pub fn try_take(self: &Arc<Self>, key: &str) -> Option<Flight> {
        let mut flight = self.waiting(key);
        flight.guard = Arc::clone(&flight.slot.lock).try_lock_owned().ok();
        flight.guard.is_some().then_some(flight)
    }

    /// Whether effects of this account are being run right now.
    #[must_use]
    pub fn is_driving(&self, key: &str) -> bool {
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.get(key).is_some_and(|slot| slot.driving.load(Ordering::Acquire))
    }

    /// How many accounts are being worked on.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether nothing is being worked on.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Flight {
    /// Says that nobody asked for what is about to be done: it can wait when its turn comes and its target does not answer.
    pub fn begins_by_clock(&mut self) {
        self.by_clock = true;
    }

    /// Whether nobody asked for it.
    #[must_use]
    pub const fn is_by_clock(&self) -> bool {
        self.by_clock
    }

    /// Says that effects are about to run, so that whoever comes shares their outcome.
    pub fn drives(&self) {
        self.slot.driving.store(true, Ordering::Release);
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if self.guard.is_some() {
            self.slot.driving.store(false, Ordering::Release);
        }
        self.guard = None;
        let mut slots = self.flights.slots.lock().unwrap_or_else(PoisonError::into_inner);
        // Ours and the map's: nobody else waits for it.
        if Arc::strong_count(&self.slot) == 2 {
            slots.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_flight_at_a_time_and_no_slot_left_behind() {
        let flights = Arc::new(Flights::default());
        let first = flights.take("a/x", Duration::ZERO).await.unwrap();
        assert!(flights.try_take("a/x").is_none());
        assert!(flights.try_take("a/y").is_some());
        first.drives();
        assert!(flights.is_driving("a/x"));
        drop(first);
        assert!(!flights.is_driving("a/x"));
        assert!(flights.is_empty());
        assert!(flights.try_take("a/x").is_some());
    }

    #[tokio::test]
    async fn who_gives_up_waiting_leaves_no_slot_behind() {
        let flights = Arc::new(Flights::default());
        let first = flights.take("a/x", Duration::ZERO).await.unwrap();
        let mut second = Box::pin(flights.take("a/x", Duration::from_secs(60)));
        assert!(futures_poll(&mut second).await.is_pending());
        drop(first);
        drop(second);
        assert!(flights.is_empty());
    }

    async fn futures_poll<F: Future + Unpin>(future: &mut F) -> std::task::Poll<F::Output> {
        std::future::poll_fn(|context| std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(context)))
            .await
    }
}
