//! Runs one effect through a rotator and says what it found, as an event.
//!
//! The only place where a plan's effect becomes a call. It owns no timers: the caller races the
//! returned future against a deadline, and [`timed_out`] says what a deadline means for each effect.

use super::fault::{Fault, FaultClass};
use super::lockout::{Purse, of_verification};
use super::look::{check_previous, probe, probe_all};
use super::port::{
    Handles, Job, Login, Minted, Minting, Outcome, Probe, Rights, Rotator, TargetSpec, Verification,
};
use super::step::{Event, Finding, Retirement};
use crate::account::plan::Effect;
use crate::id::RotationId;
use crate::secret::SecretString;

/// A stored version with its secret.
#[derive(Debug)]
pub struct StoredVersion {
    /// The number.
    pub number: u64,
    /// What it logs in as, and with what.
    pub login: Login,
    /// By which the target names it, where it made it.
    pub handle: Option<String>,
}

/// Everything that an effect needs.
#[derive(Debug)]
pub struct Bench<'a> {
    /// The target.
    pub spec: &'a TargetSpec,
    /// The management credentials to act with, most likely first. One, except while a management
    /// credential itself is in doubt.
    pub management: &'a [Login],
    /// The name on the target: [`crate::account::Account::username_for`].
    pub username: &'a str,
    /// The other one of two that take turns: [`crate::account::Account::username_beside`].
    pub beside: Option<&'a str>,
    /// Whether the account is the target's management credential.
    pub is_management: bool,
    /// Whether the old credential lives on beside the new one until it is retired.
    pub overlaps: bool,
    /// The rotation (or a fresh id for a check).
    pub rotation: RotationId,
    /// The rights before the change.
    pub rights: &'a Rights,
    /// The candidate.
    pub pending: Option<StoredVersion>,
    /// What readers get.
    pub current: Option<StoredVersion>,
    /// The one before.
    pub previous: Option<StoredVersion>,
    /// Versions that the target has refused already in the doubt that the account is in.
    pub refused: &'a [u64],
    /// What the logins may cost.
    pub purse: Purse,
}

impl Bench<'_> {
    pub(super) fn job<'a>(&'a self, management: &'a Login) -> Job<'a> {
        let handle = |version: &'a Option<StoredVersion>| version.as_ref()?.handle.as_deref();
        Job {
            spec: self.spec,
            management,
            username: self.username,
            beside: self.beside,
            rotation: self.rotation,
            is_adoption: self.current.is_none(),
            handles: Handles {
                pending: handle(&self.pending),
                current: handle(&self.current),
                previous: handle(&self.previous),
            },
            before: self.rights,
        }
    }
}

/// What an effect found, and what it brought.
#[derive(Debug)]
pub struct Answer {
    /// What was found.
    pub event: Event,
    /// The credential that the target made: to be stored with what follows from the event.
    pub minted: Option<Minted>,
    /// What the logins have cost; `None`: that is not known, as no answer came.
    pub purse: Option<Purse>,
}

impl From<Event> for Answer {
    fn from(event: Event) -> Self {
        Self { event, minted: None, purse: None }
    }
}

/// Runs `effect` and says what it found.
pub async fn execute(effect: Effect, rotator: &dyn Rotator, bench: &Bench<'_>) -> Answer {
    let mut purse = bench.purse.clone();
    let answer = run(effect, rotator, bench, &mut purse).await;
    Answer { purse: Some(purse), ..answer }
}

async fn run(effect: Effect, rotator: &dyn Rotator, bench: &Bench<'_>, purse: &mut Purse) -> Answer {
    if let Effect::CheckPrevious { settle } = effect {
        return Event::CheckedPrevious(check_previous(rotator, bench, settle, purse).await).into();
    }
    if let (Effect::Check, Some(current)) = (effect, &bench.current) {
        return Event::Checked(probe(rotator, bench, current, purse).await).into();
    }
    let Some(management) = bench.management.first() else {
        let fault = Fault::new(FaultClass::Preflight, "the target has no management credential");
        return failed(effect, fault).into();
    };
    let job = bench.job(management);
    let event = match (effect, &bench.pending, &bench.current, &bench.previous) {
        (Effect::Prepare, ..) => Event::Prepared(rotator.preflight(job).await),
        (Effect::Apply, None, ..) if rotator.mints(bench.spec) => return mint(rotator, job).await,
        (Effect::Apply, Some(pending), ..) => {
            Event::Applied(rotator.apply(job, &pending.login.password).await)
        }
        (Effect::Verify, Some(pending), ..) => {
            // A management credential that rotates itself is the candidate from here on.
            let job = if bench.is_management { bench.job(&pending.login) } else { job };
            let verified = rotator.verify(job, &pending.login, bench.rights).await;
            purse.pay(&pending.login.username, of_verification(&verified));
            Event::Verified(verified)
        }
        (Effect::Probe, ..) => probe_all(rotator, bench, purse).await.map_or(Event::OutOfRoom, Event::Probed),
        (Effect::Revert, _, Some(current), _) => {
            Event::Reverted(rotator.apply(job, &current.login.password).await)
        }
        (Effect::Retire { end_sessions }, _, _, Some(previous)) => {
            let retired = retire(rotator, bench, job, previous, end_sessions, purse).await;
            retired.map_or(Event::OutOfRoom, Event::Retired)
        }
        (Effect::Retire { .. }, _, Some(_), None) if let Some(beside) = bench.beside => {
            Event::Retired(shut(rotator, job, beside).await)
        }
        (effect, ..) => failed(effect, Fault::new(FaultClass::StoreFailed, "a stored version is missing")),
    };
    event.into()
}

async fn mint(rotator: &dyn Rotator, job: Job<'_>) -> Answer {
    match rotator.mint(job).await {
        Minting::Made(minted) => Answer { minted: Some(minted), ..Event::Applied(Outcome::Applied).into() },
        Minting::NotMade(fault) => Event::Applied(Outcome::NotApplied(fault)).into(),
        Minting::Unknown(fault) => Event::Applied(Outcome::Unknown(fault)).into(),
    }
}

/// What it means that `effect` did not answer within its deadline.
#[must_use]
pub fn timed_out(effect: Effect) -> Event {
    match effect {
        Effect::Apply => Event::Applied(Outcome::Unknown(Fault::new(
            FaultClass::Ambiguous,
            "the target did not answer in time; it may hold the new password",
        ))),
        other => failed(other, Fault::new(FaultClass::Unreachable, "the target did not answer in time")),
    }
}

/// What it means that the plugin broke down under `effect`: an `Apply` may have been sent by then.
#[must_use]
pub fn broken(effect: Effect) -> Event {
    let fault = Fault::new(FaultClass::PluginFailed, "the plugin broke down; the server's log has the place");
    match effect {
        Effect::Apply => Event::Applied(Outcome::Unknown(fault)),
        other => failed(other, fault),
    }
}

/// The event of an effect that could not run. For an `Apply` nothing was sent.
#[must_use]
pub fn failed(effect: Effect, fault: Fault) -> Event {
    match effect {
        Effect::Prepare => Event::Prepared(Err(fault)),
        Effect::Apply => Event::Applied(Outcome::NotApplied(fault)),
        Effect::Verify => Event::Verified(Verification::Inconclusive(fault)),
        Effect::Probe => Event::Probed(Finding::Inconclusive(fault)),
        Effect::Revert => Event::Reverted(Outcome::NotApplied(fault)),
        Effect::Retire { .. } => Event::Retired(Retirement::Unproven(fault)),
        Effect::Check => Event::Checked(Probe::Inconclusive(fault)),
        Effect::CheckPrevious { .. } => Event::CheckedPrevious(Probe::Inconclusive(fault)),
    }
}

/// Retires the old version and looks whether the target refuses it. `None` when there is no room for the next login.
async fn retire(
    rotator: &dyn Rotator,
    bench: &Bench<'_>,
    job: Job<'_>,
    previous: &StoredVersion,
    end_sessions: bool,
    purse: &mut Purse,
) -> Option<Retirement> {
    let old = &previous.login;
    // Where both live side by side the old one is the last hope if the new one was taken away meanwhile.
    if let Some(current) = bench.current.as_ref().filter(|_| bench.overlaps) {
        let shown = match bench.refused.contains(&current.number) {
            true => Probe::Refused,
            false => probe(rotator, bench, current, purse).await,
        };
        match shown {
            Probe::Works => {}
            Probe::Refused if !purse.admits(&old.username) => {
                purse.refuse(current.number);
                return None;
            }
            Probe::Refused => {
                return Some(match probe(rotator, bench, previous, purse).await {
                    Probe::Works => Retirement::CurrentRefused { old_works: true },
                    Probe::Refused => Retirement::CurrentRefused { old_works: false },
                    Probe::Blocked(fault) | Probe::Inconclusive(fault) => Retirement::Unproven(fault),
                });
            }
            Probe::Blocked(fault) | Probe::Inconclusive(fault) => return Some(Retirement::Unproven(fault)),
        }
    }
    match rotator.retire(job, old).await {
        Outcome::Applied => {}
        Outcome::NotApplied(fault) | Outcome::Unknown(fault) => return Some(Retirement::Unproven(fault)),
    }
    let (sessions, sessions_left) = match end_sessions {
        false => (None, None),
        true => match rotator.end_sessions(sessions_of(job, old)).await {
            Ok(count) => (Some(count), None),
            // Without the right to end sessions the password still dies; with the target gone nothing is proven.
            Err(fault) if fault.class == FaultClass::PermissionDenied => (None, Some(fault)),
            Err(fault) => return Some(Retirement::Unproven(fault)),
        },
    };
    if !purse.admits(&old.username) {
        return None;
    }
    Some(match probe(rotator, bench, previous, purse).await {
        Probe::Refused => Retirement::Dead { sessions, sessions_left },
        Probe::Works => Retirement::StillValid,
        Probe::Blocked(fault) | Probe::Inconclusive(fault) => Retirement::Unproven(fault),
    })
}

/// Shuts an account that was never used, of whose password nothing is known: there is nothing to try.
async fn shut(rotator: &dyn Rotator, job: Job<'_>, beside: &str) -> Retirement {
    let old = Login { username: beside.to_owned(), password: SecretString::new(String::new()) };
    match rotator.retire(job, &old).await {
        Outcome::Applied => Retirement::Dead { sessions: None, sessions_left: None },
        Outcome::NotApplied(fault) | Outcome::Unknown(fault) => Retirement::Unproven(fault),
    }
}

/// Of two accounts that take turns, the sessions of the old one are meant.
fn sessions_of<'a>(job: Job<'a>, old: &'a Login) -> Job<'a> {
    match job.beside {
        Some(beside) if beside == old.username => Job { username: beside, beside: Some(job.username), ..job },
        _ => job,
    }
}

/// Which stored versions a management credential that rotates itself is tried with, most likely first.
#[must_use]
pub fn own_order(effect: Effect, versions: &crate::account::Versions) -> Vec<u64> {
    let number = |version: Option<crate::account::Version>| version.map(|version| version.number);
    let (pending, current, previous) =
        (number(versions.pending), number(versions.current), number(versions.previous));
    match effect {
        Effect::Prepare | Effect::Apply | Effect::Check | Effect::Retire { .. } => {
            current.into_iter().collect()
        }
        Effect::Verify | Effect::Revert => pending.into_iter().collect(),
        Effect::CheckPrevious { settle: false } => Vec::new(),
        Effect::Probe | Effect::CheckPrevious { settle: true } => {
            [pending, current, previous].into_iter().flatten().collect()
        }
    }
}
