//! Who was let through to find out whether a target answers is the one that finds out.

use rotators::fake::{Mishap, Verb};
use serde_json::json;
use vault_core::account::Subject;
use vault_core::path::Name;
use vault_core::rotation::fault::FaultClass;
use vault_server::engine::record::{Secret, secret_name};

use super::{HOUR, bench};
use crate::bench::until;
use crate::vault::seconds;

#[tokio::test]
async fn what_a_person_presses_in_vain_ends_nobodys_probe() {
    let bench = bench(12).await;
    bench.target.break_down(FaultClass::Unreachable);
    bench.past(HOUR * 2).await;
    let version = bench.record("a010").versions.current.unwrap().number;
    bench.lose_secret("a010", version).await;
    bench.target.next(Verb::Preflight, Mishap::Hangs);
    bench.disk.clock.advance(seconds(300));
    tokio::select! {
        () = bench.tick() => panic!("nobody was let through"),
        () = until(|| bench.target.hanging() == 1) => {}
    }
    assert_eq!(bench.circuit().await["state"], "half_open");
    let asked = bench.target.calls(Verb::Probe);
    // The one is not sent at all, the other gets no answer.
    for account in ["a010", "a011"] {
        let pressed = bench.post(&format!("accounts/verify/{account}"), json!({})).await;
        assert_ne!(pressed.status, 200, "{}", pressed.text);
        assert_eq!(bench.circuit().await["state"], "half_open", "another one is still asking: {account}");
    }
    assert_eq!(bench.target.calls(Verb::Probe), asked + 1);
    bench.target.heal();
    bench.target.release();
    bench.rest().await;
    assert_eq!(bench.circuit().await["state"], "closed", "by its answer");
}

#[tokio::test]
async fn who_cannot_ask_after_all_leaves_the_place_to_the_next_one() {
    let bench = bench(12).await;
    bench.target.break_down(FaultClass::Unreachable);
    bench.past(HOUR * 2).await;
    let manager = bench.record_of_manager();
    let version = manager.versions.current.unwrap().number;
    let secret = secret_name(&Subject::Management(Name::parse("t").unwrap()), version);
    bench.damage_record::<Secret>(&secret).await;
    bench.past(300).await;
    bench.rest().await;
    // Its work has stopped over what cannot be read: nothing was found out, and nobody is still asking.
    assert_eq!(bench.circuit().await["state"], "open");
}
