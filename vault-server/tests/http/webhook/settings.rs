//! What may be configured, by whom; and what is left of what was.

use serde_json::json;
use vault_core::id::EventId;

use super::receiver::{Receiver, Reply};
use super::{bench, hook, put, records, rotate, standing};
use crate::bench::Bench;
use crate::vault::seconds;

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

fn mail(more: serde_json::Value) -> serde_json::Value {
    let mut body = json!({
        "format": "mail", "url": "smtp://mail.example", "mail_from": "a@b.example", "mail_to": "c@d.example",
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

#[tokio::test]
async fn the_password_of_a_mail_server_is_shown_nowhere_and_stays_when_it_is_not_named() {
    let bench = Bench::new().await;
    let login = json!({ "username": "vault", "password": "s3cret-of-the-mail" });
    bench.post("sys/webhooks/w", mail(login)).await.expect_status(200);
    bench.post("sys/webhooks/w", json!({ "mail_to": "e@f.example,g@h.example" })).await.expect_status(200);
    let read = bench.get("sys/webhooks/w").await;
    assert_eq!(read.at("/data/mail_to"), json!(["e@f.example", "g@h.example"]));
    assert_eq!(
        (read.at("/data/mail_from"), read.at("/data/username")),
        (json!("a@b.example"), json!("vault"))
    );
    let audit = std::fs::read_to_string(&bench.vault.app.config.audit_file).unwrap();
    assert!(!read.text.contains("s3cret") && !audit.contains("s3cret"));
    // It is there: without the user it would be too much.
    let refused = bench.post("sys/webhooks/w", json!({ "username": "" })).await;
    assert!(refused.text.contains("go together"), "{}", refused.text);
    let empty = json!({ "format": "standard", "url": "https://hooks.example/", "mail_from": "", "mail_to": "", "username": "", "password": "" });
    bench.post("sys/webhooks/w", empty).await.expect_status(200);
    assert_eq!(bench.get("sys/webhooks/w").await.at("/data/mail_from"), json!(null));
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
        (json!({ "url": "https://hooks.example/", "rate_limit": 6001 }), "rate_limit"),
        (json!({ "url": "https://hooks.example/", "mail_from": "a@b.example" }), "format=mail only"),
        (json!({ "url": "smtp://mail.example", "format": "mail" }), "needs mail_from and mail_to"),
        (mail(json!({ "url": "https://mail.example" })), "smtp://mail.example:587"),
        (mail(json!({ "url": "smtp://a:b@mail.example" })), "username and password"),
        (mail(json!({ "url": "smtp://169.254.169.254" })), "never asked"),
        (mail(json!({ "mail_from": "nobody" })), "mail_from"),
        (mail(json!({ "mail_from": "a@b.example\r\nBcc: c@d.example" })), "mail_from"),
        (mail(json!({ "mail_to": "a@b.example,nobody" })), "mail_to"),
        (mail(json!({ "mail_to": vec!["a@b.example"; 21] })), "at most 20"),
        (mail(json!({ "username": "u" })), "go together"),
        (mail(json!({ "password": "p" })), "go together"),
        (mail(json!({ "username": "u", "password": "p\n" })), "control characters"),
        (mail(json!({ "username": "u", "password": "p", "allow_http": true })), "never sent in plain text"),
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
