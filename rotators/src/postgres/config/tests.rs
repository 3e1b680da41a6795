//! Addresses and settings that are taken, and those that are refused with a sentence.

use std::time::Duration;

use super::*;
use crate::network::tls::Roots;

fn parse(url: &str, settings: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::parse(&TargetSpec {
        connection_url: url.to_owned(),
        settings: settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
    })
}

#[test]
fn the_template_names_host_port_and_database() {
    for (url, host, port, database) in [
        ("postgresql://{{username}}:{{password}}@db.example:6432/app", "db.example", 6432, "app"),
        ("postgres://{{ username }}:{{ password }}@10.0.0.7/app", "10.0.0.7", 5432, "app"),
        ("postgresql://{{username}}:{{password}}@[::1]:5433", "::1", 5433, "postgres"),
        ("postgresql://{{username}}:{{password}}@[fe80::1]/", "fe80::1", 5432, "postgres"),
        ("postgresql://db/m%C3%A4%2Fx%25", "db", 5432, "mä/x%"),
        ("host=db port=5433 dbname=app user={{username}} password={{password}}", "db", 5433, "app"),
        (r"  host = 'db'  dbname='a b\'c' ", "db", 5432, "a b'c"),
    ] {
        let config = parse(url, &[]).unwrap_or_else(|error| panic!("{url}: {error}"));
        assert_eq!(
            (config.host.as_str(), config.port, config.database.as_str()),
            (host, port, database),
            "{url}"
        );
    }
}

#[test]
fn defaults_are_those_of_the_manual() {
    let config = parse("postgresql://{{username}}:{{password}}@db/app", &[]).unwrap();
    assert_eq!(config.reach.tls, TlsMode::Prefer);
    assert_eq!(config.reach.roots, Roots::System);
    assert_eq!(config.hashing, Hashing::Scram);
    assert_eq!(config.reach.connect_timeout, Duration::from_secs(5));
    assert_eq!(config.reach.request_timeout, Duration::from_secs(10));
}

#[test]
fn a_credential_written_out_is_refused_and_not_repeated() {
    for url in [
        "postgresql://app:hunter2@db/app",
        "postgresql://{{username}}:hunter2@db/app",
        "postgresql://hunter2:{{password}}@db/app",
        "postgresql://{{username}}@db/app",
        "postgresql://{{username}}:x/hunter2@y@db/app",
        "postgresql://{{username}}:{{password}}@db/app?password=hunter2",
        "postgresql://{{username}}:{{password}}@db/app?user=hunter2",
        "postgresql://app:a?hunter2&b@db/app",
        "host=db user={{username}} password=hunter2",
        "host=db user=hunter2",
    ] {
        let error = parse(url, &[]).unwrap_err();
        assert_eq!(error, ConfigError::LiteralCredential, "{url}");
        assert!(!error.to_string().contains("hunter2"));
    }
    assert_eq!(
        parse("postgresql://db/app", &[("password", "hunter2")]).unwrap_err(),
        ConfigError::LiteralCredential
    );
}

#[test]
fn addresses_that_do_not_name_one_server_are_refused() {
    for (url, error) in [
        ("", ConfigError::Host),
        ("db.example", ConfigError::Form(EXAMPLE)),
        ("mysql://{{username}}:{{password}}@db/app", ConfigError::Form(EXAMPLE)),
        ("postgresql://{{username}}:{{password}}@/app", ConfigError::Host),
        ("postgresql://{{username}}:{{password}}@one,two/app", ConfigError::Host),
        ("postgresql://{{username}}:{{password}}@%2Frun%2Fpostgresql/app", ConfigError::Host),
        ("postgresql://{{username}}:{{password}}@[::1/app", ConfigError::Host),
        ("postgresql://{{username}}:{{password}}@db:0/app", ConfigError::Port),
        ("postgresql://{{username}}:{{password}}@db:65536/app", ConfigError::Port),
        ("postgresql://{{username}}:{{password}}@db:+1/app", ConfigError::Port),
        ("postgresql://{{username}}:{{password}}@db/a%", ConfigError::Encoding),
        ("postgresql://{{username}}:{{password}}@db/a%zz", ConfigError::Encoding),
        ("postgresql://{{username}}:{{password}}@db/a%00", ConfigError::Encoding),
        ("postgresql://{{username}}:{{password}}@db/a%FF", ConfigError::Encoding),
        ("host='db", ConfigError::Form(EXAMPLE)),
        ("postgres:/app:hunter2@db/app?sslmode=disable", ConfigError::Form(EXAMPLE)),
        ("host=db app hunter2=x", ConfigError::Form(EXAMPLE)),
        ("dbname=app", ConfigError::Host),
    ] {
        assert_eq!(parse(url, &[]).unwrap_err(), error, "{url}");
    }
}

#[test]
fn parameters_come_by_template_or_by_setting_but_once() {
    const URL: &str = "postgresql://{{username}}:{{password}}@db/app";
    let both = format!("{URL}?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem&connect_timeout=2");
    let config = parse(&both, &[("statement_timeout", "1500ms"), ("password_hashing", "server")]).unwrap();
    assert_eq!(config.reach.tls, TlsMode::VerifyFull);
    assert_eq!(config.reach.roots, Roots::File("/etc/ca.pem".into()));
    assert_eq!(config.reach.connect_timeout, Duration::from_secs(2));
    assert_eq!(config.reach.request_timeout, Duration::from_millis(1500));
    assert_eq!(config.hashing, Hashing::Server);

    assert_eq!(parse(&both, &[("sslmode", "disable")]).unwrap_err(), ConfigError::Twice("sslmode"));
    assert_eq!(parse(&both, &[("tls_ca", "-----BEGIN")]).unwrap_err(), ConfigError::TwoRoots);
    for (name, value) in [
        ("sslmode", "allow"),
        ("sslmode", "verify_full"),
        ("connect_timeout", "0"),
        ("connect_timeout", "6m"),
        ("connect_timeout", "5 s"),
        ("connect_timeout", "18446744073709551615m"),
        ("statement_timeout", "-1s"),
        ("password_hashing", "md5"),
        ("sslrootcert", ""),
    ] {
        let error = parse(URL, &[(name, value)]).unwrap_err();
        assert!(
            matches!(error, ConfigError::Value { name: shown, .. } if shown == name),
            "{name}={value}: {error}"
        );
    }
    let unknown = parse(URL, &[("sslmodee", "require")]).unwrap_err();
    assert!(
        unknown.to_string().contains("'sslmodee'") && unknown.to_string().contains("sslmode, "),
        "{unknown}"
    );
}

#[test]
fn require_with_an_authority_looks_at_it() {
    const URL: &str = "postgresql://db/app";
    for (settings, tls) in [
        (vec![("sslmode", "require")], TlsMode::Require),
        (vec![("sslmode", "require"), ("sslrootcert", "/ca.pem")], TlsMode::VerifyCa),
        (vec![("sslmode", "require"), ("sslrootcert", "system")], TlsMode::VerifyCa),
        (vec![("sslmode", "prefer"), ("sslrootcert", "/ca.pem")], TlsMode::Prefer),
    ] {
        assert_eq!(parse(URL, &settings).unwrap().reach.tls, tls, "{settings:?}");
    }
}

#[test]
fn a_place_shows_where_the_target_is() {
    let show = |url: &str| parse(url, &[]).unwrap().place().to_string();
    assert_eq!(show("postgresql://{{username}}:{{password}}@db:6432/app"), "db:6432/app");
    assert_eq!(show("postgresql://[::1]/app"), "[::1]:5432/app");
}
