//! Asks the target which stored version logs in, with no more logins than may be refused.

use std::collections::VecDeque;

use super::execute::{Bench, StoredVersion};
use super::fault::{Fault, FaultClass};
use super::lockout::{Purse, of_probe};
use super::port::{Probe, Rotator};
use super::step::Finding;
use crate::target::lockout::Login as Shown;

/// Logs in with one version.
pub(super) async fn probe(
    rotator: &dyn Rotator,
    bench: &Bench<'_>,
    version: &StoredVersion,
    purse: &mut Purse,
) -> Probe {
    let probe = rotator.probe(bench.spec, &version.login).await;
    purse.pay(&version.login.username, of_probe(&probe));
    probe
}

/// Asks the target about every stored version, candidate first. `None` when there is no room for the next login.
///
/// Whatever earlier attempts left on the target is ended first, so that "the current one works" cannot
/// become false a moment later. Where no management credential gets in, a version that logs in is
/// still news; only the conclusion "none works" needs the settlement.
pub(super) async fn probe_all(
    rotator: &dyn Rotator,
    bench: &Bench<'_>,
    purse: &mut Purse,
) -> Option<Finding> {
    let Settled { by, refused } = settle(rotator, bench, purse).await?;
    let candidate = bench.pending.as_ref().map(|version| version.number);
    let is_known = |version: &&StoredVersion| bench.refused.contains(&version.number);
    let mut versions: Vec<&StoredVersion> = stored(bench).filter(|version| !is_known(version)).collect();
    // What the candidate was a while ago says nothing of now: the change may have come true since.
    let again = bench.pending.as_ref().filter(is_known);
    if let (Ok(Some(by)), true, false) = (&by, purse.is_guarded(), bench.overlaps) {
        // That one has just logged in by itself: those before it would only be refused.
        versions.sort_by_key(|version| version.number != *by);
    }
    versions.extend(again);
    let (unsettled, mut found, mut left) = (by.err(), None, VecDeque::from(versions));
    while let Some(version) = left.pop_front() {
        // One that was refused before the settlement may have become true by that. Without one it may have as well, and is
        // asked where that can lock nothing.
        let is_refused = unsettled.is_some() && refused.contains(&version.number);
        if is_refused && purse.is_guarded() {
            continue;
        }
        if !purse.admits(&version.login.username) {
            return unsettled.map(Finding::Inconclusive);
        }
        match probe(rotator, bench, version, purse).await {
            Probe::Works if Some(version.number) == candidate => return Some(Finding::Works(version.number)),
            Probe::Works => {
                found = Some(version.number);
                // Where both live that does not mean that the candidate does not: it is asked, too. After it, since that has
                // made room again; asked before, it would use up what the others need, each time anew.
                left = again.filter(|_| bench.overlaps).into_iter().collect();
            }
            Probe::Refused if unsettled.is_none() => purse.refuse(version.number),
            Probe::Refused => {}
            Probe::Blocked(fault) => return Some(Finding::Blocked(fault)),
            Probe::Inconclusive(fault) => return Some(Finding::Inconclusive(fault)),
        }
    }
    Some(unsettled.map_or(found.map_or(Finding::NoneWorks, Finding::Works), Finding::Inconclusive))
}

/// The stored versions, candidate first.
fn stored<'a>(bench: &'a Bench<'_>) -> impl Iterator<Item = &'a StoredVersion> {
    [&bench.pending, &bench.current, &bench.previous].into_iter().flatten()
}

/// What came of ending what earlier attempts left on the target.
struct Settled {
    /// The version that did it, where the account is the management credential itself; or why nobody got in.
    by: Result<Option<u64>, Fault>,
    /// Its versions that were refused before that.
    refused: Vec<u64>,
}

/// Ends what earlier attempts left on the target, by whichever management credential gets in. `None` when there is no
/// room for the next login.
async fn settle(rotator: &dyn Rotator, bench: &Bench<'_>, purse: &mut Purse) -> Option<Settled> {
    let mut unsettled = match bench.management {
        [] => Fault::new(FaultClass::Preflight, "the target has no management credential"),
        _ => Fault::new(FaultClass::ManagementAuthRefused, "the target has refused each stored version"),
    };
    let mut refused = Vec::new();
    for management in bench.management {
        let own = stored(bench).filter(|_| bench.is_management);
        let mut own = own.filter(|own| own.login.password.expose() == management.password.expose());
        let own = own.next().map(|version| version.number);
        if own.is_some_and(|own| bench.refused.contains(&own)) {
            continue;
        }
        if bench.is_management && !purse.admits(&management.username) {
            refused.into_iter().for_each(|version| purse.refuse(version));
            return None;
        }
        match rotator.settle(bench.job(management)).await {
            Ok(()) => return Some(Settled { by: Ok(own), refused }),
            Err(fault) => {
                if fault.class == FaultClass::ManagementAuthRefused {
                    purse.management_refused |= !bench.is_management;
                    purse.pay(&management.username, bench.is_management.then_some(Shown::Refused));
                    refused.extend(own);
                }
                unsettled = fault;
            }
        }
    }
    Some(Settled { by: Err(unsettled), refused })
}

/// Logs in with the previous version. The management credential is needed only where something must be settled.
pub(super) async fn check_previous(
    rotator: &dyn Rotator,
    bench: &Bench<'_>,
    settles: bool,
    purse: &mut Purse,
) -> Probe {
    let Some(previous) = &bench.previous else {
        return Probe::Inconclusive(Fault::new(FaultClass::StoreFailed, "a stored version is missing"));
    };
    let no_room = || {
        let what = "one more refused login could lock the account (lockout_threshold): try again later";
        Probe::Inconclusive(Fault::new(FaultClass::Overdue, what))
    };
    if settles {
        match settle(rotator, bench, purse).await {
            None => return no_room(),
            Some(Settled { by: Err(fault), .. }) => return Probe::Inconclusive(fault),
            Some(Settled { by: Ok(_), .. }) => {}
        }
    }
    if !purse.admits(&previous.login.username) {
        return no_room();
    }
    probe(rotator, bench, previous, purse).await
}
