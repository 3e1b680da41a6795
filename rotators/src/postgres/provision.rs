//! Users that live as long as a lease: made, kept and removed by statements, in Vault's templates.
//!
//! What a role's statements do happens in one transaction, so a user is made whole or not at all. Before a
//! user is removed it loses LOGIN, committed by itself, and its sessions are ended: from there on it is out,
//! whatever the statements do. Statements that end the transaction themselves are noticed and count as an
//! unknown outcome.

mod template;

use vault_core::clock::Timestamp;
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{BoxFuture, Job, Outcome};
use vault_core::rotation::provisioner::{Order, Presence, Provisioner, Statements};
use vault_core::secret::SecretString;

use super::config::{Config, Hashing};
use super::session::{Failure, Selection, Session};
use super::{PostgresRotator, classify, command, commit, open_management, parse, settle_earlier};
use template::Values;

impl Provisioner for PostgresRotator {
    fn validate(&self, statements: &Statements) -> Result<(), String> {
        template::check(statements)
    }

    fn create<'a>(&'a self, job: Job<'a>, order: Order<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(async move { create(job, order).await.unwrap_or_else(Outcome::NotApplied) })
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

    fn presence<'a>(&'a self, job: Job<'a>) -> BoxFuture<'a, Result<Presence, Fault>> {
        Box::pin(async move {
            let config = parse(job.spec)?;
            let session = open_management(&config, &job).await?;
            let found = find(&session, job.username).await?;
            session.close().await;
            Ok(match found {
                None => Presence::Gone,
                Some(User { login: false, .. }) => Presence::Blocked,
                Some(User { login: true, .. }) => Presence::Live,
            })
        })
    }
}

/// A user, as the catalogue has it.
struct User {
    login: bool,
    /// Whether the management role acts with its rights already.
    is_ours: bool,
}

async fn find(session: &Session<'_>, name: &str) -> Result<Option<User>, Fault> {
    let rows = session
        .ask(FIND, &[(&name, tokio_postgres::types::Type::TEXT)])
        .await
        .map_err(|failure| session.look_fault(failure))?;
    let Some(row) = rows.first() else { return Ok(None) };
    let flag = |at: usize| row.try_get(at).map_err(|error| session.look_fault(Failure::Said(error)));
    Ok(Some(User { login: flag(0)?, is_ours: flag(1)? }))
}

async fn create(job: Job<'_>, order: Order<'_>) -> Result<Outcome, Fault> {
    let preflight = |error: command::LoginError| Fault::new(FaultClass::Preflight, error.to_string());
    command::check_name(job.username).map_err(preflight)?;
    command::check_password(order.password).map_err(preflight)?;
    let config = parse(job.spec)?;
    let session = open_management(&config, &job).await?;
    let server = super::check::Server::look(&session).await.map_err(|failure| session.look_fault(failure))?;
    if let Some(obstacle) = server.obstacle(config.hashing) {
        return Err(Fault::new(FaultClass::Preflight, format!("{}: {obstacle}", config.place())));
    }
    let stored = stored_form(order.password, config.hashing);
    let values =
        Values { username: job.username, password: Some(&stored), expiration: Some(order.expiration) };
    transact(session, &config, &template::filled(order.creation, &values)).await
}

/// What stands for `{{password}}`: its verifier, so that the password is in no statement and in no log of the
/// server; or the password itself, where the target says that the server hashes.
fn stored_form(password: &SecretString, hashing: Hashing) -> SecretString {
    match hashing {
        Hashing::Scram => {
            SecretString::new(postgres_protocol::password::scram_sha_256(password.expose().as_bytes()))
        }
        Hashing::Server => password.duplicate(),
    }
}

async fn extend(job: Job<'_>, renew: &[String], expiration: Timestamp) -> Result<Outcome, Fault> {
    let config = parse(job.spec)?;
    let session = open_management(&config, &job).await?;
    let values = Values { username: job.username, password: None, expiration: Some(expiration) };
    let own = [template::RENEW.to_owned()];
    let statements = if renew.is_empty() { &own } else { renew };
    transact(session, &config, &template::filled(statements, &values)).await
}

async fn remove(job: Job<'_>, revocation: &[String]) -> Result<Outcome, Fault> {
    let config = parse(job.spec)?;
    let session = open_management(&config, &job).await?;
    settle_earlier(&session, job.rotation).await?;
    let Some(user) = find(&session, job.username).await? else {
        session.close().await;
        return Ok(Outcome::Applied);
    };
    shut_out(&session, &job, &user, revocation.is_empty()).await?;
    let values = Values { username: job.username, password: None, expiration: None };
    if !revocation.is_empty() {
        // Names in the statements mean what they mean to the management role by default.
        session.run("RESET search_path").await.map_err(|failure| session.look_fault(failure))?;
        return transact(session, &config, &template::filled(revocation, &values)).await;
    }
    let drop = template::filled(&template::DROP.map(str::to_owned), &values);
    transact(session, &config, &drop).await
}

/// Takes LOGIN away and ends the sessions. Where statements of the role's own remove the user, what the
/// management role may not do here is left to them.
async fn shut_out(session: &Session<'_>, job: &Job<'_>, user: &User, required: bool) -> Result<(), Fault> {
    let mut done = session.run(&command::forbid_login(job.username)).await;
    if matches!(&done, Err(Failure::Said(error)) if classify::is_missing(error)) {
        // Dropped this very moment: there is nobody to shut out.
        return Ok(());
    }
    if !required && matches!(done, Err(Failure::Said(_))) && !session.is_closed() {
        done = Ok(());
    }
    done.map_err(|failure| statement_fault(session, failure, "taking LOGIN away"))?;
    if !user.is_ours {
        // Whoever may create roles may act as them after this. Where that is not so, the drop will say more.
        let joined = session.run(&command::join(job.username)).await;
        if session.is_closed() || matches!(joined, Err(Failure::Silent)) {
            return Err(session.look_fault(joined.err().unwrap_or(Failure::Silent)));
        }
    }
    match session.end_others(Selection::OfRole, job.username).await {
        // Without the right to end sessions the user still goes.
        Err(fault) if fault.class != FaultClass::PermissionDenied => Err(fault),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Runs statements in one transaction. `Err` and `NotApplied` say that it certainly did not happen.
async fn transact(
    session: Session<'_>,
    config: &Config,
    statements: &[SecretString],
) -> Result<Outcome, Fault> {
    let limits = command::transaction_limits(config.statement_timeout.as_millis());
    for step in [command::BEGIN, &limits] {
        session.run(step).await.map_err(|failure| session.change_fault(failure))?;
    }
    let transaction = number(&session).await?;
    for (at, statement) in (1..).zip(statements) {
        if let Err(failure) = session.run(statement.expose()).await {
            let fault = statement_fault(&session, failure, &format!("statement {at} of the role"));
            // A failed statement takes its transaction with it. Where there still is one that answers, the
            // statements had ended ours before.
            let ended = number(&session).await.is_ok();
            return Ok(if ended { Outcome::Unknown(fault) } else { Outcome::NotApplied(fault) });
        }
    }
    if number(&session).await.ok() != Some(transaction) {
        let what = format!("{}: the statements end the transaction that they run in", config.place());
        return Ok(Outcome::Unknown(Fault::new(FaultClass::Preflight, what)));
    }
    Ok(commit(session).await)
}

/// The number of the session's transaction.
async fn number(session: &Session<'_>) -> Result<i64, Fault> {
    let said = |failure| session.change_fault(failure);
    let rows = session.ask(TRANSACTION, &[]).await.map_err(said)?;
    let row = rows.first().ok_or_else(|| said(Failure::Silent))?;
    row.try_get(0).map_err(|error| said(Failure::Said(error)))
}

fn statement_fault(session: &Session<'_>, failure: Failure, what: &str) -> Fault {
    match failure {
        Failure::Said(error) => classify::statement(&error, session.place(), what),
        Failure::Silent => session.look_fault(Failure::Silent),
    }
}

const FIND: &str = "SELECT rolcanlogin, pg_catalog.pg_has_role(oid, 'USAGE') \
     FROM pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) $1";
const TRANSACTION: &str = "SELECT pg_catalog.txid_current()";
