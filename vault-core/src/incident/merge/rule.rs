//! Which incidents may be merged, and taken apart again.

use super::super::ledger::LedgerEvent;
use super::super::{Incident, IncidentState, Kind};
use super::BENEATH_MAX;
use crate::clock::Timestamp;
use crate::id::IncidentId;

/// Why incidents are not merged, or not taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Both are the same.
    #[error("an incident is not merged into itself")]
    Itself,
    /// One is over.
    #[error("only open incidents are merged: the one to be merged is over")]
    Over,
    /// The other is over.
    #[error("the incident to merge into is over: what is open is not hidden beneath what is closed")]
    IntoOver,
    /// It is beneath another already.
    #[error("the incident is merged into {0} already: unmerge it first")]
    Merged(IncidentId),
    /// The other is beneath another.
    #[error("the incident to merge into is itself merged into {0}: merge into that one")]
    IntoMerged(IncidentId),
    /// There are others beneath it.
    #[error("others are merged into this incident: merge the other one into this, or unmerge those first")]
    HasOthers,
    /// The other is that of an account on the target that it is about.
    #[error(
        "the incident of a target is not merged into that of an account on it: merge the other way round"
    )]
    IntoMember,
    /// There are too many beneath the other.
    #[error("there are {BENEATH_MAX} incidents beneath the other already")]
    Full,
    /// It is beneath none.
    #[error("the incident is not merged into another")]
    NotMerged,
    /// The survivor is over, and all beneath it with it.
    #[error("the incident that it is merged into is over: what was is not taken apart")]
    SurvivorOver,
}

/// Whether `one` may come beneath `into`.
///
/// # Errors
/// [`Refusal`] by cause.
pub fn may_merge(one: &Incident, into: &Incident) -> Result<(), Refusal> {
    let is_open = |incident: &Incident| incident.state == IncidentState::Open;
    if one.id == into.id {
        return Err(Refusal::Itself);
    }
    if let Some(into) = one.merged.into {
        return Err(Refusal::Merged(into));
    }
    if let Some(into) = into.merged.into {
        return Err(Refusal::IntoMerged(into));
    }
    if !is_open(one) {
        return Err(Refusal::Over);
    }
    if !is_open(into) {
        return Err(Refusal::IntoOver);
    }
    if !one.merged.beneath.is_empty() {
        return Err(Refusal::HasOthers);
    }
    if one.kind == Kind::Target && into.kind == Kind::Account && one.target == into.target {
        return Err(Refusal::IntoMember);
    }
    if into.merged.beneath.len() >= BENEATH_MAX {
        return Err(Refusal::Full);
    }
    Ok(())
}

/// The incident that `one` is beneath.
///
/// # Errors
/// [`Refusal::NotMerged`].
pub fn survivor(one: &Incident) -> Result<IncidentId, Refusal> {
    one.merged.into.ok_or(Refusal::NotMerged)
}

/// Whether those beneath `survivor` may be taken from it; `None`: there is no such record.
///
/// # Errors
/// [`Refusal::SurvivorOver`].
pub fn may_unmerge(survivor: Option<&Incident>) -> Result<(), Refusal> {
    match survivor {
        Some(survivor) if survivor.state == IncidentState::Closed => Err(Refusal::SurvivorOver),
        _ => Ok(()),
    }
}

/// What happens to `one` when somebody merges it into another: who has that one has it, too. What it is to the other follows
/// from it ([`super::follows`]).
///
/// # Errors
/// [`Refusal`] by cause.
pub fn join(one: &Incident, into: &Incident, at: Timestamp, by: &str) -> Result<Vec<LedgerEvent>, Refusal> {
    may_merge(one, into)?;
    let (incident, by) = (one.id, || by.to_owned());
    let mut events = vec![LedgerEvent::Merged { incident, at, by: by(), into: into.id }];
    if into.taken && !one.taken {
        events.push(LedgerEvent::Acknowledged { incident, at, by: by() });
    }
    if let Some(owner) = into.owner.clone().filter(|owner| one.owner.as_ref() != Some(owner)) {
        events.push(LedgerEvent::Assigned { incident, at, by: by(), owner });
    }
    Ok(events)
}
