//! What a PostgreSQL target's settings mean.
//!
//! Pure: text in, meaning out. It takes Vault's address template
//! `postgresql://{{username}}:{{password}}@host:5432/db?sslmode=…`, or libpq's `host=… dbname=…` form,
//! and refuses a credential that is written out in it.

use std::fmt;

use vault_core::rotation::port::TargetSpec;

use crate::network::address::{Parts, url};
use crate::network::reach::{ReachReading, once};
use crate::network::{ConfigError, Reach, TlsMode};

mod text;

use text::keyword_value;

/// Who turns the password into what the server stores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hashing {
    /// We do, by SCRAM-SHA-256 (RFC 5802, RFC 7677): the password never is in a statement, so never in a log.
    #[default]
    Scram,
    /// The server does, so that its password policy module can look at the password.
    Server,
}

/// Parsed settings. Holds no secret, so it may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Name or IP address, without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// The database to log in to.
    pub database: String,
    /// How the server is reached; its limit for a request is told to the server too, for each statement.
    pub reach: Reach,
    /// Who hashes.
    pub hashing: Hashing,
}

impl Config {
    /// Reads the settings of a target.
    ///
    /// # Errors
    /// [`ConfigError`] by cause.
    pub fn parse(spec: &TargetSpec) -> Result<Self, ConfigError> {
        let parts = if spec.connection_url.contains("://") {
            url(&spec.connection_url, &["postgresql", "postgres"], EXAMPLE)?
        } else {
            keyword_value(&spec.connection_url)?
        };
        let mut read = Reading { reach: ReachReading::new("statement_timeout"), hashing: None };
        for (name, value) in &parts.parameters {
            read.take(name, value)?;
        }
        for (name, value) in &spec.settings {
            read.take(name, value)?;
        }
        read.finish(parts)
    }

    /// Where the target is, for messages.
    #[must_use]
    pub fn place(&self) -> Place<'_> {
        Place(self)
    }
}

/// `host:port/database` of a target, for messages.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a>(&'a Config);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Config { host, port, database, .. } = self.0;
        if host.contains(':') {
            write!(f, "[{host}]:{port}/{database}")
        } else {
            write!(f, "{host}:{port}/{database}")
        }
    }
}

/// The settings seen so far, to notice what is given twice.
struct Reading {
    reach: ReachReading,
    hashing: Option<Hashing>,
}

impl Reading {
    fn take(&mut self, name: &str, value: &str) -> Result<(), ConfigError> {
        match name {
            "password_hashing" => once(&mut self.hashing, "password_hashing", hashing(value)?),
            _ if self.reach.take(name, value)? => Ok(()),
            _ => Err(ConfigError::unknown(name, KNOWN_SETTINGS)),
        }
    }

    fn finish(self, parts: Parts) -> Result<Config, ConfigError> {
        Ok(Config {
            host: parts.host,
            port: parts.port.unwrap_or(PORT_DEFAULT),
            database: parts.path.unwrap_or_else(|| DATABASE_DEFAULT.to_owned()),
            reach: self.reach.finish(TlsMode::default())?,
            hashing: self.hashing.unwrap_or_default(),
        })
    }
}

fn hashing(text: &str) -> Result<Hashing, ConfigError> {
    match text {
        "scram-sha-256" => Ok(Hashing::Scram),
        "server" => Ok(Hashing::Server),
        _ => Err(ConfigError::Value { name: "password_hashing", allowed: "scram-sha-256 or server" }),
    }
}

const KNOWN_SETTINGS: &str =
    "sslmode, sslrootcert, tls_ca, connect_timeout, statement_timeout and password_hashing";
const PORT_DEFAULT: u16 = 5432;
const DATABASE_DEFAULT: &str = "postgres";
const EXAMPLE: &str = "postgresql://{{username}}:{{password}}@host:5432/database?sslmode=verify-full";

#[cfg(test)]
mod tests;
