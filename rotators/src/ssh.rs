//! The rotator for Linux accounts over SSH: passwords in `/etc/shadow`, or keys in `authorized_keys`.
//!
//! Management logs in and runs fixed scripts of POSIX sh as root. A script that changes something first says that it
//! runs, and only then is told what to set, in one message; so the only doubt there can ever be is about what became
//! of that message. Each such script bears a mark with the rotation's id in its command line, and whatever it starts
//! in its environment; `settle` ends all of them, after which no late message can take effect and a probe is
//! conclusive. Host keys are pinned. Nothing is retried here, and no refused login is repeated. Limits of this:
//! `docs/rotators/ssh.md`.

use vault_core::entropy::Entropy;
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{
    BoxFuture, CheckReport, Job, Login, Outcome, Probe, Rights, Rotator, TargetSpec, Verification,
};
use vault_core::secret::SecretString;

mod classify;
mod command;
pub mod config;
mod hostkey;
mod login;
mod look;
mod session;

use classify::LoginFailure;
use command::Script;
use config::{Config, Credential, OtherKeys};
use login::LoginError;
use session::{Came, Session};

pub use hostkey::Pins;

/// Changes, verifies and revokes passwords and keys of Linux accounts.
#[derive(Clone, Copy, Debug, Default)]
pub struct SshRotator;

impl SshRotator {
    /// The rotator; it has no state.
    #[must_use]
    pub fn new() -> Self {
        Self
    }
}

impl Rotator for SshRotator {
    fn kind(&self) -> &'static str {
        "ssh"
    }

    fn validate(&self, spec: &TargetSpec) -> Result<(), String> {
        Config::parse(spec).map(drop).map_err(|error| error.to_string())
    }

    fn validate_login(&self, login: &Login) -> Result<(), String> {
        login::check(login).map_err(|error| error.to_string())
    }

    fn check<'a>(
        &'a self,
        spec: &'a TargetSpec,
        management: &'a Login,
    ) -> BoxFuture<'a, Result<CheckReport, Fault>> {
        Box::pin(async move { look::report(&parse(spec)?, management).await })
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
            let session = Session::open_management(&config, job.management).await?;
            settle_earlier(&session, &job).await?;
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

    fn retire<'a>(&'a self, job: Job<'a>, old: &'a Login) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { retire(job, old).await.unwrap_or_else(Outcome::NotApplied) })
    }

    fn end_sessions<'a>(&'a self, job: Job<'a>) -> BoxFuture<'a, Result<u32, Fault>> {
        Box::pin(end_sessions(job))
    }

    fn overlaps(&self, spec: &TargetSpec) -> bool {
        Config::parse(spec).is_ok_and(|config| config.credential == Credential::SshKey)
    }

    fn candidate(&self, spec: &TargetSpec, entropy: &dyn Entropy) -> Option<SecretString> {
        self.overlaps(spec).then(|| login::generate(entropy)).flatten()
    }
}

fn parse(spec: &TargetSpec) -> Result<Config, Fault> {
    Config::parse(spec).map_err(|error| Fault::new(FaultClass::Preflight, error.to_string()))
}

fn unfit(error: LoginError) -> Fault {
    Fault::new(FaultClass::Preflight, error.to_string())
}

async fn settle_earlier(session: &Session<'_>, job: &Job<'_>) -> Result<(), Fault> {
    let marks = command::changes_of(job.rotation);
    match session.run(Script::Settle, Some(job.rotation), &marks).await? {
        (_, word) if word == "done" => Ok(()),
        (_, word) => Err(classify::look(&word, job.username, session.config)),
    }
}

async fn preflight(job: Job<'_>) -> Result<Rights, Fault> {
    login::check_name(job.username).map_err(unfit)?;
    let config = parse(job.spec)?;
    let session = Session::open_management(&config, job.management).await?;
    let rights = look::rights(&session, job.username).await?;
    session.close().await;
    look::offered(&config, job.username).await?;
    Ok(rights)
}

async fn apply(job: Job<'_>, candidate: &SecretString) -> Result<Outcome, Fault> {
    login::check_name(job.username).map_err(unfit)?;
    let config = parse(job.spec)?;
    match config.credential {
        Credential::Password if login::is_key(candidate) => Err(unfit(LoginError::PasswordWanted)),
        Credential::Password => {
            login::check_password(candidate).map_err(unfit)?;
            let line = SecretString::new(format!("{}:{}\n", job.username, candidate.expose()));
            change(job, &config, Script::Password, &line).await
        }
        Credential::SshKey if !login::is_key(candidate) => Err(unfit(LoginError::KeyWanted)),
        Credential::SshKey => {
            // What a person has set before the vault came, nobody will retire.
            let alone = job.is_adoption && config.other_keys == OtherKeys::Remove;
            let script = if alone { Script::OnlyKey } else { Script::AddKey };
            change(job, &config, script, &public_line(candidate, &job)?).await
        }
    }
}

/// Makes a change. `Err` and `NotApplied` say that it certainly did not happen: the script sets nothing before
/// it was told what, and says so when it could not.
async fn change(
    job: Job<'_>,
    config: &Config,
    script: Script,
    line: &SecretString,
) -> Result<Outcome, Fault> {
    let session = Session::open_management(config, job.management).await?;
    settle_earlier(&session, &job).await?;
    let mut running = session.start(script, Some(job.rotation), job.username).await?;
    if let Came::Ended(word) = running.ready().await? {
        return Ok(classify::change(&word, job.username, config));
    }
    if session.is_closed() {
        let what = format!("{}: the connection broke before the change was asked for", config.place());
        return Err(Fault::new(FaultClass::Unreachable, what));
    }
    let Some(word) = running.finish(line).await else {
        return Ok(classify::unknown("the change was asked for and no answer came", config));
    };
    session.close().await;
    Ok(classify::change(&word, job.username, config))
}

/// What goes into `authorized_keys`. It is no secret, but travels as one.
fn public_line(secret: &SecretString, job: &Job<'_>) -> Result<SecretString, Fault> {
    let key = login::key(secret).map_err(unfit)?;
    login::authorized_line(&key, job.rotation).map(SecretString::new).ok_or_else(|| unfit(LoginError::Key))
}

async fn retire(job: Job<'_>, old: &Login) -> Result<Outcome, Fault> {
    login::check_name(job.username).map_err(unfit)?;
    let config = parse(job.spec)?;
    // A password was replaced by the change; one beside keys is not ours to take.
    if config.credential == Credential::Password || !login::is_key(&old.password) {
        return Ok(Outcome::Applied);
    }
    change(job, &config, Script::RemoveKey, &public_line(&old.password, &job)?).await
}

async fn verify(job: Job<'_>, login: &Login, expected: &Rights) -> Result<Verification, Fault> {
    let config = parse(job.spec)?;
    match Session::open(&config, login).await {
        Ok(session) => session.close().await,
        Err(LoginFailure::Refused(fault) | LoginFailure::Blocked(fault)) => {
            return Ok(Verification::Refused(fault));
        }
        Err(LoginFailure::Other(fault)) => return Err(fault),
    }
    // What the account may do is asked as root: the account's own shell may run nothing.
    let session = Session::open_management(&config, job.management).await?;
    let rights = look::rights(&session, &login.username).await?;
    session.close().await;
    let lost = expected.lost_in(&rights);
    Ok(if lost.is_empty() { Verification::Verified } else { Verification::RightsLost(lost) })
}

async fn end_sessions(job: Job<'_>) -> Result<u32, Fault> {
    login::check_name(job.username).map_err(unfit)?;
    let config = parse(job.spec)?;
    let session = Session::open_management(&config, job.management).await?;
    let (lines, word) = session.run(Script::Sessions, Some(job.rotation), job.username).await?;
    session.close().await;
    if word != "done" {
        return Err(classify::look(&word, job.username, &config));
    }
    let count = lines.iter().find_map(|line| line.strip_prefix("n ")?.parse().ok());
    count.ok_or_else(|| classify::look("", job.username, &config))
}
