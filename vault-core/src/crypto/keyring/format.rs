//! The keyring as it is stored, sealed by the root key.
//!
//! ```text
//!   sealed: suite (1) ‖ nonce (24) or salt (32) ‖ ciphertext ‖ tag (16), see `envelope`
//!   inside:
//!     0   1   format = 1
//!     1  32   integrity key
//!    33  32   audit key
//!    65  32   token key
//!    97  32   audit signing seed
//!   129   2   number of generations, big endian, 1 to 4096
//!   131   .   44 bytes for each, ascending: number (4) ‖ created at (8, milliseconds) ‖ key (32)
//! ```
//!
//! The last generation is the active one.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::{GENERATIONS_MAX, Generation, GenerationInfo, Held, Keyring, Purposes};
use crate::crypto::key::{GenerationKey, GenerationSecret, Key, PurposeKey};
use crate::crypto::{Decoder, Malformed, Refused, RootKey, Suite, open_envelope, seal_envelope};
use crate::entropy::Entropy;
use crate::id::ClusterId;

/// Why a stored keyring was not loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyringError {
    /// It was altered, or belongs to another vault or root key. One answer for all of these.
    #[error("the stored keyring does not open")]
    Refused,
    /// Written by a newer version of Rotunda.
    #[error("the stored keyring has format {0}, which this version does not read")]
    UnknownFormat(u8),
    /// Authentic, yet not a keyring: a fault of the version that wrote it.
    #[error("the stored keyring is malformed")]
    Malformed,
}

impl From<Refused> for KeyringError {
    fn from(_: Refused) -> Self {
        Self::Refused
    }
}

impl From<Malformed> for KeyringError {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

impl Keyring {
    /// The keyring as it is stored, sealed by `root` for the vault `cluster`.
    pub(crate) fn to_sealed(&self, root: &RootKey, cluster: ClusterId, entropy: &dyn Entropy) -> Vec<u8> {
        let aad = associated_data(cluster);
        seal_envelope(Suite::default(), root.expose(), &aad, &self.encode(), entropy)
    }

    /// The keyring that [`to_sealed`](Self::to_sealed) stored.
    pub(crate) fn from_sealed(
        root: &RootKey,
        cluster: ClusterId,
        sealed: &[u8],
    ) -> Result<Self, KeyringError> {
        Self::decode(&open_envelope(root.expose(), &associated_data(cluster), sealed)?)
    }

    /// The stored form in the open, for golden files. Never in a shipped binary.
    #[cfg(feature = "test-support")]
    #[must_use]
    pub fn danger_plaintext(&self) -> Zeroizing<Vec<u8>> {
        self.encode()
    }

    /// A keyring from its stored form in the open, for fuzzing the decoder. Never in a shipped binary.
    ///
    /// # Errors
    /// [`KeyringError`] by cause.
    #[cfg(feature = "test-support")]
    pub fn danger_from_plaintext(bytes: &[u8]) -> Result<Self, KeyringError> {
        Self::decode(bytes)
    }

    fn encode(&self) -> Zeroizing<Vec<u8>> {
        let count = self.older.len() + 1;
        // Reserved in full, so that no half-written copy is left behind by growing.
        let mut out = Zeroizing::new(Vec::with_capacity(FIXED_BYTES + count * HELD_BYTES));
        out.push(FORMAT);
        let Purposes { integrity, audit, token, audit_signing } = &*self.purposes;
        for key in [integrity, audit, token, audit_signing] {
            out.extend_from_slice(key.expose());
        }
        out.extend_from_slice(&u16::try_from(count).unwrap_or(u16::MAX).to_be_bytes());
        for Held { info, key } in self.held() {
            out.extend_from_slice(&info.number.number().to_be_bytes());
            out.extend_from_slice(&info.created_at.as_millis().to_be_bytes());
            out.extend_from_slice(key.secret().expose());
        }
        out
    }

    fn decode(bytes: &[u8]) -> Result<Self, KeyringError> {
        let mut decoder = Decoder::new(bytes);
        let format = decoder.u8()?;
        if format != FORMAT {
            return Err(KeyringError::UnknownFormat(format));
        }
        let purposes = Purposes {
            integrity: purpose(&mut decoder)?,
            audit: purpose(&mut decoder)?,
            token: purpose(&mut decoder)?,
            audit_signing: purpose(&mut decoder)?,
        };
        let count = usize::from(decoder.u16()?);
        if count > GENERATIONS_MAX {
            return Err(KeyringError::Malformed);
        }
        let mut older = Vec::new();
        for _ in 0..count {
            older.push(Arc::new(held(&mut decoder)?));
        }
        decoder.end()?;
        if !older.is_sorted_by(|one, next| one.info.number < next.info.number) {
            return Err(KeyringError::Malformed);
        }
        let active = older.pop().ok_or(KeyringError::Malformed)?;
        Ok(Self { purposes: Arc::new(purposes), older, active })
    }
}

fn purpose(decoder: &mut Decoder<'_>) -> Result<PurposeKey, Malformed> {
    let bytes = decoder.array()?;
    Ok(PurposeKey::build(|key| *key = *bytes))
}

fn held(decoder: &mut Decoder<'_>) -> Result<Held, Malformed> {
    let number = Generation::from_number(decoder.u32()?);
    let created_at = decoder.timestamp()?;
    let bytes = decoder.array()?;
    let secret = GenerationSecret::build(|key| *key = *bytes);
    if number < Generation::FIRST {
        return Err(Malformed);
    }
    Ok(Held { info: GenerationInfo { number, created_at }, key: GenerationKey::from_secret(secret) })
}

/// `label ‖ cluster id`: a keyring of another vault does not open, even under the same root key.
fn associated_data(cluster: ClusterId) -> Vec<u8> {
    [LABEL, cluster.as_bytes()].concat()
}

const FORMAT: u8 = 1;
const FIXED_BYTES: usize = 1 + 4 * 32 + 2;
const HELD_BYTES: usize = 4 + 8 + 32;
const LABEL: &[u8] = b"rotunda keyring";
