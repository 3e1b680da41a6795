//! Management sessions are used again: by one rotation at a time, never in doubt, and not for long.

use std::time::Duration;

use rotators::postgres::PostgresRotator;
use vault_core::clock::Timestamp;
use vault_core::entropy::SeededEntropy;
use vault_core::id::RotationId;
use vault_core::rotation::fault::FaultClass;
use vault_core::rotation::port::{Job, Outcome, Probe, Rotator, Verification};
use vault_core::secret::SecretString;
use vault_tests::proxy::Mischief;

use super::bench::{Bench, NEW, OLD, login};

fn candidate(text: &str) -> SecretString {
    SecretString::new(text.to_owned())
}

/// The job of another rotation than the bench's own.
fn other<'a>(bench: &'a Bench, username: &'a str) -> Job<'a> {
    let rotation = RotationId::generate(Timestamp::from_secs(1_800_000_001), &SeededEntropy::new(9));
    Job { rotation, ..bench.job_for(username) }
}

#[tokio::test]
async fn a_rotation_logs_in_for_its_proofs_alone_once_management_is_in() {
    let bench = Bench::start().await;
    let rotator = PostgresRotator::new();
    let mut opened = Vec::new();
    for (old, new) in [(OLD, NEW), (NEW, "third-42")] {
        let before = bench.proxy.connections();
        let rights = rotator.preflight(bench.job()).await.unwrap();
        assert_eq!(rotator.apply(bench.job(), &candidate(new)).await, Outcome::Applied);
        let verified = rotator.verify(bench.job(), &login("app", new), &rights).await;
        assert_eq!(verified, Verification::Verified);
        assert_eq!(rotator.probe(&bench.spec, &login("app", old)).await, Probe::Refused);
        opened.push(bench.proxy.connections() - before);
    }
    assert_eq!(opened, [3, 2], "management, the new password, the old one; then the last two");
}

#[tokio::test]
async fn settling_one_rotation_ends_no_session_that_another_uses_again() {
    let bench = Bench::start().await;
    bench.sql("CREATE ROLE other LOGIN PASSWORD 'x-1'").await;
    let rotator = PostgresRotator::new();
    // Two sessions, both used before, both idle.
    let (first, second) =
        tokio::join!(rotator.preflight(bench.job()), rotator.preflight(other(&bench, "other")));
    first.unwrap();
    second.unwrap();
    bench.proxy.set(Mischief::Hold("COMMIT".to_owned())).await.unwrap();
    let outcome = rotator.apply(bench.job(), &candidate(NEW)).await;
    assert!(matches!(outcome, Outcome::Unknown(_)), "{outcome:?}");
    bench.proxy.set(Mischief::None).await.unwrap();
    assert!(rotator.preflight(other(&bench, "other")).await.is_ok());
    assert_eq!(rotator.settle(bench.job()).await, Ok(()));
    assert_eq!(rotator.apply(other(&bench, "other"), &candidate("x-2")).await, Outcome::Applied);
    // Whatever was held back comes too late.
    bench.proxy.release();
    bench.proxy.wait_delivered(1).await.unwrap();
    assert_eq!(bench.opens().await, (true, false));
    let marked = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'rotunda:%'";
    assert_eq!(bench.number(marked).await, 0, "no idle session bears the mark of a rotation");
}

#[tokio::test]
async fn a_session_that_ended_meanwhile_is_replaced_and_fails_nobody() {
    let bench = Bench::start().await;
    let rotator = PostgresRotator::new();
    assert!(rotator.preflight(bench.job()).await.is_ok());
    bench
        .sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'rotunda'")
        .await;
    assert!(rotator.preflight(bench.job()).await.is_ok());
    assert_eq!(rotator.apply(bench.job(), &candidate(NEW)).await, Outcome::Applied);
}

#[tokio::test]
async fn a_session_in_which_something_failed_is_not_used_again() {
    let bench = Bench::start().await;
    let rotator = PostgresRotator::new();
    assert!(rotator.preflight(bench.job()).await.is_ok());
    let outcome = rotator.apply(other(&bench, "nobody"), &candidate(NEW)).await;
    assert!(matches!(outcome, Outcome::NotApplied(ref fault) if fault.class == FaultClass::AccountMissing));
    let before = bench.proxy.connections();
    assert_eq!(rotator.apply(bench.job(), &candidate(NEW)).await, Outcome::Applied);
    assert_eq!(bench.proxy.connections(), before + 1);
}

#[tokio::test]
async fn another_password_or_target_finds_no_session_and_idle_ones_end() {
    let bench = Bench::start().await;
    let rotator = PostgresRotator::new();
    assert!(rotator.preflight(bench.job()).await.is_ok());
    let wrong = login(bench.server.superuser(), "wrong-1");
    let refused = rotator.preflight(Job { management: &wrong, ..bench.job() }).await;
    assert_eq!(refused.unwrap_err().class, FaultClass::ManagementAuthRefused);
    let idle = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'rotunda%'";
    for _ in 0..500 {
        if bench.number(idle).await == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("an idle session stays");
}
