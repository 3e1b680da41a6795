//! Each point at which a change can break: what the rotator says of it, and what the server holds.

use std::time::Duration;

use vault_core::rotation::fault::FaultClass;
use vault_core::rotation::port::{Outcome, Probe, Rights, Verification};
use vault_tests::proxy::Mischief;

use crate::bench::{Bench, NEW, OLD, class, word};

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
        (Mischief::CutBefore(at("BEGIN")), "not applied: unreachable", BEFORE),
        (Mischief::DropReply(at("BEGIN")), "not applied: unreachable", BEFORE),
        (Mischief::CutBefore(at("ALTER ROLE")), "not applied: unreachable", BEFORE),
        (Mischief::DropReply(at("ALTER ROLE")), "not applied: unreachable", BEFORE),
        (Mischief::SwallowReply(at("ALTER ROLE")), "not applied: unreachable", BEFORE),
        (Mischief::CutBefore(at("COMMIT")), "unknown: ambiguous", BEFORE),
        (Mischief::DropReply(at("COMMIT")), "unknown: ambiguous", AFTER),
        (Mischief::SwallowReply(at("COMMIT")), "unknown: ambiguous", AFTER),
        (Mischief::Lie(at("ALTER ROLE")), "applied", BEFORE),
        (Mischief::Lie(at("COMMIT")), "applied", BEFORE),
        (Mischief::Delay(Duration::from_millis(10)), "applied", AFTER),
        (Mischief::None, "applied", AFTER),
    ] {
        bench.sql(&format!("ALTER ROLE app PASSWORD '{OLD}'")).await;
        bench.proxy.set(mischief.clone()).await.unwrap();
        let found = bench.apply().await;
        assert_eq!(word(&found), outcome, "{mischief:?}: {found:?}");
        bench.proxy.set(Mischief::None).await.unwrap();
        assert_eq!(bench.settle().await, Ok(()), "{mischief:?}");
        assert_eq!(bench.opens().await, opens, "{mischief:?}");
        let verified = bench.verify("app", NEW, &Rights::default()).await;
        match verified {
            Verification::Verified => assert_eq!(opens, AFTER, "{mischief:?}"),
            Verification::Refused(fault) => {
                assert_eq!((opens, fault.class), (BEFORE, FaultClass::VerifyRefused), "{mischief:?}");
            }
            other => panic!("{mischief:?}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn wherever_the_connection_is_cut_the_answer_is_true() {
    let bench = Bench::start().await;
    assert_eq!(bench.apply().await, Outcome::Applied);
    // Every attempt is alike, so a cut can be placed by the byte: some along the way, and many around the answer to
    // COMMIT, after which the session only takes the rotation's mark off.
    let whole = bench.proxy.bytes_from_server();
    let mut doubtful = 0;
    let mut done = 0;
    for limit in (0..whole - END).step_by(149).chain((whole - END..whole + 2).step_by(3)) {
        bench.sql(&format!("ALTER ROLE app PASSWORD '{OLD}'")).await;
        bench.proxy.set(Mischief::CutAfter(limit)).await.unwrap();
        let outcome = bench.apply().await;
        bench.proxy.set(Mischief::None).await.unwrap();
        let place = format!("after {limit} of {whole} bytes: {outcome:?}");
        match outcome {
            Outcome::Applied => {
                assert_eq!(bench.opens().await, (false, true), "{place}");
                done += 1;
            }
            Outcome::NotApplied(fault) => {
                assert_eq!(fault.class, FaultClass::Unreachable, "{place}");
                assert_eq!(bench.opens().await, (true, false), "{place}");
            }
            Outcome::Unknown(fault) => {
                assert_eq!(fault.class, FaultClass::Ambiguous, "{place}");
                bench.settle().await.unwrap();
                let new = bench.probe("app", NEW).await == Probe::Works;
                assert_eq!(bench.opens().await, (!new, new), "{place}");
                doubtful += 1;
            }
        }
    }
    assert!(
        doubtful > 0 && done > 0,
        "{doubtful} doubtful, {done} done: the cuts missed the answer to COMMIT"
    );
}

#[tokio::test]
async fn a_commit_that_is_late_takes_effect_unless_it_was_settled() {
    let bench = Bench::start().await;
    for (settled, opens) in [(false, (false, true)), (true, (true, false))] {
        bench.sql(&format!("ALTER ROLE app PASSWORD '{OLD}'")).await;
        bench.proxy.set(Mischief::Hold("COMMIT".to_owned())).await.unwrap();
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
async fn the_next_attempt_settles_the_one_before() {
    let bench = Bench::start().await;
    bench.proxy.set(Mischief::Hold("COMMIT".to_owned())).await.unwrap();
    assert_eq!(word(&bench.apply_to("app", "late-candidate").await), "unknown: ambiguous");
    // New connections pass; the held statement stays where it is.
    bench.proxy.set(Mischief::None).await.unwrap();
    assert_eq!(bench.apply().await, Outcome::Applied);
    bench.proxy.release();
    bench.proxy.wait_delivered(1).await.unwrap();
    assert_eq!(bench.opens().await, (false, true));
    assert!(!bench.server.accepts("app", "late-candidate").await.unwrap());
}

#[tokio::test]
async fn settling_works_where_the_server_tracks_no_activities() {
    let bench = Bench::start().await;
    bench.sql("ALTER ROLE postgres SET track_activities = off").await;
    bench.proxy.set(Mischief::Hold("COMMIT".to_owned())).await.unwrap();
    assert_eq!(word(&bench.apply().await), "unknown: ambiguous");
    assert_eq!(bench.settle().await, Ok(()));
    assert_eq!(
        bench.number("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'rotunda:%'").await,
        0
    );
    assert_eq!(bench.opens().await, (true, false));
}

#[tokio::test]
async fn a_caller_who_loses_patience_leaves_nothing_that_settle_does_not_end() {
    let bench = Bench::start().await;
    bench.proxy.set(Mischief::Hold("COMMIT".to_owned())).await.unwrap();
    tokio::select! {
        outcome = bench.apply() => panic!("{outcome:?}"),
        struck = bench.proxy.wait_struck(1) => struck.unwrap(),
    }
    assert_eq!(bench.settle().await, Ok(()));
    bench.proxy.release();
    bench.proxy.wait_delivered(1).await.unwrap();
    assert_eq!(bench.opens().await, (true, false));
}

#[tokio::test]
async fn a_server_that_is_stopped_paused_or_crashed_is_unreachable_and_then_as_before() {
    let mut bench = Bench::start().await;
    for how in ["stopped", "paused", "crashed"] {
        match how {
            "stopped" => bench.server.stop().unwrap(),
            "paused" => bench.server.pause().unwrap(),
            _ => bench.server.crash().unwrap(),
        }
        assert_eq!(word(&bench.apply().await), "not applied: unreachable", "{how}");
        assert!(
            matches!(bench.probe("app", OLD).await, Probe::Inconclusive(fault) if fault.class == FaultClass::Unreachable),
            "{how}"
        );
        assert_eq!(class(&bench.preflight("app").await), Some(FaultClass::Unreachable), "{how}");
        if how == "paused" {
            bench.server.resume().unwrap()
        } else {
            bench.server.start_again().unwrap()
        }
        assert_eq!(bench.settle().await, Ok(()), "{how}");
        assert_eq!(bench.opens().await, (true, false), "{how}");
    }
}

#[tokio::test]
async fn a_crash_before_a_late_commit_loses_the_change() {
    let mut bench = Bench::start().await;
    bench.proxy.set(Mischief::Hold("COMMIT".to_owned())).await.unwrap();
    assert_eq!(word(&bench.apply().await), "unknown: ambiguous");
    bench.server.crash().unwrap();
    bench.server.start_again().unwrap();
    assert_eq!(bench.settle().await, Ok(()));
    assert_eq!(bench.probe("app", NEW).await, Probe::Refused);
    assert_eq!(bench.probe("app", OLD).await, Probe::Works);
}

#[tokio::test]
async fn a_role_whose_row_is_locked_is_left_alone_within_the_time_limit() {
    let bench = Bench::start().await;
    let admin = bench.server.admin().await.unwrap();
    admin.batch_execute("BEGIN; ALTER ROLE app CONNECTION LIMIT 5").await.unwrap();
    assert_eq!(word(&bench.apply().await), "not applied: unreachable");
    admin.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(bench.apply().await, Outcome::Applied);
}

/// Bytes of the answers to COMMIT and to what follows it, and some.
const END: usize = 240;
