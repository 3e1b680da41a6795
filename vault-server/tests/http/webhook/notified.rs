//! When somebody was notified of an incident: the mark t4, its line, and the lag in the report.

use serde_json::{Value, json};
use vault_core::rotation::fault::FaultClass;

use super::receiver::{Receiver, Reply};
use super::{bench, deliver, hook, put, standing};
use crate::bench::Bench;
use crate::vault::seconds;

async fn fail(bench: &Bench, account: &str) {
    bench.target.break_down(FaultClass::Unreachable);
    let _ = bench.post(&format!("accounts/rotate/{account}"), json!({})).await;
    bench.rest().await;
}

async fn heal(bench: &Bench) {
    bench.target.heal();
    bench.disk.clock.advance(seconds(2000));
    bench.tick().await;
    bench.rest().await;
}

async fn incident(bench: &Bench) -> Value {
    let reply = bench.get("incidents?state=all").await;
    let id = reply.at("/data/incidents/0/id").as_str().unwrap().to_owned();
    bench.get(&format!("incidents/{id}")).await.at("/data")
}

fn notices(incident: &Value) -> Vec<String> {
    let lines = incident["events"].as_array().unwrap().iter();
    let lines = lines.filter(|line| line["kind"] == "notified");
    lines.map(|line| line["text"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn the_first_receiver_that_takes_the_message_is_the_mark_t4_once_for_each_opening() {
    let (bench, receiver, other) = (bench().await, Receiver::start().await, Receiver::start().await);
    bench.account("app", "p-1").await;
    hook(&bench, &receiver, json!({ "events": "incident.opened" })).await;
    receiver.replies(&[Reply::Status(500)]);
    fail(&bench, "app").await;
    standing(&bench, "pending", 1).await;
    receiver.expect(1).await;
    let open = incident(&bench).await;
    assert_eq!((&open["marks"]["t4"], notices(&open)), (&Value::Null, vec![]), "it was not taken");
    let report = bench.get("reports/rotation").await;
    assert_eq!((report.at("/data/ttn/n"), report.at("/data/ttn/censored")), (json!(1), json!(1)));
    bench.disk.clock.advance(seconds(10));
    standing(&bench, "delivered", 1).await;
    let told = incident(&bench).await;
    assert!(told["marks"]["t4"].as_str() > told["marks"]["t3"].as_str(), "{told}");
    assert_eq!(notices(&told), ["webhook w has taken the message"]);
    let report = bench.get("reports/rotation").await;
    assert_eq!(report.at("/data/ttn/completed"), json!(1));
    assert!(report.at("/data/ttn/p50").as_f64() >= Some(10.0), "{}", report.text);
    let sheet = bench.get("reports/rotation?format=csv").await.text;
    assert!(sheet.contains(",ttn_p50,") && sheet.contains(",never_notified,"), "{sheet}");

    // Whoever takes it second, and whoever takes it once more, is not the first.
    let again = standing(&bench, "delivered", 1).await[0]["id"].as_str().unwrap().to_owned();
    bench.post(&format!("sys/webhooks/w/deliveries/{again}/retry"), json!({})).await.expect_status(200);
    receiver.expect(3).await;
    standing(&bench, "delivered", 1).await;
    assert_eq!(notices(&incident(&bench).await).len(), 1);

    // Opened again it is told again, and t4 stays what it was.
    heal(&bench).await;
    assert_eq!(incident(&bench).await["state"], "closed");
    put(&bench, "other", &other.url(), json!({ "events": "incident.opened" })).await.expect_status(200);
    fail(&bench, "app").await;
    standing(&bench, "delivered", 2).await;
    other.expect(1).await;
    let reopened = incident(&bench).await;
    assert_eq!((notices(&reopened).len(), &reopened["marks"]["t4"]), (2, &told["marks"]["t4"]));
}

#[tokio::test]
async fn who_is_told_after_the_end_and_after_a_restart_was_told_all_the_same() {
    let receiver = Receiver::start().await;
    let mut bench = Bench::new().await;
    bench.account("app", "p-1").await;
    hook(&bench, &receiver, json!({ "events": "incident.opened" })).await;
    // Nobody delivers here.
    fail(&bench, "app").await;
    heal(&bench).await;
    let closed = incident(&bench).await;
    assert_eq!((&closed["state"], &closed["marks"]["t4"]), (&json!("closed"), &Value::Null));
    let never = bench.get("reports/rotation").await.at("/data/incidents/never_notified");
    assert_eq!(never, json!(1));
    bench.restart().await;
    deliver(&bench);
    standing(&bench, "delivered", 1).await;
    let told = incident(&bench).await;
    assert!(told["marks"]["t4"].is_string() && told["state"] == "closed", "{told}");
    let report = bench.get("reports/rotation").await;
    assert_eq!(report.at("/data/incidents/never_notified"), json!(0));
}

#[tokio::test]
async fn a_dead_target_is_told_once_and_its_incident_has_the_mark() {
    let (bench, receiver) = (bench().await, Receiver::start().await);
    for name in ["a", "b"] {
        bench.account(name, "p-1").await;
    }
    hook(&bench, &receiver, json!({ "events": "incident.opened", "accounts": "b" })).await;
    bench.target.break_down(FaultClass::Unreachable);
    for name in ["a", "b"] {
        let _ = bench.post(&format!("accounts/rotate/{name}"), json!({})).await;
        bench.rest().await;
    }
    standing(&bench, "delivered", 1).await;
    let told = incident(&bench).await;
    assert_eq!((&told["kind"], notices(&told).len()), (&json!("target"), 1));
    assert!(told["marks"]["t4"].is_string(), "{told}");
}
