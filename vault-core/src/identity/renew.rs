//! Gives a token more time.

use std::time::Duration;

use super::lifetime::{Limits, Terms};
use super::login;
use super::parameters::TokenParameters;
use super::token::{Token, TokenError, TokenKind, TokenState};
use crate::clock::Timestamp;

/// What decides, beside the token's own record, how it is renewed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RenewalTerms {
    /// Nothing: it was made by another token.
    AsMade,
    /// What the role or user that logged in says now.
    OfLogin(Box<TokenParameters>),
    /// What the token role says now.
    OfRole {
        /// What its tokens renew to.
        period: Option<Duration>,
        /// A bound on their whole life.
        explicit_max_ttl: Option<Duration>,
    },
}

/// The record of a token renewed at `now`, and what was granted differently from what was asked.
///
/// The new end counts from `now`, so a small `increment` can also shorten a life, as in Vault; without one
/// the token gets its first TTL again, or what the role or user that logged in says now. A period token gets
/// its period whatever is asked.
///
/// # Errors
/// [`TokenError::NotLive`] for a token that has ended, [`TokenError::NotRenewable`] for one without end or
/// made so, [`TokenError::BatchNotRenewable`], [`TokenError::PastMaximum`].
pub fn renew(
    token: &Token,
    increment: Option<Duration>,
    renewal: &RenewalTerms,
    now: Timestamp,
    limits: Limits,
) -> Result<(Token, Vec<String>), TokenError> {
    let own = Terms {
        period: token.period,
        explicit_max: token.explicit_max_ttl,
        limits,
        created_at: token.created_at,
    };
    let (terms, usual) = match renewal {
        RenewalTerms::AsMade => (own, Some(token.ttl)),
        RenewalTerms::OfLogin(parameters) => {
            (login::terms(parameters, token.explicit_max_ttl, limits, token.created_at), parameters.ttl)
        }
        RenewalTerms::OfRole { period, explicit_max_ttl } => {
            // The bound that was fixed when the token was made stays, whatever the role says later.
            let explicit_max = [*explicit_max_ttl, token.explicit_max_ttl].into_iter().flatten().min();
            (Terms { period: *period, explicit_max, ..own }, Some(token.ttl))
        }
    };
    extend(token, &terms, increment, usual, now)
}

fn extend(
    token: &Token,
    terms: &Terms,
    increment: Option<Duration>,
    usual: Option<Duration>,
    now: Timestamp,
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
    let asked = increment.filter(|increment| !increment.is_zero()).or(usual);
    let granted = terms.grant(asked, now)?;
    let renewed = Token {
        expires_at: Some(now.plus(granted.ttl)),
        last_renewal: Some(now),
        period: terms.period,
        ..token.clone()
    };
    Ok((renewed, granted.warnings))
}

#[cfg(test)]
mod tests;
