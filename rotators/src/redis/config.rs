//! What a Redis target's settings mean. Pure: text in, meaning out.

use std::fmt;

use vault_core::rotation::port::TargetSpec;

use crate::network::address::{Parts, url};
use crate::network::reach::{ReachReading, once};
use crate::network::{ConfigError, Reach, TlsMode};

/// Where the server keeps its users over a restart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Persist {
    /// The server is asked (`CONFIG GET aclfile`, `INFO server`).
    #[default]
    Auto,
    /// In its ACL file, by `ACL SAVE`.
    AclFile,
    /// In its configuration file, by `CONFIG REWRITE`.
    ConfigFile,
    /// Nowhere, and whoever set this knows it: a restart brings the passwords back that it started with.
    Nowhere,
}

/// Whether a server that copies another one may be managed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Replica {
    /// It is taken for the wrong address.
    #[default]
    Refuse,
    /// Its own users are managed; they are not copied from the primary.
    Accept,
}

/// What becomes of passwords of an account that the vault does not know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Others {
    /// An account that has more than one password is not rotated.
    #[default]
    Refuse,
    /// They stay, and open the account on and on.
    Keep,
}

/// How old and new password follow each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Succession {
    /// Both open the account until the old one is retired.
    #[default]
    Overlap,
    /// The new one takes the place of every other in one command.
    Replace,
}

/// Parsed settings. Holds no secret, so it may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Name or IP address, without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// How the server is reached.
    pub reach: Reach,
    /// How old and new password follow each other.
    pub succession: Succession,
    /// Where a change is kept.
    pub persist: Persist,
    /// Whether a replica may be managed.
    pub replica: Replica,
    /// What becomes of further passwords.
    pub others: Others,
}

impl Config {
    /// Reads the settings of a target.
    ///
    /// # Errors
    /// [`ConfigError`] by cause.
    pub fn parse(spec: &TargetSpec) -> Result<Self, ConfigError> {
        let parts = url(&spec.connection_url, &["redis", "rediss"], EXAMPLE)?;
        // Passwords belong to the server, so the number of the database is looked at and not used.
        if parts.path.as_ref().is_some_and(|path| path.len() > 5 || path.parse::<u16>().is_err()) {
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
    succession: Option<Succession>,
    persist: Option<Persist>,
    replica: Option<Replica>,
    others: Option<Others>,
}

impl Default for Reading {
    fn default() -> Self {
        let reach = ReachReading::new("request_timeout");
        Self { reach, succession: None, persist: None, replica: None, others: None }
    }
}

impl Reading {
    fn take(&mut self, name: &str, value: &str) -> Result<(), ConfigError> {
        let wrong = |name, allowed| ConfigError::Value { name, allowed };
        match name {
            "overlap" => {
                let meaning = match value {
                    "true" => Succession::Overlap,
                    "false" => Succession::Replace,
                    _ => return Err(wrong("overlap", "true or false")),
                };
                once(&mut self.succession, "overlap", meaning)
            }
            "persist" => {
                let meaning = match value {
                    "auto" => Persist::Auto,
                    "aclfile" => Persist::AclFile,
                    "config" => Persist::ConfigFile,
                    "none" => Persist::Nowhere,
                    _ => return Err(wrong("persist", "auto, aclfile, config or none")),
                };
                once(&mut self.persist, "persist", meaning)
            }
            "replica" => {
                let meaning = match value {
                    "refuse" => Replica::Refuse,
                    "accept" => Replica::Accept,
                    _ => return Err(wrong("replica", "refuse or accept")),
                };
                once(&mut self.replica, "replica", meaning)
            }
            "other_passwords" => {
                let meaning = match value {
                    "refuse" => Others::Refuse,
                    "keep" => Others::Keep,
                    _ => return Err(wrong("other_passwords", "refuse or keep")),
                };
                once(&mut self.others, "other_passwords", meaning)
            }
            _ if self.reach.take(name, value)? => Ok(()),
            _ => Err(ConfigError::unknown(name, KNOWN_SETTINGS)),
        }
    }

    fn finish(self, parts: Parts) -> Result<Config, ConfigError> {
        let encrypted = parts.scheme == "rediss";
        let reach = self.reach.finish(if encrypted { TlsMode::VerifyFull } else { TlsMode::Disable })?;
        match (encrypted, reach.tls) {
            (false, TlsMode::Disable)
            | (true, TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull) => {}
            (false, _) => {
                return Err(ConfigError::Value { name: "sslmode", allowed: "disable with redis://" });
            }
            (true, _) => {
                let allowed = "require, verify-ca or verify-full with rediss://";
                return Err(ConfigError::Value { name: "sslmode", allowed });
            }
        }
        Ok(Config {
            host: parts.host,
            port: parts.port.unwrap_or(PORT_DEFAULT),
            reach,
            succession: self.succession.unwrap_or_default(),
            persist: self.persist.unwrap_or_default(),
            replica: self.replica.unwrap_or_default(),
            others: self.others.unwrap_or_default(),
        })
    }
}

const KNOWN_SETTINGS: &str = "sslmode, sslrootcert, tls_ca, connect_timeout, request_timeout, overlap, persist, replica and other_passwords";
const PORT_DEFAULT: u16 = 6379;
const EXAMPLE: &str = "rediss://{{username}}:{{password}}@host:6379/0";

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str, settings: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::parse(&TargetSpec { connection_url: url.to_owned(), settings: settings.collect() })
    }

    #[test]
    fn the_scheme_says_whether_there_is_tls_and_nothing_may_contradict_it() {
        let plain = parse("redis://{{username}}:{{password}}@cache", &[]).unwrap();
        assert_eq!((plain.port, plain.reach.tls), (6379, TlsMode::Disable));
        let secure = parse("rediss://{{username}}:{{password}}@[::1]:7000/3", &[]).unwrap();
        assert_eq!((secure.port, secure.reach.tls), (7000, TlsMode::VerifyFull));
        assert_eq!(secure.place().to_string(), "[::1]:7000");
        assert_eq!(parse("rediss://h?sslmode=require", &[]).unwrap().reach.tls, TlsMode::Require);
        for (url, mode) in [
            ("redis://h", "require"),
            ("redis://h", "prefer"),
            ("rediss://h", "prefer"),
            ("rediss://h", "disable"),
        ] {
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
            "redis://h",
            &[("overlap", "false"), ("persist", "none"), ("replica", "accept"), ("other_passwords", "keep")],
        )
        .unwrap();
        assert_eq!(
            (found.succession, found.persist, found.replica, found.others),
            (Succession::Replace, Persist::Nowhere, Replica::Accept, Others::Keep)
        );
        for (name, value) in
            [("overlap", "yes"), ("persist", "file"), ("replica", ""), ("other_passwords", "remove")]
        {
            assert!(matches!(parse("redis://h", &[(name, value)]), Err(ConfigError::Value { .. })), "{name}");
        }
        assert!(matches!(parse("redis://h", &[("db", "1")]), Err(ConfigError::Unknown { .. })));
        assert_eq!(
            parse("redis://h?overlap=true", &[("overlap", "true")]),
            Err(ConfigError::Twice("overlap"))
        );
        assert!(matches!(parse("redis://h/users", &[]), Err(ConfigError::Form(_))));
        assert_eq!(parse("redis://default:hunter2@h", &[]), Err(ConfigError::LiteralCredential));
    }
}
