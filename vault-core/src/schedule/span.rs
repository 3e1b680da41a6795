//! Lengths of time as Vault's clients write them.
//!
//! ```text
//!   3600   "3600"   "1h"   "1h30m"   "30m0s"   "1d"   "1.5h"   "250ms"      "" and "0s": not set
//! ```
//!
//! Written back as Go does (`1h30m0s`), which every client reads.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serializer};
use serde_json::Value;

/// Why a text is no length of time.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpanError {
    /// It has a sign.
    #[error("a duration cannot be negative; write for example 90, 30m or 1h30m0s")]
    Negative,
    /// It is no number of seconds, and no numbers with units.
    #[error(
        "not a duration; write seconds such as 3600, or numbers with units such as 1d, 1h30m, 30m0s, 250ms"
    )]
    Malformed,
    /// It is longer than [`SPAN_MAX`].
    #[error("the duration is too long; the longest is 36500d")]
    TooLong,
}

/// Reads a length of time; `None` when it is empty or zero, which Vault's clients send for "not set".
///
/// # Errors
/// [`SpanError`] by cause.
pub fn parse(text: &str) -> Result<Option<Duration>, SpanError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if text.len() > TEXT_BYTES_MAX {
        return Err(SpanError::Malformed);
    }
    if text.starts_with('-') {
        return Err(SpanError::Negative);
    }
    let nanos = if text.bytes().all(|byte| byte.is_ascii_digit()) {
        number(text)?.checked_mul(SECOND).ok_or(SpanError::TooLong)?
    } else {
        sum_of_parts(text)?
    };
    let nanos = u64::try_from(nanos).map_err(|_| SpanError::TooLong)?;
    match Duration::from_nanos(nanos) {
        Duration::ZERO => Ok(None),
        span if span > SPAN_MAX => Err(SpanError::TooLong),
        span => Ok(Some(span)),
    }
}

/// Reads a length of time from a body: a number of seconds, a text, or null.
///
/// # Errors
/// [`SpanError`] by cause.
pub fn from_json(value: &Value) -> Result<Option<Duration>, SpanError> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => parse(text),
        Value::Number(number) => parse(&number.to_string()),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => Err(SpanError::Malformed),
    }
}

/// Writes a length of time as Go's `Duration.String` does: `1h30m0s`, `1.5s`, `250ms`, `0s`.
#[must_use]
pub fn format(span: Duration) -> String {
    let nanos = span.as_nanos();
    for (unit, name) in [(1, "ns"), (MICROSECOND, "µs"), (MILLISECOND, "ms")] {
        if nanos > 0 && nanos < unit * 1000 {
            return decimal(nanos, unit) + name;
        }
    }
    let (hours, minutes) = (nanos / HOUR, nanos % HOUR / MINUTE);
    let seconds = decimal(nanos % MINUTE, SECOND) + "s";
    match (hours, minutes) {
        (0, 0) => seconds,
        (0, _) => format!("{minutes}m{seconds}"),
        _ => format!("{hours}h{minutes}m{seconds}"),
    }
}

/// Serde for a length of time that may be absent: any form that [`from_json`] reads, written by [`format()`].
pub mod optional {
    use super::{Deserialize, Deserializer, Duration, Serializer, Value, format, from_json};

    /// Writes Go's form, or the empty text when absent.
    ///
    /// # Errors
    /// What the serializer reports.
    pub fn serialize<S: Serializer>(span: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&span.map(format).unwrap_or_default())
    }

    /// Reads a number of seconds, a text, or null.
    ///
    /// # Errors
    /// What [`from_json`] refuses.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        from_json(&Value::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// Adds up `1h30m`: each part a number, perhaps with a fraction, and a unit; the order is free as in Go.
fn sum_of_parts(text: &str) -> Result<u128, SpanError> {
    let mut rest = text;
    let mut nanos: u128 = 0;
    while !rest.is_empty() {
        let (count, after) = split_where(rest, |c| !c.is_ascii_digit() && c != '.');
        let (unit, after) = split_where(after, |c| c.is_ascii_digit() || c == '.');
        nanos = nanos.checked_add(part(count, unit_nanos(unit)?)?).ok_or(SpanError::TooLong)?;
        rest = after;
    }
    Ok(nanos)
}

fn split_where(text: &str, is_end: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at_checked(text.find(is_end).unwrap_or(text.len())).unwrap_or((text, ""))
}

fn part(count: &str, unit: u128) -> Result<u128, SpanError> {
    let (whole, fraction) = count.split_once('.').unwrap_or((count, ""));
    if whole.is_empty() && fraction.is_empty() {
        return Err(SpanError::Malformed);
    }
    let whole = if whole.is_empty() { 0 } else { number(whole)? };
    let mut nanos = whole.checked_mul(unit).ok_or(SpanError::TooLong)?;
    let mut place = unit;
    for digit in fraction.chars() {
        place /= 10;
        let digit = digit.to_digit(10).ok_or(SpanError::Malformed)?;
        nanos = nanos.checked_add(u128::from(digit) * place).ok_or(SpanError::TooLong)?;
    }
    Ok(nanos)
}

fn number(digits: &str) -> Result<u128, SpanError> {
    digits.parse().map_err(|_| SpanError::Malformed)
}

fn unit_nanos(unit: &str) -> Result<u128, SpanError> {
    Ok(match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => MICROSECOND,
        "ms" => MILLISECOND,
        "s" => SECOND,
        "m" => MINUTE,
        "h" => HOUR,
        "d" => 24 * HOUR,
        _ => return Err(SpanError::Malformed),
    })
}

/// `nanos` in `unit`s, with as many decimals as it takes.
fn decimal(nanos: u128, unit: u128) -> String {
    let fraction = nanos % unit;
    if fraction == 0 {
        return (nanos / unit).to_string();
    }
    let width = unit.ilog10() as usize;
    let digits = format!("{fraction:0width$}");
    format!("{}.{}", nanos / unit, digits.trim_end_matches('0'))
}

const MICROSECOND: u128 = 1_000;
const MILLISECOND: u128 = 1_000 * MICROSECOND;
const SECOND: u128 = 1_000 * MILLISECOND;
const MINUTE: u128 = 60 * SECOND;
const HOUR: u128 = 60 * MINUTE;

/// The longest length of time: a hundred years, so that sums with an instant stay in the calendar.
pub const SPAN_MAX: Duration = Duration::from_secs(36_500 * 24 * 3600);

const TEXT_BYTES_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_forms_of_every_client_are_read() {
        for (text, millis) in [
            ("3600", 3_600_000),
            (" 90 ", 90_000),
            ("1h", 3_600_000),
            ("30m0s", 1_800_000),
            ("1h0m0s", 3_600_000),
            ("1h30m", 5_400_000),
            ("1d", 86_400_000),
            ("1d12h", 129_600_000),
            ("1.5h", 5_400_000),
            (".5s", 500),
            ("250ms", 250),
            ("1500us", 1),
            ("2s1m", 62_000),
            ("36500d", 3_153_600_000_000),
        ] {
            let span = parse(text).unwrap().unwrap();
            assert_eq!(span.as_millis(), millis, "{text}");
        }
    }

    #[test]
    fn empty_and_zero_mean_not_set() {
        for text in ["", "  ", "0", "0s", "0h0m0s", "000"] {
            assert_eq!(parse(text), Ok(None), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused_by_cause() {
        for (text, error) in [
            ("-1", SpanError::Negative),
            ("-1h", SpanError::Negative),
            ("h", SpanError::Malformed),
            ("1x", SpanError::Malformed),
            ("1 h", SpanError::Malformed),
            ("1h30", SpanError::Malformed),
            ("1.2.3s", SpanError::Malformed),
            (".s", SpanError::Malformed),
            ("1.5", SpanError::Malformed),
            ("٣s", SpanError::Malformed),
            ("+1h", SpanError::Malformed),
            ("soon", SpanError::Malformed),
            ("1e3", SpanError::Malformed),
            ("36501d", SpanError::TooLong),
            ("99999999999999999999999999999999999d", SpanError::TooLong),
            ("9999999999999999999999999999999999999999s", SpanError::Malformed),
        ] {
            assert_eq!(parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn json_numbers_texts_and_null_are_read() {
        for (value, seconds) in
            [(json!(90), Some(90)), (json!("1m30s"), Some(90)), (json!(0), None), (json!(null), None)]
        {
            assert_eq!(from_json(&value), Ok(seconds.map(Duration::from_secs)), "{value}");
        }
        for value in [json!(true), json!([1]), json!({"s": 1}), json!(1.5)] {
            assert_eq!(from_json(&value), Err(SpanError::Malformed), "{value}");
        }
        assert_eq!(from_json(&json!(-1)), Err(SpanError::Negative));
    }

    #[test]
    fn the_written_form_is_that_of_go() {
        for (nanos, text) in [
            (0, "0s"),
            (1, "1ns"),
            (1_100, "1.1µs"),
            (2_200_000, "2.2ms"),
            (3_300_000_000, "3.3s"),
            (60_000_000_000, "1m0s"),
            (5_400_000_000_000, "1h30m0s"),
            (3_600_000_000_001, "1h0m0.000000001s"),
            (90_000_000_000_000, "25h0m0s"),
        ] {
            assert_eq!(format(Duration::from_nanos(nanos)), text);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(nanos in 1u64..=SPAN_MAX.as_nanos() as u64) {
            let span = Duration::from_nanos(nanos);
            prop_assert_eq!(parse(&format(span)), Ok(Some(span)));
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,40}") {
            let _ = parse(&text);
        }
    }
}
