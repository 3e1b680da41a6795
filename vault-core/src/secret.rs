//! Secret material in memory: wiped when dropped, redacted in `Debug`, never serialised by accident.
//!
//! There is no `Serialize`, no `Display`, no `PartialEq` and no `Clone` by derive. Bytes leave only
//! through `expose`, and records that are about to be sealed say so with [`for_sealing`].

use std::fmt;

use serde_json::Value;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// Secret bytes, wiped on drop.
pub struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// Takes over `bytes`; the caller's buffer becomes the secret, without a copy.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes themselves. The name marks every place where a secret is looked at.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Compares in constant time (for equal lengths).
    #[must_use]
    pub fn ct_eq(&self, other: &[u8]) -> bool {
        self.0.as_slice().ct_eq(other).into()
    }

    /// A second copy, wiped on its own drop.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self(self.0.clone())
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes(redacted)")
    }
}

/// Secret text (a password, a token), wiped on drop.
pub struct SecretString(Zeroizing<String>);

impl SecretString {
    /// Takes over `text`, without a copy.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// From UTF-8 bytes.
    ///
    /// # Errors
    /// [`NotUtf8`] when the bytes are not text; they are wiped.
    pub fn from_utf8(bytes: Vec<u8>) -> Result<Self, NotUtf8> {
        String::from_utf8(bytes).map(Self::new).map_err(|error| {
            error.into_bytes().zeroize();
            NotUtf8
        })
    }

    /// The text itself. The name marks every place where a secret is looked at.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Compares in constant time (for equal lengths).
    #[must_use]
    pub fn ct_eq(&self, other: &str) -> bool {
        self.0.as_bytes().ct_eq(other.as_bytes()).into()
    }

    /// A second copy, wiped on its own drop.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self(self.0.clone())
    }
}

impl fmt::Debug for SecretString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretString(redacted)")
    }
}

/// The bytes are not UTF-8 text.
#[derive(Debug, thiserror::Error)]
#[error("the secret is not valid UTF-8")]
pub struct NotUtf8;

/// Wipes every text in `value`. Its numbers and the names of its fields stay: they cannot be reached for that.
pub fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(map) => map.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Serde for secrets inside a record that is encrypted before it leaves memory.
///
/// Use only as `#[serde(with = "crate::secret::for_sealing")]` on a field of a sealed record.
pub mod for_sealing {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::SecretString;

    /// Writes the text into the plaintext of a record.
    ///
    /// # Errors
    /// What the serializer reports.
    pub fn serialize<S: Serializer>(secret: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(secret.expose())
    }

    /// Reads the text from the plaintext of a record.
    ///
    /// # Errors
    /// What the deserializer reports.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
        String::deserialize(deserializer).map(SecretString::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_the_secret() {
        let shown =
            format!("{:?} {:?}", SecretBytes::new(b"hunter2".to_vec()), SecretString::new("hunter2".into()));
        assert!(!shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn comparison_needs_equal_contents() {
        let secret = SecretString::new("hunter2".into());
        assert!(secret.ct_eq("hunter2"));
        assert!(!secret.ct_eq("hunter3"));
        assert!(!secret.ct_eq("hunter22"));
    }
}
