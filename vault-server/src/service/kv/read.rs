//! Version 2, reading: one metadata record, one version, no lock.

use std::sync::Arc;

use vault_core::clock::Timestamp;
use vault_core::kv::{Metadata, Reading};

use super::{Found, KvError, KvService, Place, StoredSecret, StoredVersion, View, opened};
use crate::barrier::{ATTEMPTS_MAX, LoadError, Loaded};

/// What is stored about a secret.
pub(super) enum Known {
    /// Its metadata.
    Versioned(Loaded<Metadata>),
    /// The one value that it had in version 1.
    Plain(Loaded<StoredSecret>),
}

impl KvService {
    /// Reads version `number` of a secret, or the current one.
    ///
    /// # Errors
    /// [`KvError`] by cause.
    pub fn read(&self, place: Place<'_>, number: Option<u64>, now: Timestamp) -> Result<Found, KvError> {
        for _ in 0..ATTEMPTS_MAX {
            let metadata = match self.barrier.recall::<Metadata>(place.record())? {
                Some(loaded) => loaded.value,
                None => match self.known(place)? {
                    None => return Ok(Found::Nothing),
                    Some(Known::Plain(plain)) => return read_adopted(&plain, number, now),
                    Some(Known::Versioned(loaded)) => Arc::new(loaded.value),
                },
            };
            let view = |number, version| View { number, version, custom: metadata.custom().clone() };
            match metadata.reading(number, now) {
                Reading::Nothing => return Ok(Found::Nothing),
                Reading::Gone(number, version) => return Ok(Found::Gone(view(number, version))),
                Reading::Data(number, version) => {
                    let stored = self.barrier.load::<StoredVersion>(place.version(number))?;
                    // Another one, or none: a writer came between the two reads.
                    if let Some(stored) = stored
                        && stored.value.created_at == version.created_at
                    {
                        return Ok(Found::Data(view(number, version), opened(&stored.value.data)?));
                    }
                }
            }
        }
        Err(KvError::Missing)
    }

    /// What is known about a secret.
    ///
    /// # Errors
    /// [`LoadError`] by cause; absence is `Ok(None)`.
    pub fn metadata(&self, place: Place<'_>) -> Result<Option<Metadata>, LoadError> {
        Ok(self.known(place)?.map(|known| match known {
            Known::Versioned(loaded) => loaded.value,
            Known::Plain(plain) => Metadata::adopted(plain.value.written_at),
        }))
    }

    /// Whether anything is known about a secret.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn exists(&self, place: Place<'_>) -> Result<bool, LoadError> {
        let is_known = self.barrier.revision::<Metadata>(place.record())?.is_some();
        Ok(is_known || self.known(place)?.is_some())
    }

    pub(super) fn known(&self, place: Place<'_>) -> Result<Option<Known>, LoadError> {
        if let Some(loaded) = self.barrier.load::<Metadata>(place.record())? {
            return Ok(Some(Known::Versioned(loaded)));
        }
        if let Some(plain) = self.barrier.load::<StoredSecret>(place.record())? {
            return Ok(Some(Known::Plain(plain)));
        }
        // It may have become versioned between the two.
        Ok(self.barrier.load::<Metadata>(place.record())?.map(Known::Versioned))
    }
}

fn read_adopted(plain: &Loaded<StoredSecret>, number: Option<u64>, now: Timestamp) -> Result<Found, KvError> {
    let metadata = Metadata::adopted(plain.value.written_at);
    Ok(match metadata.reading(number, now) {
        Reading::Data(number, version) => {
            let view = View { number, version, custom: metadata.custom().clone() };
            Found::Data(view, opened(&plain.value.data)?)
        }
        Reading::Nothing | Reading::Gone(..) => Found::Nothing,
    })
}
