//! Leases whose records cannot be read.

use serde_json::json;
use vault_core::id::MountId;
use vault_core::lease::dynamic::Dynamic;
use vault_core::lease::dynamic::role::DynamicRole;
use vault_core::mount::Mount;
use vault_core::store::batch::Require;
use vault_core::target::Target;

use crate::database::Databases;
use crate::database::dynamic_lease::User;

#[tokio::test]
async fn a_record_that_cannot_be_read_is_a_failed_attempt_and_no_loop() {
    let databases = Databases::with_role().await;
    let (first, second) = (databases.issue().await, databases.issue().await);
    let lease = databases.bench.vault.app.engine.dynamic_keys(b"").unwrap().remove(0);
    let role = lease.split_at(lease.iter().rposition(|byte| *byte == b'/').unwrap()).0.to_vec();
    databases.bench.damage_record::<DynamicRole>(&role).await;
    databases.revoke(&first.lease).await.expect_status(204);
    assert_eq!(databases.users(), std::slice::from_ref(&second.name), "by the statements of the lease");

    databases.bench.damage_record::<Target>(b"database.pg").await;
    databases.revoke(&second.lease).await.expect_status(200);
    databases.settle().await;
    let open = databases.incidents().await;
    assert_eq!((open.len(), &open[0]["class"]), (1, &json!("store_failed")));
    assert_eq!(open[0]["attempts"], json!(1), "told, and not tried again before its time");
    assert_eq!(databases.lookup(&second.lease).await.at("/data/state"), json!("revoking"));
}

#[tokio::test]
async fn a_damaged_lease_of_a_user_does_not_hold_up_the_ends_of_others() {
    for path in ["sys/leases/revoke-force/database", "sys/leases/revoke-prefix/database/creds"] {
        let databases = Databases::with_role().await;
        let users = [databases.issue().await, databases.issue().await, databases.issue().await];
        let engine = &databases.bench.vault.app.engine;
        let damaged = engine.dynamic_keys(b"").unwrap().remove(0);
        databases.bench.damage_record::<Dynamic>(&damaged).await;
        let id_ends = String::from_utf8(damaged.split_at(16).1.to_vec()).unwrap();
        let left = users.iter().find(|user| user.lease.ends_with(&id_ends)).unwrap();

        assert_eq!(databases.post(path, json!({})).await.status, 500, "{path}");
        databases.settle().await;
        assert_eq!(databases.users(), std::slice::from_ref(&left.name), "{path}");
        let ending = databases.get("sys/leases?type=irrevocable").await;
        ending.expect_status(200);
        assert!(ending.at("/warnings/0").as_str().unwrap().starts_with(&left.lease), "{}", ending.text);
        databases.bench.vault.app.engine.count_dynamic().await.unwrap();
        let metrics = databases.get("sys/metrics").await.text;
        assert!(metrics.contains("rotunda_dynamic_leases{state=\"damaged\"} 1"), "{metrics}");
    }
}

#[tokio::test]
async fn a_mount_whose_record_cannot_be_read_keeps_nobody_else_from_theirs() {
    let mut databases = Databases::with_role().await;
    let users = [databases.issue().await, databases.issue().await];
    databases.post("sys/mounts/kept", json!({ "type": "kv" })).await.expect_status(204);
    databases.post("kept/x", json!({ "a": 1 })).await.expect_status(204);
    let uuid = databases.get("sys/mounts/database").await.at("/data/uuid").as_str().unwrap().to_owned();
    let key = *MountId::parse(&uuid).unwrap().as_bytes();
    let mount = databases.bench.vault.app.barrier.load::<Mount>(key).unwrap().unwrap().value;
    databases.bench.damage_record::<Mount>(&key).await;
    databases.bench.restart().await;

    assert_eq!(databases.get("kept/x").await.at("/data/a"), 1);
    for path in ["database/creds/app", "database/roles/app", "nowhere/x"] {
        let reply = databases.get(path).await;
        reply.expect_status(500);
        assert!(reply.text.contains(&uuid), "{path}: {}", reply.text);
    }
    databases.get("sys/none").await.expect_status(404);
    databases.get("kept/none").await.expect_status(404);
    let remount = json!({ "from": "kept", "to": "database" });
    for (path, body) in [
        ("sys/mounts/database", json!({ "type": "kv" })),
        ("sys/mounts/other", json!({ "type": "kv" })),
        ("sys/remount", remount),
    ] {
        let reply = databases.post(path, body).await;
        reply.expect_status(500);
        assert!(reply.text.contains(&uuid), "{path}: {}", reply.text);
    }
    databases.post("sys/mounts/kept/tune", json!({ "description": "d" })).await.expect_status(204);
    let metrics = databases.get("sys/metrics").await.text;
    assert!(metrics.contains("rotunda_unread_mounts 1"), "{metrics}");
    let findings = databases.get("sys/integrity").await.at("/data/findings").to_string();
    assert!(findings.contains(&uuid), "{findings}");

    // Its leases tell where they are from, and end as ever.
    databases.revoke(&users[0].lease).await.expect_status(204);
    databases.post("sys/leases/revoke-prefix/database", json!({})).await.expect_status(204);
    assert_eq!(databases.users(), Vec::<String>::new());

    let barrier = &databases.bench.vault.app.barrier;
    let revision = barrier.revision::<Mount>(key).unwrap().unwrap();
    let mut batch = barrier.transaction().unwrap();
    batch.put(key, Require::At(revision), &mount);
    barrier.commit(batch).await.unwrap();
    databases.bench.restart().await;
    assert!(databases.users().is_empty());
    databases.issue().await;
    databases.post("sys/mounts/other", json!({ "type": "kv" })).await.expect_status(204);
}

#[tokio::test]
async fn leases_of_a_mount_that_moved_are_found_at_each_of_its_paths_though_its_record_cannot_be_read() {
    let mut databases = Databases::with_role().await;
    let first = databases.issue().await;
    let uuid = databases.get("sys/mounts/database").await.at("/data/uuid").as_str().unwrap().to_owned();
    databases.post("sys/remount", json!({ "from": "database", "to": "a/moved" })).await.expect_status(200);
    let second = User::of(&databases.get("a/moved/creds/app").await);
    databases.bench.damage_record::<Mount>(MountId::parse(&uuid).unwrap().as_bytes()).await;
    databases.bench.restart().await;

    for (path, lease) in [("database", &first.lease), ("a/moved", &second.lease)] {
        let keys = databases.list(&format!("sys/leases/lookup/{path}/creds/app")).await.at("/data/keys");
        assert_eq!(keys.as_array().map(Vec::len), Some(1), "{path}: {keys}");
        assert!(lease.ends_with(keys[0].as_str().unwrap()), "{path}: {keys}");
    }
    databases.revoke(&first.lease).await.expect_status(204);
    assert_eq!(databases.users(), std::slice::from_ref(&second.name));
    databases.revoke(&second.lease).await.expect_status(204);
    assert_eq!(databases.users(), Vec::<String>::new());
}
