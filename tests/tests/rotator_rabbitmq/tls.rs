//! TLS of the management API and of AMQP, with the right, the wrong and no authority.

use rotators::rabbitmq::RabbitRotator;
use vault_core::rotation::fault::Fault;
use vault_core::rotation::port::{Probe, Rotator, TargetSpec};
use vault_tests::postgres::tls;
use vault_tests::rabbitmq::{ADMIN, ADMIN_PASSWORD, RabbitOptions, RabbitServer};

use crate::bench::{login, spec};

fn target(server: &RabbitServer, scheme: &str, settings: &[(&str, &str)]) -> TargetSpec {
    let url = format!("{scheme}://{{{{username}}}}:{{{{password}}}}@localhost:{}/", server.port());
    let mut spec = spec(&url, settings);
    spec.settings.insert("amqp_port".to_owned(), server.amqp_port().to_string());
    spec
}

#[tokio::test]
async fn each_mode_trusts_what_it_says_on_both_ports() {
    let server = RabbitServer::start_with(&RabbitOptions { tls: true, config: Vec::new() }).unwrap();
    let ca = server.ca_file().display().to_string();
    let foreign = tls::foreign_authority().unwrap();
    let (right, wrong) = (("sslrootcert", ca.as_str()), ("tls_ca", foreign.as_str()));
    let rotator = RabbitRotator::new();
    let management = login(ADMIN, ADMIN_PASSWORD);
    let class = |fault: Fault| fault.class.to_string();
    for (mode, root, want) in [
        (None, Some(right), "works"),
        (None, Some(wrong), "tls"),
        (None, None, "tls"),
        (Some("require"), None, "works"),
        (Some("verify-ca"), Some(right), "works"),
        (Some("verify-ca"), Some(wrong), "tls"),
        (Some("verify-full"), Some(("sslrootcert", "/does/not/exist.pem")), "tls"),
    ] {
        let settings: Vec<(&str, &str)> =
            mode.map(|mode| ("sslmode", mode)).into_iter().chain(root).collect();
        let spec = target(&server, "https", &settings);
        let checked = rotator.check(&spec, &management).await;
        let checked = checked.map_or_else(class, |_| "works".to_owned());
        let probed = match rotator.probe(&spec, &management).await {
            Probe::Works => "works".to_owned(),
            Probe::Inconclusive(fault) => class(fault),
            other => format!("{other:?}"),
        };
        assert_eq!(
            (checked.as_str(), probed.as_str()),
            (want, want),
            "{mode:?} {:?}",
            root.map(|root| root.0)
        );
    }
    let cleartext = rotator.check(&target(&server, "http", &[]), &management).await;
    assert_eq!(cleartext.map_or_else(class, |_| "works".to_owned()), "unreachable");
    let entropy = vault_core::entropy::SeededEntropy::new(3);
    let now = vault_core::clock::Timestamp::from_secs(1_800_000_000);
    let rotation = vault_core::id::RotationId::generate(now, &entropy);
    let spec = target(&server, "https", &[right]);
    let job = vault_core::rotation::port::Job::new(&spec, &management, "app", rotation);
    assert_eq!(rotator.settle(job).await, Ok(()), "the handshake's limit, then that of a request");
}
