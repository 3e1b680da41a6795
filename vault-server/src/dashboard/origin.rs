//! Whether a form was sent by a page of this vault.

use std::net::{Ipv4Addr, Ipv6Addr};

use axum::http::header;
use axum::http::request::Parts;
use axum::http::uri::Authority;

/// A browser says where a request comes from; what says nothing is refused. Our pages send no referrer, so a browser
/// that knows `Sec-Fetch-Site` may name its origin as `null`.
pub(super) fn is_own(parts: &Parts) -> bool {
    let text = |name: &str| parts.headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let host = host(parts);
    let is_ours = |origin: &str| {
        let named = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
        named.is_some() && named == host
    };
    match (text("sec-fetch-site"), text(header::ORIGIN.as_str())) {
        (Some("same-origin"), None | Some("null")) => true,
        (Some("same-origin") | None, Some(origin)) => is_ours(origin),
        (Some(_), _) | (None, None) => false,
    }
}

/// Whether the browser asked for a name of its own machine.
pub(super) fn is_loopback(parts: &Parts) -> bool {
    let Some(Ok(host)) = host(parts).map(str::parse::<Authority>) else { return false };
    let name = host.host();
    match name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
        Some(address) => address.parse() == Ok(Ipv6Addr::LOCALHOST),
        None => {
            name.eq_ignore_ascii_case("localhost")
                || name.parse().is_ok_and(|address: Ipv4Addr| address.is_loopback())
        }
    }
}

/// What the browser calls this server.
fn host(parts: &Parts) -> Option<&str> {
    let header = || parts.headers.get(header::HOST).map(|value| value.to_str().unwrap_or("?"));
    parts.uri.authority().map(Authority::as_str).or_else(header)
}

/// Whether somebody came by a link of another place: the browser kept the cookie back then.
pub(super) fn is_foreign_link(parts: &Parts) -> bool {
    let site = parts.headers.get("sec-fetch-site");
    site.is_some_and(|site| site == "cross-site" || site == "same-site")
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    #[test]
    fn only_names_of_this_machine_are_loopback() {
        for (host, want) in [
            ("localhost", true),
            ("LOCALHOST:8200", true),
            ("127.0.0.1:8200", true),
            ("127.9.9.9", true),
            ("[::1]:8200", true),
            ("[::1]", true),
            ("[::2]:8200", false),
            ("10.0.0.1:8200", false),
            ("127.0.0.1.evil.example", false),
            ("localhost.evil.example", false),
            ("vault.example", false),
            ("", false),
        ] {
            let request = Request::builder().uri("/ui/").header("host", host).body(()).unwrap();
            assert_eq!(is_loopback(&request.into_parts().0), want, "{host}");
        }
        let request = Request::builder().uri("/ui/").body(()).unwrap();
        assert!(!is_loopback(&request.into_parts().0), "no host at all");
    }

    #[test]
    fn only_a_page_of_this_vault_is_believed() {
        for (site, origin, want) in [
            (Some("same-origin"), None, true),
            (Some("same-origin"), Some("null"), true),
            (Some("same-origin"), Some("https://vault:8200"), true),
            (Some("same-origin"), Some("https://evil:8200"), false),
            (Some("same-site"), Some("https://vault:8200"), false),
            (Some("cross-site"), Some("null"), false),
            (Some("none"), None, false),
            (None, Some("https://vault:8200"), true),
            (None, Some("https://vault"), false),
            (None, Some("https://vault:8200.evil"), false),
            (None, Some("vault:8200"), false),
            (None, Some("null"), false),
            (None, None, false),
        ] {
            let mut request = Request::builder().uri("/ui/sign-out").header("host", "vault:8200");
            if let Some(site) = site {
                request = request.header("sec-fetch-site", site);
            }
            if let Some(origin) = origin {
                request = request.header("origin", origin);
            }
            let (parts, ()) = request.body(()).unwrap().into_parts();
            assert_eq!(is_own(&parts), want, "{site:?} {origin:?}");
        }
    }
}
