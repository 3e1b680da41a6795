//! The interpreter of rotations: what must hold whatever the target, the store or a person does meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rotators::fake::{FakeTarget, Mishap, Verb};
use serde_json::json;
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{
    BoxFuture, CheckReport, Job, Login, Outcome, Probe, Rights, Rotator, TargetSpec, Verification,
};
use vault_core::secret::SecretString;

use super::bench::{Bench, until};
use super::vault::seconds;

#[tokio::test]
async fn a_password_set_by_hand_twice_leaves_nothing_behind_when_the_account_is_made_anew() {
    let bench = Bench::new().await;
    for password in ["p-1", "p-2", "p-3"] {
        bench.account("app", password).await;
    }
    bench.handed_over("accounts/config/app").await;
    bench.account("app", "p-4").await;
    assert_eq!(bench.password("app").await, "p-4");
}

#[tokio::test]
async fn an_account_that_is_to_be_adopted_is_due_from_the_commit_that_makes_it() {
    let bench = Bench::new().await;
    bench.target.create_account("app", "unknown");
    bench.target.next(Verb::Preflight, Mishap::Hangs);
    let configure = bench.post("accounts/config/app", json!({ "target": "t", "username": "app" }));
    let look = async {
        until(|| bench.target.hanging() == 1).await;
        let record = bench.record("app");
        bench.target.release();
        record
    };
    let (reply, record) = tokio::join!(configure, look);
    reply.expect_status(200);
    assert_eq!(record.next_rotation, Some(record.created_at));
    // Without a policy it is not due again.
    assert_eq!(bench.record("app").next_rotation, None);
}

#[tokio::test]
async fn a_rotator_that_makes_candidates_makes_those_of_its_targets_and_no_others() {
    let bench = Bench::new().await;
    bench.account("app", "p-1").await;
    bench.post("accounts/rotate/app", json!({})).await.expect_status(200);
    let by_policy = bench.password("app").await;
    bench
        .configure_target(json!({ "password": "m-1", "candidates": "of its own-" }))
        .await
        .expect_status(204);
    bench.post("accounts/rotate/app", json!({})).await.expect_status(200);
    let made = bench.password("app").await;
    assert!(made.starts_with("of its own-") && !by_policy.starts_with("of its own-"), "{by_policy} {made}");
    assert!(bench.target.accepts("app", &made));
}

/// The target of the bench, behind a plugin that breaks down while it looks.
struct Panicking {
    target: Arc<FakeTarget>,
    looks: AtomicU32,
}

impl Rotator for Panicking {
    fn kind(&self) -> &'static str {
        "fake"
    }
    fn validate(&self, spec: &TargetSpec) -> Result<(), String> {
        self.target.validate(spec)
    }
    fn validate_login(&self, login: &Login) -> Result<(), String> {
        self.target.validate_login(login)
    }
    fn check<'a>(&'a self, spec: &'a TargetSpec, by: &'a Login) -> BoxFuture<'a, Result<CheckReport, Fault>> {
        self.target.check(spec, by)
    }
    fn preflight<'a>(&'a self, _: Job<'a>) -> BoxFuture<'a, Result<Rights, Fault>> {
        self.looks.fetch_add(1, Ordering::SeqCst);
        Box::pin(async { panic!("the plugin breaks down") })
    }
    fn apply<'a>(&'a self, job: Job<'a>, candidate: &'a SecretString) -> BoxFuture<'a, Outcome> {
        self.target.apply(job, candidate)
    }
    fn settle<'a>(&'a self, job: Job<'a>) -> BoxFuture<'a, Result<(), Fault>> {
        self.target.settle(job)
    }
    fn probe<'a>(&'a self, spec: &'a TargetSpec, login: &'a Login) -> BoxFuture<'a, Probe> {
        self.target.probe(spec, login)
    }
    fn verify<'a>(&'a self, job: Job<'a>, login: &'a Login, had: &'a Rights) -> BoxFuture<'a, Verification> {
        self.target.verify(job, login, had)
    }
    fn retire<'a>(&'a self, job: Job<'a>, old: &'a Login) -> BoxFuture<'a, Outcome> {
        self.target.retire(job, old)
    }
    fn end_sessions<'a>(&'a self, job: Job<'a>) -> BoxFuture<'a, Result<u32, Fault>> {
        self.target.end_sessions(job)
    }
}

#[tokio::test]
async fn a_plugin_that_panics_is_a_failed_rotation_and_not_called_again_at_once() {
    let plugin = std::sync::OnceLock::new();
    let bench = Bench::with(|target| {
        let made = Arc::new(Panicking { target, looks: AtomicU32::new(0) });
        let _ = plugin.set(Arc::clone(&made));
        made
    })
    .await;
    bench.account("app", "p-1").await;
    let reply = bench.post("accounts/rotate/app", json!({})).await;
    reply.expect_status(502);
    assert_eq!(reply.at("/data/class"), "plugin_failed");
    for _ in 0..3 {
        bench.tick().await;
    }
    assert_eq!(plugin.get().unwrap().looks.load(Ordering::SeqCst), 1);
    assert!(bench.record("app").incident.is_some());
}

#[tokio::test]
async fn a_management_password_given_by_hand_reaches_the_accounts_that_were_using_the_old_one() {
    let bench = Bench::new().await;
    bench.account("app", "p-1").await;
    bench.target.next(Verb::Preflight, Mishap::Hangs);
    let rotate = bench.post("accounts/rotate/app", json!({}));
    let change = async {
        until(|| bench.target.hanging() == 1).await;
        bench.target.set_password("manager", "m-2");
        bench.configure_target(json!({ "password": "m-2" })).await.expect_status(204);
        bench.target.release();
    };
    let (reply, ()) = tokio::join!(rotate, change);
    reply.expect_status(200);
    assert!(bench.target.accepts("app", &bench.password("app").await));
    // The refusal was of the old one: nothing is wrong with the one that is stored.
    assert!(!bench.get("targets/status/t").await.text.contains("class"));
    assert_eq!(bench.target.failed_logins("manager"), 1);
}

#[tokio::test]
async fn a_management_password_given_by_hand_is_tried_and_closes_the_targets_incident() {
    let bench = Bench::new().await;
    bench.account("app", "p-1").await;
    bench.target.set_password("manager", "m-2");
    bench.post("accounts/rotate/app", json!({})).await.expect_status(502);
    // One, of the target: the management credential and the account are beneath it.
    assert_eq!(bench.get("incidents").await.at("/data/incidents/0/accounts_open"), 2);
    bench.configure_target(json!({ "password": "wrong" })).await.expect_status(204);
    bench.rest().await;
    assert_eq!(bench.get("incidents").await.at("/data/incidents").as_array().unwrap().len(), 1);
    bench.configure_target(json!({ "password": "m-2" })).await.expect_status(204);
    bench.rest().await;
    assert_eq!(bench.get("incidents").await.at("/data/incidents"), json!([]), "{:#?}", bench.record("app"));
    assert_eq!(bench.record("app").versions.last, 2);
}

#[tokio::test]
async fn a_seal_in_the_middle_of_a_change_loses_nothing() {
    for verb in [Verb::Preflight, Verb::Apply, Verb::Verify, Verb::Retire] {
        for mishap in [Mishap::Hangs, Mishap::HangsAfterwards] {
            let mut bench = Bench::new().await;
            bench.account("app", "p-1").await;
            bench.target.next(verb, mishap);
            let rotate = bench.post("accounts/rotate/app", json!({}));
            let seal = async {
                until(|| bench.target.hanging() == 1).await;
                bench.vault.app.seal.seal().await;
                bench.target.release();
            };
            let (reply, ()) = tokio::join!(rotate, seal);
            assert!(reply.status >= 500, "{}", reply.text);
            bench.restart().await;
            bench.tick().await;
            let record = bench.record("app");
            assert_eq!((record.stage.word(), record.versions.last, record.incident), ("idle", 2, None));
            let password = bench.password("app").await;
            assert!(password != "p-1" && bench.target.accepts("app", &password), "{verb:?} {mishap:?}");
        }
    }
}

#[tokio::test]
async fn every_act_of_the_vault_itself_is_in_the_audit_trail() {
    let bench = Bench::new().await;
    bench.post("rotation-policies/daily", json!({ "rotation_period": "24h" })).await.expect_status(204);
    bench.target.create_account("app", "p-1");
    let body = json!({ "target": "t", "username": "app", "password": "p-1", "rotation_policy": "daily" });
    bench.post("accounts/config/app", body).await.expect_status(200);
    let events = |bench: &Bench| -> Vec<String> {
        let entries = bench.system_entries();
        let of_app = entries.iter().filter(|entry| entry.to_string().contains("accounts/app"));
        of_app.map(|entry| entry["system"]["event"].as_str().unwrap_or_default().to_owned()).collect()
    };
    bench.disk.clock.advance(seconds(2 * 24 * 3600));
    bench.tick().await;
    for event in
        ["account_started", "account_staged", "account_applied", "account_promoted", "account_retired"]
    {
        assert!(events(&bench).contains(&event.to_owned()), "{event} in {:?}", events(&bench));
    }
    bench.post("accounts/check-out/app", json!({ "ttl": "10m" })).await.expect_status(200);
    bench.disk.clock.advance(seconds(601));
    bench.tick().await;
    for event in ["account_checked_out", "account_closing", "account_closed"] {
        assert!(events(&bench).contains(&event.to_owned()), "{event} in {:?}", events(&bench));
    }
    let promoted = events(&bench).iter().filter(|event| *event == "account_promoted").count();
    assert_eq!(promoted as u64, bench.record("app").versions.last - 1);
    // Who caused it stands there in plain words.
    let out =
        bench.system_entries().into_iter().find(|entry| entry["system"]["event"] == "account_checked_out");
    assert_eq!(out.unwrap()["system"]["data"]["principal"], "root");
}

#[tokio::test]
async fn an_account_that_waits_long_for_a_busy_target_has_an_incident() {
    let bench = Bench::new().await;
    bench.configure_target(json!({ "max_concurrency": 1 })).await.expect_status(204);
    bench.account("app", "p-1").await;
    bench.post("accounts/check-out/app", json!({ "ttl": "10m" })).await.expect_status(200);
    for name in ["one", "two", "three"] {
        bench.account(name, "p-1").await;
        bench.target.next(Verb::Preflight, Mishap::Hangs);
    }
    let [one, two, three] =
        ["one", "two", "three"].map(|name| bench.post_owned(format!("accounts/rotate/{name}")));
    let expire = async {
        until(|| bench.target.hanging() == 1 && bench.vault.app.engine.flights().len() == 3).await;
        bench.disk.clock.advance(seconds(601));
        bench.vault.app.engine.look(None).await.unwrap();
        assert_eq!(bench.record("app").stage.word(), "due");
        // Each of the three takes the deadline of a call, one after the other.
        for calls in 2..=3 {
            assert_eq!(bench.record("app").incident, None);
            tokio::time::pause();
            tokio::time::advance(seconds(31)).await;
            tokio::time::resume();
            until(|| bench.target.calls(Verb::Preflight) == calls && bench.target.hanging() == 1).await;
        }
        until(|| bench.record("app").incident.is_some()).await;
        bench.target.release();
        bench.rest().await;
    };
    let _ = tokio::join!(one, two, three, expire);
    let incidents = bench.get("incidents?state=all").await.at("/data/incidents");
    // Of the target: those before it fail because that is away, and it waits for its turn behind them.
    let id = incidents[0]["id"].as_str().unwrap().to_owned();
    let beneath = bench.get(&format!("incidents/{id}/accounts")).await.at("/data/accounts");
    let of_app = beneath.as_array().unwrap().iter().find(|account| account["account"] == "app");
    let of_app = of_app.unwrap_or_else(|| panic!("app is not in {beneath}"));
    assert_eq!((&of_app["class"], &of_app["state"]), (&json!("overdue"), &json!("proven")));
    assert!(bench.record("app").lending.holder.is_none());
}

#[tokio::test]
async fn a_missing_old_version_is_no_proof_of_death() {
    let class = FaultClass::StoreFailed;
    let bench = Bench::new().await;
    bench.account("app", "p-1").await;
    bench.target.always(Verb::Retire, Mishap::Fails(FaultClass::Unreachable));
    bench.post("accounts/rotate/app", json!({})).await.expect_status(502);
    bench.target.heal();
    bench.lose_secret("app", 1).await;
    let reply = bench.post("accounts/rotate/app", json!({})).await;
    reply.expect_status(502);
    assert_eq!(reply.at("/data/class"), class.as_str());
}

#[tokio::test]
async fn after_a_crash_a_management_credential_between_two_passwords_comes_before_its_accounts() {
    let mut bench = Bench::new().await;
    bench.account("app", "p-1").await;
    bench.target.next(Verb::Apply, Mishap::HangsAfterwards);
    tokio::select! {
        reply = bench.post("targets/rotate/t", json!({})) => panic!("{}", reply.text),
        () = until(|| bench.target.hanging() == 1) => {}
    }
    // Begun, and waiting for the management credential.
    tokio::select! {
        reply = bench.post("accounts/rotate/app", json!({})) => panic!("{}", reply.text),
        () = until(|| bench.record("app").stage.is_active()) => {}
    }
    // What hangs stays so: nothing of the first process goes on.
    bench.vault.app.seal.seal().await;
    bench.restart().await;
    bench.tick().await;
    let record = bench.record("app");
    assert_eq!((record.stage.word(), record.versions.last, record.incident), ("idle", 2, None));
    assert_eq!(bench.get("incidents?state=all").await.at("/data/incidents"), json!([]));
    assert!(bench.target.accepts("app", &bench.password("app").await));
}

#[tokio::test]
async fn a_report_is_about_times_that_can_be_written() {
    let bench = Bench::new().await;
    for (query, status) in [
        ("from=2026-11-21T00:00:00Z", 200),
        ("from=0&to=253402300799", 200),
        ("to=253402300800", 400),
        ("to=9999-12-31T23:59:59-00:01", 400),
        ("from=-62167219201", 400),
        ("to=-62167219199", 400),
    ] {
        bench.get(&format!("reports/rotation?{query}")).await.expect_status(status);
    }
}
