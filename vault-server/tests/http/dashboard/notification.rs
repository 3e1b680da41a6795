//! Notifications in the browser: who is told, what became of messages, and the test.

use serde_json::json;

use super::Browser;
use crate::bench::Bench;
use crate::webhook::receiver::Receiver;

async fn hook(bench: &Bench, name: &str, url: &str) {
    let body = json!({ "url": url, "timeout": "1s", "events": "credential.promoted" });
    bench.post(&format!("sys/webhooks/{name}"), body).await.expect_status(200);
}

#[tokio::test]
async fn a_webhook_is_shown_and_tried_and_its_log_says_what_came_of_it() {
    let (bench, receiver) = (Bench::new().await, Receiver::start().await);
    let browser = Browser::with_token(&bench.vault, &bench.vault.root).await;
    assert!(browser.get("/ui/notifications").await.text.contains("Nobody is told anything."));
    hook(&bench, "chat", &format!("{}?token=secret-4711", receiver.url())).await;
    hook(&bench, "gone", "http://127.0.0.1:9/secret-4711").await;
    bench.post("sys/webhooks/gone", json!({ "disabled": true })).await.expect_status(200);
    let list = browser.get("/ui/notifications").await.text;
    for text in [
        "<a href=\"/ui/notifications/chat\">chat</a>",
        "<span class=\"badge fine\">enabled</span>",
        "<span class=\"badge warn\">disabled</span>",
        "http://127.0.0.1:9/…",
        "1 to 2 of 2",
    ] {
        assert!(list.contains(text), "{text}: {list}");
    }
    assert!(!list.contains("4711"), "the path of an address may be a secret: {list}");
    let page = browser.get("/ui/notifications/chat").await.text;
    assert!(page.contains(">Test</button>") && page.contains("No message yet."), "{page}");
    assert!(page.contains("credential.promoted") && !page.contains("4711"), "{page}");

    let tried = browser.post("/ui/notifications/chat/test", &[]).await;
    assert_eq!(tried.status, 200, "{}", tried.text);
    assert!(tried.text.contains("The receiver took the test message and answered 204"), "{}", tried.text);
    receiver.expect(1).await;
    let page = browser.get("/ui/notifications/chat?state=delivered").await.text;
    assert!(page.contains("<span class=\"badge fine\">delivered</span>"), "{page}");
    assert!(page.contains("<dt>Delivered</dt><dd>1</dd>"), "{page}");
    let none = browser.get("/ui/notifications/chat?state=dead").await.text;
    assert!(none.contains("No message is dead."), "{none}");

    bench.post("sys/webhooks/gone", json!({ "disabled": false })).await.expect_status(200);
    let vain = browser.post("/ui/notifications/gone/test", &[]).await;
    assert!(
        vain.text.contains("The receiver did not take the test message"),
        "{} {}",
        vain.status,
        vain.text
    );
    assert!(!vain.text.contains("took the test message and"), "{}", vain.text);
}

#[tokio::test]
async fn who_may_look_at_webhooks_and_not_write_them_has_no_button() {
    let bench = Bench::new().await;
    hook(&bench, "chat", "http://127.0.0.1:9/").await;
    let rules = r#"path "sys/webhooks" { capabilities = ["list"] }
                   path "sys/webhooks/chat" { capabilities = ["read"] }"#;
    bench.vault.policy("looks", rules).await;
    let token = bench.vault.token(r#"{"policies":["looks","default"]}"#).await;
    let looker = Browser::with_token(&bench.vault, &token).await;
    let page = looker.get("/ui/notifications/chat").await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(!page.text.contains(">Test</button>"), "{}", page.text);
    assert!(
        page.text.contains("Your token may not read this."),
        "the log is a right of its own: {}",
        page.text
    );
    let refused = looker.post("/ui/notifications/chat/test", &[]).await;
    assert!(refused.status == 403 && refused.text.contains("Nothing was done"), "{}", refused.text);
    assert_eq!(bench.get("sys/webhooks/chat/deliveries").await.at("/data/deliveries"), json!([]));
    assert_eq!(looker.get("/ui/notifications/other").await.status, 403);
    let nobody = bench.vault.token(r#"{"policies":["default"]}"#).await;
    let nobody = Browser::with_token(&bench.vault, &nobody).await.get("/ui/notifications").await;
    assert!(nobody.status == 403 && !nobody.text.contains("chat"), "{}", nobody.text);
}

/// Refusals at `prefix` in the trail.
fn denied(bench: &Bench, prefix: &str) -> Vec<String> {
    let text = std::fs::read_to_string(&bench.vault.app.config.audit_file).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let at = |line: &serde_json::Value, pointer: &str| {
        line.pointer(pointer).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
    };
    let refused = lines.filter(|line| at(line, "/error").contains("denied"));
    let paths = refused.map(|line| at(&line, "/request/path"));
    paths.filter(|path| path.starts_with(prefix)).collect()
}

#[tokio::test]
async fn who_may_not_look_leaves_no_refusal_of_what_nobody_pressed() {
    let bench = Bench::new().await;
    hook(&bench, "chat", "http://127.0.0.1:9/").await;
    hook(&bench, "mine", "http://127.0.0.1:9/").await;
    let rules = r#"path "sys/webhooks" { capabilities = ["list"] }
                   path "sys/webhooks/mine" { capabilities = ["read"] }
                   path "targets/*" { capabilities = ["read", "list"] }"#;
    bench.vault.policy("some", rules).await;
    let some = bench.vault.token(r#"{"policies":["some","default"]}"#).await;
    let nobody = bench.vault.token(r#"{"policies":["default"]}"#).await;
    let (some, nobody) =
        (Browser::with_token(&bench.vault, &some).await, Browser::with_token(&bench.vault, &nobody).await);
    for (browser, uri, status) in [
        (&nobody, "/ui/notifications", 403),
        (&nobody, "/ui/notifications/chat", 403),
        (&nobody, "/ui/silences", 403),
        (&some, "/ui/notifications", 200),
        (&some, "/ui/notifications/mine", 200),
        (&some, "/ui/notifications/chat", 403),
        (&some, "/ui/targets/t", 200),
    ] {
        let page = browser.get(uri).await;
        assert_eq!(page.status, status, "{uri}: {}", page.text);
        assert!(page.text.contains("Your token may not read this."), "{uri}: {}", page.text);
    }
    assert_eq!(denied(&bench, "sys/webhooks"), [""; 0]);
    assert_eq!(denied(&bench, "silences"), [""; 0]);
    // What somebody presses is refused by the API, and that is in the trail.
    assert_eq!(some.post("/ui/notifications/mine/test", &[]).await.status, 403);
    assert!(denied(&bench, "sys/webhooks").iter().all(|path| path == "sys/webhooks/mine/test"));
    assert!(!denied(&bench, "sys/webhooks").is_empty());
}
