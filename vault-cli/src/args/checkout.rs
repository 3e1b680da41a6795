//! `rotunda check-out`, `check-in` and `rotate`.

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

Done (exit code 0) means that the target refuses the password you had. Exit code 6: not proved yet, the
vault goes on by itself.")]
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

/// `rotunda rotate`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rotunda rotate db/app
  rotunda rotate db/app --force
  rotunda rotate --target pg-main

Exit code 4 when it failed: the old password still serves and an incident is open. Exit code 6: still running.")]
pub(crate) struct RotateArgs {
    /// The account's path; with --target the target's name
    #[arg(value_name = "PATH")]
    pub(crate) path: String,
    /// Rotate the management credential of the target of that name
    #[arg(long)]
    pub(crate) target: bool,
    /// Also while it is checked out (the holder's password dies), backing off or parked
    #[arg(long, conflicts_with = "target")]
    pub(crate) force: bool,
}
