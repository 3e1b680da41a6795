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

/// Removes the job's user. It owns no timer: the caller races it against a deadline.
///
/// `place` is the server that the user was made on. Where the target is another one by now, a user that is not
/// there may still be on the first: that takes a person.
pub async fn remove(
    provisioner: &dyn Provisioner,
    job: Job<'_>,
    statements: &[String],
    place: Option<&str>,
) -> Removal {
    let moved = place.filter(|place| **place != provisioner.place(job.spec));
    if let Some(place) = moved {
        match provisioner.presence(job).await {
            Ok(Presence::Gone) => return Removal::Failed(elsewhere(place, job.username)),
            Ok(Presence::Blocked | Presence::Live) => {}
            Err(fault) => return Removal::Failed(fault),
        }
    }
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
