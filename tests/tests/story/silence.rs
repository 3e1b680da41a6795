//! A database is stopped for maintenance: nothing begins, nobody is told, and when the window is over all of it heals.

use std::time::Duration;

use serde_json::{Value, json};
use vault_tests::vault::ROOT;
use vault_tests::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_stopped_for_maintenance_wakes_nobody_and_heals_when_the_window_ends() {
    let mut world = World::new().await.unwrap();
    world.wrote("rotation-policies/often", json!({ "rotation_period": "5s" })).await.unwrap();
    for (path, role) in [("db/a", "a"), ("db/b", "b"), ("db/asked", "asked")] {
        world.adopted(path, role).await.unwrap();
    }
    // Nobody takes what is sent, so that what was told stays to be looked at.
    let hook = json!({ "url": "http://127.0.0.1:9/", "events": "incident.opened" });
    assert!(world.vault.post("sys/webhooks/w", hook).await.unwrap().is_success());
    let name = world.status("db/a").await.unwrap()["target"].as_str().unwrap().to_owned();
    let begins = world
        .cli(ROOT, &["target", "maintenance", &name, "--for", "1h", "--reason", "new disks"])
        .await
        .unwrap();
    assert!(begins.status.success(), "{}", String::from_utf8_lossy(&begins.stderr));

    // It is due within seconds, but for the window.
    for (path, role) in [("db/a", "a"), ("db/b", "b")] {
        world.configured(path, role, json!({ "rotation_policy": "often" })).await.unwrap();
    }
    let before = world.credential("db/a").await.unwrap().version;
    world.server.stop().unwrap();
    for path in ["db/a", "db/b"] {
        world.until(path, |status| status["held_until"].is_string()).await.unwrap();
    }
    // What a person asks for is tried, and fails: an incident as ever, of which nobody is told.
    assert!(!world.rotate("db/asked").await.unwrap().is_success());
    let open = world.incidents().await.unwrap();
    assert_eq!(open.len(), 1, "{open:?}");
    assert_eq!(
        (&open[0]["subject"], &open[0]["silenced"]["reason"]),
        (&json!("target pg"), &json!("new disks"))
    );
    world.vault.kill().unwrap();
    world.vault.start_again().await.unwrap();
    assert_eq!(world.status("db/a").await.unwrap()["silenced"]["mode"], "maintenance");
    assert_eq!(told(&world).await, 0);
    assert_eq!(world.incidents().await.unwrap().len(), 1);

    // A window of some seconds is over by itself; the database is still away: that is told now, once.
    let until = json!({ "for": "2s", "reason": "new disks, soon done" });
    assert!(world.vault.post(&format!("targets/maintenance/{name}"), until).await.unwrap().is_success());
    for _ in 0..400 {
        if told(&world).await > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    assert_eq!(told(&world).await, 1);
    world.server.start_again().unwrap();
    for path in ["db/a", "db/b"] {
        world.until(path, |status| status["version"].as_u64() > Some(before)).await.unwrap();
    }
    for path in ["db/asked", "db/a", "db/b"] {
        world.healed(path).await.unwrap();
    }
    let closed = world.vault.get("incidents?state=closed").await.unwrap();
    let of_target = |one: &&Value| one["kind"] == "target";
    assert_eq!(closed.data().unwrap()["incidents"].as_array().unwrap().iter().filter(of_target).count(), 1);
    let list = world.cli(ROOT, &["silence", "list"]).await.unwrap();
    assert!(String::from_utf8_lossy(&list.stdout).contains("nothing is silenced"));
    assert!(world.vault.audit_is_intact().unwrap());
}

/// How often it was told that an incident was opened: that of the target.
async fn told(world: &World) -> usize {
    let log = world.vault.get("sys/webhooks/w/deliveries").await.unwrap();
    let mut count = 0;
    for one in log.data().unwrap()["deliveries"].as_array().unwrap() {
        let path = format!("sys/webhooks/w/deliveries/{}", one["id"].as_str().unwrap());
        let read = world.vault.get(&path).await.unwrap();
        count += usize::from(read.data().unwrap()["body"].as_str().unwrap().contains("\"target\""));
    }
    count
}
