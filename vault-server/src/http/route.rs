//! What a line of the route table is, and how a path finds its line.
//!
//! A pattern is relative to its mount, or to `/v1/` for what is built in. It is literal parts, `<name>` for one part and `<name...>` for one or more parts to the end.
//! Literal beats `<name>` beats `<name...>`, part by part from the left; so the order of lines is free.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

use super::answer::Answer;
use super::context::{Context, OpenContext, Request, TokenlessContext};
use super::error::ApiError;
use crate::app::App;
use crate::service::token::Caller;

/// What a request wants, whatever method it came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// GET.
    Read,
    /// LIST, or GET with `list=true`.
    List,
    /// POST or PUT: the same everywhere.
    Write,
    /// PATCH with a merge patch.
    Patch,
    /// DELETE.
    Delete,
}

impl Operation {
    /// As the audit entry spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::List => "list",
            Self::Write => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
        }
    }
}

/// What the caller must have for a guarded route, beside the capability of the operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The capability alone.
    Capability,
    /// `sudo` too: the path is root-protected, as in Vault.
    Sudo,
}

pub(super) type BoxedAnswer = Pin<Box<dyn Future<Output = Result<Answer, ApiError>> + Send>>;
type GuardedHandler = Box<dyn Fn(Context) -> BoxedAnswer + Send + Sync>;
type TokenlessHandler = Box<dyn Fn(TokenlessContext) -> BoxedAnswer + Send + Sync>;
type OpenHandler = Box<dyn Fn(OpenContext) -> BoxedAnswer + Send + Sync>;

/// How a line is served.
pub(super) enum Service {
    /// Behind token, policy and audit: the handler gets the proofs in its [`Context`].
    Guarded(Need, GuardedHandler),
    /// Behind the audit only, for who has no token yet: logins. Not while sealed.
    Tokenless(TokenlessHandler),
    /// Without any of them, sealed or not: `init`, `seal-status`, `unseal`, `health`, `leader`.
    Open(OpenHandler),
}

/// One line of the table.
pub struct Route {
    pub(super) operation: Operation,
    pub(super) pattern: &'static str,
    pub(super) service: Service,
    pub(super) readable: &'static [&'static str],
    pub(super) hidden: &'static [&'static str],
    pub(super) exists: Option<Exists>,
    pub(super) exists_for: Option<ExistsFor>,
    pub(super) seals: bool,
    pub(super) unwraps: bool,
}

/// Says whether what a write names is there already.
pub type Exists = fn(&App, &Request) -> Result<bool, ApiError>;
/// Says whether what a write names is there already, where each caller sees another place.
pub type ExistsFor = fn(&App, &Request, &Caller) -> Result<bool, ApiError>;

impl Route {
    fn new(operation: Operation, pattern: &'static str, service: Service) -> Self {
        Self {
            operation,
            pattern,
            service,
            readable: &[],
            hidden: &[],
            exists: None,
            exists_for: None,
            seals: false,
            unwraps: false,
        }
    }

    /// A line behind token, policy and audit.
    pub fn guarded<F, Fut>(operation: Operation, pattern: &'static str, need: Need, handler: F) -> Self
    where
        F: Fn(Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Answer, ApiError>> + Send + 'static,
    {
        let handler: GuardedHandler = Box::new(move |context| Box::pin(handler(context)));
        Self::new(operation, pattern, Service::Guarded(need, handler))
    }

    /// A line that answers without a token, sealed or not.
    pub fn open<F, Fut>(operation: Operation, pattern: &'static str, handler: F) -> Self
    where
        F: Fn(OpenContext) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Answer, ApiError>> + Send + 'static,
    {
        let handler: OpenHandler = Box::new(move |context| Box::pin(handler(context)));
        Self::new(operation, pattern, Service::Open(handler))
    }

    /// A line that answers without a token, but audited, and only while unsealed.
    pub fn tokenless<F, Fut>(operation: Operation, pattern: &'static str, handler: F) -> Self
    where
        F: Fn(TokenlessContext) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Answer, ApiError>> + Send + 'static,
    {
        let handler: TokenlessHandler = Box::new(move |context| Box::pin(handler(context)));
        Self::new(operation, pattern, Service::Tokenless(handler))
    }

    /// Asks for `sudo` too.
    #[must_use]
    pub fn sudo(mut self) -> Self {
        if let Service::Guarded(need, _) = &mut self.service {
            *need = Need::Sudo;
        }
        self
    }

    /// For a write that makes things: asks for `create` where nothing is there, and for `update` where
    /// something is. Without it a write asks for `update` always, as Vault's paths without this check do.
    #[must_use]
    pub fn creating(mut self, exists: Exists) -> Self {
        self.exists = Some(exists);
        self
    }

    /// As [`creating`](Self::creating), for what is the caller's own.
    #[must_use]
    pub fn creating_own(mut self, exists: ExistsFor) -> Self {
        self.exists_for = Some(exists);
        self
    }

    /// The line is about a wrapping token, in the body or presented as the caller's own: one that is no
    /// good is told before anything else, and without another token it is the caller itself.
    #[must_use]
    pub fn unwrapping(mut self) -> Self {
        self.unwraps = true;
        self
    }

    /// The handler seals the vault and with it the audit file, so no entry of its answer can follow.
    #[must_use]
    pub(super) fn sealing(mut self) -> Self {
        self.seals = true;
        self
    }

    /// Hides even the numbers of these fields in the audit file, in the request's data and in the answer's;
    /// `*` for all of them. For secrets of any shape.
    #[must_use]
    pub fn hiding(mut self, fields: &'static [&'static str]) -> Self {
        self.hidden = fields;
        self
    }

    /// Leaves the texts of these fields readable in the audit file, in the request's data and in the
    /// answer's. Only for fields that exist to be read there, such as the reason of a check-out.
    #[must_use]
    pub fn readable(mut self, fields: &'static [&'static str]) -> Self {
        self.readable = fields;
        self
    }
}

/// GET `pattern`, for who has `read` there.
pub fn read<F, Fut>(pattern: &'static str, handler: F) -> Route
where
    F: Fn(Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Answer, ApiError>> + Send + 'static,
{
    Route::guarded(Operation::Read, pattern, Need::Capability, handler)
}

/// LIST `pattern`, for who has `list` there.
pub fn list<F, Fut>(pattern: &'static str, handler: F) -> Route
where
    F: Fn(Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Answer, ApiError>> + Send + 'static,
{
    Route::guarded(Operation::List, pattern, Need::Capability, handler)
}

/// POST or PUT `pattern`, for who has `update` (or `create`) there.
pub fn write<F, Fut>(pattern: &'static str, handler: F) -> Route
where
    F: Fn(Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Answer, ApiError>> + Send + 'static,
{
    Route::guarded(Operation::Write, pattern, Need::Capability, handler)
}

/// PATCH `pattern` with a merge patch, for who has `patch` there.
pub fn patch<F, Fut>(pattern: &'static str, handler: F) -> Route
where
    F: Fn(Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Answer, ApiError>> + Send + 'static,
{
    Route::guarded(Operation::Patch, pattern, Need::Capability, handler)
}

/// DELETE `pattern`, for who has `delete` there.
pub fn delete<F, Fut>(pattern: &'static str, handler: F) -> Route
where
    F: Fn(Context) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Answer, ApiError>> + Send + 'static,
{
    Route::guarded(Operation::Delete, pattern, Need::Capability, handler)
}

/// The parts of a path that stood where the pattern has `<…>`.
pub type Captures = BTreeMap<&'static str, String>;

/// What the table says of a path.
pub(super) enum Found<'a> {
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

    pub(super) fn find(&self, operation: Operation, path: &str) -> Found<'_> {
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
    pub(super) fn about(&self, path: &str) -> BTreeMap<&'static str, Vec<&'static str>> {
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

    fn routes(&self) -> impl Iterator<Item = &Route> {
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
    use super::*;

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
