//! Where the next page of a list is (RFC 8288). Pure.

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

#[cfg(test)]
mod tests {
    use super::*;

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
