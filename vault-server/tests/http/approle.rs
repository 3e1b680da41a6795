//! AppRole: what its paths answer, and that a secret id is never used more often than it may be.

use std::sync::Arc;

use serde_json::{Value, json};
use vault_core::identity::TokenDigest;
use vault_core::rotation::port::BoxFuture;
use vault_core::secret::SecretString;
use vault_server::service::approle::{ApproleError, Shown};
use vault_server::service::login::LoginError;
use vault_server::service::token::{TokenWatcher, WatcherFailed};

use crate::vault::{Disk, Reply, Vault, at_once, seconds};

/// A vault with an AppRole mount at `auth/approle`.
async fn ready(disk: &Disk) -> (Vault, String) {
    let (vault, share) = Vault::ready(disk).await;
    assert_eq!(vault.root("POST", "sys/auth/approle", r#"{"type":"approle"}"#).await.status, 204);
    (vault, share)
}

async fn ok(vault: &Vault, method: &str, path: &str, body: &str) -> Reply {
    let reply = vault.root(method, &format!("auth/approle/{path}"), body).await;
    assert!(matches!(reply.status, 200 | 204), "{method} {path}: {} {}", reply.status, reply.text);
    reply
}

async fn role_id(vault: &Vault, role: &str) -> String {
    text(&ok(vault, "GET", &format!("role/{role}/role-id"), "").await, "/data/role_id")
}

async fn secret_id(vault: &Vault, role: &str, body: &str) -> String {
    text(&ok(vault, "POST", &format!("role/{role}/secret-id"), body).await, "/data/secret_id")
}

fn text(reply: &Reply, pointer: &str) -> String {
    reply.at(pointer).as_str().unwrap().to_owned()
}

async fn login(vault: &Vault, role_id: &str, secret_id: &str) -> Reply {
    let body = json!({ "role_id": role_id, "secret_id": secret_id }).to_string();
    vault.call("POST", "auth/approle/login", "", &body).await
}

async fn is_live(vault: &Vault, token: &str) -> bool {
    vault.call("GET", "auth/token/lookup-self", token, "").await.status == 200
}

#[tokio::test]
async fn a_login_gives_a_token_as_the_role_says() {
    let disk = Disk::new();
    let (vault, _) = ready(&disk).await;
    let body = r#"{"token_policies":"dev,ops","token_ttl":"20m","token_max_ttl":"30m","token_num_uses":7}"#;
    ok(&vault, "POST", "role/CI", body).await;
    let secret = secret_id(&vault, "ci", r#"{"metadata":"{\"team\":\"db\"}"}"#).await;
    let reply = login(&vault, &role_id(&vault, "ci").await, &secret).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let auth = reply.at("/auth");
    assert_eq!(auth["policies"], json!(["default", "dev", "ops"]));
    assert_eq!(auth["metadata"], json!({ "role_name": "ci", "team": "db" }));
    assert_eq!((&auth["lease_duration"], &auth["orphan"]), (&json!(1200), &json!(true)));
    assert_eq!((&auth["renewable"], &auth["token_type"]), (&json!(true), &json!("service")));

    let token = auth["client_token"].as_str().unwrap();
    let data = vault.call("GET", "auth/token/lookup-self", token, "").await.at("/data");
    assert_eq!((&data["path"], &data["display_name"]), (&json!("auth/approle/login"), &json!("approle")));
    assert_eq!((&data["num_uses"], &data["meta"]["role_name"]), (&json!(6), &json!("ci")));
}

#[tokio::test]
async fn a_role_is_read_as_clients_need_it() {
    let disk = Disk::new();
    let (vault, _) = ready(&disk).await;
    ok(&vault, "POST", "role/plain", "").await;
    let want = json!({
        "bind_secret_id": true, "secret_id_bound_cidrs": null, "secret_id_num_uses": 0, "secret_id_ttl": 0,
        "local_secret_ids": false, "token_bound_cidrs": [], "token_explicit_max_ttl": 0, "token_max_ttl": 0,
        "token_no_default_policy": false, "token_num_uses": 0, "token_period": 0, "token_policies": [],
        "token_ttl": 0, "token_type": "default",
    });
    assert_eq!(ok(&vault, "GET", "role/plain", "").await.at("/data"), want);

    let body = r#"{"policies":"b,A","period":"1h","secret_id_num_uses":"2","secret_id_ttl":"10m",
        "secret_id_bound_cidrs":["10.0.0.0/8"],"token_bound_cidrs":"127.0.0.1/32","bogus":1}"#;
    ok(&vault, "PUT", "role/plain", body).await;
    let data = ok(&vault, "GET", "role/plain", "").await.at("/data");
    for (name, value) in [
        ("policies", json!(["a", "b"])),
        ("token_policies", json!(["a", "b"])),
        ("period", json!(3600)),
        ("token_period", json!(3600)),
        ("secret_id_num_uses", json!(2)),
        ("secret_id_ttl", json!(600)),
        ("secret_id_bound_cidrs", json!(["10.0.0.0/8"])),
        ("token_bound_cidrs", json!(["127.0.0.1"])),
    ] {
        assert_eq!(data[name], value, "{name}");
    }
    ok(&vault, "POST", "role/plain", r#"{"token_policies":["c"]}"#).await;
    let data = ok(&vault, "GET", "role/plain", "").await.at("/data");
    assert_eq!((data.get("policies"), &data["token_policies"]), (None, &json!(["c"])));
    assert_eq!(data["secret_id_ttl"], 600, "what was not named stays");

    assert_eq!(ok(&vault, "LIST", "role", "").await.at("/data/keys"), json!(["plain"]));
    ok(&vault, "DELETE", "role/plain", "").await;
    ok(&vault, "DELETE", "role/plain", "").await;
    for (method, path) in [("GET", "role/plain"), ("LIST", "role"), ("GET", "role/plain/role-id")] {
        assert_eq!(vault.root(method, &format!("auth/approle/{path}"), "").await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn what_a_role_cannot_be_is_refused() {
    let disk = Disk::new();
    let (vault, _) = ready(&disk).await;
    ok(&vault, "POST", "role/other", r#"{"role_id":"chosen"}"#).await;
    for (body, want) in [
        (r#"{"bind_secret_id":false}"#, "at least one constraint should be enabled on the role"),
        (r#"{"token_ttl":"2h","token_max_ttl":"1h"}"#, "'token_ttl' cannot be greater than 'token_max_ttl'"),
        (r#"{"role_id":"chosen"}"#, "role_id already in use"),
        (r#"{"token_type":"odd"}"#, "invalid 'token_type' value \"odd\""),
    ] {
        let reply = vault.root("POST", "auth/approle/role/ci", body).await;
        assert_eq!((reply.status, reply.errors()), (400, json!([want])), "{body}");
    }
    for body in
        [r#"{"token_bound_cidrs":"10.0.0.0/40"}"#, r#"{"secret_id_num_uses":-1}"#, r#"{"token_ttl":"soon"}"#]
    {
        assert_eq!(vault.root("POST", "auth/approle/role/ci", body).await.status, 400, "{body}");
    }
    assert_eq!(vault.root("GET", "auth/approle/role/ci", "").await.status, 404, "nothing was made");
}

#[tokio::test]
async fn each_setting_has_a_path_of_its_own() {
    let disk = Disk::new();
    let (vault, _) = ready(&disk).await;
    ok(&vault, "POST", "role/ci", r#"{"token_policies":"x"}"#).await;
    for (field, name, given, shown, fresh) in [
        ("policies", "token_policies", json!("a,b"), json!(["a", "b"]), json!([])),
        ("period", "token_period", json!("1h"), json!(3600), json!(0)),
        ("token-ttl", "token_ttl", json!(60), json!(60), json!(0)),
        ("token-max-ttl", "token_max_ttl", json!("2h"), json!(7200), json!(0)),
        ("token-num-uses", "token_num_uses", json!("3"), json!(3), json!(0)),
        ("token-bound-cidrs", "token_bound_cidrs", json!("10.0.0.1/32"), json!(["10.0.0.1"]), json!([])),
        ("secret-id-num-uses", "secret_id_num_uses", json!(5), json!(5), json!(0)),
        ("secret-id-ttl", "secret_id_ttl", json!("5m"), json!(300), json!(0)),
        ("secret-id-bound-cidrs", "secret_id_bound_cidrs", json!(["::/0"]), json!(["::/0"]), Value::Null),
    ] {
        let path = format!("role/ci/{field}");
        ok(&vault, "POST", &path, &json!({ name: given }).to_string()).await;
        assert_eq!(ok(&vault, "GET", &path, "").await.at("/data"), json!({ name: shown }), "{field}");
        ok(&vault, "DELETE", &path, "").await;
        assert_eq!(ok(&vault, "GET", &path, "").await.at("/data")[name], fresh, "{field}");
        let empty = vault.root("POST", &format!("auth/approle/{path}"), "{}").await;
        assert_eq!((empty.status, empty.errors()), (400, json!([format!("missing {name}")])));
    }
    assert_eq!(ok(&vault, "GET", "role/ci/bind-secret-id", "").await.at("/data/bind_secret_id"), true);
    assert_eq!(ok(&vault, "GET", "role/ci/local-secret-ids", "").await.at("/data/local_secret_ids"), false);
    ok(&vault, "POST", "role/ci/role-id", r#"{"role_id":"machine-7"}"#).await;
    let secret = secret_id(&vault, "ci", "").await;
    assert_eq!(login(&vault, "machine-7", &secret).await.status, 200);
    assert_eq!(vault.root("GET", "auth/approle/role/ci/nosuch", "").await.status, 404);
    assert_eq!(vault.root("POST", "auth/approle/role/no/token-ttl", r#"{"token_ttl":1}"#).await.status, 404);
}

#[tokio::test]
async fn an_unknown_role_and_a_wrong_secret_id_look_the_same() {
    let disk = Disk::new();
    let (vault, _) = ready(&disk).await;
    ok(&vault, "POST", "role/ci", "").await;
    ok(&vault, "POST", "role/other", "").await;
    let (known, other) = (role_id(&vault, "ci").await, secret_id(&vault, "other", "").await);
    let same = (400, json!(["invalid role or secret ID"]));
    for (role, secret) in [(known.as_str(), "wrong"), (&known, &other), ("unknown", &other), ("", &other)] {
        let reply = login(&vault, role, secret).await;
        let want = if role.is_empty() { (400, json!(["missing role_id"])) } else { same.clone() };
        assert_eq!((reply.status, reply.errors()), want, "{role} {secret}");
    }
    for role in [known.as_str(), "unknown", &"x".repeat(2000)] {
        let body = json!({ "role_id": role }).to_string();
        let reply = vault.call("POST", "auth/approle/login", "", &body).await;
        assert_eq!((reply.status, reply.errors()), (400, json!(["missing secret_id"])), "{role}");
    }
}

#[tokio::test]
async fn a_secret_id_of_ten_uses_lets_exactly_ten_of_fifty_in() {
    let disk = Disk::new();
    let (vault, _) = ready(&disk).await;
    ok(&vault, "POST", "role/ci", "").await;
    let (role, secret) = (role_id(&vault, "ci").await, secret_id(&vault, "ci", r#"{"num_uses":10}"#).await);
    let statuses = at_once((0..50).map(|_| async { login(&vault, &role, &secret).await.status })).await;
    let counted = |status| statuses.iter().filter(|it| **it == status).count();
    assert_eq!((counted(200), counted(200) + counted(400) + counted(403)), (10, 50), "{statuses:?}");
    assert_eq!(vault.root("LIST", "auth/approle/role/ci/secret-id", "").await.status, 404, "it is gone");
}

#[tokio::test]
async fn secret_ids_are_looked_up_and_destroyed_by_text_and_by_accessor() {
    let disk = Disk::new();
    let (vault, _) = ready(&disk).await;
    ok(&vault, "POST", "role/ci", r#"{"secret_id_ttl":"1h","secret_id_num_uses":4}"#).await;
    let body = r#"{"secret_id":"chosen by hand","metadata":"team=db","cidr_list":"127.0.0.0/8"}"#;
    let made = ok(&vault, "POST", "role/ci/custom-secret-id", body).await;
    assert_eq!(
        (made.at("/data/secret_id_ttl"), made.at("/data/secret_id_num_uses")),
        (json!(3600), json!(4))
    );
    let again = vault.root("POST", "auth/approle/role/ci/custom-secret-id", body).await;
    assert_eq!((again.status, again.errors()), (400, json!(["SecretID is already registered"])));

    assert_eq!(login(&vault, &role_id(&vault, "ci").await, "chosen by hand").await.status, 200);
    let by_text = json!({ "secret_id": "chosen by hand" }).to_string();
    let by_accessor = json!({ "secret_id_accessor": made.at("/data/secret_id_accessor") }).to_string();
    let want = json!({
        "secret_id_accessor": made.at("/data/secret_id_accessor"), "secret_id_num_uses": 3,
        "secret_id_ttl": 3600, "creation_time": "2027-01-15T08:00:00.000Z",
        "expiration_time": "2027-01-15T09:00:00.000Z", "last_updated_time": "2027-01-15T08:00:00.000Z",
        "metadata": { "team": "db" }, "cidr_list": ["127.0.0.0/8"], "token_bound_cidrs": [],
    });
    assert_eq!(ok(&vault, "POST", "role/ci/secret-id/lookup", &by_text).await.at("/data"), want);
    let lookup = "role/ci/secret-id-accessor/lookup";
    assert_eq!(ok(&vault, "PUT", lookup, &by_accessor).await.at("/data"), want);
    let keys = ok(&vault, "LIST", "role/ci/secret-id", "").await.at("/data/keys");
    assert_eq!(keys, json!([made.at("/data/secret_id_accessor")]));

    ok(&vault, "POST", "role/ci/secret-id/destroy", &by_text).await;
    assert_eq!(ok(&vault, "POST", "role/ci/secret-id/lookup", &by_text).await.status, 204);
    for path in [lookup, "role/ci/secret-id-accessor/destroy"] {
        assert_eq!(vault.root("POST", &format!("auth/approle/{path}"), &by_accessor).await.status, 404);
    }
    let other = ok(&vault, "POST", "role/ci/secret-id", "").await;
    let accessor = json!({ "secret_id_accessor": other.at("/data/secret_id_accessor") }).to_string();
    ok(&vault, "POST", "role/ci/secret-id-accessor/destroy", &accessor).await;
    assert_eq!(
        login(&vault, &role_id(&vault, "ci").await, &text(&other, "/data/secret_id")).await.status,
        400
    );
}

#[tokio::test]
async fn secret_ids_end_by_time_and_with_their_role() {
    let disk = Disk::new();
    let (vault, _) = ready(&disk).await;
    ok(&vault, "POST", "role/ci", r#"{"role_id":"r","secret_id_ttl":"1m"}"#).await;
    let (first, second) = (secret_id(&vault, "ci", "").await, secret_id(&vault, "ci", "").await);
    disk.clock.advance(seconds(59));
    assert_eq!(login(&vault, "r", &first).await.status, 200);
    disk.clock.advance(seconds(1));
    assert_eq!(login(&vault, "r", &first).await.status, 400);
    assert_eq!(vault.root("LIST", "auth/approle/role/ci/secret-id", "").await.status, 404);
    let tidied = vault.root("POST", "auth/approle/tidy/secret-id", "").await;
    assert_eq!(tidied.status, 202, "{}", tidied.text);
    assert!(text(&tidied, "/warnings/0").starts_with("Tidy operation successfully started."));
    ok(&vault, "POST", "role/ci/custom-secret-id", &json!({ "secret_id": second }).to_string()).await;

    ok(&vault, "DELETE", "role/ci", "").await;
    assert_eq!(login(&vault, "r", &second).await.status, 400);
    ok(&vault, "POST", "role/ci", r#"{"role_id":"r"}"#).await;
    assert_eq!(login(&vault, "r", &second).await.status, 400, "a new role has no old secret ids");
}

#[tokio::test]
async fn addresses_bind_logins_and_tokens() {
    let disk = Disk::new();
    let (vault, _) = ready(&disk).await;
    let body = r#"{"role_id":"r","secret_id_bound_cidrs":"10.0.0.0/8","token_bound_cidrs":"10.1.0.0/16"}"#;
    ok(&vault, "POST", "role/ci", body).await;
    let wide = vault.root("POST", "auth/approle/role/ci/secret-id", r#"{"cidr_list":"11.0.0.0/8"}"#).await;
    assert_eq!(wide.status, 400);
    let secret = secret_id(&vault, "ci", r#"{"num_uses":1}"#).await;
    let body = json!({ "role_id": "r", "secret_id": secret }).to_string();
    let outside = vault.call("POST", "auth/approle/login", "", &body).await;
    assert_eq!(outside.status, 400, "{}", outside.text);
    let inside = vault.call_from([10, 9, 9, 9], "POST", "auth/approle/login", "", &body).await;
    assert_eq!(inside.status, 200, "a login from a wrong address costs no use: {}", inside.text);
    let token = text(&inside, "/auth/client_token");
    for (from, want) in [([10, 1, 2, 3], 200), ([10, 9, 9, 9], 403), ([127, 0, 0, 1], 403)] {
        let reply = vault.call_from(from, "GET", "auth/token/lookup-self", &token, "").await;
        assert_eq!(reply.status, want, "{from:?}");
        if want == 200 {
            assert_eq!(reply.at("/data/bound_cidrs"), json!(["10.1.0.0/16"]));
        }
    }
}

#[tokio::test]
async fn a_disabled_mount_takes_its_tokens_along() {
    let disk = Disk::new();
    let (vault, _) = ready(&disk).await;
    ok(&vault, "POST", "role/ci", "").await;
    let (role, secret) = (role_id(&vault, "ci").await, secret_id(&vault, "ci", "").await);
    let token = text(&login(&vault, &role, &secret).await, "/auth/client_token");
    assert!(is_live(&vault, &token).await);
    assert_eq!(vault.root("DELETE", "sys/auth/approle", "").await.status, 204);
    assert!(!is_live(&vault, &token).await);
    assert_eq!(vault.root("POST", "sys/auth/approle", r#"{"type":"approle"}"#).await.status, 204);
    assert_eq!(login(&vault, &role, &secret).await.status, 400);
    assert_eq!(vault.root("LIST", "auth/approle/role", "").await.status, 404);
}

#[tokio::test]
async fn no_login_outlives_the_disabling_of_its_mount() {
    let disk = Disk::new();
    let (vault, _) = ready(&disk).await;
    ok(&vault, "POST", "role/ci", "").await;
    let (role, secret) = (role_id(&vault, "ci").await, secret_id(&vault, "ci", "").await);
    let logins = (0..16).map(|_| async { login(&vault, &role, &secret).await });
    let disabling = vault.root("DELETE", "sys/auth/approle", "");
    let (replies, disabled) = tokio::join!(at_once(logins), disabling);
    assert_eq!(disabled.status, 204, "{}", disabled.text);
    for reply in replies.into_iter().filter(|reply| reply.status == 200) {
        assert!(!is_live(&vault, &text(&reply, "/auth/client_token")).await);
    }
    let accessors = vault.root("LIST", "auth/token/accessors", "").await;
    assert_eq!(accessors.at("/data/keys").as_array().unwrap().len(), 1, "only root is left");
}

/// Gives nothing back, so that what ends stays half-way.
struct Stuck;

impl TokenWatcher for Stuck {
    fn token_revoked<'a>(&'a self, _: &'a TokenDigest) -> BoxFuture<'a, Result<(), WatcherFailed>> {
        Box::pin(async { Err(WatcherFailed("stuck".to_owned())) })
    }
}

#[tokio::test]
async fn a_login_that_is_late_by_a_moment_gets_nothing_from_a_mount_that_ends() {
    let disk = Disk::new();
    let (vault, _) = ready(&disk).await;
    vault.app.tokens.set_watcher(Arc::new(Stuck));
    ok(&vault, "POST", "role/ci", r#"{"role_id":"r"}"#).await;
    let shown = Shown {
        role_id: "r".to_owned(),
        secret_id: Some(SecretString::new(secret_id(&vault, "ci", "").await)),
        from: [127, 0, 0, 1].into(),
    };
    let mount = vault.app.mounts.find("auth/approle/login").unwrap().0;
    let (path, now) = ("auth/approle/login", vault.app.clock.now());
    assert!(vault.app.approle.login(&mount, path, &shown, now).await.is_ok());
    assert_eq!(vault.root("DELETE", "sys/auth/approle", "").await.status, 503, "its token cannot end yet");
    let late = vault.app.approle.login(&mount, path, &shown, now).await;
    assert!(matches!(late, Err(ApproleError::Login(LoginError::MountGone))), "{late:?}");
}

#[tokio::test]
async fn a_restart_keeps_roles_secret_ids_and_tokens() {
    let disk = Disk::new();
    let (vault, share) = ready(&disk).await;
    ok(&vault, "POST", "role/ci", "").await;
    let (role, secret) = (role_id(&vault, "ci").await, secret_id(&vault, "ci", r#"{"num_uses":2}"#).await);
    let token = text(&login(&vault, &role, &secret).await, "/auth/client_token");
    vault.app.end().await;
    let again = disk.start();
    again.unseal(&share).await;
    assert!(is_live(&again, &token).await);
    assert_eq!(login(&again, &role, &secret).await.status, 200);
    assert_eq!(login(&again, &role, &secret).await.status, 400, "both uses are gone");
}

#[tokio::test]
async fn a_renewal_follows_what_the_role_says_now() {
    let disk = Disk::new();
    let (vault, _) = ready(&disk).await;
    ok(&vault, "POST", "role/ci", r#"{"token_ttl":"10m"}"#).await;
    let (role, secret) = (role_id(&vault, "ci").await, secret_id(&vault, "ci", "").await);
    let token = text(&login(&vault, &role, &secret).await, "/auth/client_token");
    ok(&vault, "POST", "role/ci", r#"{"token_ttl":"20m"}"#).await;
    let renewed = vault.call("POST", "auth/token/renew-self", &token, "").await;
    assert_eq!(renewed.at("/auth/lease_duration"), 1200, "{}", renewed.text);
    ok(&vault, "DELETE", "role/ci", "").await;
    let gone = vault.call("POST", "auth/token/renew-self", &token, "").await;
    assert_eq!(gone.status, 400, "{}", gone.text);
    assert!(is_live(&vault, &token).await, "it lives to its end");
}
