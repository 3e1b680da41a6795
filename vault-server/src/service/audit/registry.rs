//! Which further audit devices there are; kept sealed in the store, started at each unseal.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use vault_core::store::key::Table;

use super::AuditService;
use super::device::Device;
use super::sink::{Sink, SpecError};
use crate::barrier::{ATTEMPTS_MAX, Barrier, CommitError, LoadError, Record, Sealed, require};

/// A device as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceSpec {
    /// `file`, `socket` or `syslog`.
    pub kind: String,
    /// For people.
    pub description: String,
    /// Kept and shown; without replication it changes nothing.
    pub local: bool,
    /// Where and how it writes.
    pub options: BTreeMap<String, String>,
}

/// All devices by name, in one record.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct DevicesRecord {
    devices: BTreeMap<String, DeviceSpec>,
}

impl Record for DevicesRecord {
    const TABLE: Table = Table::Meta;
}

/// Why a device was not enabled, disabled or listed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// The name is taken. The text is Vault's.
    #[error("path already in use")]
    InUse,
    /// The name cannot be one.
    #[error("an audit device's path has 1 to 128 printable characters")]
    Name,
    /// The chained file stays.
    #[error("the chained audit file cannot be disabled")]
    BuiltIn,
    /// There are as many as there may be.
    #[error("there are {DEVICES_MAX} audit devices already")]
    TooMany,
    /// What was asked for cannot be made.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// A record was not loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A change was not committed.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl From<Sealed> for DeviceError {
    fn from(error: Sealed) -> Self {
        Self::Load(error.into())
    }
}

/// The further devices. Cheap to clone.
#[derive(Clone)]
pub struct AuditDevices {
    barrier: Barrier,
    audit: AuditService,
    data_dir: PathBuf,
    changing: Arc<tokio::sync::Mutex<()>>,
}

impl AuditDevices {
    /// The devices beside `audit`'s own file; none may write into `data_dir`.
    #[must_use]
    pub fn new(barrier: Barrier, audit: AuditService, data_dir: &Path) -> Self {
        Self { barrier, audit, data_dir: data_dir.to_owned(), changing: Arc::default() }
    }

    /// Starts what is stored. Once for each unseal. One that cannot be opened is told in the log and tried
    /// again with each entry.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub(crate) fn load(&self) -> Result<(), LoadError> {
        let stored = self.barrier.load::<DevicesRecord>(NAME)?;
        let specs = stored.map(|stored| stored.value.devices).unwrap_or_default();
        let devices = specs.iter().filter_map(|(name, spec)| {
            let sink = Sink::of(&spec.kind, &spec.options).ok()?;
            Device::start(name, sink)
        });
        self.audit.inner.devices.store(Arc::new(devices.collect()));
        Ok(())
    }

    /// The devices by name.
    ///
    /// # Errors
    /// [`LoadError`] by cause.
    pub fn list(&self) -> Result<BTreeMap<String, DeviceSpec>, LoadError> {
        let stored = self.barrier.load::<DevicesRecord>(NAME)?;
        Ok(stored.map(|stored| stored.value.devices).unwrap_or_default())
    }

    /// Adds a device. It must be open for writing now.
    ///
    /// # Errors
    /// [`DeviceError`] by cause.
    pub async fn enable(&self, name: &str, spec: DeviceSpec) -> Result<(), DeviceError> {
        let fits = (1..=NAME_BYTES_MAX).contains(&name.len()) && !name.chars().any(char::is_control);
        if !fits {
            return Err(DeviceError::Name);
        }
        let _changing = self.changing.lock().await;
        let sink = Sink::of(&spec.kind, &spec.options)?;
        self.check_own(&sink)?;
        if name == CHAIN || self.list()?.contains_key(name) {
            return Err(DeviceError::InUse);
        }
        // May wait for a socket; not on a thread that answers requests.
        let opened = tokio::task::spawn_blocking(move || sink.check()).await;
        let sink = opened.map_err(|_| DeviceError::Commit(CommitError::Busy))??;
        self.change(|devices| {
            if devices.len() >= DEVICES_MAX {
                return Err(DeviceError::TooMany);
            }
            devices.insert(name.to_owned(), spec.clone());
            Ok(())
        })
        .await?;
        let mut live = (**self.audit.inner.devices.load()).clone();
        live.extend(Device::start(name, sink));
        self.audit.inner.devices.store(Arc::new(live));
        Ok(())
    }

    /// Takes a device away; an unknown one is no error.
    ///
    /// # Errors
    /// [`DeviceError`] by cause.
    pub async fn disable(&self, name: &str) -> Result<(), DeviceError> {
        if name == CHAIN {
            return Err(DeviceError::BuiltIn);
        }
        let _changing = self.changing.lock().await;
        if !self.list()?.contains_key(name) {
            return Ok(());
        }
        self.change(|devices| {
            devices.remove(name);
            Ok(())
        })
        .await?;
        let mut live = (**self.audit.inner.devices.load()).clone();
        live.retain(|device| device.name() != name);
        self.audit.inner.devices.store(Arc::new(live));
        Ok(())
    }

    async fn change(
        &self,
        change: impl Fn(&mut BTreeMap<String, DeviceSpec>) -> Result<(), DeviceError>,
    ) -> Result<(), DeviceError> {
        for _ in 0..ATTEMPTS_MAX {
            let stored = self.barrier.load::<DevicesRecord>(NAME)?;
            let mut next = stored.as_ref().map(|stored| stored.value.clone()).unwrap_or_default();
            change(&mut next.devices)?;
            let mut transaction = self.barrier.transaction()?;
            transaction.put(NAME, require(stored.as_ref()), &next);
            match self.barrier.commit(transaction).await {
                // The re-wrap came between.
                Err(CommitError::Conflict) => {}
                outcome => return Ok(outcome?),
            }
        }
        Err(CommitError::Conflict.into())
    }

    /// A device must not write into the chained file, what stands beside it under its name, or the store.
    fn check_own(&self, sink: &Sink) -> Result<(), SpecError> {
        let Some(path) = sink.path() else { return Ok(()) };
        let (wanted, chained) = (resolved(path), resolved(&self.audit.inner.path));
        let beside = wanted.parent() == chained.parent()
            && wanted.file_name().zip(chained.file_name()).is_some_and(|(wanted, chained)| {
                wanted.as_encoded_bytes().starts_with(chained.as_encoded_bytes())
            });
        let is_store = wanted.starts_with(resolved(&self.data_dir));
        if beside || is_store { Err(SpecError::OwnFile(path.to_owned())) } else { Ok(()) }
    }
}

/// The path without links, as far as it exists.
fn resolved(path: &Path) -> PathBuf {
    if let Ok(whole) = path.canonicalize() {
        return whole;
    }
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    match (absolute.parent().and_then(|parent| parent.canonicalize().ok()), absolute.file_name()) {
        (Some(parent), Some(name)) => parent.join(name),
        _ => absolute,
    }
}

/// The name of the record in [`Table::Meta`].
const NAME: &[u8] = b"audit-devices";
/// Under which the chained file is listed.
pub const CHAIN: &str = "chain";
const NAME_BYTES_MAX: usize = 128;
const DEVICES_MAX: usize = 32;
