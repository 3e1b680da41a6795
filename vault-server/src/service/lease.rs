//! Leases by id, by prefix and by token, as Vault's `sys/leases` has them.

mod together;

use std::time::Duration;

use vault_api::lease::LeaseInfo;
use vault_core::account::Subject;
use vault_core::identity::TokenDigest;
use vault_core::lease::dynamic::SUBJECT_PREFIX;
use vault_core::lease::{EndCause, Lease, LeaseState};
use vault_core::rotation::port::BoxFuture;
use vault_core::store::key::Table;

use self::together::Below;
use super::account::{AccountError, AccountService};
use super::dynamic::DynamicService;
use super::token::{TokenWatcher, WatcherFailed};
use crate::barrier::LoadError;
use crate::engine::Engine;
use crate::engine::dynamic::DynamicError;

/// The leases. Cheap to clone.
#[derive(Clone)]
pub struct LeaseService {
    engine: Engine,
    accounts: AccountService,
    dynamic: DynamicService,
}

/// Leases that are ending.
#[derive(Debug, Default)]
pub struct Ending {
    /// Those that are not proven dead.
    pub leases: Vec<Lease>,
    /// The ids of open ones that cannot be read, and may be ending, too.
    pub damaged: Vec<String>,
}

impl Ending {
    fn take(&mut self, id: String, lease: Result<Option<Lease>, LoadError>) -> Result<(), LoadError> {
        match lease {
            Ok(lease) => self.leases.extend(lease.filter(|lease| lease.state == LeaseState::Revoking)),
            Err(error) if error.is_damage() => {
                tell_damage(&id, &error);
                self.damaged.push(id);
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

impl LeaseService {
    /// The leases of `accounts`, and the `dynamic` ones.
    #[must_use]
    pub fn new(engine: Engine, accounts: AccountService, dynamic: DynamicService) -> Self {
        Self { engine, accounts, dynamic }
    }

    /// The lease `id`, unless it is closed.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn open(&self, id: &str) -> Result<Option<Lease>, LoadError> {
        match self.engine.barrier().load::<Lease>(id)? {
            Some(stored) => Ok(Some(stored.value).filter(|lease| lease.state != LeaseState::Closed)),
            None => self.dynamic.open(id),
        }
    }

    /// How a lease stands.
    ///
    /// # Errors
    /// [`AccountError::Invalid`] for one that is not open, with Vault's text.
    pub fn lookup(&self, id: &str) -> Result<LeaseInfo, AccountError> {
        let lease = self.open(id)?.ok_or_else(|| AccountError::Invalid("invalid lease".to_owned()))?;
        let now = self.engine.now();
        Ok(LeaseInfo {
            id: lease.id.clone(),
            issue_time: lease.issued_at.to_rfc3339(),
            expire_time: Some(lease.expires_at.to_rfc3339()),
            last_renewal: lease.renewed_at.map(|at| at.to_rfc3339()),
            renewable: lease.state == LeaseState::Active,
            ttl: lease.expires_at.since(now).as_secs(),
            state: Some(super::account::lease_word(lease.state).to_owned()),
        })
    }

    /// Gives a lease more time.
    ///
    /// # Errors
    /// [`AccountError`] by cause.
    pub async fn renew(&self, id: &str, increment: Option<Duration>) -> Result<Lease, AccountError> {
        let lease = self.open(id)?.ok_or_else(|| AccountError::Invalid("lease not found".to_owned()))?;
        if is_dynamic(&lease) {
            return Ok(self.dynamic.renew(&lease, increment).await?);
        }
        self.accounts.renew(&lease, increment).await
    }

    /// Ends a lease and waits, bounded, for the proof. Ending an unknown one is no mistake.
    ///
    /// # Errors
    /// [`AccountError`] by cause.
    pub async fn revoke(&self, id: &str, ending: EndCause) -> Result<Option<Lease>, AccountError> {
        let Some(lease) = self.open(id)? else { return Ok(None) };
        if is_dynamic(&lease) {
            return Ok(self.end_together(vec![lease], &ending).await?.into_iter().next());
        }
        let Some(subject) = Subject::from_key(&lease.subject) else { return Ok(None) };
        match self.accounts.end_lease(&subject, Some(id), ending).await {
            Ok(lease) => Ok(Some(lease)),
            // It ended in between.
            Err(AccountError::State(_) | AccountError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Ends the open lease `prefix` and every one below that path; returns those that are not proven dead
    /// yet. As in Vault, `…/db` means `…/db/`, never `…/dba`. Every end is durable before any is waited for.
    ///
    /// # Errors
    /// The first [`AccountError`], after all that can be ended were.
    pub async fn revoke_prefix(&self, prefix: &str, ending: EndCause) -> Result<Vec<Lease>, AccountError> {
        let Below { leases, damaged } = self.below(prefix)?;
        let open = self.end_together(leases, &ending).await;
        damaged.map_or(Ok(()), Err)?;
        open
    }

    /// As [`revoke_prefix`](Self::revoke_prefix), but nothing waits for the target. What is not proven dead stays
    /// open and is tried again: it comes back, with why its end could not even begin.
    ///
    /// # Errors
    /// [`AccountError::Load`]; for a lease that cannot be read, after the others were ended.
    pub async fn revoke_force(
        &self,
        prefix: &str,
        ending: EndCause,
    ) -> Result<Vec<(Lease, Option<AccountError>)>, AccountError> {
        let Below { leases, damaged } = self.below(prefix)?;
        let mut open = Vec::new();
        for lease in leases {
            let failed = self.begin_end(&lease, ending.clone()).await.err();
            // It was read a moment ago, and is as it was if it cannot be now.
            let now = self.open(&lease.id).unwrap_or(Some(lease));
            open.extend(now.map(|lease| (lease, failed)));
        }
        damaged.map_or(Ok(open), |error| Err(error.into()))
    }

    /// Makes durable that a lease ends.
    async fn begin_end(&self, lease: &Lease, ending: EndCause) -> Result<(), AccountError> {
        if is_dynamic(lease) {
            return Ok(self.dynamic.begin_end(lease, &ending).await.map_err(DynamicError::from)?);
        }
        match Subject::from_key(&lease.subject) {
            Some(subject) => self.accounts.begin_end(&subject, &lease.id, ending).await,
            None => Ok(()),
        }
    }

    /// Open leases that are ending and not proven dead: what Vault calls irrevocable.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn ending(&self) -> Result<Ending, LoadError> {
        let mut ending = Ending::default();
        for id in self.ids_of_accounts("")? {
            let lease = self.open(&id);
            ending.take(id, lease)?;
        }
        self.dynamic.each(|id, lease| ending.take(id, lease))?;
        Ok(ending)
    }

    /// The ids of open leases that start with `prefix`, and of those that cannot be read.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn ids(&self, prefix: &str) -> Result<Vec<String>, LoadError> {
        let mut ids = self.ids_of_accounts(prefix)?;
        ids.extend(self.dynamic.ids(prefix)?);
        Ok(ids)
    }

    fn ids_of_accounts(&self, prefix: &str) -> Result<Vec<String>, LoadError> {
        let mut ids = Vec::new();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = self.engine.barrier().list_each::<Lease>(prefix.as_bytes(), after.as_deref(), PAGE)?;
            let Some((last, _)) = page.last() else { return Ok(ids) };
            after = Some(last.clone());
            for (name, lease) in page {
                let is_closed = lease.is_ok_and(|lease| lease.value.state == LeaseState::Closed);
                ids.extend(String::from_utf8(name).ok().filter(|_| !is_closed));
            }
        }
    }

    /// Makes durable that everything the token holds ends. One that cannot end yet does not hold up the
    /// others; it is told at the end.
    async fn token_gone(&self, token: &TokenDigest) -> Result<(), AccountError> {
        let prefix = token.as_bytes();
        let mut failed =
            self.dynamic.token_gone(token).await.map_err(DynamicError::from).err().map(Into::into);
        let mut after: Option<Vec<u8>> = None;
        loop {
            let names = self.engine.barrier().names(Table::TokenLease, prefix, after.as_deref(), PAGE)?;
            let Some(last) = names.last() else { break };
            after = Some(last.clone());
            for name in names {
                let Some(id) = name.get(prefix.len()..).and_then(|id| std::str::from_utf8(id).ok()) else {
                    continue;
                };
                if id.starts_with('\0') {
                    // A dynamic one.
                    continue;
                }
                let lease = match self.open(id) {
                    Err(error) if error.is_damage() => {
                        tell_damage(id, &error);
                        failed = failed.or(Some(error.into()));
                        continue;
                    }
                    lease => lease?,
                };
                let Some(lease) = lease.filter(|lease| lease.state == LeaseState::Active) else { continue };
                let Some(subject) = Subject::from_key(&lease.subject) else { continue };
                if let Err(error) = self.accounts.begin_end(&subject, id, EndCause::TokenGone).await {
                    failed = failed.or(Some(error));
                }
            }
        }
        failed.map_or(Ok(()), Err)
    }
}

/// Says in the log which lease cannot be read: an answer does not name it.
fn tell_damage(id: &str, error: &LoadError) {
    tracing::error!(lease = id, error = error as &dyn std::error::Error, "a lease cannot be read");
}

/// Whether a lease is one of a user that was made for it.
fn is_dynamic(lease: &Lease) -> bool {
    lease.subject.starts_with(SUBJECT_PREFIX)
}

impl TokenWatcher for LeaseService {
    fn token_revoked<'a>(&'a self, token: &'a TokenDigest) -> BoxFuture<'a, Result<(), WatcherFailed>> {
        Box::pin(
            async move { self.token_gone(token).await.map_err(|error| WatcherFailed(error.to_string())) },
        )
    }
}

/// Records read at a time.
const PAGE: usize = 500;
