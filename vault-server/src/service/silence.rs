//! Silences and maintenance windows, as people make and end them.

use vault_api::incident::{Incident as ShownIncident, IncidentState as ShownState};
use vault_api::silence::{Silence as Shown, Silenced};
use vault_core::clock::Timestamp;
use vault_core::id::{IncidentId, SilenceId};
use vault_core::incident::Incident;
use vault_core::path::Name;
use vault_core::silence::foresee::Outlook;
use vault_core::silence::{Ask, Mode, SILENCES_MAX, Scope, Silence, Stage, Unfit, key, maintenance};

use crate::barrier::{ATTEMPTS_MAX, CommitError, LoadError, Loaded};
use crate::engine::commit::PlanError;
use crate::engine::silence::{over, silences};
use crate::engine::{ActError, Engine};

/// The silences. Cheap to clone.
#[derive(Clone)]
pub struct SilenceService {
    engine: Engine,
}

/// Why something about a silence was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SilenceError {
    /// There is no such silence, or it is over.
    #[error("there is no such silence")]
    NotFound,
    /// It is about a target that does not exist.
    #[error("there is no target {0}")]
    NoTarget(Name),
    /// The caller's input.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// There are [`SILENCES_MAX`] already.
    #[error("there are {SILENCES_MAX} silences; end one first")]
    TooMany,
    /// A record was not read, or a change not committed.
    #[error(transparent)]
    Act(#[from] ActError),
}

impl From<LoadError> for SilenceError {
    fn from(error: LoadError) -> Self {
        Self::Act(error.into())
    }
}

impl SilenceService {
    /// Over what the engine works on.
    #[must_use]
    pub fn new(engine: Engine) -> Self {
        Self { engine }
    }

    /// Makes a silence.
    ///
    /// # Errors
    /// [`SilenceError`] by cause.
    pub async fn make(&self, ask: Ask, by: &str) -> Result<Shown, SilenceError> {
        let _turn = self.engine.silencing().lock().await;
        self.made(ask, by).await
    }

    async fn made(&self, ask: Ask, by: &str) -> Result<Shown, SilenceError> {
        let silence = self.drafted(ask, by)?;
        self.engine.commit_silence(None, &silence).await?;
        Ok(shown(&silence))
    }

    /// What [`make`](Self::make) would make. Nothing is made. It counts by reading each account that it is about, so not for a
    /// thread that answers requests.
    ///
    /// # Errors
    /// As [`make`](Self::make).
    pub fn would_make(&self, ask: Ask, by: &str) -> Result<Shown, SilenceError> {
        let silence = self.drafted(ask, by)?;
        let outlook = self.outlook(&silence, None)?;
        Ok(Shown { id: String::new(), ..foreseen(&silence, &outlook) })
    }

    fn drafted(&self, ask: Ask, by: &str) -> Result<Silence, SilenceError> {
        if let Scope::Target(target) = &ask.scope
            && self.engine.target(target)?.is_none()
        {
            return Err(SilenceError::NoTarget(target.clone()));
        }
        if silences(self.engine.barrier())?.len() >= SILENCES_MAX {
            return Err(SilenceError::TooMany);
        }
        let now = self.engine.now();
        let id = SilenceId::generate(now, self.engine.entropy());
        Ok(Silence::new(id, ask, by.to_owned(), now)?)
    }

    /// Begins a maintenance of `target`, or gives the one that lasts another end.
    ///
    /// # Errors
    /// [`SilenceError`] by cause.
    pub async fn maintain(
        &self,
        target: Name,
        until: Timestamp,
        reason: String,
        by: &str,
    ) -> Result<Shown, SilenceError> {
        // Of two who begin one at once the second prolongs that of the first.
        let _turn = self.engine.silencing().lock().await;
        if let Some(id) = self.maintenance(&target)?.map(|lasts| lasts.id) {
            return self
                .change(id, |silence| {
                    silence.prolonged(until, reason.clone(), by.to_owned(), self.engine.now())
                })
                .await;
        }
        self.made(begins(target, until, reason), by).await
    }

    /// What [`maintain`](Self::maintain) would do, with the maintenance as it would be. Nothing is done. For a thread as
    /// [`would_make`](Self::would_make).
    ///
    /// # Errors
    /// As [`maintain`](Self::maintain).
    pub fn would_maintain(
        &self,
        target: Name,
        until: Timestamp,
        reason: String,
        by: &str,
    ) -> Result<Shown, SilenceError> {
        let (silence, outlook) = self.looked_ahead(target, until, reason, by)?;
        let would = foreseen(&silence, &outlook);
        Ok(if outlook.before.is_none() { Shown { id: String::new(), ..would } } else { would })
    }

    /// The maintenance as it would be, and what would come of it.
    ///
    /// # Errors
    /// As [`maintain`](Self::maintain).
    pub fn looked_ahead(
        &self,
        target: Name,
        until: Timestamp,
        reason: String,
        by: &str,
    ) -> Result<(Silence, Outlook), SilenceError> {
        let Some(lasts) = self.maintenance(&target)? else {
            let silence = self.drafted(begins(target, until, reason), by)?;
            let outlook = self.outlook(&silence, None)?;
            return Ok((silence, outlook));
        };
        let before = lasts.until;
        let silence = lasts.prolonged(until, reason, by.to_owned(), self.engine.now())?;
        let outlook = self.outlook(&silence, Some(before))?;
        Ok((silence, outlook))
    }

    fn outlook(&self, silence: &Silence, before: Option<Timestamp>) -> Result<Outlook, SilenceError> {
        let mut outlook = Outlook::of(silence, before, self.engine.now());
        outlook.found = Some(match &silence.scope {
            Scope::Target(target) => self.engine.found_on(target, silence)?,
            Scope::Accounts(pattern) => self.engine.found_by(pattern)?,
        });
        Ok(outlook)
    }

    /// The maintenance that a target is in.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn maintenance(&self, target: &Name) -> Result<Option<Silence>, LoadError> {
        let all = silences(self.engine.barrier())?;
        let all = all.iter().map(|silence| &silence.value);
        Ok(maintenance(all, target.as_str(), self.engine.now()).cloned())
    }

    /// One silence.
    ///
    /// # Errors
    /// [`SilenceError::NotFound`], [`SilenceError::Act`].
    pub fn read(&self, id: SilenceId) -> Result<Shown, SilenceError> {
        Ok(shown(&self.load(id)?.value))
    }

    /// Those that are not over, the oldest first.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn list(&self) -> Result<Vec<Shown>, LoadError> {
        Ok(silences(self.engine.barrier())?.iter().map(|silence| shown(&silence.value)).collect())
    }

    /// Ends a silence now; what waited for that is set going beside this. Of one that is ending there is nothing to do.
    ///
    /// # Errors
    /// [`SilenceError`] by cause.
    pub async fn end(&self, id: SilenceId, by: &str) -> Result<(), SilenceError> {
        self.change(id, |silence| {
            Ok(if silence.stage == Stage::Ending { silence } else { silence.ended(by.to_owned()) })
        })
        .await?;
        self.engine.attend_silence(id);
        Ok(())
    }

    /// Marks those of `incidents` that are open and silenced now.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn mark(&self, incidents: &mut [ShownIncident]) -> Result<(), LoadError> {
        let (now, all) = (self.engine.now(), silences(self.engine.barrier())?);
        if all.is_empty() {
            return Ok(());
        }
        for incident in incidents.iter_mut().filter(|incident| incident.state == ShownState::Open) {
            let Some(id) = IncidentId::parse(&incident.id) else { continue };
            // What is shown of the subject does not tell an account from what is none.
            let Some(stored) = self.engine.barrier().load::<Incident>(*id.as_bytes())? else { continue };
            incident.silenced = over(self.engine.barrier(), &all, &stored.value, now)?.map(silenced);
        }
        Ok(())
    }

    async fn change(
        &self,
        id: SilenceId,
        next: impl Fn(Silence) -> Result<Silence, Unfit>,
    ) -> Result<Shown, SilenceError> {
        for _ in 0..ATTEMPTS_MAX {
            let loaded = self.load(id)?;
            let changed = next(loaded.value.clone())?;
            match self.engine.commit_silence(Some(&loaded), &changed).await {
                Ok(()) => return Ok(shown(&changed)),
                Err(ActError::Plan(PlanError::Commit(CommitError::Conflict))) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(ActError::from(PlanError::Commit(CommitError::Conflict)).into())
    }

    fn load(&self, id: SilenceId) -> Result<Loaded<Silence>, SilenceError> {
        self.engine.barrier().load::<Silence>(key(id))?.ok_or(SilenceError::NotFound)
    }
}

fn begins(target: Name, until: Timestamp, reason: String) -> Ask {
    Ask { scope: Scope::Target(target), mode: Mode::Maintenance, from: None, until, reason }
}

/// One that is not made, or not changed.
fn foreseen(silence: &Silence, outlook: &Outlook) -> Shown {
    Shown { dry_run: true, steps: outlook.steps(), ..shown(silence) }
}

/// What is told of a silence beside what it covers.
pub(super) fn silenced(silence: &Silence) -> Silenced {
    Silenced {
        id: silence.id.to_string(),
        mode: silence.mode.word().to_owned(),
        until: silence.until.to_rfc3339(),
        by: silence.by.clone(),
        reason: silence.reason.clone(),
    }
}

fn shown(silence: &Silence) -> Shown {
    let (target, accounts) = match &silence.scope {
        Scope::Target(target) => (Some(target.to_string()), None),
        Scope::Accounts(pattern) => (None, Some(pattern.clone())),
    };
    Shown {
        id: silence.id.to_string(),
        mode: silence.mode.word().to_owned(),
        state: silence.stage.word().to_owned(),
        target,
        accounts,
        from: silence.from.to_rfc3339(),
        until: silence.until.to_rfc3339(),
        by: silence.by.clone(),
        reason: silence.reason.clone(),
        ended_by: silence.ended_by.clone(),
        ..Shown::default()
    }
}
