//! The stored configuration of the seal. Holds no secret in the open.
//!
//! ```text
//!    0   1   format = 1
//!    1   1   kind: 1 = Shamir, 2 = passphrase
//!    2   1   shares       (1 for a passphrase)
//!    3   1   threshold    (1 for a passphrase)
//!    4  16   cluster id
//!   20   8   created at: milliseconds since the Unix epoch, big endian, signed
//!   28  12   passphrase only: memory in KiB, passes, lanes, big endian, 4 bytes each
//!   40  16   passphrase only: salt
//!    .   .   envelope of the root key, sealed by the unseal key: 73 or 81 bytes by its suite byte
//!    .   .   envelope of the keyring, sealed by the root key: to the end
//! ```
//!
//! Everything before the first envelope is its associated data: changed parameters do not unseal.

use std::fmt;

use uuid::Uuid;

use crate::clock::Timestamp;
use crate::crypto::{
    Argon2Cost, Decoder, Key, Keyring, Malformed, Refused, RootKey, Suite, UnsealKey, envelope_bytes,
    open_envelope, seal_envelope,
};
use crate::entropy::Entropy;
use crate::id::ClusterId;

/// How the unseal key comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SealKind {
    /// From any `threshold` of `shares` shares. With one share, the share is the key itself.
    Shamir {
        /// How many shares were handed out: 1 to 255.
        shares: u8,
        /// How many of them unseal: 1 for a single share, otherwise 2 to `shares`.
        threshold: u8,
    },
    /// From a passphrase through Argon2id.
    Passphrase,
}

impl SealKind {
    /// How many shares exist; 1 for a passphrase.
    #[must_use]
    pub const fn shares(self) -> u8 {
        match self {
            Self::Shamir { shares, .. } => shares,
            Self::Passphrase => 1,
        }
    }

    /// How many offers unseal; 1 for a passphrase.
    #[must_use]
    pub const fn threshold(self) -> u8 {
        match self {
            Self::Shamir { threshold, .. } => threshold,
            Self::Passphrase => 1,
        }
    }

    /// The name in `seal-status`, as Vault calls its own: `shamir`; ours is `passphrase`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shamir { .. } => "shamir",
            Self::Passphrase => "passphrase",
        }
    }
}

/// What must be known before the unseal key is: bound to the wrapped root key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) source: Source,
    pub(super) cluster: ClusterId,
    pub(super) created_at: Timestamp,
}

/// [`SealKind`], with what a passphrase needs besides.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Shamir { shares: u8, threshold: u8 },
    Passphrase { cost: Argon2Cost, salt: [u8; 16] },
}

/// The stored configuration of the seal: how to unseal, the wrapped root key, the sealed keyring.
#[derive(Clone, PartialEq, Eq)]
pub struct Config {
    terms: Terms,
    wrapped_root: Vec<u8>,
    sealed_keyring: Vec<u8>,
}

/// Why a stored configuration was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Written by a newer version of Rotunda.
    #[error("the seal configuration has format {0}, which this version does not read")]
    UnknownFormat(u8),
    /// Names a way to unseal that this version does not know.
    #[error("the seal configuration names seal {0}, which this version does not know")]
    UnknownKind(u8),
    /// Cut short, or a field out of its bounds: restore it from a backup.
    #[error("the seal configuration is malformed")]
    Malformed,
}

impl From<Malformed> for ConfigError {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

impl Config {
    /// A new configuration: `root` wrapped by `unseal`, `keyring` sealed by `root`.
    pub(super) fn new(
        terms: Terms,
        unseal: &UnsealKey,
        root: &RootKey,
        keyring: &Keyring,
        entropy: &dyn Entropy,
    ) -> Self {
        let suite = Suite::default();
        let wrapped_root =
            seal_envelope(suite, unseal.expose(), &terms.associated_data(), root.expose(), entropy);
        Self { terms, wrapped_root, sealed_keyring: keyring.to_sealed(root, terms.cluster, entropy) }
    }

    /// This configuration with `keyring` in place of the stored one: after a rotation of the generations.
    ///
    /// `root` must be the root key of this configuration; with another, the vault would not unseal again.
    #[must_use]
    pub fn with_keyring(&self, root: &RootKey, keyring: &Keyring, entropy: &dyn Entropy) -> Self {
        let sealed_keyring = keyring.to_sealed(root, self.terms.cluster, entropy);
        Self { terms: self.terms, wrapped_root: self.wrapped_root.clone(), sealed_keyring }
    }

    /// The configuration of the same vault under another unseal key and another root key.
    pub(super) fn rekeyed(
        &self,
        source: Source,
        unseal: &UnsealKey,
        root: &RootKey,
        keyring: &Keyring,
        entropy: &dyn Entropy,
    ) -> Self {
        Self::new(Terms { source, ..self.terms }, unseal, root, keyring, entropy)
    }

    /// How the unseal key comes about.
    #[must_use]
    pub const fn kind(&self) -> SealKind {
        match self.terms.source {
            Source::Shamir { shares, threshold } => SealKind::Shamir { shares, threshold },
            Source::Passphrase { .. } => SealKind::Passphrase,
        }
    }

    /// Which installation this is.
    #[must_use]
    pub const fn cluster(&self) -> ClusterId {
        self.terms.cluster
    }

    /// When the vault was initialised.
    #[must_use]
    pub const fn created_at(&self) -> Timestamp {
        self.terms.created_at
    }

    /// The stored form.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = self.terms.to_bytes();
        out.extend_from_slice(&self.wrapped_root);
        out.extend_from_slice(&self.sealed_keyring);
        out
    }

    /// The configuration of a stored form. Checks its shape; its truth shows when it unseals.
    ///
    /// # Errors
    /// [`ConfigError`] by cause.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ConfigError> {
        let mut decoder = Decoder::new(bytes);
        let terms = Terms::decode(&mut decoder)?;
        let envelopes = decoder.rest();
        let suite = envelopes.first().copied().and_then(Suite::from_byte).ok_or(Malformed)?;
        let mut decoder = Decoder::new(envelopes);
        let wrapped_root = decoder.take(envelope_bytes(suite, ROOT_KEY_BYTES))?.to_vec();
        let sealed_keyring = decoder.rest().to_vec();
        let suite = sealed_keyring.first().copied().and_then(Suite::from_byte).ok_or(Malformed)?;
        if sealed_keyring.len() <= envelope_bytes(suite, 0) {
            return Err(ConfigError::Malformed);
        }
        Ok(Self { terms, wrapped_root, sealed_keyring })
    }

    pub(super) const fn source(&self) -> Source {
        self.terms.source
    }

    /// The root key, with authentication: a wrong unseal key is refused.
    pub(super) fn unwrap_root(&self, unseal: &UnsealKey) -> Result<RootKey, Refused> {
        let root = open_envelope(unseal.expose(), &self.terms.associated_data(), &self.wrapped_root)?;
        RootKey::from_slice(&root).ok_or(Refused)
    }

    pub(super) fn sealed_keyring(&self) -> &[u8] {
        &self.sealed_keyring
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("kind", &self.kind())
            .field("cluster", &self.cluster())
            .field("created_at", &self.created_at())
            .finish_non_exhaustive()
    }
}

impl Terms {
    fn to_bytes(self) -> Vec<u8> {
        let (kind, shares, threshold) = match self.source {
            Source::Shamir { shares, threshold } => (KIND_SHAMIR, shares, threshold),
            Source::Passphrase { .. } => (KIND_PASSPHRASE, 1, 1),
        };
        let mut out = vec![FORMAT, kind, shares, threshold];
        out.extend_from_slice(self.cluster.as_bytes());
        out.extend_from_slice(&self.created_at.as_millis().to_be_bytes());
        if let Source::Passphrase { cost, salt } = self.source {
            for parameter in [cost.memory_kib(), cost.passes(), cost.lanes()] {
                out.extend_from_slice(&parameter.to_be_bytes());
            }
            out.extend_from_slice(&salt);
        }
        out
    }

    fn decode(decoder: &mut Decoder<'_>) -> Result<Self, ConfigError> {
        let format = decoder.u8()?;
        if format != FORMAT {
            return Err(ConfigError::UnknownFormat(format));
        }
        let (kind, shares, threshold) = (decoder.u8()?, decoder.u8()?, decoder.u8()?);
        // Written as text: `ClusterId` is made from text only, and every sixteen bytes have one.
        let cluster = Uuid::from_bytes(*decoder.array()?).to_string();
        let cluster = ClusterId::parse(&cluster).ok_or(Malformed)?;
        let created_at = decoder.timestamp()?;
        let source = match kind {
            KIND_SHAMIR if counts_fit(shares, threshold) => Source::Shamir { shares, threshold },
            KIND_PASSPHRASE if (shares, threshold) == (1, 1) => {
                let (memory_kib, passes, lanes) = (decoder.u32()?, decoder.u32()?, decoder.u32()?);
                let cost = Argon2Cost::try_new(memory_kib, passes, lanes).map_err(|_| Malformed)?;
                Source::Passphrase { cost, salt: *decoder.array()? }
            }
            KIND_SHAMIR | KIND_PASSPHRASE => return Err(ConfigError::Malformed),
            _ => return Err(ConfigError::UnknownKind(kind)),
        };
        Ok(Self { source, cluster, created_at })
    }

    fn associated_data(self) -> Vec<u8> {
        [LABEL, &self.to_bytes()].concat()
    }
}

const fn counts_fit(shares: u8, threshold: u8) -> bool {
    matches!((shares, threshold), (1, 1)) || (threshold >= 2 && threshold <= shares)
}

const FORMAT: u8 = 1;
const KIND_SHAMIR: u8 = 1;
const KIND_PASSPHRASE: u8 = 2;
const ROOT_KEY_BYTES: usize = 32;
const LABEL: &[u8] = b"rotunda root key";

#[cfg(test)]
mod tests;
