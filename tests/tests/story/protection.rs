//! What the vault does by itself on a real server: it finds what was changed outside, and waits for what does not answer.

use std::time::Duration;

use serde_json::{Value, json};
use vault_tests::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_was_changed_outside_is_found_by_a_heartbeat_and_repaired_where_the_target_says_so() {
    let world = World::new().await.unwrap();
    world.target("pg", json!({ "heartbeat": "5s", "heartbeat_rate": 600 })).await.unwrap();
    let old = world.adopted("db/app", "app").await.unwrap();
    world.sql("ALTER ROLE app PASSWORD 'somebody else'").await.unwrap();
    // Nobody asks.
    let status = world.until("db/app", |status| status["class"] == "drift").await.unwrap();
    assert_eq!(status["next_heartbeat"], Value::Null, "what was refused is not tried again: {status}");
    assert_eq!(world.vault.get("accounts/creds/db/app").await.unwrap().status, 503);
    let healed = world.vault.post("accounts/reconcile/db/app", json!({})).await.unwrap();
    assert!(healed.is_success(), "{}", healed.body);

    world.target("pg", json!({ "on_drift": "reconcile" })).await.unwrap();
    let other = world.adopted("db/batch", "batch").await.unwrap();
    world.sql("ALTER ROLE batch PASSWORD 'somebody else'").await.unwrap();
    let repaired =
        |status: &Value| status["version"].as_u64() > Some(other.version) && status["state"] == "idle";
    world.until("db/batch", repaired).await.unwrap();
    let new = world.healed("db/batch").await.unwrap();
    assert!(world.accepts(&new).await.unwrap() && new.version > old.version);
    assert!(!world.server.accepts("batch", "somebody else").await.unwrap());
    world.closed_incident("db/batch", "drift").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_opens_its_circuit_and_all_go_on_when_it_is_back() {
    let mut world = World::new().await.unwrap();
    let paths: Vec<String> = (0..8).map(|number| format!("db/{number}")).collect();
    for (number, path) in paths.iter().enumerate() {
        world.adopted(path, &format!("app{number}")).await.unwrap();
    }
    world.server.stop().unwrap();
    for path in &paths {
        assert_eq!(world.rotate(path).await.unwrap().status, 502);
    }
    let open = circuit(&world, "open").await.unwrap();
    assert!(open["failures"].as_u64() >= Some(5) && open["since"].is_string(), "{open}");
    let incidents = world.incidents().await.unwrap();
    assert_eq!(incidents.len(), 1, "{incidents:?}");
    assert_eq!(incidents[0]["kind"], "target");
    world.server.start_again().unwrap();
    // Nobody asks.
    circuit(&world, "closed").await.unwrap();
    for path in &paths {
        let new = world.healed(path).await.unwrap();
        assert!(world.accepts(&new).await.unwrap(), "{path}");
    }
}

/// The circuit of the target, once it is so.
async fn circuit(world: &World, state: &str) -> Option<Value> {
    for _ in 0..600 {
        let status = world.vault.get("targets/status/pg").await.ok()?;
        let circuit = status.body.pointer("/data/circuit").cloned();
        if circuit.as_ref().is_some_and(|circuit| circuit["state"] == state) {
            return circuit;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    None
}
