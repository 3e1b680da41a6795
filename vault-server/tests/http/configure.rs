//! Targets and accounts that are written again: what is left out stays.

use serde_json::json;

use crate::vault::{Disk, Vault};

#[tokio::test]
async fn a_later_write_changes_what_it_names_and_nothing_else() {
    let disk = Disk::new();
    disk.target.create_account("manager", "m");
    disk.target.create_account("app", "a");
    let (vault, _) = Vault::ready(&disk).await;
    let missing = vault.root("POST", "targets/config/t", r#"{"password":"m"}"#).await;
    assert_eq!(missing.status, 400, "{}", missing.text);
    let target = json!({
        "rotator": "fake", "connection_url": "fake://", "username": "manager", "password": "m",
        "colour": "red", "max_concurrency": 7,
    });
    assert_eq!(vault.root("POST", "targets/config/t", &target.to_string()).await.status, 204);
    disk.target.set_password("manager", "m2");
    assert_eq!(vault.root("POST", "targets/check/t", "").await.status, 502);
    let reply = vault.root("POST", "targets/config/t", r#"{"password":"m2"}"#).await;
    assert_eq!(reply.status, 204, "{}", reply.text);
    assert_eq!(vault.root("POST", "targets/check/t", "").await.status, 200);
    let read = vault.root("GET", "targets/config/t", "").await;
    for (field, value) in
        [("connection_url", json!("fake://")), ("colour", json!("red")), ("max_concurrency", json!(7))]
    {
        assert_eq!(read.at(&format!("/data/{field}")), value, "{}", read.text);
    }
    assert_eq!(vault.root("POST", "targets/config/t", r#"{"colour":""}"#).await.status, 204);
    assert!(!vault.root("GET", "targets/config/t", "").await.text.contains("colour"));

    // The stored password is not shown to an address that somebody without it names.
    let moved = vault.root("POST", "targets/config/t", r#"{"connection_url":"fake://elsewhere"}"#).await;
    assert_eq!(moved.status, 400, "{}", moved.text);
    let moved = r#"{"connection_url":"fake://elsewhere","password":"m2"}"#;
    assert_eq!(vault.root("POST", "targets/config/t", moved).await.status, 204);

    vault.root("POST", "rotation-policies/daily", r#"{"rotation_period":"24h"}"#).await;
    let account = json!({ "target": "t", "username": "app", "rotation_policy": "daily", "max_ttl": "8h" });
    assert_eq!(vault.root("POST", "accounts/config/db/app", &account.to_string()).await.status, 200);
    disk.target.set_password("app", "told");
    for (body, policy, max_ttl) in [
        (json!({ "password": "told" }), json!("daily"), json!(28_800)),
        (json!({ "max_ttl": "2h" }), json!("daily"), json!(7_200)),
        (json!({ "rotation_policy": "", "max_ttl": 0 }), json!(null), json!(null)),
    ] {
        let reply = vault.root("POST", "accounts/config/db/app", &body.to_string()).await;
        assert_eq!(reply.status, 200, "{body}: {}", reply.text);
        let read = vault.root("GET", "accounts/config/db/app", "").await;
        assert_eq!((read.at("/data/rotation_policy"), read.at("/data/max_ttl")), (policy, max_ttl), "{body}");
    }
    assert_eq!(vault.root("GET", "accounts/creds/db/app", "").await.at("/data/password"), "told");
}
