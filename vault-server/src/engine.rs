//! The interpreter: commits what the core decides and runs the effects, one account at a time.
//!
//! ```text
//!   request · clock · crash ──► act: lock account ► load ► decide (core) ► commit ► drive
//!                                                             ▲                       │
//!                                                             └── event ◄── effect ◄──┘  (deadline, bulkhead)
//! ```
//!
//! An effect runs only after the plan that asks for it is on disk. A drive that ends early (the vault was
//! sealed, the store failed, the process died) leaves the account active in the store, where the
//! scheduler finds it and recovers.

pub mod flight;
pub mod gate;
pub mod record;
pub mod scheduler;

mod act;
mod backlog;
mod bench;
pub mod board;
pub mod circuit;
pub(crate) mod commit;
mod drive;
pub mod dynamic;
mod escalate;
mod facts;
pub mod group;
pub(crate) mod heartbeat;
pub(crate) mod ledger;
pub(crate) mod lockout;
mod mended;
mod meter;
pub mod outbox;
mod place;
pub mod previous;
pub mod rehearse;
pub(crate) mod silence;
pub mod standing;
pub(crate) mod team;
mod trace;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rotators::plugin::{PluginRotator, Registration};
use rotators::registry::{Registry, plugin_name};
use tokio::sync::RwLock;
use vault_core::audit::{AuditReceipt, System};
use vault_core::clock::{Clock, Timestamp};
use vault_core::entropy::Entropy;
use vault_core::rotation::port::Rotator;

pub use self::act::{ActError, Acted};

use self::board::Board;
use self::flight::Flights;
use self::gate::Gates;
use self::meter::Meter;
use self::outbox::Outbox;
use crate::barrier::{Barrier, LoadError};
use crate::service::audit::{AuditService, AuditUnavailable};
use crate::service::consumer::ConsumerService;
use crate::shutdown::Shutdown;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::trace::Tracer;

/// The interpreter. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    barrier: Barrier,
    audit: AuditService,
    consumers: ConsumerService,
    outbox: Outbox,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    rotators: Registry,
    flights: Arc<Flights>,
    gates: Gates,
    /// Which targets answer.
    circuits: circuit::Circuits,
    /// What each target's heartbeats may cost it.
    paces: heartbeat::Paces,
    /// Whose turn it is to write to the incident of a target.
    turns: group::Turns,
    meter: Meter,
    tracer: Tracer,
    board: Board,
    /// What the walks for the metrics have counted.
    counted: Mutex<standing::Counted>,
    shutdown: Shutdown,
    /// Held for reading by who refers to a policy in a commit, and for writing by who removes one.
    references: RwLock<()>,
    /// Held by who makes a silence, from the look what there is to the commit.
    silencing: tokio::sync::Mutex<()>,
}

/// What the engine works with.
pub struct Ports {
    /// Sealed records.
    pub barrier: Barrier,
    /// The audit trail.
    pub audit: AuditService,
    /// Who has which version of a credential.
    pub consumers: ConsumerService,
    /// Wall-clock time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// The plugins.
    pub rotators: Registry,
    /// Counters and gauges.
    pub metrics: Arc<Metrics>,
    /// Where spans are handed in.
    pub tracer: Tracer,
    /// Says when to stop.
    pub shutdown: Shutdown,
}

impl Engine {
    /// An engine at rest; [`scheduler::run`] makes it look at the clock.
    #[must_use]
    pub fn new(ports: Ports) -> Self {
        let Ports { barrier, audit, consumers, clock, entropy, rotators, metrics, tracer, shutdown } = ports;
        let outbox = Outbox::new(barrier.clone(), Arc::clone(&clock), Arc::clone(&entropy), &metrics);
        let (flights, gates) = (Arc::default(), Gates::default());
        let (meter, board) = (Meter::new(&metrics, rotators.kinds()), Board::new(&barrier));
        Self {
            inner: Arc::new(Inner {
                barrier,
                audit,
                consumers,
                outbox,
                clock,
                entropy,
                rotators,
                flights,
                gates,
                circuits: circuit::Circuits::default(),
                paces: heartbeat::Paces::default(),
                turns: group::Turns::default(),
                meter,
                tracer,
                board,
                counted: Mutex::default(),
                shutdown,
                references: RwLock::default(),
                silencing: tokio::sync::Mutex::default(),
            }),
        }
    }

    /// The sealed records.
    #[must_use]
    pub fn barrier(&self) -> &Barrier {
        &self.inner.barrier
    }

    /// How accounts and open incidents stand.
    #[must_use]
    pub fn board(&self) -> &Board {
        &self.inner.board
    }

    /// What webhooks are told.
    #[must_use]
    pub fn outbox(&self) -> &Outbox {
        &self.inner.outbox
    }

    /// The accounts that are being worked on.
    #[must_use]
    pub fn flights(&self) -> &Arc<Flights> {
        &self.inner.flights
    }

    /// The rotator of this kind: one that is built in, or a plugin as it is registered now.
    ///
    /// # Errors
    /// [`LoadError`] by cause, for a plugin.
    pub fn rotator(&self, kind: &str) -> Result<Option<Arc<dyn Rotator>>, LoadError> {
        let Some(name) = plugin_name(kind) else { return Ok(self.inner.rotators.find(kind)) };
        let registered = self.inner.barrier.load::<Registration>(name)?;
        let plugin = registered.and_then(|registered| self.plugin(registered.value));
        Ok(plugin.map(|plugin| Arc::new(plugin) as Arc<dyn Rotator>))
    }

    /// The rotator that a plugin is, registered or not; `None` where no plugins run.
    #[must_use]
    pub fn plugin(&self, registration: Registration) -> Option<PluginRotator> {
        self.inner.rotators.plugin(registration)
    }

    /// The kinds of rotators that are built in.
    pub fn rotator_kinds(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.inner.rotators.kinds()
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.inner.clock)
    }

    /// The present.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// Randomness.
    #[must_use]
    pub fn entropy(&self) -> &dyn Entropy {
        &*self.inner.entropy
    }

    /// Runs `work` beside the requests, until it ends; a stop waits for it.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.inner.shutdown.spawn(work);
    }

    /// The same for work with an outcome.
    pub(crate) fn begin<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> tokio::task::JoinHandle<T> {
        self.inner.shutdown.spawn(work)
    }

    /// Held for reading from the look whether a policy exists to the commit that refers to it; for writing by
    /// who removes one.
    pub(crate) fn references(&self) -> &RwLock<()> {
        &self.inner.references
    }

    /// Held from the look which silences there are to the commit of a new one.
    pub(crate) fn silencing(&self) -> &tokio::sync::Mutex<()> {
        &self.inner.silencing
    }

    /// Records an act of the vault itself.
    pub(crate) fn audited(
        &self,
        event: &str,
        path: &str,
        data: &serde_json::Value,
    ) -> Result<AuditReceipt, AuditUnavailable> {
        let plain = ["class", "step", "rotation_id", "detail", "principal", "kind", "state"];
        let act = System { event, path, data: Some(data), plain_keys: &plain };
        self.inner.audit.system(&act, self.now())
    }
}

/// The longest that one call on a target may take.
pub const EFFECT_DEADLINE: Duration = Duration::from_secs(30);
/// The longest that a request waits for the outcome of a rotation before it is told that it goes on.
pub const OUTCOME_WAIT: Duration = Duration::from_secs(55);
/// The longest that a reader waits for a credential that is just being changed.
pub const READ_WAIT: Duration = Duration::from_secs(10);
