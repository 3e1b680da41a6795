//! `reports/rotation`: how often rotations fail and how long repair takes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::WireTime;

/// GET `reports/rotation?from=…&to=…`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RotationReport {
    /// The time it is about.
    pub window: Window,
    /// Rotations that ended in it.
    pub rotations: RotationCounts,
    /// Incidents in it.
    pub incidents: IncidentCounts,
    /// Incidents by failure class.
    pub by_class: BTreeMap<String, u64>,
    /// From fault to detection.
    pub ttd: Spread,
    /// From detection to acknowledgement.
    pub tta: Spread,
    /// From detection to mitigation.
    pub ttm: Spread,
    /// From detection to verified repair.
    pub ttr: Spread,
}

/// A span of time with both ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Window {
    /// Included.
    pub from: WireTime,
    /// Excluded.
    pub to: WireTime,
}

/// How rotations ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RotationCounts {
    /// Verified, and the old password proved dead.
    pub succeeded: u64,
    /// Given up or still failing.
    pub failed: u64,
    /// All attempts of both.
    pub attempts: u64,
}

/// How incidents went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct IncidentCounts {
    /// Opened in the window.
    pub opened: u64,
    /// Closed in the window.
    pub resolved: u64,
    /// Open at its end.
    pub open: u64,
    /// Age of the oldest of these, in seconds.
    pub oldest_open_seconds: Option<u64>,
}

/// A distribution in seconds; `null` where no observation carries the figure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Spread {
    /// Completed observations.
    pub n: u64,
    /// Observations that have not ended: they are longer than seen so far, never left out of sight.
    pub censored: u64,
    /// Arithmetic mean of the completed ones.
    pub mean: Option<f64>,
    /// Half are at or below.
    pub p50: Option<f64>,
    /// Nine of ten are at or below.
    pub p90: Option<f64>,
    /// The longest.
    pub max: Option<f64>,
}
