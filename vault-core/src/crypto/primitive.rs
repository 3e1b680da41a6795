//! The primitives by themselves, with every input explicit.
//!
//! Exists only so that published vectors run against the very functions that seal records. Not compiled
//! into a shipped binary: a caller who chooses nonces can repeat one.

use super::{Argon2Cost, Suite, aead, kdf};

/// `ciphertext ‖ tag` of `plaintext` under an explicit nonce of the suite's length.
#[must_use]
pub fn encrypt(suite: Suite, key: &[u8; 32], nonce: &[u8], aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    aead::encrypt_append(suite, key, nonce, aad, plaintext, &mut out);
    out
}

/// The plaintext of `ciphertext ‖ tag`; `None` when it is not authentic.
#[must_use]
pub fn decrypt(suite: Suite, key: &[u8; 32], nonce: &[u8], aad: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    aead::decrypt(suite, key, nonce, aad, sealed).ok().map(|plaintext| plaintext.to_vec())
}

/// `HKDF-SHA-256`, `length` bytes (at most 8160).
#[must_use]
pub fn hkdf_sha256(salt: &[u8], ikm: &[u8], info: &[u8], length: usize) -> Vec<u8> {
    let mut out = vec![0; length];
    kdf::hkdf_sha256_any(salt, ikm, info, &mut out);
    out
}

/// `HMAC-SHA-256[key](message)`.
#[must_use]
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    kdf::hmac_sha256(key, message)
}

/// `Argon2id` (version 0x13), `length` bytes; `None` when the inputs or the memory do not fit.
#[must_use]
pub fn argon2id(passphrase: &[u8], salt: &[u8], cost: Argon2Cost, length: usize) -> Option<Vec<u8>> {
    let mut out = vec![0; length];
    kdf::argon2id_any(passphrase, salt, cost, &mut out).ok().map(|()| out)
}
