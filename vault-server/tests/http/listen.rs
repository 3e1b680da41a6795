//! Real sockets: plain HTTP, TLS, and an end that waits for what is under way.

use std::sync::Arc;

use vault_server::config::Tls;
use vault_server::http::{Bound, router};

use crate::vault::{Disk, Vault};

#[tokio::test]
async fn tls_is_served_and_the_listener_ends_when_told() {
    let mut disk = Disk::new();
    let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (cert_file, key_file) = (disk.dir.path().join("cert.pem"), disk.dir.path().join("key.pem"));
    std::fs::write(&cert_file, pair.cert.pem()).unwrap();
    std::fs::write(&key_file, pair.signing_key.serialize_pem()).unwrap();
    disk.config.listener.tls = Some(Tls { cert_file, key_file });
    let (vault, _) = Vault::ready(&disk).await;

    let bound = Bound::bind(&vault.app.config.listener).await.unwrap();
    let url = format!("https://localhost:{}/v1/sys/health", bound.address().port());
    let shutdown = vault.app.shutdown.clone();
    let serving = tokio::spawn(bound.serve(router(Arc::clone(&vault.app)), 16, shutdown.clone()));
    // Another process-wide provider may have been set already: the same one.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let root = reqwest::Certificate::from_pem(pair.cert.pem().as_bytes()).unwrap();
    let client = reqwest::Client::builder().tls_certs_only([root]).no_proxy().build().unwrap();
    let reply = client.get(&url).send().await.unwrap();
    assert_eq!(reply.status(), 200);
    assert_eq!(reply.version(), reqwest::Version::HTTP_2);

    shutdown.begin();
    serving.await.unwrap();
    assert!(client.get(&url).send().await.is_err());
}

#[tokio::test]
async fn a_certificate_that_is_not_there_ends_the_start() {
    let mut disk = Disk::new();
    disk.config.listener.tls =
        Some(Tls { cert_file: "/nowhere/cert.pem".into(), key_file: "/nowhere/key.pem".into() });
    let error = Bound::bind(&disk.config.listener).await.err().unwrap();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("a certificate from /nowhere/cert.pem"), "{source}");
}
