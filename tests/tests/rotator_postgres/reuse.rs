//! Management sessions are used again: by one rotation at a time, never in doubt, and not for long.

use std::task::Poll;
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
    let before = bench.proxy.connections();
    assert!(rotator.preflight(other(&bench, "other")).await.is_ok());
    assert_eq!(rotator.settle(bench.job()).await, Ok(()));
    assert_eq!(rotator.apply(other(&bench, "other"), &candidate("x-2")).await, Outcome::Applied);
    assert_eq!(bench.proxy.connections(), before, "one session served all three");
    // Whatever was held back comes too late.
    bench.proxy.release();
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

#[tokio::test]
async fn however_many_need_it_at_once_a_refused_password_is_tried_once() {
    let bench = Bench::start().await;
    let rotator = PostgresRotator::new();
    assert!(rotator.preflight(bench.job()).await.is_ok());
    bench.sql(&format!("ALTER ROLE {} PASSWORD 'changed-outside'", bench.management.username)).await;
    let before = bench.proxy.connections();
    // One of them has the session that is still open; the others have to log in.
    let mut all: Vec<_> = (0..16).map(|_| Box::pin(rotator.preflight(bench.job()))).collect();
    let mut came = Vec::new();
    std::future::poll_fn(|context| {
        all.retain_mut(|one| match one.as_mut().poll(context) {
            Poll::Ready(answer) => {
                came.push(answer);
                false
            }
            Poll::Pending => true,
        });
        if all.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    let refused = came.iter().filter_map(|one| one.as_ref().err()).map(|fault| fault.class);
    assert!(refused.clone().count() >= 15);
    assert!(refused.clone().all(|class| class == FaultClass::ManagementAuthRefused), "{came:?}");
    assert_eq!(bench.proxy.connections() - before, 1);
    // Nor does what was open before go on for long, once it is known.
    let next = rotator.preflight(bench.job()).await;
    assert_eq!(next.unwrap_err().class, FaultClass::ManagementAuthRefused);
}
