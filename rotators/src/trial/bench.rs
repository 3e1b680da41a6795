//! What the promises work with: the plugin, one account, and whoever can say which password opens it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use vault_core::clock::Timestamp;
use vault_core::entropy::OsEntropy;
use vault_core::id::RotationId;
use vault_core::password::PasswordPolicy;
use vault_core::rotation::port::{Job, Login, Outcome, Probe, Rights, Rotator, TargetSpec};
use vault_core::secret::SecretString;

use super::{Notes, Trial};
use crate::plugin::{Host, Limits, PluginRotator, Registration};

/// What was found when a promise was not kept.
pub(super) type Done<T> = Result<T, String>;

pub(super) struct Bench<'a> {
    pub(super) plugin: PluginRotator,
    pub(super) trial: &'a Trial,
    pub(super) notes: Arc<Notes>,
    /// The account's rights before anything was changed.
    pub(super) at_first: OnceLock<Rights>,
    host: Host,
    registration: Registration,
}

impl<'a> Bench<'a> {
    pub(super) fn new(trial: &'a Trial, host: Host, registration: Registration, notes: Arc<Notes>) -> Self {
        let plugin = PluginRotator::new(Arc::new(host.clone()), registration.clone());
        Self { plugin, trial, notes, at_first: OnceLock::new(), host, registration }
    }

    pub(super) fn spec(&self) -> &TargetSpec {
        &self.trial.spec
    }

    /// A rotation of its own.
    pub(super) fn job(&self) -> Job<'_> {
        let rotation = RotationId::generate(Timestamp::from_secs(1_800_000_000), &OsEntropy);
        Job::new(&self.trial.spec, &self.trial.management, &self.trial.account, rotation)
    }

    pub(super) fn login(&self, password: &SecretString) -> Login {
        Login { username: self.trial.account.clone(), password: password.duplicate() }
    }

    /// Gives the account a password that nobody has seen, and no other.
    pub(super) async fn fresh(&self) -> Done<SecretString> {
        let password = made();
        let job = Job { is_adoption: true, ..self.job() };
        match self.plugin.apply(job, &password).await {
            Outcome::Applied => Ok(password),
            other => {
                Err(format!("the account could not be given a password to begin with: apply: {other:?}"))
            }
        }
    }

    /// The plugin, killed when a request has taken so long.
    pub(super) fn cut_after(&self, time: Duration) -> PluginRotator {
        let limits = Limits { deadline: time, ..self.host.limits };
        PluginRotator::new(Arc::new(Host { limits, ..self.host.clone() }), self.registration.clone())
    }

    /// Whether a login is let in; both who can say it must say the same.
    pub(super) async fn accepts(&self, password: &SecretString) -> Done<bool> {
        let login = self.login(password);
        let said = match self.plugin.probe(self.spec(), &login).await {
            Probe::Works => true,
            Probe::Refused => false,
            other => return Err(format!("probe: {other:?}")),
        };
        if let Some(witness) = &self.trial.witness {
            let seen = witness.accepts(&login).await.map_err(|error| format!("the witness: {error}"))?;
            expect(seen == said, || {
                format!("probe says that a login is {}; the witness, that it is {}", word(said), word(seen))
            })?;
        }
        Ok(said)
    }

    /// Whether the account is opened by exactly these of two passwords.
    pub(super) async fn opens(&self, old: (&SecretString, bool), new: (&SecretString, bool)) -> Done<()> {
        let found = (self.accepts(old.0).await?, self.accepts(new.0).await?);
        expect(found == (old.1, new.1), || {
            format!("a login with the old password is {}; with the new one, {}", word(found.0), word(found.1))
        })
    }

    pub(super) async fn preflight(&self, job: Job<'_>) -> Done<Rights> {
        self.plugin.preflight(job).await.map_err(|fault| format!("preflight: {fault}"))
    }
}

fn word(accepted: bool) -> &'static str {
    if accepted { "let in" } else { "refused" }
}

/// A password as the vault makes them.
pub(super) fn made() -> SecretString {
    PasswordPolicy::default().generate(&OsEntropy)
}

pub(super) fn expect(holds: bool, found: impl FnOnce() -> String) -> Done<()> {
    if holds { Ok(()) } else { Err(found()) }
}

pub(super) fn same<T: PartialEq + std::fmt::Debug>(step: &str, found: &T, wanted: &T) -> Done<()> {
    expect(found == wanted, || format!("{step}: {found:?} instead of {wanted:?}"))
}
