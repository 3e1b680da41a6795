//! The keyed set hash over all records, and the head record that carries it.
//!
//! Each record contributes `HMAC-SHA256(element key, len(key) ‖ key ‖ revision ‖ SHA-256(bytes))`, read as
//! a number; the contributions are added modulo 2^256, so a commit moves the sum by what it changes and
//! nothing else needs to be read. This is the additive multiset hash of Clarke, Devadas, van Dijk,
//! Gassend and Suh ("Incremental Multiset Hash Functions", ASIACRYPT 2003).
//!
//! The sum must stay hidden as well as authentic: the difference of two exposed sums is the difference of
//! two contributions, and with enough of them an attacker solves for a combination of records that adds up
//! to the same sum. So the head is encrypted (XChaCha20-Poly1305, a random nonce for each commit), which
//! takes the place of the random mask in the paper.

use std::fmt;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::error::StoreError;
use super::record;
use super::sum::Sum;
use crate::entropy::{Entropy, random_bytes};

/// Where the store stands: what every acknowledged commit moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The number of the last commit (a transaction of the engine, which may carry many batches).
    pub commit: u64,
    /// How many records the store holds, its own head record not counted.
    pub records: u64,
}

/// What the head record says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    /// The sum of all contributions.
    pub(crate) sum: Sum,
    /// How many records, and at which commit.
    pub(crate) position: Position,
}

impl Head {
    /// The head of a store without records.
    pub(crate) const EMPTY: Self = Self { sum: Sum::ZERO, position: Position { commit: 0, records: 0 } };

    /// The head after one record went from `old` to `new`.
    pub(crate) fn replace(
        self,
        keys: &IntegrityKeys,
        key: &[u8],
        old: Option<&[u8]>,
        new: Option<&[u8]>,
    ) -> Result<Self, StoreError> {
        let mut head = self;
        if let Some(raw) = old {
            head.sum = head.sum.minus(keys.element(key, raw)?);
            head.position.records = head.position.records.saturating_sub(1);
        }
        if let Some(raw) = new {
            head.sum = head.sum.plus(keys.element(key, raw)?);
            head.position.records = head.position.records.saturating_add(1);
        }
        Ok(head)
    }

    fn to_bytes(self) -> [u8; PLAIN_BYTES] {
        let mut out = [0; PLAIN_BYTES];
        let fields = self.sum.to_bytes().into_iter();
        let fields = fields.chain(self.position.records.to_be_bytes());
        for (to, byte) in out.iter_mut().zip(fields.chain(self.position.commit.to_be_bytes())) {
            *to = byte;
        }
        out
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (sum, rest) = bytes.split_first_chunk::<32>()?;
        let (records, rest) = rest.split_first_chunk::<8>()?;
        let (commit, rest) = rest.split_first_chunk::<8>()?;
        let position =
            Position { commit: u64::from_be_bytes(*commit), records: u64::from_be_bytes(*records) };
        rest.is_empty().then(|| Self { sum: Sum::from_bytes(*sum), position })
    }
}

/// The two keys derived from the integrity key; wiped on drop.
pub(crate) struct IntegrityKeys {
    element: Zeroizing<[u8; 32]>,
    head: Zeroizing<[u8; 32]>,
}

impl fmt::Debug for IntegrityKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IntegrityKeys(redacted)")
    }
}

impl IntegrityKeys {
    /// `HKDF-SHA256(integrity key, info)` (RFC 5869), one key for each use.
    pub(crate) fn derive(integrity_key: &[u8; 32]) -> Self {
        let hkdf = Hkdf::<Sha256>::new(None, integrity_key);
        let expand = |info: &[u8]| {
            let mut out = Zeroizing::new([0; 32]);
            // 32 bytes is one block of the 255 that HKDF allows, so this cannot fail; were it to, a key of
            // zeroes must not be used.
            if hkdf.expand(info, out.as_mut_slice()).is_err() {
                std::process::abort();
            }
            out
        };
        Self { element: expand(b"rotunda store element v1"), head: expand(b"rotunda store head v1") }
    }

    /// `HMAC-SHA256[element key](len(key) ‖ key ‖ revision ‖ SHA-256(bytes))`, RFC 2104.
    ///
    /// The key is the only field of variable length and carries its length, so two records never make the
    /// same message.
    pub(crate) fn element(&self, key: &[u8], raw: &[u8]) -> Result<Sum, StoreError> {
        let (revision, bytes) = record::split(raw).ok_or(StoreError::Malformed)?;
        let key_bytes = u32::try_from(key.len()).map_err(|_| StoreError::Malformed)?;
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(self.element.as_slice())
            .map_err(|_| StoreError::Malformed)?;
        mac.update(&key_bytes.to_be_bytes());
        mac.update(key);
        mac.update(&revision.to_be_bytes());
        mac.update(&Sha256::digest(bytes));
        Ok(Sum::from_bytes(mac.finalize().into_bytes().into()))
    }

    /// `seal[head key](version, head)`: version byte ‖ nonce (24) ‖ ciphertext and tag (64).
    ///
    /// A random 24-byte nonce for each commit: at 2^48 commits the chance of a repeat stays below 2^-97.
    pub(crate) fn seal(&self, head: Head, entropy: &dyn Entropy) -> Result<Vec<u8>, StoreError> {
        let nonce: [u8; NONCE_BYTES] = random_bytes(entropy);
        let plain = Zeroizing::new(head.to_bytes());
        let payload = Payload { msg: plain.as_slice(), aad: AAD };
        let sealed = self.cipher()?.encrypt(&XNonce::from(nonce), payload);
        let mut out = vec![VERSION];
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&sealed.map_err(|_| StoreError::HeadRefused)?);
        Ok(out)
    }

    /// Opens a head record; every failure looks the same.
    pub(crate) fn open(&self, sealed: &[u8]) -> Result<Head, StoreError> {
        let (version, rest) = sealed.split_first().ok_or(StoreError::HeadRefused)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(StoreError::HeadRefused)?;
        if *version != VERSION {
            return Err(StoreError::HeadRefused);
        }
        let payload = Payload { msg: sealed, aad: AAD };
        let plain = self.cipher()?.decrypt(&XNonce::from(*nonce), payload);
        let plain = Zeroizing::new(plain.map_err(|_| StoreError::HeadRefused)?);
        Head::from_bytes(&plain).ok_or(StoreError::HeadRefused)
    }

    fn cipher(&self) -> Result<XChaCha20Poly1305, StoreError> {
        XChaCha20Poly1305::new_from_slice(self.head.as_slice()).map_err(|_| StoreError::HeadRefused)
    }
}

/// The raw key of the head record. Byte 0 is no table, so no batch can name it.
pub(crate) const HEAD_KEY: &[u8] = b"\0head";

const VERSION: u8 = 1;
const NONCE_BYTES: usize = 24;
const PLAIN_BYTES: usize = 48;
const AAD: &[u8] = b"rotunda store head\x01";
