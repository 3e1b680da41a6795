//! TLS by `sslmode`, with the right, the wrong and no authority.

use rotators::mysql::MysqlRotator;
use vault_core::rotation::fault::FaultClass;
use vault_core::rotation::port::{Probe, Rotator};
use vault_tests::mysql::{MysqlOptions, MysqlServer};
use vault_tests::postgres::tls::foreign_authority;

use crate::bench::{login, spec};

fn url(host: &str, port: u16) -> String {
    format!("mysql://{{{{username}}}}:{{{{password}}}}@{host}:{port}/")
}

/// `works` or the class.
async fn probe(server: &MysqlServer, host: &str, settings: &[(&str, &str)]) -> String {
    let login = login(server.superuser(), server.superuser_password());
    match MysqlRotator::new().probe(&spec(&url(host, server.port()), settings), &login).await {
        Probe::Works => "works".to_owned(),
        Probe::Inconclusive(fault) => fault.class.to_string(),
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn each_mode_trusts_what_libpq_would() {
    // A second address, for which the certificate does not stand.
    let options = MysqlOptions { tls: true, options: vec!["--bind-address=127.0.0.1,127.0.0.2".to_owned()] };
    let server = MysqlServer::start(&options).unwrap();
    let ca = server.ca_file().display().to_string();
    let ca_text = std::fs::read_to_string(&ca).unwrap();
    let foreign = foreign_authority().unwrap();
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
        (there, "verify-ca", Some(wrong), "tls"),
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
    // An account that asks for TLS is let in by it alone.
    server.sql("CREATE USER careful@'%' IDENTIFIED BY 'c-1' REQUIRE SSL").await.unwrap();
    for (mode, want) in [("verify-full", Probe::Works), ("disable", Probe::Refused)] {
        let spec = spec(&url(here, server.port()), &[("sslmode", mode), right]);
        assert_eq!(MysqlRotator::new().probe(&spec, &login("careful", "c-1")).await, want, "{mode}");
    }
}

#[tokio::test]
async fn a_server_without_tls_is_used_only_where_that_is_allowed() {
    let server = MysqlServer::start(&MysqlOptions::default()).unwrap();
    for (mode, want) in
        [("disable", "works"), ("prefer", "works"), ("require", "tls"), ("verify-full", "tls")]
    {
        let ca = foreign_authority().unwrap();
        let root: &[(&str, &str)] = if mode == "verify-full" { &[("tls_ca", &ca)] } else { &[] };
        let settings: Vec<(&str, &str)> =
            [("sslmode", mode)].into_iter().chain(root.iter().copied()).collect();
        assert_eq!(probe(&server, "127.0.0.1", &settings).await, want, "{mode}");
    }
}

#[tokio::test]
async fn check_reports_whether_the_connection_is_encrypted() {
    let server = MysqlServer::start(&MysqlOptions { tls: true, ..MysqlOptions::default() }).unwrap();
    let login = login(server.superuser(), server.superuser_password());
    let ca = server.ca_file().display().to_string();
    for (mode, want) in [("verify-full", true), ("disable", false)] {
        let spec = spec(&url("127.0.0.1", server.port()), &[("sslmode", mode), ("sslrootcert", &ca)]);
        let report = MysqlRotator::new().check(&spec, &login).await.unwrap();
        let encrypted = report.passed.iter().any(|line| line == "the connection is encrypted by TLS");
        assert_eq!(encrypted, want, "{mode}: {report:?}");
    }
    let foreign = foreign_authority().unwrap();
    let spec = spec(&url("127.0.0.1", server.port()), &[("sslmode", "verify-full"), ("tls_ca", &foreign)]);
    let fault = MysqlRotator::new().check(&spec, &login).await.unwrap_err();
    assert_eq!(fault.class, FaultClass::Tls);
    assert!(fault.detail.contains("authority that is not trusted"), "{fault}");
}
