//! Decides when a lease is renewed while a command uses it.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Renews after two thirds of what is left, so that a failure leaves time for more tries.
#[derive(Debug)]
pub(super) struct LeaseKeeper {
    ends: Instant,
    /// When to renew next; never again when `None`.
    next: Option<Instant>,
}

impl LeaseKeeper {
    /// A lease that lasts so many seconds from now; 0 is without end.
    pub(super) fn new(seconds: u64, renewable: bool) -> Self {
        let now = Instant::now();
        let mut keeper = Self { ends: now + Duration::from_secs(seconds), next: None };
        if renewable && seconds > 0 {
            keeper.plan(now);
        }
        keeper
    }

    /// Waits for the next renewal; for ever when there is none.
    pub(super) async fn due(&self) {
        match self.next {
            Some(next) => sleep_until(next).await,
            None => std::future::pending().await,
        }
    }

    /// Takes note of a renewal; the sentence is for the person when it was the last one.
    pub(super) fn renewed(&mut self, seconds: u64) -> Option<String> {
        let now = Instant::now();
        let gained = now + Duration::from_secs(seconds);
        if gained <= self.ends + WORTHWHILE {
            self.next = None;
            return Some(format!(
                "the lease has reached its longest time: in {seconds}s the password changes under the command"
            ));
        }
        self.ends = gained;
        self.plan(now);
        None
    }

    /// Takes note of a renewal that failed, and plans another while the lease lasts.
    pub(super) fn failed(&mut self, why: &str) -> Option<String> {
        let now = Instant::now();
        let left = self.ends.saturating_duration_since(now);
        if left < WORTHWHILE {
            self.next = None;
            return Some(format!("the lease could not be renewed ({why}): its password dies now"));
        }
        self.plan(now);
        Some(format!(
            "the lease could not be renewed ({why}); it lasts {}s more and is tried again",
            left.as_secs()
        ))
    }

    fn plan(&mut self, now: Instant) {
        let left = self.ends.saturating_duration_since(now);
        self.next = Some(now + left.mul_f64(2.0 / 3.0));
    }
}

/// Renewals that gain less than this have come to the lease's maximum.
const WORTHWHILE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn next_in(keeper: &LeaseKeeper) -> Option<u64> {
        keeper.next.map(|next| next.duration_since(Instant::now()).as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_is_renewed_after_two_thirds_until_it_gains_nothing() {
        let mut keeper = LeaseKeeper::new(30, true);
        keeper.due().await;
        assert_eq!(keeper.renewed(30), None);
        assert_eq!(next_in(&keeper), Some(20));
        keeper.due().await;
        let sentence = keeper.renewed(10).unwrap();
        assert!(sentence.contains("longest time"), "{sentence}");
        assert_eq!(next_in(&keeper), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_renewal_is_tried_again_while_the_lease_lasts() {
        let mut keeper = LeaseKeeper::new(27, true);
        let mut tries = 0;
        while keeper.next.is_some() {
            keeper.due().await;
            assert!(keeper.failed("no route").unwrap().contains("no route"));
            tries += 1;
        }
        assert!((2..=10).contains(&tries), "{tries} tries");
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_renewed_or_has_no_end_is_left_alone() {
        assert_eq!(next_in(&LeaseKeeper::new(30, false)), None);
        assert_eq!(next_in(&LeaseKeeper::new(0, true)), None);
    }
}
