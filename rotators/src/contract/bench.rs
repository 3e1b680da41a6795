//! What the promises work with: a job for an account, and an ear for every message.

use std::sync::{Mutex, PoisonError};

use vault_core::clock::Timestamp;
use vault_core::entropy::SeededEntropy;
use vault_core::id::RotationId;
use vault_core::rotation::fault::Fault;
use vault_core::rotation::port::{
    Job, Login, Minting, Outcome, Probe, Rights, Rotator, TargetSpec, Verification,
};
use vault_core::secret::SecretString;

use super::{Done, Fixture};

/// The rotator and the target's administrator, side by side.
pub(super) struct Bench<'a> {
    pub(super) rotator: &'a dyn Rotator,
    pub(super) fixture: &'a dyn Fixture,
    pub(super) spec: TargetSpec,
    pub(super) management: Login,
    entropy: SeededEntropy,
    /// Secrets that the target made, which no message may hold.
    secrets: Mutex<Vec<String>>,
    /// Everything that a person could be shown.
    heard: Mutex<Vec<String>>,
}

impl<'a> Bench<'a> {
    pub(super) fn new(rotator: &'a dyn Rotator, fixture: &'a dyn Fixture) -> Self {
        Self {
            rotator,
            fixture,
            spec: fixture.spec(),
            management: fixture.management(),
            entropy: SeededEntropy::new(7),
            secrets: Mutex::default(),
            heard: Mutex::default(),
        }
    }

    /// Creates an account and a job for it.
    pub(super) async fn account(&self, username: &'a str, password: &str) -> Done<Job<'_>> {
        self.fixture.create_account(username, password).await?;
        Ok(self.job(username, &self.management))
    }

    /// A rotation of its own for this account.
    pub(super) fn job<'b>(&'b self, username: &'b str, management: &'b Login) -> Job<'b> {
        let rotation = RotationId::generate(Timestamp::from_secs(1_800_000_000), &self.entropy);
        Job::new(&self.spec, management, username, rotation)
    }

    pub(super) async fn preflight(&self, job: Job<'_>) -> Result<Rights, Fault> {
        self.hear(self.rotator.preflight(job).await)
    }

    pub(super) async fn apply(&self, job: Job<'_>, candidate: &str) -> Outcome {
        self.hear(self.rotator.apply(job, &secret(candidate)).await)
    }

    pub(super) async fn mint(&self, job: Job<'_>) -> Minting {
        self.hear(self.rotator.mint(job).await)
    }

    pub(super) async fn settle(&self, job: Job<'_>) -> Result<(), Fault> {
        self.hear(self.rotator.settle(job).await)
    }

    pub(super) async fn probe(&self, username: &str, password: &str) -> Probe {
        self.probe_login(&login(username, password)).await
    }

    pub(super) async fn probe_login(&self, login: &Login) -> Probe {
        self.hear(self.rotator.probe(&self.spec, login).await)
    }

    pub(super) async fn verify(&self, job: Job<'_>, password: &str, expected: &Rights) -> Verification {
        self.verify_login(job, &login(job.username, password), expected).await
    }

    pub(super) async fn verify_login(&self, job: Job<'_>, login: &Login, expected: &Rights) -> Verification {
        self.hear(self.rotator.verify(job, login, expected).await)
    }

    pub(super) async fn retire(&self, job: Job<'_>, old: &str) -> Outcome {
        self.retire_login(job, &login(job.username, old)).await
    }

    pub(super) async fn retire_login(&self, job: Job<'_>, old: &Login) -> Outcome {
        self.hear(self.rotator.retire(job, old).await)
    }

    pub(super) async fn end_sessions(&self, job: Job<'_>) -> Result<u32, Fault> {
        self.hear(self.rotator.end_sessions(job).await)
    }

    /// Whether the administrator finds exactly this: which of the two passwords opens the account.
    pub(super) async fn opens(
        &self,
        username: &str,
        old: bool,
        new: bool,
        passwords: (&str, &str),
    ) -> Done<()> {
        let found = (
            self.fixture.accepts(username, passwords.0).await?,
            self.fixture.accepts(username, passwords.1).await?,
        );
        expect(found == (old, new), || {
            format!("the old password opens the account: {}; the new one: {}", found.0, found.1)
        })
    }

    /// Whether the administrator finds that this password does not open the account.
    pub(super) async fn is_shut(&self, username: &str, password: &str) -> Done<bool> {
        Ok(!self.fixture.accepts(username, password).await?)
    }

    /// Remembers a secret that the target made.
    pub(super) fn remember(&self, secret: &str) {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).push(secret.to_owned());
    }

    pub(super) fn remembered(&self) -> Vec<String> {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Remembers what was said, to look for passwords in it later.
    pub(super) fn hear<T: std::fmt::Debug>(&self, said: T) -> T {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{said:?}"));
        said
    }

    pub(super) fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A login from test data.
pub(super) fn login(username: &str, password: &str) -> Login {
    Login { username: username.to_owned(), password: secret(password) }
}

fn secret(text: &str) -> SecretString {
    SecretString::new(text.to_owned())
}

/// Fails with what was found unless it holds.
pub(super) fn expect(holds: bool, found: impl FnOnce() -> String) -> Done<()> {
    if holds { Ok(()) } else { Err(found()) }
}

/// Fails unless the two are alike; says which step it was.
pub(super) fn same<T: PartialEq + std::fmt::Debug>(step: &str, found: &T, wanted: &T) -> Done<()> {
    expect(found == wanted, || format!("{step}: {found:?} instead of {wanted:?}"))
}
