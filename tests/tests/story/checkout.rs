//! The main story over HTTP: adopt, check out, wait in line, check in, rotate.

use reqwest::Method;
use serde_json::{Value, json};
use vault_tests::vault::ROOT;
use vault_tests::world::{Credential, KEEPER, KEEPER_PASSWORD, World, before};

#[tokio::test(flavor = "multi_thread")]
async fn an_adopted_account_has_a_password_that_only_the_vault_knows() {
    let world = World::new().await.unwrap();
    let check = world.vault.post("targets/check/pg", json!({})).await.unwrap();
    assert!(check.data().unwrap()["server"].as_str().unwrap().contains("PostgreSQL"), "{}", check.body);
    let target = world.vault.get("targets/config/pg").await.unwrap();
    assert!(!target.body.to_string().contains(KEEPER_PASSWORD), "{}", target.body);
    let credential = world.adopted("db/app", "app").await.unwrap();
    assert_eq!((credential.username.as_str(), credential.version), ("app", 1));
    assert!(world.accepts(&credential).await.unwrap());
    assert!(!world.server.accepts("app", &before("app")).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_was_handed_out_is_dead_after_the_check_in_and_so_are_its_sessions() {
    let world = World::new().await.unwrap();
    world.adopted("db/app", "app").await.unwrap();
    let ann = world.engineer("ann").await.unwrap();
    let body = json!({ "ttl": "30m", "reason": "invoice 4711", "ticket": "T-1" });
    let answer = world.check_out(&ann, "db/app", body).await.unwrap();
    let old = Credential::of(&answer).unwrap();
    assert_eq!(answer.body["lease_duration"], 1800);
    let holder = world.status("db/app").await.unwrap()["holder"].clone();
    assert!(holder["principal"].as_str().unwrap().contains("ann"), "{holder}");
    assert_eq!((&holder["reason"], &holder["ticket"]), (&json!("invoice 4711"), &json!("T-1")));
    let session = world.session(&old).await.unwrap();
    session.batch_execute("SELECT 1").await.unwrap();

    let renewed = world
        .vault
        .post("sys/leases/renew", json!({ "lease_id": old.lease, "increment": "45m" }))
        .await
        .unwrap();
    assert!((2699..=2700).contains(&renewed.body["lease_duration"].as_u64().unwrap()), "{}", renewed.body);

    let back = world.check_in(&ann, "db/app", json!({ "lease_id": old.lease })).await.unwrap();
    assert_eq!(back.data().unwrap()["state"], "closed");
    assert!(!world.accepts(&old).await.unwrap());
    assert!(session.batch_execute("SELECT 1").await.is_err(), "the session outlived the lease");
    let new = world.healed("db/app").await.unwrap();
    assert_eq!(new.version, old.version + 1);
    assert_eq!(back.data().unwrap()["version"], new.version);

    let kinds = world.history("db/app").await.unwrap();
    let mut wanted =
        ["configured", "promoted", "checked_out", "renewed", "closing", "promoted", "retired", "closed"]
            .into_iter()
            .peekable();
    for kind in &kinds {
        wanted.next_if(|wanted| wanted == kind);
    }
    assert_eq!(wanted.next(), None, "{kinds:?}");
    assert!(world.vault.audit_is_intact().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_meanwhile_learns_who_has_it_and_is_served_in_the_order_of_coming() {
    let world = World::new().await.unwrap();
    world.adopted("db/app", "app").await.unwrap();
    let (ann, bob) = (world.engineer("ann").await.unwrap(), world.engineer("bob").await.unwrap());
    let cleo = world.engineer("cleo").await.unwrap();
    let first = Credential::of(&world.check_out(&ann, "db/app", json!({})).await.unwrap()).unwrap();
    let refused = world.check_out(&bob, "db/app", json!({})).await.unwrap();
    assert_eq!(refused.status, 409);
    let facts = &refused.body["data"];
    assert!(facts["holder"].as_str().unwrap().contains("ann"), "{facts}");
    let until = world.status("db/app").await.unwrap()["holder"]["expires_at"].clone();
    assert_eq!((&facts["expires_at"], &facts["place"]), (&until, &json!(1)));
    assert!(refused.errors().contains("ann"), "{}", refused.errors());
    let behind = world.check_out(&cleo, "db/app", json!({})).await.unwrap();
    assert_eq!((behind.status, &behind.body["data"]["place"]), (409, &json!(2)));

    assert!(world.check_in(&ann, "db/app", json!({ "lease_id": first.lease })).await.unwrap().is_success());
    let early = world.check_out(&cleo, "db/app", json!({})).await.unwrap();
    assert_eq!((early.status, &early.body["data"]["place"]), (409, &json!(2)), "{}", early.body);
    let second = Credential::of(&world.check_out(&bob, "db/app", json!({})).await.unwrap()).unwrap();
    // She waits, and is served as soon as it is free.
    let waiting = world.check_out(&cleo, "db/app", json!({ "wait": "30s" }));
    let back = async {
        world
            .until("db/app", |status| status["line"].as_array().is_some_and(|line| line.len() == 1))
            .await
            .unwrap();
        world.check_in(&bob, "db/app", json!({ "lease_id": second.lease })).await.unwrap()
    };
    let (third, back) = tokio::join!(waiting, back);
    assert!(back.is_success(), "{}", back.body);
    let third = Credential::of(&third.unwrap()).unwrap();
    assert!(world.accepts(&third).await.unwrap());
    assert_eq!((second.version, third.version), (first.version + 1, first.version + 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_id_of_a_lease_is_told_to_its_holder_and_to_who_may_revoke_it() {
    // Every token may renew a lease whose id it knows.
    let world = World::new().await.unwrap();
    world.adopted("db/app", "app").await.unwrap();
    let (ann, bob) = (world.engineer("ann").await.unwrap(), world.engineer("bob").await.unwrap());
    let held = Credential::of(&world.check_out(&ann, "db/app", json!({})).await.unwrap()).unwrap();
    for (token, told) in [(ann.as_str(), true), (bob.as_str(), false), (ROOT, true)] {
        let status = world.vault.call(Method::GET, "accounts/status/db/app", None, token).await.unwrap();
        assert_eq!(status.body.to_string().contains(&held.lease), told, "{}", status.body);
        let list = world.vault.call(Method::GET, "accounts/status", None, token).await.unwrap();
        assert_eq!(list.body.to_string().contains(&held.lease), told, "{}", list.body);
    }
    for (token, told) in [(&ann, true), (&bob, false)] {
        let refused = world.check_out(token, "db/app", json!({})).await.unwrap();
        assert_eq!(refused.status, 409);
        assert_eq!(refused.body.to_string().contains(&held.lease), told, "{}", refused.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_lease_is_refused_and_changes_nothing() {
    let world = World::new().await.unwrap();
    world.adopted("db/app", "app").await.unwrap();
    let (ann, bob) = (world.engineer("ann").await.unwrap(), world.engineer("bob").await.unwrap());
    let stale = Credential::of(&world.check_out(&ann, "db/app", json!({})).await.unwrap()).unwrap();
    assert!(world.check_in(&ann, "db/app", json!({ "lease_id": stale.lease })).await.unwrap().is_success());
    let held = Credential::of(&world.check_out(&bob, "db/app", json!({})).await.unwrap()).unwrap();
    let before = world.status("db/app").await.unwrap();

    for token in [ann.as_str(), bob.as_str(), ROOT] {
        let body = json!({ "lease_id": stale.lease, "force": true });
        let refused = world.check_in(token, "db/app", body).await.unwrap();
        assert_eq!(refused.status, 409, "{}", refused.body);
    }
    let renewal = world.vault.post("sys/leases/renew", json!({ "lease_id": stale.lease })).await.unwrap();
    assert_eq!(renewal.status, 400, "{}", renewal.body);
    // As in Vault, revoking what is gone is no mistake.
    let gone = world.vault.post("sys/leases/revoke", json!({ "lease_id": stale.lease })).await.unwrap();
    assert_eq!(gone.status, 204);
    let made_up = format!("{}x", held.lease);
    assert_eq!(world.check_in(&bob, "db/app", json!({ "lease_id": made_up })).await.unwrap().status, 409);

    assert_eq!(world.status("db/app").await.unwrap(), before);
    assert!(world.accepts(&held).await.unwrap());
    let nobody = world.adopted("db/other", "other").await.unwrap();
    let refused = world.check_in(&ann, "db/other", json!({ "lease_id": held.lease })).await.unwrap();
    assert_eq!(refused.status, 409, "{}", refused.body);
    assert!(world.accepts(&nobody).await.unwrap() && world.accepts(&held).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_has_sudo_takes_an_account_from_its_holder() {
    let world = World::new().await.unwrap();
    world.adopted("db/app", "app").await.unwrap();
    let (ann, bob) = (world.engineer("ann").await.unwrap(), world.engineer("bob").await.unwrap());
    let policy = r#"path "accounts/check-in/*" { capabilities = ["create", "update", "sudo"] }"#;
    world.wrote("sys/policies/acl/on-call", json!({ "policy": policy })).await.unwrap();
    let eve = world.vault.token("eve", &["on-call"]).await.unwrap();
    let held = Credential::of(&world.check_out(&ann, "db/app", json!({})).await.unwrap()).unwrap();

    for (token, body) in [(&bob, json!({})), (&bob, json!({ "force": true })), (&eve, json!({}))] {
        let refused = world.check_in(token, "db/app", body).await.unwrap();
        assert_eq!(refused.status, 403, "{}", refused.body);
        assert!(refused.errors().contains("force"), "{}", refused.errors());
    }
    assert!(world.accepts(&held).await.unwrap());
    let taken = world.check_in(&eve, "db/app", json!({ "force": true })).await.unwrap();
    assert_eq!(taken.data().unwrap()["state"], "closed");
    assert!(!world.accepts(&held).await.unwrap());
    let history = world.vault.get("accounts/history/db/app").await.unwrap();
    let closing: Vec<&Value> = history.body["data"]["events"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["kind"] == "closing")
        .collect();
    assert_eq!(closing.len(), 1);
    assert!(closing[0]["principal"].as_str().unwrap().contains("eve"), "{closing:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_a_person_brings_is_tried_before_it_is_served() {
    let world = World::new().await.unwrap();
    world.role("app").await.unwrap();
    world.configured("db/app", "app", json!({ "password": before("app") })).await.unwrap();
    let known = world.credential("db/app").await.unwrap();
    assert_eq!(known.password, before("app"));

    world.role("other").await.unwrap();
    let body =
        json!({ "target": "pg", "username": "other", "rotation_policy": "quick", "password": "wrong" });
    let answer = world.vault.post("accounts/config/db/other", body).await.unwrap();
    assert_eq!(answer.data().unwrap()["class"], "drift", "{}", answer.body);
    assert!(answer.body["warnings"].to_string().contains("drift"), "{}", answer.body);
    let read = world.vault.get("accounts/creds/db/other").await.unwrap();
    assert_eq!(read.status, 503, "a password that the target refuses was served: {}", read.body);
    // Said again, and right this time: the incident closes by the login.
    world.configured("db/other", "other", json!({ "password": before("other") })).await.unwrap();
    assert_eq!(world.healed("db/other").await.unwrap().password, before("other"));
    let incidents = world.incidents().await.unwrap();
    assert_eq!(incidents.len(), 1, "{incidents:?}");
    assert_eq!(incidents[0]["state"], "closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_management_credential_rotates_under_the_same_promises() {
    let world = World::new().await.unwrap();
    world.adopted("db/app", "app").await.unwrap();
    let answer = world.vault.post("targets/rotate/pg", json!({})).await.unwrap();
    assert_eq!((answer.status, &answer.body["data"]["version"]), (200, &json!(2)), "{}", answer.body);
    assert!(!answer.body.to_string().contains("password"), "{}", answer.body);
    assert!(!world.server.accepts(KEEPER, KEEPER_PASSWORD).await.unwrap());
    // The vault knows the new one.
    assert!(world.rotate("db/app").await.unwrap().is_success());
    assert_eq!(world.healed("db/app").await.unwrap().version, 2);
    let check = world.vault.post("targets/check/pg", json!({})).await.unwrap();
    assert!(check.is_success(), "{}", check.body);
}
