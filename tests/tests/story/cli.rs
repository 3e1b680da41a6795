//! The main story again, typed at the command line.

use serde_json::json;
use vault_tests::vault::ROOT;
use vault_tests::world::{World, before};

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_story_can_be_typed() {
    let world = World::new().await.unwrap();
    world.role("app").await.unwrap();
    let url = format!("connection_url={}", world.url());
    let target = [
        "target",
        "write",
        "main",
        "rotator=postgresql",
        "username=keeper",
        "password=as-it-was-at-1st",
        &url,
    ];
    world.cli_json(&target).await.unwrap();
    let check = world.cli_json(&["target", "check", "main"]).await.unwrap();
    assert!(check["data"]["server"].as_str().unwrap().contains("PostgreSQL"), "{check}");
    let policy =
        ["rotation-policy", "write", "daily", "rotation_schedule=0 3 * * *", "time_zone=Europe/Paris"];
    world.cli_json(&policy).await.unwrap();
    let account = ["account", "write", "db/app", "target=main", "username=app", "rotation_policy=daily"];
    world.cli_json(&account).await.unwrap();
    assert!(!world.server.accepts("app", &before("app")).await.unwrap());
    let password = world.cli(ROOT, &["creds", "db/app", "--field", "password"]).await.unwrap();
    let password = String::from_utf8(password.stdout).unwrap();
    assert!(world.server.accepts("app", &password).await.unwrap());

    let ann = world.engineer("ann").await.unwrap();
    let bob = world.engineer("bob").await.unwrap();
    let out = ["check-out", "db/app", "--reason", "invoice 4711", "--ttl", "30m"];
    let taken = world.cli(&ann, &out).await.unwrap();
    let shown = String::from_utf8(taken.stdout).unwrap();
    assert!(taken.status.success() && shown.contains(&password), "{shown}");
    let held = world.cli(&bob, &["check-out", "db/app"]).await.unwrap();
    assert_eq!(held.status.code(), Some(3));
    let said = String::from_utf8(held.stderr).unwrap();
    assert!(said.contains("ann") && said.contains("number 1 in line"), "{said}");
    let early = world.cli(&ann, &["rotate", "db/app"]).await.unwrap();
    assert_eq!(early.status.code(), Some(3), "{}", String::from_utf8_lossy(&early.stderr));
    let back = world.cli(&ann, &["check-in", "db/app"]).await.unwrap();
    assert!(back.status.success(), "{}", String::from_utf8_lossy(&back.stderr));
    assert!(!world.server.accepts("app", &password).await.unwrap());

    let rotated = world.cli_json(&["rotate", "db/app"]).await.unwrap();
    assert_eq!(rotated["data"]["version"], json!(3));
    let managed = world.cli_json(&["target", "rotate", "main"]).await.unwrap();
    assert_eq!(managed["data"]["version"], json!(2));
    assert!(world.cli(ROOT, &["account", "verify", "db/app"]).await.unwrap().status.success());
    let history = world.cli(ROOT, &["account", "history", "db/app"]).await.unwrap();
    let history = String::from_utf8(history.stdout).unwrap();
    for word in ["checked", "promoted", "retired", "ann"] {
        assert!(history.contains(word), "{word} is missing in {history}");
    }
    let report = world.cli_json(&["report", "rotation"]).await.unwrap();
    assert_eq!(
        report["data"]["rotations"],
        json!({ "succeeded": 4, "failed": 0, "failure_share": 0.0, "attempts": 4 })
    );
    assert!(world.vault.audit_is_intact().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn run_gives_a_command_the_password_and_kills_it_afterwards() {
    let world = World::new().await.unwrap();
    let before = world.adopted("db/app", "app").await.unwrap();
    let ann = world.engineer("ann").await.unwrap();
    let script = r#"printf '%s %s' "$PGUSER" "$PGPASSWORD"; exit 7"#;
    let run = ["run", "--account", "db/app", "--reason", "nightly", "--", "sh", "-c", script];
    let output = world.cli(&ann, &run).await.unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!((said.as_str(), output.status.code()), (format!("app {}", before.password).as_str(), Some(7)));
    assert!(!world.accepts(&before).await.unwrap(), "the command's password outlived it");
    let status = world.status("db/app").await.unwrap();
    assert_eq!((status.get("holder"), &status["state"]), (None, &json!("idle")));
    assert!(world.history("db/app").await.unwrap().contains(&"closed".to_owned()));
    world.healed("db/app").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_rotation_is_told_repaired_and_reported_at_the_command_line() {
    let mut world = World::new().await.unwrap();
    let known = world.adopted("db/app", "app").await.unwrap();
    world.server.stop().unwrap();
    let failed = world.cli(ROOT, &["rotate", "db/app"]).await.unwrap();
    let said = String::from_utf8(failed.stderr).unwrap();
    assert_eq!(failed.status.code(), Some(4), "{said}");
    let incident = world.status("db/app").await.unwrap()["incident"].as_str().unwrap().to_owned();
    assert!(said.contains("unreachable") && said.contains(&incident), "{said}");
    for words in [
        vec!["incident", "ack", incident.as_str()],
        vec!["incident", "assign", incident.as_str(), "ann"],
        vec!["incident", "note", incident.as_str(), "the host is rebooting"],
    ] {
        let done = world.cli(ROOT, &words).await.unwrap();
        assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
    }
    world.server.start_again().unwrap();
    assert_eq!(world.healed("db/app").await.unwrap().version, known.version + 1);
    let shown = world.cli(ROOT, &["incident", "show", &incident]).await.unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    for word in ["unreachable", "closed", "ann", "the host is rebooting", "remediated"] {
        assert!(shown.contains(word), "{word} is missing in {shown}");
    }
    let report = world.cli_json(&["report", "rotation"]).await.unwrap();
    let data = &report["data"];
    assert_eq!((&data["incidents"]["opened"], &data["incidents"]["resolved"]), (&json!(1), &json!(1)));
    assert_eq!(data["by_class"], json!({ "unreachable": 1 }));
    assert_eq!((&data["tta"]["n"], &data["ttr"]["n"]), (&json!(1), &json!(1)));
}
