//! What must hold where two accounts of PostgreSQL take turns, and would not matter elsewhere.

use reqwest::Method;
use serde_json::{Value, json};
use vault_tests::postgres::connect;
use vault_tests::vault::{ROOT, Vault};
use vault_tests::world::Credential;

use crate::server::{Postgres, Server as _, Turns};
use crate::story::{BEFORE, adopted, served, until_at_rest};

type TwoRoles = Turns<Postgres>;

async fn write(vault: &Vault, body: Value) -> (u16, String) {
    let answer = vault.post("accounts/config/app", body).await.unwrap();
    (answer.status, answer.errors())
}

async fn status(vault: &Vault) -> Value {
    vault.get("accounts/status/app").await.unwrap().data().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_lent_is_shut_and_its_sessions_end_at_the_check_in() {
    let server = TwoRoles::start().await.unwrap();
    let vault = Vault::start().await.unwrap();
    adopted(&vault, &server, "app", "app").await;
    let policy = json!({ "rotation_period": "24h", "grace": "1h" });
    assert!(vault.post("rotation-policies/quick", policy).await.unwrap().is_success());
    for name in ["app", "app_b"] {
        let lent = vault.post("accounts/check-out/app", json!({ "reason": "a story" })).await.unwrap();
        let lent = Credential::of(&lent).unwrap();
        assert_eq!(lent.username, name);
        let session = connect(server.0.0.port(), &lent.username, &lent.password).await.unwrap();
        let back = vault.post("accounts/check-in/app", json!({ "lease_id": lent.lease })).await.unwrap();
        assert_eq!(back.data().unwrap()["state"], "closed", "{}", back.body);
        assert!(!server.accepts(&lent.username, &lent.password).await.unwrap(), "what was lent still works");
        assert!(session.simple_query("SELECT 1").await.is_err(), "its session lives on");
        let now = served(&vault, "app").await;
        assert_ne!(now.username, name);
        assert!(server.accepts(&now.username, &now.password).await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_lacks_what_the_other_has_does_not_come_into_use() {
    let server = TwoRoles::start().await.unwrap();
    let vault = Vault::start().await.unwrap();
    let first = adopted(&vault, &server, "app", "app").await;
    let admin = server.0.0.admin().await.unwrap();
    for (grant, mend, word) in [
        ("CREATE ROLE team; GRANT team TO app", "GRANT team TO app_b", "member of team"),
        (
            "CREATE TABLE t (); GRANT SELECT ON t TO app",
            "GRANT SELECT ON t TO app_b",
            "grants on table public.t",
        ),
        (
            "CREATE TABLE own (); ALTER TABLE own OWNER TO app",
            "ALTER TABLE own OWNER TO team",
            "owner of table public.own",
        ),
    ] {
        admin.batch_execute(grant).await.unwrap();
        vault.post("accounts/rotate/app", json!({})).await.unwrap();
        let told = status(&vault).await;
        assert_eq!((&told["state"], &told["class"]), (&json!("parked"), &json!("preflight")), "{told}");
        assert!(told["detail"].as_str().unwrap().contains(word), "{told}");
        assert_eq!(served(&vault, "app").await.password, first.password);
        admin.batch_execute(mend).await.unwrap();
    }
    vault.post("accounts/rotate/app", json!({})).await.unwrap();
    assert_eq!(until_at_rest(&vault, "app").await.username, "app_b");
    assert_eq!(status(&vault).await["username_in_use"], "app_b");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_name_is_given_and_taken_away_when_nobody_uses_it() {
    let server = TwoRoles::start().await.unwrap();
    let vault = Vault::start().await.unwrap();
    let first = adopted(&vault, &server, "app", "app").await;
    for (body, code, word) in [
        (json!({ "alternate_username": "app" }), 400, "another account"),
        (json!({ "alternate_username": "pg_monitor" }), 400, "reserved"),
        (json!({ "alternate_username": server.0.0.superuser() }), 409, "already managed"),
    ] {
        let (found, errors) = write(&vault, body).await;
        assert_eq!(found, code, "{errors}");
        assert!(errors.contains(word), "{errors}");
    }
    let taken = json!({ "target": "t", "username": "app_b" });
    let taken = vault.post("accounts/config/other", taken).await.unwrap();
    assert!(taken.errors().contains("already managed as app"), "{}", taken.errors());

    vault.post("accounts/rotate/app", json!({})).await.unwrap();
    let (code, errors) = write(&vault, json!({ "alternate_username": "" })).await;
    assert_eq!(code, 409, "{errors}");
    assert!(errors.contains("version 2 belongs to app_b; rotate"), "{errors}");
    vault.post("accounts/rotate/app", json!({})).await.unwrap();
    assert_eq!(write(&vault, json!({ "alternate_username": "" })).await.0, 200);
    assert_eq!(status(&vault).await.get("alternate_username"), None);
    vault.post("accounts/rotate/app", json!({})).await.unwrap();
    let alone = until_at_rest(&vault, "app").await;
    assert_eq!((alone.username.as_str(), alone.version), ("app", first.version + 3));

    // Free for another account, and then no more for this one.
    let other = json!({ "target": "t", "username": "app_b", "password": BEFORE });
    assert!(vault.post("accounts/config/other", other).await.unwrap().is_success());
    let (_, errors) = write(&vault, json!({ "alternate_username": "app_b" })).await;
    assert!(errors.contains("already managed as other"), "{errors}");
    let gone = "accounts/config/other?disposal=rotate-and-forget";
    assert!(vault.call(Method::DELETE, gone, None, ROOT).await.unwrap().is_success());
    assert_eq!(write(&vault, json!({ "alternate_username": "app_b" })).await.0, 200);
    vault.post("accounts/rotate/app", json!({})).await.unwrap();
    assert_eq!(until_at_rest(&vault, "app").await.username, "app_b");
}
