//! Leases by id, by prefix and by token, as Vault's `sys/leases` has them.

use std::time::Duration;

use vault_api::lease::LeaseInfo;
use vault_core::account::Subject;
use vault_core::identity::TokenDigest;
use vault_core::lease::dynamic::SUBJECT_PREFIX;
use vault_core::lease::{EndCause, Lease, LeaseState};
use vault_core::rotation::port::BoxFuture;
use vault_core::store::key::Table;

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
            let open = self.dynamic.end_together(&[lease], &ending).await.map_err(DynamicError::from)?;
            return Ok(open.into_iter().next());
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
    /// yet. As in Vault, `…/db` means `…/db/`, never `…/dba`.
    ///
    /// # Errors
    /// [`AccountError`] by cause; leases before the failing one are ended.
    pub async fn revoke_prefix(&self, prefix: &str, ending: EndCause) -> Result<Vec<Lease>, AccountError> {
        let mut open = Vec::new();
        let path = prefix.trim_end_matches('/');
        let mut ids = self.ids(&format!("{path}/"))?;
        ids.extend(self.open(path)?.map(|lease| lease.id));
        let mut dynamic = Vec::new();
        for id in ids {
            if let Some(lease) = self.open(&id)?.filter(is_dynamic) {
                dynamic.push(lease);
            } else if let Some(lease) = self.revoke(&id, ending.clone()).await?
                && lease.state != LeaseState::Closed
            {
                open.push(lease);
            }
        }
        open.extend(self.dynamic.end_together(&dynamic, &ending).await.map_err(DynamicError::from)?);
        Ok(open)
    }

    /// As [`revoke_prefix`](Self::revoke_prefix), but one that fails does not hold up the others; and nothing
    /// waits for the target. What is not proven dead stays open and is tried again: it comes back, with why
    /// its end could not even begin.
    ///
    /// # Errors
    /// [`AccountError::Load`].
    pub async fn revoke_force(
        &self,
        prefix: &str,
        ending: EndCause,
    ) -> Result<Vec<(Lease, Option<AccountError>)>, AccountError> {
        let mut open = Vec::new();
        let path = prefix.trim_end_matches('/');
        let mut ids = self.ids(&format!("{path}/"))?;
        ids.extend(self.open(path)?.map(|lease| lease.id));
        for id in ids {
            let Some(lease) = self.open(&id)? else { continue };
            let failed = self.begin_end(&lease, ending.clone()).await.err();
            open.extend(self.open(&id)?.map(|lease| (lease, failed)));
        }
        Ok(open)
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

    /// Open leases that are ending and not proven dead, oldest id first: what Vault calls irrevocable.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn ending(&self) -> Result<Vec<Lease>, LoadError> {
        let mut ending = Vec::new();
        for id in self.ids_of_accounts("")? {
            ending.extend(self.open(&id)?.filter(|lease| lease.state == LeaseState::Revoking));
        }
        ending.extend(self.dynamic.ending()?);
        Ok(ending)
    }

    /// The ids of open leases that start with `prefix`.
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
            let page = self.engine.barrier().list::<Lease>(prefix.as_bytes(), after.as_deref(), PAGE)?;
            let full = page.len() == PAGE;
            after = page.last().map(|(name, _)| name.clone());
            ids.extend(
                page.into_iter()
                    .map(|(_, lease)| lease.value)
                    .filter(|lease| lease.state != LeaseState::Closed)
                    .map(|lease| lease.id),
            );
            if !full {
                return Ok(ids);
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
                let active = self.open(id)?.filter(|lease| lease.state == LeaseState::Active);
                let Some(lease) = active else { continue };
                let Some(subject) = Subject::from_key(&lease.subject) else { continue };
                if let Err(error) = self.accounts.begin_end(&subject, id, EndCause::TokenGone).await {
                    failed = failed.or(Some(error));
                }
            }
        }
        failed.map_or(Ok(()), Err)
    }
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
