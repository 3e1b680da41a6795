//! How a path finds its line.
//!
//! A pattern is relative to its mount, or to `/v1/` for what is built in. It is literal parts, `<name>` for one
//! part and `<name...>` for one or more parts to the end. Literal beats `<name>` beats `<name...>`, part by part
//! from the left; so the order of lines is free.

use std::collections::BTreeMap;

use super::{Operation, Route, Service};
use crate::http::openapi::about::About;

/// The parts of a path that stood where the pattern has `<…>`.
pub type Captures = BTreeMap<&'static str, String>;

/// What the table says of a path.
pub(in crate::http) enum Found<'a> {
    /// This line, with what it captured.
    Route(&'a Route, Captures),
    /// The path is there, but not with this operation; and whether its lines are open ones.
    OtherOperation {
        /// Whether the path is one of those that need no token.
        open: bool,
    },
    /// The mount is there, the path in it is not.
    NoPath,
    /// No such mount.
    NoMount,
}

/// All lines, by their first part where it is literal; in order of precedence.
pub struct Table {
    by_first: BTreeMap<&'static str, Vec<Route>>,
    /// Those that begin with a part that may be anything, or with none.
    open: Vec<Route>,
}

impl Table {
    /// Sorts the lines by precedence.
    #[must_use]
    pub fn new(mut routes: Vec<Route>) -> Self {
        routes.sort_by_key(|route| precedence(route.pattern));
        let mut table = Self { by_first: BTreeMap::new(), open: Vec::new() };
        for route in routes {
            match route.pattern.split('/').next().map(part) {
                Some(Part::Literal(first)) if !first.is_empty() => {
                    table.by_first.entry(first).or_default().push(route);
                }
                _ => table.open.push(route),
            }
        }
        table
    }

    /// With what is told of its lines.
    #[must_use]
    pub fn described(mut self, abouts: &[About]) -> Self {
        for route in self.by_first.values_mut().flatten().chain(&mut self.open) {
            let fits = |about: &&About| about.operation == route.operation && about.route == route.pattern;
            route.abouts = abouts.iter().filter(fits).copied().collect();
        }
        self
    }

    pub(in crate::http) fn find(&self, operation: Operation, path: &str) -> Found<'_> {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let mut other = None;
        for route in self.candidates(&parts) {
            let Some(captures) = matches(route.pattern, &parts) else { continue };
            if route.operation == operation {
                return Found::Route(route, captures);
            }
            // Only lines as precise as the first match say which operations the path has; a wider
            // pattern further down may still serve this one.
            other.get_or_insert(matches!(route.service, Service::Open(_)));
        }
        match other {
            Some(open) => Found::OtherOperation { open },
            None if self.has_mount(&parts) => Found::NoPath,
            None => Found::NoMount,
        }
    }

    /// The lines whose first part fits, the more precise first.
    fn candidates<'t>(&'t self, parts: &[&str]) -> impl Iterator<Item = &'t Route> + use<'t> {
        let literal = parts.first().and_then(|first| self.by_first.get(*first));
        literal.into_iter().flatten().chain(&self.open)
    }

    fn has_mount(&self, parts: &[&str]) -> bool {
        let depth = if parts.first() == Some(&"auth") { 2 } else { 1 };
        parts.len() >= depth
            && self
                .candidates(parts)
                .any(|route| route.pattern.split('/').take(depth).eq(parts.iter().take(depth).copied()))
    }

    /// The patterns that `path` fits, or else those below it, with the words of their operations.
    pub(in crate::http) fn about(&self, path: &str) -> BTreeMap<&'static str, Vec<&'static str>> {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let below = |pattern: &str| {
            let mut rest = pattern.split('/');
            parts.iter().all(|asked| {
                rest.next().is_some_and(|text| text == *asked || !matches!(part(text), Part::Literal(_)))
            })
        };
        let collect = |fits: &dyn Fn(&'static str) -> bool| {
            let mut found: BTreeMap<&'static str, Vec<&'static str>> = BTreeMap::new();
            for route in self.routes().filter(|route| fits(route.pattern)) {
                found.entry(route.pattern).or_default().push(route.operation.as_str());
            }
            found
        };
        let exact = collect(&|pattern| matches(pattern, &parts).is_some());
        if exact.is_empty() { collect(&below) } else { exact }
    }

    /// Every line's operation and pattern, for documents and tests.
    pub fn lines(&self) -> impl Iterator<Item = (Operation, &'static str)> + '_ {
        self.routes().map(|route| (route.operation, route.pattern))
    }

    pub(in crate::http) fn routes(&self) -> impl Iterator<Item = &Route> {
        self.by_first.values().flatten().chain(&self.open)
    }
}

enum Part<'a> {
    Literal(&'a str),
    One(&'a str),
    Rest(&'a str),
}

fn part(text: &str) -> Part<'_> {
    match text.strip_prefix('<').and_then(|text| text.strip_suffix('>')) {
        None => Part::Literal(text),
        Some(name) => name.strip_suffix("...").map_or(Part::One(name), Part::Rest),
    }
}

fn precedence(pattern: &'static str) -> Vec<(u8, &'static str)> {
    let rank = |text: &'static str| match part(text) {
        Part::Literal(text) => (0, text),
        Part::One(_) => (1, ""),
        Part::Rest(_) => (2, ""),
    };
    pattern.split('/').map(rank).collect()
}

fn matches(pattern: &'static str, parts: &[&str]) -> Option<Captures> {
    let mut captures = Captures::new();
    let mut rest = parts;
    for text in pattern.split('/').filter(|text| !text.is_empty()) {
        let (first, tail) = rest.split_first()?;
        match part(text) {
            Part::Literal(text) if text == *first => {}
            Part::Literal(_) => return None,
            Part::One(name) => {
                captures.insert(name, (*first).to_owned());
            }
            Part::Rest(name) => {
                captures.insert(name, rest.join("/"));
                return Some(captures);
            }
        }
        rest = tail;
    }
    rest.is_empty().then_some(captures)
}

#[cfg(test)]
mod tests {
    use super::super::{list, read, write};
    use super::*;
    use crate::http::answer::Answer;
    use crate::http::context::Context;
    use crate::http::error::ApiError;

    async fn nothing(_: Context) -> Result<Answer, ApiError> {
        Ok(Answer::nothing())
    }

    fn table() -> Table {
        Table::new(vec![
            read("accounts/<rest...>", nothing),
            read("accounts/creds/<path...>", nothing),
            list("sys/policies/acl", nothing),
            read("sys/policies/acl/<name>", nothing),
            write("auth/token/create/<role>", nothing),
            write("auth/token/create", nothing),
            Route::open(Operation::Read, "sys/health", |_| async { Ok(Answer::nothing()) }),
        ])
    }

    fn found(operation: Operation, path: &str) -> String {
        let table = table();
        match table.find(operation, path) {
            Found::Route(route, captures) => format!("{} {captures:?}", route.pattern),
            Found::OtherOperation { open } => format!("other operation, open {open}"),
            Found::NoPath => "no path".to_owned(),
            Found::NoMount => "no mount".to_owned(),
        }
    }

    #[test]
    fn the_most_precise_pattern_wins_whatever_the_order() {
        for (operation, path, want) in [
            (
                Operation::Read,
                "accounts/creds/db/prod/app",
                r#"accounts/creds/<path...> {"path": "db/prod/app"}"#,
            ),
            (Operation::Read, "accounts/creds", r#"accounts/<rest...> {"rest": "creds"}"#),
            (Operation::Read, "sys/policies/acl/x", r#"sys/policies/acl/<name> {"name": "x"}"#),
            (Operation::Read, "sys/policies/acl/x/y", "no path"),
            (Operation::List, "sys/policies/acl", "sys/policies/acl {}"),
            (Operation::Read, "sys/policies/acl", "other operation, open false"),
            (Operation::Write, "sys/health", "other operation, open true"),
            (Operation::Write, "auth/token/create/r", r#"auth/token/create/<role> {"role": "r"}"#),
            (Operation::Read, "auth/userpass/login/x", "no mount"),
            (Operation::Read, "auth", "no mount"),
            (Operation::Read, "nowhere/x", "no mount"),
            (Operation::Read, "", "no mount"),
        ] {
            assert_eq!(found(operation, path), want, "{operation:?} {path}");
        }
    }
}
