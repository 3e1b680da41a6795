//! One table for renewals, and the ends that they cannot move.

use super::*;
use crate::entropy::SeededEntropy;
use crate::identity::create::{CreateToken, Parent, create, initial_root};
use crate::identity::digest::TokenDigest;
use crate::identity::principal::Principal;

const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn limits() -> Limits {
    Limits { default_ttl: secs(100), max_ttl: secs(1000) }
}

fn root() -> Token {
    initial_root(None, NOW, &SeededEntropy::new(1)).unwrap().1
}

fn made(request: CreateToken) -> Token {
    let root = root();
    let parent = Parent { digest: TokenDigest::from_bytes([9; 32]), token: &root, sudo: false };
    let request = CreateToken { policies: vec!["a".to_owned()], ..request };
    create(request, parent, limits(), NOW, &SeededEntropy::new(2)).unwrap().token
}

#[test]
fn renewals_count_from_now_and_stop_at_the_maximum() {
    use TokenError::{NotLive, NotRenewable};
    let plain = || CreateToken { ttl: Some(secs(200)), ..CreateToken::default() };
    let period = || CreateToken { period: Some(secs(60)), ..CreateToken::default() };
    let bounded =
        || CreateToken { period: Some(secs(60)), explicit_max_ttl: Some(secs(90)), ..CreateToken::default() };
    let fixed = || CreateToken { renewable: false, ..CreateToken::default() };
    // (token, seconds since creation, increment) → (seconds left, warnings)
    for (request, age, increment, want) in [
        (plain(), 150, None, Ok((200, 0))),
        (plain(), 150, Some(0), Ok((200, 0))),
        (plain(), 150, Some(30), Ok((30, 0))),
        (plain(), 150, Some(850), Ok((850, 0))),
        (plain(), 150, Some(851), Ok((850, 1))),
        (plain(), 199, None, Ok((200, 0))),
        (plain(), 200, None, Err(NotLive)),
        (period(), 59, Some(5), Ok((60, 0))),
        (period(), 60, None, Err(NotLive)),
        (bounded(), 50, None, Ok((40, 1))),
        (fixed(), 1, None, Err(NotRenewable)),
    ] {
        let token = made(request);
        let now = NOW.plus(secs(age));
        let got = renew(&token, increment.map(secs), &RenewalTerms::AsMade, now, limits());
        let got = got.map(|(renewed, warnings)| {
            assert_eq!(renewed.last_renewal(), Some(now));
            assert_eq!(renewed.creation_ttl(), token.creation_ttl());
            (renewed.remaining(now).unwrap().as_secs(), warnings.len())
        });
        assert_eq!(got, want, "age {age} increment {increment:?}");
    }
}

#[test]
fn a_period_token_lives_as_long_as_it_is_renewed() {
    let mut token = made(CreateToken { period: Some(secs(60)), ..CreateToken::default() });
    let mut now = NOW;
    for _ in 0..1000 {
        now = now.plus(secs(50));
        token = renew(&token, None, &RenewalTerms::AsMade, now, limits()).unwrap().0;
    }
    assert_eq!(token.remaining(now), Some(secs(60)));
}

#[test]
fn an_ordinary_token_ends_at_its_maximum_however_often_it_is_renewed() {
    let mut token = made(CreateToken { ttl: Some(secs(200)), ..CreateToken::default() });
    let mut now = NOW;
    let refused = loop {
        now = now.plus(secs(90));
        match renew(&token, None, &RenewalTerms::AsMade, now, limits()) {
            Ok((renewed, _)) => token = renewed,
            Err(refused) => break refused,
        }
    };
    assert_eq!(refused, TokenError::NotLive);
    assert_eq!(token.expires_at(), Some(NOW.plus(secs(1000))));
}

#[test]
fn tokens_without_end_revoked_ones_and_batch_tokens_are_not_renewed() {
    let live = made(CreateToken::default());
    let batch = Token { kind: TokenKind::Batch, ..live.clone() };
    for (token, want) in [
        (root(), TokenError::NotRenewable),
        (live.revoking(), TokenError::NotLive),
        (batch, TokenError::BatchNotRenewable),
    ] {
        assert_eq!(renew(&token, None, &RenewalTerms::AsMade, NOW, limits()).err(), Some(want));
    }
    assert_eq!(TokenError::NotRenewable.to_string(), "lease is not renewable");
}

#[test]
fn only_a_live_token_makes_a_principal() {
    let digest = TokenDigest::from_bytes([5; 32]);
    let token = made(CreateToken { ttl: Some(secs(10)), ..CreateToken::default() });
    let principal = Principal::verified(digest, &token, NOW.plus(secs(9))).unwrap();
    assert_eq!(principal.id(), token.accessor().as_str());
    assert_eq!(principal.policies(), ["a", "default"]);
    assert_eq!(principal.token(), &digest);
    let entity = Token { entity_id: "e-1".to_owned(), ..token.clone() };
    assert_eq!(Principal::verified(digest, &entity, NOW).unwrap().id(), "e-1");

    let ended = Principal::verified(digest, &token, NOW.plus(secs(10))).unwrap_err();
    assert_eq!((ended.state(), ended.to_string().as_str()), (TokenState::Expired, "permission denied"));
    let revoked = Principal::verified(digest, &token.revoking(), NOW).unwrap_err();
    assert_eq!(revoked.state(), TokenState::Revoking);
}
