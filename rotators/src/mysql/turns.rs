//! What becomes of an old password: of two accounts that take turns the one whose turn is over is shut, and the one that
//! comes into use must do for it; of one account with two passwords, the second one is removed.

use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{Job, Login, Outcome, Rights};

use super::account::Account;
use super::check::Server;
use super::session::Session;
use super::{command, conclude, find, in_doubt, open_marked, parse, rights, unfit};

/// Looks whether the account to change has every right that the one beside it has, and whether that one can be shut;
/// of an account that is adopted, whether that one has every right of the first.
pub(super) async fn compare(
    session: &mut Session<'_>,
    server: &Server,
    job: &Job<'_>,
    own: &Rights,
) -> Result<(), Fault> {
    let Some(beside) = job.beside else { return Ok(()) };
    let other = Account::parse(beside).map_err(unfit)?;
    let place = session.place();
    let say = |class, what: String| Fault::new(class, format!("{place}: {what}"));
    if let Some(what) = shuts_in_use(&other, job, server) {
        return Err(say(FaultClass::Preflight, what));
    }
    if server.takes_no_hash() {
        let what = "strict_password_validation is on, with which no account can be shut to its password, as accounts that take turns are";
        return Err(say(FaultClass::Preflight, what.to_owned()));
    }
    let Some(identity) = find(session, &other).await? else {
        // One that was dropped while it was in use is made good for by the change.
        let missing = || say(FaultClass::AccountMissing, format!("there is no account {other}"));
        return if job.is_adoption { Err(missing()) } else { Ok(()) };
    };
    identity.plugin().map_err(|how| say(FaultClass::Preflight, format!("the account {other} {how}")))?;
    let its = rights(session, &identity, &other.quoted()).await?;
    let (lacks, name, of) = if job.is_adoption {
        (own.lost_in(&its), beside, job.username)
    } else {
        (its.lost_in(own), job.username, beside)
    };
    if lacks.is_empty() {
        return Ok(());
    }
    let what = format!(
        "the account '{name}' lacks what '{of}' has, with which it takes turns: {}; give both the same",
        lacks.join(", ")
    );
    Err(say(FaultClass::Preflight, what))
}

/// Why `other` must never be shut: one account has several spellings (`app`, `app@%`).
fn shuts_in_use(other: &Account, job: &Job<'_>, server: &Server) -> Option<String> {
    if Account::parse(job.username).is_ok_and(|account| account == *other) {
        return Some(format!("'{}' and the account it takes turns with are the same, {other}", job.username));
    }
    (*other == server.me)
        .then(|| format!("{other} is the management credential itself and takes turns with none"))
}

/// Makes sure that the old password opens nothing any more. Where a change has replaced it, that is so.
pub(super) async fn retire(job: Job<'_>, old: &Login) -> Result<Outcome, Fault> {
    let config = parse(job.spec)?;
    let shuts = job.beside.filter(|beside| *beside == old.username);
    if shuts.is_none() && !config.dual_password {
        return Ok(Outcome::Applied);
    }
    let account = Account::parse(shuts.unwrap_or(job.username)).map_err(unfit)?;
    let mut session = open_marked(&config, &job).await?;
    let server = Server::look(&mut session).await?;
    let say = |class, what: String| Fault::new(class, format!("{}: {what}", config.place()));
    if let Some(obstacle) = server.obstacle(&config) {
        return Err(say(FaultClass::Preflight, obstacle));
    }
    if shuts.is_some()
        && let Some(what) = shuts_in_use(&account, &job, &server)
    {
        return Err(say(FaultClass::Preflight, what));
    }
    if shuts.is_none() {
        return Ok(conclude(session, &command::discard_old(&account)).await);
    }
    let Some(identity) = find(&mut session, &account).await? else {
        session.close().await;
        return Ok(Outcome::Applied);
    };
    let plugin = identity
        .plugin()
        .map_err(|how| say(FaultClass::Preflight, format!("the account {account} {how}")))?;
    let outcome = conclude(session, &command::take_password(server.flavour, &account, plugin)).await;
    if outcome != Outcome::Applied || !server.has_dual_passwords() {
        return Ok(outcome);
    }
    let session = match open_marked(&config, &job).await {
        Ok(session) => session,
        Err(fault) => return Ok(Outcome::Unknown(Fault::new(FaultClass::Ambiguous, fault.detail))),
    };
    Ok(in_doubt(conclude(session, &command::discard_old(&account)).await))
}
