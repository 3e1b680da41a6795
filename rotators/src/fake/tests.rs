//! The scripted target does what it is told, and no more.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use vault_core::clock::Timestamp;
use vault_core::entropy::SeededEntropy;
use vault_core::id::RotationId;
use vault_core::rotation::port::{Job, Login, Outcome, Probe, Rotator, TargetSpec, Verification};
use vault_core::secret::SecretString;

use super::*;

fn login(username: &str, password: &str) -> Login {
    Login { username: username.to_owned(), password: SecretString::new(password.to_owned()) }
}

struct Bench {
    target: FakeTarget,
    spec: TargetSpec,
    management: Login,
}

impl Bench {
    fn with(target: FakeTarget) -> Self {
        target.create_account("admin", "root");
        target.create_account("app", "old");
        let spec = TargetSpec { connection_url: "fake:".to_owned(), settings: BTreeMap::new() };
        Self { target, spec, management: login("admin", "root") }
    }

    fn job(&self) -> Job<'_> {
        let rotation = RotationId::generate(Timestamp::EPOCH, &SeededEntropy::new(1));
        Job::new(&self.spec, &self.management, "app", rotation)
    }

    async fn apply(&self) -> Outcome {
        self.target.apply(self.job(), &SecretString::new("new".to_owned())).await
    }
}

#[tokio::test]
async fn a_change_replaces_the_password_or_stands_beside_it_until_retired() {
    let bench = Bench::with(FakeTarget::new());
    assert_eq!(bench.apply().await, Outcome::Applied);
    assert_eq!(bench.target.passwords("app"), ["new"]);

    let bench = Bench::with(FakeTarget::overlapping());
    assert_eq!(bench.apply().await, Outcome::Applied);
    assert_eq!(bench.apply().await, Outcome::Applied);
    assert_eq!(bench.target.passwords("app"), ["old", "new"]);
    assert_eq!(bench.target.retire(bench.job(), &login("app", "old")).await, Outcome::Applied);
    assert_eq!(bench.target.passwords("app"), ["new"]);
}

#[tokio::test]
async fn each_mishap_of_apply_leaves_what_it_promises() {
    for (mishap, unknown, passwords) in [
        (Mishap::Fails(FaultClass::Unreachable), false, ["old"]),
        (Mishap::ReplyLost, true, ["new"]),
        (Mishap::RequestLost, true, ["old"]),
        (Mishap::InFlight, true, ["old"]),
        (Mishap::Lies, false, ["old"]),
    ] {
        let bench = Bench::with(FakeTarget::new());
        bench.target.next(Verb::Apply, mishap);
        let outcome = bench.apply().await;
        assert_eq!(matches!(outcome, Outcome::Unknown(_)), unknown, "{mishap:?}: {outcome:?}");
        assert_eq!(bench.target.passwords("app"), passwords, "{mishap:?}");
        assert_eq!(bench.apply().await, Outcome::Applied, "{mishap:?} strikes once");
    }
}

#[tokio::test]
async fn a_change_in_flight_lands_late_unless_settled() {
    let bench = Bench::with(FakeTarget::new());
    bench.target.next(Verb::Apply, Mishap::InFlight);
    bench.apply().await;
    assert_eq!(bench.target.deliver(), 1);
    assert_eq!(bench.target.passwords("app"), ["new"]);

    let bench = Bench::with(FakeTarget::new());
    bench.target.next(Verb::Apply, Mishap::InFlight);
    bench.apply().await;
    assert_eq!(bench.target.settle(bench.job()).await, Ok(()));
    assert_eq!(bench.target.deliver(), 0);
    assert_eq!(bench.target.passwords("app"), ["old"]);
}

#[test]
fn a_call_that_hangs_waits_for_the_release_and_can_be_dropped_without_effect() {
    let bench = Arc::new(Bench::with(FakeTarget::new()));
    let mut context = Context::from_waker(Waker::noop());
    let candidate = SecretString::new("new".to_owned());

    bench.target.next(Verb::Apply, Mishap::Hangs);
    let mut call = bench.target.apply(bench.job(), &candidate);
    assert!(call.as_mut().poll(&mut context).is_pending());
    assert_eq!(bench.target.hanging(), 1);
    drop(call);
    assert_eq!((bench.target.hanging(), bench.target.applied()), (0, 0));

    bench.target.next(Verb::Apply, Mishap::HangsAfterwards);
    let mut call = bench.target.apply(bench.job(), &candidate);
    assert!(call.as_mut().poll(&mut context).is_pending());
    assert_eq!(bench.target.passwords("app"), ["new"]);
    bench.target.release();
    assert_eq!(call.as_mut().poll(&mut context), Poll::Ready(Outcome::Applied));
}

#[tokio::test]
async fn refused_logins_are_counted_and_looking_is_not() {
    let bench = Bench::with(FakeTarget::new());
    assert!(!bench.target.accepts("app", "wrong"));
    assert_eq!(bench.target.probe(&bench.spec, &login("app", "wrong")).await, Probe::Refused);
    assert_eq!(bench.target.probe(&bench.spec, &login("nobody", "x")).await, Probe::Refused);
    bench.target.lock("app");
    assert!(matches!(bench.target.probe(&bench.spec, &login("app", "old")).await, Probe::Blocked(_)));
    assert_eq!(bench.target.failed_logins("app"), 2);
    assert_eq!(bench.target.failed_logins("nobody"), 1);
    bench.target.set_password("admin", "moved");
    assert!(
        matches!(bench.apply().await, Outcome::NotApplied(fault) if fault.class == FaultClass::ManagementAuthRefused)
    );
    assert_eq!(bench.target.failed_logins("admin"), 1);
}

#[tokio::test]
async fn a_lost_right_is_seen_by_verify() {
    let bench = Bench::with(FakeTarget::new());
    bench.target.set_rights("app", &["attribute LOGIN", "member of readers"]);
    let before = bench.target.preflight(bench.job()).await.unwrap();
    bench.target.next(Verb::Apply, Mishap::LosesRight);
    bench.apply().await;
    assert_eq!(
        bench.target.verify(bench.job(), &login("app", "new"), &before).await,
        Verification::RightsLost(vec!["member of readers".to_owned()])
    );
}
