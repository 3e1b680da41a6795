//! Incidents that have one cause: merged, taken apart, and shown together.

use vault_api::incident::{Incident as Shown, MergedIncident};
use vault_core::account::Subject;
use vault_core::clock::Timestamp;
use vault_core::id::IncidentId;
use vault_core::incident::ledger::LedgerEvent;
use vault_core::incident::merge::{Refusal, join, may_unmerge, survivor};
use vault_core::incident::{Incident, IncidentState};

use super::{CONFLICTS_MAX, IncidentService};
use crate::barrier::{CommitError, LoadError, Loaded};
use crate::engine::commit::PlanError;
use crate::engine::ledger::put_incidents;

/// Why incidents were not merged, or not taken apart.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// There is no such incident.
    #[error("there is no such incident")]
    NotFound,
    /// There is no incident of that name to merge into.
    #[error("there is no incident {0} to merge into")]
    NoSuchOther(IncidentId),
    /// It does not fit how they stand.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It was not committed.
    #[error(transparent)]
    Plan(#[from] PlanError),
}

impl From<LoadError> for MergeError {
    fn from(error: LoadError) -> Self {
        Self::Plan(error.into())
    }
}

/// Who wants it, when, and whether it is only asked what would happen.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: &'a str,
    /// Whether nothing is done.
    pub dry_run: bool,
}

/// Two incidents that were, or would be, merged or taken apart, as people know them.
#[derive(Clone, Debug)]
pub struct Both {
    /// Whose the one is.
    pub one: String,
    /// Whose the other is, in which the one is or was.
    pub other: String,
    /// Whether the other has somebody already.
    pub is_taken: bool,
}

impl IncidentService {
    /// Merges an incident into another.
    ///
    /// # Errors
    /// [`MergeError`] by cause; nothing has changed then.
    pub async fn merge(&self, id: IncidentId, into: IncidentId, wish: Wish<'_>) -> Result<Both, MergeError> {
        for _ in 0..CONFLICTS_MAX {
            let one = self.loaded(id)?.ok_or(MergeError::NotFound)?;
            let other = self.loaded(into)?.ok_or(MergeError::NoSuchOther(into))?;
            let events = join(&one.value, &other.value, wish.at, wish.by)?;
            let both = Both::of(&one.value, Some(&other.value), into);
            if wish.dry_run || self.is_written(&events, &[&one, &other]).await? {
                return Ok(both);
            }
        }
        Err(PlanError::from(CommitError::Conflict).into())
    }

    /// Has an incident that was merged into another stand for itself again.
    ///
    /// # Errors
    /// [`MergeError`] by cause; nothing has changed then.
    pub async fn unmerge(&self, id: IncidentId, wish: Wish<'_>) -> Result<Both, MergeError> {
        for _ in 0..CONFLICTS_MAX {
            let one = self.loaded(id)?.ok_or(MergeError::NotFound)?;
            let from = survivor(&one.value)?;
            // One that cannot be read holds nothing fast.
            let other = self.loaded(from).or_else(|error| error.is_damage().then_some(None).ok_or(error))?;
            may_unmerge(other.as_ref().map(|other| &other.value))?;
            let both = Both::of(&one.value, other.as_ref().map(|other| &other.value), from);
            let events = [LedgerEvent::Unmerged { incident: id, at: wish.at, by: wish.by.to_owned() }];
            let read: Vec<&Loaded<Incident>> = [Some(&one), other.as_ref()].into_iter().flatten().collect();
            if wish.dry_run || self.is_written(&events, &read).await? {
                return Ok(both);
            }
        }
        Err(PlanError::from(CommitError::Conflict).into())
    }

    fn loaded(&self, id: IncidentId) -> Result<Option<Loaded<Incident>>, LoadError> {
        self.barrier.load::<Incident>(*id.as_bytes())
    }

    /// Writes events down where the incidents are as they were `read`; `false` where they are not.
    async fn is_written(
        &self,
        events: &[LedgerEvent],
        read: &[&Loaded<Incident>],
    ) -> Result<bool, PlanError> {
        let mut batch = self.barrier.transaction().map_err(CommitError::from)?;
        let turned = put_incidents(&self.barrier, &mut batch, "", events)?;
        let told = self.outbox.put(&mut batch, None, &turned)?;
        for loaded in read {
            // What was put requires what it was put upon; that is to be what was judged.
            if self.barrier.revision::<Incident>(*loaded.value.id.as_bytes())? != Some(loaded.revision) {
                return Ok(false);
            }
        }
        match self.barrier.commit(batch).await {
            Ok(()) => {
                if told {
                    self.outbox.committed();
                }
                Ok(true)
            }
            Err(CommitError::Conflict) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// With those that are merged into it. One that cannot be read is named all the same.
    pub(super) fn with_merged(&self, incident: &Incident, shown: Shown) -> Result<Shown, LoadError> {
        let mut merged = Vec::new();
        for duplicate in &incident.merged.beneath {
            let id = duplicate.incident;
            merged.push(match self.loaded(id) {
                Ok(Some(loaded)) => beneath(&loaded.value),
                Ok(None) => MergedIncident { id: id.to_string(), ..MergedIncident::default() },
                Err(error) if error.is_damage() => {
                    tracing::error!(%error, incident = %id, "an incident that is merged into another cannot be read");
                    MergedIncident { id: id.to_string(), ..MergedIncident::default() }
                }
                Err(error) => return Err(error),
            });
        }
        Ok(Shown { merged, ..shown })
    }
}

/// Of these, those that stand for themselves: not those whose survivor is among them, too.
pub(super) fn alone<'a>(all: impl Iterator<Item = &'a Incident> + Clone) -> Vec<&'a Incident> {
    let survivors: std::collections::BTreeSet<IncidentId> =
        all.clone().filter(|one| !one.merged.beneath.is_empty()).map(|one| one.id).collect();
    let is_beneath = |one: &Incident| one.merged.into.is_some_and(|into| survivors.contains(&into));
    all.filter(|one| !is_beneath(one)).collect()
}

impl Both {
    fn of(one: &Incident, other: Option<&Incident>, id: IncidentId) -> Self {
        Self {
            one: named(one),
            other: other.map_or_else(|| format!("incident {id}"), named),
            is_taken: other.is_some_and(|other| other.taken),
        }
    }
}

fn named(incident: &Incident) -> String {
    Subject::from_key(&incident.subject).map_or_else(|| incident.subject.clone(), |s| s.to_string())
}

fn beneath(incident: &Incident) -> MergedIncident {
    MergedIncident {
        id: incident.id.to_string(),
        subject: named(incident),
        class: incident.class.to_string(),
        state: match incident.state {
            IncidentState::Open => vault_api::incident::IncidentState::Open,
            IncidentState::Closed => vault_api::incident::IncidentState::Closed,
        },
        opened_at: incident.marks.t3.map(Timestamp::to_rfc3339).unwrap_or_default(),
    }
}
