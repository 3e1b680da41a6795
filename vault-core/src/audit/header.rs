//! Which headers of a request get into its entry, and how they stand there.

use std::collections::BTreeMap;

use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Serialize, Serializer};

use super::digest::Digester;
use crate::secret::SecretString;

/// The headers that are wanted in the trail, by name in small letters; those that are only digests there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditedHeaders {
    digested: BTreeMap<String, bool>,
}

/// Why a header is not put into the trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// RFC 9110, section 5.1: names are tokens.
    #[error("a header's name has 1 to {NAME_BYTES_MAX} letters, digits and hyphens")]
    Name,
    /// Its value gives access.
    #[error("this header carries credentials: it can be in the audit trail with hmac=true only")]
    Credentials,
    /// There are as many as there may be, so that every entry fits the trail.
    #[error("there are {HEADERS_MAX} audited headers already")]
    TooMany,
}

impl AuditedHeaders {
    /// With the header `name`, as digests or as it comes.
    ///
    /// # Errors
    /// [`HeaderError`] by cause.
    pub fn with(&self, name: &str, is_digested: bool) -> Result<Self, HeaderError> {
        let name = name.to_ascii_lowercase();
        if !is_header_name(&name) {
            return Err(HeaderError::Name);
        }
        if !is_digested && CREDENTIALS.contains(&name.as_str()) {
            return Err(HeaderError::Credentials);
        }
        let mut next = self.clone();
        next.digested.insert(name, is_digested);
        if next.digested.len() > HEADERS_MAX { Err(HeaderError::TooMany) } else { Ok(next) }
    }

    /// Without the header `name`; `None` when it is not there.
    #[must_use]
    pub fn without(&self, name: &str) -> Option<Self> {
        let mut next = self.clone();
        next.digested.remove(&name.to_ascii_lowercase()).map(|_| next)
    }

    /// Whether the header `name`, in any case of letters, is only a digest in the trail; `None` when it is not there.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<bool> {
        self.digested.get(&name.to_ascii_lowercase()).copied()
    }

    /// Names in small letters, and whether they are only digests.
    pub fn iter(&self) -> impl Iterator<Item = (&str, bool)> {
        self.digested.iter().map(|(name, is_digested)| (name.as_str(), *is_digested))
    }
}

/// Whether `name` can be the name of a header: a token of RFC 9110, section 5.6.2, of bounded length.
pub(crate) fn is_header_name(name: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(is_token)
}

/// One header of a request, for its entry. `Debug` shows nothing of its values.
#[derive(Debug)]
pub struct AuditedHeader {
    /// Its name in small letters.
    pub name: String,
    /// Its values, in the order in which they came.
    pub values: Vec<SecretString>,
    /// Whether they become digests.
    pub is_digested: bool,
}

/// The headers as an entry shows them: `{"x-name": ["…"]}`.
#[derive(Clone, Copy)]
pub(super) struct Shown<'a> {
    pub(super) headers: &'a [AuditedHeader],
    pub(super) digester: &'a Digester,
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.headers.len()))?;
        for header in self.headers {
            map.serialize_entry(&header.name, &Values { header, digester: self.digester })?;
        }
        map.end()
    }
}

struct Values<'a> {
    header: &'a AuditedHeader,
    digester: &'a Digester,
}

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.header.values.len()))?;
        for value in &self.header.values {
            let text = value.expose();
            if self.header.is_digested || text.len() > PLAIN_BYTES_MAX {
                list.serialize_element(&self.digester.digest(text))?;
            } else {
                list.serialize_element(text)?;
            }
        }
        list.end()
    }
}

/// What gives access, here or at a server in front.
const CREDENTIALS: &[&str] = &["x-vault-token", "authorization", "proxy-authorization", "cookie"];
const NAME_BYTES_MAX: usize = 128;
const HEADERS_MAX: usize = 64;
/// A longer value is a digest always.
const PLAIN_BYTES_MAX: usize = 4096;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_known_in_any_case_and_credentials_never_stand_plain() {
        let none = AuditedHeaders::default();
        let some = none.with("X-Request-ID", false).unwrap().with("x-user", true).unwrap();
        assert_eq!(some.iter().collect::<Vec<_>>(), [("x-request-id", false), ("x-user", true)]);
        assert_eq!((some.get("X-USER"), some.get("x-other")), (Some(true), None));
        assert_eq!(some.without("X-User").unwrap().get("x-user"), None);
        assert_eq!(some.without("x-other"), None);
        for (name, is_digested, want) in [
            ("", false, HeaderError::Name),
            ("a b", false, HeaderError::Name),
            ("a:b", true, HeaderError::Name),
            ("é", true, HeaderError::Name),
            ("X-Vault-Token", false, HeaderError::Credentials),
            ("authorization", false, HeaderError::Credentials),
            ("Cookie", false, HeaderError::Credentials),
        ] {
            assert_eq!(some.with(name, is_digested), Err(want), "{name:?}");
        }
        assert_eq!(some.with("X-Vault-Token", true).unwrap().get("x-vault-token"), Some(true));
        let many = (0..HEADERS_MAX).fold(none, |all, n| all.with(&format!("h{n}"), false).unwrap());
        assert_eq!(many.with("one-more", false), Err(HeaderError::TooMany));
        assert!(many.with("h0", true).is_ok());
    }

    #[test]
    fn values_are_digests_where_that_was_wanted_and_where_they_are_long() {
        let digester = Digester::new(&[7; 32]);
        let header = |name: &str, values: &[&str], is_digested| AuditedHeader {
            name: name.to_owned(),
            values: values.iter().map(|value| SecretString::new((*value).to_owned())).collect(),
            is_digested,
        };
        let long = "x".repeat(PLAIN_BYTES_MAX + 1);
        let headers =
            [header("a", &["1", "2"], false), header("b", &["1"], true), header("c", &[&long], false)];
        let shown = serde_json::to_value(Shown { headers: &headers, digester: &digester }).unwrap();
        let d = |text: &str| digester.digest(text);
        assert_eq!(shown, json!({ "a": ["1", "2"], "b": [d("1")], "c": [d(&long)] }));
        assert!(!format!("{:?}", header("a", &["hunter2"], false)).contains("hunter2"));
    }
}
