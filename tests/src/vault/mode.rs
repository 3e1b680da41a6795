//! How the program is started: as a dev vault, or as a server that has to be initialised and unsealed.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use super::{ROOT, Vault};

/// How the program is started.
pub(super) enum Mode {
    /// `rotunda dev`.
    Dev,
    /// `rotunda server`, left as it comes up: uninitialised, later sealed.
    Server,
    /// `rotunda server --config FILE`.
    Configured {
        /// What follows `data_dir` and `[listener]` in the file.
        sections: String,
        /// What initialisation gave out; `None` until then.
        keys: Option<Keys>,
    },
}

impl std::fmt::Debug for Mode {
    /// The kind alone: the keys are secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Dev => "Dev",
            Self::Server => "Server",
            Self::Configured { .. } => "Configured",
        })
    }
}

/// What initialisation gave out.
pub(super) struct Keys {
    shares: Vec<String>,
    root: String,
}

impl Mode {
    /// A server with these sections in its configuration.
    pub(super) fn configured(sections: &str) -> Self {
        Self::Configured { sections: sections.to_owned(), keys: None }
    }

    pub(super) fn is_configured(&self) -> bool {
        matches!(self, Self::Configured { .. })
    }

    /// Whether the test initialises and unseals it itself.
    pub(super) fn is_bare(&self) -> bool {
        matches!(self, Self::Server)
    }

    /// Puts the words of the command line, and writes the configuration that they name.
    pub(super) fn arguments(&self, command: &mut Command, folder: &Path, port: u16) -> Result<()> {
        match self {
            Self::Dev => {
                command.args([
                    "dev",
                    "--root-token",
                    ROOT,
                    "--listen",
                    &format!("127.0.0.1:{port}"),
                    "--data",
                ]);
                command.arg(folder.join("data")).arg("--plugin-dir").arg(folder.join(super::PLUGINS));
            }
            Self::Server => {
                command.args(["server", "--listen", &format!("127.0.0.1:{port}"), "--data"]);
                command.arg(folder.join("data"));
            }
            Self::Configured { sections, .. } => {
                let file = folder.join(CONFIG_FILE);
                let text =
                    format!("data_dir = \"data\"\n[listener]\naddress = \"127.0.0.1:{port}\"\n{sections}");
                std::fs::write(&file, text).context("cannot write the configuration")?;
                command.args(["server", "--config"]).arg(file);
            }
        }
        Ok(())
    }
}

impl Vault {
    /// The root token.
    #[must_use]
    pub fn root(&self) -> &str {
        match &self.mode {
            Mode::Configured { keys: Some(keys), .. } => &keys.root,
            Mode::Configured { keys: None, .. } | Mode::Dev | Mode::Server => ROOT,
        }
    }

    /// The unseal keys, when this test initialised the vault.
    #[must_use]
    pub fn shares(&self) -> &[String] {
        match &self.mode {
            Mode::Configured { keys: Some(keys), .. } => &keys.shares,
            Mode::Configured { keys: None, .. } | Mode::Dev | Mode::Server => &[],
        }
    }

    /// Brings a server whose health has this status nearer to serving.
    pub(super) async fn open(&mut self, status: u16) -> Result<()> {
        match status {
            NOT_INITIALISED => {
                let body = json!({ "secret_shares": SHARES, "secret_threshold": THRESHOLD });
                let answer = self.call(Method::POST, "sys/init", Some(body), "").await?;
                ensure!(answer.is_success(), "sys/init: {}", answer.errors());
                let shares = answer
                    .body
                    .pointer("/keys_base64")
                    .and_then(serde_json::Value::as_array)
                    .context("no unseal keys")?;
                let shares = shares.iter().filter_map(Value::as_str).map(str::to_owned).collect();
                let root = answer.text("/root_token").to_owned();
                if let Mode::Configured { keys, .. } = &mut self.mode {
                    *keys = Some(Keys { shares, root });
                }
            }
            SEALED => {
                for share in self.shares().iter().take(THRESHOLD) {
                    let body = json!({ "key": share });
                    let answer = self.call(Method::POST, "sys/unseal", Some(body), "").await?;
                    ensure!(answer.is_success(), "sys/unseal: {}", answer.errors());
                }
            }
            status => bail!("sys/health answers {status}"),
        }
        Ok(())
    }
}

/// The name of the configuration file.
pub(super) const CONFIG_FILE: &str = "rotunda.toml";

/// What `sys/health` answers.
const NOT_INITIALISED: u16 = 501;
const SEALED: u16 = 503;

const SHARES: usize = 3;
const THRESHOLD: usize = 2;
