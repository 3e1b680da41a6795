//! The permanent removal of a secret with all its versions.
//!
//! ```text
//!   one commit:  ✗ metadata   ✗ as many versions as fit   ＋ a mark, when there are more
//!   then:        ✗ versions … ✗ mark
//! ```
//!
//! From the first commit on nothing of it can be read. A mark that a crash leaves behind is worked off at the
//! next unseal, and before anything new is written at the path.

use vault_core::id::MountId;
use vault_core::kv::{Metadata, SecretPath};
use vault_core::store::batch::Require;
use vault_core::store::key::{Key, Table};

use super::{KvError, KvService, Place, StoredSecret};
use crate::barrier::{ATTEMPTS_MAX, CommitError, Transaction};
use crate::service::seal::{SealService, SealState};
use crate::shutdown::Shutdown;

impl KvService {
    /// Removes a secret for good; one that is not there is no mistake.
    ///
    /// # Errors
    /// [`KvError`] by cause. Once the metadata is gone, a failure is made good later.
    pub async fn remove(&self, place: Place<'_>) -> Result<(), KvError> {
        let _turn = self.turn(&place.record()).await;
        for _ in 0..ATTEMPTS_MAX {
            let metadata = self.barrier.revision::<Metadata>(place.record())?;
            let plain = self.barrier.revision::<StoredSecret>(place.record())?;
            if metadata.is_none() && plain.is_none() {
                return self.finish_removal(place.mount.id, place.path).await;
            }
            let mut transaction = self.begin(place.mount)?;
            if let Some(revision) = metadata {
                transaction.delete::<Metadata>(place.record(), revision);
            }
            if let Some(revision) = plain {
                transaction.delete::<StoredSecret>(place.record(), revision);
            }
            if self.take_page(&mut transaction, &place.versions())? == PAGE {
                transaction.mark(Table::Meta, mark_name(place.mount.id, place.path));
            }
            match self.barrier.commit(transaction).await {
                Err(CommitError::Conflict) => {}
                Err(error) => return Err(error.into()),
                Ok(()) => return self.finish_removal(place.mount.id, place.path).await,
            }
        }
        Err(CommitError::Conflict.into())
    }

    /// Works off the mark of a removal, if there is one.
    pub(super) async fn finish_removal(&self, mount: MountId, path: &SecretPath) -> Result<(), KvError> {
        let mark = mark_name(mount, path);
        let prefix = [mount.as_bytes().as_slice(), &path.versions()].concat();
        while self.barrier.has_mark(Table::Meta, &mark)? {
            let mut transaction = self.barrier.transaction()?;
            if self.take_page(&mut transaction, &prefix)? < PAGE {
                transaction.unmark(Table::Meta, mark.as_slice());
            }
            match self.barrier.commit(transaction).await {
                // The re-wrap, or another hand at the same removal: look again.
                Ok(()) | Err(CommitError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Refuses the transaction while a removal at `place` is under way.
    pub(super) fn require_no_removal(&self, transaction: &mut Transaction, place: Place<'_>) {
        transaction.check_key(Key::new(Table::Meta, mark_name(place.mount.id, place.path)), Require::Absent);
    }

    fn take_page(&self, transaction: &mut Transaction, prefix: &[u8]) -> Result<usize, KvError> {
        let page = self.barrier.revisions(Table::KvVersion, prefix, None, PAGE)?;
        let count = page.len();
        for (name, revision) in page {
            transaction.delete_key(Key::new(Table::KvVersion, name), revision);
        }
        Ok(count)
    }

    /// Works off what a crash left, after each unseal, until the shutdown.
    pub async fn run_until(&self, seal: &SealService, shutdown: &Shutdown) {
        let mut states = seal.watch();
        loop {
            if *states.borrow_and_update() == SealState::Unsealed
                && let Err(error) = self.finish_removals().await
            {
                tracing::warn!(%error, "removed secrets are not wholly gone yet; the next unseal tries again");
            }
            tokio::select! {
                () = shutdown.begun() => return,
                changed = states.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Works off every mark.
    ///
    /// # Errors
    /// [`KvError`] by cause.
    pub async fn finish_removals(&self) -> Result<(), KvError> {
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = self.barrier.names(Table::Meta, MARK, after.as_deref(), PAGE)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.clone());
            for (mount, path) in page.iter().filter_map(|name| read_mark(name)) {
                let name = [mount.as_bytes().as_slice(), &path.record()].concat();
                let _turn = self.turn(&name).await;
                self.finish_removal(mount, &path).await?;
            }
        }
    }
}

fn mark_name(mount: MountId, path: &SecretPath) -> Vec<u8> {
    [MARK, mount.as_bytes(), &path.record()].concat()
}

fn read_mark(name: &[u8]) -> Option<(MountId, SecretPath)> {
    let (mount, path) = name.strip_prefix(MARK)?.split_first_chunk::<16>()?;
    let path = SecretPath::parse(std::str::from_utf8(path).ok()?).ok()?;
    Some((MountId::from_stored(*mount), path))
}

const MARK: &[u8] = b"kv/";
/// Records removed in one commit.
const PAGE: usize = 64;
