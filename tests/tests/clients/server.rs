//! The server that a story is told to: Rotunda, or for comparison OpenBao.

use anyhow::Result;
use vault_tests::vault::{ROOT, Vault};

use crate::openbao::OpenBao;

/// A running server with nothing in it.
pub(crate) enum Server {
    /// The product.
    Rotunda(Box<Vault>),
    /// What it is compared with.
    OpenBao(OpenBao),
}

/// What a story begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begin {
    /// Unsealed, with the root token [`ROOT`].
    Unsealed,
    /// Not initialised yet: the story does that itself.
    Empty,
}

impl Server {
    /// Starts what the environment asks for.
    pub(crate) async fn start(begin: Begin) -> Result<Self> {
        match std::env::var("ROTUNDA_CLIENTS_AGAINST").as_deref() {
            Ok("openbao") => Ok(Self::OpenBao(OpenBao::start(begin).await?)),
            Ok(other) => anyhow::bail!("ROTUNDA_CLIENTS_AGAINST={other}: only \"openbao\" is known"),
            Err(_) => Ok(Self::Rotunda(Box::new(match begin {
                Begin::Unsealed => Vault::start().await?,
                Begin::Empty => Vault::start_server().await?,
            }))),
        }
    }

    /// `http://127.0.0.1:<port>`.
    pub(crate) fn address(&self) -> String {
        match self {
            Self::Rotunda(vault) => vault.address(),
            Self::OpenBao(bao) => bao.address(),
        }
    }

    /// Whether this is Rotunda, for the few things that OpenBao does not do.
    pub(crate) fn is_rotunda(&self) -> bool {
        matches!(self, Self::Rotunda(_))
    }

    /// What it has printed, for a failed story.
    pub(crate) fn log(&self) -> String {
        let log = match self {
            Self::Rotunda(vault) => vault.log(),
            Self::OpenBao(bao) => bao.log(),
        };
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
    }
}

/// The root token of an unsealed server.
pub(crate) const fn root() -> &'static str {
    ROOT
}

const LOG_LINES: usize = 15;
