//! Each point at which a change can break: what the rotator says of it, and what the server holds.

use std::time::Duration;

use vault_core::rotation::fault::FaultClass;
use vault_core::rotation::port::{Outcome, Probe, Rights, Verification};
use vault_tests::proxy::Mischief;
use vault_tests::redis::RedisOptions;

use crate::bench::{Bench, NEW, OLD, word};

#[tokio::test]
async fn each_fault_point_has_its_outcome_and_never_a_false_one() {
    for (overlap, after) in [("true", (true, true)), ("false", (false, true))] {
        let bench = Bench::start_with(&RedisOptions::default(), &[("overlap", overlap)]).await;
        let at = |text: &str| text.to_owned();
        // Which password opens the account afterwards: (old, new).
        const BEFORE: (bool, bool) = (true, false);
        for (mischief, outcome, opens) in [
            (Mischief::Refuse, "not applied: unreachable", BEFORE),
            (Mischief::Silent, "not applied: unreachable", BEFORE),
            (Mischief::CutBefore(at("AUTH")), "not applied: unreachable", BEFORE),
            (Mischief::SwallowReply(at("LIST")), "not applied: unreachable", BEFORE),
            (Mischief::CutBefore(at("SETNAME")), "not applied: unreachable", BEFORE),
            (Mischief::DropReply(at("GETUSER")), "not applied: unreachable", BEFORE),
            (Mischief::CutBefore(at("SETUSER")), "unknown: ambiguous", BEFORE),
            (Mischief::DropReply(at("SETUSER")), "unknown: ambiguous", after),
            (Mischief::SwallowReply(at("SETUSER")), "unknown: ambiguous", after),
            (Mischief::CutBefore(at("SAVE")), "unknown: ambiguous", after),
            (Mischief::DropReply(at("SAVE")), "unknown: ambiguous", after),
            (Mischief::Lie(at("SETUSER")), "applied", BEFORE),
            (Mischief::Delay(Duration::from_millis(10)), "applied", after),
            (Mischief::None, "applied", after),
        ] {
            bench.reset_account().await;
            bench.proxy.set(mischief.clone()).await.unwrap();
            let found = bench.apply().await;
            assert_eq!(word(&found), outcome, "{mischief:?}: {found:?}");
            bench.proxy.set(Mischief::None).await.unwrap();
            assert_eq!(bench.settle().await, Ok(()), "{mischief:?}");
            assert_eq!(bench.opens().await, opens, "{mischief:?}");
            match bench.verify(NEW, &Rights::default()).await {
                Verification::Verified => assert_eq!(opens, after, "{mischief:?}"),
                Verification::Refused(fault) => {
                    assert_eq!((opens, fault.class), (BEFORE, FaultClass::VerifyRefused), "{mischief:?}");
                }
                other => panic!("{mischief:?}: {other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn wherever_the_connection_is_cut_the_answer_is_true() {
    let bench = Bench::start().await;
    assert_eq!(bench.apply().await, Outcome::Applied);
    // Not to the byte the same each time: CLIENT LIST shows times and numbers.
    let whole = bench.proxy.bytes_from_server();
    let (mut doubtful, mut done) = (0, 0);
    for limit in (0..whole - 12).step_by(97).chain(whole - 12..whole + 40) {
        bench.reset_account().await;
        bench.proxy.set(Mischief::CutAfter(limit)).await.unwrap();
        let outcome = bench.apply().await;
        bench.proxy.set(Mischief::None).await.unwrap();
        let place = format!("after {limit} of {whole} bytes: {outcome:?}");
        match outcome {
            Outcome::Applied => {
                assert_eq!(bench.opens().await, (true, true), "{place}");
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
                assert_eq!(bench.opens().await, (true, new), "{place}");
                doubtful += 1;
            }
        }
    }
    assert!(
        doubtful > 0 && done > 0,
        "{doubtful} doubtful, {done} done: the cuts missed the decisive answer"
    );
}

#[tokio::test]
async fn a_command_that_is_late_takes_effect_unless_it_was_settled() {
    let bench = Bench::start().await;
    for (settled, opens) in [(false, (true, true)), (true, (true, false))] {
        bench.reset_account().await;
        bench.proxy.set(Mischief::Hold("SETUSER".to_owned())).await.unwrap();
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
    bench.proxy.set(Mischief::Hold("SETUSER".to_owned())).await.unwrap();
    assert_eq!(word(&bench.apply_to("app", "late-candidate").await), "unknown: ambiguous");
    // New connections pass; the held command stays where it is.
    bench.proxy.set(Mischief::None).await.unwrap();
    assert_eq!(bench.apply().await, Outcome::Applied);
    bench.proxy.release();
    bench.proxy.wait_delivered(1).await.unwrap();
    assert_eq!(bench.opens().await, (true, true));
    assert!(!bench.server.accepts("app", "late-candidate").await.unwrap());
}

#[tokio::test]
async fn a_paused_server_is_unreachable() {
    let bench = Bench::start().await;
    bench.server.pause().unwrap();
    assert_eq!(word(&bench.apply().await), "not applied: unreachable");
    assert!(matches!(
        bench.probe("app", OLD).await,
        Probe::Inconclusive(fault) if fault.class == FaultClass::Unreachable
    ));
}

#[tokio::test]
async fn no_password_and_no_hash_is_in_what_the_rotator_or_the_server_says() {
    let bench = Bench::start().await;
    let stored = rotators::redis::command::stored(&crate::bench::secret(NEW));
    let mut monitor = bench.server.admin().await.unwrap();
    monitor.run(&["MONITOR"]).await.unwrap();
    bench.run(&["CONFIG", "SET", "slowlog-log-slower-than", "0"]).await;
    assert_eq!(bench.apply().await, Outcome::Applied);
    assert_eq!(bench.verify(NEW, &Rights::default()).await, Verification::Verified);
    assert_eq!(bench.retire(OLD).await, Outcome::Applied);
    // What the server would not store is refused with the hash in its own words; ours do not have it.
    bench
        .run(&["ACL", "SETUSER", "weak", "on", &format!(">{OLD}"), "+acl", "+client", "+info", "+config"])
        .await;
    bench.run(&["ECHO", "the end"]).await;
    let mut seen = String::new();
    while !seen.contains("the end") {
        seen += monitor.ask(&["PING"]).await.unwrap().text().unwrap_or_default();
    }
    assert!(seen.contains("\"ECHO\"") && !seen.contains(NEW) && !seen.contains(stored.expose()), "{seen}");
    assert!(!bench.server.log().contains(NEW));
}
