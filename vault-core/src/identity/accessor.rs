//! The public handle of a token: enough to look it up and revoke it, useless for logging in.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::entropy::{Entropy, base62};

/// A token's accessor: 24 letters and digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Accessor(String);

impl Accessor {
    /// Draws a new one.
    #[must_use]
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self(base62::random(ACCESSOR_LENGTH, entropy))
    }

    /// Reads one; `None` when the text cannot be an accessor.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let fits = text.len() == ACCESSOR_LENGTH && text.bytes().all(|b| b.is_ascii_alphanumeric());
        fits.then(|| Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Accessor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Accessor> for String {
    fn from(accessor: Accessor) -> Self {
        accessor.0
    }
}

impl TryFrom<String> for Accessor {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("not an accessor")
    }
}

/// Characters of an accessor.
const ACCESSOR_LENGTH: usize = 24;
