//! `accounts/rotate`, `accounts/verify`, `accounts/reconcile`.

use serde::{Deserialize, Serialize};

use crate::{incident::FailureFacts, lenient};

/// POST `accounts/rotate/<path>`, `accounts/verify/<path>`, `accounts/reconcile/<path>`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RotationRequest {
    /// For rotate: also while it is checked out (the holder's password dies), backing off or parked.
    #[serde(deserialize_with = "lenient::flag", skip_serializing_if = "std::ops::Not::not")]
    pub force: bool,
}

/// Their answer: 200 when done, 202 when still running after the wait.
///
/// A failure is 502 with [`ErrorBody`](crate::ErrorBody) whose data is [`RotationFailure`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RotationOutcome {
    /// `rotated`, `verified`, `reconciled`, `running`, …
    pub outcome: String,
    /// The version that serves.
    pub version: u64,
    /// Where the account stands, as in its status.
    pub state: String,
    /// A failure that did not hinder the outcome, or an incident that is still open.
    #[serde(flatten)]
    pub failure: FailureFacts,
}

/// The `data` of the 502 of a rotation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RotationFailure {
    /// Where the account stands.
    pub state: String,
    /// Why.
    #[serde(flatten)]
    pub failure: FailureFacts,
}
