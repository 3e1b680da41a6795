//! Small secrets sealed by a long-lived key: the root key by the unseal key, the keyring by the root key.
//!
//! ```text
//!   suite (1) ‖ XChaCha20-Poly1305: nonce (24) ‖ ciphertext ‖ tag (16)
//!             ‖ AES-256-GCM:        salt (32)  ‖ ciphertext ‖ tag (16)
//! ```
//!
//! The salt or nonce is the only randomness per use, so its length carries the argument: see [`wrap`].

use zeroize::Zeroizing;

pub(crate) use super::aead::Refused;
use super::aead::{decrypt, encrypt_append};
use super::kdf::hkdf_sha256;
use super::key::{DerivedKey, GenerationKey, Key};
use super::suite::{Suite, TAG_BYTES};
use crate::entropy::{Entropy, random_bytes};

/// `suite ‖ wrap[key](aad, secret)`: a sealed secret that names its cipher.
pub(crate) fn seal_envelope(
    suite: Suite,
    key: &[u8; 32],
    aad: &[u8],
    secret: &[u8],
    entropy: &dyn Entropy,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(envelope_bytes(suite, secret.len()));
    out.push(suite.byte());
    wrap(WrappingKey::of(suite, key), aad, secret, entropy, &mut out);
    out
}

/// The secret in an envelope.
///
/// An unknown suite is refused like any alteration: the byte stands in the open, so it proves nothing.
pub(crate) fn open_envelope(
    key: &[u8; 32],
    aad: &[u8],
    envelope: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Refused> {
    let (suite, wrapped) = envelope.split_first().ok_or(Refused)?;
    let suite = Suite::from_byte(*suite).ok_or(Refused)?;
    unwrap(WrappingKey::of(suite, key), aad, wrapped)
}

/// Length of an envelope around `secret` bytes.
pub(crate) const fn envelope_bytes(suite: Suite, secret: usize) -> usize {
    1 + wrapped_bytes(suite, secret)
}

/// Length of [`wrap`]'s output for `secret` bytes.
pub(super) const fn wrapped_bytes(suite: Suite, secret: usize) -> usize {
    let random = match suite {
        Suite::Aes256Gcm => SALT_BYTES,
        Suite::XChaCha20Poly1305 => Suite::XChaCha20Poly1305.nonce_bytes(),
    };
    random + secret + TAG_BYTES
}

/// A long-lived key in the role that a suite gives it.
#[derive(Clone, Copy)]
pub(super) enum WrappingKey<'a> {
    /// Encrypts by itself.
    XChaCha(&'a [u8; 32]),
    /// Yields one key per salt.
    AesInput(&'a [u8; 32]),
}

impl<'a> WrappingKey<'a> {
    /// The role of a key that serves one suite only.
    const fn of(suite: Suite, key: &'a [u8; 32]) -> Self {
        match suite {
            Suite::Aes256Gcm => Self::AesInput(key),
            Suite::XChaCha20Poly1305 => Self::XChaCha(key),
        }
    }

    /// The wrapping key of a generation for `suite`.
    pub(super) fn of_generation(suite: Suite, key: &'a GenerationKey) -> Self {
        match suite {
            Suite::Aes256Gcm => Self::AesInput(key.aes_input().expose()),
            Suite::XChaCha20Poly1305 => Self::XChaCha(key.xchacha().expose()),
        }
    }
}

/// `wrap[key](aad, secret)`, appended to `out`.
///
/// XChaCha20-Poly1305: a random 192-bit nonce. After 2^64 wraps under one key the chance that any two
/// nonces met is below 2^-64.
///
/// AES-256-GCM: its 96-bit nonce is too short to be random under a long-lived key (NIST SP 800-38D
/// stops at 2^32 uses). So each wrap has its own key, HKDF-SHA-256 of the long-lived key with a random
/// 256-bit salt, used once with the zero nonce. Key and nonce repeat only if a salt does: below 2^-128
/// after 2^64 wraps.
pub(super) fn wrap(
    key: WrappingKey<'_>,
    aad: &[u8],
    secret: &[u8],
    entropy: &dyn Entropy,
    out: &mut Vec<u8>,
) {
    match key {
        WrappingKey::XChaCha(key) => {
            let nonce = random_bytes::<24>(entropy);
            out.extend_from_slice(&nonce);
            encrypt_append(Suite::XChaCha20Poly1305, key, &nonce, aad, secret, out);
        }
        WrappingKey::AesInput(key) => {
            let salt = random_bytes::<SALT_BYTES>(entropy);
            out.extend_from_slice(&salt);
            encrypt_append(Suite::Aes256Gcm, key_of_salt(key, &salt).expose(), &ZERO_NONCE, aad, secret, out);
        }
    }
}

/// The secret that [`wrap`] wrapped.
pub(super) fn unwrap(
    key: WrappingKey<'_>,
    aad: &[u8],
    wrapped: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Refused> {
    match key {
        WrappingKey::XChaCha(key) => {
            let (nonce, sealed) = wrapped.split_first_chunk::<24>().ok_or(Refused)?;
            decrypt(Suite::XChaCha20Poly1305, key, nonce, aad, sealed)
        }
        WrappingKey::AesInput(key) => {
            let (salt, sealed) = wrapped.split_first_chunk::<SALT_BYTES>().ok_or(Refused)?;
            decrypt(Suite::Aes256Gcm, key_of_salt(key, salt).expose(), &ZERO_NONCE, aad, sealed)
        }
    }
}

fn key_of_salt(key: &[u8; 32], salt: &[u8; SALT_BYTES]) -> DerivedKey {
    DerivedKey::build(|out| hkdf_sha256(salt, key, INFO_WRAP, out))
}

const SALT_BYTES: usize = 32;
/// Fixed, since the key above it is used once.
const ZERO_NONCE: [u8; 12] = [0; 12];
const INFO_WRAP: &[u8] = b"rotunda v1 wrap aes-256-gcm";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    #[test]
    fn an_envelope_opens_with_its_key_and_aad_alone() {
        let entropy = SeededEntropy::new(1);
        for suite in Suite::ALL {
            let sealed = seal_envelope(suite, &[7; 32], b"purpose", b"secret", &entropy);
            assert_eq!(sealed.len(), envelope_bytes(suite, 6));
            assert_eq!(open_envelope(&[7; 32], b"purpose", &sealed).unwrap().as_slice(), b"secret");
            assert_eq!(open_envelope(&[8; 32], b"purpose", &sealed), Err(Refused));
            assert_eq!(open_envelope(&[7; 32], b"another", &sealed), Err(Refused));
        }
    }

    #[test]
    fn every_flipped_bit_and_every_cut_of_an_envelope_is_refused() {
        let entropy = SeededEntropy::new(2);
        for suite in Suite::ALL {
            let sealed = seal_envelope(suite, &[7; 32], b"", b"secret", &entropy);
            for bit in 0..sealed.len() * 8 {
                let mut altered = sealed.clone();
                altered[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(open_envelope(&[7; 32], b"", &altered), Err(Refused), "bit {bit}");
            }
            for length in 0..sealed.len() {
                assert_eq!(open_envelope(&[7; 32], b"", &sealed[..length]), Err(Refused), "length {length}");
            }
        }
    }

    #[test]
    fn two_wraps_of_one_secret_share_no_bytes() {
        let entropy = SeededEntropy::new(3);
        for suite in Suite::ALL {
            let one = seal_envelope(suite, &[7; 32], b"", &[0; 32], &entropy);
            let two = seal_envelope(suite, &[7; 32], b"", &[0; 32], &entropy);
            let same = one.iter().zip(&two).skip(1).filter(|(a, b)| a == b).count();
            assert!(same < 8, "{same} equal bytes");
        }
    }
}
