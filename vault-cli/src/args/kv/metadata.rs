//! `rotunda kv metadata …`.

use clap::{Args, Subcommand};

use super::PlaceArgs;

/// The third word.
#[derive(Debug, Subcommand)]
pub(crate) enum MetadataWord {
    /// Show versions, settings and notes
    #[command(after_help = "Examples:\n  rotunda kv metadata get secret/app")]
    Get(PlaceArgs),
    /// Set settings; notes are replaced as a whole
    #[command(after_help = "\
Examples:
  rotunda kv metadata put --max-versions 5 --delete-version-after 72h secret/app
  rotunda kv metadata put --custom-metadata owner=ops --custom-metadata tier=1 secret/app")]
    Put(SettingsArgs),
    /// Set settings; notes that are not named stay
    #[command(after_help = "Examples:\n  rotunda kv metadata patch --custom-metadata owner=ops secret/app")]
    Patch(SettingsArgs),
    /// Remove a secret with all its versions, for good
    #[command(after_help = "Examples:\n  rotunda kv metadata delete secret/app")]
    Delete(PlaceArgs),
}

/// What can be set about a secret.
#[derive(Debug, Args)]
pub(crate) struct SettingsArgs {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    /// How many versions are kept; 0 for what the mount says
    #[arg(long, value_name = "COUNT")]
    pub(crate) max_versions: Option<u32>,
    /// Whether every write has to name the version it follows
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) cas_required: Option<bool>,
    /// When new versions are deleted by themselves; 0s for what the mount says
    #[arg(long, value_name = "DURATION")]
    pub(crate) delete_version_after: Option<String>,
    /// A note about the secret; may be given several times
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) custom_metadata: Vec<String>,
}
