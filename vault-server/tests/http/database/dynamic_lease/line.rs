//! Leases that wait for their turn at the target, and for each other.

use std::time::Duration;

use rotators::fake::{Mishap, Verb};
use serde_json::{Value, json};
use vault_core::rotation::fault::FaultClass;

use crate::bench::until;
use crate::database::Databases;

#[tokio::test]
async fn a_removal_that_waits_in_line_is_no_secret() {
    let databases = Databases::with_role().await;
    databases.configure("pg", json!({ "max_open_connections": 1 })).await.expect_status(204);
    for _ in 0..4 {
        databases.issue().await;
    }
    let engine = &databases.bench.vault.app.engine;
    let keys = engine.dynamic_keys(b"").unwrap();
    let overdue = || {
        let leases = keys.iter().map(|key| engine.dynamic(key).unwrap().unwrap().value);
        leases.filter(|lease| lease.fault.as_ref().is_some_and(|f| f.class == FaultClass::Overdue)).count()
    };
    databases.bench.target.always(Verb::Remove, Mishap::Hangs);
    let ended = databases.post("sys/leases/revoke-prefix/database/creds/app", json!({}));
    let waits = async {
        // Each of those before takes the deadline of a call, one after the other.
        for calls in 1..=2 {
            until(|| {
                databases.bench.target.calls(Verb::Remove) == calls && databases.bench.target.hanging() == 1
            })
            .await;
            assert_eq!(overdue(), 0, "after {calls} calls");
            databases.advance(Duration::from_secs(31));
            tokio::time::pause();
            tokio::time::advance(Duration::from_secs(31)).await;
            tokio::time::resume();
        }
        // Each look reads the store: fewer of them than `until` takes.
        for _ in 0..20_000 {
            if overdue() > 0 {
                break;
            }
            tokio::task::yield_now().await;
        }
        assert!(overdue() > 0, "nobody is told that they wait");
        databases.bench.target.heal();
        databases.bench.target.release();
    };
    let _ = tokio::join!(ended, waits);
    assert_eq!(databases.incidents().await.len(), 1);
    for _ in 0..2 {
        databases.advance(Duration::from_secs(600));
        databases.settle().await;
    }
    assert_eq!(databases.users(), Vec::<String>::new());
    assert_eq!(databases.incidents().await, Vec::<Value>::new());
}

#[tokio::test]
async fn what_was_changed_while_the_target_was_waited_for_counts() {
    for (path, body, word) in [
        ("database/roles/app", None, "unknown role"),
        ("database/config/pg", Some(json!({ "allowed_roles": "other" })), "is not an allowed role"),
        ("database/roles/app", Some(json!({ "creation_statements": "FAIL {{name}}" })), "preflight"),
    ] {
        let databases = Databases::with_role().await;
        databases.configure("pg", json!({ "max_open_connections": 1 })).await.expect_status(204);
        databases.bench.target.next(Verb::Create, Mishap::Hangs);
        let changes = async {
            until(|| databases.bench.target.hanging() == 1).await;
            // The other one stands in line by then.
            for _ in 0..5_000 {
                tokio::task::yield_now().await;
            }
            let changed = match body {
                Some(body) => databases.post(path, body).await,
                None => databases.delete(path).await,
            };
            changed.expect_status(204);
            databases.bench.target.release();
        };
        let ask = || databases.get("database/creds/app");
        let (first, second, ()) = tokio::join!(ask(), ask(), changes);
        let late = if first.status == 200 { second } else { first };
        late.expect_status(400);
        assert!(late.text.contains(word), "{}", late.text);
        assert_eq!(databases.users().len(), 1);
    }
}

#[tokio::test]
async fn many_at_once_get_each_their_own_user() {
    let databases = std::sync::Arc::new(Databases::with_role().await);
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..24 {
        let databases = std::sync::Arc::clone(&databases);
        asked.spawn(async move { databases.issue().await.name });
    }
    let names: std::collections::BTreeSet<String> = asked.join_all().await.into_iter().collect();
    assert_eq!(names.len(), 24);
    assert_eq!(databases.users().len(), 24);
    databases.post("sys/leases/revoke-force/database/creds", json!({})).await;
    databases.settle().await;
    databases.settle().await;
    until(|| databases.users().is_empty()).await;
}

#[tokio::test]
async fn a_dead_management_password_is_tried_once_however_many_ask() {
    let databases = Databases::with_role().await;
    let ask = || databases.get("database/creds/app");
    let known = databases.issue().await;
    let engine = &databases.bench.vault.app.engine;
    let keys = engine.dynamic_keys(b"").unwrap();
    // That it worked a while ago says nothing.
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(6)).await;
    tokio::time::resume();
    databases.bench.target.set_password("manager", "m-2");
    let before = databases.bench.target.failed_logins("manager");
    let renew = databases.post("sys/leases/renew", json!({ "lease_id": known.lease }));
    let (first, second, third, renewed) = tokio::join!(ask(), ask(), ask(), renew);
    for reply in [first, second, third, renewed] {
        reply.expect_status(502);
    }
    databases.revoke(&known.lease).await.expect_status(200);
    databases.settle().await;
    assert_eq!(databases.bench.target.failed_logins("manager") - before, 1);
    assert_eq!(engine.dynamic_keys(b"").unwrap(), keys, "nothing was made");
}

#[tokio::test]
async fn those_that_a_working_management_password_lets_in_do_not_wait_for_each_other() {
    let databases = std::sync::Arc::new(Databases::with_role().await);
    databases.configure("pg", json!({ "max_open_connections": 4 })).await.expect_status(204);
    databases.issue().await;
    // No wait comes to its end by itself.
    tokio::time::pause();
    databases.bench.target.always(Verb::Create, Mishap::HangsAfterwards);
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let databases = std::sync::Arc::clone(&databases);
        asked.spawn(async move { databases.issue().await.name });
    }
    for calls in [5, 9] {
        let target = &databases.bench.target;
        until(|| target.calls(Verb::Create) == calls && target.hanging() == 4).await;
        target.release();
    }
    tokio::time::resume();
    assert_eq!(asked.join_all().await.len(), 8);
}
