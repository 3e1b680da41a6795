//! The rotator for access keys of AWS IAM users.
//!
//! AWS makes the keys, and a user has at most two: `mint` asks for the second, `verify` tries it at STS and waits until
//! it is known, `retire` deletes the first. A key whose answer was lost is found by comparison with the list that
//! preflight noted, and deleted by `settle`, if nobody has used it. A request that is held up on its way can take effect
//! later: the next preflight then finds a key that is not the vault's and says so. Limits of this:
//! `docs/rotators/aws.md`.

use tokio::time::{Instant, sleep};
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{
    BoxFuture, CheckReport, Job, Login, Minted, Minting, Outcome, Probe, Rights, Rotator, TargetSpec,
    Verification,
};
use vault_core::secret::SecretString;

mod api;
mod check;
mod classify;
mod command;
pub mod config;
mod patience;
pub mod reply;
mod user;

use api::Api;
use command::{Ask, Service};
use config::{Config, OtherKeys};
use user::say;

/// Makes, verifies and deletes access keys of IAM users.
#[derive(Clone, Copy, Debug, Default)]
pub struct AwsRotator;

impl AwsRotator {
    /// The rotator; it has no state.
    #[must_use]
    pub fn new() -> Self {
        Self
    }
}

impl Rotator for AwsRotator {
    fn kind(&self) -> &'static str {
        "aws"
    }

    fn validate(&self, spec: &TargetSpec) -> Result<(), String> {
        Config::parse(spec).map(drop).map_err(|error| error.to_string())
    }

    fn validate_login(&self, login: &Login) -> Result<(), String> {
        command::check_login(login).map_err(|error| error.to_string())
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

    fn apply<'a>(&'a self, _job: Job<'a>, _candidate: &'a SecretString) -> BoxFuture<'a, Outcome> {
        let fault = Fault::new(FaultClass::Preflight, "AWS takes no keys, it makes them");
        Box::pin(std::future::ready(Outcome::NotApplied(fault)))
    }

    fn settle<'a>(&'a self, job: Job<'a>) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(settle(job))
    }

    fn probe<'a>(&'a self, spec: &'a TargetSpec, login: &'a Login) -> BoxFuture<'a, Probe> {
        Box::pin(async move { probe(spec, login).await.unwrap_or_else(Probe::Inconclusive) })
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
        Box::pin(async move {
            let config = parse(job.spec)?;
            user::identity(&Api::new(&config).await?, job.management).await?;
            let what = "temporary credentials that a key has issued live on until they end";
            Err(Fault::new(FaultClass::PermissionDenied, format!("{}: {what}", config.iam)))
        })
    }

    fn ends_sessions(&self, _spec: &TargetSpec) -> bool {
        false
    }

    /// There is no connection that could be waited for: AWS has many servers, and a request may be on its way to any.
    fn late_requests(&self, _spec: &TargetSpec) -> bool {
        true
    }

    fn overlaps(&self, _spec: &TargetSpec) -> bool {
        true
    }

    fn mints(&self, _spec: &TargetSpec) -> bool {
        true
    }

    fn mint<'a>(&'a self, job: Job<'a>) -> BoxFuture<'a, Minting> {
        Box::pin(async move { mint(job).await.unwrap_or_else(Minting::NotMade) })
    }
}

fn parse(spec: &TargetSpec) -> Result<Config, Fault> {
    Config::parse(spec).map_err(|error| Fault::new(FaultClass::Preflight, error.to_string()))
}

async fn preflight(job: Job<'_>) -> Result<Rights, Fault> {
    let config = parse(job.spec)?;
    let api = Api::new(&config).await?;
    let name = user::name_of(&api, &job).await?;
    let found = user::find(&api, job.management, &name).await?;
    let keys = user::keys(&api, job.management, &name).await?.unwrap_or_default();
    let acts = |id: &str| id == job.management.username;
    if !user::is_own(&job) && keys.iter().any(|key| acts(&key.access_key_id)) {
        let what = format!(
            "the vault acts by a key of the user '{name}' itself; rotate that as the target's management credential"
        );
        return Err(say(&api, FaultClass::Preflight, &what));
    }
    // With a candidate that was made already, nothing is asked for.
    if keys.len() >= PLACES && job.handles.pending.is_none() {
        let known = |id: &str| job.handles.know(id) || acts(id);
        let (known, unknown): (Vec<_>, Vec<_>) =
            keys.iter().map(|key| key.access_key_id.as_str()).partition(|id| known(id));
        let what = if unknown.is_empty() {
            format!(
                "both places for access keys of '{name}' are taken by the vault's own: {}",
                known.join(", ")
            )
        } else {
            format!(
                "both places for access keys of '{name}' are taken, and {} is not the vault's: delete it, or the one \
                 that nobody uses",
                unknown.join(" and ")
            )
        };
        return Err(say(&api, FaultClass::Preflight, &what));
    }
    let Rights(mut lines) = user::rights(&api, job.management, &found).await?;
    lines.extend(keys.iter().map(user::note));
    Ok(Rights(lines))
}

/// Asks for a key. `Err` and `NotMade` say that there certainly is none.
async fn mint(job: Job<'_>) -> Result<Minting, Fault> {
    let config = parse(job.spec)?;
    let api = Api::new(&config).await?;
    let name = user::name_of(&api, &job).await?;
    let ask = Ask::user("CreateAccessKey", &name);
    Ok(match api.ask(job.management, &ask, reply::new_key).await {
        Ok((id, password)) => Minting::Made(Minted { handle: id.clone(), username: Some(id), password }),
        Err(failure) => classify::making(failure, &ask.permission(), api.endpoint(ask.service)),
    })
}

/// Deletes keys that have come since preflight and that the vault does not know, if nobody has used them.
async fn settle(job: Job<'_>) -> Result<(), Fault> {
    let config = parse(job.spec)?;
    let api = Api::new(&config).await?;
    let name = user::name_of(&api, &job).await?;
    // What has just been made may be missing in the first list.
    for look in 1..=SETTLE_LOOKS {
        let Some(keys) = user::keys(&api, job.management, &name).await? else { return Ok(()) };
        // Nothing was noted, so nothing was asked for.
        if job.before.0.is_empty() {
            return Ok(());
        }
        for id in keys.iter().map(|key| key.access_key_id.as_str()) {
            let known = job.handles.know(id) || id == job.management.username;
            if !known && !user::is_noted(job.before, id) {
                delete_unused(&api, &job, &name, id).await?;
            }
        }
        if look < SETTLE_LOOKS {
            sleep(api::SECOND_LOOK).await;
        }
    }
    Ok(())
}

async fn delete_unused(api: &Api<'_>, job: &Job<'_>, name: &str, id: &str) -> Result<(), Fault> {
    let ask = Ask::last_used(id);
    match api.ask(job.management, &ask, reply::last_used).await {
        // At STS is where the vault itself tries a key.
        Ok(used) if used.last_used_date.is_empty() || used.service_name == Service::Sts.name() => {
            delete(api, job, name, id).await
        }
        Ok(_) => {
            let what = format!(
                "the access key {id} of '{name}' has come during this rotation, is not the vault's and was used; it is \
                 not touched: delete it, if it is not needed"
            );
            Err(say(api, FaultClass::Preflight, &what))
        }
        Err(failure) if failure.is_missing() => Ok(()),
        Err(failure) => Err(user::fault(api, &ask, failure)),
    }
}

/// Deactivates and deletes a key, if it is there.
async fn delete(api: &Api<'_>, job: &Job<'_>, name: &str, id: &str) -> Result<(), Fault> {
    let key = |action| Ask::user(action, name).with("AccessKeyId", id);
    // First of all: it can be undone, and stops what uses the key a moment before there is no way back.
    for ask in [key("UpdateAccessKey").with("Status", "Inactive"), key("DeleteAccessKey")] {
        match api.ask(job.management, &ask, reply::done).await {
            Ok(()) => {}
            Err(failure) if failure.is_missing() => return Ok(()),
            Err(failure) => return Err(user::fault(api, &ask, failure)),
        }
    }
    Ok(())
}

/// A fresh look by the key itself.
async fn probe(spec: &TargetSpec, login: &Login) -> Result<Probe, Fault> {
    let config = parse(spec)?;
    let api = Api::new(&config).await?;
    let ask = Ask::identity();
    match api.ask(login, &ask, reply::identity).await {
        Ok(_) => Ok(Probe::Works),
        // An inactive key and one that is not there get the same answer.
        Err(failure) if failure.is_unknown_key() || failure.is_wrong_secret() => Ok(Probe::Refused),
        Err(failure) => Err(user::fault(&api, &ask, failure)),
    }
}

async fn verify(job: Job<'_>, login: &Login, expected: &Rights) -> Result<Verification, Fault> {
    let config = parse(job.spec)?;
    let api = Api::new(&config).await?;
    let until = Instant::now() + config.propagation_timeout;
    let refused = |what: String| {
        let what = format!("{}: {what}", api.endpoint(Service::Sts));
        Ok(Verification::Refused(Fault::new(FaultClass::VerifyRefused, what)))
    };
    let ask = Ask::identity();
    let identity = match patience::until_known(until, || api.ask_once(login, &ask, reply::identity)).await {
        Ok(identity) => identity,
        Err(failure) if failure.is_unknown_key() || failure.is_wrong_secret() => {
            return refused(format!("the access key {} is not let in", login.username));
        }
        Err(failure) => return Err(user::fault(&api, &ask, failure)),
    };
    let is_own = user::is_own(&job);
    let name = if is_own { user::user_in(&identity)? } else { job.username };
    if is_own {
        // From here on it acts itself, at another service, which learns of it at its own time.
        let ask = Ask::user("GetUser", name);
        match patience::until_known(until, || api.ask_once(login, &ask, reply::user)).await {
            Err(failure) if failure.is_unknown_key() => {
                return refused(format!("the access key {} is not known to IAM", login.username));
            }
            found => found.map(drop).map_err(|failure| user::fault(&api, &ask, failure))?,
        }
    }
    let found = user::find(&api, job.management, name).await?;
    if found.user_id != identity.user_id {
        return refused(format!("the access key {} is of another user, {}", login.username, identity.arn));
    }
    let rights = user::rights(&api, job.management, &found).await?;
    let lost = user::without_notes(expected).lost_in(&rights);
    if !lost.is_empty() {
        return Ok(Verification::RightsLost(lost));
    }
    if job.is_adoption && config.other_keys == OtherKeys::Remove {
        delete_others(&api, &job, name, login).await?;
    }
    Ok(Verification::Verified)
}

/// Deletes what a person has made before the vault came: nobody else will.
async fn delete_others(api: &Api<'_>, job: &Job<'_>, name: &str, login: &Login) -> Result<(), Fault> {
    let keys = user::keys(api, job.management, name).await?.unwrap_or_default();
    for id in keys.iter().map(|key| key.access_key_id.as_str()) {
        let stays = job.handles.know(id) || id == login.username || id == job.management.username;
        if !stays {
            delete(api, job, name, id).await?;
        }
    }
    Ok(())
}

async fn retire(job: Job<'_>, old: &Login) -> Result<Outcome, Fault> {
    let config = parse(job.spec)?;
    let api = Api::new(&config).await?;
    // A management key that a person brought has no handle.
    let id = job.handles.previous.unwrap_or(&old.username);
    if job.handles.current == Some(id) || id == job.management.username {
        let what = format!("the access key {id} is in use: it is not retired");
        return Err(say(&api, FaultClass::Preflight, &what));
    }
    let name = user::name_of(&api, &job).await?;
    delete(&api, &job, &name, id).await?;
    // Whether it is refused by then is for the caller's own probe to say.
    let until = Instant::now() + config.propagation_timeout;
    let ask = Ask::identity();
    patience::until_refused(until, || api.ask_once(old, &ask, reply::identity)).await;
    Ok(Outcome::Applied)
}

/// So many access keys AWS lets a user have.
const PLACES: usize = 2;
const SETTLE_LOOKS: u32 = 2;
