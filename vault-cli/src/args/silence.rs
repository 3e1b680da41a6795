//! `rotunda silence …`.

use clap::{ArgGroup, Args, Subcommand};

/// The second word.
#[derive(Debug, Subcommand)]
pub(crate) enum SilenceWord {
    /// Keep notifications back for a while; incidents are opened and shown as ever
    Add(SilenceAddArgs),
    /// Show silences and maintenance windows that are not over
    #[command(after_help = "Examples:\n  rotunda silence list\n  rotunda silence list --format json")]
    List,
    /// End one now: what is still open is told
    #[command(after_help = "Examples:\n  rotunda silence end 0193a1b2-7c11-7d20-8d4e-1f2a3b4c5d6e")]
    End(SilenceId),
}

/// `rotunda silence add`.
#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("what").required(true).args(["target", "accounts"])),
    group(ArgGroup::new("end").required(true).args(["lasts", "until"])),
    after_help = "\
Examples:
  rotunda silence add --target pg-main --for 2h --reason 'failover test, OPS-812'
  rotunda silence add --accounts 'batch/*' --from 2026-11-22T02:00:00Z --for 90m --reason 'nightly restore'

A maintenance, in which the clock begins no rotation either: rotunda target maintenance."
)]
pub(crate) struct SilenceAddArgs {
    /// Everything on this target
    #[arg(long, value_name = "NAME")]
    pub(crate) target: Option<String>,
    /// The accounts whose path fits; `*` stands for any text
    #[arg(long, value_name = "PATTERN")]
    pub(crate) accounts: Option<String>,
    /// How long it lasts, 30 days at most
    #[arg(long = "for", value_name = "DURATION")]
    pub(crate) lasts: Option<String>,
    /// Or when it ends: RFC 3339, or seconds since 1970
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    /// When it begins; at once unless named
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// Also keep the clock from beginning rotations; of a target only
    #[arg(long, conflicts_with = "accounts")]
    pub(crate) maintenance: bool,
    /// Only say what it would do
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// One silence.
#[derive(Debug, Args)]
pub(crate) struct SilenceId {
    /// The silence
    #[arg(value_name = "ID")]
    pub(crate) id: String,
}
