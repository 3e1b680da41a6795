//! Where a rule applies: exact path, prefix (`*` at the end) or segments (`+`), and which is more specific.
//!
//! The order among matching patterns is Vault's and decides who may read what, so it is copied to the
//! letter, oddities included:
//!
//! ```text
//! exact  ►  later first wildcard  ►  no trailing *  ►  fewer + segments  ►  longer  ►  greater by bytes
//! ```

use std::cmp::Reverse;

/// A rule's path, taken apart once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    /// As the policy wrote it, without one leading slash; keeps the final `*`.
    text: Box<str>,
    kind: Kind,
    /// Where the first wildcard stands, in bytes of [`Pattern::body`]; its length when there is none.
    first_wildcard: usize,
    /// How many segments are `+`.
    wildcards: usize,
}

/// The three tables of rules; each has its own way of looking up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// The very path.
    Exact,
    /// Every path that begins so.
    Prefix,
    /// Segment by segment, where `+` stands for any one segment.
    Segments {
        /// Whether the last segment is only the beginning of what follows.
        open: bool,
    },
}

/// How specific a pattern is: the greatest among those that match decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank<'a> {
    first_wildcard: usize,
    closed: bool,
    fewer_wildcards: Reverse<usize>,
    length: usize,
    text: &'a str,
}

/// `+*` says neither "one segment" nor "any rest".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PlusStar;

impl Pattern {
    /// Takes the path of a rule apart.
    pub(super) fn parse(path: &str) -> Result<Self, PlusStar> {
        let text = path.strip_prefix('/').unwrap_or(path);
        if text.contains("+*") {
            return Err(PlusStar);
        }
        let open = text.ends_with('*');
        // Vault looks for "/+" anywhere, so "a/+b" lands among the segment patterns too, where "+b"
        // is then compared literally.
        let kind = if text == "+" || text.starts_with("+/") || text.contains("/+") {
            Kind::Segments { open }
        } else if open {
            Kind::Prefix
        } else {
            Kind::Exact
        };
        let body = without_star(text, kind);
        let (first_wildcard, wildcards) = match kind {
            Kind::Exact | Kind::Prefix => (body.len(), 0),
            Kind::Segments { .. } => (
                body.find('+').unwrap_or(body.len()),
                body.split('/').filter(|segment| *segment == "+").count(),
            ),
        };
        Ok(Self { text: text.into(), kind, first_wildcard, wildcards })
    }

    /// As the policy wrote it.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Which table it belongs to.
    pub(super) const fn kind(&self) -> Kind {
        self.kind
    }

    /// The text that is compared with a path: without the `*` that makes it a prefix.
    pub(super) fn body(&self) -> &str {
        without_star(&self.text, self.kind)
    }

    /// How specific it is among patterns that are not exact.
    pub(super) fn rank(&self) -> Rank<'_> {
        let body = self.body();
        Rank {
            first_wildcard: self.first_wildcard,
            closed: matches!(self.kind, Kind::Exact | Kind::Segments { open: false }),
            fewer_wildcards: Reverse(self.wildcards),
            length: body.len(),
            text: body,
        }
    }

    /// Whether `path` (without leading slash) is one of the paths it stands for.
    pub(super) fn matches(&self, path: &str) -> bool {
        let body = self.body();
        match self.kind {
            Kind::Exact => path == body,
            Kind::Prefix => path.starts_with(body),
            Kind::Segments { open } => {
                // Most patterns fall here, before any segment is split off.
                let (head, given) = (body.as_bytes().get(..self.first_wildcard), path.as_bytes());
                head.is_some_and(|head| given.starts_with(head)) && segments_match(body, path, open)
            }
        }
    }
}

/// The text of a rule without the `*` that makes it open-ended.
fn without_star(text: &str, kind: Kind) -> &str {
    match kind {
        Kind::Exact | Kind::Segments { open: false } => text,
        Kind::Prefix | Kind::Segments { open: true } => text.strip_suffix('*').unwrap_or(text),
    }
}

/// Compares segment by segment; when `open`, the last one needs only be a beginning.
fn segments_match(body: &str, path: &str, open: bool) -> bool {
    let mut wanted = body.split('/').peekable();
    let mut given = path.split('/');
    while let Some(want) = wanted.next() {
        let Some(part) = given.next() else { return false };
        let last = wanted.peek().is_none();
        let fits = want == "+" || want == part || (open && last && part.starts_with(want));
        if !fits {
            return false;
        }
    }
    open || given.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::parse(text).unwrap()
    }

    #[test]
    fn patterns_match_as_vault_matches() {
        for (text, path, want) in [
            ("secret/foo", "secret/foo", true),
            ("secret/foo", "secret/foo/", false),
            ("/secret/foo", "secret/foo", true),
            ("secret/*", "secret/", true),
            ("secret/*", "secret/a/b", true),
            ("secret/*", "secret", false),
            ("secret*", "secrets/a", true),
            ("*", "", true),
            ("secret/+/x", "secret/a/x", true),
            ("secret/+/x", "secret//x", true),
            ("secret/+/x", "secret/a/b/x", false),
            ("+/x", "a/x", true),
            ("+", "a", true),
            ("+", "a/", false),
            ("a/+", "a/", true),
            ("a/+", "a", false),
            ("a/+/*", "a/b/c/d", true),
            ("a/+/*", "a/b", false),
            ("a/+/b*", "a/x/bc/d", true),
            ("a/+/b*", "a/x/c", false),
            ("a/+b", "a/+b", true),
            ("a/+b", "a/xb", false),
            ("a+/b", "a+/b", true),
            ("a/*/b", "a/*/b", true),
            ("a/*/b", "a/x/b", false),
        ] {
            assert_eq!(pattern(text).matches(path), want, "{text} on {path}");
        }
    }

    #[test]
    fn the_more_specific_pattern_has_the_greater_rank() {
        for (lesser, greater) in [
            ("foo/+", "foo/a*"),
            ("foo/+/bar/baz", "foo/bar/+/baz"),
            ("foo/+/ba*", "foo/+/bar"),
            ("foo/*", "foo/+"),
            ("foo/+/+/baz", "foo/+/bar/baz"),
            ("foo/+/bar/b*", "foo/+/bar/ba*"),
            ("foo/+/a", "foo/+/b"),
            ("*", "a*"),
        ] {
            assert!(pattern(lesser).rank() < pattern(greater).rank(), "{lesser} before {greater}");
        }
    }

    #[test]
    fn plus_before_star_is_refused() {
        assert_eq!(Pattern::parse("a/+*"), Err(PlusStar));
    }
}
