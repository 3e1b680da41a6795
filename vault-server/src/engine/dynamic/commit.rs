//! Turns a plan about a dynamic lease into one transaction: record, token's and target's entries, trouble,
//! incident and due time together.

use vault_core::database::DatabaseConfig;
use vault_core::identity::{Token, TokenState};
use vault_core::lease::dynamic::role::DynamicRole;
use vault_core::lease::dynamic::step::Plan;
use vault_core::lease::dynamic::trouble::Trouble;
use vault_core::lease::dynamic::{Dynamic, Stage};
use vault_core::mount::Mount;
use vault_core::store::batch::Require;
use vault_core::store::due;
use vault_core::store::key::Table;
use vault_core::target::Target;

use super::{Basis, CONFLICTS_MAX, DynamicError};
use crate::barrier::{CommitError, Loaded, Transaction, require};
use crate::engine::Engine;
use crate::engine::commit::PlanError;
use crate::engine::ledger::put_incidents;
use crate::engine::record::{DUE_DYNAMIC, Managed, managed_name, token_lease_name};

impl Engine {
    /// Commits that a lease was asked for: while its token lives, its mount and its target are there, its role and
    /// config are those that it was decided upon, and nobody manages its user's name. What ends one of these afterwards
    /// finds it.
    pub(super) async fn begin_dynamic(&self, plan: &Plan, basis: &Basis) -> Result<(), DynamicError> {
        let barrier = &self.inner.barrier;
        let Basis { role: (role, role_at), config: (config, config_at) } = basis;
        for _ in 0..CONFLICTS_MAX {
            if barrier.revision::<DynamicRole>(role.clone())? != Some(*role_at)
                || barrier.revision::<DatabaseConfig>(config.clone())? != Some(*config_at)
            {
                return Err(DynamicError::Outdated);
            }
            let mut batch = barrier.transaction().map_err(CommitError::from)?;
            let mut lease = plan.lease.clone();
            let digest = digest(&lease);
            let token = barrier.load::<Token>(digest.as_slice())?;
            let token = token.filter(|token| token.value.state(self.now()) == TokenState::Live);
            let token = token.ok_or(DynamicError::BorrowerGone)?;
            let mount = barrier.load::<Mount>(*lease.mount.as_bytes())?;
            let mount = mount.filter(|mount| !mount.value.ending).ok_or(DynamicError::PlaceGone)?;
            let target = self.target(&lease.target)?.ok_or(DynamicError::PlaceGone)?;
            batch.check::<Mount>(*lease.mount.as_bytes(), mount.require());
            batch.check::<Target>(lease.target.as_str(), target.require());
            batch.check::<DynamicRole>(role.clone(), Require::At(*role_at));
            batch.check::<DatabaseConfig>(config.clone(), Require::At(*config_at));
            let key = lease.key();
            batch.mark(Table::TokenLease, token_lease_name(&digest, &key));
            batch.check::<Token>(digest, token.require());
            let managed = Managed { subject: lease.subject() };
            batch.put(managed_name(&lease.target, &lease.username), Require::Absent, &managed);
            arm(&mut batch, None, &mut lease);
            batch.put(key, Require::Absent, &lease);
            match barrier.commit(batch).await {
                Err(CommitError::Conflict) => tokio::task::yield_now().await,
                outcome => return Ok(outcome?),
            }
        }
        Err(CommitError::Conflict.into())
    }

    /// Commits `plan`, which was decided upon `before`.
    pub(super) async fn commit_dynamic(
        &self,
        before: &Loaded<Dynamic>,
        plan: &Plan,
    ) -> Result<(), PlanError> {
        let barrier = &self.inner.barrier;
        let mut batch = barrier.transaction().map_err(CommitError::from)?;
        let mut lease = plan.lease.clone();
        let key = lease.key();
        arm(&mut batch, before.value.armed, &mut lease);
        if lease.stage == Stage::Closed {
            batch.unmark(Table::TokenLease, token_lease_name(&digest(&lease), &key));
            let managed = managed_name(&lease.target, &lease.username);
            if let Some(revision) = barrier.revision::<Managed>(managed.clone())? {
                batch.delete::<Managed>(managed, revision);
            }
            batch.delete::<Dynamic>(key, before.revision);
        } else {
            batch.put(key, before.require(), &lease);
        }
        let mut turned = Vec::new();
        if let Some(report) = &plan.report {
            let facts = self.facts();
            let stored = barrier.load::<Trouble>(lease.target.as_str())?;
            let before = require(stored.as_ref());
            let mut trouble = stored.map(|stored| stored.value).unwrap_or_default();
            let events = trouble.hear(&lease, report, facts.incident, facts.now);
            batch.put(lease.target.as_str(), before, &trouble);
            turned = put_incidents(barrier, &mut batch, "", &events)?;
            self.inner.outbox.put(&mut batch, None, &turned)?;
        }
        barrier.commit(batch).await?;
        let turns = turned.iter().filter(|turned| turned.is_turn());
        turns.for_each(|turned| self.inner.meter.rotation.turned(&turned.incident));
        Ok(())
    }

    /// Tells the audit trail and the metrics what was committed.
    pub(super) fn report_dynamic(&self, plan: &Plan) {
        self.inner.meter.noted(&plan.note);
        let (lease, note) = (&plan.lease, &plan.note);
        if let (Stage::Closed, Some(from)) = (&lease.stage, lease.closing) {
            self.inner.meter.rotation.revoked("dynamic", self.now().since(from));
        }
        let fault = note.fault.as_ref();
        let data = serde_json::json!({
            "rotation_id": lease.job.to_string(),
            "target": lease.target,
            "username": lease.username,
            "principal": note.principal,
            "class": fault.map(|fault| fault.class),
            "detail": fault.map(|fault| fault.detail.as_str()).or(lease.reason.as_deref()),
        });
        let (event, path) = (note.kind.as_str(), lease.id(&lease.mount_path));
        if let Err(error) = self.audited(event, &path, &data) {
            tracing::error!(%error, event, "an act of the vault is missing from the audit trail");
        }
    }
}

/// The digest of the token that the lease ends with.
fn digest(lease: &Dynamic) -> Vec<u8> {
    data_encoding::HEXLOWER.decode(lease.borrower.token.as_bytes()).unwrap_or_default()
}

/// Moves the lease's entry in the due index from `armed` to where it belongs.
fn arm(batch: &mut Transaction, armed: Option<vault_core::clock::Timestamp>, lease: &mut Dynamic) {
    lease.armed = lease.wake();
    if armed == lease.armed {
        return;
    }
    let key = lease.key();
    if let Some(at) = armed {
        batch.unmark(Table::Due, due::encode(at, DUE_DYNAMIC, &key));
    }
    if let Some(at) = lease.armed {
        batch.mark(Table::Due, due::encode(at, DUE_DYNAMIC, &key));
    }
}
