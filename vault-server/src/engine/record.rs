//! What the engine stores, and under which names.

use rotators::plugin::Registration;
use serde::{Deserialize, Serialize};
use vault_core::account::plan::{HistoryEntry, RunEnd};
use vault_core::account::{Account, Subject};
use vault_core::incident::Incident;
use vault_core::lease::Lease;
use vault_core::lease::dynamic::Dynamic;
use vault_core::lease::dynamic::role::DynamicRole;
use vault_core::lease::dynamic::trouble::Trouble;
use vault_core::path::Name;
use vault_core::pool::{Pool, PoolId};
use vault_core::rehearsal::Rehearsal;
use vault_core::schedule::RotationPolicy;
use vault_core::secret::SecretString;
use vault_core::store::key::Table;
use vault_core::target::Target;

use crate::barrier::Record;

/// The secret of one version of a credential.
#[derive(Debug, Serialize, Deserialize)]
pub struct Secret {
    /// The password.
    #[serde(with = "vault_core::secret::for_sealing")]
    pub password: SecretString,
    /// The name to log in with, where it is not the account's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// By which the target names it, where the target made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handle: Option<String>,
}

impl Secret {
    /// A password for the account's own name.
    #[must_use]
    pub fn of(password: SecretString) -> Self {
        Self { password, username: None, handle: None }
    }
}

/// Who manages a user name on a target, so that no two accounts rotate the same one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Managed {
    /// The account, as [`Subject::key`].
    pub subject: String,
}

/// The pool that an account belongs to, so that it belongs to one only. Stored under the account's subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The pool.
    pub pool: PoolId,
}

/// A password policy, as it was written.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StoredPasswordPolicy {
    /// The HCL or JSON text.
    pub text: String,
}

macro_rules! record {
    ($($type:ty => $table:ident),* $(,)?) => {$(
        impl Record for $type {
            const TABLE: Table = Table::$table;
        }
    )*};
}

record! {
    Account => Account,
    Secret => Credential,
    HistoryEntry => History,
    Lease => Lease,
    Dynamic => DynamicLease,
    DynamicRole => DynamicRole,
    Trouble => DynamicTrouble,
    Incident => Incident,
    RunEnd => RotationLog,
    Target => Target,
    Managed => TargetAccount,
    RotationPolicy => RotationPolicy,
    StoredPasswordPolicy => PasswordPolicy,
    Pool => Pool,
    Member => PoolMember,
    Rehearsal => Rehearsal,
    Registration => Plugin,
}

/// The name of a stored secret: subject, NUL, version.
#[must_use]
pub fn secret_name(subject: &Subject, version: u64) -> Vec<u8> {
    numbered(&subject.key(), version)
}

/// The name of a history entry: subject, NUL, sequence number.
#[must_use]
pub fn history_name(subject: &Subject, sequence: u64) -> Vec<u8> {
    numbered(&subject.key(), sequence)
}

/// The prefix of all history entries of a subject.
#[must_use]
pub fn history_prefix(subject: &Subject) -> Vec<u8> {
    let mut name = subject.key().into_bytes();
    name.push(0);
    name
}

/// The name of the entry that says who manages `username` on `target`.
#[must_use]
pub fn managed_name(target: &Name, username: &str) -> Vec<u8> {
    let mut name = managed_prefix(target);
    name.extend_from_slice(username.as_bytes());
    name
}

/// The entries that say who manages the names of an account on its target.
#[must_use]
pub fn managed_names(account: &Account) -> Vec<Vec<u8>> {
    let alternate = account.settings.alternate_username.as_deref();
    [Some(account.username.as_str()), alternate]
        .into_iter()
        .flatten()
        .map(|username| managed_name(&account.target, username))
        .collect()
}

/// The prefix of all managed user names of a target.
#[must_use]
pub fn managed_prefix(target: &Name) -> Vec<u8> {
    let mut name = target.as_str().as_bytes().to_vec();
    name.push(0);
    name
}

/// The name of an ended rotation: its end (8 bytes, big endian), then its id, so that they sort by time.
#[must_use]
pub fn log_name(end: &RunEnd) -> Vec<u8> {
    let mut name = end.ended_at.as_millis().to_be_bytes().to_vec();
    name.extend_from_slice(end.rotation.as_bytes());
    name
}

fn numbered(subject: &str, number: u64) -> Vec<u8> {
    let mut name = subject.as_bytes().to_vec();
    name.push(0);
    name.extend_from_slice(&number.to_be_bytes());
    name
}

/// The kind of an account's entry in the due index.
pub const DUE_ACCOUNT: u8 = 2;
/// The kind of rotation policies in [`Table::Due`] whose accounts are to be given new due times.
pub const DUE_RULE: u8 = 3;
/// The kind of a dynamic lease's entry in the due index.
pub const DUE_DYNAMIC: u8 = 4;
/// The kind of a rehearsal's entry in the due index: its shadow account is to be removed.
pub const DUE_REHEARSAL: u8 = 9;

/// The name in [`Table::TokenLease`] of a dynamic lease: the token's digest, NUL, the name of its record. The id
/// of any other lease begins with another byte.
#[must_use]
pub fn token_lease_name(digest: &[u8], key: &[u8]) -> Vec<u8> {
    [digest, &[0], key].concat()
}
