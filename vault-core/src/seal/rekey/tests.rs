//! Old shares are good until the commit, new ones from it on.

use super::*;
use crate::clock::Timestamp;
use crate::crypto::Argon2Cost;
use crate::entropy::SeededEntropy;
use crate::seal::{Initialized, initialize};

const NOW: Timestamp = Timestamp::from_secs(1_795_000_000);

fn shamir(shares: u32, threshold: u32) -> InitRequest {
    InitRequest::Shamir { shares, threshold }
}

fn vault(request: InitRequest) -> Initialized {
    initialize(request, NOW, &SeededEntropy::new(1)).unwrap()
}

fn unseals(config: &Config, shares: &[SecretBytes]) -> bool {
    let mut unsealing = Unsealing::new(config);
    let entropy = SeededEntropy::new(9);
    shares.iter().any(|share| matches!(unsealing.offer(share.duplicate(), &entropy), Ok(Offer::Unsealed(_))))
}

fn rekeyed(rekey: &mut Rekey, shares: &[SecretBytes], entropy: &SeededEntropy) -> Rekeyed {
    let (last, first) = shares.split_last().unwrap();
    for share in first {
        assert!(matches!(rekey.offer(share.duplicate(), entropy).unwrap(), Rekeyed::More));
    }
    rekey.offer(last.duplicate(), entropy).unwrap()
}

#[test]
fn new_shares_open_the_same_keys_and_the_old_ones_nothing() {
    let old = vault(shamir(5, 3));
    let entropy = SeededEntropy::new(2);
    for (shares, threshold) in [(3, 2), (1, 1), (5, 5)] {
        let mut rekey = Rekey::begin(&old.config, shamir(shares, threshold), false, &entropy).unwrap();
        assert_eq!((rekey.progress(), rekey.required()), (0, 3));
        let outcome = rekeyed(&mut rekey, &old.shares[1..4], &entropy);
        let Rekeyed::Ready { shares: fresh, seal } = outcome else { panic!("not ready") };
        assert_eq!(fresh.len(), shares as usize);
        let mut keyring = old.unsealed.keyring.duplicate();
        // Rotated while the shares were collected.
        keyring.rotate(NOW, &entropy).unwrap();
        let (config, root) = seal.around(&keyring, &entropy);
        assert_ne!(root.expose(), old.unsealed.root.expose());
        assert!(unseals(&config, &fresh) && !unseals(&config, &old.shares));
        assert!(!unseals(&config, &fresh[1..]) || threshold < shares);
        // Nothing was stored: the old ones are good.
        assert!(unseals(&old.config, &old.shares) && !unseals(&old.config, &fresh));
        assert_eq!((config.cluster(), config.created_at()), (old.config.cluster(), old.config.created_at()));
        let stored = Config::from_bytes(&config.to_bytes()).unwrap();
        let mut unsealing = Unsealing::new(&stored);
        let opened = fresh.iter().find_map(|share| match unsealing.offer(share.duplicate(), &entropy) {
            Ok(Offer::Unsealed(opened)) => Some(opened),
            _ => None,
        });
        assert_eq!(opened.unwrap().keyring.generations().len(), 2);
    }
}

#[test]
fn shares_to_be_verified_count_when_enough_came_back() {
    let old = vault(shamir(1, 1));
    let entropy = SeededEntropy::new(3);
    let mut rekey = Rekey::begin(&old.config, shamir(3, 2), true, &entropy).unwrap();
    assert!(rekey.verify(old.shares[0].duplicate(), &entropy).is_none());
    assert!(!rekey.restart_verification(&entropy));
    let Rekeyed::ToVerify { shares } = rekeyed(&mut rekey, &old.shares, &entropy) else { panic!("ready") };
    let first = rekey.verification_nonce().unwrap().to_owned();
    assert_ne!(first, rekey.nonce());
    let came_back =
        |rekey: &mut Rekey, share: usize| rekey.verify(shares[share].duplicate(), &entropy).unwrap().unwrap();
    assert!(matches!(came_back(&mut rekey, 2), Verified::More));
    assert!(matches!(came_back(&mut rekey, 2), Verified::More));
    assert_eq!(rekey.verified(), 1);
    assert!(rekey.restart_verification(&entropy));
    assert_eq!(rekey.verified(), 0);
    assert_ne!(rekey.verification_nonce(), Some(first.as_str()));
    assert!(matches!(came_back(&mut rekey, 0), Verified::More));
    let Verified::Ready(seal) = came_back(&mut rekey, 1) else { panic!("not verified") };
    let (config, _) = seal.around(&old.unsealed.keyring, &entropy);
    assert!(unseals(&config, &shares));
}

#[test]
fn a_passphrase_gives_way_to_shares_and_the_other_way_round() {
    let phrase = |text: &str| InitRequest::Passphrase {
        passphrase: SecretBytes::new(text.as_bytes().to_vec()),
        cost: Argon2Cost::try_new(8, 1, 1).unwrap(),
    };
    let spoken = |text: &str| vec![SecretBytes::new(text.as_bytes().to_vec())];
    let entropy = SeededEntropy::new(4);
    let old = vault(phrase("correct horse battery"));
    let mut rekey = Rekey::begin(&old.config, shamir(2, 2), false, &entropy).unwrap();
    let wrong = rekey.offer(SecretBytes::new(b"incorrect horse".to_vec()), &entropy);
    assert_eq!(wrong.err(), Some(UnsealError::WrongPassphrase));
    let outcome = rekeyed(&mut rekey, &spoken("correct horse battery"), &entropy);
    let Rekeyed::Ready { shares, seal } = outcome else { panic!("not ready") };
    let (config, _) = seal.around(&old.unsealed.keyring, &entropy);
    assert!(unseals(&config, &shares));
    let mut back = Rekey::begin(&config, phrase("another long one"), false, &entropy).unwrap();
    let Rekeyed::Ready { shares, seal } = rekeyed(&mut back, &shares, &entropy) else { panic!("not ready") };
    assert!(shares.is_empty());
    let (config, _) = seal.around(&old.unsealed.keyring, &entropy);
    assert!(
        unseals(&config, &spoken("another long one")) && !unseals(&config, &spoken("correct horse battery"))
    );
}

#[test]
fn requests_that_cannot_be_granted_are_refused_before_any_share() {
    let old = vault(shamir(1, 1));
    let entropy = SeededEntropy::new(5);
    for (request, want) in [
        (shamir(0, 0), InitError::NoShares),
        (shamir(2, 1), InitError::ThresholdOfOne),
        (shamir(2, 3), InitError::ThresholdAboveShares),
        (shamir(256, 3), InitError::TooManyShares),
    ] {
        assert_eq!(Rekey::begin(&old.config, request, false, &entropy).err(), Some(want));
    }
}
