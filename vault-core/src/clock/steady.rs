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

/// The machine's clock, but never back: where that comes to be up to [`BEHIND_MAX`] behind, this one goes on by the monotonic
/// clock until the machine's has come after, slower by the part of a day that it is ahead: so they meet within a day, and
/// what it measures meanwhile is short by that part. By a thirty-second at least, and by half at most.
///
/// One that comes to be farther behind is followed at once: that sets right a clock which was far wrong, and what was
/// written by that one is no measure. It knows what it told itself, nothing of the life before: a new process begins with
/// what the machine's clock shows.
#[derive(Debug)]
pub struct SteadyClock {
    /// What times that pass are counted from.
    begun: Instant,
    /// The latest that was told, in milliseconds since the epoch.
    told: AtomicI64,
    line: Mutex<Option<Line>>,
}

/// What both clocks of the machine show at a moment.
#[derive(Clone, Copy, Debug)]
struct Shown {
    wall: Timestamp,
    /// How long after [`SteadyClock::begun`], by the monotonic one.
    passed: Duration,
}

/// From where it goes on by itself.
#[derive(Clone, Copy, Debug)]
struct Line {
    /// What was told then.
    told: Timestamp,
    /// How long after [`SteadyClock::begun`].
    at: Duration,
    /// So many thousandths are left out.
    slower: u32,
}

impl Default for SteadyClock {
    fn default() -> Self {
        Self { begun: Instant::now(), told: AtomicI64::new(i64::MIN), line: Mutex::default() }
    }
}

impl SteadyClock {
    /// The time to tell by what `show` reads.
    fn tell(&self, show: impl Fn() -> Shown) -> Timestamp {
        let wall = show().wall;
        // The usual way has no lock: this is read for every request. It is that of a clock that comes after, too.
        if self.told.fetch_max(wall.as_millis(), Ordering::AcqRel) <= wall.as_millis() {
            return wall;
        }
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        // Anew: another may have told a later time while this one waited.
        let Shown { wall, passed } = show();
        let told = Timestamp::from_millis(self.told.load(Ordering::Acquire));
        let ahead = told.since(wall);
        if ahead > BEHIND_MAX {
            *line = None;
            self.told.store(wall.as_millis(), Ordering::Release);
            return wall;
        }
        let begun = || Line { told, at: passed, slower: slower(ahead) };
        let from = line.filter(|line| line.by(passed) >= told).unwrap_or_else(begun);
        *line = Some(from);
        let now = from.by(passed).max(wall);
        Timestamp::from_millis(self.told.fetch_max(now.as_millis(), Ordering::AcqRel)).max(now)
    }
}

impl Line {
    /// Where it is, `passed` after the beginning.
    fn by(self, passed: Duration) -> Timestamp {
        let since = passed.saturating_sub(self.at);
        self.told.plus(since.saturating_sub(since / 1000 * self.slower))
    }
}

/// How many thousandths are left out by a clock that is so far ahead.
fn slower(ahead: Duration) -> u32 {
    let thousandths = ahead.as_millis() * 1000 / MET_WITHIN.as_millis();
    u32::try_from(thousandths).unwrap_or(SLOWER_MAX).clamp(SLOWER_MIN, SLOWER_MAX)
}

impl Clock for SteadyClock {
    fn now(&self) -> Timestamp {
        self.tell(|| Shown { wall: self.wall(), passed: self.begun.elapsed() })
    }

    fn wall(&self) -> Timestamp {
        SystemClock.now()
    }
}

/// How far behind the machine's clock may come to be without being followed.
pub const BEHIND_MAX: Duration = Duration::from_secs(24 * 3600);
/// After this the two have met, unless it would have to stand still for it.
const MET_WITHIN: Duration = Duration::from_secs(24 * 3600);
const SLOWER_MIN: u32 = 1000 / 32;
const SLOWER_MAX: u32 = 1000 / 2;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOON: Timestamp = Timestamp::from_secs(1_800_000_000);
    const MINUTE: Duration = Duration::from_secs(60);

    fn told(clock: &SteadyClock, wall: Timestamp, passed: Duration) -> Timestamp {
        clock.tell(|| Shown { wall, passed })
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
        // By how much it was stepped back, how many thousandths are left out then, and after how many minutes they meet.
        for (back, slower, meet) in
            [(1, 31, 33), (60, 41, 24 * 60 + 30), (6 * 60, 250, 24 * 60), (20 * 60, 500, 40 * 60)]
        {
            let clock = SteadyClock::default();
            assert_eq!(told(&clock, NOON, Duration::ZERO), NOON);
            let wall = |passed: Duration| NOON.minus(MINUTE * back).plus(passed);
            let mut before = NOON;
            for passed in (0..u64::from(meet) * 54).map(Duration::from_secs) {
                let now = told(&clock, wall(passed), passed);
                assert_eq!(now, NOON.plus(passed - passed / 1000 * slower), "{back}: after {passed:?}");
                assert!(before <= now);
                before = now;
            }
            for later in [MINUTE * meet, MINUTE * (meet + 1)] {
                assert_eq!(told(&clock, wall(later), later), wall(later), "{back}: they have met");
            }
        }
    }

    #[test]
    fn a_second_step_back_begins_anew_from_what_was_told_last() {
        let clock = SteadyClock::default();
        let _ = told(&clock, NOON, Duration::ZERO);
        let _ = told(&clock, NOON.minus(MINUTE), MINUTE);
        let caught_up = NOON.plus(MINUTE * 60);
        assert_eq!(told(&clock, caught_up, MINUTE * 61), caught_up);
        assert_eq!(told(&clock, NOON, MINUTE * 61), caught_up);
        for minutes in 1..=60 {
            let since = MINUTE * minutes;
            let now = told(&clock, NOON.plus(since), MINUTE * 61 + since);
            assert_eq!(now, caught_up.plus(since - since / 1000 * 41));
        }
    }

    #[test]
    fn a_clock_that_was_far_wrong_is_set_right_at_once() {
        let clock = SteadyClock::default();
        let wrong = NOON.plus(BEHIND_MAX + Duration::from_millis(1));
        assert_eq!(told(&clock, wrong, Duration::ZERO), wrong);
        assert_eq!(told(&clock, NOON, Duration::ZERO), NOON);
        assert_eq!(told(&clock, NOON.minus(MINUTE), Duration::ZERO), NOON, "and held from there");
    }

    #[test]
    fn who_was_overtaken_between_the_clocks_reads_them_again() {
        let clock = SteadyClock::default();
        let reads = std::cell::Cell::new(0);
        // The first reading is a minute old when another has told the time.
        let _ = told(&clock, NOON.plus(MINUTE), MINUTE);
        let now = clock.tell(|| {
            reads.set(reads.get() + 1);
            match reads.get() {
                1 => Shown { wall: NOON, passed: Duration::ZERO },
                _ => Shown { wall: NOON.plus(MINUTE), passed: MINUTE },
            }
        });
        assert_eq!(now, NOON.plus(MINUTE));
        let next = NOON.plus(MINUTE).minus(Duration::from_millis(1));
        assert_eq!(told(&clock, next, MINUTE), NOON.plus(MINUTE), "no line was drawn into the future");
    }

    #[test]
    fn threads_that_read_it_at_once_see_no_time_before_one_that_was_told() {
        let clock = SteadyClock::default();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let mut before = Timestamp::EPOCH;
                    for _ in 0..20_000 {
                        let now = clock.now();
                        assert!(before <= now);
                        before = now;
                    }
                });
            }
        });
        assert!(clock.now().since(clock.wall()) < MINUTE, "nor does it run ahead by itself");
    }

    proptest! {
        #[test]
        fn within_a_day_no_time_is_told_before_one_that_was(
            steps in proptest::collection::vec((0_u64..4_000_000, -20_000_000_i64..20_000_000), 1..60),
        ) {
            let clock = SteadyClock::default();
            let (mut passed, mut before) = (Duration::ZERO, Timestamp::EPOCH);
            for (span, off) in steps {
                passed += Duration::from_millis(span);
                let wall = Timestamp::from_millis(NOON.plus(passed).as_millis() + off);
                let now = told(&clock, wall, passed);
                prop_assert!(before <= now && wall <= now);
                before = now;
            }
        }
    }
}
