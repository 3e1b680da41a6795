//! Incidents and the rotation report.

use vault_api::incident::{Incident as Shown, IncidentEvent as ShownEvent, IncidentState as ShownState};
use vault_api::report::{IncidentCounts, RotationCounts, RotationReport, Spread, Window};
use vault_core::account::Subject;
use vault_core::account::plan::RunEnd;
use vault_core::clock::Timestamp;
use vault_core::id::IncidentId;
use vault_core::incident::ledger::LedgerEvent;
use vault_core::incident::report::{Distribution, rotation};
use vault_core::incident::{Incident, IncidentState};
use vault_core::store::key::Table;

use crate::barrier::{Barrier, CommitError, LoadError};
use crate::engine::commit::{PlanError, put_incidents};

/// The incidents. Cheap to clone.
#[derive(Clone)]
pub struct IncidentService {
    barrier: Barrier,
}

/// Which incidents are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Not verified healthy yet.
    Open,
    /// Verified healthy.
    Closed,
    /// Both.
    All,
}

impl IncidentService {
    /// The incidents behind `barrier`.
    #[must_use]
    pub fn new(barrier: Barrier) -> Self {
        Self { barrier }
    }

    /// Incidents, the oldest first.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn list(&self, which: Which) -> Result<Vec<Shown>, LoadError> {
        let incidents = match which {
            Which::Open => self.open()?,
            Which::Closed | Which::All => self.all()?,
        };
        let wanted = |incident: &Incident| which != Which::Closed || incident.state == IncidentState::Closed;
        Ok(incidents.iter().filter(|incident| wanted(incident)).map(shown).collect())
    }

    /// One incident.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn read(&self, id: IncidentId) -> Result<Option<Shown>, LoadError> {
        let loaded = self.barrier.load::<Incident>(*id.as_bytes())?;
        Ok(loaded.map(|loaded| shown(&loaded.value)))
    }

    /// Writes down what a person did. `None` when there is no such incident.
    ///
    /// # Errors
    /// `PlanError` by cause.
    pub async fn record(&self, event: &LedgerEvent) -> Result<Option<Shown>, PlanError> {
        loop {
            if self.barrier.load::<Incident>(*event.incident().as_bytes())?.is_none() {
                return Ok(None);
            }
            let mut batch = self.barrier.transaction().map_err(CommitError::from)?;
            put_incidents(&self.barrier, &mut batch, std::slice::from_ref(event))?;
            match self.barrier.commit(batch).await {
                Ok(()) => return Ok(self.read(event.incident())?),
                // An attempt was written down in between.
                Err(CommitError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// What failed in `[from, to)` and how long repair took.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn report(
        &self,
        from: Timestamp,
        to: Timestamp,
        now: Timestamp,
    ) -> Result<RotationReport, LoadError> {
        let incidents = self.all()?;
        let runs = self.runs(from)?;
        let report = rotation(incidents.iter(), runs.iter(), from, to, now);
        Ok(RotationReport {
            window: Window { from: from.to_rfc3339(), to: to.to_rfc3339() },
            rotations: RotationCounts {
                succeeded: report.succeeded,
                failed: report.failed,
                attempts: report.attempts,
            },
            incidents: IncidentCounts {
                opened: report.opened,
                resolved: report.resolved,
                open: report.open,
                oldest_open_seconds: report.oldest_open.map(|age| age.as_secs()),
            },
            by_class: report.by_class.into_iter().map(|(class, count)| (class.to_owned(), count)).collect(),
            ttd: spread(report.ttd),
            tta: spread(report.tta),
            ttm: spread(report.ttm),
            ttr: spread(report.ttr),
        })
    }

    fn open(&self) -> Result<Vec<Incident>, LoadError> {
        let mut found = Vec::new();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let names = self.barrier.names(Table::OpenIncident, &[], after.as_deref(), PAGE)?;
            let full = names.len() == PAGE;
            after = names.last().cloned();
            for name in names {
                found.extend(self.barrier.load::<Incident>(name)?.map(|loaded| loaded.value));
            }
            if !full {
                return Ok(found);
            }
        }
    }

    fn all(&self) -> Result<Vec<Incident>, LoadError> {
        let mut found = Vec::new();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = self.barrier.list::<Incident>(&[], after.as_deref(), PAGE)?;
            let full = page.len() == PAGE;
            after = page.last().map(|(name, _)| name.clone());
            found.extend(page.into_iter().map(|(_, loaded)| loaded.value));
            if !full {
                return Ok(found);
            }
        }
    }

    /// Rotations that ended at `from` or later.
    fn runs(&self, from: Timestamp) -> Result<Vec<RunEnd>, LoadError> {
        let mut found = Vec::new();
        // The name before any of that moment.
        let mut after = Some(from.as_millis().saturating_sub(1).max(0).to_be_bytes().to_vec());
        loop {
            let page = self.barrier.list::<RunEnd>(&[], after.as_deref(), PAGE)?;
            let full = page.len() == PAGE;
            after = page.last().map(|(name, _)| name.clone());
            found.extend(page.into_iter().map(|(_, loaded)| loaded.value));
            if !full {
                return Ok(found);
            }
        }
    }
}

fn spread(distribution: Distribution) -> Spread {
    let seconds =
        |millis: u64| (distribution.n > 0).then(|| std::time::Duration::from_millis(millis).as_secs_f64());
    Spread {
        n: distribution.n,
        censored: distribution.open,
        mean: seconds(distribution.mean),
        p50: seconds(distribution.p50),
        p90: seconds(distribution.p90),
        max: seconds(distribution.max),
    }
}

fn shown(incident: &Incident) -> Shown {
    let time = |at: Option<Timestamp>| at.map(Timestamp::to_rfc3339);
    let marks = incident.marks;
    let named = [
        ("t0", marks.t0),
        ("t1", marks.t1),
        ("t2", marks.t2),
        ("t3", marks.t3),
        ("t4", marks.t4),
        ("t5", marks.t5),
        ("t6", marks.t6),
        ("t7", marks.t7),
        ("t8", marks.t8),
    ];
    Shown {
        id: incident.id.to_string(),
        subject: Subject::from_key(&incident.subject)
            .map_or_else(|| incident.subject.clone(), |s| s.to_string()),
        target: incident.target.clone(),
        class: incident.class.to_string(),
        phase: incident.phase.map_or("check".to_owned(), |step| format!("{step:?}").to_lowercase()),
        state: match incident.state {
            IncidentState::Open => ShownState::Open,
            IncidentState::Closed => ShownState::Closed,
        },
        opened_at: time(marks.t3).unwrap_or_default(),
        detail: Some(incident.detail.clone()),
        owner: incident.owner.clone(),
        acknowledged_at: time(marks.t5),
        attempts: u64::from(incident.failures),
        next_attempt: time(incident.next_attempt),
        marks: named.into_iter().map(|(name, at)| (name.to_owned(), time(at))).collect(),
        events: incident
            .events
            .iter()
            .map(|event| ShownEvent {
                at: event.at.to_rfc3339(),
                kind: serde_json::to_value(event.kind)
                    .ok()
                    .and_then(|kind| kind.as_str().map(str::to_owned))
                    .unwrap_or_default(),
                by: event.by.clone(),
                text: Some(event.text.clone()),
            })
            .collect(),
        accounts: Vec::new(),
    }
}

/// Records read at a time.
const PAGE: usize = 500;
