//! TLS by `sslmode`, with the right, the wrong and no authority.

use rotators::redis::RedisRotator;
use vault_core::rotation::port::{Probe, Rotator};
use vault_tests::postgres::tls;
use vault_tests::redis::{ADMIN, ADMIN_PASSWORD, RedisOptions, RedisServer};

use crate::bench::{login, spec};

/// `works` or the class.
async fn probe(server: &RedisServer, scheme: &str, host: &str, settings: &[(&str, &str)]) -> String {
    let url = format!("{scheme}://{{{{username}}}}:{{{{password}}}}@{host}:{}", server.port());
    match RedisRotator::new().probe(&spec(&url, settings), &login(ADMIN, ADMIN_PASSWORD)).await {
        Probe::Works => "works".to_owned(),
        Probe::Inconclusive(fault) => fault.class.to_string(),
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn each_mode_trusts_what_it_says() {
    let server = RedisServer::start_with(&RedisOptions { tls: true, ..RedisOptions::default() }).unwrap();
    let ca = server.ca_file().display().to_string();
    let ca_text = std::fs::read_to_string(&ca).unwrap();
    let foreign = tls::foreign_authority().unwrap();
    let (here, there) = ("127.0.0.1", "127.0.0.2");
    let right = ("sslrootcert", ca.as_str());
    let wrong = ("tls_ca", foreign.as_str());
    for (host, mode, root, want) in [
        (here, None, Some(right), "works"),
        (here, None, Some(wrong), "tls"),
        (here, None, None, "tls"),
        (here, Some("require"), None, "works"),
        (there, Some("require"), None, "works"),
        (there, Some("verify-ca"), Some(right), "works"),
        (here, Some("verify-ca"), Some(wrong), "tls"),
        ("localhost", Some("verify-full"), Some(("tls_ca", ca_text.as_str())), "works"),
        (there, Some("verify-full"), Some(right), "tls"),
        (here, Some("verify-full"), Some(("sslrootcert", "/does/not/exist.pem")), "tls"),
    ] {
        let settings: Vec<(&str, &str)> =
            mode.map(|mode| ("sslmode", mode)).into_iter().chain(root).collect();
        let found = probe(&server, "rediss", host, &settings).await;
        assert_eq!(found, want, "{host} {mode:?} {:?}", root.map(|root| root.0));
    }
}

#[tokio::test]
async fn cleartext_and_tls_are_not_mistaken_for_each_other() {
    let secure = RedisServer::start_with(&RedisOptions { tls: true, ..RedisOptions::default() }).unwrap();
    assert_eq!(probe(&secure, "redis", "127.0.0.1", &[]).await, "unreachable");
    let plain = RedisServer::start().unwrap();
    let found = probe(&plain, "rediss", "127.0.0.1", &[("sslmode", "require")]).await;
    assert!(["tls", "unreachable"].contains(&found.as_str()), "{found}");
}
