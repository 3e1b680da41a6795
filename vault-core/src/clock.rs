//! Wall-clock time as a port.
//!
//! Nothing else in the workspace reads the system clock: a decision takes `now` as an argument, and
//! the edge reads [`Clock`] once per request or tick. So everything can run under a virtual clock.

mod steady;

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

pub use self::steady::{BEHIND_MAX, SteadyClock};

/// An instant: milliseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The Unix epoch.
    pub const EPOCH: Self = Self(0);

    /// From milliseconds since the Unix epoch.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// From seconds since the Unix epoch.
    #[must_use]
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down.
    #[must_use]
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This instant moved later by `span`; saturates at the end of time.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// This instant moved earlier by `span`; saturates at the beginning of time.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// The time from `earlier` to this instant; zero when `earlier` is later (a clock stepped back).
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// As chrono's UTC instant, for calendars; the epoch when out of chrono's range.
    #[must_use]
    pub fn to_utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0).unwrap_or_default()
    }

    /// From chrono's UTC instant; parts below a millisecond are cut.
    #[must_use]
    pub fn from_utc(at: DateTime<Utc>) -> Self {
        Self(at.timestamp_millis())
    }

    /// Reads RFC 3339 text; parts below a millisecond are cut. `None` when it is not such a text, or an instant that
    /// in UTC has none.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let at = DateTime::parse_from_rfc3339(text).ok().map(|at| Self(at.timestamp_millis()));
        at.filter(|at| at.is_in_calendar())
    }

    /// Whether RFC 3339 can write it: from the year 0 to 9999, in UTC.
    #[must_use]
    pub const fn is_in_calendar(self) -> bool {
        CALENDAR_BEGIN <= self.0 && self.0 < CALENDAR_END
    }

    /// As RFC 3339 text in UTC with milliseconds, such as `2026-11-21T21:56:25.849Z`.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        self.to_utc().to_rfc3339_opts(SecondsFormat::Millis, true)
    }
}

/// The beginning of the year 0.
const CALENDAR_BEGIN: i64 = -62_167_219_200_000;
/// The beginning of the year 10000.
const CALENDAR_END: i64 = 253_402_300_800_000;

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}

/// Says what time it is.
pub trait Clock: Send + Sync {
    /// The present instant, of which all that waits is reckoned. May step backwards, as wall clocks do.
    fn now(&self) -> Timestamp;

    /// What the machine's clock shows: for who compares it with a clock of theirs. Elsewhere than after a step back it is
    /// [`now`](Self::now).
    fn wall(&self) -> Timestamp {
        self.now()
    }
}

/// The machine's clock; it steps as that is stepped. A server reads [`SteadyClock`].
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the system clock")]
    fn now(&self) -> Timestamp {
        Timestamp::from_utc(std::time::SystemTime::now().into())
    }
}

/// A clock that a test moves by hand.
#[cfg(any(test, feature = "test-support"))]
#[derive(Debug, Default)]
pub struct ManualClock(std::sync::atomic::AtomicI64);

#[cfg(any(test, feature = "test-support"))]
impl ManualClock {
    /// A clock that stands at `at`.
    #[must_use]
    pub fn at(at: Timestamp) -> Self {
        Self(std::sync::atomic::AtomicI64::new(at.as_millis()))
    }

    /// Moves the clock later by `span`.
    pub fn advance(&self, span: Duration) {
        let span = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        self.0.fetch_add(span, std::sync::atomic::Ordering::SeqCst);
    }

    /// Sets the clock, possibly backwards.
    pub fn set(&self, at: Timestamp) {
        self.0.store(at.as_millis(), std::sync::atomic::Ordering::SeqCst);
    }
}

#[cfg(any(test, feature = "test-support"))]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(std::sync::atomic::Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_that_is_read_can_be_written_so_that_it_reads_the_same() {
        for (text, want) in [
            ("2026-11-21T21:56:25.849Z", Some("2026-11-21T21:56:25.849Z")),
            ("2026-11-21T21:56:25+05:30", Some("2026-11-21T16:26:25.000Z")),
            ("0000-01-01T00:00:00Z", Some("0000-01-01T00:00:00.000Z")),
            ("9999-12-31T23:59:59.999Z", Some("9999-12-31T23:59:59.999Z")),
            ("0000-01-01T00:00:00+00:01", None),
            ("9999-12-31T23:59:59-00:01", None),
            ("soon", None),
        ] {
            let read = Timestamp::parse_rfc3339(text);
            assert_eq!(read.map(Timestamp::to_rfc3339).as_deref(), want, "{text}");
        }
    }
}
