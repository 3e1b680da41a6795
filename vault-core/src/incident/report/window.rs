//! The time that a report is about, and its months.

use std::time::Duration;

use chrono::{Datelike, Months, NaiveDate, NaiveTime};

use crate::clock::Timestamp;
use crate::incident::view::View;

/// A span of time, and when it is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Included.
    pub from: Timestamp,
    /// Excluded.
    pub to: Timestamp,
    /// The present.
    pub now: Timestamp,
}

impl Window {
    /// The last thirty days; what happens at `now` is in it.
    #[must_use]
    pub fn until_now(now: Timestamp) -> Self {
        let to = now.plus(Duration::from_millis(1));
        Self { from: to.minus(WINDOW_DEFAULT), to, now }
    }

    /// This month, in UTC, and the one before.
    #[must_use]
    pub fn this_month_and_last(now: Timestamp) -> Self {
        let today = now.to_utc();
        let first = NaiveDate::from_ymd_opt(today.year(), today.month(), 1);
        let from = first.and_then(|first| first.checked_sub_months(Months::new(1))).map(midnight);
        let last = Self::until_now(now);
        Self { from: from.unwrap_or(last.from), ..last }
    }

    /// Whether `at` lies in it.
    #[must_use]
    pub fn holds(self, at: Timestamp) -> bool {
        self.from <= at && at < self.to
    }

    /// Whether an incident, as it was known before its end, was detected or open at any time in it.
    #[must_use]
    pub fn meets(self, view: &View) -> bool {
        view.detected >= self.from || view.end.at().is_none_or(|end| end >= self.from)
    }

    /// Whether anything of an incident is told of it: it meets it, or was reviewed in it.
    #[must_use]
    pub fn touches(self, view: &View) -> bool {
        self.meets(view) || view.reviewed.is_some_and(|at| self.holds(at))
    }

    /// Up to when what has not ended has lasted: to the end of the window, or to the present if that comes first.
    #[must_use]
    pub fn as_of(self) -> Timestamp {
        self.to.min(self.now)
    }

    /// How much of it is over.
    #[must_use]
    pub fn length(self) -> Duration {
        self.as_of().since(self.from)
    }
}

/// What a report covers when nothing is asked for.
pub const WINDOW_DEFAULT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// What a report is divided by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum By {
    /// Nothing.
    #[default]
    Whole,
    /// The class of the failure.
    Class,
    /// The target.
    Target,
    /// The kind of rotator of the target, as it is configured now.
    Rotator,
    /// The team whose it was: of an incident when it was opened, of a rotation and of an attempt when it ended.
    Team,
    /// The account or management credential. What is about none is in no part.
    Account,
    /// The calendar month, in UTC. What lasts for several months is in each.
    Month,
}

/// The months that lie in `window` as a whole or in part, each by its name (`2026-11`) and cut to the window; none that
/// has not begun, and at most [`MONTHS_MAX`].
#[must_use]
pub fn months(window: Window) -> Vec<(String, Window)> {
    let begin = window.from.to_utc();
    let Some(mut first) = NaiveDate::from_ymd_opt(begin.year(), begin.month(), 1) else { return Vec::new() };
    let mut found = Vec::new();
    while found.len() < MONTHS_MAX {
        let Some(next) = first.checked_add_months(Months::new(1)) else { break };
        let (from, to) = (midnight(first).max(window.from), midnight(next).min(window.to));
        if from >= window.to || from > window.now {
            break;
        }
        found.push((
            format!("{:04}-{:02}", first.year(), first.month()),
            Window { from, to, now: window.now },
        ));
        first = next;
    }
    found
}

fn midnight(date: NaiveDate) -> Timestamp {
    Timestamp::from_utc(date.and_time(NaiveTime::MIN).and_utc())
}

/// The most months that a report tells apart.
pub const MONTHS_MAX: usize = 120;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_month_before_january_is_december() {
        for (now, from) in [
            ("2027-01-15T08:00:00Z", "2026-12-01T00:00:00Z"),
            ("2026-11-01T00:00:00Z", "2026-10-01T00:00:00Z"),
        ] {
            let now = Timestamp::parse_rfc3339(now).unwrap();
            let window = Window::this_month_and_last(now);
            assert_eq!(Some(window.from), Timestamp::parse_rfc3339(from));
            assert!(window.holds(now));
            assert_eq!(months(window).len(), 2);
        }
    }
}
