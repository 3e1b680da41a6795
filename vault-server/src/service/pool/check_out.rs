//! Check-out: whichever account of the pool is free, that which was not lent for the longest time first.

use std::time::Duration;

use tokio::time::Instant;
use vault_core::account::{Account, Subject};
use vault_core::identity::Principal;
use vault_core::lease::EndCause;
use vault_core::lease::checkout::Request;
use vault_core::mount::Mount;
use vault_core::path::AccountPath;
use vault_core::pool::{self, Availability, Pool, PoolId, availability};
use vault_core::rotation::port::Login;

use super::line::Place;
use super::{Legible, PoolError, PoolService, ResultLabels};
use crate::barrier::LoadError;
use crate::engine::flight::Flight;
use crate::engine::{ActError, OUTCOME_WAIT, READ_WAIT};
use crate::service::account::{AccountError, CheckOut, CheckedOut, borrower, lease_suffix};

/// What a check-out asks of a pool.
#[derive(Debug)]
pub struct Ask {
    /// As of an account.
    pub request: CheckOut,
    /// What the lease's id begins with, without the slash before its random part.
    pub lease_prefix: String,
    /// The longest lease that the mount allows.
    pub longest: Duration,
}

/// What is handed out.
#[derive(Debug)]
pub struct Lent {
    /// The account.
    pub path: AccountPath,
    /// Lease and credential.
    pub out: CheckedOut,
}

/// How many accounts of a pool that lent none were in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stock {
    /// All of its accounts.
    pub total: usize,
    /// Those that somebody has, or whose lease is ending.
    pub lent: usize,
    /// Those that are being rotated, or for which somebody stands in line.
    pub busy: usize,
    /// Those that are not healthy.
    pub failing: usize,
    /// Who waited already.
    pub ahead: usize,
}

impl Stock {
    fn count(&mut self, state: Availability) {
        match state {
            Availability::Lent | Availability::Ending => self.lent += 1,
            Availability::Changing | Availability::Promised | Availability::Free => self.busy += 1,
            Availability::Failing | Availability::Refused | Availability::NotReady => self.failing += 1,
        }
    }
}

impl PoolService {
    /// Lends `principal` an account of the pool.
    ///
    /// # Errors
    /// [`PoolError`] by cause; [`PoolError::NoneFree`] when the time to wait is over.
    pub async fn check_out(&self, id: &PoolId, ask: &Ask, principal: &Principal) -> Result<Lent, PoolError> {
        let wait = ask.request.wait.unwrap_or(Duration::ZERO).min(OUTCOME_WAIT);
        let deadline = Instant::now() + wait;
        let place = self.lines.join(id, !wait.is_zero());
        let mut has_waited = false;
        loop {
            ask.request.anybody_there()?;
            let (stock, worked_on) = match self.attempt(id, ask, principal, &place).await? {
                Ok(lent) => {
                    self.check_outs.get_or_create(&ResultLabels { result: "lent" }).inc();
                    return Ok(lent);
                }
                Err(none) => none,
            };
            // Somebody works on one that looks free: most often only for a moment, and nobody else waits for that.
            if let Some(subject) = worked_on.filter(|_| !has_waited) {
                has_waited = true;
                drop(self.engine.flights().take(&subject.key(), READ_WAIT).await);
                continue;
            }
            if Instant::now() >= deadline {
                self.check_outs.get_or_create(&ResultLabels { result: "none_free" }).inc();
                return Err(PoolError::NoneFree(stock));
            }
            ask.request.pause(LINE_PULSE).await;
        }
    }

    /// Tries each account that looks free, unless others came first. Without success also says which of them
    /// somebody works on.
    async fn attempt(
        &self,
        id: &PoolId,
        ask: &Ask,
        principal: &Principal,
        place: &Place,
    ) -> Result<Result<Lent, (Stock, Option<Subject>)>, PoolError> {
        let _turn = place.turn().await;
        let pool = self.existing(id)?;
        let (mut free, mut stock) = self.stock(&pool)?;
        stock.ahead = place.ahead();
        if stock.ahead > 0 {
            stock.busy += free.len();
            return Ok(Err((stock, None)));
        }
        pool::by_turn(&mut free);
        let mut worked_on = None;
        for account in free {
            let Some(flight) = self.engine.flights().try_take(&account.subject.key()) else {
                stock.count(Availability::Changing);
                worked_on = worked_on.or(Some(account.subject));
                continue;
            };
            match self.lend(id, &pool, ask, principal, flight, &account.subject).await? {
                Ok(lent) => return Ok(Ok(lent)),
                Err(state) => stock.count(state),
            }
        }
        Ok(Err((stock, worked_on)))
    }

    /// The accounts of a pool that look free, and how many do not.
    fn stock(&self, pool: &Pool) -> Result<(Vec<Account>, Stock), LoadError> {
        let mut stock = Stock { total: pool.accounts.len(), ..Stock::default() };
        let mut free = Vec::new();
        for path in &pool.accounts {
            match self.legible(path)? {
                Legible::Account(loaded) => match availability(&loaded.value, self.engine.now()) {
                    Availability::Free => free.push(loaded.value),
                    state => stock.count(state),
                },
                Legible::Absent => stock.count(Availability::NotReady),
                Legible::Damaged => stock.count(Availability::Failing),
            }
        }
        Ok((free, stock))
    }

    /// Hands out one account, if it is still free.
    async fn lend(
        &self,
        id: &PoolId,
        pool: &Pool,
        ask: &Ask,
        principal: &Principal,
        flight: Flight,
        subject: &Subject,
    ) -> Result<Result<Lent, Availability>, PoolError> {
        let suffix = lease_suffix(&self.engine);
        let acted = self
            .engine
            .act(flight, subject, |account, context| {
                let limits = pool.limits(&account.settings, ask.longest);
                let request = Request {
                    lease_id: format!("{}/{suffix}", ask.lease_prefix),
                    borrower: borrower(principal),
                    ttl: ask.request.ttl,
                    reason: ask.request.reason.clone(),
                    ticket: ask.request.ticket.clone(),
                    pool: Some(id.clone()),
                };
                match pool::check_out(account, request, limits, context) {
                    Ok(plan) => (Some(plan), None),
                    Err(state) => (None, Some(state)),
                }
            })
            .await;
        let acted = match acted {
            Ok(acted) => acted,
            Err(ActError::NotFound) => return Ok(Err(Availability::NotReady)),
            Err(error) => return Err(AccountError::from(error).into()),
        };
        if let Some(state) = acted.value {
            return Ok(Err(state));
        }
        let (Some(lease), Subject::Account(path)) = (acted.account.lending.holder.clone(), subject) else {
            return Ok(Err(Availability::Changing));
        };
        let there = ask.request.anybody_there().map_err(PoolError::from);
        let login = match there.and_then(|()| self.login(id, path, &acted.account, lease.version)) {
            Ok(login) => login,
            Err(error) => {
                // Nobody has seen the password, and nobody shall keep the account for that.
                self.accounts.begin_end(subject, &lease.id, EndCause::CheckIn).await?;
                return Err(error);
            }
        };
        if let Err(error) = self.accounts.handed_out(&acted.account, &lease, principal).await {
            self.accounts.begin_end(subject, &lease.id, EndCause::CheckIn).await?;
            return Err(error.into());
        }
        let out = CheckedOut { lease, login };
        Ok(Ok(Lent { path: path.clone(), out }))
    }

    /// What to hand out, if the pool still has the account. It is looked at after the lease was
    /// committed, so whoever takes the account out of the pool either sees the lease or is seen here.
    fn login(
        &self,
        id: &PoolId,
        path: &AccountPath,
        account: &Account,
        version: u64,
    ) -> Result<Login, PoolError> {
        if self.of_account(path)?.as_ref() != Some(id) {
            return Err(PoolError::Unknown(id.name.clone()));
        }
        if self.engine.barrier().load::<Mount>(*id.mount.as_bytes())?.is_some_and(|mount| mount.value.ending)
        {
            return Err(PoolError::MountGone);
        }
        let stored = self.engine.stored(account, version)?;
        stored
            .map(|stored| stored.login)
            .ok_or_else(|| AccountError::Busy("the credential is being changed".to_owned()).into())
    }
}

/// How often somebody who waits in line looks again.
const LINE_PULSE: Duration = Duration::from_millis(200);
