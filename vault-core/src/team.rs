//! Whose something is: the team that looks after an account, or after a target and all that lives on it.
//!
//! A name and nothing else: who is in a team, and how it is reached, is for others to know.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a name of a team was refused; the text says what to mend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TeamError {
    /// Nothing was given.
    #[error("the name of the team is empty")]
    Empty,
    /// Longer than [`TEAM_BYTES_MAX`].
    #[error("the name of the team is too long (at most {TEAM_BYTES_MAX} bytes)")]
    TooLong,
    /// Anything but letters, digits, `-`, `_` and `.`.
    #[error(
        "the name of the team has a character that is not allowed; it is letters, digits, '-', '_' and '.'"
    )]
    Character,
}

/// The name of a team, such as `payments`. Whether letters are large or small makes another team.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Team(String);

impl Team {
    /// Parses a name.
    ///
    /// # Errors
    /// [`TeamError`] by cause.
    pub fn parse(text: &str) -> Result<Self, TeamError> {
        if text.is_empty() {
            return Err(TeamError::Empty);
        }
        if text.len() > TEAM_BYTES_MAX {
            return Err(TeamError::TooLong);
        }
        if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')) {
            return Err(TeamError::Character);
        }
        Ok(Self(text.to_owned()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Of an account's own team and that of its target the one that counts: the account's, where it has one.
    #[must_use]
    pub fn of<'a>(account: Option<&'a Self>, target: Option<&'a Self>) -> Option<&'a Self> {
        account.or(target)
    }
}

impl fmt::Display for Team {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Team {
    type Error = TeamError;

    fn try_from(text: String) -> Result<Self, TeamError> {
        Self::parse(&text)
    }
}

impl From<Team> for String {
    fn from(team: Team) -> Self {
        team.0
    }
}

/// Whose things are looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Whose {
    /// Anybody's.
    #[default]
    Any,
    /// Those of no team.
    Nobodys,
    /// Those of this team.
    Of(Team),
}

impl Whose {
    /// By the name of a team or [`NO_TEAM`]; empty for any.
    ///
    /// # Errors
    /// [`TeamError`] for what is no name.
    pub fn parse(text: &str) -> Result<Self, TeamError> {
        match text {
            "" => Ok(Self::Any),
            NO_TEAM => Ok(Self::Nobodys),
            name => Team::parse(name).map(Self::Of),
        }
    }

    /// Whether something of `team` is among those.
    #[must_use]
    pub fn is(&self, team: Option<&Team>) -> bool {
        match self {
            Self::Any => true,
            Self::Nobodys => team.is_none(),
            Self::Of(wanted) => team == Some(wanted),
        }
    }
}

/// What stands for no team where a name is to stand; no team can be called so.
pub const NO_TEAM: &str = "(none)";
/// Longest name, in bytes.
pub const TEAM_BYTES_MAX: usize = 64;

#[cfg(test)]
mod tests;
