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
use vault_core::clock::Timestamp;
use vault_core::id::RotationId;
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{
    BoxFuture, CheckReport, Job, Login, Minted, Minting, Outcome, Probe, Rights, Rotator, TargetSpec,
    Verification,
};
use vault_core::secret::SecretString;

mod api;
mod classify;
mod command;
pub mod config;
mod document;
pub mod link;
mod manager;
pub mod pointer;
pub mod service;
pub mod template;

use api::{Answer, Api, Failure};
use classify::Purpose;
use config::Config;
use manager::{Changed, Found, Manager};
use service::{Keys, Making, Sessions, Shown};
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
        Box::pin(async move { retire(job, old).await.unwrap_or_else(Outcome::NotApplied) })
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
        Box::pin(async move { mint(job).await.unwrap_or_else(Minting::NotMade) })
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

/// Has the API make a credential. `Err` and `NotMade` say that it certainly did not.
async fn mint(job: Job<'_>) -> Result<Minting, Fault> {
    command::check_name(job.username).map_err(refused)?;
    let config = parse(job.spec)?;
    let Making::Target(keys) = &config.service.making else {
        return Err(say(&config, FaultClass::Preflight, "the vault brings the passwords of this API"));
    };
    let manager = Manager::open(&config, job.management).await?;
    let account = manager.account(job.username).await?;
    let lifetime = config.service.lifetime;
    let values = Values {
        rotation: Some(job.rotation),
        expires: lifetime.map(|lifetime| begun(job.rotation).plus(lifetime)),
        lifetime_seconds: lifetime.map(|lifetime| lifetime.as_secs()),
        ..account.values()
    };
    Ok(match manager.change(&keys.create, Purpose::Create, &values).await {
        Changed::Done(mut answer) => match minted(keys, &mut answer) {
            Some(minted) => Minting::Made(minted),
            None => {
                let what = "a credential was made, and its handle or secret is not where create.handle and create.secret say";
                Minting::Unknown(say(&config, FaultClass::Ambiguous, what))
            }
        },
        Changed::Not(fault) => Minting::NotMade(fault),
        Changed::Unknown(fault) => Minting::Unknown(fault),
    })
}

/// What the API has made.
fn minted(keys: &Keys, answer: &mut Answer) -> Option<Minted> {
    let handle = answer.body.pointer(&keys.handle).and_then(pointer::name_in)?;
    let username = match &keys.username {
        Some(place) => Some(answer.body.pointer(place).and_then(pointer::name_in)?),
        None => None,
    };
    let Some(Value::String(text)) = answer.body.pointer_mut(&keys.secret) else { return None };
    let password = SecretString::new(std::mem::take(text));
    if password.expose().is_empty() {
        return None;
    }
    Some(Minted { handle, username, password })
}

/// When a rotation began: an id of version 7 holds it (RFC 9562, section 5.7).
fn begun(rotation: RotationId) -> Timestamp {
    let [a, b, c, d, e, f, ..] = *rotation.as_bytes();
    Timestamp::from_millis(i64::from_be_bytes([0, 0, a, b, c, d, e, f]))
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
    manager.delete_all(keys, &account, lost).await
}

/// A fresh login, and what the API told in its answer.
async fn try_login(config: &Config, login: &Login) -> (Probe, Option<Answer>) {
    let description = &config.service.login;
    let api = match Api::new(config).await {
        Ok(api) => api,
        Err(fault) => return (Probe::Inconclusive(fault), None),
    };
    let token = match api.token(&description.by, login) {
        Ok(token) => token,
        Err(fault) => return (Probe::Inconclusive(fault), None),
    };
    let password = Some(&login.password);
    let values = Values { username: &login.username, password, ..Values::default() };
    match api.send(&description.ask, &token, &values).await {
        Ok(answer) => {
            let Answer { status, body, .. } = &answer;
            (classify::login(description, &login.username, *status, body, config.place()), Some(answer))
        }
        Err(Failure::Unsent(fault)) => (Probe::Inconclusive(fault), None),
        Err(Failure::Silent) => {
            let what = "the login got no answer that could be used";
            (Probe::Inconclusive(say(config, FaultClass::Unreachable, what)), None)
        }
    }
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
    if let (Making::Target(keys), true) = (&config.service.making, job.is_adoption) {
        adopt(&manager, keys, &account, job, config.keeps_others).await?;
    }
    Ok(Verification::Verified)
}

/// Looks whether the list shows the new credential with its label, by which one that is lost would be found; then
/// deletes those that somebody else has made before the vault took the account over.
async fn adopt(
    manager: &Manager<'_>,
    keys: &Keys,
    account: &Found<'_>,
    job: Job<'_>,
    keeps_others: bool,
) -> Result<(), Fault> {
    let all = manager.credentials(keys, account).await?;
    let own = all.iter().find(|key| job.handles.pending == Some(&key.handle));
    if !own.is_some_and(|key| template::is_ours(&key.label)) {
        let what = "the list of the account's credentials does not show the new one with its label: compare credentials.handle and credentials.label, and the API's longest name, with the description";
        return Err(manager.unexplained(what));
    }
    if keeps_others {
        return Ok(());
    }
    manager.delete_all(keys, account, all.iter().filter(|key| !job.handles.know(&key.handle))).await
}

/// Deletes the old credential; then those that bear our label and that nobody knows: a request that came after its
/// rotation was settled has made them.
async fn retire(job: Job<'_>, old: &Login) -> Result<Outcome, Fault> {
    let config = parse(job.spec)?;
    let Making::Target(keys) = &config.service.making else {
        // The change has replaced the old one.
        return Ok(Outcome::Applied);
    };
    let manager = Manager::open(&config, job.management).await?;
    let account = manager.account(job.username).await?;
    let told = match job.handles.previous {
        Some(handle) => Some(handle.to_owned()),
        None => match own_handle(&config, old).await? {
            Own::Dead => None,
            Own::Handle(handle) => Some(handle),
        },
    };
    if let Some(handle) = told.filter(|handle| job.handles.current != Some(handle)) {
        match manager.delete(keys, &account, &handle).await {
            Changed::Done(_) => {}
            Changed::Not(fault) => return Ok(Outcome::NotApplied(fault)),
            Changed::Unknown(fault) => return Ok(Outcome::Unknown(fault)),
        }
    }
    if job.handles.current.is_some() {
        let all = manager.credentials(keys, &account).await?;
        let lost = all.iter().filter(|key| template::is_ours(&key.label) && !job.handles.know(&key.handle));
        manager.delete_all(keys, &account, lost).await?;
    }
    Ok(Outcome::Applied)
}

/// What a credential tells of itself that a person has brought.
enum Own {
    Dead,
    Handle(String),
}

async fn own_handle(config: &Config, old: &Login) -> Result<Own, Fault> {
    let (probe, answer) = try_login(config, old).await;
    match probe {
        Probe::Refused => return Ok(Own::Dead),
        Probe::Works => {}
        Probe::Blocked(fault) | Probe::Inconclusive(fault) => return Err(fault),
    }
    let place = config.service.login.handle.as_ref();
    let handle = place.zip(answer.as_ref()).and_then(|(place, answer)| answer.body.pointer(place));
    handle.and_then(pointer::name_in).map(Own::Handle).ok_or_else(|| {
        let what = "which of the account's credentials the old one is is not known (the description has no login.handle): delete it by hand";
        say(config, FaultClass::OldStillValid, what)
    })
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
