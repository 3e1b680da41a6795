//! The waiting line of an account: first come, first served, and nobody waits for one who left.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Lending;
use crate::clock::Timestamp;

/// Somebody who asked for a lent account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiter {
    /// The borrower's id.
    pub id: String,
    /// The borrower's name.
    pub name: String,
    /// When they first asked.
    pub since: Timestamp,
    /// When they last asked; who does not ask for [`WAITER_KEPT`] has left.
    pub asked_at: Timestamp,
}

impl Lending {
    /// Forgets those who left.
    pub(super) fn prune_line(&mut self, now: Timestamp) {
        self.line.retain(|waiter| now.since(waiter.asked_at) < WAITER_KEPT);
    }

    /// Puts somebody in line, or notes that they still wait. Returns their place, from 1.
    pub(super) fn enqueue(&mut self, id: &str, name: &str, now: Timestamp) -> usize {
        if let Some(place) = self.line.iter().position(|waiter| waiter.id == id) {
            // Who asks many times a second is not written down each time.
            if let Some(waiter) = self.line.get_mut(place)
                && now.since(waiter.asked_at) >= ASKING_NOTED_EVERY
            {
                waiter.asked_at = now;
            }
            return place + 1;
        }
        if self.line.len() >= LINE_MAX {
            return self.line.len() + 1;
        }
        self.line.push(Waiter { id: id.to_owned(), name: name.to_owned(), since: now, asked_at: now });
        self.line.len()
    }

    /// Takes somebody out of the line.
    pub(super) fn leave(&mut self, id: &str) {
        self.line.retain(|waiter| waiter.id != id);
    }

    /// Whether another waiter comes before `id`.
    #[must_use]
    pub(super) fn is_behind(&self, id: &str) -> bool {
        self.line.first().is_some_and(|first| first.id != id)
    }
}

/// How long a waiter keeps the place without asking again.
pub const WAITER_KEPT: Duration = Duration::from_secs(30);
/// How exactly it is remembered when a waiter last asked.
const ASKING_NOTED_EVERY: Duration = Duration::from_secs(10);
/// Most waiters that are remembered; later ones are told the line is full by their place.
pub const LINE_MAX: usize = 64;
