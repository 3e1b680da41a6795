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
async fn a_target_whose_management_password_is_in_doubt_is_not_deleted() {
    let bench = Bench::new().await;
    bench.target.next(Verb::Apply, Mishap::ReplyLost);
    bench.target.always(Verb::Probe, Mishap::Fails(FaultClass::Unreachable));
    bench.post("targets/rotate/t", json!({})).await.expect_status(502);
    bench.vault.root("DELETE", "targets/config/t?disposal=hand-over", "").await.expect_status(409);
    bench.vault.root("DELETE", "targets/config/t?disposal=forget", "").await.expect_status(409);
}
