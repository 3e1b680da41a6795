//! Adds a key generation, and drops the older ones once nothing needs them.
//!
//! The new keyring is stored before anything is sealed under it, in one commit with the order to re-wrap.

use std::sync::Arc;

use vault_core::crypto::{Generation, Keyring};
use vault_core::store::batch::Require;

use super::{Inner, SealError, SealService, config_key};
use crate::barrier::{LoadError, Transaction, require};
use crate::service::rewrap::{REWRAP_NAME, RewrapRecord};

impl SealService {
    /// Adds a key generation, which every write uses from here on, and orders the re-wrap of the rest.
    ///
    /// # Errors
    /// [`SealError::Sealed`], [`SealError::TooManyGenerations`], [`SealError::Commit`].
    pub async fn rotate(&self) -> Result<Generation, SealError> {
        let mut inner = self.inner.lock().await;
        let now = self.clock.now();
        let mut keyring = self.barrier.keyring().map_err(|_| SealError::Sealed)?.duplicate();
        let generation = keyring.rotate(now, &*self.entropy)?;
        let order = RewrapRecord::ordered(generation, now);
        self.change_keyring(&mut inner, keyring, &order).await?;
        tracing::info!(%generation, "a key generation was added");
        Ok(generation)
    }

    /// Drops every generation but the active one. Only the re-wrap calls this, when no record needs them.
    pub(crate) async fn drop_older(&self, done: &RewrapRecord) -> Result<(), SealError> {
        let mut inner = self.inner.lock().await;
        let mut keyring = self.barrier.keyring().map_err(|_| SealError::Sealed)?.duplicate();
        if done.generation != keyring.active().number() {
            // Rotated again meanwhile: the next re-wrap drops these too.
            return Ok(());
        }
        for info in keyring.generations() {
            if info.number < keyring.active() && keyring.drop_generation(info.number).is_err() {
                return Err(SealError::Interrupted);
            }
        }
        self.change_keyring(&mut inner, keyring, done).await
    }

    /// Stores a changed keyring with a note of the re-wrap, then puts it to use.
    async fn change_keyring(
        &self,
        inner: &mut Inner,
        keyring: Keyring,
        note: &RewrapRecord,
    ) -> Result<(), SealError> {
        let root = inner.root.as_ref().ok_or(SealError::Sealed)?;
        let (config, revision) = inner.config.as_ref().ok_or(SealError::Uninitialised)?;
        let (config, revision) = (config.with_keyring(root, &keyring, &*self.entropy), *revision);
        let keyring = Arc::new(keyring);
        let current = self.barrier.load::<RewrapRecord>(REWRAP_NAME).map_err(|error| match error {
            LoadError::Store(error) => SealError::Store(error),
            _ => SealError::Sealed,
        })?;
        let suite = self.barrier.suite();
        let mut transaction = Transaction::new(Arc::clone(&keyring), suite, Arc::clone(&self.entropy));
        transaction.put_unsealed(config_key(), Require::At(revision), config.to_bytes());
        transaction.put(REWRAP_NAME, require(current.as_ref()), note);
        let (store, batch) = (Arc::clone(&self.store), transaction.into_batch());
        let stored = tokio::task::spawn_blocking(move || store.commit(batch));
        stored.await.map_err(|_| SealError::Interrupted)??;
        inner.config = Some((config, Require::At(revision).next_revision()));
        self.barrier.replace_keyring(keyring).await;
        Ok(())
    }
}
