//! The Rotunda server: HTTP, services, background work, and the words of `rotunda` that need the core.
//!
//! ```text
//!   main ─► run ─► server · dev · offline
//!                     └─► App (wired once) ─► http ─► service ─► barrier ─► store
//! ```
//!
//! This crate is the only one that wires. [`http::routes`] is the table of everything it answers.

pub mod app;
pub mod barrier;
pub mod config;
mod dashboard;
pub mod dev;
pub mod drill;
pub mod engine;
pub mod harden;
pub mod http;
pub mod offline;
pub mod panic;
pub mod server;
pub mod service;
pub mod shutdown;
pub mod telemetry;

/// What `sys/health` and `sys/seal-status` call the version; clients compare it with Vault's.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// When the source was last changed, in seconds since 1970, where the build says so in `SOURCE_DATE_EPOCH`
/// (<https://reproducible-builds.org/specs/source-date-epoch/>).
pub const SOURCE_TIME: Option<&str> = option_env!("SOURCE_DATE_EPOCH");
