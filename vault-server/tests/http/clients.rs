//! What today's clients send and ask: the question about a path, tunes, forms, base64.

use serde_json::{Value, json};

use crate::vault::{Disk, Vault};

#[tokio::test]
async fn the_question_about_a_path_needs_no_policy_of_its_own() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    for (path, body) in [
        ("team", r#"{"type":"kv"}"#),
        ("seen", r#"{"type":"kv","options":{"version":"2"},"config":{"listing_visibility":"unauth"}}"#),
    ] {
        assert_eq!(vault.root("POST", &format!("sys/mounts/{path}"), body).await.status, 204, "{path}");
    }
    vault.policy("app", r#"path "team/app" { capabilities = ["read"] }"#).await;
    let token = vault.token(r#"{"policies":["app"],"no_default_policy":true}"#).await;
    let path = "sys/internal/ui/mounts";

    let read = vault.call("GET", &format!("{path}/team/app"), &token, "").await;
    assert_eq!((read.at("/data/type"), read.at("/data/path")), (json!("kv"), json!("team/")));
    for (below, token) in
        [("seen/x", token.as_str()), ("nothing", &token), ("team/app", ""), ("team/app", "nonsense")]
    {
        let refused = vault.call("GET", &format!("{path}/{below}"), token, "").await;
        assert_eq!(refused.status, 403, "{below} {token}");
    }
    let names = |reply: Value| -> Vec<String> { reply.as_object().unwrap().keys().cloned().collect() };
    let mine = vault.call("GET", path, &token, "").await;
    assert_eq!(names(mine.at("/data/secret")), ["seen/", "team/"]);
    assert_eq!(names(mine.at("/data/auth")), [""; 0]);
    let anybody = vault.call("GET", path, "", "").await;
    let outline = json!({ "seen/": { "description": "", "options": { "version": "2" }, "type": "kv" } });
    assert_eq!(anybody.at("/data/secret"), outline);
}

#[tokio::test]
async fn times_that_contradict_each_other_are_refused_together() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    assert_eq!(vault.root("POST", "sys/mounts/team", r#"{"type":"kv"}"#).await.status, 204);
    for (body, status) in [
        (r#"{"default_lease_ttl":"30m","max_lease_ttl":"1h"}"#, 204),
        (r#"{"default_lease_ttl":"2h"}"#, 400),
        (r#"{"max_lease_ttl":"10m"}"#, 400),
        (r#"{"default_lease_ttl":"2h","max_lease_ttl":"3h","force_no_cache":true}"#, 204),
        (r#"{"max_lease_ttl":"system"}"#, 204),
        (r#"{"default_lease_ttl":"9000h"}"#, 400),
    ] {
        assert_eq!(vault.root("POST", "sys/mounts/team/tune", body).await.status, status, "{body}");
    }
    let tuned = vault.root("GET", "sys/mounts/team/tune", "").await;
    assert_eq!(tuned.at("/data/default_lease_ttl"), 7200);
    assert_eq!(tuned.at("/data/force_no_cache"), true);
    let wrong = r#"{"type":"kv","config":{"default_lease_ttl":"2h","max_lease_ttl":"1h"}}"#;
    assert_eq!(vault.root("POST", "sys/mounts/other", wrong).await.status, 400);
}

#[tokio::test]
async fn a_way_in_is_tuned_by_both_of_its_paths() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    assert_eq!(vault.root("POST", "sys/auth/ci", r#"{"type":"approle"}"#).await.status, 204);
    let again = vault.root("POST", "sys/auth/ci", r#"{"type":"approle"}"#).await;
    assert_eq!(again.errors(), json!(["path is already in use at ci/"]));
    let body = r#"{"max_lease_ttl":"2h"}"#;
    assert_eq!(vault.root("POST", "sys/mounts/auth/ci/tune", body).await.status, 204);
    for path in ["sys/auth/ci/tune", "sys/mounts/auth/ci/tune"] {
        let tuned = vault.root("GET", path, "").await;
        assert_eq!(tuned.at("/data/max_lease_ttl"), 7200, "{path}");
        assert_eq!(tuned.at("/data/token_type"), "default-service", "{path}");
    }
}

#[tokio::test]
async fn a_body_may_be_a_form_and_a_policy_base64() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    let headers =
        [("X-Vault-Token", vault.root.as_str()), ("Content-Type", "application/x-www-form-urlencoded")];
    let form = vault.raw("POST", "/v1/sys/capabilities-self", &headers, "paths=sys/mounts&bogus=1").await;
    assert_eq!(form.at("/data/sys~1mounts"), json!(["root"]), "{}", form.text);
    let as_json = vault.raw("POST", "/v1/sys/capabilities-self", &headers, r#"{"paths":["a"]}"#).await;
    assert_eq!(as_json.at("/data/a"), json!(["root"]));

    let text = r#"path "x/*" { capabilities = ["read"] }"#;
    let encoded = data_encoding::BASE64.encode(text.as_bytes());
    let body = json!({ "policy": encoded }).to_string();
    assert_eq!(vault.root("PUT", "sys/policies/acl/encoded", &body).await.status, 204);
    assert_eq!(vault.root("GET", "sys/policies/acl/encoded", "").await.at("/data/policy"), text);
    let old = vault.root("PUT", "sys/policy/old", &json!({ "rules": text }).to_string()).await;
    assert_eq!(old.at("/warnings"), json!(["'rules' is deprecated, please use 'policy' instead"]));
}

#[tokio::test]
async fn questions_about_tokens_that_are_not_there_are_answered_as_clients_expect() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    let own = vault.root("POST", "auth/token/lookup", "{}").await;
    assert_eq!(own.at("/data/policies"), json!(["root"]), "the caller's own: {}", own.text);
    let renewed = vault.root("POST", "auth/token/renew", r#"{"token":"nonsense"}"#).await;
    assert_eq!((renewed.status, renewed.errors()), (400, json!(["token not found"])));
    let revoked = vault.root("POST", "auth/token/revoke-accessor", r#"{"accessor":"nonsense"}"#).await;
    assert_eq!(
        (revoked.status, revoked.at("/warnings")),
        (200, json!(["No token found with this accessor"]))
    );

    vault.policy("there", r#"path "x" { capabilities = ["read"] }"#).await;
    let body = r#"{"policies":["there","default","p1"]}"#;
    let made = vault.root("POST", "auth/token/create", body).await;
    assert_eq!(made.at("/warnings"), json!([r#"Policy "p1" does not exist"#]));
    let quiet = vault.root("POST", "auth/token/create", r#"{"policies":["there"]}"#).await;
    assert_eq!(quiet.at("/warnings"), Value::Null);
}
