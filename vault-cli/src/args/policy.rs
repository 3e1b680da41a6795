//! `rotunda policy …`.

use clap::{Args, Subcommand};

/// The second word.
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyWord {
    /// Store a policy (HCL or JSON) from a file
    Write(PolicyWriteArgs),
    /// Show a policy as it was written
    #[command(after_help = "Examples:\n  rotunda policy read app-read")]
    Read(PolicyName),
    /// Show the names of all policies
    #[command(after_help = "Examples:\n  rotunda policy list")]
    List,
    /// Remove a policy; tokens that carry it lose what it allowed
    #[command(after_help = "Examples:\n  rotunda policy delete app-read")]
    Delete(PolicyName),
}

/// `rotunda policy write`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  rotunda policy write app-read app-read.hcl\n  rotunda policy write app-read - < app-read.hcl"
)]
pub(crate) struct PolicyWriteArgs {
    /// The policy's name
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// The file, or `-` for standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: String,
}

/// One policy.
#[derive(Debug, Args)]
pub(crate) struct PolicyName {
    /// The policy's name
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
}
