//! `reports/…`: how often rotations fail, how long repair takes, and how old credentials are.
//!
//! What each figure means is in `docs/measures.md`.

mod log;
mod standing;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::log::{EndedAttempt, EndedAttempts, EndedRotation, EndedRotations};
pub use self::standing::{
    AgeBucket, AgeReport, AgedAccount, AgesStanding, ConsumersStanding, DueAccount, DueReport, LeaseCounts,
    LeasesStanding, StandingReport,
};
use crate::WireTime;

/// GET `reports/rotation?from=…&to=…&by=…`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RotationReport {
    /// The time it is about.
    pub window: Window,
    /// Rotations that ended in it.
    pub rotations: RotationCounts,
    /// Attempts that ended in it, also of rotations that did not.
    pub attempts: AttemptCounts,
    /// How the objective fares.
    pub budget: Budget,
    /// Incidents in it.
    pub incidents: IncidentCounts,
    /// What people spent on those that were reviewed in it.
    pub work: Work,
    /// Incidents by failure class.
    pub by_class: BTreeMap<String, u64>,
    /// From fault to detection.
    pub ttd: Spread,
    /// From detection until a receiver has taken the message.
    pub ttn: Spread,
    /// From detection to acknowledgement.
    pub tta: Spread,
    /// From detection to mitigation.
    pub ttm: Spread,
    /// From detection to verified repair.
    pub ttr: Spread,
    /// What costs are counted in, where there are any and the vault was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// The same for each class, target, rotator, team, account or month, if that was asked for; of accounts those that took most
    /// staff time, first.
    pub groups: Vec<ReportGroup>,
    /// Accounts beyond the limit, by account.
    #[serde(skip_serializing_if = "is_zero")]
    pub left_out: u64,
    /// What `also` asked for, from the same walk over the records, by what it is divided by.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub also: BTreeMap<String, RotationReport>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's form")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// A part of the report.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReportGroup {
    /// Which class, target, rotator, team (`(none)` for no team), account or month (`2026-11`).
    pub name: String,
    /// The time it is about.
    pub window: Window,
    /// Rotations that ended in it.
    pub rotations: RotationCounts,
    /// Attempts that ended in it.
    pub attempts: AttemptCounts,
    /// How the objective fares; of a class there is none.
    pub budget: Budget,
    /// Incidents in it.
    pub incidents: IncidentCounts,
    /// What people spent on those that were reviewed in it.
    pub work: Work,
    /// From fault to detection.
    pub ttd: Spread,
    /// From detection until a receiver has taken the message.
    pub ttn: Spread,
    /// From detection to acknowledgement.
    pub tta: Spread,
    /// From detection to mitigation.
    pub ttm: Spread,
    /// From detection to verified repair.
    pub ttr: Spread,
    /// Single times to repair, in order; with `durations=true`, and at most 200: of more some are left out in between.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub repairs: Vec<Repair>,
    /// What became of the figures since the month before; `null` for the first month, and for what is no month.
    pub change: Option<Change>,
}

/// A time to repair.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Repair {
    /// How long it took, or has taken so far.
    pub seconds: f64,
    /// Whether it is not repaired.
    pub open: bool,
}

/// A month less the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Change {
    /// Of rotations that failed.
    pub failed_rotations: i64,
    /// Of attempts that failed.
    pub failed_attempts: i64,
    /// Of incidents that were opened.
    pub opened: i64,
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RotationCounts {
    /// Verified, and the old password proved dead.
    pub succeeded: u64,
    /// Parked: they wait for a person. Those that are still being tried have not ended, and show in the attempts.
    pub failed: u64,
    /// All attempts that these took, also those before the window.
    pub attempts: u64,
    /// `failed` by all that ended; `null` when none did.
    pub failure_share: Option<f64>,
}

/// How attempts ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AttemptCounts {
    /// The rotation was done with it.
    pub succeeded: u64,
    /// It failed, whatever came of the rotation.
    pub failed: u64,
    /// `failed` by both; `null` when there was none.
    pub failure_share: Option<f64>,
}

/// What share of rotations shall succeed, and how that fares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Budget {
    /// The objective, in per cent.
    pub objective: f64,
    /// By rotations that ended; `null` when none did.
    pub rotations: Option<Burn>,
    /// By attempts; `null` when there was none.
    pub attempts: Option<Burn>,
}

/// How fast an error budget goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Burn {
    /// The share that failed by the share that may: at 1 the budget lasts just 30 days.
    pub rate: f64,
    /// What part of the budget of 30 days went in the window; above 1 it is overdrawn.
    pub spent: f64,
}

/// How incidents went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct IncidentCounts {
    /// Opened in the window.
    pub opened: u64,
    /// Closed by a verification in the window.
    pub resolved: u64,
    /// Open at its end.
    pub open: u64,
    /// Age of the oldest of these, in seconds.
    pub oldest_open_seconds: Option<u64>,
    /// Closed by a verification without that anybody had acknowledged them.
    pub never_acknowledged: u64,
    /// Closed by a verification without that a receiver had taken a message of it.
    pub never_notified: u64,
    /// Over because their account or target is no longer managed: no repair.
    pub withdrawn: u64,
}

/// What incidents cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Work {
    /// Incidents that were reviewed in the window, whenever they were.
    pub reviewed: u64,
    /// Incidents that were closed by a verification and not reviewed: what they cost is not in here.
    pub unreviewed: u64,
    /// Minutes on those that were reviewed, by their notes and reviews.
    pub staff_minutes: u64,
    /// Those minutes by the hourly cost that was given, or that the vault was told.
    pub cost: Option<f64>,
}

/// A distribution in seconds; `null` where no observation carries the figure.
///
/// What has not ended counts with its age in ranks and `max`, which are then floors, and never in `mean`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Spread {
    /// Observations: `completed` and `censored` ones.
    pub n: u64,
    /// Those that have ended.
    pub completed: u64,
    /// Those that have not: they are longer than seen so far, never left out of sight.
    pub censored: u64,
    /// Those that cannot be told, because the clock was stepped back meanwhile: in no other figure.
    pub suspect: u64,
    /// Arithmetic mean of the completed ones.
    pub mean: Option<f64>,
    /// Half are at or below.
    pub p50: Option<f64>,
    /// Whether that is a floor, because one up to this rank has not ended.
    pub p50_is_floor: bool,
    /// Nine of ten are at or below.
    pub p90: Option<f64>,
    /// Whether that is a floor.
    pub p90_is_floor: bool,
    /// The longest.
    pub max: Option<f64>,
    /// Whether that is a floor.
    pub max_is_floor: bool,
}
