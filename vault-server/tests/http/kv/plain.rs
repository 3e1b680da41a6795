//! Version 1: the whole body is the secret.

use serde_json::json;

use super::ready;
use crate::vault::Disk;

#[tokio::test]
async fn what_is_written_is_read_back_with_a_hint_when_to_read_again() {
    let disk = Disk::new();
    let vault = ready(&disk).await;
    for (path, body, lease) in [
        ("a", r#"{"k":"v","n":1.0}"#, 2_764_800),
        ("b", r#"{"ttl":"1h"}"#, 3600),
        ("c", r#"{"ttl":90,"x":1}"#, 90),
        ("d", r#"{"lease":"30m"}"#, 1800),
        ("e", r#"{"ttl":"soon"}"#, 2_764_800),
        ("f", r#"{"ttl":"100000h"}"#, 2_764_800),
        ("g", r#"{"path":"x","data":{"y":1},"version":"z"}"#, 2_764_800),
    ] {
        let written = vault.root("PUT", &format!("old/team/{path}"), body).await;
        assert_eq!((written.status, written.text.as_str()), (204, ""), "{path}");
        let read = vault.root("GET", &format!("old/team/{path}"), "").await;
        assert_eq!(read.status, 200, "{}", read.text);
        assert!(
            read.text.contains(&format!(r#""data":{body}"#))
                || read.at("/data") == serde_json::from_str::<serde_json::Value>(body).unwrap(),
            "{}",
            read.text
        );
        assert_eq!(
            (read.at("/lease_duration"), read.at("/lease_id"), read.at("/renewable")),
            (json!(lease), json!(""), json!(false)),
            "{path}"
        );
        assert_eq!(read.at("/warnings"), serde_json::Value::Null);
    }
}

#[tokio::test]
async fn a_write_replaces_and_a_delete_takes_away() {
    let disk = Disk::new();
    let vault = ready(&disk).await;
    for body in [r#"{"a":1}"#, r#"{"b":2}"#] {
        assert_eq!(vault.root("POST", "old/app", body).await.status, 204);
    }
    assert_eq!(vault.root("GET", "old/app", "").await.at("/data"), json!({"b":2}));
    for body in ["", "{}", "null"] {
        let reply = vault.root("POST", "old/app", body).await;
        assert_eq!((reply.status, reply.errors()), (400, json!(["missing data fields"])), "{body:?}");
    }
    for _ in 0..2 {
        assert_eq!(vault.root("DELETE", "old/app", "").await.status, 204);
        let read = vault.root("GET", "old/app", "").await;
        assert_eq!((read.status, read.text.as_str()), (404, r#"{"errors":[]}"#));
    }
}

#[tokio::test]
async fn lists_work_at_the_root_and_below() {
    let disk = Disk::new();
    let vault = ready(&disk).await;
    for path in ["old", "old/", "old?list=true", "old/x"] {
        let method = if path.contains('?') { "GET" } else { "LIST" };
        assert_eq!(vault.root(method, path, "").await.text, r#"{"errors":[]}"#, "{path}");
    }
    for path in ["a", "a/b", "a/c/d", "e/f"] {
        vault.root("POST", &format!("old/{path}"), r#"{"k":1}"#).await;
    }
    for (method, path, want) in [
        ("LIST", "old", json!(["a", "a/", "e/"])),
        ("LIST", "old/", json!(["a", "a/", "e/"])),
        ("GET", "old?list=true", json!(["a", "a/", "e/"])),
        ("GET", "old/?list=1", json!(["a", "a/", "e/"])),
        ("LIST", "old/a", json!(["b", "c/"])),
        ("GET", "old/a/c/?list=true", json!(["d"])),
    ] {
        assert_eq!(vault.root(method, path, "").await.at("/data/keys"), want, "{method} {path}");
    }
}

#[tokio::test]
async fn policies_tell_create_from_update_and_there_is_no_patch() {
    let disk = Disk::new();
    let vault = ready(&disk).await;
    vault.root("POST", "old/app", r#"{"k":1}"#).await;
    vault.policy("new", r#"path "old/*" { capabilities = ["create"] }"#).await;
    let token = vault.token(r#"{"policies":["new"]}"#).await;
    assert_eq!(vault.call("POST", "old/fresh", &token, r#"{"k":1}"#).await.status, 204);
    assert_eq!(vault.call("POST", "old/fresh", &token, r#"{"k":2}"#).await.status, 403);
    assert_eq!(vault.call("POST", "old/app", &token, r#"{"k":2}"#).await.status, 403);
    assert_eq!(super::patch(&vault, "old/app", &vault.root, r#"{"k":2}"#).await.status, 405);
}
