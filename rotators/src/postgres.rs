//! The rotator for PostgreSQL roles.
//!
//! It changes a password by `BEGIN; …; ALTER ROLE … PASSWORD …; COMMIT` in separate round trips, so that
//! the only doubt there can ever be is a lost answer to COMMIT. Each session that changes something bears
//! the rotation's id as its application name; `settle` ends such sessions on the server, after which no
//! delayed COMMIT can take effect and a probe is conclusive. Nothing is retried here, and no failed
//! login is repeated. Management sessions are used again within a moment (`idle.rs`); what proves something is a
//! fresh login. Limits of this: `docs/rotators/postgresql.md`.

use vault_core::clock::Timestamp;
use vault_core::id::RotationId;
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{
    BoxFuture, CheckReport, Job, Login, Outcome, Probe, Rights, Rotator, TargetSpec, Verification,
};
use vault_core::rotation::provisioner::Provisioner;
use vault_core::rotation::shadow::ShadowMaker;
use vault_core::secret::SecretString;

mod check;
mod classify;
pub mod command;
pub mod config;
mod idle;
mod link;
mod provision;
mod rights;
mod session;
mod shadow;
mod turns;

use classify::LoginFailure;
use config::{Config, Hashing};
use idle::{Idle, Key};
use rights::Role;
use session::{Failure, Selection, Session};

/// Changes, verifies and revokes passwords of PostgreSQL roles.
#[derive(Clone, Debug, Default)]
pub struct PostgresRotator {
    /// Management sessions between two uses.
    idle: Idle,
}

impl PostgresRotator {
    /// The rotator, without any session.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Logs the management credential in, marked with the rotation; or uses a session of it again that is idle. One
    /// that rotates itself is logged in each time.
    async fn management<'a>(&self, config: &'a Config, job: &Job<'_>) -> Result<Session<'a>, Fault> {
        if job.management.username == job.username {
            return open_management(config, job).await;
        }
        let home = (&self.idle, Key::of(job.spec, job.management));
        Session::reopen(config, job.management, &mark(job.rotation), home)
            .await
            .map_err(LoginFailure::of_management)
    }

    /// A management session that waits for its next use, if there is one.
    async fn waiting<'a>(&self, config: &'a Config, job: &Job<'_>) -> Option<Session<'a>> {
        if job.management.username == job.username {
            return None;
        }
        let home = (&self.idle, Key::of(job.spec, job.management));
        Session::waiting(config, &mark(job.rotation), home).await
    }
}

impl Rotator for PostgresRotator {
    fn kind(&self) -> &'static str {
        "postgresql"
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
        Box::pin(preflight(self, job))
    }

    fn apply<'a>(&'a self, job: Job<'a>, candidate: &'a SecretString) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { change(self, job, candidate).await.unwrap_or_else(Outcome::NotApplied) })
    }

    fn settle<'a>(&'a self, job: Job<'a>) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            let config = parse(job.spec)?;
            let session = self.management(&config, &job).await?;
            settle_earlier(&session, job.rotation).await?;
            session.give_back().await;
            Ok(())
        })
    }

    fn probe<'a>(&'a self, spec: &'a TargetSpec, login: &'a Login) -> BoxFuture<'a, Probe> {
        Box::pin(async move {
            let config = match parse(spec) {
                Ok(config) => config,
                Err(fault) => return Probe::Inconclusive(fault),
            };
            match Session::open(&config, login, LOOKING).await {
                Ok(session) => {
                    session.close().await;
                    Probe::Works
                }
                Err(LoginFailure::Refused(_)) => Probe::Refused,
                Err(LoginFailure::Blocked(fault)) => Probe::Blocked(fault),
                Err(
                    LoginFailure::NoConnect(fault)
                    | LoginFailure::NotFromHere(fault)
                    | LoginFailure::Other(fault),
                ) => Probe::Inconclusive(fault),
            }
        })
    }

    fn verify<'a>(
        &'a self,
        job: Job<'a>,
        login: &'a Login,
        expected: &'a Rights,
    ) -> BoxFuture<'a, Verification> {
        Box::pin(async move {
            verify(self, job, login, expected).await.unwrap_or_else(Verification::Inconclusive)
        })
    }

    fn retire<'a>(&'a self, job: Job<'a>, old: &'a Login) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            match job.beside {
                Some(beside) if beside == old.username => {
                    turns::shut(self, &job, beside).await.unwrap_or_else(Outcome::NotApplied)
                }
                // A role has one password: the change has replaced the old one.
                _ => Outcome::Applied,
            }
        })
    }

    fn end_sessions<'a>(&'a self, job: Job<'a>) -> BoxFuture<'a, Result<u32, Fault>> {
        Box::pin(async move {
            let config = parse(job.spec)?;
            let session = self.management(&config, &job).await?;
            session.prepare().await.map_err(|failure| session.look_fault(failure))?;
            let ended = session.end_others(Selection::OfRole, job.username).await?;
            session.give_back().await;
            Ok(ended)
        })
    }

    fn shares_refusals(&self) -> bool {
        true
    }

    fn verifies_alone(&self) -> bool {
        true
    }

    fn alternates(&self, _spec: &TargetSpec) -> bool {
        true
    }

    fn provisioner(&self) -> Option<&dyn Provisioner> {
        Some(self)
    }

    fn shadows(&self, _spec: &TargetSpec) -> Option<&dyn ShadowMaker> {
        Some(self)
    }

    fn clock<'a>(
        &'a self,
        spec: &'a TargetSpec,
        management: &'a Login,
    ) -> BoxFuture<'a, Result<Option<Timestamp>, Fault>> {
        Box::pin(async move { check::clock(&parse(spec)?, management).await.map(Some) })
    }
}

fn parse(spec: &TargetSpec) -> Result<Config, Fault> {
    Config::parse(spec).map_err(|error| Fault::new(FaultClass::Preflight, error.to_string()))
}

/// Logs the management credential in, marked with the rotation.
async fn open_management<'a>(config: &'a Config, job: &Job<'_>) -> Result<Session<'a>, Fault> {
    Session::open(config, job.management, &mark(job.rotation)).await.map_err(LoginFailure::of_management)
}

/// The application name of sessions that may change something. It is shorter than the server's limit.
fn mark(rotation: RotationId) -> String {
    format!("{LOOKING}:{rotation}")
}

async fn settle_earlier(session: &Session<'_>, rotation: RotationId) -> Result<(), Fault> {
    session.prepare().await.map_err(|failure| session.look_fault(failure))?;
    session.end_others(Selection::Named, &mark(rotation)).await.map(drop)
}

async fn preflight(rotator: &PostgresRotator, job: Job<'_>) -> Result<Rights, Fault> {
    command::check_name(job.username)
        .map_err(|error| Fault::new(FaultClass::Preflight, error.to_string()))?;
    let config = parse(job.spec)?;
    let session = rotator.management(&config, &job).await?;
    let looked = |failure| session.look_fault(failure);
    session.prepare().await.map_err(looked)?;
    let say = |class, what: String| Fault::new(class, format!("{}: {what}", config.place()));
    let server = check::Server::look(&session).await.map_err(looked)?;
    if let Some((class, obstacle)) = server.obstacle(config.hashing) {
        return Err(say(class, obstacle));
    }
    let name = job.username;
    let role = Role::find(&session, name)
        .await
        .map_err(looked)?
        .ok_or_else(|| say(FaultClass::AccountMissing, format!("there is no role '{name}'")))?;
    if !role.login {
        return Err(say(FaultClass::AccountLocked, format!("the role '{name}' may not log in (NOLOGIN)")));
    }
    if role.expired {
        let what = format!("the password of the role '{name}' has expired (VALID UNTIL)");
        return Err(say(FaultClass::AccountLocked, what));
    }
    if !role.connects {
        let what =
            format!("the role '{name}' may not connect to this database, so no login could be verified");
        return Err(say(FaultClass::Preflight, what));
    }
    if !role.alterable {
        return Err(say(FaultClass::PermissionDenied, cannot_alter(&role, name)));
    }
    let rights = role.rights(&session).await.map_err(looked)?;
    turns::compare(&session, &job, &role, &rights).await?;
    session.give_back().await;
    Ok(rights)
}

fn cannot_alter(role: &Role, name: &str) -> String {
    let need = if role.superuser {
        "only a superuser may, as it is one"
    } else {
        "that needs CREATEROLE, and from PostgreSQL 16 on the admin option on this role"
    };
    format!("the management credential may not set the password of the role '{name}': {need}")
}

/// Makes the change. `Err` and `NotApplied` say that it certainly did not happen: nothing becomes
/// visible before COMMIT, and COMMIT was not sent.
async fn change(rotator: &PostgresRotator, job: Job<'_>, candidate: &SecretString) -> Result<Outcome, Fault> {
    let refused = |error: command::LoginError| Fault::new(FaultClass::Preflight, error.to_string());
    command::check_name(job.username).map_err(refused)?;
    command::check_password(candidate).map_err(refused)?;
    let config = parse(job.spec)?;
    let statement = command::alter_password(job.username, candidate, config.hashing);
    let session = rotator.management(&config, &job).await?;
    settle_earlier(&session, job.rotation).await?;
    if config.hashing == Hashing::Scram {
        // An old server would take the verifier for the password itself.
        let server = check::Server::look(&session).await.map_err(|failure| session.look_fault(failure))?;
        if let Some((class, obstacle)) = server.obstacle(config.hashing) {
            return Err(Fault::new(class, format!("{}: {obstacle}", config.place())));
        }
    }
    transact(session, statement.expose()).await
}

/// Runs the statement that decides in a transaction of its own.
async fn transact(session: Session<'_>, statement: &str) -> Result<Outcome, Fault> {
    for step in [command::BEGIN, &session.transaction_limits(), statement] {
        session.run(step).await.map_err(|failure| session.change_fault(failure))?;
    }
    if session.is_closed() {
        let what = format!("{}: the connection broke before the change was committed", session.place());
        return Err(Fault::new(FaultClass::Unreachable, what));
    }
    Ok(commit(session).await)
}

async fn commit(session: Session<'_>) -> Outcome {
    match session.run(command::COMMIT).await {
        Ok(()) => {
            session.give_back().await;
            Outcome::Applied
        }
        Err(Failure::Said(error)) if classify::refused_commit(&error) => {
            Outcome::NotApplied(classify::change(&error, session.place()))
        }
        Err(Failure::Said(_) | Failure::Silent) => Outcome::Unknown(Fault::new(
            FaultClass::Ambiguous,
            format!("{}: COMMIT was sent and its answer did not come", session.place()),
        )),
    }
}

async fn verify(
    rotator: &PostgresRotator,
    job: Job<'_>,
    login: &Login,
    expected: &Rights,
) -> Result<Verification, Fault> {
    let config = parse(job.spec)?;
    let session = match Session::open(&config, login, LOOKING).await {
        Ok(session) => session,
        Err(failure) => return refused_login(failure, expected, &config),
    };
    let looked = |failure| session.look_fault(failure);
    let user = session.user().await.map_err(looked)?;
    if user.as_deref() != Some(&login.username) {
        let what = format!("{}: the login ends up as another role", config.place());
        return Ok(Verification::Refused(Fault::new(FaultClass::VerifyRefused, what)));
    }
    // A session that has just begun knows nothing of the catalogue yet; one of the management credential does.
    let seen = match rotator.waiting(&config, &job).await {
        Some(waiting) => {
            let seen = rights_of(&waiting, &login.username).await.ok();
            if seen.is_some() {
                waiting.give_back().await;
            }
            seen
        }
        None => None,
    };
    let rights = match seen {
        Some(rights) => rights,
        None => {
            session.prepare().await.map_err(looked)?;
            rights_of(&session, &login.username).await.map_err(looked)?
        }
    };
    session.close().await;
    let lost = rights::lost(expected, &rights);
    Ok(if lost.is_empty() { Verification::Verified } else { Verification::RightsLost(lost) })
}

async fn rights_of(session: &Session<'_>, name: &str) -> Result<Rights, Failure> {
    match Role::find(session, name).await? {
        Some(role) => role.rights(session).await,
        None => Ok(Rights::default()),
    }
}

/// What a login that did not succeed means for verification.
fn refused_login(failure: LoginFailure, expected: &Rights, config: &Config) -> Result<Verification, Fault> {
    match failure {
        LoginFailure::Refused(fault) | LoginFailure::Blocked(fault) => Ok(Verification::Refused(fault)),
        LoginFailure::NoConnect(fault) => {
            let line = rights::connect_line(&config.database);
            if expected.0.contains(&line) { Ok(Verification::RightsLost(vec![line])) } else { Err(fault) }
        }
        LoginFailure::NotFromHere(fault) | LoginFailure::Other(fault) => Err(fault),
    }
}

/// The application name of sessions that change nothing.
const LOOKING: &str = "rotunda";
