//! Times and spans as people read them, beside what programs read.

use std::time::Duration;

use askama::Template;
use askama::filters::HtmlSafe;
use vault_core::clock::Timestamp;

/// A time as an element of a page; its template escapes what it holds.
#[derive(Template)]
#[template(path = "time.html")]
pub(super) struct When {
    /// For programs; empty where there is no time.
    iso: String,
    /// For people, in UTC.
    text: String,
    /// How long ago, or how long until then.
    words: String,
    /// What stands there when there is no time.
    none: &'static str,
}

impl HtmlSafe for When {}

impl When {
    pub(super) fn of(wire: Option<&str>, now: Timestamp, none: &'static str) -> Self {
        match wire.and_then(Timestamp::parse_rfc3339) {
            Some(at) => Self::at(at, now),
            None => Self { iso: String::new(), text: String::new(), words: String::new(), none },
        }
    }

    pub(super) fn at(at: Timestamp, now: Timestamp) -> Self {
        let iso = at.to_rfc3339();
        let (day, clock) = iso.split_once('T').unwrap_or((&iso, ""));
        let text = format!("{day} {} UTC", clock.get(..8).unwrap_or(clock));
        let words = match (at.since(now), now.since(at)) {
            (ahead, _) if ahead.as_secs() > 0 => format!("in {}", span(ahead)),
            (_, behind) if behind.as_secs() > 0 => format!("{} ago", span(behind)),
            _ => "just now".to_owned(),
        };
        Self { text, iso, words, none: "" }
    }
}

/// A span in its two largest units.
pub(super) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) if minutes < 10 && !seconds.is_multiple_of(60) => {
            format!("{minutes} min {} s", seconds % 60)
        }
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, 0) => format!("{hours} h"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, 0, _) => format!("{days} d"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

/// Seconds of a report, which may be absent.
pub(super) fn seconds(value: Option<f64>) -> String {
    match value.and_then(|value| Duration::try_from_secs_f64(value).ok()) {
        Some(value) => span(value),
        None => "–".to_owned(),
    }
}

/// Seconds of a report's distribution. A floor, which what is not over may still raise, is marked by `>`.
pub(super) fn figure(value: Option<f64>, is_floor: bool) -> String {
    let text = seconds(value);
    if is_floor && value.is_some() { format!("> {text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_floor_is_marked_and_nothing_is_no_floor() {
        let figures = [(Some(60.0), false), (Some(60.0), true), (None, true)];
        let told = figures.map(|(value, is_floor)| figure(value, is_floor));
        assert_eq!(told, ["1 min", "> 1 min", "–"]);
    }

    #[test]
    fn a_span_is_told_in_its_two_largest_units() {
        for (seconds, want) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (61, "1 min 1 s"),
            (661, "11 min"),
            (3600, "1 h"),
            (3_660, "1 h 1 min"),
            (86_400, "1 d"),
            (90_000, "1 d 1 h"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), want);
        }
    }

    #[test]
    fn a_time_is_told_to_people_and_programs() {
        let now = Timestamp::from_secs(1_800_000_000);
        let html = When::at(now.minus(Duration::from_secs(120)), now).to_string();
        assert_eq!(
            html.trim(),
            r#"<time datetime="2027-01-15T07:58:00.000Z">2027-01-15 07:58:00 UTC</time> <span class="rel">2 min ago</span>"#
        );
        for (at, want) in [
            (1_800_000_000_500, "just now"),
            (1_799_999_999_500, "just now"),
            (1_800_000_060_000, "in 1 min"),
        ] {
            let html = When::at(Timestamp::from_millis(at), now).to_string();
            assert!(html.contains(want), "{html}");
        }
        let never = When::of(Some("<b>"), now, "never").to_string();
        assert_eq!(never.trim(), r#"<span class="none">never</span>"#);
    }
}
