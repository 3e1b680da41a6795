//! Leases whose records cannot be read.

use serde_json::json;
use vault_core::lease::dynamic::Dynamic;
use vault_core::lease::dynamic::role::DynamicRole;
use vault_core::target::Target;

use crate::database::Databases;

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
    let attempts = open[0]["events"].to_string().matches("store_failed:").count();
    assert_eq!(attempts, 1, "told, and not tried again before its time");
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
