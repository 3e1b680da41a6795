//! Wrapped answers: shown once, to whoever holds the token, and never otherwise.

use std::sync::Arc;

use serde_json::{Value, json};
use vault_core::clock::Clock;
use vault_core::store::key::Table;

use super::vault::{Disk, Reply, Vault, seconds};

const GONE: &str = "wrapping token is not valid or does not exist";

async fn ask(vault: &Vault, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
    vault.raw(method, &format!("/v1/{path}"), headers, body).await
}

/// As root, with the answer wrapped for 60 seconds.
async fn wrapped(vault: &Vault, method: &str, path: &str, body: &str) -> Reply {
    let headers = [("X-Vault-Token", vault.root.as_str()), ("X-Vault-Wrap-Ttl", "60")];
    ask(vault, method, path, &headers, body).await
}

async fn wrap(vault: &Vault, body: &str) -> String {
    let reply = wrapped(vault, "POST", "sys/wrapping/wrap", body).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.at("/wrap_info/token").as_str().unwrap().to_owned()
}

fn without_id(reply: &Reply) -> Value {
    let mut json = reply.json();
    assert!(json.as_object_mut().unwrap().remove("request_id").is_some());
    json
}

fn refused(reply: &Reply) {
    assert_eq!((reply.status, reply.errors()), (400, json!([GONE])));
}

#[tokio::test]
async fn a_wrapped_answer_tells_where_it_is_and_nothing_else() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    let reply = wrapped(&vault, "POST", "sys/wrapping/wrap", r#"{"password":"hunter2"}"#).await;
    assert!(!reply.text.contains("hunter2"));
    assert_eq!(
        (reply.at("/data"), reply.at("/auth"), reply.at("/lease_id")),
        (json!(null), json!(null), json!(""))
    );
    let info = reply.at("/wrap_info");
    assert_eq!(info["ttl"], 60);
    assert_eq!(info["creation_path"], "sys/wrapping/wrap");
    assert_eq!(info["creation_time"], "2027-01-15T08:00:00.000Z");
    assert_eq!(info["token"].as_str().unwrap().len(), 28);
    assert_eq!(info["accessor"].as_str().unwrap().len(), 24);
    assert_eq!(info.get("wrapped_accessor"), None);
    let bare = vault.root("POST", "sys/wrapping/wrap", r#"{"a":1}"#).await;
    assert_eq!(
        (bare.status, bare.errors()),
        (400, json!(["endpoint requires response wrapping to be used"]))
    );
}

#[tokio::test]
async fn an_answer_is_opened_once_by_each_way_that_clients_know() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    let user = vault.token(r#"{"policies":["a"]}"#).await;
    for way in ["another token", "itself", "itself twice", "no token"] {
        let token = wrap(&vault, r#"{"n":12345678901234567890}"#).await;
        let body = json!({ "token": token }).to_string();
        let open = || async {
            match way {
                "another token" => vault.call("POST", "sys/wrapping/unwrap", &user, &body).await,
                "itself" => vault.call("PUT", "sys/wrapping/unwrap", &token, "null").await,
                "itself twice" => vault.call("PUT", "sys/wrapping/unwrap", &token, &body).await,
                _ => vault.call("POST", "sys/wrapping/unwrap", "", &body).await,
            }
        };
        let opened = open().await;
        assert_eq!(opened.status, 200, "{way}: {}", opened.text);
        assert!(opened.text.contains(r#""data":{"n":12345678901234567890}"#), "{way}: {}", opened.text);
        assert_eq!(opened.at("/wrap_info"), json!(null), "{way}");
        refused(&open().await);
        vault.app.tokens.sweep(disk.clock.now()).await.unwrap();
        refused(&open().await);
    }
    assert_eq!(vault.app.barrier.names(Table::Cubbyhole, b"", None, 10).unwrap().len(), 0);
}

#[tokio::test]
async fn what_comes_out_is_what_the_first_caller_would_have_got() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    for (method, path, body) in [
        ("GET", "sys/policies/acl/default", ""),
        ("GET", "auth/token/lookup-self", ""),
        ("POST", "sys/capabilities-self", r#"{"path":"x","bogus":1}"#),
        ("LIST", "sys/policies/acl", ""),
    ] {
        let bare = vault.root(method, path, body).await;
        let info = wrapped(&vault, method, path, body).await;
        assert_eq!(info.at("/wrap_info/creation_path"), path);
        let token = info.at("/wrap_info/token").as_str().unwrap().to_owned();
        let opened = vault.call("POST", "sys/wrapping/unwrap", &token, "").await;
        assert_eq!(without_id(&opened), without_id(&bare), "{path}");
        assert_ne!(opened.at("/request_id"), info.at("/request_id"));
    }
}

#[tokio::test]
async fn a_token_in_a_wrapped_answer_is_named_by_its_accessor() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    let info = wrapped(&vault, "POST", "auth/token/create", r#"{"policies":["a"],"ttl":"1h"}"#).await;
    let accessor = info.at("/wrap_info/wrapped_accessor");
    let token = info.at("/wrap_info/token").as_str().unwrap().to_owned();
    let opened = vault.call("POST", "sys/wrapping/unwrap", &token, "").await;
    assert_eq!(opened.at("/auth/accessor"), accessor);
    assert_eq!(opened.at("/auth/lease_duration"), 3600);
    let inner = opened.at("/auth/client_token").as_str().unwrap().to_owned();
    assert_eq!(vault.call("GET", "auth/token/lookup-self", &inner, "").await.status, 200);
}

#[tokio::test]
async fn errors_and_answers_without_contents_are_not_wrapped() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    for (method, path, body, status) in [
        ("GET", "cubbyhole/none", "", 404),
        ("PUT", "cubbyhole/x", r#"{"v":1}"#, 204),
        ("GET", "nowhere/x", "", 404),
        ("POST", "auth/token/lookup", r#"{"token":"hvs.unknown"}"#, 403),
        ("GET", "sys/health", "", 200),
        ("GET", "sys/seal-status", "", 200),
    ] {
        let reply = wrapped(&vault, method, path, body).await;
        assert_eq!(reply.status, status, "{path}: {}", reply.text);
        assert!(!reply.text.contains("\"wrap_info\""), "{path}: {}", reply.text);
    }
    let nonsense = ask(&vault, "GET", "sys/health", &[("X-Vault-Wrap-TTL", "soon")], "").await;
    assert_eq!(nonsense.status, 400);
}

#[tokio::test]
async fn a_wrapping_token_can_be_looked_up_without_any_token_and_stays_good() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    let token = wrap(&vault, r#"{"a":1}"#).await;
    let body = json!({ "token": token }).to_string();
    let want = json!({
        "creation_ttl": 60, "creation_time": "2027-01-15T08:00:00.000Z", "creation_path": "sys/wrapping/wrap"
    });
    for (client, body) in [("", body.as_str()), (&vault.root, &body), (&token, "")] {
        let shown = vault.call("POST", "sys/wrapping/lookup", client, body).await;
        assert_eq!(shown.at("/data"), want);
    }
    for body in [json!({ "token": vault.root }), json!({ "token": "hvs.unknown" }), json!({})] {
        refused(&vault.call("POST", "sys/wrapping/lookup", "", &body.to_string()).await);
    }
    assert_eq!(vault.call("POST", "sys/wrapping/unwrap", &token, "").await.status, 200);
    refused(&vault.call("POST", "sys/wrapping/lookup", "", &body).await);
}

#[tokio::test]
async fn a_wrapped_answer_ends_with_its_time() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    let token = wrap(&vault, r#"{"a":1}"#).await;
    disk.clock.advance(seconds(60));
    refused(&vault.call("POST", "sys/wrapping/unwrap", &token, "").await);
    vault.app.tokens.sweep(disk.clock.now()).await.unwrap();
    assert_eq!(vault.app.barrier.names(Table::Cubbyhole, b"", None, 10).unwrap().len(), 0);
}

#[tokio::test]
async fn rewrapping_moves_an_answer_to_a_new_token() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    let old = wrapped(&vault, "GET", "sys/policies/acl/default", "").await;
    let old = old.at("/wrap_info/token").as_str().unwrap().to_owned();
    disk.clock.advance(seconds(50));
    let moved = vault.root("PUT", "sys/wrapping/rewrap", &json!({ "token": old }).to_string()).await;
    assert_eq!(moved.at("/wrap_info/ttl"), 60);
    assert_eq!(moved.at("/wrap_info/creation_path"), "sys/policies/acl/default");
    let new = moved.at("/wrap_info/token").as_str().unwrap().to_owned();
    refused(&vault.call("POST", "sys/wrapping/unwrap", &old, "").await);
    disk.clock.advance(seconds(50));
    assert_eq!(vault.call("POST", "sys/wrapping/unwrap", &new, "").await.at("/data/name"), "default");
}

#[tokio::test]
async fn a_wrapping_token_is_good_for_nothing_else_and_no_token_is_made_like_one() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    // Each try is a use.
    let token = wrap(&vault, r#"{"a":1}"#).await;
    assert_eq!(vault.call("GET", "auth/token/lookup-self", &token, "").await.status, 403);
    // As clients did before there was sys/wrapping.
    let token = wrap(&vault, r#"{"a":1}"#).await;
    let old_way = vault.call("GET", "cubbyhole/response", &token, "").await;
    let inner: Value = serde_json::from_str(old_way.at("/data/response").as_str().unwrap()).unwrap();
    assert_eq!(inner["data"], json!({ "a": 1 }));
    refused(&vault.call("POST", "sys/wrapping/unwrap", &token, "").await);

    let made = vault.root("POST", "auth/token/create", r#"{"policies":["response-wrapping"]}"#).await;
    assert_eq!(made.status, 400, "{}", made.text);
    let policy = r#"{"policy":"path \"*\" { capabilities = [\"read\"] }"}"#;
    for (method, body) in [("PUT", policy), ("DELETE", "")] {
        assert_eq!(vault.root(method, "sys/policies/acl/response-wrapping", body).await.status, 400);
    }
    // An ordinary token in its place.
    let ordinary = json!({ "token": vault.token("{}").await }).to_string();
    refused(&vault.root("POST", "sys/wrapping/unwrap", &ordinary).await);
}

#[tokio::test]
async fn policies_bound_the_time_of_wrapping() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    let rule = r#"path "sys/policies/acl/*" {
        capabilities = ["read"]
        min_wrapping_ttl = "10s"
        max_wrapping_ttl = "100s"
    }"#;
    vault.policy("wrapper", rule).await;
    let token = vault.token(r#"{"policies":["wrapper"]}"#).await;
    for (ttl, status) in
        [(None, 403), (Some("5"), 403), (Some("10"), 200), (Some("1m"), 200), (Some("101s"), 403)]
    {
        let mut headers = vec![("X-Vault-Token", token.as_str())];
        headers.extend(ttl.map(|ttl| ("X-Vault-Wrap-TTL", ttl)));
        let reply = ask(&vault, "GET", "sys/policies/acl/default", &headers, "").await;
        assert_eq!(reply.status, status, "{ttl:?}: {}", reply.text);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_at_once_one_gets_the_answer() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    vault.app.start_tasks();
    let vault = Arc::new(vault);
    for round in 0..6 {
        let token = wrap(&vault, r#"{"password":"hunter2"}"#).await;
        let mut asked = tokio::task::JoinSet::new();
        for n in 0..100 {
            let (vault, token) = (Arc::clone(&vault), token.clone());
            asked.spawn(async move {
                let body = json!({ "token": token }).to_string();
                // Round by round: by others, by itself, mixed.
                match (round % 3 + n % 2) % 3 {
                    0 => vault.root("POST", "sys/wrapping/unwrap", &body).await,
                    1 => vault.call("POST", "sys/wrapping/unwrap", &token, "").await,
                    _ => vault.call("POST", "sys/wrapping/unwrap", "", &body).await,
                }
            });
        }
        let replies = asked.join_all().await;
        let (opened, others): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 200);
        assert_eq!(opened.len(), 1, "round {round}");
        assert_eq!(opened[0].at("/data/password"), "hunter2");
        assert_eq!(others.len(), 99);
        others.into_iter().for_each(refused);
    }
}

#[tokio::test]
async fn the_audit_file_knows_of_the_wrapping_and_not_the_token() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    let token = wrap(&vault, r#"{"password":"hunter2"}"#).await;
    let opened = vault.call("POST", "sys/wrapping/unwrap", &token, "").await;
    assert_eq!(opened.status, 200);
    let digest = vault.app.audit.digest(&token).unwrap();
    let text = std::fs::read_to_string(&disk.config.audit_file).unwrap();
    assert!(!text.contains(&token) && !text.contains("hunter2"));
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |path: &str| {
        let mut found =
            lines.iter().filter(|line| line["type"] == "response" && line["request"]["path"] == path);
        found.next().unwrap().clone()
    };
    let wrapping = of("sys/wrapping/wrap");
    assert_eq!(wrapping["response"]["wrap_info"]["token"], digest.as_str());
    assert_eq!(wrapping["response"]["wrap_info"]["ttl"], 60);
    assert_eq!(wrapping["response"].get("data"), None);
    let opening = of("sys/wrapping/unwrap");
    assert_eq!(opening["auth"]["client_token"], digest.as_str());
    let secret = vault.app.audit.digest("hunter2").unwrap();
    assert_eq!(opening["response"]["data"]["password"], secret.as_str());
}

#[tokio::test]
async fn who_has_no_token_puts_nothing_into_the_store() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    let before = vault.app.tokens.accessors(None, 100).unwrap().len();
    let asked = [("X-Vault-Wrap-TTL", "36500d")];
    let reply = vault.raw("GET", "/v1/sys/internal/ui/mounts", &asked, "").await;
    assert_eq!((reply.status, reply.at("/wrap_info")), (200, json!(null)), "{}", reply.text);
    assert_eq!(vault.app.tokens.accessors(None, 100).unwrap().len(), before);
}
