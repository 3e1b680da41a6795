//! Headers of requests in the audit trail.

use serde_json::{Value, json};

use crate::vault::{Disk, Reply, Vault};

const HEADERS: &str = "sys/config/auditing/request-headers";

/// The request parts of the entries that a read with these headers leaves.
async fn entries(disk: &Disk, vault: &Vault, headers: &[(&str, &str)]) -> Vec<Value> {
    let read = || std::fs::read_to_string(&disk.config.audit_file).unwrap();
    let before = read().len();
    let mut all = vec![("X-Vault-Token", vault.root.as_str())];
    all.extend(headers);
    assert_eq!(vault.raw("GET", "/v1/sys/key-status", &all, "").await.status, 200);
    let lines =
        read()[before..].lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect::<Vec<_>>();
    lines
        .into_iter()
        .filter(|line| line["type"] != "checkpoint")
        .filter_map(|line| line.get("request").cloned())
        .collect()
}

async fn hash(vault: &Vault, text: &str) -> Value {
    vault.root("PUT", "sys/audit-hash/chain", &json!({ "input": text }).to_string()).await.at("/data/hash")
}

fn told(reply: &Reply) -> (u16, Value) {
    (reply.status, if reply.status == 200 { reply.at("/data") } else { reply.errors() })
}

#[tokio::test]
async fn headers_that_are_wanted_stand_in_both_entries_plain_or_as_digests() {
    let disk = Disk::new();
    let (vault, share) = Vault::ready(&disk).await;
    let headers = [("X-Trace", "t-1"), ("x-user", "ada"), ("X-User", "bob"), ("X-Other", "secret-other")];
    for entry in entries(&disk, &vault, &headers).await {
        assert_eq!(entry.get("headers"), None);
    }
    assert_eq!(vault.root("PUT", &format!("{HEADERS}/X-Trace"), "").await.status, 204);
    assert_eq!(vault.root("POST", &format!("{HEADERS}/X-User"), r#"{"hmac":true}"#).await.status, 204);
    let want =
        json!({ "x-trace": ["t-1"], "x-user": [hash(&vault, "ada").await, hash(&vault, "bob").await] });
    let found = entries(&disk, &vault, &headers).await;
    assert_eq!(found.len(), 2);
    for entry in found {
        assert_eq!(entry["headers"], want);
    }
    for entry in entries(&disk, &vault, &[]).await {
        assert_eq!(entry.get("headers"), None, "none came");
    }
    // A refusal is told with them, too.
    let refused = [("X-Vault-Token", "nope"), ("X-Trace", "t-2")];
    assert_eq!(vault.raw("GET", "/v1/sys/key-status", &refused, "").await.status, 403);
    let text = std::fs::read_to_string(&disk.config.audit_file).unwrap();
    assert!(text.lines().last().unwrap().contains(r#""headers":{"x-trace":["t-2"]}"#), "{text}");

    // In force from the first request after a seal and a restart.
    vault.root("PUT", "sys/seal", "").await;
    let root = vault.root.clone();
    drop(vault);
    let mut vault = disk.start();
    vault.root = root;
    vault.unseal(&share).await;
    assert_eq!(entries(&disk, &vault, &headers).await[0]["headers"], want);

    assert_eq!(vault.root("DELETE", &format!("{HEADERS}/x-trace"), "").await.status, 204);
    let left = entries(&disk, &vault, &headers).await[0]["headers"].clone();
    assert_eq!(left, json!({ "x-user": want["x-user"] }));
    let text = std::fs::read_to_string(&disk.config.audit_file).unwrap();
    assert!(!text.contains("secret-other") && !text.contains("\"ada\""));
}

#[tokio::test]
async fn a_token_never_stands_plain_in_the_trail() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    for name in ["X-Vault-Token", "authorization", "Proxy-Authorization", "cookie"] {
        for body in ["", r#"{"hmac":false}"#] {
            let reply = vault.root("PUT", &format!("{HEADERS}/{name}"), body).await;
            assert_eq!(reply.status, 400, "{name} {body}: {}", reply.text);
        }
    }
    assert_eq!(vault.root("PUT", &format!("{HEADERS}/X-Vault-Token"), r#"{"hmac":"1"}"#).await.status, 204);
    let entry = entries(&disk, &vault, &[]).await.remove(0);
    assert_eq!(entry["headers"], json!({ "x-vault-token": [entry["client_token"]] }));
    assert!(!std::fs::read_to_string(&disk.config.audit_file).unwrap().contains(&vault.root));
}

#[tokio::test]
async fn the_list_is_told_as_vault_tells_it_and_only_to_sudo() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    assert_eq!(told(&vault.root("GET", HEADERS, "").await), (200, json!({ "headers": {} })));
    let missing = json!(["Could not find header in config"]);
    assert_eq!(told(&vault.root("GET", &format!("{HEADERS}/x-a"), "").await), (400, missing.clone()));
    assert_eq!(vault.root("PUT", &format!("{HEADERS}/X-A"), r#"{"hmac":"true"}"#).await.status, 204);
    assert_eq!(vault.root("PUT", &format!("{HEADERS}/data"), "").await.status, 204);
    let all = vault.root("GET", HEADERS, "").await;
    assert_eq!(
        told(&all),
        (200, json!({ "headers": { "x-a": { "hmac": true }, "data": { "hmac": false } } }))
    );
    assert_eq!(all.at("/headers"), all.at("/data/headers"));
    let one = vault.root("GET", &format!("{HEADERS}/x-A"), "").await;
    assert_eq!(
        (told(&one), one.at("/x-A")),
        ((200, json!({ "x-A": { "hmac": true } })), json!({ "hmac": true }))
    );
    for (name, body) in [("a%20b", ""), ("x-b", r#"{"hmac":"perhaps"}"#)] {
        assert_eq!(vault.root("PUT", &format!("{HEADERS}/{name}"), body).await.status, 400, "{name}");
    }
    for _ in 0..2 {
        assert_eq!(vault.root("DELETE", &format!("{HEADERS}/X-a"), "").await.status, 204);
    }
    assert_eq!(told(&vault.root("GET", &format!("{HEADERS}/x-a"), "").await), (400, missing));

    vault
        .policy(
            "all",
            r#"path "sys/config/*" { capabilities = ["create", "read", "update", "delete", "list"] }"#,
        )
        .await;
    let token = vault.token(r#"{"policies":["all"]}"#).await;
    let one = format!("{HEADERS}/x-a");
    for (method, path) in [("GET", HEADERS), ("GET", one.as_str()), ("PUT", &one), ("DELETE", &one)] {
        assert_eq!(vault.call(method, path, &token, "").await.status, 403, "{method} {path}");
    }
}

#[tokio::test]
async fn changes_that_come_at_once_all_count() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    let paths: Vec<String> = (0..16).map(|n| format!("{HEADERS}/x-{n}")).collect();
    let replies = crate::vault::at_once(paths.iter().map(|path| vault.root("PUT", path, ""))).await;
    assert!(replies.iter().all(|reply| reply.status == 204));
    let shown = vault.root("GET", HEADERS, "").await.at("/data/headers");
    assert_eq!(shown.as_object().unwrap().len(), 16, "{shown}");
}
