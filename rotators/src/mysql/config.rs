//! What a MySQL or MariaDB target's settings mean.
//!
//! Pure: text in, meaning out. It takes `mysql://{{username}}:{{password}}@host:3306/db?…`, or the form of
//! Vault's plugins, `{{username}}:{{password}}@tcp(host:3306)/db?…`, and refuses a credential that is written
//! out in it.

use std::fmt;

use vault_core::rotation::port::TargetSpec;

use crate::network::address::url;
use crate::network::reach::{ReachReading, once};
use crate::network::{ConfigError, Reach, TlsMode};

/// Who turns the password into what the server stores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hashing {
    /// We do where nothing is lost by it: on a MariaDB server without a password validation plugin. Elsewhere the
    /// server.
    #[default]
    Auto,
    /// The server does.
    Server,
}

/// Parsed settings. Holds no secret, so it may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Name or IP address, without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// The database to log in to, if any.
    pub database: Option<String>,
    /// How the server is reached; its limit for a request bounds the waits for locks on the server, too.
    pub reach: Reach,
    /// Who hashes.
    pub hashing: Hashing,
    /// Whether a change keeps the old password as the second one until it is retired (MySQL 8.0.14 and later).
    pub dual_password: bool,
}

impl Config {
    /// Reads the settings of a target.
    ///
    /// # Errors
    /// [`ConfigError`] by cause.
    pub fn parse(spec: &TargetSpec) -> Result<Self, ConfigError> {
        let of_driver = driver_form(&spec.connection_url);
        let parts =
            url(of_driver.as_deref().unwrap_or(&spec.connection_url), &["mysql", "mariadb"], EXAMPLE)?;
        let mut read = Reading::new();
        for (name, value) in &parts.parameters {
            match (name.as_str(), of_driver.is_some()) {
                // The driver's word for what is `sslmode` here.
                ("tls", true) => read.take("sslmode", of_driver_tls(value)?)?,
                (name, true) if DRIVER_ONLY.contains(&name) => {}
                (name, _) => read.take(name, value)?,
            }
        }
        for (name, value) in &spec.settings {
            read.take(name, value)?;
        }
        // Whoever names an authority wants it looked at.
        let tls = if read.names_roots { TlsMode::VerifyFull } else { TlsMode::default() };
        Ok(Self {
            host: parts.host,
            port: parts.port.unwrap_or(PORT_DEFAULT),
            database: parts.path,
            reach: read.reach.finish(tls)?,
            hashing: read.hashing.unwrap_or_default(),
            dual_password: read.dual_password.unwrap_or_default(),
        })
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
    names_roots: bool,
    hashing: Option<Hashing>,
    dual_password: Option<bool>,
}

impl Reading {
    fn new() -> Self {
        let reach = ReachReading::new("statement_timeout");
        Self { reach, names_roots: false, hashing: None, dual_password: None }
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), ConfigError> {
        self.names_roots |= matches!(name, "sslrootcert" | "tls_ca");
        match name {
            "password_hashing" => once(&mut self.hashing, "password_hashing", hashing(value)?),
            "dual_password" => {
                once(&mut self.dual_password, "dual_password", yes_or_no("dual_password", value)?)
            }
            // Vault's word.
            "tls_skip_verify" if yes_or_no("tls_skip_verify", value)? => {
                self.reach.take("sslmode", "require").map(drop)
            }
            "tls_skip_verify" => Ok(()),
            _ if self.reach.take(name, value)? => Ok(()),
            _ => Err(ConfigError::unknown(name, KNOWN_SETTINGS)),
        }
    }
}

/// The form of Go's MySQL driver, which Vault's plugins take, as an address; `None` for another form.
fn driver_form(text: &str) -> Option<String> {
    if text.contains("://") {
        return None;
    }
    let (credential, rest) = text.rsplit_once("@tcp(")?;
    let (place, rest) = rest.split_once(')')?;
    Some(format!("mysql://{credential}@{place}{rest}"))
}

fn of_driver_tls(value: &str) -> Result<&'static str, ConfigError> {
    match value {
        "true" => Ok("verify-full"),
        "false" => Ok("disable"),
        "preferred" => Ok("prefer"),
        "skip-verify" => Ok("require"),
        _ => Err(ConfigError::Value { name: "tls", allowed: "true, false, preferred or skip-verify" }),
    }
}

fn hashing(text: &str) -> Result<Hashing, ConfigError> {
    match text {
        "auto" => Ok(Hashing::Auto),
        "server" => Ok(Hashing::Server),
        _ => Err(ConfigError::Value { name: "password_hashing", allowed: "auto or server" }),
    }
}

fn yes_or_no(name: &'static str, text: &str) -> Result<bool, ConfigError> {
    text.parse().map_err(|_| ConfigError::Value { name, allowed: "true or false" })
}

const KNOWN_SETTINGS: &str = "sslmode, sslrootcert, tls_ca, tls_skip_verify, connect_timeout, statement_timeout, \
     password_hashing and dual_password";
/// What the driver takes for its own use of a connection, and what makes no difference here.
const DRIVER_ONLY: [&str; 9] = [
    "allowNativePasswords",
    "charset",
    "checkConnLiveness",
    "collation",
    "interpolateParams",
    "loc",
    "maxAllowedPacket",
    "multiStatements",
    "parseTime",
];
const PORT_DEFAULT: u16 = 3306;
const EXAMPLE: &str = "mysql://{{username}}:{{password}}@host:3306/?sslmode=verify-full";

#[cfg(test)]
mod tests;
