//! Many at once, and crashes: one winner, nothing half.

use std::sync::Arc;

use serde_json::json;
use vault_core::clock::Clock;
use vault_core::kv::{Data, SecretPath};
use vault_core::store::key::Table;
use vault_server::service::kv::{KvError, Place};

use super::{put, ready};
use crate::vault::{Disk, Vault};

async fn statuses(vault: &Arc<Vault>, count: usize, body: impl Fn(usize) -> String) -> Vec<u16> {
    let tasks: Vec<_> = (0..count)
        .map(|number| {
            let (vault, body) = (Arc::clone(vault), body(number));
            tokio::spawn(async move { vault.root("POST", "kv/data/app", &body).await.status })
        })
        .collect();
    let mut statuses = Vec::new();
    for task in tasks {
        statuses.push(task.await.unwrap());
    }
    statuses
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_writers_with_the_same_cas_exactly_one_wins() {
    let disk = Disk::new();
    let vault = Arc::new(ready(&disk).await);
    for cas in 0..5 {
        let statuses = statuses(&vault, 40, |number| {
            format!(r#"{{"data":{{"n":{number}}},"options":{{"cas":{cas}}}}}"#)
        })
        .await;
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
        assert_eq!(statuses.iter().filter(|status| **status == 400).count(), 39, "{statuses:?}");
    }
    assert_eq!(vault.root("GET", "kv/metadata/app", "").await.at("/data/current_version"), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_one_of_many_writers_without_cas_gets_a_version_of_its_own() {
    let disk = Disk::new();
    let vault = Arc::new(ready(&disk).await);
    vault.root("POST", "kv/config", r#"{"max_versions":500}"#).await;
    let statuses = statuses(&vault, 150, |number| format!(r#"{{"data":{{"n":{number}}}}}"#)).await;
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    let mut seen = Vec::new();
    for version in 1..=150 {
        let read = vault.root("GET", &format!("kv/data/app?version={version}"), "").await;
        seen.push(read.at("/data/data/n").as_u64().unwrap());
    }
    seen.sort_unstable();
    assert_eq!(seen, (0..150).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_among_writers_see_whole_versions_only() {
    let disk = Disk::new();
    let vault = Arc::new(ready(&disk).await);
    vault.root("POST", "kv/config", r#"{"max_versions":1}"#).await;
    put(&vault, "app", r#"{"n":0,"same":0}"#).await;
    let writer = {
        let vault = Arc::clone(&vault);
        tokio::spawn(async move {
            for number in 1..=150 {
                put(&vault, "app", &format!(r#"{{"n":{number},"same":{number}}}"#)).await;
            }
        })
    };
    let mut reads = 0;
    while !writer.is_finished() {
        let read = vault.root("GET", "kv/data/app", "").await;
        assert_eq!(read.status, 200, "{}", read.text);
        assert_eq!(read.at("/data/data/n"), read.at("/data/data/same"));
        assert_eq!(
            read.at("/data/metadata/version").as_u64().unwrap(),
            read.at("/data/data/n").as_u64().unwrap() + 1
        );
        reads += 1;
    }
    writer.await.unwrap();
    assert!(reads > 0);
}

#[tokio::test]
async fn a_request_that_began_before_its_mount_changed_writes_nothing() {
    let disk = Disk::new();
    let vault = ready(&disk).await;
    let (data, path) = (Data::new(json!({"k": 1})).unwrap(), SecretPath::parse("app").unwrap());
    let now = disk.clock.now();
    let (old, _) = vault.app.mounts.find("old/app").unwrap();
    let (kv, _) = vault.app.mounts.find("kv/app").unwrap();
    vault.root("POST", "sys/mounts/old/tune", r#"{"options":{"version":"2"}}"#).await;
    vault.root("DELETE", "sys/mounts/kv", "").await;
    let plain = vault.app.kv.write_plain(Place { mount: &old, path: &path }, &data, now).await;
    assert!(matches!(plain, Err(KvError::MountChanged)), "it was upgraded: {plain:?}");
    let versioned = vault.app.kv.write(Place { mount: &kv, path: &path }, &data, None, now).await;
    assert!(matches!(versioned, Err(KvError::MountChanged)), "it was disabled: {versioned:?}");
    for table in [Table::KvSecret, Table::KvMetadata, Table::KvVersion] {
        assert!(vault.app.barrier.store().scan(table, b"", None, 10).unwrap().is_empty(), "{table:?}");
    }
}

#[tokio::test]
async fn a_removal_that_a_crash_cut_short_is_finished_and_nothing_of_it_comes_back() {
    let disk = Disk::new();
    let (vault, share) = Vault::ready(&disk).await;
    super::mount(&vault, "kv", "2").await;
    put(&vault, "app", r#"{"n":1}"#).await;
    put(&vault, "app", r#"{"n":2}"#).await;
    // As the first commit of a removal of many versions leaves it: no metadata, a mark, and versions.
    let store = vault.app.barrier.store();
    let (name, metadata) = store.scan(Table::KvMetadata, b"", None, 10).unwrap().remove(0);
    let mut transaction = vault.app.barrier.transaction().unwrap();
    transaction.delete::<vault_core::kv::Metadata>(name.clone(), metadata.revision);
    transaction.mark(Table::Meta, [b"kv/".as_slice(), &name].concat());
    vault.app.barrier.commit(transaction).await.unwrap();
    let root = vault.root.clone();
    drop(vault);

    let mut vault = disk.start();
    vault.root = root;
    vault.unseal(&share).await;
    assert_eq!(vault.root("GET", "kv/data/app?version=1", "").await.status, 404);
    assert_eq!(
        put(&vault, "app", r#"{"n":"new"}"#).await.at("/data/version"),
        1,
        "written before the clean-up"
    );
    assert_eq!(vault.root("GET", "kv/data/app?version=2", "").await.status, 404);
    vault.app.kv.finish_removals().await.unwrap();
    assert_eq!(vault.root("GET", "kv/data/app", "").await.at("/data/data/n"), "new");
    let versions = vault.app.barrier.store().scan(Table::KvVersion, b"", None, 10).unwrap();
    assert_eq!(versions.len(), 1);
    let meta = vault.app.barrier.store().scan(Table::Meta, b"kv/", None, 10).unwrap();
    assert!(meta.is_empty());
}
