//! Collects shares, or takes a passphrase, until the vault is unsealed.
//!
//! ```text
//!   no round ─first share─► round(nonce, 1 share) ─…─► threshold reached ─► Unsealed
//!      ▲                                                  │ wrong shares
//!      └────────────── reset ◄────────────────────────────┘
//! ```

use uuid::Builder;

use super::config::{Config, Source};
use super::initialize::unseal_key_of;
use super::{Unsealed, shamir};
use crate::crypto::{Key, Keyring, KeyringError, UnsealKey};
use crate::entropy::{Entropy, random_bytes};
use crate::secret::SecretBytes;

/// Shares collected so far. Wiped when dropped, when reset, and when they unsealed or failed to.
#[derive(Debug)]
pub struct Unsealing {
    config: Config,
    shares: Vec<SecretBytes>,
    nonce: String,
}

/// What became of an offer that was not refused.
#[derive(Debug)]
pub enum Offer {
    /// More shares are needed.
    More {
        /// Different shares collected in this round.
        progress: u8,
        /// How many unseal.
        threshold: u8,
    },
    /// The vault is unsealed.
    Unsealed(Unsealed),
}

/// Why an offer was refused, or the collected shares did not unseal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnsealError {
    /// Not a share of this vault by its length or number. The shares collected so far stay.
    #[error("the unseal key share is malformed: it must be {expected} bytes")]
    MalformedShare {
        /// The length of this vault's shares in bytes.
        expected: usize,
    },
    /// Another share with the same number was given, and one of the two is wrong. The shares collected so
    /// far stay; reset to begin again.
    #[error("a different unseal key share of the same number was given before; reset to begin again")]
    ConflictingShare,
    /// Enough shares, but they do not belong together or not to this vault. Progress starts at zero again.
    #[error("the unseal key shares do not unseal this vault; progress was reset")]
    WrongShares,
    /// Not this vault's passphrase.
    #[error("the passphrase does not unseal this vault")]
    WrongPassphrase,
    /// The machine could not give the memory that the passphrase's cost asks for.
    #[error("there is not enough memory for the passphrase's cost parameters")]
    OutOfMemory,
    /// The shares or the passphrase are right, but the keyring was damaged: restore the seal configuration
    /// from a backup.
    #[error("the keyring in the seal configuration is damaged")]
    Keyring(#[source] KeyringError),
}

impl Unsealing {
    /// Begins with nothing collected.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self { config: config.clone(), shares: Vec::new(), nonce: String::new() }
    }

    /// Takes one share, or the passphrase. The share that reaches the threshold unseals.
    ///
    /// A share that was given before changes nothing. With a passphrase this takes as long as one guess is
    /// meant to: keep it off threads that must not wait.
    ///
    /// # Errors
    /// [`UnsealError`] by cause; it says what becomes of the shares collected so far.
    pub fn offer(&mut self, share: SecretBytes, entropy: &dyn Entropy) -> Result<Offer, UnsealError> {
        match self.config.source() {
            Source::Passphrase { cost, salt } => {
                let unseal = unseal_key_of(&share, &salt, cost).ok_or(UnsealError::OutOfMemory)?;
                self.unseal(&unseal, UnsealError::WrongPassphrase)
            }
            Source::Shamir { shares: 1, .. } => {
                let malformed = UnsealError::MalformedShare { expected: SINGLE_SHARE_BYTES };
                let unseal = UnsealKey::from_slice(share.expose()).ok_or(malformed)?;
                self.unseal(&unseal, UnsealError::WrongShares)
            }
            Source::Shamir { threshold, .. } => {
                self.collect(share, entropy)?;
                if self.progress() < threshold {
                    return Ok(Offer::More { progress: self.progress(), threshold });
                }
                let shares = std::mem::take(&mut self.shares);
                self.reset();
                let unseal = shamir::combine(&shares).ok_or(UnsealError::WrongShares)?;
                self.unseal(&unseal, UnsealError::WrongShares)
            }
        }
    }

    /// Different shares collected in this round; always below the threshold.
    #[must_use]
    pub fn progress(&self) -> u8 {
        u8::try_from(self.shares.len()).unwrap_or(u8::MAX)
    }

    /// How many shares unseal; 1 for a passphrase.
    #[must_use]
    pub const fn threshold(&self) -> u8 {
        self.config.kind().threshold()
    }

    /// A random UUID that names this round of shares; empty while there is none. A holder who sees it
    /// change knows that the collection began anew.
    #[must_use]
    pub fn nonce(&self) -> &str {
        &self.nonce
    }

    /// Forgets the shares collected so far.
    pub fn reset(&mut self) {
        self.shares.clear();
        self.nonce.clear();
    }

    fn collect(&mut self, share: SecretBytes, entropy: &dyn Entropy) -> Result<(), UnsealError> {
        let malformed = UnsealError::MalformedShare { expected: shamir::SHARE_BYTES };
        let number = shamir::share_number(&share).ok_or(malformed)?;
        if let Some(known) = self.shares.iter().find(|known| shamir::share_number(known) == Some(number)) {
            return if known.ct_eq(share.expose()) { Ok(()) } else { Err(UnsealError::ConflictingShare) };
        }
        if self.shares.is_empty() {
            let id = Builder::from_random_bytes(random_bytes(entropy)).into_uuid();
            self.nonce = id.to_string();
        }
        self.shares.push(share);
        Ok(())
    }

    fn unseal(&self, unseal: &UnsealKey, wrong: UnsealError) -> Result<Offer, UnsealError> {
        let root = self.config.unwrap_root(unseal).map_err(|_| wrong)?;
        let keyring = Keyring::from_sealed(&root, self.config.cluster(), self.config.sealed_keyring())
            .map_err(UnsealError::Keyring)?;
        Ok(Offer::Unsealed(Unsealed { root, keyring }))
    }
}

const SINGLE_SHARE_BYTES: usize = 32;

#[cfg(test)]
mod tests;
