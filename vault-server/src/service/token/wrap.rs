//! Wrapped answers: each in the cubbyhole of a token of its own, good for one use.
//!
//! ```text
//!   answer ─wrap: token + contents, one commit─► live ─use counted, one commit─► revoking ─► (deleted)
//!                                                                 └ only then are the contents shown
//! ```

use std::time::Duration;

use serde::{Deserialize, Serialize};
use vault_core::clock::Timestamp;
use vault_core::identity::{PlainToken, Token, TokenDigest, TokenState, Use, wrapping};
use vault_core::secret::{SecretString, for_sealing};
use vault_core::store::batch::Require;

use super::issue::add;
use super::{TokenService, TokenServiceError, replace};
use crate::barrier::{ATTEMPTS_MAX, CommitError, LoadError, Loaded, Sealed};
use crate::service::cubbyhole::{CUBBY_BYTES_MAX, Cubby, cubby_name};

/// A wrapping token that was made and stored.
#[derive(Debug)]
pub struct Wrapped {
    /// The text, to be shown once.
    pub plain: PlainToken,
    /// The record.
    pub token: Token,
}

/// Why nothing was wrapped or unwrapped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WrapError {
    /// The token is unknown, was used, has expired, or is no wrapping token. The text is Vault's.
    #[error("wrapping token is not valid or does not exist")]
    Invalid,
    /// The answer is larger than what a cubbyhole takes.
    #[error("the answer is too large to be wrapped: at most {CUBBY_BYTES_MAX} bytes")]
    TooLarge,
    /// A record was not loaded, or a change not committed.
    #[error(transparent)]
    Token(#[from] TokenServiceError),
}

impl From<Sealed> for WrapError {
    fn from(error: Sealed) -> Self {
        Self::Token(error.into())
    }
}

impl From<LoadError> for WrapError {
    fn from(error: LoadError) -> Self {
        Self::Token(error.into())
    }
}

impl From<CommitError> for WrapError {
    fn from(error: CommitError) -> Self {
        Self::Token(error.into())
    }
}

impl TokenService {
    /// Stores `contents` under a new wrapping token that lives for `ttl`.
    ///
    /// # Errors
    /// [`WrapError::TooLarge`], [`WrapError::Token`].
    pub async fn wrap(
        &self,
        contents: &SecretString,
        ttl: Duration,
        path: &str,
        now: Timestamp,
    ) -> Result<Wrapped, WrapError> {
        let cubby = held(contents)?;
        let (plain, token) = wrapping(ttl, path, now, &*self.entropy);
        let digest = self.digest(&plain)?;
        for _ in 0..ATTEMPTS_MAX {
            let mut transaction = self.barrier.transaction()?;
            add(&mut transaction, &digest, &token);
            transaction.put(cubby_name(&digest, RESPONSE), Require::Absent, &cubby);
            match self.barrier.commit(transaction).await {
                // A new key generation came between; the text is far too long to have been drawn before.
                Err(CommitError::Conflict) => {}
                outcome => return Ok(outcome.map(|()| Wrapped { plain, token })?),
            }
        }
        Err(CommitError::Conflict.into())
    }

    /// The record of a wrapping token that is still good. Uses nothing up.
    ///
    /// # Errors
    /// [`WrapError::Invalid`], [`WrapError::Token`].
    pub fn wrapping_token(&self, text: &str, now: Timestamp) -> Result<Token, WrapError> {
        Ok(self.wrapping(text, now)?.1.value)
    }

    /// What is in a wrapping token that is still good, and which path answered so. Uses nothing up: it is shown to
    /// nobody before [`unwrap`](Self::unwrap).
    ///
    /// # Errors
    /// [`WrapError::Invalid`], [`WrapError::Token`].
    pub fn peek(&self, text: &str, now: Timestamp) -> Result<(String, SecretString), WrapError> {
        let (digest, loaded) = self.wrapping(text, now)?;
        Ok((loaded.value.path().to_owned(), self.wrapped_in(&digest)?))
    }

    /// Uses a wrapping token up and shows what is in it. Of any number of requests at once, one succeeds.
    ///
    /// # Errors
    /// [`WrapError::Invalid`], [`WrapError::Token`].
    pub async fn unwrap(&self, text: &str, now: Timestamp) -> Result<SecretString, WrapError> {
        for _ in 0..ATTEMPTS_MAX {
            let (digest, loaded) = self.wrapping(text, now)?;
            // Read before the commit, shown after it: the clean-up may begin with the commit.
            let contents = self.wrapped_in(&digest)?;
            let mut transaction = self.barrier.transaction()?;
            replace(&mut transaction, &digest, &loaded, &used(&loaded.value)?);
            match self.barrier.commit(transaction).await {
                Err(CommitError::Conflict) => {}
                outcome => {
                    outcome?;
                    self.ending.notify_one();
                    return Ok(contents);
                }
            }
        }
        Err(CommitError::Conflict.into())
    }

    /// What is in the wrapping token that makes this very request: its one use was counted already.
    ///
    /// # Errors
    /// [`WrapError::Invalid`], [`WrapError::Token`].
    pub fn wrapped_in(&self, digest: &TokenDigest) -> Result<SecretString, WrapError> {
        let stored = self.barrier.load::<Cubby>(cubby_name(digest, RESPONSE))?;
        let object = stored.ok_or(WrapError::Invalid)?.value.into_text();
        let held: Held = serde_json::from_str(object.expose()).map_err(|_| WrapError::Invalid)?;
        Ok(held.response)
    }

    /// Moves what is in a wrapping token to a new one with the same time to live, in one commit.
    ///
    /// # Errors
    /// [`WrapError::Invalid`], [`WrapError::Token`].
    pub async fn rewrap(&self, text: &str, now: Timestamp) -> Result<Wrapped, WrapError> {
        for _ in 0..ATTEMPTS_MAX {
            let (digest, loaded) = self.wrapping(text, now)?;
            let cubby = held(&self.wrapped_in(&digest)?)?;
            let old = &loaded.value;
            let (plain, token) = wrapping(old.creation_ttl(), old.path(), now, &*self.entropy);
            let next = self.digest(&plain)?;
            let mut transaction = self.barrier.transaction()?;
            replace(&mut transaction, &digest, &loaded, &used(old)?);
            add(&mut transaction, &next, &token);
            transaction.put(cubby_name(&next, RESPONSE), Require::Absent, &cubby);
            match self.barrier.commit(transaction).await {
                Err(CommitError::Conflict) => {}
                outcome => {
                    outcome?;
                    self.ending.notify_one();
                    return Ok(Wrapped { plain, token });
                }
            }
        }
        Err(CommitError::Conflict.into())
    }

    fn wrapping(&self, text: &str, now: Timestamp) -> Result<(TokenDigest, Loaded<Token>), WrapError> {
        let plain = PlainToken::presented(text).ok_or(WrapError::Invalid)?;
        let digest = self.digest(&plain)?;
        let loaded = self.load(&digest)?.ok_or(WrapError::Invalid)?;
        if !loaded.value.is_wrapping() || loaded.value.state(now) != TokenState::Live {
            return Err(WrapError::Invalid);
        }
        Ok((digest, loaded))
    }
}

/// What is in the cubbyhole of a wrapping token, as old clients read it there.
#[derive(Deserialize)]
struct Held {
    #[serde(with = "for_sealing")]
    response: SecretString,
}

#[derive(Serialize)]
struct ToHold<'a> {
    response: &'a str,
}

fn held(contents: &SecretString) -> Result<Cubby, WrapError> {
    // A text always serialises.
    let object = serde_json::to_string(&ToHold { response: contents.expose() }).unwrap_or_default();
    let object = SecretString::new(object);
    if object.expose().len() > CUBBY_BYTES_MAX { Err(WrapError::TooLarge) } else { Ok(Cubby::new(object)) }
}

/// The record after its one use.
fn used(token: &Token) -> Result<Token, WrapError> {
    match token.consume_use() {
        Use::Last(used) => Ok(used),
        Use::Counted(_) | Use::Unlimited => Err(WrapError::Invalid),
    }
}

/// Where the answer is in the cubbyhole; old clients read it there.
const RESPONSE: &str = "response";
