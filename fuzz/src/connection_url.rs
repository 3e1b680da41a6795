//! Addresses of targets: a credential in them is found, and none is left in what is stored or shown.

use std::collections::BTreeMap;

use rotators::network::ConfigError;
use rotators::postgres::config::Config;
use vault_core::database::connection::written;
use vault_core::rotation::port::TargetSpec;

use super::parts::parts;

/// Reads `address %% name=value %% …` as settings of a PostgreSQL target.
pub fn run(data: &[u8]) {
    let Some(parts) = parts(data) else { return };
    let Some((url, settings)) = parts.split_first() else { return };
    let settings: BTreeMap<String, String> = settings
        .iter()
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    take_out(url);
    let spec = TargetSpec { connection_url: (*url).to_owned(), settings };
    let read = Config::parse(&spec);
    assert_eq!(Config::parse(&spec), read, "read twice alike");
    match read {
        Ok(config) => {
            assert!(!config.host.is_empty() && config.port > 0 && !config.host.contains('/'));
            assert!(!config.reach.connect_timeout.is_zero() && !config.reach.request_timeout.is_zero());
            assert!(written(url).is_none(), "an address that is accepted holds no credential");
            let place = config.place().to_string();
            assert!(place.starts_with(&config.host) || place.starts_with('['));
        }
        Err(error) => check_error(url, &error),
    }
}

/// What stands before the host becomes placeholders, and nothing of it stays.
fn take_out(url: &str) {
    let Some(found) = written(url) else { return };
    assert!(found.connection_url.contains("://{{username}}:{{password}}@"));
    assert!(written(&found.connection_url).is_none(), "there is nothing left to take out");
    assert!(!found.username.is_empty() && !found.password.expose().is_empty());
    let place = url.rsplit_once('@').map(|(_, place)| place);
    assert_eq!(found.connection_url.rsplit_once('@').map(|(_, place)| place), place);
    let spec = TargetSpec { connection_url: found.connection_url, settings: BTreeMap::new() };
    if let Err(ConfigError::LiteralCredential) = Config::parse(&spec) {
        // Then it stands among the parameters, where it is refused.
        assert!(place.is_some_and(|place| place.contains(['u', 'p', '%'])));
    }
}

/// An error tells nothing of a credential, which stands before the last `@`.
fn check_error(url: &str, error: &ConfigError) {
    let text = error.to_string();
    let credential = url.rsplit_once('@').map(|(before, _)| before).unwrap_or_default();
    for secret in credential.split([' ', '=', '/', ':', '@']).filter(|part| part.len() >= SECRET_BYTES_MIN) {
        assert!(!text.contains(secret) || KNOWN.contains(secret), "{text} tells of {secret:?}");
    }
}

/// Shorter texts are found by chance in the words of an error.
const SECRET_BYTES_MIN: usize = 12;
/// What errors say by themselves.
const KNOWN: &str = "postgresql://{{username}}:{{password}}@host:5432/database?sslmode=verify-full";
