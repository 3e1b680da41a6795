//! Heartbeats: a credential that was changed outside is found before a consumer finds it, within what a target may be
//! asked.

use rotators::fake::Verb;
use serde_json::{Value, json};
use vault_core::account::Health;
use vault_core::clock::Clock;
use vault_core::rotation::fault::FaultClass;

use super::bench::Bench;
use super::vault::seconds;

const HOUR: u64 = 3600;

impl Bench {
    /// Looks at the clock every ten seconds, for so long.
    async fn live(&self, long: u64) {
        for _ in 0..long / 10 {
            self.disk.clock.advance(seconds(10));
            self.tick().await;
        }
    }

    async fn classes(&self) -> Vec<String> {
        let open = self.get("incidents").await.at("/data/incidents");
        open.as_array().unwrap().iter().map(|one| one["class"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn a_password_that_was_changed_outside_is_found_with_nobody_asking() {
    let bench = Bench::new().await;
    bench.configure_target(json!({ "heartbeat": "1h" })).await.expect_status(204);
    bench.account("app", "p-1").await;
    bench.account("still", "p-1").await;
    let shown = bench.get("accounts/status/app").await;
    assert!(shown.at("/data/last_verified").is_string() && shown.at("/data/next_heartbeat").is_string());
    bench.live(2 * HOUR).await;
    let seen = bench.get("accounts/status/still").await.at("/data/last_verified");
    assert_ne!(seen, shown.at("/data/last_verified"));
    assert_eq!(bench.classes().await, [] as [&str; 0]);
    bench.target.set_password("app", "changed outside");
    bench.live(HOUR + 60).await;
    assert_eq!(bench.classes().await, ["drift"]);
    // What was refused is not tried again by the clock.
    let refused = bench.target.failed_logins("app");
    bench.live(6 * HOUR).await;
    assert_eq!(bench.target.failed_logins("app"), refused);
    assert_eq!(bench.get("accounts/status/app").await.at("/data/next_heartbeat"), Value::Null);
    let metrics = bench.get("sys/metrics").await.text;
    assert!(
        metrics.lines().any(|line| line == r#"rotunda_heartbeats_total{result="refused"} 1"#),
        "{metrics}"
    );
    // Repaired, it is looked at again.
    bench.post("accounts/reconcile/app", json!({})).await.expect_status(200);
    assert!(bench.record("app").beat.next.is_some());
    assert_eq!(bench.classes().await, [] as [&str; 0]);
}

#[tokio::test]
async fn two_hundred_accounts_do_not_come_together_and_not_faster_than_their_target_allows() {
    let mut bench = Bench::new().await;
    bench.configure_target(json!({ "heartbeat": "1h", "heartbeat_rate": 6 })).await.expect_status(204);
    for number in 0..200 {
        bench.account(&format!("a{number:03}"), "p-1").await;
    }
    // All of them are due when the vault comes back after a day.
    bench.disk.clock.advance(seconds(24 * HOUR));
    bench.restart().await;
    let before = bench.target.calls(Verb::Probe);
    bench.tick().await;
    assert!(bench.target.calls(Verb::Probe) - before <= 1, "a restart is no storm");
    bench.live(600).await;
    let asked = bench.target.calls(Verb::Probe) - before;
    assert!((40..=62).contains(&asked), "six in a minute, for ten minutes: {asked}");
    bench.vault.app.engine.count_accounts().await.unwrap();
    let metrics = bench.get("sys/metrics").await.text;
    let late = metrics.lines().find_map(|line| line.strip_prefix("rotunda_heartbeats_late ")).unwrap();
    assert!(late.parse::<u32>().unwrap() >= 130, "those that still wait are counted: {late}");
}

#[tokio::test]
async fn accounts_of_before_get_a_heartbeat_and_a_setting_takes_it_away() {
    let bench = Bench::new().await;
    bench.configure_target(json!({ "heartbeat": "off" })).await.expect_status(204);
    bench.account("app", "p-1").await;
    assert_eq!(bench.record("app").beat.next, None);
    bench.configure_target(json!({ "heartbeat": "1h" })).await.expect_status(204);
    bench.vault.app.engine.count_accounts().await.unwrap();
    let next = bench.record("app").beat.next.unwrap();
    assert!(next <= bench.disk.clock.now().plus(seconds(HOUR)), "within the interval");
    bench.post("accounts/config/app", json!({ "heartbeat": "off" })).await.expect_status(200);
    bench.vault.app.engine.count_accounts().await.unwrap();
    assert_eq!(bench.record("app").beat.next, None);
    bench.post("accounts/config/app", json!({ "heartbeat": "2s" })).await.expect_status(400);
    bench.configure_target(json!({ "heartbeat_rate": 0 })).await.expect_status(400);
}

#[tokio::test]
async fn a_target_that_does_not_answer_is_nobodys_drift_and_is_asked_again() {
    let bench = Bench::new().await;
    bench.configure_target(json!({ "heartbeat": "1h" })).await.expect_status(204);
    bench.account("app", "p-1").await;
    bench.target.break_down(FaultClass::Unreachable);
    bench.live(2 * HOUR).await;
    let account = bench.record("app");
    assert!(matches!(account.health, Health::Verified(_)) && account.beat.misses > 0, "{:?}", account.beat);
    bench.target.heal();
    bench.live(2 * HOUR).await;
    assert_eq!(bench.record("app").beat.misses, 0);
    assert_eq!(bench.classes().await, [] as [&str; 0]);
}

#[tokio::test]
async fn accounts_that_cannot_be_read_do_not_have_the_whole_budget() {
    let bench = Bench::new().await;
    bench.configure_target(json!({ "heartbeat": "1h", "heartbeat_rate": 6 })).await.expect_status(204);
    for name in ["a0", "a1", "a2", "a3"] {
        bench.account(name, "p-1").await;
    }
    bench.damage("a0").await;
    let version = bench.record("a1").versions.current.unwrap().number;
    bench.lose_secret("a1", version).await;
    let before = bench.disk.clock.now();
    bench.live(3 * HOUR).await;
    for name in ["a2", "a3"] {
        let account = bench.record(name);
        assert!(
            matches!(account.health, Health::Verified(at) if at > before),
            "{name}: {:?}",
            account.health
        );
        assert!(account.beat.next.is_some_and(|next| next > bench.disk.clock.now()), "{:?}", account.beat);
    }
}

#[tokio::test]
async fn drift_is_found_although_the_management_credential_is_refused() {
    let bench = Bench::new().await;
    bench.configure_target(json!({ "heartbeat": "1h" })).await.expect_status(204);
    bench.account("app", "p-1").await;
    bench.target.set_password("manager", "changed outside");
    bench.vault.app.engine.count_accounts().await.unwrap();
    bench.live(HOUR + 60).await;
    assert_eq!(bench.classes().await, ["management_auth_refused"]);
    bench.target.set_password("app", "changed outside");
    bench.live(HOUR + 60).await;
    assert_eq!(bench.classes().await, ["management_auth_refused", "drift"]);
}

#[tokio::test]
async fn drift_is_repaired_by_itself_once_where_the_target_says_so_and_then_waits_for_a_person() {
    let bench = Bench::new().await;
    bench.configure_target(json!({ "heartbeat": "1h", "on_drift": "reconcile" })).await.expect_status(204);
    bench.account("app", "p-1").await;
    bench.target.set_password("app", "changed outside");
    bench.live(HOUR + 60).await;
    let all = bench.get("incidents?state=all").await;
    let incident = all.at("/data/incidents/0");
    assert_eq!((&incident["class"], &incident["state"]), (&json!("drift"), &json!("closed")), "{incident}");
    let id = incident["id"].as_str().unwrap().to_owned();
    let lines = bench.get(&format!("incidents/{id}/events")).await.text;
    assert!(lines.contains("reconciled_by_policy") && lines.contains("remediated"), "{lines}");
    let read = bench.get("accounts/creds/app").await;
    let password = read.at("/data/password").as_str().unwrap().to_owned();
    assert!(bench.target.accepts("app", &password) && !bench.target.accepts("app", "changed outside"));
    // Somebody sets it again: nobody fights for it.
    bench.target.set_password("app", "changed again");
    bench.live(2 * HOUR).await;
    assert!(bench.target.accepts("app", "changed again"));
    let again = bench.get(&format!("incidents/{id}")).await.at("/data");
    assert_eq!((&again["state"], &again["next_attempt"]), (&json!("open"), &Value::Null), "{again}");
    let lines = again["events"].as_array().unwrap();
    assert_eq!(lines.last().unwrap()["kind"], "parked", "a person must look: {again}");
    assert_eq!(lines.iter().filter(|line| line["kind"] == "reconciled_by_policy").count(), 1);
}

#[tokio::test]
async fn what_is_lent_and_the_management_credential_are_not_repaired_by_themselves() {
    let bench = Bench::new().await;
    bench.configure_target(json!({ "heartbeat": "1h", "on_drift": "reconcile" })).await.expect_status(204);
    bench.account("app", "p-1").await;
    bench.post("accounts/check-out/app", json!({ "ttl": "6h", "reason": "r" })).await.expect_status(200);
    bench.target.set_password("app", "set by its holder");
    bench.live(HOUR + 60).await;
    assert_eq!(bench.classes().await, ["drift"]);
    assert!(bench.target.accepts("app", "set by its holder"));
    // The end of the lease sets a fresh one.
    bench.post("accounts/check-in/app", json!({})).await.expect_status(200);
    assert_eq!(bench.classes().await, [] as [&str; 0]);
    bench.target.set_password("manager", "changed outside");
    bench.vault.app.engine.count_accounts().await.unwrap();
    bench.live(HOUR + 60).await;
    assert_eq!(bench.classes().await, ["management_auth_refused"]);
    assert!(bench.target.accepts("manager", "changed outside"));
}
