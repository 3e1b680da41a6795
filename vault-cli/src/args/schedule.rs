//! `rotunda rotation-policy …` and `rotunda password-policy …`.

use clap::{Args, Subcommand};

use super::policy::{PolicyName, PolicyWriteArgs};

/// The second word.
#[derive(Debug, Subcommand)]
pub(crate) enum RotationPolicyWord {
    /// Store a rotation policy
    Write(RotationPolicyWriteArgs),
    /// Show a rotation policy
    #[command(after_help = "Examples:\n  rotunda rotation-policy read nightly")]
    Read(PolicyName),
    /// Show the names of all rotation policies
    #[command(after_help = "Examples:\n  rotunda rotation-policy list")]
    List,
    /// Remove a rotation policy that no account uses
    #[command(after_help = "Examples:\n  rotunda rotation-policy delete nightly")]
    Delete(PolicyName),
}

/// `rotunda rotation-policy write`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rotunda rotation-policy write daily rotation_period=24h jitter=30m
  rotunda rotation-policy write nightly rotation_schedule='0 3 * * *' time_zone=Europe/Paris rotation_window=1h

  rotunda rotation-policy write careful rotation_period=7d grace=1h early_after=1m hold=24h

A period or a schedule, not both. Also: jitter, retries, retry_base, retry_cap; and where a target keeps two credentials
side by side: grace (how long the old one lives on), early_after (the grace ends once every live consumer has had the
new one for so long; 30s) and hold (how long after it the old one is kept for consumers that lag; not at all).")]
pub(crate) struct RotationPolicyWriteArgs {
    /// The policy's name
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// The settings
    #[arg(value_name = "KEY=VALUE", required = true)]
    pub(crate) settings: Vec<String>,
}

/// The second word.
#[derive(Debug, Subcommand)]
pub(crate) enum PasswordPolicyWord {
    /// Store a password policy (Vault's HCL) from a file
    #[command(
        after_help = "Examples:\n  rotunda password-policy write strict strict.hcl\n  rotunda password-policy write strict - < strict.hcl"
    )]
    Write(PolicyWriteArgs),
    /// Show a password policy as it was written
    #[command(after_help = "Examples:\n  rotunda password-policy read strict")]
    Read(PolicyName),
    /// Show the names of all password policies
    #[command(after_help = "Examples:\n  rotunda password-policy list")]
    List,
    /// Remove a password policy that no account uses
    #[command(after_help = "Examples:\n  rotunda password-policy delete strict")]
    Delete(PolicyName),
    /// Make an example that nothing uses
    #[command(after_help = "Examples:\n  rotunda password-policy generate strict --field password")]
    Generate(PolicyName),
}
