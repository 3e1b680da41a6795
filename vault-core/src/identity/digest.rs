//! What the vault keeps of a token.

use std::fmt;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

/// `HMAC-SHA256(token key, token text)`: the name under which a token's record is stored.
///
/// Whoever reads the store without the key can neither use a token nor test a guess.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TokenDigest([u8; TOKEN_DIGEST_BYTES]);

impl TokenDigest {
    /// From the bytes of a stored key.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; TOKEN_DIGEST_BYTES]) -> Self {
        Self(bytes)
    }

    /// From a slice of a stored key; `None` when it has another length.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The bytes, for a stored key.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; TOKEN_DIGEST_BYTES] {
        &self.0
    }

    /// The first bytes in hex: tells tokens apart in logs and nothing more.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let shown = self.0.first_chunk::<FINGERPRINT_BYTES>().map_or(&[] as &[u8], |head| head);
        HEXLOWER.encode(shown)
    }
}

impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenDigest({}…)", self.fingerprint())
    }
}

impl From<TokenDigest> for String {
    fn from(digest: TokenDigest) -> Self {
        HEXLOWER.encode(&digest.0)
    }
}

impl TryFrom<String> for TokenDigest {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| "not a token digest")?;
        Self::from_slice(&bytes).ok_or("not a token digest")
    }
}

/// Bytes of a digest.
pub(super) const TOKEN_DIGEST_BYTES: usize = 32;
const FINGERPRINT_BYTES: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_a_fingerprint_only() {
        let shown = format!("{:?}", TokenDigest::from_bytes([0xab; 32]));
        assert_eq!(shown, "TokenDigest(abababab…)");
    }

    #[test]
    fn a_digest_survives_its_stored_forms() {
        let digest = TokenDigest::from_bytes([7; 32]);
        assert_eq!(TokenDigest::from_slice(digest.as_bytes()), Some(digest));
        assert_eq!(TokenDigest::from_slice(&[7; 31]), None);
        let json = serde_json::to_string(&digest).unwrap();
        assert_eq!(serde_json::from_str::<TokenDigest>(&json).unwrap(), digest);
        assert!(serde_json::from_str::<TokenDigest>("\"0707\"").is_err());
    }
}
