//! Nobody who waits for a target keeps it shut for the others once it answers again.

use rotators::fake::{Mishap, Verb};
use serde_json::json;
use vault_core::account::{Health, Subject};
use vault_core::path::Name;
use vault_core::rotation::fault::FaultClass;
use vault_core::rotation::run::Stage;

use super::{HOUR, bench, name};
use crate::bench::Bench;

fn manager(bench: &Bench) -> vault_core::account::Account {
    let subject = Subject::Management(Name::parse("t").unwrap());
    bench.vault.app.engine.account(&subject).unwrap().unwrap().value
}

async fn comes_to_rest(bench: &Bench) {
    bench.target.heal();
    for _ in 0..40 {
        bench.past(150).await;
    }
}

#[tokio::test]
async fn a_management_credential_in_doubt_goes_before_all_whose_rotation_needs_it() {
    let bench = bench(8).await;
    let lent = bench.post("accounts/check-out/a000", json!({ "ttl": "30m", "reason": "r" })).await;
    lent.expect_status(200);
    // The target dies in the middle of the management credential's own rotation.
    bench.target.next(Verb::Apply, Mishap::ReplyLost);
    bench.target.always(Verb::Settle, Mishap::Fails(FaultClass::Unreachable));
    bench.target.always(Verb::Probe, Mishap::Fails(FaultClass::Unreachable));
    let rotated = bench.post("targets/rotate/t", json!({})).await;
    assert!(rotated.status >= 500 || rotated.status == 202, "{}", rotated.text);
    bench.rest().await;
    assert!(matches!(manager(&bench).stage, Stage::Waiting { .. }), "{:?}", manager(&bench).stage);
    bench.target.break_down(FaultClass::Unreachable);
    for number in 1..6 {
        bench.post(&format!("accounts/verify/{}", name(number)), json!({})).await.expect_status(502);
    }
    assert_eq!(bench.circuit().await["state"], "open");
    bench.past(HOUR + 60).await;
    assert!(manager(&bench).place_in_line() < bench.record("a000").place_in_line());

    comes_to_rest(&bench).await;
    assert_eq!(bench.circuit().await, json!({ "state": "closed" }));
    let manager = manager(&bench);
    assert!(manager.stage == Stage::Idle && matches!(manager.health, Health::Verified(_)), "{manager:?}");
    assert_eq!(bench.record("a000").lending.holder, None, "the lease is dead");
    assert!(!bench.target.accepts("a000", "p-1"));
    assert_eq!(bench.get("incidents").await.at("/data/incidents"), json!([]));
}

#[tokio::test]
async fn an_account_of_which_nothing_is_heard_keeps_nobody_back() {
    let bench = bench(8).await;
    bench.target.break_down(FaultClass::Unreachable);
    bench.past(HOUR * 2).await;
    for _ in 0..8 {
        bench.past(300).await;
    }
    assert_eq!(bench.circuit().await["state"], "open");
    assert!((0..8).all(|number| bench.record(&name(number)).waits), "nobody has a time of its own");
    // What the vault would log in with is gone: the target is not even asked.
    let version = bench.record("a000").versions.current.unwrap().number;
    bench.lose_secret("a000", version).await;
    comes_to_rest(&bench).await;
    assert_eq!(bench.circuit().await, json!({ "state": "closed" }));
    for number in 1..8 {
        let account = bench.record(&name(number));
        assert_eq!((account.incident, account.waits), (None, false), "{number}");
    }
}

#[tokio::test]
async fn a_management_credential_that_is_known_to_be_refused_is_no_answer_of_the_target() {
    let bench = bench(8).await;
    bench.configure_target(json!({ "heartbeat": "1h", "password": "m-1" })).await.expect_status(204);
    bench.target.set_password("manager", "changed outside");
    bench.post("accounts/rotate/a000", json!({})).await.expect_status(502);
    assert!(matches!(manager(&bench).health, Health::Refused(_)), "{:?}", manager(&bench).health);
    bench.target.break_down(FaultClass::Unreachable);
    // Each tells nothing of the target but those that ask it.
    for number in 0..8 {
        bench.post(&format!("accounts/verify/{}", name(number)), json!({})).await.expect_status(502);
    }
    assert_eq!(bench.circuit().await["state"], "open");
    bench.post("accounts/rotate/a001", json!({})).await.expect_status(502);
    assert_eq!(bench.circuit().await["state"], "open", "nobody asked it");
}
