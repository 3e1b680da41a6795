//! Silences and maintenance windows: what is kept back, what is told at the end, what is held, and what is not.

mod foresee;
mod told;

use serde_json::{Value, json};
use vault_core::clock::Clock;
use vault_core::rotation::fault::FaultClass;

use super::bench::Bench;
use super::vault::{Reply, seconds};

const HOUR: u64 = 3600;

/// Accounts on the target, due in an hour; and a webhook that nobody delivers, so that what is told stays in its queue.
async fn bench(accounts: &[&str]) -> Bench {
    let bench = Bench::new().await;
    bench.post("rotation-policies/hourly", json!({ "rotation_period": "1h" })).await.expect_status(204);
    for name in accounts {
        bench.target.create_account(name, "p-1");
        let body = json!({ "target": "t", "username": name, "password": "p-1", "rotation_policy": "hourly" });
        bench.post(&format!("accounts/config/{name}"), body).await.expect_status(200);
    }
    let hook = json!({ "url": "http://127.0.0.1:9/", "events": "incident.opened,incident.closed" });
    bench.post("sys/webhooks/w", hook).await.expect_status(200);
    bench
}

impl Bench {
    fn later(&self, by: u64) {
        self.disk.clock.advance(seconds(by));
    }

    async fn silenced(&self, body: Value) -> String {
        let reply = self.post("silences", body).await;
        reply.expect_status(200);
        reply.at("/data/id").as_str().unwrap().to_owned()
    }

    async fn maintained(&self, lasts: &str) -> Reply {
        let reply = self.post("targets/maintenance/t", json!({ "for": lasts, "reason": "an upgrade" })).await;
        reply.expect_status(200);
        reply
    }

    /// What was told so far: the kinds of events, sorted.
    async fn told(&self) -> Vec<String> {
        self.told_to("w").await
    }

    async fn tick_and_measure(&self) -> String {
        self.tick().await;
        self.get("sys/metrics").await.text
    }

    async fn fail(&self, account: &str) {
        self.fail_as(account, FaultClass::Unreachable).await;
    }

    async fn fail_as(&self, account: &str, class: FaultClass) {
        self.target.break_down(class);
        self.post(&format!("accounts/rotate/{account}"), json!({})).await.expect_status(502);
        self.rest().await;
    }

    /// How often the target was asked to look whether a rotation can begin.
    fn begun(&self) -> u32 {
        self.target.calls(rotators::fake::Verb::Preflight)
    }

    async fn incident(&self) -> Value {
        self.get("incidents").await.at("/data/incidents/0")
    }

    async fn version(&self, account: &str) -> Value {
        self.get(&format!("accounts/status/{account}")).await.at("/data/version")
    }
}

#[tokio::test]
async fn a_silenced_incident_is_shown_and_told_once_when_the_silence_ends_by_itself() {
    let mut bench = bench(&["app"]).await;
    bench.silenced(json!({ "target": "t", "for": "30m", "reason": "a failover test" })).await;
    bench.fail("app").await;
    assert_eq!(bench.told().await, [] as [&str; 0]);
    let incident = bench.incident().await;
    assert_eq!((&incident["state"], &incident["class"]), (&json!("open"), &json!("unreachable")));
    assert_eq!(incident["silenced"]["reason"], "a failover test");
    assert!(incident["silenced"]["until"].is_string() && incident["silenced"]["by"].is_string());
    let status = bench.get("accounts/status/app").await;
    assert_eq!(status.at("/data/silenced/mode"), "silence");
    assert_eq!(bench.get("targets/status/t").await.at("/data/silenced/mode"), "silence");
    let metrics = bench.tick_and_measure().await;
    assert!(metrics.contains(r#"rotunda_silences_active{mode="silence"} 1"#), "{metrics}");

    bench.restart().await;
    bench.later(30 * 60);
    bench.tick().await;
    assert_eq!(bench.told().await, ["incident.opened"]);
    assert_eq!(bench.incident().await["silenced"], Value::Null);
    assert_eq!(bench.get("silences").await.at("/data/silences"), json!([]));
    bench.tick().await;
    assert_eq!(bench.told().await, ["incident.opened"], "once");
    let metrics = bench.tick_and_measure().await;
    assert!(metrics.contains(r#"rotunda_silences_active{mode="silence"} 0"#), "{metrics}");
    let ended = bench.system_entries();
    assert!(ended.iter().any(|entry| entry["system"]["event"] == "silence_ended"), "{ended:?}");
}

#[tokio::test]
async fn what_was_repaired_in_the_silence_is_not_told_at_all() {
    let bench = bench(&["app"]).await;
    let id = bench.silenced(json!({ "accounts": "a*", "for": "30m", "reason": "r" })).await;
    bench.fail("app").await;
    bench.target.heal();
    bench.post("accounts/rotate/app", json!({})).await.expect_status(200);
    assert_eq!(bench.get("incidents?state=closed").await.at("/data/incidents").as_array().unwrap().len(), 1);
    bench.vault.root("DELETE", &format!("silences/{id}"), "").await.expect_status(204);
    bench.tick().await;
    assert_eq!(bench.told().await, [] as [&str; 0]);
    // What fails now is told as ever, also that it is over: the same incident, opened again.
    bench.fail("app").await;
    bench.target.heal();
    bench.post("accounts/rotate/app", json!({})).await.expect_status(200);
    assert_eq!(bench.told().await, ["incident.closed", "incident.opened"]);
}

#[tokio::test]
async fn one_that_was_told_before_the_silence_is_told_closed_though_it_became_worse_in_it() {
    let bench = bench(&["app"]).await;
    bench.fail_as("app", FaultClass::Preflight).await;
    assert_eq!(bench.told().await, ["incident.opened"]);
    let id = bench.silenced(json!({ "accounts": "app", "for": "30m", "reason": "r" })).await;
    bench.fail_as("app", FaultClass::AccountMissing).await;
    assert_eq!(bench.told().await, ["incident.opened"], "that it is another failure is kept back");
    bench.target.heal();
    bench.post("accounts/rotate/app", json!({})).await.expect_status(200);
    assert_eq!(
        bench.told().await,
        ["incident.closed", "incident.opened"],
        "who was told of it hears of its end"
    );
    bench.vault.root("DELETE", &format!("silences/{id}"), "").await.expect_status(204);
    bench.tick().await;
    assert_eq!(bench.told().await, ["incident.closed", "incident.opened"]);
}

#[tokio::test]
async fn what_a_silence_kept_back_of_one_that_was_told_before_is_told_when_it_ends() {
    let bench = bench(&["app"]).await;
    let pager =
        json!({ "url": "http://127.0.0.1:9/", "events": "incident.opened", "min_severity": "critical" });
    bench.post("sys/webhooks/pager", pager).await.expect_status(200);
    bench.fail_as("app", FaultClass::Preflight).await;
    let id = bench.silenced(json!({ "accounts": "app", "for": "30m", "reason": "r" })).await;
    bench.fail_as("app", FaultClass::AccountMissing).await;
    assert_eq!(bench.told_to("pager").await, [] as [&str; 0]);
    bench.vault.root("DELETE", &format!("silences/{id}"), "").await.expect_status(204);
    for _ in 0..2 {
        bench.tick().await;
        assert_eq!(bench.told_to("pager").await, ["incident.opened"], "that it is critical");
        assert_eq!(bench.told().await, ["incident.opened"], "who knows of it is not told again");
    }
}

#[tokio::test]
async fn one_that_nobody_was_told_of_is_told_in_full_when_it_becomes_worse_after_the_silence() {
    let bench = bench(&["app"]).await;
    bench.silenced(json!({ "accounts": "app", "for": "30m", "reason": "r" })).await;
    bench.fail_as("app", FaultClass::Preflight).await;
    assert_eq!(bench.told().await, [] as [&str; 0]);
    // It is over, and nobody has looked at that yet.
    bench.later(31 * 60);
    bench.fail_as("app", FaultClass::AccountMissing).await;
    assert_eq!(bench.told().await, ["incident.opened"]);
    bench.tick().await;
    assert_eq!(bench.told().await, ["incident.opened"], "once");
}

#[tokio::test]
async fn a_silence_covers_its_accounts_only_and_a_longer_one_goes_on_when_another_ends() {
    let bench = bench(&["app", "batch"]).await;
    bench.silenced(json!({ "accounts": "app", "for": "50m", "reason": "r" })).await;
    let short = bench.silenced(json!({ "target": "t", "for": "10m", "reason": "r" })).await;
    bench.fail("app").await;
    bench.fail("batch").await;
    assert_eq!(bench.told().await, [] as [&str; 0]);
    bench.vault.root("DELETE", &format!("silences/{short}"), "").await.expect_status(204);
    bench.tick().await;
    assert_eq!(bench.told().await, ["incident.opened"], "the other account is not silenced any more");
    bench.later(50 * 60);
    bench.tick().await;
    assert_eq!(bench.told().await, ["incident.opened"], "of the target, once");
}

#[tokio::test]
async fn a_planned_silence_begins_in_its_time() {
    let bench = bench(&["app"]).await;
    let from = bench.disk.clock.now().plus(seconds(60)).to_rfc3339();
    bench.silenced(json!({ "target": "t", "from": from, "for": "10m", "reason": "r" })).await;
    assert_eq!(bench.get("silences").await.at("/data/silences/0/state"), "planned");
    let metrics = bench.tick_and_measure().await;
    assert!(metrics.contains(r#"rotunda_silences_active{mode="silence"} 0"#), "{metrics}");
    bench.fail("app").await;
    assert_eq!(bench.told().await, ["incident.opened"]);
    bench.target.heal();
    bench.post("accounts/rotate/app", json!({})).await.expect_status(200);
    bench.later(60);
    bench.tick().await;
    assert_eq!(bench.get("silences").await.at("/data/silences/0/state"), "active");
    bench.fail("app").await;
    assert_eq!(bench.told().await, ["incident.closed", "incident.opened"]);
}

#[tokio::test]
async fn in_a_maintenance_the_clock_begins_nothing_over_a_restart_and_all_begins_after_it_spread() {
    let names: Vec<String> = (0..20).map(|number| format!("a{number:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut bench = bench(&names).await;
    bench.maintained("3h").await;
    bench.later(HOUR + 1);
    bench.tick().await;
    bench.restart().await;
    bench.later(HOUR);
    bench.tick().await;
    assert_eq!(bench.begun(), 0);
    assert_eq!(
        bench.get("incidents").await.at("/data/incidents"),
        json!([]),
        "what was declared is no failure"
    );
    let status = bench.get("accounts/status/a00").await;
    assert!(status.at("/data/held_until").is_string(), "{}", status.text);
    assert_eq!(status.at("/data/silenced/mode"), "maintenance");
    let history = bench.get("accounts/history/a00").await.text;
    assert_eq!(history.matches("postponed").count(), 1, "{history}");
    // Nothing is due any more before the end, so nothing is read again and again.
    let held = bench.record("a00").armed.unwrap();

    bench.later(HOUR - 1);
    bench.tick().await;
    assert!(held.since(bench.disk.clock.now()) <= seconds(300));
    let at_once = bench.begun();
    assert!(at_once < 20, "not all at once");
    for _ in 0..10 {
        bench.later(30);
        bench.tick().await;
    }
    assert_eq!(bench.begun(), 20);
    for name in names {
        assert_eq!(bench.version(name).await, 2, "{name}");
    }
}

#[tokio::test]
async fn a_maintenance_that_ends_early_lets_go_of_what_it_held_and_tells() {
    let bench = bench(&["app"]).await;
    bench.maintained("24h").await;
    bench.fail("app").await;
    bench.target.heal();
    bench.later(HOUR + 1);
    bench.tick().await;
    assert_eq!(bench.version("app").await, 1, "a retry is held");
    let held = bench.get("accounts/status/app").await.at("/data/next_attempt");
    assert_eq!(bench.incident().await["next_attempt"], held, "the incident says so");
    bench.vault.root("DELETE", "targets/maintenance/t", "").await.expect_status(204);
    bench.rest().await;
    assert_eq!(bench.told().await, ["incident.opened"]);
    bench.later(301);
    bench.tick().await;
    assert_eq!(bench.version("app").await, 2);
    assert_eq!(bench.told().await, ["incident.closed", "incident.opened"]);
    bench.get("targets/maintenance/t").await.expect_status(404);
    bench.vault.root("DELETE", "targets/maintenance/t", "").await.expect_status(404);
}

#[tokio::test]
async fn a_person_and_the_end_of_a_lease_go_before_a_maintenance() {
    let bench = bench(&["app", "lent", "gone"]).await;
    bench.post("accounts/check-out/lent", json!({ "ttl": "10m" })).await.expect_status(200);
    bench.post("accounts/check-out/gone", json!({ "ttl": "10m" })).await.expect_status(200);
    bench.maintained("3h").await;
    bench.post("accounts/rotate/app", json!({})).await.expect_status(200);
    assert_eq!(bench.version("app").await, 2);
    bench.post("accounts/check-in/lent", json!({})).await.expect_status(200);
    assert_eq!(bench.version("lent").await, 2);
    bench.post("accounts/reconcile/app", json!({})).await.expect_status(200);
    // One that runs out while the target is away: its incident says so, nobody is told, and it dies when the target is
    // back, not when the maintenance is over.
    bench.target.break_down(FaultClass::Unreachable);
    bench.later(11 * 60);
    bench.tick().await;
    let incident = bench.incident().await;
    assert_eq!(
        (&incident["subject"], &incident["silenced"]["mode"]),
        (&json!("target t"), &json!("maintenance"))
    );
    assert_eq!(bench.told().await, [] as [&str; 0]);
    bench.target.heal();
    bench.later(10 * 60);
    bench.tick().await;
    assert!(bench.record("gone").lending.holder.is_none());
    assert_eq!(bench.version("gone").await, 2);
}

#[tokio::test]
async fn said_again_a_maintenance_has_another_end() {
    let bench = bench(&["app"]).await;
    let first = bench.maintained("1h").await;
    let again = bench.maintained("4h").await;
    assert_eq!(first.at("/data/id"), again.at("/data/id"));
    bench.later(2 * HOUR);
    bench.tick().await;
    assert_eq!((bench.begun(), bench.get("targets/maintenance/t").await.status), (0, 200));
    bench.later(2 * HOUR + 301);
    bench.tick().await;
    bench.tick().await;
    assert_eq!((bench.begun(), bench.get("targets/maintenance/t").await.status), (1, 404));
}

#[tokio::test]
async fn a_silence_without_end_reason_or_object_is_refused() {
    let bench = bench(&[]).await;
    for body in [
        json!({ "target": "t", "reason": "r" }),
        json!({ "target": "t", "for": "1h" }),
        json!({ "target": "t", "for": "1h", "reason": " " }),
        json!({ "target": "t", "for": "31d", "reason": "r" }),
        json!({ "target": "t", "for": "1h", "until": "2999-01-01T00:00:00Z", "reason": "r" }),
        json!({ "for": "1h", "reason": "r" }),
        json!({ "target": "t", "accounts": "*", "for": "1h", "reason": "r" }),
        json!({ "target": "none", "for": "1h", "reason": "r" }),
        json!({ "accounts": "*", "mode": "maintenance", "for": "1h", "reason": "r" }),
        json!({ "target": "t", "mode": "quiet", "for": "1h", "reason": "r" }),
    ] {
        let reply = bench.post("silences", body.clone()).await;
        assert_eq!(reply.status, 400, "{body}: {}", reply.text);
    }
    bench.post("targets/maintenance/none", json!({ "for": "1h", "reason": "r" })).await.expect_status(400);
    bench.get("silences/nothing").await.expect_status(404);
    assert_eq!(bench.get("silences").await.at("/data/silences"), json!([]));
}
