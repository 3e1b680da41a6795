//! Pools are written and removed. An account comes and goes only while the decision about it still holds.

use vault_core::account::Account;
use vault_core::mount::Mount;
use vault_core::path::AccountPath;
use vault_core::pool::{ACCOUNTS_MAX, Pool, PoolId};
use vault_core::store::batch::Require;

use super::{Legible, PoolError, PoolService, subject};
use crate::barrier::{ATTEMPTS_MAX, CommitError, Loaded, Transaction, require};
use crate::engine::record::Member;

impl PoolService {
    /// Puts what `decide` makes of the pool in its place; it may be asked again when another change comes first.
    ///
    /// # Errors
    /// What `decide` says, or [`PoolError`] by cause; nothing was changed.
    pub async fn write<E: From<PoolError>>(
        &self,
        mount: &Mount,
        id: &PoolId,
        decide: impl Fn(Option<&Pool>) -> Result<Pool, E>,
    ) -> Result<(), E> {
        for _ in 0..ATTEMPTS_MAX {
            let loaded = self.load(id).map_err(PoolError::from)?;
            let pool = decide(loaded.as_ref().map(|loaded| &loaded.value))?;
            pool.check().map_err(PoolError::from)?;
            let batch = self.put(mount, id, loaded.as_ref(), &pool)?;
            match self.engine.barrier().commit(batch).await {
                Err(CommitError::Conflict) => {}
                outcome => return Ok(outcome.map_err(PoolError::from)?),
            }
        }
        Err(PoolError::from(CommitError::Conflict).into())
    }

    fn put(
        &self,
        mount: &Mount,
        id: &PoolId,
        loaded: Option<&Loaded<Pool>>,
        pool: &Pool,
    ) -> Result<Transaction, PoolError> {
        let before = loaded.map_or(&[] as &[AccountPath], |loaded| &loaded.value.accounts);
        let (come, go) = (without(&pool.accounts, before), without(before, &pool.accounts));
        if come.len() + go.len() > ACCOUNTS_MAX {
            return Err(PoolError::TooManyChanges);
        }
        let barrier = self.engine.barrier();
        let mut batch = barrier.transaction()?;
        if !mount.kind.is_built_in() {
            let there = barrier.load::<Mount>(*mount.id.as_bytes())?;
            let there = there.filter(|there| !there.value.ending).ok_or(PoolError::MountGone)?;
            batch.check::<Mount>(*mount.id.as_bytes(), there.require());
        }
        for path in come {
            let account = self.account(path)?.ok_or_else(|| PoolError::NoAccount(path.clone()))?;
            if self.of_account(path)?.is_some() {
                return Err(PoolError::OfAnother(path.clone()));
            }
            batch.check::<Account>(subject(path).key(), account.require());
            batch.put(subject(path).key(), Require::Absent, &Member { pool: id.clone() });
        }
        for path in go {
            self.let_go(&mut batch, path)?;
        }
        batch.put(id.key(), require(loaded), pool);
        Ok(batch)
    }

    /// Takes an account that is not lent out of its pool.
    fn let_go(&self, batch: &mut Transaction, path: &AccountPath) -> Result<(), PoolError> {
        // One whose record is damaged can still leave: nothing is known of it that would keep it.
        if let Legible::Account(account) = self.legible(path)? {
            if account.value.lending.is_held() {
                return Err(PoolError::CheckedOut(path.clone()));
            }
            batch.check::<Account>(subject(path).key(), account.require());
        }
        self.unmark(batch, path)
    }

    fn unmark(&self, batch: &mut Transaction, path: &AccountPath) -> Result<(), PoolError> {
        if let Some(revision) = self.engine.barrier().revision::<Member>(subject(path).key())? {
            batch.delete::<Member>(subject(path).key(), revision);
        }
        Ok(())
    }

    /// Removes the pool, if it is there and nothing of it is lent. Its accounts stay.
    ///
    /// # Errors
    /// [`PoolError`] by cause; nothing was changed.
    pub async fn remove(&self, id: &PoolId) -> Result<(), PoolError> {
        self.drop_with(id, |batch, path| self.let_go(batch, path)).await
    }

    /// Removes the pool whatever is lent: who calls this has seen to it that it ends.
    pub(super) async fn release(&self, id: &PoolId) -> Result<(), PoolError> {
        self.drop_with(id, |batch, path| self.unmark(batch, path)).await
    }

    async fn drop_with(
        &self,
        id: &PoolId,
        let_go: impl Fn(&mut Transaction, &AccountPath) -> Result<(), PoolError>,
    ) -> Result<(), PoolError> {
        for _ in 0..ATTEMPTS_MAX {
            let Some(loaded) = self.load(id)? else { return Ok(()) };
            let mut batch = self.engine.barrier().transaction()?;
            for path in &loaded.value.accounts {
                let_go(&mut batch, path)?;
            }
            batch.delete::<Pool>(id.key(), loaded.revision);
            match self.engine.barrier().commit(batch).await {
                Err(CommitError::Conflict) => {}
                outcome => return Ok(outcome?),
            }
        }
        Err(CommitError::Conflict.into())
    }
}

/// Those of `all` that are not among `others`.
fn without<'a>(all: &'a [AccountPath], others: &[AccountPath]) -> Vec<&'a AccountPath> {
    all.iter().filter(|path| !others.contains(path)).collect()
}
