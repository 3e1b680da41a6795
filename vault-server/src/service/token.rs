//! Tokens: who presents one, and what becomes of it.
//!
//! ```text
//!   create ─► live ─renew─► live ─use─► … ─► revoking ─ children ─ watcher (leases) ─► deleted
//!                                    expiry ──┘  │
//!                                                └ in the due index until deleted, so a crash resumes it
//! ```
//!
//! A token is refused from the commit that marks it; the rest of its end may take longer and survives a
//! crash. Records are found by a keyed digest, so the store holds nothing that opens the vault.

mod batch;
mod issue;
mod last_use;
mod login;
mod revoke;
mod role;
mod sweep;
mod wrap;

use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};
use vault_core::clock::Timestamp;
use vault_core::entropy::Entropy;
use vault_core::identity::{
    Accessor, Limits, PlainToken, Principal, Token, TokenDigest, TokenError, TokenRoleError, TokenState, Use,
};
use vault_core::rotation::port::BoxFuture;
use vault_core::store::due;
use vault_core::store::key::Table;

use crate::barrier::{
    ATTEMPTS_MAX, Barrier, CommitError, LoadError, Loaded, Record, Remembered, Sealed, Transaction,
};

pub(crate) use self::issue::add_initial_root;
pub use self::issue::{Issued, Privilege};
pub use self::last_use::LastUse;
use self::last_use::LastUses;
pub(crate) use self::login::{Drawn, add_drawn};
pub use self::wrap::{WrapError, Wrapped};

impl Record for Token {
    const TABLE: Table = Table::Token;
}

impl Remembered for Token {}

/// From an accessor to its token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccessorRecord {
    digest: TokenDigest,
}

impl Record for AccessorRecord {
    const TABLE: Table = Table::Accessor;
}

/// Is told of each token that ends, before its record goes.
///
/// The lease service implements it: it makes durable that everything the token holds is to be given back,
/// and returns. It may be told of the same token again after a crash.
pub trait TokenWatcher: Send + Sync {
    /// The token with this digest was revoked or has expired.
    ///
    /// # Errors
    /// The end of the token is put off and tried again; meanwhile it is refused already.
    fn token_revoked<'a>(&'a self, token: &'a TokenDigest) -> BoxFuture<'a, Result<(), WatcherFailed>>;
}

/// The watcher could not do its part yet.
#[derive(Debug, thiserror::Error)]
#[error("what the token holds could not be given back yet: {0}")]
pub struct WatcherFailed(pub String);

/// Why a token could not be used, made, renewed, looked up or revoked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenServiceError {
    /// There is no such token, or it ended.
    #[error("bad token")]
    Unknown,
    /// There is no such accessor.
    #[error("invalid accessor")]
    UnknownAccessor,
    /// A rule of tokens was broken.
    #[error(transparent)]
    Rule(#[from] TokenError),
    /// A token role cannot be so.
    #[error(transparent)]
    Role(#[from] TokenRoleError),
    /// A record was not loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A change was not committed.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// What the token holds could not be given back yet; it is refused already and will be tried again.
    #[error(transparent)]
    Watcher(#[from] WatcherFailed),
}

impl From<Sealed> for TokenServiceError {
    fn from(_: Sealed) -> Self {
        Self::Load(LoadError::Sealed)
    }
}

/// Who asks, proved by a live token.
pub struct Caller {
    /// Who.
    pub principal: Principal,
    /// The token's record as it was read.
    pub token: Arc<Token>,
    /// The token itself, for digests in the audit file and for looking up oneself.
    pub plain: PlainToken,
}

/// The tokens.
pub struct TokenService {
    barrier: Barrier,
    entropy: Arc<dyn Entropy>,
    limits: Limits,
    watcher: OnceLock<Arc<dyn TokenWatcher>>,
    /// Woken when a token is waiting for the rest of its end.
    ending: Arc<tokio::sync::Notify>,
    /// Tokens whose last request is under way.
    last_uses: LastUses,
}

impl TokenService {
    /// The tokens behind `barrier`.
    #[must_use]
    pub fn new(barrier: Barrier, entropy: Arc<dyn Entropy>, limits: Limits) -> Self {
        let (watcher, ending) = (OnceLock::new(), Arc::default());
        Self { barrier, entropy, limits, watcher, last_uses: LastUses::new(Arc::clone(&ending)), ending }
    }

    /// Names who is told of tokens that end. Once, while the server is wired; a second call changes nothing.
    pub fn set_watcher(&self, watcher: Arc<dyn TokenWatcher>) {
        let _ = self.watcher.set(watcher);
    }

    /// Who presents this text. Changes nothing; a use limit is counted by [`count_use`](Self::count_use).
    ///
    /// # Errors
    /// [`TokenServiceError::Unknown`] for an unknown, expired or revoked token.
    pub fn authenticate(&self, text: &str, now: Timestamp) -> Result<Caller, TokenServiceError> {
        let plain = PlainToken::presented(text).ok_or(TokenServiceError::Unknown)?;
        let digest = self.digest(&plain)?;
        let token = self.find(&plain, &digest, now)?.ok_or(TokenServiceError::Unknown)?;
        let principal = Principal::verified(digest, &token, now).map_err(|_| TokenServiceError::Unknown)?;
        Ok(Caller { principal, token, plain })
    }

    /// Counts one use of a token that has a use limit; committed before the request is served, so that two
    /// requests at once never share a last use. What it yields for the last one is to be kept while the
    /// request is served: what the token holds is not cleaned up before.
    ///
    /// # Errors
    /// [`TokenServiceError::Unknown`] when another request had the last use.
    pub async fn count_use(
        &self,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Option<LastUse>, TokenServiceError> {
        if caller.token.num_uses() == 0 {
            return Ok(None);
        }
        let digest = *caller.principal.token();
        for _ in 0..ATTEMPTS_MAX {
            let loaded = self.load(&digest)?.ok_or(TokenServiceError::Unknown)?;
            if loaded.value.state(now) != TokenState::Live {
                return Err(TokenServiceError::Unknown);
            }
            let (used, last) = match loaded.value.consume_use() {
                Use::Unlimited => return Ok(None),
                Use::Counted(used) => (used, None),
                Use::Last(used) => (used, Some(self.last_uses.begin(digest))),
            };
            let mut transaction = self.barrier.transaction()?;
            replace(&mut transaction, &digest, &loaded, &used);
            match self.barrier.commit(transaction).await {
                Err(CommitError::Conflict) => {}
                outcome => return Ok(outcome.map(|()| last)?),
            }
        }
        Err(CommitError::Conflict.into())
    }

    /// The record of the token with this text, while it lives.
    ///
    /// # Errors
    /// [`TokenServiceError::Unknown`].
    pub fn look_up(
        &self,
        text: &str,
        now: Timestamp,
    ) -> Result<(TokenDigest, Arc<Token>), TokenServiceError> {
        let plain = PlainToken::presented(text).ok_or(TokenServiceError::Unknown)?;
        let digest = self.digest(&plain)?;
        let token = self.find(&plain, &digest, now)?.filter(|token| token.state(now) == TokenState::Live);
        token.map(|token| (digest, token)).ok_or(TokenServiceError::Unknown)
    }

    /// The record of the token with this accessor, while it lives.
    ///
    /// # Errors
    /// [`TokenServiceError::UnknownAccessor`].
    pub fn look_up_accessor(
        &self,
        accessor: &str,
        now: Timestamp,
    ) -> Result<(TokenDigest, Token), TokenServiceError> {
        let accessor = Accessor::parse(accessor).ok_or(TokenServiceError::UnknownAccessor)?;
        let found = self.barrier.load::<AccessorRecord>(accessor.as_str())?;
        let digest = found.ok_or(TokenServiceError::UnknownAccessor)?.value.digest;
        match self.live(&digest, now) {
            Ok(loaded) => Ok((digest, loaded.value)),
            Err(TokenServiceError::Unknown) => Err(TokenServiceError::UnknownAccessor),
            Err(error) => Err(error),
        }
    }

    /// Up to `limit` accessors after `after`, in order.
    ///
    /// # Errors
    /// [`TokenServiceError::Load`].
    pub fn accessors(&self, after: Option<&str>, limit: usize) -> Result<Vec<String>, TokenServiceError> {
        let names = self.barrier.names(Table::Accessor, b"", after.map(str::as_bytes), limit)?;
        Ok(names.into_iter().filter_map(|name| String::from_utf8(name).ok()).collect())
    }

    fn find(
        &self,
        plain: &PlainToken,
        digest: &TokenDigest,
        now: Timestamp,
    ) -> Result<Option<Arc<Token>>, TokenServiceError> {
        if plain.is_batch() {
            return Ok(self.open_batch(plain, now)?.map(Arc::new));
        }
        Ok(self.barrier.recall::<Token>(*digest.as_bytes())?.map(|loaded| loaded.value))
    }

    fn live(&self, digest: &TokenDigest, now: Timestamp) -> Result<Loaded<Token>, TokenServiceError> {
        self.load(digest)?
            .filter(|loaded| loaded.value.state(now) == TokenState::Live)
            .ok_or(TokenServiceError::Unknown)
    }

    fn load(&self, digest: &TokenDigest) -> Result<Option<Loaded<Token>>, TokenServiceError> {
        Ok(self.barrier.load::<Token>(*digest.as_bytes())?)
    }

    fn digest(&self, plain: &PlainToken) -> Result<TokenDigest, TokenServiceError> {
        let keyring = self.barrier.keyring()?;
        Ok(plain.digest(|text| keyring.token_key().hmac_sha256(text)))
    }
}

/// The kind of tokens in [`Table::Due`].
pub const DUE_KIND: u8 = 1;

/// Where a token stands in the due index: at its end; at once while it is being revoked.
fn due_name(digest: &TokenDigest, token: &Token) -> Option<Vec<u8>> {
    // A revoking token is `Revoking` at whatever time is asked about.
    let at = match token.state(Timestamp::EPOCH) {
        TokenState::Revoking => Some(Timestamp::EPOCH),
        TokenState::Live | TokenState::Expired => token.expires_at(),
    };
    at.map(|at| due::encode(at, DUE_KIND, digest.as_bytes()))
}

/// Puts `next` in place of what was loaded, and moves its entry in the due index along.
fn replace(transaction: &mut Transaction, digest: &TokenDigest, loaded: &Loaded<Token>, next: &Token) {
    transaction.put(*digest.as_bytes(), loaded.require(), next);
    let (before, after) = (due_name(digest, &loaded.value), due_name(digest, next));
    if before != after {
        if let Some(name) = before {
            transaction.unmark(Table::Due, name);
        }
        if let Some(name) = after {
            transaction.mark(Table::Due, name);
        }
    }
}
