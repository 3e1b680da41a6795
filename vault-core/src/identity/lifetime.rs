//! How long a token gets, at creation and at each renewal.
//!
//! One rule for both, as in Vault: a period token gets its period; any other gets what it asks for, or the
//! default; both are cut at the maximum that counts from creation, with a warning instead of a refusal.

use std::time::Duration;

use super::token::TokenError;
use crate::clock::Timestamp;

/// The vault's own bounds on tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// What a token gets that asks for nothing.
    pub default_ttl: Duration,
    /// The longest life of a token that has no period.
    pub max_ttl: Duration,
}

impl Default for Limits {
    /// 768 hours (32 days) both, as Vault.
    fn default() -> Self {
        Self { default_ttl: DEFAULT_TTL, max_ttl: DEFAULT_TTL }
    }
}

/// What bounds one token.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) period: Option<Duration>,
    pub(super) explicit_max: Option<Duration>,
    pub(super) limits: Limits,
    pub(super) created_at: Timestamp,
}

/// A life that was granted, and what the asker should know about it.
#[derive(Debug)]
pub(super) struct Granted {
    pub(super) ttl: Duration,
    pub(super) warnings: Vec<String>,
}

impl Terms {
    /// The life from `now` for a token that asks for `asked`.
    pub(super) fn grant(&self, asked: Option<Duration>, now: Timestamp) -> Result<Granted, TokenError> {
        let max = self.explicit_max.map_or(self.limits.max_ttl, |explicit| explicit.min(self.limits.max_ttl));
        let mut warnings = Vec::new();
        let (mut ttl, end) = match self.period {
            Some(period) => {
                if period > max {
                    warnings.push(capped("period", period, max));
                }
                // A period token may live for ever, unless its maker said otherwise.
                (period.min(max), self.explicit_max.map(|explicit| self.created_at.plus(explicit)))
            }
            None => (asked.unwrap_or(self.limits.default_ttl), Some(self.created_at.plus(max))),
        };
        if let Some(end) = end {
            let left = end.since(now);
            if left.is_zero() {
                return Err(TokenError::PastMaximum);
            }
            if ttl > left {
                warnings.push(capped("TTL", ttl, left));
                ttl = left;
            }
        }
        Ok(Granted { ttl, warnings })
    }
}

/// Vault's sentence; its clients' tests look for the beginning.
fn capped(what: &str, asked: Duration, max: Duration) -> String {
    format!(
        "{what} of \"{}\" exceeded the effective max_ttl of \"{}\"; {what} value is capped accordingly",
        clock_text(asked),
        clock_text(max),
    )
}

/// A duration in whole seconds as Go writes it, such as `768h0m0s`, `5m0s` or `30s`.
fn clock_text(span: Duration) -> String {
    let secs = span.as_secs();
    match (secs / 3600, secs / 60 % 60, secs % 60) {
        (0, 0, s) => format!("{s}s"),
        (0, m, s) => format!("{m}m{s}s"),
        (h, m, s) => format!("{h}h{m}m{s}s"),
    }
}

const DEFAULT_TTL: Duration = Duration::from_secs(768 * 3600);

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_secs(1_000_000);

    fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn lives_are_granted_within_the_maximum_that_counts_from_creation() {
        // (period, explicit max, asked, seconds since creation) → (granted, warnings)
        for (period, explicit, asked, age, want) in [
            (None, None, None, 0, Ok((100, 0))),
            (None, None, Some(50), 0, Ok((50, 0))),
            (None, None, Some(1000), 0, Ok((1000, 0))),
            (None, None, Some(1001), 0, Ok((1000, 1))),
            (None, None, Some(500), 600, Ok((400, 1))),
            (None, None, None, 999, Ok((1, 1))),
            (None, None, Some(1), 1000, Err(TokenError::PastMaximum)),
            (None, Some(30), None, 0, Ok((30, 1))),
            (None, Some(2000), Some(1500), 0, Ok((1000, 1))),
            (None, Some(30), Some(10), 30, Err(TokenError::PastMaximum)),
            (Some(60), None, Some(5), 0, Ok((60, 0))),
            (Some(60), None, Some(5), 1_000_000, Ok((60, 0))),
            (Some(2000), None, None, 0, Ok((1000, 1))),
            (Some(60), Some(90), None, 50, Ok((40, 1))),
            (Some(60), Some(90), None, 90, Err(TokenError::PastMaximum)),
            (Some(60), Some(30), None, 0, Ok((30, 1))),
        ] {
            let terms = Terms {
                period: period.map(secs),
                explicit_max: explicit.map(secs),
                limits: Limits { default_ttl: secs(100), max_ttl: secs(1000) },
                created_at: START,
            };
            let got = terms.grant(asked.map(secs), START.plus(secs(age)));
            let got = got.map(|granted| (granted.ttl.as_secs(), granted.warnings.len()));
            assert_eq!(got, want, "period {period:?} explicit {explicit:?} asked {asked:?} age {age}");
        }
    }

    #[test]
    fn the_warning_is_vaults() {
        let terms = Terms { period: None, explicit_max: None, limits: Limits::default(), created_at: START };
        assert_eq!(
            terms.grant(Some(secs(800 * 3600)), START).unwrap().warnings,
            ["TTL of \"800h0m0s\" exceeded the effective max_ttl of \"768h0m0s\"; \
              TTL value is capped accordingly"]
        );
    }

    #[test]
    fn durations_are_written_as_go_does() {
        for (span, want) in [(0, "0s"), (59, "59s"), (60, "1m0s"), (3600, "1h0m0s"), (90_061, "25h1m1s")] {
            assert_eq!(clock_text(secs(span)), want);
        }
    }
}
