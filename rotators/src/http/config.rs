//! What the settings of an HTTP target mean. Pure: text in, meaning out.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use vault_core::rotation::port::TargetSpec;

use super::service::{Service, ServiceError, lifetime};
use crate::network::address::{Parts, url};
use crate::network::reach::{ReachReading, once};
use crate::network::{ConfigError, Reach, TlsMode};

/// Why settings were refused; the text says what to mend.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// A setting.
    #[error(transparent)]
    Setting(#[from] ConfigError),
    /// The description.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// Neither or both.
    #[error("give exactly one of service (a description of the API) and preset ({PRESET_NAMES})")]
    WhichService,
    /// Cleartext to another machine.
    #[error(
        "connection_url must begin with https://: over http:// secrets are sent in clear; set cleartext=allow if the way to the host is safe"
    )]
    Cleartext,
}

/// Parsed settings. Holds no secret, so it may be shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Name or IP address, without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// What stands before the paths of the description: empty, or with a slash in front.
    pub prefix: String,
    /// How the server is reached.
    pub reach: Reach,
    /// What the API is like.
    pub service: Service,
    /// Whether credentials that the vault has not made live on after an adoption.
    pub keeps_others: bool,
    /// What tells this target from others of the same API: a digest of where it is and what it asks for.
    print: [u8; 32],
}

impl Config {
    /// Reads the settings of a target.
    ///
    /// # Errors
    /// [`SettingsError`] by cause.
    pub fn parse(spec: &TargetSpec) -> Result<Self, SettingsError> {
        let parts = url(&spec.connection_url, &["http", "https"], EXAMPLE)?;
        let mut read = Reading::new();
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

    /// Marks what is made for this account of this target in labels, so that another target on the same account, or
    /// another vault's, leaves it alone. The same as long as the place, the description and its parameters are.
    #[must_use]
    pub fn mark(&self, username: &str) -> String {
        let digest = digest([self.print.as_slice(), username.as_bytes()]);
        HEXLOWER.encode(digest.first_chunk::<MARK_BYTES>().unwrap_or(&[0; MARK_BYTES]))
    }

    /// Whether the API is reached by TLS.
    #[must_use]
    pub fn encrypted(&self) -> bool {
        self.reach.tls != TlsMode::Disable
    }

    /// Whether the API is on this very machine.
    #[must_use]
    pub fn is_near(&self) -> bool {
        is_near(&self.host)
    }

    /// The scheme, host and port, as an address begins.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("{}://{}", if self.encrypted() { "https" } else { "http" }, self.place())
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
    service: Option<String>,
    preset: Option<String>,
    keeps_others: Option<bool>,
    cleartext: Option<()>,
    lifetime: Option<String>,
    /// Those that may be the description's parameters.
    others: BTreeMap<String, String>,
}

impl Reading {
    fn new() -> Self {
        Self {
            reach: ReachReading::new("request_timeout"),
            service: None,
            preset: None,
            keeps_others: None,
            cleartext: None,
            lifetime: None,
            others: BTreeMap::new(),
        }
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), ConfigError> {
        let wrong = |name, allowed| ConfigError::Value { name, allowed };
        match name {
            "service" => once(&mut self.service, "service", value.to_owned()),
            "preset" => once(&mut self.preset, "preset", value.to_owned()),
            "lifetime" => once(&mut self.lifetime, "lifetime", value.to_owned()),
            "other_credentials" => {
                let keeps = match value {
                    "keep" => true,
                    "delete" => false,
                    _ => return Err(wrong("other_credentials", "delete or keep")),
                };
                once(&mut self.keeps_others, "other_credentials", keeps)
            }
            "cleartext" if value == "allow" => once(&mut self.cleartext, "cleartext", ()),
            "cleartext" => Err(wrong("cleartext", "allow, or not be given")),
            _ if self.reach.take(name, value)? => Ok(()),
            _ => match self.others.insert(name.to_owned(), value.to_owned()) {
                None => Ok(()),
                Some(_) => Err(ConfigError::Twice("a parameter of the description")),
            },
        }
    }

    fn finish(mut self, parts: Parts) -> Result<Config, SettingsError> {
        let encrypted = parts.scheme == "https";
        let prefix = parts.path.unwrap_or_default();
        let prefix = prefix.trim_end_matches('/');
        let port = parts.port.unwrap_or(if encrypted { 443 } else { 80 });
        let print = self.print(&parts.host, port, prefix);
        let reach = self.reach.finish(if encrypted { TlsMode::VerifyFull } else { TlsMode::Disable })?;
        let allowed = match (encrypted, reach.tls) {
            (false, TlsMode::Disable)
            | (true, TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull) => None,
            (false, _) => Some("disable with http://"),
            (true, _) => Some("require, verify-ca or verify-full with https://"),
        };
        if let Some(allowed) = allowed {
            return Err(ConfigError::Value { name: "sslmode", allowed }.into());
        }
        // Whatever else could stand there means something in an address.
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
        if !parts.host.bytes().all(plain) {
            return Err(ConfigError::Host.into());
        }
        if !encrypted && self.cleartext.is_none() && !is_near(&parts.host) {
            return Err(SettingsError::Cleartext);
        }
        let mut service = match (&self.service, &self.preset) {
            (Some(text), None) => Service::parse(text, &mut self.others)?,
            (None, Some(name)) => {
                let text =
                    preset(name).ok_or(ConfigError::Value { name: "preset", allowed: PRESET_NAMES })?;
                Service::parse(text, &mut self.others)?
            }
            _ => return Err(SettingsError::WhichService),
        };
        if let Some(name) = self.others.keys().next() {
            return Err(ConfigError::unknown(name, KNOWN_SETTINGS).into());
        }
        if let Some(text) = &self.lifetime {
            if service.lifetime.is_none() {
                let allowed = "given only where the description has one";
                return Err(ConfigError::Value { name: "lifetime", allowed }.into());
            }
            service.lifetime = Some(lifetime(text)?);
        }
        let sound = |segment: &str| {
            let bytes =
                || segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte));
            !segment.is_empty() && segment != "." && segment != ".." && bytes()
        };
        if !prefix.is_empty() && !prefix.split('/').all(sound) {
            return Err(ConfigError::Form(EXAMPLE).into());
        }
        Ok(Config {
            host: parts.host,
            port,
            prefix: if prefix.is_empty() { String::new() } else { format!("/{prefix}") },
            reach,
            service,
            keeps_others: self.keeps_others.unwrap_or(false),
            print,
        })
    }

    /// Of what makes credentials what they are; not of how the host is reached.
    fn print(&self, host: &str, port: u16, prefix: &str) -> [u8; 32] {
        let given = |text: &Option<String>| text.clone().unwrap_or_default();
        let mut all = vec![host.to_owned(), port.to_string(), prefix.to_owned()];
        all.extend([given(&self.preset), given(&self.service), given(&self.lifetime)]);
        all.extend(self.others.iter().flat_map(|(name, value)| [name.clone(), value.clone()]));
        digest(all.iter().map(String::as_bytes))
    }
}

/// Of the parts, each with its length before it.
fn digest<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; 32] {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}

fn is_near(host: &str) -> bool {
    host.parse::<IpAddr>().map_or(host == "localhost", |ip| ip.is_loopback())
}

/// The description that ships under this name.
#[must_use]
pub fn preset(name: &str) -> Option<&'static str> {
    PRESETS.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// The descriptions that ship, by name.
pub const PRESETS: [(&str, &str); 4] = [
    ("gitlab", include_str!("presets/gitlab.json")),
    ("grafana", include_str!("presets/grafana.json")),
    ("jupyterhub", include_str!("presets/jupyterhub.json")),
    ("keycloak", include_str!("presets/keycloak.json")),
];
/// Enough to tell the targets of one account apart, and short, since names may be.
const MARK_BYTES: usize = 4;
const PRESET_NAMES: &str = "gitlab, grafana, jupyterhub or keycloak";
const KNOWN_SETTINGS: &str = "service, preset, other_credentials, lifetime, cleartext, sslmode, sslrootcert, tls_ca, connect_timeout, request_timeout and the parameters of the description";
const EXAMPLE: &str = "https://host/ or https://host:8443/prefix";

#[cfg(test)]
mod tests;
