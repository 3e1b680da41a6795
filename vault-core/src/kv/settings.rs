//! How many versions are kept and how long: for a whole mount, and for one secret.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::custom::CustomMetadata;
use crate::clock::Timestamp;

/// When new versions are deleted by themselves, for a whole mount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeleteAfter {
    /// As each secret says.
    #[default]
    Unset,
    /// After this time at the latest.
    After(Duration),
    /// Never, whatever a secret says.
    Disabled,
}

/// The settings of a whole mount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MountSettings {
    /// Whether every write has to say which version it follows.
    pub cas_required: bool,
    /// How many versions are kept; 0 for [`MAX_VERSIONS_DEFAULT`].
    pub max_versions: u32,
    /// When new versions are deleted by themselves.
    pub delete_after: DeleteAfter,
}

/// The settings of one secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeySettings {
    /// Whether every write has to say which version it follows; the mount may ask for it as well.
    pub cas_required: bool,
    /// How many versions are kept; 0 for what the mount says.
    pub max_versions: u32,
    /// When new versions are deleted by themselves; zero for what the mount says.
    pub delete_after: Duration,
}

/// What is to change about one secret; `None` leaves things as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyChange {
    /// See [`KeySettings::cas_required`].
    pub cas_required: Option<bool>,
    /// See [`KeySettings::max_versions`].
    pub max_versions: Option<u32>,
    /// See [`KeySettings::delete_after`].
    pub delete_after: Option<Duration>,
    /// What people noted about it.
    pub custom: Option<CustomMetadata>,
}

impl KeyChange {
    /// Whether it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Why settings were refused; the text says what to mend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// More versions than [`VERSIONS_MAX`].
    #[error("max_versions is at most {VERSIONS_MAX}")]
    TooManyVersions,
}

/// Checks a number of versions.
///
/// # Errors
/// [`SettingsError::TooManyVersions`].
pub(super) fn check_versions(count: u32) -> Result<(), SettingsError> {
    if count > VERSIONS_MAX { Err(SettingsError::TooManyVersions) } else { Ok(()) }
}

impl MountSettings {
    /// Checks the limits.
    ///
    /// # Errors
    /// [`SettingsError`] by cause.
    pub fn check(&self) -> Result<(), SettingsError> {
        check_versions(self.max_versions)
    }

    /// How many versions of a secret with these settings are kept: the larger number of the two, as in
    /// Vault, so that neither drops what the other promises to keep.
    #[must_use]
    pub fn versions_kept(&self, key: &KeySettings) -> u64 {
        match self.max_versions.max(key.max_versions) {
            0 => MAX_VERSIONS_DEFAULT,
            count => u64::from(count),
        }
    }

    /// When a version of a secret with these settings is due to be deleted that begins to count now: after
    /// the shorter of the two times.
    #[must_use]
    pub fn due(&self, key: &KeySettings, now: Timestamp) -> Option<Timestamp> {
        let own = Some(key.delete_after).filter(|span| !span.is_zero());
        let span = match self.delete_after {
            DeleteAfter::Disabled => None,
            DeleteAfter::Unset => own,
            DeleteAfter::After(span) => Some(own.map_or(span, |own| own.min(span))),
        };
        span.map(|span| now.plus(span))
    }
}

/// How many versions are kept where nobody said.
pub const MAX_VERSIONS_DEFAULT: u64 = 10;
/// The largest number of versions that may be asked for: they are listed in one record, which every write renews.
pub const VERSIONS_MAX: u32 = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_larger_number_of_versions_is_kept() {
        for (mount, key, want) in [(0, 0, 10), (3, 0, 3), (0, 2, 2), (5, 2, 5), (2, 5, 5)] {
            let mount = MountSettings { max_versions: mount, ..MountSettings::default() };
            let key = KeySettings { max_versions: key, ..KeySettings::default() };
            assert_eq!(mount.versions_kept(&key), want, "{mount:?} {key:?}");
        }
        assert!(MountSettings { max_versions: VERSIONS_MAX, ..MountSettings::default() }.check().is_ok());
        let beyond = MountSettings { max_versions: VERSIONS_MAX + 1, ..MountSettings::default() };
        assert_eq!(beyond.check(), Err(SettingsError::TooManyVersions));
    }

    #[test]
    fn versions_are_due_after_the_shorter_time_unless_the_mount_disables_it() {
        let hour = Duration::from_secs(3600);
        for (mount, key, want) in [
            (DeleteAfter::Unset, Duration::ZERO, None),
            (DeleteAfter::Unset, hour, Some(3600)),
            (DeleteAfter::After(hour), Duration::ZERO, Some(3600)),
            (DeleteAfter::After(hour), hour * 2, Some(3600)),
            (DeleteAfter::After(hour * 2), hour, Some(3600)),
            (DeleteAfter::Disabled, hour, None),
        ] {
            let mount = MountSettings { delete_after: mount, ..MountSettings::default() };
            let key = KeySettings { delete_after: key, ..KeySettings::default() };
            let due = mount.due(&key, Timestamp::from_secs(100));
            assert_eq!(due, want.map(|secs| Timestamp::from_secs(100 + secs)), "{mount:?} {key:?}");
        }
    }
}
