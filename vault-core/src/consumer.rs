//! Consumers: who fetched which version of a credential, and who still holds an old one.
//!
//! The request that fetches a version is its consumer's receipt. Each token has one for an account, about the version
//! that it fetched last. Of several tokens of one login (a role whose machines log in again and again) each is
//! an instance of its own; one whose token has ended was followed by those that fetched after it.
//!
//! ```text
//!   token lives ───────────────────────────────────► live ─┬─ holds the current version ► Current
//!   token ended ─┬─ its login has fetched since ─► gone    └─ holds another ────────────► Lagging
//!                ├─ its login has not ──────────► live (the service may go on with what it has)
//!                └─ it was no login ────────────► gone
//!   not heard of for 30 days, lease ended ───────► gone
//! ```
//!
//! To fetch is not to use: a consumer may also *confirm* that it uses a version. One that has done so once is taken at
//! its word from then on: it has the current version when it has confirmed it, and lags until it does.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::account::{Account, Versions};
use crate::clock::Timestamp;
use crate::identity::{Origin, Principal, TokenDigest};
use crate::lease::LeaseState;

/// Who a consumer is, for as long as that can be said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// An entity.
    Entity(String),
    /// A role or user that logs in.
    Login(Origin),
    /// Nothing but its token.
    Token,
}

impl Who {
    /// Who stands behind `principal`.
    #[must_use]
    pub fn of(principal: &Principal) -> Self {
        match (principal.entity_id(), principal.origin()) {
            ("", None) => Self::Token,
            ("", Some(origin)) => Self::Login(origin.clone()),
            (entity, _) => Self::Entity(entity.to_owned()),
        }
    }
}

/// What was fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The version.
    pub version: u64,
    /// The generation of the lease that hands it out; `None` for who reads without one.
    pub lent: Option<u64>,
}

/// That a consumer said that it uses a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmed {
    /// The version.
    pub version: u64,
    /// When it said so first.
    pub at: Timestamp,
}

/// Why a confirmation is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unconfirmed {
    /// It fetched another version last: this one.
    Fetched(u64),
}

/// That a token fetched a version of a credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The token's public name.
    pub accessor: String,
    /// The token's digest, by which it is seen whether it lives.
    pub token: TokenDigest,
    /// When a token ends that is not stored.
    pub token_ends: Option<Timestamp>,
    /// Who stands behind it.
    pub who: Who,
    /// The name for people.
    pub name: String,
    /// When the account was configured: one of the same path that was deleted is another account.
    pub account: Timestamp,
    /// The version that it fetched last.
    pub version: u64,
    /// The generation of the lease by which it has it; `None` for who reads without one.
    pub lent: Option<u64>,
    /// When it first fetched any.
    pub since: Timestamp,
    /// When it first fetched this one.
    pub first_at: Timestamp,
    /// When it was heard of last; stored at least once in [`NOTED_EVERY`].
    pub last_at: Timestamp,
    /// The version that it said it uses, if it ever did.
    #[serde(default)]
    pub confirmed: Option<Confirmed>,
}

impl Receipt {
    /// The receipt of `principal`, who has just fetched `what` of `account`.
    #[must_use]
    pub fn new(account: &Account, principal: &Principal, what: Fetched, now: Timestamp) -> Self {
        let who = Who::of(principal);
        Self {
            accessor: principal.accessor().as_str().to_owned(),
            token: *principal.token(),
            token_ends: principal.unstored_until(),
            who,
            name: principal.display_name().to_owned(),
            account: account.created_at,
            version: what.version,
            lent: what.lent,
            since: now,
            first_at: now,
            last_at: now,
            confirmed: None,
        }
    }

    /// Notes that its holder fetched `what` at `now`; tells whether that is worth storing.
    pub fn fetched(&mut self, what: Fetched, now: Timestamp) -> bool {
        if self.what() == what {
            return self.heard_of(now);
        }
        (self.version, self.lent) = (what.version, what.lent);
        self.first_at = now;
        self.last_at = now;
        true
    }

    /// Notes that its holder was heard of at `now`; tells whether that is worth storing.
    pub fn heard_of(&mut self, now: Timestamp) -> bool {
        let is_due = now.since(self.last_at) >= NOTED_EVERY;
        if is_due {
            self.last_at = now;
        }
        is_due
    }

    /// Notes that its holder says at `now` that it uses `version`: the one that it fetched last. What it confirmed
    /// before may be said again, and changes nothing.
    ///
    /// # Errors
    /// [`Unconfirmed`] of any other version.
    pub fn confirm(&mut self, version: u64, now: Timestamp) -> Result<(), Unconfirmed> {
        let before = self.confirmed.map(|confirmed| confirmed.version);
        if before == Some(version) || (version != self.version && before > Some(version)) {
            return Ok(());
        }
        if version != self.version {
            return Err(Unconfirmed::Fetched(self.version));
        }
        self.confirmed = Some(Confirmed { version, at: now });
        self.last_at = self.last_at.max(now);
        Ok(())
    }

    /// What was fetched.
    #[must_use]
    pub const fn what(&self) -> Fetched {
        Fetched { version: self.version, lent: self.lent }
    }

    /// Who it is about, for people: a login by its role or user, else as its token is called.
    #[must_use]
    pub fn shown(&self) -> String {
        match &self.who {
            Who::Login(origin) => format!("{} ({})", origin.principal, self.name),
            Who::Entity(_) | Who::Token => self.name.clone(),
        }
    }

    /// What is to be stored when this one comes upon the one `there`; `None` when that says as much.
    #[must_use]
    pub fn after(&self, there: Option<&Self>) -> Option<Self> {
        let Some(there) = there.filter(|there| there.account == self.account) else {
            return Some(self.clone());
        };
        // Who is known anew after a restart does not know what was confirmed before it.
        let at = |confirmed: Option<Confirmed>| confirmed.map(|confirmed| confirmed.at);
        let confirmed =
            if at(self.confirmed) > at(there.confirmed) { self.confirmed } else { there.confirmed };
        if there.what() == self.what()
            && confirmed == there.confirmed
            && self.last_at.since(there.last_at) < NOTED_EVERY
        {
            return None;
        }
        let first_at =
            if there.version == self.version { there.first_at.min(self.first_at) } else { self.first_at };
        Some(Self { since: there.since.min(self.since), first_at, confirmed, ..self.clone() })
    }
}

/// How a consumer stands to the current version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It has it.
    Current,
    /// It has another.
    Lagging,
    /// It is a consumer no more.
    Gone,
}

impl Standing {
    /// The word in answers.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Lagging => "lagging",
            Self::Gone => "gone",
        }
    }
}

/// A receipt, and whether its token lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    /// The receipt.
    pub receipt: Receipt,
    /// Whether its token lives.
    pub lives: bool,
}

/// How each of the consumers of `account` stands at `now`.
#[must_use]
pub fn judge(account: &Account, looked: &[Looked], now: Timestamp) -> Vec<Standing> {
    let current = account.versions.current.map(|version| version.number);
    let followed = |receipt: &Receipt| {
        looked.iter().any(|other| {
            other.receipt.account == account.created_at
                && other.receipt.who == receipt.who
                && other.receipt.last_at > receipt.last_at
        })
    };
    // Who borrowed it has it for as long as the lease lasts, and nothing that works afterwards.
    let has_returned = |receipt: &Receipt| {
        let holder = account.lending.holder.as_ref().filter(|lease| lease.state == LeaseState::Active);
        receipt.lent.is_some() && receipt.lent != holder.map(|lease| lease.generation)
    };
    // Whoever has confirmed once is asked for it, by whichever of its tokens.
    let confirms = |receipt: &Receipt| {
        receipt.confirmed.is_some()
            || (receipt.who != Who::Token
                && looked.iter().map(|other| &other.receipt).any(|other| {
                    other.account == account.created_at
                        && other.who == receipt.who
                        && other.confirmed.is_some()
                }))
    };
    let has_it = |receipt: &Receipt| match receipt.confirmed {
        Some(confirmed) => Some(confirmed.version) == current,
        None => Some(receipt.version) == current && (receipt.lent.is_some() || !confirms(receipt)),
    };
    let stands = |Looked { receipt, lives }: &Looked| {
        let may_go_on = *lives || (receipt.who != Who::Token && !followed(receipt));
        if receipt.account != account.created_at
            || now.since(receipt.last_at) >= KEPT
            || !may_go_on
            || has_returned(receipt)
        {
            Standing::Gone
        } else if has_it(receipt) {
            Standing::Current
        } else {
            Standing::Lagging
        }
    };
    looked.iter().map(stands).collect()
}

/// By how many versions the credential that its holder has differs from the current one; 0 when it is the current
/// one, or there is none.
#[must_use]
pub fn versions_behind(receipt: &Receipt, versions: &Versions) -> u64 {
    let held = receipt.confirmed.map_or(receipt.version, |confirmed| confirmed.version);
    versions.current.map_or(0, |current| current.number.abs_diff(held))
}

/// How far the current version has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uptake {
    /// Known consumers that are live.
    pub live: u64,
    /// How many of them do not have the current version.
    pub lagging: u64,
    /// Who those are, by the names of people; who was not heard of for the longest time comes first.
    pub laggards: Vec<String>,
    /// When the last of the others got it.
    pub newest: Option<Timestamp>,
}

/// Sums up receipts of one account, each with its standing.
pub fn uptake<'a>(all: impl Iterator<Item = (&'a Receipt, Standing)>) -> Uptake {
    let mut uptake = Uptake::default();
    let mut lagging: Vec<&Receipt> = Vec::new();
    for (receipt, standing) in all {
        match standing {
            Standing::Gone => continue,
            Standing::Lagging => lagging.push(receipt),
            Standing::Current => {
                let got = receipt.confirmed.map_or(receipt.first_at, |confirmed| confirmed.at);
                uptake.newest = uptake.newest.max(Some(got));
            }
        }
        uptake.live += 1;
    }
    lagging.sort_by_key(|receipt| receipt.last_at);
    uptake.lagging = lagging.len() as u64;
    uptake.laggards = lagging.iter().map(|receipt| receipt.shown()).collect();
    uptake.laggards.dedup();
    uptake
}

/// Whether a receipt is worth keeping: its holder is a consumer, or knows a password that may still open something.
#[must_use]
pub fn is_kept(receipt: &Receipt, standing: Standing, account: Timestamp, versions: &Versions) -> bool {
    let knows = || versions.stored().any(|version| version.number == receipt.version);
    receipt.account == account && (standing != Standing::Gone || knows())
}

/// Which receipt is to make room for a new one: of who is gone before others, then who was not heard of for the
/// longest time.
#[must_use]
pub fn least(looked: &[Looked], standings: &[Standing]) -> Option<usize> {
    let mut order: Vec<usize> = (0..looked.len().min(standings.len())).collect();
    order.sort_by_key(|at| {
        let is_live = standings.get(*at).is_some_and(|standing| *standing != Standing::Gone);
        (is_live, looked.get(*at).map(|looked| looked.receipt.last_at))
    });
    order.first().copied()
}

/// Somebody who was not heard of for so long is no consumer any more.
pub const KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How exactly it is stored when a consumer was heard of last.
pub const NOTED_EVERY: Duration = Duration::from_secs(60 * 60);
/// Most receipts of one account.
pub const RECEIPTS_MAX: usize = 512;

#[cfg(test)]
mod tests;
