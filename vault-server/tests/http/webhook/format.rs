//! Chats and pagers: what they are sent, when it is over at once, and what is never shown.

use serde_json::{Value, json};
use vault_core::rotation::fault::FaultClass;

use super::receiver::{Receiver, Reply};
use super::{bench, deliver, put, standing};
use crate::bench::Bench;
use crate::vault::{Disk, seconds};

const KEY: &str = "R0UT1NGKEYR0UT1NGKEYR0UT1NGKEY00";

pub(super) async fn fail(bench: &Bench, account: &str) -> String {
    bench.target.break_down(FaultClass::Unreachable);
    let _ = bench.post(&format!("accounts/rotate/{account}"), json!({})).await;
    bench.rest().await;
    bench.get("incidents").await.at("/data/incidents/0/id").as_str().unwrap().to_owned()
}

pub(super) async fn heal(bench: &Bench) {
    bench.target.heal();
    bench.disk.clock.advance(seconds(2000));
    bench.tick().await;
    bench.rest().await;
}

async fn pager(bench: &Bench, receiver: &Receiver, more: Value) {
    let mut body = json!({ "format": "pagerduty", "routing_key": KEY });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    put(bench, "w", &receiver.url(), body).await.expect_status(200);
}

#[tokio::test]
async fn a_pager_is_triggered_acknowledged_and_resolved_and_its_key_is_shown_nowhere() {
    let (bench, receiver) = (bench().await, Receiver::start().await);
    bench.account("app", "p-1").await;
    pager(&bench, &receiver, json!({})).await;
    receiver.always(Reply::Status(202));
    let id = fail(&bench, "app").await;
    receiver.expect(1).await;
    bench.post(&format!("incidents/{id}/ack"), json!({})).await.expect_status(200);
    receiver.expect(2).await;
    heal(&bench).await;
    let came = receiver.expect(3).await;
    let actions: Vec<&Value> = came.iter().map(|one| &one.body["event_action"]).collect();
    assert_eq!(actions, ["trigger", "acknowledge", "resolve"]);
    assert!(came.iter().all(|one| one.body["dedup_key"] == id.as_str() && one.body["routing_key"] == KEY));
    let payload = &came[0].body["payload"];
    assert_eq!(
        (&payload["severity"], &payload["source"], &payload["class"]),
        (&json!("error"), &json!("t"), &json!("unreachable"))
    );
    assert_eq!(payload["summary"], "error: target t unreachable (1 accounts)");
    // Rotations that failed or succeeded are no business of a pager's.
    let log = standing(&bench, "delivered", 3).await;
    let first = log[0]["id"].as_str().unwrap();
    let shown = bench.get(&format!("sys/webhooks/w/deliveries/{first}")).await;
    let read = bench.get("sys/webhooks/w").await;
    assert_eq!(read.at("/data/format"), json!("pagerduty"));
    let audit = std::fs::read_to_string(&bench.vault.app.config.audit_file).unwrap();
    for text in [&shown.text, &read.text, &audit] {
        assert!(!text.contains(KEY), "{text}");
    }
}

#[tokio::test]
async fn a_pager_says_at_once_what_it_will_never_take_and_is_asked_again_when_it_is_busy() {
    let (bench, receiver) = (bench().await, Receiver::start().await);
    bench.account("app", "p-1").await;
    pager(&bench, &receiver, json!({ "events": "incident.opened" })).await;
    receiver.replies(&[Reply::Status(429), Reply::Status(400)]);
    fail(&bench, "app").await;
    receiver.expect(1).await;
    let busy = standing(&bench, "pending", 1).await;
    assert_eq!(busy[0]["state"], "pending");
    bench.disk.clock.advance(seconds(10));
    let dead = standing(&bench, "dead", 1).await;
    assert_eq!((&dead[0]["last_status"], &dead[0]["attempts"]), (&json!(400), &json!(2)));
}

#[tokio::test]
async fn nobody_is_called_for_what_is_over_or_taken_by_then() {
    let receiver = Receiver::start().await;
    let bench = Bench::new().await;
    bench.account("app", "p-1").await;
    pager(&bench, &receiver, json!({})).await;
    // Nobody delivers here yet.
    fail(&bench, "app").await;
    heal(&bench).await;
    deliver(&bench);
    let dead = standing(&bench, "dead", 1).await;
    assert_eq!((&dead[0]["last_error"], &dead[0]["type"]), (&json!("overtaken"), &json!("incident.opened")));
    standing(&bench, "delivered", 1).await;
    let came = receiver.came();
    assert_eq!((came.len(), &came[0].body["event_action"]), (1, &json!("resolve")));
    let metrics = bench.get("sys/metrics").await.text;
    assert!(metrics.contains("rotunda_webhook_messages_given_up_total 0"), "that is no failure: {metrics}");
}

#[tokio::test]
async fn a_format_that_is_changed_holds_for_what_is_pending_and_each_can_be_tested() {
    let (bench, receiver) = (bench().await, Receiver::start().await);
    bench.account("app", "p-1").await;
    put(&bench, "w", &receiver.url(), json!({ "events": "incident.opened" })).await.expect_status(200);
    receiver.replies(&[Reply::Status(500)]);
    fail(&bench, "app").await;
    assert_eq!(receiver.expect(1).await[0].kind(), "incident.opened");
    standing(&bench, "pending", 1).await;
    put(&bench, "w", &receiver.url(), json!({ "format": "slack" })).await.expect_status(200);
    bench.disk.clock.advance(seconds(10));
    let came = receiver.expect(2).await;
    assert_eq!(came[1].body["text"], "error: target t unreachable (1 accounts)");
    assert!(came[1].body["blocks"].is_array() && came[0].id == came[1].id);
    standing(&bench, "delivered", 1).await;
    let tested = bench.post("sys/webhooks/w/test", json!({})).await;
    assert_eq!((tested.at("/data/state"), tested.at("/data/last_status")), (json!("delivered"), json!(204)));
    assert_eq!(receiver.came()[2].body["text"], "a test of the webhook w");
    let pager_settings = json!({ "format": "pagerduty", "routing_key": KEY });
    put(&bench, "w", &receiver.url(), pager_settings).await.expect_status(200);
    receiver.always(Reply::Status(400));
    let tested = bench.post("sys/webhooks/w/test", json!({})).await;
    assert_eq!((tested.at("/data/state"), tested.at("/data/last_status")), (json!("dead"), json!(400)));
    assert_eq!(receiver.came()[3].body["payload"]["severity"], "info");
}

#[tokio::test]
async fn settings_that_do_not_fit_the_format_are_refused() {
    let bench = Bench::new().await;
    for (body, says) in [
        (json!({ "format": "teams" }), "slack, pagerduty or mail"),
        (json!({ "format": "pagerduty" }), "needs the routing_key"),
        (json!({ "format": "pagerduty", "routing_key": "a b" }), "letters and digits"),
        (json!({ "routing_key": KEY }), "format=pagerduty only"),
        (
            json!({ "format": "pagerduty", "routing_key": KEY, "events": "credential.promoted" }),
            "incident events only",
        ),
        (json!({ "min_severity": "info" }), "warning, error or critical"),
        (json!({ "escalate_after": "10s" }), "between 1m and 30d"),
        (json!({ "escalate_repeat": "1h" }), "need escalate_after"),
        (json!({ "events": "incident.escalated" }), "need escalate_after"),
    ] {
        let refused = put(&bench, "w", "https://hooks.example/", body.clone()).await;
        refused.expect_status(400);
        assert!(refused.text.contains(says), "{body}: {}", refused.text);
    }
    // Where PagerDuty takes events is known.
    let written = bench.post("sys/webhooks/w", json!({ "format": "pagerduty", "routing_key": KEY })).await;
    written.expect_status(200);
    let url = bench.get("sys/webhooks/w").await.at("/data/url");
    assert_eq!(url, json!("https://events.pagerduty.com/v2/enqueue"));
}

#[tokio::test]
async fn a_message_names_the_page_of_its_incident_where_people_reach_it() {
    let receiver = Receiver::start().await;
    let mut disk = Disk::new();
    disk.config.dashboard_url = Some("https://vault.example".to_owned());
    let bench = Bench::on(disk).await;
    deliver(&bench);
    bench.account("app", "p-1").await;
    put(&bench, "w", &receiver.url(), json!({})).await.expect_status(200);
    bench.target.break_down(FaultClass::AccountMissing);
    let _ = bench.post("accounts/rotate/app", json!({})).await;
    let id = bench.get("incidents").await.at("/data/incidents/0/id").as_str().unwrap().to_owned();
    let page = json!(format!("https://vault.example/ui/incident/{id}"));
    let came = receiver.expect(3).await;
    for kind in ["incident.opened", "rotation.failed", "rotation.parked"] {
        let told = came.iter().find(|one| one.kind() == kind).unwrap();
        assert_eq!(told.body["data"]["url"], page, "{kind}");
    }
    bench.post("sys/webhooks/w/test", json!({})).await.expect_status(200);
    assert_eq!(receiver.expect(4).await[3].body["data"]["url"], "https://vault.example/ui/");
    bench.target.heal();
    bench.post("accounts/rotate/app", json!({})).await.expect_status(200);
    let came = receiver.expect(7).await;
    let promoted = came.iter().find(|one| one.kind() == "credential.promoted").unwrap();
    assert!(promoted.body["data"].get("url").is_none(), "it is about no incident");
}
