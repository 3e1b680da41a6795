//! A target that does not answer: its circuit keeps the clock from it, whoever waits there is known, and all go on when it
//! is back.

mod probe;
mod stall;

use rotators::fake::Verb;
use serde_json::{Value, json};
use vault_core::rotation::fault::FaultClass;

use super::bench::Bench;
use super::vault::seconds;

const HOUR: u64 = 3600;
/// What the target takes at once, unless configured.
const WIDTH: u32 = 4;

async fn bench(accounts: usize) -> Bench {
    let bench = Bench::new().await;
    bench.post("rotation-policies/hourly", json!({ "rotation_period": "1h" })).await.expect_status(204);
    for number in 0..accounts {
        let name = name(number);
        bench.target.create_account(&name, "p-1");
        let body = json!({ "target": "t", "username": name, "password": "p-1", "rotation_policy": "hourly" });
        bench.post(&format!("accounts/config/{name}"), body).await.expect_status(200);
    }
    bench
}

fn name(number: usize) -> String {
    format!("a{number:03}")
}

impl Bench {
    async fn past(&self, by: u64) {
        self.disk.clock.advance(seconds(by));
        self.tick().await;
        self.tick().await;
    }

    async fn circuit(&self) -> Value {
        self.get("targets/status/t").await.at("/data/circuit")
    }

    fn asked(&self) -> u32 {
        [Verb::Preflight, Verb::Probe, Verb::Apply, Verb::Verify, Verb::Settle, Verb::Retire]
            .into_iter()
            .map(|verb| self.target.calls(verb))
            .sum()
    }

    async fn lines(&self) -> Vec<String> {
        let reply = self.get("incidents?state=all").await;
        assert_eq!(reply.at("/data/incidents").as_array().unwrap().len(), 1, "{}", reply.text);
        let id = reply.at("/data/incidents/0/id").as_str().unwrap().to_owned();
        let events = self.get(&format!("incidents/{id}/events?limit=2000")).await.at("/data/events");
        events.as_array().unwrap().iter().map(|line| line["kind"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn five_hundred_accounts_on_a_dead_target_cost_it_a_call_in_five_minutes_and_all_heal_when_it_is_back()
{
    const ALL: usize = 500;
    let mut bench = bench(ALL).await;
    assert_eq!(bench.circuit().await["state"], "closed");
    let before = bench.asked();
    bench.target.break_down(FaultClass::Unreachable);
    bench.past(HOUR * 2).await;
    // Three hours of it: one probe in each five minutes.
    for _ in 0..36 {
        bench.past(300).await;
    }
    let calls = bench.asked() - before;
    let allowed = 5 + WIDTH + 2 * 36;
    assert!(calls <= allowed, "{calls} calls, {allowed} allowed");
    let circuit = bench.circuit().await;
    assert!(circuit["state"] == "open" && circuit["next_probe"].is_string(), "{circuit}");
    assert!(circuit["failures"].as_u64() >= Some(5), "{circuit}");
    let open = bench.get("incidents").await;
    assert_eq!(open.at("/data/incidents").as_array().unwrap().len(), 1);
    assert_eq!(open.at("/data/incidents/0/accounts_open"), json!(ALL), "all are known, none is silent");
    let lines = bench.lines().await;
    assert_eq!(lines.iter().filter(|word| *word == "circuit_opened").count(), 1);
    assert_eq!(lines.iter().filter(|word| *word == "circuit_tried").count(), 1, "the others are summed");
    bench.vault.app.engine.count_incidents().unwrap();
    let metrics = bench.get("sys/metrics").await.text;
    for line in [
        r#"rotunda_target_circuit{state="open"} 1"#,
        r#"rotunda_target_circuit{state="closed"} 0"#,
        "rotunda_target_circuit_opened_total 1",
    ] {
        assert!(metrics.lines().any(|one| one == line), "{line}: {metrics}");
    }

    bench.restart().await;
    assert_eq!(bench.circuit().await["state"], "open", "a restart forgets nothing");
    let again = bench.asked();
    bench.tick().await;
    assert!(bench.asked() - again <= 1, "and begins nothing anew");
    bench.target.heal();
    // The one that finds out, and then all the others, without a wait of their own.
    bench.past(300).await;
    for _ in 0..200 {
        if bench.get("incidents").await.at("/data/incidents") == json!([]) {
            break;
        }
        bench.past(1).await;
    }
    assert_eq!(bench.circuit().await, json!({ "state": "closed" }));
    for number in 0..ALL {
        let account = bench.record(&name(number));
        assert_eq!((account.incident, account.waits, account.queued), (None, false, None), "{number}");
    }
    let lines = bench.lines().await;
    assert_eq!(lines.iter().filter(|word| *word == "circuit_closed").count(), 1);
    let closed = bench.get("incidents?state=all").await;
    assert_eq!(closed.at("/data/incidents/0/state"), "closed");
    assert!(closed.at("/data/incidents/0/marks/t7").is_string(), "by proof: {}", closed.text);
}

#[tokio::test]
async fn a_refused_login_is_an_answer_and_opens_nothing() {
    let bench = bench(8).await;
    for number in 0..8 {
        bench.target.set_password(&name(number), "changed outside");
        bench.post(&format!("accounts/verify/{}", name(number)), json!({})).await.expect_status(502);
    }
    assert_eq!(bench.circuit().await["state"], "closed");
}

#[tokio::test]
async fn what_a_person_presses_goes_to_the_target_and_closes_the_circuit() {
    let bench = bench(12).await;
    bench.target.break_down(FaultClass::Unreachable);
    bench.past(HOUR * 2).await;
    assert_eq!(bench.circuit().await["state"], "open");
    let before = bench.asked();
    bench.post("accounts/verify/a003", json!({})).await.expect_status(502);
    assert!(bench.asked() > before, "it was asked");
    assert_eq!(bench.circuit().await["state"], "open");
    bench.target.heal();
    bench.post("accounts/rotate/a011", json!({})).await.expect_status(200);
    assert_eq!(bench.circuit().await["state"], "closed");
    for _ in 0..20 {
        bench.past(1).await;
    }
    assert_eq!(bench.get("incidents").await.at("/data/incidents"), json!([]), "all went on at once");
}

#[tokio::test]
async fn a_lease_that_runs_out_is_ended_while_the_circuit_is_open_and_is_the_first_that_is_closed() {
    let bench = bench(12).await;
    let lent = bench.post("accounts/check-out/a005", json!({ "ttl": "30m", "reason": "r" })).await;
    lent.expect_status(200);
    bench.target.break_down(FaultClass::Unreachable);
    for number in 6..12 {
        bench.post(&format!("accounts/rotate/{}", name(number)), json!({})).await.expect_status(502);
    }
    assert_eq!(bench.circuit().await["state"], "open");
    bench.past(HOUR).await;
    let account = bench.record("a005");
    assert!(account.lending.holder.as_ref().unwrap().closing.is_some(), "it is ending");
    assert_eq!(account.place_in_line(), Some(1), "before all others");
    bench.target.heal();
    bench.past(300).await;
    for _ in 0..20 {
        bench.past(1).await;
    }
    assert_eq!(bench.record("a005").lending.holder, None);
    assert!(!bench.target.accepts("a005", "p-1"));
}
