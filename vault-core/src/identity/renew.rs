//! Gives a token more time.

use std::time::Duration;

use super::lifetime::{Limits, Terms};
use super::token::{Token, TokenError, TokenKind, TokenState};
use crate::clock::Timestamp;

/// The record of a token renewed at `now`, and what was granted differently from what was asked.
///
/// The new end counts from `now`, so a small `increment` can also shorten a life, as in Vault; without one
/// the token gets its first TTL again. A period token gets its period whatever is asked.
///
/// # Errors
/// [`TokenError::NotLive`] for a token that has ended, [`TokenError::NotRenewable`] for one without end or
/// made so, [`TokenError::BatchNotRenewable`], [`TokenError::PastMaximum`].
pub fn renew(
    token: &Token,
    increment: Option<Duration>,
    now: Timestamp,
    limits: Limits,
) -> Result<(Token, Vec<String>), TokenError> {
    if token.state(now) != TokenState::Live {
        return Err(TokenError::NotLive);
    }
    if token.kind == TokenKind::Batch {
        return Err(TokenError::BatchNotRenewable);
    }
    if !token.renewable || token.expires_at.is_none() {
        return Err(TokenError::NotRenewable);
    }
    let terms = Terms {
        period: token.period,
        explicit_max: token.explicit_max_ttl,
        limits,
        created_at: token.created_at,
    };
    let asked = increment.filter(|increment| !increment.is_zero()).or(Some(token.ttl));
    let granted = terms.grant(asked, now)?;
    let renewed = Token { expires_at: Some(now.plus(granted.ttl)), last_renewal: Some(now), ..token.clone() };
    Ok((renewed, granted.warnings))
}

#[cfg(test)]
mod tests;
