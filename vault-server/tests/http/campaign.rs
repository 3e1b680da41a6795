//! Campaigns: waves, pauses, leases, who knows what, and a restart in the middle.

use std::time::Duration;

use serde_json::{Value, json};

use super::bench::Bench;
use super::vault::Reply;

async fn with_accounts(count: usize) -> Bench {
    let bench = Bench::new().await;
    for number in 0..count {
        bench.account(&format!("a{number:03}"), "p-1").await;
    }
    bench.vault.app.start_tasks();
    bench
}

async fn start(bench: &Bench, kind: &str, asked: Value) -> String {
    let reply = bench.post(&format!("campaigns/{kind}"), asked).await;
    reply.expect_status(200);
    reply.at("/data/campaign/id").as_str().unwrap().to_owned()
}

/// Reads a campaign until it is in one of these states.
async fn until(bench: &Bench, id: &str, states: &[&str]) -> Reply {
    for _ in 0..600 {
        let reply = bench.get(&format!("campaigns/{id}")).await;
        if states.contains(&reply.at("/data/state").as_str().unwrap_or_default()) {
            return reply;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("not {states:?}: {:#?}", bench.get(&format!("campaigns/{id}")).await.text);
}

fn counts(reply: &Reply) -> (u64, u64, u64, u64) {
    let of = |name: &str| reply.at(&format!("/data/accounts/{name}")).as_u64().unwrap();
    (of("rotated"), of("failed"), of("skipped"), of("waiting"))
}

async fn version(bench: &Bench, account: &str) -> u64 {
    bench.get(&format!("accounts/status/{account}")).await.at("/data/version").as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_accounts_rotate_once_and_after_the_canary() {
    let bench = with_accounts(15).await;
    let id = start(&bench, "rotate", json!({ "all": true })).await;
    let done = until(&bench, &id, &["done"]).await;
    assert_eq!(counts(&done), (15, 0, 0, 0), "{:#?}", done.text);
    assert_eq!(done.at("/data/wave"), json!(3), "1, 10 and the rest");
    for number in 0..15 {
        assert_eq!(version(&bench, &format!("a{number:03}")).await, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_that_dies_stops_the_others() {
    let bench = with_accounts(5).await;
    bench.target.lock("a000");
    let id = start(&bench, "rotate", json!({ "filter": "a*", "canary": 1 })).await;
    let paused = until(&bench, &id, &["paused"]).await;
    assert_eq!(counts(&paused), (0, 1, 0, 0), "{:#?}", paused.text);
    assert_eq!(version(&bench, "a001").await, 1);
    bench.post(&format!("campaigns/{id}/resume"), json!({})).await.expect_status(200);
    let done = until(&bench, &id, &["done"]).await;
    assert_eq!(counts(&done), (4, 1, 0, 0), "{:#?}", done.text);
    let failed = bench.get(&format!("campaigns/{id}/accounts?state=failed")).await;
    assert_eq!(failed.at("/data/accounts/0/account"), json!("a000"), "{:#?}", failed.text);
    assert_eq!(done.at("/data/failures/account_locked"), json!(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn lent_accounts_wait_for_their_check_in_and_a_breach_cuts_them() {
    let bench = with_accounts(3).await;
    let lent = bench.post("accounts/check-out/a001", json!({})).await;
    lent.expect_status(200);
    let id = start(&bench, "rotate", json!({ "all": true })).await;
    let waits = until(&bench, &id, &["waiting"]).await;
    assert_eq!(counts(&waits), (2, 0, 0, 1), "{:#?}", waits.text);
    assert_eq!(version(&bench, "a001").await, 1);
    bench.post("accounts/check-in/a001", json!({})).await.expect_status(200);
    assert_eq!(counts(&until(&bench, &id, &["done"]).await), (3, 0, 0, 0));

    bench.post("accounts/check-out/a001", json!({})).await.expect_status(200);
    let before = version(&bench, "a001").await;
    let id = start(&bench, "respond", json!({ "target": "t" })).await;
    assert_eq!(counts(&until(&bench, &id, &["done"]).await), (3, 0, 0, 0));
    assert_eq!(version(&bench, "a001").await, before + 1);
    assert!(bench.record("a001").lending.holder.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_changes_nothing_and_says_what_would_be_done_in_which_order() {
    let bench = with_accounts(3).await;
    bench.post("accounts/check-out/a002", json!({})).await.expect_status(200);
    let plan = bench.post("campaigns/rotate", json!({ "all": true, "dry_run": true })).await;
    plan.expect_status(200);
    let told: Vec<(Value, Value)> = plan
        .at("/data/accounts")
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["account"].clone(), one["state"].clone()))
        .collect();
    let want = [("a000", "rotate"), ("a001", "rotate"), ("a002", "wait")];
    assert_eq!(told, want.map(|(account, state)| (json!(account), json!(state))));
    assert_eq!(bench.get("campaigns").await.at("/data/campaigns"), json!([]));
    assert_eq!(version(&bench, "a000").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_goes_on_after_a_restart_where_it_was_and_begins_nothing_twice() {
    let mut bench = with_accounts(12).await;
    let id = start(&bench, "rotate", json!({ "all": true, "pace": 1200 })).await;
    until(&bench, &id, &["running"]).await;
    bench.vault.app.shutdown.begin();
    bench.vault.app.shutdown.drained().await;
    bench.restart().await;
    bench.vault.app.start_tasks();
    let done = until(&bench, &id, &["done"]).await;
    assert_eq!(counts(&done), (12, 0, 0, 0), "{:#?}", done.text);
    for number in 0..12 {
        assert_eq!(version(&bench, &format!("a{number:03}")).await, 2, "{number}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_pauses_and_cancels_is_told_and_nothing_more_begins() {
    let bench = with_accounts(6).await;
    let id = start(&bench, "rotate", json!({ "all": true, "pace": 60 })).await;
    until(&bench, &id, &["running"]).await;
    bench.post(&format!("campaigns/{id}/pause"), json!({})).await.expect_status(200);
    bench.post(&format!("campaigns/{id}/pause"), json!({})).await.expect_status(400);
    let paused = until(&bench, &id, &["paused"]).await;
    assert!(paused.at("/data/why").as_str().unwrap().starts_with("paused by"), "{:#?}", paused.text);
    bench.post(&format!("campaigns/{id}/cancel"), json!({})).await.expect_status(200);
    let over = until(&bench, &id, &["cancelled"]).await;
    assert!(over.at("/data/accounts/remaining").as_u64().unwrap() > 0);
    bench.post(&format!("campaigns/{id}/resume"), json!({})).await.expect_status(400);
}

#[tokio::test(flavor = "multi_thread")]
async fn campaigns_need_sudo_and_say_what_they_are_about() {
    let bench = with_accounts(1).await;
    bench
        .vault
        .policy("some", r#"path "campaigns*" { capabilities = ["create", "update", "read", "list"] }"#)
        .await;
    let token = bench.vault.token(r#"{"policies":["some"]}"#).await;
    bench.vault.call("POST", "campaigns/rotate", &token, r#"{"all":true}"#).await.expect_status(403);
    bench.vault.call("GET", "campaigns", &token, "").await.expect_status(200);
    for (kind, asked) in [
        ("rotate", json!({})),
        ("rotate", json!({ "all": true, "target": "t" })),
        ("rotate", json!({ "target": "other" })),
        ("rotate", json!({ "all": true, "leases": "cut-own" })),
        ("rotate", json!({ "all": true, "stop_at": 101 })),
        ("respond", json!({ "all": true, "revoke": true })),
        ("offboard", json!({})),
    ] {
        bench.post(&format!("campaigns/{kind}"), asked.clone()).await.expect_status(400);
    }
}
