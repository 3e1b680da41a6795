//! Durations as Vault's clients write them.

use std::time::Duration;

/// Reads `3600`, `1h`, `30m0s`, `1h0m0s`, `1.5h`, `250ms`, `1d`, `2w`; `None` when it is none of these, or
/// longer than 292 years, which is what a record can hold.
///
/// A bare number is seconds. The empty text is zero: clients send it for "unset".
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    if text.is_empty() {
        return Some(Duration::ZERO);
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        let seconds = text.parse().ok().filter(|seconds| *seconds <= DURATION_SECONDS_MAX)?;
        return Some(Duration::from_secs(seconds));
    }
    let mut rest = text;
    let mut total: u128 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at_checked(digits)?;
        let unit_end = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, next) = tail.split_at_checked(unit_end)?;
        total = total.checked_add(scaled(number, unit_nanos(unit)?)?)?;
        rest = next;
    }
    let nanos = u64::try_from(total % NANOS_PER_SECOND).ok()?;
    let seconds = u64::try_from(total / NANOS_PER_SECOND).ok()?;
    (seconds <= DURATION_SECONDS_MAX).then(|| Duration::from_secs(seconds) + Duration::from_nanos(nanos))
}

/// `number` (digits with at most one point) times `unit`, in nanoseconds.
fn scaled(number: &str, unit: u128) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.len() > 9 {
        return None;
    }
    let whole: u128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let mut total = whole.checked_mul(unit)?;
    if !fraction.is_empty() {
        let parts: u128 = fraction.parse().ok()?;
        let scale = 10_u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
        total = total.checked_add(parts.checked_mul(unit)?.checked_div(scale)?)?;
    }
    Some(total)
}

fn unit_nanos(unit: &str) -> Option<u128> {
    Some(match unit {
        "ns" => 1,
        "us" | "µs" => 1_000,
        "ms" => 1_000_000,
        "s" => NANOS_PER_SECOND,
        "m" => 60 * NANOS_PER_SECOND,
        "h" => 3_600 * NANOS_PER_SECOND,
        "d" => 86_400 * NANOS_PER_SECOND,
        "w" => 7 * 86_400 * NANOS_PER_SECOND,
        _ => return None,
    })
}

const NANOS_PER_SECOND: u128 = 1_000_000_000;
/// Longest duration that is understood: Go's limit of 2^63 nanoseconds, about 292 years.
const DURATION_SECONDS_MAX: u64 = 9_223_372_036;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_go_and_vault_write_them() {
        for (text, want) in [
            ("", Some(0)),
            ("0s", Some(0)),
            ("3600", Some(3_600_000)),
            ("1h", Some(3_600_000)),
            ("30m0s", Some(1_800_000)),
            ("1h0m0s", Some(3_600_000)),
            ("1.5h", Some(5_400_000)),
            ("250ms", Some(250)),
            ("1d", Some(86_400_000)),
            ("2w", Some(1_209_600_000)),
            ("h", None),
            ("1", Some(1_000)),
            ("1x", None),
            ("-1s", None),
            ("1h-", None),
            (".s", None),
            ("1..5s", None),
            ("99999999999999999999h", None),
            ("400y", None),
            ("9223372036", Some(9_223_372_036_000)),
            ("9223372037", None),
            ("18446744073709551615", None),
        ] {
            let millis = parse_duration(text).map(|span| u64::try_from(span.as_millis()).unwrap());
            assert_eq!(millis, want, "{text:?}");
        }
    }
}
