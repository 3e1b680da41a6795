//! What is read, when it comes, and what the changes of the clock do to it.

use std::collections::BTreeSet;

use chrono::{Datelike, TimeDelta, Timelike};
use proptest::prelude::*;

use super::*;

const PARIS: Tz = chrono_tz::Europe::Paris;
const NEW_YORK: Tz = chrono_tz::America::New_York;
const LORD_HOWE: Tz = chrono_tz::Australia::Lord_Howe;

fn instant(text: &str) -> Timestamp {
    Timestamp::from_utc(DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&Utc))
}

/// The occurrences after `after`, as the clocks of the zone show them.
fn occurrences(text: &str, zone: Tz, after: &str, count: usize) -> Vec<String> {
    let cron = Cron::parse(text).unwrap();
    let mut at = instant(after);
    (0..count)
        .map(|_| {
            at = cron.next_after(zone, at).unwrap();
            at.to_utc().with_timezone(&zone).format("%m-%dT%H:%M:%S%:z").to_string()
        })
        .collect()
}

#[test]
fn five_six_and_seven_fields_and_words_are_read() {
    for (text, next) in [
        ("0 3 * * *", "01-15T03:00:00+00:00"),
        ("*/15 * * * *", "01-15T00:15:00+00:00"),
        ("30 0 3 * * *", "01-15T03:00:30+00:00"),
        ("0 0 3 * * * 2027", "01-01T03:00:00+00:00"),
        ("0 3 1,15 * *", "01-15T03:00:00+00:00"),
        ("0 3 * FEB *", "02-01T03:00:00+00:00"),
        ("  0   3\t* * * ", "01-15T03:00:00+00:00"),
        ("@hourly", "01-15T01:00:00+00:00"),
        ("@daily", "01-16T00:00:00+00:00"),
        ("@Midnight", "01-16T00:00:00+00:00"),
        ("@weekly", "01-18T00:00:00+00:00"),
        ("@monthly", "02-01T00:00:00+00:00"),
        ("@yearly", "01-01T00:00:00+00:00"),
        ("@annually", "01-01T00:00:00+00:00"),
    ] {
        // A Thursday.
        assert_eq!(occurrences(text, Tz::UTC, "2026-01-15T00:00:00Z", 1), [next], "{text}");
    }
}

#[test]
fn weekdays_count_from_monday_as_in_crontab() {
    // 2026-01-18 is a Sunday.
    for (text, days) in [
        ("0 0 * * 0", ["18", "25"]),
        ("0 0 * * 7", ["18", "25"]),
        ("0 0 * * 1", ["19", "26"]),
        ("0 0 * * 1-5", ["16", "19"]),
        ("0 0 * * SAT-SUN", ["17", "18"]),
        ("0 0 0 * * 6", ["17", "24"]),
        ("0 0 ? * 5-7/2", ["16", "18"]),
    ] {
        let expected = days.map(|day| format!("01-{day}T00:00:00+00:00"));
        assert_eq!(occurrences(text, Tz::UTC, "2026-01-15T00:00:00Z", 2), expected, "{text}");
    }
}

#[test]
fn restricted_days_of_month_and_week_are_united_and_a_star_is_no_restriction() {
    for (text, days) in [
        // The 13th, or a Friday.
        ("0 0 13 * 5", ["02-06", "02-13", "02-20", "02-27", "03-06", "03-13", "03-20"]),
        ("0 0 13 * *", ["02-13", "03-13", "04-13", "05-13", "06-13", "07-13", "08-13"]),
        ("0 0 * * 5", ["02-06", "02-13", "02-20", "02-27", "03-06", "03-13", "03-20"]),
        // As crontab(5) says: a field that holds a star does not count as restricted.
        ("0 0 */13 * 5", ["02-27", "03-27", "05-01", "08-14", "11-27", "01-01", "05-14"]),
    ] {
        let expected = days.map(|day| format!("{day}T00:00:00+00:00"));
        assert_eq!(occurrences(text, Tz::UTC, "2026-02-01T00:00:00Z", 7), expected, "{text}");
    }
}

#[test]
fn a_skipped_time_comes_once_at_the_end_of_the_gap() {
    for (zone, after, text, expected) in [
        (
            NEW_YORK,
            "2026-03-07T12:00:00Z",
            "30 2 * * *",
            ["03-08T03:00:00-04:00", "03-09T02:30:00-04:00", "03-10T02:30:00-04:00"],
        ),
        (
            PARIS,
            "2026-03-28T12:00:00Z",
            "0 2 * * *",
            ["03-29T03:00:00+02:00", "03-30T02:00:00+02:00", "03-31T02:00:00+02:00"],
        ),
        (
            PARIS,
            "2026-03-28T12:00:00Z",
            "59 2 29 3 *",
            ["03-29T03:00:00+02:00", "03-29T02:59:00+02:00", "03-29T02:59:00+02:00"],
        ),
        (
            LORD_HOWE,
            "2026-10-03T00:00:00Z",
            "15 2 * * *",
            ["10-04T02:30:00+11:00", "10-05T02:15:00+11:00", "10-06T02:15:00+11:00"],
        ),
        // Several skipped times, and one at the end of the gap, are one occurrence.
        (
            NEW_YORK,
            "2026-03-08T06:59:59Z",
            "0,20,40 2,3 * * *",
            ["03-08T03:00:00-04:00", "03-08T03:20:00-04:00", "03-08T03:40:00-04:00"],
        ),
    ] {
        assert_eq!(occurrences(text, zone, after, 3), expected, "{zone} {text}");
    }
}

#[test]
fn a_repeated_time_comes_once_at_its_first_showing() {
    for (zone, after, text, expected) in [
        (NEW_YORK, "2026-10-31T12:00:00Z", "30 1 * * *", ["11-01T01:30:00-04:00", "11-02T01:30:00-05:00"]),
        (PARIS, "2026-10-24T12:00:00Z", "0 2 * * *", ["10-25T02:00:00+02:00", "10-26T02:00:00+01:00"]),
        (LORD_HOWE, "2026-04-04T00:00:00Z", "45 1 * * *", ["04-05T01:45:00+11:00", "04-06T01:45:00+10:30"]),
        // Asked during the second showing.
        (NEW_YORK, "2026-11-01T06:10:00Z", "30 1 * * *", ["11-02T01:30:00-05:00", "11-03T01:30:00-05:00"]),
        (NEW_YORK, "2026-11-01T06:10:00Z", "30 1,2 * * *", ["11-01T02:30:00-05:00", "11-02T01:30:00-05:00"]),
    ] {
        assert_eq!(occurrences(text, zone, after, 2), expected, "{zone} {text}");
    }
}

#[test]
fn a_schedule_of_every_hour_follows_elapsed_time() {
    for (zone, after, text, expected) in [
        (
            NEW_YORK,
            "2026-11-01T04:45:00Z",
            "30 * * * *",
            ["11-01T01:30:00-04:00", "11-01T01:30:00-05:00", "11-01T02:30:00-05:00"],
        ),
        (
            PARIS,
            "2026-10-25T00:40:00Z",
            "0 * * * *",
            ["10-25T02:00:00+01:00", "10-25T03:00:00+01:00", "10-25T04:00:00+01:00"],
        ),
        (
            PARIS,
            "2026-03-29T00:20:00Z",
            "*/30 * * * *",
            ["03-29T01:30:00+01:00", "03-29T03:00:00+02:00", "03-29T03:30:00+02:00"],
        ),
        (
            NEW_YORK,
            "2026-03-08T06:00:00Z",
            "15 * * * *",
            ["03-08T01:15:00-05:00", "03-08T03:15:00-04:00", "03-08T04:15:00-04:00"],
        ),
        (
            LORD_HOWE,
            "2026-04-04T14:00:00Z",
            "45 * * * *",
            ["04-05T01:45:00+11:00", "04-05T01:45:00+10:30", "04-05T02:45:00+10:30"],
        ),
        (
            LORD_HOWE,
            "2026-10-03T15:00:00Z",
            "*/15 * * * *",
            ["10-04T01:45:00+10:30", "10-04T02:30:00+11:00", "10-04T02:45:00+11:00"],
        ),
    ] {
        assert_eq!(occurrences(text, zone, after, 3), expected, "{zone} {text}");
    }
}

#[test]
fn in_utc_there_are_no_gaps() {
    let times = occurrences("30 2 * * *", Tz::UTC, "2026-03-07T12:00:00Z", 2);
    assert_eq!(times, ["03-08T02:30:00+00:00", "03-09T02:30:00+00:00"]);
}

#[test]
fn leap_days_and_the_ends_of_the_calendar_are_kept() {
    let leap = Cron::parse("0 0 29 2 *").unwrap();
    assert_eq!(
        leap.next_after(Tz::UTC, instant("2026-03-01T00:00:00Z")),
        Some(instant("2028-02-29T00:00:00Z"))
    );
    let past = Cron::parse("0 0 0 1 1 * 2020").unwrap();
    assert_eq!(past.next_after(Tz::UTC, instant("2026-01-01T00:00:00Z")), None);
    let daily = Cron::parse("@daily").unwrap();
    for after in [i64::MAX, CALENDAR_END.as_millis()] {
        assert_eq!(daily.next_after(PARIS, Timestamp::from_millis(after)), None);
    }
    let early = daily.next_after(Tz::UTC, Timestamp::from_millis(i64::MIN));
    assert_eq!(early, Some(instant("1970-01-02T00:00:00Z")));
}

#[test]
fn parts_of_a_second_do_not_repeat_an_occurrence() {
    let cron = Cron::parse("* * * * * *").unwrap();
    for (after, next) in [
        ("2026-01-01T00:00:00.000Z", "2026-01-01T00:00:01Z"),
        ("2026-01-01T00:00:00.001Z", "2026-01-01T00:00:01Z"),
        ("2026-01-01T00:00:00.999Z", "2026-01-01T00:00:01Z"),
    ] {
        assert_eq!(cron.next_after(PARIS, instant(after)), Some(instant(next)), "{after}");
    }
}

#[test]
fn what_cannot_be_read_is_refused_with_the_field() {
    let field = |name, text: &str| CronError::Field { name, text: text.into() };
    let long = "1,".repeat(200);
    for (text, error) in [
        ("", CronError::FieldCount(0)),
        ("* * * *", CronError::FieldCount(4)),
        ("* * * * * * * *", CronError::FieldCount(8)),
        ("@reboot", CronError::UnknownWord),
        ("@", CronError::UnknownWord),
        ("60 * * * *", field("minute", "60")),
        ("* 24 * * *", field("hour", "24")),
        ("* * 0 * *", field("day of month", "0")),
        ("* * 32 * *", field("day of month", "32")),
        ("* * * 13 *", field("month", "13")),
        ("* * * FOO *", field("month", "FOO")),
        ("* * * * 8", field("day of week", "8")),
        ("* * * * 5-1", field("day of week", "5-1")),
        ("30-10 * * * *", field("minute", "30-10")),
        ("*/0 * * * *", field("minute", "*/0")),
        ("? * * * *", field("minute", "?")),
        ("1,,2 * * * *", field("minute", "1,,2")),
        ("* * L * *", field("day of month", "L")),
        ("0 0 * * 5#2", field("day of week", "5#2")),
        ("0 0 /2 * * MON *", field("hour", "/2")),
        ("99999999999 * * * *", field("minute", "99999999999")),
        ("0 0 0 1 1 * 1969", field("year", "1969")),
        ("0 0 30 2 *", CronError::Never),
        ("0 0 31 4,6,9,11 *", CronError::Never),
        (&long, CronError::TooLong),
    ] {
        // The third field of "0 0 /2 * * MON *" is the hour: seven fields begin with seconds.
        assert_eq!(Cron::parse(text), Err(error), "{text}");
    }
}

#[test]
fn a_record_holds_the_text_and_is_checked_when_read() {
    let cron = Cron::parse("0 3 * * 1-5").unwrap();
    let json = serde_json::to_string(&cron).unwrap();
    assert_eq!(json, "\"0 3 * * 1-5\"");
    assert_eq!(serde_json::from_str::<Cron>(&json).unwrap(), cron);
    assert!(serde_json::from_str::<Cron>("\"0 3 * *\"").is_err());
}

/// The fields of a schedule as sets, for an evaluation that shares nothing with the one under test.
#[derive(Clone, Debug)]
struct Plain {
    minutes: BTreeSet<u32>,
    hours: Option<BTreeSet<u32>>,
    days: Option<BTreeSet<u32>>,
    weekdays: Option<BTreeSet<u32>>,
}

impl Plain {
    fn text(&self) -> String {
        let list = |set: &BTreeSet<u32>| set.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
        let field = |set: &Option<BTreeSet<u32>>| set.as_ref().map_or("*".to_owned(), list);
        format!(
            "{} {} {} * {}",
            list(&self.minutes),
            field(&self.hours),
            field(&self.days),
            field(&self.weekdays)
        )
    }

    fn holds(&self, at: NaiveDateTime) -> bool {
        let day = self.days.as_ref().map(|days| days.contains(&at.day()));
        let weekday = self.weekdays.as_ref().map(|days| days.contains(&at.weekday().num_days_from_sunday()));
        let is_day = match (day, weekday) {
            (Some(day), Some(weekday)) => day || weekday,
            (one, other) => one.unwrap_or(true) && other.unwrap_or(true),
        };
        self.minutes.contains(&at.minute())
            && self.hours.as_ref().is_none_or(|hours| hours.contains(&at.hour()))
            && is_day
    }

    /// Walks minute by minute, looking only at what the clocks show.
    fn next_after(&self, zone: Tz, after: DateTime<Utc>, minutes: i64) -> Option<DateTime<Utc>> {
        let minute = TimeDelta::minutes(1);
        let shown = |at: DateTime<Utc>| zone::local(zone, at);
        (1..=minutes).map(|n| after + minute * i32::try_from(n).unwrap()).find(|at| {
            let now = shown(*at);
            if self.hours.is_none() {
                return self.holds(now);
            }
            let is_repeat = (1..=60).any(|n| shown(*at - minute * n) == now);
            let mut skipped = shown(*at - minute) + minute;
            let mut is_late = false;
            while skipped < now {
                is_late |= self.holds(skipped);
                skipped += minute;
            }
            is_late || (self.holds(now) && !is_repeat)
        })
    }
}

fn plain() -> impl Strategy<Value = Plain> {
    let set = |range: std::ops::Range<u32>| proptest::collection::btree_set(range, 1..4);
    let maybe = |range| proptest::option::of(set(range));
    (set(0..60), maybe(0..5), maybe(1..29), maybe(0..7)).prop_map(|(minutes, hours, days, weekdays)| Plain {
        minutes,
        hours,
        days,
        weekdays,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn agrees_with_a_walk_minute_by_minute_around_the_changes_of_the_clock(
        plain in plain(),
        change in proptest::sample::select(vec![
            (PARIS, "2026-03-29T01:00:00Z"), (PARIS, "2026-10-25T01:00:00Z"),
            (NEW_YORK, "2026-03-08T07:00:00Z"), (NEW_YORK, "2026-11-01T06:00:00Z"),
            (LORD_HOWE, "2026-04-04T15:00:00Z"), (LORD_HOWE, "2026-10-03T15:30:00Z"),
            (Tz::UTC, "2026-02-28T23:59:00Z"),
        ]),
        minutes_before in -300i32..1_500,
    ) {
        let (zone, change) = change;
        let after = instant(change).to_utc() - TimeDelta::minutes(1) * minutes_before;
        let horizon = 4 * 24 * 60;
        let cron = Cron::parse(&plain.text()).unwrap();
        let found = cron.next_after(zone, Timestamp::from_utc(after)).unwrap().to_utc();
        match plain.next_after(zone, after, horizon) {
            Some(expected) => prop_assert_eq!(found, expected, "{} {} after {}", plain.text(), zone, after),
            None => prop_assert!(found > after + TimeDelta::minutes(1) * i32::try_from(horizon).unwrap()),
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "[-0-9*/?,@A-Za-z ]{0,40}", after: i64) {
        if let Ok(cron) = Cron::parse(&text) {
            let _ = cron.next_after(LORD_HOWE, Timestamp::from_millis(after));
        }
    }

    #[test]
    fn the_next_occurrence_is_later_for_any_instant(
        plain in plain(), after in 0i64..4_000_000_000_000, zone in proptest::sample::select(vec![PARIS, LORD_HOWE]),
    ) {
        let after = Timestamp::from_millis(after);
        if let Some(next) = Cron::parse(&plain.text()).unwrap().next_after(zone, after) {
            prop_assert!(next > after);
        }
    }
}
