//! Failures of targets and of the seal, each with a secret in play.

use reqwest::Method;
use serde_json::json;

use crate::session::{GIVEN, Session};

/// Wrong passwords, targets that are not there or refuse, and a target that goes away and comes back.
pub(crate) async fn of_targets(session: &mut Session) {
    for (name, secret) in [
        ("wrong password", WRONG),
        ("wrong management password", BADLY_KEPT),
        ("unreachable target", NOWHERE),
    ] {
        session.secrets.add(name, secret);
    }
    let account = json!({ "target": "pg", "username": "refused", "password": WRONG });
    session.post("accounts/config/refused", account).await;
    session.post("accounts/verify/refused", json!({})).await;
    session.post("accounts/check-out/refused", json!({})).await;

    let free = vault_tests::process::free_port().unwrap();
    for (name, url, password) in [
        ("nowhere", vault_tests::postgres::url_template(free), NOWHERE),
        ("badly-kept", session.server.url_template(), BADLY_KEPT),
    ] {
        let target = json!({
            "rotator": "postgresql", "connection_url": url, "username": "keeper", "password": password,
        });
        session.post(&format!("targets/config/{name}"), target).await;
        assert_eq!(session.post(&format!("targets/check/{name}"), json!({})).await, 502);
        let account = json!({ "target": name, "username": "given", "password": GIVEN });
        session.post(&format!("accounts/config/{name}"), account).await;
        session.post(&format!("accounts/rotate/{name}"), json!({})).await;
        session.post(&format!("accounts/verify/{name}"), json!({})).await;
        session.post(&format!("targets/rotate/{name}"), json!({})).await;
    }

    session.server.stop().unwrap();
    assert_eq!(session.post("accounts/rotate/adopted", json!({})).await, 502);
    assert_eq!(session.post("accounts/verify/given", json!({})).await, 502);
    session.server.start_again().unwrap();
    assert_eq!(session.post("accounts/rotate/adopted", json!({})).await, 200);
    session.reveal(Method::GET, "accounts/creds/adopted", None).await;

    // Changed behind the vault's back, then mended.
    session.sql("ALTER ROLE given PASSWORD 'changed by somebody else'").await;
    assert_eq!(session.post("accounts/verify/given", json!({})).await, 502);
    assert_eq!(session.get("accounts/creds/given").await, 503);
    assert_eq!(session.post("accounts/reconcile/given", json!({})).await, 200);
    session.reveal(Method::GET, "accounts/creds/given", None).await;
}

/// Seal, requests to a sealed vault, wrong keys, and unseal.
pub(crate) async fn of_the_seal(session: &mut Session) {
    session.secrets.add("wrong unseal key", WRONG_KEY);
    session.secrets.add("passphrase of a second init", PASSPHRASE);
    let shares = session.vault.shares().to_vec();
    assert_eq!(session.post("sys/seal", json!({})).await, 204);
    session.get("accounts/status/given").await;
    session.post("sys/init", json!({ "passphrase": PASSPHRASE })).await;
    for body in [
        json!({ "key": WRONG_KEY }).to_string(),
        json!({ "passphrase": PASSPHRASE }).to_string(),
        json!({ "key": [shares[0]] }).to_string(),
        format!("{{\"key\":\"{}\"", shares[0]),
        format!("{{\"key\":{}}}", shares[0]),
        json!({ "key": data_encoding::BASE64.encode(&[7; 33]) }).to_string(),
        json!({ "key": shares[0] }).to_string(),
        json!({ "key": data_encoding::BASE64.encode(&[9; 33]) }).to_string(),
        json!({ "reset": true }).to_string(),
    ] {
        session.send(Method::POST, "sys/unseal", &body, &[]).await;
    }
    for share in shares.iter().take(2) {
        let body = json!({ "key": share }).to_string();
        assert_eq!(session.send(Method::POST, "sys/unseal", &body, &[]).await, 200);
    }
    assert_eq!(session.get("accounts/status/given").await, 200);
}

pub(crate) fn root(session: &Session) -> String {
    session.vault.root().to_owned()
}

const WRONG: &str = "canaryWrongPassword-55";
const BADLY_KEPT: &str = "canaryBadlyKept-1f";
const NOWHERE: &str = "canaryNowhere-90aa";
const WRONG_KEY: &str = "canaryWrongUnsealKey!";
const PASSPHRASE: &str = "canary passphrase of nobody";
