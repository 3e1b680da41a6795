//! When the scheduler must look at an account next: one entry in the due index per account.

use super::Account;
use crate::clock::Timestamp;
use crate::rotation::run::Stage;

/// The moment at which [`crate::rotation::step::tick`] has something to do, if any.
///
/// While an effect is in flight the answer is the epoch: whoever finds the entry and is not running
/// that effect itself has found the work of a process that died, and recovers it.
#[must_use]
pub fn wake(account: &Account) -> Option<Timestamp> {
    let rotation = match &account.stage {
        Stage::Active { .. } => return Some(Timestamp::EPOCH),
        // Its target's circuit says when, and for all that wait there.
        _ if account.waits => None,
        Stage::Waiting { at, .. } => (!account.defers_start()).then_some(*at),
        Stage::Parked { .. } => None,
        Stage::Idle if account.lending.is_held() => None,
        Stage::Idle => account.next_rotation,
    };
    let rotation = rotation.map(|at| account.held().map_or(at, |held| at.max(held)));
    let expiry =
        account.lending.holder.as_ref().filter(|holder| holder.closing.is_none()).map(|h| h.expires_at);
    match (rotation, expiry) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

impl Account {
    /// Whether a rotation that has not touched the target yet must wait for the lease to end.
    #[must_use]
    pub fn defers_start(&self) -> bool {
        self.lending.is_lent() && self.stage.untouched()
    }
}
