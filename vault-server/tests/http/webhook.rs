//! Webhooks: who is told, what came of it, and that nothing is lost or told twice for another reason than a crash.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use vault_core::rotation::fault::FaultClass;
use vault_core::store::key::Table;

use self::receiver::{Receiver, Reply};
use super::bench::Bench;
use super::vault::{Reply as Answer, seconds};

mod escalation;
mod format;
mod limit;
mod notified;
pub(super) mod receiver;
mod settings;
mod team;

/// A vault whose deliveries run.
async fn bench() -> Bench {
    let bench = Bench::new().await;
    deliver(&bench);
    bench
}

/// Has deliveries run.
pub(super) fn deliver(bench: &Bench) {
    let app = std::sync::Arc::clone(&bench.vault.app);
    tokio::spawn(async move { app.webhooks.run_until(&app.shutdown).await });
}

/// Configures the webhook `w` for `receiver`; its secret.
async fn hook(bench: &Bench, receiver: &Receiver, more: Value) -> String {
    let written = put(bench, "w", &receiver.url(), more).await;
    written.expect_status(200);
    written.at("/data/secret").as_str().unwrap().to_owned()
}

async fn put(bench: &Bench, name: &str, url: &str, more: Value) -> Answer {
    let mut body = json!({ "url": url, "timeout": "1s", "retry_base": "10s", "retry_cap": "10s" });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    bench.post(&format!("sys/webhooks/{name}"), body).await
}

async fn rotate(bench: &Bench, account: &str) {
    bench.post(&format!("accounts/rotate/{account}"), json!({})).await.expect_status(200);
    bench.rest().await;
}

/// Waits until so many deliveries of `w` stand so; gives them, the newest first.
async fn standing(bench: &Bench, state: &str, count: usize) -> Vec<Value> {
    let mut found = Vec::new();
    for _ in 0..1500 {
        let path = format!("sys/webhooks/w/deliveries?state={state}");
        found = bench.get(&path).await.at("/data/deliveries").as_array().unwrap().clone();
        if found.len() == count {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{count} were to be {state}: {found:?}");
}

fn records(bench: &Bench) -> usize {
    let names = |table| bench.vault.app.barrier.names(table, b"", None, 1000).unwrap().len();
    names(Table::WebhookQueue) + names(Table::WebhookLog)
}

#[tokio::test]
async fn a_rotation_is_told_signed_once_and_without_a_secret() {
    let (bench, receiver) = (bench().await, Receiver::start().await);
    bench.account("app", "p-1").await;
    let secret = hook(&bench, &receiver, json!({})).await;
    rotate(&bench, "app").await;
    let came = receiver.expect(2).await;
    let kinds: Vec<&str> = came.iter().map(|message| message.kind()).collect();
    assert!(kinds.contains(&"credential.promoted") && kinds.contains(&"credential.retired"), "{kinds:?}");
    let promoted = came.iter().find(|message| message.kind() == "credential.promoted").unwrap();
    let data = &promoted.body["data"];
    assert_eq!(
        (&data["account"], &data["target"], &data["version"], &data["previous_version"]),
        (&json!("app"), &json!("t"), &json!(2), &json!(1))
    );
    assert!(data["rotation_id"].is_string() && promoted.body["timestamp"].is_string());
    assert_eq!(promoted.headers["content-type"], "application/json");
    let password = bench.password("app").await;
    for message in &came {
        assert_eq!(message.signed_by(&secret), (1, 1));
        assert!(message.id.starts_with("msg_"));
        assert!(!message.body.to_string().contains(&password));
    }
    let log = standing(&bench, "delivered", 2).await;
    assert!(log.iter().all(|one| one["attempts"] == 1 && one["last_status"] == 204), "{log:?}");
    let ids: Vec<&str> = came.iter().map(|message| message.id.as_str()).collect();
    assert!(log.iter().all(|one| ids.contains(&one["message_id"].as_str().unwrap())));
    let read = bench.get("sys/webhooks/w").await;
    assert_eq!((read.at("/data/delivered"), read.at("/data/pending")), (json!(2), json!(0)));
    assert!(!read.text.contains("whsec_"), "the secret is shown once");
    let audit = std::fs::read_to_string(&bench.vault.app.config.audit_file).unwrap();
    assert!(!audit.contains("whsec_") && !audit.contains(&receiver.url()), "neither is for the trail");
}

#[tokio::test]
async fn without_a_webhook_that_asks_nothing_is_written() {
    let (bench, receiver) = (bench().await, Receiver::start().await);
    bench.account("app", "p-1").await;
    bench.account("other", "p-1").await;
    rotate(&bench, "app").await;
    assert_eq!(records(&bench), 0);
    hook(&bench, &receiver, json!({ "accounts": "oth*", "events": "credential.promoted" })).await;
    rotate(&bench, "app").await;
    assert_eq!(records(&bench), 0);
    rotate(&bench, "other").await;
    let came = receiver.expect(1).await;
    assert_eq!(came[0].body["data"]["account"], "other");
    standing(&bench, "delivered", 1).await;
    put(&bench, "w", &receiver.url(), json!({ "disabled": true })).await.expect_status(200);
    rotate(&bench, "other").await;
    assert_eq!(records(&bench), 1);
}

#[tokio::test]
async fn what_was_not_taken_is_sent_again_under_the_same_id_and_given_up_at_last() {
    let (bench, receiver) = (bench().await, Receiver::start().await);
    bench.account("app", "p-1").await;
    hook(&bench, &receiver, json!({ "events": "credential.promoted", "max_attempts": 4 })).await;
    receiver.replies(&[Reply::Status(500), Reply::Redirect, Reply::Hang, Reply::Status(404)]);
    rotate(&bench, "app").await;
    let mut errors = Vec::new();
    for attempt in 1..=3_usize {
        receiver.expect(attempt).await;
        loop {
            let pending = &standing(&bench, "pending", 1).await[0];
            if pending["attempts"] == attempt {
                errors.push(pending["last_error"].clone());
                assert!(pending["next_attempt"].is_string());
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        bench.disk.clock.advance(seconds(10));
    }
    let dead = standing(&bench, "dead", 1).await;
    errors.push(dead[0]["last_error"].clone());
    assert_eq!(errors, ["failed", "redirect", "timeout", "refused"]);
    assert_eq!((&dead[0]["attempts"], &dead[0]["last_status"]), (&json!(4), &json!(404)));
    let came = receiver.came();
    assert_eq!(came.len(), 4, "a redirect is not followed");
    assert!(came.iter().all(|message| message.id == came[0].id));
    // A person has mended the receiver.
    let retry = format!("sys/webhooks/w/deliveries/{}/retry", dead[0]["id"].as_str().unwrap());
    bench.post(&retry, json!({})).await.expect_status(200);
    let delivered = standing(&bench, "delivered", 1).await;
    assert_eq!(delivered[0]["attempts"], 1);
    assert_eq!(receiver.expect(5).await[4].id, came[0].id);
    let metrics = bench.get("sys/metrics").await.text;
    for line in [
        "rotunda_webhook_attempts_total{result=\"failed\",class=\"redirect\"} 1",
        "rotunda_webhook_attempts_total{result=\"delivered\",class=\"\"} 1",
        "rotunda_webhook_messages_given_up_total 1",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
}

#[tokio::test]
async fn who_says_that_it_is_gone_is_not_asked_again() {
    let (bench, receiver) = (bench().await, Receiver::start().await);
    bench.account("app", "p-1").await;
    hook(&bench, &receiver, json!({ "events": "credential.promoted" })).await;
    receiver.replies(&[Reply::Status(410)]);
    rotate(&bench, "app").await;
    assert_eq!(standing(&bench, "dead", 1).await[0]["last_error"], "gone");
    // The next event is another message.
    rotate(&bench, "app").await;
    standing(&bench, "delivered", 1).await;
}

#[tokio::test]
async fn garbage_and_endless_answers_do_no_harm() {
    let (bench, receiver) = (bench().await, Receiver::start().await);
    bench.account("app", "p-1").await;
    hook(&bench, &receiver, json!({ "events": "credential.promoted" })).await;
    receiver.replies(&[Reply::Endless]);
    rotate(&bench, "app").await;
    assert_eq!(standing(&bench, "delivered", 1).await[0]["last_status"], 200);

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut some = [0; 1024];
            let _ = stream.read(&mut some).await;
            let _ = stream.write_all(b"\x16\x03\x01 this is no HTTP\r\n\r\n").await;
        }
    });
    put(&bench, "garbage", &url, json!({})).await.expect_status(200);
    let tested = bench.post("sys/webhooks/garbage/test", json!({})).await;
    tested.expect_status(200);
    assert_eq!((tested.at("/data/state"), tested.at("/data/last_error")), (json!("dead"), json!("broken")));
    assert!(tested.json()["warnings"][0].as_str().unwrap().contains("not taken"));
}

#[tokio::test]
async fn a_receiver_that_was_down_hears_it_all_when_it_is_back_and_delays_nobody_else() {
    let (bench, receiver, quick) = (bench().await, Receiver::start().await, Receiver::start().await);
    bench.account("app", "p-1").await;
    hook(&bench, &receiver, json!({ "events": "credential.promoted" })).await;
    put(&bench, "quick", &quick.url(), json!({ "events": "credential.promoted" })).await.expect_status(200);
    let up = receiver.down().await;
    for _ in 0..3 {
        rotate(&bench, "app").await;
    }
    assert_eq!(quick.expect(3).await.len(), 3);
    for _ in 0..1500 {
        let pending = standing(&bench, "pending", 3).await;
        if pending.iter().all(|one| one["last_error"] == "unreachable") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let receiver = up().await;
    bench.disk.clock.advance(seconds(10));
    standing(&bench, "delivered", 3).await;
    let versions = |receiver: &Receiver| {
        let mut found: Vec<u64> =
            receiver.came().iter().map(|message| message.body["data"]["version"].as_u64().unwrap()).collect();
        found.sort_unstable();
        found
    };
    assert_eq!((versions(&receiver), versions(&quick)), (vec![2, 3, 4], vec![2, 3, 4]));
    // The two were told of the same events.
    let ids = |receiver: &Receiver| {
        let mut ids: Vec<String> = receiver.came().into_iter().map(|message| message.id).collect();
        ids.sort();
        ids
    };
    assert_eq!(ids(&receiver), ids(&quick));
}

#[tokio::test]
async fn a_receiver_that_hangs_holds_up_its_own_messages_only() {
    let (bench, slow, quick) = (bench().await, Receiver::start().await, Receiver::start().await);
    bench.account("app", "p-1").await;
    slow.always(Reply::Hang);
    hook(&bench, &slow, json!({ "events": "credential.promoted", "timeout": "60s" })).await;
    put(&bench, "quick", &quick.url(), json!({ "events": "credential.promoted" })).await.expect_status(200);
    for _ in 0..20 {
        rotate(&bench, "app").await;
    }
    assert_eq!(quick.expect(20).await.len(), 20);
    assert!(slow.came().len() <= 8, "so many at a time");
}

#[tokio::test]
async fn what_was_committed_is_delivered_after_a_crash() {
    let receiver = Receiver::start().await;
    let mut bench = Bench::new().await;
    bench.account("app", "p-1").await;
    let secret = hook(&bench, &receiver, json!({})).await;
    // Nobody delivers here.
    rotate(&bench, "app").await;
    assert_eq!((records(&bench), receiver.came().len()), (2, 0));
    bench.restart().await;
    deliver(&bench);
    let came = receiver.expect(2).await;
    assert!(came.iter().all(|message| message.signed_by(&secret) == (1, 1)));
    standing(&bench, "delivered", 2).await;
}

#[tokio::test]
async fn nothing_is_delivered_while_sealed_and_all_of_it_afterwards() {
    let (bench, receiver) = (bench().await, Receiver::start().await);
    bench.account("app", "p-1").await;
    hook(&bench, &receiver, json!({ "events": "credential.promoted" })).await;
    receiver.replies(&[Reply::Status(503)]);
    rotate(&bench, "app").await;
    receiver.expect(1).await;
    standing(&bench, "pending", 1).await;
    bench.vault.app.seal.seal().await;
    bench.disk.clock.advance(seconds(60));
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(receiver.came().len(), 1);
    bench.unseal().await;
    receiver.expect(2).await;
    standing(&bench, "delivered", 1).await;
}

#[tokio::test]
async fn failures_incidents_and_their_ends_are_told_once_each() {
    let (bench, receiver) = (bench().await, Receiver::start().await);
    bench.account("app", "p-1").await;
    hook(&bench, &receiver, json!({})).await;
    bench.target.break_down(FaultClass::Unreachable);
    let _ = bench.post("accounts/rotate/app", json!({})).await;
    bench.rest().await;
    for _ in 0..3 {
        bench.disk.clock.advance(seconds(400));
        bench.tick().await;
    }
    bench.target.heal();
    bench.disk.clock.advance(seconds(400));
    bench.tick().await;
    let came = receiver.expect(4).await;
    let mut kinds: Vec<&str> = came.iter().map(|message| message.kind()).collect();
    kinds.sort_unstable();
    let want = ["credential.promoted", "credential.retired", "incident.closed", "incident.opened"];
    assert_eq!(kinds, want, "each attempt is no news, and its target's incident speaks for the account");
    // What is the account's own is told by itself, too.
    bench.target.break_down(FaultClass::AccountMissing);
    let _ = bench.post("accounts/rotate/app", json!({})).await;
    let came = receiver.expect(7).await;
    let of = |kind: &str| came.iter().skip(4).find(|message| message.kind() == kind).unwrap();
    let failed = of("rotation.failed");
    assert_eq!(
        (&failed.body["data"]["class"], &failed.body["data"]["attempts"]),
        (&json!("account_missing"), &json!(1))
    );
    assert_eq!(of("incident.opened").body["data"]["incident_id"], failed.body["data"]["incident_id"]);
    assert_eq!(of("rotation.parked").body["data"]["class"], "account_missing");
}

#[tokio::test]
async fn a_message_that_is_tried_again_while_all_are_read_is_shown_and_counted_once() {
    let bench = bench().await;
    for name in ["a", "b", "c"] {
        bench.account(name, "p-1").await;
        put(&bench, "w", "http://127.0.0.1:9/", json!({ "max_attempts": 100 })).await.expect_status(200);
        rotate(&bench, name).await;
    }
    for _ in 0..150 {
        bench.disk.clock.advance(seconds(10));
        bench.vault.app.engine.outbox().committed();
        let all = bench.get("sys/webhooks/w/deliveries").await.at("/data/deliveries");
        let ids = all.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap());
        let ids: Vec<&str> = ids.collect();
        let once: std::collections::BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(ids.len(), once.len(), "{ids:?}");
        let counts = bench.get("sys/webhooks/w").await;
        let sum = |state: &str| counts.at(&format!("/data/{state}")).as_u64().unwrap();
        assert_eq!(sum("pending") + sum("dead"), 6, "{}", counts.text);
    }
}
