//! What goes with a mount that is disabled: the tokens that came through it, what was lent from its pools, then its
//! records.

use std::time::Duration;

use vault_core::identity::TokenDigest;
use vault_core::mount::{Kind, Mount, MountPath};
use vault_core::store::key::{Key, Table};

use super::{MountError, PAGE};
use crate::app::App;
use crate::barrier::{Barrier, CommitError};
use crate::engine::READ_WAIT;
use crate::shutdown::Shutdown;

/// Takes mounts away.
pub struct Teardown<'a> {
    app: &'a App,
}

impl<'a> Teardown<'a> {
    /// For the mounts of `app`.
    #[must_use]
    pub fn new(app: &'a App) -> Self {
        Self { app }
    }

    /// Disables what is mounted at `path`. When it returns, everything in it is gone.
    ///
    /// # Errors
    /// [`MountError`] by cause. Once the mount has stopped to answer, a failure is made good in the
    /// background.
    pub async fn disable(&self, path: &MountPath) -> Result<(), MountError> {
        let mount = self.app.mounts.end(path).await?;
        let outcome = self.take_away(&mount, READ_WAIT).await;
        if outcome.is_err() {
            self.app.mounts.inner.ending.notify_one();
        }
        outcome
    }

    /// Finishes what a crash or a failure left of disabled mounts, until the shutdown.
    pub async fn run_until(&self, shutdown: &Shutdown) {
        loop {
            tokio::select! {
                () = shutdown.begun() => return,
                () = self.app.mounts.inner.ending.notified() => {}
            }
            while let Err(error) = self.finish().await {
                if let MountError::LeasesLeft(left) = &error {
                    tracing::debug!(left, "leases of a disabled mount are not over yet");
                } else {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "a disabled mount is not gone yet"
                    );
                }
                if self.app.barrier.is_sealed() {
                    // The next unseal says again what is ending.
                    break;
                }
                tokio::select! {
                    () = shutdown.begun() => return,
                    () = tokio::time::sleep(TRY_AGAIN_AFTER) => {}
                }
            }
        }
    }

    async fn finish(&self) -> Result<(), MountError> {
        let mut outcome = Ok(());
        for mount in self.app.mounts.ending()? {
            // One that cannot be taken away does not keep the others.
            outcome = self.take_away(&mount, Duration::ZERO).await.and(outcome);
        }
        outcome
    }

    async fn take_away(&self, mount: &Mount, wait: Duration) -> Result<(), MountError> {
        let (app, id) = (self.app, mount.id.as_bytes());
        loop {
            let page = app.barrier.names(Table::MountToken, id, None, PAGE)?;
            if page.is_empty() {
                break;
            }
            for name in page {
                let digest = name.get(id.len()..).and_then(TokenDigest::from_slice);
                if let Some(digest) = digest {
                    app.tokens.revoke(&digest).await?;
                }
                if app.barrier.has_mark(Table::MountToken, &name)? {
                    let mut transaction = app.barrier.transaction()?;
                    transaction.unmark(Table::MountToken, name);
                    done_or_later(app.barrier.commit(transaction).await)?;
                }
            }
        }
        app.logins.forget_mount(mount.id);
        app.pools.take_away(mount).await.map_err(Box::new)?;
        if mount.kind == Kind::Database {
            // They need what they were made by until they are over.
            match app.dynamic.end_all(mount, wait).await? {
                0 => {}
                left => return Err(MountError::LeasesLeft(left)),
            }
            app.databases.let_go_all(mount).await?;
        }
        for table in Table::OF_MOUNTS {
            remove_all(&app.barrier, table, id).await?;
        }
        while let Some(revision) = app.barrier.revision::<Mount>(*id)? {
            let mut transaction = app.barrier.transaction()?;
            transaction.delete::<Mount>(*id, revision);
            done_or_later(app.barrier.commit(transaction).await)?;
        }
        Ok(())
    }
}

/// Removes every record of `table` whose name begins with `prefix`.
async fn remove_all(barrier: &Barrier, table: Table, prefix: &[u8]) -> Result<(), MountError> {
    loop {
        let page = barrier.revisions(table, prefix, None, PAGE)?;
        if page.is_empty() {
            return Ok(());
        }
        let mut transaction = barrier.transaction()?;
        for (name, revision) in page {
            transaction.delete_key(Key::new(table, name), revision);
        }
        done_or_later(barrier.commit(transaction).await)?;
    }
}

/// A request that was under way when the mount ended, the re-wrap, or another hand at the same mount came
/// first: the caller looks again.
fn done_or_later(outcome: Result<(), CommitError>) -> Result<(), MountError> {
    match outcome {
        Ok(()) | Err(CommitError::Conflict) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

const TRY_AGAIN_AFTER: Duration = Duration::from_secs(5);
