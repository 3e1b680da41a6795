//! Where a mount is: one or more parts, below `auth/` for a way in.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::kind::Class;

/// The full path of a mount without a slash at its end, such as `secret` or `auth/ci`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MountPath(String);

/// Why a path cannot be one of a mount; the text says what to mend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MountPathError {
    /// Nothing was given.
    #[error("missing path: name the place of the mount, such as \"secret\"")]
    Empty,
    /// Longer than [`MOUNT_PATH_BYTES_MAX`].
    #[error("the path of a mount has at most {MOUNT_PATH_BYTES_MAX} bytes")]
    TooLong,
    /// A control character or a part that stands for another directory.
    #[error("the path of a mount is printable text without the parts '.' and '..'")]
    Form,
    /// A secret engine below `auth/`.
    #[error("secrets engines cannot be mounted below auth/")]
    BelowAuth,
}

impl MountPath {
    /// Reads what a caller named, relative to `auth/` for [`Class::Auth`]; slashes at the ends and empty
    /// parts are of no interest.
    ///
    /// # Errors
    /// [`MountPathError`] by cause.
    pub fn parse(class: Class, text: &str) -> Result<Self, MountPathError> {
        let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty()).collect();
        if parts.is_empty() {
            return Err(MountPathError::Empty);
        }
        if text.chars().any(char::is_control) || parts.iter().any(|part| matches!(*part, "." | "..")) {
            return Err(MountPathError::Form);
        }
        let full = match class {
            Class::Secret if parts.first() == Some(&"auth") => return Err(MountPathError::BelowAuth),
            Class::Secret => parts.join("/"),
            Class::Auth => format!("auth/{}", parts.join("/")),
        };
        if full.len() > MOUNT_PATH_BYTES_MAX {
            return Err(MountPathError::TooLong);
        }
        Ok(Self(full))
    }

    /// The path of what is built in.
    pub(super) fn built_in(text: &'static str) -> Self {
        Self(text.to_owned())
    }

    /// The full path, such as `auth/ci`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As listings spell it: relative to `auth/` for a way in, with a slash at the end.
    #[must_use]
    pub fn listed(&self) -> String {
        format!("{}/", self.0.strip_prefix("auth/").unwrap_or(&self.0))
    }
}

impl fmt::Display for MountPath {
    /// The full path with a slash at its end, as Vault's messages have it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/", self.0)
    }
}

/// Longest path of a mount, in bytes.
pub const MOUNT_PATH_BYTES_MAX: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_fold_to_one_spelling_and_bad_ones_say_why() {
        for (class, text, want) in [
            (Class::Secret, "secret/", Ok("secret")),
            (Class::Secret, "/team//kv", Ok("team/kv")),
            (Class::Auth, "ci", Ok("auth/ci")),
            (Class::Auth, "auth/", Ok("auth/auth")),
            (Class::Secret, "/", Err(MountPathError::Empty)),
            (Class::Secret, "a/../b", Err(MountPathError::Form)),
            (Class::Secret, "a\nb", Err(MountPathError::Form)),
            (Class::Secret, "auth/x", Err(MountPathError::BelowAuth)),
        ] {
            let parsed = MountPath::parse(class, text);
            assert_eq!(parsed.as_ref().map(MountPath::as_str).map_err(|error| *error), want, "{text:?}");
        }
        assert_eq!(
            MountPath::parse(Class::Secret, &"x".repeat(MOUNT_PATH_BYTES_MAX + 1)),
            Err(MountPathError::TooLong)
        );
    }

    #[test]
    fn listings_leave_auth_away() {
        assert_eq!(MountPath::parse(Class::Auth, "ci").unwrap().listed(), "ci/");
        assert_eq!(MountPath::parse(Class::Secret, "team/kv").unwrap().listed(), "team/kv/");
    }
}
