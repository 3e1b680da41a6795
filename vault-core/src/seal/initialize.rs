//! Makes a new vault's keys, and what unseals them.

use super::config::{Config, SealKind, Source, Terms};
use super::{Unsealed, shamir};
use crate::clock::Timestamp;
use crate::crypto::{Argon2Cost, Key, Keyring, RootKey, UnsealKey, argon2id};
use crate::entropy::{Entropy, random_bytes};
use crate::id::ClusterId;
use crate::secret::SecretBytes;

/// How a new vault is to be unsealed.
#[derive(Debug)]
pub enum InitRequest {
    /// By any `threshold` of `shares` shares.
    Shamir {
        /// How many shares to hand out: 1 to 255.
        shares: u32,
        /// How many of them unseal: 1 for a single share, otherwise 2 to `shares`.
        threshold: u32,
    },
    /// By a passphrase.
    Passphrase {
        /// The passphrase: [`PASSPHRASE_BYTES_MIN`] bytes or more.
        passphrase: SecretBytes,
        /// What one guess costs; [`Argon2Cost::RECOMMENDED`] outside tests.
        cost: Argon2Cost,
    },
}

/// A new vault, unsealed.
#[derive(Debug)]
pub struct Initialized {
    /// To be stored.
    pub config: Config,
    /// To be handed out once and kept nowhere; empty for a passphrase. A single share is the 32-byte
    /// unseal key itself; several are 33 bytes each, the share's number last, as Vault's are.
    pub shares: Vec<SecretBytes>,
    /// The keys in use.
    pub unsealed: Unsealed,
}

/// Why a vault was not initialised. The texts about counts are Vault's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InitError {
    /// Asked for no share.
    #[error("shares must be at least one")]
    NoShares,
    /// Asked for more than [`SHARES_MAX`] shares.
    #[error("shares must be less than 256")]
    TooManyShares,
    /// Asked for a threshold of zero.
    #[error("threshold must be at least one")]
    NoThreshold,
    /// Several shares, each of which would unseal alone.
    #[error("threshold must be greater than one for multiple shares")]
    ThresholdOfOne,
    /// More shares needed than there are.
    #[error("threshold cannot be larger than shares")]
    ThresholdAboveShares,
    /// A passphrase that is guessed too soon.
    #[error("the passphrase must have at least {PASSPHRASE_BYTES_MIN} bytes")]
    PassphraseTooShort,
    /// The machine could not give the memory that the passphrase's cost asks for.
    #[error("there is not enough memory for the passphrase's cost parameters")]
    OutOfMemory,
}

/// Makes a new vault: cluster id, root key, keyring, and shares or the passphrase's terms.
///
/// With a passphrase this takes as long as one guess is meant to: keep it off threads that must not wait.
///
/// # Errors
/// [`InitError`] by cause.
pub fn initialize(
    request: InitRequest,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<Initialized, InitError> {
    let (source, unseal, shares) = origin(&request, entropy)?;
    let terms = Terms { source, cluster: ClusterId::generate(now, entropy), created_at: now };
    let root = RootKey::generate(entropy);
    let keyring = Keyring::generate(now, entropy);
    let config = Config::new(terms, &unseal, &root, &keyring, entropy);
    Ok(Initialized { config, shares, unsealed: Unsealed { root, keyring } })
}

/// A new unseal key: how it comes about, itself, and the shares of it.
pub(super) type Origin = (Source, UnsealKey, Vec<SecretBytes>);

/// Makes a new unseal key.
///
/// # Errors
/// [`InitError`] by cause.
pub(super) fn origin(request: &InitRequest, entropy: &dyn Entropy) -> Result<Origin, InitError> {
    match request {
        InitRequest::Shamir { shares, threshold } => by_shares(*shares, *threshold, entropy),
        InitRequest::Passphrase { passphrase, cost } => by_passphrase(passphrase, *cost, entropy),
    }
}

impl InitRequest {
    /// Whether it can be granted, and by which kind of seal.
    ///
    /// # Errors
    /// [`InitError`] by cause.
    pub fn check(&self) -> Result<SealKind, InitError> {
        match self {
            Self::Shamir { shares, threshold } => {
                let (shares, threshold) = checked_counts(*shares, *threshold)?;
                Ok(SealKind::Shamir { shares, threshold })
            }
            Self::Passphrase { passphrase, .. } if passphrase.expose().len() < PASSPHRASE_BYTES_MIN => {
                Err(InitError::PassphraseTooShort)
            }
            Self::Passphrase { .. } => Ok(SealKind::Passphrase),
        }
    }
}

fn by_shares(shares: u32, threshold: u32, entropy: &dyn Entropy) -> Result<Origin, InitError> {
    let (shares, threshold) = checked_counts(shares, threshold)?;
    let unseal = UnsealKey::generate(entropy);
    let handed_out = if shares == 1 {
        vec![SecretBytes::new(unseal.expose().to_vec())]
    } else {
        // The counts were checked, so the split cannot refuse them.
        shamir::split(&unseal, shares, threshold, entropy).ok_or(InitError::ThresholdAboveShares)?
    };
    Ok((Source::Shamir { shares, threshold }, unseal, handed_out))
}

fn by_passphrase(
    passphrase: &SecretBytes,
    cost: Argon2Cost,
    entropy: &dyn Entropy,
) -> Result<Origin, InitError> {
    if passphrase.expose().len() < PASSPHRASE_BYTES_MIN {
        return Err(InitError::PassphraseTooShort);
    }
    let salt = random_bytes(entropy);
    let unseal = unseal_key_of(passphrase, &salt, cost).ok_or(InitError::OutOfMemory)?;
    Ok((Source::Passphrase { cost, salt }, unseal, Vec::new()))
}

/// The unseal key of a passphrase; `None` when the memory was not to be had.
pub(super) fn unseal_key_of(
    passphrase: &SecretBytes,
    salt: &[u8; 16],
    cost: Argon2Cost,
) -> Option<UnsealKey> {
    let mut outcome = Ok(());
    let key = UnsealKey::build(|out| outcome = argon2id(passphrase.expose(), salt, cost, out));
    outcome.ok().map(|()| key)
}

fn checked_counts(shares: u32, threshold: u32) -> Result<(u8, u8), InitError> {
    if shares == 0 {
        return Err(InitError::NoShares);
    }
    let shares = u8::try_from(shares).map_err(|_| InitError::TooManyShares)?;
    match u8::try_from(threshold) {
        Ok(0) => Err(InitError::NoThreshold),
        Ok(1) if shares > 1 => Err(InitError::ThresholdOfOne),
        Ok(threshold) if threshold <= shares => Ok((shares, threshold)),
        _ => Err(InitError::ThresholdAboveShares),
    }
}

/// Most shares: the numbers 1 to 255 of the field.
pub const SHARES_MAX: u32 = 255;
/// Shortest passphrase, in bytes.
pub const PASSPHRASE_BYTES_MIN: usize = 12;

#[cfg(test)]
mod tests;
