//! Init, unseal, seal: states, codes, and what answers in which.

use serde_json::json;

use crate::vault::{Disk, Vault};

#[tokio::test]
async fn health_and_status_follow_the_seal() {
    let disk = Disk::new();
    let vault = disk.start();
    for (method, path, want) in [
        ("GET", "sys/health", 501),
        ("HEAD", "sys/health", 501),
        ("GET", "sys/health?uninitcode=299", 299),
        ("GET", "sys/health?sealedcode=299", 501),
        ("GET", "sys/health?uninitcode=soon", 400),
        ("GET", "sys/health?uninitcode=7", 400),
        ("GET", "sys/seal-status", 200),
        ("GET", "sys/init", 200),
        ("GET", "sys/leader", 200),
        ("PUT", "sys/unseal", 400),
        ("PUT", "sys/seal", 503),
        ("GET", "nowhere", 503),
        ("POST", "sys/health", 405),
    ] {
        let reply = vault.call(method, path, "", "").await;
        assert_eq!(reply.status, want, "{method} {path}: {}", reply.text);
    }
    let (vault, share) = Vault::ready(&disk).await;
    assert_eq!(vault.call("GET", "sys/health", "", "").await.status, 200);
    assert_eq!(vault.call("GET", "sys/health?activecode=204", "", "").await.status, 204);
    assert_eq!(vault.call("HEAD", "sys/health", "", "").await.text, "");
    assert!(vault.call("GET", "sys/health", "", "").await.at("/cluster_id").is_string());

    assert_eq!(vault.root("PUT", "sys/seal", "").await.status, 204);
    assert_eq!(vault.call("GET", "sys/health", "", "").await.status, 503);
    assert_eq!(vault.call("GET", "sys/health?sealedcode=200", "", "").await.status, 200);
    for path in ["auth/token/lookup-self", "sys/policies/acl/default", "sys/mounts", "sys/metrics", "x/y"] {
        let reply = vault.root("GET", path, "").await;
        assert_eq!((reply.status, reply.errors()), (503, json!(["Vault is sealed"])), "{path}");
    }
    vault.unseal(&share).await;
    assert_eq!(vault.root("GET", "auth/token/lookup-self", "").await.status, 200);
}

#[tokio::test]
async fn shares_unseal_one_by_one_and_one_counts_once() {
    let disk = Disk::new();
    let vault = disk.start();
    let init = vault.call("POST", "sys/init", "", r#"{"secret_shares":"3","secret_threshold":2}"#).await;
    let share = |n: usize| json!({ "key": init.at(&format!("/keys/{n}")) }).to_string();

    let one = vault.call("PUT", "sys/unseal", "", &share(0)).await;
    assert_eq!(
        (one.at("/sealed"), one.at("/progress"), one.at("/t"), one.at("/n")),
        (json!(true), json!(1), json!(2), json!(3))
    );
    assert_ne!(one.at("/nonce"), "");
    let again = vault.call("PUT", "sys/unseal", "", &share(0)).await;
    assert_eq!(again.at("/progress"), 1);
    let reset = vault.call("PUT", "sys/unseal", "", r#"{"reset":true}"#).await;
    assert_eq!((reset.at("/progress"), reset.at("/nonce")), (json!(0), json!("")));
    vault.call("PUT", "sys/unseal", "", &share(2)).await;
    let done = vault.call("PUT", "sys/unseal", "", &share(1)).await;
    assert_eq!((done.status, done.at("/sealed")), (200, json!(false)));
    let more = vault.call("PUT", "sys/unseal", "", &share(1)).await;
    assert_eq!((more.status, more.at("/sealed")), (200, json!(false)));
}

#[tokio::test]
async fn bad_init_and_unseal_requests_say_what_to_mend() {
    let disk = Disk::new();
    let vault = disk.start();
    for (body, want) in [
        ("{}", "shares must be at least one"),
        (
            r#"{"secret_shares":5,"secret_threshold":1}"#,
            "threshold must be greater than one for multiple shares",
        ),
        (r#"{"secret_shares":2,"secret_threshold":3}"#, "threshold cannot be larger than shares"),
        (
            r#"{"secret_shares":1,"secret_threshold":1,"pgp_keys":["x"]}"#,
            "'pgp_keys' is not supported; leave it out",
        ),
        (r#"{"passphrase":"short"}"#, "the passphrase must have at least 12 bytes"),
        (
            r#"{"passphrase":"long enough passphrase","secret_shares":3}"#,
            "give either a passphrase or secret_shares, not both",
        ),
    ] {
        let reply = vault.call("PUT", "sys/init", "", body).await;
        assert_eq!((reply.status, reply.errors()), (400, json!([want])), "{body}");
    }
    let sent_by_the_command_line = r#"{"secret_shares":1,"secret_threshold":1,"pgp_keys":null,"recovery_shares":0,
        "recovery_threshold":0,"recovery_pgp_keys":null,"root_token_pgp_key":"","stored_shares":0}"#;
    assert_eq!(vault.call("PUT", "sys/init", "", sent_by_the_command_line).await.status, 200);
    let twice = vault.call("PUT", "sys/init", "", sent_by_the_command_line).await;
    assert_eq!((twice.status, twice.errors()), (400, json!(["Vault is already initialized"])));
    for (body, want) in [
        (r#"{"key":"not a key!"}"#, "'key' must be a valid hex or base64 string"),
        (r#"{"key":"00"}"#, "the unseal key share is malformed: it must be 32 bytes"),
    ] {
        let reply = vault.call("PUT", "sys/unseal", "", body).await;
        assert_eq!((reply.status, reply.errors()), (400, json!([want])), "{body}");
    }
    let wrong = format!(r#"{{"key":"{}"}}"#, "00".repeat(32));
    assert_eq!(vault.call("PUT", "sys/unseal", "", &wrong).await.status, 400);
    assert_eq!(vault.call("PUT", "sys/unseal", "", r#"{"migrate":false}"#).await.status, 400);
}

#[tokio::test]
async fn two_inits_at_once_make_one_vault() {
    let disk = Disk::new();
    let vault = disk.start();
    let body = r#"{"secret_shares":1,"secret_threshold":1}"#;
    let (one, other) =
        tokio::join!(vault.call("PUT", "sys/init", "", body), vault.call("PUT", "sys/init", "", body));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400]);
    let made = if one.status == 200 { one } else { other };
    vault.unseal(made.at("/keys/0").as_str().unwrap()).await;
    let token = made.at("/root_token");
    assert_eq!(vault.call("GET", "auth/token/lookup-self", token.as_str().unwrap(), "").await.status, 200);
}

#[tokio::test]
async fn everything_is_there_again_after_a_crash() {
    let disk = Disk::new();
    let (vault, share) = Vault::ready(&disk).await;
    vault.policy("reader", r#"path "sys/metrics" { capabilities = ["read"] }"#).await;
    let token = vault.token(r#"{"policies":["reader"]}"#).await;
    let root = vault.root.clone();
    drop(vault);

    let vault = disk.start();
    assert_eq!(vault.call("GET", "sys/health", "", "").await.status, 503);
    vault.unseal(&share).await;
    assert_eq!(vault.call("GET", "sys/metrics", &token, "").await.status, 200);
    assert_eq!(vault.call("GET", "auth/token/lookup-self", &root, "").await.status, 200);
}

#[tokio::test]
async fn a_passphrase_unseals_too() {
    let disk = Disk::new();
    let vault = disk.start();
    let passphrase = "correct horse battery staple";
    let body = json!({ "passphrase": passphrase }).to_string();
    let init = vault.call("PUT", "sys/init", "", &body).await;
    assert_eq!((init.status, init.at("/keys")), (200, json!([])));
    assert_eq!(vault.call("GET", "sys/seal-status", "", "").await.at("/type"), "passphrase");
    let wrong = vault.call("PUT", "sys/unseal", "", r#"{"passphrase":"wrong horse battery staple"}"#).await;
    assert_eq!((wrong.status, wrong.errors()), (400, json!(["the passphrase does not unseal this vault"])));
    vault.unseal(passphrase).await;
}

#[tokio::test(start_paused = true)]
async fn keys_that_nobody_can_ask_for_again_are_answered_however_long_it_takes() {
    let disk = Disk::new();
    let vault = disk.start();
    // The deadline passes as soon as the request is under way.
    let slowly = async |path, token: &str, body: &str| {
        tokio::join!(
            vault.call("POST", path, token, body),
            tokio::time::advance(disk.config.request_deadline)
        )
        .0
    };
    let init = slowly("sys/init", "", r#"{"secret_shares":1,"secret_threshold":1}"#).await;
    assert_eq!(init.status, 200, "{}", init.text);
    let share = json!({ "key": init.at("/keys/0") }).to_string();
    assert_eq!(slowly("sys/unseal", "", &share).await.at("/sealed"), false);
    let rekey = slowly("sys/rekey/init", "", r#"{"secret_shares":1,"secret_threshold":1}"#).await;
    let share = json!({ "key": init.at("/keys/0"), "nonce": rekey.at("/nonce") }).to_string();
    let update = slowly("sys/rekey/update", "", &share).await;
    assert!(update.at("/keys/0").is_string(), "{}", update.text);
}
