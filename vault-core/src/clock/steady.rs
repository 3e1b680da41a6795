//! The machine's clock as a running server reads it: it never goes back.
//!
//! ```text
//!   machine's clock   ──╱│            stepped forward: followed at once
//!                    ╱   │╱─────╱
//!   this clock    ──╱────╱     ╱      stepped back: goes on where it was, a little slower, until they meet
//! ```
//!
//! Everything that waits (a retry, the end of a lease, an escalation) waits for a time of this clock. Were it to step
//! back with the machine's, a lease's password would live that much longer, and nobody would be told meanwhile.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{Clock, SystemClock, Timestamp};

/// The machine's clock, but never back: after a step back of at most [`STEP_MAX`] it goes on by the machine's monotonic
/// clock, slower by one part in [`SLOWER`], until the machine's has come after. A longer step is followed at once: it sets
/// right a clock that was far wrong, and what was written by that one is no measure.
///
/// It knows what it told itself, nothing of the life before: a new process begins with what the machine's clock says.
#[derive(Debug)]
pub struct SteadyClock {
    /// What times that pass are counted from.
    begun: Instant,
    /// The latest that was told, in milliseconds since the epoch.
    told: AtomicI64,
    line: Mutex<Option<Line>>,
}

/// From where it goes on by itself.
#[derive(Clone, Copy, Debug)]
struct Line {
    /// What was told then.
    told: Timestamp,
    /// How long after [`SteadyClock::begun`].
    at: Duration,
}

impl Default for SteadyClock {
    fn default() -> Self {
        Self { begun: Instant::now(), told: AtomicI64::new(i64::MIN), line: Mutex::default() }
    }
}

impl SteadyClock {
    /// The time to tell, `passed` after the beginning by the monotonic clock, when the machine's clock shows `wall`.
    fn tell(&self, wall: Timestamp, passed: Duration) -> Timestamp {
        // The usual way has no lock: this is read for every request. It is that of a clock that comes after, too.
        if self.told.fetch_max(wall.as_millis(), Ordering::AcqRel) <= wall.as_millis() {
            return wall;
        }
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        let told = Timestamp::from_millis(self.told.load(Ordering::Acquire));
        if told.since(wall) > STEP_MAX {
            *line = None;
            self.told.store(wall.as_millis(), Ordering::Release);
            return wall;
        }
        let from = line.filter(|line| line.by(passed) >= told).unwrap_or(Line { told, at: passed });
        *line = Some(from);
        let now = from.by(passed).max(wall);
        Timestamp::from_millis(self.told.fetch_max(now.as_millis(), Ordering::AcqRel)).max(now)
    }
}

impl Line {
    /// Where it is, `passed` after the beginning.
    fn by(self, passed: Duration) -> Timestamp {
        let since = passed.saturating_sub(self.at);
        self.told.plus(since.saturating_sub(since / SLOWER))
    }
}

impl Clock for SteadyClock {
    fn now(&self) -> Timestamp {
        self.tell(self.wall(), self.begun.elapsed())
    }

    fn wall(&self) -> Timestamp {
        SystemClock.now()
    }
}

/// The longest step back that is not followed.
pub const STEP_MAX: Duration = Duration::from_secs(24 * 3600);
/// While the machine's clock is behind, one part in so many is left out: after a step of a minute they meet in 32 minutes.
pub const SLOWER: u32 = 32;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOON: Timestamp = Timestamp::from_secs(1_800_000_000);
    const MINUTE: Duration = Duration::from_secs(60);

    fn told(clock: &SteadyClock, wall: Timestamp, passed: Duration) -> Timestamp {
        clock.tell(wall, passed)
    }

    #[test]
    fn it_is_the_machines_clock_while_that_goes_forward() {
        let clock = SteadyClock::default();
        for (wall, passed) in [(NOON, 0), (NOON.plus(MINUTE), 60), (NOON.plus(MINUTE * 1000), 61)] {
            assert_eq!(told(&clock, wall, Duration::from_secs(passed)), wall);
        }
    }

    #[test]
    fn after_a_step_back_time_passes_on_and_the_machines_clock_comes_after() {
        let clock = SteadyClock::default();
        assert_eq!(told(&clock, NOON, Duration::ZERO), NOON);
        let back = NOON.minus(MINUTE);
        let mut before = NOON;
        for passed in (0..31 * 60).map(Duration::from_secs) {
            let now = told(&clock, back.plus(passed), passed);
            assert_eq!(now, NOON.plus(passed - passed / SLOWER), "after {passed:?}");
            assert!(before <= now);
            before = now;
        }
        let met = MINUTE * 32;
        assert_eq!(told(&clock, back.plus(met), met), NOON.plus(met - MINUTE));
        let later = met + MINUTE;
        assert_eq!(told(&clock, back.plus(later), later), back.plus(later), "and they go together");
    }

    #[test]
    fn a_second_step_back_begins_anew_from_what_was_told_last() {
        let clock = SteadyClock::default();
        let _ = told(&clock, NOON, Duration::ZERO);
        let _ = told(&clock, NOON.minus(MINUTE), MINUTE);
        let caught_up = NOON.plus(MINUTE * 60);
        assert_eq!(told(&clock, caught_up, MINUTE * 61), caught_up);
        assert_eq!(told(&clock, NOON, MINUTE * 61), caught_up);
        let third = MINUTE * 32;
        assert_eq!(told(&clock, NOON.plus(third), MINUTE * 61 + third), caught_up.plus(third - MINUTE));
    }

    #[test]
    fn a_clock_that_was_far_wrong_is_set_right_at_once() {
        let clock = SteadyClock::default();
        let wrong = NOON.plus(STEP_MAX + Duration::from_millis(1));
        assert_eq!(told(&clock, wrong, Duration::ZERO), wrong);
        assert_eq!(told(&clock, NOON, Duration::ZERO), NOON);
        assert_eq!(told(&clock, NOON.minus(MINUTE), Duration::ZERO), NOON, "and held from there");
    }

    proptest! {
        #[test]
        fn within_a_days_steps_no_time_is_told_before_one_that_was(
            steps in proptest::collection::vec((0_u64..4_000_000, -20_000_000_i64..20_000_000), 1..60),
        ) {
            let clock = SteadyClock::default();
            let (mut passed, mut before) = (Duration::ZERO, Timestamp::EPOCH);
            for (span, off) in steps {
                passed += Duration::from_millis(span);
                let wall = Timestamp::from_millis(NOON.plus(passed).as_millis() + off);
                let now = clock.tell(wall, passed);
                prop_assert!(before <= now && wall <= now);
                before = now;
            }
        }
    }
}
