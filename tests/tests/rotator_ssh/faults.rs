//! Each point at which a change can break: what the rotator says of it, and what the target holds.

use std::time::Duration;

use vault_core::rotation::fault::FaultClass;
use vault_core::rotation::port::{Outcome, Probe, Rights, Verification};
use vault_tests::ssh::gate::Strike;
use vault_tests::ssh::relay::Mode;

use crate::bench::{Bench, NEW, OLD, class, word};

const BEFORE: (bool, bool) = (true, false);
const AFTER: (bool, bool) = (false, true);

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_point_has_its_outcome_and_never_a_false_one() {
    let mut bench = Bench::start().await;
    for (strike, opens) in [(Strike::Before, BEFORE), (Strike::After, AFTER)] {
        bench.server.set_password("app", OLD).unwrap();
        bench.gate.strike(strike).unwrap();
        let outcome = bench.apply().await;
        assert_eq!(word(&outcome), "unknown: ambiguous", "{strike:?}: {outcome:?}");
        assert_eq!(bench.settle().await, Ok(()), "{strike:?}");
        assert_eq!(bench.opens(), opens, "{strike:?}");
        let verified = bench.verify("app", NEW, &Rights::default()).await;
        match verified {
            Verification::Verified => assert_eq!(opens, AFTER, "{strike:?}"),
            Verification::Refused(fault) => {
                assert_eq!((opens, fault.class), (BEFORE, FaultClass::VerifyRefused), "{strike:?}");
            }
            other => panic!("{strike:?}: {other:?}"),
        }
    }
    bench.server.set_password("app", OLD).unwrap();
    for mode in [Mode::Refuse, Mode::Silent] {
        bench.relay.set(mode);
        assert_eq!(word(&bench.apply().await), "not applied: unreachable", "{mode:?}");
        assert_eq!(class(&bench.preflight("app").await), Some(FaultClass::Unreachable), "{mode:?}");
        assert_eq!(class(&bench.settle().await), Some(FaultClass::Unreachable), "{mode:?}");
        let probe = bench.probe("app", OLD).await;
        assert!(
            matches!(&probe, Probe::Inconclusive(fault) if fault.class == FaultClass::Unreachable),
            "{mode:?}: {probe:?}"
        );
    }
    bench.relay.set(Mode::Pass);
    assert_eq!(bench.opens(), BEFORE);
}

#[tokio::test(flavor = "multi_thread")]
async fn wherever_the_connection_is_cut_the_answer_is_true() {
    let bench = Bench::start().await;
    assert_eq!(bench.apply().await, Outcome::Applied);
    // Every attempt is alike to a few bytes, and the decisive answer is among the last.
    let whole = bench.relay.bytes_from_server();
    let near = whole.saturating_sub(500);
    let mut seen = [0; 3];
    for limit in (0..near).step_by(near / 8).chain((near..whole + 20).step_by(35)).chain([2 * whole]) {
        bench.server.set_password("app", OLD).unwrap();
        bench.relay.set(Mode::CutAfter(limit));
        let outcome = bench.apply().await;
        bench.relay.set(Mode::Pass);
        let place = format!("after {limit} of {whole} bytes: {outcome:?}");
        match outcome {
            Outcome::Applied => {
                assert_eq!(bench.opens(), AFTER, "{place}");
                seen[0] += 1;
            }
            Outcome::NotApplied(fault) => {
                assert_eq!(fault.class, FaultClass::Unreachable, "{place}");
                assert_eq!(bench.settle().await, Ok(()), "{place}");
                assert_eq!(bench.opens(), BEFORE, "{place}");
                seen[1] += 1;
            }
            Outcome::Unknown(fault) => {
                assert_eq!(fault.class, FaultClass::Ambiguous, "{place}");
                bench.settle().await.unwrap();
                let new = bench.probe("app", NEW).await == Probe::Works;
                assert_eq!(bench.opens(), (!new, new), "{place}");
                seen[2] += 1;
            }
        }
    }
    assert!(seen.iter().all(|count| *count > 0), "applied, not, unknown: {seen:?} of {whole} bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_is_held_up_takes_effect_unless_it_was_settled() {
    let mut bench = Bench::start().await;
    for (settled, opens) in [(false, AFTER), (true, BEFORE)] {
        bench.server.set_password("app", OLD).unwrap();
        bench.gate.strike(Strike::Hold).unwrap();
        let outcome = bench.apply().await;
        assert_eq!(word(&outcome), "unknown: ambiguous", "settled: {settled}: {outcome:?}");
        assert!(!bench.server.processes("sbin/chpasswd").unwrap().is_empty());
        if settled {
            assert_eq!(bench.settle().await, Ok(()));
            assert_eq!(bench.server.processes(":change:").unwrap(), [] as [u32; 0]);
            assert_eq!(bench.server.processes("sbin/chpasswd").unwrap(), [] as [u32; 0]);
            assert_eq!(bench.probe("app", OLD).await, Probe::Works);
        }
        bench.gate.release(&bench.server).await.unwrap();
        assert_eq!(bench.opens(), opens, "settled: {settled}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_attempt_settles_the_one_before_and_another_rotation_does_not() {
    let mut bench = Bench::start().await;
    bench.gate.strike(Strike::Hold).unwrap();
    assert_eq!(word(&bench.apply_to("app", "late-candidate").await), "unknown: ambiguous");
    let held = bench.server.processes("sbin/chpasswd").unwrap();
    let mine = std::mem::replace(&mut bench.rotation, other_rotation());
    assert_eq!(bench.settle().await, Ok(()));
    assert_eq!(bench.server.processes("sbin/chpasswd").unwrap(), held);
    bench.rotation = mine;
    assert_eq!(bench.apply().await, Outcome::Applied);
    bench.gate.release(&bench.server).await.unwrap();
    assert_eq!(bench.opens(), AFTER);
    assert!(!bench.server.accepts("app", "late-candidate").unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_loses_patience_leaves_nothing_that_settle_does_not_end() {
    let mut bench = Bench::start().await;
    bench.gate.strike(Strike::Hold).unwrap();
    let mut gate = std::mem::replace(
        &mut bench.gate,
        vault_tests::ssh::gate::Gate::of(&bench.server, bench.relay.clone()),
    );
    tokio::select! {
        // The relay is cut at that moment too, so either may come first.
        outcome = bench.apply() => assert_eq!(word(&outcome), "unknown: ambiguous"),
        struck = gate.wait_struck() => struck.unwrap(),
    }
    assert_eq!(bench.settle().await, Ok(()));
    gate.release(&bench.server).await.unwrap();
    assert_eq!(bench.opens(), BEFORE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_falls_silent_in_the_middle_is_told_within_the_limit() {
    let mut bench = Bench::start().await;
    bench.set("connect_timeout", "2s");
    bench.set("request_timeout", "2s");
    assert_eq!(bench.apply().await, Outcome::Applied);
    let whole = bench.relay.bytes_from_server();
    for limit in [0, whole / 4, whole / 2, whole * 3 / 4, whole - 200] {
        bench.relay.set(Mode::SwallowAfter(limit));
        let outcome = tokio::time::timeout(Duration::from_secs(20), bench.apply()).await.unwrap();
        assert_ne!(outcome, Outcome::Applied, "{limit}");
        bench.relay.set(Mode::Pass);
        assert_eq!(bench.settle().await, Ok(()), "{limit}");
        assert_eq!(bench.server.processes(":change:").unwrap(), [] as [u32; 0], "{limit}");
    }
}

fn other_rotation() -> vault_core::id::RotationId {
    use vault_core::{clock::Timestamp, entropy::SeededEntropy, id::RotationId};
    RotationId::generate(Timestamp::from_secs(1_800_000_001), &SeededEntropy::new(4))
}
