//! Every right combination unseals, and nothing else does.

use proptest::prelude::*;

use super::*;
use crate::clock::Timestamp;
use crate::crypto::Argon2Cost;
use crate::entropy::SeededEntropy;
use crate::seal::{InitRequest, Initialized, initialize};

const NOW: Timestamp = Timestamp::from_secs(1_795_000_000);

fn vault(shares: u32, threshold: u32, seed: u64) -> Initialized {
    initialize(InitRequest::Shamir { shares, threshold }, NOW, &SeededEntropy::new(seed)).unwrap()
}

/// Offers to `vault`'s seal, one after another.
struct Round {
    unsealing: Unsealing,
    entropy: SeededEntropy,
}

impl Round {
    fn of(vault: &Initialized) -> Self {
        Self { unsealing: Unsealing::new(&vault.config), entropy: SeededEntropy::new(77) }
    }

    fn offer(&mut self, share: &SecretBytes) -> Result<Offer, UnsealError> {
        self.unsealing.offer(share.duplicate(), &self.entropy)
    }

    fn progress_after(&mut self, share: &SecretBytes) -> u8 {
        match self.offer(share).unwrap() {
            Offer::More { progress, .. } => progress,
            Offer::Unsealed(_) => panic!("unsealed too soon"),
        }
    }

    fn unseals(&mut self, share: &SecretBytes, vault: &Initialized) {
        let Offer::Unsealed(unsealed) = self.offer(share).unwrap() else { panic!("still sealed") };
        assert_eq!(unsealed.root.expose(), vault.unsealed.root.expose());
        assert_eq!(*unsealed.keyring.danger_plaintext(), *vault.unsealed.keyring.danger_plaintext());
        assert_eq!((self.unsealing.progress(), self.unsealing.nonce()), (0, ""));
    }
}

#[test]
fn every_three_of_five_shares_unseal() {
    let vault = vault(5, 3, 1);
    for (one, two, three) in [(0, 1, 2), (0, 1, 4), (4, 2, 0), (3, 1, 2), (2, 3, 4), (4, 3, 1)] {
        let mut round = Round::of(&vault);
        assert_eq!(round.progress_after(&vault.shares[one]), 1);
        assert_eq!(round.progress_after(&vault.shares[two]), 2);
        round.unseals(&vault.shares[three], &vault);
    }
}

#[test]
fn the_same_share_twice_does_not_count_twice() {
    let vault = vault(5, 3, 1);
    let mut round = Round::of(&vault);
    assert_eq!(round.progress_after(&vault.shares[0]), 1);
    assert_eq!(round.progress_after(&vault.shares[0]), 1);
    assert_eq!(round.progress_after(&vault.shares[1]), 2);
    assert_eq!(round.progress_after(&vault.shares[0]), 2);
    round.unseals(&vault.shares[2], &vault);
}

#[test]
fn a_malformed_share_is_refused_without_losing_the_others() {
    let vault = vault(5, 3, 1);
    let mut round = Round::of(&vault);
    round.progress_after(&vault.shares[0]);
    round.progress_after(&vault.shares[1]);
    let good = vault.shares[2].expose();
    let mut number_zero = good.to_vec();
    number_zero[32] = 0;
    for bad in [&[][..], &good[..32], &[good, &[1]].concat(), &number_zero, &[9; 4096]] {
        let refusal = round.offer(&SecretBytes::new(bad.to_vec())).unwrap_err();
        assert_eq!(refusal, UnsealError::MalformedShare { expected: 33 });
        assert_eq!(round.unsealing.progress(), 2);
    }
    round.unseals(&vault.shares[2], &vault);
}

#[test]
fn a_different_share_of_a_number_already_given_is_refused_without_losing_the_others() {
    let (vault, stranger) = (vault(5, 3, 1), vault(5, 3, 2));
    let mut round = Round::of(&vault);
    round.progress_after(&vault.shares[0]);
    round.progress_after(&vault.shares[1]);
    assert_eq!(round.offer(&stranger.shares[0]).unwrap_err(), UnsealError::ConflictingShare);
    round.unseals(&vault.shares[2], &vault);
}

#[test]
fn wrong_shares_are_noticed_at_the_threshold_and_progress_starts_again() {
    let (vault, stranger) = (vault(5, 3, 1), vault(5, 3, 2));
    let mut round = Round::of(&vault);
    round.progress_after(&vault.shares[0]);
    round.progress_after(&stranger.shares[1]);
    assert_eq!(round.offer(&vault.shares[2]).unwrap_err(), UnsealError::WrongShares);
    assert_eq!((round.unsealing.progress(), round.unsealing.nonce()), (0, ""));

    round.progress_after(&vault.shares[0]);
    round.progress_after(&vault.shares[1]);
    round.unseals(&vault.shares[2], &vault);
}

#[test]
fn one_wrong_bit_anywhere_in_a_share_is_noticed() {
    let vault = vault(2, 2, 1);
    for bit in 0..33 * 8 {
        let mut altered = vault.shares[1].expose().to_vec();
        altered[bit / 8] ^= 1 << (bit % 8);
        let mut round = Round::of(&vault);
        round.progress_after(&vault.shares[0]);
        let refusal = round.offer(&SecretBytes::new(altered)).unwrap_err();
        // Number 2 becomes 0 by one bit, and 3 by another: a number that no share of this vault has.
        let expected = if bit == 32 * 8 + 1 {
            UnsealError::MalformedShare { expected: 33 }
        } else {
            UnsealError::WrongShares
        };
        assert_eq!(refusal, expected, "bit {bit}");
    }
}

#[test]
fn shares_of_an_earlier_split_do_not_unseal() {
    let (vault, earlier) = (vault(3, 2, 1), vault(3, 2, 2));
    let mut round = Round::of(&vault);
    round.progress_after(&earlier.shares[0]);
    assert_eq!(round.offer(&earlier.shares[1]).unwrap_err(), UnsealError::WrongShares);
}

#[test]
fn a_single_share_unseals_alone_and_a_wrong_one_does_not() {
    let vault = vault(1, 1, 1);
    let mut round = Round::of(&vault);
    assert_eq!(round.offer(&SecretBytes::new(vec![7; 32])).unwrap_err(), UnsealError::WrongShares);
    let malformed = UnsealError::MalformedShare { expected: 32 };
    assert_eq!(round.offer(&SecretBytes::new(vec![7; 33])).unwrap_err(), malformed);
    round.unseals(&vault.shares[0], &vault);
}

#[test]
fn all_255_of_255_shares_unseal() {
    let vault = vault(255, 255, 1);
    let mut round = Round::of(&vault);
    let (last, first) = vault.shares.split_last().unwrap();
    for (share, progress) in first.iter().zip(1..) {
        assert_eq!(round.progress_after(share), progress);
    }
    round.unseals(last, &vault);
}

#[test]
fn each_round_has_its_own_nonce() {
    let vault = vault(5, 3, 1);
    let mut round = Round::of(&vault);
    assert_eq!(round.unsealing.nonce(), "");
    round.progress_after(&vault.shares[0]);
    let first = round.unsealing.nonce().to_owned();
    assert_eq!(uuid::Uuid::parse_str(&first).unwrap().get_version_num(), 4);
    round.progress_after(&vault.shares[1]);
    assert_eq!(round.unsealing.nonce(), first);

    round.unsealing.reset();
    assert_eq!((round.unsealing.progress(), round.unsealing.nonce()), (0, ""));
    round.progress_after(&vault.shares[0]);
    assert_ne!(round.unsealing.nonce(), first);
}

#[test]
fn a_passphrase_unseals_and_a_wrong_one_does_not() {
    let passphrase = || SecretBytes::new(b"correct horse battery".to_vec());
    let request = InitRequest::Passphrase { passphrase: passphrase(), cost: Argon2Cost::CHEAP };
    let vault = initialize(request, NOW, &SeededEntropy::new(1)).unwrap();
    let mut round = Round::of(&vault);
    assert_eq!(round.unsealing.threshold(), 1);
    for wrong in ["", "correct horse batter", "Correct horse battery", "correct horse battery "] {
        let refusal = round.offer(&SecretBytes::new(wrong.into())).unwrap_err();
        assert_eq!(refusal, UnsealError::WrongPassphrase, "{wrong}");
    }
    round.unseals(&passphrase(), &vault);
}

#[test]
fn the_recommended_cost_of_a_passphrase_is_the_one_of_rfc_9106() {
    let cost = Argon2Cost::RECOMMENDED;
    assert_eq!((cost.memory_kib(), cost.passes(), cost.lanes()), (65_536, 3, 4));
    let passphrase = || SecretBytes::new(b"correct horse battery".to_vec());
    let request = InitRequest::Passphrase { passphrase: passphrase(), cost };
    let vault = initialize(request, NOW, &SeededEntropy::new(1)).unwrap();
    Round::of(&vault).unseals(&passphrase(), &vault);
}

#[test]
fn a_damaged_keyring_is_told_apart_from_wrong_shares() {
    let vault = vault(1, 1, 1);
    let mut bytes = vault.config.to_bytes();
    *bytes.last_mut().unwrap() ^= 1;
    let config = Config::from_bytes(&bytes).unwrap();
    let refusal = Unsealing::new(&config).offer(vault.shares[0].duplicate(), &SeededEntropy::new(2));
    assert_eq!(refusal.unwrap_err(), UnsealError::Keyring(KeyringError::Refused));
}

#[test]
fn debug_shows_no_collected_share() {
    let vault = vault(5, 3, 1);
    let mut round = Round::of(&vault);
    round.progress_after(&vault.shares[0]);
    let shown = format!("{:?}", round.unsealing);
    assert!(shown.contains("shares: [SecretBytes(redacted)]"), "{shown}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_threshold_of_any_shares_in_any_order_unseals(
        (threshold, order) in (2_u32..12).prop_flat_map(|threshold| {
            (Just(threshold), Just((0..threshold as usize + 4).collect::<Vec<_>>()).prop_shuffle())
        }),
        seed: u64,
    ) {
        let vault = vault(threshold + 4, threshold, seed);
        let mut round = Round::of(&vault);
        let chosen = &order[..threshold as usize];
        let (last, first) = chosen.split_last().unwrap();
        for share in first {
            round.progress_after(&vault.shares[*share]);
        }
        round.unseals(&vault.shares[*last], &vault);
    }
}
