//! Any bytes where a sealed record should stand: refused, or opened to what was sealed; never a panic.

use vault_core::clock::Timestamp;
use vault_core::crypto::{Keyring, Place};
use vault_core::entropy::SeededEntropy;
use vault_core::store::key::Table;

/// Opens `data` with a fixed keyring at a fixed place; the corpus holds records sealed for both.
pub fn run(data: &[u8]) {
    let entropy = SeededEntropy::new(1);
    let keyring = Keyring::generate(Timestamp::EPOCH, &entropy);
    let place = Place { namespace: "", table: Table::Account, name: b"a/db/app", revision: 1 };
    if let Ok(plaintext) = keyring.open(&place, data) {
        assert_eq!(Keyring::generation_of(data), Ok(keyring.active()));
        let again = |suite| keyring.seal(suite, &place, plaintext.expose(), &entropy).len();
        assert_eq!(Keyring::suite_of(data).map(again), Ok(data.len()));
    }
}
