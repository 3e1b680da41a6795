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
