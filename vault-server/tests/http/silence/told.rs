//! What becomes of what a silence kept back, by what was told before it: nothing of it is lost, and nothing is told twice.

use rotators::fake::{Mishap, Verb};
use serde_json::json;
use vault_core::id::IncidentId;
use vault_core::rotation::fault::FaultClass;
use vault_core::silence::{SILENCES, Silence, WITHHELD, Withheld, withheld_key};
use vault_core::store::batch::Require;
use vault_core::store::key::Table;

use super::bench;
use crate::bench::Bench;

impl Bench {
    /// The silence is ended by hand, and what follows from that is done.
    async fn ended(&self, silence: &str) {
        self.vault.root("DELETE", &format!("silences/{silence}"), "").await.expect_status(204);
        self.tick().await;
    }

    async fn taken(&self, account: &str) {
        let id = self.get(&format!("accounts/status/{account}")).await.at("/data/incident");
        self.post(&format!("incidents/{}/ack", id.as_str().unwrap()), json!({})).await.expect_status(200);
    }

    /// The name of the only record of silences that begins so.
    fn only_name(&self, prefix: &[u8]) -> Vec<u8> {
        let names = self.vault.app.barrier.names(Table::Silence, prefix, None, 9).unwrap();
        assert_eq!(names.len(), 1);
        names.first().cloned().unwrap()
    }
}

#[tokio::test]
async fn that_somebody_takes_it_is_told_in_a_silence_of_what_was_told_before_and_of_nothing_else() {
    let bench = bench(&["app", "batch"]).await;
    let hook = json!({ "url": "http://127.0.0.1:9/", "events": "incident.acknowledged" });
    bench.post("sys/webhooks/taken", hook).await.expect_status(200);
    bench.fail_as("app", FaultClass::Preflight).await;
    bench.silenced(json!({ "accounts": "*", "for": "30m", "reason": "r" })).await;
    bench.fail_as("app", FaultClass::AccountMissing).await;
    bench.fail_as("batch", FaultClass::Preflight).await;
    assert_eq!(bench.told().await, ["incident.opened"]);
    bench.taken("batch").await;
    assert_eq!(bench.told_to("taken").await, [] as [&str; 0], "nobody knows of it");
    bench.taken("app").await;
    assert_eq!(bench.told_to("taken").await, ["incident.acknowledged"]);
}

#[tokio::test]
async fn one_that_was_over_and_fails_again_in_a_silence_is_told_in_full_when_that_ends() {
    let bench = bench(&["app"]).await;
    bench.fail_as("app", FaultClass::Preflight).await;
    let id = bench.silenced(json!({ "accounts": "app", "for": "30m", "reason": "r" })).await;
    bench.fail_as("app", FaultClass::AccountMissing).await;
    bench.target.heal();
    bench.post("accounts/rotate/app", json!({})).await.expect_status(200);
    assert_eq!(bench.told().await, ["incident.closed", "incident.opened"]);
    // For all who were told it is over.
    bench.fail_as("app", FaultClass::Preflight).await;
    assert_eq!(bench.told().await, ["incident.closed", "incident.opened"]);
    bench.ended(&id).await;
    assert_eq!(bench.told().await, ["incident.closed", "incident.opened", "incident.opened"]);
    bench.tick().await;
    assert_eq!(bench.told().await.len(), 3, "once");
}

/// All were served again after a failure that was told, and another one is kept back by this silence.
async fn failed_anew() -> (Bench, String) {
    let bench = bench(&["app", "batch"]).await;
    bench.fail("app").await;
    bench.target.heal();
    // Promoted; its old version cannot be retired yet.
    bench.target.always(Verb::Retire, Mishap::Fails(FaultClass::Unreachable));
    bench.post("accounts/rotate/app", json!({})).await;
    bench.rest().await;
    assert_eq!(bench.told().await, ["incident.opened"]);
    let id = bench.silenced(json!({ "target": "t", "for": "30m", "reason": "r" })).await;
    bench.fail("batch").await;
    (bench, id)
}

#[tokio::test]
async fn another_failure_that_a_silence_kept_back_is_told_in_full_also_to_who_knows_of_the_one_before() {
    for becomes_worse in [false, true] {
        let (bench, id) = failed_anew().await;
        if becomes_worse {
            bench.fail_as("batch", FaultClass::ManagementAuthRefused).await;
        }
        assert_eq!(bench.told().await, ["incident.opened"]);
        bench.ended(&id).await;
        assert_eq!(bench.told().await, ["incident.opened", "incident.opened"], "worse: {becomes_worse}");
        bench.tick().await;
        assert_eq!(bench.told().await.len(), 2, "once");
    }
}

#[tokio::test]
async fn a_silence_that_cannot_be_read_any_more_swallows_nothing_that_it_kept_back() {
    let bench = bench(&["app"]).await;
    bench.silenced(json!({ "target": "t", "for": "30m", "reason": "r" })).await;
    bench.fail("app").await;
    bench.damage_record::<Silence>(&bench.only_name(SILENCES)).await;
    assert_eq!(bench.told().await, [] as [&str; 0]);
    bench.later(30 * 60);
    bench.tick().await;
    assert_eq!(bench.told().await, ["incident.opened"]);
    assert_eq!(bench.get("incidents").await.at("/data/total"), json!(1), "and hides nothing else");
}

#[tokio::test]
async fn what_is_known_of_a_message_that_is_kept_back_cannot_be_read_and_it_is_told_all_the_same() {
    let bench = bench(&["app"]).await;
    let id = bench.silenced(json!({ "target": "t", "for": "30m", "reason": "r" })).await;
    bench.fail("app").await;
    bench.damage_record::<Withheld>(&bench.only_name(WITHHELD)).await;
    bench.ended(&id).await;
    assert_eq!(bench.told().await, ["incident.opened"]);
}

#[tokio::test]
async fn all_that_was_kept_back_is_told_however_much_it_is() {
    let bench = bench(&["app"]).await;
    let id = bench.silenced(json!({ "target": "t", "for": "30m", "reason": "r" })).await;
    bench.fail("app").await;
    let barrier = &bench.vault.app.barrier;
    let kept = barrier.load::<Withheld>(bench.only_name(WITHHELD)).unwrap().unwrap().value;
    // Of incidents that are gone, each before the one that is there.
    for hundred in 0..3 {
        let mut batch = barrier.transaction().unwrap();
        for number in 0..100 {
            let mut id = [0; 16];
            id[14..].copy_from_slice(&[hundred, number]);
            batch.put(withheld_key(IncidentId::from_stored(id)), Require::Absent, &kept);
        }
        barrier.commit(batch).await.unwrap();
    }
    bench.ended(&id).await;
    assert_eq!(bench.told().await, ["incident.opened"]);
    assert_eq!(barrier.names(Table::Silence, b"", None, 9).unwrap(), [] as [Vec<u8>; 0]);
}

#[tokio::test]
async fn who_is_not_beneath_a_targets_incident_any_more_need_not_be_silenced() {
    let bench = bench(&["app", "batch"]).await;
    for account in ["app", "batch"] {
        bench.fail(account).await;
    }
    bench.target.heal();
    bench.post("accounts/rotate/app", json!({})).await.expect_status(200);
    bench.target.break_down(FaultClass::Unreachable);
    let patient = json!({
        "url": "http://127.0.0.1:9/", "events": "incident.escalated", "escalate_after": "10m"
    });
    bench.post("sys/webhooks/patient", patient).await.expect_status(200);
    bench.silenced(json!({ "accounts": "batch", "for": "20m", "reason": "r" })).await;
    assert_eq!(bench.incident().await["silenced"]["reason"], "r");
    bench.later(15 * 60);
    bench.tick().await;
    assert_eq!(bench.told_to("patient").await, [] as [&str; 0], "all that is left of it is silenced");
    for _ in 0..2 {
        bench.later(10 * 60);
        bench.tick().await;
        bench.tick().await;
    }
    assert_eq!(bench.told_to("patient").await, ["incident.escalated"]);
}
