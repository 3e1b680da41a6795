//! Removes a user and looks whether it is gone: a return code is no proof.

use super::Dynamic;
use crate::rotation::fault::{Fault, FaultClass};
use crate::rotation::port::{Job, Outcome};
use crate::rotation::provisioner::{Presence, Provisioner, Sight};

/// What came of removing a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Removal {
    /// The target has no such user, or does not let it in.
    Gone,
    /// It may be there still.
    Failed(Fault),
}

/// Where a user was found that was made elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where the target is said to be by now.
    pub place: String,
    /// Which server it is.
    pub server: Option<String>,
}

/// Looks for the lease's user, where the target leads to another server by now than it was made on: `Ok` with that one
/// when the user is there (it was moved along), and with `None` when the target leads to the first one still, by whatever name.
/// Write down what was found before the user is removed: afterwards nothing tells a user that was removed there from one that
/// never was there.
///
/// # Errors
/// The user is not there, and may still be on the first server: that takes a person. Or the look failed.
pub async fn locate(
    provisioner: &dyn Provisioner,
    job: Job<'_>,
    lease: &Dynamic,
) -> Result<Option<Found>, Fault> {
    let place = provisioner.place(job.spec);
    // Of a server that told no identifier its address has to do.
    let is_same_place = lease.place.as_ref().is_none_or(|first| *first == place);
    if lease.server.is_none() && is_same_place {
        return Ok(None);
    }
    let sight = provisioner.presence(job).await?;
    match sight.presence {
        _ if lease.server.is_some() && sight.server == lease.server => Ok(None),
        Presence::Gone => Err(elsewhere(lease, sight.server.as_deref())),
        Presence::Blocked | Presence::Live => Ok(Some(Found { place, server: sight.server })),
    }
}

/// Removes the lease's user. It owns no timer: the caller races it against a deadline.
pub async fn remove(
    provisioner: &dyn Provisioner,
    job: Job<'_>,
    lease: &Dynamic,
    statements: &[String],
) -> Removal {
    match provisioner.remove(job, statements).await {
        Outcome::Applied => {}
        Outcome::NotApplied(fault) | Outcome::Unknown(fault) => return Removal::Failed(fault),
    }
    match provisioner.presence(job).await {
        // Each call makes its own connection, and the last one may have led elsewhere.
        Ok(sight) if lease.server.is_some() && sight.server != lease.server => {
            Removal::Failed(elsewhere(lease, sight.server.as_deref()))
        }
        Ok(Sight { presence: Presence::Gone | Presence::Blocked, .. }) => Removal::Gone,
        Ok(Sight { presence: Presence::Live, .. }) => Removal::Failed(Fault::new(
            FaultClass::OldStillValid,
            "the revocation statements ran, and the user may still log in",
        )),
        Err(fault) => Removal::Failed(fault),
    }
}

fn elsewhere(lease: &Dynamic, server: Option<&str>) -> Fault {
    let place = lease.place.as_deref().unwrap_or("another address");
    let named = |server: Option<&str>| server.map(|server| format!(" (server {server})")).unwrap_or_default();
    let (first, now) = (named(lease.server.as_deref()), named(server));
    let what = format!(
        "the user was made on {place}{first}, and the target leads to another server{now}, which has no such user: let the \
         target lead to the first one again; or, if that one is no more, make a user \"{}\" without LOGIN \
         here; then revoke again",
        lease.username
    );
    Fault::new(FaultClass::Preflight, what)
}
