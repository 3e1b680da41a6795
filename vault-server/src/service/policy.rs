//! Path policies: stored texts, and their compiled form kept ready.
//!
//! Policies change only here, so what was compiled holds until the next change of any of them, and a decision
//! takes no lock and reads nothing. A change forgets all of it before it is answered: whoever knows of the
//! change is decided upon by it.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use serde::{Deserialize, Serialize};
use vault_core::policy::{
    Acl, DEFAULT_POLICY_NAME, POLICY_NAME_BYTES_MAX, Policy, PolicyError, ROOT_POLICY_NAME,
    WRAPPING_POLICY_NAME, WRAPPING_POLICY_TEXT, policy_name,
};
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
    compiled: ArcSwap<Compiled>,
}

/// What was compiled since the last change of any policy.
#[derive(Default)]
struct Compiled {
    /// How many changes there were since the server started.
    changes: u64,
    /// By the names of the policies, in the order that tokens have them.
    by_names: HashMap<Vec<String>, Arc<Acl>>,
}

impl Compiled {
    fn with(&self, names: &[String], acl: &Arc<Acl>) -> Self {
        let mut by_names =
            if self.by_names.len() < COMPILED_MAX { self.by_names.clone() } else { HashMap::new() };
        by_names.insert(names.to_vec(), Arc::clone(acl));
        Self { changes: self.changes, by_names }
    }
}

impl PolicyService {
    /// The policies behind `barrier`.
    #[must_use]
    pub fn new(barrier: Barrier) -> Self {
        Self { barrier, compiled: ArcSwap::default() }
    }

    /// What the policies of these names allow together. A name without a policy gives nothing.
    ///
    /// # Errors
    /// [`PolicyServiceError::Load`], and [`PolicyServiceError::Invalid`] for a stored text that this
    /// version cannot read: then nothing is allowed, since an ignored `deny` would be worse.
    pub fn acl(&self, names: &[String]) -> Result<Arc<Acl>, PolicyServiceError> {
        if self.barrier.is_sealed() {
            return Err(LoadError::Sealed.into());
        }
        let compiled = self.compiled.load();
        if let Some(acl) = compiled.by_names.get(names) {
            return Ok(Arc::clone(acl));
        }
        let mut policies = Vec::new();
        for name in names {
            // What cannot be the name of a policy names none.
            if policy_name(name).is_ok() {
                policies.extend(self.policy(name)?);
            }
        }
        let acl = Arc::new(Acl::new(&policies));
        self.compiled.rcu(|current| {
            // A policy that changed since the first look may have been read before its change.
            if current.changes == compiled.changes {
                Arc::new(current.with(names, &acl))
            } else {
                Arc::clone(current)
            }
        });
        Ok(acl)
    }

    /// Forgets what was compiled; called between the commit of a change and its answer.
    fn forget(&self) {
        self.compiled
            .rcu(|current| Compiled { changes: current.changes.wrapping_add(1), ..Compiled::default() });
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
        names.extend(self.barrier.names_below(Table::Policy, b"")?);
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
                outcome => {
                    self.forget();
                    return Ok(outcome?);
                }
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
                outcome => {
                    self.forget();
                    return Ok(outcome?);
                }
            }
        }
        Err(CommitError::Conflict.into())
    }
}

/// Compiled sets kept at most; far above the number of different sets in use.
const COMPILED_MAX: usize = 1024;
const _: () = assert!(POLICY_NAME_BYTES_MAX <= 510, "a policy's name must fit a key");
