//! `rotunda target …`.

use clap::{ArgGroup, Args, Subcommand, ValueEnum};

/// The second word.
#[derive(Debug, Subcommand)]
pub(crate) enum TargetWord {
    /// Describe a target and its management credential
    Write(TargetWriteArgs),
    /// Show a target, without its password
    #[command(after_help = "Examples:\n  rotunda target read pg-main")]
    Read(TargetName),
    /// Show the names of all targets
    #[command(after_help = "Examples:\n  rotunda target list")]
    List,
    /// Try the management credential and the rights it needs, changing nothing
    #[command(after_help = "Examples:\n  rotunda target check pg-main")]
    Check(TargetName),
    /// Change the management credential's password; afterwards only the vault knows it
    #[command(after_help = "Examples:\n  rotunda target rotate pg-main")]
    Rotate(TargetName),
    /// Forget a target that no account lives on
    Delete(TargetDeleteArgs),
    /// Show how a target's management credential is
    #[command(after_help = "Examples:\n  rotunda target status pg-main")]
    Status(TargetName),
    /// Begin or end a maintenance: nobody is notified, and the clock begins no rotation there
    Maintenance(MaintenanceArgs),
}

/// `rotunda target maintenance`.
#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("what").required(true).args(["lasts", "until", "end"])),
    after_help = "\
Examples:
  rotunda target maintenance pg-main --for 2h --reason 'upgrade to 17, OPS-812'
  rotunda target maintenance pg-main --until 2026-11-22T04:00:00Z --reason 'storage'
  rotunda target maintenance pg-main --for 2h --reason 'upgrade to 17, OPS-812' --dry-run
  rotunda target maintenance pg-main --end

Said again it has another end. What a person asks for goes on, and so does the end of a lease."
)]
pub(crate) struct MaintenanceArgs {
    /// The target's name
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// How long it lasts, 30 days at most
    #[arg(long = "for", value_name = "DURATION", requires = "reason")]
    pub(crate) lasts: Option<String>,
    /// Or when it ends: RFC 3339, or seconds since 1970
    #[arg(long, value_name = "TIME", requires = "reason")]
    pub(crate) until: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// End it now
    #[arg(long, conflicts_with = "reason")]
    pub(crate) end: bool,
    /// Only say what it would hold back, until when, and what not
    #[arg(long, conflicts_with = "end")]
    pub(crate) dry_run: bool,
}

/// `rotunda target write`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rotunda target write pg-main rotator=postgresql \\
      connection_url='postgresql://{{username}}:{{password}}@db.example:5432/postgres' \\
      username=rotunda password=-
  rotunda target write pg-main password=@/run/secrets/pg-main
  rotunda target write pg-main heartbeat=6h heartbeat_rate=120 on_drift=reconcile
  rotunda target write corp-ldap lockout_threshold=5 lockout_window=30m
  rotunda target write pg-main team=database-platform

Settings are key=value; key=@FILE reads a file, key=- standard input (hidden on a terminal). A password
written out is seen by other users of the machine. Without password= it is asked for on a terminal.")]
pub(crate) struct TargetWriteArgs {
    /// The target's name
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// The settings
    #[arg(value_name = "KEY=VALUE", required = true)]
    pub(crate) settings: Vec<String>,
}

/// `rotunda target delete`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rotunda target delete pg-main
  rotunda target delete pg-main --disposal hand-over

Once the vault has rotated the management credential, only the vault knows its password, and the choice is
yours.")]
pub(crate) struct TargetDeleteArgs {
    /// The target's name
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// What becomes of the management password, when only the vault knows it
    #[arg(long, value_enum)]
    pub(crate) disposal: Option<ManagementDisposal>,
}

/// What becomes of a management password when its target is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ManagementDisposal {
    /// Print it, with every other version that may be right, and delete the target once it is printed
    HandOver,
    /// Forget it: nobody knows it any more
    Forget,
}

/// One target.
#[derive(Debug, Args)]
pub(crate) struct TargetName {
    /// The target's name
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
}
