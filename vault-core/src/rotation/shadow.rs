//! What a rotator can do besides: make a shadow account, on which a rotation is rehearsed.
//!
//! A shadow is an account of the vault's own, with a name that says so, made for a minute and removed again. It may
//! log in and nothing else, and stands under the password rules that the account stands under which it is made after.
//! The verbs are idempotent and honest, as those of [`Rotator`](super::port::Rotator), and own no timers. Each ends
//! first what an earlier verb of the same job may have left under way, where the target lets it.

use super::fault::{Fault, FaultClass};
use super::port::{BoxFuture, Job, Outcome};
use crate::clock::Timestamp;
use crate::secret::SecretString;

/// What a shadow is made after.
#[derive(Clone, Copy, Debug)]
pub struct Model<'a> {
    /// The account whose rotation is rehearsed, as the target spells it. It is not touched.
    pub like: &'a str,
    /// The shadow's first password.
    pub password: &'a SecretString,
    /// From when on the target itself should not let the shadow in, where it can be told that.
    pub expiration: Timestamp,
}

/// Makes and removes shadows. The job's `username` is the shadow's name.
pub trait ShadowMaker: Send + Sync {
    /// The name of a shadow of the account `like`. It begins with [`PREFIX`] and ends with `mark`, where the target's
    /// names have no further part.
    fn name(&self, like: &str, mark: &str) -> String {
        let _ = like;
        format!("{PREFIX}{mark}")
    }

    /// Makes the shadow. `NotApplied` with `permission_denied` where the management credential may not make accounts,
    /// or could not remove this one again; with `policy_rejected` where the target refuses the password. After any
    /// other answer than `Applied` the caller removes what there may be.
    fn create<'a>(&'a self, job: Job<'a>, model: Model<'a>) -> BoxFuture<'a, Outcome>;

    /// Ends the shadow's sessions and removes it. `Applied` for one that is not there.
    fn remove<'a>(&'a self, job: Job<'a>) -> BoxFuture<'a, Outcome>;
}

/// Refuses whatever is no shadow, so that no slip of a caller's ever makes or removes another account.
///
/// # Errors
/// `preflight`.
pub fn check_name(username: &str) -> Result<(), Fault> {
    if username.len() > PREFIX.len() && username.starts_with(PREFIX) {
        return Ok(());
    }
    Err(Fault::new(FaultClass::Preflight, "the name is not that of a shadow account"))
}

/// How the name of every shadow begins.
pub const PREFIX: &str = "rotunda-shadow-";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_bears_the_prefix_is_a_shadow() {
        assert_eq!(check_name("rotunda-shadow-0a1b"), Ok(()));
        for name in ["", "app", "rotunda-shadow-", "a rotunda-shadow-0a1b", "Rotunda-Shadow-0a1b"] {
            assert_eq!(check_name(name).unwrap_err().class, FaultClass::Preflight, "{name}");
        }
    }
}
