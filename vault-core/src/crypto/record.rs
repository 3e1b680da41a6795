//! A sealed record: one version of one value, encrypted under its own data key.
//!
//! ```text
//!    0  1   format = 1
//!    1  1   suite
//!    2  4   key generation, big endian
//!    6  w   data key, wrapped by the generation: 72 bytes (XChaCha20-Poly1305) or 80 (AES-256-GCM)
//!    .  n   nonce: 24 or 12 bytes
//!    .  .   ciphertext, as long as the plaintext
//!    .  16  tag
//! ```
//!
//! The first six bytes and the record's [`Place`] are associated data of both the wrapped key and the
//! body. A data key encrypts one message, so its nonce could even be fixed; it is random all the same.

use super::aead::{Refused, decrypt, encrypt_append};
use super::decode::{Decoder, Malformed};
use super::envelope::{WrappingKey, unwrap, wrap, wrapped_bytes};
use super::key::{DataKey, GenerationKey, KEY_BYTES, Key};
use super::keyring::Generation;
use super::place::Place;
use super::suite::{Suite, TAG_BYTES};
use crate::entropy::Entropy;
use crate::secret::SecretBytes;

/// Why a sealed record was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The bytes end before the smallest record does: the store lost some, or it is no sealed record.
    #[error("the sealed record is too short")]
    TooShort,
    /// Written by a newer version of Rotunda, or damaged in its first byte.
    #[error("the sealed record has format {0}, which this version does not read")]
    UnknownFormat(u8),
    /// Written by a newer version of Rotunda, or damaged in its second byte.
    #[error("the sealed record names cipher {0}, which this version does not know")]
    UnknownSuite(u8),
    /// The keyring in use has no such generation: it was dropped, or the keyring is older than the record.
    #[error("the sealed record needs key generation {0}, which the keyring does not hold")]
    UnknownGeneration(Generation),
    /// The record was altered, stands in another's place, or belongs to another keyring. There is one
    /// answer for all of these, on purpose.
    #[error("the sealed record does not open")]
    Refused,
}

impl From<Refused> for OpenError {
    fn from(_: Refused) -> Self {
        Self::Refused
    }
}

/// The six bytes that say how to open the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) suite: Suite,
    pub(super) generation: Generation,
}

impl Header {
    /// Reads the header and gives the rest.
    pub(super) fn parse(sealed: &[u8]) -> Result<(Self, &[u8]), OpenError> {
        let mut decoder = Decoder::new(sealed);
        let cut = |_: Malformed| OpenError::TooShort;
        let format = decoder.u8().map_err(cut)?;
        if format != FORMAT {
            return Err(OpenError::UnknownFormat(format));
        }
        let suite = decoder.u8().map_err(cut)?;
        let suite = Suite::from_byte(suite).ok_or(OpenError::UnknownSuite(suite))?;
        let generation = Generation::from_number(decoder.u32().map_err(cut)?);
        Ok((Self { suite, generation }, decoder.rest()))
    }

    fn to_bytes(self) -> [u8; HEADER_BYTES] {
        let [a, b, c, d] = self.generation.number().to_be_bytes();
        [FORMAT, self.suite.byte(), a, b, c, d]
    }
}

/// `header ‖ wrap[generation](data key) ‖ nonce ‖ AEAD[data key](place, plaintext)`
pub(super) fn seal(
    header: Header,
    key: &GenerationKey,
    place: &Place<'_>,
    plaintext: &[u8],
    entropy: &dyn Entropy,
) -> Vec<u8> {
    let suite = header.suite;
    let nonce_bytes = suite.nonce_bytes();
    let length = HEADER_BYTES + wrapped_bytes(suite, KEY_BYTES) + nonce_bytes + plaintext.len() + TAG_BYTES;
    let mut out = Vec::with_capacity(length);
    out.extend_from_slice(&header.to_bytes());
    let aad = place.associated_data(&header.to_bytes());

    let data_key = DataKey::generate(entropy);
    wrap(WrappingKey::of_generation(suite, key), &aad, data_key.expose(), entropy, &mut out);

    let mut nonce = [0; NONCE_BYTES_MAX];
    let (nonce, _) = nonce.split_at_mut(nonce_bytes);
    entropy.fill(nonce);
    out.extend_from_slice(nonce);
    encrypt_append(suite, data_key.expose(), nonce, &aad, plaintext, &mut out);
    out
}

/// The plaintext of a record whose header was parsed; `body` is what follows the header.
pub(super) fn open(
    header: Header,
    key: &GenerationKey,
    place: &Place<'_>,
    body: &[u8],
) -> Result<SecretBytes, OpenError> {
    let suite = header.suite;
    let mut decoder = Decoder::new(body);
    let cut = |_: Malformed| OpenError::TooShort;
    let wrapped = decoder.take(wrapped_bytes(suite, KEY_BYTES)).map_err(cut)?;
    let nonce = decoder.take(suite.nonce_bytes()).map_err(cut)?;
    let sealed = decoder.rest();
    if sealed.len() < TAG_BYTES {
        return Err(OpenError::TooShort);
    }

    let aad = place.associated_data(&header.to_bytes());
    let data_key = unwrap(WrappingKey::of_generation(suite, key), &aad, wrapped)?;
    let data_key = DataKey::from_slice(&data_key).ok_or(OpenError::Refused)?;
    let mut plaintext = decrypt(suite, data_key.expose(), nonce, &aad, sealed)?;
    Ok(SecretBytes::new(std::mem::take(&mut *plaintext)))
}

const FORMAT: u8 = 1;
const HEADER_BYTES: usize = 6;
const NONCE_BYTES_MAX: usize = 24;
