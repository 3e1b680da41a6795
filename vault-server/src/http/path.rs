//! The path of a request, decoded and folded once, before anything looks at it.
//!
//! Routing, policies and the audit file see only this form, so no spelling of a path (`//`, `..`,
//! `%2e%2e`, a slash at the end) can pass a policy under one name and reach a handler under another.

use percent_encoding::percent_decode_str;

/// Below `/v1/`, without slashes at the ends; such as `sys/policies/acl/admin`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestPath {
    text: String,
}

/// Why a path was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestPathError {
    /// Outside `/v1/`.
    #[error("the path is not below /v1/")]
    NotApi,
    /// Not UTF-8 after decoding, or with a control character.
    #[error("the path holds bytes that are not printable UTF-8 text")]
    NotText,
}

impl RequestPath {
    /// Decodes percent-escapes, folds `//`, `.` and `..` as a Go server does, and cuts `/v1`.
    ///
    /// # Errors
    /// `RequestPathError` by cause.
    pub fn parse(raw: &str) -> Result<Self, RequestPathError> {
        let decoded = percent_decode_str(raw).decode_utf8().map_err(|_| RequestPathError::NotText)?;
        if decoded.chars().any(char::is_control) {
            return Err(RequestPathError::NotText);
        }
        let mut parts: Vec<&str> = Vec::new();
        for part in decoded.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop();
                }
                _ => parts.push(part),
            }
        }
        match parts.split_first() {
            Some((&"v1", rest)) => Ok(Self { text: rest.join("/") }),
            _ => Err(RequestPathError::NotApi),
        }
    }

    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_path_folds_to_one() {
        for (raw, want) in [
            ("/v1/sys/health", Ok("sys/health")),
            ("/v1/sys/policies/acl/", Ok("sys/policies/acl")),
            ("//v1//sys///health", Ok("sys/health")),
            ("/v1/sys/./x/../health", Ok("sys/health")),
            ("/v1/accounts/creds/a%2Fb", Ok("accounts/creds/a/b")),
            ("/v1/accounts/creds/%2e%2e/config/x", Ok("accounts/config/x")),
            ("/v1/accounts/creds/app%20user@host", Ok("accounts/creds/app user@host")),
            ("/v1/accounts/creds/d%C3%A4ta", Ok("accounts/creds/däta")),
            ("/v1", Ok("")),
            ("/v1/..", Err(RequestPathError::NotApi)),
            ("/v1/../ui", Err(RequestPathError::NotApi)),
            ("/ui/", Err(RequestPathError::NotApi)),
            ("/v1/x%00y", Err(RequestPathError::NotText)),
            ("/v1/x%0ay", Err(RequestPathError::NotText)),
            ("/v1/x%ff", Err(RequestPathError::NotText)),
        ] {
            let got = RequestPath::parse(raw);
            assert_eq!(got.as_ref().map(RequestPath::as_str).map_err(|e| *e), want, "{raw}");
        }
    }
}
