//! Browsers: which pages may talk to the vault, and what they are told.

use axum::http::HeaderMap;
use serde_json::json;
use vault_core::audit::AuditedHeaders;
use vault_core::cors::Cors;

use crate::bench::Bench;
use crate::vault::{Disk, Reply, Vault};

const PAGE: &str = "https://desk.example:8443";
const CORS: &str = "sys/config/cors";

async fn from(vault: &Vault, method: &str, path: &str, headers: &[(&str, &str)]) -> Reply {
    let mut all = vec![("X-Vault-Token", vault.root.as_str())];
    all.extend(headers);
    vault.raw(method, &format!("/v1/{path}"), &all, "").await
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap())
}

#[tokio::test]
async fn without_a_rule_no_origin_is_asked_about_and_no_browser_is_told_anything() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    assert_eq!(vault.root("GET", CORS, "").await.at("/data"), json!({ "enabled": false }));
    let reply = from(&vault, "GET", "sys/key-status", &[("Origin", PAGE)]).await;
    assert_eq!((reply.status, header(&reply.headers, "access-control-allow-origin")), (200, None));
    let asked = [("Origin", PAGE), ("Access-Control-Request-Method", "GET")];
    assert_eq!(from(&vault, "OPTIONS", "sys/key-status", &asked).await.status, 405);
}

#[tokio::test]
async fn a_page_that_is_allowed_may_read_answers_and_another_gets_none() {
    let disk = Disk::new();
    let (vault, share) = Vault::ready(&disk).await;
    let body = json!({ "allowed_origins": [PAGE, "http://b.example"], "allowed_headers": "X-Mine, X-Other" });
    assert_eq!(vault.root("PUT", CORS, &body.to_string()).await.status, 204);
    let shown = vault.root("GET", CORS, "").await;
    assert_eq!(
        (shown.at("/data/enabled"), shown.at("/data/allowed_origins")),
        (json!(true), json!([PAGE, "http://b.example"]))
    );
    assert_eq!(shown.at("/allowed_origins"), shown.at("/data/allowed_origins"));
    assert_eq!(
        (shown.at("/data/allowed_headers/0"), shown.at("/data/allowed_headers/11")),
        (json!("Content-Type"), json!("X-Other"))
    );

    // Whatever is answered: success, error, what is told without a token.
    for (path, status) in
        [("sys/key-status", 200), ("sys/mounts/none", 400), ("nowhere/x", 404), ("sys/health", 200)]
    {
        let reply = from(&vault, "GET", path, &[("Origin", PAGE)]).await;
        assert_eq!(
            (reply.status, header(&reply.headers, "access-control-allow-origin")),
            (status, Some(PAGE)),
            "{path}"
        );
        assert_eq!(header(&reply.headers, "vary"), Some("Origin"), "{path}");
        assert_eq!(header(&reply.headers, "access-control-allow-credentials"), None, "{path}");
        let other = from(&vault, "GET", path, &[("Origin", "https://evil.example")]).await;
        assert_eq!((other.status, other.errors()), (403, json!(["origin not allowed"])), "{path}");
        assert_eq!(header(&other.headers, "access-control-allow-origin"), None, "{path}");
        // Not a browser.
        let bare = from(&vault, "GET", path, &[]).await;
        assert_eq!(
            (bare.status, header(&bare.headers, "access-control-allow-origin")),
            (status, None),
            "{path}"
        );
    }
    // What is refused is not done either.
    let before = vault.root("GET", "sys/key-status", "").await.at("/data/term");
    assert_eq!(from(&vault, "POST", "sys/rotate", &[("Origin", "https://evil.example")]).await.status, 403);
    assert_eq!(vault.root("GET", "sys/key-status", "").await.at("/data/term"), before);

    // In force again after a seal, and after a restart.
    assert_eq!(vault.root("PUT", "sys/seal", "").await.status, 204);
    assert_eq!(from(&vault, "GET", "sys/health", &[("Origin", "https://evil.example")]).await.status, 503);
    vault.unseal(&share).await;
    assert_eq!(from(&vault, "GET", "sys/health", &[("Origin", "https://evil.example")]).await.status, 403);
    let root = vault.root.clone();
    drop(vault);
    let mut vault = disk.start();
    vault.root = root;
    vault.unseal(&share).await;
    assert_eq!(from(&vault, "GET", "sys/health", &[("Origin", "https://evil.example")]).await.status, 403);

    for _ in 0..2 {
        assert_eq!(vault.root("DELETE", CORS, "").await.status, 204);
    }
    assert_eq!(vault.root("GET", CORS, "").await.at("/data"), json!({ "enabled": false }));
    assert_eq!(from(&vault, "GET", "sys/health", &[("Origin", "https://evil.example")]).await.status, 200);
}

#[tokio::test]
async fn a_preflight_is_answered_without_a_token_for_every_path() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    let body = json!({ "allowed_origins": PAGE, "allowed_headers": ["X-Mine"], "allow_credentials": true });
    assert_eq!(vault.root("POST", CORS, &body.to_string()).await.status, 204);
    let ask = async |origin: &str, method: &str| {
        let headers = [("Origin", origin), ("Access-Control-Request-Method", method)];
        vault.raw("OPTIONS", "/v1/nowhere/x", &headers, "").await
    };
    for method in ["GET", "POST", "PUT", "DELETE", "LIST", "PATCH"] {
        let reply = ask(PAGE, method).await;
        assert_eq!((reply.status, reply.text.as_str()), (200, ""), "{method}");
        for (name, want) in [
            ("access-control-allow-origin", PAGE),
            ("access-control-allow-credentials", "true"),
            ("access-control-max-age", "300"),
            ("vary", "Origin"),
        ] {
            assert_eq!(header(&reply.headers, name), Some(want), "{method} {name}");
        }
        let listed =
            |name: &str, want: &str| header(&reply.headers, name).unwrap().split(',').any(|it| it == want);
        assert!(listed("access-control-allow-methods", method), "{:?}", reply.headers);
        assert!(
            listed("access-control-allow-headers", "X-Vault-Token")
                && listed("access-control-allow-headers", "X-Mine")
        );
    }
    for method in ["TRACE", "get", ""] {
        let reply = ask(PAGE, method).await;
        assert_eq!(
            (reply.status, header(&reply.headers, "access-control-allow-origin")),
            (405, None),
            "{method:?}"
        );
    }
    assert_eq!(vault.raw("OPTIONS", "/v1/sys/health", &[("Origin", PAGE)], "").await.status, 405);
    let other = ask("https://evil.example", "GET").await;
    assert_eq!((other.status, other.errors()), (403, json!(["origin not allowed"])));
    assert_eq!(vault.root("PUT", CORS, r#"{"allowed_origins":"*"}"#).await.status, 204);
    let any = ask("https://any.example", "GET").await;
    assert_eq!(
        (any.status, header(&any.headers, "access-control-allow-origin")),
        (200, Some("https://any.example"))
    );
    // The rule that was there is gone as a whole.
    assert_eq!(header(&any.headers, "access-control-allow-credentials"), None);
}

#[tokio::test]
async fn a_rule_that_makes_no_sense_is_refused_and_only_sudo_may_make_one() {
    let disk = Disk::new();
    let (vault, _) = Vault::ready(&disk).await;
    assert_eq!(vault.root("PUT", CORS, &json!({ "allowed_origins": [PAGE] }).to_string()).await.status, 204);
    for (body, want) in [
        ("{}", "at least one origin or the wildcard must be provided"),
        (
            r#"{"allowed_origins":[],"allowed_headers":"X-A"}"#,
            "at least one origin or the wildcard must be provided",
        ),
        (
            r#"{"allowed_origins":"*,http://a"}"#,
            "to allow all origins the '*' must be the only value for allowed_origins",
        ),
        (
            r#"{"allowed_origins":"http://a/"}"#,
            "\"http://a/\" is not an origin: write scheme://host or scheme://host:port, without a path",
        ),
        (
            r#"{"allowed_origins":"*","allowed_headers":["a\r\nb"]}"#,
            "\"a\\r\\nb\" is not the name of a header",
        ),
    ] {
        let reply = vault.root("PUT", CORS, body).await;
        assert_eq!((reply.status, reply.errors()), (400, json!([want])), "{body}");
    }
    assert_eq!(vault.root("GET", CORS, "").await.at("/data/allowed_origins"), json!([PAGE]));
    vault
        .policy("all", r#"path "sys/config/*" { capabilities = ["create", "read", "update", "delete"] }"#)
        .await;
    let token = vault.token(r#"{"policies":["all"]}"#).await;
    for method in ["GET", "PUT", "DELETE"] {
        let reply = vault.call(method, CORS, &token, r#"{"allowed_origins":"*"}"#).await;
        assert_eq!(reply.status, 403, "{method}");
    }
}

#[tokio::test]
async fn a_rule_that_cannot_be_read_is_not_told_as_none() {
    let mut bench = Bench::new().await;
    bench.post(CORS, json!({ "allowed_origins": [PAGE] })).await.expect_status(204);
    let headers = "sys/config/auditing/request-headers";
    bench.post(&format!("{headers}/x-trace"), json!({})).await.expect_status(204);
    bench.damage_record::<Cors>(b"cors").await;
    bench.damage_record::<AuditedHeaders>(b"audited-headers").await;
    bench.restart().await;
    for path in [CORS.to_owned(), headers.to_owned(), format!("{headers}/x-trace")] {
        bench.get(&path).await.expect_status(500);
    }
    bench.get("sys/key-status").await.expect_status(200);
}
