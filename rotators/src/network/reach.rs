//! How a server is reached: the settings that every rotator over a network takes.

use std::path::PathBuf;
use std::time::Duration;

use super::ConfigError;
use super::tls::Roots;

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

/// How a server is reached. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// How much TLS.
    pub tls: TlsMode,
    /// Whom to trust.
    pub roots: Roots,
    /// Longest time for name resolution, TCP, TLS and login together.
    pub connect_timeout: Duration,
    /// Longest time of one request or statement.
    pub request_timeout: Duration,
}

/// The settings seen so far, to notice what is given twice.
pub(crate) struct ReachReading {
    /// What this rotator calls the limit of one request.
    request_timeout_name: &'static str,
    tls: Option<TlsMode>,
    file: Option<PathBuf>,
    system: bool,
    pem: Option<String>,
    connect_timeout: Option<Duration>,
    request_timeout: Option<Duration>,
}

impl ReachReading {
    /// Nothing was seen yet; the limit of one request is set under this name.
    pub(crate) fn new(request_timeout_name: &'static str) -> Self {
        Self {
            request_timeout_name,
            tls: None,
            file: None,
            system: false,
            pem: None,
            connect_timeout: None,
            request_timeout: None,
        }
    }

    /// Takes a setting that is one of these, and says whether it was.
    pub(crate) fn take(&mut self, name: &str, value: &str) -> Result<bool, ConfigError> {
        match name {
            "sslmode" => once(&mut self.tls, "sslmode", tls_mode(value)?)?,
            "sslrootcert" if value == "system" => self.system = true,
            "sslrootcert" if value.is_empty() => {
                return Err(ConfigError::Value {
                    name: "sslrootcert",
                    allowed: "a file in PEM form, or system",
                });
            }
            "sslrootcert" => once(&mut self.file, "sslrootcert", PathBuf::from(value))?,
            "tls_ca" => once(&mut self.pem, "tls_ca", value.to_owned())?,
            "connect_timeout" => {
                once(&mut self.connect_timeout, "connect_timeout", span("connect_timeout", value)?)?;
            }
            _ if name == self.request_timeout_name => {
                once(
                    &mut self.request_timeout,
                    self.request_timeout_name,
                    span(self.request_timeout_name, value)?,
                )?;
            }
            "user" | "username" | "password" | "passfile" => return Err(ConfigError::LiteralCredential),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// What the settings mean together, where `tls` is the mode if none is named.
    pub(crate) fn finish(self, tls: TlsMode) -> Result<Reach, ConfigError> {
        let roots = match (self.file, self.pem) {
            (Some(_), Some(_)) => return Err(ConfigError::TwoRoots),
            (Some(file), None) => Roots::File(file),
            (None, Some(pem)) => Roots::Pem(pem),
            (None, None) => Roots::System,
        };
        let tls = match self.tls.unwrap_or(tls) {
            // As libpq does: whoever names an authority wants it looked at.
            TlsMode::Require if self.system || roots != Roots::System => TlsMode::VerifyCa,
            tls => tls,
        };
        Ok(Reach {
            tls,
            roots,
            connect_timeout: self.connect_timeout.unwrap_or(CONNECT_TIMEOUT_DEFAULT),
            request_timeout: self.request_timeout.unwrap_or(REQUEST_TIMEOUT_DEFAULT),
        })
    }
}

pub(crate) fn once<T>(slot: &mut Option<T>, name: &'static str, value: T) -> Result<(), ConfigError> {
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

/// Reads `5`, `5s`, `500ms` or `2m`.
pub(crate) fn span(name: &'static str, text: &str) -> Result<Duration, ConfigError> {
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

const CONNECT_TIMEOUT_DEFAULT: Duration = Duration::from_secs(5);
const REQUEST_TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);
const TIMEOUT_MIN: Duration = Duration::from_millis(100);
const TIMEOUT_MAX: Duration = Duration::from_secs(300);
