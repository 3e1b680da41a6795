//! Ends tokens whose time is over, and goes on with ends that a crash cut short.

use std::time::Duration;

use vault_core::clock::{Clock, Timestamp};
use vault_core::identity::{TokenDigest, TokenState};
use vault_core::store::due;
use vault_core::store::key::Table;

use super::{DUE_KIND, TokenService, TokenServiceError};
use crate::barrier::LoadError;
use crate::shutdown::Shutdown;

impl TokenService {
    /// Ends what is due, about once a second and whenever something waits, until `shutdown` begins.
    pub async fn sweep_until(&self, clock: &dyn Clock, shutdown: &Shutdown) {
        loop {
            tokio::select! {
                () = shutdown.begun() => return,
                () = self.ending.notified() => {}
                () = tokio::time::sleep(SWEEP_EVERY) => {}
            }
            match self.sweep(clock.now()).await {
                Ok(_) | Err(TokenServiceError::Load(LoadError::Sealed)) => {}
                Err(error) => tracing::warn!(%error, "tokens that ended could not be cleaned up"),
            }
        }
    }

    /// Ends every token that is due at `now`; returns how many. One that cannot end yet does not hold up
    /// the others.
    ///
    /// # Errors
    /// The first error, after all were tried.
    pub async fn sweep(&self, now: Timestamp) -> Result<usize, TokenServiceError> {
        let mut ended = 0;
        let mut failed = None;
        let mut after: Option<Vec<u8>> = None;
        'pages: loop {
            let page = self.barrier.names(Table::Due, b"", after.as_deref(), PAGE)?;
            let Some(last) = page.last() else { break };
            after = Some(last.clone());
            for entry in page.iter().filter_map(|name| due::decode(name)) {
                if entry.at > now {
                    break 'pages;
                }
                let digest = TokenDigest::from_slice(&entry.name).filter(|_| entry.kind == DUE_KIND);
                let Some(digest) = digest else { continue };
                match self.end(&digest, now).await {
                    Ok(()) => ended += 1,
                    Err(error) => failed = failed.or(Some(error)),
                }
            }
        }
        failed.map_or(Ok(ended), Err)
    }

    async fn end(&self, digest: &TokenDigest, now: Timestamp) -> Result<(), TokenServiceError> {
        if self.last_uses.is_under_way(digest) {
            // Woken again when it is over.
            return Ok(());
        }
        match self.load(digest)?.map(|loaded| loaded.value.state(now)) {
            // Renewed between the reading of the index and now.
            None | Some(TokenState::Live) => Ok(()),
            Some(TokenState::Expired | TokenState::Revoking) => self.revoke(digest).await,
        }
    }
}

const SWEEP_EVERY: Duration = Duration::from_secs(1);
const PAGE: usize = 256;
