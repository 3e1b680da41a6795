//! What a rule can grant, and what a request can ask for.
//!
//! [`Operation`] is the verb of one request; [`Capability`] is the word in a policy that allows it.
//! `sudo` and `deny` have no operation of their own, which is why these are two types.

use std::fmt;

/// What a request wants to do with a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Write something that does not exist yet (POST or PUT).
    Create,
    /// Read (GET).
    Read,
    /// Write something that exists, or act on it (POST or PUT).
    Update,
    /// Change a part (PATCH).
    Patch,
    /// Remove (DELETE).
    Delete,
    /// List the names below a path (LIST, or GET with `list=true`).
    List,
}

impl Operation {
    /// All operations, in the order of the capability listing.
    pub const ALL: [Self; 6] =
        [Self::Create, Self::Read, Self::Update, Self::Patch, Self::Delete, Self::List];

    /// The capability that a rule must grant for this operation.
    #[must_use]
    pub const fn capability(self) -> Capability {
        match self {
            Self::Create => Capability::Create,
            Self::Read => Capability::Read,
            Self::Update => Capability::Update,
            Self::Patch => Capability::Patch,
            Self::Delete => Capability::Delete,
            Self::List => Capability::List,
        }
    }

    /// The word for audit entries, as Vault writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.capability().as_str()
    }

    /// Whether parameter rules apply: Vault checks them where a request carries data of its own.
    pub(super) const fn carries_parameters(self) -> bool {
        matches!(self, Self::Create | Self::Read | Self::Update | Self::Patch)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One word of a rule's `capabilities`; in listings also `root`. Ordered by its spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
pub enum Capability {
    /// Write what does not exist yet.
    Create = 1,
    /// Remove.
    Delete = 1 << 1,
    /// Nothing at all, whatever else is granted on the same path.
    Deny = 1 << 2,
    /// List names.
    List = 1 << 3,
    /// Change a part.
    Patch = 1 << 4,
    /// Read.
    Read = 1 << 5,
    /// Everything everywhere: only ever an answer, never a word in a policy.
    Root = 1 << 6,
    /// Use the paths that are reserved for operators.
    Sudo = 1 << 7,
    /// Write what exists.
    Update = 1 << 8,
}

impl Capability {
    /// Every capability that a policy may name, by spelling.
    pub const GRANTABLE: [Self; 8] = [
        Self::Create,
        Self::Delete,
        Self::Deny,
        Self::List,
        Self::Patch,
        Self::Read,
        Self::Sudo,
        Self::Update,
    ];

    /// The word in policies and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Delete => "delete",
            Self::Deny => "deny",
            Self::List => "list",
            Self::Patch => "patch",
            Self::Read => "read",
            Self::Root => "root",
            Self::Sudo => "sudo",
            Self::Update => "update",
        }
    }

    /// Reads the word in a policy; `None` for anything that a policy cannot grant.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::GRANTABLE.into_iter().find(|capability| capability.as_str() == word)
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of capabilities in which `deny` never stands beside another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities(u16);

impl Capabilities {
    /// The set without any.
    pub const NONE: Self = Self(0);
    /// The explicit refusal.
    pub const DENY: Self = Self(Capability::Deny as u16);

    /// Whether `capability` is in the set.
    #[must_use]
    pub const fn has(self, capability: Capability) -> bool {
        self.0 & capability as u16 != 0
    }

    /// The union of two sets on the same path; a `deny` in either swallows the rest.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        let both = self.0 | other.0;
        if both & Capability::Deny as u16 != 0 { Self::DENY } else { Self(both) }
    }

    /// The set's members by spelling, as `sys/capabilities` answers: `deny` when there is none.
    #[must_use]
    pub fn listed(self) -> Vec<Capability> {
        let held: Vec<_> = Capability::GRANTABLE.into_iter().filter(|c| self.has(*c)).collect();
        if held.is_empty() { vec![Capability::Deny] } else { held }
    }
}

impl FromIterator<Capability> for Capabilities {
    fn from_iter<I: IntoIterator<Item = Capability>>(capabilities: I) -> Self {
        capabilities.into_iter().fold(Self::NONE, |set, next| set.union(Self(next as u16)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deny_swallows_every_other_capability() {
        let set: Capabilities = [Capability::Read, Capability::Deny, Capability::Sudo].into_iter().collect();
        assert_eq!(set, Capabilities::DENY);
        assert_eq!(set.listed(), [Capability::Deny]);
        assert!(!set.has(Capability::Read));
    }

    #[test]
    fn listing_is_sorted_by_spelling_and_never_empty() {
        let all: Capabilities =
            Capability::GRANTABLE.into_iter().filter(|c| *c != Capability::Deny).collect();
        let words: Vec<_> = all.listed().into_iter().map(Capability::as_str).collect();
        assert!(words.is_sorted(), "{words:?}");
        assert_eq!(words.len(), 7);
        assert_eq!(Capabilities::NONE.listed(), [Capability::Deny]);
    }

    #[test]
    fn root_and_unknown_words_are_no_capability_of_a_policy() {
        for word in ["root", "Read", "", "write", "subscribe"] {
            assert_eq!(Capability::parse(word), None, "{word:?}");
        }
        for capability in Capability::GRANTABLE {
            assert_eq!(Capability::parse(capability.as_str()), Some(capability));
        }
    }
}
