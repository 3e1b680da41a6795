//! What may be pressed about an incident: the dry run is what then happens, and the door gives nobody a right.

use rotators::fake::{Mishap, Verb};
use serde_json::{Value, json};
use vault_core::rotation::fault::FaultClass;

use super::bench::Bench;
use super::dashboard::Browser;

/// The open incident.
async fn incident(bench: &Bench) -> String {
    let reply = bench.get("incidents").await;
    reply.at("/data/incidents/0/id").as_str().unwrap().to_owned()
}

async fn history(bench: &Bench) -> Vec<Value> {
    let reply = bench.get("accounts/history/app").await;
    reply.at("/data/events").as_array().unwrap().iter().map(|event| event["kind"].clone()).collect()
}

/// The lines that a dry run promises, and those that the act leaves.
async fn pressed(bench: &Bench, action: &str, more: Value) -> (Vec<Value>, Vec<Value>) {
    let path = format!("incidents/{}/act/{action}", incident(bench).await);
    let mut asked = more.clone();
    asked.as_object_mut().unwrap().insert("dry_run".to_owned(), json!(true));
    let (before, record) = (history(bench).await, bench.record("app"));
    let dry = bench.post(&path, asked).await;
    dry.expect_status(200);
    assert_eq!((dry.at("/data/outcome"), dry.at("/data/dry_run")), (json!("dry_run"), json!(true)));
    assert_eq!(
        (history(bench).await, bench.record("app")),
        (before.clone(), record),
        "a dry run did something"
    );
    let steps = dry.at("/data/steps");
    let said =
        steps.as_array().unwrap().iter().map(|step| step["history"].clone()).filter(|word| !word.is_null());
    let said = said.collect();
    let act = bench.post(&path, more).await;
    act.expect_status(200);
    assert_eq!(act.at("/data/steps"), steps);
    assert_eq!(act.at("/data/outcome"), "done");
    (said, history(bench).await.split_off(before.len()))
}

#[tokio::test]
async fn the_dry_run_is_what_then_happens() {
    // Changed outside: reconciled.
    let bench = Bench::new().await;
    bench.account("app", "p-1").await;
    bench.target.set_password("app", "somebody else");
    bench.post("accounts/verify/app", json!({})).await.expect_status(502);
    let (said, done) = pressed(&bench, "reconcile", json!({})).await;
    assert_eq!(said, done);
    assert_eq!(done, ["drifted", "started", "staged", "applied", "promoted", "retired"]);
    assert_eq!(bench.get("incidents").await.at("/data/incidents"), json!([]));
    let password = bench.password("app").await;
    assert!(bench.target.accepts("app", &password));

    // Changed outside by somebody who tells.
    bench.target.set_password("app", "told");
    bench.post("accounts/verify/app", json!({})).await.expect_status(502);
    let (said, done) = pressed(&bench, "set_password", json!({ "password": "told" })).await;
    assert_eq!((&said, done), (&said, said.clone()));
    assert_eq!(bench.password("app").await, "told");

    // Down: retried at once, not at the end of the backoff.
    bench.target.break_down(FaultClass::Unreachable);
    bench.post("accounts/rotate/app", json!({})).await.expect_status(502);
    bench.target.heal();
    let (said, done) = pressed(&bench, "retry", json!({})).await;
    assert_eq!(said, done);

    // Parked: let go on.
    bench.target.forbid_management("manager");
    bench.post("accounts/rotate/app", json!({})).await.expect_status(502);
    assert_eq!(bench.record("app").stage.word(), "parked");
    bench.target.allow_management("manager");
    let (said, done) = pressed(&bench, "unpark", json!({})).await;
    assert_eq!(said, done);
    assert_eq!(bench.record("app").stage.word(), "idle");
}

#[tokio::test]
async fn the_version_before_is_served_again_until_somebody_unparks() {
    let bench = Bench::overlapping().await;
    bench.account("app", "p-1").await;
    // The new one is served, and the old one cannot be retired.
    bench.target.always(Verb::Retire, Mishap::Fails(FaultClass::PermissionDenied));
    bench.post("accounts/rotate/app", json!({})).await.expect_status(502);
    let new = bench.password("app").await;
    assert_ne!(new, "p-1");
    let id = incident(&bench).await;
    let (said, done) = pressed(&bench, "use_previous", json!({})).await;
    assert_eq!((&said, &done), (&vec![json!("reinstated")], &said));
    assert_eq!(bench.password("app").await, "p-1");
    let record = bench.record("app");
    assert_eq!(
        (record.stage.word(), record.versions.previous.map(|version| version.number)),
        ("parked", Some(2))
    );
    let open = bench.get(&format!("incidents/{id}")).await;
    assert_eq!(open.at("/data/state"), "open");
    assert!(open.at("/data/marks/t6").is_string(), "{}", open.text);
    assert!(open.at("/data/events").to_string().contains("pressed use_previous"), "{}", open.text);
    // It goes on by retiring the one that was served.
    bench.target.heal();
    let (said, done) = pressed(&bench, "unpark", json!({})).await;
    assert_eq!(said, done);
    assert!(bench.target.accepts("app", "p-1") && !bench.target.accepts("app", &new));
    assert_eq!(bench.get(&format!("incidents/{id}")).await.at("/data/state"), "closed");
    bench.post(&format!("incidents/{id}/act/retry"), json!({})).await.expect_status(409);
}

#[tokio::test]
async fn a_wrong_password_is_tried_once_and_changes_nothing() {
    let bench = Bench::new().await;
    bench.account("app", "p-1").await;
    bench.target.set_password("app", "somebody else");
    bench.post("accounts/verify/app", json!({})).await.expect_status(502);
    let path = format!("incidents/{}/act", incident(&bench).await);
    let (record, logins) = (bench.record("app"), bench.target.failed_logins("app"));
    bench.post(&format!("{path}/set_password"), json!({})).await.expect_status(400);
    bench.post(&format!("{path}/set_password"), json!({ "password": "mistyped" })).await.expect_status(502);
    assert_eq!((bench.record("app"), bench.target.failed_logins("app")), (record, logins + 1));
    // What does not fit is refused with the reason, and what there is not, too.
    bench.post(&format!("{path}/unpark"), json!({})).await.expect_status(409);
    bench.post(&format!("{path}/use_previous"), json!({})).await.expect_status(409);
    bench.post(&format!("{path}/close"), json!({})).await.expect_status(400);
}

#[tokio::test]
async fn the_door_gives_no_right_to_the_act() {
    let bench = Bench::new().await;
    bench.account("app", "p-1").await;
    bench.target.set_password("app", "somebody else");
    bench.post("accounts/verify/app", json!({})).await.expect_status(502);
    let id = incident(&bench).await;
    let record = bench.record("app");
    for (rules, retry, reconcile) in [
        (r#"path "incidents/*" { capabilities = ["read", "update"] }"#, 403, 403),
        (r#"path "accounts/*" { capabilities = ["update"] }"#, 403, 403),
        (
            r#"path "incidents/*" { capabilities = ["read", "update"] }
               path "accounts/reconcile/app" { capabilities = ["update"] }"#,
            403,
            200,
        ),
    ] {
        bench.vault.policy("p", rules).await;
        let token = bench.vault.token(r#"{ "policies": ["p"] }"#).await;
        let dry = json!({ "dry_run": true }).to_string();
        for (action, status) in [("set_password", 403), ("use_previous", retry), ("reconcile", reconcile)] {
            let path = format!("incidents/{id}/act/{action}");
            bench.vault.call("POST", &path, &token, &dry).await.expect_status(status);
        }
        if reconcile == 200 {
            let actions = bench.vault.call("GET", &format!("incidents/{id}/actions"), &token, "").await;
            let may = actions.at("/data/actions");
            let may: Vec<(&str, bool)> = may
                .as_array()
                .unwrap()
                .iter()
                .map(|one| (one["action"].as_str().unwrap(), one["permitted"].as_bool().unwrap()))
                .collect();
            assert_eq!(may, [("reconcile", true), ("set_password", false), ("maintenance", false)]);
            let typed = format!("rotunda incident do {id} reconcile");
            assert!(actions.at("/data/runbook/commands").to_string().contains(&typed), "{}", actions.text);
        }
    }
    assert_eq!(bench.record("app"), record, "nothing was pressed");
}

#[tokio::test]
async fn what_to_type_has_the_names_of_the_incident_in_it() {
    let bench = Bench::new().await;
    for (username, path) in [("app", "db/app"), ("other", "db/a%20b")] {
        bench.target.create_account(username, "p-1");
        let body = json!({ "target": "t", "username": username, "password": "p-1" });
        bench.post(&format!("accounts/config/{path}"), body).await.expect_status(200);
    }
    bench.target.break_down(FaultClass::Unreachable);
    for name in ["db/app", "db/a%20b"] {
        bench.post(&format!("accounts/rotate/{name}"), json!({})).await.expect_status(502);
    }
    let id = incident(&bench).await;
    let here = format!("incidents/{id}/actions");
    for (query, typed) in [
        // It is about several: which is for whoever types it to say.
        ("", json!(["rotunda target check t", "rotunda rotate PATH"])),
        ("?account=db/app", json!(["rotunda target check t", "rotunda rotate db/app"])),
        // A shell would take it for two words.
        ("?account=db/a%20b", json!(["rotunda target check t", "rotunda rotate PATH"])),
    ] {
        let actions = bench.get(&format!("{here}{query}")).await;
        assert_eq!(actions.at("/data/runbook/commands"), typed, "{query}");
    }
    let browser = Browser::with_token(&bench.vault, &bench.vault.root).await;
    let page = browser.get(&format!("/ui/incident/{id}")).await.text;
    assert!(page.contains("<code>rotunda target check t\n"), "{page}");

    // Of a management credential, by its own commands.
    bench.target.heal();
    for name in ["db/app", "db/a%20b"] {
        bench.post(&format!("accounts/rotate/{name}"), json!({})).await.expect_status(200);
    }
    bench.target.next(Verb::Preflight, Mishap::Fails(FaultClass::Preflight));
    bench.post("targets/rotate/t", json!({})).await.expect_status(502);
    let actions = bench.get(&format!("incidents/{}/actions", incident(&bench).await)).await;
    assert_eq!(actions.at("/data/runbook/commands/2"), "rotunda target rotate t", "{}", actions.text);
}
