//! The audit file while the vault is unsealed: every request, every answer, every act of the vault itself.
//!
//! Fail closed: whoever needs an [`AuditReceipt`] gets none when the file does not take the entry, and
//! without a receipt nothing is done or revealed.

mod chain;
mod device;
mod registry;
mod search;
mod sink;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use arc_swap::{ArcSwap, ArcSwapOption};
use vault_core::audit::{
    AuditError, AuditFile, AuditReceipt, AuditSink, Auth, CheckpointSigner, Digester, Entry, Head, Opening,
    PublicKey, Reopened, Request, Response, System,
};
use vault_core::clock::Timestamp;
use vault_core::crypto::Keyring;

pub use self::chain::{CHECKED_EVERY, ChainChecked, CheckError};
use self::device::Device;
pub use self::device::DeviceHealth;
pub use self::registry::{AuditDevices, CHAIN, DeviceError, DeviceSpec};
pub use self::search::{Cursor, SearchError};
pub use self::sink::SpecError;
use crate::telemetry::metrics::Metrics;

/// The audit file. Cheap to clone; all clones share one file.
#[derive(Clone)]
pub struct AuditService {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    live: ArcSwapOption<Live>,
    /// Further devices, which get a copy of every entry that the file has taken.
    devices: ArcSwap<Vec<Device>>,
    metrics: Arc<Metrics>,
    /// Whether the file has not taken the last entry.
    ill: AtomicBool,
    /// What the last check of the file has shown.
    checked: Mutex<Option<ChainChecked>>,
    /// Wakes who checks it when a new file was begun.
    renewed: tokio::sync::Notify,
}

struct Live {
    file: AuditFile,
    digester: Digester,
}

/// No sink accepted an entry.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditUnavailable {
    /// The vault is sealed, so there is no key for the digests.
    #[error("the audit file is not open: the vault is sealed")]
    Sealed,
    /// The file did not take it.
    #[error("the audit file {path} did not take an entry")]
    Refused {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: AuditError,
    },
}

impl AuditService {
    /// A closed trail at `path`.
    #[must_use]
    pub fn new(path: &Path, metrics: Arc<Metrics>) -> Self {
        let inner = Inner {
            path: path.to_owned(),
            live: ArcSwapOption::empty(),
            devices: ArcSwap::default(),
            metrics,
            ill: AtomicBool::default(),
            checked: Mutex::default(),
            renewed: tokio::sync::Notify::new(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Opens the trail with the keys of an unsealed vault.
    ///
    /// # Errors
    /// [`AuditUnavailable::Refused`].
    pub(crate) fn open(&self, keyring: &Keyring, now: Timestamp) -> Result<Opening, AuditUnavailable> {
        let signer = CheckpointSigner::from_seed(keyring.audit_signing_seed().expose());
        let file = AuditFile::open(&self.inner.path, signer, now).map_err(|source| self.refused(source))?;
        let opening = file.opening();
        let digester = Digester::new(keyring.audit_key().expose());
        self.inner.live.store(Some(Arc::new(Live { file, digester })));
        Ok(opening)
    }

    /// Ends the trail with a signed checkpoint; nothing when it is not open.
    ///
    /// # Errors
    /// [`AuditUnavailable::Refused`] when the checkpoint was not written; the trail is closed all the same.
    pub(crate) fn close(&self, now: Timestamp) -> Result<(), AuditUnavailable> {
        self.inner.devices.store(Arc::default());
        let Some(live) = self.inner.live.swap(None) else { return Ok(()) };
        live.file.close(now).map_err(|source| self.refused(source))
    }

    /// Records a request before it is carried out.
    ///
    /// # Errors
    /// [`AuditUnavailable`]: the request must not be carried out.
    pub fn request(
        &self,
        auth: &Auth<'_>,
        request: &Request<'_>,
        now: Timestamp,
    ) -> Result<AuditReceipt, AuditUnavailable> {
        let live = self.live()?;
        self.append(&live, &Entry::request(&live.digester, auth, request), now)
    }

    /// Records a request that is refused, with the reason.
    ///
    /// # Errors
    /// [`AuditUnavailable`]: not even the refusal's reason may be told.
    pub fn refusal(
        &self,
        auth: &Auth<'_>,
        request: &Request<'_>,
        reason: &str,
        now: Timestamp,
    ) -> Result<AuditReceipt, AuditUnavailable> {
        let live = self.live()?;
        let entry = Entry::request(&live.digester, auth, request).with_error(reason);
        self.append(&live, &entry, now)
    }

    /// Records an answer before it leaves; `error` when it is one.
    ///
    /// # Errors
    /// [`AuditUnavailable`]: the answer must not leave.
    pub fn response(
        &self,
        auth: &Auth<'_>,
        request: &Request<'_>,
        response: &Response<'_>,
        error: Option<&str>,
        now: Timestamp,
    ) -> Result<AuditReceipt, AuditUnavailable> {
        let live = self.live()?;
        let mut entry = Entry::response(&live.digester, auth, request, response);
        if let Some(error) = error {
            entry = entry.with_error(error);
        }
        self.append(&live, &entry, now)
    }

    /// Records an act of the vault itself: a scheduled rotation, an expiry, a seal.
    ///
    /// # Errors
    /// [`AuditUnavailable`]: an act that reveals or changes something must not go on.
    pub fn system(&self, act: &System<'_>, now: Timestamp) -> Result<AuditReceipt, AuditUnavailable> {
        let live = self.live()?;
        self.append(&live, &Entry::system(&live.digester, act), now)
    }

    /// The digest under which `text` stands in the trail.
    ///
    /// # Errors
    /// [`AuditUnavailable::Sealed`].
    pub fn digest(&self, text: &str) -> Result<String, AuditUnavailable> {
        Ok(self.live()?.digester.digest(text))
    }

    /// The newest line and the key that verifiers pin; `None` while sealed.
    #[must_use]
    pub fn standing(&self) -> Option<(Head, PublicKey)> {
        self.inner.live.load().as_ref().map(|live| (live.file.head(), live.file.public_key()))
    }

    /// How the chained file fares; `None` while sealed. Its failures are those since the program was started.
    #[must_use]
    pub fn health(&self) -> Option<DeviceHealth> {
        let live = self.inner.live.load();
        let written_at = live.as_ref().map(|live| live.file.written_at())?;
        Some(DeviceHealth {
            takes_lines: !self.inner.ill.load(Ordering::Relaxed),
            behind: false,
            failures: self.inner.metrics.audit_failures(),
            written_at: Some(written_at),
        })
    }

    /// How the further device of that name fares; `None` when it is not at work.
    #[must_use]
    pub fn health_of(&self, name: &str) -> Option<DeviceHealth> {
        self.inner.devices.load().iter().find(|device| device.name() == name).map(Device::health)
    }

    /// Signs a checkpoint when one is due and forces the file to disk. Called about once a second, from a
    /// thread that may wait.
    pub fn tick(&self, commit: Option<u64>, now: Timestamp) {
        let Some(live) = self.inner.live.load_full() else { return };
        if let Some(commit) = commit {
            live.file.note_commit(commit);
        }
        if let Err(error) = live.file.tick(now).and_then(|()| live.file.sync()) {
            // Closed is what a seal that came between makes of it.
            if !matches!(error, AuditError::Closed) {
                tracing::error!(%error, "the audit file is not in order");
            }
        }
    }

    /// Begins a new file after the old one was moved away; `None` while sealed.
    ///
    /// # Errors
    /// [`AuditUnavailable::Refused`].
    pub fn reopen(&self, now: Timestamp) -> Result<Option<Reopened>, AuditUnavailable> {
        let Some(live) = self.inner.live.load_full() else { return Ok(None) };
        self.inner.devices.load().iter().for_each(Device::reopen);
        let reopened = live.file.reopen(now).map_err(|source| self.refused(source))?;
        if reopened != Reopened::Kept {
            self.inner.renewed.notify_one();
        }
        Ok(Some(reopened))
    }

    fn live(&self) -> Result<Arc<Live>, AuditUnavailable> {
        self.inner.live.load_full().ok_or(AuditUnavailable::Sealed)
    }

    fn append(&self, live: &Live, entry: &Entry, now: Timestamp) -> Result<AuditReceipt, AuditUnavailable> {
        let receipt = live.file.append(entry, now);
        self.inner.ill.store(receipt.is_err(), Ordering::Relaxed);
        let receipt = receipt.map_err(|source| {
            self.inner.metrics.audit_failed();
            if matches!(source, AuditError::Closed) {
                return AuditUnavailable::Sealed;
            }
            tracing::error!(error = %source, "the audit file did not take an entry");
            self.refused(source)
        })?;
        let devices = self.inner.devices.load();
        if !devices.is_empty() {
            let line: Arc<str> = entry.to_plain_line(now).into();
            devices.iter().for_each(|device| device.write(&line, now));
        }
        Ok(receipt)
    }

    fn refused(&self, source: AuditError) -> AuditUnavailable {
        AuditUnavailable::Refused { path: self.inner.path.clone(), source }
    }
}
