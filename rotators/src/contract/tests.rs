//! The suite against the fake target: it passes a faithful one and catches the others.

use std::collections::BTreeMap;

use vault_core::rotation::fault::FaultClass;
use vault_core::secret::SecretString;

use super::*;
use crate::fake::{FakeTarget, Mishap, Verb};

struct FakeFixture(FakeTarget);

impl FakeFixture {
    fn over(target: FakeTarget) -> Self {
        target.create_account("admin", "root-of-the-fake");
        Self(target)
    }
}

fn done<'a, T: Send + 'a>(value: T) -> BoxFuture<'a, Done<T>> {
    Box::pin(std::future::ready(Ok(value)))
}

impl Fixture for FakeFixture {
    fn spec(&self) -> TargetSpec {
        TargetSpec { connection_url: "fake:".to_owned(), settings: BTreeMap::new() }
    }
    fn management(&self) -> Login {
        Login { username: "admin".to_owned(), password: SecretString::new("root-of-the-fake".to_owned()) }
    }
    fn create_account<'a>(&'a self, username: &'a str, password: &'a str) -> BoxFuture<'a, Done<()>> {
        self.0.create_account(username, password);
        done(())
    }
    fn accepts<'a>(&'a self, username: &'a str, password: &'a str) -> BoxFuture<'a, Done<bool>> {
        done(self.0.accepts(username, password))
    }
    fn open_session<'a>(&'a self, username: &'a str, _password: &'a str) -> BoxFuture<'a, Done<()>> {
        self.0.open_session(username);
        done(())
    }
    fn take_right<'a>(&'a self, username: &'a str) -> BoxFuture<'a, Done<()>> {
        self.0.set_rights(username, &[]);
        done(())
    }
    fn refused_logins<'a>(&'a self, username: &'a str) -> BoxFuture<'a, Done<Option<u32>>> {
        done(Some(self.0.failed_logins(username)))
    }
    fn credentials<'a>(&'a self, username: &'a str) -> BoxFuture<'a, Done<usize>> {
        done(self.0.passwords(username).len())
    }
    fn creation(&self) -> Option<[Vec<String>; 2]> {
        Some([vec!["make".to_owned()], vec!["make".to_owned(), "FAIL".to_owned()]])
    }
    fn break_next_apply(&self, how: Break) -> BoxFuture<'_, Done<()>> {
        let mishap = match how {
            Break::ReplyLost => Mishap::ReplyLost,
            Break::RequestLost => Mishap::RequestLost,
            Break::RequestLate => Mishap::InFlight,
        };
        self.0.next(Verb::Apply, mishap);
        self.0.next(Verb::Create, mishap);
        done(())
    }
    fn deliver(&self) -> BoxFuture<'_, Done<()>> {
        self.0.deliver();
        done(())
    }
    fn break_down(&self) -> BoxFuture<'_, Done<()>> {
        self.0.break_down(FaultClass::Unreachable);
        done(())
    }
    fn heal(&self) -> BoxFuture<'_, Done<()>> {
        self.0.heal();
        done(())
    }
}

async fn suite(target: FakeTarget) -> Result<Vec<&'static str>, Breach> {
    let fixture = FakeFixture::over(target);
    run(&fixture.0, &fixture).await
}

#[tokio::test]
async fn a_faithful_target_keeps_every_promise() {
    assert_eq!(suite(FakeTarget::new()).await.map(|kept| kept.len()), Ok(14));
    assert_eq!(suite(FakeTarget::overlapping()).await.map(|kept| kept.len()), Ok(14));
    assert_eq!(suite(FakeTarget::alternating()).await.map(|kept| kept.len()), Ok(15));
    assert_eq!(suite(FakeTarget::minting()).await.map(|kept| kept.len()), Ok(11));
}

#[tokio::test]
async fn an_unfaithful_maker_of_credentials_is_caught_at_the_promise_it_breaks() {
    for (verb, mishap, promise) in [
        (Verb::Apply, Mishap::Lies, "a credential that the target makes"),
        (Verb::Apply, Mishap::ReplyLost, "a credential that the target makes"),
        (Verb::Apply, Mishap::LosesRight, "an account that is adopted"),
        (Verb::Retire, Mishap::Lies, "a credential that the target makes"),
        (Verb::Settle, Mishap::Fails(FaultClass::PermissionDenied), "a refused management credential"),
    ] {
        let target = FakeTarget::minting();
        target.always(verb, mishap);
        let breach = suite(target).await.unwrap_err();
        assert!(breach.promise.starts_with(promise), "{mishap:?} at {verb:?}: {breach}");
    }
}

#[tokio::test]
async fn an_account_that_stays_open_after_its_turn_is_caught() {
    let target = FakeTarget::alternating();
    target.always(Verb::Retire, Mishap::Lies);
    let fixture = FakeFixture::over(target);
    let breach = run_turns(&Bench::new(&fixture.0, &fixture)).await.unwrap_err();
    assert!(breach.promise.starts_with("of two accounts that take turns"), "{breach}");
}

#[tokio::test]
async fn an_unfaithful_target_is_caught_at_the_promise_it_breaks() {
    for (verb, mishap, promise) in [
        (Verb::Apply, Mishap::Lies, "apply makes the candidate"),
        (Verb::Apply, Mishap::LosesRight, "apply makes the candidate"),
        (Verb::Apply, Mishap::ReplyLost, "apply makes the candidate"),
        (Verb::Probe, Mishap::Fails(FaultClass::Unreachable), "a sound target"),
        (Verb::Settle, Mishap::Fails(FaultClass::PermissionDenied), "a refused management credential"),
        (Verb::Create, Mishap::Lies, "a user that is made for a lease"),
        (Verb::Extend, Mishap::RequestLost, "a user that is made for a lease"),
        (Verb::Remove, Mishap::Lies, "a user that is made for a lease"),
    ] {
        let target = FakeTarget::new();
        target.always(verb, mishap);
        let breach = suite(target).await.unwrap_err();
        assert!(breach.promise.starts_with(promise), "{mishap:?} at {verb:?}: {breach}");
    }
}
