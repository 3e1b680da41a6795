//! Why a decision came out as it did, in words for people who may see policies.
//!
//! Uses the same matching as [`Acl::decide`], so it cannot tell another story; it only allocates what the
//! decision does without.

use std::fmt;

use super::acl::{Acl, Compiled};
use super::authorized::{Refusal, Verdict};
use super::builtin::ROOT_POLICY_NAME;
use super::capability::{Capability, Operation};

/// The story of one decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The path in question.
    pub path: String,
    /// What was to be done with it.
    pub operation: Operation,
    /// Why it is refused; `None` when it is allowed. Parameters are not looked at.
    pub refusal: Option<Refusal>,
    /// The rule that decided; `None` for root, and when no rule matches.
    pub rule: Option<DecidingRule>,
    /// Whether the policy `root` decided.
    pub by_root: bool,
    /// Patterns that match too but are less specific, so that they say nothing; in reading order.
    pub overruled: Vec<String>,
}

/// The pattern that decided, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecidingRule {
    /// The path as the policy writes it.
    pub pattern: String,
    /// Everything granted on it, by spelling.
    pub capabilities: Vec<Capability>,
    /// The policies that have a rule on it, each once, by name.
    pub policies: Vec<String>,
    /// Those among them that brought the outcome about: that grant the operation, or that say `deny`.
    pub decisive: Vec<String>,
    /// Whether the rule also limits parameters or wrapping, which may still refuse a request.
    pub conditional: bool,
}

impl Acl {
    /// Explains what [`Acl::decide`] says about `operation` on `path`, parameters and wrapping aside.
    #[must_use]
    pub fn explain(&self, path: &str, operation: Operation) -> Explanation {
        let mut story = Explanation {
            path: path.to_owned(),
            operation,
            refusal: None,
            rule: None,
            by_root: self.is_root(),
            overruled: Vec::new(),
        };
        if story.by_root {
            return story;
        }
        let found = self.find(path, operation);
        story.refusal = match found.map(|rule| rule.verdict(operation, None, None)) {
            None => Some(Refusal::NoRule),
            Some(Verdict::Refused(refusal @ (Refusal::Deny | Refusal::NotGranted))) => Some(refusal),
            Some(Verdict::Refused(_) | Verdict::Allowed { .. }) => None,
        };
        story.rule = found.map(|rule| DecidingRule::of(rule, operation, story.refusal));
        story.overruled = self.overruled(path, operation, found);
        story
    }

    fn overruled(&self, path: &str, operation: Operation, found: Option<&Compiled>) -> Vec<String> {
        let path = path.trim_start_matches('/');
        let bare = path.strip_suffix('/').filter(|_| operation == Operation::List);
        let mut patterns: Vec<_> = self
            .rules()
            .filter(|rule| !found.is_some_and(|found| std::ptr::eq(found, *rule)))
            .filter(|rule| rule.pattern.matches(path) || bare.is_some_and(|b| rule.pattern.matches(b)))
            .map(|rule| rule.pattern.text().to_owned())
            .collect();
        patterns.sort();
        patterns
    }
}

impl DecidingRule {
    fn of(rule: &Compiled, operation: Operation, refusal: Option<Refusal>) -> Self {
        let wanted = if refusal == Some(Refusal::Deny) { Capability::Deny } else { operation.capability() };
        let names = |decisive_only: bool| {
            let mut names: Vec<_> = rule
                .sources
                .iter()
                .filter(|(_, given)| !decisive_only || given.has(wanted))
                .map(|(name, _)| name.to_string())
                .collect();
            names.sort();
            names.dedup();
            names
        };
        let grant = &rule.grant;
        Self {
            pattern: rule.pattern.text().to_owned(),
            capabilities: grant.capabilities.listed(),
            policies: names(false),
            decisive: names(true),
            conditional: !(grant.allowed.is_empty()
                && grant.denied.is_empty()
                && grant.required.is_empty()
                && grant.permits_wrapping(None)),
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.refusal.is_some() { "refused" } else { "allowed" };
        write!(f, "{} on {:?} is {verdict}: ", self.operation, self.path)?;
        let Some(rule) = &self.rule else {
            return if self.by_root {
                write!(f, "the policy {ROOT_POLICY_NAME:?} allows everything")
            } else {
                f.write_str(Refusal::NoRule.reason())
            };
        };
        let words: Vec<_> = rule.capabilities.iter().map(|c| c.as_str()).collect();
        let whose = if rule.decisive.is_empty() { &rule.policies } else { &rule.decisive };
        write!(f, "path {:?} [{}] of policy {}", rule.pattern, words.join(", "), whose.join(", "))?;
        if let Some(refusal) = self.refusal {
            write!(f, "; {}", refusal.reason())?;
        } else if rule.conditional {
            f.write_str("; parameters or wrapping may still be refused")?;
        }
        if !self.overruled.is_empty() {
            write!(f, "; less specific and so without effect: {}", self.overruled.join(", "))?;
        }
        Ok(())
    }
}
