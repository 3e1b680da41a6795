//! From an empty server to an unsealed one; mounts, policies, tools.

use ::vaultrs::api::sys::requests::EnableEngineRequest;
use ::vaultrs::client::Client;
use ::vaultrs::sys::{self, ServerStatus, auth, mount, policy, remount, tools};

use super::{another, refused, start};
use crate::server::Begin;

#[tokio::test]
async fn seal() {
    let (server, mut client) = start(Begin::Empty).await;
    if server.is_rotunda() {
        // OpenBao's answer misses a field that vaultrs wants.
        assert!(matches!(sys::status(&client).await.unwrap(), ServerStatus::UNINITIALIZED));
    }
    let made = sys::start_initialization(&client, 3, 2, None).await.unwrap();
    assert_eq!((made.keys.len(), made.keys_base64.len()), (3, 3));
    refused(sys::start_initialization(&client, 1, 1, None).await, 400, "Vault is already initialized");
    client.set_token(&made.root_token);
    refused(mount::list(&client).await, 503, "Vault is sealed");
    let first = sys::unseal(&client, Some(made.keys[0].clone()), None, None).await.unwrap();
    assert_eq!((first.sealed, first.threshold, first.n_shares, first.progress), (true, 2, 3, 1));
    let reset = sys::unseal(&client, None, Some(true), None).await.unwrap();
    assert_eq!(reset.progress, 0);
    for key in [&made.keys[1], &made.keys_base64[2]] {
        sys::unseal(&client, Some(key.clone()), None, None).await.unwrap();
    }
    assert!(mount::list(&client).await.unwrap().contains_key("sys/"));
    if server.is_rotunda() {
        let health = sys::health(&client).await.unwrap();
        assert!(health.initialized && !health.sealed && health.cluster_id.is_some());
        assert!(matches!(sys::status(&client).await.unwrap(), ServerStatus::OK));
    }
    sys::seal(&client).await.unwrap();
    if server.is_rotunda() {
        assert!(matches!(sys::status(&client).await.unwrap(), ServerStatus::SEALED));
    }
    for key in &made.keys[..2] {
        sys::unseal(&client, Some(key.clone()), None, None).await.unwrap();
    }
    assert!(mount::list(&client).await.unwrap().contains_key("sys/"));
}

#[tokio::test]
async fn mounts() {
    let (_server, client) = start(Begin::Unsealed).await;
    let mut options = EnableEngineRequest::builder();
    options.description("of a team").options([("version".to_owned(), "1".to_owned())]);
    mount::enable(&client, "team", "kv", Some(&mut options)).await.unwrap();
    refused(mount::enable(&client, "team", "kv", None).await, 400, "path is already in use at team/");
    let seen = &mount::list(&client).await.unwrap()["team/"];
    assert_eq!((seen.mount_type.as_str(), seen.description.as_str()), ("kv", "of a team"));
    let read = mount::get_configuration_of_a_secret_engine(&client, "team").await.unwrap();
    assert_eq!(read.accessor, seen.accessor);
    let moved = remount::remount(&client, "team", "crew").await.unwrap();
    let mut status = String::new();
    for _ in 0..100 {
        status = remount::remount_status(&client, &moved.migration_id).await.unwrap().migration_info.status;
        if status == "success" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(status, "success");
    assert_eq!(mount::list(&client).await.unwrap()["crew/"].accessor, seen.accessor);
    mount::disable(&client, "crew").await.unwrap();
    mount::disable(&client, "crew").await.unwrap();
    assert!(!mount::list(&client).await.unwrap().contains_key("crew/"));

    auth::enable(&client, "machines", "approle", None).await.unwrap();
    refused(
        auth::enable(&client, "machines", "approle", None).await,
        400,
        "path is already in use at machines/",
    );
    assert_eq!(auth::list(&client).await.unwrap()["machines/"].mount_type, "approle");
    auth::disable(&client, "machines").await.unwrap();
    assert!(!auth::list(&client).await.unwrap().contains_key("machines/"));
}

#[tokio::test]
async fn policies() {
    let (_server, client) = start(Begin::Unsealed).await;
    let text = "path \"sys/mounts\" { capabilities = [\"read\"] }";
    policy::set(&client, "looker", text).await.unwrap();
    assert_eq!(policy::read(&client, "looker").await.unwrap().rules, text);
    assert!(policy::list(&client).await.unwrap().policies.contains(&"looker".to_owned()));
    refused(
        policy::set(&client, "wrong", "path \"x\" { capabilities = [\"fly\"] }").await,
        400,
        "invalid capability",
    );
    let mut request = ::vaultrs::api::token::requests::CreateTokenRequest::builder();
    request.policies(vec!["looker".to_owned()]);
    let made = ::vaultrs::token::new(&client, Some(&mut request)).await.unwrap();
    let looker = another(&client, &made.client_token);
    mount::list(&looker).await.unwrap();
    refused(auth::list(&looker).await, 403, "permission denied");
    policy::delete(&client, "looker").await.unwrap();
    refused(policy::read(&client, "looker").await, 404, "");
    refused(mount::list(&looker).await, 403, "permission denied");
}

#[tokio::test]
async fn random_bytes() {
    let (_server, client) = start(Begin::Unsealed).await;
    let drawn = tools::random(&client, None).await.unwrap().random_bytes;
    let again = tools::random(&client, None).await.unwrap().random_bytes;
    assert!(drawn.len() >= 32 && drawn != again, "{drawn} {again}");
}
