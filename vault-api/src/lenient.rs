//! Readers for fields that Vault's clients spell in several ways.
//!
//! For use in `#[serde(default, deserialize_with = "…")]`; `null`, `""` and absence mean "not set".

use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

use crate::duration::Seconds;

/// Reads an optional span; zero and `""` mean "not set", as the Vault command line sends them.
///
/// # Errors
/// The value is no duration.
pub fn optional_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Seconds>, D::Error> {
    let seconds = Seconds::deserialize(deserializer)?;
    Ok((seconds.0 > 0).then_some(seconds))
}

/// Reads an optional whole number that may arrive as text.
///
/// # Errors
/// The value is negative, has a fraction, or is no number.
pub fn optional_u64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let refused = || de::Error::custom("expected a whole number, not negative");
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::Number(number) => number.as_u64().map(Some).ok_or_else(refused),
        Value::String(text) if text.trim().is_empty() => Ok(None),
        Value::String(text) => text.trim().parse().map(Some).map_err(|_| refused()),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => Err(refused()),
    }
}

/// Reads an optional truth that may arrive as text or as 0 and 1.
///
/// # Errors
/// The value is none of the spellings that Go's `ParseBool` takes.
pub fn optional_bool<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    let refused = || de::Error::custom("expected true or false");
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::Bool(truth) => Ok(Some(truth)),
        Value::Number(number) => match number.as_u64() {
            Some(0) => Ok(Some(false)),
            Some(1) => Ok(Some(true)),
            _ => Err(refused()),
        },
        Value::String(text) => match text.as_str() {
            "" => Ok(None),
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Some(true)),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(Some(false)),
            _ => Err(refused()),
        },
        Value::Array(_) | Value::Object(_) => Err(refused()),
    }
}

/// Reads an optional truth as [`optional_bool`] does; not set is `false`.
///
/// # Errors
/// As [`optional_bool`].
pub fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(optional_bool(deserializer)?.unwrap_or(false))
}

/// Reads a list of texts, or one text with commas between.
///
/// # Errors
/// The value is neither, or an element is no text.
pub fn comma_list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let refused = || de::Error::custom("expected a list of texts, or one text with commas between");
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(Vec::new()),
        Value::String(text) => {
            Ok(text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect())
        }
        Value::Array(elements) => elements
            .into_iter()
            .map(|element| match element {
                Value::String(text) => Ok(text),
                _ => Err(refused()),
            })
            .collect(),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => Err(refused()),
    }
}

/// Reads an optional text; `""` is "not set".
///
/// # Errors
/// The value is no text.
pub fn optional_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.filter(|text| !text.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Probe {
        #[serde(default, deserialize_with = "optional_seconds")]
        ttl: Option<Seconds>,
        #[serde(default, deserialize_with = "optional_u64")]
        uses: Option<u64>,
        #[serde(default, deserialize_with = "optional_bool")]
        orphan: Option<bool>,
        #[serde(default, deserialize_with = "flag")]
        force: bool,
        #[serde(default, deserialize_with = "comma_list")]
        names: Vec<String>,
        #[serde(default, deserialize_with = "optional_text")]
        reason: Option<String>,
    }

    #[test]
    fn the_spellings_of_the_vault_command_line_mean_not_set() {
        for json in [
            "{}",
            r#"{"ttl":"0s","uses":"","orphan":"","force":"","names":"","reason":""}"#,
            r#"{"ttl":null,"uses":null,"orphan":null,"force":null,"names":null,"reason":null}"#,
        ] {
            let probe: Probe = serde_json::from_str(json).unwrap();
            assert_eq!(
                (probe.ttl, probe.uses, probe.orphan, probe.force),
                (None, None, None, false),
                "{json}"
            );
            assert_eq!((probe.names, probe.reason), (Vec::new(), None), "{json}");
        }
    }

    #[test]
    fn numbers_truths_and_lists_may_arrive_as_text() {
        let probe: Probe = serde_json::from_str(
            r#"{"ttl":"5m","uses":"2","orphan":"T","force":1,"names":"a, b","reason":"x"}"#,
        )
        .unwrap();
        assert_eq!(
            (probe.ttl, probe.uses, probe.orphan, probe.force),
            (Some(Seconds(300)), Some(2), Some(true), true)
        );
        assert_eq!(probe.names, ["a", "b"]);
        assert_eq!(probe.reason.as_deref(), Some("x"));
    }

    #[test]
    fn what_has_no_meaning_is_refused() {
        for json in [
            r#"{"uses":-1}"#,
            r#"{"uses":"two"}"#,
            r#"{"orphan":"perhaps"}"#,
            r#"{"force":2}"#,
            r#"{"names":[1]}"#,
            r#"{"names":7}"#,
            r#"{"reason":7}"#,
        ] {
            assert!(serde_json::from_str::<Probe>(json).is_err(), "{json}");
        }
    }
}
