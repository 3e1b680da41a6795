//! Incidents that have one cause: merged, shown and told as one, and each closed by its own proof alone.

use rotators::fake::{Mishap, Verb};
use serde_json::{Value, json};
use vault_core::id::IncidentId;
use vault_core::incident::Incident;
use vault_core::rotation::fault::FaultClass;

use super::bench::Bench;
use super::dashboard::Browser;
use super::vault::{Reply, seconds};

mod choosy;
mod silenced;
mod told;
mod turns;

/// A bench with two accounts, each of which fails in a way that is its own, and their incidents.
async fn two() -> (Bench, String, String) {
    let bench = Bench::new().await;
    let mut ids = Vec::new();
    for account in ["app", "job"] {
        bench.account(account, "p-1").await;
        ids.push(fail(&bench, account).await);
        bench.disk.clock.advance(seconds(60));
    }
    let [one, two] = ids.try_into().unwrap();
    (bench, one, two)
}

async fn fail(bench: &Bench, account: &str) -> String {
    bench.target.next(Verb::Preflight, Mishap::Fails(FaultClass::StoreFailed));
    bench.post(&format!("accounts/rotate/{account}"), json!({})).await.expect_status(502);
    bench.rest().await;
    let status = bench.get(&format!("accounts/status/{account}")).await;
    status.at("/data/incident").as_str().unwrap().to_owned()
}

/// Lets time pass in which nothing is repaired.
async fn later(bench: &Bench, by: u64) {
    bench.disk.clock.advance(seconds(by));
    bench.target.break_down(FaultClass::StoreFailed);
    // Twice: a retry that fails in the same moment changes the incident, and the next look comes to it.
    bench.tick().await;
    bench.tick().await;
    bench.target.heal();
}

async fn prove(bench: &Bench, account: &str) {
    bench.post(&format!("accounts/rotate/{account}"), json!({})).await.expect_status(200);
    bench.rest().await;
}

async fn merge(bench: &Bench, one: &str, into: &str) -> Reply {
    bench.post(&format!("incidents/{one}/merge"), json!({ "into": into })).await
}

async fn state(bench: &Bench, id: &str) -> Value {
    bench.get(&format!("incidents/{id}")).await.at("/data/state")
}

async fn kinds(bench: &Bench, id: &str) -> Vec<String> {
    let lines = bench.get(&format!("incidents/{id}/events")).await.at("/data/events");
    lines.as_array().unwrap().iter().map(|line| line["kind"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_merged_incident_is_shown_beneath_the_other_which_is_over_with_the_last_proof_also_after_a_restart()
{
    let (mut bench, app, job) = two().await;
    let dry = json!({ "into": app, "dry_run": true });
    let would = bench.post(&format!("incidents/{job}/merge"), dry).await;
    would.expect_status(200);
    assert_eq!((would.at("/data/outcome"), would.at("/data/safe")), (json!("dry_run"), json!(true)));
    assert!(
        would.at("/data/steps/0/text").as_str().unwrap().contains("job is shown beneath that of app"),
        "{}",
        would.text
    );
    assert_eq!(bench.get("incidents").await.at("/data/total"), json!(2), "nothing was done");
    merge(&bench, &job, &app).await.expect_status(200);
    bench.restart().await;

    let open = bench.get("incidents").await;
    assert_eq!((open.at("/data/total"), open.at("/data/incidents/0/id")), (json!(1), json!(app)));
    let beneath = open.at("/data/incidents/0/merged");
    assert_eq!(
        (&beneath[0]["id"], &beneath[0]["subject"], &beneath[0]["state"]),
        (&json!(job), &json!("job"), &json!("open"))
    );
    assert_eq!(bench.get(&format!("incidents/{job}")).await.at("/data/merged_into"), json!(app));

    prove(&bench, "app").await;
    assert_eq!(state(&bench, &app).await, "open", "job is not proven");
    assert_eq!(bench.get("incidents").await.at("/data/total"), json!(1));
    bench.restart().await;
    bench.disk.clock.advance(seconds(90));
    prove(&bench, "job").await;
    assert_eq!((state(&bench, &app).await, state(&bench, &job).await), (json!("closed"), json!("closed")));
    assert_eq!(
        kinds(&bench, &app).await,
        ["opened", "merged", "mitigated", "own_proven", "merged_proven", "remediated"]
    );
    assert_eq!(kinds(&bench, &job).await, ["opened", "merged", "mitigated", "remediated"]);
    let t7 = |reply: Reply| reply.at("/data/marks/t7");
    let (of_app, of_job) =
        (t7(bench.get(&format!("incidents/{app}")).await), t7(bench.get(&format!("incidents/{job}")).await));
    assert_eq!(of_app, of_job, "the last of both");
    assert_eq!(bench.get("incidents").await.at("/data/incidents"), json!([]));
    let all = bench.get("incidents?state=all").await;
    assert_eq!((all.at("/data/total"), all.at("/data/incidents/0/merged/0/id")), (json!(1), json!(job)));

    // One incident in the figures; both attempts are told.
    let report = bench.get("reports/rotation").await;
    assert_eq!(
        (report.at("/data/ttr/n"), report.at("/data/incidents/opened")),
        (json!(1), json!(1)),
        "{}",
        report.text
    );
    assert_eq!(report.at("/data/attempts/failed"), json!(2));
}

#[tokio::test]
async fn what_fails_again_opens_the_other_again_and_who_has_the_one_has_both() {
    let (bench, app, job) = two().await;
    merge(&bench, &job, &app).await.expect_status(200);
    bench.post(&format!("incidents/{job}/ack"), json!({})).await.expect_status(409);
    bench.post(&format!("incidents/{job}/assign"), json!({ "owner": "dba" })).await.expect_status(409);
    bench.post(&format!("incidents/{app}/ack"), json!({})).await.expect_status(200);
    bench.post(&format!("incidents/{app}/assign"), json!({ "owner": "dba" })).await.expect_status(200);
    let beneath = bench.get(&format!("incidents/{job}")).await;
    assert_eq!(beneath.at("/data/owner"), json!("dba"));
    assert!(beneath.at("/data/acknowledged_at").is_string(), "{}", beneath.text);
    prove(&bench, "app").await;
    prove(&bench, "job").await;
    bench
        .post(&format!("incidents/{job}/review"), json!({ "cause": "network", "text": "x" }))
        .await
        .expect_status(409);
    bench.post(&format!("incidents/{job}/unmerge"), json!({})).await.expect_status(400);

    bench.disk.clock.advance(seconds(3600));
    assert_eq!(fail(&bench, "job").await, job);
    let open = bench.get("incidents").await;
    assert_eq!(
        (open.at("/data/total"), open.at("/data/incidents/0/id")),
        (json!(1), json!(app)),
        "what is open is shown"
    );
    assert_eq!(open.at("/data/incidents/0/acknowledged_at"), Value::Null, "to be taken anew");
    prove(&bench, "job").await;
    assert_eq!(state(&bench, &app).await, "closed");
}

#[tokio::test]
async fn a_merged_incident_sends_nothing_of_its_own_but_its_end() {
    let (bench, app, job) = two().await;
    let hook = json!({ "url": "http://127.0.0.1:9/", "events": "incident.opened,incident.closed,incident.escalated", "escalate_after": "15m" });
    bench.post("sys/webhooks/all", hook).await.expect_status(200);
    let told = async |kind: &str| {
        let all = bench.get("sys/webhooks/all/deliveries").await.at("/data/deliveries");
        all.as_array().unwrap().iter().filter(|one| one["type"] == kind).count()
    };
    merge(&bench, &job, &app).await.expect_status(200);
    later(&bench, 1200).await;
    assert_eq!(told("incident.escalated").await, 1, "one for both");
    assert!(kinds(&bench, &app).await.contains(&"escalated".to_owned()));
    assert!(!kinds(&bench, &job).await.contains(&"escalated".to_owned()));
    prove(&bench, "app").await;
    assert_eq!(told("incident.closed").await, 0);
    prove(&bench, "job").await;
    assert_eq!(told("incident.closed").await, 2, "who was called about the one hears that it is over, too");
    fail(&bench, "job").await;
    assert_eq!(told("incident.opened").await, 1, "that of both");
    bench.post(&format!("incidents/{job}/unmerge"), json!({})).await.expect_status(200);
    assert_eq!(told("incident.opened").await, 2, "nobody was told of this one yet");
    assert_eq!(state(&bench, &app).await, "closed", "all that is left of it is proven");
}

#[tokio::test]
async fn what_may_not_be_merged_is_refused_and_says_why() {
    let (bench, app, job) = two().await;
    for (one, into, says) in [
        (&app, app.as_str(), "not merged into itself"),
        (&app, "nonsense", "into must be the id of an incident"),
        (&app, "01890000-0000-7000-8000-000000000000", "there is no incident"),
    ] {
        let refused = merge(&bench, one, into).await;
        refused.expect_status(400);
        assert!(refused.text.contains(says), "{}", refused.text);
    }
    merge(&bench, "01890000-0000-7000-8000-000000000000", &app).await.expect_status(404);
    bench.post(&format!("incidents/{job}/unmerge"), json!({})).await.expect_status(400);
    merge(&bench, &job, &app).await.expect_status(200);
    let refused = merge(&bench, &app, &job).await;
    refused.expect_status(400);
    assert!(refused.text.contains(&format!("itself merged into {app}")), "{}", refused.text);
    bench.post(&format!("incidents/{job}/unmerge"), json!({})).await.expect_status(200);
    assert_eq!(bench.get("incidents").await.at("/data/total"), json!(2), "each by itself");
    prove(&bench, "app").await;
    let refused = merge(&bench, &job, &app).await;
    refused.expect_status(400);
    assert!(refused.text.contains("is over"), "{}", refused.text);
}

#[tokio::test]
async fn who_may_change_the_one_and_not_the_other_merges_neither() {
    let (bench, app, job) = two().await;
    bench
        .vault
        .policy("half", &format!(r#"path "incidents/{job}/merge" {{ capabilities = ["update"] }}"#))
        .await;
    let token = bench.vault.token(r#"{ "policies": ["half"] }"#).await;
    let body = json!({ "into": app }).to_string();
    let refused = bench.vault.call("POST", &format!("incidents/{job}/merge"), &token, &body).await;
    refused.expect_status(403);
    assert_eq!(bench.get("incidents").await.at("/data/total"), json!(2));
}

#[tokio::test]
async fn a_survivor_that_cannot_be_read_hides_nothing_and_holds_no_proof_up() {
    let (bench, app, job) = two().await;
    merge(&bench, &job, &app).await.expect_status(200);
    let id = IncidentId::parse(&app).unwrap();
    bench.damage_record::<Incident>(id.as_bytes()).await;
    let open = bench.get("incidents").await;
    assert_eq!(open.at("/data/incidents/0/id"), json!(job), "{}", open.text);
    prove(&bench, "job").await;
    assert_eq!(state(&bench, &job).await, "closed");
}

#[tokio::test]
async fn a_page_merges_after_it_has_said_what_that_does_and_takes_apart() {
    let (bench, app, job) = two().await;
    let browser = Browser::with_token(&bench.vault, &bench.vault.root).await;
    let here = format!("/ui/incident/{job}");
    assert!(browser.get(&here).await.text.contains(&format!(r#"<option value="{app}">"#)));
    let would = browser.post(&format!("{here}/merge"), &[("into", &app)]).await;
    assert!(would.status == 200 && would.text.contains("Nothing was done yet."), "{}", would.text);
    assert_eq!(bench.get("incidents").await.at("/data/total"), json!(2));
    let done = browser.post(&format!("{here}/merge"), &[("into", &app), ("sure", "yes")]).await;
    assert_eq!(done.status, 303, "{}", done.text);
    assert!(browser.get("/ui/").await.text.contains("1 other merged into it"));
    assert!(browser.get(&here).await.text.contains(&format!(r#"href="/ui/incident/{app}""#)));
    let survivor = browser.get(&format!("/ui/incident/{app}")).await.text;
    assert!(survivor.contains(&format!(r#"href="/ui/incident/{job}">job</a>"#)), "{survivor}");
    assert!(!survivor.contains("<option"), "it has others beneath it");
    let refused = browser.post(&format!("{here}/merge"), &[("into", &app)]).await;
    assert_eq!(refused.status, 400, "{}", refused.text);
    let done = browser.post(&format!("{here}/unmerge"), &[("sure", "yes")]).await;
    assert_eq!(done.status, 303, "{}", done.text);
    assert_eq!(bench.get("incidents").await.at("/data/total"), json!(2));
}

#[tokio::test]
async fn what_is_taken_apart_again_is_nobodys_who_did_not_have_it_before_and_is_told_again() {
    let (mut bench, app, job) = two().await;
    let messages = async |bench: &Bench, kind: &str| told::told(bench, "pager", kind).await;
    told::hook(&bench, "pager", json!({ "escalate_after": "10m" })).await;
    bench.post(&format!("incidents/{job}/assign"), json!({ "owner": "alice" })).await.expect_status(200);
    bench.post(&format!("incidents/{app}/ack"), json!({})).await.expect_status(200);
    merge(&bench, &job, &app).await.expect_status(200);
    let read = async |bench: &Bench| bench.get(&format!("incidents/{job}")).await.json()["data"].clone();
    assert!(read(&bench).await["acknowledged_at"].is_string(), "taken as one");
    // Who looks after those that wait finds none, and nothing is left that would have it looked at again.
    later(&bench, 601).await;
    assert_eq!(messages(&bench, "incident.escalated").await, 0);
    let opened = messages(&bench, "incident.opened").await;

    bench.post(&format!("incidents/{job}/unmerge"), json!({})).await.expect_status(200);
    bench.restart().await;
    let apart = read(&bench).await;
    assert_eq!((&apart["acknowledged_at"], &apart["owner"]), (&json!(null), &json!("alice")), "{apart}");
    assert_eq!(messages(&bench, "incident.opened").await, opened + 1, "who was told that somebody has it");
    let report = bench.get("reports/rotation").await;
    assert_eq!(report.at("/data/incidents/never_acknowledged"), json!(0), "that is about what is over");
    later(&bench, 590).await;
    assert_eq!(messages(&bench, "incident.escalated").await, 0);
    later(&bench, 11).await;
    assert_eq!(messages(&bench, "incident.escalated").await, 1, "it waits since then");
}

#[tokio::test]
async fn who_may_look_at_one_incident_is_not_told_of_those_beneath_it() {
    let (bench, app, job) = two().await;
    merge(&bench, &job, &app).await.expect_status(200);
    let merged = async |rules: &str| {
        bench.vault.policy("looks", rules).await;
        let token = bench.vault.token(r#"{"policies":["looks"]}"#).await;
        let read = bench.vault.call("GET", &format!("incidents/{app}"), &token, "").await;
        read.expect_status(200);
        read.json()["data"]["merged"].as_array().map_or(0, Vec::len)
    };
    let one = format!(r#"path "incidents/{app}" {{ capabilities = ["read"] }}"#);
    assert_eq!(merged(&one).await, 0);
    let both = format!(r#"{one} path "incidents/{job}" {{ capabilities = ["read"] }}"#);
    assert_eq!(merged(&both).await, 1);
    let list = format!(r#"{one} path "incidents" {{ capabilities = ["read"] }}"#);
    assert_eq!(merged(&list).await, 1);
}
