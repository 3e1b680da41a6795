//! How many watches there may be, and what becomes of clients that hang up or do not read.

use std::pin::pin;
use std::sync::Arc;

use vault_server::http::{Bound, router};
use vault_server::service::watch::WATCHES_PER_TOKEN_MAX;

use super::{Stream, open, open_watches, open_with, rotate, soon, watched, watcher};
use crate::bench::Bench;
use crate::vault::at_once;

#[tokio::test]
async fn many_watchers_of_one_account_are_all_told_of_each_promotion() {
    let (bench, _) = watched().await;
    let mut streams = Vec::new();
    for _ in 0..8 {
        let token = watcher(&bench).await;
        for _ in 0..WATCHES_PER_TOKEN_MAX {
            streams.push(open(&bench, &token).await);
        }
    }
    for version in 1..=3 {
        let told = at_once(streams.iter_mut().map(Stream::version)).await;
        assert_eq!(told, vec![version; 8 * WATCHES_PER_TOKEN_MAX]);
        rotate(&bench).await;
    }
}

#[tokio::test]
async fn one_token_more_watches_than_it_may_is_429_until_one_ends() {
    let (bench, token) = watched().await;
    let mut streams = Vec::new();
    for _ in 0..WATCHES_PER_TOKEN_MAX {
        streams.push(open(&bench, &token).await);
    }
    let refused = soon(bench.vault.call("GET", "accounts/watch/app", &token, "")).await;
    refused.expect_status(429);
    assert!(refused.text.contains("this token has 64 open watches already"), "{}", refused.text);
    let stream = open_with(&bench.vault, "accounts/watch/app", &token, &[]).await;
    assert_eq!(stream.err().map(|reply| reply.status), Some(429));
    // Another token is not kept out by this one.
    soon(bench.get("accounts/watch/app")).await.expect_status(200);
    streams.pop();
    open_watches(&bench.vault, WATCHES_PER_TOKEN_MAX - 1).await;
    soon(bench.vault.call("GET", "accounts/watch/app", &token, "")).await.expect_status(200);
}

#[tokio::test]
async fn the_server_has_no_more_open_watches_than_half_of_its_connections() {
    let bench = Bench::limited_to(5).await;
    bench.account("app", "p-1").await;
    let tokens = [watcher(&bench).await, watcher(&bench).await];
    let _held = [open(&bench, &tokens[0]).await, open(&bench, &tokens[1]).await];
    let refused = soon(bench.get("accounts/watch/app")).await;
    refused.expect_status(429);
    assert!(refused.text.contains("the server has 2 open watches already"), "{}", refused.text);
}

#[tokio::test]
async fn a_client_that_hangs_up_gives_its_place_free() {
    let (bench, token) = watched().await;
    {
        let poll = bench.vault.call("GET", "accounts/watch/app?version=1", &token, "");
        let mut poll = pin!(poll);
        let waiting = async { open_watches(&bench.vault, 1).await };
        tokio::select! {
            biased;
            _ = &mut poll => panic!("nothing has changed"),
            () = waiting => {}
        }
    }
    open_watches(&bench.vault, 0).await;
}

#[tokio::test]
async fn who_does_not_read_is_cut_off_and_the_others_go_on() {
    let (bench, token) = watched().await;
    let mut slow = open(&bench, &token).await;
    let mut quick = open(&bench, &token).await;
    for version in 1..=30 {
        assert_eq!(quick.version().await, version);
        rotate(&bench).await;
    }
    let mut told = 0;
    while let Some((name, ..)) = slow.next().await {
        assert_eq!(name, "version");
        told += 1;
    }
    assert!((1..30).contains(&told), "{told}");
    assert_eq!(quick.version().await, 31);
}

#[tokio::test]
async fn over_a_real_connection_events_come_as_they_happen_and_a_lost_client_is_noticed() {
    let (bench, token) = watched().await;
    let app = &bench.vault.app;
    let bound = Bound::bind(&app.config.listener).await.unwrap();
    let url = format!("{}/v1/accounts/watch/app", bound.url());
    let serving = tokio::spawn(bound.serve(router(Arc::clone(app)), 16, app.shutdown.clone()));
    // Another process-wide provider may have been set already: the same one.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let client = || reqwest::Client::builder().no_proxy().build().unwrap();
    let ask = |client: &reqwest::Client, query: &str| {
        client.get(format!("{url}{query}")).header("X-Vault-Token", &token)
    };

    let poller = client();
    let poll = tokio::spawn(ask(&poller, "?version=1").send());
    open_watches(&bench.vault, 1).await;
    poll.abort();
    assert!(poll.await.unwrap_err().is_cancelled());
    open_watches(&bench.vault, 0).await;

    let mut streams = Vec::new();
    for _ in 0..2 {
        streams.push(ask(&client(), "").header("Accept", "text/event-stream").send().await.unwrap());
    }
    for version in 1..=2 {
        for stream in &mut streams {
            let want = format!("id: {version}\n");
            let mut text = String::new();
            while !text.contains(&want) {
                text.push_str(std::str::from_utf8(&stream.chunk().await.unwrap().unwrap()).unwrap());
            }
        }
        rotate(&bench).await;
    }
    drop(streams.pop());
    open_watches(&bench.vault, 1).await;
    app.shutdown.begin();
    let rest = streams.pop().unwrap().text().await.unwrap();
    assert!(rest.ends_with("event: end\ndata: {\"reason\":\"stopping\"}\n\n"), "{rest}");
    serving.await.unwrap();
}
