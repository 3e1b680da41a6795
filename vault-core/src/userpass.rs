//! People who log in with a name and a password.
//!
//! Of a password the vault keeps an Argon2id hash (RFC 9106) with its salt and cost. Whether a name is
//! unknown or a password wrong costs the same work: see [`PasswordHash::decoy`].

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use crate::crypto::{Argon2Cost, argon2id};
use crate::entropy::{Entropy, random_bytes};
use crate::identity::TokenParameters;

/// A user. Stored sealed under its mount's id and its name in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// What proves that it is this user.
    pub password: PasswordHash,
    /// What tokens are like.
    #[serde(default)]
    pub parameters: TokenParameters,
    /// Which settings were given by their old names, by which they are then shown, too.
    #[serde(default)]
    pub old_names: OldNames,
}

/// Which settings of a user were given by the names that Vault had before `token_…`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is one setting; none excludes another")]
pub struct OldNames {
    /// `policies`.
    #[serde(default)]
    pub policies: bool,
    /// `ttl`.
    #[serde(default)]
    pub ttl: bool,
    /// `max_ttl`.
    #[serde(default)]
    pub max_ttl: bool,
    /// `bound_cidrs`.
    #[serde(default)]
    pub bound_cidrs: bool,
}

/// A password as it is kept: `Argon2id(password, salt)`, 32 bytes, with what a guess costs.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordHash {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: [u8; 16],
    hash: [u8; 32],
}

/// The machine could not give the memory that a hash needs, or a stored cost is out of bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the password could not be hashed")]
pub struct HashFailed;

impl PasswordHash {
    /// Hashes a new password. Takes some hundredths of a second and the cost's memory.
    ///
    /// # Errors
    /// [`HashFailed`].
    pub fn make(password: &str, cost: Argon2Cost, entropy: &dyn Entropy) -> Result<Self, HashFailed> {
        let mut made = Self { salt: random_bytes(entropy), ..Self::decoy(cost) };
        made.hash = made.hash_of(password)?;
        Ok(made)
    }

    /// A hash that no password has, whose check costs what a true one's does.
    #[must_use]
    pub const fn decoy(cost: Argon2Cost) -> Self {
        Self {
            memory_kib: cost.memory_kib(),
            passes: cost.passes(),
            lanes: cost.lanes(),
            salt: [0; 16],
            hash: [0; 32],
        }
    }

    /// Whether `password` is the one. Takes as long whether it is or not.
    ///
    /// # Errors
    /// [`HashFailed`].
    pub fn is_of(&self, password: &str) -> Result<bool, HashFailed> {
        let mut hash = self.hash_of(password)?;
        let same = self.hash.ct_eq(&hash).into();
        hash.zeroize();
        Ok(same)
    }

    fn hash_of(&self, password: &str) -> Result<[u8; 32], HashFailed> {
        let cost = Argon2Cost::try_new(self.memory_kib, self.passes, self.lanes).map_err(|_| HashFailed)?;
        let mut out = [0; 32];
        argon2id(password.as_bytes(), &self.salt, cost, &mut out).map_err(|_| HashFailed)?;
        Ok(out)
    }
}

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash(redacted)")
    }
}

/// Longest name of a user, in bytes.
pub const NAME_BYTES_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    #[test]
    fn only_the_password_itself_is_accepted() {
        let hash = PasswordHash::make("hunter2", Argon2Cost::CHEAP, &SeededEntropy::new(1)).unwrap();
        for (given, want) in [("hunter2", true), ("hunter3", false), ("", false), ("hunter22", false)] {
            assert_eq!(hash.is_of(given), Ok(want), "{given:?}");
        }
        let other = PasswordHash::make("hunter2", Argon2Cost::CHEAP, &SeededEntropy::new(2)).unwrap();
        assert_ne!(hash, other, "the salts differ");
        assert_eq!(PasswordHash::decoy(Argon2Cost::CHEAP).is_of("hunter2"), Ok(false));
    }

    #[test]
    fn a_stored_cost_out_of_bounds_is_refused() {
        let hash = PasswordHash { lanes: 0, ..PasswordHash::decoy(Argon2Cost::CHEAP) };
        assert_eq!(hash.is_of("x"), Err(HashFailed));
    }

    #[test]
    fn debug_shows_nothing_of_it() {
        assert_eq!(format!("{:?}", PasswordHash::decoy(Argon2Cost::CHEAP)), "PasswordHash(redacted)");
    }
}
