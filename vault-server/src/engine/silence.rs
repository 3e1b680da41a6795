//! Silences and maintenance windows on the store: who is covered, what is kept back, and what goes on when one is over.
//!
//! A notification is kept back in the commit that opens the incident, on condition that the silence is still what was
//! read: so none is kept back after the end has looked for what to tell. The end is a stage of its own that is on disk
//! before anything of it is done, and the record goes last: a crash in between does it again.

mod turn;

use std::collections::BTreeSet;

use vault_core::clock::Timestamp;
use vault_core::id::SilenceId;
use vault_core::incident::{Incident, Kind};
use vault_core::path::Name;
use vault_core::silence::{
    Mode, SILENCES, SILENCES_MAX, Scope, Silence, Withheld, covers, key, maintenance, withheld_key,
};
use vault_core::store::batch::Require;
use vault_core::store::due;
use vault_core::store::key::Table;
use vault_core::webhook::event::EventKind;

use super::Engine;
use super::drive::Chain;
use super::group::members;
use super::record::DUE_SILENCE;
use crate::barrier::{Barrier, LoadError, Loaded, Record, Transaction};

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

/// The silence, of `all`, that an incident is under. That of a target is under one of its target; or, when silences of
/// accounts cover each account that is beneath it, under the one of these that ends first.
///
/// # Errors
/// [`LoadError`] by cause.
pub(crate) fn over<'a>(
    barrier: &Barrier,
    all: &'a [Loaded<Silence>],
    incident: &Incident,
    now: Timestamp,
) -> Result<Option<&'a Silence>, LoadError> {
    let covering =
        |subject: &str| covers(all.iter().map(|silence| &silence.value), subject, &incident.target, now);
    let own = covering(&incident.subject);
    let is_of_accounts = |silence: &Loaded<Silence>| matches!(silence.value.scope, Scope::Accounts(_));
    if own.is_some() || incident.kind == Kind::Account || !all.iter().any(is_of_accounts) {
        return Ok(own);
    }
    let mut first: Option<&Silence> = None;
    for member in members(barrier, incident.id)?.iter().filter(|member| member.is_in()) {
        let Some(by) = covering(&member.subject) else { return Ok(None) };
        first = Some(first.filter(|first| first.until <= by.until).unwrap_or(by));
    }
    Ok(first)
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

/// What is kept back of what one commit tells.
#[derive(Default)]
pub(super) struct Withholding {
    known: Option<Vec<Loaded<Silence>>>,
    checked: BTreeSet<SilenceId>,
}

impl Withholding {
    /// Whether `kind` is not told of `incident`: its opening while it is silenced; and its closing, when nobody was told
    /// that it was opened. Puts that into `batch`.
    pub(super) fn keeps(
        &mut self,
        barrier: &Barrier,
        batch: &mut Transaction,
        kind: EventKind,
        incident: &Incident,
        joiner: Option<&str>,
        now: Timestamp,
    ) -> Result<bool, LoadError> {
        let name = withheld_key(incident.id);
        let kept = barrier.revision::<Withheld>(name.clone())?;
        if kind == EventKind::Closed {
            if let Some(at) = kept {
                batch.delete::<Withheld>(name, at);
            }
            return Ok(kept.is_some());
        }
        let subject = joiner.unwrap_or(&incident.subject);
        let Some(by) = self.covered(barrier, batch, subject, &incident.target, now)? else {
            // Told now: not once more when a silence ends.
            if let Some(at) = kept {
                batch.delete::<Withheld>(name, at);
            }
            return Ok(false);
        };
        batch.put(name, kept.map_or(Require::Absent, Require::At), &Withheld { silence: by, since: now });
        Ok(true)
    }

    /// Whether the opening of a target's incident, which was kept back, is told because an account is beneath it now
    /// that nobody silenced. Puts that into `batch`.
    pub(super) fn lets_go(
        &mut self,
        barrier: &Barrier,
        batch: &mut Transaction,
        incident: &Incident,
        joiner: &str,
        now: Timestamp,
    ) -> Result<bool, LoadError> {
        let name = withheld_key(incident.id);
        let Some(kept) = barrier.revision::<Withheld>(name.clone())? else { return Ok(false) };
        if self.covered(barrier, batch, joiner, &incident.target, now)?.is_some() {
            return Ok(false);
        }
        batch.delete::<Withheld>(name, kept);
        Ok(true)
    }

    /// The silence that covers a subject, on condition that it is still what was read.
    fn covered(
        &mut self,
        barrier: &Barrier,
        batch: &mut Transaction,
        subject: &str,
        target: &str,
        now: Timestamp,
    ) -> Result<Option<SilenceId>, LoadError> {
        let known = match &mut self.known {
            Some(known) => known,
            none => none.insert(silences(barrier)?),
        };
        let by = covers(known.iter().map(|silence| &silence.value), subject, target, now).map(|by| by.id);
        let Some(loaded) = known.iter().find(|silence| Some(silence.value.id) == by) else { return Ok(None) };
        if self.checked.insert(loaded.value.id) {
            batch.check::<Silence>(key(loaded.value.id), loaded.require());
        }
        Ok(by)
    }
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
