//! The record of a token.
//!
//! Only [`super::create()`], [`super::login()`], [`super::initial_root`], [`super::renew()`] and the moves below make one, so
//! its parts fit together: a root token without a TTL never expires, everything else does.
//!
//! ```text
//!  Live ──clock──► Expired          Live ──revoke · last use──► Revoking ──children, leases──► (deleted)
//! ```

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::accessor::Accessor;
use super::cidr::{self, CidrBlock};
use super::digest::TokenDigest;
use super::policy_set;
use crate::clock::Timestamp;
use crate::id::MountId;

/// Why a token was not made or not renewed. The texts are Vault's where clients know them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The parent has a use limit.
    #[error("restricted use token cannot generate child tokens")]
    ParentUseLimited,
    /// The parent is a batch token.
    #[error("batch tokens cannot create more tokens")]
    ParentBatch,
    /// The parent has expired or is being revoked.
    #[error("permission denied")]
    ParentNotLive,
    /// A bound on the life of a batch token.
    #[error("batch tokens cannot have \"explicit_max_ttl\" set")]
    BatchExplicitMax,
    /// A use limit of a batch token.
    #[error("batch tokens cannot have \"num_uses\" set")]
    BatchUses,
    /// A period of a batch token.
    #[error("batch tokens cannot have \"period\" set")]
    BatchPeriod,
    /// A chosen text for a batch token, whose text is its record.
    #[error("batch tokens cannot have \"id\" set")]
    BatchId,
    /// A batch token that could not be stopped.
    #[error("batch tokens cannot be root tokens")]
    BatchRoot,
    /// A batch token ends by its time, or with its parent or mount.
    #[error("batch tokens cannot be revoked")]
    BatchNotRevocable,
    /// A policy that the role does not allow.
    #[error("token policies must be subset of the role's allowed policies or glob policies")]
    NotAllowedByRole,
    /// A policy that the role forbids.
    #[error("token policy is disallowed by this role")]
    DisallowedByRole,
    /// Only root chooses the text of a token.
    #[error("root privileges required to specify token id")]
    IdNeedsRoot,
    /// The chosen text looks like one that the vault draws.
    #[error("custom token ID cannot have the 'hvs.' or 's.' prefix")]
    IdPrefix,
    /// The chosen text cannot be sent in a header.
    #[error("token id must be 1 to 255 printable ASCII characters without spaces")]
    IdForm,
    /// A token with the chosen text exists. Found by the store's precondition, not here.
    #[error("cannot create a token with a duplicate ID")]
    IdTaken,
    /// More rights than the parent has.
    #[error("child policies must be subset of parent")]
    NotSubset,
    /// `root` asked for by something that is not root, sudo or not.
    #[error("root tokens may not be created without parent token being root")]
    RootNeedsRoot,
    /// A root token without end asked for by one with an end.
    #[error("expiring root tokens cannot create non-expiring root tokens")]
    ExpiringRoot,
    /// `no_parent` without root or sudo.
    #[error("root or sudo privileges required to create orphan token")]
    OrphanNeedsSudo,
    /// `period` without root or sudo.
    #[error("root or sudo privileges required to create periodic token")]
    PeriodNeedsSudo,
    /// Too many policies, or a name that is too long or has a control character.
    #[error("at most 128 policies, each of at most 128 bytes without control characters")]
    PolicyNames,
    /// The policy of wrapping tokens, which no other token has.
    #[error("cannot assign policy \"response-wrapping\"")]
    Unassignable,
    /// Too much metadata.
    #[error("at most 64 metadata entries, each of at most 1024 bytes")]
    MetaTooLarge,
    /// Too long a display name.
    #[error("display_name is at most 256 bytes")]
    DisplayNameTooLong,
    /// The token has no end, or was made not to be renewed.
    #[error("lease is not renewable")]
    NotRenewable,
    /// Batch tokens live as long as they live.
    #[error("batch tokens cannot be renewed")]
    BatchNotRenewable,
    /// The token has expired or is being revoked.
    #[error("permission denied")]
    NotLive,
    /// The token has reached its maximum.
    #[error("past the max TTL, cannot renew")]
    PastMaximum,
    /// A role or user that logs in has the policy `root`.
    #[error("auth methods cannot create root tokens")]
    RootByLogin,
}

/// How a token is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenKind {
    /// Stored, revocable, renewable.
    #[default]
    Service,
    /// Self-contained: its text is its record, sealed. Neither renewed nor revoked by itself.
    Batch,
}

impl TokenKind {
    /// The word in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Batch => "batch",
        }
    }
}

/// Whether a token may still be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenState {
    /// It may.
    Live,
    /// Its time is over.
    Expired,
    /// It was revoked or used for the last time; what it holds is being given back.
    Revoking,
}

/// What using a token once does to its record.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a use that is not stored can be repeated"]
pub enum Use {
    /// The token has no use limit; nothing to store.
    Unlimited,
    /// Store this record, then serve the request.
    Counted(Token),
    /// The last use: store this record (it is revoking), serve the request, then revoke.
    Last(Token),
}

/// A token's record. Stored sealed under [`super::keys::token`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    pub(super) accessor: Accessor,
    pub(super) policies: Vec<String>,
    pub(super) display_name: String,
    #[serde(default)]
    pub(super) meta: BTreeMap<String, String>,
    pub(super) path: String,
    pub(super) created_at: Timestamp,
    /// As granted at creation; zero for a token without end.
    pub(super) ttl: Duration,
    #[serde(default)]
    pub(super) explicit_max_ttl: Option<Duration>,
    #[serde(default)]
    pub(super) period: Option<Duration>,
    pub(super) expires_at: Option<Timestamp>,
    #[serde(default)]
    pub(super) last_renewal: Option<Timestamp>,
    /// Uses left; zero for no limit.
    pub(super) num_uses: u32,
    pub(super) renewable: bool,
    pub(super) parent: Option<TokenDigest>,
    #[serde(default)]
    pub(super) kind: TokenKind,
    #[serde(default)]
    pub(super) entity_id: String,
    #[serde(default)]
    pub(super) revoking: bool,
    #[serde(default)]
    pub(super) bound_cidrs: Vec<CidrBlock>,
    /// The token role that made it.
    #[serde(default)]
    pub(super) role: Option<String>,
    /// The login that made it.
    #[serde(default)]
    pub(super) origin: Option<Origin>,
}

/// Who logged in for a token, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The mount; the token ends with it.
    pub mount: MountId,
    /// The role or user, by its name there; what it says counts again at each renewal.
    pub principal: String,
}

impl Token {
    /// The public handle.
    #[must_use]
    pub const fn accessor(&self) -> &Accessor {
        &self.accessor
    }

    /// The policies, sorted.
    #[must_use]
    pub fn policies(&self) -> &[String] {
        &self.policies
    }

    /// The name for people and audit entries, such as `token-ci`.
    #[must_use]
    pub fn display_name(&self) -> &str {
        &self.display_name
    }

    /// What its maker noted about it.
    #[must_use]
    pub const fn meta(&self) -> &BTreeMap<String, String> {
        &self.meta
    }

    /// The path that made it, such as `auth/token/create`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// When it was made.
    #[must_use]
    pub const fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// The TTL granted at creation; zero for a token without end.
    #[must_use]
    pub const fn creation_ttl(&self) -> Duration {
        self.ttl
    }

    /// The bound on its whole life that its maker set.
    #[must_use]
    pub const fn explicit_max_ttl(&self) -> Option<Duration> {
        self.explicit_max_ttl
    }

    /// What it renews to, without end.
    #[must_use]
    pub const fn period(&self) -> Option<Duration> {
        self.period
    }

    /// When it ends; `None` for never.
    #[must_use]
    pub const fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    /// When it was last renewed.
    #[must_use]
    pub const fn last_renewal(&self) -> Option<Timestamp> {
        self.last_renewal
    }

    /// Uses left; zero for no limit.
    #[must_use]
    pub const fn num_uses(&self) -> u32 {
        self.num_uses
    }

    /// Whether renewing it can succeed.
    #[must_use]
    pub const fn is_renewable(&self) -> bool {
        self.renewable
    }

    /// The token that it is revoked with.
    #[must_use]
    pub const fn parent(&self) -> Option<&TokenDigest> {
        self.parent.as_ref()
    }

    /// Whether it is revoked with no other token.
    #[must_use]
    pub const fn is_orphan(&self) -> bool {
        self.parent.is_none()
    }

    /// How it is kept.
    #[must_use]
    pub const fn kind(&self) -> TokenKind {
        self.kind
    }

    /// The entity that it stands for; empty when none.
    #[must_use]
    pub fn entity_id(&self) -> &str {
        &self.entity_id
    }

    /// From where it may be used; empty for anywhere.
    #[must_use]
    pub fn bound_cidrs(&self) -> &[CidrBlock] {
        &self.bound_cidrs
    }

    /// Whether it may be used from `address`.
    #[must_use]
    pub fn may_come_from(&self, address: IpAddr) -> bool {
        cidr::allows(&self.bound_cidrs, address)
    }

    /// The token role that made it.
    #[must_use]
    pub fn role(&self) -> Option<&str> {
        self.role.as_deref()
    }

    /// The login that made it.
    #[must_use]
    pub const fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    /// Whether it has the policy `root`.
    #[must_use]
    pub fn is_root(&self) -> bool {
        policy_set::contains_root(&self.policies)
    }

    /// Whether it may be used at `now`. It ends at the very instant `expires_at`.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> TokenState {
        if self.revoking {
            TokenState::Revoking
        } else if self.expires_at.is_some_and(|end| now >= end) {
            TokenState::Expired
        } else {
            TokenState::Live
        }
    }

    /// The time it has left at `now`; `None` for a token without end.
    #[must_use]
    pub fn remaining(&self, now: Timestamp) -> Option<Duration> {
        self.expires_at.map(|end| end.since(now))
    }

    /// Counts one use. Ask only for a live token, and store the outcome before serving the request.
    pub fn consume_use(&self) -> Use {
        match self.num_uses {
            0 => Use::Unlimited,
            1 => Use::Last(self.revoking()),
            left => Use::Counted(Self { num_uses: left - 1, ..self.clone() }),
        }
    }

    /// The record of a token that is refused from now on, while what it holds is given back.
    #[must_use]
    pub fn revoking(&self) -> Self {
        Self { revoking: true, ..self.clone() }
    }

    /// The record of a child whose parent went away without it.
    #[must_use]
    pub fn orphaned(&self) -> Self {
        Self { parent: None, ..self.clone() }
    }
}
