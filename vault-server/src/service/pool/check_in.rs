//! Check-in: the lease ends, and what it handed out dies on the target.

use tokio::task::JoinSet;
use vault_core::identity::Principal;
use vault_core::lease::{EndCause, Lease, LeaseState};
use vault_core::mount::Mount;
use vault_core::path::AccountPath;
use vault_core::pool::{Pool, PoolId};

use super::{PoolError, PoolService, subject};
use crate::service::account::AccountError;
use crate::telemetry::trace::Tracer;

/// Which check-outs are to end.
#[derive(Clone, Copy, Debug)]
pub struct Return<'a> {
    /// Of these accounts; of the caller's only one when none is named.
    pub named: &'a [AccountPath],
    /// The lease that is meant; a stale one is refused and changes nothing.
    pub lease_id: Option<&'a str>,
    /// Whose.
    pub authority: Authority,
}

/// Whose check-outs may be ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authority {
    /// The caller's own; anybody's, where the pool says so.
    Own,
    /// Anybody's of the pool.
    Anybody,
}

impl PoolService {
    /// Ends check-outs and waits, bounded, for the proof. What is not lent is left as it is.
    ///
    /// # Errors
    /// [`PoolError`] by cause; what was named beside the one that failed is ended all the same.
    pub async fn check_in(
        &self,
        id: &PoolId,
        asked: Return<'_>,
        principal: &Principal,
    ) -> Result<Vec<(AccountPath, Lease)>, PoolError> {
        let pool = self.existing(id)?;
        let any = asked.authority == Authority::Anybody || pool.disable_check_in_enforcement;
        let may_end = |lease: &Lease| {
            // What was lent by the account's own name is not the pool's to end.
            lease.borrower.id == principal.id() || (any && lease.pool.as_ref() == Some(id))
        };
        let meant = self.meant(&pool, asked, may_end)?;
        let mut work = JoinSet::new();
        for (at, (path, lease)) in meant.into_iter().enumerate() {
            let own = lease.borrower.id == principal.id();
            let forced = || EndCause::Forced { principal: principal.display_name().to_owned() };
            let ending = if own { EndCause::CheckIn } else { forced() };
            let accounts = self.accounts.clone();
            work.spawn(Tracer::carried(async move {
                let outcome = accounts.end_lease(&subject(&path), Some(&lease.id), ending).await;
                (at, path, lease, outcome)
            }));
        }
        let (mut ended, mut failed) = (Vec::new(), None);
        while let Some(joined) = work.join_next().await {
            let Ok((at, path, lease, outcome)) = joined else { continue };
            match outcome {
                Ok(lease) => ended.push((at, (path, lease))),
                // It ended in between.
                Err(AccountError::State(_) | AccountError::NotFound) => {
                    ended.push((at, (path, Lease { state: LeaseState::Closed, ..lease })));
                }
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        ended.sort_by_key(|(at, _)| *at);
        match failed {
            Some(error) => Err(error.into()),
            None => Ok(ended.into_iter().map(|(_, ended)| ended).collect()),
        }
    }

    /// Which leases are to end.
    fn meant(
        &self,
        pool: &Pool,
        asked: Return<'_>,
        may_end: impl Fn(&Lease) -> bool,
    ) -> Result<Vec<(AccountPath, Lease)>, PoolError> {
        let mut meant = Vec::new();
        if asked.named.is_empty() {
            let mut damaged = None;
            for path in &pool.accounts {
                let lent = match self.active(path) {
                    // It may be the one that is meant, but the others can be given back.
                    Err(PoolError::Load(error)) if error.is_damage() => {
                        damaged = Some(error);
                        continue;
                    }
                    lent => lent?,
                };
                let lent = lent.filter(|lease| asked.lease_id.is_none_or(|id| id == lease.id));
                meant.extend(lent.filter(&may_end).map(|lease| (path.clone(), lease)));
            }
            if let Some(error) = damaged.filter(|_| meant.is_empty()) {
                return Err(error.into());
            }
            return match (meant.len(), asked.lease_id) {
                (0, Some(_)) => Err(PoolError::Stale),
                (0 | 1, _) => Ok(meant),
                _ => Err(PoolError::Several),
            };
        }
        for path in asked.named {
            if !pool.accounts.contains(path) {
                return Err(PoolError::NotMember(path.clone()));
            }
            let lent = self.active(path)?;
            if asked.lease_id.is_some_and(|id| lent.as_ref().is_none_or(|lease| lease.id != id)) {
                return Err(PoolError::Stale);
            }
            let Some(lease) = lent else { continue };
            if !may_end(&lease) {
                return Err(PoolError::NotBorrower(path.clone()));
            }
            if !meant.iter().any(|(other, _)| other == path) {
                meant.push((path.clone(), lease));
            }
        }
        Ok(meant)
    }

    /// The lease of who may be using the account now.
    fn active(&self, path: &AccountPath) -> Result<Option<Lease>, PoolError> {
        let holder = self.account(path)?.and_then(|loaded| loaded.value.lending.holder);
        Ok(holder.filter(|lease| lease.state == LeaseState::Active))
    }

    /// Makes durable that whatever was lent from the pools of a mount that has stopped to answer ends, and removes
    /// the pools. The accounts stay. A pool of which something could not be ended stays, too, and keeps no other.
    ///
    /// # Errors
    /// The first [`PoolError`] by cause; what is left is found again by another try.
    pub(in crate::service) async fn take_away(&self, mount: &Mount) -> Result<(), PoolError> {
        let mut first = Ok(());
        for name in self.names(mount)? {
            let Some(id) = PoolId::from_key(&mount.key(name.as_bytes())) else { continue };
            first = first.and(self.take_one_away(mount, &id).await);
        }
        first
    }

    async fn take_one_away(&self, mount: &Mount, id: &PoolId) -> Result<(), PoolError> {
        let Some(pool) = self.find(id)? else { return Ok(()) };
        let mut first = Ok(());
        for path in &pool.accounts {
            first = first.and(self.end_lent(mount, id, path).await);
        }
        first?;
        self.release(id).await
    }

    async fn end_lent(&self, mount: &Mount, id: &PoolId, path: &AccountPath) -> Result<(), PoolError> {
        let lent = self.active(path)?.filter(|lease| lease.pool.as_ref() == Some(id));
        let Some(lease) = lent else { return Ok(()) };
        let ending = EndCause::Forced { principal: format!("the end of the mount {}", mount.path) };
        self.accounts.begin_end(&subject(path), &lease.id, ending).await?;
        Ok(())
    }
}
