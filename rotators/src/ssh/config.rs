//! What an SSH target's settings mean.
//!
//! Pure: text in, meaning out. The address template is `ssh://{{username}}:{{password}}@host:22`.

use std::fmt;
use std::time::Duration;

use vault_core::rotation::port::TargetSpec;

use super::hostkey::Pins;
use crate::network::address::{Parts, url};
use crate::network::reach::{ReachReading, once};
use crate::network::{ConfigError, TlsMode};

/// How the management user becomes root on the target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Elevation {
    /// It is root.
    #[default]
    None,
    /// By `sudo -n`: its rule asks for no password.
    Sudo,
    /// By `sudo -S`: the management password answers sudo's question, on standard input.
    SudoPassword,
}

/// What kind of credential the accounts have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Credential {
    /// A password in `/etc/shadow`.
    #[default]
    Password,
    /// An Ed25519 key pair whose public half is in `~/.ssh/authorized_keys`.
    SshKey,
}

/// What becomes of the account's other keys when its first candidate is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OtherKeys {
    /// They are removed: nobody would retire what a person has put there.
    #[default]
    Remove,
    /// They stay.
    Keep,
}

/// Parsed settings. Holds no secret, so it may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Name or IP address, without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Longest time for name resolution, TCP and the exchange of keys together.
    pub connect_timeout: Duration,
    /// Longest time of one login, and of one command.
    pub request_timeout: Duration,
    /// Which host keys are the target's.
    pub host_key: Pins,
    /// How management becomes root.
    pub elevation: Elevation,
    /// What is rotated.
    pub credential: Credential,
    /// Whether keys that the vault does not know outlive an adoption.
    pub other_keys: OtherKeys,
}

impl Config {
    /// Reads the settings of a target.
    ///
    /// # Errors
    /// [`ConfigError`] by cause.
    pub fn parse(spec: &TargetSpec) -> Result<Self, ConfigError> {
        let parts = url(&spec.connection_url, &["ssh"], EXAMPLE)?;
        if parts.path.is_some() {
            return Err(ConfigError::Form(EXAMPLE));
        }
        let mut read = Reading::default();
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

/// `host:port` of a target, for messages.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a>(&'a Config);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Config { host, port, .. } = self.0;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

/// The settings seen so far, to notice what is given twice.
struct Reading {
    reach: ReachReading,
    host_key: Option<Pins>,
    elevation: Option<Elevation>,
    credential: Option<Credential>,
    other_keys: Option<OtherKeys>,
}

impl Default for Reading {
    fn default() -> Self {
        let reach = ReachReading::new("request_timeout");
        Self { reach, host_key: None, elevation: None, credential: None, other_keys: None }
    }
}

impl Reading {
    fn take(&mut self, name: &str, value: &str) -> Result<(), ConfigError> {
        match name {
            "host_key" => once(&mut self.host_key, "host_key", Pins::parse(value)?),
            "become" => once(&mut self.elevation, "become", elevation(value)?),
            "credential" => once(&mut self.credential, "credential", credential(value)?),
            "other_keys" => once(&mut self.other_keys, "other_keys", other_keys(value)?),
            // SSH knows nothing of TLS.
            "sslmode" | "sslrootcert" | "tls_ca" => Err(ConfigError::unknown(name, KNOWN_SETTINGS)),
            _ if self.reach.take(name, value)? => Ok(()),
            _ => Err(ConfigError::unknown(name, KNOWN_SETTINGS)),
        }
    }

    fn finish(self, parts: Parts) -> Result<Config, ConfigError> {
        let reach = self.reach.finish(TlsMode::Disable)?;
        Ok(Config {
            host: parts.host,
            port: parts.port.unwrap_or(PORT_DEFAULT),
            connect_timeout: reach.connect_timeout,
            request_timeout: reach.request_timeout,
            host_key: self.host_key.ok_or(Pins::WANTED)?,
            elevation: self.elevation.unwrap_or_default(),
            credential: self.credential.unwrap_or_default(),
            other_keys: self.other_keys.unwrap_or_default(),
        })
    }
}

fn elevation(text: &str) -> Result<Elevation, ConfigError> {
    match text {
        "none" => Ok(Elevation::None),
        "sudo" => Ok(Elevation::Sudo),
        "sudo_password" => Ok(Elevation::SudoPassword),
        _ => Err(ConfigError::Value { name: "become", allowed: "none, sudo or sudo_password" }),
    }
}

fn credential(text: &str) -> Result<Credential, ConfigError> {
    match text {
        "password" => Ok(Credential::Password),
        "ssh_key" => Ok(Credential::SshKey),
        _ => Err(ConfigError::Value { name: "credential", allowed: "password or ssh_key" }),
    }
}

fn other_keys(text: &str) -> Result<OtherKeys, ConfigError> {
    match text {
        "remove" => Ok(OtherKeys::Remove),
        "keep" => Ok(OtherKeys::Keep),
        _ => Err(ConfigError::Value { name: "other_keys", allowed: "remove or keep" }),
    }
}

const KNOWN_SETTINGS: &str = "host_key, become, credential, other_keys, connect_timeout and request_timeout";
const PORT_DEFAULT: u16 = 22;
const EXAMPLE: &str = "ssh://{{username}}:{{password}}@host:22";

#[cfg(test)]
mod tests;
