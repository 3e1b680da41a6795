//! Names and passwords as LDAP spells them: a second reading finds exactly what was put in.

use std::collections::BTreeMap;

use rotators::ldap::command::{
    account_filter, bind_name, check_name, check_password, group_filter, is_dn, unicode_password,
};
use rotators::ldap::config::Config;
use vault_core::rotation::port::TargetSpec;
use vault_core::secret::SecretString;

use super::parts::parts;

/// Escapes `name %% password`.
pub fn run(data: &[u8]) {
    let Some(parts) = parts(data) else { return };
    let mut parts = parts.into_iter();
    let (name, password) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let secret = SecretString::new(password.to_owned());
    if check_name(name).is_err() || check_password(&secret).is_err() {
        return;
    }
    let config = config();
    assert!(config.is_some(), "the settings are right");
    let Some(config) = config else { return };
    let dn = bind_name(&config, name);
    if is_dn(name) {
        assert_eq!(dn, name);
    } else {
        // RFC 4514: a comma without a backslash ends the name.
        let read = dn.strip_prefix("cn=").and_then(|rest| unescaped(rest, b','));
        assert_eq!(read, Some((name.as_bytes().to_vec(), BASE)));
        let filter = account_filter(&config, name);
        let read = filter.strip_prefix("(cn=").and_then(|rest| unescaped(rest, b')'));
        assert_eq!(read, Some((name.as_bytes().to_vec(), "")));
    }
    let filter = group_filter(&dn, &[name.to_owned()]);
    let mut rest = filter.strip_prefix("(|").unwrap_or_default();
    for (attribute, value) in
        [("member", &*dn), ("uniqueMember", &dn), ("roleOccupant", &dn), ("memberUid", name)]
    {
        let read = rest.strip_prefix(&format!("({attribute}=")).and_then(|rest| unescaped(rest, b')'));
        let (found, behind) = read.unwrap_or_default();
        assert_eq!(found, value.as_bytes());
        rest = behind;
    }
    assert_eq!(rest, ")");
    let bytes = unicode_password(&secret);
    let units = bytes.chunks(2).filter_map(|pair| pair.try_into().ok().map(u16::from_le_bytes));
    let units: Vec<u16> = units.collect();
    assert_eq!(bytes.len(), 2 * units.len());
    assert_eq!(String::from_utf16(&units).ok(), Some(format!("\"{password}\"")));
}

/// What stands before the first `end` that is not escaped, and what follows it. Parentheses, stars and NUL may
/// not stand there bare in a filter, nor the signs of RFC 4514 in a DN.
fn unescaped(text: &str, end: u8) -> Option<(Vec<u8>, &str)> {
    let special: &[u8] = if end == b')' { b"(*\0" } else { b"\"+;<=>\0" };
    let mut value = Vec::new();
    let mut bytes = text.bytes().enumerate();
    let mut last = None;
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' => {
                let mut digit = || char::from(bytes.next()?.1).to_digit(16);
                value.push(u8::try_from(digit()? * 16 + digit()?).ok()?);
                last = None;
            }
            byte if byte == end => {
                let bare = end == b',' && (text.starts_with([' ', '#']) || last == Some(b' '));
                return if bare { None } else { Some((value, text.get(at + 1..)?)) };
            }
            byte if special.contains(&byte) => return None,
            byte => {
                value.push(byte);
                last = Some(byte);
            }
        }
    }
    None
}

fn config() -> Option<Config> {
    let settings = BTreeMap::from([("userdn".to_owned(), BASE.to_owned())]);
    Config::parse(&TargetSpec { connection_url: "ldaps://directory".to_owned(), settings }).ok()
}

const BASE: &str = "ou=people,dc=example,dc=org";
