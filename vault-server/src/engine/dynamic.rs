//! Dynamic leases: commits what the core decides about them, and makes and removes their users.
//!
//! ```text
//!   creds ──► place at the target ► commit Requested ► create ► commit Active ──► handed out
//!   end · clock · crash ──► commit Revoking ──► place ► remove, look ► commit Closed, or the next attempt
//! ```
//!
//! An end is one commit and waits for nobody; whoever works on the user on the target holds its flight.

mod commit;
pub(in crate::engine) mod drive;

use std::time::Duration;

use tokio::task::JoinHandle;
use vault_core::clock::Timestamp;
use vault_core::id::IncidentId;
use vault_core::lease::EndCause;
use vault_core::lease::dynamic::step::{self, Due, NoteKind, Plan};
use vault_core::lease::dynamic::{Dynamic, Stage};
use vault_core::rotation::fault::Fault;
use vault_core::rotation::port::Outcome;
use vault_core::secret::SecretString;
use vault_core::store::batch::Revision;
use vault_core::store::key::Table;

use super::commit::PlanError;
use super::drive::Chain;
use super::meter::standing::Leases;
use super::{Engine, OUTCOME_WAIT, READ_WAIT};
use crate::barrier::{CommitError, LoadError, Loaded};

/// Why a dynamic lease was not begun, renewed or ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DynamicError {
    /// The target did not make the user, or not renew it.
    #[error("{0}")]
    Target(Fault),
    /// It is not known whether the target made the user: it is being removed.
    #[error("{0}; whatever there is of the new user is being removed: ask for another")]
    Undone(Fault),
    /// What it was decided upon has changed: it is to be decided anew.
    #[error("the role or its config was changed meanwhile; ask again")]
    Outdated,
    /// The target, or the lease, is busy.
    #[error("{0}")]
    Busy(&'static str),
    /// It has ended.
    #[error(transparent)]
    Ended(#[from] step::Ended),
    /// Its token, mount or target went away meanwhile.
    #[error("permission denied")]
    BorrowerGone,
    /// The mount or the target went away meanwhile.
    #[error("the mount or its target is gone")]
    PlaceGone,
    /// The store or the seal.
    #[error(transparent)]
    Plan(#[from] PlanError),
}

/// The records that a lease was decided upon: it is begun while they are as they were.
#[derive(Clone, Debug)]
pub struct Basis {
    /// The role's name, and its record's revision.
    pub role: (Vec<u8>, Revision),
    /// The config's.
    pub config: (Vec<u8>, Revision),
}

impl From<LoadError> for DynamicError {
    fn from(error: LoadError) -> Self {
        Self::Plan(error.into())
    }
}

impl From<CommitError> for DynamicError {
    fn from(error: CommitError) -> Self {
        Self::Plan(error.into())
    }
}

impl Engine {
    /// A dynamic lease's record.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn dynamic(&self, key: &[u8]) -> Result<Option<Loaded<Dynamic>>, LoadError> {
        self.inner.barrier.load(key)
    }

    /// Makes the user of a new lease. The lease is on disk before the target hears of it, and when this returns
    /// well, its user is there.
    ///
    /// # Errors
    /// [`DynamicError`] by cause; [`DynamicError::Outdated`] before the target heard of it. No user is left behind: what
    /// is not known is being removed.
    pub async fn provision(
        &self,
        mut lease: Dynamic,
        password: &SecretString,
        basis: &Basis,
    ) -> Result<Dynamic, DynamicError> {
        let key = lease.key();
        let Some(target) = self.target(&lease.target)? else { return Err(DynamicError::PlaceGone) };
        let place = tokio::time::timeout(READ_WAIT, self.place_at(&target.value)).await;
        let place = place.map_err(|_| DynamicError::Busy("the target is busy; try again in a moment"))?;
        let flight = self.inner.flights.try_take(&lease.subject());
        let flight = flight.ok_or(DynamicError::Busy("the lease is being worked on"))?;
        lease.place = self.place_name(&target.value);
        let plan = step::requested(lease);
        {
            // Whoever takes the target away counts its leases alone.
            let references = tokio::time::timeout(READ_WAIT, self.references().read()).await;
            let _references = references
                .map_err(|_| DynamicError::Busy("a target is being taken away; try again in a moment"))?;
            self.begin_dynamic(&plan, basis).await?;
        }
        self.report_dynamic(&plan);
        let made = self.create_user(&plan.lease, password).await;
        let fault = match &made.outcome {
            Outcome::Applied => None,
            Outcome::NotApplied(fault) | Outcome::Unknown(fault) => Some(fault.clone()),
        };
        let decided =
            self.decide_dynamic(&key, |lease, facts| step::created(lease, made.clone(), facts.now)).await?;
        drop((place, flight));
        let Some(plan) = decided else { return Err(DynamicError::Busy("the lease was ended meanwhile")) };
        if plan.removes {
            self.spawn_removal(&plan.lease);
        }
        match (plan.note.kind, fault) {
            (NoteKind::Created, _) => Ok(plan.lease),
            (NoteKind::NotCreated, Some(fault)) => Err(DynamicError::Target(fault)),
            (NoteKind::Undone, Some(fault)) => Err(DynamicError::Undone(fault)),
            _ => Err(DynamicError::BorrowerGone),
        }
    }

    /// Gives a lease more time, on the target first.
    ///
    /// # Errors
    /// [`DynamicError`] by cause; the lease ends when it would have.
    pub async fn renew_dynamic(
        &self,
        key: &[u8],
        increment: Option<Duration>,
    ) -> Result<Dynamic, DynamicError> {
        let Some(loaded) = self.dynamic(key)? else { return Err(step::Ended.into()) };
        let flight = self.inner.flights.take(&loaded.value.subject(), READ_WAIT).await;
        let _flight =
            flight.ok_or(DynamicError::Busy("the lease is being worked on; try again in a moment"))?;
        let Some(loaded) = self.dynamic(key)? else { return Err(step::Ended.into()) };
        let until = step::renewal(&loaded.value, increment, self.now())?;
        let Some(target) = self.target(&loaded.value.target)? else { return Err(DynamicError::PlaceGone) };
        let place = tokio::time::timeout(READ_WAIT, self.place_at(&target.value)).await;
        let _place = place.map_err(|_| DynamicError::Busy("the target is busy; try again in a moment"))?;
        match self.extend_user(&loaded.value, until).await {
            Outcome::Applied => {}
            Outcome::NotApplied(fault) | Outcome::Unknown(fault) => return Err(DynamicError::Target(fault)),
        }
        let renewed = |lease: Dynamic, facts: Facts| step::renewed(lease, until, facts.now).ok();
        let plan = self.decide_dynamic(key, renewed).await?;
        Ok(plan.ok_or(step::Ended)?.lease)
    }

    /// Makes durable that a lease ends. Waits for nobody; the scheduler removes the user. Gives back whether
    /// there is one to remove.
    ///
    /// # Errors
    /// `PlanError` by cause.
    pub async fn begin_end_dynamic(
        &self,
        key: &[u8],
        cause: &EndCause,
    ) -> Result<Option<Dynamic>, PlanError> {
        let plan =
            self.decide_dynamic(key, |lease, facts| step::end(lease, cause.clone(), facts.now)).await?;
        Ok(plan.filter(|plan| plan.removes).map(|plan| plan.lease))
    }

    /// Makes a decision about a lease; `None` when there is no such lease, or nothing to decide.
    async fn decide_dynamic(
        &self,
        key: &[u8],
        decide: impl Fn(Dynamic, Facts) -> Option<Plan>,
    ) -> Result<Option<Plan>, PlanError> {
        for _ in 0..CONFLICTS_MAX {
            let Some(loaded) = self.dynamic(key)? else { return Ok(None) };
            let Some(plan) = decide(loaded.value.clone(), self.facts()) else { return Ok(None) };
            match self.commit_dynamic(&loaded, &plan).await {
                Ok(()) => {
                    self.report_dynamic(&plan);
                    return Ok(Some(plan));
                }
                Err(PlanError::Commit(CommitError::Conflict)) => tokio::task::yield_now().await,
                Err(error) => return Err(error),
            }
        }
        Err(CommitError::Conflict.into())
    }

    fn facts(&self) -> Facts {
        let now = self.now();
        Facts { now, incident: IncidentId::generate(now, self.entropy()) }
    }

    /// Does what is due for one lease, unless somebody is at it or its target is busy.
    pub(super) async fn attend_dynamic(&self, key: &[u8], now: Timestamp) {
        if let Err(error) = self.try_attend_dynamic(key, now).await {
            // It stays in the index, and one bad record must not keep the others waiting.
            tracing::error!(error = %Chain(&error), "what was due for a lease could not be begun");
        }
    }

    async fn try_attend_dynamic(&self, key: &[u8], now: Timestamp) -> Result<(), PlanError> {
        let Some(loaded) = self.dynamic(key)? else { return Ok(()) };
        let Some(flight) = self.inner.flights.try_take(&loaded.value.subject()) else { return Ok(()) };
        // As it is now that nobody else is at it.
        let Some(Loaded { value: lease, .. }) = self.dynamic(key)? else { return Ok(()) };
        let decided = match (&lease.stage, step::tick(lease.clone(), now)) {
            (Stage::Requested, _) => {
                self.decide_dynamic(key, |lease, facts| step::recover(lease, facts.now)).await?
            }
            (_, Some(Due::Ends(_))) => {
                let expire = |lease: Dynamic, facts: Facts| match step::tick(lease, facts.now) {
                    Some(Due::Ends(plan)) => Some(*plan),
                    _ => None,
                };
                self.decide_dynamic(key, expire).await?
            }
            (_, Some(Due::Remove)) if !self.has_room_at(&lease) => {
                return self
                    .decide_dynamic(key, |lease, facts| step::overdue(lease, facts.now))
                    .await
                    .map(drop);
            }
            (_, Some(Due::Remove)) => {
                drop(flight);
                self.spawn_removal(&lease);
                return Ok(());
            }
            (_, None) => return Ok(()),
        };
        drop(flight);
        if let Some(plan) = decided.filter(|plan| plan.removes && self.has_room_at(&plan.lease)) {
            self.spawn_removal(&plan.lease);
        }
        Ok(())
    }

    fn has_room_at(&self, lease: &Dynamic) -> bool {
        match self.target(&lease.target) {
            Ok(Some(target)) => self.inner.gates.has_room(&target.value),
            Ok(None) | Err(_) => true,
        }
    }

    /// Removes the user of a lease that ends, beside whoever asks.
    pub fn spawn_removal(&self, lease: &Dynamic) -> JoinHandle<()> {
        let (engine, key, subject) = (self.clone(), lease.key(), lease.subject());
        self.inner.shutdown.spawn(async move {
            let Some(_flight) = engine.inner.flights.take(&subject, OUTCOME_WAIT).await else { return };
            if let Err(error) = engine.remove_user(&key).await {
                // It stays in the due index.
                tracing::warn!(%subject, error = %Chain(&error), "the removal of a user stopped");
            }
        })
    }

    /// Counts dynamic leases by state, and rehearsals, once a minute, until the server stops.
    pub(crate) async fn count_dynamic_until_stop(self) {
        loop {
            let mut pause = COUNT_EVERY;
            match self.count_dynamic().await {
                Ok(()) => {}
                // Soon after the unsealing there is something to show.
                Err(LoadError::Sealed) => pause = LOOK_AGAIN,
                Err(error) => tracing::warn!(error = %Chain(&error), "dynamic leases were not counted"),
            }
            match self.count_rehearsals().await {
                Ok(()) | Err(LoadError::Sealed) => {}
                Err(error) => tracing::warn!(error = %Chain(&error), "rehearsals were not counted"),
            }
            tokio::select! {
                () = self.inner.shutdown.begun() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Counts dynamic leases by state.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub async fn count_dynamic(&self) -> Result<(), LoadError> {
        let mut counts = Stage::WORDS.map(|word| (word, 0));
        let (now, mut leases) = (self.now(), Leases::default());
        let closings = self.inner.barrier.closings();
        let mut damaged = 0;
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = self.inner.barrier.list_each::<Dynamic>(b"", after.as_deref(), PAGE)?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            for (_, lease) in &page {
                let Ok(lease) = lease else {
                    damaged += 1;
                    continue;
                };
                let (word, lease) = (lease.value.word(), &lease.value);
                let is_active = lease.stage == Stage::Active;
                let ending = lease.closing.filter(|_| lease.stage != Stage::Closed);
                leases.add(is_active.then_some(lease.expires_at), ending, now);
                counts.iter_mut().filter(|(state, _)| *state == word).for_each(|(_, count)| *count += 1);
            }
            tokio::task::yield_now().await;
        }
        self.inner.meter.counted(&counts);
        self.inner.meter.counted(&[(DAMAGED, damaged)]);
        self.counted_dynamic(closings, now, leases);
        Ok(())
    }

    /// The keys of the dynamic leases whose names begin with `prefix`, in order.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn dynamic_keys(&self, prefix: &[u8]) -> Result<Vec<Vec<u8>>, LoadError> {
        let mut keys = Vec::new();
        loop {
            let after = keys.last().cloned();
            let page = self.inner.barrier.names(Table::DynamicLease, prefix, after.as_deref(), PAGE)?;
            if page.is_empty() {
                return Ok(keys);
            }
            keys.extend(page);
        }
    }
}

/// Facts from outside that a decision needs.
#[derive(Clone, Copy)]
struct Facts {
    now: Timestamp,
    incident: IncidentId,
}

/// How often a decision is made again because another commit came first.
const CONFLICTS_MAX: u32 = 64;
/// Records read at a time.
const PAGE: usize = 500;
/// The state of a lease that cannot be read, in metrics.
const DAMAGED: &str = "damaged";
/// How often dynamic leases are counted.
const COUNT_EVERY: Duration = Duration::from_secs(60);
/// How long to wait while the vault is sealed.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
