//! TLS by `sslmode`, with the right, the wrong and no authority.

use rotators::postgres::PostgresRotator;
use vault_core::rotation::fault::FaultClass;
use vault_core::rotation::port::{Probe, Rotator};
use vault_tests::postgres::{PostgresOptions, PostgresServer, tls};

use crate::bench::{login, spec};

/// `works` or the class.
async fn probe(server: &PostgresServer, host: &str, settings: &[(&str, &str)]) -> String {
    let url = format!("postgresql://{{{{username}}}}:{{{{password}}}}@{host}:{}/postgres", server.port());
    let login = login(server.superuser(), server.superuser_password());
    match PostgresRotator::new().probe(&spec(&url, settings), &login).await {
        Probe::Works => "works".to_owned(),
        Probe::Inconclusive(fault) => fault.class.to_string(),
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn each_mode_trusts_what_libpq_would() {
    let options = PostgresOptions {
        fast: true,
        tls: true,
        // A second address, for which the certificate does not stand.
        config: vec!["listen_addresses = '127.0.0.1,127.0.0.2'".to_owned()],
        hba: vec!["host all all 127.0.0.2/8 scram-sha-256".to_owned()],
    };
    let server = PostgresServer::start_with(&options).unwrap();
    let ca = server.ca_file().display().to_string();
    let ca_text = std::fs::read_to_string(&ca).unwrap();
    let foreign = tls::foreign_authority().unwrap();
    let (here, there) = ("127.0.0.1", "127.0.0.2");
    let right = ("sslrootcert", ca.as_str());
    let wrong = ("tls_ca", foreign.as_str());
    for (host, mode, root, want) in [
        (here, "disable", None, "works"),
        (here, "prefer", None, "works"),
        (here, "prefer", Some(wrong), "works"),
        (here, "require", None, "works"),
        (there, "require", None, "works"),
        (here, "require", Some(right), "works"),
        (here, "require", Some(wrong), "tls"),
        (here, "verify-ca", Some(right), "works"),
        (there, "verify-ca", Some(right), "works"),
        (here, "verify-ca", Some(wrong), "tls"),
        (here, "verify-full", Some(right), "works"),
        ("localhost", "verify-full", Some(right), "works"),
        (here, "verify-full", Some(("tls_ca", &ca_text)), "works"),
        (there, "verify-full", Some(right), "tls"),
        (here, "verify-full", Some(wrong), "tls"),
        (here, "verify-full", None, "tls"),
        (here, "verify-full", Some(("sslrootcert", "/does/not/exist.pem")), "tls"),
        (here, "verify-full", Some(("tls_ca", "no certificate")), "tls"),
    ] {
        let settings: Vec<(&str, &str)> = [("sslmode", mode)].into_iter().chain(root).collect();
        assert_eq!(
            probe(&server, host, &settings).await,
            want,
            "{host} {mode} {:?}",
            root.map(|root| root.0)
        );
    }
}

#[tokio::test]
async fn a_server_without_tls_is_used_only_where_that_is_allowed() {
    let server = PostgresServer::start().unwrap();
    for (mode, want) in
        [("disable", "works"), ("prefer", "works"), ("require", "tls"), ("verify-full", "tls")]
    {
        let ca = tls::foreign_authority().unwrap();
        let root: &[(&str, &str)] = if mode == "verify-full" { &[("tls_ca", &ca)] } else { &[] };
        let settings: Vec<(&str, &str)> =
            [("sslmode", mode)].into_iter().chain(root.iter().copied()).collect();
        assert_eq!(probe(&server, "127.0.0.1", &settings).await, want, "{mode}");
    }
}

#[tokio::test]
async fn check_reports_whether_the_connection_is_encrypted() {
    let server =
        PostgresServer::start_with(&PostgresOptions { fast: true, tls: true, ..PostgresOptions::default() });
    let server = server.unwrap();
    let login = login(server.superuser(), server.superuser_password());
    let ca = server.ca_file().display().to_string();
    for (mode, want) in [("verify-full", true), ("disable", false)] {
        let url =
            format!("postgresql://{{{{username}}}}:{{{{password}}}}@127.0.0.1:{}/postgres", server.port());
        let spec = spec(&url, &[("sslmode", mode), ("sslrootcert", &ca)]);
        let report = PostgresRotator::new().check(&spec, &login).await.unwrap();
        let encrypted = report.passed.iter().any(|line| line == "the connection is encrypted by TLS");
        assert_eq!(encrypted, want, "{mode}: {report:?}");
    }
    let spec = spec(
        &format!("postgresql://127.0.0.1:{}/postgres", server.port()),
        &[("sslmode", "verify-full"), ("tls_ca", &tls::foreign_authority().unwrap())],
    );
    let fault = PostgresRotator::new().check(&spec, &login).await.unwrap_err();
    assert_eq!(fault.class, FaultClass::Tls);
    assert!(fault.detail.contains("authority that is not trusted"), "{fault}");
}
