//! A pool of real roles: lent in turn, dead when they come back, and who fetched which version.

use reqwest::Method;
use serde_json::{Value, json};
use vault_tests::vault::ROOT;
use vault_tests::world::{Credential, World, together};

/// The accounts `dba/1` to `dba/3`, and the pool `dba` of them.
async fn pool() -> World {
    let world = World::new().await.unwrap();
    for number in 1..=3 {
        world.adopted(&format!("dba/{number}"), &format!("dba_{number}")).await.unwrap();
    }
    let accounts = json!({ "accounts": "dba/1,dba/2,dba/3", "ttl": "30m" });
    world.wrote("pools/config/dba", accounts).await.unwrap();
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_ask_at_once_each_get_a_role_of_their_own_that_logs_in_and_dies() {
    let world = pool().await;
    let asks = (0..12).map(|_| world.vault.post("pools/check-out/dba", json!({})));
    let answers: Vec<_> = together(asks).await.into_iter().map(|answer| answer.unwrap()).collect();
    let lent: Vec<Credential> =
        answers.iter().filter(|answer| answer.is_success()).map(|a| Credential::of(a).unwrap()).collect();
    let mut names: Vec<&str> = lent.iter().map(|credential| credential.username.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["dba_1", "dba_2", "dba_3"]);
    for answer in answers.iter().filter(|answer| !answer.is_success()) {
        assert!(answer.errors().contains("No service accounts available for check-out"), "{}", answer.body);
    }
    for credential in &lent {
        assert!(world.accepts(credential).await.unwrap(), "{}", credential.username);
    }
    let session = world.session(&lent[0]).await.unwrap();
    let back = json!({ "accounts": ["dba/1", "dba/2", "dba/3"] });
    let back = world.vault.post("pools/check-in/dba", back).await.unwrap();
    for one in back.data().unwrap()["check_ins"].as_array().unwrap() {
        assert_eq!(one["state"], "closed", "{}", back.body);
    }
    for credential in &lent {
        assert!(!world.accepts(credential).await.unwrap(), "{}", credential.username);
    }
    assert!(session.batch_execute("SELECT 1").await.is_err(), "the session outlived the lease");
    assert!(world.vault.audit_is_intact().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_borrows_from_a_pool_and_tells_who_lags() {
    let world = pool().await;
    let policy = r#"path "pools/*" { capabilities = ["read", "update"] }"#;
    world.wrote("sys/policies/acl/dba", json!({ "policy": policy })).await.unwrap();
    let made = json!({ "policies": ["dba"], "display_name": "ann" });
    let made = world.vault.post("auth/token/create", made).await.unwrap();
    let ann = made.text("/auth/client_token").to_owned();
    let run = async |words: &[&str]| {
        let output = world.cli(&ann, words).await.unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (code, printed, err) =
        run(&["pool", "check-out", "dba", "--reason", "invoice", "--format", "json"]).await;
    assert_eq!(code, Some(0), "{err}");
    let lent: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(lent["data"]["account"], "dba/1");
    let (_, status, _) = run(&["pool", "status", "dba"]).await;
    assert!(status.contains("2 of 3 free") && status.contains("token-ann"), "{status}");
    for _ in 0..2 {
        assert_eq!(run(&["pool", "check-out", "dba"]).await.0, Some(0));
    }
    let (code, _, err) = run(&["pool", "check-out", "dba"]).await;
    assert_eq!(code, Some(3), "{err}");
    let (code, back, err) = run(&["pool", "check-in", "dba", "dba/1", "dba/2", "dba/3"]).await;
    assert_eq!((code, back.matches("closed").count()), (Some(0), 3), "{back}{err}");

    // Two services that read and do not come back for the new version; and root, who has read when it was adopted.
    for _ in 0..2 {
        let reader = json!({ "policies": ["root"] });
        let reader = world.vault.post("auth/token/create", reader).await.unwrap();
        let reader = reader.text("/auth/client_token").to_owned();
        let read = world.vault.call(Method::GET, "accounts/creds/dba/1", None, &reader).await.unwrap();
        assert!(read.is_success(), "{}", read.body);
    }
    world.rotate("dba/1").await.unwrap();
    let output = world.cli(ROOT, &["account", "consumers", "dba/1"]).await.unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(printed.contains("0 of 3 live consumers have version 3"), "{printed}");
    assert_eq!(printed.matches("lagging").count(), 3, "{printed}");
}
