//! Targets: what becomes of the management credential.

use rotators::fake::{Mishap, Verb};
use serde_json::json;
use vault_core::rotation::fault::FaultClass;

use super::bench::Bench;

#[tokio::test]
async fn a_target_is_not_deleted_with_a_management_password_that_only_the_vault_knows() {
    let bench = Bench::new().await;
    bench.post("targets/rotate/t", json!({})).await.expect_status(200);
    let reply = bench.vault.root("DELETE", "targets/config/t", "").await;
    reply.expect_status(400);
    assert!(reply.text.contains("hand-over"), "{}", reply.text);
    let reply = bench.vault.root("DELETE", "targets/config/t?disposal=hand-over", "").await;
    reply.expect_status(200);
    let password = reply.at("/data/password");
    assert!(bench.target.accepts("manager", password.as_str().unwrap()));
}

#[tokio::test]
async fn a_target_whose_management_password_a_person_gave_is_deleted_without_a_question() {
    let bench = Bench::new().await;
    bench.vault.root("DELETE", "targets/config/t", "").await.expect_status(204);
    bench.configure_target(json!({ "password": "m-1" })).await.expect_status(204);
}

#[tokio::test]
async fn a_wrong_password_written_over_the_right_one_is_not_all_that_is_handed_over() {
    let bench = Bench::new().await;
    bench.account("app", "right").await;
    bench.post("targets/rotate/t", json!({})).await.expect_status(200);
    let wrong = json!({ "target": "t", "username": "app", "password": "wrong" });
    bench.post("accounts/config/app", wrong).await.expect_status(200);
    let reply = bench.vault.root("DELETE", "accounts/config/app?disposal=hand-over", "").await;
    reply.expect_status(409);
    assert!(reply.text.contains("reconcile"), "{}", reply.text);
    assert!(bench.record("app").versions.previous.is_some());
    let right = json!({ "target": "t", "username": "app", "password": "right" });
    bench.post("accounts/config/app", right).await.expect_status(200);
    let reply = bench.vault.root("DELETE", "accounts/config/app?disposal=hand-over", "").await;
    assert_eq!(reply.at("/data/password"), "right", "{}", reply.text);
    // The management credential, too.
    bench.configure_target(json!({ "password": "wrong" })).await.expect_status(204);
    bench.vault.root("DELETE", "targets/config/t?disposal=hand-over", "").await.expect_status(409);
    bench.get("targets/config/t").await.expect_status(200);
}

#[tokio::test]
async fn a_target_whose_management_password_is_in_doubt_is_not_deleted() {
    let bench = Bench::new().await;
    bench.target.next(Verb::Apply, Mishap::ReplyLost);
    bench.target.always(Verb::Probe, Mishap::Fails(FaultClass::Unreachable));
    bench.post("targets/rotate/t", json!({})).await.expect_status(502);
    bench.vault.root("DELETE", "targets/config/t?disposal=hand-over", "").await.expect_status(409);
    bench.vault.root("DELETE", "targets/config/t?disposal=forget", "").await.expect_status(409);
}
