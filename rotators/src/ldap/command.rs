//! Names, filters and values as LDAP spells them; pure.
//!
//! A name stands in a DN (RFC 4514) and in a filter (RFC 4515), each with its own way to escape.

use std::borrow::Cow;

use data_encoding::BASE64;
use ldap3::{dn_escape, ldap_escape};
use sha1::{Digest, Sha1};
use vault_core::secret::SecretString;

use super::config::{ACCOUNT_NAME, Config, PRINCIPAL_NAME, Schema};

/// Why a name or a password cannot live in a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoginError {
    /// No name.
    #[error("the username is empty")]
    NameEmpty,
    /// Longer than any name that means something.
    #[error("the username is longer than {NAME_BYTES_MAX} bytes")]
    NameTooLong,
    /// A name ends there for many clients.
    #[error("the username holds a NUL character")]
    NameNul,
    /// With no password a bind succeeds and means "nobody" (RFC 4513, section 5.1.2).
    #[error("the password is empty, and a bind without a password says nothing about an account")]
    PasswordEmpty,
    /// Longer than directories take.
    #[error("the password is longer than {PASSWORD_CHARS_MAX} characters")]
    PasswordTooLong,
    /// A password ends there for many clients.
    #[error("the password holds a NUL character")]
    PasswordNul,
}

/// Whether a directory can hold this name.
///
/// # Errors
/// [`LoginError`] by cause.
pub fn check_name(name: &str) -> Result<(), LoginError> {
    if name.is_empty() {
        return Err(LoginError::NameEmpty);
    }
    if name.contains('\0') {
        return Err(LoginError::NameNul);
    }
    if name.len() > NAME_BYTES_MAX { Err(LoginError::NameTooLong) } else { Ok(()) }
}

/// Whether a directory can hold this password.
///
/// # Errors
/// [`LoginError`] by cause.
pub fn check_password(password: &SecretString) -> Result<(), LoginError> {
    let password = password.expose();
    if password.is_empty() {
        return Err(LoginError::PasswordEmpty);
    }
    if password.contains('\0') {
        return Err(LoginError::PasswordNul);
    }
    // Active Directory counts as UTF-16 does.
    if password.encode_utf16().count() > PASSWORD_CHARS_MAX {
        Err(LoginError::PasswordTooLong)
    } else {
        Ok(())
    }
}

/// Whether this is the name of an attribute (RFC 4512, section 1.4), without options.
#[must_use]
pub fn is_attribute(text: &str) -> bool {
    let keyword = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let number = text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_digit() || c == '.');
    keyword || number
}

/// Whether a name is a DN: it begins with an attribute and `=`. An account whose name by attribute looks like
/// that is to be named by its DN.
#[must_use]
pub fn is_dn(name: &str) -> bool {
    name.split_once('=').is_some_and(|(attribute, _)| is_attribute(attribute.trim()))
}

/// What an account binds as.
#[must_use]
pub fn bind_name<'a>(config: &Config, username: &'a str) -> Cow<'a, str> {
    if is_dn(username) {
        return Cow::Borrowed(username);
    }
    if !names_a_login(config) {
        return Cow::Owned(format!("{}={},{}", config.user_attribute, dn_escape(username), config.user_base));
    }
    match &config.domain {
        // `CORP\app` and `app@corp.example` name a domain already.
        Some(domain) if !username.contains(['@', '\\']) => Cow::Owned(format!("{username}@{domain}")),
        _ => Cow::Borrowed(username),
    }
}

/// Whether the directory knows the login by another name than its DN, so that the account may stand anywhere below
/// the base.
#[must_use]
pub fn names_a_login(config: &Config) -> bool {
    config.schema == Schema::ActiveDirectory
        && [PRINCIPAL_NAME, ACCOUNT_NAME].iter().any(|name| config.user_attribute.eq_ignore_ascii_case(name))
}

/// The filter that finds an account that is not named by its DN.
#[must_use]
pub fn account_filter(config: &Config, username: &str) -> String {
    let by_principal = config.user_attribute.eq_ignore_ascii_case(PRINCIPAL_NAME);
    let value = if by_principal { bind_name(config, username) } else { Cow::Borrowed(username) };
    format!("({}={})", config.user_attribute, ldap_escape(value))
}

/// The filter that finds the groups of an account, by its DN and its POSIX names.
#[must_use]
pub fn group_filter(dn: &str, uids: &[String]) -> String {
    let dn = ldap_escape(dn);
    let mut filter = format!("(|(member={dn})(uniqueMember={dn})(roleOccupant={dn})");
    for uid in uids {
        filter.push_str(&format!("(memberUid={})", ldap_escape(uid.as_str())));
    }
    filter.push(')');
    filter
}

/// A password as `unicodePwd` takes it: in quotes, as UTF-16LE (MS-ADTS 3.1.1.3.1.5).
#[must_use]
pub fn unicode_password(password: &SecretString) -> Vec<u8> {
    let text = password.expose();
    let mut bytes = Vec::with_capacity(2 * text.len() + 4);
    let quote = std::iter::once(u16::from(b'"'));
    for unit in quote.clone().chain(text.encode_utf16()).chain(quote) {
        bytes.extend(unit.to_le_bytes());
    }
    bytes
}

/// A password as `userPassword` holds it, hashed on our side: `{SSHA}`, the one form that every OpenLDAP knows
/// without a module.
#[must_use]
pub fn salted_password(password: &SecretString, salt: [u8; SALT_BYTES]) -> Vec<u8> {
    let mut digest = Sha1::new();
    digest.update(password.expose());
    digest.update(salt);
    let mut hashed = digest.finalize().to_vec();
    hashed.extend(salt);
    format!("{{SSHA}}{}", BASE64.encode(&hashed)).into_bytes()
}

/// Bytes of salt in a hash.
pub const SALT_BYTES: usize = 16;
const NAME_BYTES_MAX: usize = 1024;
/// Active Directory's limit, in units of UTF-16.
const PASSWORD_CHARS_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use vault_core::rotation::port::TargetSpec;

    use super::*;

    fn config(settings: &[(&str, &str)]) -> Config {
        let mut all = BTreeMap::from([("userdn".to_owned(), "ou=people,dc=example".to_owned())]);
        all.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        Config::parse(&TargetSpec { connection_url: "ldaps://dir".to_owned(), settings: all }).unwrap()
    }

    #[test]
    fn an_account_binds_by_its_dn_or_its_login_and_every_sign_is_escaped() {
        let ad = ("schema", "ad");
        for (settings, name, binds, filter) in [
            (&[][..], "app", "cn=app,ou=people,dc=example", "(cn=app)"),
            (
                &[("userattr", "uid")],
                "a,b+c\"\\",
                "uid=a\\2cb\\2bc\\22\\5c,ou=people,dc=example",
                "(uid=a,b+c\"\\5c)",
            ),
            (&[], " *(x) ", "cn=\\20*(x)\\20,ou=people,dc=example", "(cn= \\2a\\28x\\29 )"),
            (&[], "#1", "cn=\\231,ou=people,dc=example", "(cn=#1)"),
            (&[ad], "app@corp.example", "app@corp.example", "(userPrincipalName=app@corp.example)"),
            (
                &[ad, ("upndomain", "corp.example")],
                "app",
                "app@corp.example",
                "(userPrincipalName=app@corp.example)",
            ),
            (
                &[ad, ("upndomain", "corp.example"), ("userattr", "samaccountname")],
                "app",
                "app@corp.example",
                "(samaccountname=app)",
            ),
            (
                &[ad, ("upndomain", "corp.example")],
                "CORP\\app",
                "CORP\\app",
                "(userPrincipalName=CORP\\5capp)",
            ),
            (&[ad, ("userattr", "cn")], "App One", "cn=App One,ou=people,dc=example", "(cn=App One)"),
        ] {
            let config = config(settings);
            assert_eq!(bind_name(&config, name), binds);
            assert_eq!(account_filter(&config, name), filter);
        }
        assert_eq!(bind_name(&config(&[]), "uid=x,dc=y"), "uid=x,dc=y");
    }

    #[test]
    fn a_dn_begins_with_an_attribute() {
        for (text, wanted) in [
            ("cn=a,dc=b", true),
            ("2.5.4.3=a", true),
            (" cn = a", true),
            ("a b=c", false),
            ("=c", false),
            ("app", false),
            ("{{username}}", false),
            ("ü=1", false),
        ] {
            assert_eq!(is_dn(text), wanted, "{text}");
        }
    }

    #[test]
    fn active_directorys_password_is_quoted_utf_16() {
        let bytes = unicode_password(&SecretString::new("n€w".to_owned()));
        assert_eq!(bytes, [0x22, 0, b'n', 0, 0xac, 0x20, b'w', 0, 0x22, 0]);
    }

    #[test]
    fn a_salted_hash_is_what_openldap_makes() {
        // slappasswd's form: base64 of SHA-1(password, salt) and the salt; the value is from Python's hashlib.
        let value = salted_password(&SecretString::new("secret".to_owned()), *b"0123456789abcdef");
        assert_eq!(String::from_utf8(value).unwrap(), KNOWN_HASH);
    }

    const KNOWN_HASH: &str = "{SSHA}FTtLy4UHGF6CE6rK0obse+lIYuYwMTIzNDU2Nzg5YWJjZGVm";
}
