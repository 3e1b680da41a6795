//! A rotation policy: how often, when, and how stubbornly.
//!
//! [`RotationPolicySpec`] is what a person writes and what is stored; [`RotationPolicy`] is what it means.
//! The second is made only by checking the first, also when it is read from a record.

use std::time::Duration;

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::cron::{Cron, CronError};
use super::span;
use crate::rotation::grace::EARLY_AFTER_DEFAULT;

/// A rotation policy as written, in the words of the API. Durations are texts or seconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RotationPolicySpec {
    /// Rotate so long after the last rotation; at least [`PERIOD_MIN`]. Excludes `rotation_schedule`.
    #[serde(with = "span::optional")]
    pub rotation_period: Option<Duration>,
    /// Rotate at the occurrences of a cron text. Excludes `rotation_period`.
    pub rotation_schedule: Option<String>,
    /// The zone that the schedule is read in, such as `Europe/Paris`; UTC when absent or empty.
    pub time_zone: Option<String>,
    /// How long after an occurrence a rotation may still start; without it, at any time after.
    #[serde(with = "span::optional")]
    pub rotation_window: Option<Duration>,
    /// The most by which a due time is put off, at random; none when absent.
    #[serde(with = "span::optional")]
    pub jitter: Option<Duration>,
    /// Attempts before a fault that is not transient parks the account; [`RETRIES_DEFAULT`] when absent.
    pub retries: Option<u32>,
    /// The wait after a first failure; [`RETRY_BASE_DEFAULT`] when absent.
    #[serde(with = "span::optional")]
    pub retry_base: Option<Duration>,
    /// The longest wait between attempts; [`RETRY_CAP_DEFAULT`] when absent.
    #[serde(with = "span::optional")]
    pub retry_cap: Option<Duration>,
    /// How long the previous credential stays valid where the strategy allows an overlap; none when absent.
    #[serde(with = "span::optional")]
    pub grace: Option<Duration>,
    /// Once every known live consumer has had the new credential for so long, the grace ends early;
    /// [`EARLY_AFTER_DEFAULT`] when absent.
    #[serde(with = "span::optional")]
    pub early_after: Option<Duration>,
    /// How long the previous credential is held after the grace for consumers that lag; not at all when absent. At
    /// most [`HOLD_MAX`].
    #[serde(with = "span::optional")]
    pub hold: Option<Duration>,
}

/// A checked rotation policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RotationPolicySpec", into = "RotationPolicySpec")]
pub struct RotationPolicy {
    cadence: Cadence,
    jitter: Duration,
    retries: u32,
    retry_base: Duration,
    retry_cap: Duration,
    grace: Duration,
    early_after: Duration,
    hold: Duration,
}

/// What makes a credential due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cadence {
    /// So long after the last rotation.
    Period(Duration),
    /// At the occurrences of a schedule.
    Schedule {
        /// The schedule.
        cron: Cron,
        /// The zone whose clocks it follows.
        zone: Tz,
        /// How long after an occurrence a rotation may still start.
        window: Option<Duration>,
    },
}

/// Why a specification is no policy. The caller mends it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RotationPolicyError {
    /// Both are given.
    #[error("give either rotation_period or rotation_schedule, not both")]
    PeriodAndSchedule,
    /// Neither is given.
    #[error("give rotation_period (such as 24h) or rotation_schedule (such as \"0 3 * * *\")")]
    NoPeriodNorSchedule,
    /// The period is below [`PERIOD_MIN`].
    #[error("rotation_period must be at least 5s")]
    PeriodTooShort,
    /// The schedule cannot be read.
    #[error("rotation_schedule cannot be used")]
    Schedule(#[source] CronError),
    /// The zone is not in the time zone database.
    #[error("time_zone {0:?} is unknown; use a name such as Europe/Paris, America/New_York or UTC")]
    UnknownZone(String),
    /// A window needs occurrences to begin at.
    #[error(
        "rotation_window needs a rotation_schedule; remove it, or give a schedule in place of the period"
    )]
    WindowWithoutSchedule,
    /// The window is below [`WINDOW_MIN`].
    #[error("rotation_window must be at least 1s")]
    WindowTooShort,
    /// A due time that is put off so far would fall out of the window, or double the period.
    #[error("jitter must be shorter than the {0}")]
    JitterTooLong(&'static str),
    /// More than [`RETRIES_MAX`].
    #[error("retries must be between 0 and 20")]
    TooManyRetries,
    /// The first wait is longer than the longest.
    #[error("retry_base must not be longer than retry_cap")]
    RetryBaseAboveCap,
    /// Longer than [`HOLD_MAX`], or of no grace.
    #[error("hold must be at most 30d, and needs a grace that it follows")]
    Hold,
}

impl RotationPolicy {
    /// Checks a specification and fills in what is absent.
    ///
    /// # Errors
    /// [`RotationPolicyError`], whose text says what to mend.
    pub fn try_new(spec: RotationPolicySpec) -> Result<Self, RotationPolicyError> {
        let jitter = spec.jitter.unwrap_or(Duration::ZERO);
        let retries = spec.retries.unwrap_or(RETRIES_DEFAULT);
        let retry_base = spec.retry_base.unwrap_or(RETRY_BASE_DEFAULT);
        let retry_cap = spec.retry_cap.unwrap_or(RETRY_CAP_DEFAULT.max(retry_base));
        let grace = spec.grace.unwrap_or(Duration::ZERO);
        let early_after = spec.early_after.unwrap_or(EARLY_AFTER_DEFAULT);
        let hold = spec.hold.unwrap_or(Duration::ZERO);
        let cadence = cadence(spec)?;
        let (limit, name) = match &cadence {
            Cadence::Period(period) => (*period, "rotation_period"),
            Cadence::Schedule { window: Some(window), .. } => (*window, "rotation_window"),
            Cadence::Schedule { window: None, .. } => {
                (JITTER_MAX, "24h that a schedule without a window allows")
            }
        };
        if jitter >= limit {
            return Err(RotationPolicyError::JitterTooLong(name));
        }
        if retries > RETRIES_MAX {
            return Err(RotationPolicyError::TooManyRetries);
        }
        if retry_base > retry_cap {
            return Err(RotationPolicyError::RetryBaseAboveCap);
        }
        if hold > HOLD_MAX || (grace.is_zero() && !hold.is_zero()) {
            return Err(RotationPolicyError::Hold);
        }
        Ok(Self { cadence, jitter, retries, retry_base, retry_cap, grace, early_after, hold })
    }

    /// A policy of nothing but a period.
    ///
    /// # Errors
    /// [`RotationPolicyError::PeriodTooShort`].
    pub fn every(period: Duration) -> Result<Self, RotationPolicyError> {
        Self::try_new(RotationPolicySpec { rotation_period: Some(period), ..RotationPolicySpec::default() })
    }

    /// What makes a credential due.
    #[must_use]
    pub fn cadence(&self) -> &Cadence {
        &self.cadence
    }

    /// The most by which a due time is put off.
    #[must_use]
    pub fn jitter(&self) -> Duration {
        self.jitter
    }

    /// Attempts before a fault that is not transient parks the account; 0 to [`RETRIES_MAX`].
    #[must_use]
    pub fn retries(&self) -> u32 {
        self.retries
    }

    /// The wait after a first failure, for [`backoff()`](super::backoff()).
    #[must_use]
    pub fn retry_base(&self) -> Duration {
        self.retry_base
    }

    /// The longest wait between attempts, for [`backoff()`](super::backoff()).
    #[must_use]
    pub fn retry_cap(&self) -> Duration {
        self.retry_cap
    }

    /// How long the previous credential stays valid where the strategy allows an overlap.
    #[must_use]
    pub fn grace(&self) -> Duration {
        self.grace
    }

    /// How long every known live consumer must have had the new credential for the grace to end early.
    #[must_use]
    pub fn early_after(&self) -> Duration {
        self.early_after
    }

    /// How long the previous credential is held after the grace for consumers that lag; zero: not at all.
    #[must_use]
    pub fn hold(&self) -> Duration {
        self.hold
    }
}

impl TryFrom<RotationPolicySpec> for RotationPolicy {
    type Error = RotationPolicyError;

    fn try_from(spec: RotationPolicySpec) -> Result<Self, Self::Error> {
        Self::try_new(spec)
    }
}

impl From<RotationPolicy> for RotationPolicySpec {
    /// The policy in full, with the defaults written out.
    fn from(policy: RotationPolicy) -> Self {
        let spec = Self {
            jitter: Some(policy.jitter),
            retries: Some(policy.retries),
            retry_base: Some(policy.retry_base),
            retry_cap: Some(policy.retry_cap),
            grace: Some(policy.grace),
            early_after: Some(policy.early_after),
            hold: Some(policy.hold),
            ..Self::default()
        };
        match policy.cadence {
            Cadence::Period(period) => Self { rotation_period: Some(period), ..spec },
            Cadence::Schedule { cron, zone, window } => Self {
                rotation_schedule: Some(cron.into()),
                time_zone: Some(zone.name().to_owned()),
                rotation_window: window,
                ..spec
            },
        }
    }
}

fn cadence(spec: RotationPolicySpec) -> Result<Cadence, RotationPolicyError> {
    let zone = spec.time_zone.filter(|name| !name.is_empty());
    let zone = match zone {
        None => Tz::UTC,
        Some(name) => name.parse().map_err(|_| RotationPolicyError::UnknownZone(shown(&name)))?,
    };
    let schedule = spec.rotation_schedule.filter(|text| !text.trim().is_empty());
    match (spec.rotation_period, schedule) {
        (Some(_), Some(_)) => Err(RotationPolicyError::PeriodAndSchedule),
        (None, None) => Err(RotationPolicyError::NoPeriodNorSchedule),
        (Some(_), None) if spec.rotation_window.is_some() => Err(RotationPolicyError::WindowWithoutSchedule),
        (Some(period), None) if period < PERIOD_MIN => Err(RotationPolicyError::PeriodTooShort),
        (Some(period), None) => Ok(Cadence::Period(period)),
        (None, Some(_)) if spec.rotation_window.is_some_and(|window| window < WINDOW_MIN) => {
            Err(RotationPolicyError::WindowTooShort)
        }
        (None, Some(text)) => {
            let cron = Cron::parse(&text).map_err(RotationPolicyError::Schedule)?;
            Ok(Cadence::Schedule { cron, zone, window: spec.rotation_window })
        }
    }
}

/// At most as much of a caller's text as fits into a message.
fn shown(text: &str) -> String {
    text.chars().take(64).collect()
}

/// The shortest period, as in Vault.
pub const PERIOD_MIN: Duration = Duration::from_secs(5);
/// The shortest window.
pub const WINDOW_MIN: Duration = Duration::from_secs(1);
/// The most attempts.
pub const RETRIES_MAX: u32 = 20;
/// Attempts when the policy does not say.
pub const RETRIES_DEFAULT: u32 = 3;
/// The first wait when the policy does not say.
pub const RETRY_BASE_DEFAULT: Duration = Duration::from_secs(10);
/// The longest wait when the policy does not say.
pub const RETRY_CAP_DEFAULT: Duration = Duration::from_secs(300);
/// The longest that an old credential is held for consumers that lag.
pub const HOLD_MAX: Duration = Duration::from_secs(30 * 24 * 3600);
/// The most that a schedule without a window is put off.
const JITTER_MAX: Duration = Duration::from_secs(24 * 3600);

#[cfg(test)]
mod tests;
