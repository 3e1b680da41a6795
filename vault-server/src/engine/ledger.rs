//! Folds what happened into the records of incidents: of the one that it is about, and of those that are merged with it.
//!
//! All of it goes into one commit, each record on condition that it is as it was read. So the survivor of merged incidents
//! closes in the commit of the last proof, and opens again in that of the failure.

use std::collections::BTreeMap;

use vault_core::id::IncidentId;
use vault_core::incident::ledger::{LedgerEvent, Recorded, record};
use vault_core::incident::merge::{Heard, follows, hear};
use vault_core::incident::{Incident, IncidentState};
use vault_core::rotation::fault::FaultClass;
use vault_core::store::batch::Require;
use vault_core::store::key::Table;

use super::commit::PlanError;
use super::drive::Chain;
use super::group::{put_group, put_outage};
use super::outbox::{Attention, Turned};
use super::record::line_name;
use super::team;
use crate::barrier::{Barrier, LoadError, Loaded, Transaction, require};

/// An incident that a commit is about.
struct Touched {
    stored: Option<Loaded<Incident>>,
    now: Option<Incident>,
    /// Whether its record is written.
    is_written: bool,
    is_group: bool,
    /// Whether it is about the subject of the commit, and not only merged with what is.
    is_direct: bool,
}

/// Folds events into the records of their incidents and keeps the list of open ones; gives back those that were opened
/// or closed, taken, became worse, stand for others than before, or have got one more account beneath them. `subject` is whose events they are, where the
/// incident may be that of a target.
pub(crate) fn put_incidents(
    barrier: &Barrier,
    batch: &mut Transaction,
    subject: &str,
    events: &[LedgerEvent],
) -> Result<Vec<Turned>, PlanError> {
    let mut by_id = BTreeMap::<IncidentId, Vec<&LedgerEvent>>::new();
    for event in events {
        by_id.entry(event.incident()).or_default().push(event);
    }
    let mut all = BTreeMap::new();
    for (id, events) in &by_id {
        let stored = barrier.load::<Incident>(*id.as_bytes())?;
        all.insert(*id, put_own(barrier, batch, subject, stored, events)?);
    }
    let mut found = Vec::new();
    for (id, events) in &by_id {
        let Some(touched) = all.get(id) else { continue };
        let before = touched.stored.as_ref().map(|stored| &stored.value);
        found.extend(touched.now.iter().flat_map(|now| follows(before, now, events)));
    }
    for event in &found {
        let id = event.incident();
        let touched = match all.remove(&id) {
            Some(touched) => Some(touched),
            None => beside(barrier, id)?,
        };
        if let Some(touched) = touched {
            all.insert(id, put_beside(batch, touched, event));
        }
    }
    let mut turned = Vec::new();
    for (id, touched) in all {
        let before = touched.stored.as_ref().map(|stored| stored.value.state);
        touched.now.iter().try_for_each(|now| put_outage(barrier, batch, before, now))?;
        turned.extend(put(barrier, batch, id, touched)?);
    }
    Ok(turned)
}

/// What happened to an incident itself.
fn put_own(
    barrier: &Barrier,
    batch: &mut Transaction,
    subject: &str,
    stored: Option<Loaded<Incident>>,
    events: &[&LedgerEvent],
) -> Result<Touched, PlanError> {
    let is_group = events.iter().any(|event| event.is_of_group(stored.as_ref().map(|one| &one.value)));
    let (now, is_written) = if is_group {
        put_group(barrier, batch, subject, stored.as_ref(), events)?
    } else {
        let now = put_one(batch, stored.as_ref().map(|stored| stored.value.clone()), events);
        let is_written = now.is_some();
        (now, is_written)
    };
    Ok(Touched { stored, now, is_written, is_group, is_direct: true })
}

/// Folds events into the record of one incident.
fn put_one(
    batch: &mut Transaction,
    mut folded: Option<Incident>,
    events: &[&LedgerEvent],
) -> Option<Incident> {
    for event in events {
        let Some(Recorded { incident, entry }) = record(folded.clone(), event) else { continue };
        if let Some(entry) = entry {
            batch.put(line_name(incident.id, entry.seq), Require::Absent, &entry);
        }
        folded = Some(incident);
    }
    folded
}

/// An incident that is merged with one that something happened to. One that cannot be read keeps nobody's failures and
/// proofs from being written down.
fn beside(barrier: &Barrier, id: IncidentId) -> Result<Option<Touched>, LoadError> {
    let stored = match barrier.load::<Incident>(*id.as_bytes()) {
        Ok(stored) => stored,
        Err(error) if error.is_damage() => {
            tracing::error!(%id, error = %Chain(&error), "an incident that others are merged with cannot be read");
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    Ok(stored.map(|stored| {
        let now = Some(stored.value.clone());
        Touched { stored: Some(stored), now, is_written: false, is_group: false, is_direct: false }
    }))
}

/// Incidents that are merged into another, as they are stored. One that cannot be read is left out, and the log names it.
pub(super) fn beneath(
    barrier: &Barrier,
    all: impl IntoIterator<Item = IncidentId>,
) -> Result<Vec<Incident>, LoadError> {
    let mut found = Vec::new();
    for id in all {
        found.extend(beside(barrier, id)?.and_then(|touched| touched.now));
    }
    Ok(found)
}

/// What follows for one that is merged with another.
fn put_beside(batch: &mut Transaction, touched: Touched, event: &LedgerEvent) -> Touched {
    let Some(before) = touched.now else { return touched };
    let now = if matches!(event, LedgerEvent::Beneath { .. }) {
        let Heard { incident, entries } = hear(before.clone(), event);
        for entry in &entries {
            batch.put(line_name(incident.id, entry.seq), Require::Absent, entry);
        }
        Some(incident)
    } else {
        put_one(batch, Some(before.clone()), &[event])
    };
    let is_written = touched.is_written || now.as_ref() != Some(&before);
    Touched { now, is_written, ..touched }
}

/// Writes the record, and its place among the open ones; gives back what has turned. What is new is stamped with whose it
/// is, and keeps that.
fn put(
    barrier: &Barrier,
    batch: &mut Transaction,
    id: IncidentId,
    touched: Touched,
) -> Result<Option<Turned>, LoadError> {
    let Touched { stored, now, is_written, is_group, is_direct } = touched;
    let Some(mut incident) = now else { return Ok(None) };
    if stored.is_none() {
        incident.team = team::of_incident(barrier, &incident)?;
    }
    if is_written {
        batch.put(*id.as_bytes(), require(stored.as_ref()), &incident);
    }
    let stored = stored.map(|stored| stored.value);
    let is_open = incident.state == IncidentState::Open;
    let was_open = stored.as_ref().is_some_and(|stored| stored.state == IncidentState::Open);
    match (was_open, is_open) {
        (false, true) => {
            batch.mark(Table::OpenIncident, *id.as_bytes());
        }
        (true, false) => {
            batch.unmark(Table::OpenIncident, *id.as_bytes());
        }
        _ => {}
    }
    let inside = stored.as_ref().map_or(0, |stored| stored.members.now);
    let was_calm = stored.as_ref().is_some_and(|stored| stored.marks.t6.is_some());
    let was_late = stored.as_ref().is_some_and(|stored| stored.class == FaultClass::Overdue);
    let is_joined = incident.members.now > inside;
    // To who was told of it this is another failure: all were served again, or it was only late.
    let is_another = is_group && (is_joined && was_calm || was_late && incident.class != FaultClass::Overdue);
    let is_news = was_open && is_open && (is_another || is_alone_again(stored.as_ref(), &incident));
    let was = stored.as_ref().map(Attention::of);
    let before = stored.as_ref().map(|stored| stored.state);
    let has_turned = was_open != is_open || is_joined || is_news || was != Some(Attention::of(&incident));
    Ok(has_turned.then_some(Turned { before, was, incident, is_news, is_direct }))
}

/// Whether what nobody was told of stands for itself from now on, or was over but for others and failed again.
fn is_alone_again(before: Option<&Incident>, now: &Incident) -> bool {
    before.is_some_and(|before| {
        let is_unmerged = before.merged.into.is_some() && now.merged.into.is_none();
        is_unmerged && !now.notified || now.reopened > before.reopened
    })
}
