//! What the keyring promises: round trips, refusals at every bit and every length, rotation, storage.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::crypto::{Key, RootKey};
use crate::entropy::SeededEntropy;
use crate::id::ClusterId;
use crate::store::key::Table;

const NOW: Timestamp = Timestamp::from_secs(1_795_000_000);
const PLACE: Place<'static> =
    Place { namespace: "", table: Table::Credential, name: b"a/db/app\0\0\0\0\0\0\0\0\x01", revision: 3 };

fn keyring(seed: u64) -> Keyring {
    Keyring::generate(NOW, &SeededEntropy::new(seed))
}

/// Each place that differs from [`PLACE`] in one field, with the name of the field.
fn other_places() -> Vec<(&'static str, Place<'static>)> {
    vec![
        ("namespace", Place { namespace: "team", ..PLACE }),
        ("table", Place { table: Table::Account, ..PLACE }),
        ("name", Place { name: b"a/db/root\0\0\0\0\0\0\0\0\x01", ..PLACE }),
        ("empty name", Place { name: b"", ..PLACE }),
        ("older revision", Place { revision: 2, ..PLACE }),
        ("newer revision", Place { revision: 4, ..PLACE }),
    ]
}

#[test]
fn a_record_opens_at_its_own_place() {
    let keyring = keyring(1);
    for suite in Suite::ALL {
        for plaintext in [&b""[..], b"x", &[0xa5; 5000]] {
            let sealed = keyring.seal(suite, &PLACE, plaintext, &SeededEntropy::new(2));
            assert_eq!(keyring.open(&PLACE, &sealed).unwrap().expose(), plaintext);
            assert_eq!(Keyring::suite_of(&sealed), Ok(suite));
            assert_eq!(Keyring::generation_of(&sealed), Ok(Generation::FIRST));
        }
    }
}

#[test]
fn a_record_opens_at_no_other_place() {
    let keyring = keyring(1);
    for suite in Suite::ALL {
        let sealed = keyring.seal(suite, &PLACE, b"secret", &SeededEntropy::new(2));
        for (field, place) in other_places() {
            assert_eq!(keyring.open(&place, &sealed).unwrap_err(), OpenError::Refused, "{suite:?} {field}");
        }
    }
}

#[test]
fn every_flipped_bit_is_refused() {
    let keyring = keyring(1);
    for suite in Suite::ALL {
        let sealed = keyring.seal(suite, &PLACE, b"secret", &SeededEntropy::new(2));
        for bit in 0..sealed.len() * 8 {
            let mut altered = sealed.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            let error = keyring.open(&PLACE, &altered).unwrap_err();
            match bit / 8 {
                0 => assert_eq!(error, OpenError::UnknownFormat(altered[0])),
                1 => assert!(matches!(error, OpenError::UnknownSuite(_)), "{error:?}"),
                2..6 => assert!(matches!(error, OpenError::UnknownGeneration(_)), "{error:?}"),
                _ => assert_eq!(error, OpenError::Refused, "bit {bit}"),
            }
        }
    }
}

#[test]
fn a_record_whose_suite_byte_was_swapped_is_refused() {
    let keyring = keyring(1);
    for (suite, other) in [(Suite::ALL[0], Suite::ALL[1]), (Suite::ALL[1], Suite::ALL[0])] {
        let mut sealed = keyring.seal(suite, &PLACE, &[7; 64], &SeededEntropy::new(2));
        sealed[1] = other.byte();
        assert_eq!(keyring.open(&PLACE, &sealed).unwrap_err(), OpenError::Refused);
    }
}

#[test]
fn a_record_cut_at_any_length_is_refused() {
    let keyring = keyring(1);
    for (suite, shortest) in [(Suite::Aes256Gcm, 114), (Suite::XChaCha20Poly1305, 118)] {
        let sealed = keyring.seal(suite, &PLACE, b"secret", &SeededEntropy::new(2));
        assert_eq!(sealed.len(), shortest + b"secret".len());
        for length in 0..sealed.len() {
            let expected = if length < shortest { OpenError::TooShort } else { OpenError::Refused };
            assert_eq!(keyring.open(&PLACE, &sealed[..length]).unwrap_err(), expected, "length {length}");
        }
    }
}

#[test]
fn a_record_of_another_keyring_is_refused() {
    let sealed = keyring(1).seal(Suite::default(), &PLACE, b"secret", &SeededEntropy::new(2));
    assert_eq!(keyring(9).open(&PLACE, &sealed).unwrap_err(), OpenError::Refused);
}

#[test]
fn a_key_generation_cannot_be_exchanged_for_another_that_the_keyring_holds() {
    let mut keyring = keyring(1);
    for suite in Suite::ALL {
        let mut sealed = keyring.seal(suite, &PLACE, b"secret", &SeededEntropy::new(2));
        let next = keyring.rotate(NOW, &SeededEntropy::new(3)).unwrap();
        sealed[2..6].copy_from_slice(&next.number().to_be_bytes());
        assert_eq!(keyring.open(&PLACE, &sealed).unwrap_err(), OpenError::Refused);
    }
}

#[test]
fn two_seals_of_one_plaintext_share_nothing_past_the_header() {
    let keyring = keyring(1);
    let entropy = SeededEntropy::new(2);
    for suite in Suite::ALL {
        let one = keyring.seal(suite, &PLACE, &[0; 1000], &entropy);
        let two = keyring.seal(suite, &PLACE, &[0; 1000], &entropy);
        assert_eq!(one[..6], two[..6]);
        let same = one.iter().zip(&two).skip(6).filter(|(a, b)| a == b).count();
        assert!(same < 30, "{same} of 1100 bytes are equal; chance gives about 4");
    }
}

#[test]
fn rotation_seals_under_the_new_generation_and_keeps_the_old_readable() {
    let mut keyring = keyring(1);
    let entropy = SeededEntropy::new(2);
    let old = keyring.seal(Suite::default(), &PLACE, b"old", &entropy);
    let later = NOW.plus(std::time::Duration::from_secs(60));
    let second = keyring.rotate(later, &entropy).unwrap();
    let new = keyring.seal(Suite::default(), &PLACE, b"new", &entropy);

    assert_eq!((keyring.active(), second), (second, Generation::from_number(2)));
    assert_eq!(Keyring::generation_of(&old), Ok(Generation::FIRST));
    assert_eq!(Keyring::generation_of(&new), Ok(second));
    assert_eq!(keyring.open(&PLACE, &old).unwrap().expose(), b"old");
    assert_eq!(keyring.open(&PLACE, &new).unwrap().expose(), b"new");
    assert_eq!(
        keyring.generations(),
        [
            GenerationInfo { number: Generation::FIRST, created_at: NOW },
            GenerationInfo { number: second, created_at: later },
        ]
    );
}

#[test]
fn rotation_changes_no_purpose_key() {
    let mut keyring = keyring(1);
    let purposes = |keyring: &Keyring| {
        [keyring.integrity_key(), keyring.audit_key(), keyring.token_key(), keyring.audit_signing_seed()]
            .map(|key| *key.expose())
    };
    let before = purposes(&keyring);
    keyring.rotate(NOW, &SeededEntropy::new(3)).unwrap();
    assert_eq!(purposes(&keyring), before);
    for (at, key) in before.iter().enumerate() {
        assert!(!before[..at].contains(key), "purpose key {at} equals an earlier one");
    }
}

#[test]
fn a_dropped_generation_opens_nothing_and_its_number_is_not_used_again() {
    let mut keyring = keyring(1);
    let entropy = SeededEntropy::new(2);
    let sealed = keyring.seal(Suite::default(), &PLACE, b"old", &entropy);
    keyring.rotate(NOW, &entropy).unwrap();
    keyring.drop_generation(Generation::FIRST).unwrap();

    let gone = OpenError::UnknownGeneration(Generation::FIRST);
    assert_eq!(keyring.open(&PLACE, &sealed).unwrap_err(), gone);
    assert_eq!(keyring.drop_generation(Generation::FIRST), Err(DropError::Unknown));
    assert_eq!(keyring.drop_generation(keyring.active()), Err(DropError::Active));
    assert_eq!(keyring.rotate(NOW, &entropy), Ok(Generation::from_number(3)));
}

#[test]
fn a_duplicate_can_be_rotated_while_the_original_stays_in_use() {
    let original = Arc::new(keyring(1));
    let entropy = SeededEntropy::new(2);
    let mut next = original.duplicate();
    next.rotate(NOW, &entropy).unwrap();
    assert_eq!(original.active(), Generation::FIRST);
    let sealed = original.seal(Suite::default(), &PLACE, b"by the original", &entropy);
    assert_eq!(next.open(&PLACE, &sealed).unwrap().expose(), b"by the original");
}

#[test]
fn a_full_keyring_refuses_to_rotate_until_a_generation_is_dropped() {
    let mut keyring = keyring(1);
    let entropy = SeededEntropy::new(2);
    for _ in 1..GENERATIONS_MAX {
        keyring.rotate(NOW, &entropy).unwrap();
    }
    assert_eq!(keyring.rotate(NOW, &entropy), Err(TooManyGenerations));
    assert_eq!(
        Keyring::danger_from_plaintext(&keyring.danger_plaintext()).unwrap().active(),
        keyring.active()
    );
    keyring.drop_generation(Generation::FIRST).unwrap();
    assert!(keyring.rotate(NOW, &entropy).is_ok());
}

#[test]
fn a_stored_keyring_opens_with_its_root_key_and_cluster_alone() {
    let entropy = SeededEntropy::new(4);
    let (root, other_root) = (RootKey::generate(&entropy), RootKey::generate(&entropy));
    let (cluster, other_cluster) = (ClusterId::generate(NOW, &entropy), ClusterId::generate(NOW, &entropy));
    let mut original = keyring(1);
    original.rotate(NOW, &entropy).unwrap();
    let sealed = original.to_sealed(&root, cluster, &entropy);

    let loaded = Keyring::from_sealed(&root, cluster, &sealed).unwrap();
    assert_eq!(*loaded.danger_plaintext(), *original.danger_plaintext());
    assert_eq!(Keyring::from_sealed(&other_root, cluster, &sealed).unwrap_err(), KeyringError::Refused);
    assert_eq!(Keyring::from_sealed(&root, other_cluster, &sealed).unwrap_err(), KeyringError::Refused);
    for byte in 0..sealed.len() {
        let mut altered = sealed.clone();
        altered[byte] ^= 0x40;
        assert_eq!(Keyring::from_sealed(&root, cluster, &altered).unwrap_err(), KeyringError::Refused);
    }
}

#[test]
fn a_keyring_that_is_not_well_formed_is_not_loaded() {
    let mut keyring = keyring(1);
    keyring.rotate(NOW, &SeededEntropy::new(3)).unwrap();
    let good = keyring.danger_plaintext().to_vec();
    let altered = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };
    let table = [
        ("empty", Vec::new(), KeyringError::Malformed),
        ("newer format", altered(0, 2), KeyringError::UnknownFormat(2)),
        ("no generation", altered(130, 0), KeyringError::Malformed),
        ("one generation too few", altered(130, 1), KeyringError::Malformed),
        ("one generation too many", altered(130, 3), KeyringError::Malformed),
        ("generation zero", altered(134, 0), KeyringError::Malformed),
        ("generations not ascending", altered(134, 2), KeyringError::Malformed),
        ("bytes at the end", [good.as_slice(), &[0]].concat(), KeyringError::Malformed),
    ];
    for (what, bytes, error) in table {
        assert_eq!(Keyring::danger_from_plaintext(&bytes).unwrap_err(), error, "{what}");
    }
    for length in 0..good.len() {
        assert!(Keyring::danger_from_plaintext(&good[..length]).is_err(), "length {length}");
    }
}

#[test]
fn debug_shows_no_key() {
    let entropy = SeededEntropy::new(4);
    let keyring = Keyring::generate(NOW, &entropy);
    let shown = format!("{keyring:?} {:?} {:?}", keyring.audit_key(), RootKey::generate(&entropy));
    assert_eq!(
        shown,
        "Keyring { generations: [GenerationInfo { number: Generation(1), created_at: Timestamp(1795000000000) }], .. } \
         PurposeKey(redacted) RootKey(redacted)"
    );
}

#[test]
fn a_keyring_is_shared_between_threads_without_a_lock() {
    fn shared<T: Send + Sync>(_: &T) {}
    let keyring = Arc::new(keyring(1));
    shared(&keyring);
    std::thread::scope(|scope| {
        for seed in 0..4 {
            let keyring = Arc::clone(&keyring);
            scope.spawn(move || {
                let entropy = SeededEntropy::new(seed);
                for _ in 0..50 {
                    let sealed = keyring.seal(Suite::default(), &PLACE, &seed.to_be_bytes(), &entropy);
                    assert_eq!(keyring.open(&PLACE, &sealed).unwrap().expose(), seed.to_be_bytes());
                }
            });
        }
    });
}

#[test]
fn the_random_generator_port_feeds_every_key_and_nonce() {
    // The same stream gives the same bytes: nothing comes from elsewhere, so tests can replay all of it.
    let sealed = |seed| keyring(seed).seal(Suite::default(), &PLACE, b"x", &SeededEntropy::new(seed));
    assert_eq!(sealed(5), sealed(5));
    assert_ne!(sealed(5), sealed(6));
}

fn any_suite() -> impl Strategy<Value = Suite> {
    prop_oneof![Just(Suite::Aes256Gcm), Just(Suite::XChaCha20Poly1305)]
}

fn any_table() -> impl Strategy<Value = Table> {
    (0..Table::ALL.len()).prop_map(|at| Table::ALL[at])
}

type Owned = (String, Table, Vec<u8>, u64);

fn any_place() -> impl Strategy<Value = Owned> {
    ("[a-z/]{0,4}", any_table(), prop::collection::vec(any::<u8>(), 0..6), 0..4_u64)
}

fn place((namespace, table, name, revision): &Owned) -> Place<'_> {
    Place { namespace, table: *table, name, revision: *revision }
}

proptest! {
    #[test]
    fn open_undoes_seal_at_any_place(
        suite in any_suite(), at in any_place(), plaintext in prop::collection::vec(any::<u8>(), 0..300), seed: u64,
    ) {
        let keyring = keyring(seed);
        let sealed = keyring.seal(suite, &place(&at), &plaintext, &SeededEntropy::new(!seed));
        let opened = keyring.open(&place(&at), &sealed).unwrap();
        prop_assert_eq!(opened.expose(), plaintext.as_slice());
    }

    #[test]
    fn a_record_opens_at_another_place_only_if_it_is_the_same(one in any_place(), other in any_place()) {
        let keyring = keyring(1);
        let sealed = keyring.seal(Suite::default(), &place(&one), b"x", &SeededEntropy::new(2));
        prop_assert_eq!(keyring.open(&place(&other), &sealed).is_ok(), one == other);
    }

    #[test]
    fn any_bytes_at_all_are_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(keyring(1).open(&PLACE, &bytes).is_err());
        let _ = Keyring::danger_from_plaintext(&bytes);
    }
}
