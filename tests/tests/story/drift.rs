//! Passwords that somebody changed behind the vault's back: an account's, and the management credential's.

use serde_json::json;
use vault_tests::world::{Credential, KEEPER, World, together};

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_was_changed_outside_is_noticed_not_served_and_repaired_on_request() {
    let world = World::new().await.unwrap();
    let old = world.adopted("db/app", "app").await.unwrap();
    let ann = world.engineer("ann").await.unwrap();
    assert!(world.vault.post("accounts/verify/db/app", json!({})).await.unwrap().is_success());
    world.sql("ALTER ROLE app PASSWORD 'somebody else'").await.unwrap();
    let answer = world.vault.post("accounts/verify/db/app", json!({})).await.unwrap();
    assert_eq!(answer.status, 502, "{}", answer.body);
    assert!(answer.errors().contains("drift"), "{}", answer.errors());
    let status = world.status("db/app").await.unwrap();
    assert_eq!(status["class"], "drift");
    assert_eq!(answer.body["data"]["incident"], status["incident"]);
    // Known to be dead: neither read nor lent.
    assert_eq!(world.vault.get("accounts/creds/db/app").await.unwrap().status, 503);
    assert_eq!(world.check_out(&ann, "db/app", json!({})).await.unwrap().status, 503);
    // Looking again is the same incident.
    assert_eq!(world.vault.post("accounts/verify/db/app", json!({})).await.unwrap().status, 502);

    let healed = world.vault.post("accounts/reconcile/db/app", json!({})).await.unwrap();
    assert_eq!(healed.data().unwrap()["outcome"], "in_sync");
    let new = world.healed("db/app").await.unwrap();
    assert_eq!(new.version, old.version + 1);
    assert!(!world.server.accepts("app", "somebody else").await.unwrap());
    world.closed_incident("db/app", "drift").await.unwrap();
    // Nothing to do is nothing done.
    let again = world.vault.post("accounts/reconcile/db/app", json!({})).await.unwrap();
    assert_eq!(again.data().unwrap()["version"], new.version);
    assert_eq!(world.credential("db/app").await.unwrap(), new);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_was_changed_back_closes_its_incident_at_the_next_look() {
    let world = World::new().await.unwrap();
    let old = world.adopted("db/app", "app").await.unwrap();
    world.sql("ALTER ROLE app PASSWORD 'somebody else'").await.unwrap();
    assert_eq!(world.vault.post("accounts/verify/db/app", json!({})).await.unwrap().status, 502);
    world.sql(&format!("ALTER ROLE app PASSWORD '{}'", old.password)).await.unwrap();
    assert!(world.vault.post("accounts/verify/db/app", json!({})).await.unwrap().is_success());
    assert_eq!(world.healed("db/app").await.unwrap(), old);
    world.closed_incident("db/app", "drift").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_management_credential_is_tried_once_and_heals_everything_when_it_is_mended() {
    let world = World::new().await.unwrap();
    world
        .wrote("rotation-policies/often", json!({ "rotation_period": "5s", "retry_base": "1s" }))
        .await
        .unwrap();
    let mut accounts: Vec<(String, Credential)> = Vec::new();
    for number in 0..12 {
        let path = format!("db/{number}");
        let credential = world.adopted(&path, &format!("app{number}")).await.unwrap();
        accounts.push((path, credential));
    }
    let quiet = refusals(&world).await;
    world.sql(&format!("ALTER ROLE {KEEPER} PASSWORD 'by hand'")).await.unwrap();
    // Half of them come by themselves, the other half is asked for.
    for (path, old) in accounts.iter().step_by(2) {
        let body = json!({ "target": "pg", "username": old.username, "rotation_policy": "often" });
        world.wrote(&format!("accounts/config/{path}"), body).await.unwrap();
    }
    let asked = accounts.iter().skip(1).step_by(2).map(|(path, _)| world.rotate(path));
    for answer in together(asked).await {
        let answer = answer.unwrap();
        assert_eq!(answer.status, 502, "{}", answer.body);
    }
    for (path, _) in &accounts {
        let status = world.until(path, |status| status["state"] == "parked").await.unwrap();
        assert_eq!(status["class"], "management_auth_refused", "{path}: {status}");
        let served = world.credential(path).await.unwrap();
        assert!(world.accepts(&served).await.unwrap(), "{path}");
    }
    let refused = refusals(&world).await - quiet;
    assert!((1..=2).contains(&refused), "the dead management password was tried {refused} times");
    let manager = world.vault.get("targets/status/pg").await.unwrap();
    assert_eq!(manager.data().unwrap()["class"], "management_auth_refused", "{}", manager.body);

    // Mended wrongly, it is tried once more and nobody goes on.
    world.target("pg", json!({ "password": "a slip" })).await.unwrap();
    assert_eq!(refusals(&world).await - quiet, refused + 1);
    world.target("pg", json!({ "password": "by hand" })).await.unwrap();
    for (path, old) in &accounts {
        let new = world.healed(path).await.unwrap();
        assert!(new.version > old.version, "{path}");
    }
    // One incident for all of them.
    for (path, _) in &accounts {
        world.closed_incident(path, "management_auth_refused").await.unwrap();
    }
    assert_eq!(world.incidents().await.unwrap().len(), 1);
    let manager = world.vault.get("targets/status/pg").await.unwrap();
    assert_eq!(manager.data().unwrap().get("incident"), None, "{}", manager.body);
    let report = world.vault.get("reports/rotation").await.unwrap();
    assert_eq!(report.data().unwrap()["incidents"]["open"], 0, "{}", report.body);
}

/// How often the server has refused the management role so far.
async fn refusals(world: &World) -> usize {
    let log = world.server.log_until_now().await.unwrap();
    log.matches(&format!("password authentication failed for user \"{KEEPER}\"")).count()
}
