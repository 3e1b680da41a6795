//! Secret ids: issued, looked up, destroyed.

use vault_core::approle::{NewSecretId, SecretId};
use vault_core::clock::Timestamp;
use vault_core::id::AppRoleId;
use vault_core::mount::Mount;
use vault_core::secret::SecretString;
use vault_core::store::batch::Require;

use super::{AccessorRecord, ApproleError, ApproleService, PAGE, below};
use crate::barrier::{ATTEMPTS_MAX, CommitError, Loaded, Transaction};

/// A secret id that was made and stored.
#[derive(Debug)]
pub struct IssuedSecretId {
    /// The text, to be shown once.
    pub plain: SecretString,
    /// The record.
    pub record: SecretId,
}

impl ApproleService {
    /// Makes a secret id for the role `name`, of the text `chosen` or a drawn one.
    ///
    /// # Errors
    /// [`ApproleError`] by cause.
    pub async fn issue_secret_id(
        &self,
        mount: &Mount,
        name: &str,
        chosen: Option<SecretString>,
        new: NewSecretId,
        now: Timestamp,
    ) -> Result<IssuedSecretId, ApproleError> {
        let plain = chosen.unwrap_or_else(|| vault_core::approle::draw(&*self.entropy));
        let max_ttl = self.logins.tokens().limits_of(mount).max_ttl;
        let digest = self.digest(mount, name, plain.expose())?;
        for _ in 0..ATTEMPTS_MAX {
            let role = self.existing(mount, name)?;
            let record = SecretId::issue(&role.value, new.clone(), max_ttl, now, &*self.entropy)?;
            let mut transaction = self.barrier.transaction()?;
            match self.barrier.load::<SecretId>(below(mount, name, &digest))? {
                Some(there) if there.value.is_live(&role.value, now) => {
                    return Err(ApproleError::SecretIdTaken);
                }
                Some(there) => self.replace(&mut transaction, mount, name, &digest, (&there, &record))?,
                None => {
                    transaction.put(below(mount, name, &digest), Require::Absent, &record);
                }
            }
            self.logins.check_mount(&mut transaction, mount)?;
            transaction.check::<vault_core::approle::AppRole>(mount.key(name.as_bytes()), role.require());
            let accessor = below(mount, name, record.accessor.as_bytes());
            transaction.put(accessor, Require::Absent, &AccessorRecord { digest });
            match self.barrier.commit(transaction).await {
                Err(CommitError::Conflict) => {}
                Ok(()) => return Ok(IssuedSecretId { plain, record }),
                Err(error) => return Err(error.into()),
            }
        }
        Err(CommitError::Conflict.into())
    }

    /// Puts a record in the place of one that has ended.
    fn replace(
        &self,
        transaction: &mut Transaction,
        mount: &Mount,
        name: &str,
        digest: &[u8; 32],
        (ended, next): (&Loaded<SecretId>, &SecretId),
    ) -> Result<(), ApproleError> {
        self.remove_accessor(transaction, mount, name, &ended.value)?;
        transaction.put(below(mount, name, digest), ended.require(), next);
        Ok(())
    }

    /// The live secret id of the role `name` with this text.
    ///
    /// # Errors
    /// [`ApproleError::UnknownRole`]; an unknown secret id is `Ok(None)`.
    pub fn secret_id(
        &self,
        mount: &Mount,
        name: &str,
        secret_id: &str,
        now: Timestamp,
    ) -> Result<Option<SecretId>, ApproleError> {
        let role = self.existing(mount, name)?;
        let digest = self.digest(mount, name, secret_id)?;
        let found = self.barrier.load::<SecretId>(below(mount, name, &digest))?;
        Ok(found.map(|found| found.value).filter(|found| found.is_live(&role.value, now)))
    }

    /// The live secret id of the role `name` with this accessor.
    ///
    /// # Errors
    /// [`ApproleError::UnknownRole`], [`ApproleError::UnknownAccessor`].
    pub fn secret_id_of(
        &self,
        mount: &Mount,
        name: &str,
        accessor: &str,
        now: Timestamp,
    ) -> Result<SecretId, ApproleError> {
        let role = self.existing(mount, name)?;
        let digest = self.digest_of(mount, name, accessor)?.ok_or(ApproleError::UnknownAccessor)?;
        let found = self.barrier.load::<SecretId>(below(mount, name, &digest))?;
        let live = found.map(|found| found.value).filter(|found| found.is_live(&role.value, now));
        live.ok_or(ApproleError::UnknownAccessor)
    }

    /// The accessors of the live secret ids of the role `name`, in order.
    ///
    /// # Errors
    /// [`ApproleError::UnknownRole`].
    pub fn accessors(&self, mount: &Mount, name: &str, now: Timestamp) -> Result<Vec<String>, ApproleError> {
        let role = self.existing(mount, name)?;
        let prefix = below(mount, name, b"");
        let mut accessors = Vec::new();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = self.barrier.list::<SecretId>(&prefix, after.as_deref(), PAGE)?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            let live = page.into_iter().map(|(_, loaded)| loaded.value);
            accessors.extend(live.filter(|it| it.is_live(&role.value, now)).map(|it| it.accessor));
        }
        accessors.sort();
        Ok(accessors)
    }

    /// Removes the secret id of the role `name` with this text, if there is one.
    ///
    /// # Errors
    /// [`ApproleError`] by cause.
    pub async fn destroy(&self, mount: &Mount, name: &str, secret_id: &str) -> Result<(), ApproleError> {
        self.existing(mount, name)?;
        let digest = self.digest(mount, name, secret_id)?;
        self.remove(mount, name, &digest).await
    }

    /// Removes the secret id of the role `name` with this accessor.
    ///
    /// # Errors
    /// [`ApproleError::UnknownRole`], [`ApproleError::UnknownAccessor`].
    pub async fn destroy_of(&self, mount: &Mount, name: &str, accessor: &str) -> Result<(), ApproleError> {
        self.existing(mount, name)?;
        let digest = self.digest_of(mount, name, accessor)?.ok_or(ApproleError::UnknownAccessor)?;
        self.remove(mount, name, &digest).await
    }

    fn digest_of(&self, mount: &Mount, name: &str, accessor: &str) -> Result<Option<[u8; 32]>, ApproleError> {
        if accessor.len() > ACCESSOR_BYTES_MAX {
            return Ok(None);
        }
        let found = self.barrier.load::<AccessorRecord>(below(mount, name, accessor.as_bytes()))?;
        Ok(found.map(|found| found.value.digest))
    }

    pub(super) async fn remove(
        &self,
        mount: &Mount,
        name: &str,
        digest: &[u8; 32],
    ) -> Result<(), ApproleError> {
        for _ in 0..ATTEMPTS_MAX {
            let Some(loaded) = self.barrier.load::<SecretId>(below(mount, name, digest))? else {
                return Ok(());
            };
            let mut transaction = self.barrier.transaction()?;
            self.add_removal(&mut transaction, mount, name, digest, &loaded)?;
            match self.barrier.commit(transaction).await {
                Err(CommitError::Conflict) => {}
                outcome => return Ok(outcome?),
            }
        }
        Err(CommitError::Conflict.into())
    }

    /// Removes a secret id with the transaction.
    pub(super) fn add_removal(
        &self,
        transaction: &mut Transaction,
        mount: &Mount,
        name: &str,
        digest: &[u8; 32],
        loaded: &Loaded<SecretId>,
    ) -> Result<(), ApproleError> {
        transaction.delete::<SecretId>(below(mount, name, digest), loaded.revision);
        self.remove_accessor(transaction, mount, name, &loaded.value)
    }

    fn remove_accessor(
        &self,
        transaction: &mut Transaction,
        mount: &Mount,
        name: &str,
        record: &SecretId,
    ) -> Result<(), ApproleError> {
        let accessor = below(mount, name, record.accessor.as_bytes());
        if let Some(revision) = self.barrier.revision::<AccessorRecord>(accessor.clone())? {
            transaction.delete::<AccessorRecord>(accessor, revision);
        }
        Ok(())
    }

    /// Removes all secret ids that were made for the role `of`.
    pub(super) async fn remove_secret_ids(
        &self,
        mount: &Mount,
        name: &str,
        of: AppRoleId,
    ) -> Result<(), ApproleError> {
        let prefix = below(mount, name, b"");
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = self.barrier.list::<SecretId>(&prefix, after.as_deref(), PAGE)?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after = Some(last.clone());
            for (key, loaded) in page {
                let digest = key.get(prefix.len()..).and_then(|rest| <[u8; 32]>::try_from(rest).ok());
                if let Some(digest) = digest.filter(|_| loaded.value.role == of) {
                    self.remove(mount, name, &digest).await?;
                }
            }
        }
    }
}

/// An accessor is shorter; what is longer could not be part of a key.
const ACCESSOR_BYTES_MAX: usize = 64;
