//! The cubbyhole: a place for each token alone.

use serde_json::json;
use vault_core::clock::Clock;
use vault_core::store::key::Table;

use super::vault::{Disk, Vault, seconds};

fn left(vault: &Vault) -> usize {
    vault.app.barrier.names(Table::Cubbyhole, b"", None, 1000).unwrap().len()
}

#[tokio::test]
async fn what_a_token_puts_there_is_its_own_and_comes_back_digit_for_digit() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    let (ada, eve) = (vault.token(r#"{"policies":["a"]}"#).await, vault.token(r#"{"policies":["a"]}"#).await);
    let object = r#"{"name":"x","n":12345678901234567890,"f":1.0,"list":[1,"two",null]}"#;
    let put = vault.call("PUT", "cubbyhole/app/one", &ada, object).await;
    assert_eq!((put.status, put.text.as_str()), (204, ""));
    let got = vault.call("GET", "cubbyhole/app/one", &ada, "").await;
    assert_eq!(got.at("/data"), serde_json::from_str::<serde_json::Value>(object).unwrap());
    assert!(got.text.contains("12345678901234567890") && got.text.contains("1.0"), "{}", got.text);
    for other in [&eve, &vault.root] {
        let refused = vault.call("GET", "cubbyhole/app/one", other, "").await;
        assert_eq!((refused.status, refused.text.as_str()), (404, r#"{"errors":[]}"#));
    }
    let over = vault.call("POST", "cubbyhole/app/one", &ada, r#"{"name":"y"}"#).await;
    assert_eq!(over.status, 204);
    assert_eq!(vault.call("GET", "cubbyhole/app/one", &ada, "").await.at("/data"), json!({ "name": "y" }));
    for _ in 0..2 {
        assert_eq!(vault.call("DELETE", "cubbyhole/app/one", &ada, "").await.status, 204);
    }
    assert_eq!(vault.call("GET", "cubbyhole/app/one", &ada, "").await.status, 404);
}

#[tokio::test]
async fn names_are_listed_folder_by_folder() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    for path in ["b", "a", "a/x", "a/y/z", "a-b"] {
        assert_eq!(vault.root("PUT", &format!("cubbyhole/{path}"), r#"{"v":1}"#).await.status, 204);
    }
    for (method, path, want) in [
        ("LIST", "cubbyhole", json!(["a", "a-b", "a/", "b"])),
        ("GET", "cubbyhole/?list=true", json!(["a", "a-b", "a/", "b"])),
        ("LIST", "cubbyhole/a", json!(["x", "y/"])),
        ("LIST", "cubbyhole/a/y/", json!(["z"])),
    ] {
        assert_eq!(vault.root(method, path, "").await.at("/data/keys"), want, "{method} {path}");
    }
    assert_eq!(vault.root("LIST", "cubbyhole/none", "").await.status, 404);
}

#[tokio::test]
async fn it_goes_with_the_token_however_that_ends() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    let revoked = vault.token(r#"{"policies":["a"]}"#).await;
    let expired = vault.token(r#"{"policies":["a"],"ttl":"60s"}"#).await;
    for n in 0..250 {
        let put = vault.call("PUT", &format!("cubbyhole/{n}"), &revoked, r#"{"v":1}"#).await;
        assert_eq!(put.status, 204);
    }
    assert_eq!(vault.call("PUT", "cubbyhole/x", &expired, r#"{"v":1}"#).await.status, 204);
    assert_eq!(left(&vault), 251);
    assert_eq!(vault.call("POST", "auth/token/revoke-self", &revoked, "").await.status, 204);
    assert_eq!(left(&vault), 1);
    disk.clock.advance(seconds(61));
    vault.app.tokens.sweep(disk.clock.now()).await.unwrap();
    assert_eq!(left(&vault), 0);
}

#[tokio::test]
async fn the_last_use_of_a_token_still_reads_what_is_there() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    let token = vault.token(r#"{"policies":["a"],"num_uses":2}"#).await;
    assert_eq!(vault.call("PUT", "cubbyhole/x", &token, r#"{"v":"kept"}"#).await.status, 204);
    assert_eq!(vault.call("GET", "cubbyhole/x", &token, "").await.at("/data/v"), "kept");
    assert_eq!(vault.call("GET", "cubbyhole/x", &token, "").await.status, 403);
    vault.app.tokens.sweep(disk.clock.now()).await.unwrap();
    assert_eq!(left(&vault), 0);
    // A last use that writes leaves nothing behind.
    let token = vault.token(r#"{"policies":["a"],"num_uses":1}"#).await;
    assert_eq!(vault.call("PUT", "cubbyhole/x", &token, r#"{"v":1}"#).await.status, 204);
    assert_eq!(left(&vault), 0);
}

#[tokio::test]
async fn the_clean_up_waits_for_the_last_use_under_way() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    let token = vault.token(r#"{"policies":["a"],"num_uses":2}"#).await;
    assert_eq!(vault.call("PUT", "cubbyhole/x", &token, r#"{"v":1}"#).await.status, 204);
    let (tokens, now) = (&vault.app.tokens, disk.clock.now());
    let caller = tokens.authenticate(&token, now).unwrap();
    let last_use = tokens.count_use(&caller, now).await.unwrap();
    assert!(tokens.count_use(&caller, now).await.is_err(), "a last use was counted twice");
    tokens.sweep(now).await.unwrap();
    assert!(vault.app.cubbyholes.read(&caller, "x").unwrap().is_some());
    drop(last_use);
    tokens.sweep(now).await.unwrap();
    assert_eq!(left(&vault), 0);
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_its_reason() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    let large = json!({ "v": "x".repeat(800 * 1024) }).to_string();
    for (path, body, reason) in [
        ("x".to_owned(), "{}", "missing data fields"),
        ("p".repeat(479), r#"{"v":1}"#, "the path is longer than 478 bytes"),
        ("x".to_owned(), large.as_str(), "the object is larger than 786432 bytes"),
    ] {
        let refused = vault.root("PUT", &format!("cubbyhole/{path}"), body).await;
        assert_eq!((refused.status, refused.errors()), (400, json!([reason])));
    }
    assert_eq!(vault.root("PUT", &format!("cubbyhole/{}", "p".repeat(478)), r#"{"v":1}"#).await.status, 204);
}

#[tokio::test]
async fn a_policy_may_allow_to_make_and_not_to_change() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    vault.policy("maker", r#"path "cubbyhole/*" { capabilities = ["create"] }"#).await;
    let token = vault.token(r#"{"policies":["maker"],"no_default_policy":true}"#).await;
    assert_eq!(vault.call("PUT", "cubbyhole/x", &token, r#"{"v":1}"#).await.status, 204);
    assert_eq!(vault.call("PUT", "cubbyhole/x", &token, r#"{"v":2}"#).await.status, 403);
}
