//! The lockout guard: what logins may cost a target's accounts, written down before they are sent.
//!
//! ```text
//!   admit: is there room? ──no──► held: whoever asked waits, or is told until when
//!     └─yes─► reserved, on disk ─► the call ─► its answer, in the commit of what follows from it
//! ```
//!
//! A process that dies in between, or an answer that never comes, leaves the login counted as refused. Of a target
//! without a threshold nothing is read or written.

use tokio::sync::OwnedSemaphorePermit;
use vault_core::account::plan::Effect;
use vault_core::account::{Account, Readable, Subject};
use vault_core::clock::Timestamp;
use vault_core::path::Name;
use vault_core::rotation::lockout::bill::{Bill, Grant, Pass, acts_alone, grant};
use vault_core::rotation::lockout::{Logins, Purse, asked, hold, sent};
use vault_core::store::batch::Require;
use vault_core::store::key::Table;
use vault_core::target::Target;
use vault_core::target::lockout::{Held, Login, Tally};

use super::Engine;
use super::commit::PlanError;
use super::record::managed_name;
use crate::barrier::{CommitError, LoadError, Loaded, Record, Transaction, require};

/// The refused logins that count for a name.
pub(crate) struct Counted {
    /// All of them, and when none counts any more.
    pub(crate) all: Held,
    /// When there is room for the next one, where there is none.
    pub(crate) held_until: Option<Timestamp>,
}

impl Record for Tally {
    const TABLE: Table = Table::LoginTally;
}

impl Engine {
    /// Why `effect` must not be run now.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub(crate) fn held_back(&self, account: &Account, effect: Effect) -> Result<Option<Held>, LoadError> {
        let Some(target) = self.guarded(&account.target)? else { return Ok(None) };
        for (username, logins) in asked(account, effect) {
            if let Some(held) = self.without_room(&target, &username, logins)? {
                return Ok(Some(held));
            }
        }
        if acts_alone(account, effect) {
            return Ok(None);
        }
        self.management_held_back(&target)
    }

    /// Why the management credential must not be used now; `None` also where it is not used anyway.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub(crate) fn management_held_back(&self, target: &Target) -> Result<Option<Held>, LoadError> {
        let subject = Subject::Management(target.name.clone());
        let Some(manager) = self.account(&subject)? else { return Ok(None) };
        if !matches!(manager.value.readable(), Readable::Yes(_)) {
            return Ok(None);
        }
        self.without_room(target, &target.username, 1)
    }

    /// Waits until one more call by the management credential cannot lock it, were all refused that are under way.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub(crate) async fn seat(&self, target: &Target) -> Result<Option<OwnedSemaphorePermit>, LoadError> {
        let Some(limit) = target.lockout.limit() else { return Ok(None) };
        let counted = || {
            let tally = self.tally(&target.name, &target.username)?;
            Ok::<u32, LoadError>(tally.map_or(0, |tally| tally.value.count(limit, self.now())))
        };
        loop {
            let before = counted()?;
            let seat = self.inner.gates.seat(target, before).await;
            if counted()? <= before {
                return Ok(seat);
            }
        }
    }

    /// The same for an effect, where it needs that credential for somebody else.
    pub(super) async fn seat_for(
        &self,
        account: &Account,
        effect: Effect,
    ) -> Result<Option<OwnedSemaphorePermit>, LoadError> {
        if acts_alone(account, effect) {
            return Ok(None);
        }
        match self.guarded(&account.target)? {
            Some(target) => self.seat(&target).await,
            None => Ok(None),
        }
    }

    /// The target, if it says when it locks.
    fn guarded(&self, target: &Name) -> Result<Option<Target>, LoadError> {
        let target = self.target(target)?.map(|target| target.value);
        Ok(target.filter(|target| target.lockout.limit().is_some()))
    }

    fn without_room(&self, target: &Target, username: &str, logins: u32) -> Result<Option<Held>, LoadError> {
        if target.lockout.limit().is_none() {
            return Ok(None);
        }
        let tally = self.tally(&target.name, username)?.map(|tally| tally.value).unwrap_or_default();
        Ok(tally.held(username, logins, target.lockout, self.now()))
    }

    /// The refused logins that count for a name; `None` where none does.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub(crate) fn counted_logins(&self, target: &Name, username: &str) -> Result<Option<Counted>, LoadError> {
        let Some(target) = self.guarded(target)? else { return Ok(None) };
        let limit = target.lockout.limit();
        let all = self.without_room(&target, username, limit.map_or(1, |limit| limit.refusals))?;
        let Some(all) = all else { return Ok(None) };
        let held_until = self.without_room(&target, username, 1)?.map(|held| held.until);
        Ok(Some(Counted { all, held_until }))
    }

    fn tally(&self, target: &Name, username: &str) -> Result<Option<Loaded<Tally>>, LoadError> {
        self.inner.barrier.load::<Tally>(managed_name(target, username))
    }

    /// Writes down the logins that `effect` is about to send; or says why it must not.
    pub(super) async fn admit(
        &self,
        account: &Account,
        effect: Effect,
    ) -> Result<Result<Pass, Held>, PlanError> {
        let Some(target) = self.guarded(&account.target)? else { return Ok(Ok(Pass::default())) };
        if let Some(held) = self.held_back(account, effect)? {
            self.told_to_wait(&target.name, &held).await?;
            return Ok(Err(held));
        }
        self.reserve(&target, sent(account, effect), &asked(account, effect)).await
    }

    /// Writes `sent` down as refused, as far as there is room; for `asked` there must be.
    async fn reserve(
        &self,
        target: &Target,
        sent: Logins,
        asked: &Logins,
    ) -> Result<Result<Pass, Held>, PlanError> {
        let Some(limit) = target.lockout.limit() else { return Ok(Ok(Pass::default())) };
        'again: for _ in 0..CONFLICTS_MAX {
            let (now, barrier) = (self.now(), &self.inner.barrier);
            let mut batch = barrier.transaction().map_err(CommitError::from)?;
            let (mut room, mut reserved) = (Logins::new(), Logins::new());
            for (username, logins) in &sent {
                let stored = self.tally(&target.name, username)?;
                let tally = stored.as_ref().map(|stored| stored.value.clone()).unwrap_or_default();
                let needed = asked.get(username).copied().unwrap_or(0);
                let Some(Grant { tally, room: left, reserved: logins }) =
                    grant(tally, *logins, needed, limit, now)
                else {
                    // Somebody else has had it since it was asked for; or it has just become free.
                    let Some(held) = self.without_room(target, username, needed)? else { continue 'again };
                    self.told_to_wait(&target.name, &held).await?;
                    return Ok(Err(held));
                };
                batch.put(managed_name(&target.name, username), require(stored.as_ref()), &tally);
                room.insert(username.clone(), left);
                reserved.insert(username.clone(), logins);
            }
            let (manager, purse) = (Some(target.username.clone()), Purse::with(room, limit.refusals));
            let pass = Pass { limit: Some(limit), at: Some(now), reserved, manager, purse };
            if sent.is_empty() {
                return Ok(Ok(pass));
            }
            match barrier.commit(batch).await {
                Ok(_) => return Ok(Ok(pass)),
                Err(CommitError::Conflict) => tokio::task::yield_now().await,
                Err(error) => return Err(error.into()),
            }
        }
        Err(CommitError::Conflict.into())
    }

    /// Counts that something was held back. A tally from before the clock was stepped back is written down as it counts
    /// now, so that its window ends.
    ///
    /// # Errors
    /// [`PlanError`] by cause.
    pub(crate) async fn told_to_wait(&self, target: &Name, held: &Held) -> Result<(), PlanError> {
        self.inner.meter.circuits.held_back();
        let Some(limit) = held.lockout.limit() else { return Ok(()) };
        let Some(stored) = self.tally(target, &held.username)? else { return Ok(()) };
        let require = stored.require();
        let aged = stored.value.clone().aged(limit, self.now());
        if aged == stored.value {
            return Ok(());
        }
        let mut batch = self.inner.barrier.transaction().map_err(CommitError::from)?;
        batch.put(managed_name(target, &held.username), require, &aged);
        match self.inner.barrier.commit(batch).await {
            // Whoever came first has done it.
            Ok(_) | Err(CommitError::Conflict) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Puts off what was about to be called.
    pub(super) async fn hold_back(&self, subject: &Subject, held: &Held) -> Result<(), PlanError> {
        self.decide(subject, |account, context| hold(account, held, context)).await.map(drop)
    }

    /// Adds to a commit what logins have cost.
    pub(super) fn put_bills(&self, batch: &mut Transaction, bills: &[Bill]) -> Result<(), LoadError> {
        let now = self.now();
        for bill in bills {
            let stored = self.tally(&bill.target, &bill.username)?;
            let before = stored.as_ref().map(|stored| stored.value.clone()).unwrap_or_default();
            let tally = bill.paid(before.clone(), now);
            let name = managed_name(&bill.target, &bill.username);
            match stored {
                Some(stored) if tally.is_empty() => {
                    batch.delete::<Tally>(name, stored.revision);
                }
                stored if tally != before => {
                    batch.put(name, stored.map_or(Require::Absent, |stored| stored.require()), &tally);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Writes down what logins have cost, where nothing else follows from them.
    pub(super) async fn settle_bills(&self, bills: &[Bill]) -> Result<(), PlanError> {
        for _ in 0..CONFLICTS_MAX {
            let mut batch = self.inner.barrier.transaction().map_err(CommitError::from)?;
            self.put_bills(&mut batch, bills)?;
            if batch.is_empty() {
                return Ok(());
            }
            match self.inner.barrier.commit(batch).await {
                Err(CommitError::Conflict) => tokio::task::yield_now().await,
                other => return Ok(other.map(drop)?),
            }
        }
        Err(CommitError::Conflict.into())
    }

    /// Writes down what a call by the management credential showed that belongs to no account.
    pub(crate) async fn note_management_login(&self, target: &Target, refused: bool) {
        let Some(limit) = target.lockout.limit() else { return };
        let shown = if refused { Login::Refused } else { Login::Works };
        if let Err(error) = self.settle_bills(&[Bill::of_management(target, limit, shown)]).await {
            let error = super::drive::Chain(&error);
            tracing::error!(target_name = %target.name, %error, "a login was not counted");
        }
    }

    /// Sends one login that belongs to no effect, and counts it; or says why it must not be sent.
    ///
    /// # Errors
    /// [`PlanError`] by cause; nothing was sent, or what was sent stays counted as refused.
    pub(crate) async fn guarded_login<T>(
        &self,
        target: &Target,
        username: &str,
        login: impl Future<Output = (T, Option<Login>)>,
    ) -> Result<Result<T, Held>, PlanError> {
        let Some(limit) = target.lockout.limit() else { return Ok(Ok(login.await.0)) };
        if let Some(held) = self.without_room(target, username, 1)? {
            self.told_to_wait(&target.name, &held).await?;
            return Ok(Err(held));
        }
        let username = username.to_owned();
        let one = Logins::from([(username.clone(), 1)]);
        let pass = match self.reserve(target, one.clone(), &one).await? {
            Ok(pass) => pass,
            Err(held) => return Ok(Err(held)),
        };
        let (value, shown) = login.await;
        let reserved = pass.at.map(|at| (1, at));
        let bill = Bill {
            target: target.name.clone(),
            username,
            limit,
            reserved,
            shown: shown.into_iter().collect(),
        };
        self.settle_bills(&[bill]).await?;
        Ok(Ok(value))
    }

    /// What was counted of a name on a target goes when the name is no longer managed.
    pub(crate) fn drop_tally(&self, batch: &mut Transaction, managed: &[u8]) -> Result<(), LoadError> {
        if let Some(revision) = self.inner.barrier.revision::<Tally>(managed)? {
            batch.delete::<Tally>(managed, revision);
        }
        Ok(())
    }
}

/// How often a tally is written again because another commit came first.
const CONFLICTS_MAX: u32 = 64;
