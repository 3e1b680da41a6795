//! Where the server is and who asks.

use std::{convert::Infallible, time::Duration};

use clap::Args;
use vault_api::{Sensitive, duration::Seconds};

/// The flags that every client command takes.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Connection (commands that talk to a server)")]
pub(crate) struct ConnectionArgs {
    /// The server; for plain HTTP on loopback write http://127.0.0.1:8200
    #[arg(long, global = true, value_name = "URL", env = "VAULT_ADDR", default_value = DEFAULT_ADDRESS)]
    pub(crate) address: String,
    /// The token; better in VAULT_TOKEN or ~/.vault-token, where other users of the machine do not see it
    #[arg(
        long, global = true, value_name = "TOKEN", env = "VAULT_TOKEN", hide_env_values = true, value_parser = sensitive
    )]
    pub(crate) token: Option<Sensitive<String>>,
    /// The namespace
    #[arg(long, global = true, value_name = "NAME", env = "VAULT_NAMESPACE")]
    pub(crate) namespace: Option<String>,
    /// Certificates (PEM) to trust instead of the system's
    #[arg(long, global = true, value_name = "FILE", env = "VAULT_CACERT")]
    pub(crate) ca_cert: Option<String>,
    /// How long to wait for an answer; commands that touch a target wait 150s unless this says otherwise
    #[arg(
        long, global = true, value_name = "DURATION", env = "VAULT_CLIENT_TIMEOUT", value_parser = Seconds::parse
    )]
    pub(crate) timeout: Option<Seconds>,
}

impl ConnectionArgs {
    /// The wait for an answer that the caller chose; zero is no choice.
    pub(crate) fn chosen_timeout(&self) -> Option<Duration> {
        self.timeout.filter(|timeout| timeout.0 > 0).map(|timeout| Duration::from_secs(timeout.0))
    }
}

/// Reads a secret flag into a type whose `Debug` does not show it.
pub(crate) fn sensitive(text: &str) -> Result<Sensitive<String>, Infallible> {
    Ok(Sensitive::new(text.to_owned()))
}

/// As in Vault.
const DEFAULT_ADDRESS: &str = "https://127.0.0.1:8200";
