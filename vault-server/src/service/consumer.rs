//! Consumers: the request that fetches a version of a credential is its consumer's receipt.
//!
//! ```text
//!   fetch ──► in memory: known, nothing to do   (no store, no disk: readers wait for nobody's write)
//!               └── new version, or long not heard of ──► written down within a second, many in one commit
//! ```
//!
//! A crash loses the receipts of the last second, and up to an hour of "heard of last". Whoever is missing for that is
//! taken for a holder of the version before, or is not known yet: never for a holder of the new one.

mod confirm;
mod flush;
mod view;
mod walk;

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use vault_core::account::{Account, Subject};
use vault_core::clock::{Clock, Timestamp};
use vault_core::consumer::{Fetched, Looked, Receipt, Uptake, uptake};
use vault_core::identity::{Principal, Token, TokenState};
use vault_core::rotation::grace;
use vault_core::store::key::Table;

use crate::barrier::{Barrier, LoadError, Record};
use crate::shutdown::Shutdown;
use crate::telemetry::metrics::Metrics;

pub use self::confirm::ConfirmError;
pub use self::view::{Consumer, Consumers};
pub use self::walk::Tally;

impl Record for Receipt {
    const TABLE: Table = Table::Consumer;
}

/// Receipts. Cheap to clone.
#[derive(Clone)]
pub struct ConsumerService {
    inner: Arc<Inner>,
}

struct Inner {
    barrier: Barrier,
    clock: Arc<dyn Clock>,
    hasher: RandomState,
    /// Each consumer of each account is in one of them, so that readers do not meet.
    shards: Vec<Mutex<Shard>>,
    last_shard: Mutex<Shard>,
    live: Gauge,
    lagging: Gauge,
    dropped: Counter,
    /// How all stood at the last walk.
    tally: Mutex<Tally>,
    /// One writes them down at a time: what another has on the way is not taken for written.
    writing: tokio::sync::Mutex<()>,
    /// Accounts in their grace that every live consumer may have the new version of.
    ready: Mutex<BTreeSet<Subject>>,
}

#[derive(Default)]
struct Shard {
    known: HashMap<u64, Known>,
    /// What is to be written down.
    dirty: Vec<u64>,
    /// What is being written down: neither in the store yet nor to be written again.
    on_the_way: Vec<(Subject, Receipt)>,
}

struct Known {
    subject: Subject,
    receipt: Receipt,
    is_dirty: bool,
}

impl ConsumerService {
    /// Nobody is known yet.
    #[must_use]
    pub fn new(barrier: Barrier, clock: Arc<dyn Clock>, metrics: &Metrics) -> Self {
        let (live, lagging, dropped) = (Gauge::default(), Gauge::default(), Counter::default());
        metrics.register(|registry| {
            registry.register("consumers_live", "Consumers of credentials that are live", live.clone());
            registry.register(
                "consumers_lagging",
                "Live consumers that hold another version than the current one",
                lagging.clone(),
            );
            registry.register(
                "consumer_receipts_dropped",
                "Receipts that found no room in memory",
                dropped.clone(),
            );
        });
        let inner = Inner {
            barrier,
            clock,
            hasher: RandomState::new(),
            shards: (1..SHARDS).map(|_| Mutex::default()).collect(),
            last_shard: Mutex::default(),
            live,
            lagging,
            dropped,
            tally: Mutex::default(),
            writing: tokio::sync::Mutex::default(),
            ready: Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Notes that `principal` is being given `what` of `account`.
    pub fn fetched(&self, account: &Account, principal: &Principal, what: Fetched) {
        let now = self.inner.clock.now();
        let key = self.key(&account.subject, principal);
        let mut shard = self.shard(key);
        let shard = &mut *shard;
        match shard.known.get_mut(&key) {
            Some(known) if known.is_of(account, principal) => {
                if known.receipt.fetched(what, now) && !known.is_dirty {
                    known.is_dirty = true;
                    shard.dirty.push(key);
                }
            }
            _ => {
                let receipt = Receipt::new(account, principal, what, now);
                self.learn(shard, key, account.subject.clone(), receipt);
            }
        }
    }

    /// Notes that `principal`, who watches `account`, is still there. Of who never fetched anything that says
    /// nothing.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn heard_of(&self, account: &Account, principal: &Principal) -> Result<(), LoadError> {
        let now = self.inner.clock.now();
        let key = self.key(&account.subject, principal);
        if !self.shard(key).known.get(&key).is_some_and(|known| known.is_of(account, principal)) {
            let name = name(&account.subject, principal.accessor().as_str());
            let Some(stored) = self.inner.barrier.load::<Receipt>(name)? else { return Ok(()) };
            if stored.value.account == account.created_at {
                let known =
                    Known { subject: account.subject.clone(), receipt: stored.value, is_dirty: false };
                self.shard(key).known.entry(key).or_insert(known);
            }
        }
        let mut shard = self.shard(key);
        let shard = &mut *shard;
        if let Some(known) = shard.known.get_mut(&key).filter(|known| known.is_of(account, principal))
            && known.receipt.heard_of(now)
            && !known.is_dirty
        {
            known.is_dirty = true;
            shard.dirty.push(key);
        }
        Ok(())
    }

    /// Accounts in their grace to be looked at, each named once.
    pub fn take_ready(&self) -> BTreeSet<Subject> {
        std::mem::take(&mut *self.inner.ready.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How far the current version of `account` has come.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn uptake(&self, account: &Account) -> Result<Uptake, LoadError> {
        let found = self.of(account)?;
        Ok(uptake(found.all.iter().map(|one| (&one.receipt, one.standing))))
    }

    /// Whoever works on `account` is to look at it, if it waits for its consumers.
    fn may_be_ready(&self, account: &Account) {
        if grace::of(account).is_some() {
            let mut ready = self.inner.ready.lock().unwrap_or_else(PoisonError::into_inner);
            ready.insert(account.subject.clone());
        }
    }

    /// Tells whether there was room.
    fn learn(&self, shard: &mut Shard, key: u64, subject: Subject, receipt: Receipt) -> bool {
        if shard.known.len() >= KNOWN_MAX {
            // What is written down is found there again.
            shard.known.retain(|_, known| known.is_dirty);
        }
        if shard.known.len() >= KNOWN_MAX {
            self.inner.dropped.inc();
            return false;
        }
        let before = shard.known.insert(key, Known { subject, receipt, is_dirty: true });
        if before.is_none_or(|before| !before.is_dirty) {
            shard.dirty.push(key);
        }
        true
    }

    /// Writes down what is new, and counts who lags, until the shutdown; what is left then is written last.
    pub async fn run_until(&self, shutdown: &Shutdown) {
        let mut pulse = tokio::time::interval(FLUSHED_EVERY);
        pulse.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut pulses = 0_u32;
        loop {
            let stops = tokio::select! {
                () = shutdown.begun() => true,
                _ = pulse.tick() => false,
            };
            if let Err(error) = self.flush().await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "receipts of consumers wait to be written down"
                );
            }
            if stops {
                return;
            }
            if pulses.is_multiple_of(WALKED_EVERY) {
                match self.walk().await {
                    Ok(()) | Err(flush::FlushError::Load(LoadError::Sealed)) => {}
                    Err(error) => {
                        let error = &error as &dyn std::error::Error;
                        tracing::warn!(error, "the consumers could not be counted");
                    }
                }
            }
            pulses = pulses.wrapping_add(1);
        }
    }

    /// Each receipt, and whether its token lives.
    fn looked_at(
        &self,
        receipts: impl Iterator<Item = Receipt>,
        now: Timestamp,
    ) -> Result<Vec<Looked>, LoadError> {
        receipts.map(|receipt| Ok(Looked { lives: self.lives(&receipt, now)?, receipt })).collect()
    }

    /// Whether the holder's token lives.
    fn lives(&self, receipt: &Receipt, now: Timestamp) -> Result<bool, LoadError> {
        if let Some(end) = receipt.token_ends {
            return Ok(now < end);
        }
        let token = match self.inner.barrier.load::<Token>(*receipt.token.as_bytes()) {
            // Nobody knows, so what it was given is not forgotten.
            Err(error) if error.is_damage() => return Ok(true),
            token => token?,
        };
        Ok(token.is_some_and(|token| token.value.state(now) == TokenState::Live))
    }

    fn key(&self, subject: &Subject, principal: &Principal) -> u64 {
        self.inner.hasher.hash_one((subject, principal.accessor().as_str()))
    }

    fn shard(&self, key: u64) -> MutexGuard<'_, Shard> {
        let at = usize::try_from(key % SHARDS).unwrap_or_default();
        let shard = self.inner.shards.get(at).unwrap_or(&self.inner.last_shard);
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn is_of(&self, account: &Account, principal: &Principal) -> bool {
        self.subject == account.subject
            && self.receipt.account == account.created_at
            && self.receipt.accessor == principal.accessor().as_str()
    }
}

/// The name of a receipt in the store: subject, NUL, accessor.
fn name(subject: &Subject, accessor: &str) -> Vec<u8> {
    let mut name = prefix(subject);
    name.extend_from_slice(accessor.as_bytes());
    name
}

/// The prefix of all receipts of a subject.
fn prefix(subject: &Subject) -> Vec<u8> {
    let mut name = subject.key().into_bytes();
    name.push(0);
    name
}

/// How soon a receipt is written down.
const FLUSHED_EVERY: Duration = Duration::from_secs(1);
/// So many flushes for each count of who lags.
const WALKED_EVERY: u32 = 60;
/// Parts of the memory.
const SHARDS: u64 = 64;
/// Most consumers known in each part.
const KNOWN_MAX: usize = 1024;
