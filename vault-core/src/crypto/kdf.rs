//! Keys from other keys (HKDF), keys from passphrases (Argon2id), and the keyed hash (HMAC).

use argon2::{Algorithm, Argon2, Block, Params, Version};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// `out = HKDF-SHA-256(salt, ikm, info)` (RFC 5869), 32 bytes.
pub(super) fn hkdf_sha256(salt: &[u8], ikm: &[u8], info: &[u8], out: &mut [u8; 32]) {
    hkdf_sha256_any(salt, ikm, info, out);
}

/// `out = HKDF-SHA-256(salt, ikm, info)` (RFC 5869) of any length up to 8160 bytes.
#[expect(clippy::expect_used, reason = "callers ask for 32 bytes; test vectors stay below the limit")]
pub(super) fn hkdf_sha256_any(salt: &[u8], ikm: &[u8], info: &[u8], out: &mut [u8]) {
    Hkdf::<Sha256>::new(Some(salt), ikm).expand(info, out).expect("the output is at most 8160 bytes");
}

/// `HMAC-SHA-256[key](message)` (RFC 2104, FIPS 198-1).
#[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
pub(super) fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// What one guess at a passphrase costs: the parameters of Argon2id (RFC 9106, section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argon2Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Argon2Cost {
    /// RFC 9106's second recommended option: 64 MiB, 3 passes, 4 lanes.
    pub const RECOMMENDED: Self = Self { memory_kib: 64 * 1024, passes: 3, lanes: 4 };

    /// For passwords that people log in with, many times a day: 19 MiB, 2 passes, 1 lane, OWASP's least for
    /// Argon2id.
    pub const INTERACTIVE: Self = Self { memory_kib: 19 * 1024, passes: 2, lanes: 1 };

    /// The least that the algorithm takes. Only for tests.
    #[cfg(any(test, feature = "test-support"))]
    pub const CHEAP: Self = Self { memory_kib: 8, passes: 1, lanes: 1 };

    /// Checked parameters: 1 to 64 lanes, 8 KiB per lane to 4 GiB of memory, 1 to 64 passes.
    ///
    /// The upper bounds keep a damaged or forged configuration from exhausting the machine.
    ///
    /// # Errors
    /// [`CostError`] when a parameter is out of its bounds.
    pub fn try_new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, CostError> {
        let sane = (1..=LANES_MAX).contains(&lanes)
            && (1..=PASSES_MAX).contains(&passes)
            && (lanes.saturating_mul(8)..=MEMORY_KIB_MAX).contains(&memory_kib);
        sane.then_some(Self { memory_kib, passes, lanes }).ok_or(CostError)
    }

    /// Memory in KiB.
    #[must_use]
    pub const fn memory_kib(self) -> u32 {
        self.memory_kib
    }

    /// Passes over the memory.
    #[must_use]
    pub const fn passes(self) -> u32 {
        self.passes
    }

    /// Lanes (RFC 9106 calls it the degree of parallelism; here they run one after another).
    #[must_use]
    pub const fn lanes(self) -> u32 {
        self.lanes
    }
}

/// The Argon2id parameters are out of bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the passphrase cost must be 1 to 64 lanes, 8 KiB per lane to 4 GiB of memory, and 1 to 64 passes")]
pub struct CostError;

/// The machine could not give the memory that the parameters ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OutOfMemory;

/// `out = Argon2id(passphrase, salt)`, version 0x13 (RFC 9106), 32 bytes.
///
/// Takes about a tenth of a second or more at the recommended cost: keep it off threads that must not wait.
pub(crate) fn argon2id(
    passphrase: &[u8],
    salt: &[u8; 16],
    cost: Argon2Cost,
    out: &mut [u8; 32],
) -> Result<(), OutOfMemory> {
    argon2id_any(passphrase, salt, cost, out)
}

/// [`argon2id`] for any length of salt (8 bytes or more) and output (4 or more), as test vectors have them.
pub(super) fn argon2id_any(
    passphrase: &[u8],
    salt: &[u8],
    cost: Argon2Cost,
    out: &mut [u8],
) -> Result<(), OutOfMemory> {
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(out.len()));
    // The cost was checked when it was made, so the only cause left is the allocation.
    let params = params.map_err(|_| OutOfMemory)?;
    // Our own memory, since the crate frees its own without wiping it, and the key follows from it.
    let mut memory = Zeroizing::new(Vec::new());
    memory.try_reserve_exact(params.block_count()).map_err(|_| OutOfMemory)?;
    memory.resize(params.block_count(), Block::new());
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(passphrase, salt, out, memory.as_mut_slice())
        .map_err(|_| OutOfMemory)
}

const LANES_MAX: u32 = 64;
const PASSES_MAX: u32 = 64;
const MEMORY_KIB_MAX: u32 = 4 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_out_of_bounds_is_refused() {
        let table = [
            ((8, 1, 1), true),
            ((64 * 1024, 3, 4), true),
            ((4 * 1024 * 1024, 64, 64), true),
            ((7, 1, 1), false),
            ((31, 1, 4), false),
            ((u32::MAX, 1, 1), false),
            ((64, 0, 1), false),
            ((64, 65, 1), false),
            ((64, 1, 0), false),
            ((u32::MAX, 1, u32::MAX), false),
        ];
        for ((memory, passes, lanes), fits) in table {
            assert_eq!(Argon2Cost::try_new(memory, passes, lanes).is_ok(), fits, "{memory} {passes} {lanes}");
        }
    }
}
