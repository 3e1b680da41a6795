//! The services that work on accounts, wired.

use std::sync::Arc;

use super::Ports;
use crate::barrier::Barrier;
use crate::engine::{Engine, Ports as EnginePorts};
use crate::service::account::AccountService;
use crate::service::audit::AuditService;
use crate::service::campaign::CampaignService;
use crate::service::consumer::ConsumerService;
use crate::service::database::DatabaseService;
use crate::service::dynamic::DynamicService;
use crate::service::incident::IncidentService;
use crate::service::knower::KnowerService;
use crate::service::lease::LeaseService;
use crate::service::mount::MountService;
use crate::service::pool::PoolService;
use crate::service::pulse::PulseService;
use crate::service::remedy::RemedyService;
use crate::service::report::ReportService;
use crate::service::target::TargetService;
use crate::service::token::TokenService;
use crate::service::watch::WatchService;
use crate::shutdown::Shutdown;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::trace::Tracer;

/// What the services that work on accounts stand on.
pub(super) struct Wired {
    pub(super) engine: Engine,
    pub(super) consumers: ConsumerService,
    pub(super) knowers: KnowerService,
    pub(super) tokens: Arc<TokenService>,
    pub(super) mounts: MountService,
}

impl Wired {
    pub(super) fn over(
        barrier: &Barrier,
        audit: &AuditService,
        ports: Ports,
        (metrics, tracer): (&Arc<Metrics>, &Tracer),
        shutdown: &Shutdown,
        (tokens, mounts): (Arc<TokenService>, MountService),
    ) -> Self {
        let Ports { clock, entropy, rotators } = ports;
        let consumers = ConsumerService::new(barrier.clone(), Arc::clone(&clock), metrics);
        let knowers = KnowerService::new(barrier.clone(), Arc::clone(&clock));
        let engine = Engine::new(EnginePorts {
            barrier: barrier.clone(),
            audit: audit.clone(),
            consumers: consumers.clone(),
            clock,
            entropy,
            rotators,
            metrics: Arc::clone(metrics),
            tracer: tracer.clone(),
            shutdown: shutdown.clone(),
        });
        Self { engine, consumers, knowers, tokens, mounts }
    }
}

/// The services that work on accounts.
pub(super) struct Desks {
    pub(super) accounts: AccountService,
    pub(super) campaigns: CampaignService,
    pub(super) databases: DatabaseService,
    pub(super) dynamic: DynamicService,
    pub(super) incidents: IncidentService,
    pub(super) leases: LeaseService,
    pub(super) pools: PoolService,
    pub(super) targets: TargetService,
    pub(super) watches: WatchService,
    pub(super) pulses: PulseService,
    pub(super) remedies: RemedyService,
    pub(super) reports: ReportService,
}

impl Desks {
    pub(super) fn over(
        wired: &Wired,
        metrics: &Metrics,
        shutdown: &Shutdown,
        connections_max: usize,
    ) -> Self {
        let Wired { engine, consumers, knowers, tokens, mounts } = wired;
        let engine_of = || engine.clone();
        let accounts = AccountService::new(engine_of(), consumers.clone(), knowers.clone());
        let dynamic = DynamicService::new(engine_of(), mounts.clone());
        let targets = TargetService::new(engine_of(), accounts.clone());
        let incidents = IncidentService::new(engine);
        let (tokens, at) = (Arc::clone(tokens), (accounts.clone(), targets.clone(), incidents.clone()));
        Self {
            campaigns: CampaignService::new(engine_of(), knowers.clone(), tokens, mounts.clone(), metrics),
            databases: DatabaseService::new(engine_of(), targets.clone(), accounts.clone()),
            leases: LeaseService::new(engine_of(), accounts.clone(), dynamic.clone()),
            pools: PoolService::new(engine_of(), accounts.clone(), metrics),
            watches: WatchService::new(engine_of(), shutdown.clone(), metrics, connections_max),
            pulses: PulseService::new(engine_of(), shutdown.clone(), metrics, connections_max),
            remedies: RemedyService::new(engine_of(), at.0, at.1, at.2),
            reports: ReportService::new(engine_of(), consumers.clone()),
            accounts,
            dynamic,
            incidents,
            targets,
        }
    }
}
