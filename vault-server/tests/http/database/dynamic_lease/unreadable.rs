//! Leases whose records cannot be read.

use serde::{Deserialize, Serialize};
use serde_json::json;
use vault_core::lease::dynamic::role::DynamicRole;
use vault_core::store::batch::Require;
use vault_core::store::key::Table;
use vault_core::target::Target;
use vault_server::barrier::Record;

use crate::database::Databases;

/// A record as a newer version would have written it.
#[derive(Serialize, Deserialize)]
struct Newer<const TARGET: bool>;

impl Record for Newer<false> {
    const TABLE: Table = Table::DynamicRole;
    const VERSION: u8 = 200;
}

impl Record for Newer<true> {
    const TABLE: Table = Table::Target;
    const VERSION: u8 = 200;
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_a_failed_attempt_and_no_loop() {
    let databases = Databases::with_role().await;
    let (first, second) = (databases.issue().await, databases.issue().await);
    let barrier = &databases.bench.vault.app.barrier;
    let lease = databases.bench.vault.app.engine.dynamic_keys(b"").unwrap().remove(0);
    let role = lease.split_at(lease.iter().rposition(|byte| *byte == b'/').unwrap()).0.to_vec();
    let revision = barrier.revision::<DynamicRole>(role.clone()).unwrap().unwrap();
    let mut batch = barrier.transaction().unwrap();
    batch.put(role, Require::At(revision), &Newer::<false>);
    barrier.commit(batch).await.unwrap();
    databases.revoke(&first.lease).await.expect_status(204);
    assert_eq!(databases.users(), std::slice::from_ref(&second.name), "by the statements of the lease");

    let target = b"database.pg".to_vec();
    let revision = barrier.revision::<Target>(target.clone()).unwrap().unwrap();
    let mut batch = barrier.transaction().unwrap();
    batch.put(target, Require::At(revision), &Newer::<true>);
    barrier.commit(batch).await.unwrap();
    databases.revoke(&second.lease).await.expect_status(200);
    databases.settle().await;
    let open = databases.incidents().await;
    assert_eq!((open.len(), &open[0]["class"]), (1, &json!("store_failed")));
    let attempts = open[0]["events"].to_string().matches("store_failed:").count();
    assert_eq!(attempts, 1, "told, and not tried again before its time");
    assert_eq!(databases.lookup(&second.lease).await.at("/data/state"), json!("revoking"));
}
