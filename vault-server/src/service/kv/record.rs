//! What is stored. The data of a secret is one text in a record of its own, and no `Debug` shows it.

use serde::{Deserialize, Serialize};
use vault_core::clock::Timestamp;
use vault_core::kv::Metadata;
use vault_core::secret::{SecretString, for_sealing};
use vault_core::store::key::Table;

use crate::barrier::{Record, Remembered};

impl Record for Metadata {
    const TABLE: Table = Table::KvMetadata;
}

impl Remembered for Metadata {}

/// The data of one version.
#[derive(Serialize, Deserialize)]
pub struct StoredVersion {
    /// When it was written: as in the metadata, so that a reader notices when the two are not of one make.
    pub created_at: Timestamp,
    /// The JSON object.
    #[serde(with = "for_sealing")]
    pub data: SecretString,
}

impl Record for StoredVersion {
    const TABLE: Table = Table::KvVersion;

    fn bytes_about(&self) -> usize {
        self.data.expose().len() + FRAME_BYTES
    }
}

/// A secret of version 1.
#[derive(Serialize, Deserialize)]
pub struct StoredSecret {
    /// When it was last written.
    pub written_at: Timestamp,
    /// The JSON object.
    #[serde(with = "for_sealing")]
    pub data: SecretString,
}

impl Record for StoredSecret {
    const TABLE: Table = Table::KvSecret;

    fn bytes_about(&self) -> usize {
        self.data.expose().len() + FRAME_BYTES
    }
}

/// What the names of fields and the lengths take at most.
const FRAME_BYTES: usize = 64;
