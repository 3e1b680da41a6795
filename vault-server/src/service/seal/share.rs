//! How people and programs write a share.

use data_encoding::{BASE64, BASE64_NOPAD, HEXLOWER_PERMISSIVE};
use vault_core::secret::SecretBytes;

/// A share in hex or base64, with or without padding; with the seal `passphrase` the text as it is. `None`
/// when it is neither.
#[must_use]
pub fn decode_share(text: &str, kind: &str) -> Option<SecretBytes> {
    if kind == "passphrase" {
        return Some(SecretBytes::new(text.as_bytes().to_vec()));
    }
    let trimmed = text.trim().as_bytes();
    HEXLOWER_PERMISSIVE
        .decode(trimmed)
        .or_else(|_| BASE64.decode(trimmed))
        .or_else(|_| BASE64_NOPAD.decode(trimmed))
        .ok()
        .map(SecretBytes::new)
}
