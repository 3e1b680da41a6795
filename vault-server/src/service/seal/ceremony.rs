//! What share holders do together with an unsealed vault: new shares, a root token.
//!
//! Each has a nonce, which every share must name, so that nobody gives a share to something else than meant.
//! All of it is forgotten when the vault is sealed. Beginnings and ends are in the audit file.

use serde_json::json;
use std::net::IpAddr;
use tokio::sync::MutexGuard;
use vault_core::audit::System;
use vault_core::seal::{Config, GenerateRoot, OtpError, Rekey};

use super::{SealError, SealService, SealState};

/// What is under way.
#[derive(Default)]
pub(super) struct Ceremonies {
    /// Of which stay unsealed.
    pub(super) seals: u64,
    pub(super) rekey: Option<Rekey>,
    pub(super) root: Option<GenerateRoot>,
}

/// Why share holders cannot go on. The texts are Vault's where it has them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CeremonyError {
    /// A rekey was begun before.
    #[error("rekey already in progress")]
    RekeyUnderWay,
    /// None was begun.
    #[error("no barrier rekey in progress")]
    NoRekey,
    /// The share is meant for another rekey.
    #[error("incorrect nonce supplied; nonce for this rekey operation is {0:?}")]
    RekeyNonce(String),
    /// The new shares were handed out already.
    #[error(
        "rekey operation already finished; verification must be performed; nonce for the verification operation is {0:?}"
    )]
    RekeyToVerify(String),
    /// No new shares wait to come back.
    #[error("no rekey verification in progress")]
    NoVerification,
    /// None was begun, so there is nothing to show.
    #[error("no rekey configuration found")]
    NoRekeyConfiguration,
    /// The share is meant for another verification.
    #[error("incorrect nonce supplied; nonce for this verify operation is {0:?}")]
    VerificationNonce(String),
    /// A root token is being generated already.
    #[error("root generation already in progress")]
    RootUnderWay,
    /// None is.
    #[error("no root generation in progress")]
    NoRoot,
    /// The share is meant for another generation.
    #[error("incorrect nonce supplied; nonce for this root generation operation is {0:?}")]
    RootNonce(String),
    /// The one-time pad cannot mask a token.
    #[error(transparent)]
    Otp(#[from] OtpError),
}

impl SealService {
    /// What is under way; empty after each unseal.
    pub(super) async fn ceremonies(&self) -> Result<MutexGuard<'_, Ceremonies>, SealError> {
        let mut ceremonies = self.ceremonies.lock().await;
        match self.state() {
            SealState::Uninitialised => return Err(SealError::Uninitialised),
            SealState::Sealed => return Err(SealError::Sealed),
            SealState::Unsealed => {}
        }
        let seals = self.inner.lock().await.seals;
        if ceremonies.seals != seals {
            *ceremonies = Ceremonies { seals, ..Ceremonies::default() };
        }
        Ok(ceremonies)
    }

    /// The configuration as it is stored.
    pub(super) async fn current_config(&self) -> Result<Config, SealError> {
        let inner = self.inner.lock().await;
        inner.config.as_ref().map(|(config, _)| config.clone()).ok_or(SealError::Uninitialised)
    }

    /// Records a beginning or an end; without the record it does not take place.
    pub(super) fn record(&self, event: &str, remote: IpAddr) -> Result<(), SealError> {
        let data = json!({ "remote_address": remote.to_canonical().to_string() });
        let act = System { event, path: "", data: Some(&data), plain_keys: &["remote_address"] };
        self.audit.system(&act, self.clock.now()).map(|_receipt| ()).map_err(SealError::Unrecorded)
    }
}
