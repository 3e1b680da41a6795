//! Tokens that hold one wrapped answer.

use std::collections::BTreeMap;
use std::time::Duration;

use super::accessor::Accessor;
use super::plain::PlainToken;
use super::token::{Token, TokenKind};
use crate::clock::Timestamp;
use crate::entropy::Entropy;
use crate::policy::WRAPPING_POLICY_NAME;

/// Makes the token of an answer that is wrapped for `ttl`: good for one use, nobody's child, not renewable.
/// It remembers `path`, which the answer came from, so that its receiver can see what it is before opening it.
#[must_use]
pub fn wrapping(ttl: Duration, path: &str, now: Timestamp, entropy: &dyn Entropy) -> (PlainToken, Token) {
    let token = Token {
        accessor: Accessor::generate(entropy),
        policies: vec![WRAPPING_POLICY_NAME.to_owned()],
        display_name: String::new(),
        meta: BTreeMap::new(),
        path: path.to_owned(),
        created_at: now,
        ttl,
        explicit_max_ttl: Some(ttl),
        period: None,
        expires_at: Some(now.plus(ttl)),
        last_renewal: None,
        num_uses: 1,
        renewable: false,
        parent: None,
        kind: TokenKind::Service,
        entity_id: String::new(),
        revoking: false,
        bound_cidrs: Vec::new(),
        role: None,
        origin: None,
    };
    (PlainToken::generate(entropy), token)
}

impl Token {
    /// Whether it holds a wrapped answer. No other token has that policy: see `policy_set::sanitize`.
    #[must_use]
    pub fn is_wrapping(&self) -> bool {
        matches!(self.policies(), [only] if only == WRAPPING_POLICY_NAME)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;
    use crate::identity::{TokenState, Use};

    #[test]
    fn a_wrapping_token_is_good_for_one_use_and_ends_with_its_time() {
        let now = Timestamp::from_secs(1_000);
        let (plain, token) =
            wrapping(Duration::from_secs(60), "secret/data/app", now, &SeededEntropy::new(5));
        assert_eq!(plain.expose().len(), 28);
        assert!(token.is_wrapping() && token.is_orphan() && !token.is_renewable());
        assert_eq!((token.path(), token.creation_ttl().as_secs()), ("secret/data/app", 60));
        assert_eq!(token.state(now.plus(Duration::from_secs(60))), TokenState::Expired);
        let Use::Last(used) = token.consume_use() else { panic!("more than one use") };
        assert_eq!(used.state(now), TokenState::Revoking);
    }
}
