//! One version of a secret, without its data.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// What is known about one version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct Version {
    /// When it was written.
    pub created_at: Timestamp,
    /// When it stops or stopped to be readable; it can be brought back.
    pub deletion: Option<Deletion>,
    /// Whether its data is gone for good.
    pub destroyed: bool,
}

/// Why a version is not, or will not be, readable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deletion {
    /// Somebody deleted it then; it stays deleted when the clock steps back.
    Asked(Timestamp),
    /// It is to be deleted then, by `delete_version_after`.
    Due(Timestamp),
}

/// As it is stored, without the names of fields: a secret may have thousands of versions.
#[derive(Serialize, Deserialize)]
struct Stored(Timestamp, Option<(bool, Timestamp)>, bool);

impl From<Stored> for Version {
    fn from(Stored(created_at, deletion, destroyed): Stored) -> Self {
        let deletion =
            deletion.map(|(asked, at)| if asked { Deletion::Asked(at) } else { Deletion::Due(at) });
        Self { created_at, deletion, destroyed }
    }
}

impl From<Version> for Stored {
    fn from(version: Version) -> Self {
        let deletion = version.deletion.map(|deletion| match deletion {
            Deletion::Asked(at) => (true, at),
            Deletion::Due(at) => (false, at),
        });
        Self(version.created_at, deletion, version.destroyed)
    }
}

impl Version {
    /// A version that is written now.
    #[must_use]
    pub fn new(now: Timestamp, deletion: Option<Deletion>) -> Self {
        Self { created_at: now, deletion, destroyed: false }
    }

    /// When it stops or stopped to be readable.
    #[must_use]
    pub fn deletion_time(&self) -> Option<Timestamp> {
        match self.deletion? {
            Deletion::Asked(at) | Deletion::Due(at) => Some(at),
        }
    }

    /// Whether its data may be read.
    #[must_use]
    pub fn is_readable(&self, now: Timestamp) -> bool {
        !self.destroyed && !self.is_deleted(now)
    }

    /// Whether it is deleted; it may be destroyed as well.
    #[must_use]
    pub fn is_deleted(&self, now: Timestamp) -> bool {
        match self.deletion {
            None => false,
            Some(Deletion::Asked(_)) => true,
            Some(Deletion::Due(at)) => at <= now,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_deleted_stays_so_when_the_clock_steps_back_and_what_is_due_goes_in_time() {
        let at = Timestamp::from_secs;
        for (deletion, destroyed, now, readable) in [
            (None, false, 100, true),
            (None, true, 100, false),
            (Some(Deletion::Asked(at(100))), false, 50, false),
            (Some(Deletion::Asked(at(100))), false, 100, false),
            (Some(Deletion::Due(at(100))), false, 99, true),
            (Some(Deletion::Due(at(100))), false, 100, false),
        ] {
            let version = Version { created_at: at(1), deletion, destroyed };
            assert_eq!(version.is_readable(at(now)), readable, "{version:?} at {now}");
        }
    }

    #[test]
    fn the_stored_form_reads_back() {
        let at = Timestamp::from_secs;
        for deletion in [None, Some(Deletion::Asked(at(7))), Some(Deletion::Due(at(8)))] {
            let version = Version { created_at: at(3), deletion, destroyed: true };
            let bytes = rmp_serde::to_vec_named(&version).unwrap();
            assert!(bytes.len() < 30, "{} bytes", bytes.len());
            assert_eq!(rmp_serde::from_slice::<Version>(&bytes).unwrap(), version);
        }
    }
}
