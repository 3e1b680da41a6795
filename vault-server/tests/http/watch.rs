//! `accounts/watch/…`: told of a promotion when it happens, by long poll and by server-sent events.

mod bound;

use std::pin::{Pin, pin};
use std::task::Poll;

use axum::body::{Body, HttpBody};
use serde_json::{Value, json};

use super::bench::{Bench, until};
use super::vault::{Reply, Vault, seconds};

/// A stream of events that was opened.
struct Stream {
    body: Body,
    text: String,
}

impl Stream {
    /// The next event with its name, id and data; `None` when the stream has ended. Comments are skipped.
    async fn next(&mut self) -> Option<(String, String, Value)> {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    let line = block.lines().find_map(|line| line.strip_prefix(name));
                    line.map(|text| text.trim().to_owned()).unwrap_or_default()
                };
                let (name, id, data) = (field("event:"), field("id:"), field("data:"));
                self.text = rest.to_owned();
                if !name.is_empty() {
                    return Some((name, id, serde_json::from_str(&data).unwrap()));
                }
            }
            let frame = self.frame().await?;
            self.text.push_str(&frame);
        }
    }

    async fn frame(&mut self) -> Option<String> {
        let next = std::future::poll_fn(|context| Pin::new(&mut self.body).poll_frame(context));
        let data = soon(next).await?.unwrap().into_data().unwrap();
        Some(String::from_utf8(data.to_vec()).unwrap())
    }

    /// What comes next when the paused time passes.
    async fn late_frame(&mut self) -> String {
        let next = std::future::poll_fn(|context| Pin::new(&mut self.body).poll_frame(context)).await;
        String::from_utf8(next.unwrap().unwrap().into_data().unwrap().to_vec()).unwrap()
    }

    /// The version that the next event tells.
    async fn version(&mut self) -> u64 {
        let (name, id, data) = self.next().await.unwrap();
        assert_eq!(name, "version", "{data}");
        let version = data.get("version").and_then(Value::as_u64).unwrap();
        assert_eq!(id, version.to_string());
        version
    }

    /// Why it says that it ends, after which it does.
    async fn end(&mut self) -> String {
        let (name, _, data) = self.next().await.unwrap();
        assert_eq!(name, "end", "{data}");
        assert_eq!(self.next().await, None);
        data.get("reason").and_then(Value::as_str).unwrap().to_owned()
    }
}

/// What `future` yields; gives up long after it should have.
async fn soon<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    for _ in 0..2_000_000 {
        let polled = std::future::poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await;
        if let Poll::Ready(output) = polled {
            return output;
        }
        tokio::task::yield_now().await;
    }
    panic!("what is waited for does not happen");
}

/// An account `app` of version 1, and a token that may only watch it.
async fn watched() -> (Bench, String) {
    let bench = Bench::new().await;
    bench.account("app", "p-1").await;
    let token = watcher(&bench).await;
    (bench, token)
}

async fn watcher(bench: &Bench) -> String {
    bench.vault.policy("watch", r#"path "accounts/watch/*" { capabilities = ["read"] }"#).await;
    bench.vault.token(r#"{"policies":["watch"],"no_default_policy":true,"ttl":"1h"}"#).await
}

async fn open_with(vault: &Vault, uri: &str, token: &str, headers: &[(&str, &str)]) -> Result<Stream, Reply> {
    let mut all = vec![("X-Vault-Token", token), ("Accept", "text/event-stream")];
    all.extend(headers);
    let (head, body) = vault.begin([127, 0, 0, 1], "GET", &format!("/v1/{uri}"), &all, Body::empty()).await;
    if head.status.as_u16() == 200 {
        assert_eq!(head.headers.get("content-type").unwrap(), "text/event-stream");
        return Ok(Stream { body, text: String::new() });
    }
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    Err(Reply { status: head.status.as_u16(), headers: head.headers, text })
}

async fn open(bench: &Bench, token: &str) -> Stream {
    open_with(&bench.vault, "accounts/watch/app", token, &[])
        .await
        .unwrap_or_else(|reply| panic!("{reply:?}"))
}

async fn rotate(bench: &Bench) {
    bench.post("accounts/rotate/app", json!({})).await.expect_status(200);
}

async fn open_watches(vault: &Vault, count: usize) {
    until(|| vault.app.watches.count() == count).await;
    let line = format!("rotunda_watches_open {count}\n");
    assert!(vault.app.metrics.text().unwrap().contains(&line));
}

#[tokio::test]
async fn a_promotion_wakes_a_long_poll_and_a_stream() {
    let (bench, token) = watched().await;
    let mut stream = open(&bench, &token).await;
    assert_eq!(stream.version().await, 1);
    let poll = bench.vault.call("GET", "accounts/watch/app?version=1", &token, "");
    let change = async {
        open_watches(&bench.vault, 2).await;
        bench.disk.clock.advance(seconds(5));
        rotate(&bench).await;
    };
    let (reply, ()) = tokio::join!(soon(poll), change);
    reply.expect_status(200);
    assert_eq!(
        reply.at("/data"),
        json!({ "version": 2, "changed": true, "last_rotation": "2027-01-15T08:00:05.000Z", "next_rotation": null })
    );
    let (name, id, data) = stream.next().await.unwrap();
    assert_eq!((name.as_str(), id.as_str()), ("version", "2"));
    assert_eq!(data, reply.at("/data"));
    // One event for each promotion: whatever else was committed about the account told nothing.
    rotate(&bench).await;
    assert_eq!(stream.version().await, 3);
    drop(stream);
    open_watches(&bench.vault, 0).await;
}

#[tokio::test]
async fn who_does_not_know_the_present_version_is_told_at_once() {
    let (bench, token) = watched().await;
    rotate(&bench).await;
    for query in ["", "?version=1", "?version=7", "?version=2&wait=0"] {
        let reply = soon(bench.vault.call("GET", &format!("accounts/watch/app{query}"), &token, "")).await;
        reply.expect_status(200);
        assert_eq!(reply.at("/data/version"), 2, "{query}");
        assert_eq!(reply.at("/data/changed"), !query.contains("=2"), "{query}");
        assert_eq!(reply.at("/warnings"), Value::Null, "{query}");
    }
}

#[tokio::test]
async fn a_long_poll_without_a_promotion_ends_with_its_wait_which_is_capped() {
    let (bench, token) = watched().await;
    // From here on nothing is committed, so that time may pass as soon as nobody has anything to do.
    tokio::time::pause();
    for (wait, took, warned) in [("", 30, false), ("&wait=7s", 7, false), ("&wait=1h", 60, true)] {
        let began = tokio::time::Instant::now();
        let path = format!("accounts/watch/app?version=1{wait}");
        let reply = bench.vault.call("GET", &path, &token, "").await;
        reply.expect_status(200);
        assert_eq!(reply.at("/data/changed"), false);
        assert_eq!(reply.at("/warnings").is_array(), warned, "{}", reply.text);
        assert_eq!(began.elapsed().as_secs(), took);
    }
}

#[tokio::test]
async fn a_client_that_comes_back_is_told_only_what_it_has_not_seen() {
    let (bench, token) = watched().await;
    for (headers, query) in [(&[("Last-Event-ID", "1")][..], ""), (&[], "?version=1")] {
        let uri = format!("accounts/watch/app{query}");
        let mut stream = open_with(&bench.vault, &uri, &token, headers).await.unwrap_or_else(|_| panic!());
        assert_eq!(stream.frame().await.unwrap(), "retry: 2000\n\n");
        tokio::time::pause();
        assert_eq!(stream.late_frame().await, ":\n\n");
        tokio::time::resume();
        drop(stream);
        open_watches(&bench.vault, 0).await;
    }
    rotate(&bench).await;
    let mut stream = open_with(&bench.vault, "accounts/watch/app", &token, &[("Last-Event-ID", "1")])
        .await
        .unwrap_or_else(|_| panic!());
    assert_eq!(stream.version().await, 2);
}

#[tokio::test]
async fn revocation_of_the_token_ends_its_stream_and_its_long_poll_and_no_other() {
    let (bench, token) = watched().await;
    let other = watcher(&bench).await;
    let (mut stream, mut others) = (open(&bench, &token).await, open(&bench, &other).await);
    assert_eq!((stream.version().await, others.version().await), (1, 1));
    let poll = bench.vault.call("GET", "accounts/watch/app?version=1", &token, "");
    let revoke = async {
        open_watches(&bench.vault, 3).await;
        bench.post("auth/token/revoke", json!({ "token": token })).await.expect_status(204);
    };
    let (reply, ()) = tokio::join!(soon(poll), revoke);
    reply.expect_status(403);
    assert_eq!(stream.end().await, "token_ended");
    rotate(&bench).await;
    assert_eq!(others.version().await, 2);
}

#[tokio::test]
async fn a_stream_ends_at_a_sign_of_life_when_its_token_expired_or_its_policy_changed() {
    let (bench, token) = watched().await;
    let root = bench.vault.root.clone();
    let mut stream = open(&bench, &token).await;
    let mut roots = open(&bench, &root).await;
    assert_eq!((stream.version().await, roots.version().await), (1, 1));
    bench.disk.clock.advance(seconds(3601));
    tokio::time::pause();
    assert_eq!(next_of(&mut stream).await, "token_ended");
    tokio::time::resume();

    let token = watcher(&bench).await;
    let mut stream = open(&bench, &token).await;
    assert_eq!(stream.version().await, 1);
    bench.vault.policy("watch", r#"path "accounts/watch/other" { capabilities = ["read"] }"#).await;
    rotate(&bench).await;
    assert_eq!(stream.end().await, "not_allowed");
    assert_eq!(roots.version().await, 2);
}

/// As [`Stream::end`], but lets the paused time pass.
async fn next_of(stream: &mut Stream) -> String {
    loop {
        let text = stream.late_frame().await;
        if text != ":\n\n" {
            stream.text.push_str(&text);
            return stream.end().await;
        }
    }
}

#[tokio::test]
async fn sealing_ends_streams_and_long_polls() {
    let (bench, token) = watched().await;
    let mut stream = open(&bench, &token).await;
    assert_eq!(stream.version().await, 1);
    let poll = bench.vault.call("GET", "accounts/watch/app?version=1", &token, "");
    let seal = async {
        open_watches(&bench.vault, 2).await;
        bench.post("sys/seal", json!({})).await.expect_status(204);
    };
    let (reply, ()) = tokio::join!(soon(poll), seal);
    reply.expect_status(503);
    assert_eq!(reply.errors(), json!(["Vault is sealed"]));
    assert_eq!(stream.end().await, "sealed");
    drop(stream);
    open_watches(&bench.vault, 0).await;
}

#[tokio::test]
async fn a_stop_ends_streams_and_long_polls() {
    let (bench, token) = watched().await;
    let mut stream = open(&bench, &token).await;
    assert_eq!(stream.version().await, 1);
    let poll = bench.vault.call("GET", "accounts/watch/app?version=1", &token, "");
    let stop = async {
        open_watches(&bench.vault, 2).await;
        bench.vault.app.shutdown.begin();
    };
    let (reply, ()) = tokio::join!(soon(poll), stop);
    assert_eq!((reply.status, reply.at("/data/changed")), (200, json!(false)));
    assert_eq!(stream.end().await, "stopping");
    soon(bench.vault.app.shutdown.drained()).await;
}

#[tokio::test]
async fn the_end_of_the_account_ends_its_watches() {
    let (bench, token) = watched().await;
    let mut stream = open(&bench, &token).await;
    assert_eq!(stream.version().await, 1);
    let poll = bench.vault.call("GET", "accounts/watch/app?version=1", &token, "");
    let delete = async {
        open_watches(&bench.vault, 2).await;
        bench.handed_over("accounts/config/app").await;
    };
    let (reply, ()) = tokio::join!(soon(poll), delete);
    reply.expect_status(404);
    assert_eq!(stream.end().await, "account_deleted");
    drop(stream);
    soon(bench.vault.call("GET", "accounts/watch/app", &token, "")).await.expect_status(404);
    open_watches(&bench.vault, 0).await;
}

#[tokio::test]
async fn without_read_on_the_watch_of_that_account_it_is_refused_both_ways() {
    let (bench, _) = watched().await;
    bench
        .vault
        .policy(
            "creds",
            r#"path "accounts/creds/app" { capabilities = ["read"] }
               path "accounts/watch/other" { capabilities = ["read"] }
               path "accounts/watch/app" { capabilities = ["update", "list"] }"#,
        )
        .await;
    let token = bench.vault.token(r#"{"policies":["creds"]}"#).await;
    soon(bench.vault.call("GET", "accounts/watch/app", &token, "")).await.expect_status(403);
    let stream = open_with(&bench.vault, "accounts/watch/app", &token, &[]).await;
    assert_eq!(stream.err().map(|reply| reply.status), Some(403));
    soon(bench.vault.call("GET", "accounts/watch/other", &token, "")).await.expect_status(404);
    let stream = open_with(&bench.vault, "accounts/watch/other", &token, &[]).await;
    assert_eq!(stream.err().map(|reply| reply.status), Some(404));
    open_watches(&bench.vault, 0).await;
}

#[tokio::test]
async fn the_last_use_of_a_token_is_good_for_one_long_poll() {
    let (bench, _) = watched().await;
    let token = bench.vault.token(r#"{"policies":["watch"],"num_uses":1}"#).await;
    let poll = bench.vault.call("GET", "accounts/watch/app?version=1", &token, "");
    let change = async {
        open_watches(&bench.vault, 1).await;
        rotate(&bench).await;
    };
    let (reply, ()) = tokio::join!(soon(poll), change);
    reply.expect_status(200);
    assert_eq!(reply.at("/data/version"), 2);
    soon(bench.vault.call("GET", "accounts/watch/app", &token, "")).await.expect_status(403);
}

#[tokio::test]
async fn a_token_with_few_uses_is_judged_anew_after_each_wait() {
    let (bench, _) = watched().await;
    let few = r#"{"policies":["watch"],"num_uses":3}"#;
    for is_revoked in [true, false] {
        let version = bench.get("accounts/watch/app").await.at("/data/version");
        let token = bench.vault.token(few).await;
        let path = format!("accounts/watch/app?version={version}");
        let poll = bench.vault.call("GET", &path, &token, "");
        let change = async {
            open_watches(&bench.vault, 1).await;
            if is_revoked {
                bench.post("auth/token/revoke", json!({ "token": token })).await.expect_status(204);
            } else {
                bench.vault.policy("watch", r#"path "other" { capabilities = ["read"] }"#).await;
            }
            rotate(&bench).await;
        };
        let (reply, ()) = tokio::join!(soon(poll), change);
        reply.expect_status(403);
    }
}

#[tokio::test]
async fn opening_a_watch_is_one_request_and_one_response_in_the_audit_trail() {
    let (bench, token) = watched().await;
    let mut stream = open(&bench, &token).await;
    assert_eq!(stream.version().await, 1);
    rotate(&bench).await;
    assert_eq!(stream.version().await, 2);
    let text = std::fs::read_to_string(&bench.vault.app.config.audit_file).unwrap();
    let entries: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of_watch = entries.iter().filter(|entry| entry.to_string().contains("accounts/watch/app"));
    assert_eq!(of_watch.count(), 2);
}
