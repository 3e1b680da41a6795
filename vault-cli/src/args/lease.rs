//! `rotunda lease …`.

use clap::{Args, Subcommand};
use vault_api::duration::Seconds;

/// The second word.
#[derive(Debug, Subcommand)]
pub(crate) enum LeaseWord {
    /// Show a lease
    #[command(after_help = "Examples:\n  rotunda lease lookup accounts/check-out/db/app/0193a1b2")]
    Lookup(LeaseId),
    /// Let a lease last longer
    Renew(LeaseRenewArgs),
    /// End a lease, or with --prefix all below a path; what was handed out dies on the target
    Revoke(LeaseRevokeArgs),
    /// Show the leases below a path
    #[command(after_help = "Examples:\n  rotunda lease list accounts/check-out/db/app")]
    List(LeasePrefix),
}

/// One lease.
#[derive(Debug, Args)]
pub(crate) struct LeaseId {
    /// The lease
    #[arg(value_name = "LEASE_ID")]
    pub(crate) id: String,
}

/// `rotunda lease renew`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  rotunda lease renew accounts/check-out/db/app/0193a1b2 --increment 1h")]
pub(crate) struct LeaseRenewArgs {
    /// The lease
    #[arg(value_name = "LEASE_ID")]
    pub(crate) id: String,
    /// How long from now; its own TTL when absent
    #[arg(long, value_name = "DURATION", value_parser = Seconds::parse)]
    pub(crate) increment: Option<Seconds>,
}

/// `rotunda lease revoke`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rotunda lease revoke accounts/check-out/db/app/0193a1b2
  rotunda lease revoke --prefix accounts/check-out/db/")]
pub(crate) struct LeaseRevokeArgs {
    /// The lease; with --prefix the path
    #[arg(value_name = "LEASE_ID")]
    pub(crate) id: String,
    /// All leases below that path
    #[arg(long)]
    pub(crate) prefix: bool,
}

/// Leases below a path.
#[derive(Debug, Args)]
pub(crate) struct LeasePrefix {
    /// The path; everything without it
    #[arg(value_name = "PREFIX")]
    pub(crate) prefix: Option<String>,
}
