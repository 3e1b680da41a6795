//! Names of accounts and of everything else that is configured, parsed once at the edge.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a name or path was refused; the text says what to mend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// Nothing was given.
    #[error("the name is empty")]
    Empty,
    /// Longer than [`PATH_BYTES_MAX`] or [`NAME_BYTES_MAX`].
    #[error("the name is too long (at most {0} bytes)")]
    TooLong(usize),
    /// An empty, `.` or `..` part between slashes, or a slash at an end.
    #[error("the path has an empty part, a '.' or '..' part, or a slash at its start or end")]
    Segment,
    /// A control character, or in a [`Name`] anything but letters, digits, `_`, `-` and `.`.
    #[error(
        "the name has a character that is not allowed; names are letters, digits, '_', '-' and '.', and paths may hold any printable text"
    )]
    Character,
}

/// The path of an account, such as `db/prod/app`; may hold slashes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountPath(String);

impl AccountPath {
    /// Parses a path.
    ///
    /// # Errors
    /// [`PathError`] by cause.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        if text.is_empty() {
            return Err(PathError::Empty);
        }
        if text.len() > PATH_BYTES_MAX {
            return Err(PathError::TooLong(PATH_BYTES_MAX));
        }
        if text.chars().any(char::is_control) {
            return Err(PathError::Character);
        }
        if text.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(PathError::Segment);
        }
        Ok(Self(text.to_owned()))
    }

    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of a target, a policy or another configured thing; no slashes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

impl Name {
    /// Parses a name.
    ///
    /// # Errors
    /// [`PathError`] by cause.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        if text.is_empty() {
            return Err(PathError::Empty);
        }
        if text.len() > NAME_BYTES_MAX {
            return Err(PathError::TooLong(NAME_BYTES_MAX));
        }
        if matches!(text, "." | "..") {
            return Err(PathError::Segment);
        }
        if !text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')) {
            return Err(PathError::Character);
        }
        Ok(Self(text.to_owned()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

macro_rules! text_conversions {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl TryFrom<String> for $name {
            type Error = PathError;
            fn try_from(text: String) -> Result<Self, PathError> {
                Self::parse(&text)
            }
        }
        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }
    )*};
}
text_conversions!(AccountPath, Name);

/// Longest account path, in bytes: fits the smallest key limit of the engines (511 bytes) with room.
pub const PATH_BYTES_MAX: usize = 255;
/// Longest name, in bytes.
pub const NAME_BYTES_MAX: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_refused_by_cause() {
        for (text, want) in [
            ("", Some(PathError::Empty)),
            ("/a", Some(PathError::Segment)),
            ("a/", Some(PathError::Segment)),
            ("a//b", Some(PathError::Segment)),
            ("a/../b", Some(PathError::Segment)),
            ("a\nb", Some(PathError::Character)),
            ("db/prod/app user@host", None),
            ("däta/ключ", None),
        ] {
            assert_eq!(AccountPath::parse(text).err(), want, "{text:?}");
        }
        assert_eq!(AccountPath::parse(&"x".repeat(256)).err(), Some(PathError::TooLong(255)));
    }

    #[test]
    fn names_hold_no_slash_and_no_space() {
        assert!(Name::parse("pg-main.eu_1").is_ok());
        for text in ["a/b", "a b", "ä", ""] {
            assert!(Name::parse(text).is_err(), "{text:?}");
        }
    }
}
