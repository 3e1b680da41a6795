//! Reports: what is counted, and the forms in which it is told.

use rotators::fake::{Mishap, Verb};
use serde_json::json;
use vault_core::clock::Clock;
use vault_core::rotation::fault::FaultClass;

use super::bench::Bench;
use super::vault::seconds;

#[tokio::test]
async fn a_rotation_that_is_tried_without_end_shows_in_its_attempts_also_after_a_restart() {
    let mut bench = Bench::new().await;
    bench.account("app", "p-1").await;
    let unreachable = || Mishap::Fails(FaultClass::Unreachable);
    bench.target.next(Verb::Preflight, unreachable());
    bench.post("accounts/rotate/app", json!({})).await;
    for _ in 0..5 {
        bench.disk.clock.advance(seconds(3600));
        bench.target.next(Verb::Preflight, unreachable());
        bench.tick().await;
    }
    bench.restart().await;
    let report = bench.get("reports/rotation?by=class").await;
    report.expect_status(200);
    let attempts = json!({ "succeeded": 0, "failed": 6, "failure_share": 1.0 });
    assert_eq!(report.at("/data/attempts"), attempts);
    let none = json!({ "succeeded": 0, "failed": 0, "attempts": 0, "failure_share": null });
    assert_eq!(report.at("/data/rotations"), none);
    assert_eq!(report.at("/data/budget/rotations"), json!(null));
    assert_eq!(report.at("/data/groups/0/name"), json!("unreachable"));
    assert_eq!(report.at("/data/groups/0/attempts/failed"), json!(6));
    assert_eq!(report.at("/data/groups/0/attempts/failure_share"), json!(null));
    assert_eq!(report.at("/data/ttr/censored"), json!(1));
    assert_eq!(report.at("/data/ttr/mean"), json!(null));
    assert_eq!(report.at("/data/ttr/p50_is_floor"), json!(true));

    bench.disk.clock.advance(seconds(3600));
    bench.tick().await;
    for by in ["target", "rotator", "month"] {
        let report = bench.get(&format!("reports/rotation?by={by}")).await;
        assert_eq!(report.at("/data/attempts/succeeded"), json!(1), "{}", report.text);
        assert_eq!(report.at("/data/rotations/succeeded"), json!(1));
        assert_eq!(report.at("/data/rotations/attempts"), json!(7));
        let parts = report.at("/data/groups");
        let parts = parts.as_array().unwrap();
        let failed: u64 = parts.iter().map(|part| part["attempts"]["failed"].as_u64().unwrap()).sum();
        assert_eq!(failed, 6, "{by}: {}", report.text);
        let want = match by {
            "target" => "t",
            "rotator" => "fake",
            _ => parts[0]["name"].as_str().unwrap(),
        };
        assert_eq!(parts[0]["name"], want);
    }

    let reports = bench.vault.app.reports();
    bench.disk.clock.advance(seconds(399 * 86_400));
    reports.tidy(bench.vault.app.clock.now()).await.unwrap();
    let report = bench.get("reports/rotation?from=0").await;
    assert_eq!(report.at("/data/attempts/failed"), json!(6));
    bench.disk.clock.advance(seconds(2 * 86_400));
    reports.tidy(bench.vault.app.clock.now()).await.unwrap();
    let report = bench.get("reports/rotation?from=0").await;
    assert_eq!(report.at("/data/attempts"), json!({ "succeeded": 0, "failed": 0, "failure_share": null }));
}

#[tokio::test]
async fn a_refused_candidate_and_the_one_after_it_are_two_attempts() {
    let bench = Bench::new().await;
    bench.account("app", "p-1").await;
    bench.target.next(Verb::Apply, Mishap::Fails(FaultClass::PolicyRejected));
    bench.post("accounts/rotate/app", json!({})).await.expect_status(200);
    let report = bench.get("reports/rotation").await;
    let attempts = report.at("/data/attempts");
    assert_eq!((&attempts["succeeded"], &attempts["failed"]), (&json!(1), &json!(1)), "{}", report.text);
    assert_eq!(report.at("/data/rotations/succeeded"), json!(1));
}

#[tokio::test]
async fn what_is_due_and_how_old_it_is_is_told_of_every_account() {
    let bench = Bench::new().await;
    bench.post("rotation-policies/daily", json!({ "rotation_period": "24h" })).await;
    bench.account("app", "p-1").await;
    bench.account("idle", "p-2").await;
    let body = json!({ "rotation_policy": "daily" });
    bench.post("accounts/config/app", body).await.expect_status(200);
    bench.disk.clock.advance(seconds(36 * 3600));
    let ages = bench.get("reports/ages").await;
    ages.expect_status(200);
    assert_eq!(ages.at("/data/accounts"), json!(3), "{}", ages.text);
    assert_eq!(ages.at("/data/without_policy"), json!(2));
    let oldest = ages.at("/data/oldest");
    assert_eq!((&oldest[0]["account"], &oldest[0]["ratio"]), (&json!("app"), &json!(1.5)));
    assert_eq!(oldest.as_array().unwrap().len(), 1);
    let due = bench.get("reports/due").await;
    due.expect_status(200);
    assert_eq!((due.at("/data/overdue"), due.at("/data/soon")), (json!(1), json!(0)), "{}", due.text);
    assert_eq!(due.at("/data/listed/0/account"), json!("app"));
    assert_eq!(due.at("/data/listed/0/overdue_seconds"), json!(12 * 3600));
    let none = bench.get("reports/due?limit=0").await;
    assert_eq!((none.at("/data/overdue"), none.at("/data/listed")), (json!(1), json!([])));
}

#[tokio::test]
async fn a_past_window_tells_what_was_known_then_from_the_time_lines() {
    let bench = Bench::new().await;
    bench.account("app", "p-1").await;
    bench.target.break_down(FaultClass::Unreachable);
    bench.post("accounts/rotate/app", json!({})).await.expect_status(502);
    bench.rest().await;
    let id = bench.get("incidents").await.at("/data/incidents/0/id").as_str().unwrap().to_owned();
    let later = || bench.disk.clock.advance(seconds(3600));
    later();
    let broken = bench.disk.clock.now().to_rfc3339();
    let note = json!({ "text": "no power", "staff_minutes": 30 });
    bench.post(&format!("incidents/{id}/note"), note).await.expect_status(200);
    bench.target.heal();
    later();
    bench.tick().await;
    later();
    let healed = bench.disk.clock.now().to_rfc3339();
    let review = json!({ "cause": "target_down", "text": "a fuse", "staff_minutes": 60 });
    bench.post(&format!("incidents/{id}/review"), review).await.expect_status(200);
    later();
    let reviewed = bench.disk.clock.now().to_rfc3339();

    let told = async |until: &str| {
        let report = bench.get(&format!("reports/rotation?to={until}&hourly_cost=85.50")).await;
        report.expect_status(200);
        let ttr = (report.at("/data/ttr/completed"), report.at("/data/ttr/censored"));
        (ttr, report.at("/data/incidents/open"), report.at("/data/work"))
    };
    let work = |reviewed: u64, unreviewed: u64, minutes: u64, cost: f64| json!({ "reviewed": reviewed, "unreviewed": unreviewed, "staff_minutes": minutes, "cost": cost });
    assert_eq!(told(&broken).await, ((json!(0), json!(1)), json!(1), work(0, 0, 0, 0.0)));
    assert_eq!(told(&healed).await, ((json!(1), json!(0)), json!(0), work(0, 1, 0, 0.0)));
    assert_eq!(told(&reviewed).await, ((json!(1), json!(0)), json!(0), work(1, 0, 90, 128.25)));

    // The clock is stepped back while it fails anew: no duration can be told of it, and it is counted as ever.
    bench.target.break_down(FaultClass::Unreachable);
    bench.post("accounts/rotate/app", json!({})).await.expect_status(502);
    bench.rest().await;
    bench.disk.clock.set(bench.disk.clock.now().minus(seconds(60)));
    bench.post(&format!("incidents/{id}/ack"), json!({})).await.expect_status(200);
    bench.disk.clock.advance(seconds(3600));
    let report = bench.get("reports/rotation?hourly_cost=85.50").await;
    let ttr = ["n", "suspect"].map(|name| report.at(&format!("/data/ttr/{name}")));
    assert_eq!((ttr, report.at("/data/incidents/open")), ([json!(0), json!(1)], json!(1)), "{}", report.text);
    assert_eq!(report.at("/data/work"), work(0, 0, 0, 0.0));
    assert_eq!(told(&reviewed).await, ((json!(1), json!(0)), json!(0), work(1, 0, 90, 128.25)));
}

#[tokio::test]
async fn what_a_maintenance_holds_is_due_and_not_overdue() {
    let bench = Bench::new().await;
    bench.post("rotation-policies/hourly", json!({ "rotation_period": "1h" })).await;
    bench.account("app", "p-1").await;
    bench.post("accounts/config/app", json!({ "rotation_policy": "hourly" })).await.expect_status(200);
    let maintenance = json!({ "for": "3h", "reason": "an upgrade" });
    bench.post("targets/maintenance/t", maintenance).await.expect_status(200);
    bench.disk.clock.advance(seconds(7200));
    bench.tick().await;
    let due = bench.get("reports/due").await;
    assert_eq!((due.at("/data/overdue"), due.at("/data/held")), (json!(0), json!(1)), "{}", due.text);
    let listed = due.at("/data/listed/0");
    assert_eq!((&listed["account"], &listed["overdue_seconds"]), (&json!("app"), &json!(null)));
    let status = bench.get("accounts/status/app").await;
    assert_eq!(listed["held_until"], status.at("/data/held_until"));
}

#[tokio::test]
async fn reports_come_as_json_csv_and_markdown_and_refuse_what_is_none() {
    let bench = Bench::new().await;
    for report in ["rotation", "ages", "due"] {
        for (form, kind, begin) in [
            ("", "application/json", "{"),
            ("?format=json", "application/json", "{"),
            (
                "?format=csv",
                "text/csv; charset=utf-8",
                if report == "rotation" { "kind," } else { "account," },
            ),
            ("?format=markdown", "text/markdown; charset=utf-8", "| "),
        ] {
            let reply = bench.get(&format!("reports/{report}{form}")).await;
            reply.expect_status(200);
            assert_eq!(reply.headers["content-type"], kind);
            assert!(reply.text.starts_with(begin), "{}", reply.text);
        }
        bench.get(&format!("reports/{report}?format=xml")).await.expect_status(400);
    }
    for (query, status) in [
        ("by=day", 400),
        ("objective=99.9999", 200),
        ("objective=100", 400),
        ("objective=0", 400),
        ("objective=99.99999", 400),
        ("objective=-1", 400),
        ("objective=1e1", 400),
        ("hourly_cost=0", 200),
        ("hourly_cost=85.505", 400),
        ("hourly_cost=-1", 400),
        ("hourly_cost=1000000.01", 400),
        ("hourly_cost=.", 400),
        ("by=month&from=2020-01-01T00:00:00Z&to=2020-02-01T00:00:00Z", 200),
        ("by=month&from=1970-01-01T00:00:00Z", 400),
    ] {
        bench.get(&format!("reports/rotation?{query}")).await.expect_status(status);
    }
    for query in ["ages?limit=10001", "ages?limit=-1", "due?limit=many", "due?within=soon"] {
        bench.get(&format!("reports/{query}")).await.expect_status(400);
    }
}
