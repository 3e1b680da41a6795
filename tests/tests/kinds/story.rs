//! The main job on one kind of target.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use vault_tests::vault::{ROOT, Vault};
use vault_tests::world::Credential;

use crate::server::Server;

/// Adopts an account, rotates it, lends it and takes it back; after each step the target lets in what is served, and
/// nothing that was served before.
pub(crate) async fn play(server: &impl Server) {
    let vault = Vault::start().await.unwrap();
    server.prepare(&vault).await.unwrap();
    let first = adopted(&vault, server, "app", "app").await;
    assert!(!server.accepts("app", BEFORE).await.unwrap(), "what a person had set still works");
    assert!(server.accepts(&first.username, &first.password).await.unwrap());
    if let Some(alternate) = server.alternate("app") {
        assert!(!server.accepts(&alternate, BEFORE).await.unwrap(), "the second account is still open");
    }

    let rotated = vault.post("accounts/rotate/app", json!({})).await.unwrap();
    assert!(rotated.is_success(), "{}", rotated.errors());
    let second = served(&vault, "app").await;
    assert_eq!(second.version, first.version + 1);
    alone(server, &second, &first).await;
    if server.alternate("app").is_some() {
        assert_ne!(second.username, first.username, "the same account twice");
    }

    let lent = vault.post("accounts/check-out/app", json!({ "reason": "a story" })).await.unwrap();
    let lent = Credential::of(&lent).unwrap();
    assert!(server.accepts(&lent.username, &lent.password).await.unwrap());
    let body = json!({ "lease_id": lent.lease });
    let back = vault.post("accounts/check-in/app", body).await.unwrap();
    assert!(back.is_success(), "{}", back.errors());
    let third = until_at_rest(&vault, "app").await;
    assert_ne!(third.password, lent.password);
    alone(server, &third, &lent).await;

    assert!(vault.audit_is_intact().unwrap());
}

/// Configures the target and the account `path`, whose password a person had set.
pub(crate) async fn adopted(vault: &Vault, server: &impl Server, path: &str, name: &str) -> Credential {
    adopted_on(vault, server, server.target().unwrap(), path, name).await
}

/// The same with these settings of the target.
pub(crate) async fn adopted_on(
    vault: &Vault,
    server: &impl Server,
    target: Value,
    path: &str,
    name: &str,
) -> Credential {
    let target = vault.post("targets/config/t", target).await.unwrap();
    assert!(target.is_success(), "{}", target.errors());
    let checked = vault.post("targets/check/t", json!({})).await.unwrap();
    assert!(checked.is_success(), "{}", checked.errors());
    server.create(name, BEFORE).await.unwrap();
    let policy = json!({ "rotation_period": "24h", "retries": 3, "retry_base": "1s", "retry_cap": "1s" });
    vault.post("rotation-policies/quick", policy).await.unwrap().data().ok();
    let mut body = json!({ "target": "t", "username": name, "rotation_policy": "quick" });
    if let Some(alternate) = server.alternate(name) {
        body["alternate_username"] = json!(alternate);
    }
    let answer = vault.post(&format!("accounts/config/{path}"), body).await.unwrap();
    assert!(answer.is_success(), "{}", answer.errors());
    until_at_rest(vault, path).await
}

pub(crate) async fn served(vault: &Vault, path: &str) -> Credential {
    Credential::of(&vault.get(&format!("accounts/creds/{path}")).await.unwrap()).unwrap()
}

/// Waits until nothing is going on with the account; gives what is served then.
pub(crate) async fn until_at_rest(vault: &Vault, path: &str) -> Credential {
    let mut status = Value::Null;
    for _ in 0..POLLS_MAX {
        let answer = vault.call(Method::GET, &format!("accounts/status/{path}"), None, ROOT).await;
        status = answer.unwrap().data().unwrap().clone();
        if at_rest(&status) {
            return served(vault, path).await;
        }
        tokio::time::sleep(PULSE).await;
    }
    panic!("{path} does not come to rest: {status}");
}

fn at_rest(status: &Value) -> bool {
    status["state"] == "idle" && status.get("incident").is_none()
}

/// The target lets in what is served now, and not what was served before.
async fn alone(server: &impl Server, now: &Credential, before: &Credential) {
    let found = (
        server.accepts(&now.username, &now.password).await.unwrap(),
        server.accepts(&before.username, &before.password).await.unwrap(),
    );
    assert_eq!(found, (true, false), "the new password works, the old one works");
}

/// What a person had set, long enough for every server's policy.
pub(crate) const BEFORE: &str = "set-by-hand-before-4711";
const POLLS_MAX: u32 = 1200;
const PULSE: Duration = Duration::from_millis(50);
