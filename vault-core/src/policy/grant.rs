//! What one or several rules on the same path grant together.

use std::time::Duration;

use super::capability::Capabilities;
use super::parameter::{self, Parameters};

/// The permissions of a rule; of several rules on one path, their union.
#[derive(Clone, Debug, Default)]
pub(super) struct Grant {
    pub(super) capabilities: Capabilities,
    pub(super) allowed: Parameters,
    pub(super) denied: Parameters,
    /// In lower case, as a request must write them.
    pub(super) required: Vec<Box<str>>,
    pub(super) min_wrapping: Option<Duration>,
    pub(super) max_wrapping: Option<Duration>,
}

impl Grant {
    /// Takes in another rule on the same path.
    ///
    /// Capabilities add up and `deny` wins; allowed and denied values add up; requirements add up; of two
    /// wrapping bounds the shorter life is kept, as Vault does.
    pub(super) fn merge(&mut self, other: &Self) {
        self.capabilities = self.capabilities.union(other.capabilities);
        parameter::merge(&mut self.allowed, &other.allowed);
        parameter::merge(&mut self.denied, &other.denied);
        for name in &other.required {
            if !self.required.contains(name) {
                self.required.push(name.clone());
            }
        }
        self.min_wrapping = shorter(self.min_wrapping, other.min_wrapping);
        self.max_wrapping = shorter(self.max_wrapping, other.max_wrapping);
    }

    /// Whether an answer wrapped for `wrap_ttl` (or not wrapped) stays within the bounds.
    pub(super) fn permits_wrapping(&self, wrap_ttl: Option<Duration>) -> bool {
        // Merging can leave the bounds contradictory; then nothing fits, as in Vault.
        let above = self.min_wrapping.is_none_or(|min| wrap_ttl.is_some_and(|ttl| ttl >= min));
        let below = self.max_wrapping.is_none_or(|max| wrap_ttl.is_some_and(|ttl| ttl <= max));
        above && below
    }
}

fn shorter(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapping_bounds_keep_the_shorter_life() {
        let secs = |n| Some(Duration::from_secs(n));
        let mut one = Grant { min_wrapping: secs(10), max_wrapping: secs(100), ..Grant::default() };
        one.merge(&Grant { min_wrapping: secs(5), max_wrapping: secs(200), ..Grant::default() });
        for (asked, want) in
            [(None, false), (secs(4), false), (secs(5), true), (secs(100), true), (secs(101), false)]
        {
            assert_eq!(one.permits_wrapping(asked), want, "{asked:?}");
        }
        assert!(Grant::default().permits_wrapping(None));
    }

    #[test]
    fn contradictory_bounds_permit_nothing() {
        let secs = |n| Some(Duration::from_secs(n));
        let mut one = Grant { min_wrapping: secs(50), ..Grant::default() };
        one.merge(&Grant { max_wrapping: secs(10), ..Grant::default() });
        for asked in [None, secs(10), secs(30), secs(50)] {
            assert!(!one.permits_wrapping(asked), "{asked:?}");
        }
    }
}
