//! Version 2, writing: every change is one commit of the metadata with the data that it speaks of.

use vault_core::clock::Timestamp;
use vault_core::kv::{Data, KeyChange, Metadata, Reading};
use vault_core::store::batch::Require;

use super::read::Known;
use super::{KvError, KvService, Place, StoredSecret, StoredVersion, View, opened};
use crate::barrier::{ATTEMPTS_MAX, CommitError, Loaded, require};

/// A change that was decided: the next metadata, and what happens to the records of versions with it.
struct Next {
    metadata: Metadata,
    /// The data of the metadata's current version, when it is new.
    put: Option<StoredVersion>,
    /// The numbers whose data goes.
    remove: Vec<u64>,
}

impl Next {
    fn of(metadata: Metadata) -> Self {
        Self { metadata, put: None, remove: Vec::new() }
    }
}

impl KvService {
    /// Adds a version.
    ///
    /// # Errors
    /// [`KvError`] by cause; nothing was written.
    pub async fn write(
        &self,
        place: Place<'_>,
        data: &Data,
        cas: Option<i64>,
        now: Timestamp,
    ) -> Result<View, KvError> {
        let text = data.to_text()?;
        let decide = |known: Option<&Metadata>| {
            let metadata = known.cloned().unwrap_or_else(|| Metadata::new(now));
            let metadata = metadata.written(cas, &place.mount.kv, now)?;
            let put = StoredVersion { created_at: now, data: text.duplicate() };
            Ok(Some(Next { put: Some(put), ..Next::of(metadata) }))
        };
        let metadata = self.change(place, decide).await?.ok_or(KvError::Absent)?;
        newest(&metadata).ok_or(KvError::Missing)
    }

    /// Adds a version that is the current one with `patch` merged in.
    ///
    /// # Errors
    /// [`KvError`] by cause; nothing was written. [`KvError::Absent`] or [`KvError::Gone`] where there is
    /// nothing to patch.
    pub async fn patch(
        &self,
        place: Place<'_>,
        patch: &Data,
        cas: Option<i64>,
        now: Timestamp,
    ) -> Result<View, KvError> {
        let decide = |known: Option<&Metadata>| {
            let known = known.ok_or(KvError::Absent)?;
            let metadata = known.clone().written(cas, &place.mount.kv, now)?;
            let view = |number, version| View { number, version, custom: known.custom().clone() };
            let (number, version) = match known.reading(None, now) {
                Reading::Nothing => return Err(KvError::Absent),
                Reading::Gone(number, version) => return Err(KvError::Gone(Box::new(view(number, version)))),
                Reading::Data(number, version) => (number, version),
            };
            let stored = self.barrier.load::<StoredVersion>(place.version(number))?;
            let stored = stored.filter(|stored| stored.value.created_at == version.created_at);
            // Writers take turns, so nobody came between.
            let mut data = opened(&stored.ok_or(KvError::Missing)?.value.data)?;
            data.merge(patch);
            let put = StoredVersion { created_at: now, data: data.to_text()? };
            Ok(Some(Next { put: Some(put), ..Next::of(metadata) }))
        };
        let metadata = self.change(place, decide).await?.ok_or(KvError::Absent)?;
        newest(&metadata).ok_or(KvError::Missing)
    }

    /// Deletes versions, or the current one; what is not there is no mistake.
    ///
    /// # Errors
    /// [`KvError`] by cause.
    pub async fn delete(
        &self,
        place: Place<'_>,
        numbers: Option<&[u64]>,
        now: Timestamp,
    ) -> Result<(), KvError> {
        let decide = |known: Option<&Metadata>| {
            Ok(known.cloned().map(|metadata| {
                Next::of(match numbers {
                    Some(numbers) => metadata.deleted(numbers, now),
                    None => metadata.deleted_latest(now),
                })
            }))
        };
        self.change(place, decide).await.map(|_| ())
    }

    /// Brings deleted versions back; what is not there or destroyed stays as it is.
    ///
    /// # Errors
    /// [`KvError`] by cause.
    pub async fn undelete(&self, place: Place<'_>, numbers: &[u64], now: Timestamp) -> Result<(), KvError> {
        let decide = |known: Option<&Metadata>| {
            let known = known.cloned();
            Ok(known.map(|metadata| Next::of(metadata.undeleted(numbers, &place.mount.kv, now))))
        };
        self.change(place, decide).await.map(|_| ())
    }

    /// Destroys versions for good. More than fit one commit go one batch after the other: a version is
    /// either as it was, or gone together with its data.
    ///
    /// # Errors
    /// [`KvError`] by cause.
    pub async fn destroy(&self, place: Place<'_>, numbers: &[u64]) -> Result<(), KvError> {
        for numbers in numbers.chunks(REMOVED_AT_ONCE) {
            let decide = |known: Option<&Metadata>| {
                Ok(known.cloned().map(|metadata| {
                    let is_known = |number: &u64| metadata.versions().contains_key(number);
                    let mut remove: Vec<u64> = numbers.iter().copied().filter(is_known).collect();
                    remove.sort_unstable();
                    remove.dedup();
                    Next { remove, ..Next::of(metadata.destroyed(numbers)) }
                }))
            };
            self.change(place, decide).await?;
        }
        Ok(())
    }

    /// Changes settings, and makes the secret, without a version, where there is none.
    ///
    /// # Errors
    /// [`KvError`] by cause.
    pub async fn configure(
        &self,
        place: Place<'_>,
        change: &KeyChange,
        now: Timestamp,
    ) -> Result<(), KvError> {
        let decide = |known: Option<&Metadata>| {
            let metadata = known.cloned().unwrap_or_else(|| Metadata::new(now));
            Ok(Some(Next::of(metadata.changed(change.clone())?)))
        };
        self.change(place, decide).await.map(|_| ())
    }

    /// Changes settings of a secret that is there, by what they are.
    ///
    /// # Errors
    /// [`KvError`] by cause; [`KvError::Absent`] where there is none.
    pub async fn reconfigure(
        &self,
        place: Place<'_>,
        change: impl Fn(&Metadata) -> Result<KeyChange, KvError> + Send + Sync,
    ) -> Result<(), KvError> {
        let decide = |known: Option<&Metadata>| {
            let known = known.ok_or(KvError::Absent)?;
            Ok(Some(Next::of(known.clone().changed(change(known)?)?)))
        };
        self.change(place, decide).await.map(|_| ())
    }

    /// Loads, decides, commits, and decides anew when another change came first. What `decide` gives up is
    /// not changed, and neither is what would stay as it is.
    async fn change(
        &self,
        place: Place<'_>,
        decide: impl Fn(Option<&Metadata>) -> Result<Option<Next>, KvError> + Send,
    ) -> Result<Option<Metadata>, KvError> {
        let _turn = self.turn(&place.record()).await;
        for _ in 0..ATTEMPTS_MAX {
            let loaded = match self.known(place)? {
                Some(Known::Plain(plain)) => match self.adopt(place, &plain).await {
                    Ok(()) | Err(KvError::Commit(CommitError::Conflict)) => continue,
                    Err(error) => return Err(error),
                },
                Some(Known::Versioned(loaded)) => Some(loaded),
                None => None,
            };
            let Some(next) = decide(loaded.as_ref().map(|loaded| &loaded.value))? else { return Ok(None) };
            if loaded.as_ref().is_some_and(|loaded| loaded.value == next.metadata) {
                return Ok(Some(next.metadata));
            }
            match self.commit(place, loaded.as_ref(), next).await {
                Err(KvError::Commit(CommitError::Conflict)) => {}
                Err(error) => return Err(error),
                Ok(metadata) => {
                    self.sweep(place, &metadata).await;
                    return Ok(Some(metadata));
                }
            }
        }
        Err(CommitError::Conflict.into())
    }

    async fn commit(
        &self,
        place: Place<'_>,
        loaded: Option<&Loaded<Metadata>>,
        next: Next,
    ) -> Result<Metadata, KvError> {
        let mut transaction = self.begin(place.mount)?;
        if loaded.is_none() {
            self.finish_removal(place.mount.id, place.path).await?;
            transaction.check::<StoredSecret>(place.record(), Require::Absent);
            self.require_no_removal(&mut transaction, place);
        }
        let swept = next.metadata.unswept(SWEPT_AT_ONCE);
        let metadata = next.metadata.swept(SWEPT_AT_ONCE);
        transaction.put(place.record(), require(loaded), &metadata);
        if let Some(data) = &next.put {
            transaction.put(place.version(metadata.current()), Require::Absent, data);
        }
        for number in swept.chain(next.remove) {
            let name = place.version(number);
            if let Some(revision) = self.barrier.revision::<StoredVersion>(name.as_slice())? {
                transaction.delete::<StoredVersion>(name, revision);
            }
        }
        self.barrier.commit(transaction).await?;
        Ok(metadata)
    }

    /// Removes what a commit could not: only after the number of versions to keep was lowered by many. What
    /// is left over by a failure goes with the next write.
    async fn sweep(&self, place: Place<'_>, metadata: &Metadata) {
        let mut metadata = metadata.clone();
        while metadata.unswept(1).next().is_some() {
            let step = async {
                let loaded = self.barrier.load::<Metadata>(place.record())?.ok_or(KvError::Absent)?;
                let next = Next::of(loaded.value.clone());
                self.commit(place, Some(&loaded), next).await
            };
            match step.await {
                Ok(next) => metadata = next,
                Err(error) => {
                    tracing::debug!(%error, "dropped versions are removed with the next write");
                    return;
                }
            }
        }
    }

    /// Makes a version 1 of what was written before the mount was upgraded.
    async fn adopt(&self, place: Place<'_>, plain: &Loaded<StoredSecret>) -> Result<(), KvError> {
        let mut transaction = self.begin(place.mount)?;
        let written_at = plain.value.written_at;
        let version = StoredVersion { created_at: written_at, data: plain.value.data.duplicate() };
        transaction.put(place.record(), Require::Absent, &Metadata::adopted(written_at));
        transaction.put(place.version(1), Require::Absent, &version);
        transaction.delete::<StoredSecret>(place.record(), plain.revision);
        Ok(self.barrier.commit(transaction).await?)
    }
}

fn newest(metadata: &Metadata) -> Option<View> {
    let version = metadata.versions().get(&metadata.current())?;
    Some(View { number: metadata.current(), version: *version, custom: metadata.custom().clone() })
}

/// Records of versions removed in one commit: with the rest of it they stay below the limit of a batch.
const REMOVED_AT_ONCE: usize = 48;
const SWEPT_AT_ONCE: u64 = 48;
