//! New shares, or a new passphrase, for a vault at work: made when enough of the old ones are there.
//!
//! ```text
//!   Rekey ─old shares─► Ready { shares, seal } ─────────────────────────────► commit
//!                   └─► ToVerify { shares }     ─the new shares come back─►  commit
//! ```
//!
//! The root key changes too, so that the old shares open nothing that is written from then on. Until the
//! commit of the new configuration the old shares are good, from it on the new ones: there is no third state.

use uuid::Builder;

use super::config::Config;
use super::initialize::{InitError, InitRequest, origin};
use super::unseal::{Offer, UnsealError, Unsealing};
use super::{SealKind, Unsealed};
use crate::crypto::{Key, Keyring, RootKey};
use crate::entropy::{Entropy, random_bytes};
use crate::secret::SecretBytes;

/// A rekey under way. Wiped when dropped.
#[derive(Debug)]
pub struct Rekey {
    config: Config,
    request: InitRequest,
    wanted: SealKind,
    nonce: String,
    old: Unsealing,
    verifies: bool,
    staged: Option<Staged>,
}

/// New shares that were handed out and must come back before they count.
#[derive(Debug)]
struct Staged {
    seal: NewSeal,
    nonce: String,
    new: Unsealing,
}

/// A seal under new keys, not stored yet.
#[derive(Debug)]
pub struct NewSeal {
    config: Config,
    root: RootKey,
}

/// What became of a share of the old seal.
#[derive(Debug)]
pub enum Rekeyed {
    /// More are needed.
    More,
    /// The new shares, empty for a passphrase; they are good once the seal is stored.
    Ready {
        /// To be handed out once.
        shares: Vec<SecretBytes>,
        /// To be stored.
        seal: NewSeal,
    },
    /// The new shares, empty for a passphrase; they must come back first.
    ToVerify {
        /// To be handed out once.
        shares: Vec<SecretBytes>,
    },
}

/// What became of a share of the new seal.
#[derive(Debug)]
pub enum Verified {
    /// More are needed.
    More,
    /// All that are needed came back: the seal may be stored.
    Ready(NewSeal),
}

impl Rekey {
    /// Begins; `verifies` when the new shares must come back before they count.
    ///
    /// # Errors
    /// [`InitError`] for a request that cannot be granted.
    pub fn begin(
        config: &Config,
        request: InitRequest,
        verifies: bool,
        entropy: &dyn Entropy,
    ) -> Result<Self, InitError> {
        let wanted = request.check()?;
        let old = Unsealing::new(config);
        let config = config.clone();
        Ok(Self { config, request, wanted, nonce: nonce(entropy), old, verifies, staged: None })
    }

    /// Takes one share of the old seal, or its passphrase. Takes as long as one guess is meant to.
    ///
    /// # Errors
    /// [`UnsealError`] as in an unseal. [`UnsealError::OutOfMemory`] also when the new passphrase's cost
    /// cannot be paid; nothing has changed then.
    pub fn offer(&mut self, share: SecretBytes, entropy: &dyn Entropy) -> Result<Rekeyed, UnsealError> {
        let Offer::Unsealed(Unsealed { keyring, .. }) = self.old.offer(share, entropy)? else {
            return Ok(Rekeyed::More);
        };
        // The counts were checked at the beginning; only the memory can be missing.
        let (source, unseal, shares) =
            origin(&self.request, entropy).map_err(|_| UnsealError::OutOfMemory)?;
        let root = RootKey::generate(entropy);
        let config = self.config.rekeyed(source, &unseal, &root, &keyring, entropy);
        let seal = NewSeal { config, root };
        if !self.verifies {
            return Ok(Rekeyed::Ready { shares, seal });
        }
        let new = Unsealing::new(&seal.config);
        self.staged = Some(Staged { seal, nonce: nonce(entropy), new });
        Ok(Rekeyed::ToVerify { shares })
    }

    /// Takes one share of the new seal back, or its passphrase; `None` when none were handed out yet.
    ///
    /// # Errors
    /// [`UnsealError`] as in an unseal.
    pub fn verify(
        &mut self,
        share: SecretBytes,
        entropy: &dyn Entropy,
    ) -> Option<Result<Verified, UnsealError>> {
        let staged = self.staged.as_mut()?;
        match staged.new.offer(share, entropy) {
            Err(error) => Some(Err(error)),
            Ok(Offer::More { .. }) => Some(Ok(Verified::More)),
            Ok(Offer::Unsealed(_)) => self.staged.take().map(|staged| Ok(Verified::Ready(staged.seal))),
        }
    }

    /// Forgets which new shares came back, and names that round anew; `false` when none were handed out yet.
    pub fn restart_verification(&mut self, entropy: &dyn Entropy) -> bool {
        let Some(staged) = self.staged.as_mut() else { return false };
        staged.new.reset();
        staged.nonce = nonce(entropy);
        true
    }

    /// Names this rekey.
    #[must_use]
    pub fn nonce(&self) -> &str {
        &self.nonce
    }

    /// Names the round in which the new shares come back; `None` before they were handed out.
    #[must_use]
    pub fn verification_nonce(&self) -> Option<&str> {
        self.staged.as_ref().map(|staged| staged.nonce.as_str())
    }

    /// Whether the new shares must come back before they count.
    #[must_use]
    pub const fn verifies(&self) -> bool {
        self.verifies
    }

    /// The seal that is wanted.
    #[must_use]
    pub const fn wanted(&self) -> SealKind {
        self.wanted
    }

    /// Old shares collected so far.
    #[must_use]
    pub fn progress(&self) -> u8 {
        self.old.progress()
    }

    /// New shares that came back so far.
    #[must_use]
    pub fn verified(&self) -> u8 {
        self.staged.as_ref().map_or(0, |staged| staged.new.progress())
    }

    /// Old shares needed.
    #[must_use]
    pub const fn required(&self) -> u8 {
        self.old.threshold()
    }
}

impl NewSeal {
    /// What is to be stored, with the keys as they are in use now, and the root key that goes with it.
    #[must_use]
    pub fn around(self, keyring: &Keyring, entropy: &dyn Entropy) -> (Config, RootKey) {
        (self.config.with_keyring(&self.root, keyring, entropy), self.root)
    }
}

/// A random UUID that names a round of shares.
pub(super) fn nonce(entropy: &dyn Entropy) -> String {
    Builder::from_random_bytes(random_bytes(entropy)).into_uuid().to_string()
}

#[cfg(test)]
mod tests;
