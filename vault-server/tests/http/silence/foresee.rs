//! What a maintenance would do is told before it begins, and it is one of the acts about an incident.

use serde_json::{Value, json};

use super::{HOUR, bench};

#[tokio::test]
async fn what_a_maintenance_would_hold_back_is_asked_without_beginning_it() {
    let bench = bench(&["app", "batch", "lent"]).await;
    bench.post("accounts/check-out/lent", json!({ "ttl": "10m" })).await.expect_status(200);
    let ask = |lasts: &str| json!({ "for": lasts, "reason": "an upgrade", "dry_run": true });
    // Two begin within two hours; within half an hour, none. The third is lent, and its lease ends all the same.
    for (path, lasts, held) in [("targets/maintenance/t", "2h", 2), ("targets/maintenance/t", "30m", 0)] {
        let would = bench.post(path, ask(lasts)).await;
        would.expect_status(200);
        assert_eq!((would.at("/data/id"), would.at("/data/dry_run")), (json!(""), json!(true)));
        let steps = would.at("/data/steps").to_string();
        assert!(steps.contains(&format!("of its 4 credentials {held} would begin")), "{steps}");
        for part in ["ends by itself at", "not held: what a person asks for", "the end of a lease"] {
            assert!(steps.contains(part), "{part}: {steps}");
        }
        assert!(
            !would.text.contains("warnings\":["),
            "nothing that was asked is passed over: {}",
            would.text
        );
    }
    let silence = json!({ "accounts": "a*", "for": "2h", "reason": "r", "dry_run": true });
    let would = bench.post("silences", silence).await;
    would.expect_status(200);
    let steps = would.at("/data/steps").to_string();
    assert!(
        steps.contains("go on as ever") && steps.contains("covers 1 account that there is now"),
        "{steps}"
    );
    for (what, want) in [
        (json!({ "accounts": "*a*" }), "covers 2 accounts that there are now"),
        (json!({ "accounts": "z*" }), "covers no account that there is now"),
        (json!({ "target": "t" }), "covers all that is on it: 4 credentials now"),
    ] {
        let mut ask = ask("2h");
        ask.as_object_mut().unwrap().extend(what.as_object().unwrap().clone());
        let would = bench.post("silences", ask).await;
        assert!(would.at("/data/steps").to_string().contains(want), "{want}: {}", would.text);
    }
    // What would be refused is refused before.
    bench.post("targets/maintenance/t", ask("31d")).await.expect_status(400);
    bench.post("targets/maintenance/none", ask("1h")).await.expect_status(400);
    bench.get("targets/maintenance/t").await.expect_status(404);
    assert_eq!(bench.get("silences").await.at("/data/silences"), json!([]));
    bench.later(HOUR + 1);
    bench.tick().await;
    assert_eq!(
        (bench.version("app").await, bench.version("batch").await),
        (json!(2), json!(2)),
        "nothing was held"
    );

    // Of one that lasts, the end that it would have.
    let lasts = bench.maintained("1h").await;
    let would = bench.post("targets/maintenance/t", ask("4h")).await;
    assert_eq!(would.at("/data/id"), lasts.at("/data/id"));
    assert!(would.at("/data/steps/0").to_string().contains("which was to end at"), "{}", would.text);
    assert_eq!(bench.get("targets/maintenance/t").await.at("/data/until"), lasts.at("/data/until"));
}

#[tokio::test]
async fn who_looks_after_an_incident_says_that_its_target_is_in_maintenance() {
    let bench = bench(&["app", "batch"]).await;
    for account in ["app", "batch"] {
        bench.fail(account).await;
    }
    let id = bench.incident().await["id"].as_str().unwrap().to_owned();
    let path = format!("incidents/{id}/act/maintenance");
    let actions = bench.get(&format!("incidents/{id}/actions")).await;
    let offered = actions.at("/data/actions").as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (&offered["action"], &offered["safe"], &offered["path"], &offered["permitted"]),
        (&json!("maintenance"), &json!(false), &json!("targets/maintenance/t"), &json!(true))
    );
    // Once for the target, not for each account beneath it.
    assert!(!actions.at("/data/accounts").to_string().contains("maintenance"), "{}", actions.text);
    let ask = |dry_run: bool| json!({ "for": "2h", "reason": "an upgrade", "dry_run": dry_run });
    let would = bench.post(&path, ask(true)).await;
    would.expect_status(200);
    assert_eq!((would.at("/data/outcome"), would.at("/data/dry_run")), (json!("dry_run"), json!(true)));
    let steps = would.at("/data/steps").to_string();
    assert!(steps.contains("of its 3 credentials") && steps.contains("leaves the incident open"), "{steps}");
    bench.get("targets/maintenance/t").await.expect_status(404);
    for wrong in [json!({ "for": "2h" }), json!({ "reason": "r" }), json!({ "for": "31d", "reason": "r" })] {
        bench.post(&path, wrong).await.expect_status(400);
    }
    assert!(!bench.get(&format!("incidents/{id}/events")).await.text.contains("pressed"));

    // The right to the incident is not the right to the target.
    let rules = r#"path "incidents/*" { capabilities = ["read", "update"] }"#;
    bench.vault.policy("p", rules).await;
    let token = bench.vault.token(r#"{ "policies": ["p"] }"#).await;
    for dry_run in [true, false] {
        bench.vault.call("POST", &path, &token, &ask(dry_run).to_string()).await.expect_status(403);
    }

    let done = bench.post(&path, ask(false)).await;
    done.expect_status(200);
    assert_eq!((done.at("/data/outcome"), done.at("/data/steps")), (json!("done"), would.at("/data/steps")));
    let lasts = bench.get("targets/maintenance/t").await;
    assert_eq!(
        (lasts.at("/data/reason"), lasts.at("/data/until")),
        (json!("an upgrade"), done.at("/data/until"))
    );
    assert_eq!(bench.incident().await["silenced"]["mode"], "maintenance");
    assert!(bench.get(&format!("incidents/{id}/events")).await.text.contains("pressed maintenance until"));
    let again = bench.get(&format!("incidents/{id}/actions")).await.text;
    assert!(again.contains("which was to end at"), "{again}");

    // What is over has nothing to press.
    bench.target.heal();
    for account in ["app", "batch"] {
        bench.post(&format!("accounts/rotate/{account}"), json!({})).await.expect_status(200);
    }
    assert_eq!(bench.get(&format!("incidents/{id}/actions")).await.at("/data/actions"), json!([]));
    bench.post(&path, ask(true)).await.expect_status(409);
}

#[tokio::test]
async fn who_may_declare_some_maintenances_only_may_declare_no_others_by_an_incident() {
    let bench = bench(&["app"]).await;
    bench.fail("app").await;
    let id = bench.incident().await["id"].as_str().unwrap().to_owned();
    let rules = r#"
        path "incidents/*" { capabilities = ["read", "update"] }
        path "targets/maintenance/*" {
            capabilities = ["update"]
            allowed_parameters = { "for" = ["1h"], "reason" = [] }
            required_parameters = ["reason"]
        }
    "#;
    bench.vault.policy("p", rules).await;
    let token = bench.vault.token(r#"{ "policies": ["p"] }"#).await;
    let actions = bench.vault.call("GET", &format!("incidents/{id}/actions"), &token, "").await;
    let offered = actions.at("/data/actions").as_array().unwrap().last().unwrap().clone();
    assert_eq!((&offered["action"], &offered["permitted"]), (&json!("maintenance"), &json!(true)));
    let path = format!("incidents/{id}/act/maintenance");
    for (lasts, status) in [("720h", 403), ("1h", 200)] {
        let body = json!({ "for": lasts, "reason": "r" }).to_string();
        bench.vault.call("POST", &path, &token, &body).await.expect_status(status);
        let own = bench.vault.call("POST", "targets/maintenance/t", &token, &body).await;
        assert_eq!(own.status, status, "as by the target's own path: {}", own.text);
    }
}

#[tokio::test]
async fn a_wish_for_a_dry_run_that_would_be_passed_over_is_refused_before_anything_is_done() {
    let bench = bench(&["app"]).await;
    let ask = |name: &str, value: Value| {
        let mut body = json!({ "for": "2h", "reason": "an upgrade" });
        body.as_object_mut().unwrap().insert(name.to_owned(), value);
        body
    };
    for name in ["dryrun", "dry-run", "DRY_RUN", "dryRun"] {
        let refused = bench.post("targets/maintenance/t", ask(name, json!(true))).await;
        refused.expect_status(400);
        assert!(
            refused.text.contains("dry_run") && refused.text.contains("nothing was done"),
            "{}",
            refused.text
        );
    }
    for value in [json!(null), json!(""), json!("perhaps")] {
        bench.post("targets/maintenance/t", ask("dry_run", value)).await.expect_status(400);
    }
    let twice = r#"{"for":"2h","reason":"r","dry_run":true,"dry_\u0072un":false}"#;
    bench.vault.root("POST", "targets/maintenance/t", twice).await.expect_status(400);
    let plain = json!({ "for": "2h", "reason": "an upgrade" });
    bench.post("targets/maintenance/t?dry_run=true", plain.clone()).await.expect_status(400);
    bench.get("targets/maintenance/t").await.expect_status(404);
    bench.post("targets/maintenance/t", plain).await.expect_status(200);
    bench.vault.root("DELETE", "targets/maintenance/t?dry_run=true", "").await.expect_status(400);
    bench.get("targets/maintenance/t").await.expect_status(200);
    // Where there is none, and where it is what somebody keeps.
    bench.post("accounts/rotate/app", json!({ "dry_run": true })).await.expect_status(400);
    bench.post("cubbyhole/mine", json!({ "dry_run": "", "DryRun": 1 })).await.expect_status(204);
    assert_eq!(bench.record("app").versions.last, 1);
}

#[tokio::test]
async fn two_who_begin_a_maintenance_at_once_begin_one() {
    let bench = bench(&["app"]).await;
    let begin =
        |lasts: &str| bench.post("targets/maintenance/t", json!({ "for": lasts, "reason": "an upgrade" }));
    let (a, b, c) = tokio::join!(begin("2h"), begin("3h"), begin("4h"));
    let ids = [a, b, c].map(|reply| reply.at("/data/id"));
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(bench.get("silences").await.at("/data/silences").as_array().unwrap().len(), 1);
}
