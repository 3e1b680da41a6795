//! Keyed digests that stand in for secret text.
//!
//! Equal texts give equal digests under one key, so an auditor can ask "who used this token" by hashing
//! it, but cannot read it back. Numbers, booleans, nulls and the names of fields stay as they are.

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use zeroize::Zeroizing;

/// Makes digests under one audit key.
pub struct Digester(Zeroizing<[u8; 32]>);

impl Digester {
    /// Uses `key`, which must be secret and stay the same for the life of the trail.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self(Zeroizing::new(*key))
    }

    /// `"hmac-sha256:" ‖ hex(HMAC-SHA-256[key](text))`
    ///
    /// RFC 2104 with the whole 32-byte tag, in the form that Vault's `sys/audit-hash` answers.
    #[must_use]
    pub fn digest(&self, text: &str) -> String {
        // HMAC accepts keys of any length, so this never fails for 32 bytes.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.as_slice()) else { return PREFIX.to_owned() };
        mac.update(text.as_bytes());
        format!("{PREFIX}{}", HEXLOWER.encode(&mac.finalize().into_bytes()))
    }
}

impl std::fmt::Debug for Digester {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Digester(redacted)")
    }
}

/// Replaces every string value inside `value` by its digest.
#[must_use]
pub fn redact(value: &Value, digester: &Digester) -> Value {
    match value {
        Value::String(text) => Value::String(digester.digest(text)),
        Value::Array(items) => Value::Array(items.iter().map(|item| redact(item, digester)).collect()),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, item)| (name.clone(), redact(item, digester))).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// As [`redact`], but string values directly under one of `plain_keys` stay readable.
///
/// What is under one of `hidden_keys` becomes digests down to the numbers.
/// For fields that exist to be read in the trail, such as the reason of a check-out. Only strings at the
/// top are spared; what lies deeper is digested under any name.
pub(super) fn redact_except(
    value: &Value,
    plain_keys: &[&str],
    hidden_keys: &[&str],
    digester: &Digester,
) -> Value {
    let Value::Object(fields) = value else { return redact(value, digester) };
    let redacted = |name: &str, item: &Value| {
        if hidden_keys.contains(&name) || hidden_keys.contains(&EVERY_KEY) {
            hide(item, digester)
        } else if item.is_string() && plain_keys.contains(&name) {
            item.clone()
        } else {
            redact(item, digester)
        }
    };
    Value::Object(fields.iter().map(|(name, item)| (name.clone(), redacted(name, item))).collect())
}

/// As [`redact`], but numbers and booleans become digests too: in a secret they are secret as well.
fn hide(value: &Value, digester: &Digester) -> Value {
    match value {
        Value::Bool(_) | Value::Number(_) => Value::String(digester.digest(&value.to_string())),
        Value::Array(items) => Value::Array(items.iter().map(|item| hide(item, digester)).collect()),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, item)| (name.clone(), hide(item, digester))).collect())
        }
        Value::String(_) | Value::Null => redact(value, digester),
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

    #[test]
    fn only_strings_are_replaced_at_any_depth() {
        let digester = Digester::new(&[7; 32]);
        let d = |text: &str| digester.digest(text);
        let redacted = redact(
            &json!({"a": "x", "b": [1, "y", {"c": "x", "d": true}], "e": null, "f": 1.5, "": ""}),
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
            json!({"data": {"pin": 1234, "on": true, "none": null, "deep": [{"n": 1.50}]}, "version": 3});
        let digest = |text: &str| json!(digester.digest(text));
        let hidden = json!({"pin": digest("1234"), "on": digest("true"), "none": null, "deep": [{"n": digest("1.50")}]});
        let redacted = redact_except(&value, &["data"], &["data"], &digester);
        assert_eq!(redacted, json!({"data": hidden, "version": 3}));
        let everything = redact_except(&value, &[], &[EVERY_KEY], &digester);
        assert_eq!(everything["version"], digest("3"));
    }

    #[test]
    fn plain_keys_spare_only_strings_at_the_top() {
        let digester = Digester::new(&[7; 32]);
        let value = json!({"reason": "ticket 12", "password": "p", "deep": {"reason": "r"}});
        let redacted = redact_except(&value, &["reason", "deep"], &[], &digester);
        assert_eq!(redacted["reason"], "ticket 12");
        assert_eq!(redacted["password"], digester.digest("p"));
        assert_eq!(redacted["deep"]["reason"], digester.digest("r"));
        let list = json!(["reason"]);
        assert_eq!(redact_except(&list, &["reason"], &[], &digester), json!([digester.digest("reason")]));
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
