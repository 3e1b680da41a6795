//! Who writes to the incident that stands for others waits for its turn.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use vault_core::path::Name;

use super::{fail, merge, state};
use crate::bench::Bench;

/// An account on the target `t`, whose incident is merged into that of one on the target `u`.
async fn far() -> (Arc<Bench>, String, String) {
    let bench = Bench::new().await;
    bench.account("near", "p-1").await;
    let target =
        json!({ "rotator": "fake", "connection_url": "fake://u", "username": "manager", "password": "m-1" });
    bench.post("targets/config/u", target).await.expect_status(204);
    bench.target.create_account("far", "p-1");
    let account = json!({ "target": "u", "username": "far", "password": "p-1" });
    bench.post("accounts/config/far", account).await.expect_status(200);
    let (near, far) = (fail(&bench, "near").await, fail(&bench, "far").await);
    merge(&bench, &near, &far).await.expect_status(200);
    (Arc::new(bench), near, far)
}

/// Nothing becomes of the incident of `near` while somebody else has the turn of `u`; then what `work` does is over.
async fn waits<T: Send + 'static>(
    bench: &Arc<Bench>,
    (near, far): (&str, &str),
    work: impl Future<Output = T> + Send + 'static,
) -> T {
    let turn = bench.vault.app.engine.turn_at(&Name::parse("u").unwrap()).await;
    let work = tokio::spawn(work);
    for _ in 0..50 {
        assert_eq!(state(bench, near).await, "open", "somebody else writes to the incident of far");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    drop(turn);
    let came = work.await.unwrap();
    bench.rest().await;
    assert_eq!((state(bench, near).await, state(bench, far).await), (json!("closed"), json!("open")));
    came
}

#[tokio::test]
async fn a_proof_that_is_told_on_the_time_line_of_another_targets_incident_waits_for_the_turn_there() {
    let (bench, near, far) = far().await;
    let proves = Arc::clone(&bench);
    let work = async move { proves.post("accounts/rotate/near", json!({})).await.status };
    assert_eq!(waits(&bench, (&near, &far), work).await, 200);
}

#[tokio::test]
async fn a_removal_that_is_told_on_the_time_line_of_another_targets_incident_waits_for_the_turn_there() {
    let (bench, near, far) = far().await;
    let removes = Arc::clone(&bench);
    let work = async move { removes.handed_over("accounts/config/near").await };
    assert_eq!(waits(&bench, (&near, &far), work).await.len(), 1);
}
