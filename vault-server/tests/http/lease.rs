//! Leases: whose they are, and what ends them.

use rotators::fake::{Mishap, Verb};
use serde_json::json;
use vault_core::clock::Clock;
use vault_core::lease::LeaseState;

use super::bench::{Bench, until};
use super::vault::seconds;

const BORROWER: &str = r#"path "accounts/check-out/*" { capabilities = ["update"] }
path "accounts/rotate/*" { capabilities = ["update"] }"#;

async fn borrower(bench: &Bench) -> String {
    bench.vault.policy("borrower", BORROWER).await;
    bench.vault.token(r#"{"policies":["borrower"],"ttl":"60s"}"#).await
}

async fn check_out(bench: &Bench, token: &str, name: &str) -> String {
    let reply = bench.vault.call("POST", &format!("accounts/check-out/{name}"), token, "").await;
    reply.expect_status(200);
    reply.at("/lease_id").as_str().unwrap().to_owned()
}

#[tokio::test]
async fn taking_an_account_from_its_holder_by_a_rotation_needs_sudo() {
    let bench = Bench::new().await;
    bench.account("app", "p-1").await;
    let (holder, other) = (borrower(&bench).await, borrower(&bench).await);
    check_out(&bench, &holder, "app").await;
    let force = r#"{"force":true}"#;
    bench.vault.call("POST", "accounts/rotate/app", &other, force).await.expect_status(403);
    assert!(bench.record("app").lending.is_lent());
    bench.vault.root("POST", "accounts/rotate/app", force).await.expect_status(200);
    assert!(!bench.record("app").lending.is_held());
}

#[tokio::test]
async fn a_reason_longer_than_a_paragraph_is_refused() {
    let bench = Bench::new().await;
    bench.account("app", "p-1").await;
    for field in ["reason", "ticket"] {
        let body = json!({ field: "x".repeat(1025) });
        bench.post("accounts/check-out/app", body).await.expect_status(400);
    }
    assert!(!bench.record("app").lending.is_held());
}

#[tokio::test]
async fn asking_again_and_again_for_a_lent_account_writes_nothing() {
    let bench = Bench::new().await;
    bench.account("app", "p-1").await;
    check_out(&bench, &bench.vault.root, "app").await;
    let other = borrower(&bench).await;
    let ask = || bench.vault.call("POST", "accounts/check-out/app", &other, "");
    assert_eq!(ask().await.at("/data/place"), 1);
    let position = || bench.vault.app.barrier.store().position().unwrap().commit;
    let before = position();
    bench.disk.clock.advance(seconds(5));
    assert_eq!(ask().await.at("/data/place"), 1);
    assert_eq!(position(), before);
    // Who goes on asking keeps the place.
    for _ in 0..10 {
        bench.disk.clock.advance(seconds(5));
        ask().await.expect_status(409);
    }
    assert_eq!(bench.record("app").lending.line.len(), 1);
}

#[tokio::test]
async fn a_lease_that_cannot_end_yet_does_not_hold_up_the_ends_of_other_tokens() {
    let bench = Bench::new().await;
    let mut tokens = Vec::new();
    for name in ["busy", "free"] {
        bench.account(name, "p-1").await;
        tokens.push(borrower(&bench).await);
        check_out(&bench, tokens.last().unwrap(), name).await;
    }
    // Somebody verifies one of them, and the target takes its time.
    bench.target.next(Verb::Probe, Mishap::Hangs);
    let verify = bench.post("accounts/verify/busy", json!({}));
    let sweep = async {
        until(|| bench.target.hanging() == 1).await;
        bench.disk.clock.advance(seconds(61));
        let now = bench.disk.clock.now();
        let swept = tokio::time::timeout(seconds(20), bench.vault.app.tokens.sweep(now)).await;
        let free = bench.record("free").lending.holder.map(|lease| lease.state);
        bench.target.release();
        (swept, free)
    };
    let (_, (swept, free)) = tokio::join!(verify, sweep);
    assert!(swept.is_ok(), "the sweep waits for one account");
    assert_ne!(free, Some(LeaseState::Active));
    bench.rest().await;
    bench.vault.app.tokens.sweep(bench.disk.clock.now()).await.unwrap();
    bench.rest().await;
    assert!(!bench.record("busy").lending.is_held());
}
