//! What may be said of the seal to anyone.

use vault_core::clock::Timestamp;

use super::{SealService, SealState};

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
    /// The seal as it stands.
    pub async fn status(&self) -> SealStatus {
        let inner = self.inner.lock().await;
        let config = inner.config.as_ref().map(|(config, _)| config);
        let unsealing = inner.unsealing.as_ref();
        SealStatus {
            state: self.state(),
            kind: config.map_or("shamir", |config| config.kind().name()),
            threshold: config.map_or(0, |config| config.kind().threshold()),
            shares: config.map_or(0, |config| config.kind().shares()),
            progress: unsealing.map_or(0, |unsealing| unsealing.progress()),
            nonce: unsealing.map_or_else(String::new, |unsealing| unsealing.nonce().to_owned()),
            storage: self.store.engine_name(),
            cluster: config.map(|config| config.cluster().to_string()),
        }
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
