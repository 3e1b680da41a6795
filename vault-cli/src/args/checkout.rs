//! `rotunda check-out` and `check-in`.

use clap::Args;
use vault_api::duration::Seconds;

/// What a check-out asks for, in `check-out` and in `run`.
#[derive(Debug, Args)]
pub(crate) struct LeaseWishes {
    /// For how long; the account's own when absent
    #[arg(long, value_name = "DURATION", value_parser = Seconds::parse)]
    pub(crate) ttl: Option<Seconds>,
    /// Why; kept in the audit log and shown to who waits
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// The ticket it is for
    #[arg(long, value_name = "TEXT")]
    pub(crate) ticket: Option<String>,
    /// Wait in line this long when another has it
    #[arg(long, value_name = "DURATION", value_parser = Seconds::parse)]
    pub(crate) wait: Option<Seconds>,
}

/// `rotunda check-out`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rotunda check-out db/app --reason 'fix invoice 4711'
  rotunda check-out db/app --ttl 30m --ticket OPS-812 --wait 5m
  rotunda check-out db/app --format json

Exit code 3 when another has it: who, until when and your place in line are printed.")]
pub(crate) struct CheckOutArgs {
    /// The account's path
    #[arg(value_name = "PATH")]
    pub(crate) path: String,
    #[command(flatten)]
    pub(crate) wishes: LeaseWishes,
}

/// `rotunda check-in`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rotunda check-in db/app
  rotunda check-in db/app --lease-id accounts/check-out/db/app/0193a1b2
  rotunda check-in db/app --force

Done (exit code 0) means that the target refuses the password you had. Exit code 6: not proved yet; rotunda
account status tells whether it is tried again or waits for a person.")]
pub(crate) struct CheckInArgs {
    /// The account's path
    #[arg(value_name = "PATH")]
    pub(crate) path: String,
    /// Only if this lease still has it
    #[arg(long, value_name = "ID")]
    pub(crate) lease_id: Option<String>,
    /// Take it from whoever has it; needs the right to
    #[arg(long)]
    pub(crate) force: bool,
}
