//! What a PostgreSQL target's settings mean.
//!
//! Pure: text in, meaning out. It takes Vault's address template
//! `postgresql://{{username}}:{{password}}@host:5432/db?sslmode=…`, or libpq's `host=… dbname=…` form,
//! and refuses a credential that is written out in it.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use vault_core::rotation::port::TargetSpec;

mod text;

use text::{Parts, keyword_value, url};

/// Why settings were refused; the text says what to mend.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Neither of the two forms.
    #[error(
        "connection_url must look like postgresql://{{{{username}}}}:{{{{password}}}}@host:5432/database?sslmode=verify-full"
    )]
    Form,
    /// A user name or password stands in the template itself. The text is not repeated: it is a secret.
    #[error(
        "connection_url holds a literal user name or password; write {{{{username}}}} and {{{{password}}}} there and give the management credential in its own fields"
    )]
    LiteralCredential,
    /// No host, several hosts, or a socket's folder.
    #[error(
        "connection_url must name exactly one host by name or IP address: the primary server, over the network"
    )]
    Host,
    /// The port is not a number from 1 to 65535.
    #[error("the port in connection_url is not a number from 1 to 65535")]
    Port,
    /// A `%` that is not followed by two hexadecimal digits of UTF-8 text, or a NUL.
    #[error("connection_url has a broken percent sequence; write a percent sign as %25")]
    Encoding,
    /// A parameter or setting that is not known; the name is shown, never its value.
    #[error("'{0}' is not a setting of the postgresql rotator; known are {KNOWN_SETTINGS}")]
    Unknown(String),
    /// Given more than once.
    #[error("'{0}' is given twice")]
    Twice(&'static str),
    /// A value that is none of the allowed ones.
    #[error("{name} must be {allowed}")]
    Value {
        /// Which setting.
        name: &'static str,
        /// What it may be.
        allowed: &'static str,
    },
    /// Both a file and a text of certificates.
    #[error("give either sslrootcert or tls_ca, not both")]
    TwoRoots,
}

/// How much TLS there must be; the names are libpq's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsMode {
    /// Never.
    Disable,
    /// When the server offers it, unverified. libpq's default.
    #[default]
    Prefer,
    /// Always, unverified.
    Require,
    /// Always, with a certificate of a known authority, for whatever name.
    VerifyCa,
    /// Always, with a certificate of a known authority for this very host.
    VerifyFull,
}

/// Which authorities are trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Roots {
    /// Those of the operating system.
    #[default]
    System,
    /// Those in this PEM file, read at each connection so that a renewed one is seen.
    File(PathBuf),
    /// Those in this PEM text.
    Pem(String),
}

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
    /// How much TLS.
    pub tls: TlsMode,
    /// Whom to trust.
    pub roots: Roots,
    /// Longest time for name resolution, TCP, TLS and login together.
    pub connect_timeout: Duration,
    /// Longest time of one statement, told to the server too.
    pub statement_timeout: Duration,
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
            url(&spec.connection_url)?
        } else {
            keyword_value(&spec.connection_url)?
        };
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
#[derive(Default)]
struct Reading {
    tls: Option<TlsMode>,
    file: Option<PathBuf>,
    system: bool,
    pem: Option<String>,
    connect_timeout: Option<Duration>,
    statement_timeout: Option<Duration>,
    hashing: Option<Hashing>,
}

impl Reading {
    fn take(&mut self, name: &str, value: &str) -> Result<(), ConfigError> {
        match name {
            "sslmode" => once(&mut self.tls, "sslmode", tls_mode(value)?),
            "sslrootcert" if value == "system" => {
                self.system = true;
                Ok(())
            }
            "sslrootcert" if value.is_empty() => {
                Err(ConfigError::Value { name: "sslrootcert", allowed: "a file in PEM form, or system" })
            }
            "sslrootcert" => once(&mut self.file, "sslrootcert", PathBuf::from(value)),
            "tls_ca" => once(&mut self.pem, "tls_ca", value.to_owned()),
            "connect_timeout" => {
                once(&mut self.connect_timeout, "connect_timeout", span("connect_timeout", value)?)
            }
            "statement_timeout" => {
                once(&mut self.statement_timeout, "statement_timeout", span("statement_timeout", value)?)
            }
            "password_hashing" => once(&mut self.hashing, "password_hashing", hashing(value)?),
            "user" | "username" | "password" | "passfile" => Err(ConfigError::LiteralCredential),
            other => Err(ConfigError::Unknown(other.chars().take(SHOWN_CHARS_MAX).collect())),
        }
    }

    fn finish(self, parts: Parts) -> Result<Config, ConfigError> {
        let roots = match (self.file, self.pem) {
            (Some(_), Some(_)) => return Err(ConfigError::TwoRoots),
            (Some(file), None) => Roots::File(file),
            (None, Some(pem)) => Roots::Pem(pem),
            (None, None) => Roots::System,
        };
        let tls = match self.tls.unwrap_or_default() {
            // As libpq does: whoever names an authority wants it looked at.
            TlsMode::Require if self.system || roots != Roots::System => TlsMode::VerifyCa,
            tls => tls,
        };
        Ok(Config {
            host: parts.host,
            port: parts.port.unwrap_or(PORT_DEFAULT),
            database: parts.database.unwrap_or_else(|| DATABASE_DEFAULT.to_owned()),
            tls,
            roots,
            connect_timeout: self.connect_timeout.unwrap_or(CONNECT_TIMEOUT_DEFAULT),
            statement_timeout: self.statement_timeout.unwrap_or(STATEMENT_TIMEOUT_DEFAULT),
            hashing: self.hashing.unwrap_or_default(),
        })
    }
}

fn once<T>(slot: &mut Option<T>, name: &'static str, value: T) -> Result<(), ConfigError> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(ConfigError::Twice(name)),
    }
}

fn tls_mode(text: &str) -> Result<TlsMode, ConfigError> {
    match text {
        "disable" => Ok(TlsMode::Disable),
        "prefer" => Ok(TlsMode::Prefer),
        "require" => Ok(TlsMode::Require),
        "verify-ca" => Ok(TlsMode::VerifyCa),
        "verify-full" => Ok(TlsMode::VerifyFull),
        _ => Err(ConfigError::Value {
            name: "sslmode",
            allowed: "disable, prefer, require, verify-ca or verify-full",
        }),
    }
}

fn hashing(text: &str) -> Result<Hashing, ConfigError> {
    match text {
        "scram-sha-256" => Ok(Hashing::Scram),
        "server" => Ok(Hashing::Server),
        _ => Err(ConfigError::Value { name: "password_hashing", allowed: "scram-sha-256 or server" }),
    }
}

/// Reads `5`, `5s`, `500ms` or `2m`.
fn span(name: &'static str, text: &str) -> Result<Duration, ConfigError> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit_millis = match unit {
        "ms" => Some(1),
        "" | "s" => Some(1000),
        "m" => Some(60_000),
        _ => None,
    };
    let millis =
        number.parse::<u64>().ok().zip(unit_millis).and_then(|(number, unit)| number.checked_mul(unit));
    millis
        .map(Duration::from_millis)
        .filter(|span| (TIMEOUT_MIN..=TIMEOUT_MAX).contains(span))
        .ok_or(ConfigError::Value { name, allowed: "a time from 100ms to 5m, such as 5s" })
}

const KNOWN_SETTINGS: &str =
    "sslmode, sslrootcert, tls_ca, connect_timeout, statement_timeout and password_hashing";
const PORT_DEFAULT: u16 = 5432;
const DATABASE_DEFAULT: &str = "postgres";
const CONNECT_TIMEOUT_DEFAULT: Duration = Duration::from_secs(5);
const STATEMENT_TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);
const TIMEOUT_MIN: Duration = Duration::from_millis(100);
const TIMEOUT_MAX: Duration = Duration::from_secs(300);
/// So much of an unknown name is repeated in an error.
const SHOWN_CHARS_MAX: usize = 40;

#[cfg(test)]
mod tests;
