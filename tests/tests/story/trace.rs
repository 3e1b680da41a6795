//! The trace of a rotation, as a collector takes it that is none of ours.

use std::time::Duration;

use serde_json::{Value, json};
use vault_tests::collector::Collector;
use vault_tests::vault::Vault;
use vault_tests::world::{KEEPER_PASSWORD, World, before};

async fn world(collector: &Collector, more: &str) -> World {
    let telemetry = format!("[telemetry]\notlp_endpoint = \"{}\"\n{more}", collector.url());
    World::before(Vault::start_configured(&telemetry).await.unwrap(), &[]).await.unwrap()
}

fn text<'a>(span: &'a Value, pointer: &str) -> &'a str {
    span.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Those of a trace by name, in the order in which they began.
fn named<'a>(spans: &'a [Value], trace: &str) -> Vec<(&'a str, &'a Value)> {
    let mut of: Vec<&Value> = spans.iter().filter(|span| span["trace"] == trace).collect();
    of.sort_by_key(|span| span["began"].as_u64());
    of.into_iter().map(|span| (text(span, "/name"), span)).collect()
}

/// The trace of the last rotation of an account: its id, without hyphens.
async fn last_trace(world: &World, path: &str) -> String {
    let answer = world.vault.get(&format!("accounts/history/{path}")).await.unwrap();
    let lines = answer.data().unwrap()["events"].as_array().unwrap().clone();
    let last = lines.iter().rfind(|line| line["rotation_id"].is_string()).unwrap();
    last["rotation_id"].as_str().unwrap().replace('-', "")
}

async fn counted(world: &World, series: &str) -> u64 {
    let text = world.vault.metrics().await.unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no {series} in\n{text}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_is_one_trace_with_a_span_for_each_step_and_its_caller_finds_it() {
    let collector = Collector::start(false).unwrap();
    let world = world(&collector, "service_name = \"vault-eu\"\n").await;
    world.adopted("db/app", "app").await.unwrap();
    let theirs = "4bf92f3577b34da6a3ce929d0e0e4736";
    let traceparent = format!("00-{theirs}-00f067aa0ba902b7-01");
    let asked = reqwest::Client::new().post(format!("{}/v1/accounts/rotate/db/app", world.vault.address()));
    let asked = asked.header("X-Vault-Token", world.vault.root()).header("traceparent", traceparent);
    assert_eq!(asked.send().await.unwrap().status(), 200);
    let trace = last_trace(&world, "db/app").await;
    let is_whole = |spans: &[Value]| {
        spans.iter().any(|span| span["trace"] == *trace && span["name"] == "rotation")
            && spans.iter().any(|span| span["trace"] == theirs)
    };
    let spans = collector.until(is_whole).await.unwrap();
    let of_it = named(&spans, &trace);
    let names: Vec<&str> = of_it.iter().map(|(name, _)| *name).filter(|name| *name != "rotation").collect();
    assert_eq!(names, ["requested", "prepare", "apply", "verify", "retire"]);
    let root = of_it.iter().find(|(name, _)| *name == "rotation").unwrap().1;
    assert_eq!((text(root, "/parent"), text(root, "/kind"), &root["failed"]), ("", "internal", &Value::Null));
    assert_eq!(text(root, "/resource/service.name"), "vault-eu");
    assert_eq!(text(root, "/attributes/rotunda.path"), "accounts/db/app");
    assert_eq!(text(root, "/attributes/rotunda.target"), "pg");
    assert_eq!(text(root, "/attributes/rotunda.rotator"), "postgresql");
    assert_eq!(text(root, "/attributes/rotunda.cause"), "demand");
    assert_eq!(text(root, "/attributes/rotunda.attempts"), "1");
    let (from, to) = (root["began"].as_u64().unwrap(), root["ended"].as_u64().unwrap());
    let mut last = from;
    for (name, span) in of_it.iter().filter(|(name, _)| !matches!(*name, "rotation" | "requested")) {
        assert_eq!((&span["parent"], text(span, "/kind")), (&root["span"], "client"), "{name}");
        let (began, ended) = (span["began"].as_u64().unwrap(), span["ended"].as_u64().unwrap());
        // Beginnings are in whole milliseconds.
        assert!(last <= began + MILLI && began <= ended && ended <= to + MILLI, "{name}: {span}");
        assert_eq!(text(span, "/attributes/rotunda.attempt"), "1");
        last = ended;
    }
    let verified = of_it.iter().find(|(name, _)| *name == "verify").unwrap().1;
    assert_eq!(text(verified, "/events/0/name"), "promoted");
    let [(_, asked)] = named(&spans, theirs)[..] else { panic!("not one span of the caller's: {spans:?}") };
    assert_eq!((text(asked, "/name"), text(asked, "/parent")), ("requested", "00f067aa0ba902b7"));
    assert_eq!((&asked["links"][0]["trace"], &asked["links"][0]["span"]), (&root["trace"], &root["span"]));
    let back = of_it.iter().find(|(name, _)| *name == "requested").unwrap().1;
    assert_eq!((&back["links"][0]["span"], &back["parent"]), (&asked["span"], &root["span"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_step_has_its_class_and_no_secret_is_in_any_trace() {
    let collector = Collector::start(false).unwrap();
    let world = world(&collector, "").await;
    let first = world.adopted("db/app", "app").await.unwrap();
    world.sql("DROP ROLE \"app\"").await.unwrap();
    assert!(!world.rotate("db/app").await.unwrap().is_success());
    let failed = last_trace(&world, "db/app").await;
    world.role("app").await.unwrap();
    assert!(world.rotate("db/app").await.unwrap().is_success());
    let trace = last_trace(&world, "db/app").await;
    let second = world.credential("db/app").await.unwrap();
    let done = |spans: &[Value]| {
        let is_done =
            |span: &Value| span["trace"] == *trace && span["name"] == "rotation" && span["failed"].is_null();
        spans.iter().any(is_done)
    };
    let spans = collector.until(done).await.unwrap();
    // That which was parked and went on has an end for each time, the second beneath the first.
    assert_eq!(failed, trace, "it is one rotation");
    let of_it = named(&spans, &trace);
    let roots: Vec<&Value> =
        of_it.iter().filter(|(name, _)| *name == "rotation").map(|(_, span)| *span).collect();
    let (first_end, last_end) = match roots[..] {
        [one, other] if one["parent"] == "" => (one, other),
        [one, other] => (other, one),
        _ => panic!("not two ends: {spans:#?}"),
    };
    assert_eq!((text(first_end, "/failed"), text(first_end, "/parent")), ("account_missing", ""));
    assert_eq!((&last_end["failed"], &last_end["parent"]), (&Value::Null, &first_end["span"]));
    assert_eq!(text(last_end, "/attributes/rotunda.attempts"), "1");
    let wrong: Vec<_> =
        named(&spans, &failed).into_iter().filter(|(_, span)| !span["failed"].is_null()).collect();
    assert!(!wrong.is_empty());
    for (name, span) in &wrong {
        assert_eq!(
            (text(span, "/failed"), text(span, "/attributes/error.type")),
            ("account_missing", "account_missing"),
            "{name}"
        );
    }
    assert!(wrong.iter().any(|(name, _)| *name != "rotation"), "{wrong:?}");
    let bodies = collector.bodies().unwrap();
    for secret in [&*first.password, &*second.password, &before("app"), KEEPER_PASSWORD, world.vault.root()] {
        assert!(
            !bodies.windows(secret.len()).any(|window| window == secret.as_bytes()),
            "a secret is in a trace"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_busy_gets_the_spans_later_and_a_stop_sends_the_rest() {
    let collector = Collector::start(true).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let headers = folder.path().join("headers");
    std::fs::write(&headers, "# of the tenant\nauthorization: Bearer c0ll3ct0r\n").unwrap();
    let more = format!("otlp_headers_file = {headers:?}\notlp_ca_file = {:?}\n", collector.authority());
    collector.answers(&["503", "200 1"]).unwrap();
    let mut world = world(&collector, &more).await;
    world.adopted("db/app", "app").await.unwrap();
    collector.until(|spans| !spans.is_empty()).await.unwrap();
    let answers: Vec<Value> = collector.requests().unwrap().iter().map(|one| one["answer"].clone()).collect();
    assert_eq!(answers[..2], [json!(503), json!(200)]);
    for request in collector.requests().unwrap() {
        assert_eq!(request["path"], "/v1/traces");
        assert_eq!(text(&request, "/headers/authorization"), "Bearer c0ll3ct0r");
        assert_eq!(text(&request, "/headers/content-type"), "application/x-protobuf");
    }
    let mut refused = 0;
    for _ in 0..1200 {
        refused = counted(&world, "rotunda_trace_spans_dropped_total{reason=\"refused\"}").await;
        if refused > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    assert_eq!(refused, 1, "what a collector says that it has not taken is counted");
    assert!(counted(&world, "rotunda_trace_spans_exported_total").await > 0);
    assert!(world.rotate("db/app").await.unwrap().is_success());
    let trace = last_trace(&world, "db/app").await;
    world.vault.terminate().unwrap();
    let rest = collector.spans().unwrap();
    assert!(named(&rest, &trace).iter().any(|(name, _)| *name == "rotation"), "{rest:#?}");
    assert!(!world.vault.log().contains("c0ll3ct0r"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_costs_a_rotation_nothing_and_is_told_of_once() {
    let collector = Collector::start(false).unwrap();
    let url = collector.url();
    drop(collector);
    let telemetry = format!("[telemetry]\notlp_endpoint = \"{url}\"\n");
    let mut world = World::before(Vault::start_configured(&telemetry).await.unwrap(), &[]).await.unwrap();
    world.adopted("db/app", "app").await.unwrap();
    for _ in 0..3 {
        assert!(world.rotate("db/app").await.unwrap().is_success());
    }
    for _ in 0..1200 {
        if world.vault.log().contains("does not take spans") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    let began = tokio::time::Instant::now();
    world.vault.terminate().unwrap();
    assert!(began.elapsed() < Duration::from_secs(20), "a stop waits for no collector");
    assert_eq!(world.vault.log().matches("does not take spans").count(), 1, "{}", world.vault.log());
}

const MILLI: u64 = 1_000_000;
