//! What a decision yields: a proof that may be spent, or a refusal with its cause.
//!
//! [`Authorized`] has private fields and one maker, an allowing [`Decision`] of [`super::Acl`]. A service
//! that takes it as an argument cannot be called without a policy check.

use super::capability::Operation;

/// The answer to one question, borrowed from it; nothing is allocated to make it.
#[derive(Debug)]
#[must_use = "a decision that is not looked at protects nothing"]
pub struct Decision<'a> {
    path: &'a str,
    operation: Operation,
    verdict: Verdict,
}

/// The two outcomes of matching the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Allowed { sudo: bool },
    Refused(Refusal),
}

impl<'a> Decision<'a> {
    pub(super) const fn new(path: &'a str, operation: Operation, verdict: Verdict) -> Self {
        Self { path, operation, verdict }
    }

    /// Whether the policies allow it.
    #[must_use]
    pub const fn is_allowed(&self) -> bool {
        matches!(self.verdict, Verdict::Allowed { .. })
    }

    /// Why the policies refuse it; `None` when they do not.
    #[must_use]
    pub const fn refusal(&self) -> Option<Refusal> {
        match self.verdict {
            Verdict::Allowed { .. } => None,
            Verdict::Refused(refusal) => Some(refusal),
        }
    }

    /// Turns an allowing decision into the proof that services ask for.
    ///
    /// # Errors
    /// [`Denied`] when the policies refuse it.
    pub fn authorize(self) -> Result<Authorized, Denied> {
        match self.verdict {
            Verdict::Allowed { sudo } => {
                Ok(Authorized { path: self.path.into(), operation: self.operation, sudo })
            }
            Verdict::Refused(refusal) => Err(Denied(refusal)),
        }
    }
}

/// Proof that the asker's policies allow one operation on one path.
///
/// Neither `Clone` nor constructible elsewhere: one check, one use.
#[derive(Debug)]
#[must_use = "an authorization that nobody takes was checked for nothing"]
pub struct Authorized {
    path: Box<str>,
    operation: Operation,
    sudo: bool,
}

impl Authorized {
    /// The path that was asked for, as it was asked for.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The operation that was asked for.
    #[must_use]
    pub const fn operation(&self) -> Operation {
        self.operation
    }

    /// Whether the deciding rule also grants `sudo`.
    #[must_use]
    pub const fn has_sudo(&self) -> bool {
        self.sudo
    }

    /// Keeps the proof only if it carries `sudo`; for paths that are reserved for operators.
    ///
    /// # Errors
    /// [`Denied`] when the deciding rule does not grant `sudo`.
    pub fn require_sudo(self) -> Result<Self, Denied> {
        if self.sudo { Ok(self) } else { Err(Denied(Refusal::NoSudo)) }
    }
}

/// The policies refuse a request. The text is the same for every cause, so that a caller learns nothing
/// of what exists; the cause is for the log and for [`super::Acl::explain`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("permission denied")]
pub struct Denied(Refusal);

impl Denied {
    /// Why. Not for the caller.
    #[must_use]
    pub const fn refusal(self) -> Refusal {
        self.0
    }
}

/// Why the policies refuse a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// No rule matches the path.
    NoRule,
    /// The deciding rule says `deny`.
    Deny,
    /// The deciding rule does not grant the operation.
    NotGranted,
    /// The path asks for `sudo` and the deciding rule does not grant it.
    NoSudo,
    /// A parameter that the rule requires is missing.
    ParameterMissing,
    /// A parameter, or its value, that the rule denies.
    ParameterDenied,
    /// A parameter, or its value, that the rule does not allow.
    ParameterNotAllowed,
    /// The rule asks for a wrapped answer within other bounds than the request does.
    Wrapping,
}

impl Refusal {
    /// The cause as a sentence for people who may see policies.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NoRule => "no rule matches this path",
            Self::Deny => "the rule says deny",
            Self::NotGranted => "the rule does not grant this operation",
            Self::NoSudo => "the path needs sudo, which the rule does not grant",
            Self::ParameterMissing => "a parameter that the rule requires is missing",
            Self::ParameterDenied => "the rule denies a parameter or its value",
            Self::ParameterNotAllowed => "the rule does not allow a parameter or its value",
            Self::Wrapping => "the rule asks for response wrapping within other bounds",
        }
    }
}
