//! What an LDAP target's settings mean.
//!
//! Pure: text in, meaning out. The words are those of Vault's engine for LDAP where it has one: `schema`,
//! `userdn`, `userattr`, `upndomain`, `groupdn`.

use std::fmt;
use std::net::Ipv6Addr;

use vault_core::rotation::port::TargetSpec;

use crate::network::address::{Parts, url};
use crate::network::reach::{ReachReading, once};
use crate::network::{ConfigError, Reach, TlsMode};

/// Which kind of directory it is; decides how a password is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Schema {
    /// OpenLDAP, and what behaves like it: `userPassword`, by the Password Modify operation (RFC 3062).
    #[default]
    OpenLdap,
    /// Active Directory: `unicodePwd`.
    ActiveDirectory,
}

/// When TLS begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// Never.
    Off,
    /// After a request in clear text (`ldap://`).
    StartTls,
    /// With the first byte (`ldaps://`).
    FromStart,
}

/// Parsed settings. Holds no secret, so it may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Name or IP address, without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// When TLS begins.
    pub encryption: Encryption,
    /// How the server is reached.
    pub reach: Reach,
    /// Which kind of directory it is.
    pub schema: Schema,
    /// Below this entry accounts are looked for.
    pub user_base: String,
    /// The attribute that an account is named by, where its name is no DN.
    pub user_attribute: String,
    /// Active Directory: what stands behind the `@` when such an account logs in.
    pub domain: Option<String>,
    /// Below this entry groups are looked for; where it is not set, below the naming context of `user_base`.
    pub group_base: Option<String>,
    /// An attribute of the accounts that takes the mark by which a late request is fenced off.
    pub fence: Option<String>,
}

impl Config {
    /// Reads the settings of a target.
    ///
    /// # Errors
    /// [`ConfigError`] by cause.
    pub fn parse(spec: &TargetSpec) -> Result<Self, ConfigError> {
        let parts = url(&spec.connection_url, &[LDAPS, LDAP], EXAMPLE)?;
        let mut read = Reading::new();
        for (name, value) in parts.parameters.iter().map(|(n, v)| (n, v)).chain(&spec.settings) {
            read.take(name, value)?;
        }
        read.finish(parts)
    }

    /// Where the target is, for messages.
    #[must_use]
    pub fn place(&self) -> Place<'_> {
        Place(self)
    }

    /// What to put into a URL as host: only this form has brackets.
    #[must_use]
    pub(super) fn bracketed_host(&self) -> String {
        if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() }
    }
}

/// `host:port` of a target, for messages.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a>(&'a Config);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.0.bracketed_host(), self.0.port)
    }
}

/// The settings seen so far, to notice what is given twice.
struct Reading {
    reach: ReachReading,
    schema: Option<Schema>,
    user_base: Option<String>,
    user_attribute: Option<String>,
    domain: Option<String>,
    group_base: Option<String>,
    fence: Option<String>,
}

impl Reading {
    fn new() -> Self {
        Self {
            reach: ReachReading::new("request_timeout"),
            schema: None,
            user_base: None,
            user_attribute: None,
            domain: None,
            group_base: None,
            fence: None,
        }
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), ConfigError> {
        match name {
            "schema" => once(&mut self.schema, "schema", schema(value)?),
            "userdn" => once(&mut self.user_base, "userdn", dn("userdn", value)?),
            "groupdn" => once(&mut self.group_base, "groupdn", dn("groupdn", value)?),
            "userattr" => once(&mut self.user_attribute, "userattr", attribute("userattr", value)?),
            "upndomain" => once(&mut self.domain, "upndomain", domain(value)?),
            "fence_attribute" => {
                once(&mut self.fence, "fence_attribute", attribute("fence_attribute", value)?)
            }
            _ if self.reach.take(name, value)? => Ok(()),
            _ => Err(ConfigError::unknown(name, KNOWN_SETTINGS)),
        }
    }

    fn finish(self, parts: Parts) -> Result<Config, ConfigError> {
        if parts.path.is_some() {
            return Err(ConfigError::Form(EXAMPLE));
        }
        let wrong = |name, allowed| Err(ConfigError::Value { name, allowed });
        // A simple bind hands the password to whoever answers, so the server's identity is looked at unless told not to.
        let reach = self.reach.finish(TlsMode::VerifyFull)?;
        let schema = self.schema.unwrap_or_default();
        let encryption = match (parts.scheme == LDAPS, reach.tls) {
            (true, TlsMode::Disable) => return wrong("sslmode", "other than disable with ldaps://"),
            (true, _) => Encryption::FromStart,
            (false, TlsMode::Disable) => Encryption::Off,
            (false, _) => Encryption::StartTls,
        };
        if schema == Schema::ActiveDirectory && encryption == Encryption::Off {
            return wrong("sslmode", "other than disable with schema=ad: it sets passwords over TLS only");
        }
        if reach.tls == TlsMode::VerifyFull && parts.host.parse::<Ipv6Addr>().is_ok() {
            return wrong("sslmode", "verify-ca or less for an IPv6 address; or name the host");
        }
        let user_attribute = self.user_attribute.unwrap_or_else(|| schema.user_attribute().to_owned());
        let by_account_name = user_attribute.eq_ignore_ascii_case(ACCOUNT_NAME);
        if schema == Schema::ActiveDirectory && by_account_name && self.domain.is_none() {
            return wrong("upndomain", "set with userattr=sAMAccountName, such as example.com");
        }
        let Some(user_base) = self.user_base else {
            return wrong(
                "userdn",
                "set: the entry below which the accounts are, such as ou=people,dc=example",
            );
        };
        let meaning = super::account::attributes(schema).iter().chain(&PASSWORDS).copied();
        if let Some(fence) = &self.fence
            && meaning.chain([user_attribute.as_str()]).any(|name| name.eq_ignore_ascii_case(fence))
        {
            return wrong("fence_attribute", "an attribute that decides nothing, such as description");
        }
        Ok(Config {
            host: parts.host,
            port: parts.port.unwrap_or(if encryption == Encryption::FromStart { PORT_TLS } else { PORT }),
            encryption,
            reach,
            schema,
            user_base,
            user_attribute,
            domain: self.domain,
            group_base: self.group_base,
            fence: self.fence,
        })
    }
}

impl Schema {
    /// What accounts are named by, where nothing is said: as Vault has it.
    fn user_attribute(self) -> &'static str {
        match self {
            Self::OpenLdap => "cn",
            Self::ActiveDirectory => PRINCIPAL_NAME,
        }
    }
}

fn schema(text: &str) -> Result<Schema, ConfigError> {
    match text {
        "openldap" => Ok(Schema::OpenLdap),
        "ad" => Ok(Schema::ActiveDirectory),
        _ => Err(ConfigError::Value { name: "schema", allowed: "openldap or ad" }),
    }
}

fn dn(name: &'static str, text: &str) -> Result<String, ConfigError> {
    let text = text.trim();
    if super::command::is_dn(text) && !text.contains('\0') {
        Ok(text.to_owned())
    } else {
        Err(ConfigError::Value { name, allowed: "a DN, such as ou=people,dc=example,dc=com" })
    }
}

fn attribute(name: &'static str, text: &str) -> Result<String, ConfigError> {
    if super::command::is_attribute(text) {
        Ok(text.to_owned())
    } else {
        Err(ConfigError::Value { name, allowed: "the name of an attribute, such as uid" })
    }
}

fn domain(text: &str) -> Result<String, ConfigError> {
    let odd = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
    if text.is_empty() || text.contains(odd) {
        Err(ConfigError::Value { name: "upndomain", allowed: "the name of a domain, such as example.com" })
    } else {
        Ok(text.to_owned())
    }
}

/// Active Directory's name for logins of the form `name@domain`.
pub(super) const PRINCIPAL_NAME: &str = "userPrincipalName";
/// Active Directory's short name of an account.
pub(super) const ACCOUNT_NAME: &str = "sAMAccountName";
/// What holds passwords.
const PASSWORDS: [&str; 2] = ["userPassword", "unicodePwd"];
const LDAP: &str = "ldap";
const LDAPS: &str = "ldaps";
const PORT: u16 = 389;
const PORT_TLS: u16 = 636;
const EXAMPLE: &str = "ldaps://ldap.example:636, or ldap://ldap.example:389 for StartTLS";
const KNOWN_SETTINGS: &str = "schema, userdn, userattr, upndomain, groupdn, fence_attribute, sslmode, sslrootcert, tls_ca, \
     connect_timeout and request_timeout";

#[cfg(test)]
mod tests;
