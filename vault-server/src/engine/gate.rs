//! A bulkhead per target: its own number of calls at once, so that a slow target delays nobody else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex as TurnLock, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use vault_core::target::Target;

/// The gates, by target.
#[derive(Default)]
pub struct Gates {
    gates: Mutex<HashMap<String, Gate>>,
}

#[derive(Clone)]
struct Gate {
    width: u32,
    room: Arc<Semaphore>,
    turn: Arc<TurnLock<()>>,
    /// Calls by the management credential that may all be refused at once; 0 where nobody counts them.
    refusals: u32,
    seats: Arc<Semaphore>,
    /// When the management credential was last seen to work, as far as that was noted here.
    proven: Arc<Mutex<Option<Instant>>>,
}

/// Who enters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entrant {
    /// One account among others.
    Account,
    /// The management credential: alone, because the others act by it.
    Management,
}

impl Gates {
    fn gate(&self, target: &Target) -> Gate {
        let width = target.concurrency.max(1);
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        let gate = gates.entry(target.name.to_string()).or_insert_with(|| Gate::new(width));
        if gate.width != width {
            // Reconfigured: who is inside goes on; new entrants meet the new gate.
            *gate = Gate::new(width);
        }
        let refusals = target.lockout.limit().map_or(0, |limit| limit.refusals);
        if gate.refusals != refusals {
            gate.refusals = refusals;
            gate.seats = Arc::new(Semaphore::new(refusals as usize));
        }
        gate.clone()
    }

    /// Waits for a place. `None` only if the gate was closed, which nothing does.
    pub async fn enter(&self, target: &Target, who: Entrant) -> Option<OwnedSemaphorePermit> {
        let gate = self.gate(target);
        let places = match who {
            Entrant::Account => 1,
            Entrant::Management => gate.width,
        };
        gate.room.acquire_many_owned(places).await.ok()
    }

    /// Waits for the turn to be the first of a rotation to use the management credential; hold it until what
    /// came of that is noted. So a dead management password is refused once, not once for every account
    /// that the gate lets in together. A target that does not answer judges no passwords, so after
    /// two seconds it goes on without.
    pub async fn turn(&self, target: &Target) -> Option<OwnedMutexGuard<()>> {
        let gate = self.gate(target);
        tokio::time::timeout(TURN_WAIT, gate.turn.lock_owned()).await.ok()
    }

    /// Waits for the same turn, unless the management credential has just been seen to work: then those that the gate
    /// lets in together go on together. Whoever got the turn says by [`note`](Self::note) what came of it.
    pub async fn turn_unless_proven(&self, target: &Target) -> Option<OwnedMutexGuard<()>> {
        let gate = self.gate(target);
        if gate.is_proven() {
            return None;
        }
        // Whoever had the turn before may have shown it.
        self.turn(target).await.filter(|_| !gate.is_proven())
    }

    /// Waits until one more call by the management credential cannot lock it, were all refused that are under way, where
    /// `counted` refused logins count already. `None` where nobody counts them. Hold it until what came of the call is
    /// written down.
    pub async fn seat(&self, target: &Target, counted: u32) -> Option<OwnedSemaphorePermit> {
        let limit = target.lockout.limit()?;
        self.gate(target).seats.acquire_many_owned(limit.seats(counted)).await.ok()
    }

    /// Notes that the management credential was seen to work, or that it was refused.
    pub fn note(&self, target: &Target, works: bool) {
        let gate = self.gate(target);
        *gate.proven.lock().unwrap_or_else(PoisonError::into_inner) = works.then(Instant::now);
    }

    /// Whether an account would enter at once.
    #[must_use]
    pub fn has_room(&self, target: &Target) -> bool {
        self.gate(target).room.available_permits() > 0
    }
}

impl Gate {
    fn new(width: u32) -> Self {
        let room = Arc::new(Semaphore::new(width as usize));
        let seats = Arc::new(Semaphore::new(0));
        Self { width, room, turn: Arc::default(), refusals: 0, seats, proven: Arc::default() }
    }

    fn is_proven(&self) -> bool {
        let proven = *self.proven.lock().unwrap_or_else(PoisonError::into_inner);
        proven.is_some_and(|at| at.elapsed() < PROVEN_FOR)
    }
}

/// The longest that an account waits for another one's first use of the management credential.
const TURN_WAIT: Duration = Duration::from_secs(2);
/// How long a management credential that worked is taken to work for the next ones.
const PROVEN_FOR: Duration = Duration::from_secs(5);
