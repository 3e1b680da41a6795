//! Two roles that take turns: the one that comes into use must do for the other, and the one whose turn is over is
//! shut.

use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{Job, Outcome, Rights};

use super::rights::Role;
use super::session::Session;
use super::{PostgresRotator, cannot_alter, command, parse, settle_earlier, transact};

/// Looks whether the role to change has every right that the one beside it has; of an account that is adopted,
/// whether that one has every right of the first.
pub(super) async fn compare(
    session: &Session<'_>,
    job: &Job<'_>,
    role: &Role,
    rights: &Rights,
) -> Result<(), Fault> {
    let Some(beside) = job.beside else { return Ok(()) };
    let say = |class, what: String| Fault::new(class, format!("{}: {what}", session.place()));
    let looked = |failure| session.look_fault(failure);
    let Some(other) = Role::find(session, beside).await.map_err(looked)? else {
        // One that was dropped while it was in use is made good for by the change.
        let missing = || say(FaultClass::AccountMissing, format!("there is no role '{beside}'"));
        return if job.is_adoption { Err(missing()) } else { Ok(()) };
    };
    if !other.alterable {
        return Err(say(FaultClass::PermissionDenied, cannot_alter(&other, beside)));
    }
    let its_rights = other.rights(session).await.map_err(looked)?;
    let (mut lacks, objects, name, of) = if job.is_adoption {
        (rights.lost_in(&its_rights), other.lacked_objects(session, role).await, beside, job.username)
    } else {
        (its_rights.lost_in(rights), role.lacked_objects(session, &other).await, job.username, beside)
    };
    lacks.extend(objects.map_err(looked)?);
    if lacks.is_empty() {
        return Ok(());
    }
    let what = format!(
        "the role '{name}' lacks what '{of}' has, with which it takes turns: {}; give both the same, best by a role that both are members of",
        lacks.join(", ")
    );
    Err(say(FaultClass::Preflight, what))
}

/// Takes the password of the role `name` away. `Err` and `NotApplied` say that it certainly did not happen.
pub(super) async fn shut(rotator: &PostgresRotator, job: &Job<'_>, name: &str) -> Result<Outcome, Fault> {
    command::check_name(name).map_err(|error| Fault::new(FaultClass::Preflight, error.to_string()))?;
    let config = parse(job.spec)?;
    let session = rotator.management(&config, job).await?;
    // One on its way that lands after the next turn has begun would shut the role in use.
    settle_earlier(&session, job.rotation).await?;
    if Role::find(&session, name).await.map_err(|failure| session.look_fault(failure))?.is_none() {
        session.give_back().await;
        return Ok(Outcome::Applied);
    }
    transact(session, &command::take_password(name)).await
}
