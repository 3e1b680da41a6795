//! Published vectors (RFCs, NIST, Wycheproof) against the very functions that seal records.

use data_encoding::HEXLOWER_PERMISSIVE;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer};
use vault_core::crypto::{Argon2Cost, Suite, primitive};

#[derive(Deserialize)]
struct File<T> {
    tests: Vec<Case<T>>,
}

#[derive(Deserialize)]
struct Case<T> {
    source: String,
    number: u32,
    #[serde(flatten)]
    case: T,
}

struct Hex(Vec<u8>);

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        HEXLOWER_PERMISSIVE.decode(text.as_bytes()).map(Self).map_err(serde::de::Error::custom)
    }
}

/// Runs every case of a file, names the first that fails, and sees that none got lost.
#[expect(clippy::unwrap_used, reason = "a file that does not parse fails the test")]
fn check_all<T: DeserializeOwned>(json: &str, count: usize, holds: impl Fn(&T) -> bool) {
    let file: File<T> = serde_json::from_str(json).unwrap();
    for case in &file.tests {
        assert!(holds(&case.case), "{} case {}", case.source, case.number);
    }
    assert_eq!(file.tests.len(), count);
}

#[derive(Deserialize)]
struct Aead {
    key: Hex,
    nonce: Hex,
    aad: Hex,
    plaintext: Hex,
    sealed: Hex,
    valid: bool,
}

impl Aead {
    fn holds(&self, suite: Suite) -> bool {
        let Ok(key) = self.key.0.as_slice().try_into() else { return false };
        let opened = primitive::decrypt(suite, key, &self.nonce.0, &self.aad.0, &self.sealed.0);
        if !self.valid {
            return opened.is_none();
        }
        let sealed = primitive::encrypt(suite, key, &self.nonce.0, &self.aad.0, &self.plaintext.0);
        sealed == self.sealed.0 && opened.as_ref() == Some(&self.plaintext.0)
    }
}

#[test]
fn xchacha20_poly1305_agrees_with_the_draft_and_wycheproof() {
    let json = include_str!("vectors/xchacha20_poly1305.json");
    check_all::<Aead>(json, 281, |case| case.holds(Suite::XChaCha20Poly1305));
}

#[test]
fn aes_256_gcm_agrees_with_nist_and_wycheproof() {
    let json = include_str!("vectors/aes_256_gcm.json");
    check_all::<Aead>(json, 123, |case| case.holds(Suite::Aes256Gcm));
}

#[test]
fn both_aead_files_hold_dozens_of_forgeries() {
    for (json, count) in [
        (include_str!("vectors/xchacha20_poly1305.json"), 60),
        (include_str!("vectors/aes_256_gcm.json"), 27),
    ] {
        let file: File<Aead> = serde_json::from_str(json).unwrap();
        assert_eq!(file.tests.iter().filter(|case| !case.case.valid).count(), count);
    }
}

#[derive(Deserialize)]
struct Hkdf {
    ikm: Hex,
    salt: Hex,
    info: Hex,
    okm: Hex,
}

#[test]
fn hkdf_sha256_agrees_with_rfc_5869_and_wycheproof() {
    check_all::<Hkdf>(include_str!("vectors/hkdf_sha256.json"), 105, |case| {
        primitive::hkdf_sha256(&case.salt.0, &case.ikm.0, &case.info.0, case.okm.0.len()) == case.okm.0
    });
}

#[derive(Deserialize)]
struct Hmac {
    key: Hex,
    message: Hex,
    tag: Hex,
}

#[test]
fn hmac_sha256_agrees_with_rfc_4231_and_wycheproof() {
    check_all::<Hmac>(include_str!("vectors/hmac_sha256.json"), 73, |case| {
        // Half of Wycheproof's tags are cut to 128 bits, as the algorithm allows.
        let tag = primitive::hmac_sha256(&case.key.0, &case.message.0);
        matches!(case.tag.0.len(), 16 | 32) && tag.starts_with(&case.tag.0)
    });
}

#[derive(Deserialize)]
struct Argon2id {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    passphrase: Hex,
    salt: Hex,
    secret: Hex,
    associated_data: Hex,
    hash: Hex,
}

impl Argon2id {
    fn hash_of_ours(&self) -> Option<Vec<u8>> {
        let cost = Argon2Cost::try_new(self.memory_kib, self.passes, self.lanes).ok()?;
        primitive::argon2id(&self.passphrase.0, &self.salt.0, cost, self.hash.0.len())
    }

    /// The RFC's own vector has a secret and associated data, which an unseal key has no use for: it runs
    /// against the crate below our function.
    fn hash_of_the_crate(&self) -> Option<Vec<u8>> {
        let params = argon2::ParamsBuilder::new()
            .m_cost(self.memory_kib)
            .t_cost(self.passes)
            .p_cost(self.lanes)
            .data(argon2::AssociatedData::new(&self.associated_data.0).ok()?)
            .build()
            .ok()?;
        let (algorithm, version) = (argon2::Algorithm::Argon2id, argon2::Version::V0x13);
        let mut out = vec![0; self.hash.0.len()];
        argon2::Argon2::new_with_secret(&self.secret.0, algorithm, version, params)
            .ok()?
            .hash_password_into(&self.passphrase.0, &self.salt.0, &mut out)
            .ok()?;
        Some(out)
    }
}

#[test]
fn argon2id_agrees_with_rfc_9106_and_the_reference_implementation() {
    check_all::<Argon2id>(include_str!("vectors/argon2id.json"), 8, |case| {
        let keyed = !case.secret.0.is_empty() || !case.associated_data.0.is_empty();
        let hash = if keyed { case.hash_of_the_crate() } else { case.hash_of_ours() };
        hash.as_ref() == Some(&case.hash.0)
    });
}
