//! Where a secret is below its mount: any printable text, with slashes between its parts.

use std::fmt;

/// The path of a secret, such as `team/app user@host`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretPath(String);

/// Why a path cannot be one of a secret; the text says what to mend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretPathError {
    /// Nothing was given.
    #[error("missing path")]
    Empty,
    /// Longer than [`SECRET_PATH_BYTES_MAX`].
    #[error("the path of a secret has at most {SECRET_PATH_BYTES_MAX} bytes below its mount")]
    TooLong,
    /// A control character, or a part that is empty or stands for another directory.
    #[error("the path of a secret is printable text without empty parts and without '.' and '..'")]
    Form,
}

impl SecretPath {
    /// Parses a path.
    ///
    /// # Errors
    /// [`SecretPathError`] by cause.
    pub fn parse(text: &str) -> Result<Self, SecretPathError> {
        if text.is_empty() {
            return Err(SecretPathError::Empty);
        }
        if text.len() > SECRET_PATH_BYTES_MAX {
            return Err(SecretPathError::TooLong);
        }
        let is_odd = |part: &str| matches!(part, "" | "." | "..");
        if text.chars().any(char::is_control) || text.split('/').any(is_odd) {
            return Err(SecretPathError::Form);
        }
        Ok(Self(text.to_owned()))
    }

    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the record that says what is at the path, below its mount.
    #[must_use]
    pub fn record(&self) -> Vec<u8> {
        self.0.as_bytes().to_vec()
    }

    /// What the names of the records of its versions begin with. No path holds the NUL at its end.
    #[must_use]
    pub fn versions(&self) -> Vec<u8> {
        [self.0.as_bytes(), &[0]].concat()
    }

    /// The name of the record with the data of version `number`, below its mount.
    #[must_use]
    pub fn version(&self, number: u64) -> Vec<u8> {
        [self.versions().as_slice(), &number.to_be_bytes()].concat()
    }
}

impl fmt::Display for SecretPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Longest path of a secret below its mount, in bytes: with the mount's id and a version's number it fits a key.
pub const SECRET_PATH_BYTES_MAX: usize = 400;
const _: () = assert!(1 + 16 + SECRET_PATH_BYTES_MAX + 1 + 8 <= crate::store::key::KEY_BYTES_MAX);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_printable_text_is_a_path_and_the_rest_says_why_not() {
        for (text, want) in [
            ("app", Ok(())),
            ("team/app user@host.example", Ok(())),
            ("schlüssel/ключ/鍵 + % ? #", Ok(())),
            ("", Err(SecretPathError::Empty)),
            ("a//b", Err(SecretPathError::Form)),
            ("a/", Err(SecretPathError::Form)),
            ("a/../b", Err(SecretPathError::Form)),
            ("a\u{0}b", Err(SecretPathError::Form)),
        ] {
            assert_eq!(SecretPath::parse(text).map(|_| ()), want, "{text:?}");
        }
        assert!(SecretPath::parse(&"x".repeat(SECRET_PATH_BYTES_MAX)).is_ok());
        assert_eq!(SecretPath::parse(&"x".repeat(SECRET_PATH_BYTES_MAX + 1)), Err(SecretPathError::TooLong));
    }

    #[test]
    fn versions_of_one_path_are_in_order_and_apart_from_those_of_another() {
        let (app, apple) = (SecretPath::parse("app").unwrap(), SecretPath::parse("app/le").unwrap());
        assert!(app.version(2) < app.version(10));
        assert!(app.version(1).starts_with(&app.versions()));
        assert!(!apple.version(1).starts_with(&app.versions()));
    }
}
