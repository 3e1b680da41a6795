//! What the engine stores, and under which names.

use rotators::plugin::Registration;
use serde::{Deserialize, Serialize};
use vault_core::account::plan::{HistoryEntry, RunEnd};
use vault_core::account::{Account, Subject};
use vault_core::id::IncidentId;
use vault_core::incident::Incident;
use vault_core::incident::entry::Entry;
use vault_core::lease::Lease;
use vault_core::lease::dynamic::Dynamic;
use vault_core::lease::dynamic::role::DynamicRole;
use vault_core::lease::dynamic::trouble::Trouble;
use vault_core::path::Name;
use vault_core::pool::{Pool, PoolId};
use vault_core::rehearsal::Rehearsal;
use vault_core::rotation::attempt::Attempt;
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
    Entry => IncidentLine,
    RunEnd => RotationLog,
    Attempt => Attempt,
    Target => Target,
    Managed => TargetAccount,
    RotationPolicy => RotationPolicy,
    StoredPasswordPolicy => PasswordPolicy,
    Pool => Pool,
    Member => PoolMember,
    Rehearsal => Rehearsal,
    Registration => Plugin,
}

impl Record for Incident {
    const TABLE: Table = Table::Incident;
    /// From 2 on its time line has records of its own: a program that knows 1 alone would begin that anew. From 3 on it
    /// may be a target's: a program that knows 2 alone would close it with the first account that is healthy. From 4 on
    /// others may be merged into it: a program that knows 3 alone would close it before they are proven.
    const VERSION: u8 = 4;

    fn decode(version: u8, body: &[u8]) -> Option<Self> {
        matches!(version, 1..=4).then(|| rmp_serde::from_slice(body).ok()).flatten()
    }
}

/// The name of a line of an incident: its id, then its place (8 bytes, big endian).
#[must_use]
pub fn line_name(incident: IncidentId, place: u64) -> Vec<u8> {
    [incident.as_bytes().as_slice(), &place.to_be_bytes()].concat()
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

/// The name of an attempt: when it was over (8 bytes, big endian), its rotation, its number.
#[must_use]
pub fn attempt_name(attempt: &Attempt) -> Vec<u8> {
    let mut name = attempt.at.as_millis().to_be_bytes().to_vec();
    name.extend_from_slice(attempt.rotation.as_bytes());
    name.extend_from_slice(&attempt.number.to_be_bytes());
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
/// The kind of an entry in the due index of an incident that waits for somebody, or of a look at all of them.
pub const DUE_ESCALATION: u8 = 57;
/// The kind of a silence's entry in the due index: it begins, or ends.
pub const DUE_SILENCE: u8 = 10;

/// The name in [`Table::TokenLease`] of a dynamic lease: the token's digest, NUL, the name of its record. The id
/// of any other lease begins with another byte.
#[must_use]
pub fn token_lease_name(digest: &[u8], key: &[u8]) -> Vec<u8> {
    [digest, &[0], key].concat()
}

#[cfg(test)]
mod tests {
    use vault_core::clock::Timestamp;
    use vault_core::incident::ledger::{LedgerEvent, record};
    use vault_core::incident::{IncidentState, Kind};

    use super::*;

    #[test]
    fn an_incident_of_version_1_is_read_and_goes_on() {
        let body = data_encoding::HEXLOWER.decode(VERSION_1.as_bytes()).unwrap();
        let incident = Incident::decode(1, &body).unwrap();
        let at = |seconds: i64| Some(Timestamp::from_secs(1_790_000_000 + seconds));
        let marks = incident.marks;
        assert_eq!((marks.t0, marks.t1, marks.t3, marks.t5), (at(0), at(1), at(10), at(30)));
        let kinds: Vec<&str> = incident.events.iter().map(|event| event.kind.as_str()).collect();
        assert_eq!(kinds, ["opened", "acknowledged", "assigned", "note"]);
        assert_eq!((incident.owner.as_deref(), incident.lines), (Some("dba"), 0));
        assert_eq!((incident.kind, incident.members.ever), (Kind::Account, 0));
        // A clock that shows a time before its last line is told, and does not turn its time back.
        let id = incident.id;
        let healed = LedgerEvent::Remediated { incident: id, at: at(45).unwrap() };
        let after = record(Some(incident), &healed).unwrap();
        let entry = after.entry.unwrap();
        assert_eq!((entry.seq, Some(entry.at), entry.wall), (0, at(50), at(45)));
        assert_eq!((after.incident.state, after.incident.marks.t7), (IncidentState::Closed, at(50)));
        assert_eq!(after.incident.stepped_back.map(|step| step.as_secs()), Some(5));
        assert_eq!(Incident::decode(5, &body), None);
    }

    /// What the program before version 2 wrote: opened, acknowledged, given to somebody, noted.
    const VERSION_1: &str = concat!(
        "8fa26964c41001a204e882ab7124b2fca63569ed5076a77375626a656374a8612f64622f617070a6746172676574a27067a5",
        "636c617373ab756e726561636861626c65a57068617365a56170706c79a664657461696cb170673a206e6f20636f6e6e6563",
        "74696f6ea57374617465a46f70656ea67061726b6564c2a56d61726b7389a27430cf000001a0c4506c00a27431cf000001a0",
        "c4506fe8a27432cf000001a0c4509310a27433cf000001a0c4509310a27434c0a27435cf000001a0c450e130a27436c0a274",
        "37c0a27438c0a86661696c7572657301a872656f70656e656400ac6e6578745f617474656d7074cf000001a0c4517d70a56f",
        "776e6572a3646261a66576656e74739484a26174cf000001a0c4509310a46b696e64a66f70656e6564a26279c0a474657874",
        "be756e726561636861626c653a2070673a206e6f20636f6e6e656374696f6e84a26174cf000001a0c450e130a46b696e64ac",
        "61636b6e6f776c6564676564a26279a3616e6ea474657874ac61636b6e6f776c656467656484a26174cf000001a0c4510840",
        "a46b696e64a861737369676e6564a26279a3616e6ea474657874ac6f776e65722069732064626184a26174cf000001a0c451",
        "2f50a46b696e64a46e6f7465a26279a3626f62a474657874a47365656eae6576656e74735f64726f7070656400",
    );
}
