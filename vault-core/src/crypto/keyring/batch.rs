//! Batch tokens: records that travel with their holder, sealed.

use zeroize::Zeroizing;

use super::Keyring;
use crate::crypto::envelope::{Refused, open_envelope, seal_envelope};
use crate::crypto::kdf::hkdf_sha256;
use crate::crypto::suite::Suite;
use crate::entropy::Entropy;

impl Keyring {
    /// Seals the record of a batch token. Under a key of the token key, not of a generation: generations are
    /// dropped once no stored record needs them, and nobody knows which tokens are about.
    #[must_use]
    pub fn seal_batch_token(&self, record: &[u8], entropy: &dyn Entropy) -> Vec<u8> {
        seal_envelope(Suite::XChaCha20Poly1305, &self.batch_key(), LABEL, record, entropy)
    }

    /// The record in what [`seal_batch_token`](Self::seal_batch_token) made; `None` for anything else.
    #[must_use]
    pub fn open_batch_token(&self, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        open_envelope(&self.batch_key(), LABEL, sealed).map_err(|_: Refused| ()).ok()
    }

    fn batch_key(&self) -> Zeroizing<[u8; 32]> {
        let mut key = Zeroizing::new([0; 32]);
        hkdf_sha256(b"", self.purposes.token.expose(), INFO, &mut key);
        key
    }
}

const INFO: &[u8] = b"rotunda v1 batch token";
const LABEL: &[u8] = b"rotunda batch token";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::entropy::SeededEntropy;

    #[test]
    fn only_the_vault_that_sealed_a_token_opens_it() {
        let entropy = SeededEntropy::new(1);
        let keyring = Keyring::generate(Timestamp::EPOCH, &entropy);
        let mut sealed = keyring.seal_batch_token(b"record", &entropy);
        assert_eq!(keyring.open_batch_token(&sealed).unwrap().as_slice(), b"record");
        let other = Keyring::generate(Timestamp::EPOCH, &entropy);
        assert!(other.open_batch_token(&sealed).is_none());
        let last = sealed.len() - 1;
        sealed[last] ^= 1;
        assert!(keyring.open_batch_token(&sealed).is_none());
        assert!(keyring.open_batch_token(b"").is_none());
    }
}
