//! Check-out and check-in: a time-bound, exclusive grant of an account's credential to a principal.
//!
//! ```text
//!  Active ── check-in · expiry · revocation ──► Revoking ── the target refuses what was handed out ──► Closed
//! ```
//!
//! A lease is `Closed` only with that proof; until then it is `Revoking`, visibly, and the account is
//! not lent again. Every check-out carries a generation, so that a stale check-in, renewal or expiry
//! changes nothing.

pub mod checkout;
pub mod closing;
pub mod dynamic;
pub mod line;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::pool::PoolId;
use line::Waiter;

/// Who asks, as leases remember it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Borrower {
    /// The stable id (the token's accessor, later the entity).
    pub id: String,
    /// The name for people.
    pub name: String,
    /// Digest of the token, so that revoking it ends the lease. Hex.
    pub token: String,
    /// Accessor of the token: its public name. Empty in leases from before it was noted.
    #[serde(default)]
    pub accessor: String,
}

/// Where a lease stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeaseState {
    /// The borrower may use the credential.
    Active,
    /// It ends; the target may still accept what was handed out.
    Revoking,
    /// The target refuses what was handed out.
    Closed,
}

/// Why a lease ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndCause {
    /// The borrower checked it in.
    CheckIn,
    /// Somebody else ended it.
    Forced {
        /// Who.
        principal: String,
    },
    /// Its time ran out.
    Expired,
    /// Its token was revoked or expired.
    TokenGone,
    /// Its mount was disabled.
    MountGone,
}

/// One lease. Stored by its id, and while it lasts also inside its account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The path that it was asked at, then a random part: `accounts/check-out/<path>/<random>`,
    /// `pools/check-out/<name>/<random>`, `<mount>/library/<set>/check-out/<random>`.
    pub id: String,
    /// The account, as [`crate::account::Subject::key`].
    pub subject: String,
    /// Who holds it.
    pub borrower: Borrower,
    /// The fencing generation: one higher than the account's previous lease.
    pub generation: u64,
    /// The version that was handed out.
    pub version: u64,
    /// When the secret was handed out; the clock starts here.
    pub issued_at: Timestamp,
    /// When it ends unless renewed.
    pub expires_at: Timestamp,
    /// When it ends at the latest.
    pub max_expires_at: Timestamp,
    /// What a renewal gives that asks for nothing; `None` for the account's own setting.
    #[serde(default)]
    pub ttl: Option<Duration>,
    /// The pool that it was lent from; `None` when the account itself was asked for.
    #[serde(default)]
    pub pool: Option<PoolId>,
    /// The last renewal.
    pub renewed_at: Option<Timestamp>,
    /// Why the borrower wanted it.
    pub reason: Option<String>,
    /// The ticket they named.
    pub ticket: Option<String>,
    /// Where it stands.
    pub state: LeaseState,
    /// Why it ends.
    pub ending: Option<EndCause>,
    /// When it began to end.
    pub closing: Option<Timestamp>,
    /// When the target was seen to refuse what it handed out.
    pub closed_at: Option<Timestamp>,
}

/// The lending side of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Lending {
    /// The generation of the last lease.
    pub generation: u64,
    /// The lease that is not closed yet.
    pub holder: Option<Lease>,
    /// Who waits, first come first.
    pub line: Vec<Waiter>,
    /// When it was lent last.
    pub lent_at: Option<Timestamp>,
}

impl Lending {
    /// Whether a lease is open, be it active or closing.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.holder.is_some()
    }

    /// Whether somebody may be using the credential right now.
    #[must_use]
    pub fn is_lent(&self) -> bool {
        self.holder.as_ref().is_some_and(|lease| lease.state == LeaseState::Active)
    }

    /// Whether the active lease has run out.
    #[must_use]
    pub fn expired(&self, now: Timestamp) -> bool {
        self.holder.as_ref().is_some_and(|lease| lease.state == LeaseState::Active && lease.expires_at <= now)
    }
}

/// The bounds of a lease's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// What a request without a TTL gets.
    pub ttl: Duration,
    /// The longest life, renewals included.
    pub max_ttl: Duration,
}

/// The default length of a check-out.
pub const TTL_DEFAULT: Duration = Duration::from_secs(60 * 60);
/// The longest life of a check-out where nothing is configured.
pub const MAX_TTL_DEFAULT: Duration = Duration::from_secs(8 * 60 * 60);
