//! Silences and merged incidents: kept back is only what is silenced as a whole.

use serde_json::{Value, json};
use vault_core::id::IncidentId;
use vault_core::incident::Incident;

use super::{fail, later, merge, prove, state, two};
use crate::bench::Bench;

/// `app` and `job`, each with an incident, and a webhook that is told of both from now on.
async fn both() -> (Bench, String, String) {
    let (bench, app, job) = two().await;
    let hook = json!({ "url": "http://127.0.0.1:9/", "events": "incident.opened,incident.closed", "escalate_after": "15m" });
    bench.post("sys/webhooks/w", hook).await.expect_status(200);
    (bench, app, job)
}

async fn silence(bench: &Bench, accounts: &str) {
    let body = json!({ "accounts": accounts, "for": "1h", "reason": "r" });
    bench.post("silences", body).await.expect_status(200);
}

/// How many messages of a kind there are.
async fn told(bench: &Bench, kind: &str) -> usize {
    let all = bench.get("sys/webhooks/w/deliveries").await.at("/data/deliveries");
    all.as_array().unwrap().iter().filter(|one| one["type"] == kind).count()
}

#[tokio::test]
async fn what_fails_again_beneath_a_silenced_account_and_is_not_silenced_itself_is_told() {
    let (bench, app, job) = both().await;
    merge(&bench, &job, &app).await.expect_status(200);
    prove(&bench, "app").await;
    prove(&bench, "job").await;
    assert_eq!(told(&bench, "incident.closed").await, 2);
    silence(&bench, "app").await;
    fail(&bench, "job").await;
    assert_eq!(state(&bench, &app).await, "open");
    assert_eq!(told(&bench, "incident.opened").await, 1, "nobody said that job may fail");
    let shown = bench.get(&format!("incidents/{app}")).await.json();
    assert_eq!(shown["data"].get("silenced"), None::<&Value>, "{shown}");
    prove(&bench, "job").await;
    assert_eq!(told(&bench, "incident.closed").await, 4, "told as it was opened");
}

#[tokio::test]
async fn what_fails_again_and_is_silenced_is_kept_back_also_beneath_one_that_is_not() {
    let (bench, app, job) = both().await;
    merge(&bench, &job, &app).await.expect_status(200);
    prove(&bench, "app").await;
    prove(&bench, "job").await;
    silence(&bench, "job").await;
    fail(&bench, "job").await;
    assert_eq!(state(&bench, &app).await, "open");
    assert_eq!(told(&bench, "incident.opened").await, 0, "all that is open of it is silenced");
    let shown = bench.get(&format!("incidents/{app}")).await;
    assert_eq!(shown.at("/data/silenced/reason"), "r", "{}", shown.text);
    later(&bench, 3600).await;
    bench.tick().await;
    assert_eq!(told(&bench, "incident.opened").await, 1, "the silence is over");
    bench.tick().await;
    assert_eq!(told(&bench, "incident.opened").await, 1, "and was told once");
}

#[tokio::test]
async fn nobody_takes_what_is_silenced_in_part_and_that_is_told() {
    let (bench, app, job) = both().await;
    silence(&bench, "app").await;
    merge(&bench, &job, &app).await.expect_status(200);
    later(&bench, 1200).await;
    assert_eq!(told(&bench, "incident.escalated").await, 1, "job is not silenced");
    prove(&bench, "job").await;
    let shown = bench.get(&format!("incidents/{app}")).await;
    assert_eq!(shown.at("/data/silenced/reason"), "r", "all that is left of it: {}", shown.text);
}

#[tokio::test]
async fn what_was_kept_back_is_told_when_something_comes_beneath_it_that_is_not_silenced() {
    let (bench, app, job) = both().await;
    prove(&bench, "app").await;
    silence(&bench, "app").await;
    assert_eq!(fail(&bench, "app").await, app);
    assert_eq!((told(&bench, "incident.opened").await, told(&bench, "incident.closed").await), (0, 1));
    merge(&bench, &job, &app).await.expect_status(200);
    assert_eq!(told(&bench, "incident.opened").await, 1, "it stands for job, too");
    later(&bench, 3600).await;
    bench.tick().await;
    assert_eq!(told(&bench, "incident.opened").await, 1, "once");
}

#[tokio::test]
async fn what_is_silenced_as_a_whole_is_kept_back_when_it_is_merged() {
    let (bench, app, job) = both().await;
    for account in ["app", "job"] {
        prove(&bench, account).await;
    }
    silence(&bench, "*").await;
    for account in ["app", "job"] {
        fail(&bench, account).await;
    }
    merge(&bench, &job, &app).await.expect_status(200);
    later(&bench, 1200).await;
    assert_eq!((told(&bench, "incident.opened").await, told(&bench, "incident.escalated").await), (0, 0));
    later(&bench, 3600).await;
    bench.tick().await;
    assert_eq!(told(&bench, "incident.opened").await, 1, "one for both");
}

#[tokio::test]
async fn what_stands_for_one_that_cannot_be_read_is_told_for_nobody_knows_that_it_is_silenced() {
    let (bench, app, job) = both().await;
    merge(&bench, &job, &app).await.expect_status(200);
    prove(&bench, "app").await;
    prove(&bench, "job").await;
    silence(&bench, "*").await;
    fail(&bench, "job").await;
    assert_eq!(told(&bench, "incident.opened").await, 0);
    bench.damage_record::<Incident>(IncidentId::parse(&job).unwrap().as_bytes()).await;
    fail(&bench, "app").await;
    assert_eq!(told(&bench, "incident.opened").await, 1);
}
