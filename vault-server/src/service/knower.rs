//! The ledger of who knows what: on disk before a plaintext leaves, and read back when somebody leaves.
//!
//! ```text
//!   fetch ──► in memory: this principal has this version already   (no store, no disk)
//!               └── its first time ──► one commit, shared with whatever else is being written ──► the answer
//! ```
//!
//! What was known of a version goes after the version itself, now and then; until then it says nothing, because
//! whoever reads the ledger asks the account whether the version is still stored.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use vault_core::account::{Account, Subject};
use vault_core::clock::Clock;
use vault_core::identity::Principal;
use vault_core::knower::{Knower, Named};
use vault_core::store::batch::{Require, Revision};
use vault_core::store::key::Table;

use crate::barrier::{Barrier, CommitError, LoadError, Record, Sealed, Transaction};
use crate::shutdown::Shutdown;

impl Record for Knower {
    const TABLE: Table = Table::Knower;
}

/// The ledger. Cheap to clone.
#[derive(Clone)]
pub struct KnowerService {
    inner: Arc<Inner>,
}

struct Inner {
    barrier: Barrier,
    clock: Arc<dyn Clock>,
    hasher: RandomState,
    /// What is certainly on disk, so that most readers need not ask there.
    noted: Vec<Mutex<HashSet<u64>>>,
    last: Mutex<HashSet<u64>>,
}

/// Why something was not noted; then nothing may be handed out.
#[derive(Debug, thiserror::Error)]
pub enum NoteError {
    /// A record was not read.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The change was not committed.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl From<Sealed> for NoteError {
    fn from(_: Sealed) -> Self {
        Self::Load(LoadError::Sealed)
    }
}

impl KnowerService {
    /// Over `barrier`.
    #[must_use]
    pub fn new(barrier: Barrier, clock: Arc<dyn Clock>) -> Self {
        let noted = (1..SHARDS).map(|_| Mutex::default()).collect();
        let inner = Inner { barrier, clock, hasher: RandomState::new(), noted, last: Mutex::default() };
        Self { inner: Arc::new(inner) }
    }

    /// Makes durable that `principal` is being given `version` of `account`. Only its first time waits for the disk;
    /// says whether this was that.
    ///
    /// # Errors
    /// [`NoteError`] by cause.
    pub async fn note(
        &self,
        account: &Account,
        version: u64,
        principal: &Principal,
    ) -> Result<bool, NoteError> {
        let knower = Knower::new(account, version, principal, self.inner.clock.now());
        let name = name(&account.subject, &knower);
        let key = self.inner.hasher.hash_one(&name);
        if self.shard(key).contains(&key) {
            return Ok(false);
        }
        let is_new = self.inner.barrier.revision::<Knower>(name.clone())?.is_none();
        if is_new {
            let mut batch = self.inner.barrier.transaction()?;
            batch.put(name, Require::Absent, &knower);
            match self.inner.barrier.commit(batch).await {
                // Another request of the same principal came first.
                Ok(()) | Err(CommitError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let mut shard = self.shard(key);
        if shard.len() >= NOTED_MAX {
            shard.clear();
        }
        shard.insert(key);
        Ok(is_new)
    }

    /// The versions of `account` that are still stored and that somebody who is `named` knows.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn known(&self, account: &Account, named: &Named) -> Result<Vec<u64>, LoadError> {
        let mut versions: Vec<u64> = Vec::new();
        self.each(&account.subject, |name, knower| {
            let is_of = |knower: &Knower| knower.account == account.created_at;
            let version = match knower {
                Some(knower) => Some(knower.version).filter(|_| is_of(knower) && means(named, knower)),
                None => version_of(&account.subject, name),
            };
            versions.extend(version.filter(|version| {
                !versions.contains(version)
                    && account.versions.stored().any(|stored| stored.number == *version)
            }));
        })?;
        Ok(versions)
    }

    /// Whether anybody who is `named` knows any version of an account whose record cannot be read.
    pub(super) fn knows_any(&self, subject: &Subject, named: &Named) -> Result<bool, LoadError> {
        let mut knows = false;
        self.each(subject, |_, knower| knows |= knower.is_none_or(|knower| means(named, knower)))?;
        Ok(knows)
    }

    /// Looks at each entry of an account: its name, and what it says. One that cannot be read says nothing, and may
    /// be anybody's.
    fn each(&self, subject: &Subject, mut see: impl FnMut(&[u8], Option<&Knower>)) -> Result<(), LoadError> {
        let prefix = prefix(subject);
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = self.inner.barrier.list_each::<Knower>(&prefix, after.as_deref(), PAGE)?;
            let full = page.len() == PAGE;
            after = page.last().map(|(name, _)| name.clone());
            for (name, loaded) in page {
                match loaded {
                    Ok(loaded) => see(&name, Some(&loaded.value)),
                    Err(error) if error.is_damage() => {
                        let error = &error as &dyn std::error::Error;
                        tracing::error!(account = %subject, error, "who knows a password cannot be read");
                        see(&name, None);
                    }
                    Err(error) => return Err(error),
                }
            }
            if !full {
                return Ok(());
            }
        }
    }

    /// The account after the one whose names begin `after`, that anybody is known to know.
    pub(super) fn next(&self, after: Option<&[u8]>) -> Result<Option<(Subject, Vec<u8>)>, LoadError> {
        let mut after = after.map(<[u8]>::to_vec);
        loop {
            let names = self.inner.barrier.names(Table::Knower, &[], after.as_deref(), 1)?;
            let Some(name) = names.into_iter().next() else { return Ok(None) };
            let nul = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
            let subject = name.get(..nul).and_then(|key| std::str::from_utf8(key).ok());
            match subject.and_then(Subject::from_key) {
                Some(subject) => {
                    // Behind the last name that the prefix may have.
                    let mut last = prefix(&subject);
                    last.extend([0xff; 8]);
                    return Ok(Some((subject, last)));
                }
                None => after = Some(name),
            }
        }
    }

    fn of(&self, subject: &Subject) -> Result<Vec<(Found, Knower)>, LoadError> {
        let (prefix, mut found) = (prefix(subject), Vec::new());
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = self.inner.barrier.list::<Knower>(&prefix, after.as_deref(), PAGE)?;
            let full = page.len() == PAGE;
            after = page.last().map(|(name, _)| name.clone());
            found.extend(page.into_iter().map(|(name, loaded)| ((name, loaded.revision), loaded.value)));
            if !full {
                return Ok(found);
            }
        }
    }

    /// Forgets now and then what was known of versions that are gone, until the shutdown.
    pub async fn run_until(&self, shutdown: &Shutdown) {
        let mut pulse = tokio::time::interval(TIDIED_EVERY);
        pulse.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = shutdown.begun() => return,
                _ = pulse.tick() => {}
            }
            match self.tidy().await {
                Ok(()) | Err(NoteError::Load(LoadError::Sealed)) => {}
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "what was known of old passwords is not forgotten yet");
                }
            }
        }
    }

    /// Forgets what was known of versions that are gone.
    ///
    /// # Errors
    /// [`NoteError`] by cause; the rest waits for the next time.
    pub async fn tidy(&self) -> Result<(), NoteError> {
        let mut after: Option<Vec<u8>> = None;
        while let Some((subject, last)) = self.next(after.as_deref())? {
            after = Some(last);
            match self.useless(&subject) {
                Ok(useless) => self.forget(useless).await?,
                Err(error) if error.is_damage() => {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(account = %subject, error, "who knows a password cannot be read");
                }
                Err(error) => return Err(error.into()),
            }
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    fn useless(&self, subject: &Subject) -> Result<Vec<Found>, LoadError> {
        // The ledger first: what is noted after the look at the account stays.
        let knowers = self.of(subject)?;
        let account = self.inner.barrier.load::<Account>(subject.key())?.map(|loaded| loaded.value);
        let is_useless = |knower: &Knower| {
            account.as_ref().is_none_or(|account| {
                // A version that is not there yet may be on its way into the record.
                account.created_at != knower.account
                    || (knower.version <= account.versions.last
                        && !account.versions.stored().any(|stored| stored.number == knower.version))
            })
        };
        Ok(knowers.into_iter().filter(|(_, knower)| is_useless(knower)).map(|(found, _)| found).collect())
    }

    async fn forget(&self, useless: Vec<Found>) -> Result<(), NoteError> {
        for some in useless.chunks(TOGETHER) {
            let mut batch = self.inner.barrier.transaction()?;
            for (name, revision) in some {
                batch.delete::<Knower>(name.clone(), *revision);
            }
            match self.inner.barrier.commit(batch).await {
                // The re-wrap came between: next time.
                Ok(()) | Err(CommitError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn shard(&self, key: u64) -> MutexGuard<'_, HashSet<u64>> {
        let at = usize::try_from(key % SHARDS).unwrap_or_default();
        let shard = self.inner.noted.get(at).unwrap_or(&self.inner.last);
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notes in the commit that stores a password which `knower` brought.
pub(crate) fn note_giver(
    barrier: &Barrier,
    batch: &mut Transaction,
    subject: &Subject,
    knower: &Knower,
) -> Result<(), LoadError> {
    let name = name(subject, knower);
    // What was known of an account of that path that was deleted in this very millisecond says the same.
    if barrier.revision::<Knower>(name.clone())?.is_none() {
        batch.put(name, Require::Absent, knower);
    }
    Ok(())
}

/// The name and the revision of a record.
type Found = (Vec<u8>, Revision);

/// Subject, NUL, version, who.
fn name(subject: &Subject, knower: &Knower) -> Vec<u8> {
    let mut name = prefix(subject);
    name.extend_from_slice(&knower.version.to_be_bytes());
    name.extend_from_slice(&knower.mark());
    name
}

/// The version that the name of an entry tells.
fn version_of(subject: &Subject, name: &[u8]) -> Option<u64> {
    let rest = name.get(prefix(subject).len()..)?;
    rest.first_chunk::<8>().map(|version| u64::from_be_bytes(*version))
}

fn means(named: &Named, knower: &Knower) -> bool {
    named.means(&knower.who, &knower.accessor, &knower.name)
}

fn prefix(subject: &Subject) -> Vec<u8> {
    let mut name = subject.key().into_bytes();
    name.push(0);
    name
}

/// Parts of the memory.
const SHARDS: u64 = 64;
/// Most principals and versions remembered in each part.
const NOTED_MAX: usize = 4096;
/// Records read at a time.
const PAGE: usize = 500;
/// Records that go in one commit.
const TOGETHER: usize = 100;
/// Between two looks for what can be forgotten.
const TIDIED_EVERY: Duration = Duration::from_secs(60);
