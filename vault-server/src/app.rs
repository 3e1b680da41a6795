//! Everything that is wired, built once; there is no global state.
//!
//! ```text
//!   App ── barrier ──► store            services are fields; each takes what it needs in its constructor
//!       ├─ seal · tokens · policies · audit        (the shell)
//!       └─ engine · accounts · targets · leases …  (their place is below the line in the struct)
//! ```

use std::sync::Arc;

use vault_core::clock::Clock;
use vault_core::entropy::Entropy;

use crate::barrier::Barrier;
use crate::config::Config;
use crate::service::audit::AuditService;
use crate::service::policy::PolicyService;
use crate::service::seal::SealService;
use crate::service::token::TokenService;
use crate::shutdown::Shutdown;
use crate::telemetry::metrics::Metrics;

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
    /// Says when to stop, and waits for what still runs.
    pub shutdown: Shutdown,
    /// The audit file.
    pub audit: AuditService,
    /// Initialisation, unseal, seal, key rotation.
    pub seal: SealService,
    /// Path policies.
    pub policies: PolicyService,
    /// Tokens.
    pub tokens: TokenService,
    // Targets, accounts, leases and incidents stand here.
}
