//! Weeks with a field for each day, and in it how many are due then.

use super::{Drawing, number, place};

/// One day.
pub(in crate::dashboard) struct Day {
    /// As a date, such as `11-23`.
    pub(in crate::dashboard) name: String,
    /// From 0 for Monday on.
    pub(in crate::dashboard) weekday: usize,
    pub(in crate::dashboard) count: u64,
}

/// Draws days that follow one another, in rows of a week.
pub(in crate::dashboard) fn calendar(id: &'static str, title: &str, days: &[Day]) -> Drawing {
    let told: Vec<String> =
        days.iter().filter(|day| day.count > 0).map(|day| format!("{}: {}", day.name, day.count)).collect();
    let about = if told.is_empty() { "Nothing is due in these days".to_owned() } else { told.join(". ") };
    let first = days.first().map_or(0, |day| day.weekday);
    let weeks = (first + days.len()).div_ceil(WEEK);
    let mut drawing = Drawing::new(id, title, about, (WIDTH, HEAD + place(weeks) * STEP + 2.0));
    let wide = (WIDTH - 4.0) / place(WEEK);
    for (index, name) in NAMES.iter().enumerate() {
        drawing.words("soft", "middle", (2.0 + (place(index) + 0.5) * wide, 14.0), *name);
    }
    let most = days.iter().map(|day| day.count).max().unwrap_or(0);
    for (index, day) in days.iter().enumerate() {
        let at = first + index;
        let (left, top) = (2.0 + place(at % WEEK) * wide, HEAD + place(at / WEEK) * STEP);
        let said = format!("{}: {} due", day.name, day.count);
        drawing.rect(shade(day.count, most), (left + 1.0, top), (wide - 2.0, STEP - 4.0), said);
        drawing.words("soft", "start", (left + 7.0, top + 15.0), day.name.clone());
        let count = if day.count == 0 { "–".to_owned() } else { day.count.to_string() };
        drawing.words("count", "end", (left + wide - 8.0, top + 34.0), count);
    }
    drawing
}

/// How full a day is; the number in it says the same.
fn shade(count: u64, most: u64) -> &'static str {
    let share = number(count) / number(most.max(1));
    match count {
        0 => "day",
        _ if share > 0.66 => "day full",
        _ if share > 0.33 => "day half",
        _ => "day few",
    }
}

const WEEK: usize = 7;
const NAMES: [&str; WEEK] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const WIDTH: f64 = 720.0;
const HEAD: f64 = 22.0;
const STEP: f64 = 48.0;

#[cfg(test)]
mod tests {
    use askama::Template;

    use super::*;

    #[test]
    fn days_stand_beneath_their_weekday_and_say_how_many() {
        let day = |index: usize, count| Day {
            name: format!("11-{:02}", 20 + index),
            weekday: (4 + index) % 7,
            count,
        };
        let days: Vec<Day> = (0..10).map(|index| day(index, if index == 3 { 9 } else { 0 })).collect();
        let html = calendar("d", "Due", &days).render().unwrap();
        assert_eq!(html.matches(r#"class="day"#).count(), 10);
        assert_eq!(html.matches(r#"class="day full""#).count(), 1);
        // Friday to Sunday, a whole week: two rows.
        assert!(html.contains(r#"viewBox="0 0 720.0 120.0""#), "{html}");
        assert!(html.contains("11-23: 9 due") && html.contains(">9<"), "{html}");
        assert!(calendar("d", "Due", &[]).render().unwrap().contains("Nothing is due"));
    }

    #[test]
    fn fuller_days_are_darker() {
        let shades: Vec<&str> = [0, 1, 5, 9].into_iter().map(|count| shade(count, 9)).collect();
        assert_eq!(shades, ["day", "day few", "day half", "day full"]);
    }
}
