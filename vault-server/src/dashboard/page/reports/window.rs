//! Which time a report is about, as people choose it: some days until now, or a month.

use std::time::Duration;

use vault_core::clock::Timestamp;

/// A choice of the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Window {
    /// Some days, until now.
    Days(u64),
    /// A calendar month in UTC, counted from the year 0 on.
    Month(u32),
}

impl Window {
    /// Reads `30d` or `2026-11`; anything else is thirty days.
    pub(super) fn parse(word: &str) -> Self {
        let days = word.strip_suffix('d').and_then(|days| days.parse().ok());
        match (days.filter(|days| DAYS.contains(days)), month(word)) {
            (Some(days), _) => Self::Days(days),
            (None, Some(month)) => Self::Month(month),
            (None, None) => Self::Days(DEFAULT),
        }
    }

    /// As it stands in an address.
    pub(super) fn word(&self) -> String {
        match self {
            Self::Days(days) => format!("{days}d"),
            Self::Month(month) => month_name(*month),
        }
    }

    /// As it is told.
    pub(super) fn label(&self) -> String {
        match self {
            Self::Days(365) => "the last year".to_owned(),
            Self::Days(days) => format!("the last {days} days"),
            Self::Month(month) => month_name(*month),
        }
    }

    /// The parameters by which the API is asked for it. What ends now has no end, so that the present belongs to it.
    pub(super) fn query(&self, now: Timestamp) -> String {
        match self {
            Self::Days(_) => format!("from={}", self.from(now)),
            Self::Month(month) => format!("from={}&to={}", self.from(now), first_of(month + 1)),
        }
    }

    /// The parameters for the twelve months of which the last is the one in which the window ends.
    pub(super) fn year_query(&self, now: Timestamp) -> String {
        match self {
            Self::Days(_) => format!("from={}", first_of(this_month(now).saturating_sub(11))),
            Self::Month(month) => {
                format!("from={}&to={}", first_of(month.saturating_sub(11)), first_of(month + 1))
            }
        }
    }

    /// The parameter by which, of what goes with the report on those months, the parts of the window itself are asked for.
    pub(super) fn also(&self, now: Timestamp) -> String {
        let from = self.from(now);
        format!("target@{from},rotator@{from},team@{from},account")
    }

    /// When it begins.
    fn from(&self, now: Timestamp) -> String {
        match self {
            Self::Days(days) => {
                now.minus(DAY.saturating_mul(u32::try_from(*days).unwrap_or(u32::MAX))).to_rfc3339()
            }
            Self::Month(month) => first_of(*month),
        }
    }

    /// All that can be chosen.
    pub(super) fn all(now: Timestamp) -> Vec<Self> {
        let this = this_month(now);
        let months = (0..12).map(|back| Self::Month(this.saturating_sub(back)));
        DAYS.into_iter().map(Self::Days).chain(months).collect()
    }
}

fn this_month(now: Timestamp) -> u32 {
    now.to_rfc3339().get(..7).and_then(month).unwrap_or(0)
}

/// `2026-11` as a count of months.
fn month(word: &str) -> Option<u32> {
    let (year, month) = word.split_once('-')?;
    let is_plain = year.len() == 4 && month.len() == 2 && word.bytes().all(|byte| byte != b'+');
    let (year, month): (u32, u32) = (year.parse().ok()?, month.parse().ok()?);
    (is_plain && (1..=12).contains(&month) && (1..9999).contains(&year)).then(|| year * 12 + month - 1)
}

fn month_name(month: u32) -> String {
    format!("{:04}-{:02}", month / 12, month % 12 + 1)
}

fn first_of(month: u32) -> String {
    format!("{}-01T00:00:00Z", month_name(month))
}

const DAYS: [u64; 4] = [7, 30, 90, 365];
const DEFAULT: u64 = 30;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_days_or_a_month_and_else_the_usual_one() {
        let now = Timestamp::parse_rfc3339("2027-01-15T08:00:00Z").unwrap();
        for (word, query, year) in [
            ("7d", "from=2027-01-08T08:00:00.000Z", "from=2026-02-01T00:00:00Z"),
            ("", "from=2026-12-16T08:00:00.000Z", "from=2026-02-01T00:00:00Z"),
            (
                "2026-12",
                "from=2026-12-01T00:00:00Z&to=2027-01-01T00:00:00Z",
                "from=2026-01-01T00:00:00Z&to=2027-01-01T00:00:00Z",
            ),
        ] {
            let window = Window::parse(word);
            assert_eq!(
                (window.query(now), window.year_query(now)),
                (query.to_owned(), year.to_owned()),
                "{word}"
            );
            let from = query.strip_prefix("from=").and_then(|query| query.split('&').next()).unwrap();
            assert_eq!(window.also(now), format!("target@{from},rotator@{from},team@{from},account"));
        }
        for word in ["8d", "-7d", "2026-13", "2026-1", "+026-11", "9999-12", "2026-11-01", "<b>", "0000-01"] {
            assert_eq!(Window::parse(word), Window::Days(30), "{word}");
        }
    }

    #[test]
    fn each_choice_is_read_as_itself() {
        let all = Window::all(Timestamp::from_secs(1_800_000_000));
        assert_eq!(all.len(), 16);
        for window in all {
            assert_eq!(Window::parse(&window.word()), window);
        }
    }
}
