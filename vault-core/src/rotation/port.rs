//! The port that every rotator implements.
//!
//! The verbs are idempotent and honest: an answer of `Applied` or `Refused` is only given when the
//! target itself said so; whatever is not known is `Unknown` or `Inconclusive`. A rotator owns no
//! timers and retries nothing: the caller imposes the deadline and decides what comes next.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

use serde::{Deserialize, Serialize};

use super::fault::{Fault, FaultClass};
use super::provisioner::Provisioner;
use super::shadow::ShadowMaker;
use crate::clock::Timestamp;
use crate::entropy::Entropy;
use crate::id::RotationId;
use crate::secret::SecretString;

/// What the verbs return: a boxed future, so that rotators are objects and the core needs no runtime.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where a target is and how to talk to it; holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetSpec {
    /// The address template, such as `postgresql://{{username}}:{{password}}@host:5432/db?sslmode=verify-full`.
    /// It is refused when it holds a literal password.
    pub connection_url: String,
    /// Further settings of the rotator, by name.
    pub settings: BTreeMap<String, String>,
}

/// A user name and password to log in with.
#[derive(Debug)]
pub struct Login {
    /// The name, as the target spells it.
    pub username: String,
    /// The password.
    pub password: SecretString,
}

/// One change of one account, as the verbs see it.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// The target.
    pub spec: &'a TargetSpec,
    /// The credential by which the vault acts on the target. For a management credential that
    /// rotates itself it is the version of it that is believed to work.
    pub management: &'a Login,
    /// The account to change, as the target spells it.
    pub username: &'a str,
    /// The other one of two accounts that take turns, where they do ([`Rotator::alternates`]): while `username` is
    /// changed, the one that consumers use; while `username` has come into use, the one that is retired.
    pub beside: Option<&'a str>,
    /// Marks everything this rotation does on the target, so that `settle` can find it.
    pub rotation: RotationId,
    /// Whether the vault holds no version of its own yet. Then `apply` ends whatever else opens the account, also where
    /// credentials can live side by side (a person has set it, and nobody will retire it), unless the target's settings
    /// say that others stay. Where the target makes credentials, `verify` ends them, once the new one was seen to work.
    pub is_adoption: bool,
    /// By which the target names the stored credentials, where it makes them itself.
    pub handles: Handles<'a>,
    /// What [`Rotator::preflight`] noted before the target was touched; empty in `preflight` itself.
    pub before: &'a Rights,
}

impl<'a> Job<'a> {
    /// A change of an account of which the vault has a version that it made itself; nothing is noted yet.
    #[must_use]
    pub fn new(spec: &'a TargetSpec, management: &'a Login, username: &'a str, rotation: RotationId) -> Self {
        let handles = Handles::default();
        Self {
            spec,
            management,
            username,
            beside: None,
            rotation,
            is_adoption: false,
            handles,
            before: &NO_RIGHTS,
        }
    }
}

/// The target's own names of the stored credentials of an account. All are absent where the vault makes credentials.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Handles<'a> {
    /// That of the candidate.
    pub pending: Option<&'a str>,
    /// That of the one that readers get.
    pub current: Option<&'a str>,
    /// That of the one before.
    pub previous: Option<&'a str>,
}

impl Handles<'_> {
    /// Whether the vault has stored the credential of this name.
    #[must_use]
    pub fn know(&self, handle: &str) -> bool {
        [self.pending, self.current, self.previous].contains(&Some(handle))
    }
}

/// A credential that the target made.
#[derive(Debug)]
pub struct Minted {
    /// By which the target names it, to take it away by later. No secret.
    pub handle: String,
    /// The name to log in with, where it is not the account's.
    pub username: Option<String>,
    /// The secret, which the target tells this once.
    pub password: SecretString,
}

/// What became of asking the target for a credential.
#[derive(Debug)]
pub enum Minting {
    /// The target made it.
    Made(Minted),
    /// It certainly did not.
    NotMade(Fault),
    /// It was asked and no answer came: there may be one that nobody knows.
    Unknown(Fault),
}

/// What an account may do on its target, as stable lines (`attribute SUPERUSER`, `member of app_rw`, …).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rights(pub Vec<String>);

/// No rights at all: what is known of them before anybody has looked.
pub static NO_RIGHTS: Rights = Rights(Vec::new());

impl Rights {
    /// The lines of `self` that `later` no longer has.
    #[must_use]
    pub fn lost_in(&self, later: &Self) -> Vec<String> {
        self.0.iter().filter(|line| !later.0.contains(line)).cloned().collect()
    }
}

/// What became of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The target confirmed it.
    Applied,
    /// It certainly did not happen.
    NotApplied(Fault),
    /// It was sent and no answer came.
    Unknown(Fault),
}

/// What a fresh login showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// The target let it in.
    Works,
    /// The target refused this very credential (not the network, not the host rule, not a full server).
    Refused,
    /// The target refused the login for another reason than the password (locked, expired, no LOGIN),
    /// so the password itself was not judged.
    Blocked(Fault),
    /// Nothing was learnt.
    Inconclusive(Fault),
}

/// What verification showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verification {
    /// It logs in afresh and has every right it had.
    Verified,
    /// The target refused it.
    Refused(Fault),
    /// It logs in, but these rights are gone.
    RightsLost(Vec<String>),
    /// Nothing was learnt.
    Inconclusive(Fault),
}

/// What `check` found out about a target, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckReport {
    /// The server's own name and version.
    pub server: String,
    /// What was looked at and found good, in order.
    pub passed: Vec<String>,
    /// What works but is worth mending.
    pub warnings: Vec<String>,
}

/// A plugin that changes, verifies and revokes credentials on one kind of target.
pub trait Rotator: Send + Sync {
    /// The name in configuration, such as `postgresql`.
    fn kind(&self) -> &'static str;

    /// Checks settings without touching the target.
    ///
    /// # Errors
    /// A sentence that says what to mend.
    fn validate(&self, spec: &TargetSpec) -> Result<(), String>;

    /// Checks an account name and a password that would be set, without touching the target.
    ///
    /// # Errors
    /// A sentence that says why this target cannot hold them.
    fn validate_login(&self, login: &Login) -> Result<(), String>;

    /// Logs in with the management credential and looks whether it can do its work. Changes nothing.
    fn check<'a>(
        &'a self,
        spec: &'a TargetSpec,
        management: &'a Login,
    ) -> BoxFuture<'a, Result<CheckReport, Fault>>;

    /// Looks whether the change can succeed and notes the account's rights. Changes nothing. Where accounts take turns,
    /// one that was shut can be changed, and one that lacks a right of the other's cannot: consumers would miss it.
    fn preflight<'a>(&'a self, job: Job<'a>) -> BoxFuture<'a, Result<Rights, Fault>>;

    /// Makes `candidate` the account's credential. Idempotent. Never called where [`Rotator::mints`]. Where accounts take
    /// turns, it is the only one from then on, whatever [`Rotator::overlaps`] says.
    fn apply<'a>(&'a self, job: Job<'a>, candidate: &'a SecretString) -> BoxFuture<'a, Outcome>;

    /// Makes sure that no earlier `apply` of this rotation can still take effect, by ending whatever it
    /// left on the target. After `Ok`, a probe is conclusive. Where the target makes credentials, it takes away those
    /// that this rotation asked for and the vault does not know ([`Handles::know`]).
    fn settle<'a>(&'a self, job: Job<'a>) -> BoxFuture<'a, Result<(), Fault>>;

    /// Logs in afresh, by the path that consumers use, and out again.
    fn probe<'a>(&'a self, spec: &'a TargetSpec, login: &'a Login) -> BoxFuture<'a, Probe>;

    /// Logs in afresh as `login` and compares what the account may do with `expected`.
    fn verify<'a>(
        &'a self,
        job: Job<'a>,
        login: &'a Login,
        expected: &'a Rights,
    ) -> BoxFuture<'a, Verification>;

    /// Removes an old credential where it lives beside the new one; where a change replaces it, nothing. Where
    /// accounts take turns and `old` has the name of [`Job::beside`], that account is shut to every password until
    /// `apply` opens it again, and keeps its rights; the password of `old` may be unknown then. It comes
    /// after whatever an earlier `retire` of this rotation left on the target. Where the target makes credentials,
    /// [`Handles::previous`] names it.
    fn retire<'a>(&'a self, job: Job<'a>, old: &'a Login) -> BoxFuture<'a, Outcome>;

    /// Ends the account's open sessions on the target; returns how many.
    fn end_sessions<'a>(&'a self, job: Job<'a>) -> BoxFuture<'a, Result<u32, Fault>>;

    /// Whether this kind of target can end sessions of others. Where it cannot, `end_sessions` logs in and answers
    /// `permission_denied`, so that what stays open is told.
    fn ends_sessions(&self, _spec: &TargetSpec) -> bool {
        true
    }

    /// Whether the target gives no means to keep a request of an earlier `apply`, held up on its way, from taking
    /// effect after `settle`. A probe then is conclusive for what has arrived, not for what may still come.
    fn late_requests(&self, _spec: &TargetSpec) -> bool {
        false
    }

    /// Whether old and new credential live side by side on this target until `retire`.
    fn overlaps(&self, _spec: &TargetSpec) -> bool {
        false
    }

    /// Whether the target makes the credentials ([`Rotator::mint`]), as key services do. Then
    /// [`Rotator::overlaps`] as well: one whose making ends the old one would be lost with the answer.
    fn mints(&self, _spec: &TargetSpec) -> bool {
        false
    }

    /// Asks the target for one more credential. Not idempotent: what an unknown outcome leaves behind is taken away by
    /// [`Rotator::settle`].
    fn mint<'a>(&'a self, _job: Job<'a>) -> BoxFuture<'a, Minting> {
        let fault = Fault::new(FaultClass::Preflight, "this kind of target makes no credentials itself");
        Box::pin(std::future::ready(Minting::NotMade(fault)))
    }

    /// Whether a management credential that its target refuses is tried once, however many calls need it in that
    /// moment. Those of other kinds are called in turn until it is known to work.
    fn shares_refusals(&self) -> bool {
        false
    }

    /// Whether `verify` logs nobody in but the account itself: then it is done by whatever stands for the management
    /// credential, also while the target refuses that.
    fn verifies_alone(&self) -> bool {
        false
    }

    /// Whether two accounts of this target can take turns ([`Job::beside`]): `retire` shuts the one that is not used.
    fn alternates(&self, _spec: &TargetSpec) -> bool {
        false
    }

    /// A new credential for an account of this target, drawn from `entropy`; `None` where it is a password, which
    /// the account's password policy makes. It is stored before the target hears of it, like any candidate.
    fn candidate(&self, _spec: &TargetSpec, _entropy: &dyn Entropy) -> Option<SecretString> {
        None
    }

    /// What makes accounts that live as long as a lease; `None` where this kind of target cannot.
    fn provisioner(&self) -> Option<&dyn Provisioner> {
        None
    }

    /// What makes shadow accounts, on which a rotation is rehearsed; `None` where this kind of target cannot, or not
    /// safely.
    fn shadows(&self, _spec: &TargetSpec) -> Option<&dyn ShadowMaker> {
        None
    }

    /// What time the target has, by its own clock; `None` where it does not tell. Changes nothing.
    fn clock<'a>(
        &'a self,
        _spec: &'a TargetSpec,
        _management: &'a Login,
    ) -> BoxFuture<'a, Result<Option<Timestamp>, Fault>> {
        Box::pin(std::future::ready(Ok(None)))
    }
}
