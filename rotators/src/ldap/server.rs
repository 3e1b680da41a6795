//! Looks at the directory itself and the management credential, for people and before a change.

use std::net::IpAddr;

use ldap3::SearchEntry;
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::{CheckReport, Login};

use super::account::NO_ATTRIBUTES;
use super::classify::LoginFailure;
use super::config::{Config, Encryption, Schema};
use super::session::Session;
use crate::network::TlsMode;

/// What the directory says of itself (its root entry, RFC 4512, section 5.1).
pub(super) struct Server(Option<SearchEntry>);

impl Server {
    pub(super) async fn look(session: &mut Session<'_>) -> Result<Self, Fault> {
        session.entry("", &["*", "+"]).await.map(Self)
    }

    fn values(&self, name: &str) -> &[String] {
        let found =
            self.0.iter().flat_map(|root| &root.attrs).find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map_or(&[], |(_, values)| values.as_slice())
    }

    fn names(&self, attribute: &str, oid: &str) -> bool {
        self.values(attribute).iter().any(|value| value == oid)
    }

    /// The naming context that `dn` is in; `dn` itself where none fits.
    pub(super) fn naming_context<'a>(&'a self, dn: &'a str) -> &'a str {
        let plain = |dn: &str| dn.to_lowercase().replace(' ', "");
        let whole = plain(dn);
        let fits = |context: &&String| {
            let context = plain(context);
            whole == context || (!context.is_empty() && whole.ends_with(&format!(",{context}")))
        };
        let longest = self.values("namingContexts").iter().filter(fits).max_by_key(|context| context.len());
        longest.map_or(dn, String::as_str)
    }

    /// Why no password can be changed on it at all.
    pub(super) fn obstacle(&self, config: &Config) -> Option<&'static str> {
        // Where the management credential may not see the root entry, nothing is known.
        self.0.as_ref()?;
        let knows_passwords = self.names("supportedExtension", PASSWORD_MODIFY);
        let is_directory_of_microsoft = self.names("supportedCapabilities", ACTIVE_DIRECTORY);
        match config.schema {
            Schema::ActiveDirectory if self.names("supportedCapabilities", READ_ONLY) => {
                Some("this domain controller is read-only: name a writable one")
            }
            Schema::OpenLdap if is_directory_of_microsoft => {
                Some("this is an Active Directory: set schema=ad")
            }
            Schema::OpenLdap if config.fence.is_none() && !knows_passwords => {
                Some("the directory does not offer the Password Modify operation (RFC 3062)")
            }
            Schema::OpenLdap | Schema::ActiveDirectory => None,
        }
    }

    fn title(&self) -> String {
        let first = |name| self.values(name).first().map(String::as_str);
        match (first("vendorName"), first("vendorVersion"), first("dnsHostName")) {
            (Some(vendor), version, _) => {
                format!("{vendor} {}", version.unwrap_or_default()).trim_end().to_owned()
            }
            (_, _, Some(host)) if self.names("supportedCapabilities", ACTIVE_DIRECTORY) => {
                format!("Active Directory, {host}")
            }
            _ if self.values("objectClass").iter().any(|class| class == "OpenLDAProotDSE") => {
                "OpenLDAP".to_owned()
            }
            _ => "a directory that does not tell its name".to_owned(),
        }
    }

    fn warnings(&self, config: &Config) -> Vec<String> {
        let mut warnings = Vec::new();
        let mut warn = |holds: bool, text: &str| {
            if holds {
                warnings.push(text.to_owned());
            }
        };
        let far = !is_loopback(&config.host);
        let verified = matches!(config.reach.tls, TlsMode::VerifyFull | TlsMode::VerifyCa);
        let encrypted = config.encryption != Encryption::Off;
        warn(
            far && !encrypted,
            "the connection is not encrypted, and every login shows its password to the network",
        );
        warn(
            far && encrypted && !verified,
            "the server's identity is not verified, and every login shows it a password: set sslmode=verify-full, and sslrootcert if its authority is your own",
        );
        warn(
            config.fence.is_none(),
            "a change that was held up on its way can still take effect later: set fence_attribute to rule that out",
        );
        warn(
            config.schema == Schema::OpenLdap
                && self.0.is_some()
                && !self.names("supportedControl", super::classify::POLICY_CONTROL),
            "the directory has no password policies (ppolicy), so it tells a locked account from a wrong password by nothing",
        );
        warnings
    }
}

/// Logs in and reports.
pub(super) async fn report(config: &Config, management: &Login) -> Result<CheckReport, Fault> {
    let mut session = Session::open(config, management).await.map_err(LoginFailure::of_management)?;
    let server = Server::look(&mut session).await?;
    if let Some(obstacle) = server.obstacle(config) {
        return Err(session.fault(FaultClass::Preflight, obstacle));
    }
    if session.entry(&config.user_base, &[NO_ATTRIBUTES]).await?.is_none() {
        let what = "the entry of userdn is not there, or the management credential may not see it";
        return Err(session.fault(FaultClass::Preflight, what));
    }
    let mut passed = vec![format!("the management credential logs in to {}", config.place())];
    if let Some(identity) = session.who_am_i().await?.filter(|identity| !identity.is_empty()) {
        passed.push(format!("the directory takes it for {identity}"));
    }
    let encrypted = config.encryption != Encryption::Off;
    passed.push(
        if encrypted { "the connection is encrypted by TLS" } else { "the connection is not encrypted" }
            .to_owned(),
    );
    passed.push("the entry of userdn is there".to_owned());
    session.close().await;
    Ok(CheckReport { server: server.title(), passed, warnings: server.warnings(config) })
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

const PASSWORD_MODIFY: &str = "1.3.6.1.4.1.4203.1.11.1";
const ACTIVE_DIRECTORY: &str = "1.2.840.113556.1.4.800";
const READ_ONLY: &str = "1.2.840.113556.1.4.1920";

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};

    use vault_core::rotation::port::TargetSpec;

    use super::*;

    fn server(attributes: &[(&str, &[&str])]) -> Server {
        let attrs = attributes
            .iter()
            .map(|(name, values)| ((*name).to_owned(), values.iter().map(|v| (*v).to_owned()).collect()))
            .collect();
        Server(Some(SearchEntry { dn: String::new(), attrs, bin_attrs: HashMap::new() }))
    }

    fn config(schema: &str) -> Config {
        let settings = [("userdn", "dc=example"), ("schema", schema)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let spec =
            TargetSpec { connection_url: "ldaps://dir".to_owned(), settings: BTreeMap::from(settings) };
        Config::parse(&spec).unwrap()
    }

    #[test]
    fn the_naming_context_is_the_longest_that_holds_the_base() {
        let server = server(&[("namingContexts", &["dc=example", "ou=x,dc=example", "dc=other", ""])]);
        for (dn, context) in [
            ("OU=people, DC=Example", "dc=example"),
            ("ou=people,ou=x,dc=example", "ou=x,dc=example"),
            ("dc=example", "dc=example"),
            ("dc=myexample", "dc=myexample"),
        ] {
            assert_eq!(server.naming_context(dn), context);
        }
    }

    #[test]
    fn a_directory_that_takes_no_password_is_told() {
        let ad = ("supportedCapabilities", &[ACTIVE_DIRECTORY][..]);
        let read_only = ("supportedCapabilities", &[ACTIVE_DIRECTORY, READ_ONLY][..]);
        let passwords = ("supportedExtension", &[PASSWORD_MODIFY][..]);
        for (schema, attributes, fits) in [
            ("openldap", &[passwords][..], true),
            ("openldap", &[], false),
            ("openldap", &[ad, passwords], false),
            ("ad", &[ad], true),
            ("ad", &[read_only], false),
        ] {
            assert_eq!(
                server(attributes).obstacle(&config(schema)).is_none(),
                fits,
                "{schema} {attributes:?}"
            );
        }
    }
}
