//! Turns a plan into one transaction: record, secrets, lease, incident, history and due time together.

use vault_core::account::plan::{Plan, RunEnd, SecretChange};
use vault_core::account::wake::wake;
use vault_core::account::{Account, Subject};
use vault_core::clock::Timestamp;
use vault_core::identity::{Principal, Token, TokenState};
use vault_core::knower::Knower;
use vault_core::lease::{Lease, LeaseState};
use vault_core::rotation::attempt::{self, Attempt};
use vault_core::rotation::lockout::bill::Bill;
use vault_core::rotation::port::Minted;
use vault_core::secret::SecretString;
use vault_core::store::batch::Require;
use vault_core::store::due;
use vault_core::store::key::Table;

use super::Engine;
use super::circuit::waiting_name;
use super::heartbeat::beat_name;
use super::ledger::put_incidents;
use super::outbox::Turned;
use super::record::{DUE_ACCOUNT, Secret, attempt_name, history_name, log_name, secret_name};
use super::team;
use crate::barrier::{Barrier, CommitError, LoadError, Loaded, Transaction};
use crate::service::knower::note_giver;

/// Why a plan was not committed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// A record could not be read.
    #[error("a record that belongs to the change could not be read")]
    Load(#[from] LoadError),
    /// The token that borrows has ended, so that nobody would end the lease with it.
    #[error("permission denied")]
    BorrowerGone,
    /// The plan keeps a credential that nobody made.
    #[error("there is no new credential to keep")]
    NothingToKeep,
    /// The store did not take it.
    #[error("the change was not committed")]
    Commit(#[from] CommitError),
}

/// What a call has brought, beside what it showed.
#[derive(Debug, Default)]
pub(super) struct Brought {
    /// The credential that the target has just made.
    pub(super) minted: Option<Minted>,
    /// What its logins have cost.
    pub(super) bills: Vec<Bill>,
}

impl Engine {
    /// Commits `plan`, which was decided upon `before`, with what the call has brought that it follows from.
    pub(super) async fn commit(
        &self,
        before: &Loaded<Account>,
        plan: &Plan,
        brought: &Brought,
    ) -> Result<(), PlanError> {
        let barrier = &self.inner.barrier;
        let _turns = self.turns_of(&before.value, plan).await;
        let mut batch = barrier.transaction().map_err(CommitError::from)?;
        let subject = &plan.account.subject;
        for change in &plan.secrets {
            self.secret_change(&mut batch, &plan.account, *change, brought.minted.as_ref())?;
        }
        self.put_bills(&mut batch, &brought.bills)?;
        let mut account = with_history(&mut batch, plan);
        reschedule(&mut batch, before.value.armed, &mut account);
        batch.put(subject.key(), before.require(), &account);
        if let Some(lease) = &plan.lease {
            put_lease(barrier, &mut batch, lease, self.now())?;
        }
        let turned = put_incidents(barrier, &mut batch, &subject.key(), &plan.ledger)?;
        let attempt = attempt::ended(&before.value, plan, self.now());
        let is_over = attempt.is_some() || plan.ended.is_some();
        let team = if is_over { team::of_account(barrier, &plan.account)? } else { None };
        let attempt = attempt.map(|attempt| Attempt { team: team.clone(), ..attempt });
        if let Some(attempt) = &attempt {
            // After a step back of the clock one may end at the very moment of another of that number.
            let name = attempt_name(attempt);
            let there = barrier.revision::<Attempt>(name.clone())?;
            batch.put(name, there.map_or(Require::Absent, Require::At), attempt);
        }
        if let Some(end) = &plan.ended {
            // A rotation that was parked may end once more, and the clock may have stepped back to that very
            // moment: its last end counts.
            let name = log_name(end);
            let there = barrier.revision::<RunEnd>(name.clone())?;
            batch.put(name, there.map_or(Require::Absent, Require::At), &RunEnd { team, ..end.clone() });
        }
        let outbox = &self.inner.outbox;
        let told = outbox.put(&mut batch, Some((&before.value, plan)), &turned)?;
        barrier.commit(batch).await?;
        if told {
            outbox.committed();
        }
        self.measure(plan, attempt.as_ref(), &turned);
        self.trace_end(&before.value, plan);
        self.hear_mended(&before.value, plan);
        Ok(())
    }

    /// Measures what was committed.
    fn measure(&self, plan: &Plan, attempt: Option<&Attempt>, turned: &[Turned]) {
        let meter = &self.inner.meter.rotation;
        if let Some(attempt) = attempt {
            meter.attempted(self.kind_of(&plan.account.target), attempt);
        }
        turned.iter().filter(|turned| turned.is_turn()).for_each(|turned| meter.turned(&turned.incident));
        let closed = plan.lease.as_ref().filter(|lease| lease.state == LeaseState::Closed);
        if let Some((from, to)) = closed.and_then(|lease| lease.closing.zip(lease.closed_at)) {
            meter.revoked("account", to.since(from));
        }
    }

    fn secret_change(
        &self,
        batch: &mut Transaction,
        account: &Account,
        change: SecretChange,
        minted: Option<&Minted>,
    ) -> Result<(), PlanError> {
        match change {
            SecretChange::Make { version, stricter } => {
                let pending = account.versions.pending.filter(|pending| pending.is_alternate);
                let secret = Secret {
                    password: self.candidate(account, stricter)?,
                    username: pending.map(|pending| account.username_of(pending).to_owned()),
                    handle: None,
                };
                put_secret(batch, &account.subject, version, &secret);
            }
            SecretChange::Keep(version) => {
                let minted = minted.ok_or(PlanError::NothingToKeep)?;
                let secret = Secret {
                    password: minted.password.duplicate(),
                    username: minted.username.clone(),
                    handle: Some(minted.handle.clone()),
                };
                put_secret(batch, &account.subject, version, &secret);
            }
            SecretChange::Drop(version) => {
                drop_secret(&self.inner.barrier, batch, &account.subject, version)?;
            }
        }
        Ok(())
    }
}

/// Writes the plan's history and gives back the account with its counter moved on.
fn with_history(batch: &mut Transaction, plan: &Plan) -> Account {
    let mut account = plan.account.clone();
    for entry in &plan.history {
        let name = history_name(&account.subject, account.history_next);
        batch.put(name, Require::Absent, entry);
        account.history_next += 1;
    }
    account
}

/// Stores the secret of a version that has none yet.
fn put_secret(batch: &mut Transaction, subject: &Subject, version: u64, secret: &Secret) {
    batch.put(secret_name(subject, version), Require::Absent, secret);
}

/// Wipes the secret of a version, if it is there.
pub(crate) fn drop_secret(
    barrier: &Barrier,
    batch: &mut Transaction,
    subject: &Subject,
    version: u64,
) -> Result<(), LoadError> {
    let name = secret_name(subject, version);
    if let Some(revision) = barrier.revision::<Secret>(name.clone())? {
        batch.delete::<Secret>(name, revision);
    }
    Ok(())
}

/// Stores a password that a person brought as the account's current version, and who knows it by that.
pub(crate) fn adopt(
    barrier: &Barrier,
    batch: &mut Transaction,
    account: &mut Account,
    password: SecretString,
    giver: Option<&Principal>,
    now: Timestamp,
) -> Result<(), LoadError> {
    let adopted = account.adopt_known(now);
    if let Some(giver) = giver {
        note_giver(barrier, batch, &account.subject, &Knower::new(account, adopted.number, giver, now))?;
    }
    put_secret(batch, &account.subject, adopted.number, &Secret::of(password));
    for version in adopted.displaced {
        drop_secret(barrier, batch, &account.subject, version)?;
    }
    Ok(())
}

/// Moves the account's entry in the due index from `armed` to where it belongs, and its place among those that wait for
/// its target.
pub(crate) fn reschedule(batch: &mut Transaction, armed: Option<Timestamp>, account: &mut Account) {
    let subject = account.subject.key();
    account.armed = wake(account);
    let (queued, place) = (account.queued, account.place_in_line());
    if queued != place {
        if let Some(place) = queued {
            batch.unmark(Table::Circuit, waiting_name(account, place));
        }
        if let Some(place) = place {
            batch.mark(Table::Circuit, waiting_name(account, place));
        }
        account.queued = place;
    }
    if account.beat.armed != account.beat.next {
        if let Some(at) = account.beat.armed {
            batch.unmark(Table::Heartbeat, beat_name(account, at));
        }
        if let Some(at) = account.beat.next {
            batch.mark(Table::Heartbeat, beat_name(account, at));
        }
        account.beat.armed = account.beat.next;
    }
    if armed == account.armed {
        return;
    }
    if let Some(at) = armed {
        batch.unmark(Table::Due, due::encode(at, DUE_ACCOUNT, subject.as_bytes()));
    }
    if let Some(at) = account.armed {
        batch.mark(Table::Due, due::encode(at, DUE_ACCOUNT, subject.as_bytes()));
    }
}

/// A new lease is stored only together with the fact that its token is alive: a token that ends ends what it
/// holds, and finds nothing that is stored after it.
fn put_lease(
    barrier: &Barrier,
    batch: &mut Transaction,
    lease: &Lease,
    now: Timestamp,
) -> Result<(), PlanError> {
    // The account's record says all that this one does: if it is damaged, it is written anew.
    let stored = barrier.revision::<Lease>(lease.id.as_str())?;
    let digest = data_encoding::HEXLOWER.decode(lease.borrower.token.as_bytes()).unwrap_or_default();
    let index = [digest.as_slice(), lease.id.as_bytes()].concat();
    if stored.is_none() {
        let token = barrier.load::<Token>(digest.as_slice())?;
        let token = token.filter(|token| token.value.state(now) == TokenState::Live);
        batch.check::<Token>(digest, token.ok_or(PlanError::BorrowerGone)?.require());
        batch.mark(Table::TokenLease, index);
    } else if lease.state == LeaseState::Closed {
        batch.unmark(Table::TokenLease, index);
    }
    batch.put(lease.id.as_str(), stored.map_or(Require::Absent, Require::At), lease);
    Ok(())
}
