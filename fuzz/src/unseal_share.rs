//! Any bytes that a person may offer as shares: refused or counted, never a panic, never unsealed by chance.

use vault_core::clock::Timestamp;
use vault_core::entropy::SeededEntropy;
use vault_core::seal::{InitRequest, Offer, Unsealing, initialize};
use vault_core::secret::SecretBytes;

/// Offers `data` to a 3-of-5 seal, cut into pieces: each piece's length stands before it.
pub fn run(data: &[u8]) {
    let entropy = SeededEntropy::new(1);
    let vault = initialize(InitRequest::Shamir { shares: 5, threshold: 3 }, Timestamp::EPOCH, &entropy);
    assert!(vault.is_ok(), "3 of 5 is allowed");
    let Ok(vault) = vault else { return };
    let mut unsealing = Unsealing::new(&vault.config);
    let mut genuine = 0;
    let mut rest = data;
    while let Some((length, tail)) = rest.split_first() {
        let (piece, tail) = tail.split_at(tail.len().min(usize::from(*length)));
        rest = tail;
        genuine += usize::from(vault.shares.iter().any(|share| share.ct_eq(piece)));
        let offer = unsealing.offer(SecretBytes::new(piece.to_vec()), &entropy);
        if matches!(offer, Ok(Offer::Unsealed(_))) {
            assert!(genuine >= 3, "unsealed with fewer shares than the threshold");
        }
        assert!(unsealing.progress() < 3);
        assert_eq!(unsealing.nonce().is_empty(), unsealing.progress() == 0);
    }
}
