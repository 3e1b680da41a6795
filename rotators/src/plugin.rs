//! Rotators that are programs of their own: each verb is a request to an executable, as JSON on its standard input.
//!
//! A plugin is pinned by the SHA-256 of its file, sees secrets on standard input only, and gets a clean environment, a
//! deadline, a limit of memory and of output, and an unprivileged user where one is configured (`launch`). Whatever it
//! does besides a reply that fits (`judge`) is a fault: after an `apply` was handed over it says that the outcome is
//! not known, never that nothing happened. The words of the protocol: `docs/plugin-protocol.md`.

use std::sync::Arc;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use vault_core::entropy::{Entropy, OsEntropy, random_bytes};
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{
    BoxFuture, CheckReport, Job, Login, Minting, Outcome, Probe, Rights, Rotator, TargetSpec, Verification,
};
use vault_core::secret::SecretString;

mod call;
mod judge;
pub mod launch;
mod protocol;
mod registration;

pub use call::{Ear, Host, Limits};
pub use protocol::{Described, PROTOCOL, SettingRule, TextRule, Verb};
pub use registration::Registration;

use call::{Call, End, say};
use judge::{Broken, Judge};
use launch::{LaunchFailure, Order};
use protocol::{Reply, Request};

/// A rotator that is an executable.
pub struct PluginRotator {
    host: Arc<Host>,
    registration: Registration,
}

/// Why there is no answer that counts.
enum Gone {
    /// Nothing was handed over.
    Untouched(Fault),
    /// It was, and nobody knows what came of it.
    Doubtful(Fault),
}

impl Gone {
    fn fault(self) -> Fault {
        match self {
            Self::Untouched(fault) | Self::Doubtful(fault) => fault,
        }
    }

    fn outcome(self) -> Outcome {
        match self {
            Self::Untouched(fault) => Outcome::NotApplied(fault),
            Self::Doubtful(fault) => Outcome::Unknown(fault),
        }
    }
}

impl PluginRotator {
    /// The rotator for a registered plugin.
    #[must_use]
    pub fn new(host: Arc<Host>, registration: Registration) -> Self {
        Self { host, registration }
    }

    /// Asks the plugin what it is and can do. No target is involved.
    ///
    /// # Errors
    /// A fault that says what is wrong with the plugin.
    pub async fn describe(&self) -> Result<Described, Fault> {
        let id = fresh_id();
        let request = Request::new(Verb::Describe, &id);
        self.ask(request, |judge, reply| judge.described(reply)).await.map_err(Gone::fault)
    }

    /// The SHA-256 (hex) of a file in the plugin directory, if it may be a plugin.
    ///
    /// # Errors
    /// What is wrong with the file or its place.
    pub fn digest(host: &Host, command: &str) -> Result<String, LaunchFailure> {
        launch::digest(&host.directory, command)
    }

    async fn ask<T>(
        &self,
        request: Request<'_>,
        judge: impl FnOnce(&Judge<'_>, Reply) -> Result<T, Broken>,
    ) -> Result<T, Gone> {
        let name = &self.registration.name;
        let secrets = Arc::new(request.secrets());
        let Some(line) = request.to_line() else {
            return Err(Gone::Untouched(say(
                name,
                FaultClass::PluginFailed,
                "its request cannot be written",
            )));
        };
        let call = Call {
            plugin: name.clone(),
            order: self.order(request.lock.clone()),
            verb: request.verb,
            request: line,
            secrets: Arc::clone(&secrets),
        };
        match call::run(Arc::clone(&self.host), call).await {
            End::NotStarted(fault) => Err(Gone::Untouched(fault)),
            End::Failed(fault) => Err(Gone::Doubtful(fault)),
            End::Replied(bytes) => {
                let judgement = Judge { plugin: name, secrets: &secrets };
                let read = judgement.read(&bytes, request.id).and_then(|reply| judge(&judgement, reply));
                read.map_err(|broken| Gone::Doubtful(say(name, FaultClass::PluginFailed, broken)))
            }
        }
    }

    fn order(&self, lock: Option<String>) -> Order {
        let host = &self.host;
        Order {
            directory: host.directory.clone(),
            command: self.registration.command.clone(),
            sha256: self.registration.sha256.clone(),
            args: self.registration.args.clone(),
            env: self.registration.environment(),
            user: host.user,
            memory_bytes: host.limits.memory_bytes,
            deadline_ms: u64::try_from(host.limits.deadline.as_millis()).unwrap_or(u64::MAX),
            runs: host.runs.clone(),
            lock,
        }
    }

    /// What the plugin has said of itself; by default, what promises least.
    #[must_use]
    pub fn described(&self) -> Described {
        self.registration.described.clone().unwrap_or_default()
    }
}

impl Rotator for PluginRotator {
    fn kind(&self) -> &'static str {
        "plugin"
    }

    fn validate(&self, spec: &TargetSpec) -> Result<(), String> {
        check_address(&spec.connection_url)?;
        let known = &self.described().settings;
        if let Some(missing) =
            known.iter().find(|(name, rule)| rule.required && !spec.settings.contains_key(*name))
        {
            return Err(format!("{} is missing: {}", missing.0, missing.1.about));
        }
        match spec.settings.keys().find(|name| !known.contains_key(*name)) {
            Some(name) => Err(format!("the plugin {} has no setting {name:?}", self.registration.name)),
            None => Ok(()),
        }
    }

    fn validate_login(&self, login: &Login) -> Result<(), String> {
        let rules = self.described();
        rules.username.check("user name", &login.username)?;
        rules.password.check("password", login.password.expose())
    }

    fn check<'a>(
        &'a self,
        spec: &'a TargetSpec,
        management: &'a Login,
    ) -> BoxFuture<'a, Result<CheckReport, Fault>> {
        Box::pin(async move {
            let id = fresh_id();
            let request = Request::new(Verb::Check, &id).of(spec).by(management);
            self.ask(request, |judge, reply| judge.report(reply))
                .await
                .unwrap_or_else(|gone| Err(gone.fault()))
        })
    }

    fn preflight<'a>(&'a self, job: Job<'a>) -> BoxFuture<'a, Result<Rights, Fault>> {
        Box::pin(async move {
            let id = fresh_id();
            let request = Request::new(Verb::Preflight, &id).job(job);
            self.ask(request, |judge, reply| judge.rights(reply))
                .await
                .unwrap_or_else(|gone| Err(gone.fault()))
        })
    }

    fn apply<'a>(&'a self, job: Job<'a>, candidate: &'a SecretString) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let id = fresh_id();
            let request = Request::new(Verb::Apply, &id).job(job).candidate(candidate);
            self.ask(request, |judge, reply| judge.outcome(reply)).await.unwrap_or_else(Gone::outcome)
        })
    }

    fn mint<'a>(&'a self, job: Job<'a>) -> BoxFuture<'a, Minting> {
        Box::pin(async move {
            let id = fresh_id();
            let request = Request::new(Verb::Mint, &id).job(job);
            self.ask(request, |judge, reply| judge.minted(reply)).await.unwrap_or_else(|gone| match gone {
                Gone::Untouched(fault) => Minting::NotMade(fault),
                Gone::Doubtful(fault) => Minting::Unknown(fault),
            })
        })
    }

    fn settle<'a>(&'a self, job: Job<'a>) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            let id = fresh_id();
            let request = Request::new(Verb::Settle, &id).job(job);
            self.ask(request, |judge, reply| judge.settled(reply))
                .await
                .unwrap_or_else(|gone| Err(gone.fault()))
        })
    }

    fn probe<'a>(&'a self, spec: &'a TargetSpec, login: &'a Login) -> BoxFuture<'a, Probe> {
        Box::pin(async move {
            let id = fresh_id();
            let request = Request::new(Verb::Probe, &id).of(spec).login(login);
            self.ask(request, |judge, reply| judge.probed(reply))
                .await
                .unwrap_or_else(|gone| Probe::Inconclusive(gone.fault()))
        })
    }

    fn verify<'a>(
        &'a self,
        job: Job<'a>,
        login: &'a Login,
        expected: &'a Rights,
    ) -> BoxFuture<'a, Verification> {
        Box::pin(async move {
            let id = fresh_id();
            let request = Request::new(Verb::Verify, &id).job(job).login(login).rights(expected);
            self.ask(request, |judge, reply| judge.verified(reply))
                .await
                .unwrap_or_else(|gone| Verification::Inconclusive(gone.fault()))
        })
    }

    fn retire<'a>(&'a self, job: Job<'a>, old: &'a Login) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let id = fresh_id();
            let request = Request::new(Verb::Retire, &id).job(job).login(old);
            self.ask(request, |judge, reply| judge.outcome(reply)).await.unwrap_or_else(Gone::outcome)
        })
    }

    fn end_sessions<'a>(&'a self, job: Job<'a>) -> BoxFuture<'a, Result<u32, Fault>> {
        Box::pin(async move {
            let id = fresh_id();
            let request = Request::new(Verb::EndSessions, &id).job(job);
            self.ask(request, |judge, reply| judge.ended(reply))
                .await
                .unwrap_or_else(|gone| Err(gone.fault()))
        })
    }

    fn ends_sessions(&self, _spec: &TargetSpec) -> bool {
        self.described().ends_sessions
    }

    fn late_requests(&self, _spec: &TargetSpec) -> bool {
        self.described().late_requests
    }

    fn overlaps(&self, _spec: &TargetSpec) -> bool {
        self.described().overlaps
    }

    fn mints(&self, _spec: &TargetSpec) -> bool {
        self.described().mints
    }

    fn alternates(&self, _spec: &TargetSpec) -> bool {
        self.described().alternates
    }
}

/// The address is shown to people, so it must hold no password.
fn check_address(address: &str) -> Result<(), String> {
    if address.is_empty() {
        return Err("connection_url is missing: where the target is, in the plugin's own words".to_owned());
    }
    let Some((_, rest)) = address.split_once("://") else { return Ok(()) };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let Some((user, _)) = authority.rsplit_once('@') else { return Ok(()) };
    match user.split_once(':') {
        Some((_, password)) if password != "{{password}}" => {
            Err("connection_url holds a password: write {{username}}:{{password}} in its place".to_owned())
        }
        _ => Ok(()),
    }
}

/// Which lock the verbs that change an account hold. Few files for many accounts: two that share one wait for
/// each other, which costs nothing but time.
fn lock_name(spec: &TargetSpec, username: &str) -> String {
    let digest =
        Sha256::new().chain_update(&spec.connection_url).chain_update([0]).chain_update(username).finalize();
    let mut name = HEXLOWER.encode(&digest);
    name.truncate(LOCK_DIGITS);
    format!("lock-{name}")
}

/// An id that a reply must repeat.
fn fresh_id() -> String {
    HEXLOWER.encode(&random_bytes::<16>(&OsEntropy as &dyn Entropy))
}

/// 65,536 locks at most; a file comes to be when it is needed.
const LOCK_DIGITS: usize = 4;
