//! `rotunda pool …`.

use clap::{Args, Subcommand};

use super::checkout::LeaseWishes;

/// The second word.
#[derive(Debug, Subcommand)]
pub(crate) enum PoolWord {
    /// Make or change a pool of accounts that serve the same purpose
    Write(PoolWriteArgs),
    /// Show how a pool is configured
    #[command(after_help = "Examples:\n  rotunda pool read dba")]
    Read(PoolName),
    /// Show the pools
    #[command(after_help = "Examples:\n  rotunda pool list")]
    List,
    /// Show which accounts of a pool are free, and why the others are not
    #[command(after_help = "Examples:\n  rotunda pool status dba\n  rotunda pool status dba --format json")]
    Status(PoolName),
    /// Take whichever account of a pool is free
    CheckOut(PoolCheckOutArgs),
    /// Give accounts of a pool back; the passwords you saw die on the target
    CheckIn(PoolCheckInArgs),
    /// Remove a pool; its accounts stay
    #[command(after_help = "Examples:\n  rotunda pool delete dba\n\nRefused while an account of it is lent.")]
    Delete(PoolName),
}

/// One pool.
#[derive(Debug, Args)]
pub(crate) struct PoolName {
    /// The pool's name
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
}

/// `rotunda pool write`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rotunda pool write dba accounts=db/dba-1,db/dba-2,db/dba-3 ttl=1h max_ttl=8h
  rotunda pool write dba disable_check_in_enforcement=true

What is not named stays as it is. An account belongs to one pool at most, and cannot leave it while it is lent.")]
pub(crate) struct PoolWriteArgs {
    /// The pool's name
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// The settings
    #[arg(value_name = "KEY=VALUE", required = true)]
    pub(crate) settings: Vec<String>,
}

/// `rotunda pool check-out`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rotunda pool check-out dba --reason 'fix invoice 4711'
  rotunda pool check-out dba --ttl 30m --wait 5m
  rotunda pool check-out dba --format json

Exit code 3 when no account is free.")]
pub(crate) struct PoolCheckOutArgs {
    /// The pool's name
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) wishes: LeaseWishes,
}

/// `rotunda pool check-in`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rotunda pool check-in dba
  rotunda pool check-in dba db/dba-1 db/dba-2
  rotunda pool check-in dba --lease-id pools/check-out/dba/mzxw6ytboi

Without an account it is the only one that you have. Done (exit code 0) means that the target refuses each password.
Exit code 6: not proved yet; rotunda account status tells whether it is tried again or waits for a person.")]
pub(crate) struct PoolCheckInArgs {
    /// The pool's name
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// The accounts' paths
    #[arg(value_name = "PATH")]
    pub(crate) accounts: Vec<String>,
    /// Only if this lease still has it
    #[arg(long, value_name = "ID")]
    pub(crate) lease_id: Option<String>,
    /// Take it from whoever has it; needs the right to
    #[arg(long)]
    pub(crate) force: bool,
}
