//! Version 1: one value for a path, replaced by each write.

use vault_core::clock::Timestamp;
use vault_core::kv::Data;

use super::{KvError, KvService, Place, StoredSecret, opened};
use crate::barrier::{ATTEMPTS_MAX, CommitError, LoadError, require};

/// A secret of version 1.
#[derive(Debug)]
pub struct PlainSecret {
    /// What is in it.
    pub data: Data,
}

impl KvService {
    /// Reads a secret.
    ///
    /// # Errors
    /// [`KvError`] by cause; absence is `Ok(None)`.
    pub fn read_plain(&self, place: Place<'_>) -> Result<Option<PlainSecret>, KvError> {
        let Some(stored) = self.barrier.load::<StoredSecret>(place.record())? else { return Ok(None) };
        Ok(Some(PlainSecret { data: opened(&stored.value.data)? }))
    }

    /// Whether a secret is there.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn has_plain(&self, place: Place<'_>) -> Result<bool, LoadError> {
        Ok(self.barrier.revision::<StoredSecret>(place.record())?.is_some())
    }

    /// Writes a secret.
    ///
    /// # Errors
    /// [`KvError`] by cause.
    pub async fn write_plain(&self, place: Place<'_>, data: &Data, now: Timestamp) -> Result<(), KvError> {
        let record = StoredSecret { written_at: now, data: data.to_text()? };
        let _turn = self.turn(&place.record()).await;
        for _ in 0..ATTEMPTS_MAX {
            let stored = self.barrier.load::<StoredSecret>(place.record())?;
            let mut transaction = self.begin(place.mount)?;
            transaction.put(place.record(), require(stored.as_ref()), &record);
            match self.barrier.commit(transaction).await {
                Err(CommitError::Conflict) => {}
                outcome => return Ok(outcome?),
            }
        }
        Err(CommitError::Conflict.into())
    }

    /// Deletes a secret; one that is not there is no mistake.
    ///
    /// # Errors
    /// [`KvError`] by cause.
    pub async fn delete_plain(&self, place: Place<'_>) -> Result<(), KvError> {
        let _turn = self.turn(&place.record()).await;
        for _ in 0..ATTEMPTS_MAX {
            let Some(revision) = self.barrier.revision::<StoredSecret>(place.record())? else {
                return Ok(());
            };
            let mut transaction = self.begin(place.mount)?;
            transaction.delete::<StoredSecret>(place.record(), revision);
            match self.barrier.commit(transaction).await {
                Err(CommitError::Conflict) => {}
                outcome => return Ok(outcome?),
            }
        }
        Err(CommitError::Conflict.into())
    }
}
