//! A campaign: the rotation of many accounts, in waves.
//!
//! ```text
//!  gathering ──► wave 1 (the canary) ──► wave 2 ──► … ──► waiting for check-ins ──► done
//!                   └── too many failed, or somebody said so ──► paused ──► (resumed)      any ──► cancelled
//! ```
//!
//! Which accounts it is about, in which order, and at which version each of them stood, is written down before the
//! first is rotated. An account is rotated only while it still stands at that version: so nothing is begun twice,
//! whatever dies in between. How each rotation goes is the account's own matter ([`crate::rotation`]).

pub mod item;
pub mod selection;
pub mod step;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::CampaignId;
use selection::Selection;

/// What it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// New passwords in good order.
    Rotate,
    /// The answer to a breach.
    Respond,
    /// Somebody leaves.
    Offboard,
}

impl Kind {
    /// The word in answers.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Rotate => "rotate",
            Self::Respond => "respond",
            Self::Offboard => "offboard",
        }
    }

    /// Whether the old password has to be dead at the end, also where the target would let it live on for a grace.
    #[must_use]
    pub const fn kills(self) -> bool {
        matches!(self, Self::Respond | Self::Offboard)
    }
}

/// What becomes of accounts that somebody holds on a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leases {
    /// They rotate after check-in, as they do anyway.
    Wait,
    /// Leases of whom the campaign is about end now; others as with `Wait`.
    CutOwn,
    /// The lease ends now.
    Cut,
}

impl Leases {
    /// The word in requests and answers.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Wait => "wait",
            Self::CutOwn => "cut-own",
            Self::Cut => "cut",
        }
    }

    /// Reads [`word`](Self::word) back.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Wait, Self::CutOwn, Self::Cut].into_iter().find(|one| one.word() == word)
    }
}

/// How it goes about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Options {
    /// Accounts in the first wave; 0 for no canary.
    pub canary: u64,
    /// Most rotations begun in a minute; `None` for as fast as it goes.
    pub pace: Option<u32>,
    /// Most rotations at once on one target, if that is less than what the target takes.
    pub concurrency: Option<u32>,
    /// It pauses when more than this share of a wave has failed, in percent; 100 for never.
    pub stop_at: u8,
    /// Accounts on a lease.
    pub leases: Leases,
}

/// Where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Its accounts are being written down; those up to this name are.
    Gathering {
        /// The last name that was looked at.
        after: Option<Vec<u8>>,
    },
    /// A wave is under way.
    Wave,
    /// Every wave is over; some accounts wait for a check-in.
    Watching,
    /// It is over.
    Ended {
        /// Since when.
        at: Timestamp,
        /// Whether somebody cancelled it.
        cancelled: Option<String>,
    },
}

/// Why it is paused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Paused {
    /// Somebody said so.
    By(String),
    /// Too many of a wave have failed.
    Failures,
}

/// The wave under way: the accounts from the number `from` up to, and without, `to`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Wave {
    /// Its number, from 1.
    pub number: u32,
    /// The number of its first account.
    pub from: u64,
    /// The number after its last one.
    pub to: u64,
    /// Accounts of it that are settled.
    pub settled: u64,
    /// Accounts of it that failed since it began, or was resumed.
    pub failed: u64,
}

/// How many stand how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tally {
    /// All.
    pub total: u64,
    /// A new password works, and the old one is refused (or lives on for its grace).
    pub rotated: u64,
    /// It failed; the account has an incident.
    pub failed: u64,
    /// Left alone.
    pub skipped: u64,
    /// On a lease; they rotate after check-in.
    pub waiting: u64,
}

impl Tally {
    /// Those of which nothing is known yet.
    #[must_use]
    pub const fn remaining(&self) -> u64 {
        self.total.saturating_sub(self.rotated + self.failed + self.skipped + self.waiting)
    }
}

/// The record of a campaign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Campaign {
    /// Its id.
    pub id: CampaignId,
    /// What it is for.
    pub kind: Kind,
    /// Which accounts.
    pub selection: Selection,
    /// How.
    pub options: Options,
    /// Who began it.
    pub principal: String,
    /// Why, in their words.
    pub reason: Option<String>,
    /// When it began.
    pub created_at: Timestamp,
    /// Where it stands.
    pub phase: Phase,
    /// Whether it is paused there.
    pub paused: Option<Paused>,
    /// The wave under way.
    pub wave: Wave,
    /// All accounts.
    pub tally: Tally,
    /// The accounts of each target.
    pub targets: BTreeMap<String, Tally>,
    /// Failures by class.
    pub failures: BTreeMap<String, u64>,
    /// Those left alone, by why.
    pub skips: BTreeMap<String, u64>,
    /// Since when it goes on without a pause.
    pub going_since: Timestamp,
    /// How many were settled by then.
    pub settled_before: u64,
}

impl Campaign {
    /// One that has not gathered any account yet.
    #[must_use]
    pub fn new(
        id: CampaignId,
        kind: Kind,
        selection: Selection,
        options: Options,
        principal: String,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            kind,
            selection,
            options,
            principal,
            reason: None,
            created_at: now,
            phase: Phase::Gathering { after: None },
            paused: None,
            wave: Wave::default(),
            tally: Tally::default(),
            targets: BTreeMap::new(),
            failures: BTreeMap::new(),
            skips: BTreeMap::new(),
            going_since: now,
            settled_before: 0,
        }
    }

    /// Where it stands, in a word.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match (&self.phase, &self.paused) {
            (Phase::Ended { cancelled: Some(_), .. }, _) => "cancelled",
            (Phase::Ended { cancelled: None, .. }, _) => "done",
            (_, Some(_)) => "paused",
            (Phase::Gathering { .. }, None) => "gathering",
            (Phase::Wave, None) => "running",
            (Phase::Watching, None) => "waiting",
        }
    }

    /// Whether it is over.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Ended { .. })
    }

    /// Accounts settled so far, those that wait for a check-in among them.
    #[must_use]
    pub const fn settled(&self) -> u64 {
        self.tally.total.saturating_sub(self.tally.remaining())
    }
}

/// Most accounts in a wave; what is kept in memory of a campaign.
pub const WAVE_MAX: u64 = 1000;
/// So much larger is each wave than the one before.
pub const WAVE_GROWTH: u64 = 10;

#[cfg(test)]
mod tests;
