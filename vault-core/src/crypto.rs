//! Keys and sealed records.
//!
//! ```text
//!   unseal key ─wraps─► RootKey ─seals─► Keyring ┬ generation 1..n ─wraps─► DataKey ─encrypts─► one record
//!                                                └ purpose keys: integrity, audit, tokens, signing
//! ```
//!
//! Two ciphers, named in each record's header byte: XChaCha20-Poly1305 (the default) and AES-256-GCM.
//! Every write draws a fresh data key; the associated data names the record's place ([`Place`]), so a
//! ciphertext that was moved, swapped, renamed or rolled back does not open. The bytes are drawn in
//! `docs/formats.md`.
//!
//! Nothing here reads a clock or an ambient generator, and a failed decryption never says why it failed.

mod aead;
mod decode;
mod envelope;
pub mod hash;
mod kdf;
mod key;
mod keyring;
mod place;
mod record;
mod suite;

pub use kdf::{Argon2Cost, CostError};
pub use key::{PurposeKey, RootKey};
pub use keyring::{
    DropError, GENERATIONS_MAX, Generation, GenerationInfo, Keyring, KeyringError, TooManyGenerations,
};
pub use place::Place;
pub use record::OpenError;
pub use suite::Suite;

pub(crate) use decode::{Decoder, Malformed};
pub(crate) use envelope::{Refused, envelope_bytes, open_envelope, seal_envelope};
pub(crate) use kdf::argon2id;
pub(crate) use key::{Key, UnsealKey};

/// The primitives by themselves, with every input explicit, for published test vectors.
#[cfg(feature = "test-support")]
pub mod primitive;
