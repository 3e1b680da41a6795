//! `rotunda secrets …` and `rotunda auth …`: what is mounted where.

use clap::{Args, Subcommand};

/// `rotunda secrets`.
#[derive(Debug, Subcommand)]
pub(crate) enum SecretsWord {
    /// Mount a secrets engine
    #[command(after_help = "\
Examples:
  rotunda secrets enable kv-v2
  rotunda secrets enable --path team/kv --version 2 --description 'of the team' kv")]
    Enable(EnableArgs),
    /// Take a mount away, with everything in it
    #[command(after_help = "Examples:\n  rotunda secrets disable team/kv")]
    Disable(MountName),
    /// Show what is mounted
    #[command(after_help = "Examples:\n  rotunda secrets list\n  rotunda secrets list --format json")]
    List,
    /// Change settings of a mount; `--version 2` upgrades KV
    #[command(after_help = "\
Examples:
  rotunda secrets tune --version 2 kv
  rotunda secrets tune --max-lease-ttl 24h team/kv")]
    Tune(TuneArgs),
    /// Move a mount, with everything in it
    #[command(after_help = "Examples:\n  rotunda secrets move kv team/kv")]
    Move(MoveArgs),
}

/// `rotunda auth`.
#[derive(Debug, Subcommand)]
pub(crate) enum AuthWord {
    /// Mount a way in
    #[command(after_help = "\
Examples:
  rotunda auth enable approle
  rotunda auth enable --path ci approle")]
    Enable(EnableArgs),
    /// Take a way in away; the tokens that came through it are revoked
    #[command(after_help = "Examples:\n  rotunda auth disable ci")]
    Disable(MountName),
    /// Show the ways in
    #[command(after_help = "Examples:\n  rotunda auth list")]
    List,
}

/// What is mounted, and where.
#[derive(Debug, Args)]
pub(crate) struct EnableArgs {
    /// Which engine
    #[arg(value_name = "TYPE")]
    pub(crate) kind: String,
    /// Where; the name of the type when absent
    #[arg(long, value_name = "PATH")]
    pub(crate) path: Option<String>,
    #[command(flatten)]
    pub(crate) settings: MountSettings,
}

/// What can be set about a mount.
#[derive(Debug, Args)]
pub(crate) struct MountSettings {
    /// For people
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// What a lease or token gets that asks for nothing
    #[arg(long, value_name = "DURATION")]
    pub(crate) default_lease_ttl: Option<String>,
    /// The longest life of a lease or token
    #[arg(long, value_name = "DURATION")]
    pub(crate) max_lease_ttl: Option<String>,
    /// The version of KV
    #[arg(long, value_name = "VERSION")]
    pub(crate) version: Option<u8>,
}

/// `rotunda secrets tune`.
#[derive(Debug, Args)]
pub(crate) struct TuneArgs {
    /// The mount
    #[arg(value_name = "PATH")]
    pub(crate) path: String,
    #[command(flatten)]
    pub(crate) settings: MountSettings,
}

/// `rotunda secrets move`.
#[derive(Debug, Args)]
pub(crate) struct MoveArgs {
    /// Where it is
    #[arg(value_name = "FROM")]
    pub(crate) from: String,
    /// Where it is to be
    #[arg(value_name = "TO")]
    pub(crate) to: String,
}

/// One mount.
#[derive(Debug, Args)]
pub(crate) struct MountName {
    /// The mount
    #[arg(value_name = "PATH")]
    pub(crate) path: String,
}
