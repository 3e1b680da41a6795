//! `rotunda operator …`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use vault_api::Sensitive;

use super::{
    connection::sensitive,
    offline::{MigrateStoreArgs, StoreEngine},
};

/// The second word.
#[derive(Debug, Subcommand)]
pub(crate) enum OperatorWord {
    /// Make the keys of a new vault; they are shown once
    Init(InitArgs),
    /// Give a share, or the passphrase
    Unseal(UnsealArgs),
    /// Put the keys out of reach
    #[command(after_help = "Examples:\n  rotunda operator seal")]
    Seal,
    /// Make a new key generation; older records are moved to it in the background
    #[command(
        after_help = "Examples:\n  rotunda operator rotate-key\n  rotunda operator rotate-key --format json"
    )]
    RotateKey,
    /// Make new shares, or another passphrase, with the old ones
    Rekey(RekeyArgs),
    /// Make a root token, with the shares or the passphrase
    GenerateRoot(GenerateRootArgs),
    /// Show the seal, the key generation and the store's last check
    #[command(after_help = "Examples:\n  rotunda operator status")]
    Status,
    /// Check that every record is there, unaltered: on the server, or with --data in a folder no server has open
    Verify(VerifyArgs),
    /// Copy a stopped server's store to another engine
    MigrateStore(MigrateStoreArgs),
}

/// `rotunda operator init`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rotunda operator init --key-shares 5 --key-threshold 3
  rotunda operator init --passphrase

Give each share to another person. With --passphrase (for one person alone) it is asked for twice, hidden,
or read from standard input when that is no terminal.")]
pub(crate) struct InitArgs {
    /// How many shares to make
    #[arg(long, alias = "secret-shares", value_name = "N", default_value_t = 5)]
    pub(crate) key_shares: u64,
    /// How many of them unseal
    #[arg(long, alias = "secret-threshold", value_name = "K", default_value_t = 3)]
    pub(crate) key_threshold: u64,
    /// Protect the keys by a passphrase instead of shares
    #[arg(long, conflicts_with_all = ["key_shares", "key_threshold"])]
    pub(crate) passphrase: bool,
}

/// `rotunda operator unseal`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rotunda operator unseal
  rotunda operator unseal --passphrase
  rotunda operator unseal - < share.txt
  rotunda operator unseal --reset

The share or passphrase is asked for, hidden; `-` reads it from standard input.")]
pub(crate) struct UnsealArgs {
    /// `-` for standard input; a share written here is seen by other users of the machine
    #[arg(value_name = "SHARE", value_parser = sensitive, conflicts_with = "reset")]
    pub(crate) share: Option<Sensitive<String>>,
    /// What is given is the passphrase
    #[arg(long, conflicts_with = "reset")]
    pub(crate) passphrase: bool,
    /// Forget the shares given so far
    #[arg(long)]
    pub(crate) reset: bool,
}

/// `rotunda operator rekey`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rotunda operator rekey --init --key-shares 5 --key-threshold 3
  rotunda operator rekey              # each holder of an old share in turn
  rotunda operator rekey --verify     # each holder of a new share in turn
  rotunda operator rekey --status
  rotunda operator rekey --cancel

The old shares stay good until enough of the new ones came back (--verify). Needs no token: the shares are
the permission. A share is asked for, hidden; `-` reads it from standard input.")]
#[command(group = clap::ArgGroup::new("act").multiple(false))]
pub(crate) struct RekeyArgs {
    /// `-` for standard input; a share written here is seen by other users of the machine
    #[arg(value_name = "SHARE", value_parser = sensitive, conflicts_with_all = ["init", "status", "cancel"])]
    pub(crate) share: Option<Sensitive<String>>,
    /// Begin
    #[arg(long, group = "act")]
    pub(crate) init: bool,
    /// Give a new share back
    #[arg(long, group = "act")]
    pub(crate) verify: bool,
    /// Show how it stands
    #[arg(long, group = "act")]
    pub(crate) status: bool,
    /// Forget it; the old shares stay good
    #[arg(long, group = "act")]
    pub(crate) cancel: bool,
    /// How many shares to make
    #[arg(long, alias = "secret-shares", value_name = "N", default_value_t = 5, requires = "init")]
    pub(crate) key_shares: u64,
    /// How many of them unseal
    #[arg(long, alias = "secret-threshold", value_name = "K", default_value_t = 3, requires = "init")]
    pub(crate) key_threshold: u64,
    /// A passphrase instead of new shares
    #[arg(long, requires = "init", conflicts_with_all = ["key_shares", "key_threshold"])]
    pub(crate) passphrase: bool,
    /// Let the new shares count at once: if they get lost on the way, nothing unseals the vault again
    #[arg(long, requires = "init")]
    pub(crate) without_verification: bool,
}

/// `rotunda operator generate-root`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rotunda operator generate-root --init      # shows the one-time pad, once
  rotunda operator generate-root             # each holder of a share in turn
  rotunda operator generate-root --decode ENCODED_TOKEN

Needs no token: the shares are the permission. The last holder sees the token under the pad; only who has the
pad can read it. Pad and shares are asked for, hidden; `-` reads a share from standard input.")]
#[command(group = clap::ArgGroup::new("act").multiple(false))]
pub(crate) struct GenerateRootArgs {
    /// `-` for standard input; a share written here is seen by other users of the machine
    #[arg(value_name = "SHARE", value_parser = sensitive, conflicts_with = "act")]
    pub(crate) share: Option<Sensitive<String>>,
    /// Begin
    #[arg(long, group = "act")]
    pub(crate) init: bool,
    /// Show how it stands
    #[arg(long, group = "act")]
    pub(crate) status: bool,
    /// Forget it, with the shares given so far
    #[arg(long, group = "act")]
    pub(crate) cancel: bool,
    /// Read an encoded token with the pad, on this machine
    #[arg(long, value_name = "ENCODED_TOKEN", group = "act")]
    pub(crate) decode: Option<String>,
}

/// `rotunda operator verify`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rotunda operator verify
  rotunda operator verify --data /var/lib/rotunda

Exit code 1 when a record vanished, was added, altered or rolled back.")]
pub(crate) struct VerifyArgs {
    /// The folder of a stopped server
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// The engine of that folder; found out when absent
    #[arg(long, value_enum, requires = "data")]
    pub(crate) engine: Option<StoreEngine>,
}
