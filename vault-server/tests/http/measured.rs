//! Metrics of rotations, incidents, accounts and leases: what happened is what is counted, and no name is a label.

use rotators::fake::{Mishap, Verb};
use serde_json::json;
use vault_core::clock::Clock;
use vault_core::rotation::fault::FaultClass;

use super::bench::Bench;
use super::vault::seconds;

impl Bench {
    pub(crate) async fn counted(&self) -> String {
        self.vault.app.engine.count_incidents().unwrap();
        self.vault.app.engine.count_accounts().await.unwrap();
        self.get("sys/metrics").await.text
    }
}

pub(crate) fn holds(metrics: &str, lines: &[&str]) {
    for line in lines {
        assert!(metrics.lines().any(|one| one == *line), "{line}\n{metrics}");
    }
}

#[tokio::test]
async fn an_incident_is_counted_from_its_first_failure_to_its_proof() {
    let bench = Bench::new().await;
    bench.account("billing-app", "p-1").await;
    holds(
        &bench.counted().await,
        &[
            "vault_rotation_incidents_opened_total{class=\"unreachable\",severity=\"error\"} 0",
            "vault_rotation_incidents_open{class=\"drift\",severity=\"critical\"} 0",
            "vault_rotation_incident_oldest_open_seconds{severity=\"critical\"} 0",
            "vault_rotation_attempts_total{rotator=\"fake\",result=\"ok\",phase=\"\",class=\"\"} 0",
            "vault_rotation_attempts_ended_total{rotator=\"fake\",result=\"failed\"} 0",
        ],
    );
    bench.target.break_down(FaultClass::Unreachable);
    bench.post("accounts/rotate/billing-app", json!({})).await.expect_status(502);
    bench.rest().await;
    bench.disk.clock.advance(seconds(700));
    holds(
        &bench.counted().await,
        &[
            "vault_rotation_attempts_total{rotator=\"fake\",result=\"failed\",phase=\"prepare\",class=\"unreachable\"} 1",
            "vault_rotation_incidents_opened_total{class=\"unreachable\",severity=\"error\"} 1",
            "vault_rotation_incidents_open{class=\"unreachable\",severity=\"error\"} 1",
            "vault_rotation_incident_oldest_open_seconds{severity=\"error\"} 700",
            "vault_rotation_attempts_ended_total{rotator=\"fake\",result=\"failed\"} 1",
            "vault_rotation_overdue{rotator=\"fake\"} 1",
            "vault_rotation_overdue_max_seconds{rotator=\"fake\"} 700",
        ],
    );
    bench.target.heal();
    bench.post("accounts/rotate/billing-app", json!({})).await.expect_status(200);
    bench.rest().await;
    let metrics = bench.counted().await;
    holds(
        &metrics,
        &[
            "vault_rotation_attempts_total{rotator=\"fake\",result=\"ok\",phase=\"\",class=\"\"} 1",
            "vault_rotation_incidents_resolved_total{class=\"unreachable\",severity=\"error\"} 1",
            "vault_rotation_incidents_open{class=\"unreachable\",severity=\"error\"} 0",
            "vault_rotation_incident_oldest_open_seconds{severity=\"error\"} 0",
            "vault_rotation_time_to_remediate_seconds_sum{class=\"unreachable\"} 700.0",
            "vault_rotation_time_to_remediate_seconds_bucket{le=\"300.0\",class=\"unreachable\"} 0",
            "vault_rotation_time_to_remediate_seconds_bucket{le=\"900.0\",class=\"unreachable\"} 1",
            "vault_rotation_overdue{rotator=\"fake\"} 0",
        ],
    );
    assert!(metrics.contains("vault_rotation_duration_seconds_count{rotator=\"fake\",phase=\"apply\"} 1"));
    assert!(!metrics.contains("billing-app") && !metrics.contains("manager"), "{metrics}");
}

#[tokio::test]
async fn what_is_parked_out_of_sync_or_older_than_its_policy_is_counted() {
    let bench = Bench::new().await;
    bench.post("rotation-policies/daily", json!({ "rotation_period": "24h" })).await.expect_status(204);
    for name in ["fresh", "stale", "changed"] {
        bench.account(name, "p-1").await;
    }
    bench.post("accounts/rotate/stale", json!({})).await.expect_status(200);
    let policy = json!({ "target": "t", "username": "fresh", "rotation_policy": "daily" });
    bench.post("accounts/config/fresh", policy).await.expect_status(200);
    bench.target.set_password("changed", "somebody else");
    bench.post("accounts/verify/changed", json!({})).await.expect_status(502);
    bench.target.break_down(FaultClass::PermissionDenied);
    bench.post("accounts/rotate/stale", json!({})).await.expect_status(502);
    bench.rest().await;
    bench.disk.clock.advance(seconds(30 * 60 * 60));
    holds(
        &bench.counted().await,
        &[
            "vault_credential_out_of_sync 1",
            "vault_rotation_parked{rotator=\"fake\"} 1",
            "vault_credential_age_ratio_bucket{le=\"1.1\"} 0",
            "vault_credential_age_ratio_bucket{le=\"1.25\"} 1",
            "vault_credential_age_ratio_count 1",
        ],
    );
}

#[tokio::test]
async fn leases_are_counted_while_they_last_and_how_long_they_took_to_die() {
    let bench = Bench::new().await;
    bench.account("app", "p-1").await;
    bench.post("accounts/rotate/app", json!({})).await.expect_status(200);
    bench.post("accounts/check-out/app", json!({ "ttl": "10m" })).await.expect_status(200);
    holds(
        &bench.counted().await,
        &["vault_leases_active{kind=\"account\"} 1", "vault_leases_revoking_stuck{kind=\"account\"} 0"],
    );
    bench.target.break_down(FaultClass::Unreachable);
    bench.post("accounts/check-in/app", json!({})).await;
    bench.rest().await;
    bench.disk.clock.advance(seconds(120));
    holds(
        &bench.counted().await,
        &["vault_leases_active{kind=\"account\"} 0", "vault_leases_revoking_stuck{kind=\"account\"} 1"],
    );
    bench.target.heal();
    bench.post("accounts/rotate/app", json!({})).await;
    bench.rest().await;
    let metrics = bench.counted().await;
    holds(
        &metrics,
        &[
            "vault_leases_revoking_stuck{kind=\"account\"} 0",
            "vault_lease_revoke_duration_seconds_sum{kind=\"account\"} 120.0",
        ],
    );
}

#[tokio::test]
async fn what_was_repaired_and_nobody_reviewed_grows_old() {
    let bench = Bench::new().await;
    bench.account("app", "p-1").await;
    bench.target.break_down(FaultClass::Unreachable);
    bench.post("accounts/rotate/app", json!({})).await.expect_status(502);
    let oldest = async || {
        bench.vault.app.engine.count_unreviewed().await.unwrap();
        let metrics = bench.get("sys/metrics").await.text;
        let name = "vault_rotation_incident_oldest_unreviewed_seconds ";
        metrics.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned()
    };
    bench.disk.clock.advance(seconds(700));
    assert_eq!(oldest().await, "0", "it is open");
    bench.target.heal();
    bench.post("accounts/rotate/app", json!({})).await.expect_status(200);
    bench.disk.clock.advance(seconds(900));
    assert_eq!(oldest().await, "900");
    let id = bench.get("incidents?state=closed").await.at("/data/incidents/0/id");
    let review = json!({ "cause": "network", "minutes": 5, "text": "a firewall" });
    bench.post(&format!("incidents/{}/review", id.as_str().unwrap()), review).await.expect_status(200);
    assert_eq!(oldest().await, "0");
}

#[tokio::test]
async fn merged_incidents_are_counted_as_one_and_the_oldest_tells_the_age() {
    let bench = Bench::new().await;
    let mut ids = Vec::new();
    for account in ["app", "job", "late"] {
        bench.account(account, "p-1").await;
        bench.target.next(Verb::Preflight, Mishap::Fails(FaultClass::PermissionDenied));
        bench.post(&format!("accounts/rotate/{account}"), json!({})).await.expect_status(502);
        bench.rest().await;
        let id = bench.get(&format!("accounts/status/{account}")).await.at("/data/incident");
        ids.push(id.as_str().unwrap().to_owned());
        bench.disk.clock.advance(seconds(100));
    }
    bench.post(&format!("incidents/{}/merge", ids[1]), json!({ "into": ids[0] })).await.expect_status(200);
    holds(
        &bench.counted().await,
        &[
            "vault_rotation_incidents_opened_total{class=\"permission_denied\",severity=\"error\"} 3",
            "vault_rotation_incidents_open{class=\"permission_denied\",severity=\"error\"} 2",
            "vault_rotation_incident_oldest_open_seconds{severity=\"error\"} 300",
        ],
    );
    let rotated = async |account: &str, later: u64| {
        bench.post(&format!("accounts/rotate/{account}"), json!({})).await.expect_status(200);
        bench.rest().await;
        bench.disk.clock.advance(seconds(later));
    };
    rotated("app", 0).await;
    rotated("job", 1000).await;
    rotated("late", 50).await;
    let oldest = async || {
        bench.vault.app.engine.count_unreviewed().await.unwrap();
        bench.counted().await
    };
    let unreviewed = |age: u32| format!("vault_rotation_incident_oldest_unreviewed_seconds {age}");
    let resolved =
        "vault_rotation_incidents_resolved_total{class=\"permission_denied\",severity=\"error\"} 2";
    holds(&oldest().await, &[resolved, &unreviewed(1050)]);
    // Who reviews the one reviews what is merged into it.
    for (id, age) in [(&ids[0], 50), (&ids[2], 0)] {
        let review = json!({ "cause": "permission", "text": "a grant was missing" });
        bench.post(&format!("incidents/{id}/review"), review).await.expect_status(200);
        holds(&oldest().await, &[&unreviewed(age)]);
    }
}

#[tokio::test]
async fn what_is_late_for_less_than_a_minute_is_on_its_way() {
    let bench = Bench::new().await;
    bench.post("rotation-policies/hourly", json!({ "rotation_period": "1h" })).await.expect_status(204);
    for name in ["app", "lent"] {
        bench.account(name, "p-1").await;
    }
    bench.post("accounts/config/app", json!({ "rotation_policy": "hourly" })).await.expect_status(200);
    bench.post("accounts/check-out/lent", json!({ "ttl": "1h" })).await.expect_status(200);
    let (overdue, leases) =
        ("vault_rotation_overdue{rotator=\"fake\"}", "vault_leases_overdue{kind=\"account\"}");
    let due = bench.record("app").next_rotation.unwrap();
    bench.disk.clock.advance(due.since(bench.disk.clock.now()) + seconds(59));
    holds(&bench.counted().await, &[&format!("{overdue} 0"), &format!("{leases} 0")]);
    bench.disk.clock.advance(seconds(1));
    holds(&bench.counted().await, &[&format!("{overdue} 1"), &format!("{leases} 1")]);
}

#[tokio::test]
async fn a_change_of_which_nobody_knows_whether_it_was_made_is_ambiguous_and_unverified_while_nobody_can_look()
 {
    let bench = Bench::new().await;
    for name in ["app", "job"] {
        bench.account(name, "p-1").await;
    }
    bench.target.next(Verb::Apply, Mishap::RequestLost);
    bench.post("accounts/rotate/app", json!({})).await.expect_status(502);
    bench.rest().await;
    holds(
        &bench.counted().await,
        &[
            "vault_rotation_attempts_ended_total{rotator=\"fake\",result=\"ambiguous\"} 1",
            "vault_rotation_attempts_ended_total{rotator=\"fake\",result=\"failed\"} 0",
            "vault_rotation_unverified{rotator=\"fake\"} 0",
        ],
    );
    bench.target.next(Verb::Apply, Mishap::ReplyLost);
    bench.target.always(Verb::Probe, Mishap::Fails(FaultClass::Unreachable));
    bench.post("accounts/rotate/job", json!({})).await.expect_status(502);
    bench.rest().await;
    holds(&bench.counted().await, &["vault_rotation_unverified{rotator=\"fake\"} 1"]);
    bench.target.heal();
    bench.post("accounts/rotate/job", json!({})).await.expect_status(200);
    holds(&bench.counted().await, &["vault_rotation_unverified{rotator=\"fake\"} 0"]);
}
