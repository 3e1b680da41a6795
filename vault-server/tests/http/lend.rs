//! Check-out over HTTP: what the one who is refused is told, and how leases are listed.

use serde_json::json;
use vault_core::account::Subject;
use vault_core::path::AccountPath;
use vault_server::engine::record::{Secret, secret_name};

use crate::bench::Bench;
use crate::vault::{Disk, Vault};

/// A vault with the account `db/app` on the fake target, and two people who may borrow it.
async fn lending(disk: &Disk) -> (Vault, String, String) {
    disk.target.create_account("manager", "m");
    disk.target.create_account("app", "a");
    let (vault, _) = Vault::ready(disk).await;
    let target =
        json!({ "rotator": "fake", "connection_url": "fake://", "username": "manager", "password": "m" });
    let reply = vault.root("POST", "targets/config/t", &target.to_string()).await;
    assert_eq!(reply.status, 204, "{}", reply.text);
    let account = json!({ "target": "t", "username": "app" });
    let reply = vault.root("POST", "accounts/config/db/app", &account.to_string()).await;
    assert_eq!(reply.at("/data/state"), "idle", "{}", reply.text);
    let borrow = r#"
        path "accounts/check-out/*" { capabilities = ["update"] }
        path "accounts/status*" { capabilities = ["read"] }
    "#;
    vault.policy("borrow", borrow).await;
    let ada = vault.token(r#"{"policies":["borrow"],"display_name":"ada"}"#).await;
    let eve = vault.token(r#"{"policies":["borrow"],"display_name":"eve"}"#).await;
    (vault, ada, eve)
}

#[tokio::test]
async fn only_the_holder_is_told_the_id_of_the_lease() {
    let disk = Disk::new();
    let (vault, ada, eve) = lending(&disk).await;
    let lent = vault.call("POST", "accounts/check-out/db/app", &ada, "{}").await;
    assert_eq!(lent.status, 200, "{}", lent.text);
    let lease = lent.at("/lease_id").as_str().unwrap().to_owned();

    let refused = vault.call("POST", "accounts/check-out/db/app", &eve, "{}").await;
    assert_eq!(refused.status, 409, "{}", refused.text);
    assert_eq!(refused.at("/data/holder"), "token-ada");
    assert_eq!(refused.at("/data/place"), 1);
    // Whoever knows it may renew it, with nothing but the default policy.
    assert!(!refused.text.contains(&lease), "{}", refused.text);

    let again = vault.call("POST", "accounts/check-out/db/app", &ada, "{}").await;
    assert_eq!(again.status, 409, "{}", again.text);
    assert_eq!(again.at("/data/lease_id"), json!(lease));

    for path in ["accounts/status/db/app", "accounts/status"] {
        for (token, shown) in [(&ada, true), (&eve, false), (&vault.root, true)] {
            let status = vault.call("GET", path, token, "").await;
            assert!(status.text.contains("token-ada"), "{path}: {}", status.text);
            assert_eq!(status.text.contains(&lease), shown, "{path}: {}", status.text);
        }
    }

    let rotated = vault.root("POST", "accounts/rotate/db/app", "{}").await;
    assert_eq!(rotated.status, 409, "{}", rotated.text);
    assert!(!rotated.text.contains(&lease), "{}", rotated.text);
}

#[tokio::test]
async fn who_reads_an_account_that_another_has_in_hand_is_told_so() {
    let disk = Disk::new();
    let (vault, ada, _) = lending(&disk).await;
    let read = vault.root("GET", "accounts/creds/db/app", "").await;
    assert_eq!(read.at("/warnings"), json!(null));
    let lent = vault.call("POST", "accounts/check-out/db/app", &ada, "{}").await;
    assert_eq!(lent.status, 200, "{}", lent.text);
    let read = vault.root("GET", "accounts/creds/db/app", "").await;
    assert_eq!(read.status, 200, "{}", read.text);
    let warning = read.at("/warnings/0").as_str().unwrap().to_owned();
    assert!(warning.contains("checked out by token-ada until "), "{warning}");
    assert!(!read.text.contains(lent.at("/lease_id").as_str().unwrap()), "{}", read.text);

    vault.policy("read", r#"path "accounts/creds/*" { capabilities = ["read"] }"#).await;
    let own = r#"{"policies":["read"],"display_name":"own"}"#;
    let own = vault.token(own).await;
    let read = vault.call("GET", "accounts/creds/db/app", &own, "").await;
    assert!(read.at("/warnings/0").as_str().is_some(), "{}", read.text);
}

#[tokio::test]
async fn leases_are_listed_from_the_top_folder_by_folder() {
    let disk = Disk::new();
    let (vault, ada, _) = lending(&disk).await;
    let lent = vault.call("POST", "accounts/check-out/db/app", &ada, "{}").await;
    let id = lent.at("/lease_id").as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    for (path, keys) in [
        ("sys/leases/lookup", json!(["accounts/"])),
        ("sys/leases/lookup/", json!(["accounts/"])),
        ("sys/leases/lookup/accounts", json!(["check-out/"])),
        ("sys/leases/lookup/accounts/check-out/db/app/", json!([id])),
    ] {
        let reply = vault.root("LIST", path, "").await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text);
        assert_eq!(reply.at("/data/keys"), keys, "{path}");
    }
}

#[tokio::test]
async fn who_was_revoked_in_line_gets_nothing() {
    let disk = Disk::new();
    let (vault, ada, eve) = lending(&disk).await;
    let lent = vault.call("POST", "accounts/check-out/db/app", &ada, "{}").await;
    let in_line = vault.call("POST", "accounts/check-out/db/app", &eve, r#"{"wait":"50s"}"#);
    let revoked_and_given_back = async {
        let gone = serde_json::json!({ "token": eve }).to_string();
        assert_eq!(vault.root("POST", "auth/token/revoke", &gone).await.status, 204);
        let lease = json!({ "lease_id": lent.at("/lease_id") }).to_string();
        let ended = vault.root("POST", "sys/leases/revoke", &lease).await;
        assert!(ended.status < 300, "{}", ended.text);
    };
    let (waited, ()) = tokio::join!(in_line, revoked_and_given_back);
    assert_eq!((waited.status, waited.errors()), (403, json!(["permission denied"])));
    let listed = vault.root("LIST", "sys/leases/lookup/accounts/check-out/db/app/", "").await;
    assert_eq!(listed.status, 404, "{}", listed.text);
}

#[tokio::test]
async fn the_last_use_of_a_token_borrows_nothing() {
    let disk = Disk::new();
    let (vault, ..) = lending(&disk).await;
    let once = vault.token(r#"{"policies":["borrow"],"num_uses":1}"#).await;
    let refused = vault.call("POST", "accounts/check-out/db/app", &once, "{}").await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    let status = vault.root("GET", "accounts/status/db/app", "").await;
    assert!(!status.text.contains("holder"), "{}", status.text);
}

#[tokio::test]
async fn an_account_whose_password_cannot_be_read_is_not_kept_by_who_was_lent_nothing() {
    let bench = Bench::new().await;
    for (name, is_lost) in [("lost", true), ("damaged", false)] {
        bench.account(name, "p-1").await;
        if is_lost {
            bench.lose_secret(name, 1).await;
        } else {
            let subject = Subject::Account(AccountPath::parse(name).unwrap());
            bench.damage_record::<Secret>(&secret_name(&subject, 1)).await;
        }
        let refused = bench.post(&format!("accounts/check-out/{name}"), json!({})).await;
        assert_eq!(refused.status, if is_lost { 503 } else { 500 }, "{}", refused.text);
        bench.rest().await;
        assert!(!bench.record(name).lending.is_lent(), "{name}");
    }
}
