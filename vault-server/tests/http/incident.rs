//! Incidents: a time line that is only ever added to, what people write into it, and a clock that is stepped back.

use rotators::fake::Verb;
use serde_json::{Value, json};
use vault_core::clock::Clock;
use vault_core::rotation::fault::FaultClass;

use super::bench::Bench;
use super::vault::seconds;

/// A bench with the account `app`, which fails in a way that is its own and is tried again.
async fn failing() -> (Bench, String) {
    let bench = Bench::new().await;
    bench.account("app", "p-1").await;
    bench.target.break_down(FaultClass::StoreFailed);
    bench.post("accounts/rotate/app", json!({})).await.expect_status(502);
    bench.rest().await;
    let open = bench.get("incidents").await;
    assert_eq!(open.at("/data/incidents/0/events"), json!([]), "a list has no time lines");
    let id = open.at("/data/incidents/0/id").as_str().unwrap().to_owned();
    (bench, id)
}

async fn again(bench: &Bench) {
    bench.disk.clock.advance(seconds(7200));
    bench.tick().await;
}

async fn events(bench: &Bench, id: &str) -> Vec<Value> {
    bench.get(&format!("incidents/{id}/events")).await.at("/data/events").as_array().unwrap().clone()
}

#[tokio::test]
async fn a_time_line_has_a_line_for_each_attempt_and_outlives_a_restart() {
    let (mut bench, id) = failing().await;
    for _ in 0..2 {
        again(&bench).await;
    }
    let note = json!({ "text": "disk full", "staff_minutes": 30 });
    bench.post(&format!("incidents/{id}/note"), note).await.expect_status(200);
    bench.restart().await;
    bench.target.heal();
    again(&bench).await;

    let lines = events(&bench, &id).await;
    let kinds: Vec<&str> = lines.iter().map(|line| line["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["opened", "failed", "failed", "note", "mitigated", "remediated"]);
    for (place, line) in lines.iter().enumerate() {
        assert_eq!(line["seq"], json!(place));
    }
    for (line, attempt) in lines[..3].iter().zip(1..) {
        assert_eq!(
            (&line["class"], &line["phase"], &line["attempt"]),
            (&json!("store_failed"), &json!("prepare"), &json!(attempt)),
            "{line}"
        );
    }
    assert_eq!(bench.target.calls(Verb::Preflight), 4);
    let incident = bench.get(&format!("incidents/{id}")).await;
    assert_eq!(incident.at("/data/events"), Value::Array(lines.clone()));
    assert_eq!(
        (incident.at("/data/events_total"), incident.at("/data/staff_minutes")),
        (json!(6), json!(30))
    );

    // Page by page, the same.
    let mut paged = Vec::new();
    let mut next = json!(null);
    loop {
        let after = next.as_u64().map_or(String::new(), |after| format!("&after={after}"));
        let page = bench.get(&format!("incidents/{id}/events?limit=4{after}")).await;
        paged.extend(page.at("/data/events").as_array().unwrap().clone());
        next = page.json()["data"].get("next").cloned().unwrap_or_default();
        if next.is_null() {
            break;
        }
    }
    assert_eq!(paged, lines);
}

#[tokio::test]
async fn what_presses_most_comes_first_where_that_is_asked_for() {
    let (bench, older) = failing().await;
    bench.target.heal();
    bench.account("worse", "p-2").await;
    bench.disk.clock.advance(seconds(600));
    bench.target.break_down(FaultClass::AccountLocked);
    bench.post("accounts/rotate/worse", json!({})).await.expect_status(502);
    bench.rest().await;
    let ids = |reply: super::vault::Reply| -> Vec<Value> {
        reply.at("/data/incidents").as_array().unwrap().iter().map(|one| one["id"].clone()).collect()
    };
    let told = bench.get("incidents").await;
    let of_older = told.at("/data/incidents/0");
    assert_eq!(
        (&of_older["id"], &of_older["severity"], &of_older["exposure_seconds"]),
        (&json!(older), &json!("error"), &json!(600))
    );
    assert_eq!(told.at("/data/incidents/1/severity"), json!("critical"));
    let mut oldest_first = ids(told);
    let pressing = bench.get("incidents?order=exposure&limit=1").await;
    assert_eq!(pressing.at("/data/total"), json!(2));
    assert_eq!(ids(pressing), oldest_first.split_off(1));
    assert_eq!(ids(bench.get("incidents?order=opened&limit=1").await), oldest_first);
    bench.get("incidents?order=loudness").await.expect_status(400);
}

#[tokio::test]
async fn an_incident_that_is_over_is_reviewed_and_not_taken_any_more() {
    let (bench, id) = failing().await;
    let path = |verb: &str| format!("incidents/{id}/{verb}");
    let review = json!({ "cause": "network", "text": "a firewall", "staff_minutes": 45 });
    bench.post(&path("review"), review.clone()).await.expect_status(409);
    bench.target.heal();
    again(&bench).await;

    bench.post(&path("ack"), json!({})).await.expect_status(409);
    bench.post(&path("review"), json!({ "cause": "gremlins", "text": "x" })).await.expect_status(400);
    let wrong = json!({ "cause": "network", "text": "x", "staff_minutes": 525_601 });
    bench.post(&path("review"), wrong).await.expect_status(400);
    let before = events(&bench, &id).await.len();
    bench.post(&path("review"), review).await.expect_status(200);
    let second = json!({ "cause": "person", "text": "a rule was deleted", "staff_minutes": 15 });
    let reviewed = bench.post(&path("review"), second).await;
    reviewed.expect_status(200);
    assert_eq!(
        reviewed.at("/data/review"),
        json!({ "by": "root", "cause": "person", "text": "a rule was deleted" })
    );
    assert_eq!(reviewed.at("/data/staff_minutes"), json!(60));
    let marks = reviewed.at("/data/marks");
    assert!(marks["t8"].is_string() && marks["t5"].is_null(), "{marks}");
    assert_eq!(events(&bench, &id).await.len(), before + 2, "what was said first stays");
}

#[tokio::test]
async fn who_takes_an_incident_second_changes_nothing() {
    let (bench, id) = failing().await;
    let ack = format!("incidents/{id}/ack");
    let first = bench.post(&ack, json!({})).await;
    bench.disk.clock.advance(seconds(60));
    let second = bench.post(&ack, json!({})).await;
    second.expect_status(200);
    // It goes on, whoever has it.
    let told = |reply: &super::vault::Reply| {
        let mut told = reply.at("/data");
        told.as_object_mut().unwrap().remove("exposure_seconds").map(|_| told)
    };
    assert_eq!(told(&first), told(&second));
}

#[tokio::test]
async fn an_incidents_time_never_goes_back_and_a_step_is_told() {
    let (mut bench, id) = failing().await;
    let opened = bench.disk.clock.now();
    bench.disk.clock.set(opened.minus(seconds(3600)));
    bench.post(&format!("incidents/{id}/ack"), json!({})).await.expect_status(200);
    bench.restart().await;
    let lines = events(&bench, &id).await;
    assert_eq!(lines[1]["at"], lines[0]["at"]);
    assert_eq!(lines[1]["clock"], json!(opened.minus(seconds(3600)).to_rfc3339()));
    let incident = bench.get(&format!("incidents/{id}")).await;
    assert_eq!(incident.at("/data/clock_stepped_back_seconds"), json!(3600.0));
    assert_eq!(incident.at("/data/marks/t5"), incident.at("/data/marks/t3"));
}

#[tokio::test]
async fn a_review_that_is_sent_twice_is_one_and_a_blank_owner_is_none() {
    let (bench, id) = failing().await;
    bench.target.heal();
    bench.post(&format!("incidents/{id}/assign"), json!({ "owner": " \t" })).await.expect_status(400);
    bench.post("accounts/rotate/app", json!({})).await.expect_status(200);
    bench.rest().await;
    let path = format!("incidents/{id}/review");
    let review = |minutes: u64| {
        let body = json!({ "cause": "network", "text": "a firewall", "staff_minutes": minutes });
        bench.post(&path, body)
    };
    let minutes = async || bench.get(&format!("incidents/{id}")).await.at("/data/staff_minutes");
    review(30).await.expect_status(200);
    review(30).await.expect_status(200);
    assert_eq!(minutes().await, json!(30), "a button that was pressed twice");
    review(5).await.expect_status(200);
    assert_eq!(minutes().await, json!(35));
    bench.disk.clock.advance(seconds(61));
    review(5).await.expect_status(200);
    assert_eq!(minutes().await, json!(40), "somebody worked on");
}
