//! `Debug` output of everything that owns a secret.

use rotators::registry::Registry;
use vault_core::account::Subject;
use vault_core::clock::Timestamp;
use vault_core::entropy::SeededEntropy;
use vault_core::identity::{PlainToken, initial_root};
use vault_core::path::{AccountPath, Name};
use vault_core::rotation::port::Login;
use vault_core::secret::{SecretBytes, SecretString};
use vault_server::engine::record::Secret;
use vault_server::service::account::Configure;

use crate::search::{Secrets, Text};

const SECRET: &str = "canaryInDebug-6622";

#[test]
fn no_debug_output_shows_a_secret() {
    let text = || SecretString::new(SECRET.to_owned());
    let (token, record): (PlainToken, _) =
        initial_root(Some(text()), Timestamp::from_secs(1_800_000_000), &SeededEntropy::new(1)).unwrap();
    let outputs = [
        format!("{:?}", text()),
        format!("{:#?}", SecretBytes::new(SECRET.as_bytes().to_vec())),
        format!("{:?}", Some(vec![text()])),
        format!("{:?}", Login { username: "app".to_owned(), password: text() }),
        format!("{:?}", Secret::of(text())),
        format!("{token:?} {record:?}"),
        format!("{:?}", vault_api::sensitive::Sensitive::from(SECRET.to_owned())),
        format!("{:?}", Subject::Account(AccountPath::parse("app").unwrap())),
        format!("{:?}", Registry::shipped().find("postgresql").is_some()),
        format!(
            "{:?}",
            Configure {
                target: Name::parse("pg").unwrap(),
                username: "app".to_owned(),
                password: Some(text()),
                settings: vault_core::account::Settings::default(),
                adoption: vault_server::service::account::Adoption::AtOnce,
            }
        ),
    ];
    let mut secrets = Secrets::default();
    secrets.add("secret", SECRET);
    let texts: Vec<Text> = outputs.iter().map(|output| Text::new("Debug", output.as_str())).collect();
    assert_eq!(secrets.search(&texts), Vec::<String>::new());
}
