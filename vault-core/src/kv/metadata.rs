//! What is known about a secret: its versions and settings, and every decision about them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::custom::CustomMetadata;
use super::settings::{KeyChange, KeySettings, MountSettings, SettingsError, check_versions};
use super::version::{Deletion, Version};
use crate::clock::Timestamp;

/// What is stored about a secret, without its data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    created_at: Timestamp,
    updated_at: Timestamp,
    /// The newest number that was given; 0 before the first write.
    current: u64,
    /// Versions below were dropped; 0 while there is room for all, as Vault counts.
    oldest: u64,
    /// The records of versions below are known to be gone from the store as well.
    #[serde(default)]
    swept: u64,
    versions: BTreeMap<u64, Version>,
    #[serde(default)]
    settings: KeySettings,
    #[serde(default)]
    custom: CustomMetadata,
}

/// Why a write was refused. The texts are Vault's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CasError {
    /// Another version than the writer knows is current.
    #[error("check-and-set parameter did not match the current version")]
    Mismatch,
    /// Mount or secret ask every writer which version it follows.
    #[error("check-and-set parameter required for this call")]
    Required,
}

/// What a read gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// No such version.
    Nothing,
    /// It is known, but its data may not be read.
    Gone(u64, Version),
    /// Its data is to be read.
    Data(u64, Version),
}

impl Metadata {
    /// A secret without a version.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self {
            created_at: now,
            updated_at: now,
            current: 0,
            oldest: 0,
            swept: 0,
            versions: BTreeMap::new(),
            settings: KeySettings::default(),
            custom: CustomMetadata::default(),
        }
    }

    /// A secret that was written before it had versions: what is there becomes version 1.
    #[must_use]
    pub fn adopted(written_at: Timestamp) -> Self {
        let versions = BTreeMap::from([(1, Version::new(written_at, None))]);
        Self { current: 1, versions, ..Self::new(written_at) }
    }

    /// Which version a read of `number` gets; `None` and 0 ask for the current one.
    #[must_use]
    pub fn reading(&self, number: Option<u64>, now: Timestamp) -> Reading {
        let number = number.filter(|number| *number > 0).unwrap_or(self.current);
        match self.versions.get(&number) {
            None => Reading::Nothing,
            Some(version) if version.is_readable(now) => Reading::Data(number, *version),
            Some(version) => Reading::Gone(number, *version),
        }
    }

    /// Whether a write may follow: `cas` is the version that the writer believes to be current, 0 for none.
    ///
    /// # Errors
    /// [`CasError`] by cause.
    pub fn check(&self, cas: Option<i64>, mount: &MountSettings) -> Result<(), CasError> {
        match cas {
            Some(cas) if u64::try_from(cas) == Ok(self.current) => Ok(()),
            Some(_) => Err(CasError::Mismatch),
            None if mount.cas_required || self.settings.cas_required => Err(CasError::Required),
            None => Ok(()),
        }
    }

    /// With one more version, and without the oldest ones that there is no room for.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn written(
        mut self,
        cas: Option<i64>,
        mount: &MountSettings,
        now: Timestamp,
    ) -> Result<Self, CasError> {
        self.check(cas, mount)?;
        let due = mount.due(&self.settings, now).map(Deletion::Due);
        self.current += 1;
        self.versions.insert(self.current, Version::new(now, due));
        self.updated_at = now;
        let kept = mount.versions_kept(&self.settings);
        if self.current.saturating_sub(self.oldest) >= kept {
            self.oldest = self.current.saturating_sub(kept) + 1;
            self.versions = self.versions.split_off(&self.oldest);
        }
        Ok(self)
    }

    /// With the current version deleted.
    #[must_use]
    pub fn deleted_latest(self, now: Timestamp) -> Self {
        let current = self.current;
        self.deleted(&[current], now)
    }

    /// With these versions deleted; those that are unknown, deleted or destroyed stay as they are.
    #[must_use]
    pub fn deleted(mut self, numbers: &[u64], now: Timestamp) -> Self {
        for version in self.live(numbers) {
            if !version.is_deleted(now) {
                version.deletion = Some(Deletion::Asked(now));
            }
        }
        self
    }

    /// With these versions readable again; those that are unknown or destroyed stay as they are. Their
    /// time begins to count anew.
    #[must_use]
    pub fn undeleted(mut self, numbers: &[u64], mount: &MountSettings, now: Timestamp) -> Self {
        let due = mount.due(&self.settings, now).map(Deletion::Due);
        for version in self.live(numbers) {
            version.deletion = due;
        }
        self
    }

    /// With these versions destroyed: their data is to be removed in the same commit.
    #[must_use]
    pub fn destroyed(mut self, numbers: &[u64]) -> Self {
        for version in self.live(numbers) {
            version.destroyed = true;
        }
        self
    }

    fn live<'m>(&'m mut self, numbers: &[u64]) -> impl Iterator<Item = &'m mut Version> + use<'m> {
        let numbers: BTreeSet<u64> = numbers.iter().copied().collect();
        let known = self.versions.iter_mut().filter(move |(number, _)| numbers.contains(number));
        known.map(|(_, version)| version).filter(|version| !version.destroyed)
    }

    /// With other settings.
    ///
    /// # Errors
    /// [`SettingsError`] by cause.
    pub fn changed(mut self, change: KeyChange) -> Result<Self, SettingsError> {
        let settings = &mut self.settings;
        if let Some(count) = change.max_versions {
            check_versions(count)?;
            settings.max_versions = count;
        }
        settings.cas_required = change.cas_required.unwrap_or(settings.cas_required);
        settings.delete_after = change.delete_after.unwrap_or(settings.delete_after);
        self.custom = change.custom.unwrap_or(self.custom);
        Ok(self)
    }

    /// The numbers of versions that were dropped while their records may still be stored, the oldest first
    /// and `limit` at most. They are to be removed in the commit that stores [`swept`](Self::swept).
    pub fn unswept(&self, limit: u64) -> impl Iterator<Item = u64> + use<> {
        self.swept.max(1)..self.oldest.min(self.swept.max(1).saturating_add(limit))
    }

    /// With the numbers of [`unswept`](Self::unswept) noted as gone.
    #[must_use]
    pub fn swept(mut self, limit: u64) -> Self {
        self.swept = self.oldest.min(self.swept.max(1).saturating_add(limit));
        self
    }

    /// The newest version's number; 0 when there is none.
    #[must_use]
    pub fn current(&self) -> u64 {
        self.current
    }

    /// The oldest version's number as Vault counts: 0 while none was dropped and there is room.
    #[must_use]
    pub fn oldest(&self) -> u64 {
        self.oldest
    }

    /// The versions by number.
    #[must_use]
    pub fn versions(&self) -> &BTreeMap<u64, Version> {
        &self.versions
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &KeySettings {
        &self.settings
    }

    /// What people noted.
    #[must_use]
    pub fn custom(&self) -> &CustomMetadata {
        &self.custom
    }

    /// When it was first written or described.
    #[must_use]
    pub fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// When its newest version was written.
    #[must_use]
    pub fn updated_at(&self) -> Timestamp {
        self.updated_at
    }
}

#[cfg(test)]
mod tests;
