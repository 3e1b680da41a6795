//! Decisions agree with an independent reading of the rules, on many small collisions.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "test code; a panic is a failed test")]

#[path = "policy_matching/reference.rs"]
mod reference;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::RngSeed;
use serde_json::{Map, Value, json};
use vault_core::policy::{Acl, Operation, Policy};

use reference::PlainRule;

/// A few names that collide and extend each other, and the wildcards where they are and are not special.
const PATTERN_PARTS: [&str; 8] = ["a", "b", "ab", "+", "+", "", "+b", "a+"];
const PATH_PARTS: [&str; 6] = ["a", "b", "ab", "", "+b", "a+"];
const WORDS: [&str; 7] = ["create", "read", "update", "patch", "delete", "list", "sudo"];

fn pattern() -> impl Strategy<Value = String> {
    (vec(select(&PATTERN_PARTS[..]), 1..5), any::<bool>(), prop::bool::weighted(0.1))
        .prop_map(|(parts, open, slash)| {
            let body = parts.join("/");
            let slash = if slash { "/" } else { "" };
            let star = if open { "*" } else { "" };
            format!("{slash}{body}{star}")
        })
        .prop_filter("refused as ambiguous", |pattern| !pattern.contains("+*"))
}

fn parameters() -> impl Strategy<Value = Option<Map<String, Value>>> {
    let list = select(vec![json!([]), json!(["1"]), json!(["1", "2"]), json!([3])]);
    let map = vec((select(vec!["x", "Y", "*"]), list), 0..3)
        .prop_map(|entries| entries.into_iter().map(|(name, list)| (name.to_owned(), list)).collect());
    prop_oneof![1 => Just(None), 1 => map.prop_map(Some)]
}

fn rule(patterns: Vec<String>) -> impl Strategy<Value = PlainRule> {
    let words = prop_oneof![
        6 => subsequence(&WORDS[..], 0..=WORDS.len()),
        1 => Just(vec!["read", "deny"]),
    ];
    let required = prop_oneof![5 => Just(vec![]), 1 => Just(vec!["x"])];
    (select(patterns), words, parameters(), parameters(), required).prop_map(
        |(path, words, allowed, denied, required)| PlainRule { path, words, allowed, denied, required },
    )
}

fn path() -> impl Strategy<Value = String> {
    vec(select(&PATH_PARTS[..]), 1..5).prop_map(|parts| parts.join("/"))
}

/// Policies over a handful of patterns, so that they meet on the same ones, and a path that often fits.
fn world() -> impl Strategy<Value = (Vec<Vec<PlainRule>>, String)> {
    vec(pattern(), 1..5).prop_flat_map(|patterns| {
        let fitting = (select(patterns.clone()), select(&PATH_PARTS[..]), prop::bool::weighted(0.2))
            .prop_map(|(pattern, part, slash)| {
                pattern.replace(['+', '*'], part) + if slash { "/" } else { "" }
            });
        let path =
            prop_oneof![1 => path(), 2 => fitting].prop_map(|path| path.trim_start_matches('/').to_owned());
        (vec(vec(rule(patterns), 1..4), 1..4), path)
    })
}

fn data() -> impl Strategy<Value = Map<String, Value>> {
    let value = select(vec![json!("1"), json!("2"), json!(3), json!("9")]);
    vec((select(vec!["x", "X", "y", "z"]), value), 0..3)
        .prop_map(|entries| entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// Each policy as JSON, where a list of one-path objects keeps repeated paths apart.
fn compile(policies: &[Vec<PlainRule>]) -> Acl {
    let parsed: Vec<_> = policies
        .iter()
        .enumerate()
        .map(|(at, rules)| {
            let paths: Vec<_> =
                rules.iter().map(|rule| json!({ rule.path.as_str(): rule.to_json() })).collect();
            Policy::parse(&format!("p{at}"), &json!({ "path": paths }).to_string()).unwrap()
        })
        .collect();
    Acl::new(&parsed)
}

/// What the compared decisions were, so that the test can tell whether it tested anything.
#[derive(Debug, Default)]
struct Seen {
    allowed: u64,
    refused: u64,
}

fn compare(policies: &[Vec<PlainRule>], path: &str, data: &Map<String, Value>, seen: &mut Seen) {
    let acl = compile(policies);
    let rules: Vec<_> = policies.iter().flatten().cloned().collect();
    let sent = Value::Object(data.clone());
    for operation in Operation::ALL {
        let want = reference::allows(&rules, path, operation.as_str(), data);
        let decision = acl.decide(path, operation, Some(&sent));
        assert_eq!(decision.is_allowed(), want, "{operation} on {path:?}: {:?}", decision.refusal());
        if want {
            seen.allowed += 1;
        } else {
            seen.refused += 1;
        }
        let told = acl.explain(path, operation).refusal.is_none();
        assert!(told || !want, "the explanation refuses what is allowed: {operation} on {path:?}");
    }
    let words: Vec<_> = acl.capabilities(path).into_iter().map(|capability| capability.as_str()).collect();
    assert_eq!(words, reference::words(&rules, path), "capabilities of {path:?}");
}

#[test]
fn decisions_agree_with_a_second_reading_of_the_rules() {
    let config = ProptestConfig {
        cases: 20_000,
        rng_seed: RngSeed::Fixed(0x0070_6f6c_6963_7921),
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let seen = std::cell::RefCell::new(Seen::default());
    proptest!(config, |((policies, path) in world(), data in data())| {
        compare(&policies, &path, &data, &mut seen.borrow_mut());
    });
    let seen = seen.into_inner();
    assert_eq!(seen.allowed + seen.refused, 20_000 * 6);
    assert!(seen.allowed > 5_000, "too few grants to mean anything: {seen:?}");
}

#[test]
fn the_order_of_policies_and_rules_does_not_matter() {
    let config = ProptestConfig {
        cases: 500,
        rng_seed: RngSeed::Fixed(7),
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |((policies, path) in world(), data in data())| {
        let mut turned = policies.clone();
        turned.reverse();
        turned.iter_mut().for_each(|rules| rules.reverse());
        let (one, other) = (compile(&policies), compile(&turned));
        let sent = Value::Object(data);
        for operation in Operation::ALL {
            prop_assert_eq!(
                one.decide(&path, operation, Some(&sent)).is_allowed(),
                other.decide(&path, operation, Some(&sent)).is_allowed()
            );
        }
    });
}
