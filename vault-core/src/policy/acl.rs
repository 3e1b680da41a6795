//! Several policies compiled into one answerer of questions.
//!
//! ```text
//!  exact rule ► (lists only: exact, then open rules, without the final slash) ► open rules
//!  open rules: the highest rank among the longest prefix and the matching + patterns
//! ```
//!
//! Exactly one path pattern decides; less specific ones add nothing, not even a `deny`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::authorized::{Decision, Refusal, Verdict};
use super::capability::{Capabilities, Capability, Operation};
use super::document::Policy;
use super::grant::Grant;
use super::parameter;
use super::pattern::{Kind, Pattern};
use super::prefix::PrefixTable;
use super::segments::SegmentTable;

/// The policies of one asker, ready to answer. Costly to build, cheap to ask: build it once per set of
/// policies and share it.
#[derive(Debug)]
pub struct Acl {
    root: bool,
    /// Whether any rule denies in so many words.
    denies: bool,
    exact: BTreeMap<Box<str>, Compiled>,
    prefixes: PrefixTable<Compiled>,
    segments: SegmentTable<Compiled>,
}

/// All rules on one pattern.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) pattern: Pattern,
    pub(super) grant: Grant,
    /// Which policy gave what, for explanations.
    pub(super) sources: Vec<(Box<str>, Capabilities)>,
}

impl Acl {
    /// Compiles policies; their order does not matter. With none of them, everything is refused.
    #[must_use]
    pub fn new<'p>(policies: impl IntoIterator<Item = &'p Policy>) -> Self {
        let mut root = false;
        let mut by_pattern: BTreeMap<(Kind, Box<str>), Compiled> = BTreeMap::new();
        for policy in policies {
            root |= policy.is_root();
            for rule in policy.rules() {
                let source = (policy.name().into(), rule.grant.capabilities);
                by_pattern
                    .entry((rule.pattern.kind(), rule.pattern.body().into()))
                    .and_modify(|compiled| {
                        compiled.grant.merge(&rule.grant);
                        compiled.sources.push(source.clone());
                    })
                    .or_insert_with(|| Compiled {
                        pattern: rule.pattern.clone(),
                        grant: rule.grant.clone(),
                        sources: vec![source],
                    });
            }
        }
        Self::from_patterns(root, by_pattern)
    }

    fn from_patterns(root: bool, by_pattern: BTreeMap<(Kind, Box<str>), Compiled>) -> Self {
        let denies = by_pattern.values().any(|one| one.grant.capabilities.has(Capability::Deny));
        let mut exact = BTreeMap::new();
        let mut prefixes = Vec::new();
        let mut segments = Vec::new();
        for ((kind, body), compiled) in by_pattern {
            match kind {
                Kind::Exact => {
                    exact.insert(body, compiled);
                }
                Kind::Prefix => prefixes.push((body, compiled)),
                Kind::Segments { .. } => segments.push((compiled.pattern.clone(), compiled)),
            }
        }
        Self {
            root,
            denies,
            exact,
            prefixes: PrefixTable::from_sorted(prefixes.into_iter()),
            segments: SegmentTable::new(segments),
        }
    }

    /// Decides a request whose answer is not wrapped. `data` is the request's parameters, body and query.
    ///
    /// Allocates nothing; [`Decision::authorize`] does, once.
    pub fn decide<'a>(&self, path: &'a str, operation: Operation, data: Option<&Value>) -> Decision<'a> {
        self.decide_wrapped(path, operation, data, None)
    }

    /// Decides a request whose answer is asked to be wrapped for `wrap_ttl`.
    pub fn decide_wrapped<'a>(
        &self,
        path: &'a str,
        operation: Operation,
        data: Option<&Value>,
        wrap_ttl: Option<Duration>,
    ) -> Decision<'a> {
        let verdict = if self.root {
            Verdict::Allowed { sudo: true }
        } else {
            self.find(path, operation)
                .map_or(Verdict::Refused(Refusal::NoRule), |rule| rule.verdict(operation, data, wrap_ttl))
        };
        Decision::new(path, operation, verdict)
    }

    /// Whether any rule denies in so many words: where none does, nothing is [forbidden](Self::forbids).
    #[must_use]
    pub const fn denies(&self) -> bool {
        self.denies && !self.root
    }

    /// Whether the rule that decides on `path` denies everything in so many words: what has a rule of its own like that is
    /// not for lists either that the caller may see.
    #[must_use]
    pub fn forbids(&self, path: &str) -> bool {
        self.denies()
            && self
                .find(path, Operation::Read)
                .is_some_and(|rule| rule.grant.capabilities.has(Capability::Deny))
    }

    /// Whether the rule that decides on `path` grants `sudo`. For a proof, see
    /// [`super::Authorized::require_sudo`].
    #[must_use]
    pub fn is_sudo(&self, path: &str) -> bool {
        self.root
            || self.find(path, Operation::Read).is_some_and(|r| r.grant.capabilities.has(Capability::Sudo))
    }

    /// Whether the policy `root` is among them.
    #[must_use]
    pub const fn is_root(&self) -> bool {
        self.root
    }

    /// What is granted on a path, sorted, as `sys/capabilities` answers: `root` alone for root, `deny`
    /// alone for nothing.
    #[must_use]
    pub fn capabilities(&self, path: &str) -> Vec<Capability> {
        if self.root {
            return vec![Capability::Root];
        }
        // Vault asks as for a list, so that a directory's rule without its slash is found.
        let found = self.find(path, Operation::List);
        found.map_or(Capabilities::NONE, |rule| rule.grant.capabilities).listed()
    }

    /// The rules that decide on `path`; leading slashes do not count.
    pub(super) fn find(&self, path: &str, operation: Operation) -> Option<&Compiled> {
        let path = path.trim_start_matches('/');
        if let Some(rule) = self.exact.get(path) {
            return Some(rule);
        }
        // A list of "a/b/" is also a question about "a/b".
        if operation == Operation::List
            && let Some(bare) = path.strip_suffix('/')
            && let Some(rule) = self.exact.get(bare).or_else(|| self.find_open(bare))
        {
            return Some(rule);
        }
        self.find_open(path)
    }

    /// The most specific rule that is not exact.
    fn find_open(&self, path: &str) -> Option<&Compiled> {
        let prefix = self.prefixes.longest(path);
        let segments = self.segments.most_specific(path);
        match (prefix, segments) {
            (Some(prefix), Some((pattern, _))) if prefix.pattern.rank() > pattern.rank() => Some(prefix),
            (prefix, None) => prefix,
            (_, Some((_, segments))) => Some(segments),
        }
    }

    /// Every compiled rule, for explanations.
    pub(super) fn rules(&self) -> impl Iterator<Item = &Compiled> {
        self.exact.values().chain(self.prefixes.values()).chain(self.segments.values())
    }
}

impl Compiled {
    pub(super) fn verdict(
        &self,
        operation: Operation,
        data: Option<&Value>,
        wrap_ttl: Option<Duration>,
    ) -> Verdict {
        let held = self.grant.capabilities;
        let refusal = if held.has(Capability::Deny) {
            Some(Refusal::Deny)
        } else if !held.has(operation.capability()) {
            Some(Refusal::NotGranted)
        } else if !self.grant.permits_wrapping(wrap_ttl) {
            Some(Refusal::Wrapping)
        } else if operation.carries_parameters() {
            parameter::refusal(&self.grant, data)
        } else {
            None
        };
        refusal.map_or(Verdict::Allowed { sudo: held.has(Capability::Sudo) }, Verdict::Refused)
    }
}
