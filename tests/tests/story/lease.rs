//! How leases end without a check-in: by time, by revocation, with their token. And rotation by the clock.

use serde_json::{Value, json};
use vault_tests::vault::Answer;
use vault_tests::world::{Credential, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_is_not_given_back_ends_by_itself() {
    let world = World::new().await.unwrap();
    world.adopted("db/app", "app").await.unwrap();
    let ann = world.engineer("ann").await.unwrap();
    let lent = lent(&world, &ann, "db/app", json!({ "ttl": "2s" })).await;
    let session = world.session(&lent).await.unwrap();
    let status = world.until("db/app", |status| status.get("holder").is_none()).await.unwrap();
    assert_eq!(status["state"], "idle");
    assert_dead(&world, &lent).await;
    assert!(session.batch_execute("SELECT 1").await.is_err(), "the session outlived the lease");
    assert_eq!(world.healed("db/app").await.unwrap().version, lent.version + 1);
    let lookup = world.vault.post("sys/leases/lookup", json!({ "lease_id": lent.lease })).await.unwrap();
    assert_eq!(lookup.status, 400, "{}", lookup.body);
    // An end by time is no failure.
    assert!(world.incidents().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_lease_outlives_the_accounts_maximum() {
    let world = World::new().await.unwrap();
    world.role("app").await.unwrap();
    world.configured("db/app", "app", json!({ "ttl": "1s", "max_ttl": "3s" })).await.unwrap();
    let ann = world.engineer("ann").await.unwrap();
    let answer = world.check_out(&ann, "db/app", json!({ "ttl": "8h" })).await.unwrap();
    assert_eq!(answer.body["lease_duration"], 3);
    assert!(answer.body["warnings"].to_string().contains("max_ttl"), "{}", answer.body["warnings"]);
    let lent = Credential::of(&answer).unwrap();
    let body = json!({ "lease_id": lent.lease, "increment": "8h" });
    let renewed = world.vault.post("sys/leases/renew", body).await.unwrap();
    assert!(renewed.body["lease_duration"].as_u64().unwrap() <= 3, "{}", renewed.body);
    world.until("db/app", |status| status.get("holder").is_none()).await.unwrap();
    assert_dead(&world, &lent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leases_are_revoked_by_id_and_by_prefix() {
    let world = World::new().await.unwrap();
    let ann = world.engineer("ann").await.unwrap();
    let mut leases = Vec::new();
    for (path, role) in [("db/one", "one"), ("db/two", "two"), ("db/three", "three"), ("dba/four", "four")] {
        world.adopted(path, role).await.unwrap();
        leases.push(lent(&world, &ann, path, json!({})).await);
    }
    let [one, two, three, four] = leases.as_slice() else { unreachable!("four were lent") };
    let answer = world.vault.post("sys/leases/revoke", json!({ "lease_id": one.lease })).await.unwrap();
    assert_eq!(answer.status, 204, "{}", answer.body);
    assert_dead(&world, one).await;
    assert!(world.accepts(two).await.unwrap());

    let answer = world
        .vault
        .post("sys/leases/revoke-prefix/accounts/check-out/db/", json!({ "sync": true }))
        .await
        .unwrap();
    assert_eq!(answer.status, 204, "{}", answer.body);
    assert_dead(&world, two).await;
    assert_dead(&world, three).await;
    assert!(world.accepts(four).await.unwrap(), "a lease outside the prefix was revoked");
    for path in ["db/one", "db/two", "db/three"] {
        world.healed(path).await.unwrap();
        assert_eq!(world.status(path).await.unwrap().get("holder"), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn leases_die_with_the_token_that_took_them_and_with_its_parent() {
    let world = World::new().await.unwrap();
    let policy = r#"
        path "accounts/*" { capabilities = ["create", "read", "update"] }
        path "auth/token/create" { capabilities = ["update"] }"#;
    world.wrote("sys/policies/acl/parent", json!({ "policy": policy })).await.unwrap();
    let parent = world.vault.token("parent", &["parent"]).await.unwrap();
    let body = json!({ "policies": ["parent"], "display_name": "child" });
    let made =
        world.vault.call(reqwest::Method::POST, "auth/token/create", Some(body), &parent).await.unwrap();
    let child = made.text("/auth/client_token").to_owned();
    let mut leases = Vec::new();
    for (path, role, token) in
        [("db/one", "one", &parent), ("db/two", "two", &child), ("db/three", "three", &child)]
    {
        world.adopted(path, role).await.unwrap();
        leases.push(lent(&world, token, path, json!({})).await);
    }
    world.adopted("db/four", "four").await.unwrap();
    let other = world.engineer("other").await.unwrap();
    let kept = lent(&world, &other, "db/four", json!({})).await;

    world.wrote("auth/token/revoke", json!({ "token": parent })).await.unwrap();
    for token in [&parent, &child] {
        let refused = world.check_out(token, "db/one", json!({})).await.unwrap();
        assert_eq!(refused.status, 403, "{}", refused.body);
    }
    for (path, lease) in ["db/one", "db/two", "db/three"].into_iter().zip(&leases) {
        world.until(path, |status| status.get("holder").is_none()).await.unwrap();
        assert_dead(&world, lease).await;
    }
    assert!(world.accepts(&kept).await.unwrap(), "somebody else's lease died with the token");
}

#[tokio::test(flavor = "multi_thread")]
async fn leases_die_with_a_token_that_runs_out() {
    let world = World::new().await.unwrap();
    world.adopted("db/app", "app").await.unwrap();
    world.engineer("unused").await.unwrap();
    let body = json!({ "policies": ["engineer"], "ttl": "2s", "display_name": "brief" });
    let made = world.vault.post("auth/token/create", body).await.unwrap();
    let lent = lent(&world, made.text("/auth/client_token"), "db/app", json!({ "ttl": "1h" })).await;
    world.until("db/app", |status| status.get("holder").is_none()).await.unwrap();
    assert_dead(&world, &lent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_gone_when_a_lease_ends_keeps_it_open_and_not_lendable_until_it_is_back() {
    let mut world = World::new().await.unwrap();
    world.adopted("db/app", "app").await.unwrap();
    let (ann, bob) = (world.engineer("ann").await.unwrap(), world.engineer("bob").await.unwrap());
    let lent = lent(&world, &ann, "db/app", json!({})).await;
    world.server.stop().unwrap();
    let answer = world.check_in(&ann, "db/app", json!({ "lease_id": lent.lease })).await.unwrap();
    assert_eq!(answer.data().unwrap()["state"], "revoking");
    assert!(answer.body["warnings"].to_string().contains("unreachable"), "{}", answer.body);
    let status = world.status("db/app").await.unwrap();
    assert_eq!((&status["state"], &status["class"]), (&json!("quarantined"), &json!("unreachable")));
    assert_eq!(answer.body["data"]["incident"], status["incident"]);
    let refused = world.check_out(&bob, "db/app", json!({})).await.unwrap();
    assert_eq!(refused.status, 409, "an account whose last password may be alive was lent: {}", refused.body);
    let lookup = world.vault.post("sys/leases/lookup", json!({ "lease_id": lent.lease })).await.unwrap();
    assert_eq!(lookup.data().unwrap()["state"], "revoking");

    world.server.start_again().unwrap();
    world.healed("db/app").await.unwrap();
    assert_dead(&world, &lent).await;
    let next = Credential::of(&world.check_out(&bob, "db/app", json!({})).await.unwrap()).unwrap();
    assert!(world.accepts(&next).await.unwrap());
    let incidents = world.incidents().await.unwrap();
    assert_eq!((incidents.len(), &incidents[0]["state"]), (1, &json!("closed")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_period_rotates_again_and_again_but_not_under_a_borrowers_hands() {
    let world = World::new().await.unwrap();
    world.wrote("rotation-policies/often", json!({ "rotation_period": "5s" })).await.unwrap();
    world.role("app").await.unwrap();
    world.configured("db/app", "app", json!({ "rotation_policy": "often" })).await.unwrap();
    let first = world.credential("db/app").await.unwrap();
    let read = world.vault.get("accounts/creds/db/app").await.unwrap();
    assert!(read.data().unwrap()["ttl"].as_u64().unwrap() <= 5, "{}", read.body["data"]["next_rotation"]);
    let later = world.until("db/app", |status| status["version"] == first.version + 2).await.unwrap();
    assert!(later["next_rotation"].as_str() > later["last_rotation"].as_str(), "{later}");
    world.healed("db/app").await.unwrap();
    assert_dead(&world, &first).await;

    let ann = world.engineer("ann").await.unwrap();
    let lent = lent(&world, &ann, "db/app", json!({ "ttl": "7s" })).await;
    world.until("db/app", |status| status.get("holder").is_none()).await.unwrap();
    let history = world.vault.get("accounts/history/db/app").await.unwrap();
    let events = history.data().unwrap()["events"].as_array().unwrap().clone();
    let at = |kind: &str| events.iter().rposition(|event| event["kind"] == kind).unwrap();
    let between: Vec<&Value> = events[at("checked_out")..at("closing")].iter().map(|e| &e["kind"]).collect();
    assert_eq!(between, [&json!("checked_out")], "{events:?}");
    assert_dead(&world, &lent).await;
    assert!(world.incidents().await.unwrap().is_empty());
}

async fn lent(world: &World, token: &str, path: &str, body: Value) -> Credential {
    let answer: Answer = world.check_out(token, path, body).await.unwrap();
    let credential = Credential::of(&answer).unwrap();
    assert!(world.accepts(&credential).await.unwrap());
    credential
}

async fn assert_dead(world: &World, credential: &Credential) {
    assert!(!world.accepts(credential).await.unwrap(), "{} still opens the server", credential.lease);
}
