//! Consumers: who fetched which version, who lags behind, and what that costs the readers.

use serde_json::{Value, json};
use vault_core::consumer::{KEPT, RECEIPTS_MAX};
use vault_core::path::AccountPath;

use super::bench::Bench;
use super::vault::{at_once, seconds};

const READER: &str = r#"
    path "accounts/creds/*" { capabilities = ["read"] }
    path "accounts/watch/*" { capabilities = ["read"] }
    path "accounts/check-out/*" { capabilities = ["update"] }
    path "accounts/check-in/*" { capabilities = ["update"] }
"#;

async fn bench() -> Bench {
    let bench = Bench::new().await;
    bench.account("app", "p-1").await;
    bench.vault.policy("reader", READER).await;
    bench
}

async fn reader(bench: &Bench, name: &str) -> String {
    bench.vault.token(&json!({ "policies": ["reader"], "display_name": name }).to_string()).await
}

async fn fetch(bench: &Bench, token: &str) {
    bench.vault.call("GET", "accounts/creds/app", token, "").await.expect_status(200);
}

async fn rotate(bench: &Bench) {
    bench.post("accounts/rotate/app", json!({})).await.expect_status(200);
}

/// Live, current, lagging, and whether all are current.
async fn summary(bench: &Bench) -> (u64, u64, u64, bool) {
    let status = bench.get("accounts/status/app").await;
    let of = |key: &str| status.at(&format!("/data/consumers/{key}"));
    let number = |key: &str| of(key).as_u64().unwrap();
    (number("live"), number("current"), number("lagging"), of("all_current").as_bool().unwrap())
}

/// Each consumer that is listed, as name, version and standing.
async fn listed(bench: &Bench) -> Vec<(String, u64, String)> {
    let list = bench.get("accounts/consumers/app").await;
    let mut found: Vec<(String, u64, String)> = list
        .at("/data/consumers")
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let text = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
            let name = if one["id"].is_string() { text("id") } else { text("principal") };
            (name, one["version"].as_u64().unwrap(), text("standing"))
        })
        .collect();
    found.sort();
    found
}

#[tokio::test]
async fn a_damaged_account_hides_no_others_consumers() {
    let bench = bench().await;
    bench.account("aaa", "p-1").await;
    let web = reader(&bench, "web").await;
    bench.vault.call("GET", "accounts/creds/aaa", &web, "").await.expect_status(200);
    fetch(&bench, &web).await;
    bench.vault.app.consumers.flush().await.unwrap();
    bench.damage("aaa").await;
    bench.vault.app.consumers.walk().await.unwrap();
    let metrics = bench.get("sys/metrics").await.text;
    assert!(metrics.contains("rotunda_consumers_live 1"), "{metrics}");
    assert_eq!(summary(&bench).await, (1, 1, 0, true));
}

#[tokio::test]
async fn who_fetched_the_old_version_lags_until_it_fetches_the_new_one() {
    let bench = bench().await;
    assert_eq!(summary(&bench).await, (0, 0, 0, true));
    let (web, batch) = (reader(&bench, "web").await, reader(&bench, "batch").await);
    fetch(&bench, &web).await;
    fetch(&bench, &batch).await;
    assert_eq!(summary(&bench).await, (2, 2, 0, true));
    bench.disk.clock.advance(seconds(60));
    rotate(&bench).await;
    fetch(&bench, &web).await;
    assert_eq!(summary(&bench).await, (2, 1, 1, false));
    let status = bench.get("accounts/status/app").await;
    let laggard = status.at("/data/consumers/laggards/0");
    assert_eq!((&laggard["principal"], &laggard["version"]), (&json!("token-batch"), &json!(1)));
    assert_eq!(laggard["accessor"], Value::Null, "an accessor is for who may see the consumers");
    assert!(!status.text.contains(&batch));

    let found = listed(&bench).await;
    let want = [("token-batch", 1, "lagging"), ("token-web", 2, "current")];
    assert_eq!(found, want.map(|(name, version, word)| (name.to_owned(), version, word.to_owned())));
    let list = bench.vault.root("LIST", "accounts/consumers/app", "").await;
    let keys = list.at("/data/keys");
    let accessor = keys[0].as_str().unwrap().to_owned();
    assert!(list.at(&format!("/data/key_info/{accessor}/version")).is_u64(), "{}", list.text);
    let looked = bench.post("auth/token/lookup-accessor", json!({ "accessor": accessor })).await;
    looked.expect_status(200);

    fetch(&bench, &batch).await;
    assert_eq!(summary(&bench).await, (2, 2, 0, true));
    bench.get("accounts/consumers/none").await.expect_status(404);
}

#[tokio::test]
async fn reads_of_a_known_version_write_nothing() {
    let bench = bench().await;
    let tokens = [reader(&bench, "a").await, reader(&bench, "b").await];
    let commit = || bench.vault.app.barrier.store().position().unwrap().commit;
    let before = commit();
    for token in &tokens {
        fetch(&bench, token).await;
    }
    let first = commit();
    assert_eq!(
        first,
        before + 2,
        "that each of them knows it is written down before they get it, and nothing else"
    );
    bench.vault.app.consumers.flush().await.unwrap();
    let written = commit();
    assert!(written > first);
    at_once((0..200).map(|at| fetch(&bench, &tokens[at % 2]))).await;
    bench.vault.app.consumers.flush().await.unwrap();
    assert_eq!(commit(), written);
    // Now and then a sign of life; and each new version.
    bench.disk.clock.advance(seconds(3600));
    fetch(&bench, &tokens[0]).await;
    bench.vault.app.consumers.flush().await.unwrap();
    assert_eq!(commit(), written + 1);
}

#[tokio::test]
async fn many_at_once_are_each_known_once() {
    let bench = bench().await;
    let mut tokens = Vec::new();
    for number in 0..10 {
        tokens.push(reader(&bench, &format!("r{number}")).await);
    }
    let flushes = async {
        for _ in 0..5 {
            bench.vault.app.consumers.flush().await.unwrap();
            tokio::task::yield_now().await;
        }
    };
    let fetches = at_once((0..100).map(|at| fetch(&bench, &tokens[at % 10])));
    tokio::join!(fetches, flushes);
    bench.vault.app.consumers.flush().await.unwrap();
    assert_eq!(summary(&bench).await, (10, 10, 0, true));
    assert_eq!(listed(&bench).await.len(), 10);
}

#[tokio::test]
async fn a_crash_loses_what_was_not_written_down_and_takes_nobody_for_current_for_that() {
    let mut bench = bench().await;
    let (web, late) = (reader(&bench, "web").await, reader(&bench, "late").await);
    fetch(&bench, &web).await;
    bench.vault.app.consumers.flush().await.unwrap();
    rotate(&bench).await;
    fetch(&bench, &web).await;
    fetch(&bench, &late).await;
    assert_eq!(summary(&bench).await, (2, 2, 0, true));
    bench.restart().await;
    assert_eq!(summary(&bench).await, (1, 0, 1, false), "the receipt of version 1 is what is left");
    fetch(&bench, &web).await;
    assert_eq!(summary(&bench).await, (1, 1, 0, true));
    bench.vault.app.consumers.flush().await.unwrap();
    bench.restart().await;
    assert_eq!(summary(&bench).await, (1, 1, 0, true));
}

#[tokio::test]
async fn receipts_wait_while_the_vault_is_sealed() {
    let bench = bench().await;
    let web = reader(&bench, "web").await;
    fetch(&bench, &web).await;
    bench.vault.app.seal.seal().await;
    bench.vault.app.consumers.flush().await.unwrap();
    bench.unseal().await;
    assert_eq!(summary(&bench).await, (1, 1, 0, true));
    bench.vault.app.consumers.flush().await.unwrap();
    assert_eq!(listed(&bench).await.len(), 1);
}

#[tokio::test]
async fn a_login_lags_until_one_of_its_instances_fetches_and_each_live_one_counts() {
    let bench = bench().await;
    bench.post("sys/auth/ci", json!({ "type": "approle" })).await.expect_status(204);
    let role = json!({ "token_policies": "reader", "bind_secret_id": false, "secret_id_bound_cidrs": "127.0.0.0/8" });
    bench.post("auth/ci/role/web", role).await.expect_status(204);
    let role_id = bench.get("auth/ci/role/web/role-id").await.at("/data/role_id");
    let login = async || {
        let reply = bench.post("auth/ci/login", json!({ "role_id": role_id })).await;
        reply.expect_status(200);
        reply.at("/auth/client_token").as_str().unwrap().to_owned()
    };
    let (first, second) = (login().await, login().await);
    fetch(&bench, &first).await;
    fetch(&bench, &second).await;
    bench.disk.clock.advance(seconds(60));
    rotate(&bench).await;
    let entry = |version, word: &str| ("auth/ci/web".to_owned(), version, word.to_owned());
    // The first instance is gone, but its service may go on with what it has.
    bench.post("auth/token/revoke", json!({ "token": first })).await.expect_status(204);
    assert_eq!(listed(&bench).await, [entry(1, "lagging"), entry(1, "lagging")]);
    let third = login().await;
    fetch(&bench, &third).await;
    // The second one lives, and has still to come.
    assert_eq!(listed(&bench).await, [entry(1, "gone"), entry(1, "lagging"), entry(2, "current")]);
    fetch(&bench, &second).await;
    assert_eq!(summary(&bench).await, (2, 2, 0, true));
}

#[tokio::test]
async fn a_borrower_is_a_consumer_for_as_long_as_the_lease_lasts() {
    let bench = bench().await;
    let bob = reader(&bench, "bob").await;
    bench.vault.call("POST", "accounts/check-out/app", &bob, "").await.expect_status(200);
    assert_eq!(summary(&bench).await, (1, 1, 0, true));
    bench.vault.call("POST", "accounts/check-in/app", &bob, "").await.expect_status(200);
    assert_eq!(summary(&bench).await, (0, 0, 0, true), "what bob has seen is dead");
    // Of a pool it is the same.
    bench.post("pools/config/p", json!({ "accounts": "app" })).await.expect_status(204);
    bench.post("pools/check-out/p", json!({})).await.expect_status(200);
    assert_eq!(summary(&bench).await, (1, 1, 0, true));
    bench.post("pools/check-in/p", json!({})).await.expect_status(200);
    assert_eq!(summary(&bench).await, (0, 0, 0, true));
}

#[tokio::test]
async fn who_ended_is_kept_while_the_password_it_knows_lives() {
    let bench = bench().await;
    let (web, gone) = (reader(&bench, "web").await, reader(&bench, "gone").await);
    fetch(&bench, &web).await;
    fetch(&bench, &gone).await;
    bench.post("auth/token/revoke", json!({ "token": gone })).await.expect_status(204);
    bench.vault.app.consumers.flush().await.unwrap();
    bench.vault.app.consumers.walk().await.unwrap();
    let words = |found: Vec<(String, u64, String)>| -> Vec<String> {
        found.into_iter().map(|(name, _, word)| format!("{name} {word}")).collect()
    };
    assert_eq!(words(listed(&bench).await), ["token-gone gone", "token-web current"]);
    rotate(&bench).await;
    bench.vault.app.consumers.walk().await.unwrap();
    assert_eq!(words(listed(&bench).await), ["token-web lagging"]);
    let metrics = bench.get("sys/metrics").await.text;
    for line in ["rotunda_consumers_live 1", "rotunda_consumers_lagging 1"] {
        assert!(metrics.contains(line), "{line}");
    }
    let standing = || async { bench.get("reports/standing").await.at("/data/consumers") };
    let told = standing().await;
    assert_eq!(
        (&told["current"], &told["lagging"], &told["behind"]),
        (&json!(0), &json!(1), &json!({ "1": 1 }))
    );
    assert!(told["as_of"].is_string(), "{told}");
    rotate(&bench).await;
    bench.vault.app.consumers.walk().await.unwrap();
    assert_eq!(standing().await["behind"], json!({ "2": 1 }));
    fetch(&bench, &web).await;
    bench.vault.app.consumers.flush().await.unwrap();
    bench.vault.app.consumers.walk().await.unwrap();
    let told = standing().await;
    assert_eq!((&told["current"], &told["lagging"], &told["behind"]), (&json!(1), &json!(0), &json!({})));
}

#[tokio::test]
async fn a_batch_token_is_a_consumer_until_it_ends() {
    let bench = bench().await;
    let batch = bench.vault.token(r#"{"policies":["reader"],"type":"batch","ttl":"60s"}"#).await;
    fetch(&bench, &batch).await;
    bench.vault.app.consumers.flush().await.unwrap();
    assert_eq!(summary(&bench).await, (1, 1, 0, true));
    bench.disk.clock.advance(seconds(61));
    assert_eq!(summary(&bench).await, (0, 0, 0, true));
}

#[tokio::test]
async fn a_watch_shows_that_its_consumer_is_still_there() {
    let mut bench = bench().await;
    let web = bench.vault.token(r#"{"policies":["reader"],"period":"2400h"}"#).await;
    let idle = bench.vault.token(r#"{"policies":["reader"],"period":"2400h"}"#).await;
    fetch(&bench, &web).await;
    fetch(&bench, &idle).await;
    bench.vault.app.consumers.flush().await.unwrap();
    // Another process, which has to find out who it is.
    bench.restart().await;
    bench.disk.clock.advance(KEPT - seconds(60));
    let watch = bench.vault.call("GET", "accounts/watch/app?version=1&wait=0", &web, "").await;
    watch.expect_status(200);
    bench.disk.clock.advance(seconds(120));
    assert_eq!(summary(&bench).await, (1, 1, 0, true));
    // Who only watches has fetched nothing.
    let watcher = reader(&bench, "watcher").await;
    bench.vault.call("GET", "accounts/watch/app?version=1&wait=0", &watcher, "").await.expect_status(200);
    assert_eq!(summary(&bench).await, (1, 1, 0, true));
}

#[tokio::test]
async fn an_account_that_is_made_anew_has_no_consumers() {
    let bench = bench().await;
    let web = reader(&bench, "web").await;
    fetch(&bench, &web).await;
    bench.vault.app.consumers.flush().await.unwrap();
    bench.handed_over("accounts/config/app").await;
    bench.disk.clock.advance(seconds(1));
    bench.account("app", "p-1").await;
    assert_eq!(summary(&bench).await, (0, 0, 0, true));
    assert!(listed(&bench).await.is_empty());
    bench.vault.app.consumers.walk().await.unwrap();
    let left = bench.vault.app.barrier.names(vault_core::store::key::Table::Consumer, b"", None, 10).unwrap();
    assert!(left.is_empty());
    fetch(&bench, &web).await;
    assert_eq!(summary(&bench).await, (1, 1, 0, true));
}

#[tokio::test]
async fn receipts_of_one_account_are_bounded_and_who_ended_makes_room_first() {
    let bench = bench().await;
    let keeper = reader(&bench, "keeper").await;
    fetch(&bench, &keeper).await;
    bench.vault.app.consumers.flush().await.unwrap();
    for number in 0..RECEIPTS_MAX + 5 {
        bench.disk.clock.advance(seconds(1));
        let passing = bench.vault.token(r#"{"policies":["reader"],"type":"batch","ttl":"1s"}"#).await;
        fetch(&bench, &passing).await;
        if number % 100 == 0 && number < 500 {
            bench.vault.app.consumers.flush().await.unwrap();
        }
    }
    bench.vault.app.consumers.flush().await.unwrap();
    // And many in one commit.
    for _ in 0..200 {
        let passing = bench.vault.token(r#"{"policies":["reader"],"type":"batch","ttl":"1s"}"#).await;
        fetch(&bench, &passing).await;
    }
    bench.vault.app.consumers.flush().await.unwrap();
    let names =
        bench.vault.app.barrier.names(vault_core::store::key::Table::Consumer, b"", None, 2000).unwrap();
    assert!((RECEIPTS_MAX - 48..=RECEIPTS_MAX).contains(&names.len()), "{}", names.len());
    assert!(listed(&bench).await.iter().any(|(name, ..)| name == "token-keeper"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_that_is_being_written_down_is_known_all_the_while() {
    let bench = bench().await;
    let account = bench.vault.app.accounts.config(&AccountPath::parse("app").unwrap()).unwrap().unwrap();
    let mut was_seen_on_the_way = false;
    for reader_of in 1.. {
        let web = reader(&bench, "web").await;
        fetch(&bench, &web).await;
        let mut flush = std::pin::pin!(bench.vault.app.consumers.flush());
        // Looked at between any two steps of the writing, as another request would.
        let written = std::future::poll_fn(|context| {
            let step = flush.as_mut().poll(context);
            assert_eq!(bench.vault.app.consumers.of(&account).unwrap().all.len(), reader_of);
            was_seen_on_the_way |= step.is_pending();
            step
        });
        written.await.unwrap();
        // A quick store has written it before anybody can look.
        if was_seen_on_the_way {
            return;
        }
        assert!(reader_of < 200, "the writing was never waited for");
    }
}
