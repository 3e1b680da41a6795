//! Silences and maintenance windows on the store: who is covered, what is kept back, and what goes on when one is over.
//!
//! A notification is kept back in the commit that opens the incident, on condition that the silence is still what was
//! read: so none is kept back after the end has looked for what to tell. The end is a stage of its own that is on disk
//! before anything of it is done, and the record goes last: a crash in between does it again.

mod found;
mod turn;
mod withhold;

use vault_core::clock::Timestamp;
use vault_core::id::{IncidentId, SilenceId};
use vault_core::incident::{Incident, Kind};
use vault_core::path::Name;
use vault_core::silence::{Mode, SILENCES, SILENCES_MAX, Scope, Silence, Withheld, covers, key, maintenance};
use vault_core::store::batch::Require;
use vault_core::store::due;
use vault_core::store::key::Table;

use super::Engine;
use super::drive::Chain;
use super::group::members;
use super::ledger::beneath;
use super::record::DUE_SILENCE;
use crate::barrier::{Barrier, LoadError, Loaded, Record, Transaction};

pub(super) use self::withhold::{About, Kept, Message, Verdict, Withholding, kept};

impl Record for Silence {
    const TABLE: Table = Table::Silence;
}

impl Record for Withheld {
    const TABLE: Table = Table::Silence;
}

/// Every silence. One that cannot be read silences nothing, and the log names it.
///
/// # Errors
/// [`LoadError`] by cause, of the whole.
pub(crate) fn silences(barrier: &Barrier) -> Result<Vec<Loaded<Silence>>, LoadError> {
    let mut found = Vec::new();
    for (name, silence) in barrier.list_each::<Silence>(SILENCES, None, SILENCES_MAX)? {
        match silence {
            Ok(silence) => found.push(silence),
            Err(error) if error.is_damage() => {
                let id = name
                    .get(SILENCES.len()..)
                    .and_then(|id| Some(SilenceId::from_stored(id.try_into().ok()?)));
                let id = id.map(|id| id.to_string());
                tracing::error!(id, error = %Chain(&error), "a silence cannot be read, and silences nothing");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// The silence, of `all`, that an incident is under: of those that cover all that it stands for the one that ends first. It
/// stands for its own part, unless that is over, and for the open ones that are merged into it.
///
/// # Errors
/// [`LoadError`] by cause.
pub(crate) fn over<'a>(
    barrier: &Barrier,
    all: &'a [Loaded<Silence>],
    incident: &Incident,
    now: Timestamp,
) -> Result<Option<&'a Silence>, LoadError> {
    let found = whole(barrier, all, incident, has_own_part(incident), now)?;
    Ok(found.and_then(|found| found.into_iter().min_by_key(|silence| silence.until)))
}

/// Whether an incident is about more than what is merged into it.
fn has_own_part(incident: &Incident) -> bool {
    !incident.merged.own_over || incident.merged.open() == 0
}

/// The silences that cover the open ones that are merged into an incident, and its own part where it has one; `None` where
/// something is not covered. Of one that cannot be read nobody knows.
fn whole<'a>(
    barrier: &Barrier,
    all: &'a [Loaded<Silence>],
    incident: &Incident,
    has_own: bool,
    now: Timestamp,
) -> Result<Option<Vec<&'a Silence>>, LoadError> {
    if all.is_empty() {
        return Ok(None);
    }
    let open = incident.merged.beneath.iter().filter(|one| one.is_open);
    let open: Vec<IncidentId> = open.map(|one| one.incident).collect();
    let beneath = beneath(barrier, open.iter().copied())?;
    if beneath.len() < open.len() {
        return Ok(None);
    }
    let mut found = Vec::new();
    for one in Some(incident).filter(|_| has_own).into_iter().chain(&beneath) {
        let Some(by) = over_one(barrier, all, one, now)? else { return Ok(None) };
        found.extend(by);
    }
    Ok(Some(found))
}

/// The silences that cover one incident by itself. That of a target is under one of its target; or under silences of
/// accounts, when they cover each account that is beneath it.
fn over_one<'a>(
    barrier: &Barrier,
    all: &'a [Loaded<Silence>],
    incident: &Incident,
    now: Timestamp,
) -> Result<Option<Vec<&'a Silence>>, LoadError> {
    let covering =
        |subject: &str| covers(all.iter().map(|silence| &silence.value), subject, &incident.target, now);
    let own = covering(&incident.subject);
    let is_of_accounts = |silence: &Loaded<Silence>| matches!(silence.value.scope, Scope::Accounts(_));
    if own.is_some() || incident.kind == Kind::Account || !all.iter().any(is_of_accounts) {
        return Ok(own.map(|own| vec![own]));
    }
    let mut found = Vec::new();
    for member in members(barrier, incident.id)?.iter().filter(|member| member.is_in()) {
        let Some(by) = covering(&member.subject) else { return Ok(None) };
        found.push(by);
    }
    Ok(Some(found).filter(|found| !found.is_empty()))
}

/// Puts a silence in the place of the one before, and its entry in the due index with it.
pub(crate) fn put(batch: &mut Transaction, before: Option<&Loaded<Silence>>, silence: &Silence) {
    let armed = |silence: &Silence| due::encode(silence.wake(), DUE_SILENCE, silence.id.as_bytes());
    let (old, new) = (before.map(|before| armed(&before.value)), armed(silence));
    if old.as_ref() != Some(&new) {
        if let Some(old) = old {
            batch.unmark(Table::Due, old);
        }
        batch.mark(Table::Due, new);
    }
    batch.put(key(silence.id), before.map_or(Require::Absent, Loaded::require), silence);
}

impl Engine {
    /// The maintenance that a target is in. When that cannot be read there is none, and the log says so.
    pub(super) fn maintenance(&self, target: &Name) -> Option<Silence> {
        match silences(&self.inner.barrier) {
            Ok(all) => {
                let all = all.iter().map(|silence| &silence.value);
                maintenance(all, target.as_str(), self.now()).cloned()
            }
            Err(LoadError::Sealed) => None,
            Err(error) => {
                tracing::error!(%target, error = %Chain(&error), "maintenance windows cannot be read");
                None
            }
        }
    }

    /// Shows how many silences are in force.
    pub(super) fn count_silences(&self) {
        let Ok(all) = silences(&self.inner.barrier) else { return };
        let now = self.now();
        for mode in Mode::ALL {
            let count = all.iter().filter(|one| one.value.mode == mode && one.value.is_in_force(now)).count();
            self.inner.meter.counted_silences(mode, i64::try_from(count).unwrap_or(i64::MAX));
        }
    }
}
