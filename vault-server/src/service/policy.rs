//! Path policies: stored texts, and their compiled form kept ready.
//!
//! The compiled form is looked up by the names and the stored revisions of the policies, so a change is in
//! force with the very next decision and nothing needs to be told to forget.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use vault_core::policy::{
    Acl, DEFAULT_POLICY_NAME, POLICY_NAME_BYTES_MAX, Policy, PolicyError, ROOT_POLICY_NAME,
    WRAPPING_POLICY_NAME, WRAPPING_POLICY_TEXT, policy_name,
};
use vault_core::store::batch::Revision;
use vault_core::store::key::Table;

use crate::barrier::{ATTEMPTS_MAX, Barrier, CommitError, LoadError, Record, require};

/// A policy as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyRecord {
    /// The text, byte for byte.
    pub text: String,
}

impl Record for PolicyRecord {
    const TABLE: Table = Table::Policy;
}

/// Why a policy was not read, written or deleted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyServiceError {
    /// The text or the name; says what to mend.
    #[error(transparent)]
    Invalid(#[from] PolicyError),
    /// `root` and `default` stay, and so does `response-wrapping`.
    #[error("cannot delete {0:?} policy")]
    BuiltIn(String),
    /// `response-wrapping` stays as it is.
    #[error("cannot update {0:?} policy")]
    Fixed(String),
    /// A record was not loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A change was not committed.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

/// The policies.
pub struct PolicyService {
    barrier: Barrier,
    compiled: Mutex<HashMap<Versions, Arc<Acl>>>,
}

/// Names with the revisions that were read; `None` for a policy that does not exist.
type Versions = Vec<(String, Option<Revision>)>;

impl PolicyService {
    /// The policies behind `barrier`.
    #[must_use]
    pub fn new(barrier: Barrier) -> Self {
        Self { barrier, compiled: Mutex::default() }
    }

    /// What the policies of these names allow together. A name without a policy gives nothing.
    ///
    /// # Errors
    /// [`PolicyServiceError::Load`], and [`PolicyServiceError::Invalid`] for a stored text that this
    /// version cannot read: then nothing is allowed, since an ignored `deny` would be worse.
    pub fn acl(&self, names: &[String]) -> Result<Arc<Acl>, PolicyServiceError> {
        let versions = self.versions(names)?;
        if let Some(acl) = self.compiled().get(&versions) {
            return Ok(Arc::clone(acl));
        }
        let mut policies = Vec::new();
        for (name, revision) in &versions {
            if name == ROOT_POLICY_NAME {
                policies.push(Policy::root());
            } else if name == WRAPPING_POLICY_NAME {
                policies.push(Policy::parse(name, WRAPPING_POLICY_TEXT)?);
            } else if revision.is_some()
                && let Some(stored) = self.barrier.load::<PolicyRecord>(name.as_bytes())?
            {
                if Some(stored.revision) != *revision {
                    // Written between the two reads: compiled once and not kept, the next request sees it.
                    return self.acl_uncached(names);
                }
                policies.push(Policy::parse(name, &stored.value.text)?);
            }
        }
        let acl = Arc::new(Acl::new(&policies));
        let mut compiled = self.compiled();
        if compiled.len() >= COMPILED_MAX {
            compiled.clear();
        }
        compiled.insert(versions, Arc::clone(&acl));
        Ok(acl)
    }

    fn acl_uncached(&self, names: &[String]) -> Result<Arc<Acl>, PolicyServiceError> {
        let mut policies = Vec::new();
        for name in names {
            policies.extend(self.policy(name)?);
        }
        Ok(Arc::new(Acl::new(&policies)))
    }

    fn versions(&self, names: &[String]) -> Result<Versions, PolicyServiceError> {
        let mut versions = Vec::with_capacity(names.len());
        for name in names {
            let revision = if name == ROOT_POLICY_NAME || name == WRAPPING_POLICY_NAME {
                None
            } else {
                self.barrier.revision::<PolicyRecord>(name.as_bytes())?
            };
            versions.push((name.clone(), revision));
        }
        versions.sort();
        Ok(versions)
    }

    /// The policy of this name, in any case of letters.
    ///
    /// # Errors
    /// [`PolicyServiceError`] by cause; absence is `Ok(None)`.
    pub fn policy(&self, name: &str) -> Result<Option<Policy>, PolicyServiceError> {
        let name = policy_name(name)?;
        if name == ROOT_POLICY_NAME {
            return Ok(Some(Policy::root()));
        }
        if name == WRAPPING_POLICY_NAME {
            return Ok(Some(Policy::parse(&name, WRAPPING_POLICY_TEXT)?));
        }
        let stored = self.barrier.load::<PolicyRecord>(name.as_bytes())?;
        Ok(stored.map(|stored| Policy::parse(&name, &stored.value.text)).transpose()?)
    }

    /// All names, sorted, with `root` and `default`.
    ///
    /// # Errors
    /// [`PolicyServiceError::Load`].
    pub fn names(&self) -> Result<Vec<String>, PolicyServiceError> {
        let mut names = vec![ROOT_POLICY_NAME.to_owned()];
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = self.barrier.names(Table::Policy, b"", after.as_deref(), PAGE)?;
            let Some(last) = page.last() else { break };
            after = Some(last.clone());
            names.extend(page.into_iter().filter_map(|name| String::from_utf8(name).ok()));
        }
        names.sort();
        Ok(names)
    }

    /// Writes a policy; the text must be understood whole.
    ///
    /// # Errors
    /// [`PolicyServiceError`] by cause.
    pub async fn write(&self, name: &str, text: &str) -> Result<(), PolicyServiceError> {
        let policy = Policy::parse(name, text)?;
        if policy.name() == WRAPPING_POLICY_NAME {
            return Err(PolicyServiceError::Fixed(policy.name().to_owned()));
        }
        let record = PolicyRecord { text: text.to_owned() };
        for _ in 0..ATTEMPTS_MAX {
            let current = self.barrier.load::<PolicyRecord>(policy.name().as_bytes())?;
            let mut transaction = self.barrier.transaction().map_err(LoadError::from)?;
            transaction.put(policy.name().as_bytes(), require(current.as_ref()), &record);
            match self.barrier.commit(transaction).await {
                Err(CommitError::Conflict) => {}
                outcome => return Ok(outcome?),
            }
        }
        Err(CommitError::Conflict.into())
    }

    /// Deletes a policy; one that is not there is no error.
    ///
    /// # Errors
    /// [`PolicyServiceError`] by cause.
    pub async fn delete(&self, name: &str) -> Result<(), PolicyServiceError> {
        let name = policy_name(name)?;
        if [ROOT_POLICY_NAME, DEFAULT_POLICY_NAME, WRAPPING_POLICY_NAME].contains(&name.as_str()) {
            return Err(PolicyServiceError::BuiltIn(name));
        }
        for _ in 0..ATTEMPTS_MAX {
            let Some(revision) = self.barrier.revision::<PolicyRecord>(name.as_bytes())? else {
                return Ok(());
            };
            let mut transaction = self.barrier.transaction().map_err(LoadError::from)?;
            transaction.delete::<PolicyRecord>(name.as_bytes(), revision);
            match self.barrier.commit(transaction).await {
                Err(CommitError::Conflict) => {}
                outcome => return Ok(outcome?),
            }
        }
        Err(CommitError::Conflict.into())
    }

    fn compiled(&self) -> std::sync::MutexGuard<'_, HashMap<Versions, Arc<Acl>>> {
        self.compiled.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Compiled sets kept at most; far above the number of different sets in use.
const COMPILED_MAX: usize = 1024;
const PAGE: usize = 256;
const _: () = assert!(POLICY_NAME_BYTES_MAX <= 510, "a policy's name must fit a key");
