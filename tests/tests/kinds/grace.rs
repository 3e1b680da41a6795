//! Hold or cut, on a real server where two passwords live side by side: consumers by name, through the whole program.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use vault_tests::vault::Vault;
use vault_tests::world::Credential;

use crate::server::{Redis, Server as _};
use crate::story::{adopted, served};

const READER: &str = r#"
    path "accounts/creds/*" { capabilities = ["read"] }
    path "accounts/confirm/*" { capabilities = ["update"] }
"#;

/// A consumer with a token of its own.
struct Consumer<'a> {
    vault: &'a Vault,
    token: String,
}

impl Consumer<'_> {
    async fn reads(&self) -> Credential {
        let answer = self.vault.call(Method::GET, "accounts/creds/app", None, &self.token).await.unwrap();
        Credential::of(&answer).unwrap()
    }

    async fn confirms(&self, version: u64) {
        let body = json!({ "version": version });
        let answer = self.vault.call(Method::POST, "accounts/confirm/app", Some(body), &self.token).await;
        assert!(answer.unwrap().is_success());
    }
}

/// The account `app`, rotated by this policy from now on, and two consumers that have read it.
async fn began<'a>(
    vault: &'a Vault,
    server: &impl crate::server::Server,
    policy: Value,
) -> [Consumer<'a>; 2] {
    adopted(vault, server, "app", "app").await;
    assert!(vault.post("rotation-policies/quick", policy).await.unwrap().is_success());
    assert!(vault.post("sys/policies/acl/reader", json!({ "policy": READER })).await.unwrap().is_success());
    let consumer =
        async |name: &str| Consumer { vault, token: vault.token(name, &["reader"]).await.unwrap() };
    let both = [consumer("web").await, consumer("batch").await];
    for one in &both {
        one.reads().await;
    }
    both
}

async fn status(vault: &Vault) -> Value {
    vault.get("accounts/status/app").await.unwrap().data().unwrap().clone()
}

/// Waits until the status is so.
async fn until(vault: &Vault, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let mut seen = Value::Null;
    for _ in 0..600 {
        seen = status(vault).await;
        if is_so(&seen) {
            return seen;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{what} does not happen: {seen}");
}

async fn rotated(vault: &Vault) {
    let answer = vault.post("accounts/rotate/app", json!({})).await.unwrap();
    assert!(answer.is_success(), "{}", answer.errors());
}

async fn history(vault: &Vault, kind: &str) -> Vec<Value> {
    let answer = vault.get("accounts/history/app").await.unwrap();
    let events = answer.data().unwrap()["events"].as_array().unwrap().clone();
    events.into_iter().filter(|event| event["kind"] == kind).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_old_password_dies_when_the_last_consumer_has_the_new_one() {
    let (server, vault) = (Redis::start().await.unwrap(), Vault::start().await.unwrap());
    let policy = json!({ "rotation_period": "24h", "grace": "1h", "early_after": "1s" });
    let [web, batch] = began(&vault, &server, policy).await;
    // Also the one who made the account has read it.
    let old = served(&vault, "app").await;
    rotated(&vault).await;
    served(&vault, "app").await;
    batch.confirms(old.version).await;
    assert_ne!(web.reads().await.version, old.version);
    let new = batch.reads().await;
    // It has fetched the new one, and says that it uses the old one still.
    let seen = until(&vault, "two have it", |seen| seen["consumers"]["current"] == 2).await;
    assert_eq!(seen["consumers"]["laggards"][0]["principal"], "token-batch");
    assert_eq!(status(&vault).await["state"], "grace");
    assert!(server.accepts("app", &old.password).await.unwrap(), "batch has the old one");
    batch.confirms(new.version).await;
    until(&vault, "the end of the grace", |seen| seen["state"] == "idle").await;
    assert!(!server.accepts("app", &old.password).await.unwrap());
    assert!(server.accepts("app", &new.password).await.unwrap());
    assert_eq!(history(&vault, "grace_ended").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_lags_is_cut_by_name_when_the_grace_is_over() {
    let (server, vault) = (Redis::start().await.unwrap(), Vault::start().await.unwrap());
    let [web, _batch] = began(&vault, &server, json!({ "rotation_period": "24h", "grace": "2s" })).await;
    let old = web.reads().await;
    rotated(&vault).await;
    served(&vault, "app").await;
    web.reads().await;
    assert!(server.accepts("app", &old.password).await.unwrap(), "the grace has begun");
    until(&vault, "the end of the grace", |seen| seen["state"] == "idle").await;
    assert!(!server.accepts("app", &old.password).await.unwrap());
    let cut = history(&vault, "cut").await;
    assert!(cut[0]["detail"].as_str().unwrap().contains("token-batch"), "{cut:?}");
    assert!(!cut[0]["detail"].as_str().unwrap().contains("token-web"), "{cut:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_keeps_the_old_password_over_a_crash_until_nobody_lags() {
    let server = Redis::start().await.unwrap();
    let mut vault = Vault::start().await.unwrap();
    let policy = json!({ "rotation_period": "24h", "grace": "1s", "hold": "1h", "early_after": "1s" });
    let (old, token) = {
        let [web, batch] = began(&vault, &server, policy).await;
        let old = web.reads().await;
        rotated(&vault).await;
        served(&vault, "app").await;
        web.reads().await;
        (old, batch.token)
    };
    let seen = until(&vault, "the hold", |seen| seen["class"] == "consumer_lag").await;
    assert_eq!((&seen["state"], &seen["consumers"]["lagging"]), (&json!("grace"), &json!(1)));
    assert!(seen["detail"].as_str().unwrap().contains("token-batch"), "{seen}");
    // It outlives the process.
    vault.kill().unwrap();
    vault.start_again().await.unwrap();
    assert_eq!(status(&vault).await["class"], "consumer_lag");
    assert!(server.accepts("app", &old.password).await.unwrap(), "batch has the old one");
    Consumer { vault: &vault, token }.reads().await;
    until(&vault, "the end of the hold", |seen| seen["state"] == "idle" && seen["class"].is_null()).await;
    assert!(!server.accepts("app", &old.password).await.unwrap());
    let told = vault.get("incidents?state=all").await.unwrap();
    assert_eq!(told.data().unwrap()["incidents"][0]["state"], "closed", "{}", told.body);
}
