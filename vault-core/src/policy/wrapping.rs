//! How long a wrapped answer may live: durations as policies write them.

use std::time::Duration;

use serde_json::Value;

/// Reads seconds (`300`, `"300"`), or a duration in whole units (`"5m"`, `"1h30m"`, `"2d"`); an empty
/// text is zero. `None` for anything else, negative numbers included.
pub(super) fn ttl(value: &Value) -> Option<Duration> {
    match value {
        Value::Number(number) => number.as_u64().map(Duration::from_secs),
        Value::String(text) => from_text(text.trim()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn from_text(text: &str) -> Option<Duration> {
    if text.is_empty() {
        return Some(Duration::ZERO);
    }
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse().ok().map(Duration::from_secs);
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (count, tail) = rest.split_at_checked(digits)?;
        let unit = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at_checked(unit)?;
        let millis: u64 = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        let span = Duration::from_millis(count.parse::<u64>().ok()?.checked_mul(millis)?);
        total = total.checked_add(span)?;
        rest = tail;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn durations_are_read_as_vault_writes_them() {
        for (value, want) in [
            (json!(300), Some(300)),
            (json!("300"), Some(300)),
            (json!(""), Some(0)),
            (json!("5m"), Some(300)),
            (json!("1h30m0s"), Some(5_400)),
            (json!("2d"), Some(172_800)),
            (json!("1000ms"), Some(1)),
            (json!(-1), None),
            (json!("5 minutes"), None),
            (json!("m"), None),
            (json!("5"), Some(5)),
            (json!("5m3"), None),
            (json!("99999999999999999999s"), None),
            (json!("18446744073709551615d"), None),
            (json!(true), None),
        ] {
            assert_eq!(ttl(&value), want.map(Duration::from_secs), "{value}");
        }
    }
}
