//! The rotator for accounts of services with an HTTP API, by a description of that API in the target's settings.
//!
//! The description says which requests look at an account, make or set its credential, list and delete its
//! credentials, and try one. With `create` the API makes the credentials, several live side by side, and each bears the
//! rotation's id in its label, by which `settle` finds and deletes one whose answer was lost. With `set` the vault
//! brings the password, and setting it again is harmless. Nothing is retried here, nothing is followed but the next
//! page of a list. Limits of this: `docs/rotators/http.md`.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{sleep, timeout};
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{
    BoxFuture, CheckReport, Job, Login, Minting, Outcome, Probe, Rights, Rotator, TargetSpec, Verification,
};
use vault_core::secret::SecretString;

mod api;
mod classify;
mod command;
pub mod config;
mod document;
mod keys;
pub mod link;
mod login;
mod management;
pub mod pointer;
pub mod service;
pub mod template;

use classify::Purpose;
use config::Config;
use login::try_login;
use management::{Changed, Found, Manager};
use service::{Making, Sessions, Shown};
use template::Values;

/// Changes, verifies and revokes credentials over HTTP APIs.
#[derive(Clone, Copy, Debug, Default)]
pub struct HttpRotator;

impl HttpRotator {
    /// The rotator; it has no state.
    #[must_use]
    pub fn new() -> Self {
        Self
    }
}

impl Rotator for HttpRotator {
    fn kind(&self) -> &'static str {
        "http"
    }

    fn validate(&self, spec: &TargetSpec) -> Result<(), String> {
        Config::parse(spec).map(drop).map_err(|error| error.to_string())
    }

    fn validate_login(&self, login: &Login) -> Result<(), String> {
        command::check_name(&login.username)
            .and_then(|()| command::check_password(&login.password))
            .map_err(|error| error.to_string())
    }

    fn check<'a>(
        &'a self,
        spec: &'a TargetSpec,
        management: &'a Login,
    ) -> BoxFuture<'a, Result<CheckReport, Fault>> {
        Box::pin(async move { report(&parse(spec)?, management).await })
    }

    fn preflight<'a>(&'a self, job: Job<'a>) -> BoxFuture<'a, Result<Rights, Fault>> {
        Box::pin(preflight(job))
    }

    fn apply<'a>(&'a self, job: Job<'a>, candidate: &'a SecretString) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { apply(job, candidate).await.unwrap_or_else(Outcome::NotApplied) })
    }

    fn settle<'a>(&'a self, job: Job<'a>) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(settle(job))
    }

    fn probe<'a>(&'a self, spec: &'a TargetSpec, login: &'a Login) -> BoxFuture<'a, Probe> {
        Box::pin(async move {
            match parse(spec) {
                Ok(config) => try_login(&config, login).await.0,
                Err(fault) => Probe::Inconclusive(fault),
            }
        })
    }

    fn verify<'a>(
        &'a self,
        job: Job<'a>,
        login: &'a Login,
        expected: &'a Rights,
    ) -> BoxFuture<'a, Verification> {
        Box::pin(async move { verify(job, login, expected).await.unwrap_or_else(Verification::Inconclusive) })
    }

    fn retire<'a>(&'a self, job: Job<'a>, old: &'a Login) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { keys::retire(job, old).await.unwrap_or_else(Outcome::NotApplied) })
    }

    fn end_sessions<'a>(&'a self, job: Job<'a>) -> BoxFuture<'a, Result<u32, Fault>> {
        Box::pin(end_sessions(job))
    }

    fn ends_sessions(&self, spec: &TargetSpec) -> bool {
        Config::parse(spec).is_ok_and(|config| config.service.sessions.is_some())
    }

    fn late_requests(&self, _spec: &TargetSpec) -> bool {
        // Nothing is known of an API that would keep a request that is late from its effect.
        true
    }

    fn overlaps(&self, spec: &TargetSpec) -> bool {
        self.mints(spec)
    }

    fn mints(&self, spec: &TargetSpec) -> bool {
        Config::parse(spec).is_ok_and(|config| config.service.mints())
    }

    fn mint<'a>(&'a self, job: Job<'a>) -> BoxFuture<'a, Minting> {
        Box::pin(async move { keys::mint(job).await.unwrap_or_else(Minting::NotMade) })
    }
}

fn parse(spec: &TargetSpec) -> Result<Config, Fault> {
    Config::parse(spec).map_err(|error| Fault::new(FaultClass::Preflight, error.to_string()))
}

fn refused(error: command::LoginError) -> Fault {
    Fault::new(FaultClass::Preflight, error.to_string())
}

fn say(config: &Config, class: FaultClass, what: &str) -> Fault {
    Fault::new(class, format!("{}: {what}", config.place()))
}

async fn report(config: &Config, management: &Login) -> Result<CheckReport, Fault> {
    let version = Manager::open(config, management).await?.check(management).await?;
    let name = &config.service.name;
    let server = version.map_or_else(|| name.clone(), |version| format!("{name} {version}"));
    let mut passed = vec![format!("{} takes the management credential", config.place())];
    if config.encrypted() {
        passed.push("the connection is encrypted by TLS".to_owned());
    }
    passed.push(match config.service.mints() {
        true => "the API makes the credentials; old and new ones live side by side".to_owned(),
        false => "the vault brings the passwords".to_owned(),
    });
    let mut warnings = Vec::new();
    if !config.is_near() && !config.encrypted() {
        warnings.push("the connection is not encrypted: use https://".to_owned());
    }
    if !config.is_near() && config.reach.tls == crate::network::TlsMode::Require {
        warnings.push("the server's identity is not verified: set sslmode=verify-full, and sslrootcert if its authority is your own".to_owned());
    }
    Ok(CheckReport { server, passed, warnings })
}

async fn preflight(job: Job<'_>) -> Result<Rights, Fault> {
    command::check_name(job.username).map_err(refused)?;
    let config = parse(job.spec)?;
    let manager = Manager::open(&config, job.management).await?;
    let account = manager.account(job.username).await?;
    manager.let_in(&account)?;
    if let Making::Target(keys) = &config.service.making {
        // Without the list nothing that was lost could be found.
        manager.credentials(keys, &account).await?;
    }
    manager.rights(&account).await
}

/// Sets the password. `Err` and `NotApplied` say that it certainly was not.
async fn apply(job: Job<'_>, candidate: &SecretString) -> Result<Outcome, Fault> {
    command::check_name(job.username).map_err(refused)?;
    command::check_password(candidate).map_err(refused)?;
    let config = parse(job.spec)?;
    let Making::Vault(set) = &config.service.making else {
        return Err(say(&config, FaultClass::Preflight, "the API makes the credentials itself"));
    };
    if matches!(config.service.login.by, Shown::Header(..)) && !api::fits_header(candidate) {
        let what = "the new password has signs that the header of the login cannot carry";
        return Err(say(&config, FaultClass::PolicyRejected, what));
    }
    let manager = Manager::open(&config, job.management).await?;
    let account = manager.account(job.username).await?;
    let values = Values { password: Some(candidate), rotation: Some(job.rotation), ..account.values() };
    Ok(match manager.change(set, Purpose::Set, &values).await {
        Changed::Done(_) => Outcome::Applied,
        Changed::Not(fault) => Outcome::NotApplied(fault),
        Changed::Unknown(fault) => Outcome::Unknown(fault),
    })
}

/// Deletes what this rotation has made and the vault does not know. A password that was set needs nothing: setting
/// it again does no harm.
async fn settle(job: Job<'_>) -> Result<(), Fault> {
    let config = parse(job.spec)?;
    let manager = Manager::open(&config, job.management).await?;
    let Making::Target(keys) = &config.service.making else {
        return manager.check(job.management).await.map(drop);
    };
    let account = match manager.account(job.username).await {
        Ok(account) => account,
        // Its credentials are gone with it.
        Err(fault) if fault.class == FaultClass::AccountMissing => return Ok(()),
        Err(fault) => return Err(fault),
    };
    let rotation = job.rotation.to_string();
    let all = manager.credentials(keys, &account).await?;
    let lost = all.iter().filter(|key| key.label.contains(&rotation) && !job.handles.know(&key.handle));
    manager.delete_all(keys, &account, lost.map(|key| key.handle.as_str())).await
}

async fn verify(job: Job<'_>, login: &Login, expected: &Rights) -> Result<Verification, Fault> {
    let config = parse(job.spec)?;
    match try_login(&config, login).await.0 {
        Probe::Works => {}
        Probe::Refused => {
            let fault = say(&config, FaultClass::VerifyRefused, "the API refused this credential");
            return Ok(Verification::Refused(fault));
        }
        Probe::Blocked(fault) | Probe::Inconclusive(fault) => return Err(fault),
    }
    let manager = Manager::open(&config, job.management).await?;
    let account = manager.account(job.username).await?;
    let lost = expected.lost_in(&manager.rights(&account).await?);
    if !lost.is_empty() {
        return Ok(Verification::RightsLost(lost));
    }
    if let (Making::Target(described), true) = (&config.service.making, job.is_adoption) {
        keys::adopt(&manager, described, &account, job, config.keeps_others).await?;
    }
    Ok(Verification::Verified)
}

async fn end_sessions(job: Job<'_>) -> Result<u32, Fault> {
    let config = parse(job.spec)?;
    let manager = Manager::open(&config, job.management).await?;
    let Some(sessions) = &config.service.sessions else {
        manager.check(job.management).await?;
        let what = "the description does not say how sessions are ended: those that are open live on";
        return Err(say(&config, FaultClass::PermissionDenied, what));
    };
    let account = manager.account(job.username).await?;
    let count = open_sessions(&manager, sessions, &account).await?;
    if count == 0 {
        return Ok(0);
    }
    match manager.change(&sessions.end, Purpose::EndSessions, &account.values()).await {
        Changed::Done(_) => {}
        Changed::Not(fault) => return Err(fault),
        Changed::Unknown(fault) => return Err(Fault::new(FaultClass::Unreachable, fault.detail)),
    }
    let gone = async {
        let mut pause = GONE_PAUSE_MIN;
        while open_sessions(&manager, sessions, &account).await? > 0 {
            sleep(pause).await;
            pause = (pause * 2).min(GONE_PAUSE_MAX);
        }
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    };
    timeout(config.reach.request_timeout, gone).await.unwrap_or_else(|_| {
        Err(say(&config, FaultClass::Unreachable, "sessions that were told to end are still there"))
    })
}

async fn open_sessions(
    manager: &Manager<'_>,
    sessions: &Sessions,
    account: &Found<'_>,
) -> Result<usize, Fault> {
    let answer = manager.look(&sessions.list, Purpose::Sessions, &account.values()).await?;
    let items = answer.body.pointer(&sessions.items).and_then(Value::as_array);
    items.map(Vec::len).ok_or_else(|| manager.unexplained("the answer has no list where sessions.items says"))
}

const GONE_PAUSE_MIN: Duration = Duration::from_millis(5);
const GONE_PAUSE_MAX: Duration = Duration::from_millis(200);
