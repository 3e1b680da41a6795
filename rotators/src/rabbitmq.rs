//! The rotator for users of a RabbitMQ server, over its management API.
//!
//! A user has one password, and one request sets it: `PUT /api/users/<name>` with a hash that is made here,
//! and with the user's own tags, since the request replaces them. Such a request can be held up on its way, and
//! nothing on the server tells of it; `settle` waits until the server has ended every connection on which it
//! could still come. Consumers log in by AMQP, so that is how a password is tried. Nothing is retried here, and
//! no failed login is repeated. Limits of this: `docs/rotators/rabbitmq.md`.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{sleep, timeout};
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{
    BoxFuture, CheckReport, Job, Login, Outcome, Probe, Rights, Rotator, TargetSpec, Verification,
};
use vault_core::rotation::shadow::ShadowMaker;
use vault_core::secret::SecretString;

mod amqp;
mod api;
mod check;
mod classify;
pub mod command;
pub mod config;
mod shadow;
mod user;

use api::{Api, Failure, Refusal};
use command::path_piece;
use config::{Config, LoginPath};
use user::User;

/// Changes, verifies and revokes passwords of RabbitMQ users.
#[derive(Clone, Copy, Debug, Default)]
pub struct RabbitRotator;

impl RabbitRotator {
    /// The rotator; it has no state.
    #[must_use]
    pub fn new() -> Self {
        Self
    }
}

impl Rotator for RabbitRotator {
    fn kind(&self) -> &'static str {
        "rabbitmq"
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
        Box::pin(async move { check::report(&parse(spec)?, management).await })
    }

    fn preflight<'a>(&'a self, job: Job<'a>) -> BoxFuture<'a, Result<Rights, Fault>> {
        Box::pin(preflight(job))
    }

    fn apply<'a>(&'a self, job: Job<'a>, candidate: &'a SecretString) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { apply(job, candidate).await.unwrap_or_else(Outcome::NotApplied) })
    }

    fn settle<'a>(&'a self, job: Job<'a>) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            let config = parse(job.spec)?;
            // First, so that a refused credential is told as that.
            let api = Api::new(&config, job.management).await?;
            api.get("whoami").await.map_err(|failure| classify::look(failure, "the login", api.place()))?;
            api::outwait(&config).await
        })
    }

    fn probe<'a>(&'a self, spec: &'a TargetSpec, login: &'a Login) -> BoxFuture<'a, Probe> {
        Box::pin(async move {
            match parse(spec) {
                Ok(config) => probe(&config, login).await,
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

    fn retire<'a>(&'a self, _job: Job<'a>, _old: &'a Login) -> BoxFuture<'a, Outcome> {
        // A user has one password: the change has replaced the old one.
        Box::pin(std::future::ready(Outcome::Applied))
    }

    fn end_sessions<'a>(&'a self, job: Job<'a>) -> BoxFuture<'a, Result<u32, Fault>> {
        Box::pin(end_sessions(job))
    }

    fn shadows(&self, _spec: &TargetSpec) -> Option<&dyn ShadowMaker> {
        Some(self)
    }
}

fn parse(spec: &TargetSpec) -> Result<Config, Fault> {
    Config::parse(spec).map_err(|error| Fault::new(FaultClass::Preflight, error.to_string()))
}

fn say(config: &Config, class: FaultClass, what: &str) -> Fault {
    Fault::new(class, format!("{}: {what}", config.place()))
}

fn missing(config: &Config, name: &str) -> Fault {
    say(config, FaultClass::AccountMissing, &format!("there is no user '{name}'"))
}

async fn preflight(job: Job<'_>) -> Result<Rights, Fault> {
    command::check_name(job.username)
        .map_err(|error| Fault::new(FaultClass::Preflight, error.to_string()))?;
    let config = parse(job.spec)?;
    let api = Api::new(&config, job.management).await?;
    let name = job.username;
    let user = User::find(&api, name).await?.ok_or_else(|| missing(&config, name))?;
    if !user.has_password {
        let what = format!("the user '{name}' has no password: it logs in by certificate, or not at all");
        return Err(say(&config, FaultClass::AccountLocked, &what));
    }
    user.rights(&api, name).await
}

/// Makes the change. `Err` and `NotApplied` say that it certainly did not happen.
async fn apply(job: Job<'_>, candidate: &SecretString) -> Result<Outcome, Fault> {
    let refused = |error: command::LoginError| Fault::new(FaultClass::Preflight, error.to_string());
    command::check_name(job.username).map_err(refused)?;
    command::check_password(candidate).map_err(refused)?;
    let config = parse(job.spec)?;
    let api = Api::new(&config, job.management).await?;
    // The request would make a user that is not there.
    let user = User::find(&api, job.username).await?.ok_or_else(|| missing(&config, job.username))?;
    let body = command::set_password(candidate, &user.tags, config.hashing).map_err(refused)?;
    Ok(match api.put(&format!("users/{}", path_piece(job.username)), &body).await {
        Ok(()) => Outcome::Applied,
        Err(failure) => classify::change(failure, config.hashing, config.place()),
    })
}

/// A fresh login, by the path that the settings name.
async fn probe(config: &Config, login: &Login) -> Probe {
    match config.login {
        LoginPath::Amqp(port) => amqp::login(config, port, login).await,
        LoginPath::Management => {
            let api = match Api::new(config, login).await {
                Ok(api) => api,
                Err(fault) => return Probe::Inconclusive(fault),
            };
            match api.get("whoami").await {
                // The tag is looked at only after the password was found right.
                Ok(_) | Err(Failure::Said(Refusal { lacks_tag: true, .. })) => Probe::Works,
                Err(Failure::Said(Refusal { status: 401, .. })) => Probe::Refused,
                Err(failure) => Probe::Inconclusive(classify::look(failure, "the login", api.place())),
            }
        }
    }
}

async fn verify(job: Job<'_>, login: &Login, expected: &Rights) -> Result<Verification, Fault> {
    let config = parse(job.spec)?;
    match probe(&config, login).await {
        Probe::Works => {}
        Probe::Refused => {
            let what = "the server refused this user name and password";
            return Ok(Verification::Refused(say(&config, FaultClass::VerifyRefused, what)));
        }
        Probe::Blocked(fault) | Probe::Inconclusive(fault) => return Err(fault),
    }
    let api = Api::new(&config, job.management).await?;
    let rights = match User::find(&api, &login.username).await? {
        Some(user) => user.rights(&api, &login.username).await?,
        None => Rights::default(),
    };
    let lost = expected.lost_in(&rights);
    Ok(if lost.is_empty() { Verification::Verified } else { Verification::RightsLost(lost) })
}

/// Ends the account's connections of every protocol, and waits until they are gone.
async fn end_sessions(job: Job<'_>) -> Result<u32, Fault> {
    let config = parse(job.spec)?;
    let api = Api::new(&config, job.management).await?;
    let path = format!("connections/username/{}", path_piece(job.username));
    let looked = |failure| classify::look(failure, "the user's connections", config.place());
    let open = |found: Option<Value>| found.as_ref().and_then(Value::as_array).map_or(0, Vec::len);
    let count = open(api.find(&path).await.map_err(looked)?);
    if count == 0 {
        return Ok(0);
    }
    api.delete(&path).await.map_err(looked)?;
    let gone = async {
        let mut pause = GONE_PAUSE_MIN;
        while open(api.find(&path).await.map_err(looked)?) > 0 {
            sleep(pause).await;
            pause = (pause * 2).min(GONE_PAUSE_MAX);
        }
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    };
    match timeout(config.reach.request_timeout, gone).await {
        Ok(result) => result,
        Err(_) => {
            let what = "connections that were told to end are still there";
            Err(say(&config, FaultClass::Unreachable, what))
        }
    }
}

const GONE_PAUSE_MIN: Duration = Duration::from_millis(5);
const GONE_PAUSE_MAX: Duration = Duration::from_millis(100);
