//! Stored formats: golden files of every version stay readable, and the bytes are as documented.

#[path = "formats/independent.rs"]
mod independent;

use data_encoding::HEXLOWER;
use serde::Deserialize;
use serde::de::Deserializer;
use vault_core::clock::Timestamp;
use vault_core::crypto::{Generation, Keyring, Place, Suite};
use vault_core::entropy::{Entropy, SeededEntropy};
use vault_core::seal::{Config, InitRequest, Offer, Unsealed, Unsealing, initialize};
use vault_core::secret::SecretBytes;
use vault_core::store::key::Table;

struct Hex(Vec<u8>);

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        HEXLOWER.decode(text.as_bytes()).map(Self).map_err(serde::de::Error::custom)
    }
}

#[derive(Deserialize)]
struct RecordFile {
    keyring: Hex,
    records: Vec<Record>,
}

#[derive(Deserialize)]
struct Record {
    suite: String,
    generation: u32,
    namespace: String,
    table: u8,
    name: Hex,
    revision: u64,
    plaintext: Hex,
    sealed: Hex,
}

impl Record {
    #[expect(clippy::unwrap_used, reason = "a golden file names a table that exists")]
    fn place(&self) -> Place<'_> {
        let table = Table::ALL.into_iter().find(|table| table.byte() == self.table).unwrap();
        Place { namespace: &self.namespace, table, name: &self.name.0, revision: self.revision }
    }
}

fn documented<'a>(place: &Place<'a>) -> independent::Place<'a> {
    let (namespace, name) = (place.namespace.as_bytes(), place.name);
    independent::Place { namespace, table: place.table.byte(), name, revision: place.revision }
}

#[test]
fn golden_records_of_format_1_open() {
    let file: RecordFile = serde_json::from_str(include_str!("golden/formats/record-v1.json")).unwrap();
    let keyring = Keyring::danger_from_plaintext(&file.keyring.0).unwrap();
    assert_eq!(file.records.len(), 12);
    for (at, record) in file.records.iter().enumerate() {
        let opened = keyring.open(&record.place(), &record.sealed.0).unwrap();
        assert_eq!(opened.expose(), record.plaintext.0, "record {at}");
        let generation = Generation::from_number(record.generation);
        assert_eq!(Keyring::generation_of(&record.sealed.0), Ok(generation), "record {at}");
        assert_eq!(Keyring::suite_of(&record.sealed.0).ok(), Suite::parse(&record.suite), "record {at}");
        let opened =
            independent::open_record(&file.keyring.0, &documented(&record.place()), &record.sealed.0);
        assert_eq!(opened.as_ref(), Some(&record.plaintext.0), "record {at}, by the documented bytes");
    }
}

#[test]
fn records_are_written_as_documented() {
    let entropy = SeededEntropy::new(41);
    let mut keyring = Keyring::generate(Timestamp::EPOCH, &entropy);
    keyring.rotate(Timestamp::EPOCH, &entropy).unwrap();
    let place = Place { namespace: "team", table: Table::Account, name: b"a/db/app", revision: 9 };
    for suite in Suite::ALL {
        let sealed = keyring.seal(suite, &place, b"plaintext", &entropy);
        let opened = independent::open_record(&keyring.danger_plaintext(), &documented(&place), &sealed);
        assert_eq!(opened.as_deref(), Some(&b"plaintext"[..]));
    }
}

#[derive(Deserialize)]
struct KeyringFile {
    plaintext: Hex,
    integrity: Hex,
    audit: Hex,
    token: Hex,
    audit_signing: Hex,
    generations: Vec<GoldenGeneration>,
}

#[derive(Deserialize, PartialEq, Debug)]
struct GoldenGeneration {
    number: u32,
    created_at: i64,
}

#[test]
fn the_golden_keyring_of_format_1_loads() {
    let file: KeyringFile = serde_json::from_str(include_str!("golden/formats/keyring-v1.json")).unwrap();
    let keyring = Keyring::danger_from_plaintext(&file.plaintext.0).unwrap();
    assert_eq!(keyring.integrity_key().expose().as_slice(), file.integrity.0);
    assert_eq!(keyring.audit_key().expose().as_slice(), file.audit.0);
    assert_eq!(keyring.token_key().expose().as_slice(), file.token.0);
    assert_eq!(keyring.audit_signing_seed().expose().as_slice(), file.audit_signing.0);
    let generations = keyring.generations().into_iter().map(|info| GoldenGeneration {
        number: info.number.number(),
        created_at: info.created_at.as_millis(),
    });
    assert_eq!(generations.collect::<Vec<_>>(), file.generations);
    assert_eq!(keyring.danger_plaintext().as_slice(), file.plaintext.0);
}

#[derive(Deserialize)]
struct ConfigFile {
    configs: Vec<GoldenConfig>,
}

#[derive(Deserialize)]
struct GoldenConfig {
    kind: String,
    shares: u8,
    threshold: u8,
    cluster: String,
    created_at: i64,
    offers: Vec<Hex>,
    root: Hex,
    keyring: Hex,
    config: Hex,
}

#[expect(clippy::unwrap_used, clippy::panic, reason = "an offer that is refused fails the test")]
fn unseal(config: &Config, offers: &[Hex], entropy: &dyn Entropy) -> Unsealed {
    let mut unsealing = Unsealing::new(config);
    for offer in offers {
        if let Offer::Unsealed(unsealed) =
            unsealing.offer(SecretBytes::new(offer.0.clone()), entropy).unwrap()
        {
            return unsealed;
        }
    }
    panic!("the offers did not unseal");
}

#[test]
fn golden_seal_configurations_of_format_1_unseal() {
    let file: ConfigFile = serde_json::from_str(include_str!("golden/formats/seal-config-v1.json")).unwrap();
    assert_eq!(file.configs.len(), 3);
    for golden in &file.configs {
        let config = Config::from_bytes(&golden.config.0).unwrap();
        let kind = config.kind();
        assert_eq!((kind.name(), kind.shares()), (golden.kind.as_str(), golden.shares));
        assert_eq!(kind.threshold(), golden.threshold);
        assert_eq!(config.cluster().to_string(), golden.cluster);
        assert_eq!(config.created_at().as_millis(), golden.created_at);
        assert_eq!(config.to_bytes(), golden.config.0);

        let unsealed = unseal(&config, &golden.offers, &SeededEntropy::new(1));
        assert_eq!(unsealed.root.expose().as_slice(), golden.root.0);
        assert_eq!(unsealed.keyring.danger_plaintext().as_slice(), golden.keyring.0);

        // From the other end of the shares, so that not only the first few are ever tried.
        let offers = golden.offers.iter().rev().map(|offer| offer.0.clone()).collect::<Vec<_>>();
        let (root, keyring) = independent::unseal(&golden.config.0, &offers).unwrap();
        assert_eq!((root, keyring), (golden.root.0.clone(), golden.keyring.0.clone()), "{}", golden.kind);
    }
}

#[test]
fn seal_configurations_are_written_as_documented() {
    let entropy = SeededEntropy::new(43);
    for (shares, threshold) in [(1, 1), (2, 2), (7, 4)] {
        let request = InitRequest::Shamir { shares, threshold };
        let vault = initialize(request, Timestamp::EPOCH, &entropy).unwrap();
        let offers = vault.shares.iter().map(|share| share.expose().to_vec()).collect::<Vec<_>>();
        let (root, keyring) = independent::unseal(&vault.config.to_bytes(), &offers).unwrap();
        assert_eq!(root, vault.unsealed.root.expose());
        assert_eq!(keyring, *vault.unsealed.keyring.danger_plaintext());
    }
}
