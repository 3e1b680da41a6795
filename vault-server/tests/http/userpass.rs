//! Userpass: users, their passwords, and logins by them.

use serde_json::json;

use crate::vault::{Disk, Reply, Vault, at_once};

/// A vault with a userpass mount at `auth/people`.
async fn ready(disk: &Disk) -> (Vault, String) {
    let (vault, share) = Vault::ready(disk).await;
    assert_eq!(vault.root("POST", "sys/auth/people", r#"{"type":"userpass"}"#).await.status, 204);
    (vault, share)
}

async fn write(vault: &Vault, path: &str, body: &str) -> u16 {
    vault.root("POST", &format!("auth/people/{path}"), body).await.status
}

async fn login(vault: &Vault, name: &str, password: &str) -> Reply {
    let body = json!({ "password": password }).to_string();
    vault.call("POST", &format!("auth/people/login/{name}"), "", &body).await
}

#[tokio::test]
async fn a_login_gives_a_token_as_the_user_says() {
    let disk = Disk::new();
    let (vault, _) = ready(&disk).await;
    let body =
        r#"{"password":"hunter2","token_policies":["dev"],"token_ttl":"10m","token_no_default_policy":true}"#;
    assert_eq!(write(&vault, "users/Mary", body).await, 204);
    let reply = login(&vault, "MARY", "hunter2").await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let auth = reply.at("/auth");
    assert_eq!(auth["metadata"], json!({ "username": "mary" }));
    assert_eq!((&auth["policies"], &auth["orphan"]), (&json!(["dev"]), &json!(true)));
    let token = auth["client_token"].as_str().unwrap();
    let look = json!({ "token": token }).to_string();
    let data = vault.root("POST", "auth/token/lookup", &look).await.at("/data");
    assert_eq!(data["display_name"], "people-mary");
    assert_eq!((&data["path"], &data["ttl"]), (&json!("auth/people/login/MARY"), &json!(600)));
}

#[tokio::test]
async fn users_are_written_read_and_removed() {
    let disk = Disk::new();
    let (vault, _) = ready(&disk).await;
    for (body, want) in [("{}", 400), (r#"{"token_ttl":"1h"}"#, 400), (r#"{"password":""}"#, 400)] {
        assert_eq!(write(&vault, "users/mary", body).await, want, "{body}");
    }
    assert_eq!(write(&vault, "users/mary", r#"{"password":"a","policies":"B,a","ttl":"1h"}"#).await, 204);
    let data = vault.root("GET", "auth/people/users/mary", "").await.at("/data");
    let want = json!({
        "policies": ["a", "b"], "ttl": 3600, "token_bound_cidrs": [], "token_explicit_max_ttl": 0,
        "token_max_ttl": 0, "token_no_default_policy": false, "token_num_uses": 0, "token_period": 0,
        "token_policies": ["a", "b"], "token_ttl": 3600, "token_type": "default",
    });
    assert_eq!(data, want);
    assert_eq!(write(&vault, "users/mary", r#"{"token_ttl":60}"#).await, 204);
    assert_eq!(login(&vault, "mary", "a").await.at("/auth/lease_duration"), 60, "the password stays");

    assert_eq!(write(&vault, "users/mary/password", r#"{"password":"b"}"#).await, 204);
    assert_eq!(
        [login(&vault, "mary", "a").await.status, login(&vault, "mary", "b").await.status],
        [400, 200]
    );
    assert_eq!(write(&vault, "users/mary/policies", r#"{"policies":"ops"}"#).await, 204);
    assert_eq!(login(&vault, "mary", "b").await.at("/auth/policies"), json!(["default", "ops"]));
    assert_eq!(write(&vault, "users/nobody/password", r#"{"password":"b"}"#).await, 400);
    assert_eq!(write(&vault, "users/nobody/policies", r#"{"policies":"b"}"#).await, 400);

    let keys = vault.root("LIST", "auth/people/users", "").await.at("/data/keys");
    assert_eq!(keys, json!(["mary"]));
    for _ in 0..2 {
        assert_eq!(vault.root("DELETE", "auth/people/users/mary", "").await.status, 204);
    }
    assert_eq!(vault.root("GET", "auth/people/users/mary", "").await.status, 404);
    assert_eq!(login(&vault, "mary", "b").await.status, 400);
}

#[tokio::test]
async fn an_unknown_user_and_a_wrong_password_look_the_same() {
    let disk = Disk::new();
    let (vault, _) = ready(&disk).await;
    assert_eq!(write(&vault, "users/mary", r#"{"password":"hunter2"}"#).await, 204);
    for (name, password) in [("mary", "wrong"), ("nobody", "hunter2"), (&"x".repeat(3000), "hunter2")] {
        let reply = login(&vault, name, password).await;
        let want = (400, json!(["invalid username or password"]));
        assert_eq!((reply.status, reply.errors()), want, "{name}");
    }
    let missing = login(&vault, "mary", "").await;
    assert_eq!((missing.status, missing.errors()), (400, json!(["missing password"])));
}

#[tokio::test]
async fn a_user_never_becomes_root() {
    let disk = Disk::new();
    let (vault, _) = ready(&disk).await;
    assert_eq!(write(&vault, "users/mary", r#"{"password":"a","policies":"root"}"#).await, 204);
    let reply = login(&vault, "mary", "a").await;
    assert_eq!((reply.status, reply.errors()), (400, json!(["auth methods cannot create root tokens"])));
}

#[tokio::test]
async fn tokens_of_a_user_end_with_the_mount_and_renew_while_nothing_changed() {
    let disk = Disk::new();
    let (vault, share) = ready(&disk).await;
    assert_eq!(write(&vault, "users/mary", r#"{"password":"a","policies":"ops"}"#).await, 204);
    let token = login(&vault, "mary", "a").await.at("/auth/client_token");
    let token = token.as_str().unwrap();
    let renew = || vault.call("POST", "auth/token/renew-self", token, r#"{"increment":"1h"}"#);
    assert_eq!(renew().await.at("/auth/lease_duration"), 3600);
    assert_eq!(write(&vault, "users/mary/policies", r#"{"policies":"dev"}"#).await, 204);
    assert_eq!(renew().await.errors(), json!(["policies have changed, not renewing"]));
    assert_eq!(vault.root("DELETE", "auth/people/users/mary", "").await.status, 204);
    assert_eq!(renew().await.status, 400);

    vault.app.end().await;
    let again = disk.start();
    again.unseal(&share).await;
    assert_eq!(again.call("GET", "auth/token/lookup-self", token, "").await.status, 200);
    let root = vault.root.as_str();
    assert_eq!(again.call("DELETE", "sys/auth/people", root, "").await.status, 204);
    assert_eq!(again.call("GET", "auth/token/lookup-self", token, "").await.status, 403);
}

#[tokio::test]
async fn a_bound_user_logs_in_from_its_addresses_only() {
    let disk = Disk::new();
    let (vault, _) = ready(&disk).await;
    let body = r#"{"password":"a","bound_cidrs":"10.0.0.0/8"}"#;
    assert_eq!(write(&vault, "users/mary", body).await, 204);
    for (from, want) in [([127, 0, 0, 1], 403), ([10, 0, 0, 7], 200)] {
        let reply = vault.call_from(from, "POST", "auth/people/login/mary", "", r#"{"password":"a"}"#).await;
        assert_eq!(reply.status, want, "{from:?} {}", reply.text);
    }
}

#[tokio::test]
async fn many_logins_at_once_all_get_in() {
    let disk = Disk::new();
    let (vault, _) = ready(&disk).await;
    assert_eq!(write(&vault, "users/mary", r#"{"password":"a"}"#).await, 204);
    let statuses = at_once((0..12).map(|_| async { login(&vault, "mary", "a").await.status })).await;
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
}
