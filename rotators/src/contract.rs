//! The promises that every rotator keeps, as one suite that anyone can run against their own.
//!
//! The suite talks to the rotator through the port, and to the target behind its back through a
//! [`Fixture`], as an administrator of the target could. It stops at the first promise that is broken and
//! says what was found.

use std::fmt;

use vault_core::rotation::port::{BoxFuture, Login, Rotator, TargetSpec};

mod bench;
mod minted;
mod promise;
mod provision;
mod turns;

use bench::Bench;
use promise::*;
use provision::*;

/// What a fixture's acts return: the sentence of an error is shown as it is.
pub type Done<T> = Result<T, String>;

/// How the next `apply` or `create` goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// The target makes the change, and its answer is lost.
    ReplyLost,
    /// The decisive request is lost on its way.
    RequestLost,
    /// The decisive request is held up and arrives with [`Fixture::deliver`].
    RequestLate,
}

/// The target as its administrator sees it.
pub trait Fixture: Send + Sync {
    /// The target's settings.
    fn spec(&self) -> TargetSpec;

    /// A management credential that works.
    fn management(&self) -> Login;

    /// Creates an account that may log in, with some right that [`Fixture::take_right`] can take; one of
    /// the same name gives way to it.
    fn create_account<'a>(&'a self, username: &'a str, password: &'a str) -> BoxFuture<'a, Done<()>>;

    /// Whether a fresh login succeeds, found out without the rotator.
    fn accepts<'a>(&'a self, username: &'a str, password: &'a str) -> BoxFuture<'a, Done<bool>>;

    /// Opens a session and keeps it open.
    fn open_session<'a>(&'a self, username: &'a str, password: &'a str) -> BoxFuture<'a, Done<()>>;

    /// Takes a right from an account.
    fn take_right<'a>(&'a self, username: &'a str) -> BoxFuture<'a, Done<()>>;

    /// How many logins as this name the target has refused so far; `None` when it does not count them.
    fn refused_logins<'a>(&'a self, username: &'a str) -> BoxFuture<'a, Done<Option<u32>>>;

    /// How many credentials open the account, where the target makes them.
    fn credentials<'a>(&'a self, _username: &'a str) -> BoxFuture<'a, Done<usize>> {
        Box::pin(std::future::ready(Err("this fixture does not count credentials".to_owned())))
    }

    /// Statements of a role by which the target makes users that may log in; and some that fail half-way. `None`
    /// where the rotator makes none.
    fn creation(&self) -> Option<[Vec<String>; 2]> {
        None
    }

    /// Lets the next `apply` or `create` go wrong.
    fn break_next_apply(&self, how: Break) -> BoxFuture<'_, Done<()>>;

    /// Lets what was held up arrive, after [`Break::RequestLate`], and waits until it has.
    fn deliver(&self) -> BoxFuture<'_, Done<()>>;

    /// Makes the target unreachable.
    fn break_down(&self) -> BoxFuture<'_, Done<()>>;

    /// Ends everything that was broken.
    fn heal(&self) -> BoxFuture<'_, Done<()>>;
}

/// A promise that was not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// The promise.
    pub promise: &'static str,
    /// What was found.
    pub found: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "broken promise: {}; found: {}", self.promise, self.found)
    }
}

impl std::error::Error for Breach {}

/// Runs the suite; returns the promises that were kept, in order.
///
/// # Errors
/// The first promise that was not.
pub async fn run(rotator: &dyn Rotator, fixture: &dyn Fixture) -> Result<Vec<&'static str>, Breach> {
    let bench = Bench::new(rotator, fixture);
    if rotator.mints(&bench.spec) {
        return run_minted(&bench).await;
    }
    let mut kept = run_set(&bench).await?;
    if rotator.alternates(&bench.spec) {
        kept.extend(run_turns(&bench).await?);
    }
    Ok(kept)
}

macro_rules! promises {
    ($bench:expr; $($text:literal => $function:path),* $(,)?) => {{
        let mut kept = Vec::new();
        $(
            $function($bench).await.map_err(|found| Breach { promise: $text, found })?;
            kept.push($text);
        )*
        Ok(kept)
    }};
}

/// Of a target that takes the credentials that the vault makes.
async fn run_set(bench: &Bench<'_>) -> Result<Vec<&'static str>, Breach> {
    promises! { bench;
        "a sound target passes every look at it" => sound,
        "apply makes the candidate the only credential, however often it is called" => idempotent,
        "an account that is adopted is opened by the candidate alone" => adoption,
        "the rights stay, and one that is lost is noticed" => rights,
        "a refused management credential is told from everything else and tried once" => management_refused,
        "an account that is not there is told" => missing_account,
        "a user that is made for a lease is let in until it is removed" => lease_user,
        "a user is made whole or not at all, and what is not known is ended by its removal" => lease_user_doubt,
        "an unknown outcome is settled, after which a probe is final" => unknown_outcome,
        "a target out of reach proves nothing" => out_of_reach,
        "awkward names and passwords work or are refused beforehand" => awkward_logins,
        "sessions can be ended, or it is told that they cannot" => sessions,
        "a management credential can rotate itself" => own_rotation,
        "no message holds a password" => no_secret_in_messages,
    }
}

/// Of a target of which two accounts can take turns.
async fn run_turns(bench: &Bench<'_>) -> Result<Vec<&'static str>, Breach> {
    promises! { bench;
        "of two accounts that take turns, the one whose turn is over is shut, and its rights stay" => turns::taken,
    }
}

/// Of a target that makes the credentials itself.
async fn run_minted(bench: &Bench<'_>) -> Result<Vec<&'static str>, Breach> {
    promises! { bench;
        "a sound target passes every look at it" => minted::sound,
        "a credential that the target makes lives beside the old one until that is retired" => minted::beside,
        "an account that is adopted is opened by the new credential alone" => minted::adoption,
        "the rights stay, and one that is lost is noticed" => minted::rights,
        "a refused management credential is told from everything else" => minted::management_refused,
        "an account that is not there is told" => minted::missing_account,
        "what an unknown outcome left behind is taken away, and nothing that is known" => minted::unknown_outcome,
        "a target out of reach proves nothing" => minted::out_of_reach,
        "awkward names work or are refused beforehand" => minted::awkward_names,
        "sessions can be ended, or it is told that they cannot" => minted::sessions,
        "no message holds a secret" => no_secret_in_messages,
    }
}

#[cfg(test)]
mod tests;
