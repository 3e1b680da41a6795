//! Removes a user and looks whether it is gone: a return code is no proof.

use crate::rotation::fault::{Fault, FaultClass};
use crate::rotation::port::{Job, Outcome};
use crate::rotation::provisioner::{Presence, Provisioner};

/// What came of removing a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Removal {
    /// The target has no such user, or does not let it in.
    Gone,
    /// It may be there still.
    Failed(Fault),
}

/// Looks for the job's user, made on the server `place`, where the target names another server by now: `Ok` with that
/// one's place when the user is there (a failover, or a new name of the same server), and with `None` when the target names
/// the first one still. Write the new place down before the user is removed: afterwards nothing tells a user that was
/// removed there from one that never was there.
///
/// # Errors
/// The user is not there, and may still be on the first server: that takes a person. Or the look failed.
pub async fn locate(
    provisioner: &dyn Provisioner,
    job: Job<'_>,
    place: Option<&str>,
) -> Result<Option<String>, Fault> {
    let now = provisioner.place(job.spec);
    let Some(place) = place.filter(|place| **place != now) else { return Ok(None) };
    match provisioner.presence(job).await? {
        Presence::Gone => Err(elsewhere(place, job.username)),
        Presence::Blocked | Presence::Live => Ok(Some(now)),
    }
}

/// Removes the job's user. It owns no timer: the caller races it against a deadline.
pub async fn remove(provisioner: &dyn Provisioner, job: Job<'_>, statements: &[String]) -> Removal {
    match provisioner.remove(job, statements).await {
        Outcome::Applied => {}
        Outcome::NotApplied(fault) | Outcome::Unknown(fault) => return Removal::Failed(fault),
    }
    match provisioner.presence(job).await {
        Ok(Presence::Gone | Presence::Blocked) => Removal::Gone,
        Ok(Presence::Live) => Removal::Failed(Fault::new(
            FaultClass::OldStillValid,
            "the revocation statements ran, and the user may still log in",
        )),
        Err(fault) => Removal::Failed(fault),
    }
}

fn elsewhere(place: &str, username: &str) -> Fault {
    let what = format!(
        "the user was made on {place}, and the target names another server, which has no such user: let the \
         target name the first one again; or, if that one is no more, make a user \"{username}\" without LOGIN \
         here; then revoke again"
    );
    Fault::new(FaultClass::Preflight, what)
}
