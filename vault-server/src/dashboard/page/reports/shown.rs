//! Figures of the reports as their page shows them: each plot with its table.

use std::time::Duration;

use vault_api::percent::Percent;
use vault_api::report::{AgeBucket, AgeReport, Budget, DueReport, ReportGroup, RotationReport, Spread};
use vault_core::clock::Timestamp;

use crate::dashboard::plot::{
    Bar, Column, Day, Dot, Drawing, Month, bars, calendar, columns, number, spread,
};
use crate::dashboard::time::{When, figure, seconds, span};

/// The report of the window.
pub(super) struct Whole {
    pub(super) report: RotationReport,
    pub(super) from: When,
    pub(super) to: When,
    pub(super) oldest: Option<String>,
    pub(super) times: Vec<Times>,
    pub(super) classes: Option<Drawing>,
    pub(super) burns: Vec<Burning>,
    pub(super) budget: Option<Drawing>,
    pub(super) targets: Vec<Share>,
}

/// A distribution, in words.
pub(super) struct Times {
    pub(super) name: &'static str,
    pub(super) n: u64,
    pub(super) open: u64,
    pub(super) mean: String,
    pub(super) p50: String,
    pub(super) p90: String,
    pub(super) max: String,
}

/// How an error budget goes.
pub(in crate::dashboard::page) struct Burning {
    pub(in crate::dashboard::page) name: &'static str,
    pub(in crate::dashboard::page) rate: String,
    pub(in crate::dashboard::page) spent: String,
    pub(in crate::dashboard::page) is_overdrawn: bool,
    share: f64,
}

/// How many rotations of a target or rotator succeeded.
pub(in crate::dashboard::page) struct Share {
    pub(in crate::dashboard::page) name: String,
    pub(in crate::dashboard::page) succeeded: u64,
    pub(in crate::dashboard::page) failed: u64,
    pub(in crate::dashboard::page) ratio: String,
    pub(in crate::dashboard::page) spent: String,
    pub(in crate::dashboard::page) opened: u64,
    pub(in crate::dashboard::page) p50: String,
}

pub(super) fn whole(report: &RotationReport, now: Timestamp) -> Whole {
    let classes: Vec<Bar> = by_count(report)
        .into_iter()
        .map(|(name, count)| Bar { name, value: number(count), said: count.to_string(), is_bad: false })
        .collect();
    let burns = burns(&report.budget);
    let spent = burns.iter().map(|burn| Bar {
        name: burn.name.to_owned(),
        value: burn.share,
        said: burn.spent.clone(),
        is_bad: burn.is_overdrawn,
    });
    let spent: Vec<Bar> = spent.collect();
    let limit = Some((1.0, "all of it"));
    let age = report.incidents.oldest_open_seconds;
    Whole {
        from: When::of(Some(&report.window.from), now, ""),
        to: When::of(Some(&report.window.to), now, ""),
        oldest: age.map(|age| span(Duration::from_secs(age))),
        times: vec![
            times("to detect (TTD)", &report.ttd),
            times("to acknowledge (TTA)", &report.tta),
            times("to mitigate (TTM)", &report.ttm),
            times("to repair (TTR)", &report.ttr),
        ],
        classes: (!classes.is_empty())
            .then(|| bars("classes", "Incidents by class of failure", &classes, None)),
        budget: (!spent.is_empty())
            .then(|| bars("budget", "Error budget of 30 days that was spent", &spent, limit)),
        burns,
        targets: shares(&report.groups),
        report: report.clone(),
    }
}

/// The most frequent class first.
fn by_count(report: &RotationReport) -> Vec<(String, u64)> {
    let mut classes: Vec<(String, u64)> =
        report.by_class.iter().map(|(class, count)| (class.clone(), *count)).collect();
    classes.sort_by(|(one, few), (other, many)| many.cmp(few).then_with(|| one.cmp(other)));
    classes
}

fn times(name: &'static str, it: &Spread) -> Times {
    Times {
        name,
        n: it.n,
        open: it.censored,
        mean: seconds(it.mean),
        p50: figure(it.p50, it.p50_is_floor),
        p90: figure(it.p90, it.p90_is_floor),
        max: figure(it.max, it.max_is_floor),
    }
}

pub(in crate::dashboard::page) fn burns(budget: &Budget) -> Vec<Burning> {
    let all = [("of rotations", budget.rotations), ("of attempts", budget.attempts)];
    let burning = |(name, burn): (&'static str, Option<vault_api::report::Burn>)| {
        let burn = burn?;
        Some(Burning {
            name,
            rate: format!("{:.2}", burn.rate),
            spent: percent(burn.spent),
            is_overdrawn: burn.spent > 1.0,
            share: burn.spent,
        })
    };
    all.into_iter().filter_map(burning).collect()
}

/// The worst first; of those alike in the order of names.
pub(in crate::dashboard::page) fn shares(groups: &[ReportGroup]) -> Vec<Share> {
    let mut sorted: Vec<&ReportGroup> = groups.iter().collect();
    let failed = |group: &ReportGroup| group.rotations.failure_share.unwrap_or(0.0);
    sorted.sort_by(|one, other| {
        let by_share = failed(other).total_cmp(&failed(one));
        by_share.then(other.incidents.opened.cmp(&one.incidents.opened)).then(one.name.cmp(&other.name))
    });
    let share = |group: &ReportGroup| Share {
        name: group.name.clone(),
        succeeded: group.rotations.succeeded,
        failed: group.rotations.failed,
        ratio: group.rotations.failure_share.map_or("–".to_owned(), |share| percent(1.0 - share)),
        spent: group.budget.rotations.map_or("–".to_owned(), |burn| percent(burn.spent)),
        opened: group.incidents.opened,
        p50: figure(group.ttr.p50, group.ttr.p50_is_floor),
    };
    sorted.into_iter().take(ROWS_MAX).map(share).collect()
}

pub(in crate::dashboard::page) fn percent(share: f64) -> String {
    Percent(share).to_string()
}

/// The months of a year.
pub(super) struct Months {
    pub(super) drawing: Drawing,
    pub(super) rows: Vec<MonthRow>,
}

pub(super) struct MonthRow {
    pub(super) name: String,
    pub(super) times: Times,
    pub(super) opened: u64,
    pub(super) resolved: u64,
    pub(super) failed: u64,
    pub(super) ended: u64,
    pub(super) attempts: u64,
    pub(super) minutes: u64,
    pub(super) unreviewed: u64,
}

pub(super) fn months(report: &RotationReport) -> Months {
    let month = |group: &ReportGroup| Month {
        name: group.name.clone(),
        n: group.ttr.n,
        p50: group.ttr.p50,
        p90: group.ttr.p90,
        max: group.ttr.max,
        dots: group.repairs.iter().map(|it| Dot { seconds: it.seconds, is_open: it.open }).collect(),
    };
    let drawn: Vec<Month> = report.groups.iter().map(month).collect();
    let row = |group: &ReportGroup| MonthRow {
        name: group.name.clone(),
        times: times("", &group.ttr),
        opened: group.incidents.opened,
        resolved: group.incidents.resolved,
        failed: group.rotations.failed,
        ended: group.rotations.failed + group.rotations.succeeded,
        attempts: group.attempts.failed,
        minutes: group.work.staff_minutes,
        unreviewed: group.work.unreviewed,
    };
    Months {
        drawing: spread("months", "Time to repair, month by month", &drawn),
        rows: report.groups.iter().map(row).collect(),
    }
}

/// How old credentials are.
pub(super) struct Ages {
    pub(super) report: AgeReport,
    pub(super) at: When,
    pub(super) drawing: Drawing,
    pub(super) names: Vec<(String, u64)>,
    pub(super) oldest: Vec<Old>,
}

pub(super) struct Old {
    pub(super) account: String,
    pub(super) target: String,
    pub(super) age: String,
    pub(super) period: String,
    pub(super) ratio: String,
}

/// The columns of ages, and their figures by name.
pub(in crate::dashboard::page) fn ages_drawn(buckets: &[AgeBucket]) -> (Drawing, Vec<(String, u64)>) {
    let name = |bucket: &AgeBucket| match bucket.to {
        Some(to) => format!("{}–{to}", bucket.from),
        None => format!("≥ {}", bucket.from),
    };
    let drawn: Vec<Column> = buckets
        .iter()
        .map(|bucket| Column { name: name(bucket), count: bucket.accounts, is_bad: bucket.from >= 1.0 })
        .collect();
    let beneath = "age by the period of its policy; from 1 on it is older than it should be";
    let drawing = columns("ages", "Credentials by age", &drawn, beneath);
    (drawing, drawn.into_iter().map(|column| (column.name, column.count)).collect())
}

pub(super) fn ages(report: AgeReport, now: Timestamp) -> Ages {
    let (drawing, names) = ages_drawn(&report.buckets);
    let oldest = report.oldest.iter().map(|it| Old {
        account: it.account.clone(),
        target: it.target.clone(),
        age: span(Duration::from_secs(it.age_seconds)),
        period: span(Duration::from_secs(it.period_seconds)),
        ratio: format!("{:.2}", it.ratio),
    });
    Ages { at: When::of(Some(&report.as_of), now, ""), drawing, names, oldest: oldest.collect(), report }
}

/// What comes due.
pub(super) struct Dues {
    pub(super) report: DueReport,
    pub(super) at: When,
    pub(super) drawing: Drawing,
    pub(super) days: Vec<(String, u64)>,
    /// Those that the API did not name, so that no day counts them.
    pub(super) unnamed: u64,
}

pub(super) fn dues(report: DueReport, now: Timestamp) -> Dues {
    let mut counts = vec![0_u64; DAYS];
    let today = day_of(now);
    let mut named = 0_u64;
    for account in &report.listed {
        let Some(due) = account.due_at.as_deref().and_then(Timestamp::parse_rfc3339) else { continue };
        // What was due before is told as overdue, parked or held.
        if due <= now {
            continue;
        }
        named += 1;
        let ahead = usize::try_from(day_of(due) - today).ok();
        if let Some(count) = ahead.and_then(|ahead| counts.get_mut(ahead)) {
            *count += 1;
        }
    }
    let day = |(ahead, count): (usize, u64)| {
        let number = today + i64::try_from(ahead).unwrap_or(0);
        let date = Timestamp::from_millis(number * DAY_MILLIS).to_rfc3339();
        // The first day of 1970 was a Thursday.
        let weekday = usize::try_from((number + 3).rem_euclid(7)).unwrap_or(0);
        (date.get(..10).unwrap_or("").to_owned(), weekday, count)
    };
    let days: Vec<(String, usize, u64)> = counts.into_iter().enumerate().map(day).collect();
    let drawn: Vec<Day> = days
        .iter()
        .map(|(date, weekday, count)| Day {
            name: date.get(5..).unwrap_or("").to_owned(),
            weekday: *weekday,
            count: *count,
        })
        .collect();
    Dues {
        at: When::of(Some(&report.as_of), now, ""),
        drawing: calendar("due", "Rotations that come due, day by day", &drawn),
        days: days
            .into_iter()
            .filter(|(.., count)| *count > 0)
            .map(|(date, _, count)| (date, count))
            .collect(),
        unnamed: report.soon.saturating_sub(named),
        report,
    }
}

/// Days since 1970.
fn day_of(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(DAY_MILLIS)
}

const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;
/// Four weeks and what is left of today.
const DAYS: usize = 29;
/// Rows of a table by target.
const ROWS_MAX: usize = 50;

#[cfg(test)]
mod tests {
    use vault_api::report::DueAccount;

    use super::*;

    #[test]
    fn what_comes_due_is_counted_on_its_day() {
        let now = Timestamp::parse_rfc3339("2026-11-23T23:30:00Z").unwrap();
        let due = |at: &str| DueAccount { due_at: Some(at.to_owned()), ..DueAccount::default() };
        let listed = vec![
            due("2026-11-20T00:00:00Z"),
            due("2026-11-23T23:59:59Z"),
            due("2026-11-24T00:00:00Z"),
            due("2026-11-24T12:00:00Z"),
            due("2026-12-21T23:00:00Z"),
        ];
        let told = dues(DueReport { listed, soon: 6, ..DueReport::default() }, now);
        let want = [("2026-11-23", 1), ("2026-11-24", 2), ("2026-12-21", 1)];
        assert_eq!(told.days, want.map(|(date, count)| (date.to_owned(), count)));
        assert_eq!(told.unnamed, 2);
    }

    #[test]
    fn the_worst_target_comes_first_and_a_floor_is_marked() {
        let group = |name: &str, share: Option<f64>| {
            let mut group = ReportGroup { name: name.to_owned(), ..ReportGroup::default() };
            group.rotations.failure_share = share;
            group
        };
        let mut open = group("c", Some(0.25));
        open.ttr = Spread { n: 1, censored: 1, p50: Some(60.0), p50_is_floor: true, ..Spread::default() };
        let told = shares(&[group("b", Some(0.0)), group("a", None), open]);
        assert_eq!(told.first().map(|it| it.p50.as_str()), Some("> 1 min"));
        let told: Vec<(&str, &str)> = told.iter().map(|it| (it.name.as_str(), it.ratio.as_str())).collect();
        assert_eq!(told, [("c", "75.0 %"), ("a", "–"), ("b", "100.0 %")]);
        let open = Spread { n: 1, censored: 1, p50: Some(60.0), p50_is_floor: true, ..Spread::default() };
        assert_eq!((times("", &open).p50, times("", &open).mean), ("> 1 min".to_owned(), "–".to_owned()));
    }
}
