//! Last uses that are being served.
//!
//! A token is refused from the commit that counts its last use, and would be cleaned up at once, together
//! with what is in its cubbyhole. The request that had the last use may still want to read that.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use vault_core::identity::TokenDigest;

/// Tokens with the number of requests that have, or try to get, their last use.
type Tokens = BTreeMap<TokenDigest, usize>;

/// The tokens whose last request is under way. After a crash there are none: all are cleaned up.
pub(super) struct LastUses {
    tokens: Arc<Mutex<Tokens>>,
    ending: Arc<Notify>,
}

/// Puts off the clean-up of one token while its last request is served; dropping it lets it go on.
#[must_use = "the token is cleaned up once this is dropped"]
pub struct LastUse {
    token: TokenDigest,
    tokens: Arc<Mutex<Tokens>>,
    ending: Arc<Notify>,
}

impl LastUses {
    /// None yet. `ending` is woken after each.
    pub(super) fn new(ending: Arc<Notify>) -> Self {
        Self { tokens: Arc::default(), ending }
    }

    /// Begins the last use of `token`; before the commit that counts it, which may still fail.
    pub(super) fn begin(&self, token: TokenDigest) -> LastUse {
        *locked(&self.tokens).entry(token).or_default() += 1;
        LastUse { token, tokens: Arc::clone(&self.tokens), ending: Arc::clone(&self.ending) }
    }

    /// Whether the last use of `token` is under way.
    pub(super) fn is_under_way(&self, token: &TokenDigest) -> bool {
        locked(&self.tokens).contains_key(token)
    }
}

impl Drop for LastUse {
    fn drop(&mut self) {
        let mut tokens = locked(&self.tokens);
        match tokens.get_mut(&self.token) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                tokens.remove(&self.token);
            }
        }
        drop(tokens);
        self.ending.notify_one();
    }
}

fn locked(tokens: &Mutex<Tokens>) -> MutexGuard<'_, Tokens> {
    tokens.lock().unwrap_or_else(PoisonError::into_inner)
}
