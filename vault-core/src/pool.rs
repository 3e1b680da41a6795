//! Pools: accounts that serve the same purpose, of which whoever asks gets one that is free.
//!
//! A pool lends by the lease machine of its accounts ([`crate::lease`]): exclusive, ended by proof of death. It
//! has no state of its own about who holds what, so nothing can disagree with the accounts.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::account::plan::{Context, Plan};
use crate::account::{Account, Readable, Settings};
use crate::clock::Timestamp;
use crate::id::MountId;
use crate::lease::checkout::{self, Request};
use crate::lease::line::WAITER_KEPT;
use crate::lease::{LeaseState, Limits, MAX_TTL_DEFAULT, TTL_DEFAULT};
use crate::path::{AccountPath, Name};
use crate::rotation::grace;
use crate::rotation::run::Stage;

/// Which pool.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PoolId {
    /// The mount that it is configured at.
    pub mount: MountId,
    /// Its name there.
    pub name: Name,
}

impl PoolId {
    /// Reads [`PoolId::key`] back.
    #[must_use]
    pub fn from_key(key: &[u8]) -> Option<Self> {
        let (mount, name) = key.split_first_chunk()?;
        let name = Name::parse(std::str::from_utf8(name).ok()?).ok()?;
        Some(Self { mount: MountId::from_stored(*mount), name })
    }

    /// The name of its record in the store: mount id, name.
    #[must_use]
    pub fn key(&self) -> Vec<u8> {
        [self.mount.as_bytes().as_slice(), self.name.as_str().as_bytes()].concat()
    }
}

/// A pool's record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    /// Its accounts, in the order in which they were named.
    pub accounts: Vec<AccountPath>,
    /// The length of a check-out that asks for none; `None` for the account's own.
    pub ttl: Option<Duration>,
    /// The longest a check-out may last, renewals included; `None` for the account's own.
    pub max_ttl: Option<Duration>,
    /// Whether anybody who may check in may end anybody's check-out.
    pub disable_check_in_enforcement: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Why a pool cannot be so. The texts are those of Vault's LDAP engine where it has one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PoolRule {
    /// No account.
    #[error("at least one service account must be configured")]
    Empty,
    /// More than [`ACCOUNTS_MAX`].
    #[error("a pool has at most {ACCOUNTS_MAX} accounts")]
    TooMany,
    /// One account twice.
    #[error("{0} is named twice")]
    Twice(AccountPath),
    /// A default that is above the maximum.
    #[error("max_ttl ({max_ttl} seconds) may not be less than ttl ({ttl} seconds)")]
    Ttl {
        /// The default, in seconds.
        ttl: u64,
        /// The maximum, in seconds.
        max_ttl: u64,
    },
}

impl Pool {
    /// Whether it can be so.
    ///
    /// # Errors
    /// [`PoolRule`] by cause.
    pub fn check(&self) -> Result<(), PoolRule> {
        if self.accounts.is_empty() {
            return Err(PoolRule::Empty);
        }
        if self.accounts.len() > ACCOUNTS_MAX {
            return Err(PoolRule::TooMany);
        }
        let mut seen = BTreeSet::new();
        if let Some(twice) = self.accounts.iter().find(|path| !seen.insert(*path)) {
            return Err(PoolRule::Twice(twice.clone()));
        }
        match (self.ttl, self.max_ttl) {
            (Some(ttl), Some(max_ttl)) if ttl > max_ttl => {
                Err(PoolRule::Ttl { ttl: ttl.as_secs(), max_ttl: max_ttl.as_secs() })
            }
            _ => Ok(()),
        }
    }

    /// The bounds of a check-out of one of its accounts. Neither what the account's own settings allow at most
    /// nor `longest`, which is what the mount allows, is ever exceeded.
    #[must_use]
    pub fn limits(&self, account: &Settings, longest: Duration) -> Limits {
        let asked = self.max_ttl.or(account.max_ttl).unwrap_or(MAX_TTL_DEFAULT);
        let max_ttl = asked.min(account.max_ttl.unwrap_or(asked)).min(longest);
        Limits { ttl: self.ttl.or(account.ttl).unwrap_or(TTL_DEFAULT).min(max_ttl), max_ttl }
    }
}

/// Whether a pool may lend an account now, and why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Availability {
    /// It may.
    Free,
    /// Somebody has it.
    Lent,
    /// Its last lease is ending, and what it handed out is not proven dead.
    Ending,
    /// Somebody who asked for this very account comes first.
    Promised,
    /// A rotation is under way.
    Changing,
    /// A rotation failed, or another incident is open: not before it is verified healthy.
    Failing,
    /// The target refuses the stored credential.
    Refused,
    /// No credential has ever been set.
    NotReady,
}

impl Availability {
    /// The word in answers.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Lent => "lent",
            Self::Ending => "ending",
            Self::Promised => "promised",
            Self::Changing => "changing",
            Self::Failing => "failing",
            Self::Refused => "refused",
            Self::NotReady => "not_ready",
        }
    }
}

/// Whether a pool may lend `account` at `now`.
#[must_use]
pub fn availability(account: &Account, now: Timestamp) -> Availability {
    let has_failed = account.incident.is_some()
        || matches!(account.stage, Stage::Parked { .. })
        || matches!(&account.stage, Stage::Waiting { run, .. } if run.fault.is_some());
    match (&account.lending.holder, account.readable()) {
        (Some(lease), _) if lease.state == LeaseState::Active => Availability::Lent,
        (Some(_), _) => Availability::Ending,
        (None, Readable::NotYet) => Availability::NotReady,
        (None, Readable::Refused) => Availability::Refused,
        (None, _) if has_failed => Availability::Failing,
        (None, Readable::Changing | Readable::Doubtful(_)) => Availability::Changing,
        (None, Readable::Yes(_)) if account.stage != Stage::Idle && grace::of(account).is_none() => {
            Availability::Changing
        }
        (None, Readable::Yes(_))
            if account.lending.line.iter().any(|waiter| now.since(waiter.asked_at) < WAITER_KEPT) =>
        {
            Availability::Promised
        }
        (None, Readable::Yes(_)) => Availability::Free,
    }
}

/// Hands out an account of the pool that `request` names, or says why not.
///
/// # Errors
/// [`Availability`] for one that is not free; nothing changes then.
pub fn check_out(
    account: Account,
    request: Request,
    limits: Limits,
    ctx: &Context,
) -> Result<Plan, Availability> {
    match availability(&account, ctx.now) {
        Availability::Free => {
            checkout::check_out(account, request, limits, ctx).map_err(|_| Availability::Changing)
        }
        taken => Err(taken),
    }
}

/// Sorts accounts by whose turn it is: the one first that was not lent for the longest time.
pub fn by_turn(accounts: &mut [Account]) {
    accounts.sort_by_key(|account| (account.lending.lent_at, account.lending.generation));
}

/// Most accounts of one pool: its removal checks and releases each of them in one commit.
pub const ACCOUNTS_MAX: usize = 60;

#[cfg(test)]
mod tests;
