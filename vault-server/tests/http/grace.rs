//! Two passwords side by side: how long the old one is kept, and for whom.

use serde_json::{Value, json};

use super::bench::Bench;
use super::measured::holds;
use super::vault::seconds;

const READER: &str = r#"
    path "accounts/creds/*" { capabilities = ["read"] }
    path "accounts/confirm/*" { capabilities = ["update"] }
"#;

/// An account `app` of which version 1 works and was read by `web` and `batch`, whose tokens come with it.
async fn bench(policy: Value) -> (Bench, String, String) {
    let bench = Bench::overlapping().await;
    bench.vault.policy("reader", READER).await;
    bench.post("rotation-policies/p", policy).await.expect_status(204);
    bench.target.create_account("app", "p-1");
    let body = json!({ "target": "t", "username": "app", "password": "p-1", "rotation_policy": "p" });
    bench.post("accounts/config/app", body).await.expect_status(200);
    let (web, batch) = (reader(&bench, "web").await, reader(&bench, "batch").await);
    fetch(&bench, &web).await;
    fetch(&bench, &batch).await;
    (bench, web, batch)
}

async fn reader(bench: &Bench, name: &str) -> String {
    bench
        .vault
        .token(&json!({ "policies": ["reader"], "display_name": name, "period": "2400h" }).to_string())
        .await
}

async fn fetch(bench: &Bench, token: &str) {
    bench.vault.call("GET", "accounts/creds/app", token, "").await.expect_status(200);
}

async fn confirm(bench: &Bench, token: &str, version: u64, status: u16) -> Value {
    let body = json!({ "version": version }).to_string();
    let reply = bench.vault.call("POST", "accounts/confirm/app", token, &body).await;
    reply.expect_status(status);
    reply.json().get_mut("data").map(Value::take).unwrap_or_default()
}

async fn rotate(bench: &Bench) {
    bench.post("accounts/rotate/app", json!({})).await.expect_status(200);
}

/// What the vault does by itself: writes receipts down, looks at the clock, and at graces.
async fn pulse(bench: &Bench, passed: u64) {
    bench.disk.clock.advance(seconds(passed));
    bench.vault.app.consumers.flush().await.unwrap();
    bench.vault.app.engine.look_at_graces().await;
    bench.tick().await;
}

/// The state, and whether the first password still opens the target.
async fn stands(bench: &Bench) -> (String, bool) {
    let status = bench.get("accounts/status/app").await;
    let state = status.at("/data/state").as_str().unwrap().to_owned();
    (state, bench.target.accepts("app", "p-1"))
}

async fn history(bench: &Bench, kind: &str) -> Vec<Value> {
    let events = bench.get("accounts/history/app").await.at("/data/events");
    events.as_array().unwrap().iter().filter(|event| event["kind"] == kind).cloned().collect()
}

fn is(state: &str, old_works: bool) -> (String, bool) {
    (state.to_owned(), old_works)
}

#[tokio::test]
async fn the_grace_ends_early_when_the_last_consumer_has_the_new_version() {
    let policy = json!({ "rotation_period": "24h", "grace": "1h", "early_after": "10s" });
    let (bench, web, batch) = bench(policy).await;
    rotate(&bench).await;
    fetch(&bench, &web).await;
    pulse(&bench, 60).await;
    assert_eq!(stands(&bench).await, is("grace", true), "batch has still to come");
    fetch(&bench, &batch).await;
    pulse(&bench, 9).await;
    assert_eq!(stands(&bench).await, is("grace", true), "who logs in just now is given time");
    pulse(&bench, 1).await;
    assert_eq!(stands(&bench).await, is("idle", false));
    let ended = history(&bench, "grace_ended").await;
    assert!(ended[0]["detail"].as_str().unwrap().starts_with("all 2 known live"), "{ended:?}");
    assert!(history(&bench, "cut").await.is_empty());
}

#[tokio::test]
async fn a_consumer_that_ends_holds_nothing_up() {
    let policy = json!({ "rotation_period": "24h", "grace": "1h", "early_after": "10s" });
    let (bench, web, batch) = bench(policy).await;
    rotate(&bench).await;
    fetch(&bench, &web).await;
    pulse(&bench, 60).await;
    bench.post("auth/token/revoke", json!({ "token": batch })).await.expect_status(204);
    // No request tells of it: it is found once a minute.
    bench.vault.app.consumers.walk().await.unwrap();
    pulse(&bench, 0).await;
    assert_eq!(stands(&bench).await, is("idle", false));
}

#[tokio::test]
async fn without_a_hold_the_old_version_goes_in_time_and_the_history_names_who_lags() {
    let (bench, web, _batch) = bench(json!({ "rotation_period": "24h", "grace": "1h" })).await;
    rotate(&bench).await;
    fetch(&bench, &web).await;
    pulse(&bench, 3599).await;
    assert_eq!(stands(&bench).await, is("grace", true));
    pulse(&bench, 1).await;
    assert_eq!(stands(&bench).await, is("idle", false));
    let cut = history(&bench, "cut").await;
    assert_eq!((&cut[0]["class"], &cut[0]["version"]), (&json!("consumer_lag"), &json!(1)));
    assert!(cut[0]["detail"].as_str().unwrap().ends_with("do not have version 2: token-batch"), "{cut:?}");
    assert!(bench.get("incidents?state=all").await.at("/data/incidents").as_array().unwrap().is_empty());
}

#[tokio::test]
async fn a_hold_keeps_the_old_version_under_an_incident_until_nobody_lags() {
    let policy = json!({ "rotation_period": "24h", "grace": "1h", "early_after": "10s", "hold": "12h" });
    let (mut bench, web, batch) = bench(policy).await;
    rotate(&bench).await;
    fetch(&bench, &web).await;
    pulse(&bench, 3600).await;
    assert_eq!(stands(&bench).await, is("grace", true));
    let status = bench.get("accounts/status/app").await;
    assert_eq!(status.at("/data/class"), "consumer_lag", "{}", status.text);
    assert_eq!(status.at("/data/consumers/laggards/0/principal"), "token-batch");
    assert!(status.at("/data/detail").as_str().unwrap().contains("token-batch"), "{}", status.text);
    // The hold outlives the process.
    bench.restart().await;
    pulse(&bench, 3600).await;
    assert_eq!(stands(&bench).await, is("grace", true));
    fetch(&bench, &batch).await;
    pulse(&bench, 10).await;
    assert_eq!(stands(&bench).await, is("idle", false));
    let incidents = bench.get("incidents?state=all").await.at("/data/incidents");
    assert_eq!((&incidents[0]["state"], &incidents[0]["class"]), (&json!("closed"), &json!("consumer_lag")));
}

#[tokio::test]
async fn a_hold_has_an_end() {
    let policy = json!({ "rotation_period": "240h", "grace": "1h", "hold": "12h" });
    let (bench, web, _batch) = bench(policy).await;
    rotate(&bench).await;
    fetch(&bench, &web).await;
    pulse(&bench, 3600).await;
    pulse(&bench, 12 * 3600 - 1).await;
    assert_eq!(stands(&bench).await, is("grace", true));
    pulse(&bench, 1).await;
    assert_eq!(stands(&bench).await, is("idle", false));
    assert_eq!(history(&bench, "cut").await.len(), 1);
    let incidents = bench.get("incidents?state=all").await.at("/data/incidents");
    assert_eq!(incidents[0]["state"], "closed");
    assert!(incidents[0]["detail"].as_str().unwrap().starts_with("retired all the same"), "{incidents}");
}

#[tokio::test]
async fn a_lease_that_ends_waits_for_no_consumer() {
    let (bench, _web, _batch) =
        bench(json!({ "rotation_period": "240h", "grace": "1h", "hold": "12h" })).await;
    rotate(&bench).await;
    assert_eq!(stands(&bench).await, is("grace", true));
    let lent = bench.post("accounts/check-out/app", json!({})).await;
    lent.expect_status(200);
    let password = lent.at("/data/password").as_str().unwrap().to_owned();
    bench.post("accounts/check-in/app", json!({})).await.expect_status(200);
    bench.rest().await;
    assert!(!bench.target.accepts("app", "p-1") && !bench.target.accepts("app", &password));
    assert_eq!(stands(&bench).await.0, "idle");
}

#[tokio::test]
async fn who_confirms_has_the_new_version_only_once_it_says_so() {
    let policy = json!({ "rotation_period": "24h", "grace": "1h", "early_after": "10s" });
    let (mut bench, web, batch) = bench(policy).await;
    let told = confirm(&bench, &web, 1, 200).await;
    assert_eq!((&told["version"], &told["current"]), (&json!(1), &json!(true)));
    rotate(&bench).await;
    fetch(&bench, &web).await;
    fetch(&bench, &batch).await;
    pulse(&bench, 60).await;
    assert_eq!(stands(&bench).await, is("grace", true), "web has fetched it, and does not use it yet");
    // Also when the process does not remember.
    bench.restart().await;
    fetch(&bench, &web).await;
    pulse(&bench, 60).await;
    assert_eq!(stands(&bench).await, is("grace", true));
    let list = bench.get("accounts/consumers/app").await;
    let of_web = list
        .at("/data/consumers")
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["principal"] == "token-web")
        .cloned();
    let of_web = of_web.unwrap();
    assert_eq!(
        (&of_web["version"], &of_web["confirmed"], &of_web["standing"]),
        (&json!(2), &json!(1), &json!("lagging"))
    );
    confirm(&bench, &web, 2, 200).await;
    confirm(&bench, &web, 2, 200).await;
    pulse(&bench, 10).await;
    assert_eq!(stands(&bench).await, is("idle", false));
    let told = confirm(&bench, &web, 1, 200).await;
    assert_eq!(told["current"], false, "an old confirmation that comes late is no mistake");
}

#[tokio::test]
async fn a_version_that_was_not_fetched_is_not_confirmed() {
    let (bench, web, _batch) = bench(json!({ "rotation_period": "24h" })).await;
    confirm(&bench, &web, 2, 409).await;
    confirm(&bench, &web, 0, 400).await;
    let stranger = reader(&bench, "stranger").await;
    confirm(&bench, &stranger, 1, 409).await;
    bench.post("accounts/confirm/none", json!({ "version": 1 })).await.expect_status(404);
    let nobody = bench.vault.token(r#"{"policies":["default"]}"#).await;
    confirm(&bench, &nobody, 1, 403).await;
}

#[tokio::test]
async fn what_is_rotated_and_forgotten_is_known_to_nobody_also_in_a_grace() {
    for in_grace in [false, true] {
        let (bench, web, _batch) = bench(json!({ "rotation_period": "24h", "grace": "1h" })).await;
        if in_grace {
            rotate(&bench).await;
            fetch(&bench, &web).await;
        }
        let served = bench.target.passwords("app");
        assert_eq!(served.len(), if in_grace { 2 } else { 1 });
        let gone = bench.vault.root("DELETE", "accounts/config/app?disposal=rotate-and-forget", "").await;
        gone.expect_status(204);
        let left = bench.target.passwords("app");
        assert!(left.len() == 1 && left.iter().all(|one| !served.contains(one)), "in a grace: {in_grace}");
    }
}

#[tokio::test]
async fn who_lags_is_measured_and_at_half_of_the_grace_it_is_late() {
    let (bench, web, batch) = bench(json!({ "rotation_period": "24h", "grace": "1h" })).await;
    let measured = async |unacked: u32, versions: u32, late: u32| {
        bench.vault.app.consumers.walk().await.unwrap();
        let lines = [
            format!("vault_consumers_unacked{{rotator=\"fake\"}} {unacked}"),
            format!("vault_consumer_version_lag{{rotator=\"fake\"}} {versions}"),
            format!("vault_consumers_past_half_grace{{rotator=\"fake\"}} {late}"),
        ];
        holds(&bench.counted().await, &lines.each_ref().map(String::as_str));
    };
    measured(0, 0, 0).await;
    rotate(&bench).await;
    fetch(&bench, &web).await;
    pulse(&bench, 1799).await;
    measured(1, 1, 0).await;
    pulse(&bench, 1).await;
    measured(1, 1, 1).await;
    fetch(&bench, &batch).await;
    pulse(&bench, 0).await;
    measured(0, 0, 0).await;
}

#[tokio::test]
async fn who_lags_is_added_up_over_accounts_and_targets_and_the_farthest_behind_is_told() {
    let (bench, web, _) = bench(json!({ "rotation_period": "24h", "grace": "1h" })).await;
    let target =
        json!({ "rotator": "fake", "connection_url": "fake://u", "username": "manager", "password": "m-1" });
    bench.post("targets/config/u", target).await.expect_status(204);
    for (name, target) in [("job", "t"), ("far", "u")] {
        bench.target.create_account(name, "p-1");
        let body = json!({ "target": target, "username": name, "password": "p-1", "rotation_policy": "p" });
        bench.post(&format!("accounts/config/{name}"), body).await.expect_status(200);
        bench.vault.call("GET", &format!("accounts/creds/{name}"), &web, "").await.expect_status(200);
        bench.post(&format!("accounts/rotate/{name}"), json!({})).await.expect_status(200);
    }
    // Of `app` the one consumer is behind by one version, and the other by two.
    rotate(&bench).await;
    fetch(&bench, &web).await;
    // The first ends the grace, and the second begins another rotation.
    rotate(&bench).await;
    rotate(&bench).await;
    bench.vault.app.consumers.flush().await.unwrap();
    bench.vault.app.consumers.walk().await.unwrap();
    holds(
        &bench.counted().await,
        &[
            "vault_consumers_unacked{rotator=\"fake\"} 4",
            "vault_consumer_version_lag{rotator=\"fake\"} 2",
            "vault_consumers_past_half_grace{rotator=\"fake\"} 0",
        ],
    );
}
