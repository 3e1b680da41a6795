//! Everything that is wired, built once; there is no global state.
//!
//! ```text
//!   App ── barrier ──► store            services are fields; each takes what it needs in its constructor
//!       ├─ seal · tokens · policies · audit        (the shell)
//!       └─ targets · accounts · leases …           (their place is below the line in the struct)
//! ```

mod desk;

use std::sync::Arc;
use std::time::Duration;

use rotators::registry::Registry;
use vault_core::clock::Clock;
use vault_core::entropy::Entropy;
use vault_core::identity::Limits;
use vault_core::store::engine::EngineError;
use vault_core::store::{EngineOptions, Store, StoreError};

use self::desk::{Desks, Wired};
use crate::barrier::Barrier;
use crate::config::Config;
use crate::dashboard::session::Sessions;
use crate::engine::{Engine, scheduler};
use crate::service::account::AccountService;
use crate::service::approle::ApproleService;
use crate::service::audit::AuditService;
use crate::service::campaign::CampaignService;
use crate::service::consumer::ConsumerService;
use crate::service::cubbyhole::CubbyholeService;
use crate::service::database::DatabaseService;
use crate::service::dynamic::DynamicService;
use crate::service::host::HostService;
use crate::service::incident::IncidentService;
use crate::service::integrity::IntegrityService;
use crate::service::knower::KnowerService;
use crate::service::kv::KvService;
use crate::service::lease::LeaseService;
use crate::service::login::LoginService;
use crate::service::mount::{MountService, Teardown};
use crate::service::plugin::PluginService;
use crate::service::policy::PolicyService;
use crate::service::pool::PoolService;
use crate::service::pulse::PulseService;
use crate::service::rehearsal::RehearsalService;
use crate::service::remedy::RemedyService;
use crate::service::report::ReportService;
use crate::service::rewrap::Rewrap;
use crate::service::rule::RuleService;
use crate::service::seal::{SealError, SealService};
use crate::service::setting::Settings;
use crate::service::silence::SilenceService;
use crate::service::target::TargetService;
use crate::service::token::TokenService;
use crate::service::userpass::UserpassService;
use crate::service::watch::WatchService;
use crate::service::webhook::WebhookService;
use crate::shutdown::Shutdown;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::trace::{CollectorError, Tracer};

/// The wired server. Handlers and background tasks hold it in an `Arc`.
pub struct App {
    /// The checked configuration.
    pub config: Config,
    /// Wall-clock time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Sealed records.
    pub barrier: Barrier,
    /// Counters and gauges.
    pub metrics: Arc<Metrics>,
    /// Where spans are handed in.
    pub tracer: Tracer,
    /// Says when to stop, and waits for what still runs.
    pub shutdown: Shutdown,
    /// Who is signed in at the dashboard.
    pub(crate) sessions: Arc<Sessions>,
    /// What is mounted where.
    pub mounts: MountService,
    /// The audit file.
    pub audit: AuditService,
    /// Settings that requests change, and further audit devices.
    pub settings: Settings,
    /// Initialisation, unseal, seal, key rotation.
    pub seal: Arc<SealService>,
    /// The move to the newest key generation.
    pub rewrap: Rewrap,
    /// Path policies.
    pub policies: PolicyService,
    /// Tokens.
    pub tokens: Arc<TokenService>,
    /// Each token's own place.
    pub cubbyholes: CubbyholeService,
    /// What all logins share.
    pub logins: Arc<LoginService>,
    /// AppRole roles.
    pub approle: ApproleService,
    /// Users with a password.
    pub userpass: UserpassService,
    /// The check of the whole store.
    pub integrity: IntegrityService,
    /// What the machine says of itself.
    pub host: HostService,
    /// The interpreter of rotations and leases.
    pub engine: Engine,
    /// Accounts.
    pub accounts: AccountService,
    /// Who fetched which version of a credential.
    pub consumers: ConsumerService,
    /// Who knows which version of a credential.
    pub knowers: KnowerService,
    /// The rotation of many accounts.
    pub campaigns: CampaignService,
    /// Pools of accounts.
    pub pools: PoolService,
    /// Registered plugins.
    pub plugins: PluginService,
    /// Who waits for new versions.
    pub watches: WatchService,
    /// That something changed, for open pages.
    pub pulses: PulseService,
    /// Who is told of what happens.
    pub webhooks: WebhookService,
    /// Targets.
    pub targets: TargetService,
    /// Leases.
    pub leases: LeaseService,
    /// Incidents.
    pub incidents: IncidentService,
    /// What may be pressed about an incident.
    pub remedies: RemedyService,
    /// Rotation and password policies.
    pub rules: RuleService,
    reports: ReportService,
    /// Static secrets.
    pub kv: KvService,
    /// Targets and accounts by the words of Vault.
    pub databases: DatabaseService,
    /// Leases whose users live as long as they.
    pub dynamic: DynamicService,
}

/// The ports that differ between a real server and a test.
pub struct Ports {
    /// Wall-clock time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// The plugins.
    pub rotators: Registry,
}

/// Why the server was not wired.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The store cannot be opened; its text says what to do.
    #[error("the store in {dir} cannot be opened")]
    Store {
        /// Where.
        dir: std::path::PathBuf,
        /// Why.
        #[source]
        source: StoreError,
    },
    /// The seal's configuration cannot be read.
    #[error("the vault's seal cannot be read")]
    Seal(#[source] SealError),
    /// Traces are wanted, and there is no way to the collector.
    #[error("traces cannot be exported")]
    Traces(#[from] CollectorError),
}

impl App {
    /// Opens the store and wires the services. Nothing runs yet. Blocks while the store opens.
    ///
    /// # Errors
    /// [`StartError`] by cause.
    pub fn open(config: Config, ports: Ports) -> Result<Arc<Self>, StartError> {
        // The engine's own check reads everything, so a start would take the longer the more there is. The
        // check of the set hash does that in the background, and finds what the engine's would.
        let options = EngineOptions { cache_bytes: config.cache_bytes, check_on_open: false };
        let store = Store::open_dir(config.engine, &config.data_dir, &options, Arc::clone(&ports.entropy))
            .map_err(|source| StartError::Store { dir: config.data_dir.clone(), source })?;
        Self::over(Arc::new(store), config, ports)
    }

    /// Wires the services over an open store.
    ///
    /// # Errors
    /// [`StartError::Seal`] and [`StartError::Traces`].
    pub fn over(store: Arc<Store>, config: Config, ports: Ports) -> Result<Arc<Self>, StartError> {
        let Ports { clock, entropy, rotators } = ports;
        let (metrics, shutdown) = (Arc::new(Metrics::new()), Shutdown::new());
        let tracer = Tracer::new(config.telemetry.as_ref(), &metrics, &entropy)?;
        let barrier = Barrier::new(Arc::clone(&store), config.suite, Arc::clone(&entropy));
        let audit = AuditService::new(&config.audit_file, Arc::clone(&metrics));
        let settings = Settings::new(&barrier, &audit, &config.data_dir);
        let mounts = MountService::new(barrier.clone(), Arc::clone(&entropy));
        let (there, times, draws) = (Arc::clone(&store), Arc::clone(&clock), Arc::clone(&entropy));
        let (seen, trail, tuned) = (mounts.clone(), audit.clone(), settings.clone());
        let seal = SealService::open(there, barrier.clone(), seen, trail, tuned, times, draws);
        let seal = seal.map(Arc::new).map_err(StartError::Seal)?;
        let limits = Limits { default_ttl: config.default_ttl, max_ttl: config.max_ttl };
        let tokens = Arc::new(TokenService::new(barrier.clone(), Arc::clone(&entropy), limits));
        let logins = Arc::new(LoginService::new(barrier.clone(), Arc::clone(&tokens)));
        let ports = Ports { clock: Arc::clone(&clock), entropy: Arc::clone(&entropy), rotators };
        let wired = Wired::over(&barrier, &audit, ports, (&metrics, &tracer), &shutdown, (tokens, mounts));
        let desks = Desks::over(&wired, &metrics, &shutdown, config.connections_max);
        let Wired { engine, consumers, knowers, tokens, mounts } = wired;
        let Desks { accounts, campaigns, databases, dynamic, incidents, leases, .. } = desks;
        let Desks { pools, pulses, remedies, reports, targets, watches, .. } = desks;
        let outbox = engine.outbox().clone();
        config.dashboard_url.iter().for_each(|url| outbox.link_to(url));
        Ok(Arc::new(Self {
            remedies,
            reports: reports.priced(&config.reports),
            webhooks: WebhookService::new(
                barrier.clone(),
                outbox,
                Arc::clone(&clock),
                Arc::clone(&entropy),
                &metrics,
            ),
            databases,
            targets,
            incidents,
            rules: RuleService::new(engine.clone()),
            plugins: PluginService::new(engine.clone()),
            kv: KvService::new(barrier.clone()),
            dynamic,
            engine,
            accounts,
            leases,
            consumers,
            knowers,
            campaigns,
            pools,
            watches,
            pulses,
            rewrap: Rewrap::new(barrier.clone(), Arc::clone(&seal)),
            policies: PolicyService::new(barrier.clone()),
            cubbyholes: CubbyholeService::new(barrier.clone()),
            approle: ApproleService::new(barrier.clone(), Arc::clone(&entropy), Arc::clone(&logins)),
            userpass: UserpassService::new(barrier.clone(), Arc::clone(&entropy), Arc::clone(&logins)),
            logins,
            tokens,
            integrity: IntegrityService::new(store),
            host: HostService::default(),
            config,
            sessions: Arc::default(),
            clock,
            entropy,
            barrier,
            metrics,
            tracer,
            shutdown,
            mounts,
            audit,
            settings,
            seal,
        }))
    }

    /// Whether a rotation would work.
    #[must_use]
    pub fn rehearsals(&self) -> RehearsalService {
        RehearsalService::new(self.engine.clone(), self.consumers.clone())
    }

    /// What is expected to fail for a while.
    #[must_use]
    pub fn silences(&self) -> SilenceService {
        SilenceService::new(self.engine.clone())
    }

    /// What the records come to.
    #[must_use]
    pub fn reports(&self) -> ReportService {
        self.reports.clone()
    }

    /// Starts the background tasks: ends of tokens, re-wrap, audit checkpoints, the check of the store.
    pub fn start_tasks(self: &Arc<Self>) {
        self.tracer.start();
        self.tokens.set_watcher(Arc::new(self.leases.clone()));
        let app = Arc::clone(self);
        self.shutdown.spawn(async move { app.tokens.sweep_until(&*app.clock, &app.shutdown).await });
        let app = Arc::clone(self);
        self.shutdown.spawn(async move { Teardown::new(&app).run_until(&app.shutdown).await });
        let app = Arc::clone(self);
        self.shutdown.spawn(async move { app.kv.run_until(&app.seal, &app.shutdown).await });
        let app = Arc::clone(self);
        self.shutdown
            .spawn(async move { app.approle.tidy_until(&app.mounts, &*app.clock, &app.shutdown).await });
        let app = Arc::clone(self);
        self.shutdown.spawn(async move { app.rewrap.run_until(&app.shutdown).await });
        let app = Arc::clone(self);
        self.shutdown
            .spawn(async move { app.integrity.scrub_until(&app.seal, &*app.clock, &app.shutdown).await });
        let app = Arc::clone(self);
        self.shutdown.spawn(async move {
            app.audit.check_until(&app.seal, Arc::clone(&app.clock), &app.shutdown).await;
        });
        let app = Arc::clone(self);
        self.shutdown.spawn(async move { app.checkpoint_until_shutdown().await });
        let app = Arc::clone(self);
        self.shutdown.spawn(async move { app.rules.run_until(&app.seal, &app.shutdown).await });
        let app = Arc::clone(self);
        self.shutdown.spawn(async move { app.consumers.run_until(&app.shutdown).await });
        let app = Arc::clone(self);
        self.shutdown.spawn(async move { app.webhooks.run_until(&app.shutdown).await });
        let app = Arc::clone(self);
        self.shutdown.spawn(async move { app.knowers.run_until(&app.shutdown).await });
        self.shutdown.spawn(self.campaigns.clone().run_until(self.shutdown.clone()));
        self.shutdown.spawn(self.reports().tidy_until(self.shutdown.clone()));
        self.shutdown.spawn(self.reports().prepare_until(self.shutdown.clone()));
        let app = Arc::clone(self);
        self.shutdown
            .spawn(async move { app.sessions.sweep_until(&app.barrier, &*app.clock, &app.shutdown).await });
        self.shutdown.spawn(scheduler::run(self.engine.clone()));
        self.shutdown.spawn(self.engine.clone().count_dynamic_until_stop());
        self.shutdown.spawn(self.engine.clone().count_standing_until_stop());
    }

    async fn checkpoint_until_shutdown(self: Arc<Self>) {
        loop {
            tokio::select! {
                () = self.shutdown.begun() => return,
                () = tokio::time::sleep(AUDIT_TICK) => {}
            }
            let (audit, now) = (self.audit.clone(), self.clock.now());
            let commit = self.barrier.store().position().map(|position| position.commit);
            // Waits for the disk, so not on a thread that answers requests.
            if tokio::task::spawn_blocking(move || audit.tick(commit, now)).await.is_err() {
                tracing::error!("the audit file's checkpoint was cut short");
            }
        }
    }

    /// Ends in order: tasks, seal with the last checkpoint, store.
    pub async fn end(&self) {
        self.shutdown.begin();
        if tokio::time::timeout(TASKS_MAX, self.shutdown.drained()).await.is_err() {
            tracing::warn!("some work had not ended in time; it goes on at the next start");
        }
        self.tracer.finish().await;
        self.seal.seal().await;
        let store = Arc::clone(self.barrier.store());
        if tokio::task::spawn_blocking(move || store.close()).await.is_err() {
            tracing::error!("the store was not closed in order");
        }
    }
}

impl StartError {
    /// Whether another process has the store.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        matches!(self, Self::Store { source: StoreError::Engine(EngineError::Locked(_)), .. })
    }
}

/// Between two looks whether a checkpoint is due.
const AUDIT_TICK: Duration = Duration::from_secs(1);
/// Background work may take so long to end.
const TASKS_MAX: Duration = Duration::from_secs(20);
