//! Version 2 beside reading and writing: lists, subkeys, removal, policies, what the audit file shows.

use serde_json::{Value, json};
use vault_core::store::key::Table;

use super::{patch, put, ready};
use crate::vault::Disk;

#[tokio::test]
async fn lists_show_folders_and_are_404_when_empty() {
    let disk = Disk::new();
    let vault = ready(&disk).await;
    let empty = vault.root("LIST", "kv/metadata", "").await;
    assert_eq!((empty.status, empty.text.as_str()), (404, r#"{"errors":[]}"#));
    for path in ["b", "a", "a/x", "a/y/z", "a!b", "mit leerem/ö@ü", "c/d"] {
        put(&vault, &path.replace(' ', "%20"), "{}").await;
    }
    let root = json!(["a", "a!b", "a/", "b", "c/", "mit leerem/"]);
    for (method, path) in [
        ("LIST", "kv/metadata"),
        ("LIST", "kv/metadata/"),
        ("GET", "kv/metadata?list=true"),
        ("GET", "kv/metadata/?list=1"),
    ] {
        assert_eq!(vault.root(method, path, "").await.at("/data/keys"), root, "{method} {path}");
    }
    for (path, want) in [("a", json!(["x", "y/"])), ("a/y/", json!(["z"])), ("mit%20leerem", json!(["ö@ü"]))]
    {
        assert_eq!(
            vault.root("LIST", &format!("kv/metadata/{path}"), "").await.at("/data/keys"),
            want,
            "{path}"
        );
    }
    assert_eq!(vault.root("LIST", "kv/metadata/b", "").await.status, 404);
    assert_eq!(
        vault.root("GET", "kv/metadata?list=true&after=a!b&limit=2", "").await.at("/data/keys"),
        json!(["a/", "b"])
    );
}

#[tokio::test]
async fn a_list_of_thousands_steps_over_folders() {
    let disk = Disk::new();
    let vault = ready(&disk).await;
    for number in 0..300 {
        put(&vault, &format!("deep/{number:04}"), "{}").await;
        put(&vault, &format!("k{number:04}"), "{}").await;
    }
    let root = vault.root("LIST", "kv/metadata", "").await.at("/data/keys");
    assert_eq!(root.as_array().unwrap().len(), 301);
    assert_eq!(root[0], "deep/");
    assert_eq!(
        vault.root("LIST", "kv/metadata/deep", "").await.at("/data/keys").as_array().unwrap().len(),
        300
    );
}

#[tokio::test]
async fn subkeys_show_the_names_and_no_value() {
    let disk = Disk::new();
    let vault = ready(&disk).await;
    put(&vault, "app", r#"{"a":{"b":{"c":"canary"}},"d":["canary"]}"#).await;
    for (query, want) in [
        ("", json!({"a":{"b":{"c":null}},"d":null})),
        ("?depth=1", json!({"a":null,"d":null})),
        ("?depth=2&version=1", json!({"a":{"b":null},"d":null})),
    ] {
        let reply = vault.root("GET", &format!("kv/subkeys/app{query}"), "").await;
        assert_eq!(
            (reply.at("/data/subkeys"), reply.at("/data/metadata/version")),
            (want, json!(1)),
            "{query}"
        );
        assert!(!reply.text.contains("canary"));
    }
    vault.root("DELETE", "kv/data/app", "").await;
    let gone = vault.root("GET", "kv/subkeys/app", "").await;
    assert_eq!((gone.status, gone.at("/data/subkeys")), (404, Value::Null));
}

#[tokio::test]
async fn a_client_of_version_1_is_told_where_to_look() {
    let disk = Disk::new();
    let vault = ready(&disk).await;
    for (method, path, word) in [
        ("GET", "kv/app", "get"),
        ("POST", "kv/app", "put"),
        ("PUT", "kv/a/b", "put"),
        ("DELETE", "kv/app", "delete"),
        ("LIST", "kv/app", "list"),
        ("LIST", "kv", "list"),
    ] {
        let reply = vault.root(method, path, "").await;
        let warning = format!(
            "Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API endpoints to use. If using the Vault CLI, use 'vault kv {word}' for this operation."
        );
        assert_eq!(
            (reply.status, reply.at("/data"), reply.at("/warnings")),
            (404, Value::Null, json!([warning])),
            "{method} {path}"
        );
        assert!(reply.json().get("request_id").is_some());
    }
    let root = vault.root("POST", "kv/data", r#"{"data":{}}"#).await;
    assert_eq!(
        root.at("/warnings/0"),
        "Non-listing operations on the root of a K/V v2 mount are not supported."
    );
    for (method, path) in [
        ("LIST", "kv/data/app"),
        ("GET", "kv/delete/app"),
        ("DELETE", "kv/config"),
        ("DELETE", "kv/destroy/app"),
    ] {
        assert_eq!(vault.root(method, path, "").await.status, 405, "{method} {path}");
    }
}

#[tokio::test]
async fn a_removal_takes_the_metadata_and_every_version() {
    let disk = Disk::new();
    let vault = ready(&disk).await;
    vault.root("POST", "kv/config", r#"{"max_versions":300}"#).await;
    for number in 0..200 {
        put(&vault, "app", &format!(r#"{{"n":{number}}}"#)).await;
    }
    put(&vault, "app/below", r#"{"n":1}"#).await;
    assert_eq!(vault.root("DELETE", "kv/metadata/app", "").await.status, 204);
    assert_eq!(vault.root("DELETE", "kv/metadata/app", "").await.status, 204, "a second time is no mistake");
    assert_eq!(vault.root("GET", "kv/data/app?version=7", "").await.status, 404);
    let stored = |table| vault.app.barrier.store().scan(table, b"", None, 1000).unwrap();
    assert_eq!((stored(Table::KvMetadata).len(), stored(Table::KvVersion).len()), (1, 1));
    assert!(stored(Table::Meta).iter().all(|(name, _)| !name.starts_with(b"kv/")), "the mark is gone too");
    assert_eq!(put(&vault, "app", r#"{"n":"new"}"#).await.at("/data/version"), 1);
    assert_eq!(vault.root("GET", "kv/data/app", "").await.at("/data/data/n"), "new");
    assert_eq!(vault.root("GET", "kv/data/app/below", "").await.status, 200);
}

#[tokio::test]
async fn keeping_fewer_versions_drops_the_oldest_with_the_next_write() {
    let disk = Disk::new();
    let vault = ready(&disk).await;
    vault.root("POST", "kv/config", r#"{"max_versions":200}"#).await;
    for number in 1..=180 {
        put(&vault, "app", &format!(r#"{{"n":{number}}}"#)).await;
    }
    vault.root("POST", "kv/config", r#"{"max_versions":2}"#).await;
    assert_eq!(put(&vault, "app", r#"{"n":181}"#).await.at("/data/version"), 181);
    let stored = vault.app.barrier.store().scan(Table::KvVersion, b"", None, 1000).unwrap();
    assert_eq!(stored.len(), 2, "more than one commit holds are swept all the same");
    for (version, status) in [(179, 404), (180, 200), (181, 200)] {
        assert_eq!(
            vault.root("GET", &format!("kv/data/app?version={version}"), "").await.status,
            status,
            "{version}"
        );
    }
}

#[tokio::test]
async fn policies_tell_create_update_and_patch_apart() {
    let disk = Disk::new();
    let vault = ready(&disk).await;
    put(&vault, "app", r#"{"a":1}"#).await;
    for (capability, new, old, patched) in
        [("create", 200, 403, 403), ("update", 403, 200, 403), ("patch", 403, 403, 200)]
    {
        vault.policy(capability, &format!(r#"path "kv/data/*" {{ capabilities = ["{capability}"] }}"#)).await;
        let token = vault.token(&format!(r#"{{"policies":["{capability}"]}}"#)).await;
        let write = async |path: &str| vault.call("POST", path, &token, r#"{"data":{"b":1}}"#).await.status;
        assert_eq!(write(&format!("kv/data/new-{capability}")).await, new, "{capability}");
        assert_eq!(write("kv/data/app").await, old, "{capability}");
        assert_eq!(
            patch(&vault, "kv/data/app", &token, r#"{"data":{"c":1}}"#).await.status,
            patched,
            "{capability}"
        );
        assert_eq!(vault.call("GET", "kv/data/app", &token, "").await.status, 403, "{capability}");
    }
    let too_long = format!("kv/data/{}", "x".repeat(600));
    let nobody = vault.token(r#"{"policies":["none"]}"#).await;
    assert_eq!(vault.call("POST", &too_long, &nobody, r#"{"data":{}}"#).await.status, 403);
}

#[tokio::test]
async fn nothing_of_the_data_is_in_the_audit_file() {
    let disk = Disk::new();
    let vault = ready(&disk).await;
    put(&vault, "app", r#"{"password":"canary-one","pin":99887766}"#).await;
    patch(&vault, "kv/data/app", &vault.root, r#"{"data":{"more":"canary-two"}}"#).await;
    vault.root("GET", "kv/data/app", "").await;
    vault.root("POST", "old/app", r#"{"password":"canary-three"}"#).await;
    vault.root("GET", "old/app", "").await;
    let audit = std::fs::read_to_string(&disk.config.audit_file).unwrap();
    assert!(audit.contains("kv/data/app") && audit.contains("old/app"));
    assert!(!audit.contains("canary") && !audit.contains("99887766"), "{audit}");
}

#[tokio::test]
async fn a_secret_of_very_many_values_is_written_and_read_though_each_value_would_be_a_digest() {
    let disk = Disk::new();
    let vault = ready(&disk).await;
    let many = |name: &str| format!(r#"{{"{name}":[{}1]}}"#, "1,".repeat(59_999));
    put(&vault, "many", &many("a")).await;
    let grown = patch(&vault, "kv/data/many", &vault.root, &format!(r#"{{"data":{}}}"#, many("b"))).await;
    assert_eq!(grown.status, 200, "{}", grown.text);
    let read = vault.root("GET", "kv/data/many", "").await;
    assert_eq!(read.status, 200, "{}", read.text);
    assert_eq!(read.at("/data/data/b").as_array().unwrap().len(), 60_000);
}
