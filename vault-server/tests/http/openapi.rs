//! `sys/internal/specs/openapi`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::vault::{Disk, Vault};

const PATH: &str = "sys/internal/specs/openapi";

fn paths(document: &Value) -> Vec<&str> {
    document["paths"].as_object().unwrap().keys().map(String::as_str).collect()
}

fn has(document: &Value, path: &str) -> bool {
    document["paths"].get(path).is_some()
}

#[tokio::test]
async fn mounts_are_described_where_they_are() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    for (path, body) in [
        ("sys/mounts/team/kv", r#"{"type":"kv-v2"}"#),
        ("sys/mounts/old", r#"{"type":"kv"}"#),
        ("sys/auth/ci", r#"{"type":"approle"}"#),
    ] {
        assert_eq!(vault.root("POST", path, body).await.status, 204, "{path}");
    }
    let reply = vault.root("GET", PATH, "").await;
    assert_eq!((reply.status, reply.headers["content-type"].to_str().unwrap()), (200, "application/json"));
    let document = reply.json();
    assert_eq!(document["openapi"], "3.0.2");
    for path in [
        "/team/kv/data/{path}",
        "/team/kv/metadata",
        "/old/{path}",
        "/auth/ci/role/{name}/secret-id",
        "/auth/token/create",
        "/cubbyhole/{path}",
        "/accounts/creds/{path}",
        "/sys/mounts/{path}/tune",
        "/sys/internal/specs/openapi",
    ] {
        assert!(has(&document, path), "{path} of {:?}", paths(&document));
    }
    let at = |pointer: &str| document.pointer(pointer).cloned().unwrap_or_default();
    assert_eq!(at("/paths/~1sys~1init/x-vault-unauthenticated"), true);
    assert_eq!(at("/paths/~1auth~1token~1accessors/x-vault-sudo"), true);
    assert_eq!(at("/paths/~1team~1kv~1data~1{path}/x-vault-createSupported"), true);
    let list = &at("/paths/~1auth~1token~1accessors/get/parameters/0");
    assert_eq!(
        (&list["name"], &list["schema"]["enum"], &list["required"]),
        (&json!("list"), &json!(["true"]), &json!(true))
    );
    let body = at("/paths/~1team~1kv~1data~1{path}/patch/requestBody/content");
    assert_eq!(body.as_object().unwrap().keys().collect::<Vec<_>>(), ["application/merge-patch+json"]);
}

#[tokio::test]
async fn every_operation_has_a_name_and_every_reference_leads_somewhere() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    for path in ["sys/mounts/a", "sys/mounts/b"] {
        assert_eq!(vault.root("POST", path, r#"{"type":"kv-v2"}"#).await.status, 204);
    }
    let document = vault.root("POST", PATH, r#"{"context":"mine"}"#).await.json();
    let mut names = BTreeSet::new();
    let operations =
        document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap());
    for (method, operation) in
        operations.filter(|(name, _)| ["get", "post", "patch", "delete"].contains(&name.as_str()))
    {
        let name = operation["operationId"].as_str().unwrap();
        assert!(name.contains("_mine"), "{method} {name}");
        assert!(names.insert(name.to_owned()), "{name} stands twice");
    }
    assert!(names.len() > 150, "{}", names.len());
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert!(document.pointer(reference).is_some(), "{reference}");
    }
}

#[tokio::test]
async fn generic_mounts_are_named_by_a_parameter() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    assert_eq!(vault.root("POST", "sys/mounts/team/kv", r#"{"type":"kv-v2"}"#).await.status, 204);
    assert_eq!(vault.root("POST", "sys/auth/ci", r#"{"type":"userpass"}"#).await.status, 204);
    let by_query = vault.root("GET", &format!("{PATH}?generic_mount_paths=true"), "").await.json();
    let by_body = vault.root("POST", PATH, r#"{"generic_mount_paths":true}"#).await.json();
    assert_eq!(by_query, by_body);
    assert!(has(&by_body, "/auth/{ci_mount_path}/login/{name}"), "{:?}", paths(&by_body));
    let item = &by_body["paths"]["/{team_kv_mount_path}/data/{path}"];
    let mount = item["parameters"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["name"] == "team_kv_mount_path")
        .unwrap();
    assert_eq!(mount["schema"]["default"], "team/kv");
    assert!(!has(&by_body, "/team/kv/data/{path}"));
}

#[tokio::test]
async fn a_token_sees_what_its_policies_reach_and_nobody_sees_nothing() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    for path in ["sys/mounts/mine", "sys/mounts/theirs"] {
        assert_eq!(vault.root("POST", path, r#"{"type":"kv"}"#).await.status, 204);
    }
    vault.policy("mine", r#"path "mine/*" { capabilities = ["read"] }"#).await;
    let token = vault.token(r#"{"policies":["mine"],"no_default_policy":true}"#).await;
    let document = vault.call("GET", PATH, &token, "").await.json();
    assert_eq!(paths(&document), ["/mine/", "/mine/{path}"]);
    for token in ["", "hvs.unknown"] {
        let reply = vault.call("GET", PATH, token, "").await;
        assert_eq!((reply.status, reply.at("/paths")), (200, json!({})), "{token:?}");
    }
}

#[tokio::test]
async fn a_wish_that_makes_no_sense_is_refused() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    for body in [r#"{"context":"a b"}"#, r#"{"context":"\u0000"}"#, r#"{"generic_mount_paths":"perhaps"}"#] {
        assert_eq!(vault.root("POST", PATH, body).await.status, 400, "{body}");
    }
}
