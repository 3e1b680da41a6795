//! `server` and `dev`: carried out by the binary.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;
use vault_api::Sensitive;

use super::connection::sensitive;

/// `rotunda server`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  rotunda server --config /etc/rotunda/rotunda.toml
  rotunda server --listen 127.0.0.1:8200 --data ./vault-data

Without a configuration file the server speaks plain HTTP and only listens on loopback.
It starts sealed: see `rotunda operator init` and `rotunda operator unseal`. SIGTERM ends it cleanly.")]
pub struct ServerArgs {
    /// The configuration (TOML)
    #[arg(long, value_name = "FILE", required_unless_present_all = ["listen", "data"])]
    pub config: Option<PathBuf>,
    /// Where to listen; goes before the configuration
    #[arg(long, value_name = "HOST:PORT")]
    pub listen: Option<SocketAddr>,
    /// Where the records are; goes before the configuration
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

/// `rotunda dev`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Examples:
  rotunda dev
  rotunda dev --listen 127.0.0.1:8300 --root-token try --data ./try-data
  rotunda dev --root-token try --plugin-dir ./plugins

Not for real secrets: the unseal key lies beside the data. With --data the same vault is there again after
a restart; without, everything is gone.")]
pub struct DevArgs {
    /// Where to listen
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8200")]
    pub listen: SocketAddr,
    /// The root token to make; a random one is printed otherwise
    #[arg(
        long, value_name = "TOKEN", env = "VAULT_DEV_ROOT_TOKEN_ID", hide_env_values = true, value_parser = sensitive
    )]
    pub root_token: Option<Sensitive<String>>,
    /// Keeps the vault in this folder
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Lets plugins of this folder run, once they are registered
    #[arg(long, value_name = "DIR")]
    pub plugin_dir: Option<PathBuf>,
}
