//! Shamir's secret sharing in GF(256), byte by byte (Shamir 1979).
//!
//! A share is laid out as Vault's: the 32 values, then its number (the x-coordinate, 1 to 255). The field
//! arithmetic comes from `vsss-rs`, which uses no tables, so no memory access depends on a secret. Its
//! coefficients are freed without being wiped; the unseal key, the shares and the copies made here are wiped.

use vsss_rs::Gf256;
use zeroize::Zeroizing;

use crate::crypto::{Key, UnsealKey};
use crate::entropy::{Entropy, EntropyRng};
use crate::secret::SecretBytes;

/// Length of a share: 32 values and the share's number.
pub(super) const SHARE_BYTES: usize = 33;

/// The number of a share; `None` when the bytes are no share.
pub(super) fn share_number(share: &SecretBytes) -> Option<u8> {
    let (number, values) = share.expose().split_last()?;
    (values.len() + 1 == SHARE_BYTES && *number != 0).then_some(*number)
}

/// Splits `key` into `shares` parts of which any `threshold` restore it, and fewer tell nothing.
///
/// `None` unless 2 ≤ `threshold` ≤ `shares`.
pub(super) fn split(
    key: &UnsealKey,
    shares: u8,
    threshold: u8,
    entropy: &dyn Entropy,
) -> Option<Vec<SecretBytes>> {
    let parts =
        Gf256::split_bytes(usize::from(threshold), usize::from(shares), key.expose(), EntropyRng(entropy));
    let to_share = |mut part: Vec<u8>| {
        // The crate puts the number first, Vault's layout last; in place, so that nothing is copied.
        part.rotate_left(1);
        SecretBytes::new(part)
    };
    Some(parts.ok()?.into_iter().map(to_share).collect())
}

/// The key that `shares` restore. Wrong shares give a wrong key: only the unwrapping of the root key
/// tells. `None` when the shares cannot be combined at all.
pub(super) fn combine(shares: &[SecretBytes]) -> Option<UnsealKey> {
    let parts = shares.iter().map(|share| {
        let mut part = share.expose().to_vec();
        part.rotate_right(1);
        part
    });
    let parts = Zeroizing::new(parts.collect::<Vec<_>>());
    let key = Zeroizing::new(Gf256::combine_bytes(&*parts).ok()?);
    UnsealKey::from_slice(&key)
}
