//! Addresses: of requests, and of the next page of a list (RFC 8288). Pure.

use reqwest::Url;

/// The target of `rel="next"` in a `Link` header.
#[must_use]
pub fn next(header: &str) -> Option<&str> {
    let mut rest = header;
    while let Some((_, behind)) = rest.split_once('<') {
        let (target, behind) = behind.split_once('>')?;
        // The parameters end where the next link begins; a comma inside quotes does not matter for `rel`.
        let (parameters, _) = behind.split_once('<').unwrap_or((behind, ""));
        let is_next = parameters.split([';', ',']).any(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let value = value.trim().trim_matches('"');
            name.trim().eq_ignore_ascii_case("rel")
                && value.split_ascii_whitespace().any(|word| word.eq_ignore_ascii_case("next"))
        });
        if is_next {
            return Some(target);
        }
        rest = behind;
    }
    None
}

/// The address of a link, seen from the page `at`; `None` when it leads to another host, port or scheme: a
/// credential is shown to nobody else.
#[must_use]
pub fn resolved(at: &str, target: &str) -> Option<String> {
    let at = Url::parse(at).ok()?;
    let to = at.join(target).ok()?;
    let same = (at.scheme(), at.host_str(), at.port_or_known_default())
        == (to.scheme(), to.host_str(), to.port_or_known_default());
    let bare = to.username().is_empty() && to.password().is_none();
    if same && bare { Some(to.to_string()) } else { None }
}

/// The URL of an address; `None` when it cannot be read, or would be sent as another one: a piece of its path that is
/// `.` or `..`, also percent-encoded, is no name but a step (WHATWG URL, "single-dot" and "double-dot" segments).
#[must_use]
pub fn url(address: &str) -> Option<Url> {
    let url = Url::parse(address).ok()?;
    let (_, behind) = address.split_once("://")?;
    let (before, _) = behind.split_once(['?', '#']).unwrap_or((behind, ""));
    let (_, written) = before.split_once('/').unwrap_or((before, ""));
    let is_step = |piece: &str| {
        let plain = piece.to_ascii_lowercase().replace("%2e", ".");
        matches!(plain.as_str(), "." | "..")
    };
    let same = url.path_segments()?.count() == written.split('/').count();
    (same && !written.split('/').any(is_step)).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_would_lead_elsewhere_is_none() {
        for (path, sound) in [
            ("", true),
            ("/", true),
            ("/users/7/tokens/a%2Eb", true),
            ("/users/7/tokens/%2E%2E%2E?q=%2E%2E/..", true),
            ("/users/7/tokens/%2E", false),
            ("/users/7/tokens/%2E%2E", false),
            ("/users/%2e%2E/tokens/7", false),
            ("/users/.%2E/tokens", false),
            ("/users/./tokens", false),
            ("/users/7/..", false),
        ] {
            assert_eq!(url(&format!("https://h:8443{path}")).is_some(), sound, "{path}");
        }
    }

    #[test]
    fn the_next_page_is_found_among_links() {
        for (header, want) in [
            (r#"<https://h/a?page=2>; rel="next""#, Some("https://h/a?page=2")),
            (
                r#"<https://h/a?page=1>; rel="prev", <https://h/a?x=1,2&page=3>; title="a, b"; rel=next"#,
                Some("https://h/a?x=1,2&page=3"),
            ),
            (r#"</a>; rel="last next""#, Some("/a")),
            (r#"<https://h/a>; rel="nextish""#, None),
            (r#"<https://h/a"#, None),
            ("", None),
        ] {
            assert_eq!(next(header), want, "{header}");
        }
    }

    #[test]
    fn a_link_to_somebody_else_is_not_followed() {
        let at = "http://h:80/p/a?page=1";
        for (target, want) in [
            ("?page=2", Some("http://h/p/a?page=2")),
            ("/b", Some("http://h/b")),
            ("http://h/c", Some("http://h/c")),
            ("https://h/c", None),
            ("http://h:81/c", None),
            ("//evil/c", None),
            ("http://u:p@h/c", None),
        ] {
            assert_eq!(resolved(at, target).as_deref(), want, "{target}");
        }
    }
}
