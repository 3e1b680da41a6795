//! The rotator for accounts in a directory: OpenLDAP and Active Directory.
//!
//! A password is set by the management credential in one request, whose lost answer is the only doubt there can
//! be. With `fence_attribute` that request takes a mark with it and does nothing without it, so `settle` can rule
//! out that it comes late (`fence`); without, no request of LDAP can, and the rotator says so. Nothing is retried
//! here, and no failed login is repeated. Limits of this: `docs/rotators/ldap.md`.

use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{
    BoxFuture, CheckReport, Job, Login, Outcome, Probe, Rights, Rotator, TargetSpec, Verification,
};
use vault_core::secret::SecretString;

mod account;
mod classify;
pub mod command;
pub mod config;
mod fence;
mod server;
mod session;

use account::Account;
use classify::{LoginFailure, Reply, SUCCESS};
use config::{Config, Schema};
use fence::Fence;
use server::Server;
use session::{Failure, Session};

/// Changes and verifies passwords of accounts in a directory.
#[derive(Clone, Copy, Debug, Default)]
pub struct LdapRotator;

impl LdapRotator {
    /// The rotator; it has no state.
    #[must_use]
    pub fn new() -> Self {
        Self
    }
}

impl Rotator for LdapRotator {
    fn kind(&self) -> &'static str {
        "ldap"
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
        Box::pin(async move { server::report(&parse(spec)?, management).await })
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
            let mut session = open_management(&config, &job).await?;
            if let Some(fence) = fence(&config, &job) {
                let account = Account::find(&mut session, &config, job.username).await?;
                fence.lower(&mut session, &account).await?;
            }
            session.close().await;
            Ok(())
        })
    }

    fn probe<'a>(&'a self, spec: &'a TargetSpec, login: &'a Login) -> BoxFuture<'a, Probe> {
        Box::pin(async move {
            let config = match parse(spec) {
                Ok(config) => config,
                Err(fault) => return Probe::Inconclusive(fault),
            };
            match Session::open(&config, login).await {
                Ok(session) => {
                    session.close().await;
                    Probe::Works
                }
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

    fn retire<'a>(&'a self, _job: Job<'a>, _old: &'a Login) -> BoxFuture<'a, Outcome> {
        // The change has replaced every password that the account had.
        Box::pin(std::future::ready(Outcome::Applied))
    }

    fn end_sessions<'a>(&'a self, job: Job<'a>) -> BoxFuture<'a, Result<u32, Fault>> {
        Box::pin(async move {
            let config = parse(job.spec)?;
            open_management(&config, &job).await?.close().await;
            let what = format!(
                "{}: no request of LDAP ends connections of others; those of '{}' stay logged in until they close",
                config.place(),
                job.username
            );
            Err(Fault::new(FaultClass::PermissionDenied, what))
        })
    }

    fn ends_sessions(&self, _spec: &TargetSpec) -> bool {
        false
    }

    fn late_requests(&self, spec: &TargetSpec) -> bool {
        Config::parse(spec).is_ok_and(|config| config.fence.is_none())
    }
}

fn parse(spec: &TargetSpec) -> Result<Config, Fault> {
    Config::parse(spec).map_err(|error| Fault::new(FaultClass::Preflight, error.to_string()))
}

/// Logs the management credential in.
async fn open_management<'a>(config: &'a Config, job: &Job<'_>) -> Result<Session<'a>, Fault> {
    Session::open(config, job.management).await.map_err(LoginFailure::of_management)
}

fn fence<'a>(config: &'a Config, job: &Job<'_>) -> Option<Fence<'a>> {
    config.fence.as_deref().map(|attribute| Fence { attribute, rotation: job.rotation })
}

async fn preflight(job: Job<'_>) -> Result<Rights, Fault> {
    command::check_name(job.username)
        .map_err(|error| Fault::new(FaultClass::Preflight, error.to_string()))?;
    let config = parse(job.spec)?;
    let mut session = open_management(&config, &job).await?;
    let server = Server::look(&mut session).await?;
    if let Some(obstacle) = server.obstacle(&config) {
        return Err(session.fault(FaultClass::Preflight, obstacle));
    }
    let account = Account::find(&mut session, &config, job.username).await?;
    if let Some(obstacle) = account.obstacle() {
        let what = format!("the account '{}' {obstacle}", job.username);
        return Err(session.fault(FaultClass::AccountLocked, &what));
    }
    let rights = account.rights(&mut session, &config, &server).await?;
    session.close().await;
    Ok(rights)
}

/// Makes the change. `Err` and `NotApplied` say that it certainly did not happen.
async fn change(job: Job<'_>, candidate: &SecretString) -> Result<Outcome, Fault> {
    let refused = |error: command::LoginError| Fault::new(FaultClass::Preflight, error.to_string());
    command::check_name(job.username).map_err(refused)?;
    command::check_password(candidate).map_err(refused)?;
    let config = parse(job.spec)?;
    let mut session = open_management(&config, &job).await?;
    let account = Account::find(&mut session, &config, job.username).await?;
    let outcome = match (fence(&config, &job), config.schema) {
        (Some(fence), schema) => fence.change(&mut session, &account, schema, candidate).await?,
        (None, Schema::OpenLdap) => {
            let answer = session.set_password(account.dn(), candidate).await;
            // A directory that remembers passwords refuses the one that is set already, too; and a candidate is no
            // word that anybody had before.
            match &answer {
                Ok(reply) if reply.is_reuse() => match opens(&config, job.username, candidate).await {
                    true => Outcome::Applied,
                    false => Outcome::Unknown(session.fault(FaultClass::Ambiguous, REMEMBERED)),
                },
                _ => outcome(answer, &session),
            }
        }
        (None, Schema::ActiveDirectory) => {
            let value = command::unicode_password(candidate);
            let set = ldap3::Mod::Replace(b"unicodePwd".to_vec(), [value].into());
            let answer = session.modify(account.dn(), vec![set]).await;
            outcome(answer, &session)
        }
    };
    session.close().await;
    Ok(outcome)
}

async fn opens(config: &Config, username: &str, password: &SecretString) -> bool {
    let login = Login { username: username.to_owned(), password: password.duplicate() };
    match Session::open(config, &login).await {
        Ok(session) => {
            session.close().await;
            true
        }
        Err(_) => false,
    }
}

/// What became of the request that sets the password.
fn outcome(answer: Result<Reply, Failure>, session: &Session<'_>) -> Outcome {
    let unknown = |what| Outcome::Unknown(session.fault(FaultClass::Ambiguous, what));
    match answer {
        Ok(Reply { code: SUCCESS, .. }) => Outcome::Applied,
        Ok(reply) if classify::leaves_doubt(&reply) => {
            unknown("the new password was sent, and the answer does not say what became of it")
        }
        Ok(reply) => Outcome::NotApplied(classify::change(&reply, session.place())),
        Err(Failure::Unsent) => Outcome::NotApplied(session.silence()),
        Err(Failure::Silent) => unknown("the new password was sent and no answer came"),
    }
}

async fn verify(job: Job<'_>, login: &Login, expected: &Rights) -> Result<Verification, Fault> {
    let config = parse(job.spec)?;
    let mut own = match Session::open(&config, login).await {
        Ok(session) => session,
        Err(LoginFailure::Refused(fault) | LoginFailure::Blocked(fault)) => {
            return Ok(Verification::Refused(fault));
        }
        Err(LoginFailure::Other(fault)) => return Err(fault),
    };
    let identity = own.who_am_i().await?;
    own.close().await;
    // What the account may do is looked at with the eyes that saw it before the change: its own may see less.
    let mut session = open_management(&config, &job).await?;
    let account = Account::find(&mut session, &config, job.username).await?;
    if !is_the_account(identity.as_deref(), &account, &mut session).await? {
        let what = "the login ends up as another account, or as nobody";
        return Ok(Verification::Refused(session.fault(FaultClass::VerifyRefused, what)));
    }
    let server = Server::look(&mut session).await?;
    let rights = account.rights(&mut session, &config, &server).await?;
    session.close().await;
    let lost = expected.lost_in(&rights);
    Ok(if lost.is_empty() { Verification::Verified } else { Verification::RightsLost(lost) })
}

/// Whether a login's identity is this account. A directory that does not tell is believed.
async fn is_the_account(
    identity: Option<&str>,
    account: &Account,
    session: &mut Session<'_>,
) -> Result<bool, Fault> {
    match identity {
        None => Ok(true),
        Some("") => Ok(false),
        Some(identity) => match identity.strip_prefix("dn:") {
            Some(dn) if dn == account.dn() => Ok(true),
            Some("") => Ok(false),
            // The directory may spell one DN in two ways, so it is asked what it means by it.
            Some(dn) => {
                let entry = session.entry(dn, &[account::NO_ATTRIBUTES]).await?;
                Ok(entry.is_some_and(|entry| entry.dn == account.dn()))
            }
            None => Ok(account.is_user(identity)),
        },
    }
}

const REMEMBERED: &str =
    "the directory says that the account had this very password before, and does not let it in by it now";
