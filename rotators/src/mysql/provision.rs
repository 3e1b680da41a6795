//! Users that live as long as a lease: made, kept and removed by statements, in Vault's templates.
//!
//! Account statements are no transactions here, so "whole or not at all" is kept by taking back: there is no user of
//! that name before, and where a statement fails, what was made is dropped in the same session. Before a user is
//! removed it is locked, and its sessions are ended: from there on it is out, whatever the statements do.

mod template;

use vault_core::clock::Timestamp;
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{BoxFuture, Job, Outcome, TargetSpec};
use vault_core::rotation::provisioner::{Made, Order, Presence, Provisioner, Sight, Statements};
use vault_core::secret::SecretString;

use super::account::{Account, check_password};
use super::check::Server;
use super::config::Config;
use super::session::Session;
use super::{MysqlRotator, find, open_management, open_marked, parse, unfit};
use template::Values;

impl Provisioner for MysqlRotator {
    fn validate(&self, statements: &Statements) -> Result<(), String> {
        template::check(statements)
    }

    fn place(&self, spec: &TargetSpec) -> String {
        Config::parse(spec).map_or_else(|_| spec.connection_url.clone(), |config| config.place().to_string())
    }

    fn create<'a>(&'a self, job: Job<'a>, order: Order<'a>) -> BoxFuture<'a, Made> {
        Box::pin(
            async move { create(job, order).await.unwrap_or_else(|fault| Outcome::NotApplied(fault).into()) },
        )
    }

    fn extend<'a>(
        &'a self,
        job: Job<'a>,
        renew: &'a [String],
        expiration: Timestamp,
    ) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { extend(job, renew, expiration).await.unwrap_or_else(Outcome::NotApplied) })
    }

    fn remove<'a>(&'a self, job: Job<'a>, revocation: &'a [String]) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { remove(job, revocation).await.unwrap_or_else(Outcome::NotApplied) })
    }

    fn presence<'a>(&'a self, job: Job<'a>) -> BoxFuture<'a, Result<Sight, Fault>> {
        Box::pin(async move {
            let config = parse(job.spec)?;
            let mut session = open_management(&config, &job).await?;
            let server = writable(&mut session, &config).await?;
            let mut presence = Presence::Gone;
            for account in session.accounts_of(&[job.username]).await? {
                // One that goes this very moment lets nobody in.
                let locked = find(&mut session, &account).await?.is_none_or(|identity| identity.is_locked());
                if locked && presence == Presence::Gone {
                    presence = Presence::Blocked;
                } else if !locked {
                    presence = Presence::Live;
                }
            }
            session.close().await;
            Ok(Sight { presence, server: server.identifier() })
        })
    }
}

/// Looks at the server. A replica is not asked: its accounts may be behind, so that nothing it says is proof.
async fn writable(session: &mut Session<'_>, config: &Config) -> Result<Server, Fault> {
    let server = Server::look(session).await?;
    if server.is_read_only() {
        let what = format!(
            "{}: this server is read-only, a replica perhaps, whose word on a user is no proof; name the primary",
            config.place()
        );
        return Err(Fault::new(FaultClass::Unreachable, what));
    }
    Ok(server)
}

async fn create(job: Job<'_>, order: Order<'_>) -> Result<Made, Fault> {
    check_user(job.username)?;
    check_password(order.password).map_err(unfit)?;
    let config = parse(job.spec)?;
    let mut session = open_marked(&config, &job).await?;
    let server = writable(&mut session, &config).await?;
    if !session.accounts_of(&[job.username]).await?.is_empty() {
        let what = format!("{}: there is a user '{}' already", config.place(), job.username);
        return Err(Fault::new(FaultClass::Preflight, what));
    }
    let values =
        Values { username: job.username, password: Some(order.password), expiration: Some(order.expiration) };
    let statements = template::filled(order.creation, &values);
    let outcome = match run(&mut session, &statements).await {
        Ok(()) => Outcome::Applied,
        Err(fault) => take_back(&mut session, job.username, fault).await,
    };
    session.close().await;
    Ok(Made { outcome, server: server.identifier() })
}

/// The user's name goes into statements as it is, between quotes of the template's choice.
fn check_user(name: &str) -> Result<(), Fault> {
    Account::parse(&format!("{name}@%")).map_err(unfit)?;
    if name.contains(['\'', '"', '`', '\\']) {
        let what = "the user's name holds a quote or a backslash, which statements could not hold";
        return Err(Fault::new(FaultClass::Preflight, what.to_owned()));
    }
    Ok(())
}

async fn run(session: &mut Session<'_>, statements: &[SecretString]) -> Result<(), Fault> {
    for (at, statement) in (1..).zip(statements) {
        session.run_template(statement, &format!("statement {at} of the role")).await?;
    }
    Ok(())
}

/// Drops what a creation that failed has made. There was no user of that name before it.
async fn take_back(session: &mut Session<'_>, name: &str, fault: Fault) -> Outcome {
    if session.is_broken() {
        let what = format!("{}; what the statements had done is not known", fault.detail);
        return Outcome::Unknown(Fault::new(FaultClass::Ambiguous, what));
    }
    let undone = async {
        for account in session.accounts_of(&[name]).await? {
            drop_account(session, &account).await?;
        }
        Ok::<bool, Fault>(session.accounts_of(&[name]).await?.is_empty())
    };
    match undone.await {
        Ok(true) => Outcome::NotApplied(fault),
        Ok(false) | Err(_) => Outcome::Unknown(fault),
    }
}

/// Takes all rights from an account, and the account away.
async fn drop_account(session: &mut Session<'_>, account: &Account) -> Result<(), Fault> {
    let name = account.quoted();
    for statement in [format!("REVOKE ALL PRIVILEGES, GRANT OPTION FROM {name}"), format!("DROP USER {name}")]
    {
        session.run_template(&SecretString::new(statement), "dropping the user").await?;
    }
    Ok(())
}

async fn extend(job: Job<'_>, renew: &[String], expiration: Timestamp) -> Result<Outcome, Fault> {
    check_user(job.username)?;
    let config = parse(job.spec)?;
    let mut session = open_marked(&config, &job).await?;
    writable(&mut session, &config).await?;
    if session.accounts_of(&[job.username]).await?.is_empty() {
        let what = format!("{}: there is no user '{}'", config.place(), job.username);
        return Err(Fault::new(FaultClass::AccountMissing, what));
    }
    let values = Values { username: job.username, password: None, expiration: Some(expiration) };
    let done = run(&mut session, &template::filled(renew, &values)).await;
    let is_broken = session.is_broken();
    session.close().await;
    Ok(match done {
        Ok(()) => Outcome::Applied,
        Err(fault) if is_broken => Outcome::Unknown(fault),
        Err(fault) => Outcome::NotApplied(fault),
    })
}

async fn remove(job: Job<'_>, revocation: &[String]) -> Result<Outcome, Fault> {
    check_user(job.username)?;
    let config = parse(job.spec)?;
    let mut session = open_marked(&config, &job).await?;
    writable(&mut session, &config).await?;
    let accounts = session.accounts_of(&[job.username]).await?;
    if accounts.is_empty() {
        session.close().await;
        return Ok(Outcome::Applied);
    }
    for account in &accounts {
        lock(&mut session, account, revocation.is_empty()).await?;
    }
    end_sessions(&mut session, job.username, &job).await?;
    let done = dismiss(&mut session, &job, &accounts, revocation).await;
    let is_broken = session.is_broken();
    session.close().await;
    Ok(match done {
        Ok(()) => Outcome::Applied,
        Err(fault) if is_broken => Outcome::Unknown(fault),
        Err(fault) => Outcome::NotApplied(fault),
    })
}

/// Lets nobody in as this account any more. Where statements of the role's own remove the user, what the
/// management credential may not do here is left to them.
async fn lock(session: &mut Session<'_>, account: &Account, required: bool) -> Result<(), Fault> {
    let statement = SecretString::new(format!("ALTER USER {} ACCOUNT LOCK", account.quoted()));
    let done = session.run_template(&statement, "locking the user").await;
    // Without the right, or dropped this very moment: what follows will tell.
    if required || session.is_broken() { done } else { Ok(()) }
}

/// Removes a user that was locked, and looks whether it is gone.
async fn dismiss(
    session: &mut Session<'_>,
    job: &Job<'_>,
    accounts: &[Account],
    revocation: &[String],
) -> Result<(), Fault> {
    if revocation.is_empty() {
        for account in accounts {
            drop_account(session, account).await?;
        }
    } else {
        let values = Values { username: job.username, password: None, expiration: None };
        run(session, &template::filled(revocation, &values)).await?;
    }
    if !session.accounts_of(&[job.username]).await?.is_empty() {
        let what = format!("{}: the statements ran, and the user is still there", session.place());
        return Err(Fault::new(FaultClass::OldStillValid, what));
    }
    // Where it could not be locked, somebody may have come in meanwhile.
    end_sessions(session, job.username, job).await.map(drop)
}

/// Ends the sessions of a user. Who cannot see them all is told, instead of finding none.
pub(super) async fn end_sessions(session: &mut Session<'_>, user: &str, job: &Job<'_>) -> Result<u32, Fault> {
    let own = Account::parse(&job.management.username).is_ok_and(|management| management.user == user);
    if !own && !session.sees_all_sessions().await? {
        let what = format!(
            "{}: the management credential cannot see sessions of others; grant it PROCESS, and CONNECTION ADMIN to end them",
            session.place()
        );
        return Err(Fault::new(FaultClass::PermissionDenied, what));
    }
    session.end_sessions_of(user).await
}
