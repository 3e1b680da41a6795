//! The kinds of engines, by the words of Vault where it has them.

use serde::{Deserialize, Serialize};

/// Whether an engine holds something or lets somebody in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Listed at `sys/mounts`.
    Secret,
    /// Below `auth/`, listed at `sys/auth`.
    Auth,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident $word:literal $class:ident $built_in:literal)*) => {
        /// Which engine answers at a mount.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        #[non_exhaustive]
        pub enum Kind {
            $($(#[$doc])* $name,)*
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The word for it, as `type` in answers.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// What it is for.
            #[must_use]
            pub const fn class(self) -> Class {
                match self { $(Self::$name => Class::$class,)* }
            }

            /// Whether it is there from the start, once, and cannot be mounted, moved or taken away.
            #[must_use]
            pub const fn is_built_in(self) -> bool {
                match self { $(Self::$name => $built_in,)* }
            }
        }
    };
}

kinds! {
    /// Static secrets, versions 1 and 2.
    Kv "kv" Secret false
    /// Credentials of databases: targets and accounts by the words of Vault.
    Database "database" Secret false
    /// A place for each token alone.
    Cubbyhole "cubbyhole" Secret true
    /// The vault itself.
    System "system" Secret true
    /// Accounts and their credentials.
    Accounts "accounts" Secret true
    /// Targets.
    Targets "targets" Secret true
    /// Pools of accounts.
    Pools "pools" Secret true
    /// Rotation policies.
    RotationPolicies "rotation-policies" Secret true
    /// Password policies.
    PasswordPolicies "password-policies" Secret true
    /// Campaigns: the rotation of many accounts.
    Campaigns "campaigns" Secret true
    /// Incidents.
    Incidents "incidents" Secret true
    /// Reports.
    Reports "reports" Secret true
    /// Check-out sets in the shape of Vault's LDAP engine.
    Ldap "ldap" Secret false
    /// Tokens.
    Token "token" Auth true
    /// Machines with a role id and a secret id.
    Approle "approle" Auth false
    /// People with a password.
    Userpass "userpass" Auth false
}

impl Kind {
    /// The kind that can be mounted in `class` under this word. `kv-v2` and `generic` are spellings of
    /// `kv`; which version is meant is the caller's to note. `openldap` is what `ldap` was called.
    #[must_use]
    pub fn mountable(class: Class, word: &str) -> Option<Self> {
        let word = match word {
            "kv-v1" | "kv-v2" | "generic" => "kv",
            "openldap" => "ldap",
            word => word,
        };
        let fits = |kind: &&Self| kind.as_str() == word && kind.class() == class && !kind.is_built_in();
        Self::ALL.iter().find(fits).copied()
    }

    /// Where a built-in kind is.
    #[must_use]
    pub(super) fn built_in_path(self) -> &'static str {
        match self {
            Self::System => "sys",
            Self::Token => "auth/token",
            kind => kind.as_str(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_names_a_kind_of_its_class_that_can_be_mounted() {
        for (class, word, want) in [
            (Class::Secret, "kv", Some(Kind::Kv)),
            (Class::Secret, "kv-v2", Some(Kind::Kv)),
            (Class::Secret, "generic", Some(Kind::Kv)),
            (Class::Secret, "ldap", Some(Kind::Ldap)),
            (Class::Secret, "openldap", Some(Kind::Ldap)),
            (Class::Auth, "approle", Some(Kind::Approle)),
            (Class::Secret, "approle", None),
            (Class::Secret, "database", Some(Kind::Database)),
            (Class::Auth, "kv", None),
            (Class::Secret, "system", None),
            (Class::Auth, "token", None),
            (Class::Secret, "nosuch", None),
        ] {
            assert_eq!(Kind::mountable(class, word), want, "{class:?} {word}");
        }
    }
}
