//! From which web pages a browser may talk to the vault (cross-origin resource sharing, the Fetch standard).

use serde::{Deserialize, Serialize};

use crate::audit::header::is_header_name;

/// The rule. By default it is off: nothing is asked about origins, and no browser lets a page of another origin read
/// an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cors {
    origins: Vec<String>,
    headers: Vec<String>,
    credentials: bool,
}

/// Why a rule makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CorsError {
    /// The text is Vault's.
    #[error("at least one origin or the wildcard must be provided")]
    NoOrigin,
    /// The text is Vault's.
    #[error("to allow all origins the '*' must be the only value for allowed_origins")]
    NotOnlyAll,
    /// One that no browser would ever send.
    #[error("{0:?} is not an origin: write scheme://host or scheme://host:port, without a path")]
    Origin(String),
    /// One that no request could have.
    #[error("{0:?} is not the name of a header")]
    Header(String),
    /// The answer to each preflight lists the headers.
    #[error("at most {ORIGINS_MAX} origins and {HEADERS_MAX} headers can be allowed")]
    TooMany,
}

impl Cors {
    /// Allows pages of `origins`, or of all for `*` alone, to send `headers` beside those that Vault's clients use.
    ///
    /// # Errors
    /// [`CorsError`] by cause.
    pub fn allowing(
        origins: Vec<String>,
        headers: Vec<String>,
        credentials: bool,
    ) -> Result<Self, CorsError> {
        if origins.is_empty() {
            return Err(CorsError::NoOrigin);
        }
        if origins.len() > 1 && origins.iter().any(|origin| origin == ALL) {
            return Err(CorsError::NotOnlyAll);
        }
        if origins.len() > ORIGINS_MAX || headers.len() > HEADERS_MAX {
            return Err(CorsError::TooMany);
        }
        if let Some(wrong) = origins.iter().find(|origin| !is_origin(origin)) {
            return Err(CorsError::Origin(wrong.clone()));
        }
        if let Some(wrong) = headers.iter().find(|name| !is_header_name(name)) {
            return Err(CorsError::Header(wrong.clone()));
        }
        Ok(Self { origins, headers, credentials })
    }

    /// Whether anything is asked about origins.
    #[must_use]
    pub fn is_on(&self) -> bool {
        !self.origins.is_empty()
    }

    /// Whether a page of `origin` may talk to the vault.
    #[must_use]
    pub fn admits(&self, origin: &str) -> bool {
        self.origins.iter().any(|allowed| allowed == ALL || allowed == origin)
    }

    /// The origins that are allowed; `*` for all.
    #[must_use]
    pub fn origins(&self) -> &[String] {
        &self.origins
    }

    /// The headers that a page may send: Vault's own and those that were added.
    pub fn headers(&self) -> impl Iterator<Item = &str> {
        STANDARD_HEADERS.iter().copied().chain(self.headers.iter().map(String::as_str))
    }

    /// Whether a browser may send what it holds for the vault, too, such as a client certificate.
    #[must_use]
    pub fn credentials(&self) -> bool {
        self.credentials
    }
}

/// As browsers serialise it: `scheme://host[:port]`, or `null` for a page without one.
fn is_origin(text: &str) -> bool {
    let host = text.split_once("://").map(|(_, host)| host);
    let is_host = |host: &str| !host.is_empty() && !host.contains(['/', '?', '#', '@']);
    text.len() <= ORIGIN_BYTES_MAX
        && text.bytes().all(|byte| byte.is_ascii_graphic())
        && (text == ALL || text == "null" || host.is_some_and(is_host))
}

const ALL: &str = "*";
const ORIGINS_MAX: usize = 128;
const HEADERS_MAX: usize = 64;
const ORIGIN_BYTES_MAX: usize = 512;
/// Those that Vault lists, in its order.
const STANDARD_HEADERS: &[&str] = &[
    "Content-Type",
    "Authorization",
    "X-Vault-Token",
    "X-Vault-MFA",
    "X-Vault-No-Request-Forwarding",
    "X-Vault-Wrap-Format",
    "X-Vault-Wrap-TTL",
    "X-Requested-With",
    "X-Vault-AWS-IAM-Server-ID",
    "X-Vault-Policy-Override",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn allowing(origins: &[&str], headers: &[&str]) -> Result<Cors, CorsError> {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Cors::allowing(owned(origins), owned(headers), false)
    }

    #[test]
    fn an_origin_is_admitted_letter_by_letter_or_by_the_star() {
        let some = allowing(&["https://a.example", "http://b.example:8080", "null"], &[]).unwrap();
        for (origin, want) in [
            ("https://a.example", true),
            ("http://b.example:8080", true),
            ("null", true),
            ("http://a.example", false),
            ("https://a.example:443", false),
            ("https://a.example.evil", false),
            ("https://A.example", false),
            ("", false),
        ] {
            assert_eq!(some.admits(origin), want, "{origin}");
        }
        assert!(allowing(&["*"], &[]).unwrap().admits("https://any.example"));
        assert!(!Cors::default().is_on() && !Cors::default().admits("https://a.example"));
    }

    #[test]
    fn what_could_never_hold_is_refused() {
        for (origins, headers, want) in [
            (&[][..], &[][..], CorsError::NoOrigin),
            (&["*", "https://a.example"], &[], CorsError::NotOnlyAll),
            (&["https://a.example/"], &[], CorsError::Origin("https://a.example/".to_owned())),
            (&["a.example"], &[], CorsError::Origin("a.example".to_owned())),
            (&["https://a b"], &[], CorsError::Origin("https://a b".to_owned())),
            (&["*"], &["x\ny"], CorsError::Header("x\ny".to_owned())),
            (&["*"], &[""], CorsError::Header(String::new())),
            (&["*"], &["x"; HEADERS_MAX + 1], CorsError::TooMany),
        ] {
            assert_eq!(allowing(origins, headers), Err(want));
        }
    }

    #[test]
    fn what_vaults_clients_send_is_always_allowed() {
        let cors = allowing(&["*"], &["X-Mine"]).unwrap();
        let headers: Vec<&str> = cors.headers().collect();
        assert!(headers.contains(&"X-Vault-Token") && headers.last() == Some(&"X-Mine"));
    }
}
