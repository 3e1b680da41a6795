//! Settings that are changed by requests and hold for all of them, and what else is looked at once for each unseal.

mod live;

use std::path::Path;

use vault_core::audit::{AuditedHeaders, HeaderError};
use vault_core::clock::Timestamp;
use vault_core::cors::Cors;
use vault_core::installation::Installations;
use vault_core::store::key::Table;

pub use self::live::Live;
use crate::barrier::{Barrier, CommitError, LoadError, Record};
use crate::service::audit::{AuditDevices, AuditService};
use crate::{SOURCE_TIME, VERSION};

/// Why a setting was not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingError {
    /// A header cannot be put into the audit trail.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// A record was not loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A change was not committed.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

/// The settings. Cheap to clone.
#[derive(Clone)]
pub struct Settings {
    /// Which headers of requests get into the audit trail.
    pub audited_headers: Live<AuditedHeaders>,
    /// From which web pages the vault may be asked.
    pub cors: Live<Cors>,
    /// Further audit devices.
    pub devices: AuditDevices,
    installations: Live<Installations>,
}

impl Record for AuditedHeaders {
    const TABLE: Table = Table::Meta;
}

impl Record for Cors {
    const TABLE: Table = Table::Meta;
}

impl Record for Installations {
    const TABLE: Table = Table::Meta;
}

impl Settings {
    /// Those in the store behind `barrier`; none is loaded yet.
    #[must_use]
    pub fn new(barrier: &Barrier, audit: &AuditService, data_dir: &Path) -> Self {
        Self {
            audited_headers: Live::new(barrier.clone(), b"audited-headers"),
            cors: Live::new(barrier.clone(), b"cors"),
            devices: AuditDevices::new(barrier.clone(), audit.clone(), data_dir),
            installations: Live::new(barrier.clone(), b"installations"),
        }
    }

    /// Puts what is stored in force, and notes which version runs. Once for each unseal.
    ///
    /// Nothing here keeps the vault shut: credentials weigh more than a setting that cannot be read.
    pub(crate) async fn load(&self, now: Timestamp) {
        if let Err(error) = self.devices.load() {
            // The chained file takes every entry; a damaged list of copies must not keep the vault shut.
            tracing::error!(%error, "the further audit devices cannot be read; none is in use");
        }
        if let Err(error) = self.audited_headers.load().await {
            tracing::error!(%error, "which headers are audited cannot be read; none is");
        }
        if let Err(error) = self.cors.load().await {
            tracing::error!(%error, "the allowed origins cannot be read; none is");
        }
        if let Err(error) = self.note_version(VERSION, now).await {
            tracing::error!(%error, "the version that runs cannot be noted in the history");
        }
    }

    /// Forgets what is in force; once for each seal.
    pub(crate) fn forget(&self) {
        self.audited_headers.forget();
        self.cors.forget();
    }

    /// Puts the header `name` into the entries of requests from now on, as digests or as it comes.
    ///
    /// # Errors
    /// [`SettingError`] by cause.
    pub async fn audit_header(&self, name: &str, is_digested: bool) -> Result<(), SettingError> {
        self.audited_headers.change(|headers| Ok(Some(headers.with(name, is_digested)?))).await
    }

    /// Leaves the header `name` out again; one that is not there is no error.
    ///
    /// # Errors
    /// [`SettingError`] by cause.
    pub async fn leave_out_header(&self, name: &str) -> Result<(), SettingError> {
        self.audited_headers.change(|headers| Ok(headers.without(name))).await
    }

    /// Puts `cors` in force; the default turns it off.
    ///
    /// # Errors
    /// [`SettingError`] by cause.
    pub async fn set_cors(&self, cors: Cors) -> Result<(), SettingError> {
        self.cors.change(|now| Ok((*now != cors).then(|| cors.clone()))).await
    }

    /// Which versions of the program have unsealed this vault.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn installations(&self) -> Result<Installations, LoadError> {
        self.installations.stored()
    }

    async fn note_version(&self, version: &str, now: Timestamp) -> Result<(), SettingError> {
        let built = SOURCE_TIME.and_then(|text| text.parse().ok()).map(Timestamp::from_secs);
        self.installations.change(|known| Ok(known.with(version, built, now))).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::barrier::tests::open_barrier;
    use crate::telemetry::metrics::Metrics;

    fn settings() -> (Barrier, Settings) {
        let barrier = open_barrier();
        let nowhere = Path::new("/nonexistent");
        let audit = AuditService::new(nowhere, Arc::new(Metrics::new()));
        let settings = Settings::new(&barrier, &audit, nowhere);
        (barrier, settings)
    }

    #[tokio::test]
    async fn another_version_is_noted_beside_the_first() {
        let (_barrier, settings) = settings();
        let at = Timestamp::from_secs;
        for (version, now) in [("1.0", 10), ("1.0", 20), ("1.1", 30)] {
            settings.note_version(version, at(now)).await.unwrap();
        }
        let known = settings.installations().unwrap();
        let told: Vec<_> =
            known.iter().map(|it| (it.version.as_str(), it.installed, it.previous.as_deref())).collect();
        assert_eq!(told, [("1.0", at(10), None), ("1.1", at(30), Some("1.0"))]);
    }

    #[tokio::test]
    async fn what_is_in_force_is_what_was_committed_last_and_nothing_when_sealed() {
        let (barrier, settings) = settings();
        settings.audit_header("x-a", true).await.unwrap();
        settings.forget();
        assert_eq!(settings.audited_headers.current().get("x-a"), None);
        settings.audited_headers.load().await.unwrap();
        assert_eq!(settings.audited_headers.current().get("x-a"), Some(true));
        barrier.close();
        assert!(matches!(
            settings.audit_header("x-b", true).await,
            Err(SettingError::Load(LoadError::Sealed))
        ));
        assert!(settings.audited_headers.load().await.is_err());
        assert_eq!(settings.audited_headers.current().get("x-a"), None);
    }
}
