//! Whether a form was sent by a page of this vault.

use axum::http::header;
use axum::http::request::Parts;

/// A browser says where a request comes from; what says nothing is refused. Our pages send no referrer, so a browser
/// that knows `Sec-Fetch-Site` may name its origin as `null`.
pub(super) fn is_own(parts: &Parts) -> bool {
    let text = |name: &str| parts.headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let host = parts.uri.authority().map(|host| host.as_str()).or_else(|| text(header::HOST.as_str()));
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
