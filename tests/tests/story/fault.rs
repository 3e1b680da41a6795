//! Targets that fail and lie: no credential is lost, the class is right, the incident closes when healed.

use serde_json::{Value, json};
use vault_tests::proxy::Mischief;
use vault_tests::world::{Credential, World};

/// One way in which the network between vault and server goes wrong.
struct Trouble {
    role: &'static str,
    mischief: Mischief,
    class: &'static str,
}

fn at(statement: &str) -> String {
    statement.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_change_certainly_does_not_happen_the_old_password_is_served_and_retries_heal() {
    let troubles = [
        Trouble { role: "refusing", mischief: Mischief::Refuse, class: "unreachable" },
        Trouble { role: "silent", mischief: Mischief::Silent, class: "unreachable" },
        Trouble { role: "cut", mischief: Mischief::CutBefore(at("ALTER ROLE")), class: "unreachable" },
        Trouble { role: "unheard", mischief: Mischief::DropReply(at("ALTER ROLE")), class: "unreachable" },
        Trouble { role: "mute", mischief: Mischief::SwallowReply(at("ALTER ROLE")), class: "unreachable" },
        Trouble { role: "undelivered", mischief: Mischief::CutBefore(at("COMMIT")), class: "ambiguous" },
        Trouble { role: "liar", mischief: Mischief::Lie(at("COMMIT")), class: "verify_refused" },
        Trouble { role: "forger", mischief: Mischief::Lie(at("ALTER ROLE")), class: "verify_refused" },
    ];
    let world = World::new().await.unwrap();
    for Trouble { role, mischief, class } in troubles {
        let path = format!("db/{role}");
        let old = world.adopted(&path, role).await.unwrap();
        world.proxy.set(mischief).await.unwrap();
        let answer = world.rotate(&path).await.unwrap();
        assert_eq!(answer.status, 502, "{role}: {}", answer.body);
        let status = world.status(&path).await.unwrap();
        assert_eq!((&status["class"], &status["state"]), (&json!(class), &json!("backoff")), "{role}");
        assert_eq!(answer.body["data"]["incident"], status["incident"], "{role}");
        assert!(answer.errors().contains(class), "{role}: {}", answer.errors());
        // Readers are not disturbed, and are told the truth.
        assert_eq!(world.credential(&path).await.unwrap(), old, "{role}");
        assert!(world.accepts(&old).await.unwrap(), "{role}");
        // A second failure is an attempt in the same incident.
        world.until(&path, |status| status["attempts"].as_u64() >= Some(2)).await.unwrap();
        world.proxy.set(Mischief::None).await.unwrap();
        let new = world.healed(&path).await.unwrap();
        assert!(new.version > old.version && !world.accepts(&old).await.unwrap(), "{role}");
        world.closed_incident(&path, class).await.unwrap();
    }
    let report = world.vault.get("reports/rotation").await.unwrap();
    let data = report.data().unwrap();
    // Of the target there is one, which was opened again each time.
    assert_eq!(data["by_class"], json!({ "unreachable": 1, "ambiguous": 1, "verify_refused": 2 }));
    assert_eq!(data["incidents"]["opened"], 4);
    assert_eq!((&data["incidents"]["resolved"], &data["incidents"]["open"]), (&json!(4), &json!(0)));
    assert_eq!((&data["ttr"]["n"], &data["ttr"]["censored"]), (&json!(4), &json!(0)));
    assert!(data["ttr"]["p50"].as_f64() > Some(0.0), "{data}");
    assert!(world.vault.audit_is_intact().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_is_lost_is_found_out_within_the_same_rotation() {
    let world = World::new().await.unwrap();
    for (role, mischief) in
        [("dropped", Mischief::DropReply(at("COMMIT"))), ("swallowed", Mischief::SwallowReply(at("COMMIT")))]
    {
        let path = format!("db/{role}");
        let old = world.adopted(&path, role).await.unwrap();
        world.proxy.set(mischief).await.unwrap();
        let answer = world.rotate(&path).await.unwrap();
        assert_eq!(answer.data().unwrap()["version"], old.version + 1, "{role}");
        world.proxy.set(Mischief::None).await.unwrap();
        let new = world.healed(&path).await.unwrap();
        assert!(new.version == old.version + 1 && !world.accepts(&old).await.unwrap(), "{role}");
        world.closed_incident(&path, "ambiguous").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_arrives_late_changes_nothing_any_more() {
    let world = World::new().await.unwrap();
    let old = world.adopted("db/app", "app").await.unwrap();
    world.proxy.set(Mischief::Hold(at("COMMIT"))).await.unwrap();
    let answer = world.rotate("db/app").await.unwrap();
    assert_eq!(answer.status, 502, "{}", answer.body);
    let held = world.proxy.struck();
    assert!(world.accepts(&old).await.unwrap());
    world.proxy.set(Mischief::None).await.unwrap();
    let new = world.healed("db/app").await.unwrap();
    // The statement of the first attempt reaches the server after the second one has succeeded.
    world.proxy.release();
    world.proxy.wait_delivered(held).await.unwrap();
    assert!(world.accepts(&new).await.unwrap(), "a late COMMIT undid a verified rotation");
    assert_eq!(world.healed("db/app").await.unwrap(), new);
    world.closed_incident("db/app", "ambiguous").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_is_warned_while_it_is_not_known_what_the_server_holds() {
    let world = World::new().await.unwrap();
    let old = world.adopted("db/app", "app").await.unwrap();
    world.proxy.set(Mischief::DropReply(at("COMMIT"))).await.unwrap();
    let rotation = world.rotate("db/app");
    let cut = async {
        world.proxy.wait_struck(1).await.unwrap();
        world.proxy.set(Mischief::Refuse).await.unwrap();
    };
    let (answer, ()) = tokio::join!(rotation, cut);
    let answer = answer.unwrap();
    assert_eq!(answer.status, 502, "{}", answer.body);
    assert!(!world.accepts(&old).await.unwrap(), "the change did happen");
    let read = world.vault.get("accounts/creds/db/app").await.unwrap();
    assert_eq!(Credential::of(&read).unwrap(), old);
    assert!(read.body["warnings"].to_string().contains("may not work"), "{}", read.body["warnings"]);
    let ann = world.engineer("ann").await.unwrap();
    let refused = world.check_out(&ann, "db/app", json!({})).await.unwrap();
    assert_eq!(refused.status, 503, "a password in doubt was lent: {}", refused.body);
    world.proxy.set(Mischief::None).await.unwrap();
    assert_eq!(world.healed("db/app").await.unwrap().version, old.version + 1);
    assert_eq!(world.incidents().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_server_is_no_failing_one() {
    let world = World::new().await.unwrap();
    let old = world.adopted("db/app", "app").await.unwrap();
    world.proxy.set(Mischief::Delay(std::time::Duration::from_millis(20))).await.unwrap();
    assert_eq!(world.rotate("db/app").await.unwrap().data().unwrap()["version"], old.version + 1);
    assert!(!world.accepts(&old).await.unwrap());
    assert!(world.incidents().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_pauses_or_crashes_is_waited_for() {
    let mut world = World::new().await.unwrap();
    for role in ["stopped", "paused", "crashed"] {
        let path = format!("db/{role}");
        let old = world.adopted(&path, role).await.unwrap();
        match role {
            "stopped" => world.server.stop(),
            "paused" => world.server.pause(),
            _ => world.server.crash(),
        }
        .unwrap();
        let answer = world.rotate(&path).await.unwrap();
        assert_eq!(answer.status, 502, "{role}: {}", answer.body);
        let status = world.status(&path).await.unwrap();
        assert_eq!(
            (&status["class"], &status["state"]),
            (&json!("unreachable"), &json!("backoff")),
            "{role}"
        );
        assert_eq!(world.credential(&path).await.unwrap(), old, "{role}");
        world.until(&path, |status| status["attempts"].as_u64() >= Some(2)).await.unwrap();
        if role == "paused" { world.server.resume() } else { world.server.start_again() }.unwrap();
        let new = world.healed(&path).await.unwrap();
        assert!(new.version > old.version && !world.accepts(&old).await.unwrap(), "{role}");
        world.closed_incident(&path, "unreachable").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_crashes_right_after_the_commit_loses_nothing() {
    let mut world = World::new().await.unwrap();
    let old = world.adopted("db/app", "app").await.unwrap();
    world.proxy.set(Mischief::SwallowReply(at("COMMIT"))).await.unwrap();
    let (vault, proxy) = (&world.vault, &world.proxy);
    let rotation = vault.post("accounts/rotate/db/app", json!({}));
    let crash = async {
        proxy.wait_struck(1).await.unwrap();
        world.server.crash().unwrap();
    };
    let (answer, ()) = tokio::join!(rotation, crash);
    assert_eq!(answer.unwrap().status, 502);
    world.proxy.set(Mischief::None).await.unwrap();
    world.server.start_again().unwrap();
    assert_eq!(world.healed("db/app").await.unwrap().version, old.version + 1);
    assert!(!world.accepts(&old).await.unwrap());
    assert_eq!(world.incidents().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_is_waited_for_as_a_server_that_is_away() {
    let mut world = World::new().await.unwrap();
    let old = world.adopted("db/app", "app").await.unwrap();
    world.server.restart_as_standby().unwrap();
    let answer = world.rotate("db/app").await.unwrap();
    assert_eq!(answer.status, 502, "{}", answer.body);
    let status = world.status("db/app").await.unwrap();
    assert_eq!(status["class"], json!("unreachable"), "{status}");
    assert_ne!(status["state"], json!("parked"), "{status}");
    assert_eq!(world.credential("db/app").await.unwrap(), old);
    assert!(world.accepts(&old).await.unwrap());
    std::fs::remove_file(world.server.data_folder().join("standby.signal")).unwrap();
    world.server.restart().unwrap();
    assert_eq!(world.healed("db/app").await.unwrap().version, old.version + 1);
    assert_eq!(world.incidents().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_the_role_is_named_and_waits_for_a_person() {
    let cases: [(&str, &str, &str, &str); 3] = [
        ("gone", "DROP ROLE gone", "CREATE ROLE gone LOGIN PASSWORD 'made anew'", "account_missing"),
        ("closed", "ALTER ROLE closed NOLOGIN", "ALTER ROLE closed LOGIN", "account_locked"),
        (
            "expired",
            "ALTER ROLE expired VALID UNTIL '2020-01-01'",
            "ALTER ROLE expired VALID UNTIL 'infinity'",
            "account_locked",
        ),
    ];
    let world = World::new().await.unwrap();
    for (role, harm, repair, class) in cases {
        let path = format!("db/{role}");
        let old = world.adopted(&path, role).await.unwrap();
        world.sql(harm).await.unwrap();
        let answer = world.rotate(&path).await.unwrap();
        assert_eq!(answer.status, 502, "{role}: {}", answer.body);
        let status = world.status(&path).await.unwrap();
        assert_eq!((&status["class"], &status["state"]), (&json!(class), &json!("parked")), "{role}");
        world.sql(repair).await.unwrap();
        if role != "gone" {
            assert!(world.accepts(&old).await.unwrap(), "{role}");
            assert_eq!(world.credential(&path).await.unwrap(), old, "{role}");
        }
        assert!(world.rotate(&path).await.unwrap().is_success(), "{role}");
        let new = world.healed(&path).await.unwrap();
        assert!(new.version > old.version && !world.accepts(&old).await.unwrap(), "{role}");
        world.closed_incident(&path, class).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_the_servers_policy_refuses_is_replaced_and_never_tried_again() {
    let world = World::with(&["shared_preload_libraries = 'passwordcheck'"]).await.unwrap();
    world.target("pg", json!({ "password_hashing": "server" })).await.unwrap();
    // The module wants something that is no letter.
    let weak = r#"length = 40 rule "charset" { charset = "abcdefghijklmnopqrstuvwxyz" min-chars = 1 }"#;
    world.wrote("password-policies/weak", json!({ "policy": weak })).await.unwrap();
    let good = r#"length = 40 rule "charset" { charset = "abcdef" min-chars = 9 }
                  rule "charset" { charset = "0123456789" min-chars = 9 }"#;
    world.wrote("password-policies/good", json!({ "policy": good })).await.unwrap();

    world.role("app").await.unwrap();
    world.configured("db/app", "app", json!({ "password_policy": "weak" })).await.unwrap();
    assert_eq!(world.healed("db/app").await.unwrap().version, 2, "the first candidate was refused");
    world.closed_incident("db/app", "policy_rejected").await.unwrap();

    // Nor may a password hold the role's name; one that is made more strictly mostly has a dash.
    world.role("-").await.unwrap();
    world.configured("db/dash", "-", json!({ "password_policy": "good" })).await.unwrap();
    let old = world.credential("db/dash").await.unwrap();
    world.configured("db/dash", "-", json!({ "password_policy": "weak" })).await.unwrap();
    let mut parked = None;
    for _ in 0..64 {
        let tried = alterations(&world).len();
        if world.rotate("db/dash").await.unwrap().status == 502 {
            parked = Some(tried);
            break;
        }
    }
    let status = world.status("db/dash").await.unwrap();
    assert_eq!(
        (&status["class"], &status["state"]),
        (&json!("policy_rejected"), &json!("parked")),
        "{status}"
    );
    let tried = alterations(&world).split_off(parked.unwrap());
    assert_eq!(tried.len(), 2, "bounded");
    assert_ne!(tried[0], tried[1], "the refused password was tried again");
    let served = world.credential("db/dash").await.unwrap();
    assert!(served.version >= old.version && world.accepts(&served).await.unwrap());
    let body = json!({ "target": "pg", "username": "-", "password_policy": "good" });
    world.wrote("accounts/config/db/dash", body).await.unwrap();
    assert!(world.rotate("db/dash").await.unwrap().is_success());
    world.healed("db/dash").await.unwrap();
    let incidents = world.incidents().await.unwrap();
    let open: Vec<&Value> = incidents.iter().filter(|incident| incident["state"] == "open").collect();
    assert!(open.is_empty(), "{open:?}");
}

/// The statements that set a password, so far.
fn alterations(world: &World) -> Vec<String> {
    world.proxy.statements().into_iter().filter(|statement| statement.contains("ALTER ROLE")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn twelve_accounts_that_are_due_while_the_server_is_away_are_one_incident_until_the_last_has_healed() {
    let mut world = World::new().await.unwrap();
    world
        .wrote(
            "rotation-policies/often",
            json!({ "rotation_period": "15s", "retry_base": "1s", "retry_cap": "2s" }),
        )
        .await
        .unwrap();
    let paths: Vec<String> = (0..12).map(|number| format!("db/{number}")).collect();
    for (number, path) in paths.iter().enumerate() {
        world.adopted(path, &format!("app{number}")).await.unwrap();
    }
    for (number, path) in paths.iter().enumerate() {
        let body = json!({ "target": "pg", "username": format!("app{number}"), "rotation_policy": "often" });
        world.wrote(&format!("accounts/config/{path}"), body).await.unwrap();
    }
    // Before the first of them is due.
    world.server.stop().unwrap();
    for path in &paths {
        // Who finds that nobody answers, and who waits until somebody has found out that it does again.
        let status = world.until(path, |status| status["incident"].is_string()).await.unwrap();
        assert!(status["class"] == "unreachable" || status["class"] == "overdue", "{status}");
    }
    let all = world.incidents().await.unwrap();
    assert_eq!(all.len(), 1, "{all:?}");
    let (open, id) = (&all[0], all[0]["id"].as_str().unwrap().to_owned());
    assert_eq!((&open["kind"], &open["subject"]), (&json!("target"), &json!("target pg")));
    assert_eq!((&open["state"], &open["accounts_open"]), (&json!("open"), &json!(12)));
    let shown = world.cli(vault_tests::vault::ROOT, &["incident", "show", &id]).await.unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("12 of 12 still fail") && shown.contains("db/7"), "{shown}");

    world.vault.kill().unwrap();
    world.vault.start_again().await.unwrap();
    world.server.start_again().unwrap();
    for path in &paths {
        world.healed(path).await.unwrap();
    }
    let all = world.incidents().await.unwrap();
    assert_eq!((&all[0]["state"], &all[0]["accounts_open"]), (&json!("closed"), &json!(0)), "{all:?}");
    let beneath = world.vault.get(&format!("incidents/{id}/accounts")).await.unwrap();
    let beneath = beneath.data().unwrap()["accounts"].as_array().unwrap().clone();
    assert_eq!(beneath.len(), 12);
    assert!(beneath.iter().all(|account| account["state"] == "proven"), "{beneath:?}");
    assert_eq!(world.incidents().await.unwrap().len(), 1);
    assert!(world.vault.audit_is_intact().unwrap());
}
