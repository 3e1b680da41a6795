//! Who waits for an account of a pool, first come first served; and whose turn it is to choose.
//!
//! The line is of those whose requests are open, so it needs no store: a restart ends them all.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};
use vault_core::pool::PoolId;

/// The lines of all pools that are being asked.
#[derive(Default)]
pub(super) struct Lines {
    pools: Mutex<HashMap<PoolId, Line>>,
}

#[derive(Default)]
struct Line {
    /// Requests that are open.
    asking: usize,
    next_ticket: u64,
    /// Of those who wait, in the order in which they came.
    tickets: VecDeque<u64>,
    /// Held while one of them chooses.
    turn: Arc<AsyncMutex<()>>,
}

/// A request's place; dropping it leaves the line.
pub(super) struct Place {
    lines: Arc<Lines>,
    id: PoolId,
    /// `None` for who does not wait.
    ticket: Option<u64>,
}

impl Lines {
    /// Somebody asks; `waits` puts them in line.
    pub(super) fn join(self: &Arc<Self>, id: &PoolId, waits: bool) -> Place {
        let mut pools = self.pools();
        let line = pools.entry(id.clone()).or_default();
        line.asking += 1;
        let ticket = waits.then(|| {
            line.next_ticket += 1;
            line.tickets.push_back(line.next_ticket);
            line.next_ticket
        });
        Place { lines: Arc::clone(self), id: id.clone(), ticket }
    }

    fn pools(&self) -> MutexGuard<'_, HashMap<PoolId, Line>> {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// How many came before and still wait.
    pub(super) fn ahead(&self) -> usize {
        let pools = self.lines.pools();
        let Some(line) = pools.get(&self.id) else { return 0 };
        match self.ticket {
            Some(ticket) => line.tickets.iter().take_while(|other| **other != ticket).count(),
            None => line.tickets.len(),
        }
    }

    /// One of them chooses at a time, so that two do not run after the same account.
    pub(super) async fn turn(&self) -> OwnedMutexGuard<()> {
        let turn = self.lines.pools().get(&self.id).map(|line| Arc::clone(&line.turn)).unwrap_or_default();
        turn.lock_owned().await
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut pools = self.lines.pools();
        let Some(line) = pools.get_mut(&self.id) else { return };
        line.asking -= 1;
        if let Some(ticket) = self.ticket {
            line.tickets.retain(|other| *other != ticket);
        }
        if line.asking == 0 {
            pools.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use vault_core::clock::Timestamp;
    use vault_core::entropy::SeededEntropy;
    use vault_core::id::MountId;
    use vault_core::path::Name;

    use super::*;

    fn pool(name: &str) -> PoolId {
        let mount = MountId::generate(Timestamp::EPOCH, &SeededEntropy::new(1));
        PoolId { mount, name: Name::parse(name).unwrap() }
    }

    #[test]
    fn who_came_first_is_next_and_who_left_keeps_nobody() {
        let lines = Arc::new(Lines::default());
        let (id, other) = (pool("a"), pool("b"));
        let first = lines.join(&id, true);
        let second = lines.join(&id, true);
        let passing = lines.join(&id, false);
        let elsewhere = lines.join(&other, true);
        assert_eq!([&first, &second, &passing, &elsewhere].map(Place::ahead), [0, 1, 2, 0]);
        drop(first);
        assert_eq!([&second, &passing].map(Place::ahead), [0, 1]);
        drop((second, passing, elsewhere));
        assert!(lines.pools().is_empty());
    }

    #[tokio::test]
    async fn one_chooses_at_a_time() {
        let lines = Arc::new(Lines::default());
        let (first, second) = (lines.join(&pool("a"), false), lines.join(&pool("a"), false));
        let turn = first.turn().await;
        let waits = tokio::time::timeout(std::time::Duration::ZERO, second.turn()).await;
        assert!(waits.is_err());
        drop(turn);
        drop(first);
        let _turn = second.turn().await;
    }
}
