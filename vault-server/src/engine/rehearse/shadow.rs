//! The record of a shadow, from before it is made until it is gone, and its removal.

use vault_core::account::{Account, Subject};
use vault_core::clock::Timestamp;
use vault_core::entropy::random_bytes;
use vault_core::rehearsal::{Rehearsal, Shadow, shadow_subject};
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{Job, Login, Outcome, Rotator};
use vault_core::store::batch::Require;
use vault_core::store::due;
use vault_core::store::key::Table;
use vault_core::target::Target;

use super::look::Hands;
use crate::barrier::{Barrier, CommitError, LoadError, Loaded, Transaction, require};
use crate::engine::Engine;
use crate::engine::bench::NoTools;
use crate::engine::commit::PlanError;
use crate::engine::dynamic::drive::within;
use crate::engine::record::{DUE_REHEARSAL, Managed, managed_name};

impl Engine {
    /// Makes durable that there may be a shadow on the target. `false`: account or target are gone.
    pub(super) async fn begin_shadow(&self, subject: &Subject, shadow: &Shadow) -> Result<bool, PlanError> {
        // Whoever takes the target away counts what is on it alone.
        let _references = self.references().read().await;
        if self.target(&shadow.target)?.is_none() {
            return Ok(false);
        }
        self.amend_rehearsal(subject, |rehearsal| rehearsal.shadow = Some(shadow.clone())).await
    }

    /// Changes the record of an account's rehearsals, with its entries in the due index and among the names that are
    /// managed on the target. `false`: the account is gone, and with it the record, once it has no shadow.
    pub(super) async fn amend_rehearsal(
        &self,
        subject: &Subject,
        amend: impl Fn(&mut Rehearsal),
    ) -> Result<bool, PlanError> {
        let barrier = &self.inner.barrier;
        for _ in 0..CONFLICTS_MAX {
            let stored = barrier.load::<Rehearsal>(subject.key())?;
            let before = stored.as_ref().map(|stored| stored.value.clone()).unwrap_or_default();
            let mut after = before.clone();
            amend(&mut after);
            let account = self.account(subject)?;
            if account.is_none() && before.shadow.is_none() && after.shadow.is_some() {
                return Ok(false);
            }
            let mut batch = barrier.transaction().map_err(CommitError::from)?;
            batch.check::<Account>(subject.key(), require(account.as_ref()));
            entries(barrier, &mut batch, subject, &before, &mut after)?;
            match stored {
                Some(Loaded { revision, .. }) if account.is_none() && after.shadow.is_none() => {
                    batch.delete::<Rehearsal>(subject.key(), revision);
                }
                None if account.is_none() => return Ok(false),
                stored => {
                    batch.put(subject.key(), require(stored.as_ref()), &after);
                }
            }
            match barrier.commit(batch).await {
                Ok(()) => return Ok(account.is_some()),
                Err(CommitError::Conflict) => tokio::task::yield_now().await,
                Err(error) => return Err(error.into()),
            }
        }
        Err(CommitError::Conflict.into())
    }

    /// Ends what may still be under way with a shadow, and removes it; `Err` is why it may still be there, which is
    /// noted.
    pub(super) async fn remove_shadow(
        &self,
        subject: &Subject,
        shadow: &Shadow,
        target: &Target,
        rotator: &dyn Rotator,
        management: &Login,
    ) -> Result<Result<(), Fault>, PlanError> {
        if !self.announce(subject, shadow.job, "RehearseSettle") {
            return self.not_removed(subject, not_audited()).await;
        }
        match within(rotator.settle(job(shadow, target, management))).await.flatten() {
            Ok(()) => self.remove_settled_shadow(subject, shadow, target, rotator, management).await,
            Err(fault) => self.not_removed(subject, fault).await,
        }
    }

    /// Removes a shadow of which every call was answered.
    pub(super) async fn remove_settled_shadow(
        &self,
        subject: &Subject,
        shadow: &Shadow,
        target: &Target,
        rotator: &dyn Rotator,
        management: &Login,
    ) -> Result<Result<(), Fault>, PlanError> {
        if !self.announce(subject, shadow.job, "RehearseRemove") {
            return self.not_removed(subject, not_audited()).await;
        }
        let Some(maker) = rotator.shadows(&target.spec) else {
            let what = "the target's settings let no shadow be removed any more";
            return self.not_removed(subject, Fault::new(FaultClass::Preflight, what)).await;
        };
        let removed = within(maker.remove(job(shadow, target, management))).await;
        match removed.unwrap_or_else(Outcome::Unknown) {
            Outcome::Applied => {
                self.amend_rehearsal(subject, |rehearsal| rehearsal.shadow = None).await?;
                Ok(Ok(()))
            }
            Outcome::NotApplied(fault) | Outcome::Unknown(fault) => self.not_removed(subject, fault).await,
        }
    }

    async fn not_removed(&self, subject: &Subject, fault: Fault) -> Result<Result<(), Fault>, PlanError> {
        tracing::warn!(%subject, %fault, "a shadow account was not removed; it is tried again");
        let (now, draw) = (self.now(), u64::from_le_bytes(random_bytes(self.entropy())));
        let noted = |rehearsal: &mut Rehearsal| {
            rehearsal.shadow = rehearsal.shadow.take().map(|shadow| shadow.not_removed(now, draw));
        };
        self.amend_rehearsal(subject, noted).await?;
        Ok(Err(fault))
    }

    /// Removes the shadow that a rehearsal has left, if it is due. The caller holds its flight.
    pub(super) async fn remove_left(&self, subject: &Subject, now: Timestamp) -> Result<(), PlanError> {
        let left = self.rehearsal(subject)?.and_then(|rehearsal| rehearsal.shadow);
        let Some(shadow) = left.filter(|shadow| shadow.remove_at <= now) else { return Ok(()) };
        let target = self.target(&shadow.target)?.map(|loaded| loaded.value);
        let given_up = shadow.is_given_up(now);
        let Some(target) = target.filter(|_| !given_up) else {
            tracing::error!(%subject, shadow = shadow.username, "a shadow account is given up: remove it by hand");
            return self.amend_rehearsal(subject, |rehearsal| rehearsal.shadow = None).await.map(drop);
        };
        let _place = self.place_at(&target).await;
        let _turn = self.inner.gates.turn_unless_proven(&target).await;
        let _seat = self.seat(&target).await?;
        match self.hands_of(&target) {
            Ok(Hands { rotator, management, managed_by }) => {
                let removed = self.remove_shadow(subject, &shadow, &target, &*rotator, &management).await?;
                self.noted_management(&target, managed_by, removed.as_ref().err()).await;
            }
            Err(NoTools::Fault(fault)) => {
                let _noted = self.not_removed(subject, fault).await?;
            }
            Err(NoTools::Load(error)) => return Err(error.into()),
        }
        Ok(())
    }
}

fn job<'a>(shadow: &'a Shadow, target: &'a Target, management: &'a Login) -> Job<'a> {
    Job::new(&target.spec, management, &shadow.username, shadow.job)
}

fn not_audited() -> Fault {
    Fault::new(FaultClass::StoreFailed, "the audit trail did not accept the act")
}

/// Moves the entries of a shadow from where they were to where they belong.
fn entries(
    barrier: &Barrier,
    batch: &mut Transaction,
    subject: &Subject,
    before: &Rehearsal,
    after: &mut Rehearsal,
) -> Result<(), LoadError> {
    let place = |shadow: &Shadow| managed_name(&shadow.target, &shadow.username);
    let (old, new) = (before.shadow.as_ref().map(place), after.shadow.as_ref().map(place));
    if old != new {
        if let Some(name) = old
            && let Some(revision) = barrier.revision::<Managed>(name.clone())?
        {
            batch.delete::<Managed>(name, revision);
        }
        if let Some(name) = new {
            batch.put(name, Require::Absent, &Managed { subject: shadow_subject(subject) });
        }
    }
    after.armed = after.wake();
    if before.armed != after.armed {
        let entry = |at: Timestamp| due::encode(at, DUE_REHEARSAL, subject.key().as_bytes());
        if let Some(at) = before.armed {
            batch.unmark(Table::Due, entry(at));
        }
        if let Some(at) = after.armed {
            batch.mark(Table::Due, entry(at));
        }
    }
    Ok(())
}

/// How often a change is made again because another commit came first.
const CONFLICTS_MAX: u32 = 64;
