//! One account of a campaign: what is to be done about it, as its record stands.

use serde::{Deserialize, Serialize};

use super::{Campaign, Leases};
use crate::account::{Account, Subject};
use crate::clock::Timestamp;
use crate::rotation::run::{Run, Stage};

/// One account of a campaign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Whose credential.
    pub subject: Subject,
    /// The target.
    pub target: String,
    /// When the account was configured: one of the same path that was deleted is another account.
    pub account: Timestamp,
    /// The version that is to be replaced; `None` when there was none.
    pub version: Option<u64>,
    /// How it stands.
    pub state: State,
}

/// How an account of a campaign stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Its turn has not come, or its rotation is under way.
    Pending,
    /// Somebody holds it; it rotates after check-in.
    Waiting {
        /// Who.
        holder: String,
        /// Until when at the latest.
        until: Timestamp,
    },
    /// A new version is current.
    Rotated {
        /// Which.
        version: u64,
    },
    /// The rotation failed; the account has an incident.
    Failed {
        /// The class of the fault.
        class: String,
        /// What went wrong.
        detail: String,
    },
    /// It was left alone.
    Skipped(Skip),
}

/// Why an account is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Skip {
    /// A rotation of it failed before the campaign began, and is tried again by itself.
    Failing,
    /// It was parked before the campaign began: a person has to look at it first.
    Parked,
    /// It has no credential yet.
    NoCredential,
    /// It was deleted.
    Gone,
}

impl Skip {
    /// The word in answers.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Failing => "already_rotating",
            Self::Parked => "parked",
            Self::NoCredential => "no_credential",
            Self::Gone => "deleted",
        }
    }
}

impl State {
    /// The word in answers.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Waiting { .. } => "waiting",
            Self::Rotated { .. } => "rotated",
            Self::Failed { .. } => "failed",
            Self::Skipped(_) => "skipped",
        }
    }
}

/// What is to be done about an account now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// Its rotation is to begin, or to go on at once.
    Begin,
    /// Its lease is to end, and it rotates by that.
    Cut,
    /// It is being worked on: look again when that is over.
    Wait,
    /// There is nothing to do.
    Settled(State),
}

/// What is to be done about `item`, whose record is `account`; `is_own` says whether whoever holds it on a lease is
/// whom the campaign is about.
#[must_use]
pub fn look(campaign: &Campaign, item: &Item, account: Option<&Account>, is_own: bool) -> Look {
    let Some(account) = account.filter(|account| account.created_at == item.account) else {
        return Look::Settled(State::Skipped(Skip::Gone));
    };
    let Some(version) = item.version else { return Look::Settled(State::Skipped(Skip::NoCredential)) };
    let current = account.versions.current.map(|current| current.number);
    let is_replaced = if campaign.kind.kills() {
        !account.versions.stored().any(|stored| stored.number == version)
    } else {
        current != Some(version)
    };
    let rotated = || Look::Settled(State::Rotated { version: current.unwrap_or_default() });
    match &account.stage {
        Stage::Active { .. } => Look::Wait,
        // Whether its rotation waits for the lease or stopped before it touched the target: the lease ends.
        stage
            if stage.untouched()
                && !is_replaced
                && account.lending.is_lent()
                && cuts(campaign.options.leases, is_own) =>
        {
            Look::Cut
        }
        // In its grace it has rotated, whatever went wrong on the way there.
        Stage::Waiting { run, .. } | Stage::Parked { run, .. }
            if run.fault.is_some() && run.grace.is_none() =>
        {
            stopped(campaign, account, run)
        }
        // It goes on by itself when there is room for its next login.
        Stage::Waiting { run, .. } if run.held.is_some() => Look::Wait,
        _ if is_replaced => rotated(),
        Stage::Parked { run, .. } => stopped(campaign, account, run),
        // Without a fault: the old version lives on for its grace, which ends now.
        Stage::Waiting { .. } => Look::Begin,
        Stage::Idle => match account.lending.holder.as_ref().filter(|_| account.lending.is_lent()) {
            Some(lease) => {
                Look::Settled(State::Waiting { holder: lease.borrower.name.clone(), until: lease.expires_at })
            }
            None => Look::Begin,
        },
    }
}

/// A rotation that stopped with a fault.
fn stopped(campaign: &Campaign, account: &Account, run: &Run) -> Look {
    Look::Settled(match &run.fault {
        Some(fault) if run.started_at >= campaign.created_at => {
            State::Failed { class: fault.class.to_string(), detail: fault.detail.clone() }
        }
        _ if matches!(account.stage, Stage::Parked { .. }) => State::Skipped(Skip::Parked),
        _ => State::Skipped(Skip::Failing),
    })
}

const fn cuts(leases: Leases, is_own: bool) -> bool {
    match leases {
        Leases::Wait => false,
        Leases::CutOwn => is_own,
        Leases::Cut => true,
    }
}
