//! Keyed digests that stand in for secret text.
//!
//! Equal texts give equal digests under one key, so an auditor can ask "who used this token" by hashing
//! it, but cannot read it back. Numbers, booleans, nulls and the names of fields stay as they are.

mod condense;

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::Value;
use sha2::Sha256;

/// Makes digests under one audit key.
///
/// Holds HMAC's state after the key, which is wiped when dropped: the key's two blocks are hashed once and
/// not for each digest.
pub struct Digester(Hmac<Sha256>);

impl Digester {
    /// Uses `key`, which must be secret and stay the same for the life of the trail.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
        block.iter_mut().zip(key).for_each(|(byte, from)| *byte = *from);
        let state = Hmac::new(&block);
        zeroize::Zeroize::zeroize(block.as_mut_slice());
        Self(state)
    }

    /// `"hmac-sha256:" ‖ hex(HMAC-SHA-256[key](text))`
    ///
    /// RFC 2104 with the whole 32-byte tag, in the form that Vault's `sys/audit-hash` answers.
    #[must_use]
    pub fn digest(&self, text: &str) -> String {
        let mut mac = self.0.clone();
        mac.update(text.as_bytes());
        shown(mac)
    }
}

/// The digest's text.
fn shown(mac: Hmac<Sha256>) -> String {
    let mut out = String::with_capacity(PREFIX.len() + 64);
    out.push_str(PREFIX);
    HEXLOWER.encode_append(&mac.finalize().into_bytes(), &mut out);
    out
}

impl std::fmt::Debug for Digester {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Digester(redacted)")
    }
}

/// `data` as an entry shows it: every string value is its digest, at any depth.
///
/// Only strings directly under one of `plain_keys` stay readable: fields that exist to be read in the trail,
/// such as the reason of a check-out; one that is longer than any that is taken is a digest. What lies deeper is digested under any name. What is under one of
/// `hidden_keys` becomes digests down to the numbers: in a secret they are secret as well. Data of very many
/// values is one digest of the whole, so that every line fits the trail.
#[derive(Clone, Copy)]
pub(super) struct Redacted<'a> {
    pub(super) data: &'a Value,
    pub(super) plain_keys: &'a [&'a str],
    pub(super) hidden_keys: &'a [&'a str],
    pub(super) digester: &'a Digester,
}

impl Serialize for Redacted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if condense::is_large(self.data) {
            return condense::Condensed::of(self.data, self.digester).serialize(serializer);
        }
        let below = |data, depth| Below { data, depth, digester: self.digester };
        let Value::Object(fields) = self.data else {
            return below(self.data, Depth::Strings).serialize(serializer);
        };
        let mut map = serializer.serialize_map(Some(fields.len()))?;
        for (name, item) in fields {
            let name = name.as_str();
            if self.hidden_keys.contains(&name) || self.hidden_keys.contains(&EVERY_KEY) {
                map.serialize_entry(name, &below(item, Depth::Everything))?;
            } else if item.is_string() && self.plain_keys.contains(&name) && !condense::is_long(item) {
                map.serialize_entry(name, item)?;
            } else {
                map.serialize_entry(name, &below(item, Depth::Strings))?;
            }
        }
        map.end()
    }
}

/// What becomes a digest.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    Strings,
    /// Numbers and booleans too.
    Everything,
}

struct Below<'a> {
    data: &'a Value,
    depth: Depth,
    digester: &'a Digester,
}

impl Serialize for Below<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let below = |data| Below { data, ..*self };
        match self.data {
            Value::String(text) => serializer.serialize_str(&self.digester.digest(text)),
            Value::Array(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| list.serialize_element(&below(item)))?;
                list.end()
            }
            Value::Object(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                fields.iter().try_for_each(|(name, item)| map.serialize_entry(name, &below(item)))?;
                map.end()
            }
            plain @ (Value::Bool(_) | Value::Number(_)) if self.depth == Depth::Everything => {
                serializer.serialize_str(&self.digester.digest(&plain.to_string()))
            }
            plain @ (Value::Null | Value::Bool(_) | Value::Number(_)) => plain.serialize(serializer),
        }
    }
}

/// In a list of hidden keys: whatever there is.
pub const EVERY_KEY: &str = "*";

const PREFIX: &str = "hmac-sha256:";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn digest_agrees_with_an_independent_hmac() {
        // python3: hmac.new(bytes(range(32)), b"hunter2", "sha256").hexdigest()
        let key: [u8; 32] = std::array::from_fn(|i| u8::try_from(i).unwrap());
        assert_eq!(Digester::new(&key).digest("hunter2"), EXPECTED);
    }

    fn redact(data: &Value, plain_keys: &[&str], digester: &Digester) -> Value {
        redact_hiding(data, plain_keys, &[], digester)
    }

    fn redact_hiding(data: &Value, plain_keys: &[&str], hidden_keys: &[&str], digester: &Digester) -> Value {
        serde_json::to_value(Redacted { data, plain_keys, hidden_keys, digester }).unwrap()
    }

    #[test]
    fn only_strings_are_replaced_at_any_depth() {
        let digester = Digester::new(&[7; 32]);
        let d = |text: &str| digester.digest(text);
        let redacted = redact(
            &json!({"a": "x", "b": [1, "y", {"c": "x", "d": true}], "e": null, "f": 1.5, "": ""}),
            &[],
            &digester,
        );
        assert_eq!(
            redacted,
            json!({"a": d("x"), "b": [1, d("y"), {"c": d("x"), "d": true}], "e": null, "f": 1.5, "": d("")})
        );
    }

    #[test]
    fn hidden_keys_leave_names_only() {
        let digester = Digester::new(&[7; 32]);
        let value =
            json!({"data": {"pin": 1234, "on": true, "none": null, "deep": [{"n": 1.5}]}, "version": 3});
        let digest = |text: &str| json!(digester.digest(text));
        let hidden = json!({"pin": digest("1234"), "on": digest("true"), "none": null, "deep": [{"n": digest("1.5")}]});
        let redacted = redact_hiding(&value, &["data"], &["data"], &digester);
        assert_eq!(redacted, json!({"data": hidden, "version": 3}));
        let everything = redact_hiding(&value, &[], &[EVERY_KEY], &digester);
        assert_eq!(everything["version"], digest("3"));
    }

    #[test]
    fn plain_keys_spare_only_strings_at_the_top() {
        let digester = Digester::new(&[7; 32]);
        let value = json!({"reason": "ticket 12", "password": "p", "deep": {"reason": "r"}});
        let redacted = redact(&value, &["reason", "deep"], &digester);
        assert_eq!(redacted["reason"], "ticket 12");
        assert_eq!(redacted["password"], digester.digest("p"));
        assert_eq!(redacted["deep"]["reason"], digester.digest("r"));
        let list = json!(["reason"]);
        assert_eq!(redact(&list, &["reason"], &digester), json!([digester.digest("reason")]));
    }

    #[test]
    fn another_key_gives_another_digest() {
        assert_ne!(Digester::new(&[1; 32]).digest("x"), Digester::new(&[2; 32]).digest("x"));
    }

    #[test]
    fn debug_shows_no_key() {
        assert_eq!(format!("{:?}", Digester::new(&[0xab; 32])), "Digester(redacted)");
    }

    const EXPECTED: &str = "hmac-sha256:8629d712da366318588317f3f98c728c71d4819f843d95db8803c019c561c1e7";
}
