//! One account as the management credential sees it: where it stands, what holds it up, what it may do.

use std::collections::BTreeSet;

use data_encoding::BASE64;
use ldap3::{Scope, SearchEntry};
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::Rights;

use super::classify::{self, SUCCESS};
use super::command;
use super::config::{Config, Schema};
use super::server::Server;
use super::session::{Look, Session};

/// An account's entry.
pub(super) struct Account(SearchEntry);

impl Account {
    /// An entry that was found otherwise.
    pub(super) fn of(entry: SearchEntry) -> Self {
        Self(entry)
    }

    /// Finds the one entry that this name means.
    ///
    /// # Errors
    /// `account_missing` when there is none; `preflight` when there are several, or when the name by attribute does
    /// not lead to the DN that the account logs in with.
    pub(super) async fn find(
        session: &mut Session<'_>,
        config: &Config,
        username: &str,
    ) -> Result<Self, Fault> {
        let say = |class, what: &str| {
            Fault::new(class, format!("{}: the account '{username}' {what}", config.place()))
        };
        let missing =
            || say(FaultClass::AccountMissing, "is not there, or the management credential may not see it");
        let mut attributes = attributes(config.schema).to_vec();
        attributes.extend(STATE);
        attributes.extend(config.fence.as_deref());
        if command::is_dn(username) {
            return session.entry(username, &attributes).await?.map(Self).ok_or_else(missing);
        }
        let filter = command::account_filter(config, username);
        let (reply, entries) = session
            .search(Look {
                base: &config.user_base,
                scope: Scope::Subtree,
                filter: &filter,
                attributes: &attributes,
                entries_max: 2,
            })
            .await?;
        let mut entries = entries.into_iter();
        let found = match (entries.next(), entries.next()) {
            (Some(_), Some(_)) => {
                return Err(say(FaultClass::Preflight, "stands for several entries: name it by its DN"));
            }
            (Some(entry), None) if reply.code == SUCCESS => Self(entry),
            (None, _) if reply.code == SUCCESS => return Err(missing()),
            _ => return Err(classify::look(&reply, config.place(), "the accounts below userdn")),
        };
        if !command::names_a_login(config) {
            let binds_as = command::bind_name(config, username);
            let entry = session.entry(&binds_as, &[NO_ATTRIBUTES]).await?;
            if entry.is_none_or(|entry| entry.dn != found.dn()) {
                let what = format!("stands at '{}', not right below userdn: name it by that DN", found.dn());
                return Err(say(FaultClass::Preflight, &what));
            }
        }
        Ok(found)
    }

    /// Where it stands, as the directory spells it.
    pub(super) fn dn(&self) -> &str {
        &self.0.dn
    }

    /// Why a login with the right password would be refused, where the entry tells.
    pub(super) fn obstacle(&self) -> Option<&'static str> {
        let flags =
            |name| self.texts(name).first().and_then(|text| text.parse::<u32>().ok()).unwrap_or_default();
        if self.texts(LOCKED_TIME).iter().any(|time| time == LOCKED_FOR_GOOD) {
            Some("is locked until somebody unlocks it (pwdAccountLockedTime)")
        } else if flags(FLAGS) & FLAG_DISABLED != 0 {
            Some("is disabled")
        } else if flags(FLAGS_NOW) & FLAG_LOCKED != 0 {
            Some("is locked")
        } else {
            None
        }
    }

    /// Whether an identity such as `u:CORP\app` means this account, as far as its entry tells: Active Directory's do.
    pub(super) fn is_user(&self, identity: &str) -> bool {
        let name = identity.rsplit_once('\\').map_or(identity, |(_, name)| name).to_lowercase();
        let own = self.texts(super::config::ACCOUNT_NAME);
        own.is_empty() || own.iter().any(|own| own.to_lowercase() == name)
    }

    /// The values of an attribute that begin like this, also where it holds others that are no text.
    pub(super) fn values_with(&self, name: &str, prefix: &str) -> Vec<String> {
        let binary = self.0.bin_attrs.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        let binary =
            binary.flat_map(|(_, values)| values).filter_map(|value| std::str::from_utf8(value).ok());
        let text = self.texts(name).iter().map(String::as_str);
        text.chain(binary).filter(|value| value.starts_with(prefix)).map(ToOwned::to_owned).collect()
    }

    /// The values of an attribute that are text.
    pub(super) fn texts(&self, name: &str) -> &[String] {
        let found = self.0.attrs.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map_or(&[], |(_, values)| values.as_slice())
    }

    /// What it may do: its groups, and those of its own attributes that mean rights. Never a password.
    pub(super) async fn rights(
        &self,
        session: &mut Session<'_>,
        config: &Config,
        server: &Server,
    ) -> Result<Rights, Fault> {
        let mut lines: BTreeSet<String> = self.own_rights(config.schema);
        if config.schema == Schema::OpenLdap {
            let base =
                config.group_base.as_deref().unwrap_or_else(|| server.naming_context(&config.user_base));
            let filter = command::group_filter(self.dn(), self.texts("uid"));
            let look = Look {
                base,
                scope: Scope::Subtree,
                filter: &filter,
                attributes: &[NO_ATTRIBUTES],
                entries_max: 0,
            };
            let (reply, groups) = session.search(look).await?;
            if reply.code != SUCCESS {
                return Err(classify::look(&reply, config.place(), "the account's groups"));
            }
            lines.extend(groups.into_iter().map(|group| format!("memberOf {}", group.dn)));
        }
        Ok(Rights(lines.into_iter().collect()))
    }

    fn own_rights(&self, schema: Schema) -> BTreeSet<String> {
        let mut lines = BTreeSet::new();
        for name in attributes(schema) {
            lines.extend(self.texts(name).iter().map(|value| format!("{name} {}", steady(name, value))));
            let binary = self.0.bin_attrs.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
            lines.extend(binary.flat_map(|(_, v)| v).map(|value| format!("{name} {}", BASE64.encode(value))));
        }
        lines
    }
}

/// A value without what changes by itself.
fn steady(name: &str, value: &str) -> String {
    match value.parse::<u32>() {
        Ok(flags) if name == FLAGS => (flags & !(FLAG_LOCKED | FLAG_EXPIRED)).to_string(),
        _ => value.to_owned(),
    }
}

/// The attributes of an account that mean rights.
pub(super) fn attributes(schema: Schema) -> &'static [&'static str] {
    match schema {
        Schema::OpenLdap => &[
            "memberOf",
            "objectClass",
            "uid",
            "uidNumber",
            "gidNumber",
            "homeDirectory",
            "loginShell",
            "host",
            "authorizedService",
            "employeeType",
            "authzTo",
            "authzFrom",
            "pwdPolicySubentry",
        ],
        Schema::ActiveDirectory => &[
            "memberOf",
            "primaryGroupID",
            FLAGS,
            "servicePrincipalName",
            "userWorkstations",
            "logonHours",
            "accountExpires",
            "msDS-AllowedToDelegateTo",
        ],
    }
}

/// What tells how an account stands, beside its rights.
const STATE: [&str; 3] = [LOCKED_TIME, FLAGS_NOW, super::config::ACCOUNT_NAME];
const LOCKED_TIME: &str = "pwdAccountLockedTime";
/// The time that means "for good" (draft-behera-ldap-password-policy, section 5.3.3).
const LOCKED_FOR_GOOD: &str = "000001010000Z";
const FLAGS: &str = "userAccountControl";
const FLAGS_NOW: &str = "msDS-User-Account-Control-Computed";
const FLAG_DISABLED: u32 = 0x2;
const FLAG_LOCKED: u32 = 0x10;
const FLAG_EXPIRED: u32 = 0x80_0000;
/// Asks for entries without any attribute (RFC 4511, section 4.5.1.8).
pub(super) const NO_ATTRIBUTES: &str = "1.1";

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn account(attributes: &[(&str, &[&str])]) -> Account {
        let attrs = attributes
            .iter()
            .map(|(name, values)| ((*name).to_owned(), values.iter().map(|v| (*v).to_owned()).collect()))
            .collect();
        Account(SearchEntry { dn: "cn=app,dc=example".to_owned(), attrs, bin_attrs: HashMap::new() })
    }

    #[test]
    fn an_entry_tells_what_holds_its_account_up() {
        for (attributes, held_up) in [
            (&[][..], false),
            (&[("pwdAccountLockedTime", &["000001010000Z"][..])], true),
            // This lock may be over; only a login tells.
            (&[("pwdAccountLockedTime", &["20261122130000Z"])], false),
            (&[("useraccountcontrol", &["512"])], false),
            (&[("userAccountControl", &["514"])], true),
            (&[("msDS-User-Account-Control-Computed", &["16"])], true),
        ] {
            assert_eq!(account(attributes).obstacle().is_some(), held_up, "{attributes:?}");
        }
    }

    #[test]
    fn rights_are_stable_lines_without_what_changes_by_itself() {
        let rights = |flags| {
            let account = account(&[
                ("userAccountControl", &[flags]),
                ("memberOf", &["CN=b", "CN=a"]),
                ("unicodePwd", &["secret"]),
                ("userPassword", &["secret"]),
            ]);
            account.own_rights(Schema::ActiveDirectory).into_iter().collect::<Vec<_>>()
        };
        assert_eq!(rights("512"), ["memberOf CN=a", "memberOf CN=b", "userAccountControl 512"]);
        assert_eq!(rights("8389136"), rights("512"));
        assert_ne!(rights("66048"), rights("512"));
    }

    #[test]
    fn a_windows_identity_is_compared_without_domain_and_case() {
        let account = account(&[("sAMAccountName", &["App"])]);
        assert!(account.is_user("u:CORP\\app"));
        assert!(!account.is_user("u:CORP\\other"));
    }
}
