//! More than a receiver is sent in a minute: kept back, told in one, and never lost; and a queue that has an end.

use serde_json::{Value, json};
use vault_core::id::{EventId, WebhookId};
use vault_core::rotation::fault::FaultClass;
use vault_core::store::batch::BATCH_WRITES_MAX;
use vault_core::store::key::Table;
use vault_core::webhook::queue_key;
use vault_core::webhook::rate::PENDING_MAX;

use super::receiver::{Message, Receiver, Reply};
use super::{bench, deliver, hook, put, rotate, standing};
use crate::bench::Bench;
use crate::vault::seconds;

async fn minute(bench: &Bench) {
    bench.disk.clock.advance(seconds(60));
}

fn summaries(came: &[Message]) -> Vec<Value> {
    let data = |one: &Message| one.body.get("data").cloned().unwrap();
    came.iter().filter(|one| one.kind() == "webhook.summary").map(data).collect()
}

/// Accounts that fail, each with an incident of its own.
async fn broken(bench: &Bench, names: &[&str]) {
    for name in names {
        bench.account(name, "p-1").await;
    }
    bench.target.break_down(FaultClass::PolicyRejected);
    for name in names {
        let _ = bench.post(&format!("accounts/rotate/{name}"), json!({})).await;
        bench.rest().await;
    }
}

async fn incidents(bench: &Bench) -> Vec<Value> {
    bench.get("incidents?state=all").await.at("/data/incidents").as_array().unwrap().clone()
}

async fn notified(bench: &Bench) -> usize {
    let mut count = 0;
    for one in incidents(bench).await {
        let id = one.get("id").and_then(Value::as_str).unwrap().to_owned();
        let read = bench.get(&format!("incidents/{id}")).await;
        count += usize::from(read.at("/data/marks/t4").is_string());
    }
    count
}

fn notes(bench: &Bench) -> usize {
    bench.vault.app.barrier.names(Table::WebhookNote, b"", None, 100).unwrap().len()
}

#[tokio::test]
async fn what_comes_above_the_limit_is_told_in_one_and_the_next_minute_has_room_again() {
    let (bench, receiver) = (bench().await, Receiver::start().await);
    bench.account("app", "p-1").await;
    bench.account("other", "p-1").await;
    hook(&bench, &receiver, json!({ "events": "credential.promoted", "rate_limit": 3 })).await;
    for _ in 0..4 {
        rotate(&bench, "app").await;
    }
    rotate(&bench, "other").await;
    let summed = standing(&bench, "summed", 2).await;
    standing(&bench, "delivered", 3).await;
    assert_eq!(summaries(&receiver.came()), Vec::<Value>::new(), "the minute is not over");
    minute(&bench).await;
    standing(&bench, "delivered", 4).await;
    let came = receiver.expect(4).await;
    let told = summaries(&came);
    assert_eq!((came.len(), told.len()), (4, 1), "the others are not sent");
    assert_eq!((&told[0]["total"], &told[0]["kinds"]), (&json!(2), &json!({ "credential.promoted": 2 })));
    assert_eq!(told[0]["accounts"], json!(["app", "other"]));
    // The log says in which message.
    let summary = came.iter().find(|one| one.kind() == "webhook.summary").unwrap();
    assert!(summed.iter().all(|one| summary.id == format!("msg_{}", one["summary"].as_str().unwrap())));
    let read = bench.get("sys/webhooks/w").await;
    assert_eq!((read.at("/data/summed"), read.at("/data/rate_limit")), (json!(2), json!(3)));
    assert_eq!(notes(&bench), 0, "nothing is left open");
    rotate(&bench, "app").await;
    standing(&bench, "delivered", 5).await;
    // A person may have one of them sent all the same.
    let retry = format!("sys/webhooks/w/deliveries/{}/retry", summed[0]["id"].as_str().unwrap());
    bench.post(&retry, json!({})).await.expect_status(200);
    standing(&bench, "delivered", 6).await;
    let metrics = bench.get("sys/metrics").await.text;
    assert!(metrics.contains("rotunda_webhook_messages_summed_total 2"), "{metrics}");
}

#[tokio::test]
async fn who_is_told_in_a_summary_is_notified_when_it_is_taken_and_not_before() {
    let (bench, receiver) = (bench().await, Receiver::start().await);
    hook(&bench, &receiver, json!({ "events": "incident.opened", "rate_limit": 1 })).await;
    broken(&bench, &["a", "b", "c"]).await;
    standing(&bench, "summed", 2).await;
    standing(&bench, "delivered", 1).await;
    assert_eq!((incidents(&bench).await.len(), notified(&bench).await), (3, 1));
    assert_eq!(notes(&bench), 3, "the sum, and who is to be marked");
    receiver.always(Reply::Status(503));
    minute(&bench).await;
    receiver.expect(2).await;
    standing(&bench, "pending", 1).await;
    assert_eq!(notified(&bench).await, 1, "it was not taken");
    receiver.always(Reply::Status(204));
    minute(&bench).await;
    standing(&bench, "delivered", 2).await;
    assert_eq!((notified(&bench).await, notes(&bench)), (3, 0));
    let told = summaries(&receiver.came());
    let named = told[0]["incidents"].as_array().unwrap().len();
    assert_eq!((&told[0]["total"], named, &told[0]["severity"]), (&json!(2), 2, &json!("error")));
}

#[tokio::test]
async fn the_minute_and_what_was_kept_back_in_it_outlive_a_crash() {
    let receiver = Receiver::start().await;
    let mut bench = bench().await;
    bench.account("app", "p-1").await;
    hook(&bench, &receiver, json!({ "events": "credential.promoted", "rate_limit": 2 })).await;
    for _ in 0..3 {
        rotate(&bench, "app").await;
    }
    standing(&bench, "summed", 1).await;
    standing(&bench, "delivered", 2).await;
    bench.vault.app.shutdown.begin();
    bench.restart().await;
    deliver(&bench);
    rotate(&bench, "app").await;
    standing(&bench, "summed", 2).await;
    assert_eq!(receiver.came().len(), 2, "the minute is the same");
    minute(&bench).await;
    standing(&bench, "delivered", 3).await;
    let told = summaries(&receiver.came());
    assert_eq!((told.len(), &told[0]["total"]), (1, &json!(2)));
}

/// A pager that is sent so many messages a minute.
async fn pager(bench: &Bench, receiver: &Receiver, rate: u32) {
    let key = "R0UT1NGKEYR0UT1NGKEYR0UT1NGKEY00";
    let more = json!({ "format": "pagerduty", "routing_key": key, "rate_limit": rate });
    put(bench, "w", &receiver.url(), more).await.expect_status(200);
}

#[tokio::test]
async fn what_a_pager_is_not_sent_because_it_is_not_true_any_more_keeps_nothing_back() {
    let (bench, receiver) = (bench().await, Receiver::start().await);
    pager(&bench, &receiver, 5).await;
    receiver.always(Reply::Status(503));
    broken(&bench, &["a"]).await;
    receiver.expect(1).await;
    let id = incidents(&bench).await[0]["id"].as_str().unwrap().to_owned();
    bench.post(&format!("incidents/{id}/ack"), json!({})).await.expect_status(200);
    receiver.expect(2).await;
    bench.disk.clock.advance(seconds(1));
    broken(&bench, &["b"]).await;
    receiver.expect(3).await;
    standing(&bench, "pending", 3).await;
    receiver.always(Reply::Status(202));
    // Of the two that are left one is for what somebody takes, and one for what has just broken.
    bench.disk.clock.advance(seconds(20));
    standing(&bench, "delivered", 2).await;
    assert_eq!(standing(&bench, "dead", 1).await[0]["last_error"], "overtaken");
    standing(&bench, "summed", 0).await;
}

#[tokio::test]
async fn what_a_pager_is_not_sent_because_it_is_not_true_any_more_is_no_attempt_also_after_a_crash() {
    let (mut bench, receiver) = (bench().await, Receiver::start().await);
    pager(&bench, &receiver, 4).await;
    receiver.always(Reply::Status(503));
    broken(&bench, &["a"]).await;
    receiver.expect(1).await;
    let id = incidents(&bench).await[0]["id"].as_str().unwrap().to_owned();
    bench.post(&format!("incidents/{id}/ack"), json!({})).await.expect_status(200);
    receiver.expect(2).await;
    standing(&bench, "pending", 2).await;
    receiver.always(Reply::Status(202));
    bench.disk.clock.advance(seconds(20));
    standing(&bench, "delivered", 1).await;
    let over = standing(&bench, "dead", 1).await;
    assert_eq!(over[0]["last_error"], "overtaken");
    // Three attempts so far, and not four.
    broken(&bench, &["b"]).await;
    standing(&bench, "delivered", 2).await;
    bench.vault.app.shutdown.begin();
    bench.restart().await;
    pager(&bench, &receiver, 3).await;
    deliver(&bench);
    // By what is stored it was asked twice.
    broken(&bench, &["c"]).await;
    standing(&bench, "delivered", 3).await;
    assert_eq!(standing(&bench, "summed", 0).await.len(), 0);
}

#[tokio::test]
async fn a_critical_incident_and_what_nobody_takes_are_not_kept_back() {
    let (bench, receiver) = (bench().await, Receiver::start().await);
    bench.account("app", "p-1").await;
    bench.account("other", "p-1").await;
    hook(&bench, &receiver, json!({ "rate_limit": 1, "escalate_after": "1m" })).await;
    rotate(&bench, "app").await;
    standing(&bench, "summed", 1).await;
    bench.target.break_down(FaultClass::ManagementAuthRefused);
    let _ = bench.post("accounts/rotate/other", json!({})).await;
    bench.rest().await;
    standing(&bench, "delivered", 2).await;
    let critical = receiver.came().into_iter().find(|one| one.kind() == "incident.opened").unwrap();
    assert_eq!(critical.body["data"]["severity"], "critical");
    // In the minute after, the summary takes all of its room.
    minute(&bench).await;
    came(&receiver, "webhook.summary").await;
    bench.tick().await;
    bench.rest().await;
    came(&receiver, "incident.escalated").await;
}

/// Waits for a message of a kind.
async fn came(receiver: &Receiver, kind: &str) {
    for _ in 0..1500 {
        if receiver.came().iter().any(|one| one.kind() == kind) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("{kind} was kept back: {:?}", receiver.came());
}

#[tokio::test]
async fn a_webhook_that_is_removed_leaves_nothing_open() {
    let (bench, receiver) = (bench().await, Receiver::start().await);
    hook(&bench, &receiver, json!({ "events": "incident.opened", "rate_limit": 1 })).await;
    broken(&bench, &["a", "b"]).await;
    standing(&bench, "summed", 1).await;
    assert_eq!(notes(&bench), 2);
    bench.vault.app.webhooks.tidy().await.unwrap();
    assert_eq!(notes(&bench), 2, "it is open");
    bench.vault.root("DELETE", "sys/webhooks/w", "").await.expect_status(204);
    bench.vault.app.webhooks.tidy().await.unwrap();
    assert_eq!(notes(&bench), 0);
}

/// Puts so many places into the queue of a webhook, without messages: to make each would take minutes.
async fn fill(bench: &Bench, hook: WebhookId, count: u64) {
    let (barrier, clock) = (&bench.vault.app.barrier, &bench.disk.clock);
    let entropy = vault_core::entropy::SeededEntropy::new(11);
    let (mut left, together) = (count, BATCH_WRITES_MAX as u64);
    let now = vault_core::clock::Clock::now(clock.as_ref());
    let due = now.plus(std::time::Duration::from_secs(86_400));
    while left > 0 {
        let mut batch = barrier.transaction().unwrap();
        for _ in 0..left.min(together) {
            batch.mark(Table::WebhookQueue, queue_key(hook, due, EventId::generate(now, &entropy)));
        }
        left -= left.min(together);
        barrier.commit(batch).await.unwrap();
    }
}

#[tokio::test]
async fn a_queue_has_an_end_and_what_finds_no_room_is_in_the_log_and_holds_up_no_commit() {
    let bench = Bench::new().await;
    bench.account("app", "p-1").await;
    let receiver = Receiver::start().await;
    hook(&bench, &receiver, json!({ "events": "credential.promoted" })).await;
    let id = bench.get("sys/webhooks/w").await.at("/data/id").as_str().unwrap().to_owned();
    fill(&bench, WebhookId::parse(&id).unwrap(), PENDING_MAX - 1).await;
    rotate(&bench, "app").await;
    rotate(&bench, "app").await;
    assert_eq!(bench.record("app").versions.current.unwrap().number, 3, "the rotations are committed");
    let dead = standing(&bench, "dead", 1).await;
    assert_eq!((&dead[0]["last_error"], &dead[0]["attempts"]), (&json!("overflow"), &json!(0)));
    assert_eq!(bench.get("sys/webhooks/w").await.at("/data/pending"), json!(1), "the first found room");
    let metrics = bench.get("sys/metrics").await.text;
    assert!(metrics.contains("rotunda_webhook_messages_overflowed_total 1"), "{metrics}");
}
