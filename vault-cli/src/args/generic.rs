//! `rotunda read|write|list|delete` on any path, as in Vault, and `completion`.

use clap::Args;
use clap_complete::Shell;

/// `rotunda read`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  rotunda read sys/key-status\n  rotunda read accounts/status/db/app --field state"
)]
pub(crate) struct ReadArgs {
    /// The path
    #[arg(value_name = "PATH")]
    pub(crate) path: String,
    /// Parameters
    #[arg(value_name = "KEY=VALUE")]
    pub(crate) parameters: Vec<String>,
}

/// `rotunda write`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rotunda write sys/audit-hash/file input=@secret.txt
  rotunda write rotation-policies/daily rotation_period=24h
  rotunda write accounts/config/db/app @account.json
  rotunda write --empty accounts/verify/db/app

key=@FILE reads a file and key=- standard input, both as they are; @FILE and - alone are a JSON object.")]
pub(crate) struct WriteArgs {
    /// The path
    #[arg(value_name = "PATH")]
    pub(crate) path: String,
    /// What to write
    #[arg(value_name = "KEY=VALUE", required_unless_present = "empty")]
    pub(crate) data: Vec<String>,
    /// Write without data (-f in Vault)
    #[arg(long, short = 'f')]
    pub(crate) empty: bool,
}

/// `rotunda list`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  rotunda list accounts/config/db\n  rotunda list accounts/status state=parked"
)]
pub(crate) struct ListArgs {
    /// The path
    #[arg(value_name = "PATH")]
    pub(crate) path: String,
    /// Parameters
    #[arg(value_name = "KEY=VALUE")]
    pub(crate) parameters: Vec<String>,
}

/// `rotunda delete`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  rotunda delete rotation-policies/daily")]
pub(crate) struct DeleteArgs {
    /// The path
    #[arg(value_name = "PATH")]
    pub(crate) path: String,
    /// Parameters
    #[arg(value_name = "KEY=VALUE")]
    pub(crate) parameters: Vec<String>,
}

/// `rotunda completion`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rotunda completion bash > ~/.local/share/bash-completion/completions/rotunda
  rotunda completion zsh > ~/.zfunc/_rotunda")]
pub(crate) struct CompletionArgs {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}
