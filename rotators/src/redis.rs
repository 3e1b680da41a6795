//! The rotator for users of a Redis server (its access control lists).
//!
//! A user may have several passwords at once: `ACL SETUSER app #<hash>` adds the new one, and the old one
//! stays until `retire` takes it away. Each connection that changes something bears the rotation's id as its
//! name; `settle` ends such connections on the server, which runs one command at a time, so that afterwards
//! a probe is conclusive. A change is kept over a restart (`ACL SAVE`), or it is taken back. Nothing is
//! retried here, and no failed login is repeated. Limits of this: `docs/rotators/redis.md`.

use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{
    BoxFuture, CheckReport, Job, Login, Outcome, Probe, Rights, Rotator, TargetSpec, Verification,
};
use vault_core::rotation::shadow::ShadowMaker;
use vault_core::secret::SecretString;

mod change;
mod check;
mod classify;
pub mod command;
pub mod config;
pub mod reply;
mod session;
mod shadow;
mod user;

use change::{Home, change};
use classify::LoginFailure;
use config::{Config, Others, Succession};
use session::{Failure, Session};
use user::User;

/// Changes, verifies and revokes passwords of Redis users.
#[derive(Clone, Copy, Debug, Default)]
pub struct RedisRotator;

impl RedisRotator {
    /// The rotator; it has no state.
    #[must_use]
    pub fn new() -> Self {
        Self
    }
}

impl Rotator for RedisRotator {
    fn kind(&self) -> &'static str {
        "redis"
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
            open_management(&config, &job).await?.end_marked(job.rotation).await
        })
    }

    fn probe<'a>(&'a self, spec: &'a TargetSpec, login: &'a Login) -> BoxFuture<'a, Probe> {
        Box::pin(async move {
            let config = match parse(spec) {
                Ok(config) => config,
                Err(fault) => return Probe::Inconclusive(fault),
            };
            match Session::open(&config, login).await {
                Ok(_) => Probe::Works,
                Err(LoginFailure::Refused(_)) => Probe::Refused,
                Err(LoginFailure::Other(fault)) => Probe::Inconclusive(fault),
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

    fn overlaps(&self, spec: &TargetSpec) -> bool {
        Config::parse(spec).is_ok_and(|config| config.succession == Succession::Overlap)
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

async fn open_management<'a>(config: &'a Config, job: &Job<'_>) -> Result<Session<'a>, Fault> {
    Session::open(config, job.management).await.map_err(LoginFailure::of_management)
}

async fn preflight(job: Job<'_>) -> Result<Rights, Fault> {
    command::check_name(job.username)
        .map_err(|error| Fault::new(FaultClass::Preflight, error.to_string()))?;
    let config = parse(job.spec)?;
    let mut session = open_management(&config, &job).await?;
    let server = check::Server::look(&mut session).await?;
    if let Some(obstacle) = server.obstacle(&config) {
        return Err(say(&config, FaultClass::Preflight, obstacle));
    }
    let (home, user) = look(&mut session, &config, job.username).await?;
    if !user.enabled() {
        let what = format!("the user '{}' is off", job.username);
        return Err(say(&config, FaultClass::AccountLocked, &what));
    }
    // Two may be the one in use and one that is being retired; `apply` knows which is which.
    if !replaces(&config, &job) && user.passwords.len() > 2 {
        refuse_others(&config, job.username)?;
    }
    let who = &job.management.username;
    if let Some(command) = check::withheld(&mut session, who, job.username, home).await {
        let what = format!("the management user lacks +{command}");
        return Err(say(&config, FaultClass::PermissionDenied, &what));
    }
    Ok(user.rights())
}

/// The account and where it is kept, if its password can be changed at all.
async fn look(session: &mut Session<'_>, config: &Config, name: &str) -> Result<(Home, User), Fault> {
    let home = Home::find(session, config).await?;
    if let Some(obstacle) = home.obstacle(name) {
        return Err(say(config, FaultClass::Preflight, obstacle));
    }
    let missing = || say(config, FaultClass::AccountMissing, &format!("there is no user '{name}'"));
    let user = session.user(name).await?.ok_or_else(missing)?;
    if user.open_to_all() {
        let what = format!("every password opens the user '{name}' (nopass): give it one first");
        return Err(say(config, FaultClass::Preflight, &what));
    }
    Ok((home, user))
}

/// Whether the new password takes the place of all others: nobody would retire what a person has set.
fn replaces(config: &Config, job: &Job<'_>) -> bool {
    config.succession == Succession::Replace || job.is_adoption && config.others != Others::Keep
}

/// A password that the vault does not know would open the account after every rotation.
fn refuse_others(config: &Config, name: &str) -> Result<(), Fault> {
    if config.others == Others::Keep {
        return Ok(());
    }
    let what = format!(
        "the user '{name}' has passwords that the vault does not know; remove them (ACL SETUSER … !<hash>), let \
         overlap=false replace them, or set other_passwords=keep"
    );
    Err(say(config, FaultClass::Preflight, &what))
}

/// Makes the change. `Err` and `NotApplied` say that it certainly did not happen.
async fn apply(job: Job<'_>, candidate: &SecretString) -> Result<Outcome, Fault> {
    let refused = |error: command::LoginError| Fault::new(FaultClass::Preflight, error.to_string());
    command::check_name(job.username).map_err(refused)?;
    command::check_password(candidate).map_err(refused)?;
    let config = parse(job.spec)?;
    let mut session = open_management(&config, &job).await?;
    session.end_marked(job.rotation).await?;
    session.mark(job.rotation).await?;
    let (home, user) = look(&mut session, &config, job.username).await?;
    let stored = command::stored(candidate);
    let there = user.holds(stored.expose());
    let others = user.passwords.len() - usize::from(there);
    let add = format!("#{}", stored.expose());
    let rules: &[&str] = if replaces(&config, &job) {
        if there && others == 0 { &[] } else { &["resetpass", &add] }
    } else {
        if others > 1 {
            refuse_others(&config, job.username)?;
        }
        if there { &[] } else { &[&add] }
    };
    Ok(change(&mut session, home, job.username, &user, rules).await)
}

async fn verify(job: Job<'_>, login: &Login, expected: &Rights) -> Result<Verification, Fault> {
    let config = parse(job.spec)?;
    match Session::open(&config, login).await {
        Ok(_) => {}
        Err(LoginFailure::Refused(fault)) => return Ok(Verification::Refused(fault)),
        Err(LoginFailure::Other(fault)) => return Err(fault),
    }
    let mut session = open_management(&config, &job).await?;
    let user = session.user(&login.username).await?;
    let stored = command::stored(&login.password);
    let Some(user) = user.filter(|user| user.holds(stored.expose()) && !user.open_to_all()) else {
        let what = "the login was let in, but not by this password: any password opens the user";
        return Ok(Verification::Refused(say(&config, FaultClass::VerifyRefused, what)));
    };
    let lost = expected.lost_in(&user.rights());
    if !lost.is_empty() {
        return Ok(Verification::RightsLost(lost));
    }
    // An attempt that was cut off may have changed the server's memory alone.
    let home = Home::find(&mut session, &config).await?;
    match home.keep(&mut session).await {
        Ok(()) => Ok(Verification::Verified),
        Err(failure) => Err(session.fault(failure, "saving the users")),
    }
}

async fn retire(job: Job<'_>, old: &Login) -> Result<Outcome, Fault> {
    let config = parse(job.spec)?;
    let mut session = open_management(&config, &job).await?;
    session.mark(job.rotation).await?;
    let home = Home::find(&mut session, &config).await?;
    let Some(user) = session.user(&old.username).await? else {
        return Ok(Outcome::Applied);
    };
    let stored = command::stored(&old.password);
    let there = user.holds(stored.expose());
    if there && user.passwords.len() == 1 {
        let what = "the old password is the only one that the server knows: it must have lost the new one";
        return Err(say(&config, FaultClass::Drift, what));
    }
    let remove = format!("!{}", stored.expose());
    let rules: &[&str] = if there { &[&remove] } else { &[] };
    let outcome = change(&mut session, home, &old.username, &user, rules).await;
    let left = user.passwords.len() - usize::from(there);
    if outcome == Outcome::Applied && left > 1 && config.others != Others::Keep {
        let what = "the old password is gone, and besides the new one another that the vault does not know opens the user";
        return Err(say(&config, FaultClass::OldStillValid, what));
    }
    Ok(outcome)
}

async fn end_sessions(job: Job<'_>) -> Result<u32, Fault> {
    let config = parse(job.spec)?;
    let mut session = open_management(&config, &job).await?;
    match session.ask(&["CLIENT", "KILL", "USER", job.username]).await {
        Ok(reply::Reply::Number(count)) => Ok(u32::try_from(count).unwrap_or(u32::MAX)),
        Ok(_) => Err(session.fault(Failure::Silent, "CLIENT KILL")),
        Err(Failure::Said(refusal)) if classify::is_missing(&refusal) => {
            let what = format!("there is no user '{}'", job.username);
            Err(say(&config, FaultClass::AccountMissing, &what))
        }
        Err(failure) => Err(session.fault(failure, "CLIENT KILL")),
    }
}
