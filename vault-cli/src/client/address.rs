//! The server's address and the URLs below it.

use std::fmt;

use reqwest::Url;

use crate::failure::Failure;

/// A checked base address.
#[derive(Clone, Debug)]
pub(crate) struct Address(Url);

impl Address {
    /// Reads an address as in `VAULT_ADDR`; an empty one is the default, as an unset variable is.
    ///
    /// # Errors
    /// It has no scheme, another scheme than http and https, no host, or a user name inside.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let text = text.trim();
        let refused = |why: &str| {
            // The text is not quoted: it may hold a password.
            Failure::usage(format!("the address {why}"))
                .with_hint("write it as in https://vault.example:8200, or http://127.0.0.1:8200 for plain HTTP on loopback")
        };
        let url =
            Url::parse(if text.is_empty() { DEFAULT } else { text }).map_err(|_| refused("is no URL"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refused("must begin with https:// or http://"));
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(refused("has no host"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused("must not hold a user name or password"));
        }
        Ok(Self(url))
    }

    /// The URL of an API path such as `accounts/creds/db/app`, each segment percent-encoded.
    ///
    /// # Errors
    /// The path is empty or has a segment `.` or `..`, which would name another path.
    pub(crate) fn url(&self, path: &str) -> Result<Url, Failure> {
        let path = path.trim_start_matches('/');
        let path = path.strip_prefix("v1/").unwrap_or(path);
        if path.is_empty() {
            return Err(Failure::usage("the path is empty"));
        }
        if path.split('/').any(|segment| matches!(segment, "." | "..")) {
            return Err(Failure::usage(format!(
                "the path {path:?} has a segment . or .., which names no account"
            )));
        }
        let mut url = self.0.clone();
        url.path_segments_mut()
            .map_err(|()| Failure::usage("the address cannot carry a path"))?
            .pop_if_empty()
            .push("v1")
            .extend(path.split('/'));
        Ok(url)
    }

    pub(crate) fn is_loopback(&self) -> bool {
        self.0.host_str().is_some_and(|host| {
            let host = host.trim_start_matches('[').trim_end_matches(']');
            host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        })
    }

    pub(crate) fn is_plain(&self) -> bool {
        self.0.scheme() == "http"
    }

    /// What is wrong with sending a token there, if something is.
    pub(crate) fn warning(&self) -> Option<String> {
        (self.is_plain() && !self.is_loopback()).then(|| {
            format!(
                "{self} is plain HTTP over a network: the token and every password can be read on the way"
            )
        })
    }

    /// The same server by plain HTTP, for a hint.
    pub(crate) fn as_plain(&self) -> String {
        let mut url = self.0.clone();
        // Fails only for schemes that `parse` refuses.
        let _ = url.set_scheme("http");
        shown(&url)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&shown(&self.0))
    }
}

fn shown(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

const DEFAULT: &str = "https://127.0.0.1:8200";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_encoded_by_segment_below_the_address() {
        for (address, path, url) in [
            ("https://v:8200", "sys/health", "https://v:8200/v1/sys/health"),
            ("https://v:8200/", "/v1/sys/health", "https://v:8200/v1/sys/health"),
            ("http://v/base/", "accounts/creds/db/a b@c?d", "http://v/base/v1/accounts/creds/db/a%20b@c%3Fd"),
            ("", "incidents/", "https://127.0.0.1:8200/v1/incidents/"),
        ] {
            assert_eq!(Address::parse(address).unwrap().url(path).unwrap().as_str(), url);
        }
    }

    #[test]
    fn addresses_and_paths_that_mean_something_else_are_refused() {
        for address in ["127.0.0.1:8200", "localhost:8200", "ftp://v", "https://me:canary@v", "https://"] {
            let failure = Address::parse(address).unwrap_err();
            assert_eq!(failure.exit().code(), 2, "{address}");
            assert!(!failure.to_string().contains("canary"));
        }
        let address = Address::parse("https://v").unwrap();
        for path in ["", "/", "accounts/../sys/seal", "a/./b"] {
            assert!(address.url(path).is_err(), "{path:?}");
        }
    }

    #[test]
    fn plain_http_is_fine_on_loopback_and_warned_about_elsewhere() {
        for (address, loopback, warned) in [
            ("http://127.0.0.1:8200", true, false),
            ("http://[::1]:8200", true, false),
            ("http://localhost", true, false),
            ("https://vault.example", false, false),
            ("http://vault.example", false, true),
            ("http://127.0.0.1.example", false, true),
        ] {
            let address = Address::parse(address).unwrap();
            assert_eq!((address.is_loopback(), address.warning().is_some()), (loopback, warned), "{address}");
        }
    }
}
