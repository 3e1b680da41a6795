//! What is read from which form, and what is refused.

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::network::tls::Roots;

fn parse(url: &str, settings: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let settings: BTreeMap<String, String> =
        settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Config::parse(&TargetSpec { connection_url: url.to_owned(), settings })
}

#[test]
fn both_forms_say_the_same() {
    for url in [
        "mysql://{{username}}:{{password}}@db.example:3307/app?sslmode=verify-full",
        "mariadb://{{ username }}:{{ password }}@db.example:3307/app?sslmode=verify-full",
        "{{username}}:{{password}}@tcp(db.example:3307)/app?tls=true&parseTime=true",
    ] {
        let config = parse(url, &[]).unwrap();
        assert_eq!((config.host.as_str(), config.port), ("db.example", 3307), "{url}");
        assert_eq!(config.database.as_deref(), Some("app"), "{url}");
        assert_eq!(config.reach.tls, TlsMode::VerifyFull, "{url}");
        assert_eq!((config.hashing, config.dual_password), (Hashing::Auto, false), "{url}");
    }
    let config = parse("{{username}}:{{password}}@tcp([::1])/", &[]).unwrap();
    assert_eq!((config.place().to_string().as_str(), &config.database), ("[::1]:3306", &None));
    assert_eq!(config.reach.tls, TlsMode::Prefer);
}

#[test]
fn a_named_authority_is_looked_at_unless_it_is_said_otherwise() {
    let url = "{{username}}:{{password}}@tcp(db:3306)/";
    for (settings, want) in [
        (&[("tls_ca", "PEM")][..], TlsMode::VerifyFull),
        (&[("tls_ca", "PEM"), ("sslmode", "verify-ca")], TlsMode::VerifyCa),
        (&[("tls_ca", "PEM"), ("sslmode", "require")], TlsMode::VerifyCa),
        (&[("tls_ca", "PEM"), ("tls_skip_verify", "false")], TlsMode::VerifyFull),
        (&[("tls_skip_verify", "true")], TlsMode::Require),
        (&[("sslrootcert", "system")], TlsMode::VerifyFull),
    ] {
        assert_eq!(parse(url, settings).unwrap().reach.tls, want, "{settings:?}");
    }
    assert_eq!(parse(url, &[("tls_ca", "PEM")]).unwrap().reach.roots, Roots::Pem("PEM".to_owned()));
}

#[test]
fn settings_of_its_own_are_read() {
    let config = parse(
        "mysql://db/",
        &[("password_hashing", "server"), ("dual_password", "true"), ("statement_timeout", "800ms")],
    )
    .unwrap();
    assert_eq!((config.hashing, config.dual_password), (Hashing::Server, true));
    assert_eq!(config.reach.request_timeout, Duration::from_millis(800));
}

#[test]
fn what_cannot_be_meant_is_refused_and_no_secret_repeated() {
    for url in [
        "root:hunter2@tcp(db:3306)/",
        "mysql://root:hunter2@db/",
        "root:hunter2@unix(/run/mysqld.sock)/",
        "{{username}}:{{password}}@tcp(db:3306",
        "{{username}}:{{password}}@tcp(a,b)/",
        "{{username}}:{{password}}@tcp(db:0)/",
        "{{username}}:{{password}}@tcp(db)/?tls=custom",
        "{{username}}:{{password}}@tcp(db)/?allowCleartextPasswords=true",
        "mysql://db/?parseTime=true",
        "mysql://db/?tls=true",
        "postgresql://db/",
        "",
    ] {
        let error = parse(url, &[]).unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{url}: {error}");
    }
    for (name, value) in [("password_hashing", "md5"), ("dual_password", "1"), ("tls_skip_verify", "perhaps")]
    {
        assert!(matches!(parse("mysql://db", &[(name, value)]), Err(ConfigError::Value { .. })), "{name}");
    }
    assert_eq!(
        parse("mysql://db/?dual_password=true", &[("dual_password", "true")]),
        Err(ConfigError::Twice("dual_password"))
    );
}
