//! One table per rule of making tokens.

use super::*;
use crate::entropy::SeededEntropy;
use crate::identity::token::Use;

const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);
const HOUR: Duration = Duration::from_secs(3600);

fn root() -> Token {
    initial_root(None, NOW, &SeededEntropy::new(1)).unwrap().1
}

fn names(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// A parent with these policies and a life of one hour.
fn ordinary(policies: &[&str]) -> Token {
    let request = CreateToken { ttl: Some(HOUR), ..CreateToken::default() };
    let token = made(request, &root(), false).unwrap().token;
    Token { policies: names(policies), ..token }
}

fn made(request: CreateToken, parent: &Token, sudo: bool) -> Result<Created, TokenError> {
    let parent = Parent { digest: TokenDigest::from_bytes([9; 32]), token: parent, sudo };
    create(request, parent, Limits::default(), NOW, &SeededEntropy::new(2))
}

#[test]
fn a_child_has_at_most_the_policies_of_an_ordinary_parent() {
    use TokenError::{NotSubset, RootNeedsRoot};
    // (parent's policies, sudo, asked, no_default_policy) → child's policies
    for (held, sudo, asked, no_default, want) in [
        (&["a", "b"][..], false, &["a"][..], false, Ok(&["a"][..])),
        (&["a", "b", "default"], false, &["b"], false, Ok(&["b", "default"])),
        (&["a", "b", "default"], false, &["b"], true, Ok(&["b"])),
        (&["a", "b"], false, &[], false, Ok(&["a", "b"])),
        (&["a", "default"], false, &[], true, Ok(&["a"])),
        (&["a"], false, &[" A "], false, Ok(&["a"])),
        (&["a"], false, &["b"], false, Err(NotSubset)),
        (&["a"], false, &["a", "b"], false, Err(NotSubset)),
        (&["a"], false, &["default"], false, Err(NotSubset)),
        (&["a"], false, &["root"], false, Err(NotSubset)),
        (&["a"], true, &["b"], false, Ok(&["b", "default"])),
        (&["a"], true, &["b"], true, Ok(&["b"])),
        (&["a"], true, &["root"], false, Err(RootNeedsRoot)),
        (&["root"], false, &["x"], false, Ok(&["default", "x"])),
        (&["root"], false, &["x"], true, Ok(&["x"])),
        (&["root"], false, &[], false, Ok(&["root"])),
        (&["root"], false, &["x", "Root"], false, Ok(&["root"])),
    ] {
        let parent = if held == ["root"] { root() } else { ordinary(held) };
        let request =
            CreateToken { policies: names(asked), no_default_policy: no_default, ..CreateToken::default() };
        let got = made(request, &parent, sudo).map(|created| created.token.policies);
        assert_eq!(got, want.map(names), "held {held:?} sudo {sudo} asked {asked:?}");
    }
}

#[test]
fn privileges_need_root_or_sudo() {
    type Ask = fn() -> CreateToken;
    let id: Ask = || CreateToken { id: Some(SecretString::new("mine".into())), ..CreateToken::default() };
    let orphan: Ask = || CreateToken { no_parent: true, ..CreateToken::default() };
    let period: Ask = || CreateToken { period: Some(HOUR), ..CreateToken::default() };
    let plain: Ask = CreateToken::default;
    for (what, ask, ordinary_gets, sudo_gets) in [
        ("id", id, Some(TokenError::IdNeedsRoot), Some(TokenError::IdNeedsRoot)),
        ("no_parent", orphan, Some(TokenError::OrphanNeedsSudo), None),
        ("period", period, Some(TokenError::PeriodNeedsSudo), None),
        ("nothing", plain, None, None),
    ] {
        let parent = ordinary(&["a"]);
        assert_eq!(made(ask(), &parent, false).err(), ordinary_gets, "{what} without sudo");
        assert_eq!(made(ask(), &parent, true).err(), sudo_gets, "{what} with sudo");
        assert_eq!(made(ask(), &root(), false).err(), None, "{what} by root");
    }
}

#[test]
fn a_zero_duration_is_as_good_as_none() {
    let request = CreateToken {
        period: Some(Duration::ZERO),
        ttl: Some(Duration::ZERO),
        explicit_max_ttl: Some(Duration::ZERO),
        ..CreateToken::default()
    };
    let token = made(request, &ordinary(&["a"]), false).unwrap().token;
    assert_eq!((token.period, token.explicit_max_ttl), (None, None));
    assert_eq!(token.ttl, Limits::default().default_ttl);
}

#[test]
fn a_child_is_revoked_with_its_parent_unless_it_is_an_orphan() {
    for (route, no_parent, orphan, path) in [
        (Route::Create, false, false, "auth/token/create"),
        (Route::Create, true, true, "auth/token/create"),
        (Route::CreateOrphan, false, true, "auth/token/create-orphan"),
    ] {
        let token =
            made(CreateToken { route, no_parent, ..CreateToken::default() }, &root(), false).unwrap().token;
        assert_eq!(token.is_orphan(), orphan, "{route:?} {no_parent}");
        assert_eq!(token.parent().copied(), (!orphan).then(|| TokenDigest::from_bytes([9; 32])));
        assert_eq!(token.path(), path);
    }
    // The right to create-orphan is the permission: no sudo needed.
    let request = CreateToken { route: Route::CreateOrphan, ..CreateToken::default() };
    assert!(made(request, &ordinary(&["a"]), false).unwrap().token.is_orphan());
}

#[test]
fn lives_are_capped_with_a_warning_and_root_may_have_none() {
    let max = Limits::default().max_ttl;
    // (policies, ttl, explicit max) → (life, warnings)
    for (policies, ttl, explicit, life, warned) in [
        (&["a"][..], None, None, Some(max), 0),
        (&["a"], Some(HOUR), None, Some(HOUR), 0),
        (&["a"], Some(max + HOUR), None, Some(max), 1),
        (&["a"], Some(HOUR * 3), Some(HOUR), Some(HOUR), 1),
        (&["root"], None, None, None, 0),
        (&["root"], Some(HOUR), None, Some(HOUR), 0),
        (&["root"], None, Some(HOUR), Some(HOUR), 0),
    ] {
        let request = CreateToken {
            policies: names(policies),
            ttl,
            explicit_max_ttl: explicit,
            ..CreateToken::default()
        };
        let created = made(request, &root(), false).unwrap();
        assert_eq!(created.token.remaining(NOW), life, "{policies:?} {ttl:?} {explicit:?}");
        assert_eq!(created.token.creation_ttl(), life.unwrap_or_default());
        assert_eq!(created.token.is_renewable(), life.is_some());
        assert_eq!(created.warnings.len(), warned);
    }
}

#[test]
fn an_expiring_root_token_makes_no_lasting_one() {
    let request = CreateToken { ttl: Some(HOUR), ..CreateToken::default() };
    let expiring = made(request, &root(), false).unwrap().token;
    assert_eq!(made(CreateToken::default(), &expiring, false).err(), Some(TokenError::ExpiringRoot));
    let request = CreateToken { ttl: Some(HOUR), ..CreateToken::default() };
    assert!(made(request, &expiring, false).is_ok());
}

#[test]
fn a_parent_must_be_live_unlimited_and_no_batch_token() {
    let parent = ordinary(&["a"]);
    let limited = Token { num_uses: 5, ..parent.clone() };
    let batch = Token { kind: TokenKind::Batch, ..parent.clone() };
    let expired = Token { expires_at: Some(NOW), ..parent.clone() };
    for (parent, want) in [
        (limited, TokenError::ParentUseLimited),
        (batch, TokenError::ParentBatch),
        (expired, TokenError::ParentNotLive),
        (parent.revoking(), TokenError::ParentNotLive),
    ] {
        assert_eq!(made(CreateToken::default(), &parent, true).err(), Some(want));
    }
    let batch =
        || CreateToken { kind: Some(TokenKind::Batch), policies: names(&["a"]), ..CreateToken::default() };
    let hour = Some(Duration::from_secs(3600));
    for (request, want) in [
        (CreateToken { explicit_max_ttl: hour, ..batch() }, TokenError::BatchExplicitMax),
        (CreateToken { period: hour, ..batch() }, TokenError::BatchPeriod),
        (CreateToken { num_uses: 1, ..batch() }, TokenError::BatchUses),
        (CreateToken { policies: names(&["root"]), ..batch() }, TokenError::BatchRoot),
    ] {
        assert_eq!(made(request, &root(), false).err(), Some(want));
    }
    let token = made(batch(), &root(), false).unwrap().token;
    assert_eq!((token.kind, token.renewable), (TokenKind::Batch, false));
}

#[test]
fn chosen_ids_are_taken_as_they_are_or_refused() {
    for (id, want) in [
        ("mine", None),
        ("hvs.abc", Some(TokenError::IdPrefix)),
        ("s.abc", Some(TokenError::IdPrefix)),
        ("", Some(TokenError::IdForm)),
        ("a b", Some(TokenError::IdForm)),
    ] {
        let request = CreateToken { id: Some(SecretString::new(id.into())), ..CreateToken::default() };
        let got = made(request, &root(), false);
        assert_eq!(got.as_ref().err().copied(), want, "{id:?}");
        if let Ok(created) = got {
            assert_eq!(created.plain.expose(), id);
        }
    }
    let (plain, _) =
        initial_root(Some(SecretString::new("hvs.dev".into())), NOW, &SeededEntropy::new(1)).unwrap();
    assert_eq!(plain.expose(), "hvs.dev");
}

#[test]
fn display_names_are_cleaned_behind_a_prefix() {
    for (asked, want) in [
        ("", "token"),
        ("ci", "token-ci"),
        ("CI runner #1", "token-CI-runner--1"),
        ("x!", "token-x"),
        ("a/b\nc", "token-a-b-c"),
    ] {
        let request = CreateToken { display_name: asked.into(), ..CreateToken::default() };
        assert_eq!(made(request, &root(), false).unwrap().token.display_name(), want, "{asked:?}");
    }
}

#[test]
fn notes_and_names_are_bounded() {
    let long = CreateToken { display_name: "n".repeat(257), ..CreateToken::default() };
    assert_eq!(made(long, &root(), false).err(), Some(TokenError::DisplayNameTooLong));
    let many = (0..65).map(|n| (n.to_string(), String::new())).collect();
    let large = [("k".to_owned(), "v".repeat(1024))].into();
    for meta in [many, large] {
        let request = CreateToken { meta, ..CreateToken::default() };
        assert_eq!(made(request, &root(), false).err(), Some(TokenError::MetaTooLarge));
    }
    let policies = vec!["p".repeat(129)];
    let request = CreateToken { policies, ..CreateToken::default() };
    assert_eq!(made(request, &root(), false).err(), Some(TokenError::PolicyNames));
}

#[test]
fn the_first_token_is_root_for_ever() {
    let (plain, token) = initial_root(None, NOW, &SeededEntropy::new(7)).unwrap();
    assert!(plain.expose().starts_with("hvs."));
    assert!(token.is_root() && token.is_orphan() && !token.is_renewable());
    assert_eq!((token.expires_at(), token.path()), (None, "auth/token/root"));
    assert_eq!(token.remaining(NOW.plus(HOUR * 1_000_000)), None);
    assert_eq!(
        initial_root(Some(SecretString::new("a b".into())), NOW, &SeededEntropy::new(7)).err(),
        Some(TokenError::IdForm)
    );
}

#[test]
fn the_last_use_leaves_a_token_that_is_being_revoked() {
    let request = CreateToken { num_uses: 2, ..CreateToken::default() };
    let token = made(request, &root(), false).unwrap().token;
    let Use::Counted(once) = token.consume_use() else { panic!("two uses") };
    assert_eq!(once.num_uses(), 1);
    assert_eq!(once.state(NOW), TokenState::Live);
    let Use::Last(spent) = once.consume_use() else { panic!("one use") };
    assert_eq!(spent.state(NOW), TokenState::Revoking);
    assert_eq!(root().consume_use(), Use::Unlimited);
}

#[test]
fn a_record_survives_its_stored_form_and_shows_no_secret() {
    let request = CreateToken {
        policies: names(&["a"]),
        period: Some(HOUR),
        meta: [("team".to_owned(), "ops".to_owned())].into(),
        ..CreateToken::default()
    };
    let created = made(request, &root(), false).unwrap();
    let stored = rmp_serde::to_vec_named(&created.token).unwrap();
    assert_eq!(rmp_serde::from_slice::<Token>(&stored).unwrap(), created.token);
    let secret = created.plain.expose().split_at(4).1;
    for shown in [format!("{created:?}"), String::from_utf8_lossy(&stored).into_owned()] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
