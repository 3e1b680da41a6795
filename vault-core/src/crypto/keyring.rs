//! The keys in use while the vault is unsealed.
//!
//! Opening and sealing take `&self`, hold no lock and draw no state: share a keyring as `Arc<Keyring>`
//! and replace the whole of it when a generation is added or dropped.

mod batch;
mod format;

use std::fmt;
use std::sync::Arc;

pub use format::KeyringError;

use super::key::{GenerationKey, Key, PurposeKey};
use super::place::Place;
use super::record::{self, Header, OpenError};
use super::suite::Suite;
use crate::clock::Timestamp;
use crate::entropy::Entropy;
use crate::secret::SecretBytes;

/// The number of a key generation: 1 for the first, one more for each rotation, never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(u32);

impl Generation {
    /// The generation that a new vault starts with.
    pub const FIRST: Self = Self(1);

    /// The generation of a stored number.
    #[must_use]
    pub const fn from_number(number: u32) -> Self {
        Self(number)
    }

    /// The number, as records and status show it.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What may be said of a generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GenerationInfo {
    /// Its number.
    pub number: Generation,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The keys in use while the vault is unsealed: the generations and the purpose keys.
pub struct Keyring {
    purposes: Arc<Purposes>,
    /// Never empty; ascending by number; the last one is the active one.
    older: Vec<Arc<Held>>,
    active: Arc<Held>,
}

struct Purposes {
    integrity: PurposeKey,
    audit: PurposeKey,
    token: PurposeKey,
    audit_signing: PurposeKey,
}

struct Held {
    info: GenerationInfo,
    key: GenerationKey,
}

impl Keyring {
    /// A new keyring: its first generation, and fresh purpose keys.
    #[must_use]
    pub fn generate(now: Timestamp, entropy: &dyn Entropy) -> Self {
        let purposes = Purposes {
            integrity: PurposeKey::generate(entropy),
            audit: PurposeKey::generate(entropy),
            token: PurposeKey::generate(entropy),
            audit_signing: PurposeKey::generate(entropy),
        };
        let info = GenerationInfo { number: Generation::FIRST, created_at: now };
        let active = Held { info, key: GenerationKey::generate(entropy) };
        Self { purposes: Arc::new(purposes), older: Vec::new(), active: Arc::new(active) }
    }

    /// A second keyring with the same keys, to change while the first is in use. The key bytes are shared,
    /// not copied.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self {
            purposes: Arc::clone(&self.purposes),
            older: self.older.clone(),
            active: Arc::clone(&self.active),
        }
    }

    /// Adds a generation and makes it the active one; the older ones stay readable.
    ///
    /// Store the keyring ([`Config::with_keyring`](crate::seal::Config::with_keyring)) before anything is
    /// sealed under the new generation.
    ///
    /// # Errors
    /// [`TooManyGenerations`] when the keyring is full: re-wrap the records and drop older generations.
    pub fn rotate(
        &mut self,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Generation, TooManyGenerations> {
        if self.older.len() + 1 >= GENERATIONS_MAX {
            return Err(TooManyGenerations);
        }
        let number = Generation(self.active().0.checked_add(1).ok_or(TooManyGenerations)?);
        let info = GenerationInfo { number, created_at: now };
        let active = Arc::new(Held { info, key: GenerationKey::generate(entropy) });
        self.older.push(std::mem::replace(&mut self.active, active));
        Ok(number)
    }

    /// Forgets a generation, once no record needs it. Its records cannot be opened ever after.
    ///
    /// # Errors
    /// [`DropError`] when it is the active generation, or not here.
    pub fn drop_generation(&mut self, number: Generation) -> Result<(), DropError> {
        if number == self.active() {
            return Err(DropError::Active);
        }
        let at = self.position(number).ok_or(DropError::Unknown)?;
        self.older.remove(at);
        Ok(())
    }

    /// The generation that new records are sealed under.
    #[must_use]
    pub fn active(&self) -> Generation {
        self.active.info.number
    }

    /// Every generation held, oldest first.
    #[must_use]
    pub fn generations(&self) -> Vec<GenerationInfo> {
        self.held().map(|held| held.info).collect()
    }

    /// Seals `plaintext` for `place` under the active generation and a fresh data key.
    #[must_use]
    pub fn seal(&self, suite: Suite, place: &Place<'_>, plaintext: &[u8], entropy: &dyn Entropy) -> Vec<u8> {
        let header = Header { suite, generation: self.active() };
        record::seal(header, &self.active.key, place, plaintext, entropy)
    }

    /// Opens a record that was sealed for exactly this `place`.
    ///
    /// # Errors
    /// [`OpenError`] by cause; every failed decryption is [`OpenError::Refused`].
    pub fn open(&self, place: &Place<'_>, sealed: &[u8]) -> Result<SecretBytes, OpenError> {
        let (header, body) = Header::parse(sealed)?;
        let held = self.find(header.generation).ok_or(OpenError::UnknownGeneration(header.generation))?;
        record::open(header, &held.key, place, body)
    }

    /// Which generation a sealed record needs, without opening it. The answer is not authenticated: it
    /// serves to find the records that a re-wrap must move.
    ///
    /// # Errors
    /// [`OpenError`] when the header is not one that this version reads.
    pub fn generation_of(sealed: &[u8]) -> Result<Generation, OpenError> {
        Header::parse(sealed).map(|(header, _)| header.generation)
    }

    /// Which suite a sealed record uses, without opening it. Not authenticated.
    ///
    /// # Errors
    /// [`OpenError`] when the header is not one that this version reads.
    pub fn suite_of(sealed: &[u8]) -> Result<Suite, OpenError> {
        Header::parse(sealed).map(|(header, _)| header.suite)
    }

    /// Keys the set hash over all records.
    #[must_use]
    pub fn integrity_key(&self) -> &PurposeKey {
        &self.purposes.integrity
    }

    /// Keys the digests that stand for values in the audit log.
    #[must_use]
    pub fn audit_key(&self) -> &PurposeKey {
        &self.purposes.audit
    }

    /// Keys the digests by which tokens are stored.
    #[must_use]
    pub fn token_key(&self) -> &PurposeKey {
        &self.purposes.token
    }

    /// The Ed25519 seed (RFC 8032) that signs audit checkpoints.
    #[must_use]
    pub fn audit_signing_seed(&self) -> &PurposeKey {
        &self.purposes.audit_signing
    }

    fn held(&self) -> impl Iterator<Item = &Held> {
        self.older.iter().chain(std::iter::once(&self.active)).map(AsRef::as_ref)
    }

    fn find(&self, number: Generation) -> Option<&Held> {
        if number == self.active() {
            return Some(&self.active);
        }
        self.older.get(self.position(number)?).map(AsRef::as_ref)
    }

    fn position(&self, number: Generation) -> Option<usize> {
        self.older.binary_search_by_key(&number, |held| held.info.number).ok()
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring").field("generations", &self.generations()).finish_non_exhaustive()
    }
}

/// The keyring holds as many generations as it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the keyring holds {GENERATIONS_MAX} key generations; re-wrap the records and drop older ones")]
pub struct TooManyGenerations;

/// Why a generation was not dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DropError {
    /// New records are sealed under it. Rotate first.
    #[error("the active key generation cannot be dropped")]
    Active,
    /// The keyring does not hold it.
    #[error("the keyring holds no such key generation")]
    Unknown,
}

/// Most generations in a keyring: 11 years of daily rotation, 180 KiB stored.
pub const GENERATIONS_MAX: usize = 4096;

#[cfg(test)]
mod tests;
