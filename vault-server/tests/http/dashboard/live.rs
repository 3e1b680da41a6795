//! Open pages are told that something has changed, as long as somebody is signed in, and of nothing more.

use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use serde_json::json;
use vault_core::rotation::fault::FaultClass;

use super::Browser;
use crate::bench::{Bench, until};
use crate::vault::seconds;

struct Stream {
    body: Body,
    text: String,
}

impl Stream {
    async fn open(browser: &Browser<'_>) -> Result<Self, u16> {
        let headers = [("cookie", browser.cookie.as_str()), ("accept", "text/event-stream")];
        let (head, body) =
            browser.vault.begin([127, 0, 0, 1], "GET", "/ui/events", &headers, Body::empty()).await;
        if head.status.as_u16() != 200 {
            return Err(head.status.as_u16());
        }
        let header = |name: &str| head.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(header("content-type").as_deref(), Some("text/event-stream"));
        assert_eq!(header("cache-control").as_deref(), Some("no-store"));
        assert!(header("content-security-policy").is_some());
        Ok(Self { body, text: String::new() })
    }

    /// The next event, by name and data; nothing when the stream has ended.
    async fn next(&mut self) -> Option<(String, String)> {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    let line = block.lines().find_map(|line| line.strip_prefix(name));
                    line.map(|text| text.trim().to_owned()).unwrap_or_default()
                };
                let (name, data) = (field("event:"), field("data:"));
                self.text = rest.to_owned();
                if !name.is_empty() {
                    return Some((name, data));
                }
            }
            let frame = std::future::poll_fn(|context| Pin::new(&mut self.body).poll_frame(context));
            // Far beyond the pace of events.
            let frame = tokio::time::timeout(Duration::from_secs(40), frame).await.unwrap();
            let bytes = frame?.unwrap().into_data().unwrap();
            self.text.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }

    /// Reads until an event of that name comes; all data that came by.
    async fn until(&mut self, name: &str) -> String {
        let mut seen = String::new();
        while let Some((found, data)) = self.next().await {
            seen.push_str(&data);
            if found == name {
                return seen;
            }
        }
        panic!("it ended without {name}: {seen}")
    }
}

async fn looker<'a>(bench: &'a Bench, policy: &str) -> (Browser<'a>, String) {
    bench.vault.policy("looks", policy).await;
    let token = bench.vault.token(r#"{"policies":["looks","default"]}"#).await;
    (Browser::with_token(&bench.vault, &token).await, token)
}

#[tokio::test]
async fn a_page_is_told_that_something_changed_and_not_what() {
    let bench = Bench::new().await;
    bench.account("app", "p-1").await;
    let all =
        r#"path "incidents" { capabilities = ["read"] } path "accounts/status/" { capabilities = ["list"] }"#;
    let (browser, _) = looker(&bench, all).await;
    let mut stream = Stream::open(&browser).await.unwrap();
    bench.target.break_down(FaultClass::Unreachable);
    bench.post("accounts/rotate/app", json!({})).await.expect_status(502);
    bench.rest().await;
    let mut seen = String::new();
    while !(seen.contains("incidents") && seen.contains("accounts")) {
        seen.push_str(&stream.until("changed").await);
        assert!(!seen.contains("app"), "{seen}");
    }
    assert!(!seen.contains("silences"), "it may not look at them: {seen}");
    drop(stream);
    until(|| bench.vault.app.pulses.count() == 0).await;
}

#[tokio::test]
async fn a_silence_that_somebody_else_makes_or_ends_is_told_at_once() {
    let bench = Bench::new().await;
    let (browser, _) = looker(&bench, r#"path "silences" { capabilities = ["read"] }"#).await;
    let mut stream = Stream::open(&browser).await.unwrap();
    let silence = json!({ "accounts": "app*", "for": "1h", "reason": "planned" });
    let made = bench.post("silences", silence).await;
    assert_eq!(stream.until("changed").await, "silences");
    let id = made.at("/data/id").as_str().unwrap().to_owned();
    assert_eq!(bench.vault.root("DELETE", &format!("silences/{id}"), "").await.status, 204);
    assert_eq!(stream.until("changed").await, "silences");
}

#[tokio::test]
async fn who_may_look_at_nothing_is_told_of_nothing_and_a_revoked_token_ends_it() {
    let bench = Bench::new().await;
    bench.account("app", "p-1").await;
    let only = r#"path "incidents" { capabilities = ["read"] }"#;
    let (browser, token) = looker(&bench, only).await;
    let mut stream = Stream::open(&browser).await.unwrap();
    bench.post("accounts/rotate/app", json!({})).await.expect_status(200);
    let body = json!({ "token": token }).to_string();
    assert_eq!(bench.vault.root("POST", "auth/token/revoke", &body).await.status, 204);
    // Nothing of the account came by before.
    assert_eq!(stream.next().await, Some(("end".to_owned(), "session".to_owned())));
    assert_eq!(stream.next().await, None);
    assert_eq!(Stream::open(&browser).await.err(), Some(401));
}

#[tokio::test]
async fn a_seal_ends_it_and_so_does_signing_out() {
    let bench = Bench::new().await;
    let browser = Browser::with_token(&bench.vault, &bench.vault.root).await;
    let mut stream = Stream::open(&browser).await.unwrap();
    assert_eq!(browser.post("/ui/sign-out", &[]).await.status, 303);
    bench.account("app", "p-1").await;
    assert_eq!(stream.until("end").await, "session");
    let browser = Browser::with_token(&bench.vault, &bench.vault.root).await;
    let mut stream = Stream::open(&browser).await.unwrap();
    bench.vault.root("PUT", "sys/seal", "").await;
    let said = stream.until("end").await;
    assert!(said.ends_with("sealed") || said.ends_with("session"), "{said}");
}

#[tokio::test]
async fn feeds_are_bounded_and_keep_no_session_alive() {
    let bench = Bench::new().await;
    let browser = Browser::with_token(&bench.vault, &bench.vault.root).await;
    let mut streams = Vec::new();
    for _ in 0..8 {
        streams.push(Stream::open(&browser).await.unwrap());
    }
    assert_eq!(Stream::open(&browser).await.err(), Some(503));
    let other = Browser::with_token(&bench.vault, &bench.vault.root).await;
    assert!(Stream::open(&other).await.is_ok(), "one session takes no room of others");
    streams.clear();
    until(|| bench.vault.app.pulses.count() == 0).await;
    bench.disk.clock.advance(seconds(14 * 60));
    drop(Stream::open(&browser).await.unwrap());
    bench.disk.clock.advance(seconds(61));
    assert_eq!(Stream::open(&browser).await.err(), Some(401));
}
