//! New shares, or a new passphrase, for an unsealed vault.
//!
//! The new configuration of the seal is one record and is stored in one commit: before it the old shares
//! unseal, after it the new ones.

use std::net::IpAddr;
use std::sync::Arc;

use vault_core::seal::{InitRequest, NewSeal, Rekey, Rekeyed, SealKind, Verified};
use vault_core::secret::SecretBytes;
use vault_core::store::batch::Require;

use super::{CeremonyError, SealError, SealService, SealState, config_key};
use crate::barrier::{CommitError, Transaction};

/// A rekey, as anyone may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RekeyStatus {
    /// Names it; `None` when there is none.
    pub nonce: Option<String>,
    /// The seal that is wanted.
    pub wanted: Option<SealKind>,
    /// Old shares given so far.
    pub progress: u8,
    /// Old shares needed.
    pub required: u8,
    /// Whether the new shares must come back before they count.
    pub verifies: bool,
    /// Names the round in which they come back; `None` before they were handed out.
    pub verification_nonce: Option<String>,
    /// New shares that came back so far.
    pub verified: u8,
}

/// New shares, to be shown once.
pub struct RekeyDone {
    /// Names the rekey.
    pub nonce: String,
    /// The shares; empty for a passphrase.
    pub shares: Vec<SecretBytes>,
    /// Names the round in which they must come back; `None` when they are good already.
    pub verification_nonce: Option<String>,
    /// The store failed during the change: whether these shares or the old ones open the vault shows at the
    /// next unseal, so both are to be kept until then.
    pub uncertain: bool,
}

impl SealService {
    /// Begins a rekey.
    ///
    /// # Errors
    /// [`SealError::Ceremony`] when one is under way, [`SealError::Init`] for impossible counts.
    pub async fn begin_rekey(
        &self,
        request: InitRequest,
        verifies: bool,
        remote: IpAddr,
    ) -> Result<(), SealError> {
        let mut ceremonies = self.ceremonies().await?;
        if ceremonies.rekey.is_some() {
            return Err(CeremonyError::RekeyUnderWay.into());
        }
        let rekey = Rekey::begin(&self.current_config().await?, request, verifies, &*self.entropy)?;
        self.record("rekey_begun", remote)?;
        ceremonies.rekey = Some(rekey);
        Ok(())
    }

    /// How the rekey stands.
    ///
    /// # Errors
    /// [`SealError::Sealed`], [`SealError::Uninitialised`].
    pub async fn rekey_status(&self) -> Result<RekeyStatus, SealError> {
        let ceremonies = self.ceremonies().await?;
        Ok(match &ceremonies.rekey {
            Some(rekey) => RekeyStatus {
                nonce: Some(rekey.nonce().to_owned()),
                wanted: Some(rekey.wanted()),
                progress: rekey.progress(),
                required: rekey.required(),
                verifies: rekey.verifies(),
                verification_nonce: rekey.verification_nonce().map(str::to_owned),
                verified: rekey.verified(),
            },
            None => RekeyStatus {
                nonce: None,
                wanted: None,
                progress: 0,
                required: self.status().threshold,
                verifies: false,
                verification_nonce: None,
                verified: 0,
            },
        })
    }

    /// Forgets the rekey, with new shares that did not come back; the old ones stay good.
    ///
    /// # Errors
    /// [`SealError`] by cause; none under way is no error.
    pub async fn cancel_rekey(&self, remote: IpAddr) -> Result<(), SealError> {
        let mut ceremonies = self.ceremonies().await?;
        if ceremonies.rekey.is_some() {
            self.record("rekey_cancelled", remote)?;
            ceremonies.rekey = None;
        }
        Ok(())
    }

    /// Takes one old share; the new ones when it was the last that was needed.
    ///
    /// # Errors
    /// [`SealError`] by cause.
    pub async fn offer_to_rekey(
        &self,
        share: SecretBytes,
        nonce: &str,
        remote: IpAddr,
    ) -> Result<Option<RekeyDone>, SealError> {
        let mut ceremonies = self.ceremonies().await?;
        let rekey = ceremonies.rekey.as_ref().ok_or(CeremonyError::NoRekey)?;
        if rekey.nonce() != nonce {
            return Err(CeremonyError::RekeyNonce(rekey.nonce().to_owned()).into());
        }
        if let Some(nonce) = rekey.verification_nonce() {
            return Err(CeremonyError::RekeyToVerify(nonce.to_owned()).into());
        }
        let Some(mut rekey) = ceremonies.rekey.take() else { return Err(CeremonyError::NoRekey.into()) };
        let entropy = Arc::clone(&self.entropy);
        let offered = tokio::task::spawn_blocking(move || {
            let outcome = rekey.offer(share, &*entropy);
            (rekey, outcome)
        });
        let (rekey, outcome) = offered.await.map_err(|_| SealError::Interrupted)?;
        let verification_nonce = rekey.verification_nonce().map(str::to_owned);
        let nonce = rekey.nonce().to_owned();
        match outcome {
            Ok(Rekeyed::Ready { shares, seal }) => {
                let stored = self.store_seal(seal, remote).await;
                // The store failed half-way: the new shares may be the good ones, and nobody else has them.
                let uncertain = matches!(&stored, Err(SealError::Commit(CommitError::Unknown(_))));
                if !uncertain {
                    stored?;
                }
                // Shares of the old seal prove nothing any more.
                ceremonies.root = None;
                Ok(Some(RekeyDone { nonce, shares, verification_nonce: None, uncertain }))
            }
            other => {
                ceremonies.rekey = Some(rekey);
                match other? {
                    Rekeyed::ToVerify { shares } => {
                        Ok(Some(RekeyDone { nonce, shares, verification_nonce, uncertain: false }))
                    }
                    Rekeyed::More | Rekeyed::Ready { .. } => Ok(None),
                }
            }
        }
    }

    /// Takes one new share back; `true` when it was the last that was needed and the new ones are good.
    ///
    /// # Errors
    /// [`SealError`] by cause.
    pub async fn verify_rekey(
        &self,
        share: SecretBytes,
        nonce: &str,
        remote: IpAddr,
    ) -> Result<bool, SealError> {
        let mut ceremonies = self.ceremonies().await?;
        let rekey = ceremonies.rekey.as_ref().ok_or(CeremonyError::NoRekey)?;
        let expected = rekey.verification_nonce().ok_or(CeremonyError::NoVerification)?;
        if expected != nonce {
            return Err(CeremonyError::VerificationNonce(expected.to_owned()).into());
        }
        let Some(mut rekey) = ceremonies.rekey.take() else { return Err(CeremonyError::NoRekey.into()) };
        let entropy = Arc::clone(&self.entropy);
        let offered = tokio::task::spawn_blocking(move || {
            let outcome = rekey.verify(share, &*entropy);
            (rekey, outcome)
        });
        let (rekey, outcome) = offered.await.map_err(|_| SealError::Interrupted)?;
        if let Some(Ok(Verified::Ready(seal))) = outcome {
            self.store_seal(seal, remote).await?;
            ceremonies.root = None;
            return Ok(true);
        }
        ceremonies.rekey = Some(rekey);
        outcome.transpose()?;
        Ok(false)
    }

    /// Forgets which new shares came back, and names the round anew.
    ///
    /// # Errors
    /// [`SealError`] by cause.
    pub async fn restart_verification(&self) -> Result<(), SealError> {
        let mut ceremonies = self.ceremonies().await?;
        let rekey = ceremonies.rekey.as_mut().ok_or(CeremonyError::NoRekeyConfiguration)?;
        if rekey.restart_verification(&*self.entropy) {
            Ok(())
        } else {
            Err(CeremonyError::NoVerification.into())
        }
    }

    /// Puts the new seal in place of the old one, in one commit.
    async fn store_seal(&self, seal: NewSeal, remote: IpAddr) -> Result<(), SealError> {
        let mut inner = self.inner.lock().await;
        let keyring = self.barrier.keyring().map_err(|_| SealError::Sealed)?;
        let revision = match (&inner.config, &inner.root) {
            (Some((_, revision)), Some(_)) => *revision,
            _ => return Err(SealError::Sealed),
        };
        let (config, root) = seal.around(&keyring, &*self.entropy);
        let mut transaction = Transaction::new(keyring, self.barrier.suite(), Arc::clone(&self.entropy));
        transaction.put_unsealed(config_key(), Require::At(revision), config.to_bytes());
        self.record("rekeyed", remote)?;
        let (store, batch) = (Arc::clone(&self.store), transaction.into_batch());
        let stored = tokio::task::spawn_blocking(move || store.commit(batch));
        stored.await.map_err(|_| SealError::Interrupted)??;
        inner.config = Some((config, Require::At(revision).next_revision()));
        inner.root = Some(root);
        self.publish(&inner, SealState::Unsealed);
        tracing::info!("the vault was rekeyed");
        Ok(())
    }
}
