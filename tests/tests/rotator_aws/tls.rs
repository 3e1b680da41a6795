//! TLS: the answer that holds a secret comes from a server that was verified, or not at all.

use rotators::aws::AwsRotator;
use vault_core::rotation::fault::FaultClass;
use vault_core::rotation::port::Rotator;
use vault_tests::aws::AwsServer;
use vault_tests::postgres::tls::foreign_authority;

use crate::bench::{class, login, spec};

#[tokio::test]
async fn only_a_server_of_the_known_authority_is_spoken_to() {
    let server = AwsServer::start_with(true).await.unwrap();
    let management = login(server.admin());
    let url = format!("https://127.0.0.1:{}", server.port());
    for (authority, wanted) in
        [(server.authority().unwrap(), None), (foreign_authority().unwrap(), Some(FaultClass::Tls))]
    {
        let spec = spec(&url, &[("tls_ca", &authority)]);
        let found = AwsRotator::new().check(&spec, &management).await;
        assert_eq!(class(&found), wanted, "{found:?}");
    }
    // Without TLS nothing is understood, and with it nothing else is spoken.
    let plain = spec(&format!("http://127.0.0.1:{}", server.port()), &[]);
    let found = AwsRotator::new().check(&plain, &management).await;
    assert_eq!(class(&found), Some(FaultClass::Unreachable), "{found:?}");
}
