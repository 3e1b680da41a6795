//! Many accounts at once: killed in the middle, and the breach, by the command line.

use std::time::Duration;

use serde_json::{Value, json};
use vault_tests::world::{World, before, together};

const ACCOUNTS: usize = 24;

async fn world() -> (World, Vec<String>) {
    let world = World::new().await.unwrap();
    let mut paths = Vec::new();
    for number in 0..ACCOUNTS {
        let (path, role) = (format!("db/{number:02}"), format!("app{number:02}"));
        world.role(&role).await.unwrap();
        world.configured(&path, &role, json!({ "password": before(&role) })).await.unwrap();
        paths.push(path);
    }
    (world, paths)
}

async fn campaign(world: &World, id: &str) -> Value {
    world.vault.get(&format!("campaigns/{id}")).await.unwrap().data().unwrap().clone()
}

async fn until(world: &World, id: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..3000 {
        let campaign = campaign(world, id).await;
        if wanted(&campaign) {
            return campaign;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{}", campaign(world, id).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_that_is_killed_again_and_again_rotates_each_account_once() {
    let (mut world, paths) = world().await;
    let started = world.vault.post("campaigns/rotate", json!({ "all": true })).await.unwrap();
    let id = started.text("/data/campaign/id").to_owned();
    for least in [1, 6, 12, 18] {
        until(&world, &id, |now| now["accounts"]["rotated"].as_u64().unwrap() >= least).await;
        world.vault.kill().unwrap();
        world.vault.start_again().await.unwrap();
    }
    let done = until(&world, &id, |now| now["state"] == "done").await;
    assert_eq!((&done["accounts"]["rotated"], &done["accounts"]["failed"]), (&json!(ACCOUNTS), &json!(0)));
    let histories = together(paths.iter().map(|path| world.history(path))).await;
    for (number, (path, history)) in paths.iter().zip(histories).enumerate() {
        let history = history.unwrap();
        let promoted = history.iter().filter(|kind| *kind == "promoted").count();
        assert_eq!(promoted, 1, "{path}: {history:?}");
        let credential = world.credential(path).await.unwrap();
        assert!(world.accepts(&credential).await.unwrap(), "{path}");
        let role = format!("app{number:02}");
        assert!(!world.server.accepts(&role, &before(&role)).await.unwrap(), "{path}");
    }
    assert!(world.vault.audit_is_intact().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_breach_is_answered_by_one_command_and_what_failed_is_listed_by_class() {
    let (world, _) = world().await;
    let ann = world.engineer("ann").await.unwrap();
    assert!(world.check_out(&ann, "db/03", json!({ "ttl": "1h" })).await.unwrap().is_success());
    world.sql("DROP ROLE app05").await.unwrap();
    let plan = world.cli_json(&["respond", "--target", "pg", "--dry-run"]).await.unwrap();
    assert_eq!(plan["data"]["total"], ACCOUNTS);
    assert_eq!(plan["data"]["accounts"][3]["state"], "cut", "{plan}");
    let words = ["respond", "--filter", "db/*", "--reason", "a test", "--format", "json"];
    let output = world.cli(vault_tests::vault::ROOT, &words).await.unwrap();
    // One has failed: exit code 4, with the whole answer all the same.
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["data"]["accounts"]["rotated"], ACCOUNTS - 1, "{told}");
    assert_eq!(told["data"]["failures"], json!({ "account_missing": 1 }), "{told}");
    let failed = world
        .cli_json(&["campaign", "accounts", told["data"]["id"].as_str().unwrap(), "--state", "failed"])
        .await
        .unwrap();
    assert_eq!((&failed[0]["account"], &failed[0]["why"]), (&json!("db/05"), &json!("account_missing")));
    assert_eq!(world.incidents().await.unwrap().len(), 1);
    assert_eq!(world.status("db/03").await.unwrap()["version"], 2);
}
