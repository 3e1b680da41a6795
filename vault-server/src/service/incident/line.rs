//! The time line of an incident, as it is told.

use vault_api::incident::{IncidentEvent as Shown, IncidentEvents};
use vault_core::id::IncidentId;
use vault_core::incident::entry::{Entry, What};
use vault_core::incident::{EarlierEvent, Incident};

use super::IncidentService;
use crate::barrier::LoadError;
use crate::engine::record::line_name;

impl IncidentService {
    /// At most `limit` lines of an incident's time line, those after the place `after`. Lines that were written before
    /// lines had places are not among them. `None` when there is no such incident.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn events(
        &self,
        id: IncidentId,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Option<IncidentEvents>, LoadError> {
        let Some(loaded) = self.barrier.load::<Incident>(*id.as_bytes())? else { return Ok(None) };
        let events: Vec<Shown> = self.lines(id, after, limit)?.iter().map(shown).collect();
        let next = events.last().and_then(|last| last.seq).filter(|last| last + 1 < loaded.value.lines);
        Ok(Some(IncidentEvents { events, next }))
    }

    /// The first lines and the newest ones; all, where they are few.
    pub(super) fn told(&self, incident: &Incident) -> Result<Vec<Shown>, LoadError> {
        let mut events: Vec<Shown> = incident.events.iter().map(earlier).collect();
        let mut lines = self.lines(incident.id, None, FIRST)?;
        let rest = incident.lines.saturating_sub(FIRST as u64);
        let newest = rest.min(NEWEST as u64);
        if newest > 0 {
            // The place before the first of them.
            lines.extend(self.lines(incident.id, Some(incident.lines - newest - 1), NEWEST)?);
        }
        events.extend(lines.iter().map(shown));
        Ok(events)
    }

    fn lines(&self, id: IncidentId, after: Option<u64>, limit: usize) -> Result<Vec<Entry>, LoadError> {
        let after = after.map(|place| line_name(id, place));
        let page = self.barrier.list::<Entry>(id.as_bytes(), after.as_deref(), limit)?;
        Ok(page.into_iter().map(|(_, loaded)| loaded.value).collect())
    }
}

fn shown(entry: &Entry) -> Shown {
    let failure = entry.failure();
    let (fault_at, started_at) = match &entry.what {
        What::Opened { fault_at, started_at, .. } => (Some(fault_at), Some(started_at)),
        _ => (None, None),
    };
    let into = match &entry.what {
        What::Merged { into } => Some(into),
        _ => None,
    };
    Shown {
        at: entry.at.to_rfc3339(),
        kind: entry.word().to_owned(),
        by: entry.by.clone(),
        text: Some(entry.text()),
        seq: Some(entry.seq),
        clock: entry.wall.map(|wall| wall.to_rfc3339()),
        class: failure.map(|failure| failure.class.to_string()),
        phase: failure.and_then(|failure| failure.phase).map(|step| format!("{step:?}").to_lowercase()),
        attempt: failure.map(|failure| u64::from(failure.attempt)),
        staff_minutes: Some(u64::from(entry.staff_minutes())).filter(|minutes| *minutes > 0),
        fault_at: fault_at.map(|at| at.to_rfc3339()),
        started_at: started_at.map(|at| at.to_rfc3339()),
        into: into.map(IncidentId::to_string),
    }
}

fn earlier(event: &EarlierEvent) -> Shown {
    Shown {
        at: event.at.to_rfc3339(),
        kind: event.kind.clone(),
        by: event.by.clone(),
        text: Some(event.text.clone()),
        ..Shown::default()
    }
}

/// Lines that are told from the beginning of a time line.
const FIRST: usize = 50;
/// Lines that are told from the end of one that has more.
const NEWEST: usize = 200;
