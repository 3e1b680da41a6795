//! `rotunda kv …`.

pub(crate) mod metadata;

use clap::{Args, Subcommand};

/// The second word.
#[derive(Debug, Subcommand)]
pub(crate) enum KvWord {
    /// Write a secret; in version 2 this adds a version
    Put(PutArgs),
    /// Read a secret
    Get(GetArgs),
    /// Change some keys of a secret and leave the others (version 2)
    Patch(PatchArgs),
    /// Delete a secret, or versions of it; in version 2 they can be brought back
    Delete(DeleteArgs),
    /// Bring deleted versions back (version 2)
    #[command(after_help = "Examples:\n  rotunda kv undelete --versions 2,3 secret/app")]
    Undelete(VersionsArgs),
    /// Destroy versions for good (version 2)
    #[command(after_help = "Examples:\n  rotunda kv destroy --versions 1 secret/app")]
    Destroy(VersionsArgs),
    /// Show the names below a folder
    List(ListArgs),
    /// Write an old version again, as the newest one (version 2)
    Rollback(RollbackArgs),
    /// See and set what is known about a secret: versions, settings, notes (version 2)
    #[command(subcommand)]
    Metadata(metadata::MetadataWord),
}

/// Where a secret is.
#[derive(Debug, Args)]
pub(crate) struct PlaceArgs {
    /// The mount; without it the path begins with the mount
    #[arg(long, value_name = "MOUNT")]
    pub(crate) mount: Option<String>,
    /// The path of the secret
    #[arg(value_name = "PATH")]
    pub(crate) path: String,
}

/// `rotunda kv put`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rotunda kv put secret/app username=app password=-
  rotunda kv put --mount secret app @app.json
  rotunda kv put --cas 2 secret/app cert=@cert.pem

key=@FILE reads a file and key=- standard input, both as they are; @FILE and - alone are a JSON object.")]
pub(crate) struct PutArgs {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    /// What to write
    #[arg(value_name = "KEY=VALUE", required = true)]
    pub(crate) data: Vec<String>,
    /// Write only if this version is the current one; 0 for none
    #[arg(long, value_name = "VERSION")]
    pub(crate) cas: Option<u64>,
}

/// `rotunda kv get`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rotunda kv get secret/app
  rotunda kv get --version 3 secret/app
  rotunda kv get --field password secret/app")]
pub(crate) struct GetArgs {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    /// Which version; the current one when absent
    #[arg(long, value_name = "VERSION")]
    pub(crate) version: Option<u64>,
}

/// `rotunda kv patch`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rotunda kv patch secret/app password=-
  rotunda kv patch --remove old_password secret/app")]
pub(crate) struct PatchArgs {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    /// What to set
    #[arg(value_name = "KEY=VALUE", required_unless_present = "remove")]
    pub(crate) data: Vec<String>,
    /// A key to take away; may be given several times
    #[arg(long, value_name = "KEY")]
    pub(crate) remove: Vec<String>,
    /// Write only if this version is the current one
    #[arg(long, value_name = "VERSION")]
    pub(crate) cas: Option<u64>,
}

/// `rotunda kv delete`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rotunda kv delete secret/app
  rotunda kv delete --versions 1,2 secret/app")]
pub(crate) struct DeleteArgs {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    /// Which versions; the current one when absent
    #[arg(long, value_name = "VERSIONS", value_delimiter = ',')]
    pub(crate) versions: Vec<u64>,
}

/// Some versions of a secret.
#[derive(Debug, Args)]
pub(crate) struct VersionsArgs {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    /// Which versions
    #[arg(long, value_name = "VERSIONS", value_delimiter = ',', required = true)]
    pub(crate) versions: Vec<u64>,
}

/// `rotunda kv list`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rotunda kv list secret/team
  rotunda kv list --mount secret
  rotunda kv list --recursive secret")]
pub(crate) struct ListArgs {
    /// The mount; without it the path begins with the mount
    #[arg(long, value_name = "MOUNT")]
    pub(crate) mount: Option<String>,
    /// The folder
    #[arg(
        value_name = "PATH",
        required_unless_present = "mount",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) path: String,
    /// Everything below, with whole paths
    #[arg(long)]
    pub(crate) recursive: bool,
}

/// `rotunda kv rollback`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  rotunda kv rollback --version 2 secret/app")]
pub(crate) struct RollbackArgs {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    /// The version to write again
    #[arg(long, value_name = "VERSION")]
    pub(crate) version: u64,
}
