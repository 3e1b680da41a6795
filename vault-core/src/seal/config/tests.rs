//! What is read back, and what is refused before anyone offers a share.

use super::*;
use crate::entropy::SeededEntropy;
use crate::seal::{InitRequest, Initialized, Offer, Unsealing, initialize};
use crate::secret::SecretBytes;

const NOW: Timestamp = Timestamp::from_secs(1_795_000_000);

fn by_shares(shares: u32, threshold: u32) -> Initialized {
    initialize(InitRequest::Shamir { shares, threshold }, NOW, &SeededEntropy::new(1)).unwrap()
}

fn by_passphrase() -> Initialized {
    let passphrase = SecretBytes::new(b"correct horse battery".to_vec());
    let request = InitRequest::Passphrase { passphrase, cost: Argon2Cost::CHEAP };
    initialize(request, NOW, &SeededEntropy::new(1)).unwrap()
}

#[test]
fn a_configuration_is_read_back_as_it_was() {
    for vault in [by_shares(5, 3), by_shares(1, 1), by_passphrase()] {
        let bytes = vault.config.to_bytes();
        let read = Config::from_bytes(&bytes).unwrap();
        assert_eq!(read, vault.config);
        assert_eq!(read.to_bytes(), bytes);
        assert_eq!(read.created_at(), NOW);
    }
}

#[test]
fn a_configuration_with_a_field_out_of_bounds_is_refused() {
    let shamir = by_shares(5, 3).config.to_bytes();
    let passphrase = by_passphrase().config.to_bytes();
    let altered = |good: &[u8], at: usize, byte: u8| {
        let mut bytes = good.to_vec();
        bytes[at] = byte;
        Config::from_bytes(&bytes).unwrap_err()
    };
    let table = [
        ("newer format", altered(&shamir, 0, 2), ConfigError::UnknownFormat(2)),
        ("unknown kind", altered(&shamir, 1, 3), ConfigError::UnknownKind(3)),
        ("no shares", altered(&shamir, 2, 0), ConfigError::Malformed),
        ("no threshold", altered(&shamir, 3, 0), ConfigError::Malformed),
        ("threshold of one", altered(&shamir, 3, 1), ConfigError::Malformed),
        ("threshold above shares", altered(&shamir, 3, 6), ConfigError::Malformed),
        ("unknown suite of the root key", altered(&shamir, 28, 9), ConfigError::Malformed),
        ("unknown suite of the keyring", altered(&shamir, 28 + 73, 9), ConfigError::Malformed),
        ("several shares of a passphrase", altered(&passphrase, 2, 2), ConfigError::Malformed),
        ("memory of 4 TiB", altered(&passphrase, 28, 0xff), ConfigError::Malformed),
        ("too many passes", altered(&passphrase, 32, 1), ConfigError::Malformed),
        ("no lanes", altered(&passphrase, 39, 0), ConfigError::Malformed),
    ];
    for (what, refusal, expected) in table {
        assert_eq!(refusal, expected, "{what}");
    }
}

#[test]
fn no_cut_configuration_unseals() {
    for vault in [by_shares(1, 1), by_passphrase()] {
        let bytes = vault.config.to_bytes();
        for length in 0..bytes.len() {
            assert!(!unseals(&bytes[..length], &vault), "length {length}");
        }
        assert!(unseals(&bytes, &vault));
    }
}

#[test]
fn no_configuration_with_a_flipped_bit_unseals() {
    for vault in [by_shares(1, 1), by_passphrase()] {
        let bytes = vault.config.to_bytes();
        for bit in 0..bytes.len() * 8 {
            // Costly parameters are refused by decryption as well, only after seconds of work.
            if vault.config.kind() == SealKind::Passphrase && (28..40).contains(&(bit / 8)) {
                continue;
            }
            let mut altered = bytes.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            assert!(!unseals(&altered, &vault), "bit {bit}");
        }
    }
}

fn unseals(config: &[u8], vault: &Initialized) -> bool {
    let Ok(config) = Config::from_bytes(config) else { return false };
    let offer = match vault.shares.first() {
        Some(share) => share.duplicate(),
        None => SecretBytes::new(b"correct horse battery".to_vec()),
    };
    matches!(Unsealing::new(&config).offer(offer, &SeededEntropy::new(2)), Ok(Offer::Unsealed(_)))
}

#[test]
fn a_rotated_keyring_is_there_after_the_next_unseal() {
    let entropy = SeededEntropy::new(3);
    let mut vault = by_shares(1, 1);
    let generation = vault.unsealed.keyring.rotate(NOW, &entropy).unwrap();
    let config = vault.config.with_keyring(&vault.unsealed.root, &vault.unsealed.keyring, &entropy);

    let config = Config::from_bytes(&config.to_bytes()).unwrap();
    let offer = Unsealing::new(&config).offer(vault.shares.remove(0), &entropy).unwrap();
    let Offer::Unsealed(unsealed) = offer else { panic!("one share unseals") };
    assert_eq!(unsealed.keyring.active(), generation);
}

#[test]
fn debug_shows_no_stored_bytes() {
    let shown = format!("{:?}", by_shares(5, 3).config);
    assert!(shown.starts_with("Config { kind: Shamir { shares: 5, threshold: 3 }, cluster: "), "{shown}");
    assert!(shown.ends_with("created_at: Timestamp(1795000000000), .. }"), "{shown}");
}
