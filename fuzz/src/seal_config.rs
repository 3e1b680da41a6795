//! Any bytes where the seal configuration should stand: refused, or read back as they were.

use vault_core::entropy::SeededEntropy;
use vault_core::seal::{Config, SealKind, Unsealing};
use vault_core::secret::SecretBytes;

/// Reads `data` as a configuration, and offers it a share where that costs no key derivation.
pub fn run(data: &[u8]) {
    let Ok(config) = Config::from_bytes(data) else { return };
    assert_eq!(config.to_bytes(), data);
    if matches!(config.kind(), SealKind::Shamir { .. }) {
        let offer = Unsealing::new(&config).offer(SecretBytes::new(vec![7; 33]), &SeededEntropy::new(1));
        assert_eq!(offer.is_err(), config.kind().threshold() == 1);
    }
}
