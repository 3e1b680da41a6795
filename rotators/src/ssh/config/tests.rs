//! What settings mean, and which are refused.

use std::collections::BTreeMap;

use super::*;

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKSZ1FlnmZZkzC5ptARIMspDdsTHuM7fAeF5Z7J3LOYH root@db";
const FINGERPRINT: &str = "SHA256:9EJUEVBsbKoc0Vw8yfsr+bmgT1K1CyeHPDCzHFYeqJk";

fn parse(url: &str, settings: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let settings: BTreeMap<_, _> =
        settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Config::parse(&TargetSpec { connection_url: url.to_owned(), settings })
}

#[test]
fn what_is_not_said_has_its_default() {
    let config = parse("ssh://{{username}}:{{password}}@db.example", &[("host_key", KEY)]).unwrap();
    assert_eq!((config.host.as_str(), config.port), ("db.example", 22));
    assert_eq!((config.elevation, config.credential), (Elevation::None, Credential::Password));
    assert_eq!(config.request_timeout, Duration::from_secs(10));
}

#[test]
fn each_setting_is_read() {
    let all = [
        ("host_key", FINGERPRINT),
        ("become", "sudo"),
        ("credential", "ssh_key"),
        ("other_keys", "keep"),
        ("connect_timeout", "2s"),
        ("request_timeout", "3s"),
    ];
    let config = parse("ssh://{{username}}:{{password}}@[::1]:2222", &all).unwrap();
    assert_eq!(config.place().to_string(), "[::1]:2222");
    assert_eq!((config.elevation, config.credential), (Elevation::Sudo, Credential::SshKey));
    assert_eq!(config.other_keys, OtherKeys::Keep);
    assert_eq!(
        (config.connect_timeout, config.request_timeout),
        (Duration::from_secs(2), Duration::from_secs(3))
    );
}

#[test]
fn what_cannot_be_meant_is_refused_with_a_sentence() {
    let url = "ssh://{{username}}:{{password}}@db";
    for (url, settings, says) in [
        (url, &[][..], "host_key must be"),
        (url, &[("host_key", "")], "host_key must be"),
        (url, &[("host_key", "yes")], "host_key must be"),
        (url, &[("host_key", "SHA256:short")], "host_key must be"),
        (url, &[("host_key", "ask,SHA256:9EJUEVBsbKoc0Vw8yfsr+bmgT1K1CyeHPDCzHFYeqJk")], "host_key must be"),
        (url, &[("host_key", KEY), ("become", "doas")], "become must be none, sudo or sudo_password"),
        (url, &[("host_key", KEY), ("credential", "token")], "credential must be password or ssh_key"),
        (url, &[("host_key", KEY), ("other_keys", "drop")], "other_keys must be remove or keep"),
        (url, &[("host_key", KEY), ("sslmode", "require")], "'sslmode' is not a setting"),
        (url, &[("host_key", KEY), ("port", "22")], "'port' is not a setting"),
        ("ssh://root:hunter2@db", &[("host_key", KEY)], "literal user name or password"),
        ("ssh://{{username}}:{{password}}@db/home", &[("host_key", KEY)], "must look like ssh://"),
        ("https://{{username}}:{{password}}@db", &[("host_key", KEY)], "must look like ssh://"),
    ] {
        let refused = parse(url, settings).unwrap_err().to_string();
        assert!(refused.contains(says), "{url} {settings:?}: {refused}");
        assert!(!refused.contains("hunter2"), "{refused}");
    }
}
