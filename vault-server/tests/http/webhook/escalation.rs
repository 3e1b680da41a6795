//! Who is told that nobody takes an incident, when, and who is spared what is not bad enough.

use serde_json::{Value, json};
use vault_core::rotation::fault::FaultClass;
use vault_core::store::key::Table;

use super::format::{fail, heal};
use super::put;
use crate::bench::Bench;
use crate::vault::seconds;

/// Nobody delivers here: what is told stays in its queue.
async fn quiet(more: Value) -> Bench {
    let bench = Bench::new().await;
    bench.account("app", "p-1").await;
    put(&bench, "w", "http://127.0.0.1:9/", more).await.expect_status(200);
    bench
}

fn patient() -> Value {
    json!({ "events": "incident.escalated", "escalate_after": "15m" })
}

/// How many messages of a kind wait in the queue of a webhook.
async fn told(bench: &Bench, hook: &str, kind: &str) -> usize {
    let reply = bench.get(&format!("sys/webhooks/{hook}/deliveries")).await;
    let all = reply.at("/data/deliveries");
    all.as_array().unwrap().iter().filter(|one| one["type"] == kind).count()
}

/// Time passes, without that the account is tried again: the target stays as it is.
async fn after(bench: &Bench, minutes: u64) {
    bench.disk.clock.advance(seconds(minutes * 60));
    // Twice: where the end of a silence is committed in the same moment, the next look comes to it.
    for _ in 0..2 {
        bench.tick().await;
        bench.rest().await;
    }
}

fn watches(bench: &Bench) -> usize {
    bench.vault.app.barrier.names(Table::Escalation, b"", None, 10).unwrap().len()
}

#[tokio::test]
async fn nobody_acknowledges_and_the_next_is_told_once_over_a_restart_with_a_line() {
    let mut bench = quiet(patient()).await;
    let id = fail(&bench, "app").await;
    after(&bench, 14).await;
    assert_eq!(told(&bench, "w", "incident.escalated").await, 0);
    bench.restart().await;
    after(&bench, 2).await;
    assert_eq!(told(&bench, "w", "incident.escalated").await, 1);
    after(&bench, 600).await;
    assert_eq!(told(&bench, "w", "incident.escalated").await, 1, "once");
    let events = bench.get(&format!("incidents/{id}")).await.at("/data/events");
    let lines: Vec<&Value> =
        events.as_array().unwrap().iter().filter(|one| one["kind"] == "escalated").collect();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["text"], "nobody has taken it: told to w");
    // Who changes something has all looked at again, and who was told was told.
    put(&bench, "other", "http://127.0.0.1:9/", json!({ "escalate_after": "30d" })).await.expect_status(200);
    after(&bench, 1).await;
    assert_eq!(told(&bench, "w", "incident.escalated").await, 1, "once");
    heal(&bench).await;
    assert_eq!(watches(&bench), 0, "nothing is left to look at");
}

#[tokio::test]
async fn who_acknowledges_or_heals_in_time_spares_the_next() {
    let bench = quiet(patient()).await;
    let id = fail(&bench, "app").await;
    bench.post(&format!("incidents/{id}/ack"), json!({})).await.expect_status(200);
    after(&bench, 20).await;
    assert_eq!((told(&bench, "w", "incident.escalated").await, watches(&bench)), (0, 0));
    heal(&bench).await;
    // Opened again it waits for somebody anew.
    fail(&bench, "app").await;
    after(&bench, 14).await;
    assert_eq!(told(&bench, "w", "incident.escalated").await, 0);
    after(&bench, 2).await;
    assert_eq!(told(&bench, "w", "incident.escalated").await, 1);
}

#[tokio::test]
async fn it_is_told_again_where_that_is_wanted_and_who_comes_later_is_told_of_what_is_open() {
    let bench = quiet(json!({ "escalate_after": "15m", "escalate_repeat": "1h" })).await;
    fail(&bench, "app").await;
    after(&bench, 16).await;
    after(&bench, 61).await;
    assert_eq!(told(&bench, "w", "incident.escalated").await, 2);
    put(&bench, "late", "http://127.0.0.1:9/", patient()).await.expect_status(200);
    after(&bench, 1).await;
    assert_eq!(told(&bench, "late", "incident.escalated").await, 1);
    assert_eq!(told(&bench, "w", "incident.escalated").await, 2);
}

#[tokio::test]
async fn in_a_silence_nobody_is_told_and_the_time_counts_from_its_end() {
    let bench = quiet(patient()).await;
    fail(&bench, "app").await;
    let silence = json!({ "target": "t", "for": "1h", "reason": "a failover test" });
    bench.post("silences", silence).await.expect_status(200);
    after(&bench, 16).await;
    after(&bench, 45).await;
    assert_eq!(told(&bench, "w", "incident.escalated").await, 0);
    after(&bench, 10).await;
    assert_eq!(told(&bench, "w", "incident.escalated").await, 0, "a quarter of an hour from its end");
    after(&bench, 6).await;
    assert_eq!(told(&bench, "w", "incident.escalated").await, 1);
}

#[tokio::test]
async fn who_hears_of_it_when_a_silence_is_ended_by_hand_has_the_whole_time_from_then() {
    let bench = quiet(patient()).await;
    let silence = json!({ "target": "t", "for": "1h", "reason": "a failover test" });
    let silenced = bench.post("silences", silence).await;
    silenced.expect_status(200);
    fail(&bench, "app").await;
    after(&bench, 10).await;
    let path = format!("silences/{}", silenced.at("/data/id").as_str().unwrap());
    bench.vault.root("DELETE", &path, "").await.expect_status(204);
    after(&bench, 0).await;
    after(&bench, 14).await;
    assert_eq!(told(&bench, "w", "incident.escalated").await, 0);
    after(&bench, 2).await;
    assert_eq!(told(&bench, "w", "incident.escalated").await, 1);
}

#[tokio::test]
async fn what_is_not_bad_enough_is_not_told_until_it_is() {
    let impatient =
        json!({ "min_severity": "critical", "events": "incident.opened", "escalate_after": "2h" });
    let bench = quiet(impatient).await;
    put(&bench, "all", "http://127.0.0.1:9/", json!({ "events": "incident.opened" }))
        .await
        .expect_status(200);
    fail(&bench, "app").await;
    assert_eq!(
        (told(&bench, "w", "incident.opened").await, told(&bench, "all", "incident.opened").await),
        (0, 1)
    );
    bench.target.break_down(FaultClass::ManagementAuthRefused);
    after(&bench, 60).await;
    let opened = (told(&bench, "w", "incident.opened").await, told(&bench, "all", "incident.opened").await);
    assert_eq!(opened, (1, 1), "who was told knows of it");
    assert_eq!(told(&bench, "w", "incident.escalated").await, 0);
    after(&bench, 70).await;
    assert_eq!(told(&bench, "w", "incident.escalated").await, 1, "since it waits, not since it is so bad");
}
