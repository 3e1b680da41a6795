//! A dynamic lease: an account on a target that lives as long as its lease.
//!
//! ```text
//!  Requested ── the target made it ──► Active ── end · expiry · revocation ──► Revoking ── it is gone ──► Closed
//!      │ certainly not made ──► Closed                                          ▲  │ ▲
//!      │ not known, or the process died, or its token ended meanwhile ──────────┘  │ └─ later, or somebody asks
//!      └                                                                           └──► Parked: a person must look
//! ```
//!
//! `Requested` is on disk, with the user name, before anything is done on the target; so whatever exists there
//! has a lease. A lease is `Closed` only when the target was seen not to let the user in any more; its record
//! is removed with that, and the audit trail keeps what happened.

pub mod removal;
pub mod role;
pub mod step;
pub mod trouble;
pub mod username;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Borrower, EndCause, Lease, LeaseState};
use crate::clock::Timestamp;
use crate::id::{MountId, RotationId};
use crate::path::Name;
use crate::rotation::fault::Fault;
use crate::rotation::provisioner::Statements;

/// Where a dynamic lease stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The user is about to be made; the target may have it or not.
    Requested,
    /// The user is there and was handed out.
    Active,
    /// The user is to go.
    Revoking {
        /// When it is tried (again).
        at: Timestamp,
    },
    /// The user is to go, and it takes a person: trying again cannot help.
    Parked,
    /// The target has no such user, or does not let it in.
    Closed,
}

/// The record of a dynamic lease; holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dynamic {
    /// The mount that it was asked of.
    pub mount: MountId,
    /// Where the mount stood then.
    pub mount_path: String,
    /// The role that it was made by.
    pub role: String,
    /// The random end of its id.
    pub suffix: String,
    /// Where the user lives.
    pub target: Name,
    /// Where the target was said to be when the user was made.
    #[serde(default)]
    pub place: Option<String>,
    /// Which server it was, by its own identifier, where it tells one: an absence from another one is no proof.
    #[serde(default)]
    pub server: Option<String>,
    /// The user's name there.
    pub username: String,
    /// Marks everything that is done for it on the target.
    pub job: RotationId,
    /// Who asked.
    pub borrower: Borrower,
    /// Why, in the words of who asked.
    #[serde(default)]
    pub reason: Option<String>,
    /// When it was asked for; its clock starts here.
    pub issued_at: Timestamp,
    /// When it ends unless renewed.
    pub expires_at: Timestamp,
    /// When it ends at the latest.
    pub max_expires_at: Timestamp,
    /// What a renewal without an increment gives.
    pub ttl: Duration,
    /// The last renewal.
    #[serde(default)]
    pub renewed_at: Option<Timestamp>,
    /// How the role said that the user is kept and removed, should the role be gone by then.
    pub statements: Statements,
    /// Where it stands.
    pub stage: Stage,
    /// Whether its creation is being undone, rather than a use ended.
    #[serde(default)]
    pub undo: bool,
    /// Why it ends.
    #[serde(default)]
    pub ending: Option<EndCause>,
    /// When it began to end.
    #[serde(default)]
    pub closing: Option<Timestamp>,
    /// Attempts to remove the user that failed.
    #[serde(default)]
    pub failures: u32,
    /// Those of them that another attempt hardly heals, since a person asked last.
    #[serde(default)]
    pub refusals: u32,
    /// The last of them.
    #[serde(default)]
    pub fault: Option<Fault>,
    /// Whether the target's trouble counts it.
    #[serde(default)]
    pub troubled: bool,
    /// Its entry in the due index.
    #[serde(default)]
    pub armed: Option<Timestamp>,
}

impl Dynamic {
    /// The name of its record: the mount's id, the role, a slash, the random end.
    #[must_use]
    pub fn key(&self) -> Vec<u8> {
        let (mount, role, suffix) = (self.mount.as_bytes().as_slice(), self.role.as_bytes(), &self.suffix);
        [mount, role, b"/", suffix.as_bytes()].concat()
    }

    /// Its id, where the mount stands at `mount_path`.
    #[must_use]
    pub fn id(&self, mount_path: &str) -> String {
        format!("{mount_path}/{CREDS}/{}/{}", self.role, self.suffix)
    }

    /// What stands for it where accounts have their key: where user names are managed, in a flight's name.
    #[must_use]
    pub fn subject(&self) -> String {
        format!("{SUBJECT_PREFIX}{}/{}/{}", self.mount, self.role, self.suffix)
    }

    /// The key of the record that [`subject`](Self::subject) stands for.
    #[must_use]
    pub fn key_of(subject: &str) -> Option<Vec<u8>> {
        let (mount, rest) = subject.strip_prefix(SUBJECT_PREFIX)?.split_once('/')?;
        Some([MountId::parse(mount)?.as_bytes().as_slice(), rest.as_bytes()].concat())
    }

    /// When the scheduler must look at it next.
    ///
    /// While the user is being made the answer is the epoch: whoever finds the entry and is not making it has
    /// found the work of a process that died.
    #[must_use]
    pub fn wake(&self) -> Option<Timestamp> {
        match self.stage {
            Stage::Requested => Some(Timestamp::EPOCH),
            Stage::Active => Some(self.expires_at),
            Stage::Revoking { at } => Some(at),
            Stage::Parked | Stage::Closed => None,
        }
    }

    /// Its stage in the words that all leases share.
    #[must_use]
    pub fn state(&self) -> LeaseState {
        match self.stage {
            // An end that was asked for while the user is made counts from then on.
            Stage::Requested | Stage::Active if self.ending.is_none() => LeaseState::Active,
            Stage::Requested | Stage::Active | Stage::Revoking { .. } | Stage::Parked => LeaseState::Revoking,
            Stage::Closed => LeaseState::Closed,
        }
    }

    /// It as all leases are shown, where its mount stands at `mount_path`. It has no account, and so no
    /// generation and no version.
    #[must_use]
    pub fn shown(&self, mount_path: &str) -> Lease {
        Lease {
            id: self.id(mount_path),
            subject: self.subject(),
            borrower: self.borrower.clone(),
            generation: 0,
            version: 0,
            issued_at: self.issued_at,
            expires_at: self.expires_at,
            max_expires_at: self.max_expires_at,
            ttl: None,
            pool: None,
            renewed_at: self.renewed_at,
            reason: self.reason.clone(),
            ticket: None,
            state: self.state(),
            ending: self.ending.clone(),
            closing: self.closing,
            closed_at: None,
        }
    }

    /// The stage as it stands in metrics and answers.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        let [requested, active, revoking, parked] = Stage::WORDS;
        match self.stage {
            Stage::Requested => requested,
            Stage::Active => active,
            Stage::Revoking { .. } => revoking,
            Stage::Parked => parked,
            Stage::Closed => "closed",
        }
    }
}

impl Stage {
    /// The words of the stages that are stored.
    pub const WORDS: [&str; 4] = ["requested", "active", "revoking", "parked"];
}

/// What stands between the mount and the role in a lease's id.
pub const CREDS: &str = "creds";
/// What a dynamic lease's subject begins with, as those of accounts begin with `a/` or `m/`.
pub const SUBJECT_PREFIX: &str = "d/";
