//! The fields of a cron text: their form, and the weekdays' numbers.

use std::collections::BTreeSet;

/// In the crate's order.
pub(super) const FIELD_NAMES: [&str; 7] =
    ["second", "minute", "hour", "day of month", "month", "day of week", "year"];

/// Whether a field consists of points, ranges and steps. The crate alone would read `1 /2` as one field.
pub(super) fn is_well_formed(field: &str) -> bool {
    let is_word = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    field.split(',').all(|item| {
        let (base, step) = item.split_once('/').unwrap_or((item, "1"));
        let is_base = base == "*" || base == "?" || base.splitn(2, '-').all(is_word);
        is_base && !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Whether a day field narrows the days, in the sense of crontab(5): it holds no `*`.
pub(super) fn is_restricted(field: &str) -> bool {
    !field.contains(['*', '?'])
}

/// A well-formed day-of-week field as a list of names; `None` when it names no days.
///
/// Names avoid the crate's numbering, and a list allows `FRI-SUN` and `5-7`, which for the crate run backwards.
pub(super) fn weekdays(field: &str) -> Option<String> {
    let mut days = BTreeSet::new();
    for item in field.split(',') {
        let (base, step) = match item.split_once('/') {
            Some((base, step)) => {
                (base, Some(step.parse::<usize>().ok().filter(|step| (1..=7).contains(step))?))
            }
            None => (item, None),
        };
        let (first, last) = match (base, base.split_once('-')) {
            ("*" | "?", _) => (0, 6),
            (_, Some((first, last))) => range(first, last)?,
            // As in crontab(5), a point with a step runs to the end of the week.
            (_, None) => day(base).map(|day| (day, if step.is_some() { day.max(6) } else { day }))?,
        };
        days.extend((first..=last).step_by(step.unwrap_or(1)).map(|day| day % 7));
    }
    if days.len() == NAMES.len() {
        return Some("*".to_owned());
    }
    let names: Vec<&str> = days.iter().filter_map(|day| NAMES.get(*day).copied()).collect();
    Some(names.join(","))
}

fn range(first: &str, last: &str) -> Option<(usize, usize)> {
    let (first, last) = (day(first)?, day(last)?);
    // Sunday is the end of a range such as SAT-SUN or 5-0, and its beginning in SUN-TUE.
    let last = if last == 0 && first > 0 { 7 } else { last };
    (first <= last).then_some((first, last))
}

/// 0 is Sunday, and 7 too.
fn day(text: &str) -> Option<usize> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok().filter(|day| *day <= 7);
    }
    let text = text.to_ascii_lowercase();
    NAMES_LONG.iter().position(|name| {
        let is_short = text.len() >= 3 && text.len() <= 5 && name.starts_with(&text);
        is_short || text == *name
    })
}

const NAMES: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
const NAMES_LONG: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weekday_numbers_are_those_of_crontab() {
        for (field, names) in [
            ("0", "SUN"),
            ("7", "SUN"),
            ("1", "MON"),
            ("6", "SAT"),
            ("1-5", "MON,TUE,WED,THU,FRI"),
            ("5-7", "SUN,FRI,SAT"),
            ("0-2", "SUN,MON,TUE"),
            ("fri-SUN", "SUN,FRI,SAT"),
            ("SUN-TUE", "SUN,MON,TUE"),
            ("Monday,wed,Thurs", "MON,WED,THU"),
            ("1-5/2", "MON,WED,FRI"),
            ("*/2", "SUN,TUE,THU,SAT"),
            ("3/2", "WED,FRI"),
            ("7/2", "SUN"),
            ("0,7", "SUN"),
            ("*", "*"),
            ("?", "*"),
            ("0-6", "*"),
            ("1-7", "*"),
        ] {
            assert_eq!(weekdays(field).as_deref(), Some(names), "{field}");
        }
    }

    #[test]
    fn what_names_no_days_is_refused() {
        for field in ["8", "5-1", "TUE-MON", "7-1", "x", "mo", "1/0", "1/8", "mondays", "1-8", "sun-mon-tue"]
        {
            assert_eq!(weekdays(field), None, "{field}");
        }
    }

    #[test]
    fn the_form_of_a_field_is_checked_before_the_crate_sees_it() {
        for field in ["*", "?", "1", "1,2", "1-5", "*/2", "1-5/2", "JAN", "jan-mar,5"] {
            assert!(is_well_formed(field), "{field}");
        }
        for field in ["", ",", "1,", "/2", "-5", "1-", "*/", "1//2", "1-2-3", "L", "5#2", "*-3", "1/x", "é"]
        {
            assert_eq!(is_well_formed(field), field == "L", "{field}");
        }
    }
}
