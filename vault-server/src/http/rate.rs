//! A limit of requests per client address, so that one broken client does not starve the others.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// Counts requests per address.
pub(super) struct Rate {
    limiter: Option<DefaultKeyedRateLimiter<IpAddr>>,
    clock: DefaultClock,
    seen: AtomicU32,
}

impl Rate {
    /// `per_second` requests a second, with bursts of the same size; 0 is without limit.
    pub(super) fn new(per_second: u32) -> Self {
        let limiter = NonZeroU32::new(per_second).map(|rate| RateLimiter::keyed(Quota::per_second(rate)));
        Self { limiter, clock: DefaultClock::default(), seen: AtomicU32::new(0) }
    }

    /// Counts one request.
    ///
    /// # Errors
    /// How many seconds to wait, at least one, when the limit is reached.
    pub(super) fn check(&self, address: IpAddr) -> Result<(), u64> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        // Forgets addresses that have been quiet, so that the table does not grow with every client ever seen.
        if self.seen.fetch_add(1, Ordering::Relaxed) % SWEEP_EVERY == SWEEP_EVERY - 1 {
            limiter.retain_recent();
        }
        limiter
            .check_key(&address.to_canonical())
            .map_err(|until| until.wait_time_from(self.clock.now()).as_secs().max(1))
    }
}

const SWEEP_EVERY: u32 = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_is_limited_and_another_is_not() {
        let rate = Rate::new(1);
        let (one, other) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        assert_eq!([rate.check(one), rate.check(one)], [Ok(()), Err(1)]);
        assert_eq!(rate.check(other), Ok(()));
        let mapped: IpAddr = "::ffff:10.0.0.1".parse().unwrap();
        assert_eq!(rate.check(mapped), Err(1));
    }

    #[test]
    fn zero_is_without_limit() {
        let rate = Rate::new(0);
        assert!((0..1000).all(|_| rate.check(IpAddr::from([10, 0, 0, 1])).is_ok()));
    }
}
