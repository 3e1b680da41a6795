//! Why an incident came about, as people found it afterwards.

use serde::{Deserialize, Serialize};

/// Why an incident happened, as its review says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The target was down or overloaded.
    TargetDown,
    /// Something between the vault and the target.
    Network,
    /// The management credential.
    Credential,
    /// The target's rules about passwords.
    Policy,
    /// A right that was missing.
    Permission,
    /// Somebody changed it past the vault.
    ChangedOutside,
    /// A consumer that kept an old version.
    Consumer,
    /// A plugin.
    Plugin,
    /// The vault itself.
    Vault,
    /// A mistake of a person.
    Person,
    /// Nobody found out.
    Unknown,
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::TargetDown,
        Self::Network,
        Self::Credential,
        Self::Policy,
        Self::Permission,
        Self::ChangedOutside,
        Self::Consumer,
        Self::Plugin,
        Self::Vault,
        Self::Person,
        Self::Unknown,
    ];

    /// Its stable word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::TargetDown => "target_down",
            Self::Network => "network",
            Self::Credential => "credential",
            Self::Policy => "policy",
            Self::Permission => "permission",
            Self::ChangedOutside => "changed_outside",
            Self::Consumer => "consumer",
            Self::Plugin => "plugin",
            Self::Vault => "vault",
            Self::Person => "person",
            Self::Unknown => "unknown",
        }
    }

    /// The cause of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.word() == word)
    }
}
