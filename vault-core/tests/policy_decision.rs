//! Decisions on policies as people write them, and how they are explained.
#![expect(clippy::unwrap_used, reason = "test code; a panic is a failed test")]

use std::time::Duration;

use vault_core::policy::{Acl, Capability, Operation, Policy, Refusal};

fn acl(policies: &[(&str, &str)]) -> Acl {
    let parsed: Vec<_> = policies.iter().map(|(name, text)| Policy::parse(name, text).unwrap()).collect();
    Acl::new(&parsed)
}

const DEV: &str = r#"
path "accounts/creds/db/*"        { capabilities = ["read"] }
path "accounts/creds/db/prod/*"   { capabilities = ["deny"] }
path "accounts/creds/db/prod/app" { capabilities = ["read"] }
path "accounts/+/web"             { capabilities = ["read", "list"] }
path "secret/metadata/*"          { capabilities = ["list"] }
path "sys/seal"                   { capabilities = ["update", "sudo"] }
path "sys/rotate"                 { capabilities = ["update"] }
"#;

#[test]
fn the_most_specific_rule_decides_alone() {
    use Operation::{Create, Delete, List, Read};
    let acl = acl(&[("dev", DEV)]);
    for (path, operation, want) in [
        ("accounts/creds/db/test", Read, None),
        ("/accounts/creds/db/test", Read, None),
        ("accounts/creds/db/test", Delete, Some(Refusal::NotGranted)),
        ("accounts/creds/db/prod/web", Read, Some(Refusal::Deny)),
        ("accounts/creds/db/prod/app", Read, None),
        ("accounts/creds/db/prod/app", Create, Some(Refusal::NotGranted)),
        ("accounts/status/web", Read, None),
        ("accounts/status/x/web", Read, Some(Refusal::NoRule)),
        ("secret/metadata/", List, None),
        ("secret/metadata", List, Some(Refusal::NoRule)),
        ("secret/metadata/team/", List, None),
        ("accounts/status/web/", List, None),
        ("accounts/status/web/", Read, Some(Refusal::NoRule)),
        ("", Read, Some(Refusal::NoRule)),
    ] {
        assert_eq!(acl.decide(path, operation, None).refusal(), want, "{operation} {path}");
    }
}

#[test]
fn several_policies_on_one_path_add_up_and_deny_wins() {
    let read = r#"path "a/*" { capabilities = ["read"] }"#;
    let write = r#"path "a/*" { capabilities = ["update"] }"#;
    let deny = r#"path "a/*" { capabilities = ["deny"] }"#;
    let both = acl(&[("r", read), ("w", write)]);
    assert_eq!(both.capabilities("a/b"), [Capability::Read, Capability::Update]);
    for order in [[("r", read), ("d", deny)], [("d", deny), ("r", read)]] {
        assert_eq!(acl(&order).capabilities("a/b"), [Capability::Deny]);
    }
    // A deny on a less specific path has no say.
    let specific = r#"path "a/b" { capabilities = ["read"] }"#;
    assert!(acl(&[("d", deny), ("s", specific)]).decide("a/b", Operation::Read, None).is_allowed());
}

#[test]
fn without_policies_nothing_is_allowed_and_root_allows_all() {
    let none = Acl::new([]);
    let root = Acl::new([&Policy::root()]);
    for operation in Operation::ALL {
        assert_eq!(none.decide("sys/seal", operation, None).refusal(), Some(Refusal::NoRule));
        assert!(root.decide("sys/seal", operation, None).is_allowed());
    }
    assert_eq!(none.capabilities("x"), [Capability::Deny]);
    assert_eq!(root.capabilities("x"), [Capability::Root]);
    assert!(root.is_sudo("x") && !none.is_sudo("x"));
    // A policy of another name cannot make itself root.
    let all = acl(&[(
        "rooted",
        r#"path "*" { capabilities = ["create","read","update","patch","delete","list","sudo"] }"#,
    )]);
    assert!(!all.is_root());
    assert_eq!(all.capabilities("x").len(), 7);
    // A deny beside root changes nothing, as root is asked first.
    let deny = Policy::parse("d", r#"path "*" { policy = "deny" }"#).unwrap();
    assert!(Acl::new([&deny, &Policy::root()]).decide("x", Operation::Read, None).is_allowed());
}

#[test]
fn a_proof_comes_from_an_allowing_decision_only() {
    let acl = acl(&[("dev", DEV)]);
    let proof = acl.decide("sys/seal", Operation::Update, None).authorize().unwrap();
    assert_eq!((proof.path(), proof.operation()), ("sys/seal", Operation::Update));
    assert!(proof.has_sudo());
    assert!(proof.require_sudo().is_ok());

    let plain = acl.decide("sys/rotate", Operation::Update, None).authorize().unwrap();
    assert!(!plain.has_sudo());
    assert_eq!(plain.require_sudo().unwrap_err().refusal(), Refusal::NoSudo);

    let denied = acl.decide("sys/other", Operation::Update, None).authorize().unwrap_err();
    assert_eq!((denied.to_string().as_str(), denied.refusal()), ("permission denied", Refusal::NoRule));
    assert_eq!((acl.is_sudo("sys/seal"), acl.is_sudo("sys/rotate")), (true, false));
}

#[test]
fn wrapping_bounds_are_kept() {
    let acl = acl(&[(
        "w",
        "path \"a\" {\n capabilities = [\"read\"]\n min_wrapping_ttl = \"1s\"\n max_wrapping_ttl = \"90s\"\n}",
    )]);
    for (wrap, want) in
        [(None, false), (Some(0), false), (Some(1), true), (Some(90), true), (Some(91), false)]
    {
        let decision = acl.decide_wrapped("a", Operation::Read, None, wrap.map(Duration::from_secs));
        assert_eq!(decision.is_allowed(), want, "{wrap:?}");
    }
    assert_eq!(acl.decide("a", Operation::Read, None).refusal(), Some(Refusal::Wrapping));
}

#[test]
fn the_default_policy_lets_a_token_look_after_itself_only() {
    use Operation::{Create, List, Read, Update};
    let acl = Acl::new([&Policy::default_policy().unwrap()]);
    for (path, operation, want) in [
        ("auth/token/lookup-self", Read, true),
        ("auth/token/renew-self", Update, true),
        ("auth/token/revoke-self", Update, true),
        ("sys/capabilities-self", Update, true),
        ("sys/internal/ui/mounts", Read, true),
        ("sys/internal/ui/mounts/secret/a", Read, true),
        ("cubbyhole/a/b", Create, true),
        ("cubbyhole/", List, true),
        ("sys/leases/lookup", Update, true),
        ("sys/leases/renew", Update, true),
        ("auth/token/lookup", Update, false),
        ("auth/token/create", Update, false),
        ("sys/leases/revoke", Update, false),
        ("sys/leases/lookup/accounts/", List, false),
        ("sys/capabilities", Update, false),
        ("sys/policies/acl/default", Read, false),
        ("accounts/creds/a", Read, false),
    ] {
        assert_eq!(acl.decide(path, operation, None).is_allowed(), want, "{operation} {path}");
    }
}

#[test]
fn explanations_name_the_rule_and_its_policies() {
    let acl =
        acl(&[("dev", DEV), ("ops", r#"path "accounts/creds/db/*" { capabilities = ["read", "update"] }"#)]);
    for (path, operation, want) in [
        (
            "accounts/creds/db/test",
            Operation::Read,
            "read on \"accounts/creds/db/test\" is allowed: \
             path \"accounts/creds/db/*\" [read, update] of policy dev, ops",
        ),
        (
            "accounts/creds/db/test",
            Operation::Update,
            "update on \"accounts/creds/db/test\" is allowed: \
             path \"accounts/creds/db/*\" [read, update] of policy ops",
        ),
        (
            "accounts/creds/db/prod/x",
            Operation::Read,
            "read on \"accounts/creds/db/prod/x\" is refused: path \"accounts/creds/db/prod/*\" [deny] \
             of policy dev; the rule says deny; \
             less specific and so without effect: accounts/creds/db/*",
        ),
        ("nowhere", Operation::Read, "read on \"nowhere\" is refused: no rule matches this path"),
    ] {
        assert_eq!(acl.explain(path, operation).to_string(), want);
    }
    let root = Acl::new([&Policy::root()]).explain("x", Operation::Delete);
    assert_eq!(root.to_string(), "delete on \"x\" is allowed: the policy \"root\" allows everything");
}
