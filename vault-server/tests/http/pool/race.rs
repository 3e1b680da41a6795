//! Many who ask a pool at once: each account once, in line, and nobody held up by another's slow target.

use std::collections::BTreeSet;

use rotators::fake::{Mishap, Verb};
use serde_json::json;
use vault_server::engine::READ_WAIT;

use super::{borrower, given_back, lent, pool_of};
use crate::bench::{Bench, until};
use crate::vault::at_once;

#[tokio::test]
async fn a_hundred_at_once_get_each_account_once_and_the_rest_are_told_why() {
    let names: Vec<String> = (0..7).map(|number| format!("a{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let bench = pool_of(&names).await;
    let bob = borrower(&bench).await;
    // Some ask for an account by its name meanwhile.
    let asks = (0..100).map(|number| {
        let (bench, bob) = (&bench, &bob);
        async move {
            let direct = number % 20 == 0;
            let path = if direct { "accounts/check-out/a3" } else { "pools/check-out/p" };
            let token = if direct { &bench.vault.root } else { bob };
            bench.vault.call("POST", path, token, "").await
        }
    });
    let replies = at_once(asks).await;
    let (lent, refused): (Vec<_>, Vec<_>) = replies.into_iter().partition(|reply| reply.status == 200);
    let users: BTreeSet<String> =
        lent.iter().map(|reply| reply.at("/data/username").as_str().unwrap().to_owned()).collect();
    assert_eq!((lent.len(), users.len()), (7, 7));
    for reply in refused.iter().filter(|reply| reply.status != 409) {
        assert_eq!(reply.status, 400, "{}", reply.text);
        assert!(reply.text.contains("No service accounts available for check-out"), "{}", reply.text);
    }
    let generations: Vec<u64> = names.iter().map(|name| bench.record(name).lending.generation).collect();
    assert_eq!(generations, [1; 7]);
    let metrics = bench.get("sys/metrics").await.text;
    assert!(metrics.contains(r#"rotunda_pool_check_outs_total{result="none_free"}"#), "{metrics}");
}

#[tokio::test]
async fn who_waits_in_line_gets_what_comes_back_in_the_order_of_asking() {
    let bench = pool_of(&["a"]).await;
    let bob = borrower(&bench).await;
    let (_, lease) = lent(&bench, &bob).await;
    let wait = || bench.vault.call("POST", "pools/check-out/p", &bob, r#"{"wait":"50s"}"#);
    // Whether or not the next in line has come already to take what is free now.
    let passes_by = async || bench.vault.call("POST", "pools/check-out/p", &bob, "").await.expect_status(400);
    let first = async {
        let got = wait().await;
        got.expect_status(200);
        // Who came later still waits, and who does not wait is not let in between.
        let passing = bench.vault.call("POST", "pools/check-out/p", &bob, "").await;
        passing.expect_status(400);
        assert!(passing.text.contains("1 others wait in line"), "{}", passing.text);
        let lease = got.at("/lease_id");
        given_back(&bench, &bob, json!({ "lease_id": lease })).await.expect_status(200);
        passes_by().await;
    };
    let second = async {
        until_waiting(&bench, &bob, 1).await;
        wait().await
    };
    let giving = async {
        until_waiting(&bench, &bob, 2).await;
        given_back(&bench, &bob, json!({ "lease_id": lease })).await.expect_status(200);
        passes_by().await;
    };
    let ((), second, ()) = tokio::join!(first, second, giving);
    second.expect_status(200);
    assert_eq!(bench.record("a").lending.generation, 3);
}

#[tokio::test]
async fn who_hung_up_in_line_is_lent_nothing() {
    let bench = pool_of(&["a"]).await;
    let bob = borrower(&bench).await;
    let (_, lease) = lent(&bench, &bob).await;
    let waits = bench.vault.call("POST", "pools/check-out/p", &bob, r#"{"wait":"50s"}"#);
    tokio::select! {
        reply = waits => panic!("{}", reply.text),
        () = until_waiting(&bench, &bob, 1) => {}
    }
    // Nobody stands in line any more, long before the time to wait is over.
    for left in (0..2_000).rev() {
        let passing = bench.vault.call("POST", "pools/check-out/p", &bob, "").await;
        passing.expect_status(400);
        if !passing.text.contains("wait in line") {
            break;
        }
        assert!(left > 0, "{}", passing.text);
        tokio::task::yield_now().await;
    }
    given_back(&bench, &bob, json!({ "lease_id": lease })).await.expect_status(200);
    assert_eq!(bench.record("a").lending.generation, 1);
}

/// Until so many stand in line, as one who passes by is told.
async fn until_waiting(bench: &Bench, token: &str, count: usize) {
    for _ in 0..10_000 {
        let reply = bench.vault.call("POST", "pools/check-out/p", token, "").await;
        assert_eq!(reply.status, 400, "{}", reply.text);
        if reply.text.contains(&format!("{count} others wait in line")) {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("nobody waits");
}

#[tokio::test]
async fn an_account_that_somebody_works_on_does_not_hold_up_the_others() {
    let bench = pool_of(&["a", "b"]).await;
    let bob = borrower(&bench).await;
    bench.target.next(Verb::Probe, Mishap::Hangs);
    let verify = bench.post("accounts/verify/a", json!({}));
    let ask = async {
        until(|| bench.target.hanging() == 1).await;
        // Half of what a request waits for an account that somebody works on.
        let got = tokio::time::timeout(READ_WAIT / 2, lent(&bench, &bob)).await;
        bench.target.release();
        got
    };
    let (_, got) = tokio::join!(verify, ask);
    assert_eq!(got.unwrap().0, "b");
}

#[tokio::test]
async fn many_who_ask_for_an_account_that_somebody_works_on_wait_together() {
    let bench = pool_of(&["a"]).await;
    let bob = borrower(&bench).await;
    bench.target.next(Verb::Probe, Mishap::Hangs);
    let verify = bench.post("accounts/verify/a", json!({}));
    let asks = async {
        until(|| bench.target.hanging() == 1).await;
        let asks = (0..20).map(|_| bench.vault.call("POST", "pools/check-out/p", &bob, ""));
        let release = async {
            // All of them have asked by then.
            for _ in 0..1_000 {
                tokio::task::yield_now().await;
            }
            bench.target.release();
        };
        tokio::join!(at_once(asks), release).0
    };
    let (_, replies) = tokio::join!(verify, asks);
    let statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 400).count(), 19, "{statuses:?}");
}
