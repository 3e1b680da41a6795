//! KV in both versions, and the cubbyhole.

use std::collections::HashMap;
use std::time::Duration;

use ::vaultrs::api::kv2::requests::{SetSecretMetadataRequest, SetSecretRequestOptions};
use ::vaultrs::api::sys::requests::EnableEngineRequest;
use ::vaultrs::client::VaultClient;
use ::vaultrs::sys::mount;
use ::vaultrs::{cubbyhole as hole, kv1 as one, kv2 as two};
use serde_json::{Value, json};

use super::{another, refused, start};
use crate::server::Begin;

async fn mounted(client: &VaultClient, path: &str, version: &str) {
    let mut options = EnableEngineRequest::builder();
    options.options([("version".to_owned(), version.to_owned())]);
    mount::enable(client, path, "kv", Some(&mut options)).await.unwrap();
}

#[tokio::test]
async fn kv1() {
    let (_server, client) = start(Begin::Unsealed).await;
    mounted(&client, "one", "1").await;
    one::set(&client, "one", "app", &HashMap::from([("user", "ann"), ("text", "ä€𝄞")])).await.unwrap();
    one::set(&client, "one", "dir/a", &HashMap::from([("k", "v")])).await.unwrap();
    let read: HashMap<String, String> = one::get(&client, "one", "app").await.unwrap();
    assert_eq!(read["user"], "ann");
    assert_eq!(one::get_raw(&client, "one", "app").await.unwrap().lease_duration, 2_764_800);
    assert_eq!(one::list(&client, "one", "").await.unwrap().data.keys, ["app", "dir/"]);
    one::delete(&client, "one", "app").await.unwrap();
    one::delete(&client, "one", "app").await.unwrap();
    refused(one::get_raw(&client, "one", "app").await, 404, "");
    refused(one::list(&client, "one", "nothing").await, 404, "");
}

#[tokio::test]
async fn kv2() {
    let (_server, client) = start(Begin::Unsealed).await;
    mounted(&client, "two", "2").await;
    // A fresh mount of version 2 may need a moment at the other server.
    let mut polls = 0;
    while let Err(error) = two::config::read(&client, "two").await {
        polls += 1;
        assert!(polls < 100, "the mount did not get ready: {error}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let set = async |k: &str, cas| {
        two::set_with_options(&client, "two", "app", &json!({ "k": k }), SetSecretRequestOptions { cas })
            .await
    };
    let read = async |version| two::read_version::<Value>(&client, "two", "app", version).await;
    let made = two::set(&client, "two", "app", &json!({ "k": "1", "n": 1.5 })).await.unwrap();
    assert_eq!((made.version, made.destroyed, made.deletion_time.as_str()), (1, false, ""));
    assert_eq!(set("2", 1).await.unwrap().version, 2);
    refused(set("3", 1).await, 400, "check-and-set parameter did not match the current version");
    assert_eq!(two::read::<Value>(&client, "two", "app").await.unwrap(), json!({ "k": "2" }));
    assert_eq!(read(1).await.unwrap(), json!({ "k": "1", "n": 1.5 }));
    two::delete_latest(&client, "two", "app").await.unwrap();
    refused(two::read::<Value>(&client, "two", "app").await, 404, "");
    two::undelete_versions(&client, "two", "app", vec![2]).await.unwrap();
    two::delete_versions(&client, "two", "app", vec![1]).await.unwrap();
    refused(read(1).await, 404, "");
    two::undelete_versions(&client, "two", "app", vec![1]).await.unwrap();
    two::destroy_versions(&client, "two", "app", vec![1]).await.unwrap();
    refused(read(1).await, 404, "");
    let mut settings = SetSecretMetadataRequest::builder();
    settings
        .max_versions(3u64)
        .delete_version_after("3h")
        .custom_metadata([("owner".to_owned(), "ann".to_owned())]);
    two::set_metadata(&client, "two", "app", Some(&mut settings)).await.unwrap();
    let meta = two::read_metadata(&client, "two", "app").await.unwrap();
    assert_eq!(
        (meta.current_version, meta.max_versions, meta.delete_version_after.as_str()),
        (2, 3, "3h0m0s")
    );
    assert!(meta.versions["1"].destroyed && !meta.versions["2"].destroyed);
    assert_eq!(meta.custom_metadata.unwrap()["owner"], "ann");
    assert_eq!(two::list(&client, "two", "").await.unwrap(), ["app"]);
    two::delete_metadata(&client, "two", "app").await.unwrap();
    refused(two::read_metadata(&client, "two", "app").await, 404, "");
}

#[tokio::test]
async fn cubbyhole() {
    let (_server, client) = start(Begin::Unsealed).await;
    let made = ::vaultrs::token::new(&client, None).await.unwrap();
    let ann = another(&client, &made.client_token);
    hole::set(&ann, "cubbyhole", "note", &HashMap::from([("k", "v")])).await.unwrap();
    let read: HashMap<String, String> = hole::get(&ann, "cubbyhole", "note").await.unwrap();
    assert_eq!(read["k"], "v");
    assert_eq!(hole::list(&ann, "cubbyhole", "").await.unwrap().data.keys, ["note"]);
    refused(hole::get_raw(&client, "cubbyhole", "note").await, 404, "");
    hole::delete(&ann, "cubbyhole", "note").await.unwrap();
    refused(hole::get_raw(&ann, "cubbyhole", "note").await, 404, "");
}
