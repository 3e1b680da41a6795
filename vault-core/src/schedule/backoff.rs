//! How long to wait before the next attempt.

use std::time::Duration;

use super::share;

/// The wait before the retry that follows failed attempt number `attempt`, counted from 1.
///
/// Chosen by `draw` (64 random bits) evenly between `base / 2` and `base · 2^(attempt − 1)`, at most `cap`:
/// full jitter, so that accounts that failed together do not come back together, with a floor, so that
/// none comes back at once.
#[must_use]
pub fn backoff(attempt: u32, base: Duration, cap: Duration, draw: u64) -> Duration {
    let factor = 2u32.saturating_pow(attempt.saturating_sub(1));
    let ceiling = base.saturating_mul(factor).min(cap.max(base));
    let floor = base / 2;
    floor.saturating_add(share(draw, ceiling.saturating_sub(floor)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BASE: Duration = Duration::from_secs(10);
    const CAP: Duration = Duration::from_secs(300);

    #[test]
    fn the_longest_wait_doubles_up_to_the_cap() {
        for (attempt, seconds) in [(0, 10), (1, 10), (2, 20), (3, 40), (5, 160), (6, 300), (u32::MAX, 300)] {
            assert_eq!(backoff(attempt, BASE, CAP, u64::MAX), Duration::from_secs(seconds), "{attempt}");
            assert_eq!(backoff(attempt, BASE, CAP, 0), BASE / 2, "{attempt}");
        }
    }

    #[test]
    fn a_cap_below_the_base_does_not_undercut_it() {
        assert_eq!(backoff(9, BASE, Duration::ZERO, u64::MAX), BASE);
    }

    #[test]
    fn draws_are_spread_over_the_whole_range() {
        let waits: Vec<_> = (0..4).map(|n| backoff(3, BASE, CAP, n << 62).as_millis()).collect();
        assert_eq!(waits, [5_000, 13_750, 22_500, 31_250]);
    }

    proptest! {
        #[test]
        fn a_wait_is_never_below_half_the_base_nor_above_the_cap(
            attempt: u32, base in 0u64..10_000_000, cap in 0u64..10_000_000, draw: u64,
        ) {
            let (base, cap) = (Duration::from_millis(base), Duration::from_millis(cap));
            let wait = backoff(attempt, base, cap, draw);
            prop_assert!(wait >= base / 2 && wait <= cap.max(base));
        }
    }
}
