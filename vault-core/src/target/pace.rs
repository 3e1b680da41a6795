//! How often the vault looks by itself whether a target's credentials work.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// What a target says about heartbeats: logins by which the vault finds a changed credential before a consumer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Heartbeats {
    /// Between two of one account that does not say; zero: none.
    pub every: Duration,
    /// Logins of all its accounts in a minute, at least 1.
    pub rate: u32,
}

impl Default for Heartbeats {
    fn default() -> Self {
        Self { every: EVERY_DEFAULT, rate: RATE_DEFAULT }
    }
}

/// The budget of one target: logins at a rate, and a few of them at once. Kept in memory: a restart begins without any
/// that were saved up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// When all that was taken is used up, had it been taken evenly.
    spent_until: Timestamp,
}

impl Pace {
    /// A budget of which nothing is saved up.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self { spent_until: now.plus(SAVED_MAX) }
    }

    /// Takes one login, if the rate (in a minute) allows it now.
    pub fn take(&mut self, rate: u32, now: Timestamp) -> bool {
        let one = A_MINUTE / rate.max(1);
        let room = SAVED_MAX.max(one);
        // A clock that was stepped back stops it for no longer than that.
        let spent = self.spent_until.max(now).min(now.plus(room));
        let after = spent.plus(one);
        let is_taken = after.since(now) <= room;
        self.spent_until = if is_taken { after } else { spent };
        is_taken
    }
}

/// Between two heartbeats of an account, unless configured.
pub const EVERY_DEFAULT: Duration = Duration::from_secs(24 * 3600);
/// The shortest that may be configured.
pub const EVERY_MIN: Duration = Duration::from_secs(5);
/// The longest that may be configured.
pub const EVERY_MAX: Duration = Duration::from_secs(90 * 24 * 3600);
/// Logins of a target in a minute, unless configured.
pub const RATE_DEFAULT: u32 = 60;
/// The most that may be configured.
pub const RATE_MAX: u32 = 60_000;
/// As much of the budget as is saved up for later.
const SAVED_MAX: Duration = Duration::from_secs(5);
const A_MINUTE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    proptest! {
        #[test]
        fn no_more_than_the_rate_and_what_was_saved_up_are_taken_however_one_asks(
            rate in 1..600u32,
            waits in prop::collection::vec(0..5_000u64, 1..400),
        ) {
            let (mut pace, mut now, mut taken) = (Pace::new(NOW), NOW, 0_u64);
            for wait in waits {
                now = now.plus(Duration::from_millis(wait));
                taken += u64::from(pace.take(rate, now));
            }
            let millis = u64::try_from(now.since(NOW).as_millis()).unwrap();
            prop_assert!(taken <= (millis + 5_000) * u64::from(rate) / 60_000 + 1, "{}", taken);
        }
    }

    #[test]
    fn after_a_start_nothing_is_saved_up_and_then_each_comes_in_its_turn() {
        let mut pace = Pace::new(NOW);
        assert!(!pace.take(60, NOW));
        let after = |millis| NOW.plus(Duration::from_millis(millis));
        assert!(pace.take(60, after(1_000)) && !pace.take(60, after(1_500)) && pace.take(60, after(2_000)));
        // A slow one, too; and after a long rest no more than a few at once.
        let mut slow = Pace::new(NOW);
        assert_eq!((0..120).filter(|second| slow.take(1, after(second * 1_000))).count(), 2);
        assert_eq!((0..100).filter(|_| pace.take(60, after(3_600_000))).count(), 5);
        // A clock that went back.
        assert!(!pace.take(60, after(1_000)) && pace.take(60, after(3_000)));
    }
}
