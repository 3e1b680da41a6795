//! Watches: who waits for the next version of a credential, and what wakes them.
//!
//! ```text
//!   commit ──► store tells what changed ──► the watches of that account, or of that token ──► look anew
//!   seal, stop ────────────────────────────► all of them
//! ```
//!
//! Nothing polls. Readers of credentials do not come by here, and a commit takes the lock below only when it
//! changed an account or a token.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::Notify;
use vault_core::account::Subject;
use vault_core::clock::Timestamp;
use vault_core::identity::{TokenDigest, keys};
use vault_core::path::AccountPath;
use vault_core::policy::Authorized;
use vault_core::store::key::{Key, Table};
use vault_core::store::watch::{Changes, Subscription};

use crate::barrier::LoadError;
use crate::engine::Engine;
use crate::shutdown::Shutdown;
use crate::telemetry::metrics::Metrics;

/// Open watches, and how many there may be.
pub struct WatchService {
    engine: Engine,
    shutdown: Shutdown,
    hub: Arc<Hub>,
    watches_max: usize,
    _subscription: Subscription,
}

/// Why nothing is watched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WatchError {
    /// There is no such account, or it was deleted meanwhile.
    #[error("there is no such account")]
    NotFound,
    /// The token has as many open watches as one token may have.
    #[error(
        "this token has {0} open watches already, which is the most for one token: close one, or watch with another token"
    )]
    TooManyOfToken(usize),
    /// The server has as many open watches as it may have.
    #[error(
        "the server has {0} open watches already, which is its limit: try again later, or raise limits.connections"
    )]
    TooMany(usize),
    /// The account could not be read.
    #[error(transparent)]
    Load(#[from] LoadError),
}

/// What a watcher is told: never a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The current version; 0 while there is none.
    pub version: u64,
    /// When it was promoted.
    pub last_rotation: Option<Timestamp>,
    /// When it will be replaced.
    pub next_rotation: Option<Timestamp>,
}

/// What ended a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// The account or the token has changed: look anew.
    Changed,
    /// The vault was sealed.
    Sealed,
    /// The server stops.
    Stopping,
}

/// One open watch; dropping it closes it.
pub struct Watch {
    subject: Subject,
    id: u64,
    /// Of the account and of the token.
    keys: [Key; 2],
    wake: Arc<Notify>,
    hub: Arc<Hub>,
    engine: Engine,
    shutdown: Shutdown,
}

#[derive(Default)]
struct Hub {
    open: Mutex<Open>,
    gauge: Gauge,
}

#[derive(Default)]
struct Open {
    next: u64,
    count: usize,
    by_key: HashMap<Key, HashMap<u64, Arc<Notify>>>,
}

impl WatchService {
    /// No watches yet. Each holds a connection, so at most half of `connections_max` are let in.
    #[must_use]
    pub fn new(engine: Engine, shutdown: Shutdown, metrics: &Metrics, connections_max: usize) -> Self {
        let hub = Arc::new(Hub::default());
        metrics.register(|registry| {
            registry.register("watches_open", "Watches that are open now", hub.gauge.clone());
        });
        let told = Arc::clone(&hub);
        let subscription =
            engine.barrier().store().subscribe(Box::new(move |changes: &Changes| told.tell(changes)));
        let watches_max = (connections_max / 2).max(1);
        Self { engine, shutdown, hub, watches_max, _subscription: subscription }
    }

    /// How many watches are open.
    #[must_use]
    pub fn count(&self) -> usize {
        self.hub.open().count
    }

    /// Opens a watch of `path` for the holder of `token`. Changes that come after this wake it, so look once
    /// before the first wait. Whether the account exists is only seen by looking.
    ///
    /// # Errors
    /// [`WatchError::TooManyOfToken`] and [`WatchError::TooMany`].
    pub fn open(&self, path: &AccountPath, token: &TokenDigest) -> Result<Watch, WatchError> {
        let subject = Subject::Account(path.clone());
        let keys = [Key::new(Table::Account, subject.key()), keys::token(token)];
        let [_, token] = &keys;
        let wake = Arc::new(Notify::new());
        let mut open = self.hub.open();
        if open.by_key.get(token).is_some_and(|watches| watches.len() >= WATCHES_PER_TOKEN_MAX) {
            return Err(WatchError::TooManyOfToken(WATCHES_PER_TOKEN_MAX));
        }
        if open.count >= self.watches_max {
            return Err(WatchError::TooMany(self.watches_max));
        }
        let id = open.next;
        open.next += 1;
        open.count += 1;
        for key in &keys {
            open.by_key.entry(key.clone()).or_default().insert(id, Arc::clone(&wake));
        }
        self.hub.gauge.inc();
        drop(open);
        let (hub, engine, shutdown) = (Arc::clone(&self.hub), self.engine.clone(), self.shutdown.clone());
        Ok(Watch { subject, id, keys, wake, hub, engine, shutdown })
    }
}

impl Watch {
    /// How the account stands now, for who may still be told.
    ///
    /// # Errors
    /// [`WatchError::NotFound`] and [`WatchError::Load`].
    pub fn look(&self, _: &Authorized) -> Result<Seen, WatchError> {
        let account = self.engine.account(&self.subject)?.ok_or(WatchError::NotFound)?.value;
        Ok(Seen {
            version: account.versions.current.map_or(0, |version| version.number),
            last_rotation: account.last_rotation,
            next_rotation: account.next_rotation,
        })
    }

    /// Waits until there is a reason to look anew. A change that came since the last wait counts, so none
    /// is missed.
    pub async fn woken(&self) -> Woken {
        tokio::select! {
            biased;
            () = self.engine.barrier().closed() => Woken::Sealed,
            () = self.shutdown.begun() => Woken::Stopping,
            () = self.wake.notified() => Woken::Changed,
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut open = self.hub.open();
        open.count = open.count.saturating_sub(1);
        for key in &self.keys {
            if let Some(watches) = open.by_key.get_mut(key) {
                watches.remove(&self.id);
                if watches.is_empty() {
                    open.by_key.remove(key);
                }
            }
        }
        self.hub.gauge.dec();
    }
}

impl Hub {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes whom the commit concerns. Runs on the store's writer thread, so it only marks them.
    fn tell(&self, changes: &Changes) {
        let mut concerned = changes
            .changed
            .iter()
            .filter(|changed| matches!(changed.key.table, Table::Account | Table::Token))
            .peekable();
        if concerned.peek().is_none() {
            return;
        }
        let open = self.open();
        for changed in concerned {
            for wake in open.by_key.get(&changed.key).into_iter().flat_map(HashMap::values) {
                wake.notify_one();
            }
        }
    }
}

/// One token may have so many open watches: far more than a service has accounts.
pub const WATCHES_PER_TOKEN_MAX: usize = 64;
