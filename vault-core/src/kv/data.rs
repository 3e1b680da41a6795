//! The data of a secret: a JSON object, kept digit for digit, wiped when it is dropped.

use std::fmt;
use std::io;

use serde_json::{Map, Value};

use crate::secret::{SecretString, wipe};

/// A JSON object that nobody sees by accident.
pub struct Data(Value);

/// Why data was refused; the text shows nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DataError {
    /// No JSON object.
    #[error("the data of a secret is a JSON object")]
    NoObject,
    /// Larger than [`DATA_BYTES_MAX`].
    #[error("the data of a secret has at most {DATA_BYTES_MAX} bytes as JSON")]
    TooLarge,
}

impl Data {
    /// Takes over an object.
    ///
    /// # Errors
    /// [`DataError::NoObject`]; the value is wiped.
    pub fn new(value: Value) -> Result<Self, DataError> {
        let data = Self(value);
        if data.0.is_object() { Ok(data) } else { Err(DataError::NoObject) }
    }

    /// No names at all.
    #[must_use]
    pub fn empty() -> Self {
        Self(Value::Object(Map::new()))
    }

    /// Reads what [`to_text`](Self::to_text) wrote.
    ///
    /// # Errors
    /// [`DataError::NoObject`] for anything else.
    pub fn parse(text: &SecretString) -> Result<Self, DataError> {
        serde_json::from_str(text.expose()).map_err(|_| DataError::NoObject).and_then(Self::new)
    }

    /// As JSON text; numbers keep every digit that they came with.
    ///
    /// # Errors
    /// [`DataError::TooLarge`].
    pub fn to_text(&self) -> Result<SecretString, DataError> {
        // Measured first: a buffer that grows leaves copies behind.
        let mut length = Length(0);
        serde_json::to_writer(&mut length, &self.0).map_err(|_| DataError::TooLarge)?;
        let mut text = Vec::with_capacity(length.0);
        serde_json::to_writer(&mut text, &self.0).map_err(|_| DataError::TooLarge)?;
        SecretString::from_utf8(text).map_err(|_| DataError::NoObject)
    }

    /// The object itself; what becomes of it is the caller's matter.
    #[must_use]
    pub fn into_exposed(mut self) -> Value {
        self.0.take()
    }

    /// The value of a name at the top.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Merges `patch` in: null takes a name away, objects merge, anything else replaces (RFC 7396).
    pub fn merge(&mut self, patch: &Self) {
        merge(&mut self.0, &patch.0);
    }

    /// The names alone, with null in place of every value. What lies deeper than `depth` is left out; 0 is
    /// without limit.
    #[must_use]
    pub fn subkeys(&self, depth: u64) -> Value {
        names(&self.0, depth, 1)
    }
}

impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Data(redacted)")
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        wipe(target);
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        wipe(target);
        *target = Value::Object(Map::new());
    }
    let Value::Object(fields) = target else { return };
    for (name, value) in patch {
        if value.is_null() {
            if let Some(mut gone) = fields.remove(name) {
                wipe(&mut gone);
            }
        } else {
            merge(fields.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

fn names(value: &Value, depth: u64, level: u64) -> Value {
    let Value::Object(fields) = value else { return Value::Null };
    let goes_on = depth == 0 || level < depth;
    let below = |value: &Value| match value {
        Value::Object(inner) if goes_on && !inner.is_empty() => names(value, depth, level + 1),
        _ => Value::Null,
    };
    Value::Object(fields.iter().map(|(name, value)| (name.clone(), below(value))).collect())
}

/// Counts what is written, and stops beyond the limit.
struct Length(usize);

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        if self.0 > DATA_BYTES_MAX { Err(io::Error::other("too large")) } else { Ok(bytes.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Most bytes that one version's data has as JSON: half of what one commit may hold.
pub const DATA_BYTES_MAX: usize = 512 * 1024;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn data(text: &str) -> Data {
        Data::parse(&SecretString::new(text.to_owned())).unwrap()
    }

    #[test]
    fn numbers_keep_every_digit() {
        for text in [
            r#"{"a":1.0,"b":12345678901234567890,"c":-0.10,"d":0.1234567890123456789012345678}"#,
            r#"{"a":"text","b":[1,2.50,{"c":null}],"c":true}"#,
            "{}",
        ] {
            assert_eq!(data(text).to_text().unwrap().expose(), text);
        }
    }

    #[test]
    fn only_objects_are_data_and_no_debug_output_shows_them() {
        for value in [json!([1]), json!("hunter2"), json!(1), json!(null)] {
            assert_eq!(Data::new(value).unwrap_err(), DataError::NoObject);
        }
        assert_eq!(format!("{:?}", data(r#"{"password":"hunter2"}"#)), "Data(redacted)");
    }

    #[test]
    fn the_limit_is_on_the_bytes_as_json() {
        let with = |bytes: usize| Data::new(json!({ "k": "x".repeat(bytes) })).unwrap().to_text();
        let frame = r#"{"k":""}"#.len();
        assert_eq!(with(DATA_BYTES_MAX - frame).unwrap().expose().len(), DATA_BYTES_MAX);
        assert_eq!(with(DATA_BYTES_MAX - frame + 1).unwrap_err(), DataError::TooLarge);
    }

    #[test]
    fn patches_merge_as_rfc_7396_says() {
        // The examples of its appendix A that begin with an object.
        for (target, patch, want) in [
            (json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"})),
            (json!({"a":"b"}), json!({"a":null}), json!({})),
            (json!({"a":"b","b":"c"}), json!({"a":null}), json!({"b":"c"})),
            (json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"c"}), json!({"a":["b"]}), json!({"a":["b"]})),
            (json!({"a":{"b":"c"}}), json!({"a":{"b":"d","c":null}}), json!({"a":{"b":"d"}})),
            (json!({"a":[{"b":"c"}]}), json!({"a":[1]}), json!({"a":[1]})),
            (json!({"e":null}), json!({"a":1}), json!({"e":null,"a":1})),
            (json!({}), json!({"a":{"bb":{"ccc":null}}}), json!({"a":{"bb":{}}})),
        ] {
            let mut merged = Data::new(target.clone()).unwrap();
            merged.merge(&Data::new(patch.clone()).unwrap());
            assert_eq!(merged.into_exposed(), want, "{target} with {patch}");
        }
    }

    #[test]
    fn subkeys_show_names_to_a_depth_and_no_value() {
        let secret = data(r#"{"a":{"b":{"c":1},"e":{}},"d":[{"x":1}],"f":"hunter2"}"#);
        for (depth, want) in [
            (0, json!({"a":{"b":{"c":null},"e":null},"d":null,"f":null})),
            (1, json!({"a":null,"d":null,"f":null})),
            (2, json!({"a":{"b":null,"e":null},"d":null,"f":null})),
            (3, json!({"a":{"b":{"c":null},"e":null},"d":null,"f":null})),
        ] {
            assert_eq!(secret.subkeys(depth), want, "depth {depth}");
        }
    }

    fn object() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::from),
            ".{0,8}".prop_map(Value::from)
        ];
        let value = leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map("[a-c]", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        });
        prop::collection::btree_map("[a-c]", value, 0..4)
            .prop_map(|map| Value::Object(map.into_iter().collect()))
    }

    proptest! {
        #[test]
        fn merging_twice_changes_nothing_more(target in object(), patch in object()) {
            let patch = Data::new(patch).unwrap();
            let mut once = Data::new(target).unwrap();
            once.merge(&patch);
            let first = once.to_text().unwrap();
            once.merge(&patch);
            let second = once.to_text().unwrap();
            prop_assert_eq!(second.expose(), first.expose());
        }
    }
}
