//! Tokens, accessors and digests as callers and records write them.

use vault_core::clock::Timestamp;
use vault_core::crypto::Keyring;
use vault_core::entropy::SeededEntropy;
use vault_core::identity::{Accessor, PlainToken, TokenDigest};

/// Presents `data` as a token, and takes it for the sealed record of a batch token.
pub fn run(data: &[u8]) {
    let entropy = SeededEntropy::new(1);
    let keyring = Keyring::generate(Timestamp::EPOCH, &entropy);
    match PlainToken::batch(data) {
        Some(token) => {
            assert_eq!(token.batch_body().as_deref(), Some(data));
            assert!(PlainToken::presented(token.expose()).is_some(), "what is handed out is taken back");
        }
        None => assert!(data.len() > 4000),
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Some(token) = PlainToken::presented(text) {
        assert!(token.expose() == text && text.bytes().all(|byte| byte.is_ascii_graphic()));
        if let Some(sealed) = token.batch_body() {
            // One spelling of each: nothing can be added to a token that is still taken for it.
            assert_eq!(PlainToken::batch(&sealed).map(|again| again.expose() == text), Some(true));
            if let Some(record) = keyring.open_batch_token(&sealed) {
                assert_eq!(keyring.seal_batch_token(&record, &entropy).len(), sealed.len());
            }
        }
        assert!(!format!("{token:?}").contains(text) || "PlainToken(redacted)".contains(text));
    }
    if let Some(accessor) = Accessor::parse(text) {
        assert!(accessor.as_str() == text && text.len() == 24);
    }
    if let Ok(digest) = TokenDigest::try_from(text.to_owned()) {
        assert_eq!(String::from(digest), text);
    }
}
