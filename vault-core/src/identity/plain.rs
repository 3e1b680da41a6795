//! A token as its holder has it.

use std::fmt;

use data_encoding::BASE64URL_NOPAD;

use super::digest::TokenDigest;
use crate::entropy::{Entropy, base62};
use crate::secret::SecretString;

/// The secret text of a token. Shown once, when it is made; wiped when dropped; never stored.
pub struct PlainToken(SecretString);

impl PlainToken {
    /// Draws a new one: `hvs.` and 24 letters and digits, 142 bits of chance.
    #[must_use]
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self::prefixed(SERVICE_PREFIX, entropy)
    }

    /// Draws a new one of `length` characters: the usual form, or that of older vaults (`s.`); `None` for
    /// any other length.
    #[must_use]
    pub fn generate_of_length(length: usize, entropy: &dyn Entropy) -> Option<Self> {
        let prefix = [SERVICE_PREFIX, OLD_SERVICE_PREFIX];
        let prefix = prefix.into_iter().find(|prefix| prefix.len() + RANDOM_LENGTH == length);
        prefix.map(|prefix| Self::prefixed(prefix, entropy))
    }

    /// Whether a token that is drawn can have this length.
    #[must_use]
    pub fn is_length(length: usize) -> bool {
        [SERVICE_PREFIX, OLD_SERVICE_PREFIX].iter().any(|prefix| prefix.len() + RANDOM_LENGTH == length)
    }

    /// Random letters and digits, of which tokens are made; for pads of the same length.
    #[must_use]
    pub fn random_text(length: usize, entropy: &dyn Entropy) -> SecretString {
        SecretString::new(base62::random(length, entropy))
    }

    fn prefixed(prefix: &str, entropy: &dyn Entropy) -> Self {
        let random = SecretString::new(base62::random(RANDOM_LENGTH, entropy));
        let mut text = String::with_capacity(prefix.len() + RANDOM_LENGTH);
        text.push_str(prefix);
        text.push_str(random.expose());
        Self(SecretString::new(text))
    }

    /// The text of a batch token from its sealed record; `None` when it would be too long for a header.
    #[must_use]
    pub fn batch(sealed: &[u8]) -> Option<Self> {
        let text = format!("{BATCH_PREFIX}{}", BASE64URL_NOPAD.encode(sealed));
        Self::fits(&text).then(|| Self(SecretString::new(text)))
    }

    /// The sealed record that a batch token is; `None` for any other token.
    #[must_use]
    pub fn batch_body(&self) -> Option<Vec<u8>> {
        BASE64URL_NOPAD.decode(self.0.expose().strip_prefix(BATCH_PREFIX)?.as_bytes()).ok()
    }

    /// Whether it looks like a batch token.
    #[must_use]
    pub fn is_batch(&self) -> bool {
        self.0.expose().starts_with(BATCH_PREFIX)
    }

    /// Takes a token from a request's header; `None` when no token of any vault looks like it, so that
    /// nothing needs to be digested or looked up.
    #[must_use]
    pub fn presented(text: &str) -> Option<Self> {
        Self::fits(text).then(|| Self(SecretString::new(text.to_owned())))
    }

    /// Takes a text that an operator chose as a token; `None` when it could not be sent in a header.
    pub(super) fn chosen(text: SecretString) -> Option<Self> {
        Self::fits(text.expose()).then_some(Self(text))
    }

    /// Whether the text begins like one that the vault draws itself.
    pub(super) fn has_service_prefix(&self) -> bool {
        let text = self.0.expose();
        [SERVICE_PREFIX, OLD_SERVICE_PREFIX, BATCH_PREFIX].iter().any(|prefix| text.starts_with(prefix))
    }

    /// The text itself, for the one answer that shows it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// The digest under which the token's record is stored. `hmac_sha256` is HMAC-SHA256 under the
    /// keyring's token key.
    #[must_use]
    pub fn digest(&self, hmac_sha256: impl FnOnce(&[u8]) -> [u8; 32]) -> TokenDigest {
        TokenDigest::from_bytes(hmac_sha256(self.0.expose().as_bytes()))
    }

    fn fits(text: &str) -> bool {
        let is_batch = text.starts_with(BATCH_PREFIX);
        let most = if is_batch { BATCH_TOKEN_BYTES_MAX } else { PLAIN_TOKEN_BYTES_MAX };
        (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
    }
}

impl fmt::Debug for PlainToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlainToken(redacted)")
    }
}

/// Longest token text, in bytes, of any but a batch token.
pub const PLAIN_TOKEN_BYTES_MAX: usize = 255;
/// Longest batch token, in bytes: it must fit a header.
const BATCH_TOKEN_BYTES_MAX: usize = 6000;
const BATCH_PREFIX: &str = "hvb.";
const SERVICE_PREFIX: &str = "hvs.";
/// What Vault drew before 1.10, and OpenBao draws.
const OLD_SERVICE_PREFIX: &str = "s.";
const RANDOM_LENGTH: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    #[test]
    fn a_drawn_token_is_28_characters_and_stays_out_of_debug() {
        let token = PlainToken::generate(&SeededEntropy::new(3));
        assert_eq!(token.expose().len(), 28);
        let (prefix, random) = token.expose().split_at(4);
        assert_eq!(prefix, "hvs.");
        assert!(random.bytes().all(|b| b.is_ascii_alphanumeric()));
        assert!(!format!("{token:?}").contains(random));
    }

    #[test]
    fn texts_that_cannot_be_tokens_are_not_looked_up() {
        for text in ["", "a b", "a\n", "ключ", &"x".repeat(256)] {
            assert!(PlainToken::presented(text).is_none(), "{text:?}");
        }
        assert!(PlainToken::presented("root").is_some());
    }

    #[test]
    fn a_batch_token_is_its_sealed_record() {
        let token = PlainToken::batch(&[0xff; 300]).unwrap();
        assert!(token.is_batch() && token.has_service_prefix());
        assert_eq!(token.batch_body(), Some(vec![0xff; 300]));
        assert!(PlainToken::presented(token.expose()).is_some());
        assert!(PlainToken::batch(&[0; 5000]).is_none());
        for text in ["hvs.abc", "hvb.!", "hvb"] {
            assert_eq!(PlainToken::presented(text).unwrap().batch_body(), None, "{text}");
        }
    }

    #[test]
    fn the_digest_is_over_the_whole_text() {
        let digest = |text: &str| {
            PlainToken::presented(text).unwrap().digest(|message| {
                let mut out = [0; 32];
                for (to, from) in out.iter_mut().zip(message) {
                    *to = *from;
                }
                out
            })
        };
        assert_eq!(&digest("hvs.abc").as_bytes()[..8], b"hvs.abc\0");
        assert_ne!(digest("a"), digest("b"));
    }
}
