//! That something has changed, for pages that are open: a mark for each commit, and nothing of what is in it.
//!
//! ```text
//!   commit ──► store tells which tables changed ──► counts ──► the feeds that are open
//! ```
//!
//! Nothing polls. A commit costs the writer's thread a look at the names of its tables.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::watch;
use vault_core::store::key::Table;
use vault_core::store::watch::{Changes, Subscription};

use crate::engine::Engine;
use crate::shutdown::Shutdown;
use crate::telemetry::metrics::Metrics;

/// Open feeds, and how many there may be.
pub struct PulseService {
    engine: Engine,
    shutdown: Shutdown,
    counts: watch::Sender<Counts>,
    seats: Arc<Seats>,
    feeds_max: usize,
    _subscription: Subscription,
}

/// How often records of a kind were committed; only differences mean something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    incidents: u64,
    accounts: u64,
    silences: u64,
    tokens: u64,
}

/// What a feed tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beat {
    /// An incident was opened, closed, or written about.
    pub incidents: bool,
    /// An account, its rotation or its lending went on.
    pub accounts: bool,
    /// A silence or a maintenance was begun, or is over.
    pub silences: bool,
    /// A token was changed, or is gone: look whether it was one's own.
    pub tokens: bool,
}

/// What ended a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Something has changed since the last time.
    Changed(Beat),
    /// The vault was sealed.
    Sealed,
    /// The server stops.
    Stopping,
}

/// One open feed; dropping it closes it.
pub struct Feed {
    counts: watch::Receiver<Counts>,
    told: Counts,
    engine: Engine,
    shutdown: Shutdown,
    _seat: Seat,
}

#[derive(Default)]
struct Seats {
    taken: Mutex<HashMap<String, usize>>,
    gauge: Gauge,
}

struct Seat {
    of: String,
    seats: Arc<Seats>,
}

impl PulseService {
    /// No feeds yet. Each holds a connection, so at most a quarter of `connections_max` are let in.
    #[must_use]
    pub fn new(engine: Engine, shutdown: Shutdown, metrics: &Metrics, connections_max: usize) -> Self {
        let seats = Arc::new(Seats::default());
        metrics.register(|registry| {
            registry.register(
                "dashboard_feeds_open",
                "Pages of the dashboard that are told of changes now",
                seats.gauge.clone(),
            );
        });
        let (counts, _) = watch::channel(Counts::default());
        let sender = counts.clone();
        let subscription = engine.barrier().store().subscribe(Box::new(move |changes: &Changes| {
            sender.send_if_modified(|counts| counts.count(changes));
        }));
        let feeds_max = (connections_max / 4).max(1);
        Self { engine, shutdown, counts, seats, feeds_max, _subscription: subscription }
    }

    /// How many feeds are open.
    #[must_use]
    pub fn count(&self) -> usize {
        self.seats.taken().values().sum()
    }

    /// Opens a feed for the session `of`; nothing when there are too many of it, or of all.
    #[must_use]
    pub fn open(&self, of: &str) -> Option<Feed> {
        let seat = Seats::take(&self.seats, of, self.feeds_max)?;
        let mut counts = self.counts.subscribe();
        let told = *counts.borrow_and_update();
        let (engine, shutdown) = (self.engine.clone(), self.shutdown.clone());
        Some(Feed { counts, told, engine, shutdown, _seat: seat })
    }
}

impl Counts {
    /// Counts what a commit changed; tells whether that is anything.
    fn count(&mut self, changes: &Changes) -> bool {
        let before = *self;
        let has = |table: Table| changes.changed.iter().any(|changed| changed.key.table == table);
        self.incidents += u64::from(has(Table::Incident));
        self.accounts += u64::from(has(Table::Account));
        self.silences += u64::from(has(Table::Silence));
        self.tokens += u64::from(has(Table::Token));
        before != *self
    }
}

impl Feed {
    /// Waits until something has changed since the last time; what came meanwhile counts, so nothing is missed.
    pub async fn heard(&mut self) -> Heard {
        let (barrier, shutdown) = (self.engine.barrier().clone(), self.shutdown.clone());
        tokio::select! {
            biased;
            () = barrier.closed() => return Heard::Sealed,
            () = shutdown.begun() => return Heard::Stopping,
            changed = self.counts.changed() => if changed.is_err() {
                return Heard::Stopping;
            },
        }
        let now = *self.counts.borrow_and_update();
        let beat = Beat {
            incidents: now.incidents != self.told.incidents,
            accounts: now.accounts != self.told.accounts,
            silences: now.silences != self.told.silences,
            tokens: now.tokens != self.told.tokens,
        };
        self.told = now;
        Heard::Changed(beat)
    }
}

impl Seats {
    fn take(this: &Arc<Self>, of: &str, most: usize) -> Option<Seat> {
        let mut taken = this.taken();
        let is_full = taken.values().sum::<usize>() >= most;
        if is_full || taken.get(of).is_some_and(|count| *count >= FEEDS_PER_SESSION_MAX) {
            return None;
        }
        *taken.entry(of.to_owned()).or_default() += 1;
        this.gauge.inc();
        Some(Seat { of: of.to_owned(), seats: Arc::clone(this) })
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken();
        if let Some(count) = taken.get_mut(&self.of) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.of);
            }
        }
        self.seats.gauge.dec();
    }
}

/// One session may have so many pages open that are told at once; the others ask by themselves.
pub const FEEDS_PER_SESSION_MAX: usize = 8;

#[cfg(test)]
mod tests {
    use vault_core::store::key::Key;
    use vault_core::store::watch::Changed;

    use super::*;

    #[test]
    fn only_what_pages_show_is_counted() {
        let changes = |tables: &[Table]| Changes {
            commit: 1,
            changed: tables
                .iter()
                .map(|table| Changed { key: Key::new(*table, b"x".to_vec()), revision: None })
                .collect(),
        };
        let mut counts = Counts::default();
        assert!(!counts.count(&changes(&[])) && !counts.count(&changes(&[Table::Target])));
        assert!(counts.count(&changes(&[Table::Account, Table::Account, Table::Token])));
        assert_eq!(counts, Counts { incidents: 0, accounts: 1, silences: 0, tokens: 1 });
        assert!(counts.count(&changes(&[Table::Incident])) && counts.count(&changes(&[Table::Silence])));
        assert_eq!(counts, Counts { incidents: 1, accounts: 1, silences: 1, tokens: 1 });
    }

    #[test]
    fn seats_are_bounded_for_one_and_for_all_and_given_back() {
        let seats = Arc::new(Seats::default());
        let own: Vec<Seat> =
            (0..FEEDS_PER_SESSION_MAX).filter_map(|_| Seats::take(&seats, "ada", 10)).collect();
        assert_eq!(own.len(), FEEDS_PER_SESSION_MAX);
        assert!(Seats::take(&seats, "ada", 10).is_none(), "too many of one");
        let others = [Seats::take(&seats, "eve", 10), Seats::take(&seats, "eve", 10)];
        assert!(others.iter().all(Option::is_some) && Seats::take(&seats, "eve", 10).is_none(), "of all");
        drop(own);
        drop(others);
        assert!(seats.taken().is_empty() && Seats::take(&seats, "ada", 10).is_some());
    }
}
