//! One digest for data of very many values.
//!
//! A digest is longer than most values, so a body within its limit could make a line far beyond any: the
//! request would be refused after it was carried out, and a list of a large folder could not be answered.

use std::io;

use hmac::{Hmac, Mac};
use serde::Serialize;
use serde_json::Value;
use sha2::Sha256;

use super::{Digester, shown};

/// What stands in an entry in place of the data.
#[derive(Serialize)]
pub(super) struct Condensed {
    /// Over the JSON text as serde writes it: names sorted, no blanks.
    condensed: String,
    /// The length of that text.
    bytes: u64,
}

impl Condensed {
    pub(super) fn of(data: &Value, digester: &Digester) -> Self {
        let mut writer = Digesting { mac: digester.0.clone(), bytes: 0 };
        // Hashing does not fail.
        let _ = serde_json::to_writer(&mut writer, data);
        Self { condensed: shown(writer.mac), bytes: writer.bytes }
    }
}

/// Whether the entry's text would be unreasonably long. Stops counting as soon as it is known.
pub(super) fn is_large(data: &Value) -> bool {
    let mut left = BYTES_MAX;
    !fits(data, &mut left)
}

/// Whether a text that may be read in the trail is too long for that: it stands there before anything was done with it,
/// also of who is refused.
pub(super) fn is_long(text: &Value) -> bool {
    text.as_str().is_some_and(|text| text.len() > PLAIN_BYTES_MAX)
}

fn fits(data: &Value, left: &mut usize) -> bool {
    let take = |left: &mut usize, bytes: usize| {
        *left = left.saturating_sub(bytes);
        *left > 0
    };
    match data {
        Value::Array(items) => take(left, 2) && items.iter().all(|item| fits(item, left)),
        Value::Object(fields) => {
            take(left, 2) && fields.iter().all(|(name, item)| take(left, name.len() + 4) && fits(item, left))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => take(left, DIGEST_BYTES),
    }
}

struct Digesting {
    mac: Hmac<Sha256>,
    bytes: u64,
}

impl io::Write for Digesting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.mac.update(bytes);
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// From here on data is condensed: a line may repeat the data of a request beside that of its answer.
const BYTES_MAX: usize = 1 << 20;
/// The longest text that stays readable, in bytes: longer than any reason, note or list of names that is taken.
const PLAIN_BYTES_MAX: usize = 16 << 10;
/// A digest with its quotes and comma.
const DIGEST_BYTES: usize = 80;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Redacted;
    use super::*;

    fn text(data: &Value) -> String {
        let digester = Digester::new(&[7; 32]);
        let redacted = Redacted { data, plain_keys: &["reason"], hidden_keys: &[], digester: &digester };
        serde_json::to_string(&redacted).unwrap()
    }

    #[test]
    fn very_many_values_are_one_digest_and_others_are_not() {
        let many = json!({ "k": vec![""; 20_000] });
        let digester = Digester::new(&[7; 32]);
        let whole = digester.digest(&many.to_string());
        let want = json!({ "condensed": whole, "bytes": many.to_string().len() });
        assert_eq!(serde_json::from_str::<Value>(&text(&many)).unwrap(), want);
        assert!(text(&json!({ "reason": "ticket 12", "k": vec![""; 1_000] })).contains("ticket 12"));
    }

    #[test]
    fn long_names_count_and_one_long_string_does_not() {
        let names: serde_json::Map<String, Value> =
            (0..2_000).map(|number| (format!("{number}{}", "x".repeat(1_000)), Value::Null)).collect();
        assert!(text(&Value::Object(names)).len() < 200);
        assert!(!text(&json!({ "k": "x".repeat(2 << 20) })).contains("condensed"));
    }

    #[test]
    fn a_text_that_may_be_read_is_a_digest_when_it_is_longer_than_any_that_is_taken() {
        let digester = Digester::new(&[7; 32]);
        let (short, long) = ("x".repeat(PLAIN_BYTES_MAX), "x".repeat(PLAIN_BYTES_MAX + 1));
        assert!(text(&json!({ "reason": short })).contains(&short));
        assert_eq!(text(&json!({ "reason": long })), json!({ "reason": digester.digest(&long) }).to_string());
    }
}
