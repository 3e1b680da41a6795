//! Targets and accounts that are written again: what is left out stays.

use serde_json::json;
use vault_core::account::Subject;
use vault_core::clock::{Clock, Timestamp};
use vault_core::path::{AccountPath, Name};
use vault_core::schedule::RotationPolicy;
use vault_core::store::due;
use vault_core::store::key::Table;
use vault_server::engine::record::DUE_RULE;

use crate::bench::until;
use crate::vault::{Disk, Vault, seconds};

#[tokio::test]
async fn a_later_write_changes_what_it_names_and_nothing_else() {
    let disk = Disk::new();
    disk.target.create_account("manager", "m");
    disk.target.create_account("app", "a");
    let (vault, _) = Vault::ready(&disk).await;
    let missing = vault.root("POST", "targets/config/t", r#"{"password":"m"}"#).await;
    assert_eq!(missing.status, 400, "{}", missing.text);
    let target = json!({
        "rotator": "fake", "connection_url": "fake://", "username": "manager", "password": "m",
        "colour": "red", "max_concurrency": 7,
    });
    assert_eq!(vault.root("POST", "targets/config/t", &target.to_string()).await.status, 204);
    disk.target.set_password("manager", "m2");
    assert_eq!(vault.root("POST", "targets/check/t", "").await.status, 502);
    let reply = vault.root("POST", "targets/config/t", r#"{"password":"m2"}"#).await;
    assert_eq!(reply.status, 204, "{}", reply.text);
    assert_eq!(vault.root("POST", "targets/check/t", "").await.status, 200);
    let read = vault.root("GET", "targets/config/t", "").await;
    for (field, value) in
        [("connection_url", json!("fake://")), ("colour", json!("red")), ("max_concurrency", json!(7))]
    {
        assert_eq!(read.at(&format!("/data/{field}")), value, "{}", read.text);
    }
    // Nor by a setting that somebody without it changes: it could be the one that says whom to trust.
    let weaker = vault.root("POST", "targets/config/t", r#"{"colour":""}"#).await;
    assert_eq!(weaker.status, 400, "{}", weaker.text);
    let named = r#"{"colour":"","password":"m2"}"#;
    assert_eq!(vault.root("POST", "targets/config/t", named).await.status, 204);
    assert!(!vault.root("GET", "targets/config/t", "").await.text.contains("colour"));

    // The stored password is not shown to an address that somebody without it names.
    let moved = vault.root("POST", "targets/config/t", r#"{"connection_url":"fake://elsewhere"}"#).await;
    assert_eq!(moved.status, 400, "{}", moved.text);
    let moved = r#"{"connection_url":"fake://elsewhere","password":"m2"}"#;
    assert_eq!(vault.root("POST", "targets/config/t", moved).await.status, 204);

    vault.root("POST", "rotation-policies/daily", r#"{"rotation_period":"24h"}"#).await;
    let account = json!({ "target": "t", "username": "app", "rotation_policy": "daily", "max_ttl": "8h" });
    assert_eq!(vault.root("POST", "accounts/config/db/app", &account.to_string()).await.status, 200);
    disk.target.set_password("app", "told");
    for (body, policy, max_ttl) in [
        (json!({ "password": "told" }), json!("daily"), json!(28_800)),
        (json!({ "max_ttl": "2h" }), json!("daily"), json!(7_200)),
        (json!({ "rotation_policy": "", "max_ttl": 0 }), json!(null), json!(null)),
    ] {
        let reply = vault.root("POST", "accounts/config/db/app", &body.to_string()).await;
        assert_eq!(reply.status, 200, "{body}: {}", reply.text);
        let read = vault.root("GET", "accounts/config/db/app", "").await;
        assert_eq!((read.at("/data/rotation_policy"), read.at("/data/max_ttl")), (policy, max_ttl), "{body}");
    }
    assert_eq!(vault.root("GET", "accounts/creds/db/app", "").await.at("/data/password"), "told");
}

#[tokio::test]
async fn only_names_that_the_target_allows_become_accounts() {
    let disk = Disk::new();
    for (name, password) in [("manager", "m"), ("app_shop", "a"), ("dba", "d")] {
        disk.target.create_account(name, password);
    }
    let (vault, _) = Vault::ready(&disk).await;
    let target = json!({
        "rotator": "fake", "connection_url": "fake://", "username": "manager", "password": "m",
        "allowed_usernames": "app_*, *_ro",
    });
    assert_eq!(vault.root("POST", "targets/config/t", &target.to_string()).await.status, 204);
    let read = vault.root("GET", "targets/config/t", "").await;
    assert_eq!(read.at("/data/allowed_usernames"), json!(["app_*", "*_ro"]));
    for (username, status) in [("dba", 400), ("app_shop", 200)] {
        let account = json!({ "target": "t", "username": username }).to_string();
        let reply = vault.root("POST", &format!("accounts/config/{username}"), &account).await;
        assert_eq!(reply.status, status, "{username}: {}", reply.text);
    }
    assert!(disk.target.accepts("dba", "d"), "what is not allowed is not touched");
    let wider = vault.root("POST", "targets/config/t", r#"{"allowed_usernames":["app_*","dba"]}"#).await;
    assert_eq!(wider.status, 204, "{}", wider.text);
    let account = json!({ "target": "t", "username": "dba" }).to_string();
    assert_eq!(vault.root("POST", "accounts/config/dba", &account).await.status, 200);
}

#[tokio::test]
async fn a_changed_rotation_policy_reaches_its_accounts_though_a_crash_comes_between() {
    let disk = Disk::new();
    disk.target.create_account("manager", "m");
    disk.target.create_account("app", "a");
    let (vault, share) = Vault::ready(&disk).await;
    let target =
        json!({ "rotator": "fake", "connection_url": "fake://", "username": "manager", "password": "m" });
    assert_eq!(vault.root("POST", "targets/config/t", &target.to_string()).await.status, 204);
    vault.root("POST", "rotation-policies/p", r#"{"rotation_period":"24h"}"#).await;
    let account = json!({ "target": "t", "username": "app", "rotation_policy": "p" });
    assert_eq!(vault.root("POST", "accounts/config/app", &account.to_string()).await.status, 200);
    let before = vault.root("GET", "accounts/status/app", "").await.at("/data/next_rotation");

    // The process dies when the change is committed and nothing was done about it.
    let name = Name::parse("p").unwrap();
    let stored = vault.app.barrier.load::<RotationPolicy>(name.as_str()).unwrap().unwrap();
    vault.root("POST", "rotation-policies/hourly", r#"{"rotation_period":"1h"}"#).await;
    let hourly = vault.app.barrier.load::<RotationPolicy>("hourly").unwrap().unwrap().value;
    let mut batch = vault.app.barrier.transaction().unwrap();
    batch.put(name.as_str(), stored.require(), &hourly);
    let mark = due::encode(Timestamp::EPOCH, DUE_RULE, b"12345678p");
    batch.mark(Table::Due, mark.clone());
    vault.app.barrier.commit(batch).await.unwrap();
    // What its adoption left to be done is done: a dead process writes no more into the audit file.
    until(|| vault.app.engine.flights().is_empty()).await;
    drop(vault);

    let vault = disk.start();
    vault.app.start_tasks();
    vault.unseal(&share).await;
    let next = || {
        let account = vault.app.engine.account(&Subject::Account(AccountPath::parse("app").unwrap()));
        account.unwrap().unwrap().value.next_rotation.unwrap()
    };
    until(|| next().to_rfc3339() != before).await;
    assert_eq!(next(), disk.clock.now().plus(seconds(3600)));
    until(|| !vault.app.barrier.has_mark(Table::Due, &mark).unwrap()).await;
    vault.app.shutdown.begin();
}
