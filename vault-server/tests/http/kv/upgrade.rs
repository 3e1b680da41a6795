//! From version 1 to 2: every secret is there, before and after it is first changed, and after a crash.

use serde_json::json;
use vault_core::store::key::Table;

use super::{patch, ready};
use crate::vault::{Disk, Vault};

async fn upgraded(vault: &Vault) {
    for path in ["a", "b/c", "b/d", "e"] {
        let body = format!(r#"{{"at":"{path}","n":1.0}}"#);
        assert_eq!(vault.root("POST", &format!("old/{path}"), &body).await.status, 204);
    }
    let reply = vault.root("POST", "sys/mounts/old/tune", r#"{"options":{"version":"2"}}"#).await;
    assert_eq!(reply.status, 204, "{}", reply.text);
}

#[tokio::test]
async fn every_secret_becomes_version_1_and_lists_show_all() {
    let disk = Disk::new();
    let vault = ready(&disk).await;
    upgraded(&vault).await;
    assert_eq!(vault.root("GET", "sys/mounts/old", "").await.at("/data/options"), json!({"version":"2"}));
    let check = async |written: bool| {
        for path in ["a", "b/c", "b/d"] {
            let read = vault.root("GET", &format!("old/data/{path}"), "").await;
            assert!(read.text.contains(&format!(r#""data":{{"at":"{path}","n":1.0}}"#)), "{}", read.text);
            assert_eq!(read.at("/data/metadata/version"), 1);
            assert_eq!(
                vault.root("GET", &format!("old/metadata/{path}"), "").await.at("/data/current_version"),
                1
            );
        }
        let root = if written { json!(["a", "b/", "e", "f"]) } else { json!(["a", "b/", "e"]) };
        assert_eq!(vault.root("LIST", "old/metadata", "").await.at("/data/keys"), root);
        assert_eq!(vault.root("LIST", "old/metadata/b", "").await.at("/data/keys"), json!(["c", "d"]));
    };
    check(false).await;
    let second = vault.root("POST", "old/data/e", r#"{"data":{"n":2},"options":{"cas":1}}"#).await;
    assert_eq!(second.at("/data/version"), 2, "{}", second.text);
    assert_eq!(vault.root("GET", "old/data/e?version=1", "").await.at("/data/data/at"), "e");
    assert_eq!(vault.root("POST", "old/data/f", r#"{"data":{}}"#).await.at("/data/version"), 1);
    check(true).await;
}

#[tokio::test]
async fn every_kind_of_change_finds_the_secret() {
    let disk = Disk::new();
    let vault = ready(&disk).await;
    upgraded(&vault).await;
    assert_eq!(vault.root("POST", "old/data/a", r#"{"data":{},"options":{"cas":0}}"#).await.status, 400);
    let patched = patch(&vault, "old/data/a", &vault.root, r#"{"data":{"at":null,"x":1}}"#).await;
    assert_eq!(patched.at("/data/version"), 2, "{}", patched.text);
    assert!(vault.root("GET", "old/data/a", "").await.text.contains(r#""data":{"n":1.0,"x":1}"#));
    assert_eq!(vault.root("DELETE", "old/data/b/c", "").await.status, 204);
    assert_eq!(vault.root("GET", "old/data/b/c", "").await.status, 404);
    assert_eq!(vault.root("POST", "old/undelete/b/c", r#"{"versions":[1]}"#).await.status, 204);
    assert_eq!(vault.root("GET", "old/data/b/c", "").await.at("/data/data/at"), "b/c");
    assert_eq!(vault.root("POST", "old/destroy/b/d", r#"{"versions":[1]}"#).await.status, 204);
    assert_eq!(vault.root("GET", "old/data/b/d", "").await.at("/data/metadata/destroyed"), true);
    assert_eq!(vault.root("DELETE", "old/metadata/e", "").await.status, 204);
    assert_eq!(vault.root("GET", "old/data/e", "").await.status, 404);
    let plain = vault.app.barrier.store().scan(Table::KvSecret, b"", None, 10).unwrap();
    assert!(plain.is_empty(), "nothing of version 1 is left where it could come back");
}

#[tokio::test]
async fn a_restart_in_the_middle_changes_nothing() {
    let disk = Disk::new();
    let (vault, share) = Vault::ready(&disk).await;
    super::mount(&vault, "old", "1").await;
    upgraded(&vault).await;
    vault.root("POST", "old/data/e", r#"{"data":{"n":2}}"#).await;
    let root = vault.root.clone();
    drop(vault);
    let mut vault = disk.start();
    vault.root = root;
    vault.unseal(&share).await;
    for (path, version) in [("a", 1), ("b/c", 1), ("e", 2)] {
        let read = vault.root("GET", &format!("old/data/{path}"), "").await;
        assert_eq!(read.at("/data/metadata/version"), version, "{path}");
    }
}

#[tokio::test]
async fn there_is_no_way_back_to_version_1() {
    let disk = Disk::new();
    let vault = ready(&disk).await;
    let reply = vault.root("POST", "sys/mounts/kv/tune", r#"{"options":{"version":"1"}}"#).await;
    assert_eq!((reply.status, reply.errors()), (400, json!(["cannot downgrade mount from version 2"])));
}
