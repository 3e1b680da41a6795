//! The incident of a target on the store: its record and time line, its members, and which one the target has.
//!
//! Accounts of one target that fail or heal at the same time write to one record; so do those whose incidents are merged into
//! one, whose turn is that of its target. They take turns for their commits, so that none is in another's way: a decision that
//! is made again and again because others were first would be given up.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Mutex as TurnLock, OwnedMutexGuard};
use vault_core::account::Account;
use vault_core::account::plan::Plan;
use vault_core::id::IncidentId;
use vault_core::incident::group::{Heard, Member, Outage, hear};
use vault_core::incident::ledger::LedgerEvent;
use vault_core::incident::{Incident, IncidentState, Kind};
use vault_core::path::Name;
use vault_core::rotation::fault::Scope;
use vault_core::store::batch::Require;
use vault_core::store::key::Table;

use super::Engine;
use super::commit::PlanError;
use super::drive::Chain;
use super::record::line_name;
use crate::barrier::{Barrier, CommitError, LoadError, Loaded, Record, Transaction, require};

impl Record for Member {
    const TABLE: Table = Table::IncidentMember;
}

impl Record for Outage {
    const TABLE: Table = Table::TargetIncident;
}

/// Whose turn it is to write to the incident of a target, by target.
#[derive(Default)]
pub struct Turns {
    turns: Mutex<HashMap<String, Arc<TurnLock<()>>>>,
}

impl Turns {
    /// Waits for the turn; hold it until the commit is over.
    async fn take(&self, target: &str) -> Turn {
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(turns.entry(target.to_owned()).or_default())
        };
        turn.lock_owned().await
    }

    /// Waits for several, in the order of their names, so that no two wait for each other.
    async fn take_all(&self, targets: BTreeSet<String>) -> Vec<Turn> {
        let mut taken = Vec::new();
        for target in targets {
            taken.push(self.take(&target).await);
        }
        taken
    }
}

/// A turn, as long as it is held.
pub type Turn = OwnedMutexGuard<()>;

impl Engine {
    /// Waits for the turn to write to the incident of a target; hold it until the commit is over.
    pub async fn turn_at(&self, target: &Name) -> Turn {
        self.inner.turns.take(target.as_str()).await
    }

    /// The turns that a commit of `plan` needs: where the account is, was or will be beneath the incident of its target; and where
    /// an incident of its stands for others, or another for that.
    pub(super) async fn turns_of(&self, before: &Account, plan: &Plan) -> Vec<Turn> {
        if plan.ledger.is_empty() {
            return Vec::new();
        }
        let scopes = [before.incident_scope, plan.account.incident_scope];
        let is_in_group = scopes.contains(&Scope::Target);
        let incidents = plan.ledger.iter().map(LedgerEvent::incident);
        self.turns_about(before, is_in_group, incidents.collect()).await
    }

    /// The turns that the removal of an account needs.
    pub(crate) async fn turns_to_withdraw(&self, account: Option<&Account>) -> Vec<Turn> {
        let Some(account) = account else { return Vec::new() };
        let is_in_group = account.incident_scope == Scope::Target;
        self.turns_about(account, is_in_group, account.incident.into_iter().collect()).await
    }

    async fn turns_about(
        &self,
        account: &Account,
        is_in_group: bool,
        incidents: BTreeSet<IncidentId>,
    ) -> Vec<Turn> {
        let shared = incidents.into_iter().filter_map(|incident| self.shared_at(incident));
        let own = is_in_group.then(|| account.target.to_string());
        self.inner.turns.take_all(own.into_iter().chain(shared).collect()).await
    }

    /// The target whose turn all take that write to the incident which stands for `incident` and for others; `None` where none
    /// does. What cannot be read is told by the commit.
    fn shared_at(&self, incident: IncidentId) -> Option<String> {
        let load = |id: IncidentId| self.inner.barrier.load::<Incident>(*id.as_bytes()).ok().flatten();
        let incident = load(incident)?.value;
        let survivor = match incident.merged.into {
            Some(into) => load(into)?.value,
            None => incident,
        };
        (!survivor.merged.beneath.is_empty()).then_some(survivor.target)
    }

    /// The incident that a target has, or had last. A record that cannot be read keeps no account from its rotation, and
    /// is written anew with the next incident.
    pub(crate) fn outage(&self, target: &Name) -> Result<Outage, LoadError> {
        match self.inner.barrier.load::<Outage>(target.as_str()) {
            Ok(loaded) => Ok(loaded.map(|loaded| loaded.value).unwrap_or_default()),
            Err(error) if error.is_damage() => {
                tracing::error!(%target, error = %Chain(&error), "the incident of a target cannot be read");
                Ok(Outage::default())
            }
            Err(error) => Err(error),
        }
    }
}

/// The name of a member of an incident: the incident's id, then its subject.
#[must_use]
pub fn member_name(incident: IncidentId, subject: &str) -> Vec<u8> {
    [incident.as_bytes().as_slice(), subject.as_bytes()].concat()
}

/// Every account that is, or was, beneath an incident, by subject.
///
/// # Errors
/// [`LoadError`] by cause.
pub(crate) fn members(barrier: &Barrier, incident: IncidentId) -> Result<Vec<Member>, LoadError> {
    let (mut found, mut after) = (Vec::new(), None::<Vec<u8>>);
    loop {
        let page = barrier.list_each::<Member>(incident.as_bytes(), after.as_deref(), PAGE)?;
        let full = page.len() == PAGE;
        after = page.last().map(|(name, _)| name.clone());
        for (_, member) in page {
            match member {
                Ok(member) => found.push(member.value),
                // One that is damaged must not hide the others.
                Err(error) => {
                    tracing::error!(%incident, error = %Chain(&error), "an account beneath an incident cannot be read");
                }
            }
        }
        if !full {
            return Ok(found);
        }
    }
}

/// Folds what happened to `subject` into the incident of its target, which is `stored`; gives that back, and whether its record
/// is to be written.
pub(super) fn put_group(
    barrier: &Barrier,
    batch: &mut Transaction,
    subject: &str,
    stored: Option<&Loaded<Incident>>,
    events: &[&LedgerEvent],
) -> Result<(Option<Incident>, bool), PlanError> {
    let Some(id) = events.first().map(|event| event.incident()) else { return Ok((None, false)) };
    let name = member_name(id, subject);
    let (mut kept, of_member) = legible::<Member>(barrier, &name)?;
    if let (None, Require::At(_), Some(group)) = (&kept, of_member, stored) {
        // Damaged. Whom this is about is beneath it by its own record, or comes anew.
        kept = Some(Member::rewritten(&group.value, subject));
    }
    let (mut group, mut member) = (stored.map(|stored| stored.value.clone()), kept.clone());
    let mut lines = 0;
    for event in events {
        if let LedgerEvent::Fault(report) = event
            && group
                .as_ref()
                .is_none_or(|group| group.state == IncidentState::Closed || !is_in(member.as_ref()))
        {
            // An account that is beneath it keeps it open. For others it may be another one by now.
            let outage = legible::<Outage>(barrier, report.target.as_bytes())?.0.unwrap_or_default();
            if !outage.fits(report, group.as_ref()) {
                return Err(CommitError::Conflict.into());
            }
        }
        let Some(Heard { incident, entries, member: after }) = hear(group.clone(), member.clone(), event)
        else {
            continue;
        };
        for entry in &entries {
            batch.put(line_name(id, entry.seq), Require::Absent, entry);
        }
        lines += entries.len();
        (group, member) = (Some(incident), after);
    }
    if let Some(member) = &member
        && kept.as_ref() != Some(member)
    {
        batch.put(name, of_member, member);
    }
    let Some(group) = group else { return Ok((None, false)) };
    let is_written = lines > 0 || stored.is_none_or(|stored| stored.value != group);
    Ok((Some(group), is_written))
}

/// Puts which incident a target has, where that of the target was opened or closed.
pub(super) fn put_outage(
    barrier: &Barrier,
    batch: &mut Transaction,
    before: Option<IncidentState>,
    group: &Incident,
) -> Result<(), LoadError> {
    if group.kind == Kind::Target && before != Some(group.state) {
        let (outage, of_outage) = legible::<Outage>(barrier, group.target.as_bytes())?;
        batch.put(group.target.as_str(), of_outage, &outage.unwrap_or_default().turned(group));
    }
    Ok(())
}

/// A record, and what a change of it requires. One that is damaged is written anew: what it said is told elsewhere, and it
/// must not keep the failures and proofs of a whole target from being written down.
fn legible<R: Record>(barrier: &Barrier, name: &[u8]) -> Result<(Option<R>, Require), LoadError> {
    match barrier.load::<R>(name) {
        Ok(loaded) => {
            let required = require(loaded.as_ref());
            Ok((loaded.map(|loaded| loaded.value), required))
        }
        Err(error) if error.is_damage() => {
            tracing::error!(error = %Chain(&error), "a record of a target's incident is written anew");
            Ok((None, barrier.revision::<R>(name)?.map_or(Require::Absent, Require::At)))
        }
        Err(error) => Err(error),
    }
}

fn is_in(member: Option<&Member>) -> bool {
    member.is_some_and(Member::is_in)
}

/// Records read at a time.
const PAGE: usize = 500;
