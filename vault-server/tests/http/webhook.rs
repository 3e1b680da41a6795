//! Webhooks: who is told, what came of it, and that nothing is lost or told twice for another reason than a crash.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use vault_core::id::EventId;
use vault_core::rotation::fault::FaultClass;
use vault_core::store::key::Table;

use self::receiver::{Receiver, Reply};
use super::bench::Bench;
use super::vault::{Reply as Answer, seconds};

mod receiver;

/// A vault whose deliveries run.
async fn bench() -> Bench {
    let bench = Bench::new().await;
    deliver(&bench);
    bench
}

fn deliver(bench: &Bench) {
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
    let came = receiver.expect(5).await;
    let mut kinds: Vec<&str> = came.iter().map(|message| message.kind()).collect();
    kinds.sort_unstable();
    let want = [
        "credential.promoted",
        "credential.retired",
        "incident.closed",
        "incident.opened",
        "rotation.failed",
    ];
    assert_eq!(kinds, want, "each attempt is no news");
    let failed = came.iter().find(|message| message.kind() == "rotation.failed").unwrap();
    assert_eq!(
        (&failed.body["data"]["class"], &failed.body["data"]["attempts"]),
        (&json!("unreachable"), &json!(1))
    );
    let opened = came.iter().find(|message| message.kind() == "incident.opened").unwrap();
    assert_eq!(opened.body["data"]["incident_id"], failed.body["data"]["incident_id"]);
}

#[tokio::test]
async fn two_secrets_sign_while_one_takes_the_others_place() {
    let (bench, receiver) = (bench().await, Receiver::start().await);
    let old = hook(&bench, &receiver, json!({})).await;
    let test = async || bench.post("sys/webhooks/w/test", json!({})).await.at("/data/state");
    let rotated = bench.post("sys/webhooks/w/rotate-secret", json!({ "overlap": "1h" })).await;
    rotated.expect_status(200);
    let new = rotated.at("/data/secret").as_str().unwrap().to_owned();
    assert_eq!(test().await, "delivered");
    let read = bench.get("sys/webhooks/w").await;
    assert_eq!(read.at("/data/former_secret_until"), rotated.at("/data/former_secret_until"));
    let both = &receiver.came()[0];
    assert_eq!((both.signed_by(&old), both.signed_by(&new)), ((1, 2), (1, 2)));
    bench.disk.clock.advance(seconds(3600));
    test().await;
    let one = &receiver.came()[1];
    assert_eq!((one.signed_by(&old), one.signed_by(&new)), ((0, 1), (1, 1)));
    assert_eq!(one.kind(), "webhook.test");
    // One that a person brings is not shown; and without an overlap the old one is dead at once.
    let given = json!({ "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "overlap": "0s" });
    let rotated = bench.post("sys/webhooks/w/rotate-secret", given).await;
    assert!(rotated.at("/data").get("secret").is_none());
    test().await;
    assert_eq!(receiver.came()[2].signed_by("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), (1, 1));
}

#[tokio::test]
async fn what_cannot_work_is_refused_with_what_to_mend() {
    let bench = Bench::new().await;
    for (body, says) in [
        (json!({}), "missing 'url'"),
        (json!({ "url": "http://hooks.example/" }), "plain http only to this machine"),
        (json!({ "url": "http://169.254.169.254/", "allow_http": true }), "never asked"),
        (json!({ "url": "https://a:b@hooks.example/" }), "must not hold a user"),
        (json!({ "url": "https://hooks.example/", "events": "credential.stolen" }), "credential.promoted"),
        (json!({ "url": "https://hooks.example/", "secret": "short" }), "whsec_"),
        (json!({ "url": "https://hooks.example/", "tls_ca": "no certificate" }), "tls_ca"),
        (json!({ "url": "https://hooks.example/", "timeout": "61s" }), "timeout"),
        (json!({ "url": "https://hooks.example/", "max_attempts": 0 }), "max_attempts"),
        (json!({ "url": "https://hooks.example/", "retry_cap": "25h" }), "retry_cap"),
    ] {
        let refused = bench.post("sys/webhooks/w", body.clone()).await;
        refused.expect_status(400);
        assert!(refused.text.contains(says), "{body}: {}", refused.text);
    }
    bench.get("sys/webhooks/w").await.expect_status(404);
    bench.post("sys/webhooks/w/test", json!({})).await.expect_status(404);
    for number in 0..16 {
        put(&bench, &format!("w{number}"), "https://hooks.example/", json!({})).await.expect_status(200);
    }
    put(&bench, "w16", "https://hooks.example/", json!({})).await.expect_status(409);
    put(&bench, "w3", "https://hooks.example/2", json!({})).await.expect_status(200);
    let changed = put(
        &bench,
        "w3",
        "https://hooks.example/2",
        json!({ "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" }),
    );
    assert!(changed.await.text.contains("rotate-secret"));
}

#[tokio::test]
async fn a_webhook_needs_sudo_and_its_log_does_not() {
    let (bench, receiver) = (bench().await, Receiver::start().await);
    hook(&bench, &receiver, json!({})).await;
    let policy = r#"path "sys/webhooks/*" { capabilities = ["create", "read", "update", "delete", "list"] }"#;
    bench.vault.policy("sre", policy).await;
    let sre = bench.vault.token(r#"{"policies":["sre"]}"#).await;
    let call =
        async |method: &str, path: &str, body: &str| bench.vault.call(method, path, &sre, body).await.status;
    let body = json!({ "url": receiver.url() }).to_string();
    for (method, path, want) in [
        ("POST", "sys/webhooks/w", 403),
        ("POST", "sys/webhooks/w/rotate-secret", 403),
        ("DELETE", "sys/webhooks/w", 403),
        ("GET", "sys/webhooks/w", 200),
        ("GET", "sys/webhooks/w/deliveries", 200),
        ("POST", "sys/webhooks/w/test", 200),
    ] {
        let body = if method == "POST" { &body } else { "" };
        assert_eq!(call(method, path, body).await, want, "{method} {path}");
    }
}

#[tokio::test]
async fn a_webhook_that_is_removed_leaves_nothing_behind() {
    let (bench, receiver) = (bench().await, Receiver::start().await);
    bench.account("app", "p-1").await;
    hook(&bench, &receiver, json!({ "events": "credential.promoted" })).await;
    rotate(&bench, "app").await;
    standing(&bench, "delivered", 1).await;
    receiver.replies(&[Reply::Status(500)]);
    rotate(&bench, "app").await;
    let pending = standing(&bench, "pending", 1).await;
    bench.vault.root("DELETE", "sys/webhooks/w", "").await.expect_status(204);
    // One of the same name is another one.
    hook(&bench, &receiver, json!({ "events": "credential.promoted" })).await;
    assert_eq!(bench.get("sys/webhooks/w").await.at("/data/pending"), 0);
    let id = pending[0]["id"].as_str().unwrap();
    bench.get(&format!("sys/webhooks/w/deliveries/{id}")).await.expect_status(404);
    assert!(EventId::parse(id).is_some());
    bench.vault.app.webhooks.tidy().await.unwrap();
    assert_eq!(records(&bench), 0);
}

#[tokio::test]
async fn the_log_forgets_what_is_old() {
    let (bench, receiver) = (bench().await, Receiver::start().await);
    bench.account("app", "p-1").await;
    hook(&bench, &receiver, json!({ "events": "credential.promoted" })).await;
    receiver.replies(&[Reply::Status(410)]);
    rotate(&bench, "app").await;
    standing(&bench, "dead", 1).await;
    rotate(&bench, "app").await;
    standing(&bench, "delivered", 1).await;
    for (days, want) in [(6, 2), (2, 1), (30, 0)] {
        bench.disk.clock.advance(seconds(days * 86_400));
        bench.vault.app.webhooks.tidy().await.unwrap();
        assert_eq!(records(&bench), want, "{days} days later");
    }
    let metrics = bench.get("sys/metrics").await.text;
    assert!(metrics.contains("rotunda_webhook_messages_dead 0"), "{metrics}");
}
