//! Durations as Vault's clients write them.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;

/// A span of whole seconds.
///
/// Reads a JSON number of seconds, `"3600"`, and units as in `"1d"`, `"1h30m"`, `"30m0s"` or `"1500ms"`
/// (rounded down). Always writes the number of seconds, as Vault's answers do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seconds(pub u64);

/// What a text was refused for as a duration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidDuration {
    text: String,
}

impl fmt::Display for InvalidDuration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{:?} is not a duration: write seconds (3600) or units as in 1h30m, 45s, 2d",
            self.text
        )
    }
}

impl std::error::Error for InvalidDuration {}

impl Seconds {
    /// Reads a duration from text; an empty text is zero, which Vault treats as "not set".
    ///
    /// # Errors
    /// The text has no digits, an unknown unit, a sign, or exceeds what fits in 64 bits of seconds.
    pub fn parse(text: &str) -> Result<Self, InvalidDuration> {
        let refused = || InvalidDuration { text: text.chars().take(MAX_SHOWN_CHARS).collect() };
        let mut rest = text.trim();
        let mut total_milliseconds: u64 = 0;
        while !rest.is_empty() {
            let digits_end = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
            let (digits, tail) = rest.split_at(digits_end);
            let unit_end = tail.find(|letter: char| letter.is_ascii_digit()).unwrap_or(tail.len());
            let (unit, after) = tail.split_at(unit_end);
            let amount: u64 = digits.parse().map_err(|_| refused())?;
            let unit_milliseconds = match unit {
                "ms" => 1,
                "s" => 1000,
                // A bare number is seconds, but only when it is the whole text: "1h30" is ambiguous.
                "" if digits.len() == text.trim().len() => 1000,
                "m" => 60_000,
                "h" => 3_600_000,
                "d" => 86_400_000,
                "w" => 604_800_000,
                _ => return Err(refused()),
            };
            total_milliseconds = amount
                .checked_mul(unit_milliseconds)
                .and_then(|part| total_milliseconds.checked_add(part))
                .ok_or_else(refused)?;
            rest = after;
        }
        Ok(Self(total_milliseconds / 1000))
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units =
            [("d", self.0 / 86_400), ("h", self.0 / 3600 % 24), ("m", self.0 / 60 % 60), ("s", self.0 % 60)];
        if self.0 == 0 {
            return formatter.write_str("0s");
        }
        for (unit, amount) in units {
            if amount > 0 {
                write!(formatter, "{amount}{unit}")?;
            }
        }
        Ok(())
    }
}

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Number(number) => number.as_u64().map(Self).ok_or_else(|| {
                de::Error::custom("a duration must be a whole number of seconds, not negative")
            }),
            Value::String(text) => Self::parse(&text).map_err(de::Error::custom),
            Value::Null => Ok(Self(0)),
            Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
                Err(de::Error::custom("a duration must be a number of seconds or a text such as \"1h30m\""))
            }
        }
    }
}

/// Longest excerpt of a refused text in a message.
const MAX_SHOWN_CHARS: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_that_vaults_clients_use_is_read() {
        for (json, seconds) in [
            ("3600", 3600),
            ("\"3600\"", 3600),
            ("\"1h\"", 3600),
            ("\"30m0s\"", 1800),
            ("\"1h0m0s\"", 3600),
            ("\"1d\"", 86_400),
            ("\"2w\"", 1_209_600),
            ("\"1500ms\"", 1),
            ("\"\"", 0),
            ("\"0s\"", 0),
            ("null", 0),
        ] {
            assert_eq!(serde_json::from_str::<Seconds>(json).unwrap(), Seconds(seconds), "{json}");
        }
    }

    #[test]
    fn nonsense_is_refused_with_a_sentence() {
        for json in [
            "\"soon\"",
            "-5",
            "1.5",
            "\"-5s\"",
            "\"1h30\"",
            "\"5x\"",
            "\"h\"",
            "[]",
            "true",
            "\"99999999999999999w\"",
        ] {
            let refusal = serde_json::from_str::<Seconds>(json).unwrap_err().to_string();
            assert!(refusal.contains("duration"), "{json}: {refusal}");
        }
    }

    #[test]
    fn shown_text_reads_back_as_the_same_span() {
        for seconds in [0, 1, 59, 60, 3599, 3600, 90_061, 604_800] {
            assert_eq!(Seconds::parse(&Seconds(seconds).to_string()), Ok(Seconds(seconds)));
        }
    }
}
