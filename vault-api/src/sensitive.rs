//! A field that travels in plain and shows itself to nobody else.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A secret on the wire.
///
/// It serialises as its content because the wire is the one place where a secret must appear; its `Debug`
/// prints a fixed word, and it has no `Display`, so a log line or an error cannot carry it by accident.
/// It does not wipe memory: the server moves the content into its own wiped types at once.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sensitive<T>(T);

impl<T> Sensitive<T> {
    /// Marks a value as secret.
    pub const fn new(content: T) -> Self {
        Self(content)
    }

    /// Shows the content to a caller that must have it.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// Gives the content away, so that it can move into a wiped type.
    pub fn into_exposed(self) -> T {
        self.0
    }
}

impl<T> From<T> for Sensitive<T> {
    fn from(content: T) -> Self {
        Self(content)
    }
}

impl<T> fmt::Debug for Sensitive<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_never_shows_the_content_and_json_does() {
        let secret = Sensitive::new("canary-7f3a".to_owned());
        assert_eq!(format!("{secret:?} {:#?}", Some(&secret)), "[redacted] Some(\n    [redacted],\n)");
        assert_eq!(serde_json::to_string(&secret).unwrap(), "\"canary-7f3a\"");
    }
}
