//! `campaigns/…`: the rotation of many accounts, in waves.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::WireTime;

/// POST `campaigns/rotate`, `campaigns/respond`, `campaigns/offboard`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CampaignRequest {
    /// Every account.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub all: bool,
    /// The accounts of this target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The accounts whose path fits; `*` stands for any text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// Only accounts whose password is at least this old.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub older_than: Option<String>,
    /// What this principal knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
    /// Management credentials, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub management: Option<bool>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Accounts in the first wave; 0 for no canary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub canary: Option<u64>,
    /// Most rotations begun in a minute; 0 for as fast as it goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pace: Option<u64>,
    /// Most rotations at once on one target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u64>,
    /// The share of failures in a wave, in percent, above which it pauses; 100 for never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_at: Option<u64>,
    /// `wait`, `cut-own` or `cut`: accounts on a lease.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leases: Option<String>,
    /// End the principal's tokens first, and with them what they hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoke: Option<bool>,
    /// Only tell what would be done.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

/// How many stand how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CampaignTally {
    /// All.
    pub total: u64,
    /// A new password works.
    pub rotated: u64,
    /// It failed.
    pub failed: u64,
    /// Left alone.
    pub skipped: u64,
    /// On a lease; they rotate after check-in.
    pub waiting: u64,
    /// The others.
    pub remaining: u64,
}

/// GET `campaigns/<id>`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CampaignStatus {
    /// Its name.
    pub id: String,
    /// `rotate`, `respond` or `offboard`.
    pub kind: String,
    /// `gathering`, `running`, `paused`, `waiting`, `done` or `cancelled`.
    pub state: String,
    /// Why it is paused, or who cancelled it.
    pub why: Option<String>,
    /// Which accounts it is about, in words.
    pub scope: String,
    /// Who began it.
    pub principal: String,
    /// Why.
    pub reason: Option<String>,
    /// When it began.
    pub created_at: WireTime,
    /// When it ended.
    pub ended_at: Option<WireTime>,
    /// The number of the wave under way.
    pub wave: u64,
    /// How many accounts that wave has.
    pub wave_size: u64,
    /// How many stand how.
    pub accounts: CampaignTally,
    /// The accounts of each target.
    pub targets: BTreeMap<String, CampaignTally>,
    /// Failures by class.
    pub failures: BTreeMap<String, u64>,
    /// Accounts left alone, by why.
    pub skips: BTreeMap<String, u64>,
    /// Accounts settled in a minute, since it began or was resumed.
    pub rate_per_minute: f64,
    /// How long the rest takes at that rate.
    pub seconds_left: Option<u64>,
}

/// Answer to POST `campaigns/rotate`, `respond`, `offboard`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CampaignStarted {
    /// The campaign.
    pub campaign: CampaignStatus,
    /// What there is of the principal that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<PrincipalAccess>,
}

/// What a principal still has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PrincipalAccess {
    /// The accessors of its live tokens.
    pub tokens: Vec<String>,
    /// The ids of the leases that they hold.
    pub leases: Vec<String>,
    /// Whether they were ended.
    pub revoked: bool,
}

/// Answer to a dry run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CampaignPlan {
    /// Always true.
    pub dry_run: bool,
    /// Which accounts it would be about, in words.
    pub scope: String,
    /// How many.
    pub total: u64,
    /// In how many waves.
    pub waves: u64,
    /// Whether there are more than are named.
    pub truncated: bool,
    /// The accounts, in the order in which their turn would come.
    pub accounts: Vec<CampaignAccount>,
    /// What there is of the principal that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<PrincipalAccess>,
}

/// One account of a campaign.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CampaignAccount {
    /// Its path; or the name of a target, for its management credential.
    pub account: String,
    /// The target.
    pub target: String,
    /// The version that is to be replaced.
    pub version: Option<u64>,
    /// How it stands: `pending`, `waiting`, `rotated`, `failed` or `skipped`; in a dry run `rotate`, `cut`,
    /// `wait` or `skip`.
    pub state: String,
    /// The class of the failure, or why it is left alone, or who holds it.
    pub why: Option<String>,
    /// More, in words.
    pub detail: Option<String>,
}

/// GET `campaigns`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CampaignList {
    /// The campaigns, the latest first.
    pub campaigns: Vec<CampaignStatus>,
}

/// GET `campaigns/<id>/accounts`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CampaignAccounts {
    /// Those that were asked for.
    pub accounts: Vec<CampaignAccount>,
    /// Where to go on, when there are more.
    pub next: Option<u64>,
}
