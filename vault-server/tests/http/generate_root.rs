//! A root token for who holds enough shares.

use data_encoding::BASE64_NOPAD;
use serde_json::{Value, json};

use super::rekey::{open, shared};
use super::vault::{Disk, Reply, Vault};

fn unmask(masked: &Value, pad: &str) -> String {
    let bytes = BASE64_NOPAD.decode(masked.as_str().unwrap().as_bytes()).unwrap();
    assert_eq!(bytes.len(), pad.len());
    String::from_utf8(bytes.iter().zip(pad.bytes()).map(|(byte, pad)| byte ^ pad).collect()).unwrap()
}

async fn is_root(vault: &Vault, token: &str) -> bool {
    let reply = vault.call("GET", "auth/token/lookup-self", token, "").await;
    reply.status == 200 && reply.at("/data/policies") == json!(["root"]) && reply.at("/data/orphan") == true
}

#[tokio::test]
async fn the_shares_give_a_root_token_that_only_the_asker_can_read() {
    let disk = Disk::new();
    let (vault, shares) = shared(&disk).await;
    for (base, pad, top) in [
        ("sys/generate-root", None, ""),
        // Where OpenBao's command line asks, and reads the answer from `data`.
        ("sys/generate-root-token", Some("abcdefghijklmnopqrstuvwxyz12"), "/data"),
        // What clients send to a server of an older version.
        ("sys/generate-root", Some("abcdefghijklmnopqrstuvwxyz"), ""),
    ] {
        let (attempt, update) = (format!("{base}/attempt"), format!("{base}/update"));
        let at = |reply: &Reply, name: &str| reply.at(&format!("{top}/{name}"));
        let idle = open(&vault, "GET", &attempt, Value::Null).await;
        assert_eq!(
            (at(&idle, "started"), at(&idle, "otp_length"), at(&idle, "required")),
            (json!(false), json!(28), json!(3))
        );
        let begun = open(&vault, "PUT", &attempt, json!({ "otp": pad })).await;
        assert_eq!((begun.status, at(&begun, "started")), (200, json!(true)), "{}", begun.text);
        let shown = at(&begun, "otp");
        let pad = pad.map_or_else(|| shown.as_str().unwrap().to_owned(), str::to_owned);
        assert_eq!(shown == json!(""), shown != json!(pad));
        assert_eq!(at(&open(&vault, "GET", &attempt, Value::Null).await, "otp"), "");
        let nonce = at(&begun, "nonce");
        let mut last = None;
        for (n, share) in shares[1..4].iter().enumerate() {
            let reply = open(&vault, "PUT", &update, json!({ "key": share, "nonce": nonce })).await;
            assert_eq!((at(&reply, "progress"), at(&reply, "complete")), (json!(n + 1), json!(n == 2)));
            assert_eq!(at(&reply, "otp_length"), 0);
            last = Some(reply);
        }
        let last = last.unwrap();
        assert_eq!(at(&last, "encoded_token"), at(&last, "encoded_root_token"));
        let token = unmask(&at(&last, "encoded_token"), &pad);
        assert!(is_root(&vault, &token).await);
        assert_eq!(at(&open(&vault, "GET", &attempt, Value::Null).await, "started"), false);
        let text = std::fs::read_to_string(&disk.config.audit_file).unwrap();
        assert!(text.contains("root_token_generated") && !text.contains(&token) && !text.contains(&pad));
    }
}

#[tokio::test]
async fn nothing_is_given_without_enough_shares_of_this_vault_for_this_attempt() {
    let disk = Disk::new();
    let (vault, shares) = shared(&disk).await;
    let attempt = "sys/generate-root/attempt";
    let give = |share: String, nonce: Value| {
        open(&vault, "PUT", "sys/generate-root/update", json!({ "key": share, "nonce": nonce }))
    };
    let early = give(shares[0].clone(), json!("")).await;
    assert_eq!((early.status, early.errors()), (400, json!(["no root generation in progress"])));
    for pad in ["short", "abcdefghijklmnopqrstuvwxyz1"] {
        let refused = open(&vault, "PUT", attempt, json!({ "otp": pad })).await;
        assert_eq!(refused.status, 400);
        assert!(refused.text.contains("OTP string is wrong length"), "{}", refused.text);
    }
    let nonce = open(&vault, "POST", attempt, Value::Null).await.at("/nonce");
    let again = open(&vault, "PUT", attempt, Value::Null).await;
    assert_eq!((again.status, again.errors()), (400, json!(["root generation already in progress"])));
    let stray = give(shares[0].clone(), json!("x")).await;
    assert!(stray.text.contains("incorrect nonce supplied"), "{}", stray.text);
    for _ in 0..3 {
        assert_eq!(give(shares[0].clone(), nonce.clone()).await.at("/progress"), 1);
    }
    assert_eq!(
        give("!".to_owned(), nonce.clone()).await.errors(),
        json!(["'key' must be a valid hex or base64 string"])
    );
    // Cancelled with two of three shares: they do not count for the next one.
    give(shares[1].clone(), nonce.clone()).await;
    for _ in 0..2 {
        assert_eq!(open(&vault, "DELETE", attempt, Value::Null).await.status, 204);
    }
    let next = open(&vault, "PUT", attempt, Value::Null).await.at("/nonce");
    assert_eq!(give(shares[2].clone(), nonce).await.status, 400);
    assert_eq!(give(shares[2].clone(), next).await.at("/complete"), false);
}

#[tokio::test]
async fn shares_that_a_rekey_replaced_give_no_root_token() {
    let disk = Disk::new();
    let (vault, shares) = shared(&disk).await;
    let root = open(&vault, "PUT", "sys/generate-root/attempt", Value::Null).await.at("/nonce");
    let rekey = open(&vault, "PUT", "sys/rekey/init", json!({ "secret_shares": 1, "secret_threshold": 1 }))
        .await
        .at("/nonce");
    for share in &shares[..2] {
        open(&vault, "PUT", "sys/generate-root/update", json!({ "key": share, "nonce": root })).await;
    }
    for share in &shares[..3] {
        open(&vault, "PUT", "sys/rekey/update", json!({ "key": share, "nonce": rekey })).await;
    }
    let late =
        open(&vault, "PUT", "sys/generate-root/update", json!({ "key": shares[2], "nonce": root })).await;
    assert_eq!((late.status, late.errors()), (400, json!(["no root generation in progress"])));
}
