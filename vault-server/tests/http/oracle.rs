//! What the report answers is what an independent program computes from what everything else answers: incidents with their
//! time lines, ended rotations, attempts and targets, read as anybody may read them.

#![expect(clippy::indexing_slicing, reason = "a part that is missing fails the test")]

mod present;
mod sheets;
mod together;
mod whose;

use std::collections::{BTreeMap, BTreeSet};

use rotators::fake::{Mishap, Verb};
use serde_json::{Value, json};
use vault_core::clock::{Clock, Timestamp};
use vault_core::rotation::fault::FaultClass;
use vault_server::config::Reports;

use self::whose::Seen;
use super::bench::Bench;
use super::program;
use super::vault::{Disk, seconds};

/// A small generator for choices.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        let place = self.roll(u64::try_from(of.len()).unwrap().max(1));
        of.get(usize::try_from(place).unwrap())
    }
}

/// Eight accounts on two targets, and two more without a credential.
async fn made() -> Bench {
    let mut disk = Disk::new();
    disk.config.reports = Reports { hourly_cost: Some(7_000), currency: Some("EUR".to_owned()) };
    let bench = Bench::on(disk).await;
    bench.target.create_account("keeper", "k-1");
    present::prepare(&bench).await;
    let other =
        json!({ "rotator": "fake", "connection_url": "fake://u", "username": "keeper", "password": "k-1" });
    bench.post("targets/config/u", other).await.expect_status(204);
    for (place, name) in ACCOUNTS.iter().enumerate() {
        bench.target.create_account(name, "p-1");
        let target = if place % 3 == 0 { "u" } else { "t" };
        let mut body = json!({ "target": target, "username": name, "password": "p-1" });
        if let Some(policy) = present::policy_of(place) {
            body["rotation_policy"] = json!(policy);
        }
        bench.post(&format!("accounts/config/{name}"), body).await.expect_status(200);
    }
    bench
}

/// The names of all incidents, also of those that are merged into others.
async fn incidents(bench: &Bench) -> Vec<String> {
    let all = bench.get("incidents?state=all").await.at("/data/incidents");
    let shown = all.as_array().unwrap().iter();
    let both = shown.flat_map(|one| {
        let beneath = one.get("merged").and_then(Value::as_array).cloned().unwrap_or_default();
        std::iter::once(one.clone()).chain(beneath)
    });
    both.map(|one| one.get("id").and_then(Value::as_str).unwrap().to_owned()).collect()
}

/// Something happens; what a person asks for may be refused.
async fn happen(bench: &Bench, dice: &mut Dice) {
    let account = *dice.one(&ACCOUNTS).unwrap();
    let ids = incidents(bench).await;
    let (one, other) = (dice.one(&ids).cloned(), dice.one(&ids).cloned());
    let (one, other) = (one.unwrap_or_default(), other.unwrap_or_default());
    let staff_minutes = dice.roll(90);
    match dice.roll(15) {
        0..=4 => {
            let classes = [FaultClass::StoreFailed, FaultClass::PermissionDenied, FaultClass::Unreachable];
            let class = *dice.one(&classes).unwrap();
            let verb = *dice.one(&[Verb::Preflight, Verb::Apply]).unwrap();
            bench.target.next(verb, Mishap::Fails(class));
            bench.post(&format!("accounts/rotate/{account}"), json!({})).await;
        }
        5 => drop(bench.post(&format!("accounts/rotate/{account}"), json!({})).await),
        6 | 13 => {
            let now = bench.disk.clock.now();
            bench.disk.clock.set(now.minus(seconds(30 + dice.roll(90))));
        }
        7 => drop(bench.post(&format!("incidents/{one}/ack"), json!({})).await),
        8 if dice.roll(2) == 0 => {
            drop(bench.post(&format!("accounts/check-out/{account}"), json!({ "ttl": "1h" })).await);
        }
        8 => {
            let note = json!({ "text": "seen", "staff_minutes": staff_minutes });
            bench.post(&format!("incidents/{one}/note"), note).await;
        }
        9 => {
            let review = json!({ "cause": "network", "text": "a cable", "staff_minutes": staff_minutes });
            bench.post(&format!("incidents/{one}/review"), review).await;
        }
        10 => drop(bench.post(&format!("incidents/{one}/merge"), json!({ "into": other })).await),
        11 if dice.roll(3) == 0 => {
            bench.post(&format!("incidents/{one}/unmerge"), json!({})).await;
        }
        12 if dice.roll(2) == 0 => {
            let body = json!({ "for": "12h", "reason": "an upgrade" });
            drop(bench.post("targets/maintenance/t", body).await);
        }
        12 => {
            bench.disk.clock.advance(seconds(dice.roll(10 * 86_400)));
            bench.tick().await;
        }
        _ => {
            bench.disk.clock.advance(seconds(dice.roll(7_200)));
            bench.tick().await;
        }
    }
    bench.rest().await;
}

/// All of a list that is told a page at a time.
async fn pages(bench: &Bench, path: &str, name: &str) -> Vec<Value> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let page = bench.get(&format!("{path}{after}")).await;
        page.expect_status(200);
        all.extend(page.at(&format!("/data/{name}")).as_array().unwrap().iter().cloned());
        after = match page.json().pointer("/data/next").cloned().unwrap_or_default() {
            Value::Null => return all,
            Value::String(text) => format!("&after={text}"),
            place => format!("&after={place}"),
        };
    }
}

/// The logs of what the report adds up, all of them, so many on a page.
async fn log(bench: &Bench, kind: &str, limit: u32) -> Vec<Value> {
    let (path, name) = if kind == "rotation" { ("ended", "rotations") } else { ("attempts", "attempts") };
    pages(bench, &format!("reports/rotation/{path}?from=0&to=4000000000&limit={limit}"), name).await
}

/// Everything that the report may be made of, as it is told.
async fn told(bench: &Bench, seen: &Seen) -> Vec<Value> {
    let mut told = seen.said.clone();
    for id in incidents(bench).await {
        let data = bench.get(&format!("incidents/{id}")).await.at("/data");
        told.push(json!({ "kind": "incident", "step": seen.step(&data), "data": data }));
        let lines = pages(bench, &format!("incidents/{id}/events?limit=3"), "events").await;
        told.extend(lines.iter().map(|line| json!({ "kind": "line", "incident": id, "data": line })));
    }
    for kind in ["rotation", "attempt"] {
        let log = log(bench, kind, 7).await;
        told.extend(log.iter().map(|one| json!({ "kind": kind, "step": seen.step(one), "data": one })));
    }
    for name in TARGETS {
        let mut data = bench.get(&format!("targets/config/{name}")).await.at("/data");
        data.as_object_mut().unwrap().insert("name".to_owned(), json!(name));
        told.push(json!({ "kind": "target", "data": data }));
    }
    told
}

/// Fails with the first place where they differ, of times by more than a microsecond.
fn same(told: &Value, computed: &Value, place: &str) {
    match (told, computed) {
        (Value::Object(one), Value::Object(other)) => {
            let names =
                |object: &serde_json::Map<String, Value>| object.keys().cloned().collect::<BTreeSet<_>>();
            assert_eq!(names(one), names(other), "{place}");
            one.iter().for_each(|(name, value)| same(value, &other[name], &format!("{place}/{name}")));
        }
        (Value::Array(one), Value::Array(other)) => {
            assert_eq!(one.len(), other.len(), "{place}: {told} {computed}");
            for (index, (one, other)) in one.iter().zip(other).enumerate() {
                same(one, other, &format!("{place}/{index}"));
            }
        }
        (Value::Number(one), Value::Number(other)) => {
            let (one, other) = (one.as_f64().unwrap(), other.as_f64().unwrap());
            assert!((one - other).abs() < 1e-6, "{place}: told {one}, computed {other}");
        }
        _ => assert_eq!(told, computed, "{place}: told on the left"),
    }
}

/// The token of somebody who may read the report, and nothing about most accounts.
async fn somebody(bench: &Bench) -> String {
    let accounts = ["a1", "a2", "a5"]
        .map(|name| format!("path \"accounts/status/{name}\" {{ capabilities = [\"read\"] }} "));
    let policy = r#"path "reports/rotation" { capabilities = ["read"] } path "targets/status/t" { capabilities = ["read"] } "#;
    bench.vault.policy("some", &(policy.to_owned() + &accounts.concat())).await;
    bench.vault.token(r#"{"policies":["some"]}"#).await
}

/// What is asked of the program, and of the vault in the same terms.
async fn asked(
    bench: &Bench,
    dice: &mut Dice,
    begin: Timestamp,
    parts: &mut usize,
) -> (Vec<Value>, Vec<Value>) {
    let now = bench.disk.clock.now();
    let span = now.since(begin).as_secs();
    let some = somebody(bench).await;
    let (mut asks, mut reports) = (Vec::new(), Vec::new());
    for round in 0..4 {
        let (from, to) = match round {
            0 => (begin.as_millis() / 1000, now.as_millis() / 1000 + 1),
            _ => {
                let from = begin.plus(seconds(dice.roll(span)));
                (from.as_millis() / 1000, from.plus(seconds(1 + dice.roll(span))).as_millis() / 1000)
            }
        };
        let limit = [100, 3, 0, 5][round];
        *parts += together::as_alone(bench, (from, to)).await;
        // By the vault's own price, and by one that is asked with.
        let (price, hourly_cost, currency) =
            if round % 2 == 0 { ("", 7_000, json!("EUR")) } else { ("85.50", 8_550, Value::Null) };
        let by_root = PARTS.map(|by| (by, &bench.vault.root, Value::Null));
        for (by, token, may) in by_root.into_iter().chain([("account", &some, json!(MAY))]) {
            let query = format!(
                "from={from}&to={to}&by={by}&objective=99.9&hourly_cost={price}&durations=true&limit={limit}"
            );
            let report = bench.vault.call("GET", &format!("reports/rotation?{query}"), token, "").await;
            report.expect_status(200);
            reports.push(report.at("/data"));
            let by: Vec<&str> = Some(by).into_iter().filter(|by| !by.is_empty()).collect();
            asks.push(json!({
                "from": from * 1000, "to": to * 1000, "now": now.as_millis(), "by": by, "limit": limit,
                "may": may, "objective": 999_000, "hourly_cost": hourly_cost, "currency": currency, "durations": true,
            }));
        }
    }
    (asks, reports)
}

#[tokio::test]
async fn the_report_is_what_an_independent_program_computes_from_what_the_interface_tells() {
    let (mut stores, mut parts) = (Vec::new(), 0);
    for seed in 1..=3 {
        let (bench, mut dice, mut seen) = (made().await, Dice(seed), Seen::default());
        let begin = bench.disk.clock.now();
        for step in 0..120 {
            seen.hand_over(&bench, &mut dice, step).await;
            happen(&bench, &mut dice).await;
            seen.look(&bench, step).await;
            if step % 5 == 0 {
                if dice.roll(2) == 0 {
                    // The clock of the vault does not look while this one goes on.
                    bench.disk.clock.advance(seconds(dice.roll(3 * 86_400)));
                }
                let (asks, reports, told) = present::looked(&bench).await;
                stores.push(((seed, asks.clone(), reports), json!({ "asks": asks, "told": told })));
            }
        }
        // Something is open at the end.
        bench.target.next(Verb::Preflight, Mishap::Fails(FaultClass::PermissionDenied));
        bench.post("accounts/rotate/a0", json!({})).await;
        bench.rest().await;
        seen.look(&bench, 120).await;
        assert!(
            seen.handed_over(&bench).await > 2,
            "hardly anything came into other hands while it was open"
        );
        let told = program::disordered(told(&bench, &seen).await, |sides| dice.roll(sides));
        let (asks, reports) = asked(&bench, &mut dice, begin, &mut parts).await;
        stores.push(((seed, asks.clone(), reports), json!({ "asks": asks, "told": told })));
    }
    let (mut seen, mut standing) = ([0; 5], BTreeMap::<&str, u64>::new());
    program::each(stores.into_iter(), |(seed, asks, reports), computed| {
        assert_eq!(reports.len(), computed.len());
        for ((ask, report), computed) in asks.iter().zip(&reports).zip(&computed) {
            same(report, computed, &format!("seed {seed} {ask}"));
        }
        let whole = &reports[0];
        if whole.get("ttr").is_none() {
            for (report, name, of) in present::COUNTED {
                *standing.entry(name).or_default() += reports[report][of].as_u64().unwrap();
            }
            return;
        }
        let counts = [
            &whole["incidents"]["opened"],
            &whole["incidents"]["open"],
            &whole["ttr"]["suspect"],
            &whole["rotations"]["failed"],
            &whole["work"]["reviewed"],
        ];
        for (seen, count) in seen.iter_mut().zip(counts) {
            *seen += count.as_u64().unwrap();
        }
    });
    assert!(seen.iter().all(|count| *count > 2), "hardly anything to compare: {seen:?}");
    assert!(parts > 30, "hardly anything was asked for together: {parts}");
    assert!(standing.values().all(|count| *count > 2), "hardly anything to compare: {standing:?}");
}

#[tokio::test]
async fn a_log_is_told_page_by_page_and_refuses_a_place_that_it_never_named() {
    let bench = Bench::new().await;
    bench.account("app", "p-1").await;
    bench.target.next(Verb::Preflight, Mishap::Fails(FaultClass::PermissionDenied));
    bench.post("accounts/rotate/app", json!({})).await;
    bench.rest().await;
    bench.disk.clock.advance(seconds(60));
    let second = bench.disk.clock.now().to_rfc3339();
    bench.post("accounts/rotate/app", json!({})).await.expect_status(200);
    bench.rest().await;

    let ended = bench.get("reports/rotation/ended?limit=1").await;
    let parked = ended.at("/data/rotations/0");
    assert_eq!(
        (&parked["subject"], &parked["target"], &parked["attempts"], &parked["class"]),
        (&json!("app"), &json!("t"), &json!(1), &json!("permission_denied")),
        "{}",
        ended.text
    );
    let next = ended.at("/data/next");
    let rest = bench.get(&format!("reports/rotation/ended?after={}", next.as_str().unwrap())).await;
    let done = rest.at("/data/rotations");
    assert_eq!((done.as_array().unwrap().len(), &done[0]["class"]), (1, &json!(null)), "{}", rest.text);
    assert!(rest.json()["data"].get("next").is_none(), "{}", rest.text);

    let attempts = pages(&bench, "reports/rotation/attempts?limit=1", "attempts").await;
    let told: Vec<_> = attempts.iter().map(|one| (&one["succeeded"], &one["class"], &one["phase"])).collect();
    let none = json!(null);
    let (yes, no, class, phase) = (json!(true), json!(false), json!("permission_denied"), json!("prepare"));
    assert_eq!(told, [(&no, &class, &phase), (&yes, &none, &none)]);
    for (query, count) in [(format!("to={second}"), 1), (format!("from={second}"), 1), ("to=1".to_owned(), 0)]
    {
        let part = bench.get(&format!("reports/rotation/ended?{query}")).await;
        assert_eq!(part.at("/data/rotations").as_array().unwrap().len(), count, "{query}: {}", part.text);
    }
    for log in ["ended", "attempts"] {
        for query in ["after=soon", "after=-1.00000000-0000-0000-0000-000000000000", "from=2&to=1", "limit=x"]
        {
            bench.get(&format!("reports/rotation/{log}?{query}")).await.expect_status(400);
        }
    }
}

const TARGETS: [&str; 2] = ["t", "u"];
const PARTS: [&str; 7] = ["", "month", "target", "class", "rotator", "team", "account"];
/// What somebody may read: accounts and a management credential.
const MAY: [&str; 4] = ["a1", "a2", "a5", "management credential of t"];
const ACCOUNTS: [&str; 8] = ["a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7"];
