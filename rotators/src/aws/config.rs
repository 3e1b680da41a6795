//! What an AWS target's settings mean. Pure: text in, meaning out.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use vault_core::rotation::port::TargetSpec;

use crate::network::address::{Parts, url};
use crate::network::reach::{ReachReading, once, span};
use crate::network::{ConfigError, Reach, TlsMode};

/// What becomes of the keys that a user has when the vault adopts it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OtherKeys {
    /// They are deactivated and deleted, once the vault's own key was seen to work.
    #[default]
    Remove,
    /// They stay; a person deletes them.
    Keep,
}

/// Where a service is, and for which region its requests are signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Name or IP address, without brackets.
    pub host: String,
    /// The port, where it is not the scheme's own.
    pub port: Option<u16>,
    /// Whether it is reached by TLS. Without it only on this machine.
    pub encrypted: bool,
    /// The region in the signature.
    pub region: String,
}

impl Endpoint {
    /// The address to send requests to.
    #[must_use]
    pub fn address(&self) -> String {
        let scheme = if self.encrypted { "https" } else { "http" };
        format!("{scheme}://{self}/")
    }

    /// Whether it is on this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.host.parse::<IpAddr>().map_or(self.host == "localhost", |ip| ip.is_loopback())
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = &self.host;
        if host.contains(':') {
            write!(f, "[{host}]")?
        } else {
            f.write_str(host)?
        }
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

/// Parsed settings. Holds no secret, so it may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Users and their keys.
    pub iam: Endpoint,
    /// Where a key is tried.
    pub sts: Endpoint,
    /// How both are reached.
    pub reach: Reach,
    /// What becomes of keys that are there already.
    pub other_keys: OtherKeys,
    /// The longest wait until a new key is known, and until an old one is refused.
    pub propagation_timeout: Duration,
}

impl Config {
    /// Reads the settings of a target.
    ///
    /// # Errors
    /// [`ConfigError`] by cause.
    pub fn parse(spec: &TargetSpec) -> Result<Self, ConfigError> {
        let parts = address(&spec.connection_url, "connection_url", EXAMPLE)?;
        let mut read = Reading::default();
        for (name, value) in &parts.parameters {
            read.take(name, value)?;
        }
        for (name, value) in &spec.settings {
            read.take(name, value)?;
        }
        read.finish(parts)
    }
}

/// An address without a path.
fn address(text: &str, name: &'static str, example: &'static str) -> Result<Parts, ConfigError> {
    let parts = url(text, &["http", "https"], example)?;
    let is_name = parts.host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.:".contains(&byte));
    match &parts.path {
        None if is_name => Ok(parts),
        _ => Err(ConfigError::Value {
            name,
            allowed: "an address without a path, such as https://iam.amazonaws.com",
        }),
    }
}

/// The settings seen so far, to notice what is given twice.
struct Reading {
    reach: ReachReading,
    region: Option<String>,
    sts_url: Option<String>,
    other_keys: Option<OtherKeys>,
    propagation_timeout: Option<Duration>,
}

impl Default for Reading {
    fn default() -> Self {
        let reach = ReachReading::new("request_timeout");
        Self { reach, region: None, sts_url: None, other_keys: None, propagation_timeout: None }
    }
}

impl Reading {
    fn take(&mut self, name: &str, value: &str) -> Result<(), ConfigError> {
        match name {
            "region" => {
                let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
                if value.is_empty() || value.len() > REGION_BYTES_MAX || !value.bytes().all(fits) {
                    return Err(ConfigError::Value {
                        name: "region",
                        allowed: "a region such as eu-central-1",
                    });
                }
                once(&mut self.region, "region", value.to_owned())
            }
            "sts_url" => once(&mut self.sts_url, "sts_url", value.to_owned()),
            "other_keys" => {
                let meaning = match value {
                    "remove" => OtherKeys::Remove,
                    "keep" => OtherKeys::Keep,
                    _ => return Err(ConfigError::Value { name: "other_keys", allowed: "remove or keep" }),
                };
                once(&mut self.other_keys, "other_keys", meaning)
            }
            "propagation_timeout" => {
                let meaning = span("propagation_timeout", value)?;
                if meaning > PROPAGATION_TIMEOUT_MAX {
                    return Err(ConfigError::Value {
                        name: "propagation_timeout",
                        allowed: "a time from 100ms to 20s, such as 15s",
                    });
                }
                once(&mut self.propagation_timeout, "propagation_timeout", meaning)
            }
            _ if self.reach.take(name, value)? => Ok(()),
            _ => Err(ConfigError::unknown(name, KNOWN_SETTINGS)),
        }
    }

    fn finish(self, parts: Parts) -> Result<Config, ConfigError> {
        let partition = PARTITIONS.iter().find(|partition| partition.iam_host == parts.host);
        let region = self.region.unwrap_or_else(|| partition.unwrap_or(&PARTITIONS[0]).region.to_owned());
        let iam = Endpoint {
            // IAM is one for a partition, and lives in one region of it.
            region: partition.map_or(region.as_str(), |partition| partition.region).to_owned(),
            ..endpoint(&parts, "connection_url")?
        };
        let sts = match (self.sts_url, partition) {
            (Some(text), _) => {
                let parts = address(&text, "sts_url", STS_EXAMPLE)?;
                if !parts.parameters.is_empty() {
                    return Err(ConfigError::Form(STS_EXAMPLE));
                }
                Endpoint { region, ..endpoint(&parts, "sts_url")? }
            }
            (None, Some(partition)) => {
                let host = format!("sts.{region}.{}", partition.domain);
                Endpoint { host, port: None, encrypted: true, region }
            }
            // A gateway or an imitation: both services are behind one address.
            (None, None) => Endpoint { region, ..iam.clone() },
        };
        let encrypted = iam.encrypted || sts.encrypted;
        let reach = self.reach.finish(if encrypted { TlsMode::VerifyFull } else { TlsMode::Disable })?;
        // The answer to CreateAccessKey holds the secret.
        let wanted = if encrypted { TlsMode::VerifyFull } else { TlsMode::Disable };
        if reach.tls != wanted {
            let allowed = "verify-full with https://, disable with http://";
            return Err(ConfigError::Value { name: "sslmode", allowed });
        }
        Ok(Config {
            iam,
            sts,
            reach,
            other_keys: self.other_keys.unwrap_or_default(),
            propagation_timeout: self.propagation_timeout.unwrap_or(PROPAGATION_TIMEOUT_DEFAULT),
        })
    }
}

fn endpoint(parts: &Parts, name: &'static str) -> Result<Endpoint, ConfigError> {
    let encrypted = parts.scheme == "https";
    let own = if encrypted { 443 } else { 80 };
    let port = parts.port.filter(|port| *port != own);
    let endpoint = Endpoint { host: parts.host.clone(), port, encrypted, region: String::new() };
    if encrypted || endpoint.is_loopback() {
        Ok(endpoint)
    } else {
        Err(ConfigError::Value { name, allowed: "https://…; http:// only on this machine, for tests" })
    }
}

/// A part of AWS with users of its own.
struct Partition {
    iam_host: &'static str,
    /// For which requests to IAM are signed there.
    region: &'static str,
    domain: &'static str,
}

const PARTITIONS: [Partition; 3] = [
    Partition { iam_host: "iam.amazonaws.com", region: "us-east-1", domain: "amazonaws.com" },
    Partition {
        iam_host: "iam.cn-north-1.amazonaws.com.cn",
        region: "cn-north-1",
        domain: "amazonaws.com.cn",
    },
    Partition { iam_host: "iam.us-gov.amazonaws.com", region: "us-gov-west-1", domain: "amazonaws.com" },
];
const KNOWN_SETTINGS: &str = "region, sts_url, other_keys, propagation_timeout, sslmode, sslrootcert, tls_ca, connect_timeout and request_timeout";
const PROPAGATION_TIMEOUT_DEFAULT: Duration = Duration::from_secs(15);
/// Below the engine's limit of a whole step, with room for the other requests.
const PROPAGATION_TIMEOUT_MAX: Duration = Duration::from_secs(20);
const REGION_BYTES_MAX: usize = 32;
const EXAMPLE: &str = "https://iam.amazonaws.com";
const STS_EXAMPLE: &str = "https://sts.eu-central-1.amazonaws.com";

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str, settings: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::parse(&TargetSpec { connection_url: url.to_owned(), settings: settings.collect() })
    }

    fn of(endpoint: &Endpoint) -> (String, &str) {
        (endpoint.address(), &endpoint.region)
    }

    #[test]
    fn each_partition_has_its_addresses_and_regions() {
        for (url, region, iam, sts) in [
            (
                "https://iam.amazonaws.com",
                None,
                ("https://iam.amazonaws.com/", "us-east-1"),
                ("https://sts.us-east-1.amazonaws.com/", "us-east-1"),
            ),
            (
                "https://{{username}}:{{password}}@iam.amazonaws.com:443/",
                Some("eu-central-1"),
                ("https://iam.amazonaws.com/", "us-east-1"),
                ("https://sts.eu-central-1.amazonaws.com/", "eu-central-1"),
            ),
            (
                "https://iam.cn-north-1.amazonaws.com.cn",
                Some("cn-northwest-1"),
                ("https://iam.cn-north-1.amazonaws.com.cn/", "cn-north-1"),
                ("https://sts.cn-northwest-1.amazonaws.com.cn/", "cn-northwest-1"),
            ),
            (
                "https://iam.us-gov.amazonaws.com",
                None,
                ("https://iam.us-gov.amazonaws.com/", "us-gov-west-1"),
                ("https://sts.us-gov-west-1.amazonaws.com/", "us-gov-west-1"),
            ),
            (
                "http://[::1]:5000",
                Some("eu-west-1"),
                ("http://[::1]:5000/", "eu-west-1"),
                ("http://[::1]:5000/", "eu-west-1"),
            ),
        ] {
            let settings: Vec<_> = region.map(|region| ("region", region)).into_iter().collect();
            let config = parse(url, &settings).unwrap();
            let want = |(address, region): (&str, &'static str)| (address.to_owned(), region);
            assert_eq!((of(&config.iam), of(&config.sts)), (want(iam), want(sts)), "{url}");
        }
        let config = parse("https://iam.amazonaws.com", &[("sts_url", "https://vpce.example:8443")]).unwrap();
        assert_eq!(of(&config.sts), ("https://vpce.example:8443/".to_owned(), "us-east-1"));
    }

    #[test]
    fn settings_have_their_meaning_and_wrong_ones_are_told() {
        let found =
            parse("http://127.0.0.1:5000", &[("other_keys", "keep"), ("propagation_timeout", "2s")]).unwrap();
        assert_eq!((found.other_keys, found.reach.tls), (OtherKeys::Keep, TlsMode::Disable));
        assert_eq!(found.propagation_timeout, Duration::from_secs(2));
        for (url, name, value, told) in [
            ("https://iam.amazonaws.com", "region", "Frankfurt!", "region"),
            ("https://iam.amazonaws.com", "other_keys", "delete", "other_keys"),
            ("https://iam.amazonaws.com", "propagation_timeout", "1m", "propagation_timeout"),
            ("https://iam.amazonaws.com", "sslmode", "require", "sslmode"),
            ("https://iam.amazonaws.com", "sslmode", "disable", "sslmode"),
            ("https://iam.amazonaws.com", "sts_url", "http://sts.example", "sts_url"),
            ("https://iam.amazonaws.com", "sts_url", "https://sts.example/path", "sts_url"),
            ("http://127.0.0.1:1", "sslmode", "verify-full", "sslmode"),
            ("http://iam.amazonaws.com", "region", "eu-west-1", "connection_url"),
            ("https://iam.amazonaws.com/path", "region", "eu-west-1", "connection_url"),
            ("https://iam.am\u{e4}zonaws.com", "region", "eu-west-1", "connection_url"),
        ] {
            let found = parse(url, &[(name, value)]);
            assert!(
                matches!(found, Err(ConfigError::Value { name, .. }) if name == told),
                "{url} {name}={value}: {found:?}"
            );
        }
        assert!(matches!(parse("https://h", &[("path", "/")]), Err(ConfigError::Unknown { .. })));
        assert_eq!(parse("https://AKIA:secret@h", &[]), Err(ConfigError::LiteralCredential));
    }
}
