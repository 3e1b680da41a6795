//! Rehearsals on the scripted target: every answer that a shadow can get, and what is left of it.

use rotators::fake::{Mishap, Verb};
use serde_json::{Value, json};
use vault_core::rotation::fault::FaultClass;

use super::bench::{Bench, until};
use super::vault::seconds;

async fn bench() -> Bench {
    let bench = Bench::new().await;
    bench.account("app", "p-1").await;
    bench
}

async fn rehearse(bench: &Bench) -> Value {
    let reply = bench.post("accounts/rehearse/app", json!({})).await;
    reply.expect_status(200);
    reply.at("/data")
}

fn codes(report: &Value) -> Vec<&str> {
    report["findings"].as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap()).collect()
}

fn shadows(bench: &Bench) -> Vec<String> {
    bench.target.usernames().into_iter().filter(|name| name.starts_with("rotunda-shadow-")).collect()
}

async fn metric(bench: &Bench, line: &str) -> bool {
    bench.vault.app.engine.count_rehearsals().await.unwrap();
    bench.get("sys/metrics").await.text.contains(line)
}

#[tokio::test]
async fn a_green_rehearsal_leaves_the_account_as_it_was() {
    let bench = bench().await;
    bench.get("accounts/rehearse/app").await.expect_status(404);
    let (before, passwords) = (bench.record("app"), bench.target.passwords("app"));
    let report = rehearse(&bench).await;
    assert_eq!((&report["light"], &report["findings"]), (&json!("green"), &json!([])));
    assert_eq!(bench.target.applied(), 2, "the shadow was rotated twice");
    assert_eq!((bench.record("app"), bench.target.passwords("app")), (before, passwords));
    assert_eq!(bench.target.usernames(), ["app", "manager"]);
    assert_eq!(bench.target.failed_logins("app"), 0);
    assert_eq!(bench.get("accounts/rehearse/app").await.at("/data/light"), json!("green"));
    let listed = bench.get("accounts/status").await;
    assert_eq!(listed.at("/data/key_info/app/rehearsal/light"), json!("green"));
    assert!(metric(&bench, "rotunda_rehearsed_accounts{light=\"green\"} 1").await);
    assert!(metric(&bench, "rotunda_rehearsals_total{light=\"green\"} 1").await);
}

#[tokio::test]
async fn each_answer_of_the_target_has_its_light() {
    use FaultClass::{PermissionDenied, RightsLost, Unreachable};
    for (verb, mishap, light, code) in [
        (Verb::Check, Mishap::Fails(Unreachable), "red", "unreachable"),
        (Verb::Preflight, Mishap::Fails(PermissionDenied), "red", "permission_denied"),
        (Verb::Create, Mishap::Fails(PermissionDenied), "amber", "shadow_refused"),
        (Verb::Create, Mishap::ReplyLost, "amber", "outcome_unknown"),
        (Verb::Create, Mishap::InFlight, "amber", "outcome_unknown"),
        (Verb::Create, Mishap::Lies, "red", "account_missing"),
        (Verb::Apply, Mishap::Fails(PermissionDenied), "red", "permission_denied"),
        (Verb::Apply, Mishap::ReplyLost, "amber", "outcome_unknown"),
        (Verb::Apply, Mishap::Lies, "red", "verify_refused"),
        (Verb::Apply, Mishap::LosesRight, "red", "rights_lost"),
        (Verb::Verify, Mishap::Fails(RightsLost), "red", "rights_lost"),
        (Verb::Retire, Mishap::Fails(Unreachable), "red", "unreachable"),
        (Verb::EndSessions, Mishap::Fails(PermissionDenied), "amber", "sessions_stay"),
        (Verb::Remove, Mishap::Fails(Unreachable), "amber", "shadow_left"),
        (Verb::Remove, Mishap::ReplyLost, "amber", "shadow_left"),
    ] {
        let bench = bench().await;
        let passwords = bench.target.passwords("app");
        bench.target.next(verb, mishap);
        let report = rehearse(&bench).await;
        assert_eq!(report["light"], light, "{verb:?} {mishap:?}: {report:#}");
        assert!(codes(&report).contains(&code), "{verb:?} {mishap:?}: {report:#}");
        assert_eq!(bench.target.passwords("app"), passwords);
        assert_eq!(report["shadow"].is_string(), code == "shadow_left", "{report:#}");
        // Nothing that was on its way arrives any more.
        bench.target.deliver();
        if code != "shadow_left" {
            assert_eq!(shadows(&bench), Vec::<String>::new(), "{verb:?} {mishap:?}");
        }
    }
}

#[tokio::test]
async fn the_rules_of_the_target_judge_what_the_policy_makes() {
    let bench = bench().await;
    let policy = r#"length = 8 rule "charset" { charset = "0123456789" }"#;
    bench.post("password-policies/digits", json!({ "policy": policy })).await.expect_status(204);
    bench.post("accounts/config/app", json!({ "password_policy": "digits" })).await.expect_status(200);
    assert_eq!(rehearse(&bench).await["light"], "green");
    let one = r#"length = 4 rule "charset" { charset = "x" }"#;
    bench.post("password-policies/digits", json!({ "policy": one })).await.expect_status(204);
    let report = rehearse(&bench).await;
    assert_eq!((&report["light"], codes(&report)), (&json!("red"), vec!["candidates_repeat"]));
    let made = bench.target.calls(Verb::Create);
    assert_eq!(made, 1, "what is red by looking is not tried");
}

#[tokio::test]
async fn a_refused_management_credential_is_tried_once() {
    let bench = bench().await;
    bench.target.set_password("manager", "m-2");
    for _ in 0..3 {
        let report = rehearse(&bench).await;
        assert_eq!((&report["light"], codes(&report)), (&json!("red"), vec!["management_auth_refused"]));
    }
    assert_eq!(bench.target.failed_logins("manager"), 1);
}

#[tokio::test]
async fn what_is_known_besides_is_told() {
    let bench = bench().await;
    bench.configure_target(json!({ "shadows": "none", "password": "m-1" })).await.expect_status(204);
    bench.vault.policy("reader", r#"path "accounts/creds/*" { capabilities = ["read"] }"#).await;
    let web = bench.vault.token(r#"{"policies":["reader"],"display_name":"web"}"#).await;
    bench.vault.call("GET", "accounts/creds/app", &web, "").await.expect_status(200);
    bench.post("accounts/rotate/app", json!({})).await.expect_status(200);
    let report = rehearse(&bench).await;
    let mut found = codes(&report);
    found.sort_unstable();
    assert_eq!((&report["light"], found), (&json!("amber"), vec!["consumers_lag", "no_shadow"]));
    assert!(report.to_string().contains("web"), "{report:#}");
    // Changed outside, and then locked: one right password is tried, or none.
    bench.target.set_password("app", "by somebody");
    assert!(codes(&rehearse(&bench).await).contains(&"current_refused"));
    bench.target.lock("app");
    let report = rehearse(&bench).await;
    assert_eq!((&report["light"], codes(&report)[0]), (&json!("red"), "account_locked"));
}

#[tokio::test]
async fn one_rehearsal_of_an_account_at_a_time_and_a_rotation_goes_beside_it() {
    let bench = bench().await;
    bench.target.next(Verb::Create, Mishap::Hangs);
    let first = bench.post("accounts/rehearse/app", json!({}));
    let others = async {
        until(|| bench.target.hanging() == 1).await;
        bench.post("accounts/rehearse/app", json!({})).await.expect_status(503);
        bench.post("accounts/rotate/app", json!({})).await.expect_status(200);
        bench.target.release();
    };
    let (first, ()) = tokio::join!(first, others);
    first.expect_status(200);
    assert_eq!(first.at("/data/light"), json!("green"));
    assert_eq!(shadows(&bench), Vec::<String>::new());
}

#[tokio::test]
async fn a_shadow_that_is_left_holds_its_target_and_goes_with_the_next_look_or_rehearsal() {
    let bench = bench().await;
    bench.target.always(Verb::Remove, Mishap::Fails(FaultClass::Unreachable));
    assert_eq!(codes(&rehearse(&bench).await), ["shadow_left"]);
    let left = shadows(&bench);
    assert_eq!(left.len(), 1);
    assert!(metric(&bench, "rotunda_rehearsal_shadows 1").await);
    // No other one is made as long as this one is there.
    assert_eq!(codes(&rehearse(&bench).await), ["shadow_left"]);
    assert_eq!(shadows(&bench), left);
    // The account may go; its target may not.
    bench.handed_over("accounts/config/app").await;
    bench.vault.root("DELETE", "targets/config/t?disposal=forget", "").await.expect_status(409);
    bench.get("accounts/rehearse/app").await.expect_status(404);
    bench.target.heal();
    bench.disk.clock.advance(seconds(600));
    bench.tick().await;
    until(|| shadows(&bench).is_empty()).await;
    bench.rest().await;
    assert!(metric(&bench, "rotunda_rehearsal_shadows 0").await);
    bench.vault.root("DELETE", "targets/config/t?disposal=forget", "").await.expect_status(204);
}

#[tokio::test]
async fn who_may_rehearse_is_said_by_policy() {
    let bench = bench().await;
    bench.vault.policy("tester", r#"path "accounts/rehearse/app" { capabilities = ["update"] }"#).await;
    let tester = bench.vault.token(r#"{"policies":["tester"]}"#).await;
    bench.vault.call("POST", "accounts/rehearse/app", &tester, "").await.expect_status(200);
    bench.vault.call("GET", "accounts/rehearse/app", &tester, "").await.expect_status(403);
    bench.vault.call("POST", "accounts/rehearse/other", &tester, "").await.expect_status(403);
}
