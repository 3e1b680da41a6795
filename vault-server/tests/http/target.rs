//! Targets: what becomes of the management credential.

use rotators::fake::{Mishap, Verb};
use serde_json::json;
use vault_core::rotation::fault::FaultClass;

use super::bench::Bench;
use super::vault::seconds;

#[tokio::test]
async fn a_target_is_not_deleted_with_a_management_password_that_only_the_vault_knows() {
    let bench = Bench::new().await;
    bench.post("targets/rotate/t", json!({})).await.expect_status(200);
    let reply = bench.vault.root("DELETE", "targets/config/t", "").await;
    reply.expect_status(400);
    assert!(reply.text.contains("hand-over"), "{}", reply.text);
    let handed = bench.handed_over("targets/config/t").await;
    assert!(bench.target.accepts("manager", &handed[0]));
    bench.get("targets/config/t").await.expect_status(404);
}

#[tokio::test]
async fn a_target_whose_management_password_a_person_gave_is_deleted_without_a_question() {
    let bench = Bench::new().await;
    bench.vault.root("DELETE", "targets/config/t", "").await.expect_status(204);
    bench.configure_target(json!({ "password": "m-1" })).await.expect_status(204);
}

#[tokio::test]
async fn a_hand_over_removes_nothing_before_it_is_confirmed() {
    let bench = Bench::new().await;
    bench.account("app", "a-1").await;
    bench.post("accounts/rotate/app", json!({})).await.expect_status(200);
    let path = "accounts/config/app?disposal=hand-over";
    // An answer that was lost on its way is asked for again.
    let first = bench.vault.root("DELETE", path, "").await;
    first.expect_status(200);
    assert!(first.at("/warnings/0").as_str().unwrap().contains("nothing is deleted yet"), "{}", first.text);
    let again = bench.vault.root("DELETE", path, "").await;
    assert_eq!(first.at("/data"), again.at("/data"));
    let confirm = again.at("/data/confirm").as_str().unwrap().to_owned();
    for wrong in ["1", "yes", "1-2-", "1-2"] {
        let reply = bench.vault.root("DELETE", &format!("{path}&confirm={wrong}"), "").await;
        assert!([400, 409].contains(&reply.status), "{wrong}: {}", reply.text);
    }
    // Another version came before the confirmation.
    bench.post("accounts/rotate/app", json!({})).await.expect_status(200);
    let late = bench.vault.root("DELETE", &format!("{path}&confirm={confirm}"), "").await;
    late.expect_status(409);
    assert!(late.text.contains("not confirmed"), "{}", late.text);
    let handed = bench.handed_over("accounts/config/app").await;
    assert!(bench.target.accepts("app", &handed[0]));
    bench.get("accounts/config/app").await.expect_status(404);
}

#[tokio::test]
async fn a_confirmation_is_not_for_another_account_that_was_made_at_the_same_path() {
    let bench = Bench::new().await;
    bench.account("app", "a-1").await;
    let path = "accounts/config/app?disposal=hand-over";
    let confirm = bench.vault.root("DELETE", path, "").await.at("/data/confirm").as_str().unwrap().to_owned();
    bench.handed_over("accounts/config/app").await;
    bench.disk.clock.advance(seconds(1));
    bench.account("app", "a-1").await;
    bench.vault.root("DELETE", &format!("{path}&confirm={confirm}"), "").await.expect_status(409);
    bench.get("accounts/config/app").await.expect_status(200);
}

#[tokio::test]
async fn a_wrong_password_written_over_the_right_one_is_not_all_that_is_handed_over() {
    let bench = Bench::new().await;
    bench.account("app", "right").await;
    bench.post("targets/rotate/t", json!({})).await.expect_status(200);
    let wrong = json!({ "target": "t", "username": "app", "password": "wrong" });
    bench.post("accounts/config/app", wrong).await.expect_status(200);
    assert_eq!(bench.handed_over("accounts/config/app").await, ["wrong", "right"]);
    // The management credential, too.
    bench.configure_target(json!({ "password": "wrong" })).await.expect_status(204);
    let handed = bench.handed_over("targets/config/t").await;
    assert_eq!((handed.len(), handed[0].as_str()), (2, "wrong"));
    assert!(bench.target.accepts("manager", &handed[1]));
}

#[tokio::test]
async fn an_account_whose_server_is_gone_can_be_taken_leave_of_with_every_version() {
    let bench = Bench::new().await;
    bench.account("app", "a-1").await;
    bench.target.next(Verb::Apply, Mishap::ReplyLost);
    bench.target.always(Verb::Probe, Mishap::Fails(FaultClass::Unreachable));
    bench.post("accounts/rotate/app", json!({})).await.expect_status(502);
    bench.vault.root("DELETE", "accounts/config/app?disposal=rotate-and-forget", "").await.expect_status(502);
    let handed = bench.handed_over("accounts/config/app").await;
    assert_eq!((handed.len(), handed[0].as_str()), (2, "a-1"));
    assert!(bench.target.accepts("app", &handed[1]), "the candidate had arrived");
    bench.get("accounts/config/app").await.expect_status(404);
}

#[tokio::test]
async fn a_target_whose_management_password_is_in_doubt_is_deleted_only_with_every_version() {
    let bench = Bench::new().await;
    bench.target.next(Verb::Apply, Mishap::ReplyLost);
    bench.target.always(Verb::Probe, Mishap::Fails(FaultClass::Unreachable));
    bench.post("targets/rotate/t", json!({})).await.expect_status(502);
    bench.vault.root("DELETE", "targets/config/t?disposal=forget", "").await.expect_status(409);
    let handed = bench.handed_over("targets/config/t").await;
    assert!(handed.iter().any(|password| bench.target.accepts("manager", password)));
}

#[tokio::test]
async fn a_version_whose_secret_is_lost_is_told_of_before_anything_is_removed() {
    let bench = Bench::new().await;
    bench.account("app", "a-1").await;
    bench.post("accounts/rotate/app", json!({})).await.expect_status(200);
    bench.lose_secret("app", 2).await;
    let path = "accounts/config/app?disposal=hand-over";
    let handed = bench.vault.root("DELETE", path, "").await;
    handed.expect_status(200);
    assert_eq!(handed.at("/data/passwords"), json!([{ "version": 2, "state": "current" }]));
    assert!(
        handed.at("/warnings/0").as_str().unwrap().contains("version 2 cannot be read"),
        "{}",
        handed.text
    );
    bench.get("accounts/config/app").await.expect_status(200);
    let confirm = handed.at("/data/confirm").as_str().unwrap().to_owned();
    bench.vault.root("DELETE", &format!("{path}&confirm={confirm}"), "").await.expect_status(204);
}
