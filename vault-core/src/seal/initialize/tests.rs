//! What a new vault hands out, what it refuses, and that its shares tell nothing.

use super::*;
use crate::entropy::SeededEntropy;
use crate::seal::SealKind;

const NOW: Timestamp = Timestamp::from_secs(1_795_000_000);

fn by_shares(shares: u32, threshold: u32) -> Result<Initialized, InitError> {
    initialize(InitRequest::Shamir { shares, threshold }, NOW, &SeededEntropy::new(1))
}

fn by_passphrase(passphrase: &str) -> Result<Initialized, InitError> {
    let passphrase = SecretBytes::new(passphrase.into());
    let request = InitRequest::Passphrase { passphrase, cost: Argon2Cost::CHEAP };
    initialize(request, NOW, &SeededEntropy::new(1))
}

#[test]
fn counts_of_shares_are_checked_as_vault_checks_them() {
    use InitError::{NoShares, NoThreshold, ThresholdAboveShares, ThresholdOfOne, TooManyShares};
    let table = [
        ((1, 1), None),
        ((2, 2), None),
        ((5, 3), None),
        ((255, 2), None),
        ((255, 255), None),
        ((0, 0), Some(NoShares)),
        ((0, 1), Some(NoShares)),
        ((256, 2), Some(TooManyShares)),
        ((u32::MAX, 2), Some(TooManyShares)),
        ((5, 0), Some(NoThreshold)),
        ((5, 1), Some(ThresholdOfOne)),
        ((1, 2), Some(ThresholdAboveShares)),
        ((5, 6), Some(ThresholdAboveShares)),
        ((5, u32::MAX), Some(ThresholdAboveShares)),
    ];
    for ((shares, threshold), refusal) in table {
        assert_eq!(by_shares(shares, threshold).err(), refusal, "{shares} {threshold}");
    }
    assert_eq!(ThresholdOfOne.to_string(), "threshold must be greater than one for multiple shares");
}

#[test]
fn shares_carry_their_number_last_and_a_single_share_is_the_key_itself() {
    let vault = by_shares(5, 3).unwrap();
    assert_eq!(vault.config.kind(), SealKind::Shamir { shares: 5, threshold: 3 });
    for (share, number) in vault.shares.iter().zip(1..) {
        assert_eq!((share.expose().len(), share.expose()[32]), (33, number));
    }
    assert_eq!(vault.shares.len(), 5);

    let vault = by_shares(1, 1).unwrap();
    assert_eq!(vault.shares.iter().map(|share| share.expose().len()).collect::<Vec<_>>(), [32]);
}

#[test]
fn a_passphrase_hands_out_no_shares_and_must_not_be_short() {
    let vault = by_passphrase("correct horse battery").unwrap();
    assert_eq!(vault.config.kind(), SealKind::Passphrase);
    assert!(vault.shares.is_empty());
    assert_eq!(by_passphrase("12345678901").unwrap_err(), InitError::PassphraseTooShort);
}

#[test]
fn debug_of_a_new_vault_shows_no_key() {
    let vault = by_shares(2, 2).unwrap();
    let shown = format!("{vault:?}");
    assert!(shown.contains("shares: [SecretBytes(redacted), SecretBytes(redacted)]"), "{shown}");
    assert!(shown.contains("root: RootKey(redacted)"), "{shown}");
}

/// Pearson's statistic of `samples` against the uniform distribution over all bytes: about 255 ± 23 for
/// uniform ones.
fn chi_square(samples: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for sample in samples {
        counts[usize::from(*sample)] += 1;
    }
    let expected = samples.len() as f64 / 256.0;
    counts.iter().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum()
}

/// Chance of a uniform sample outside: below one in a million on either side.
const UNIFORM: std::ops::Range<f64> = 160.0..390.0;

/// The bytes of share `number` of the same key, split a thousand times.
fn share_bytes(key: u8, threshold: u8, number: u8) -> Vec<u8> {
    let entropy = SeededEntropy::new(u64::from(threshold));
    let key = UnsealKey::build(|bytes| *bytes = [key; 32]);
    let share = |_| {
        let shares = shamir::split(&key, number, threshold, &entropy).unwrap();
        shares.last().unwrap().expose()[..32].to_vec()
    };
    (0..1000).flat_map(share).collect()
}

#[test]
fn the_coefficients_that_hide_a_key_are_uniform_over_the_whole_field() {
    // Under a threshold of two, share 2 is key + 2·coefficient, and doubling permutes the field. A library
    // that drew odd coefficients only (vsss-rs before 5.4) or never zero would leak the key through this.
    for key in [0x00, 0x01, 0x5a, 0xff] {
        let bytes = share_bytes(key, 2, 2);
        let chi = chi_square(&bytes);
        assert!(UNIFORM.contains(&chi), "key byte {key:#x}: {chi}");
        assert!(bytes.contains(&key), "a coefficient of zero must occur");
    }
}

#[test]
fn one_share_of_a_higher_threshold_is_uniform_too() {
    for (threshold, number) in [(3, 3), (3, 5), (5, 7)] {
        let chi = chi_square(&share_bytes(0x5a, threshold, number));
        assert!(UNIFORM.contains(&chi), "threshold {threshold}, share {number}: {chi}");
    }
}

#[test]
fn the_chi_square_test_notices_the_bias_it_stands_guard_against() {
    let odd_only = share_bytes(0, 2, 2).iter().map(|byte| (byte & 0xfe) | 1).collect::<Vec<_>>();
    assert!(chi_square(&odd_only) > 10_000.0);
    let never_zero = share_bytes(0, 2, 2).iter().map(|byte| (*byte).max(1)).collect::<Vec<_>>();
    assert!(!never_zero.contains(&0));
}
