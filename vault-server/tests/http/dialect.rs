//! Vault's dialect: every spelling that clients use, and the exact texts, codes and headers they need.

use serde_json::json;

use crate::vault::{Disk, Vault};

#[tokio::test]
async fn bodies_are_json_whatever_the_header_says() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    let ask = async |content_type: &str, body: &str| {
        let headers = [("X-Vault-Token", vault.root.as_str()), ("Content-Type", content_type)];
        let headers = if content_type.is_empty() { &headers[..1] } else { &headers[..] };
        vault.raw("POST", "/v1/auth/token/create", headers, body).await
    };
    for (content_type, body, want) in [
        ("", r#"{"ttl":"1h"}"#, 200),
        ("application/x-www-form-urlencoded", r#"{"ttl":"1h"}"#, 200),
        ("text/plain", " {\"ttl\": 60} ", 200),
        ("application/json; charset=utf-8", "null", 200),
        ("application/json", "", 200),
        ("application/json", "[]", 400),
        ("application/json", "\"x\"", 400),
        ("application/json", "{\"ttl\":", 400),
        ("application/json", "{\"ttl\":\"1h\"} trailing", 400),
        ("application/x-www-form-urlencoded", "ttl=1h", 200),
        ("text/plain", "ttl=1h", 400),
    ] {
        let reply = ask(content_type, body).await;
        assert_eq!(reply.status, want, "{content_type} {body:?}: {}", reply.text);
        if want == 400 {
            let text = reply.errors()[0].as_str().unwrap().to_owned();
            assert!(text.starts_with("failed to decode JSON input: "), "{text}");
        }
    }
}

#[tokio::test]
async fn methods_lists_and_slashes_have_synonyms() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    for (method, path, want) in [
        ("PUT", "auth/token/create", 200),
        ("POST", "auth/token/create", 200),
        ("LIST", "sys/policies/acl", 200),
        ("LIST", "sys/policies/acl/", 200),
        ("GET", "sys/policies/acl?list=true", 200),
        ("GET", "sys/policies/acl/?list=1", 200),
        ("GET", "sys//policies//acl?list=T", 200),
        ("GET", "sys/policies/acl", 405),
        ("GET", "auth/token/%6cookup-self", 200),
        ("GET", "auth/token/../token/lookup-self", 200),
        ("GET", "auth/token/lookup-self/", 200),
        ("PATCH", "auth/token/create", 400),
        ("HEAD", "auth/token/lookup-self", 405),
        ("OPTIONS", "auth/token/lookup-self", 405),
        ("BREW", "sys/health", 405),
        ("GET", "auth/token/x%00", 400),
    ] {
        let reply = vault.root(method, path, "").await;
        assert_eq!(reply.status, want, "{method} {path}: {}", reply.text);
    }
}

#[tokio::test]
async fn the_texts_of_missing_things_are_vaults() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    for (method, path, status, text) in [
        ("GET", "x/y", 404, r#"{"errors":["no handler for route \"x/y\". route entry not found."]}"#),
        (
            "GET",
            "auth/github/login",
            404,
            r#"{"errors":["no handler for route \"auth/github/login\". route entry not found."]}"#,
        ),
        ("GET", "sys/x", 404, r#"{"errors":["1 error occurred:\n\t* unsupported path\n\n"]}"#),
        (
            "DELETE",
            "auth/token/create",
            405,
            r#"{"errors":["1 error occurred:\n\t* unsupported operation\n\n"]}"#,
        ),
        ("DELETE", "sys/seal-status", 405, r#"{"errors":[]}"#),
        ("GET", "sys/policies/acl/none", 404, r#"{"errors":[]}"#),
    ] {
        let reply = vault.root(method, path, "").await;
        assert_eq!(reply.status, status, "{method} {path}");
        assert_eq!(reply.json(), serde_json::from_str::<serde_json::Value>(text).unwrap(), "{method} {path}");
    }
    let outside = vault.raw("GET", "/elsewhere/", &[], "").await;
    assert_eq!(outside.status, 404);
}

#[tokio::test]
async fn headers_are_exact() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    for (path, token) in
        [("auth/token/lookup-self", vault.root.as_str()), ("auth/token/lookup-self", ""), ("sys/health", "")]
    {
        let reply = vault.call("GET", path, token, "").await;
        assert_eq!(reply.headers["content-type"], "application/json", "{path}");
        assert_eq!(reply.headers["cache-control"], "no-store", "{path}");
        assert_eq!(reply.headers["x-content-type-options"], "nosniff", "{path}");
    }
    let none = vault.root("DELETE", "sys/policies/acl/none", "").await;
    assert_eq!((none.status, none.text.as_str()), (204, ""));
    assert!(none.headers.get("content-type").is_none());
    let metrics = vault.root("GET", "sys/metrics?format=prometheus", "").await;
    assert!(metrics.text.contains("rotunda_sealed 0"), "{}", metrics.text);
}

#[tokio::test]
async fn bearer_tokens_namespaces_and_wrapping_headers_have_their_rules() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    let bearer = format!("Bearer {}", vault.root);
    let path = "/v1/auth/token/lookup-self";
    assert_eq!(vault.raw("GET", path, &[("Authorization", &bearer)], "").await.status, 200);
    let both = [("Authorization", bearer.as_str()), ("X-Vault-Token", "nope")];
    assert_eq!(vault.raw("GET", path, &both, "").await.status, 403);
    let foreign =
        vault.raw("GET", path, &[("Authorization", &bearer), ("X-Vault-Namespace", "team/")], "").await;
    assert_eq!((foreign.status, foreign.errors()), (404, json!(["namespace not found"])));
    let own = vault.raw("GET", path, &[("Authorization", &bearer), ("X-Vault-Namespace", "root")], "").await;
    assert_eq!(own.status, 200);
    let wrapped = vault.raw("GET", path, &[("Authorization", &bearer), ("X-Vault-Wrap-TTL", "60")], "").await;
    assert_eq!((wrapped.status, wrapped.at("/data")), (200, json!(null)), "the answer is to be wrapped");
    let nonsense = [("Authorization", bearer.as_str()), ("X-Vault-Wrap-TTL", "soon")];
    assert_eq!(vault.raw("GET", path, &nonsense, "").await.status, 400);
}

#[tokio::test]
async fn unknown_parameters_are_a_warning_and_no_refusal() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    let reply = vault.root("POST", "auth/token/create", r#"{"bogus":1,"ttl":"1h","also":2}"#).await;
    assert_eq!(
        reply.at("/warnings"),
        json!(["Endpoint ignored these unrecognized parameters: [also bogus]"])
    );
    let silent = vault
        .root("PUT", "sys/policies/acl/a", r#"{"policy":"path \"a\" {capabilities=[\"read\"]}","bogus":1}"#)
        .await;
    assert_eq!((silent.status, silent.text.as_str()), (204, ""));
}

#[tokio::test]
async fn bodies_beyond_the_limit_are_413_and_without_a_token_the_limit_is_small() {
    let mut disk = Disk::new();
    disk.config.body_bytes_max = 128 * 1024;
    let (vault, _) = Vault::ready(&disk).await;
    let body = |bytes: usize| format!(r#"{{"ttl":"1h","pad":"{}"}}"#, "x".repeat(bytes));
    assert_eq!(vault.root("POST", "auth/token/create", &body(100 * 1024)).await.status, 200);
    assert_eq!(vault.root("POST", "auth/token/create", &body(128 * 1024)).await.status, 413);
    assert_eq!(vault.call("POST", "auth/token/create", "nope", &body(100 * 1024)).await.status, 413);
    assert_eq!(vault.call("PUT", "sys/unseal", "", &body(100 * 1024)).await.status, 413);
}

#[tokio::test]
async fn a_client_that_asks_too_much_is_told_when_to_come_back() {
    let mut disk = Disk::new();
    disk.config.requests_per_second = 1;
    let vault = disk.start();
    let mut last = vault.call("GET", "sys/health", "", "").await;
    assert_ne!(last.status, 429);
    // On a machine that is busy for a second between two of them, the next one is allowed.
    for _ in 0..50 {
        if last.status != 429 {
            last = vault.call("GET", "sys/health", "", "").await;
        }
    }
    assert_eq!(last.status, 429);
    assert_eq!(last.headers["retry-after"], "1");
}

#[tokio::test]
async fn mounts_are_told_to_who_can_use_them() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    vault.policy("ops", r#"path "accounts/*" { capabilities = ["read"] }"#).await;
    let token = vault.token(r#"{"policies":["ops"]}"#).await;
    let ask =
        async |path: &str| vault.call("GET", &format!("sys/internal/ui/mounts/{path}"), &token, "").await;
    let mine = ask("accounts/creds/x").await;
    assert_eq!((mine.at("/data/type"), mine.at("/data/path")), (json!("accounts"), json!("accounts/")));
    assert_eq!(ask("targets/config/x").await.status, 403);
    assert_eq!(ask("secret/x").await.status, 403);
}

#[tokio::test]
async fn metrics_come_in_the_form_that_the_reader_accepts() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    let asked = async |accept: Option<&str>| {
        let token = [("X-Vault-Token", vault.root.as_str())];
        let headers: Vec<_> = token.into_iter().chain(accept.map(|accept| ("Accept", accept))).collect();
        let reply = vault.raw("GET", "/v1/sys/metrics?format=prometheus", &headers, "").await;
        (reply.headers["content-type"].to_str().unwrap().to_owned(), reply.text)
    };
    // As Prometheus asks.
    let (kind, text) = asked(Some(
        "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1",
    ))
    .await;
    assert_eq!(kind, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert!(text.ends_with("# EOF\n") && text.contains("# TYPE rotunda_requests counter\n"), "{text}");
    for accept in [None, Some("*/*"), Some("text/plain")] {
        let (kind, text) = asked(accept).await;
        assert_eq!(kind, "text/plain; version=0.0.4; charset=utf-8", "{accept:?}");
        assert!(
            !text.contains("# EOF") && text.contains("# TYPE rotunda_requests_total counter\n"),
            "{text}"
        );
        assert!(text.contains("# TYPE rotunda_sealed gauge\n"), "{text}");
    }
}
