//! What a rotator can do besides: make accounts that live as long as a lease.
//!
//! The verbs are idempotent and honest, as those of [`Rotator`](super::port::Rotator): `Applied` and
//! `NotApplied` are only said when the target said so. They own no timers and retry nothing. All of them end
//! first what an earlier verb of the same job may have left under way on the target, so that a create that
//! was given up cannot take effect after its remove.

use serde::{Deserialize, Serialize};

use super::fault::Fault;
use super::port::{BoxFuture, Job, Outcome, TargetSpec};
use crate::clock::Timestamp;
use crate::secret::SecretString;

/// How a role says that its users are made, kept and removed; each in the target's own language, with
/// placeholders. Where a list is empty, the target's own way is taken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Statements {
    /// Makes the user.
    pub creation: Vec<String>,
    /// Removes the user.
    pub revocation: Vec<String>,
    /// Removes what a creation that failed may have left.
    pub rollback: Vec<String>,
    /// Moves the moment on from which the user is not let in.
    pub renew: Vec<String>,
}

/// What a new user gets.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// How it is made.
    pub creation: &'a [String],
    /// Its password.
    pub password: &'a SecretString,
    /// From when on the target itself should not let it in, whatever becomes of the vault.
    pub expiration: Timestamp,
}

/// What the target says about a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// There is none.
    Gone,
    /// There is one, and it may not log in.
    Blocked,
    /// There is one that may log in.
    Live,
}

/// What came of making a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Whether it is there.
    pub outcome: Outcome,
    /// The server that was asked, as [`Sight::server`].
    pub server: Option<String>,
}

impl From<Outcome> for Made {
    /// Of a server that is not known.
    fn from(outcome: Outcome) -> Self {
        Self { outcome, server: None }
    }
}

/// A look at a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    /// What the target says.
    pub presence: Presence,
    /// Which server said it, in an identifier of its own: the same under another name, and on a standby that took its
    /// place. `None` where the server has none, or does not tell it.
    pub server: Option<String>,
}

/// Makes and removes accounts. The job's `username` is the user's name.
pub trait Provisioner: Send + Sync {
    /// Checks a role's statements without touching the target.
    ///
    /// # Errors
    /// A sentence that says what to mend.
    fn validate(&self, statements: &Statements) -> Result<(), String>;

    /// Where a target is said to be, in words that stay the same while that is the same.
    fn place(&self, spec: &TargetSpec) -> String;

    /// Makes the user, whole or not at all.
    fn create<'a>(&'a self, job: Job<'a>, order: Order<'a>) -> BoxFuture<'a, Made>;

    /// Moves the moment on from which the target does not let the user in.
    fn extend<'a>(
        &'a self,
        job: Job<'a>,
        renew: &'a [String],
        expiration: Timestamp,
    ) -> BoxFuture<'a, Outcome>;

    /// Ends the user's sessions and removes it. `Applied` for a user that is not there.
    fn remove<'a>(&'a self, job: Job<'a>, revocation: &'a [String]) -> BoxFuture<'a, Outcome>;

    /// Looks whether the user is there and may log in. Changes nothing.
    fn presence<'a>(&'a self, job: Job<'a>) -> BoxFuture<'a, Result<Sight, Fault>>;
}
