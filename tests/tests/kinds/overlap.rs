//! What must hold where two passwords live side by side, and would not matter elsewhere.

use serde_json::{Value, json};
use vault_tests::vault::Vault;
use vault_tests::world::Credential;

use crate::server::{Redis, Server as _};
use crate::story::{adopted_on, served};

/// A vault with the account `app` on Redis, whose old passwords live on for an hour after a rotation.
async fn with_an_hour_of_grace(server: &Redis, more: Value) -> Vault {
    let vault = Vault::start().await.unwrap();
    let mut target = server.target().unwrap();
    target.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    adopted_on(&vault, server, target, "app", "app").await;
    let policy = json!({ "rotation_period": "24h", "grace": "1h", "retry_base": "1s", "retry_cap": "1s" });
    assert!(vault.post("rotation-policies/quick", policy).await.unwrap().is_success());
    vault
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_a_lease_waits_for_no_grace() {
    let server = Redis::start().await.unwrap();
    let vault = with_an_hour_of_grace(&server, json!({})).await;
    let lent = vault.post("accounts/check-out/app", json!({ "reason": "a story" })).await.unwrap();
    let lent = Credential::of(&lent).unwrap();
    let back = vault.post("accounts/check-in/app", json!({ "lease_id": lent.lease })).await.unwrap();
    assert_eq!(back.data().unwrap()["state"], "closed", "{}", back.body);
    assert!(!server.accepts("app", &lent.password).await.unwrap(), "what was lent still works");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_old_password_is_kept_when_the_new_one_was_taken_away_meanwhile() {
    let server = Redis::start().await.unwrap();
    let vault = with_an_hour_of_grace(&server, json!({ "other_passwords": "keep" })).await;
    let old = served(&vault, "app").await;
    vault.post("accounts/rotate/app", json!({})).await.unwrap();
    let new = served(&vault, "app").await;
    assert_ne!(new.version, old.version);
    assert!(server.accepts("app", &old.password).await.unwrap(), "the grace has begun");
    // As after a restart from an older list of users.
    let taken = format!("<{}", new.password);
    server.0.admin().await.unwrap().run(&["ACL", "SETUSER", "app", &taken, ">of-somebody"]).await.unwrap();
    // Asks for the retirement at once.
    vault.post("accounts/rotate/app", json!({})).await.unwrap();
    assert!(
        server.accepts("app", &old.password).await.unwrap(),
        "the last stored version that works is gone"
    );
    assert_eq!(served(&vault, "app").await.version, old.version, "the old one is served again");
    let told = vault.get("incidents?state=all").await.unwrap();
    assert_eq!(told.data().unwrap()["incidents"][0]["class"], "drift", "{}", told.body);
}
