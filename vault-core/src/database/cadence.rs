//! When a static role rotates: what was asked for, upon what was.

use std::time::Duration;

use crate::schedule::{Cadence, RotationPolicy, RotationPolicyError, RotationPolicySpec};

/// What a person writes; what is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Rotate so long after the last rotation.
    pub period: Option<Duration>,
    /// Rotate at the occurrences of a cron text, in UTC.
    pub schedule: Option<String>,
    /// How long after an occurrence a rotation may start.
    pub window: Option<Duration>,
}

/// Why a role cannot rotate so. The texts are Vault's.
#[derive(Debug, thiserror::Error)]
pub enum CadenceError {
    /// Both were given.
    #[error(
        "mutually exclusive fields rotation_period and rotation_schedule were both specified; only one of them \
         can be provided"
    )]
    Both,
    /// Neither was given, and none was before.
    #[error("rotation_period is required to create static accounts, or rotation_schedule")]
    Neither,
    /// Only schedules have windows.
    #[error("rotation_window is invalid with use of rotation_period")]
    WindowWithoutSchedule,
    /// Shorter than [`WINDOW_MIN`].
    #[error("rotation_window must be {} seconds or more", WINDOW_MIN.as_secs())]
    WindowTooShort,
    /// Shorter than what every rotation policy allows.
    #[error("rotation_period must be 5 seconds or more")]
    PeriodTooShort,
    /// The schedule cannot be read.
    #[error("could not parse rotation_schedule: {0}")]
    Schedule(String),
    /// Another rule of rotation policies.
    #[error(transparent)]
    Policy(RotationPolicyError),
}

impl Asked {
    /// The policy that comes of it, where `before` was in force.
    ///
    /// # Errors
    /// [`CadenceError`] by cause.
    pub fn upon(self, before: Option<&RotationPolicy>) -> Result<RotationPolicy, CadenceError> {
        if self.period.is_some() && self.schedule.is_some() {
            return Err(CadenceError::Both);
        }
        if self.window.is_some_and(|window| window < WINDOW_MIN) {
            return Err(CadenceError::WindowTooShort);
        }
        let before = before.map(RotationPolicy::cadence);
        let (kept_period, kept_schedule, kept_window) = match before {
            Some(Cadence::Period(period)) => (Some(*period), None, None),
            Some(Cadence::Schedule { cron, window, .. }) => (None, Some(String::from(cron.clone())), *window),
            None => (None, None, None),
        };
        let (period, schedule) = match (self.period, self.schedule) {
            (None, None) => (kept_period, kept_schedule),
            asked => asked,
        };
        let window = match (&schedule, self.window) {
            (None, Some(_)) if period.is_some() => return Err(CadenceError::WindowWithoutSchedule),
            (None, _) => None,
            (Some(_), asked) => asked.or(kept_window),
        };
        let spec = RotationPolicySpec {
            rotation_period: period,
            rotation_schedule: schedule,
            rotation_window: window,
            ..RotationPolicySpec::default()
        };
        RotationPolicy::try_new(spec).map_err(|error| match error {
            RotationPolicyError::NoPeriodNorSchedule => CadenceError::Neither,
            RotationPolicyError::PeriodTooShort => CadenceError::PeriodTooShort,
            RotationPolicyError::Schedule(cause) => CadenceError::Schedule(cause.to_string()),
            error => CadenceError::Policy(error),
        })
    }
}

/// The shortest window, as in Vault.
pub const WINDOW_MIN: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(count: u64) -> Option<Duration> {
        Some(Duration::from_secs(count * 3600))
    }

    fn asked(period: Option<Duration>, schedule: Option<&str>, window: Option<Duration>) -> Asked {
        Asked { period, schedule: schedule.map(str::to_owned), window }
    }

    #[test]
    fn what_is_not_asked_for_stays_where_it_still_has_a_meaning() {
        let weekly = Some("0 0 * * 6");
        let by_period = asked(hours(2), None, None).upon(None).unwrap();
        let by_schedule = asked(None, weekly, hours(3)).upon(None).unwrap();
        for (before, given, want) in [
            (None, asked(hours(1), None, None), (hours(1), None, None)),
            (Some(&by_period), asked(None, None, None), (hours(2), None, None)),
            (Some(&by_period), asked(None, weekly, None), (None, weekly, None)),
            (Some(&by_schedule), asked(None, None, None), (None, weekly, hours(3))),
            (Some(&by_schedule), asked(None, None, hours(1)), (None, weekly, hours(1))),
            (Some(&by_schedule), asked(None, Some("0 1 * * *"), None), (None, Some("0 1 * * *"), hours(3))),
            (Some(&by_schedule), asked(hours(1), None, None), (hours(1), None, None)),
        ] {
            let spec = RotationPolicySpec::from(given.clone().upon(before).unwrap());
            let found = (spec.rotation_period, spec.rotation_schedule.as_deref(), spec.rotation_window);
            assert_eq!(found, want, "{given:?}");
        }
    }

    #[test]
    fn what_cannot_be_says_why_in_the_words_of_vault() {
        let by_period = asked(hours(2), None, None).upon(None).unwrap();
        for (before, given, want) in [
            (None, asked(None, None, None), "rotation_period is required"),
            (None, asked(None, None, hours(1)), "rotation_period is required"),
            (None, asked(hours(1), Some("0 0 * * *"), None), "mutually exclusive"),
            (None, asked(Some(Duration::from_secs(4)), None, None), "must be 5 seconds or more"),
            (None, asked(hours(1), None, hours(1)), "rotation_window is invalid"),
            (Some(&by_period), asked(None, None, hours(1)), "rotation_window is invalid"),
            (None, asked(None, Some("0 0 * * *"), Some(Duration::from_secs(10))), "3600 seconds or more"),
            (None, asked(None, Some("nonsense"), None), "could not parse rotation_schedule"),
        ] {
            let error = given.clone().upon(before).unwrap_err().to_string();
            assert!(error.contains(want), "{given:?}: {error}");
        }
    }
}
