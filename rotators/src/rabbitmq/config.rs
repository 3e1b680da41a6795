//! What a RabbitMQ target's settings mean. Pure: text in, meaning out.

use std::fmt;
use std::time::Duration;

use vault_core::rotation::port::TargetSpec;

use crate::network::address::{Parts, port_number, url};
use crate::network::reach::{ReachReading, once, span};
use crate::network::{ConfigError, Reach, TlsMode};

/// Who turns the password into what the server stores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hashing {
    /// We do, by RabbitMQ's salted SHA-256: the password is never in a request that changes something.
    #[default]
    Sha256,
    /// The server does, so that its credential validator can look at the password.
    Server,
}

/// Where a login is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginPath {
    /// AMQP 0-9-1 on this port of the same host, as consumers do.
    Amqp(u16),
    /// The management API itself.
    Management,
}

/// Parsed settings. Holds no secret, so it may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Name or IP address, without brackets.
    pub host: String,
    /// TCP port of the management API.
    pub port: u16,
    /// What stands before `/api` in the API's paths: empty, or with a slash in front.
    pub prefix: String,
    /// How the server is reached.
    pub reach: Reach,
    /// Who hashes.
    pub hashing: Hashing,
    /// Where a login is tried.
    pub login: LoginPath,
    /// The longest wait until the server has ended connections without a request.
    pub settle_timeout: Duration,
}

impl Config {
    /// Reads the settings of a target.
    ///
    /// # Errors
    /// [`ConfigError`] by cause.
    pub fn parse(spec: &TargetSpec) -> Result<Self, ConfigError> {
        let parts = url(&spec.connection_url, &["http", "https"], EXAMPLE)?;
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

    /// Whether the API is reached by TLS.
    #[must_use]
    pub fn encrypted(&self) -> bool {
        self.reach.tls != TlsMode::Disable
    }
}

/// `host:port` of a target, for messages and addresses.
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
    hashing: Option<Hashing>,
    by_amqp: Option<bool>,
    amqp_port: Option<u16>,
    settle_timeout: Option<Duration>,
}

impl Default for Reading {
    fn default() -> Self {
        let reach = ReachReading::new("request_timeout");
        Self { reach, hashing: None, by_amqp: None, amqp_port: None, settle_timeout: None }
    }
}

impl Reading {
    fn take(&mut self, name: &str, value: &str) -> Result<(), ConfigError> {
        let wrong = |name, allowed| ConfigError::Value { name, allowed };
        match name {
            "password_hashing" => {
                let meaning = match value {
                    "sha256" => Hashing::Sha256,
                    "server" => Hashing::Server,
                    _ => return Err(wrong("password_hashing", "sha256 or server")),
                };
                once(&mut self.hashing, "password_hashing", meaning)
            }
            "login" => {
                let meaning = match value {
                    "amqp" => true,
                    "management" => false,
                    _ => return Err(wrong("login", "amqp or management")),
                };
                once(&mut self.by_amqp, "login", meaning)
            }
            "amqp_port" => {
                let port = port_number(value).map_err(|_| wrong("amqp_port", "a number from 1 to 65535"))?;
                once(&mut self.amqp_port, "amqp_port", port)
            }
            "settle_timeout" => {
                once(&mut self.settle_timeout, "settle_timeout", span("settle_timeout", value)?)
            }
            _ if self.reach.take(name, value)? => Ok(()),
            _ => Err(ConfigError::unknown(name, KNOWN_SETTINGS)),
        }
    }

    fn finish(self, parts: Parts) -> Result<Config, ConfigError> {
        let encrypted = parts.scheme == "https";
        let reach = self.reach.finish(if encrypted { TlsMode::VerifyFull } else { TlsMode::Disable })?;
        match (encrypted, reach.tls) {
            (false, TlsMode::Disable)
            | (true, TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull) => {}
            (false, _) => {
                return Err(ConfigError::Value { name: "sslmode", allowed: "disable with http://" });
            }
            (true, _) => {
                let allowed = "require, verify-ca or verify-full with https://";
                return Err(ConfigError::Value { name: "sslmode", allowed });
            }
        }
        let amqp_port = self.amqp_port.unwrap_or(if encrypted { AMQPS_PORT } else { AMQP_PORT });
        let prefix = parts.path.unwrap_or_default();
        let prefix = prefix.trim_end_matches('/');
        if !prefix.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_/".contains(&byte)) {
            return Err(ConfigError::Form(EXAMPLE));
        }
        Ok(Config {
            host: parts.host,
            port: parts.port.unwrap_or(if encrypted { HTTPS_PORT } else { HTTP_PORT }),
            prefix: if prefix.is_empty() { String::new() } else { format!("/{prefix}") },
            reach,
            hashing: self.hashing.unwrap_or_default(),
            login: if self.by_amqp.unwrap_or(true) {
                LoginPath::Amqp(amqp_port)
            } else {
                LoginPath::Management
            },
            settle_timeout: self.settle_timeout.unwrap_or(SETTLE_TIMEOUT_DEFAULT),
        })
    }
}

const KNOWN_SETTINGS: &str = "sslmode, sslrootcert, tls_ca, connect_timeout, request_timeout, settle_timeout, password_hashing, login and amqp_port";
const HTTP_PORT: u16 = 15672;
const HTTPS_PORT: u16 = 15671;
const AMQP_PORT: u16 = 5672;
const AMQPS_PORT: u16 = 5671;
/// Twice what the server takes by default over TLS, and below the engine's own limit.
const SETTLE_TIMEOUT_DEFAULT: Duration = Duration::from_secs(20);
const EXAMPLE: &str = "https://{{username}}:{{password}}@host:15671/";

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str, settings: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::parse(&TargetSpec { connection_url: url.to_owned(), settings: settings.collect() })
    }

    #[test]
    fn the_scheme_decides_on_tls_and_ports() {
        let plain = parse("http://{{username}}:{{password}}@mq/", &[]).unwrap();
        assert_eq!((plain.port, plain.encrypted(), plain.login), (15672, false, LoginPath::Amqp(5672)));
        let secure = parse("https://[::1]/mq/", &[("amqp_port", "7000")]).unwrap();
        assert_eq!(
            (secure.port, secure.reach.tls, secure.login),
            (15671, TlsMode::VerifyFull, LoginPath::Amqp(7000))
        );
        assert_eq!((secure.place().to_string(), secure.prefix.as_str()), ("[::1]:15671".to_owned(), "/mq"));
        for (url, mode) in [("http://h", "require"), ("https://h", "prefer"), ("https://h", "disable")] {
            let found = parse(url, &[("sslmode", mode)]);
            assert!(
                matches!(found, Err(ConfigError::Value { name: "sslmode", .. })),
                "{url} {mode}: {found:?}"
            );
        }
    }

    #[test]
    fn settings_have_their_meaning_and_wrong_ones_are_told() {
        let found = parse(
            "http://h",
            &[("password_hashing", "server"), ("login", "management"), ("settle_timeout", "2s")],
        );
        let found = found.unwrap();
        assert_eq!((found.hashing, found.login), (Hashing::Server, LoginPath::Management));
        assert_eq!(found.settle_timeout, Duration::from_secs(2));
        for (name, value) in
            [("password_hashing", "md5"), ("login", "mqtt"), ("amqp_port", "0"), ("settle_timeout", "1h")]
        {
            assert!(matches!(parse("http://h", &[(name, value)]), Err(ConfigError::Value { .. })), "{name}");
        }
        assert!(matches!(parse("http://h", &[("vhost", "/")]), Err(ConfigError::Unknown { .. })));
        assert!(matches!(parse("http://h/a?b", &[]), Err(ConfigError::Unknown { .. })));
        assert!(matches!(parse("http://h/%20", &[]), Err(ConfigError::Form(_))));
        assert_eq!(parse("http://guest:guest@h", &[]), Err(ConfigError::LiteralCredential));
    }
}
