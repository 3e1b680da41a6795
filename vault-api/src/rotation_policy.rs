//! `rotation-policies/<name>`: when accounts are rotated.

use serde::{Deserialize, Serialize};

use crate::{duration::Seconds, lenient};

/// POST and GET `rotation-policies/<name>`: a period or a schedule, not both.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RotationPolicy {
    /// From one rotation to the next.
    #[serde(deserialize_with = "lenient::optional_seconds", skip_serializing_if = "Option::is_none")]
    pub rotation_period: Option<Seconds>,
    /// Five cron fields.
    #[serde(deserialize_with = "lenient::optional_text", skip_serializing_if = "Option::is_none")]
    pub rotation_schedule: Option<String>,
    /// The schedule's zone, as in `Europe/Paris`; UTC when absent.
    #[serde(deserialize_with = "lenient::optional_text", skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// How long after a scheduled time a rotation may still start.
    #[serde(deserialize_with = "lenient::optional_seconds", skip_serializing_if = "Option::is_none")]
    pub rotation_window: Option<Seconds>,
    /// Spreads the accounts of one time over this span.
    #[serde(deserialize_with = "lenient::optional_seconds", skip_serializing_if = "Option::is_none")]
    pub jitter: Option<Seconds>,
    /// Attempts after the first before a rotation is parked.
    #[serde(deserialize_with = "lenient::optional_u64", skip_serializing_if = "Option::is_none")]
    pub retries: Option<u64>,
    /// How long the old password is held, where the target lets two live.
    #[serde(deserialize_with = "lenient::optional_seconds", skip_serializing_if = "Option::is_none")]
    pub grace: Option<Seconds>,
    /// The grace ends early once every known live consumer has had the new password for so long.
    #[serde(deserialize_with = "lenient::optional_seconds", skip_serializing_if = "Option::is_none")]
    pub early_after: Option<Seconds>,
    /// How long after the grace the old password is held for consumers that lag.
    #[serde(deserialize_with = "lenient::optional_seconds", skip_serializing_if = "Option::is_none")]
    pub hold: Option<Seconds>,
}
