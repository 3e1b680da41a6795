//! Leases: whose they are, and what ends them.

use rotators::fake::{Mishap, Verb};
use serde_json::json;
use vault_core::clock::Clock;
use vault_core::lease::{Lease, LeaseState};
use vault_core::rotation::fault::FaultClass;

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

#[tokio::test]
async fn a_lease_is_looked_up_renewed_and_ended_by_each_path_that_clients_know() {
    let bench = Bench::new().await;
    bench.account("app", "p-1").await;
    let root = bench.vault.root.clone();
    for (renew, revoke) in [
        ("sys/leases/renew", "sys/leases/revoke"),
        ("sys/renew", "sys/revoke"),
        ("sys/leases/renew/ID", "sys/leases/revoke/ID"),
        ("sys/renew/ID", "sys/revoke/ID"),
        ("sys/leases/renew", "sys/leases/revoke-prefix/accounts/check-out"),
        ("sys/leases/renew", "sys/revoke-prefix/accounts"),
        ("sys/leases/renew", "sys/leases/revoke-force/accounts"),
        ("sys/leases/renew", "sys/revoke-force/accounts/check-out/app"),
    ] {
        let id = check_out(&bench, &root, "app").await;
        let body = |more: serde_json::Value| {
            let mut body = json!({ "lease_id": id });
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            body.to_string()
        };
        let path = |pattern: &str| pattern.replace("ID", &id);
        let shown = bench.vault.root("PUT", "sys/leases/lookup", &body(json!({}))).await;
        assert_eq!((shown.at("/data/id"), shown.at("/data/renewable")), (json!(id), json!(true)));
        assert_eq!(shown.at("/data/last_renewal"), json!(null));
        let renewed = bench.vault.root("PUT", &path(renew), &body(json!({ "increment": 600 }))).await;
        assert_eq!((renewed.at("/lease_id"), renewed.at("/lease_duration")), (json!(id), json!(600)));
        assert_eq!((renewed.at("/renewable"), renewed.at("/warnings")), (json!(true), json!(null)));
        let ended = bench.vault.root("PUT", &path(revoke), &body(json!({ "sync": true }))).await;
        assert!(ended.status < 300, "{revoke}: {}", ended.text);
        bench.rest().await;
        assert!(!bench.record("app").lending.is_held(), "{revoke}");
        let gone = bench.vault.root("PUT", "sys/leases/lookup", &body(json!({}))).await;
        assert_eq!((gone.status, gone.errors()), (400, json!(["invalid lease"])));
        let gone = bench.vault.root("PUT", &path(renew), &body(json!({}))).await;
        assert_eq!((gone.status, gone.errors()), (400, json!(["lease not found"])));
        assert_eq!(bench.vault.root("PUT", &path(revoke), &body(json!({}))).await.status, 204);
    }
    for path in ["sys/leases/lookup", "sys/leases/renew", "sys/leases/revoke"] {
        let refused = bench.vault.root("PUT", path, "{}").await;
        assert_eq!((refused.status, refused.errors()), (400, json!(["lease_id must be specified"])));
    }
}

#[tokio::test]
async fn a_renewal_past_the_maximum_is_capped_with_a_warning() {
    let bench = Bench::new().await;
    bench.account("app", "p-1").await;
    let id = check_out(&bench, &bench.vault.root, "app").await;
    let body = json!({ "lease_id": id, "increment": "100h" }).to_string();
    let renewed = bench.vault.root("PUT", "sys/leases/renew", &body).await;
    assert_eq!(renewed.at("/lease_duration"), 8 * 3600);
    let warning =
        "TTL of \"100h0m0s\" exceeded the effective max_ttl of \"8h0m0s\"; TTL value is capped accordingly";
    assert_eq!(renewed.at("/warnings"), json!([warning]));
}

#[tokio::test]
async fn force_never_closes_a_lease_without_proof_of_death() {
    let bench = Bench::new().await;
    bench.account("app", "p-1").await;
    let id = check_out(&bench, &bench.vault.root, "app").await;
    assert_eq!(
        bench.vault.root("GET", "sys/leases/count?type=irrevocable", "").await.at("/data/lease_count"),
        0
    );
    // The target is out of reach: nothing can be proven.
    bench.target.break_down(FaultClass::Unreachable);
    let forced = bench.vault.root("PUT", "sys/leases/revoke-force/accounts", "").await;
    assert_eq!(forced.status, 200, "{}", forced.text);
    let warning = forced.at("/warnings/0");
    assert!(warning.as_str().unwrap().starts_with(&format!("{id} is ending, but")), "{warning}");
    bench.rest().await;
    assert_eq!(bench.record("app").lending.holder.map(|lease| lease.state), Some(LeaseState::Revoking));
    let counted = bench.vault.root("GET", "sys/leases/count?type=irrevocable", "").await;
    assert_eq!(counted.at("/data/lease_count"), 1);
    let listed = bench.vault.root("GET", "sys/leases?type=irrevocable&limit=none", "").await;
    assert_eq!(listed.at("/data/leases/0/lease_id"), json!(id));
    let stuck = json!({ "lease_id": id }).to_string();
    let refused = bench.vault.root("PUT", "sys/leases/renew", &stuck).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("lease is not renewable"), "{}", refused.text);
    // Ids are for those who may end leases.
    let other = borrower(&bench).await;
    bench.vault.call("GET", "sys/leases?type=irrevocable", &other, "").await.expect_status(403);
}

#[tokio::test]
async fn tidying_ends_what_has_ended() {
    let bench = Bench::new().await;
    let token = bench.vault.token(r#"{"policies":["a"],"ttl":"60s"}"#).await;
    bench.disk.clock.advance(seconds(61));
    let reply = bench.vault.root("PUT", "sys/leases/tidy", "").await;
    assert_eq!(reply.status, 202);
    assert!(reply.at("/warnings/0").as_str().unwrap().starts_with("Tidy operation successfully started"));
    until(|| bench.vault.app.tokens.accessors(None, 10).unwrap().len() == 1).await;
    assert_eq!(bench.vault.call("GET", "auth/token/lookup-self", &token, "").await.status, 403);
}

#[tokio::test]
async fn a_damaged_lease_does_not_hold_up_the_ends_of_others() {
    for path in ["sys/leases/revoke-force/accounts", "sys/leases/revoke-prefix/accounts/check-out"] {
        let bench = Bench::new().await;
        let mut ids = Vec::new();
        for name in ["a", "b"] {
            bench.account(name, "p-1").await;
            ids.push(check_out(&bench, &bench.vault.root, name).await);
        }
        bench.damage_record::<Lease>(ids[0].as_bytes()).await;
        assert_eq!(bench.post(path, json!({})).await.status, 500, "{path}");
        bench.rest().await;
        assert!(!bench.record("b").lending.is_held(), "{path}");
        assert!(bench.record("a").lending.is_lent());

        let ending = bench.get("sys/leases?type=irrevocable").await;
        ending.expect_status(200);
        let warning = ending.at("/warnings/0");
        assert!(warning.as_str().unwrap().starts_with(&ids[0]), "{}", ending.text);
        let listed = bench.vault.root("LIST", "sys/leases/lookup/accounts/check-out", "").await;
        assert_eq!(listed.at("/data/keys"), json!(["a/"]));
        // Its account knows of it, too, and writes it anew.
        bench.post("accounts/check-in/a", json!({})).await.expect_status(200);
        bench.rest().await;
        assert!(!bench.record("a").lending.is_held());
        bench.post("sys/leases/lookup", json!({ "lease_id": ids[0] })).await.expect_status(400);
        bench.post(path, json!({})).await.expect_status(204);
    }
}

#[tokio::test]
async fn a_damaged_lease_does_not_keep_the_others_of_its_token() {
    let bench = Bench::new().await;
    let token = borrower(&bench).await;
    let mut ids = Vec::new();
    for name in ["a", "b"] {
        bench.account(name, "p-1").await;
        ids.push(check_out(&bench, &token, name).await);
    }
    bench.damage_record::<Lease>(ids[0].as_bytes()).await;
    let revoked = bench.post("auth/token/revoke", json!({ "token": token })).await;
    assert_eq!(revoked.status, 503, "{}", revoked.text);
    bench.rest().await;
    assert!(!bench.record("b").lending.is_held());
    assert!(bench.record("a").lending.is_lent());
}

#[tokio::test]
async fn all_leases_of_a_prefix_begin_to_end_before_any_is_waited_for() {
    let bench = Bench::new().await;
    for name in ["busy", "free"] {
        bench.account(name, "p-1").await;
        check_out(&bench, &bench.vault.root, name).await;
    }
    // Somebody verifies one of them, and the target takes its time.
    bench.target.next(Verb::Probe, Mishap::Hangs);
    let verify = bench.post("accounts/verify/busy", json!({}));
    let revoke = async {
        until(|| bench.target.hanging() == 1).await;
        bench.post("sys/leases/revoke-prefix/accounts", json!({})).await
    };
    let release = async {
        until(|| !bench.record("free").lending.is_lent()).await;
        assert!(bench.record("busy").lending.is_lent());
        bench.target.release();
    };
    let (_, revoked, ()) = tokio::join!(verify, revoke, release);
    revoked.expect_status(204);
    assert!(!bench.record("busy").lending.is_held() && !bench.record("free").lending.is_held());
}
