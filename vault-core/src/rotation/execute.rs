//! Runs one effect through a rotator and says what it found, as an event.
//!
//! The only place where a plan's effect becomes a call. It owns no timers: the caller races the
//! returned future against a deadline, and [`timed_out`] says what a deadline means for each effect.

use super::fault::{Fault, FaultClass};
use super::port::{Job, Login, Outcome, Probe, Rights, Rotator, TargetSpec, Verification};
use super::step::{Event, Finding, Retirement};
use crate::account::plan::Effect;
use crate::id::RotationId;
use crate::secret::SecretString;

/// A stored version with its secret.
#[derive(Debug)]
pub struct StoredVersion {
    /// The number.
    pub number: u64,
    /// The secret.
    pub password: SecretString,
}

/// Everything that an effect needs.
#[derive(Debug)]
pub struct Bench<'a> {
    /// The target.
    pub spec: &'a TargetSpec,
    /// The management credentials to act with, most likely first. One, except while a management
    /// credential itself is in doubt.
    pub management: &'a [Login],
    /// The account's name on the target.
    pub username: &'a str,
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
}

impl Bench<'_> {
    fn login(&self, version: &StoredVersion) -> Login {
        Login { username: self.username.to_owned(), password: version.password.duplicate() }
    }

    fn job<'a>(&'a self, management: &'a Login) -> Job<'a> {
        Job {
            spec: self.spec,
            management,
            username: self.username,
            rotation: self.rotation,
            is_adoption: self.current.is_none(),
        }
    }
}

/// Runs `effect` and says what it found.
pub async fn execute(effect: Effect, rotator: &dyn Rotator, bench: &Bench<'_>) -> Event {
    let Some(management) = bench.management.first() else {
        return failed(effect, Fault::new(FaultClass::Preflight, "the target has no management credential"));
    };
    let job = bench.job(management);
    match (effect, &bench.pending, &bench.current, &bench.previous) {
        (Effect::Prepare, ..) => Event::Prepared(rotator.preflight(job).await),
        (Effect::Apply, Some(pending), ..) => Event::Applied(rotator.apply(job, &pending.password).await),
        (Effect::Verify, Some(pending), ..) => {
            // A management credential that rotates itself is the candidate from here on.
            let login = bench.login(pending);
            let own = management.username == bench.username;
            let job = if own { bench.job(&login) } else { job };
            Event::Verified(rotator.verify(job, &login, bench.rights).await)
        }
        (Effect::Probe, ..) => Event::Probed(probe_all(rotator, bench).await),
        (Effect::Revert, _, Some(current), _) => Event::Reverted(rotator.apply(job, &current.password).await),
        (Effect::Retire { end_sessions }, _, _, Some(previous)) => {
            Event::Retired(retire(rotator, bench, job, previous, end_sessions).await)
        }
        (Effect::Check, _, Some(current), _) => {
            Event::Checked(rotator.probe(bench.spec, &bench.login(current)).await)
        }
        (effect, ..) => failed(effect, Fault::new(FaultClass::StoreFailed, "a stored version is missing")),
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
    }
}

/// Asks the target about every stored version, candidate first.
///
/// Whatever earlier attempts left on the target is ended first, so that "the current one works" cannot
/// become false a moment later. Where no management credential gets in, a version that logs in is
/// still news; only the conclusion "none works" needs the settlement.
async fn probe_all(rotator: &dyn Rotator, bench: &Bench<'_>) -> Finding {
    let mut unsettled = None;
    for management in bench.management {
        match rotator.settle(bench.job(management)).await {
            Ok(()) => {
                unsettled = None;
                break;
            }
            Err(fault) => unsettled = Some(fault),
        }
    }
    for (version, is_candidate) in [(&bench.pending, true), (&bench.current, false), (&bench.previous, false)]
        .into_iter()
        .filter_map(|(v, c)| v.as_ref().map(|v| (v, c)))
    {
        match rotator.probe(bench.spec, &bench.login(version)).await {
            Probe::Works if is_candidate => return Finding::Works(version.number),
            Probe::Works => {
                return match unsettled {
                    None => Finding::Works(version.number),
                    Some(fault) => Finding::Inconclusive(fault),
                };
            }
            Probe::Refused => {}
            Probe::Blocked(fault) => return Finding::Blocked(fault),
            Probe::Inconclusive(fault) => return Finding::Inconclusive(fault),
        }
    }
    match unsettled {
        None => Finding::NoneWorks,
        Some(fault) => Finding::Inconclusive(fault),
    }
}

/// Retires the old version and looks whether the target refuses it.
async fn retire(
    rotator: &dyn Rotator,
    bench: &Bench<'_>,
    job: Job<'_>,
    previous: &StoredVersion,
    end_sessions: bool,
) -> Retirement {
    let old = bench.login(previous);
    // Where both live side by side the old one is the last hope if the new one was taken away meanwhile.
    if let Some(current) = bench.current.as_ref().filter(|_| rotator.overlaps(bench.spec)) {
        match rotator.probe(bench.spec, &bench.login(current)).await {
            Probe::Works => {}
            Probe::Refused => {
                let what =
                    "the target refuses the new credential: it was taken away outside; the old one is kept";
                return Retirement::Unproven(Fault::new(FaultClass::Drift, what));
            }
            Probe::Blocked(fault) | Probe::Inconclusive(fault) => return Retirement::Unproven(fault),
        }
    }
    match rotator.retire(job, &old).await {
        Outcome::Applied => {}
        Outcome::NotApplied(fault) | Outcome::Unknown(fault) => return Retirement::Unproven(fault),
    }
    let (sessions, sessions_left) = match end_sessions {
        false => (None, None),
        true => match rotator.end_sessions(job).await {
            Ok(count) => (Some(count), None),
            // Without the right to end sessions the password still dies; with the target gone nothing is proven.
            Err(fault) if fault.class == FaultClass::PermissionDenied => (None, Some(fault)),
            Err(fault) => return Retirement::Unproven(fault),
        },
    };
    match rotator.probe(bench.spec, &old).await {
        Probe::Refused => Retirement::Dead { sessions, sessions_left },
        Probe::Works => Retirement::StillValid,
        Probe::Blocked(fault) | Probe::Inconclusive(fault) => Retirement::Unproven(fault),
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
        Effect::Probe => [pending, current, previous].into_iter().flatten().collect(),
    }
}
