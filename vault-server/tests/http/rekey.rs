//! New shares for a vault at work: the old ones are good until the new ones are, and never longer.

use serde_json::{Value, json};
use vault_core::entropy::OsEntropy;
use vault_core::seal::{Offer, Unsealing};
use vault_server::service::seal::{decode_share, stored_config};

use super::vault::{Disk, Reply, Vault};

/// A vault with five shares of which three unseal.
pub(crate) async fn shared(disk: &Disk) -> (Vault, Vec<String>) {
    let mut vault = disk.start();
    let init = vault.call("PUT", "sys/init", "", r#"{"secret_shares":5,"secret_threshold":3}"#).await;
    vault.root = init.at("/root_token").as_str().unwrap().to_owned();
    let shares = texts(&init.at("/keys"));
    assert!(give(&vault, &shares).await);
    (vault, shares)
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// Gives shares for an unseal; whether they unsealed.
async fn give(vault: &Vault, shares: &[String]) -> bool {
    vault.call("PUT", "sys/unseal", "", r#"{"reset":true}"#).await;
    for share in shares {
        let reply = vault.call("PUT", "sys/unseal", "", &json!({ "key": share }).to_string()).await;
        if reply.status == 200 && reply.at("/sealed") == false {
            return true;
        }
    }
    false
}

/// Whether these shares unseal what is stored.
fn unseals(vault: &Vault, shares: &[String]) -> bool {
    let config = stored_config(vault.app.barrier.store()).unwrap().unwrap();
    let mut unsealing = Unsealing::new(&config);
    shares.iter().any(|share| {
        let share = decode_share(share, "shamir").unwrap();
        matches!(unsealing.offer(share, &OsEntropy), Ok(Offer::Unsealed(_)))
    })
}

pub(crate) async fn open(vault: &Vault, method: &str, path: &str, body: Value) -> Reply {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    vault.call(method, path, "", &body).await
}

/// Gives shares to `path` one after another; the last answer.
async fn offer(vault: &Vault, path: &str, nonce: &Value, shares: &[String]) -> Reply {
    let mut last = None;
    for share in shares {
        last = Some(open(vault, "PUT", path, json!({ "key": share, "nonce": nonce })).await);
    }
    last.unwrap()
}

#[tokio::test]
async fn new_shares_take_the_place_of_the_old_ones() {
    let disk = Disk::new();
    let (vault, old) = shared(&disk).await;
    let idle = open(&vault, "GET", "sys/rekey/init", Value::Null).await;
    assert_eq!(
        (idle.at("/started"), idle.at("/required"), idle.at("/nonce")),
        (json!(false), json!(3), json!(""))
    );
    let begun =
        open(&vault, "PUT", "sys/rekey/init", json!({ "secret_shares": 3, "secret_threshold": 2 })).await;
    assert_eq!((begun.status, begun.at("/started")), (200, json!(true)));
    assert_eq!(
        (begun.at("/t"), begun.at("/n"), begun.at("/verification_required")),
        (json!(2), json!(3), json!(false))
    );
    let nonce = begun.at("/nonce");
    let again =
        open(&vault, "POST", "sys/rekey/init", json!({ "secret_shares": 1, "secret_threshold": 1 })).await;
    assert_eq!((again.status, again.errors()), (400, json!(["rekey already in progress"])));
    let stray = open(&vault, "PUT", "sys/rekey/update", json!({ "key": old[0], "nonce": "x" })).await;
    assert_eq!(stray.status, 400);
    assert!(stray.text.contains("incorrect nonce supplied"), "{}", stray.text);

    let more =
        offer(&vault, "sys/rekey/update", &nonce, &[old[4].clone(), old[4].clone(), old[0].clone()]).await;
    assert_eq!((more.at("/progress"), more.json().get("keys")), (json!(2), None));
    // Another generation in between is kept.
    assert_eq!(vault.root("PUT", "sys/rotate", "").await.status, 204);
    let done = offer(&vault, "sys/rekey/update", &nonce, &old[2..3]).await;
    assert_eq!((done.at("/complete"), done.at("/nonce")), (json!(true), nonce));
    let new = texts(&done.at("/keys"));
    assert_eq!((new.len(), texts(&done.at("/keys_base64")).len()), (3, 3));
    assert_eq!(open(&vault, "GET", "sys/seal-status", Value::Null).await.at("/t"), 2);
    assert_eq!(open(&vault, "GET", "sys/rekey/init", Value::Null).await.at("/started"), false);

    assert!(!unseals(&vault, &old) && unseals(&vault, &new[1..]));
    // The keys in use can be rotated further, under the new root key.
    assert_eq!(vault.root("PUT", "sys/rotate", "").await.status, 204);
    assert!(unseals(&vault, &new[..2]));
    let text = std::fs::read_to_string(&disk.config.audit_file).unwrap();
    for event in ["rekey_begun", "rekeyed"] {
        assert!(text.contains(event), "{event} is not in the trail");
    }
    assert!(!new.iter().chain(&old).any(|share| text.contains(share.as_str())));
    // Another process over the same disk, as after a crash.
    let root = vault.root.clone();
    drop(vault);
    let next = disk.start();
    assert!(!give(&next, &old).await && give(&next, &new[..2]).await);
    assert_eq!(next.call("GET", "auth/token/lookup-self", &root, "").await.status, 200);
}

#[tokio::test]
async fn new_shares_that_are_to_be_verified_count_when_they_came_back() {
    let disk = Disk::new();
    let (vault, old) = shared(&disk).await;
    let none = open(&vault, "GET", "sys/rekey/verify", Value::Null).await;
    assert_eq!((none.status, none.errors()), (400, json!(["no rekey configuration found"])));
    let wanted = json!({ "secret_shares": 5, "secret_threshold": 3, "require_verification": true });
    let nonce = open(&vault, "PUT", "sys/rekey/init", wanted).await.at("/nonce");
    let done = offer(&vault, "sys/rekey/update", &nonce, &old[..3]).await;
    assert_eq!((done.at("/complete"), done.at("/verification_required")), (json!(true), json!(true)));
    let new = texts(&done.at("/keys"));
    // They were shown, and nothing has changed yet.
    assert!(unseals(&vault, &old[..3]) && !unseals(&vault, &new));
    let late = offer(&vault, "sys/rekey/update", &nonce, &old[..1]).await;
    assert!(late.text.contains("rekey operation already finished"), "{}", late.text);

    let first = done.at("/verification_nonce");
    let verify = "sys/rekey/verify";
    let progress = offer(&vault, verify, &first, &new[..2]).await;
    assert_eq!((progress.at("/progress"), progress.at("/started")), (json!(2), json!(true)));
    let restarted = open(&vault, "DELETE", verify, Value::Null).await;
    assert_eq!((restarted.status, restarted.at("/progress")), (200, json!(0)));
    let second = restarted.at("/nonce");
    assert_ne!(first, second);
    assert_eq!(offer(&vault, verify, &first, &new[..1]).await.status, 400);
    let verified = offer(&vault, verify, &second, &new[2..]).await;
    assert_eq!((verified.at("/complete"), verified.at("/nonce")), (json!(true), second));
    assert!(unseals(&vault, &new[..3]) && !unseals(&vault, &old));
}

#[tokio::test]
async fn a_rekey_that_is_cut_short_leaves_the_old_shares() {
    let disk = Disk::new();
    let (vault, old) = shared(&disk).await;
    let wanted = json!({ "secret_shares": 2, "secret_threshold": 2, "require_verification": true });
    let nonce = open(&vault, "PUT", "sys/rekey/init", wanted.clone()).await.at("/nonce");
    let new = texts(&offer(&vault, "sys/rekey/update", &nonce, &old[..3]).await.at("/keys"));
    // Cancelled, sealed, crashed: each time the new shares are forgotten.
    assert_eq!(open(&vault, "DELETE", "sys/rekey/init", Value::Null).await.status, 204);
    assert_eq!(open(&vault, "DELETE", "sys/rekey/init", Value::Null).await.status, 204);
    assert_eq!(open(&vault, "GET", "sys/rekey/init", Value::Null).await.at("/started"), false);
    let nonce = open(&vault, "PUT", "sys/rekey/init", wanted).await.at("/nonce");
    offer(&vault, "sys/rekey/update", &nonce, &old[..2]).await;
    assert_eq!(vault.root("PUT", "sys/seal", "").await.status, 204);
    assert_eq!(open(&vault, "GET", "sys/rekey/init", Value::Null).await.status, 503);
    assert!(give(&vault, &old[2..]).await);
    let fresh = open(&vault, "GET", "sys/rekey/init", Value::Null).await;
    assert_eq!((fresh.at("/started"), fresh.at("/progress")), (json!(false), json!(0)));
    assert!(unseals(&vault, &old[1..4]) && !unseals(&vault, &new));
}

#[tokio::test]
async fn wrong_shares_and_impossible_wishes_change_nothing() {
    let disk = Disk::new();
    let (vault, old) = shared(&disk).await;
    for (wanted, reason) in [
        (json!({ "secret_shares": 2, "secret_threshold": 3 }), "threshold cannot be larger than shares"),
        (
            json!({ "secret_shares": 3, "secret_threshold": 1 }),
            "threshold must be greater than one for multiple shares",
        ),
        (
            json!({ "secret_shares": 1, "secret_threshold": 1, "backup": true }),
            "cannot request a backup of the new keys without providing PGP keys for encryption",
        ),
        (
            json!({ "secret_shares": 1, "secret_threshold": 1, "pgp_keys": ["x"] }),
            "'pgp_keys' is not supported; leave it out",
        ),
    ] {
        let refused = open(&vault, "PUT", "sys/rekey/init", wanted).await;
        assert_eq!((refused.status, refused.errors()), (400, json!([reason])));
    }
    let early = open(&vault, "PUT", "sys/rekey/update", json!({ "key": old[0], "nonce": "" })).await;
    assert_eq!((early.status, early.errors()), (400, json!(["no barrier rekey in progress"])));
    let wanted = json!({ "secret_shares": 1, "secret_threshold": 1 });
    let nonce = open(&vault, "PUT", "sys/rekey/init", wanted).await.at("/nonce");
    let mut forged = old[..3].to_vec();
    let other = if forged[1].starts_with("00") { "01" } else { "00" };
    forged[1].replace_range(..2, other);
    let refused = offer(&vault, "sys/rekey/update", &nonce, &forged).await;
    assert_eq!(refused.status, 400, "{}", refused.text);
    assert_eq!(open(&vault, "GET", "sys/rekey/init", Value::Null).await.at("/progress"), 0);
    assert!(unseals(&vault, &old));
    let backup = vault.root("GET", "sys/rekey/backup", "").await;
    assert_eq!((backup.status, backup.errors()), (400, json!(["no backed-up keys found"])));
}

#[tokio::test]
async fn without_the_audit_file_the_old_shares_stay() {
    let disk = Disk::new();
    let (vault, old) = shared(&disk).await;
    let wanted = json!({ "secret_shares": 1, "secret_threshold": 1 });
    let nonce = open(&vault, "PUT", "sys/rekey/init", wanted).await.at("/nonce");
    std::fs::remove_file(&disk.config.audit_file).unwrap();
    disk.clock.advance(std::time::Duration::from_secs(60));
    vault.app.audit.tick(None, vault.app.clock.now());
    let refused = offer(&vault, "sys/rekey/update", &nonce, &old[..3]).await;
    assert_eq!(refused.status, 500, "{}", refused.text);
    assert!(unseals(&vault, &old));
}
