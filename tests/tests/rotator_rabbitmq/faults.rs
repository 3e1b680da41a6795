//! Each point at which a change can break: what the rotator says of it, and what the server holds.

use std::time::Duration;

use vault_core::rotation::fault::FaultClass;
use vault_core::rotation::port::{Outcome, Probe, Rights, Verification};
use vault_tests::proxy::Mischief;

use crate::bench::{Bench, NEW, OLD, word};

#[tokio::test]
async fn each_fault_point_has_its_outcome_and_never_a_false_one() {
    let bench = Bench::start().await;
    let at = |text: &str| text.to_owned();
    // Which password opens the account afterwards: (old, new).
    const BEFORE: (bool, bool) = (true, false);
    const AFTER: (bool, bool) = (false, true);
    for (mischief, outcome, opens) in [
        (Mischief::Refuse, "not applied: unreachable", BEFORE),
        (Mischief::Silent, "not applied: unreachable", BEFORE),
        (Mischief::CutBefore(at("GET /api/users/app")), "not applied: unreachable", BEFORE),
        (Mischief::DropReply(at("GET /api/users/app")), "not applied: unreachable", BEFORE),
        (Mischief::CutBefore(at("PUT /api/users/app")), "unknown: ambiguous", BEFORE),
        (Mischief::DropReply(at("PUT /api/users/app")), "unknown: ambiguous", AFTER),
        (Mischief::SwallowReply(at("PUT /api/users/app")), "unknown: ambiguous", AFTER),
        (Mischief::Delay(Duration::from_millis(10)), "applied", AFTER),
        (Mischief::None, "applied", AFTER),
    ] {
        bench.reset_account().await;
        bench.proxy.set(mischief.clone()).await.unwrap();
        let found = bench.apply().await;
        assert_eq!(word(&found), outcome, "{mischief:?}: {found:?}");
        bench.proxy.set(Mischief::None).await.unwrap();
        if matches!(found, Outcome::Unknown(_)) {
            assert_eq!(bench.settle().await, Ok(()), "{mischief:?}");
        }
        assert_eq!(bench.opens().await, opens, "{mischief:?}");
        match bench.verify(NEW, &Rights::default()).await {
            Verification::Verified => assert_eq!(opens, AFTER, "{mischief:?}"),
            Verification::Refused(fault) => {
                assert_eq!((opens, fault.class), (BEFORE, FaultClass::VerifyRefused), "{mischief:?}");
            }
            other => panic!("{mischief:?}: {other:?}"),
        }
    }
    a_cut_at_any_byte_of_the_answers_is_told_truly(&bench).await;
}

/// On the same server: each takes seconds to start.
async fn a_cut_at_any_byte_of_the_answers_is_told_truly(bench: &Bench) {
    let (mut doubtful, mut done) = (0, 0);
    // The first connection's answer is longer than the second's, so both are met.
    for limit in (0..900).step_by(75) {
        bench.reset_account().await;
        bench.proxy.set(Mischief::CutAfter(limit)).await.unwrap();
        let outcome = bench.apply().await;
        bench.proxy.set(Mischief::None).await.unwrap();
        let place = format!("after {limit} bytes: {outcome:?}");
        match outcome {
            Outcome::Applied => {
                assert_eq!(bench.opens().await, (false, true), "{place}");
                done += 1;
            }
            Outcome::NotApplied(fault) => {
                assert_eq!(fault.class, FaultClass::Unreachable, "{place}");
                assert_eq!(bench.opens().await, (true, false), "{place}");
            }
            // The server has answered, so it has acted; nothing is on its way.
            Outcome::Unknown(fault) => {
                assert_eq!(fault.class, FaultClass::Ambiguous, "{place}");
                doubtful += 1;
            }
        }
    }
    assert!(done > 0, "{doubtful} doubtful, {done} done: the cuts missed the decisive answer");
}

#[tokio::test]
async fn a_request_that_is_late_takes_effect_unless_it_was_settled() {
    let bench = Bench::start().await;
    for (settled, opens) in [(false, (false, true)), (true, (true, false))] {
        bench.reset_account().await;
        bench.proxy.set(Mischief::Hold("PUT /api/users/app".to_owned())).await.unwrap();
        assert_eq!(word(&bench.apply().await), "unknown: ambiguous");
        if settled {
            assert_eq!(bench.settle().await, Ok(()));
            assert_eq!(bench.probe("app", OLD).await, Probe::Works);
        }
        bench.proxy.release();
        bench.proxy.wait_delivered(1 + u64::from(settled)).await.unwrap();
        assert_eq!(bench.opens().await, opens, "settled: {settled}");
    }
}

#[tokio::test]
async fn a_server_that_ends_no_mute_connection_in_time_is_not_settled() {
    let mut bench = Bench::start().await;
    bench.spec.settings.insert("settle_timeout".to_owned(), "1s".to_owned());
    let fault = bench.settle().await.unwrap_err();
    assert_eq!(fault.class, FaultClass::Unreachable);
    assert!(fault.detail.contains("settle_timeout"), "{fault}");
}
