//! Begins and ends silences when their time comes, or a person says so.
//!
//! The end in order: the stage is on disk, so that nothing more is kept back or held; what is still open is told; the
//! accounts go on; the record goes. Each step may be done again.

use std::time::Duration;

use vault_core::account::Subject;
use vault_core::id::SilenceId;
use vault_core::incident::{Incident, IncidentState};
use vault_core::path::Name;
use vault_core::silence::{Mode, Scope, Silence, Stage, WITHHELD, Withheld, hold, key, withheld_incident};
use vault_core::store::due;
use vault_core::store::key::Table;

use super::{kept, over, put, silences};
use crate::barrier::{CommitError, LoadError, Loaded};
use crate::engine::commit::PlanError;
use crate::engine::drive::Chain;
use crate::engine::record::{DUE_SILENCE, Managed, managed_prefix};
use crate::engine::{ActError, Engine};

impl Engine {
    /// Does what is due for one silence, beside everything else.
    pub(crate) fn attend_silence(&self, id: SilenceId) {
        let Some(flight) = self.inner.flights.try_take(&format!("s/{id}")) else { return };
        let engine = self.clone();
        self.spawn(async move {
            let _flight = flight;
            if let Err(error) = engine.turn_silence(id).await {
                tracing::warn!(%id, error = %Chain(&error), "a silence could not be begun or ended; tried again");
            }
        });
    }

    async fn turn_silence(&self, id: SilenceId) -> Result<(), ActError> {
        let barrier = &self.inner.barrier;
        let mut loaded = match barrier.load::<Silence>(key(id)) {
            Ok(Some(loaded)) => loaded,
            Ok(None) => return Ok(()),
            Err(error) => {
                if error.is_damage() {
                    // It silences nothing, so what it kept back is told.
                    self.tell_withheld().await?;
                }
                return Err(error.into());
            }
        };
        if let Some(turned) = loaded.value.turned(self.now()) {
            self.commit_silence(Some(&loaded), &turned).await?;
            if turned.stage == Stage::InForce {
                self.tell_silence("silence_began", &turned);
            }
            let Some(again) = barrier.load::<Silence>(key(id))? else { return Ok(()) };
            loaded = again;
        }
        let silence = &loaded.value;
        if silence.stage != Stage::Ending {
            return Ok(());
        }
        // Told first: no account that cannot be read keeps others' incidents from being told.
        self.tell_withheld().await?;
        if let (Mode::Maintenance, Scope::Target(target)) = (silence.mode, &silence.scope)
            && !self.release_accounts(silence, target).await?
        {
            // The scheduler comes back to it.
            return Ok(());
        }
        let mut batch = barrier.transaction().map_err(CommitError::from).map_err(failed)?;
        batch.unmark(Table::Due, due::encode(silence.wake(), DUE_SILENCE, id.as_bytes()));
        batch.delete::<Silence>(key(id), loaded.revision);
        self.inner.outbox.look_again(&mut batch)?;
        barrier.commit(batch).await.map_err(failed)?;
        self.tell_silence("silence_ended", silence);
        Ok(())
    }

    /// Commits a silence in the place of the one before.
    pub(crate) async fn commit_silence(
        &self,
        before: Option<&Loaded<Silence>>,
        silence: &Silence,
    ) -> Result<(), ActError> {
        let mut batch = self.inner.barrier.transaction().map_err(CommitError::from).map_err(failed)?;
        put(&mut batch, before, silence);
        self.inner.barrier.commit(batch).await.map_err(failed)
    }

    fn tell_silence(&self, event: &str, silence: &Silence) {
        let data = serde_json::json!({
            "kind": silence.mode.word(),
            "state": silence.stage.word(),
            "principal": silence.ended_by.as_ref().unwrap_or(&silence.by),
            "detail": silence.reason,
        });
        if let Err(error) = self.audited(event, &format!("silences/{}", silence.id), &data) {
            tracing::error!(%error, event, "an act of the vault is missing from the audit trail");
        }
    }

    /// Lets the accounts of a target go on; tells whether that is done.
    async fn release_accounts(&self, silence: &Silence, target: &Name) -> Result<bool, LoadError> {
        let spread = silence.spread(self.now());
        let mut all = self.release(&Subject::Management(target.clone()), spread).await;
        let (prefix, mut after) = (managed_prefix(target), None::<Vec<u8>>);
        loop {
            let page = self.inner.barrier.list_each::<Managed>(&prefix, after.as_deref(), PAGE)?;
            let full = page.len() == PAGE;
            after = page.last().map(|(name, _)| name.clone());
            for managed in page.into_iter().filter_map(|(_, managed)| managed.ok()) {
                let Some(subject) = Subject::from_key(&managed.value.subject) else { continue };
                all &= self.release(&subject, spread).await;
            }
            if !full {
                return Ok(all);
            }
        }
    }

    /// Lets one account go on. Whoever is about to hold it has its flight, so after that it is not held any more.
    async fn release(&self, subject: &Subject, spread: Duration) -> bool {
        let is_active =
            || matches!(self.account(subject), Ok(Some(account)) if account.value.stage.is_active());
        let Some(flight) = self.inner.flights.take(&subject.key(), FLIGHT_WAIT).await else {
            // What is in flight is not held, and is not about to be.
            return is_active();
        };
        match self.act(flight, subject, |account, ctx| (hold::release(account, spread, ctx), ())).await {
            Ok(_) | Err(ActError::NotFound) => true,
            // It will not be read the next time either; it goes on by itself when its time has come.
            Err(ActError::Plan(PlanError::Load(error))) if error.is_damage() => {
                tracing::error!(%subject, error = %Chain(&error), "an account cannot be let go on before its time");
                true
            }
            Err(error) => {
                tracing::warn!(%subject, error = %Chain(&error), "an account is still held; tried again");
                false
            }
        }
    }

    /// Tells what was kept back and is not silenced any more, each once; what was closed meanwhile is not told.
    async fn tell_withheld(&self) -> Result<(), ActError> {
        let mut after = None::<Vec<u8>>;
        loop {
            let page = self.inner.barrier.names(Table::Silence, WITHHELD, after.as_deref(), PAGE)?;
            let full = page.len() == PAGE;
            after = page.last().cloned();
            for name in page {
                while !self.tell_one(&name).await? {}
            }
            if !full {
                return Ok(());
            }
        }
    }

    /// Tells of one incident; `false` when another commit came first.
    async fn tell_one(&self, name: &[u8]) -> Result<bool, ActError> {
        let barrier = &self.inner.barrier;
        let Some(id) = withheld_incident(name) else { return Ok(true) };
        // Read before the incident: who closes it takes this away in the same commit.
        let Some(kept) = kept(barrier, id)? else { return Ok(true) };
        let incident = match barrier.load::<Incident>(*id.as_bytes()) {
            Ok(incident) => incident.filter(|incident| {
                // The one that it is merged into speaks for it.
                incident.value.state == IncidentState::Open && incident.value.merged.into.is_none()
            }),
            Err(error) if error.is_damage() => {
                tracing::error!(%id, error = %Chain(&error), "an incident that was silenced cannot be read");
                None
            }
            Err(error) => return Err(error.into()),
        };
        let mut batch = barrier.transaction().map_err(CommitError::from).map_err(failed)?;
        batch.delete::<Withheld>(name, kept.at);
        if let Some(incident) = incident {
            if over(barrier, &silences(barrier)?, &incident.value, self.now())?.is_some() {
                return Ok(true);
            }
            batch.check::<Incident>(*id.as_bytes(), incident.require());
            self.inner.outbox.tell_kept(&mut batch, &incident.value, kept)?;
        }
        match barrier.commit(batch).await {
            Ok(()) => {
                self.inner.outbox.committed();
                Ok(true)
            }
            Err(CommitError::Conflict) => Ok(false),
            Err(error) => Err(failed(error)),
        }
    }
}

fn failed(error: CommitError) -> ActError {
    ActError::Plan(error.into())
}

/// Records read at a time.
const PAGE: usize = 200;
/// How long the end of a maintenance waits for one account.
const FLIGHT_WAIT: Duration = Duration::from_secs(2);
