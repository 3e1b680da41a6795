//! The rotator for accounts of MySQL and MariaDB.
//!
//! It changes a password by one statement, `ALTER USER … IDENTIFIED …`, which keeps the account's plugin and takes
//! effect by itself: the only doubt there can ever be is a lost answer to it. Each session that changes something
//! holds a user-level lock named after the rotation; `settle` finds who holds it, ends that session on the server
//! and waits until the lock is free, after which no delayed statement can take effect and a probe is conclusive.
//! Nothing is retried here, and no failed login is repeated. Limits of this: `docs/rotators/mysql.md`.

use vault_core::clock::Timestamp;
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{
    BoxFuture, CheckReport, Job, Login, Outcome, Probe, Rights, Rotator, TargetSpec, Verification,
};
use vault_core::rotation::provisioner::Provisioner;
use vault_core::rotation::shadow::ShadowMaker;
use vault_core::secret::SecretString;

mod account;
mod check;
mod classify;
mod command;
pub mod config;
mod identity;
mod provision;
mod rights;
mod session;
mod shadow;
mod turns;

use account::{Account, LoginError, check_password};
use check::Server;
use classify::LoginFailure;
use config::Config;
use identity::{Identity, Need};
use provision::end_sessions;
use session::{Failure, Session};

/// Changes, verifies and revokes passwords of MySQL's and MariaDB's accounts.
#[derive(Clone, Copy, Debug, Default)]
pub struct MysqlRotator;

impl MysqlRotator {
    /// The rotator; it has no state.
    #[must_use]
    pub fn new() -> Self {
        Self
    }
}

impl Rotator for MysqlRotator {
    fn kind(&self) -> &'static str {
        "mysql"
    }

    fn validate(&self, spec: &TargetSpec) -> Result<(), String> {
        Config::parse(spec).map(drop).map_err(|error| error.to_string())
    }

    fn validate_login(&self, login: &Login) -> Result<(), String> {
        Account::parse(&login.username)
            .and_then(|_| check_password(&login.password))
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
        Box::pin(async move { change(job, candidate).await.unwrap_or_else(Outcome::NotApplied) })
    }

    fn settle<'a>(&'a self, job: Job<'a>) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            let config = parse(job.spec)?;
            open_marked(&config, &job).await?.close().await;
            Ok(())
        })
    }

    fn probe<'a>(&'a self, spec: &'a TargetSpec, login: &'a Login) -> BoxFuture<'a, Probe> {
        Box::pin(async move {
            match probe(spec, login).await {
                Ok(()) => Probe::Works,
                Err(LoginFailure::Refused(_)) => Probe::Refused,
                Err(LoginFailure::Blocked(fault)) => Probe::Blocked(fault),
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
        Box::pin(async move { turns::retire(job, old).await.unwrap_or_else(Outcome::NotApplied) })
    }

    fn end_sessions<'a>(&'a self, job: Job<'a>) -> BoxFuture<'a, Result<u32, Fault>> {
        Box::pin(async move {
            let account = Account::parse(job.username).map_err(unfit)?;
            let config = parse(job.spec)?;
            let mut session = open_management(&config, &job).await?;
            end_sessions(&mut session, &account.user, &job).await
        })
    }

    fn overlaps(&self, spec: &TargetSpec) -> bool {
        Config::parse(spec).is_ok_and(|config| config.dual_password)
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
        Box::pin(async move { check::clock(&parse(spec)?, management).await })
    }
}

fn parse(spec: &TargetSpec) -> Result<Config, Fault> {
    Config::parse(spec).map_err(|error| Fault::new(FaultClass::Preflight, error.to_string()))
}

fn unfit(error: LoginError) -> Fault {
    Fault::new(FaultClass::Preflight, error.to_string())
}

/// Logs the management credential in.
async fn open_management<'a>(config: &'a Config, job: &Job<'_>) -> Result<Session<'a>, Fault> {
    let name = format!("{LOOKING}:{}", job.rotation);
    let mut session =
        Session::open(config, job.management, &name).await.map_err(LoginFailure::of_management)?;
    session.prepare().await.map_err(|failure| session.look_fault(failure))?;
    Ok(session)
}

/// The same, as the only session that bears the rotation's mark.
async fn open_marked<'a>(config: &'a Config, job: &Job<'_>) -> Result<Session<'a>, Fault> {
    let mut session = open_management(config, job).await?;
    session.take_over(&command::mark(job.rotation)).await?;
    Ok(session)
}

/// What the server says of an account; `None` where there is none.
async fn find(session: &mut Session<'_>, account: &Account) -> Result<Option<Identity>, Fault> {
    match session.ask(&format!("SHOW CREATE USER {}", account.quoted())).await {
        Ok(rows) => Ok(check::first_column(rows).first().map(|statement| Identity::parse(statement))),
        Err(Failure::Said(error)) if classify::code(&error).is_some_and(|code| MISSING.contains(&code)) => {
            Ok(None)
        }
        Err(failure) => Err(session.look_fault(failure)),
    }
}

async fn rights(session: &mut Session<'_>, identity: &Identity, account: &str) -> Result<Rights, Fault> {
    let rows = session
        .ask(&format!("SHOW GRANTS FOR {account}"))
        .await
        .map_err(|failure| session.look_fault(failure))?;
    Ok(rights::rights(identity, &check::first_column(rows)))
}

async fn preflight(job: Job<'_>) -> Result<Rights, Fault> {
    let account = Account::parse(job.username).map_err(unfit)?;
    let config = parse(job.spec)?;
    let mut session = open_management(&config, &job).await?;
    let server = Server::look(&mut session).await?;
    let say = |class, what: String| Fault::new(class, format!("{}: {what}", config.place()));
    if let Some(obstacle) = server.obstacle(&config) {
        return Err(say(FaultClass::Preflight, obstacle));
    }
    let identity = find(&mut session, &account)
        .await?
        .ok_or_else(|| say(FaultClass::AccountMissing, format!("there is no account {account}")))?;
    if identity.is_locked() {
        return Err(say(
            FaultClass::AccountLocked,
            format!("the account {account} is locked (ACCOUNT LOCK)"),
        ));
    }
    if identity.is_expired() {
        let what = format!("the password of the account {account} has expired (PASSWORD EXPIRE)");
        return Err(say(FaultClass::AccountLocked, what));
    }
    identity.plugin().map_err(|how| say(FaultClass::Preflight, format!("the account {account} {how}")))?;
    let need = match identity.need() {
        Need::Certificate => {
            Some("a certificate of the client's or a certain cipher, which the vault has not")
        }
        Need::Tls if !server.encrypted => Some("TLS, which this connection has not; set sslmode"),
        Need::Tls | Need::Nothing => None,
    };
    if let Some(need) = need {
        return Err(say(FaultClass::Preflight, format!("the account {account} asks for {need}")));
    }
    if server.me != account {
        let others = session.accounts_of(&[&account.user, ""]).await?;
        if let Some(how) = account.misses(&server.seen, &others) {
            let what = format!(
                "whoever logs in as '{}' from '{}' {how}, so that no login as {account} could be verified",
                account.user, server.seen
            );
            return Err(say(FaultClass::Preflight, what));
        }
        if !rights::may_alter_others(&check::own_grants(&mut session).await?) {
            let what = format!(
                "the management credential may not change the account {account}: that needs CREATE USER"
            );
            return Err(say(FaultClass::PermissionDenied, what));
        }
    }
    let rights = rights(&mut session, &identity, &account.quoted()).await?;
    turns::compare(&mut session, &server, &job, &rights).await?;
    session.close().await;
    Ok(rights)
}

/// Makes the change. `Err` and `NotApplied` say that it certainly did not happen: it was not sent, or the
/// server refused it.
async fn change(job: Job<'_>, candidate: &SecretString) -> Result<Outcome, Fault> {
    let account = Account::parse(job.username).map_err(unfit)?;
    check_password(candidate).map_err(unfit)?;
    let config = parse(job.spec)?;
    let mut session = open_marked(&config, &job).await?;
    let server = Server::look(&mut session).await?;
    let say = |class, what: String| Fault::new(class, format!("{}: {what}", config.place()));
    if let Some(obstacle) = server.obstacle(&config) {
        return Err(say(FaultClass::Preflight, obstacle));
    }
    let identity = find(&mut session, &account)
        .await?
        .ok_or_else(|| say(FaultClass::AccountMissing, format!("there is no account {account}")))?;
    let plugin = identity
        .plugin()
        .map_err(|how| say(FaultClass::Preflight, format!("the account {account} {how}")))?;
    let is_own = server.me == account;
    let alone = job.is_adoption || job.beside.is_some();
    let retain = config.dual_password && !alone;
    if retain {
        // Once more would make the candidate the second password as well, and the old one void before its time.
        let login = Login { username: job.username.to_owned(), password: candidate.duplicate() };
        if probe(job.spec, &login).await.is_ok() {
            session.close().await;
            return Ok(Outcome::Applied);
        }
    }
    let hashed = server.wants_hash(config.hashing);
    let kind = if is_own { command::Kind::Own } else { command::Kind::Other };
    let change = command::Change { flavour: server.flavour, account: &account, kind, plugin, hashed, retain };
    let outcome = conclude(session, change.statement(candidate).expose()).await;
    // A second password that somebody has set would outlive the change; but nothing is taken before that is made. The
    // server lets an account do this to itself only with a privilege of its own.
    if outcome == Outcome::Applied && alone && server.has_dual_passwords() && !is_own {
        let session = open_marked(&config, &job).await;
        return Ok(match session {
            Ok(session) => in_doubt(conclude(session, &command::discard_old(&account)).await),
            Err(fault) => Outcome::Unknown(Fault::new(FaultClass::Ambiguous, fault.detail)),
        });
    }
    Ok(outcome)
}

/// The password is set, so what failed after it leaves the account in doubt.
fn in_doubt(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::NotApplied(fault) => Outcome::Unknown(Fault::new(FaultClass::Ambiguous, fault.detail)),
        other => other,
    }
}

/// Sends the statement that decides, and says what is known of it.
async fn conclude(mut session: Session<'_>, statement: &str) -> Outcome {
    match session.run(statement).await {
        Ok(()) => {
            session.close().await;
            return Outcome::Applied;
        }
        Err(Failure::Said(error)) => {
            if let Some(code) = classify::code(&error) {
                let behind = session.errors_behind().await;
                if let Some(fault) = classify::change(code, &behind, session.place()) {
                    session.close().await;
                    return Outcome::NotApplied(fault);
                }
            }
        }
        Err(Failure::Silent) => {}
    }
    Outcome::Unknown(Fault::new(
        FaultClass::Ambiguous,
        format!("{}: the change was sent, and no answer came that says what became of it", session.place()),
    ))
}

/// Logs in afresh and looks whether that is the account that was meant.
async fn probe(spec: &TargetSpec, login: &Login) -> Result<(), LoginFailure> {
    let config = parse(spec).map_err(LoginFailure::Other)?;
    let account = Account::parse(&login.username).map_err(|error| LoginFailure::Other(unfit(error)))?;
    let mut session = Session::open(&config, login, LOOKING).await?;
    let found = who(&mut session).await?;
    session.close().await;
    // Of a user without a host it is asked whether the login works, as for a management credential; whether it ends at
    // the account that was changed is for preflight and verify.
    let is_meant = found == account || found.user == account.user && !login.username.contains('@');
    if is_meant { Ok(()) } else { Err(LoginFailure::Other(someone_else(&config, &account, &found))) }
}

/// The account that a session was let in as.
async fn who(session: &mut Session<'_>) -> Result<Account, LoginFailure> {
    match session.ask("SELECT CURRENT_USER()").await {
        Ok(rows) => Ok(Account::answered(check::first_column(rows).first().map_or("", String::as_str))),
        // A session with an expired password is let in for nothing but to change it.
        Err(Failure::Said(error)) => Err(classify::login(&error, session.place())),
        Err(failure) => Err(LoginFailure::Other(session.look_fault(failure))),
    }
}

fn someone_else(config: &Config, account: &Account, found: &Account) -> Fault {
    let what = format!("{}: whoever logs in as {account} from here is let in as {found}", config.place());
    Fault::new(FaultClass::Preflight, what)
}

async fn verify(job: Job<'_>, login: &Login, expected: &Rights) -> Result<Verification, Fault> {
    let account = Account::parse(&login.username).map_err(unfit)?;
    let config = parse(job.spec)?;
    let refused = |failure| match failure {
        LoginFailure::Refused(fault) | LoginFailure::Blocked(fault) => Ok(Verification::Refused(fault)),
        LoginFailure::Other(fault) => Err(fault),
    };
    let mut session = match Session::open(&config, login, LOOKING).await {
        Ok(session) => session,
        Err(failure) => return refused(failure),
    };
    let found = match who(&mut session).await {
        Ok(found) => found,
        Err(failure) => return refused(failure),
    };
    if found != account {
        let fault = someone_else(&config, &account, &found);
        return Ok(Verification::Refused(Fault::new(FaultClass::VerifyRefused, fault.detail)));
    }
    session.prepare().await.map_err(|failure| session.look_fault(failure))?;
    // MySQL mixes what active roles may do into the account's own rows. A server without roles refuses this.
    match session.run("SET ROLE NONE").await {
        Ok(()) | Err(Failure::Said(_)) => {}
        Err(failure) => return Err(session.look_fault(failure)),
    }
    let rows = session
        .ask("SHOW CREATE USER CURRENT_USER()")
        .await
        .map_err(|failure| session.look_fault(failure))?;
    let identity =
        check::first_column(rows).first().map(|statement| Identity::parse(statement)).unwrap_or_default();
    let rights = rights(&mut session, &identity, "CURRENT_USER()").await?;
    session.close().await;
    let lost = expected.lost_in(&rights);
    Ok(if lost.is_empty() { Verification::Verified } else { Verification::RightsLost(lost) })
}

/// What sessions call themselves, for people who look at `performance_schema`.
const LOOKING: &str = "rotunda";
/// The servers' numbers for an account that is not there.
const MISSING: [u16; 4] = [1133, 1141, 1269, 1396];
