//! `rotunda plugin …`.

use clap::{Args, Subcommand};

/// The second word.
#[derive(Debug, Subcommand)]
pub(crate) enum PluginWord {
    /// Register a file of the plugin directory as a rotator, or a new version of it
    Register(PluginRegisterArgs),
    /// Show the registered plugins, and what is built in
    #[command(after_help = "Examples:\n  rotunda plugin list\n  rotunda plugin list database")]
    List(PluginListArgs),
    /// Show how a plugin is registered, and what it says of itself
    #[command(
        visible_alias = "info",
        after_help = "Examples:\n  rotunda plugin read htpasswd\n  rotunda plugin read rotator htpasswd"
    )]
    Read(PluginName),
    /// Forget a plugin; targets that it serves wait until it is registered again
    #[command(
        after_help = "Examples:\n  rotunda plugin deregister htpasswd\n\nNothing is lost: accounts keep their passwords, and a rotation that is due opens an incident."
    )]
    Deregister(PluginName),
}

/// `rotunda plugin register`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rotunda plugin register htpasswd --sha256 9f86…08   # as sha256sum says it
  rotunda plugin register --sha256 9f86…08 --command redis.py rotator redis-py

The server runs the file once and asks it to describe itself. The digest is checked at every start. Targets name it as
rotator=plugin:NAME. Neither --args nor --env may hold a secret.")]
pub(crate) struct PluginRegisterArgs {
    /// The file's SHA-256 in hex
    #[arg(long, value_name = "HEX")]
    pub(crate) sha256: String,
    /// The file in the server's plugin directory, where it is not called as the plugin is
    #[arg(long, value_name = "FILE")]
    pub(crate) command: Option<String>,
    /// An argument for it; once for each
    #[arg(long, value_name = "ARG", allow_hyphen_values = true)]
    pub(crate) args: Vec<String>,
    /// A variable for its environment, which is empty otherwise; once for each
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) env: Vec<String>,
    #[command(flatten)]
    pub(crate) name: PluginName,
}

/// One plugin.
#[derive(Debug, Args)]
pub(crate) struct PluginName {
    /// The plugin's name; before it the type, as Vault has it (`rotator`)
    #[arg(value_names = ["TYPE", "NAME"], num_args = 1..=2, required = true)]
    name: Vec<String>,
}

impl PluginName {
    /// The name and the type.
    pub(crate) fn parts(&self) -> (&str, &str) {
        match self.name.as_slice() {
            [kind, name] => (kind, name),
            [name] => (ROTATOR, name),
            _ => (ROTATOR, ""),
        }
    }
}

/// `rotunda plugin list`.
#[derive(Debug, Args)]
pub(crate) struct PluginListArgs {
    /// `rotator`, or one of Vault's types: `auth`, `database`, `secret`
    #[arg(value_name = "TYPE", default_value = ROTATOR)]
    pub(crate) kind: String,
}

const ROTATOR: &str = "rotator";
