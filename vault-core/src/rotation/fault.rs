//! What can go wrong with a target, as data: class, side and what a retry may do.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The classes of failure. Each has one safe automatic action (see [`FaultClass::action`]) and a runbook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FaultClass {
    /// The settings cannot work: missing grant, wrong database, name conflict. The target was not touched.
    Preflight,
    /// No connection: DNS, TCP, time-out before anything was sent.
    Unreachable,
    /// TLS failed: certificate, host name, or the server has none.
    Tls,
    /// The target refused the management credential. Never retried in a loop (lockout).
    ManagementAuthRefused,
    /// The management credential may not change this account.
    PermissionDenied,
    /// The target's policy refused the candidate password.
    PolicyRejected,
    /// The account does not exist on the target.
    AccountMissing,
    /// The account is locked, disabled, expired or may not log in.
    AccountLocked,
    /// The change was sent and the answer never came: it may or may not have happened.
    Ambiguous,
    /// The target said "done" but refuses the new credential.
    VerifyRefused,
    /// The new credential logs in but has lost rights it had before.
    RightsLost,
    /// The vault's own store failed.
    StoreFailed,
    /// Consumers still hold the old version.
    ConsumerLag,
    /// The old credential still opens the target.
    OldStillValid,
    /// The stored credential is refused although no rotation ran: changed outside.
    Drift,
    /// A plugin crashed, or broke its protocol.
    PluginFailed,
    /// A plugin did not answer in time.
    PluginTimeout,
    /// The rotation did not start although it was due.
    Overdue,
}

/// What a failure says something about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// One account.
    #[default]
    Account,
    /// The target, or the way to it: every account on it would fail so.
    Target,
}

/// What the engine may do by itself after a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Try again later, paced and without end: a retry is harmless.
    RetryPaced,
    /// Discard the candidate and try one more under a stricter rule, then park.
    FreshCandidate,
    /// Find out what the target holds before anything else.
    Probe,
    /// Stop and wait for a person.
    Park,
}

impl FaultClass {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::Preflight,
        Self::Unreachable,
        Self::Tls,
        Self::ManagementAuthRefused,
        Self::PermissionDenied,
        Self::PolicyRejected,
        Self::AccountMissing,
        Self::AccountLocked,
        Self::Ambiguous,
        Self::VerifyRefused,
        Self::RightsLost,
        Self::StoreFailed,
        Self::ConsumerLag,
        Self::OldStillValid,
        Self::Drift,
        Self::PluginFailed,
        Self::PluginTimeout,
        Self::Overdue,
    ];

    /// The one safe automatic action.
    #[must_use]
    pub const fn action(self) -> Action {
        match self {
            Self::Unreachable
            | Self::Tls
            | Self::StoreFailed
            | Self::ConsumerLag
            | Self::OldStillValid
            | Self::PluginTimeout
            | Self::PluginFailed
            | Self::Overdue => Action::RetryPaced,
            Self::PolicyRejected => Action::FreshCandidate,
            Self::Ambiguous | Self::VerifyRefused => Action::Probe,
            Self::Preflight
            | Self::ManagementAuthRefused
            | Self::PermissionDenied
            | Self::AccountMissing
            | Self::AccountLocked
            | Self::RightsLost
            | Self::Drift => Action::Park,
        }
    }

    /// Whether it is the account's trouble or its target's.
    #[must_use]
    pub const fn scope(self) -> Scope {
        match self {
            Self::Unreachable
            | Self::Tls
            | Self::ManagementAuthRefused
            | Self::PluginFailed
            | Self::PluginTimeout
            // Its turn did not come: others on the target were before it, or the vault was away from all of them.
            | Self::Overdue => Scope::Target,
            Self::Preflight
            | Self::PermissionDenied
            | Self::PolicyRejected
            | Self::AccountMissing
            | Self::AccountLocked
            | Self::Ambiguous
            | Self::VerifyRefused
            | Self::RightsLost
            | Self::StoreFailed
            | Self::ConsumerLag
            | Self::OldStillValid
            | Self::Drift => Scope::Account,
        }
    }

    /// The class as it stands in JSON, metrics and runbooks.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Preflight => "preflight",
            Self::Unreachable => "unreachable",
            Self::Tls => "tls",
            Self::ManagementAuthRefused => "management_auth_refused",
            Self::PermissionDenied => "permission_denied",
            Self::PolicyRejected => "policy_rejected",
            Self::AccountMissing => "account_missing",
            Self::AccountLocked => "account_locked",
            Self::Ambiguous => "ambiguous",
            Self::VerifyRefused => "verify_refused",
            Self::RightsLost => "rights_lost",
            Self::StoreFailed => "store_failed",
            Self::ConsumerLag => "consumer_lag",
            Self::OldStillValid => "old_still_valid",
            Self::Drift => "drift",
            Self::PluginFailed => "plugin_failed",
            Self::PluginTimeout => "plugin_timeout",
            Self::Overdue => "overdue",
        }
    }
}

impl fmt::Display for FaultClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One failure: its class and a sentence that is safe to show.
///
/// `detail` never holds a password, a statement or a whole connection string; adapters build it from
/// fixed words, host, port and the target's error code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// What kind.
    pub class: FaultClass,
    /// A sentence for people.
    pub detail: String,
}

impl Fault {
    /// A fault from its parts.
    #[must_use]
    pub fn new(class: FaultClass, detail: impl Into<String>) -> Self {
        Self { class, detail: detail.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.class, self.detail)
    }
}
