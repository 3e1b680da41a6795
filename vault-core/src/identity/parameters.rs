//! What a role or a user says about the tokens that its logins give.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::cidr::CidrBlock;
use super::token::TokenKind;

/// The `token_…` settings of a role or a user. [`Default`] leaves everything to the mount.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenParameters {
    /// The first life; `None` for the mount's default.
    #[serde(default)]
    pub ttl: Option<Duration>,
    /// The longest life; `None` for the mount's, which also cuts it.
    #[serde(default)]
    pub max_ttl: Option<Duration>,
    /// A bound on the whole life that is fixed when a token is made; `None` for none.
    #[serde(default)]
    pub explicit_max_ttl: Option<Duration>,
    /// What tokens renew to, without end; `None` for ordinary tokens.
    #[serde(default)]
    pub period: Option<Duration>,
    /// Names of policies, as they were given.
    #[serde(default)]
    pub policies: Vec<String>,
    /// From where tokens may be used; empty for anywhere.
    #[serde(default)]
    pub bound_cidrs: Vec<CidrBlock>,
    /// Whether `default` stays out of the policies.
    #[serde(default)]
    pub no_default_policy: bool,
    /// How many requests a token is good for; zero for no limit.
    #[serde(default)]
    pub num_uses: u32,
    /// How tokens are kept; `None` for the mount's choice.
    #[serde(default)]
    pub kind: Option<TokenKind>,
}

/// Why settings do not fit together. The texts are Vault's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParametersError {
    /// The first life is longer than the longest.
    #[error("'token_ttl' cannot be greater than 'token_max_ttl'")]
    TtlOverMaximum,
    /// Batch tokens do not renew.
    #[error("'token_type' cannot be 'batch' or 'default_batch' when set to generate periodic tokens")]
    PeriodicBatch,
    /// Batch tokens are not counted.
    #[error(
        "'token_type' cannot be 'batch' or 'default_batch' when set to generate tokens with limited use count"
    )]
    CountedBatch,
}

impl TokenParameters {
    /// Whether the settings fit together.
    ///
    /// # Errors
    /// [`ParametersError`] by cause.
    pub fn check(&self) -> Result<(), ParametersError> {
        if self.kind == Some(TokenKind::Batch) {
            if self.period.is_some() {
                return Err(ParametersError::PeriodicBatch);
            }
            if self.num_uses > 0 {
                return Err(ParametersError::CountedBatch);
            }
        }
        match (self.ttl, self.max_ttl) {
            (Some(ttl), Some(max)) if ttl > max => Err(ParametersError::TtlOverMaximum),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_contradict_each_other_are_refused() {
        let secs = |count| Some(Duration::from_secs(count));
        let batch = TokenParameters { kind: Some(TokenKind::Batch), ..TokenParameters::default() };
        for (parameters, want) in [
            (TokenParameters::default(), Ok(())),
            (TokenParameters { ttl: secs(5), max_ttl: secs(5), ..TokenParameters::default() }, Ok(())),
            (
                TokenParameters { ttl: secs(6), max_ttl: secs(5), ..TokenParameters::default() },
                Err(ParametersError::TtlOverMaximum),
            ),
            (TokenParameters { ttl: secs(6), ..TokenParameters::default() }, Ok(())),
            (TokenParameters { period: secs(6), ..batch.clone() }, Err(ParametersError::PeriodicBatch)),
            (TokenParameters { num_uses: 1, ..batch.clone() }, Err(ParametersError::CountedBatch)),
            (batch, Ok(())),
        ] {
            assert_eq!(parameters.check(), want, "{parameters:?}");
        }
    }
}
