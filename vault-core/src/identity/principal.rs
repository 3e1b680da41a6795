//! Who asks, once that is proved.

use super::accessor::Accessor;
use super::digest::TokenDigest;
use super::token::{Origin, Token, TokenKind, TokenState};
use crate::clock::Timestamp;

/// A verified asker: what leases, audit entries and waiting lines note down.
///
/// Made only from a live token's record; there is no other way to be somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    digest: TokenDigest,
    accessor: Accessor,
    entity_id: String,
    display_name: String,
    policies: Vec<String>,
    origin: Option<Origin>,
    unstored_until: Option<Timestamp>,
}

/// The token was one, but is none any more. The text tells the caller no more than an unknown token's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("permission denied")]
pub struct NotLive(TokenState);

impl NotLive {
    /// Whether it expired or is being revoked. Not for the caller.
    #[must_use]
    pub const fn state(self) -> TokenState {
        self.0
    }
}

impl Principal {
    /// The asker who presented the token with this digest, whose record was found under it.
    ///
    /// # Errors
    /// [`NotLive`] when the token has expired or is being revoked.
    pub fn verified(digest: TokenDigest, token: &Token, now: Timestamp) -> Result<Self, NotLive> {
        match token.state(now) {
            TokenState::Live => Ok(Self {
                digest,
                accessor: token.accessor.clone(),
                entity_id: token.entity_id.clone(),
                display_name: token.display_name.clone(),
                policies: token.policies.clone(),
                origin: token.origin.clone(),
                unstored_until: token.expires_at.filter(|_| token.kind == TokenKind::Batch),
            }),
            state @ (TokenState::Expired | TokenState::Revoking) => Err(NotLive(state)),
        }
    }

    /// The lasting name: the entity where there is one, else the token's accessor.
    #[must_use]
    pub fn id(&self) -> &str {
        if self.entity_id.is_empty() { self.accessor.as_str() } else { &self.entity_id }
    }

    /// The digest of the token that proved it.
    #[must_use]
    pub const fn token(&self) -> &TokenDigest {
        &self.digest
    }

    /// The accessor of the token that proved it.
    #[must_use]
    pub const fn accessor(&self) -> &Accessor {
        &self.accessor
    }

    /// The entity behind the token; empty when none.
    #[must_use]
    pub fn entity_id(&self) -> &str {
        &self.entity_id
    }

    /// The name for people.
    #[must_use]
    pub fn display_name(&self) -> &str {
        &self.display_name
    }

    /// The login that made the token; `None` when it was no login.
    #[must_use]
    pub const fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    /// When the token ends, for one of which nothing is stored (a batch token).
    #[must_use]
    pub const fn unstored_until(&self) -> Option<Timestamp> {
        self.unstored_until
    }

    /// The names of the policies that apply, sorted.
    #[must_use]
    pub fn policies(&self) -> &[String] {
        &self.policies
    }
}
