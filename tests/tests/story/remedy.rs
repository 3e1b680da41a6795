//! What a person presses about an incident, on a real server.

use serde_json::{Value, json};
use vault_tests::world::{KEEPER, World};

/// The open incident of an account.
async fn incident(world: &World, path: &str) -> String {
    world.status(path).await.unwrap()["incident"].as_str().unwrap().to_owned()
}

/// The history lines that an action says it will leave.
async fn foreseen(world: &World, act: &str, mut body: Value) -> Vec<Value> {
    body.as_object_mut().unwrap().insert("dry_run".to_owned(), json!(true));
    let answer = world.vault.post(act, body).await.unwrap();
    let steps = answer.data().unwrap()["steps"].as_array().unwrap().clone();
    steps.into_iter().map(|step| step["history"].clone()).filter(|word| !word.is_null()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_was_changed_outside_is_reconciled_by_one_press() {
    let world = World::new().await.unwrap();
    let old = world.adopted("db/app", "app").await.unwrap();
    world.sql("ALTER ROLE app PASSWORD 'somebody else'").await.unwrap();
    assert_eq!(world.vault.post("accounts/verify/db/app", json!({})).await.unwrap().status, 502);
    let id = incident(&world, "db/app").await;
    let shown = world.cli_json(&["incident", "actions", &id]).await.unwrap().to_string();
    assert!(shown.contains("reconcile") && shown.contains("somebody changed it outside"), "{shown}");
    let dry = world.cli_json(&["incident", "do", &id, "reconcile", "--dry-run"]).await.unwrap();
    assert!(dry.to_string().contains("dry_run"), "{dry}");
    let act = format!("incidents/{id}/act/reconcile");
    let (before, expected) =
        (world.history("db/app").await.unwrap(), foreseen(&world, &act, json!({})).await);
    let done = world.vault.post(&act, json!({})).await.unwrap();
    assert_eq!(done.data().unwrap()["outcome"], "done", "{}", done.body);
    let after = world.history("db/app").await.unwrap();
    assert_eq!(expected, after[before.len()..]);
    let new = world.healed("db/app").await.unwrap();
    assert_eq!(new.version, old.version + 1);
    assert!(!world.server.accepts("app", "somebody else").await.unwrap());
    let closed = world.closed_incident("db/app", "drift").await.unwrap();
    assert!(closed["events"].to_string().contains("pressed reconcile"), "{closed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parked_rotation_gives_way_to_the_version_before_until_it_is_unparked() {
    let world = World::new().await.unwrap();
    let old = world.adopted("db/app", "app").await.unwrap();
    // A slip at the keyboard, and then the rotation that should repair it fails.
    let slip = json!({ "target": "pg", "username": "app", "password": "a slip" });
    world.wrote("accounts/config/db/app", slip).await.unwrap();
    world.sql(&format!("ALTER ROLE {KEEPER} PASSWORD 'by hand'")).await.unwrap();
    // A session from before the change would do for a moment.
    let sessions =
        format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{KEEPER}'");
    world.sql(&sessions).await.unwrap();
    assert_eq!(world.rotate("db/app").await.unwrap().status, 502);
    let status = world.until("db/app", |status| status["state"] == "parked").await.unwrap();
    assert_eq!(status["class"], "management_auth_refused", "{status}");
    assert_eq!(world.vault.get("accounts/creds/db/app").await.unwrap().status, 503);

    let id = incident(&world, "db/app").await;
    let act = format!("incidents/{id}/act/use_previous");
    // It is the target's incident, and the management credential comes beneath it as well: the account is named.
    let named = json!({ "account": "db/app" });
    assert_eq!(foreseen(&world, &act, named.clone()).await, ["reinstated"]);
    let done = world.vault.post(&act, named.clone()).await.unwrap();
    assert!(done.is_success(), "{}", done.body);
    assert_eq!(world.credential("db/app").await.unwrap(), old);
    assert!(world.accepts(&old).await.unwrap());
    let open = world.vault.get(&format!("incidents/{id}")).await.unwrap();
    let open = open.data().unwrap();
    assert_eq!(open["state"], "open");
    if open["kind"] == "target" {
        let beneath = world.vault.get(&format!("incidents/{id}/accounts")).await.unwrap();
        let one = &beneath.data().unwrap()["accounts"][0];
        assert_eq!(
            (&one["account"], &one["state"]),
            (&json!("db/app"), &json!("parked")),
            "{}",
            beneath.body
        );
        assert!(one["mitigated_at"].is_string() && one.get("left_at").is_none(), "{one}");
    } else {
        // What was slipped in was looked at before the rotation began: that is an incident of the account's own.
        assert_eq!(open["subject"], "db/app", "{open}");
        assert!(open["marks"]["t6"].is_string() && open["marks"]["t7"].is_null(), "{open}");
    }

    // Mended; it still waits for a person, and then is done anew.
    world.target("pg", json!({ "password": "by hand" })).await.unwrap();
    assert_eq!(world.status("db/app").await.unwrap()["state"], "parked");
    let done = world.vault.post(&format!("incidents/{id}/act/unpark"), named).await.unwrap();
    assert!(done.is_success(), "{}", done.body);
    let new = world.healed("db/app").await.unwrap();
    assert!(new.version > old.version && !world.accepts(&old).await.unwrap());
    world.closed_incident("db/app", "management_auth_refused").await.unwrap();
}
