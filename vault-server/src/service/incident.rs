//! Incidents.

mod line;
mod member;
mod merge;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use vault_api::incident::{
    Incident as Shown, IncidentAct, IncidentEvent as ShownEvent, IncidentReview, IncidentState as ShownState,
};
use vault_core::account::Subject;
use vault_core::clock::{Clock, Timestamp};
use vault_core::id::IncidentId;
use vault_core::incident::act::Acted;
use vault_core::incident::ledger::{LedgerEvent, refusal};
use vault_core::incident::{Incident, IncidentState};
use vault_core::team::Whose;

use crate::barrier::{Barrier, CommitError, LoadError};
use crate::engine::Engine;
use crate::engine::board::Board;
use crate::engine::commit::PlanError;
use crate::engine::ledger::put_incidents;
use crate::engine::outbox::Outbox;

use self::merge::alone;
pub use self::merge::{Both, MergeError, Wish};

/// The incidents. Cheap to clone.
#[derive(Clone)]
pub struct IncidentService {
    barrier: Barrier,
    board: Board,
    clock: Arc<dyn Clock>,
    outbox: Outbox,
}

/// Incidents that were asked for.
#[derive(Clone, Debug, Default)]
pub struct Listed {
    /// A part of them, or all, without their time lines.
    pub part: Vec<Shown>,
    /// All.
    pub total: usize,
    /// Of all, those that nobody has acknowledged.
    pub unacknowledged: usize,
}

/// Why something was not written down.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// It says nothing about an incident in that state.
    #[error("{0}")]
    State(&'static str),
    /// It was not committed.
    #[error(transparent)]
    Plan(#[from] PlanError),
}

impl From<LoadError> for RecordError {
    fn from(error: LoadError) -> Self {
        Self::Plan(error.into())
    }
}

/// The order of incidents, and which are left out first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The oldest first; of too many those between the oldest and the newest are left out, so that what has just broken
    /// is not.
    Opened,
    /// What [presses](Incident::pressure) most first; of too many what presses least is left out.
    Exposure,
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
    /// The incidents of `engine`; what happens to them is told as what happens there.
    #[must_use]
    pub fn new(engine: &Engine) -> Self {
        let (board, outbox) = (engine.board().clone(), engine.outbox().clone());
        Self { barrier: engine.barrier().clone(), board, clock: engine.clock(), outbox }
    }

    /// Incidents of `whose` in an order; with a `limit` a part of them, as the order says. Reads from disk, so not for a thread
    /// that answers requests.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn list(
        &self,
        which: Which,
        whose: &Whose,
        order: Order,
        limit: Option<usize>,
    ) -> Result<Listed, LoadError> {
        let now = self.clock.now();
        let cut = |all: Vec<&Incident>| {
            let mut alone = alone(all.iter().copied());
            // What is merged is shown as its survivor's, whose team that may be.
            alone.retain(|one| whose.is(one.team.as_ref()));
            let unacknowledged = alone.iter().filter(|one| acknowledged(one).is_none()).count();
            let part = match order {
                Order::Opened => oldest_and_newest(&alone, limit),
                Order::Exposure => most_pressing(&all, alone.clone(), limit, now),
            };
            (alone.len(), unacknowledged, part)
        };
        let (total, unacknowledged, part) = match which {
            Which::Open => self.board.open_incidents(|open| cut(open.collect()))?,
            Which::Closed | Which::All => {
                let all = self.all()?;
                let wanted = |one: &&Incident| which != Which::Closed || one.state == IncidentState::Closed;
                cut(all.iter().filter(wanted).collect())
            }
        };
        let part = part.iter().map(|one| {
            let shown = self.with_members(one, shown(one, Vec::new(), now), 0)?;
            self.with_merged(one, shown)
        });
        Ok(Listed { part: part.collect::<Result<_, _>>()?, total, unacknowledged })
    }

    /// One incident, with the first and the newest lines of its time line.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn read(&self, id: IncidentId) -> Result<Option<Shown>, LoadError> {
        let Some(loaded) = self.barrier.load::<Incident>(*id.as_bytes())? else { return Ok(None) };
        let events = self.told(&loaded.value)?;
        let shown = shown(&loaded.value, events, self.clock.now());
        let shown = self.with_members(&loaded.value, shown, MEMBERS_SHOWN)?;
        Ok(Some(self.with_merged(&loaded.value, shown)?))
    }

    /// Writes down what a person did. `None` when there is no such incident.
    ///
    /// # Errors
    /// `RecordError` by cause.
    pub async fn record(&self, event: &LedgerEvent) -> Result<Option<Shown>, RecordError> {
        for _ in 0..CONFLICTS_MAX {
            let Some(loaded) = self.barrier.load::<Incident>(*event.incident().as_bytes())? else {
                return Ok(None);
            };
            if let Some(refusal) = refusal(&loaded.value, event) {
                return Err(RecordError::State(refusal));
            }
            let commit = |error: CommitError| PlanError::from(error);
            let mut batch = self.barrier.transaction().map_err(|sealed| commit(sealed.into()))?;
            let turned = put_incidents(&self.barrier, &mut batch, "", std::slice::from_ref(event))?;
            let told = self.outbox.put(&mut batch, None, &turned)?;
            // What may be written to the incident as it was is not written to what it has become meanwhile.
            if self.barrier.revision::<Incident>(*event.incident().as_bytes())? != Some(loaded.revision) {
                continue;
            }
            match self.barrier.commit(batch).await {
                Ok(()) => {
                    if told {
                        self.outbox.committed();
                    }
                    return Ok(self.read(event.incident())?);
                }
                // An attempt was written down in between.
                Err(CommitError::Conflict) => {}
                Err(error) => return Err(commit(error).into()),
            }
        }
        Err(PlanError::from(CommitError::Conflict).into())
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
}

/// The oldest and the newest of them.
fn oldest_and_newest(all: &[&Incident], limit: Option<usize>) -> Vec<Incident> {
    let limit = limit.unwrap_or(usize::MAX).min(all.len());
    // What has just broken is not left out.
    let newest = if limit < all.len() { limit / 10 } else { 0 };
    let (first, rest) = all.split_at(limit - newest);
    first.iter().chain(rest.iter().skip(rest.len() - newest)).map(|one| (*one).clone()).collect()
}

/// Those that press most, first, each with what is merged into it; of those that press alike the older ones.
fn most_pressing(
    all: &[&Incident],
    mut alone: Vec<&Incident>,
    limit: Option<usize>,
    now: Timestamp,
) -> Vec<Incident> {
    let mut pressures: BTreeMap<IncidentId, u64> = BTreeMap::new();
    for one in all {
        let pressure = pressures.entry(one.merged.into.unwrap_or(one.id)).or_default();
        *pressure = pressure.saturating_add(one.pressure(now));
    }
    let pressure = |one: &Incident| pressures.get(&one.id).copied().unwrap_or_else(|| one.pressure(now));
    alone.sort_by_cached_key(|one| Reverse(pressure(one)));
    alone.into_iter().take(limit.unwrap_or(usize::MAX)).cloned().collect()
}

/// When it was acknowledged since it was opened last.
fn acknowledged(incident: &Incident) -> Option<Timestamp> {
    incident.marks.t5.filter(|_| incident.taken || incident.reopened == 0)
}

/// An act as it is told.
fn told_act(acted: Acted) -> IncidentAct {
    IncidentAct {
        at: acted.at.to_rfc3339(),
        kind: acted.act.word().to_owned(),
        text: acted.act.text().to_owned(),
    }
}

fn shown(incident: &Incident, events: Vec<ShownEvent>, now: Timestamp) -> Shown {
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
        severity: incident.severity().as_str().to_owned(),
        exposure_seconds: incident.exposure(now).as_secs(),
        phase: incident.phase.map_or("check".to_owned(), |step| format!("{step:?}").to_lowercase()),
        state: match incident.state {
            IncidentState::Open => ShownState::Open,
            IncidentState::Closed => ShownState::Closed,
        },
        opened_at: time(marks.t3).unwrap_or_default(),
        detail: Some(incident.detail.clone()),
        owner: incident.owner.clone(),
        acknowledged_at: time(acknowledged(incident)),
        attempts: u64::from(incident.failures),
        next_attempt: time(incident.next_attempt),
        marks: named.into_iter().map(|(name, at)| (name.to_owned(), time(at))).collect(),
        events_total: incident.lines + incident.events.len() as u64,
        events,
        reopened: u64::from(incident.reopened),
        clock_stepped_back_seconds: incident.stepped_back.map(|step| step.as_secs_f64()),
        staff_minutes: u64::from(incident.staff_minutes),
        review: incident.review.as_ref().map(|review| IncidentReview {
            by: review.by.clone(),
            cause: review.cause.word().to_owned(),
            text: review.text.clone(),
        }),
        kind: incident.kind.word().to_owned(),
        accounts: Vec::new(),
        accounts_open: None,
        accounts_total: None,
        moved_from: incident.moved_from.map(|id| id.to_string()),
        merged_into: incident.merged.into.map(|id| id.to_string()),
        merged: Vec::new(),
        silenced: None,
        last_act: (incident.state == IncidentState::Open).then(|| told_act(incident.last_act())),
        team: incident.team.as_ref().map(ToString::to_string),
    }
}

/// Attempts that may come in between before a person is told to try again.
const CONFLICTS_MAX: usize = 64;
/// Accounts beneath an incident that are shown with it.
const MEMBERS_SHOWN: usize = 100;
/// Records read at a time.
const PAGE: usize = 500;
