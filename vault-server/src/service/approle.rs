//! AppRole: roles, their secret ids, and logins by them.
//!
//! ```text
//!   AppRole    mount id · name                     ► role
//!   AppRoleId  mount id · role id                  ► name
//!   SecretId   mount id · name · NUL · digest      ► secret id   (belongs to the role by its id, not its name)
//!   …Accessor  mount id · name · NUL · accessor    ► digest
//! ```
//!
//! A login is one commit: the token, the use of the secret id, and that mount and role are still there.

mod login;
mod role;
mod secret_id;
mod tidy;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use vault_core::approle::{AppRole, NAME_BYTES_MAX, Refusal, RoleError, SecretId, SecretIdError};
use vault_core::entropy::Entropy;
use vault_core::mount::Mount;
use vault_core::store::key::Table;

use crate::barrier::{Barrier, CommitError, LoadError, Loaded, Record, Sealed};
use crate::service::login::{LoginError, LoginService};

pub use self::login::Shown;
pub use self::secret_id::IssuedSecretId;

impl Record for AppRole {
    const TABLE: Table = Table::AppRole;
}

impl Record for SecretId {
    const TABLE: Table = Table::SecretId;
}

/// From a role id to the name of its role.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct RoleIdRecord {
    name: String,
}

impl Record for RoleIdRecord {
    const TABLE: Table = Table::AppRoleId;
}

/// From an accessor to the digest of its secret id.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct AccessorRecord {
    digest: [u8; 32],
}

impl Record for AccessorRecord {
    const TABLE: Table = Table::SecretIdAccessor;
}

/// Why something about roles was not done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApproleError {
    /// There is no role of this name.
    #[error("role {0:?} does not exist")]
    UnknownRole(String),
    /// The name cannot be one of a role.
    #[error("role_name must have 1 to {NAME_BYTES_MAX} bytes, without control characters")]
    Name,
    /// Another role has this role id.
    #[error("role_id already in use")]
    RoleIdInUse,
    /// A role cannot be so.
    #[error(transparent)]
    Role(#[from] RoleError),
    /// A secret id cannot be so.
    #[error(transparent)]
    SecretId(#[from] SecretIdError),
    /// The role has a secret id of this text.
    #[error("SecretID is already registered")]
    SecretIdTaken,
    /// The role has no secret id of this accessor.
    #[error("failed to find accessor entry for secret_id_accessor")]
    UnknownAccessor,
    /// The login is refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The login showed no secret id.
    #[error("missing secret_id")]
    SecretIdMissing,
    /// Nobody can log in just now.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// A record was not loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A change was not committed.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl From<Sealed> for ApproleError {
    fn from(_: Sealed) -> Self {
        Self::Load(LoadError::Sealed)
    }
}

/// The roles of every AppRole mount.
pub struct ApproleService {
    barrier: Barrier,
    entropy: Arc<dyn Entropy>,
    logins: Arc<LoginService>,
    /// One login at a time for each secret id that is counted, so that none gives up on conflicts.
    turns: Vec<Mutex<()>>,
}

impl ApproleService {
    /// The roles behind `barrier`.
    #[must_use]
    pub fn new(barrier: Barrier, entropy: Arc<dyn Entropy>, logins: Arc<LoginService>) -> Self {
        let turns = (0..TURNS).map(|_| Mutex::default()).collect();
        Self { barrier, entropy, logins, turns }
    }

    fn load_role(&self, mount: &Mount, name: &str) -> Result<Option<Loaded<AppRole>>, LoadError> {
        self.barrier.load::<AppRole>(mount.key(name.as_bytes()))
    }

    fn existing(&self, mount: &Mount, name: &str) -> Result<Loaded<AppRole>, ApproleError> {
        self.load_role(mount, name)?.ok_or_else(|| ApproleError::UnknownRole(name.to_owned()))
    }

    fn digest(&self, mount: &Mount, name: &str, secret_id: &str) -> Result<[u8; 32], Sealed> {
        let keyring = self.barrier.keyring()?;
        let hmac = |message: &[u8]| keyring.token_key().hmac_sha256(message);
        Ok(vault_core::approle::digest(mount.id, name, secret_id, hmac))
    }
}

/// The name of something below a role. No name of a role has a NUL.
fn below(mount: &Mount, name: &str, rest: &[u8]) -> Vec<u8> {
    mount.key(&[name.as_bytes(), b"\0", rest].concat())
}

const TURNS: usize = 64;
const PAGE: usize = 256;
