//! What may be said of the seal to anyone.

use std::sync::Arc;

use vault_core::clock::Timestamp;

use super::{Inner, SealService, SealState};

/// The seal, as `seal-status` tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealStatus {
    /// Whether keys exist, and whether they are in use.
    pub state: SealState,
    /// `shamir` or `passphrase`.
    pub kind: &'static str,
    /// Shares needed; 0 before init.
    pub threshold: u8,
    /// Shares made; 0 before init.
    pub shares: u8,
    /// Shares given so far.
    pub progress: u8,
    /// Names this round of shares; empty outside of one.
    pub nonce: String,
    /// The engine that holds the records.
    pub storage: &'static str,
    /// The installation; `None` before init.
    pub cluster: Option<String>,
}

/// The newest key generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyState {
    /// Its number.
    pub term: u32,
    /// When it was made.
    pub installed_at: Timestamp,
    /// Records sealed since the server started, about.
    pub encryptions: u64,
    /// Older generations still held.
    pub older: usize,
}

impl SealService {
    /// The seal as it stands. Takes no lock.
    #[must_use]
    pub fn status(&self) -> Arc<SealStatus> {
        self.published.load_full()
    }

    /// Makes a change known; the state's watchers wake when it is another one.
    pub(super) fn publish(&self, inner: &Inner, state: SealState) {
        self.published.store(Arc::new(inner.status(state, self.store.engine_name())));
        self.state.send_if_modified(|current| std::mem::replace(current, state) != state);
    }

    /// The newest key generation; `None` while sealed.
    #[must_use]
    pub fn key_state(&self) -> Option<KeyState> {
        let keyring = self.barrier.keyring().ok()?;
        let generations = keyring.generations();
        let newest = generations.last()?;
        Some(KeyState {
            term: newest.number.number(),
            installed_at: newest.created_at,
            encryptions: self.barrier.sealed_records(),
            older: generations.len().saturating_sub(1),
        })
    }
}

impl Inner {
    pub(super) fn status(&self, state: SealState, storage: &'static str) -> SealStatus {
        let config = self.config.as_ref().map(|(config, _)| config);
        let unsealing = self.unsealing.as_ref();
        SealStatus {
            state,
            kind: config.map_or("shamir", |config| config.kind().name()),
            threshold: config.map_or(0, |config| config.kind().threshold()),
            shares: config.map_or(0, |config| config.kind().shares()),
            progress: unsealing.map_or(0, |unsealing| unsealing.progress()),
            nonce: unsealing.map_or_else(String::new, |unsealing| unsealing.nonce().to_owned()),
            storage,
            cluster: config.map(|config| config.cluster().to_string()),
        }
    }
}
