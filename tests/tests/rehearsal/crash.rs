//! The program is killed while a shadow is on the target, or about to be: none is left.

use std::time::Duration;

use serde_json::json;
use vault_tests::proxy::{FaultProxy, Mischief};
use vault_tests::vault::ROOT;

use crate::postgres::Stage;

/// Waits until the server has no shadow and the vault remembers none.
pub(crate) async fn until_no_shadow(stage: &Stage) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(40);
    loop {
        let on_server = stage.hashes().await.1;
        let known = stage.vault.get("accounts/rehearse/db/app").await.unwrap().body["data"]["shadow"].clone();
        if on_server.is_empty() && known.is_null() {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "left: {on_server:?}, known: {known}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_rehearsal_leaves_no_shadow() {
    let mut stage = Stage::new().await;
    let proxy = FaultProxy::start(stage.server.port()).await.unwrap();
    let path = stage.account("", json!({ "connection_url": proxy.url_template() }), None).await;
    let before = stage.hashes().await;
    for (mischief, is_there) in [
        (Mischief::Hold("CREATE ROLE \"rotunda-shadow-".to_owned()), false),
        // Made, and not committed.
        (Mischief::Hold("ALTER ROLE \"rotunda-shadow-".to_owned()), false),
        (Mischief::SwallowReply("DROP ROLE".to_owned()), true),
        (Mischief::Hold("DROP ROLE".to_owned()), true),
    ] {
        proxy.set(mischief.clone()).await.unwrap();
        let struck = proxy.struck();
        let caller = stage.vault.caller();
        let url = format!("accounts/rehearse/{path}");
        let asked = tokio::spawn(async move {
            // Nobody is left to answer.
            let _ = caller.call(reqwest::Method::POST, &url, Some(json!({})), ROOT).await;
        });
        proxy.wait_struck(struck + 1).await.unwrap();
        stage.vault.kill().unwrap();
        asked.await.unwrap();
        proxy.set(Mischief::None).await.unwrap();
        if is_there {
            assert_eq!(stage.hashes().await.1.len(), 1, "{mischief:?}");
        }
        // What was held back arrives after all, at the worst time.
        proxy.release();
        stage.vault.start_again().await.unwrap();
        until_no_shadow(&stage).await;
        until_free(&stage, &path).await;
        let report = stage.rehearsed(&path).await;
        assert_eq!(report["light"], "green", "{mischief:?}: {report:#}");
        assert_eq!(stage.hashes().await, before, "{mischief:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shadow_that_cannot_be_removed_is_told_and_removed_as_soon_as_it_can_be() {
    let stage = Stage::new().await;
    let proxy = FaultProxy::start(stage.server.port()).await.unwrap();
    let path = stage.account("", json!({ "connection_url": proxy.url_template() }), None).await;
    proxy.set(Mischief::CutBefore("DROP ROLE".to_owned())).await.unwrap();
    let report = crate::bench::rehearsed(&stage.vault, &path).await;
    assert_eq!(report["light"], "amber", "{report:#}");
    assert_eq!(report["findings"][0]["code"], "shadow_left", "{report:#}");
    let left = stage.hashes().await.1;
    assert_eq!(json!(left), json!([report["shadow"]]));
    // Its name is nobody's to take, and its target stays.
    let body = json!({ "target": "pg", "username": left[0] });
    assert!(!stage.vault.post("accounts/config/stolen", body).await.unwrap().is_success());
    proxy.set(Mischief::None).await.unwrap();
    until_no_shadow(&stage).await;
}

/// Waits until nobody is at the shadow any more: what was never made is removed, too, and no name of it is seen.
async fn until_free(stage: &Stage, path: &str) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(40);
    loop {
        let answer = stage.vault.post(&format!("accounts/rehearse/{path}"), json!({})).await.unwrap();
        if answer.status == 200 {
            return;
        }
        assert_eq!(answer.status, 503, "{}", answer.body);
        assert!(tokio::time::Instant::now() < deadline, "{}", answer.body);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
