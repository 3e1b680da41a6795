//! Users that live as long as a lease: made, kept and removed by statements, in Vault's templates.
//!
//! What a role's statements do happens in one transaction, so a user is made whole or not at all. Before a
//! user is removed it loses LOGIN, committed by itself, and its sessions are ended: from there on it is out,
//! whatever the statements do. Statements that end the transaction themselves are noticed and count as an
//! unknown outcome.

mod template;

use std::time::Duration;

use vault_core::clock::Timestamp;
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{BoxFuture, Job, Outcome, TargetSpec};
use vault_core::rotation::provisioner::{Made, Order, Presence, Provisioner, Sight, Statements};
use vault_core::secret::SecretString;

use super::config::{Config, Hashing};
use super::session::{Failure, Selection, Session};
use super::{PostgresRotator, classify, command, commit, open_management, parse, settle_earlier};
use template::Values;

impl Provisioner for PostgresRotator {
    fn validate(&self, statements: &Statements) -> Result<(), String> {
        template::check(statements)
    }

    fn place(&self, spec: &TargetSpec) -> String {
        // Roles are those of the whole server.
        Config::parse(spec)
            .map_or_else(|_| spec.connection_url.clone(), |config| format!("{}:{}", config.host, config.port))
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
            let session = open_management(&config, &job).await?;
            let found = find(&session, job.username).await?;
            let server = identifier(&session).await?;
            session.close().await;
            let presence = match found {
                None => Presence::Gone,
                Some(User { login: false, .. }) => Presence::Blocked,
                Some(User { login: true, .. }) => Presence::Live,
            };
            Ok(Sight { presence, server })
        })
    }
}

/// A user, as the catalogue has it.
struct User {
    id: u32,
    login: bool,
    /// Whether the management role acts with its rights already.
    is_ours: bool,
}

/// Looks a user up. A standby is not asked: its catalogue may be behind, so that nothing it says of a user is
/// proof.
async fn find(session: &Session<'_>, name: &str) -> Result<Option<User>, Fault> {
    let rows = session
        .ask(FIND, &[(&name, tokio_postgres::types::Type::TEXT)])
        .await
        .map_err(|failure| session.look_fault(failure))?;
    let row = rows.first().ok_or_else(|| session.look_fault(Failure::Silent))?;
    let said = |error| session.look_fault(Failure::Said(error));
    if row.try_get(0).map_err(said)? {
        let what = format!(
            "{}: this server is a standby, whose word on a user is no proof; name the primary",
            session.place()
        );
        return Err(Fault::new(FaultClass::Unreachable, what));
    }
    let Some(id) = row.try_get::<_, Option<u32>>(1).map_err(said)? else { return Ok(None) };
    Ok(Some(User { id, login: row.try_get(2).map_err(said)?, is_ours: row.try_get(3).map_err(said)? }))
}

/// The identifier that the server's files were made with: a standby that is promoted has it, too. `None` where there is
/// none, or the management role may not read it.
async fn identifier(session: &Session<'_>) -> Result<Option<String>, Fault> {
    let said = |failure| session.look_fault(failure);
    match session.ask(IDENTIFIER, &[]).await {
        Err(Failure::Said(error)) if classify::is_withheld(&error) => Ok(None),
        Err(failure) => Err(said(failure)),
        Ok(rows) => {
            let row = rows.first().ok_or_else(|| said(Failure::Silent))?;
            let identifier: Option<i64> = row.try_get(0).map_err(|error| said(Failure::Said(error)))?;
            Ok(identifier.map(|identifier| identifier.cast_unsigned().to_string()))
        }
    }
}

async fn create(job: Job<'_>, order: Order<'_>) -> Result<Made, Fault> {
    let preflight = |error: command::LoginError| Fault::new(FaultClass::Preflight, error.to_string());
    command::check_name(job.username).map_err(preflight)?;
    command::check_password(order.password).map_err(preflight)?;
    let config = parse(job.spec)?;
    let session = open_management(&config, &job).await?;
    let server = super::check::Server::look(&session).await.map_err(|failure| session.look_fault(failure))?;
    if let Some((class, obstacle)) = server.obstacle(config.hashing) {
        return Err(Fault::new(class, format!("{}: {obstacle}", config.place())));
    }
    let stored = stored_form(order.password, config.hashing);
    let values =
        Values { username: job.username, password: Some(&stored), expiration: Some(order.expiration) };
    // Of the very session that makes the user: another one may lead to another server.
    let server = identifier(&session).await?;
    let outcome = transact(session, &config, &template::filled(order.creation, &values)).await;
    Ok(Made { outcome: outcome.unwrap_or_else(Outcome::NotApplied), server })
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
        let transaction = begin(&session, &config).await?;
        let statements = template::filled(revocation, &values);
        return run(session, &config, transaction, &statements, Some(&user)).await;
    }
    let transaction = begin(&session, &config).await?;
    owns_nothing(&session, &user).await?;
    let drop = template::filled(&template::DROP.map(str::to_owned), &values);
    run(session, &config, transaction, &drop, Some(&user)).await
}

/// What a user owns is neither dropped nor given to somebody without being asked for: it may be data, and it
/// may be a trap that acts with the rights of its new owner.
async fn owns_nothing(session: &Session<'_>, user: &User) -> Result<(), Fault> {
    match count(session, OWNED, user).await? {
        0 => Ok(()),
        owned => Err(Fault::new(
            FaultClass::Preflight,
            format!(
                "{}: the user may not log in any more, and owns {owned} objects, in this database or another: \
                 reassign or drop them, or say how in the role's revocation_statements; then revoke again",
                session.place()
            ),
        )),
    }
}

async fn is_in_session(session: &Session<'_>, user: &User) -> Result<bool, Fault> {
    session.run(LOOK_AFRESH).await.map_err(|failure| session.look_fault(failure))?;
    Ok(count(session, IN_SESSION, user).await? > 0)
}

/// A number that the catalogue has of a user.
async fn count(session: &Session<'_>, question: &'static str, user: &User) -> Result<i64, Fault> {
    let rows = session
        .ask(question, &[(&user.id, tokio_postgres::types::Type::OID)])
        .await
        .map_err(|failure| session.look_fault(failure))?;
    let row = rows.first().ok_or_else(|| session.look_fault(Failure::Silent))?;
    row.try_get(0).map_err(|error| session.look_fault(Failure::Said(error)))
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
        // Without the right to end sessions the user still goes, if none is left by then.
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
    let transaction = begin(&session, config).await?;
    run(session, config, transaction, statements, None).await
}

/// Begins a transaction, and gives its number.
async fn begin(session: &Session<'_>, config: &Config) -> Result<i64, Fault> {
    let said = |failure| session.change_fault(failure);
    session.run(command::BEGIN).await.map_err(said)?;
    let wait = TURN_WAIT_MAX.min(config.reach.request_timeout / 2);
    take_turn(session, wait).await.map_err(said)?;
    let limits = command::transaction_limits(config.reach.request_timeout.as_millis());
    session.run(&limits).await.map_err(said)?;
    session.run("SAVEPOINT begun").await.map_err(said)?;
    number(session).await
}

/// Waits a little until no other transaction of ours makes or removes users in this database, and holds the turn
/// until the end: of two grants on one object at the same moment one would fail, "tuple concurrently updated".
/// Where the turn does not come (a long statement of another's, or somebody who holds the lock to hinder us)
/// the transaction goes on without it.
async fn take_turn(session: &Session<'_>, wait: Duration) -> Result<(), Failure> {
    let limit = format!("SET LOCAL lock_timeout = {}", wait.as_millis());
    for step in ["SAVEPOINT turn", &limit] {
        session.run(step).await?;
    }
    match session.run(TURN).await {
        Ok(()) => {}
        Err(Failure::Said(_)) if !session.is_closed() => session.run("ROLLBACK TO SAVEPOINT turn").await?,
        Err(failure) => return Err(failure),
    }
    session.run("RELEASE SAVEPOINT turn").await
}

/// Runs statements in the transaction that was begun, and commits it; not where the user that goes by it is
/// still in a session.
async fn run(
    session: Session<'_>,
    config: &Config,
    transaction: i64,
    statements: &[SecretString],
    leaving: Option<&User>,
) -> Result<Outcome, Fault> {
    for (at, statement) in (1..).zip(statements) {
        if let Err(failure) = session.run(statement.expose()).await {
            // Of a session that says nothing more it is not known what the statements had done with it.
            let answers = matches!(failure, Failure::Said(_)) && !session.is_closed();
            let fault = statement_fault(&session, failure, &format!("statement {at} of the role"));
            let undone = answers && is_whole(&session, transaction).await;
            return Ok(if undone { Outcome::NotApplied(fault) } else { Outcome::Unknown(fault) });
        }
    }
    if number(&session).await.ok() != Some(transaction) {
        let what = format!("{}: the statements end the transaction that they run in", config.place());
        return Ok(Outcome::Unknown(Fault::new(FaultClass::Preflight, what)));
    }
    if let Some(user) = leaving
        && is_in_session(&session, user).await?
    {
        let what = format!(
            "{}: the user may not log in any more, but is still in a session, which the management credential \
             may not end: end it, or grant pg_signal_backend",
            config.place()
        );
        return Ok(Outcome::NotApplied(Fault::new(FaultClass::OldStillValid, what)));
    }
    Ok(commit(session).await)
}

/// Whether all that was run since [`begin`] is in the transaction that it began, of which a statement has failed: then
/// nothing of it is ever committed. One that the statements began themselves, after a COMMIT, has no such savepoint.
async fn is_whole(session: &Session<'_>, transaction: i64) -> bool {
    session.run("ROLLBACK TO SAVEPOINT begun").await.is_ok()
        && number(session).await.ok() == Some(transaction)
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

const FIND: &str = "SELECT pg_catalog.pg_is_in_recovery(), u.oid, u.rolcanlogin, \
     pg_catalog.pg_has_role(u.oid, 'USAGE') FROM (SELECT 1) AS one \
     LEFT JOIN pg_catalog.pg_roles u ON u.rolname OPERATOR(pg_catalog.=) $1";
const IDENTIFIER: &str = "SELECT system_identifier FROM pg_catalog.pg_control_system()";
/// What `REASSIGN OWNED` would move: not default privileges, user mappings and grants, which hold nothing of
/// anybody's and go by `DROP OWNED`.
const OWNED: &str = "SELECT count(*) FROM pg_shdepend \
     WHERE refclassid = 'pg_authid'::regclass AND refobjid = $1 AND deptype = 'o' AND classid NOT IN \
     ('pg_default_acl'::regclass, 'pg_user_mapping'::regclass, 'pg_auth_members'::regclass)";
/// Lets the statistics be those of this moment, and names mean the server's own, whatever ran before.
const LOOK_AFRESH: &str = "SET LOCAL search_path TO pg_catalog; SELECT pg_stat_clear_snapshot()";
/// The sessions of a user, as `Selection::OfRole` has them.
const IN_SESSION: &str = "SELECT count(*) FROM pg_stat_activity WHERE usesysid = $1 AND pid <> pg_backend_pid() \
     AND coalesce(backend_type, 'client backend') IN ('client backend', 'walsender')";
const TRANSACTION: &str = "SELECT pg_catalog.txid_current()";
/// How long a turn is waited for, and at most half as long as a statement may take.
const TURN_WAIT_MAX: Duration = Duration::from_secs(2);
/// The number spells `rotunda`.
const TURN: &str = "SELECT pg_catalog.pg_advisory_xact_lock(32210693322073185)";
