//! Any bytes where a keyring should stand, past its decryption: refused, or read back as they were.

use vault_core::clock::Timestamp;
use vault_core::crypto::Keyring;
use vault_core::entropy::SeededEntropy;

/// Reads `data` as a keyring; one that loads must be written the same, and must be able to rotate or say no.
pub fn run(data: &[u8]) {
    if let Ok(mut keyring) = Keyring::danger_from_plaintext(data) {
        assert_eq!(keyring.danger_plaintext().as_slice(), data);
        let before = keyring.active();
        if let Ok(number) = keyring.rotate(Timestamp::EPOCH, &SeededEntropy::new(1)) {
            assert!(number > before);
            assert_eq!(keyring.drop_generation(before), Ok(()));
        }
    }
}
