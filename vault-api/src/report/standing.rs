//! `reports/standing`, `reports/ages` and `reports/due`: how accounts stand now.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::is_zero;
use crate::WireTime;

/// GET `reports/standing`: how many accounts stand how; management credentials are not among them, unless it is said.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StandingReport {
    /// When it was looked.
    pub as_of: WireTime,
    /// How far ahead `soon` looks, in seconds.
    pub within_seconds: u64,
    /// All accounts.
    pub accounts: u64,
    /// Those with an open incident.
    pub failing: u64,
    /// Those that are due for a minute or more, and nothing keeps them back.
    pub overdue: u64,
    /// Those that become due soon.
    pub soon: u64,
    /// Those that the vault has never rotated.
    pub never_rotated: u64,
    /// Those that a maintenance of their target holds.
    pub held: u64,
    /// Those in somebody's hands.
    pub lent: u64,
    /// Of these, those that are beyond their time.
    pub lent_late: u64,
    /// Of these, those that are ending, whose password has not been seen to be dead.
    pub revoking: u64,
    /// How many are in each state that there is one in.
    pub by_state: BTreeMap<String, u64>,
    /// How far current versions have come.
    pub consumers: ConsumersStanding,
    /// How old credentials are.
    pub ages: AgesStanding,
    /// How leases stand.
    pub leases: LeasesStanding,
}

/// How old all credentials are by their policies, those of management among them; they are counted once a minute.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AgesStanding {
    /// When they were counted; absent before the first count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<WireTime>,
    /// All of them.
    pub accounts: u64,
    /// Those without a rotation policy: their age is measured against nothing.
    pub without_policy: u64,
    /// Those without a credential yet.
    pub without_credential: u64,
    /// How many there are of each age by its policy's period.
    pub buckets: Vec<AgeBucket>,
}

/// How leases stand, by kind; they are counted once a minute.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LeasesStanding {
    /// When they were counted; absent before both kinds were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<WireTime>,
    /// Of accounts that are checked out.
    pub account: LeaseCounts,
    /// Of users that are made for a lease.
    pub dynamic: LeaseCounts,
}

/// Leases of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LeaseCounts {
    /// Those that nothing has begun to end.
    pub live: u64,
    /// Of these, those past their end for a minute or more.
    pub overdue: u64,
    /// Those that have been ending for a minute or more, without the proof that the target refuses what they gave.
    pub stuck: u64,
}

/// How the live consumers of all accounts stand; they are looked at once a minute.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConsumersStanding {
    /// When they were looked at; absent before the first look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<WireTime>,
    /// Those that have the current version.
    pub current: u64,
    /// Those that have another.
    pub lagging: u64,
    /// Of these, how many are behind by so many versions; by 0 who has fetched the current one and is to confirm it.
    pub behind: BTreeMap<String, u64>,
}

/// GET `reports/ages`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AgeReport {
    /// When it was looked.
    pub as_of: WireTime,
    /// All accounts, management credentials among them.
    pub accounts: u64,
    /// Those without a rotation policy: their age is measured against nothing.
    pub without_policy: u64,
    /// Those without a credential yet.
    pub without_credential: u64,
    /// Those whose credential the vault has never changed.
    pub never_rotated: u64,
    /// How many there are of each age by its policy's period.
    pub buckets: Vec<AgeBucket>,
    /// Those that are oldest by that measure, at most as many as were asked for.
    pub oldest: Vec<AgedAccount>,
    /// Those beyond as many as were asked for.
    #[serde(skip_serializing_if = "is_zero")]
    pub left_out: u64,
}

/// Accounts of a like age.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AgeBucket {
    /// The age by the period from which on; included.
    pub from: f64,
    /// And up to which; excluded, `null` for any.
    pub to: Option<f64>,
    /// How many.
    pub accounts: u64,
}

/// An account and the age of its credential.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AgedAccount {
    /// Which.
    pub account: String,
    /// Where.
    pub target: String,
    /// How old its credential is.
    pub age_seconds: u64,
    /// How old its policy lets one become.
    pub period_seconds: u64,
    /// The one by the other.
    pub ratio: f64,
    /// Whether the vault has never changed it.
    pub never_rotated: bool,
}

/// GET `reports/due`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DueReport {
    /// When it was looked.
    pub as_of: WireTime,
    /// How far ahead `soon` looks, in seconds.
    pub within_seconds: u64,
    /// All accounts, management credentials among them.
    pub accounts: u64,
    /// Those that are due and not rotated.
    pub overdue: u64,
    /// Those that become due soon.
    pub soon: u64,
    /// Those whose credential the vault has never changed.
    pub never_rotated: u64,
    /// Those whose rotation waits for a person.
    pub parked: u64,
    /// Those that are due and that a maintenance of their target holds: not overdue.
    pub held: u64,
    /// Those that are due or will be soon or are parked or held, the longest overdue first, at most as many as were asked for.
    pub listed: Vec<DueAccount>,
    /// Those beyond as many as were asked for.
    #[serde(skip_serializing_if = "is_zero")]
    pub left_out: u64,
}

/// An account that is due, or will be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DueAccount {
    /// Which.
    pub account: String,
    /// Where.
    pub target: String,
    /// Where its rotation stands.
    pub state: String,
    /// When it is or was due.
    pub due_at: Option<WireTime>,
    /// For how long; `null` when it is not yet, or is held.
    pub overdue_seconds: Option<u64>,
    /// Until when a maintenance of its target holds it.
    pub held_until: Option<WireTime>,
    /// Whether the vault has never changed it.
    pub never_rotated: bool,
    /// The open incident.
    pub incident: Option<String>,
}
