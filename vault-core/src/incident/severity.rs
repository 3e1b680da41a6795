//! How bad a failure is, by its class alone: what it means for who uses the credential.

use serde::{Deserialize, Serialize};

use crate::rotation::fault::FaultClass;

/// How bad an incident is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Late, and nothing is wrong yet.
    Warning,
    /// A rotation failed; what consumers have works as before, as far as is known.
    Error,
    /// Somebody may get in who must not, consumers may be shut out, or nothing on the target can be rotated.
    Critical,
}

impl Severity {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Warning, Self::Error, Self::Critical];

    /// The severity as it stands in JSON and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }

    /// The severity of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.as_str() == word)
    }
}

impl FaultClass {
    /// How bad an incident of this class is.
    #[must_use]
    pub const fn severity(self) -> Severity {
        match self {
            Self::OldStillValid
            | Self::Drift
            | Self::VerifyRefused
            | Self::RightsLost
            | Self::AccountMissing
            | Self::AccountLocked
            | Self::ManagementAuthRefused => Severity::Critical,
            Self::Preflight
            | Self::Unreachable
            | Self::Tls
            | Self::PermissionDenied
            | Self::PolicyRejected
            | Self::Ambiguous
            | Self::StoreFailed
            | Self::PluginFailed
            | Self::PluginTimeout => Severity::Error,
            Self::ConsumerLag | Self::Overdue => Severity::Warning,
        }
    }
}
