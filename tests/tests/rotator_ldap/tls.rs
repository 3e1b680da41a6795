//! TLS by `sslmode`, by StartTLS and from the first byte, with the right, the wrong and no authority.

use rotators::ldap::LdapRotator;
use vault_core::rotation::port::Rotator;
use vault_tests::ldap::{LdapOptions, LdapServer, MANAGEMENT};
use vault_tests::postgres::tls;

use crate::bench::{login, probed, spec};

async fn probe(server: &LdapServer, url: &str, settings: &[(&str, &str)]) -> String {
    probed(&LdapRotator::new().probe(&spec(url, settings), &login(MANAGEMENT, server.password())).await)
}

#[tokio::test]
async fn each_mode_trusts_what_it_says_and_only_disable_goes_without() {
    let options = LdapOptions { tls: true, ..LdapOptions::default() };
    let server = LdapServer::start_with(&options).await.unwrap();
    let ca = server.ca_file().display().to_string();
    let foreign = tls::foreign_authority().unwrap();
    let starttls = format!("ldap://127.0.0.1:{}", server.port());
    let elsewhere = format!("ldap://127.0.0.2:{}", server.port());
    let from_start = format!("ldaps://localhost:{}", server.tls_port());
    let (right, wrong) = (("sslrootcert", ca.as_str()), ("tls_ca", foreign.as_str()));
    for (url, mode, root, works) in [
        (&starttls, Some("disable"), None, true),
        (&starttls, Some("prefer"), None, true),
        (&starttls, Some("require"), None, true),
        (&starttls, Some("require"), Some(wrong), false),
        (&starttls, Some("verify-ca"), Some(right), true),
        (&elsewhere, Some("verify-ca"), Some(right), true),
        (&starttls, Some("verify-full"), Some(right), true),
        (&elsewhere, Some("verify-full"), Some(right), false),
        (&starttls, None, Some(right), true),
        (&starttls, None, Some(wrong), false),
        (&starttls, None, Some(("sslrootcert", "/does/not/exist.pem")), false),
        (&from_start, None, Some(right), true),
        (&from_start, None, Some(wrong), false),
        (&from_start, Some("require"), None, true),
    ] {
        let settings: Vec<_> = mode.map(|mode| ("sslmode", mode)).into_iter().chain(root).collect();
        let wanted = if works { "works" } else { "inconclusive: tls" };
        assert_eq!(
            probe(&server, url, &settings).await,
            wanted,
            "{url} {mode:?} {:?}",
            root.map(|root| root.0)
        );
    }
}

#[tokio::test]
async fn a_directory_without_tls_is_used_only_when_that_is_said() {
    let server = LdapServer::start().await.unwrap();
    let url = format!("ldap://127.0.0.1:{}", server.port());
    for (mode, wanted) in
        [("disable", "works"), ("prefer", "inconclusive: tls"), ("require", "inconclusive: tls")]
    {
        assert_eq!(probe(&server, &url, &[("sslmode", mode)]).await, wanted, "{mode}");
    }
}

#[tokio::test]
async fn a_directory_that_wants_tls_for_passwords_is_told() {
    let options = LdapOptions {
        config: vec!["security simple_bind=64".to_owned()],
        tls: true,
        ..LdapOptions::default()
    };
    let server = LdapServer::start_with(&options).await.unwrap();
    let url = format!("ldap://127.0.0.1:{}", server.port());
    assert_eq!(probe(&server, &url, &[("sslmode", "disable")]).await, "inconclusive: tls");
    assert_eq!(probe(&server, &url, &[("sslmode", "require")]).await, "works");
}
