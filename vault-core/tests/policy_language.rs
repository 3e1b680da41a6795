//! The language of policies: what is read, and what is refused with which words.
#![expect(clippy::panic, reason = "test code; a panic is a failed test")]

use serde_json::json;
use vault_core::policy::{Acl, Capability, Operation, Policy, PolicyError, RuleProblem};

fn acl(text: &str) -> Acl {
    let policy = Policy::parse("test", text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    Acl::new([&policy])
}

fn words(text: &str, path: &str) -> String {
    let words: Vec<_> = acl(text).capabilities(path).into_iter().map(Capability::as_str).collect();
    words.join(" ")
}

#[test]
fn hcl_and_json_forms_say_the_same() {
    for text in [
        "path \"a/*\" {\n  capabilities = [\"read\", \"list\"]\n}\n",
        "path \"a/*\" { capabilities = [\"list\", \"read\"] }",
        "# head\nname = \"x\"\n// note\npath \"a/*\" {\n  comment = \"why\" /* here */\n  capabilities = [\n    \"read\",\n    \"list\",\n  ]\n}",
        "path \"/a/*\" { policy = \"read\" }",
        r#"{"path": {"a/*": {"capabilities": ["read", "list"]}}}"#,
        r#" {"name": "x", "path": [{"a/*": {"capabilities": ["read"]}}, {"a/*": [{"capabilities": ["list"]}]}]}"#,
        r#"{"path": {"a/*": {"policy": "read"}}}"#,
    ] {
        assert_eq!(words(text, "a/b"), "list read", "{text}");
    }
}

#[test]
fn old_words_mean_what_they_meant() {
    for (word, want) in [
        ("read", "list read"),
        ("write", "create delete list read update"),
        ("sudo", "create delete list read sudo update"),
        ("deny", "deny"),
    ] {
        assert_eq!(words(&format!("path \"a\" {{ policy = \"{word}\" }}"), "a"), want);
    }
    assert_eq!(
        words("path \"a\" {\n policy = \"read\"\n capabilities = [\"patch\"]\n}", "a"),
        "list patch read"
    );
}

#[test]
fn a_rule_without_capabilities_grants_nothing_but_still_decides() {
    assert_eq!(words("path \"a/*\" { policy = \"read\" }\npath \"a/b\" {}\n", "a/b"), "deny");
}

#[test]
fn parameters_are_read_from_both_forms() {
    for text in [
        "path \"a\" {\n capabilities = [\"update\"]\n allowed_parameters = {\n \"ttl\" = [\"1h\", 7]\n \"*\" = []\n }\n denied_parameters = { bad = [] }\n required_parameters = [\"TTL\"]\n}",
        r#"{"path":{"a":{"capabilities":["update"],"allowed_parameters":{"ttl":["1h",7],"*":[]},"denied_parameters":{"bad":[]},"required_parameters":["TTL"]}}}"#,
    ] {
        let acl = acl(text);
        for (data, want) in [
            (json!({"ttl": "1h"}), true),
            (json!({"ttl": 7, "more": 1}), true),
            (json!({"ttl": "2h"}), false),
            (json!({"ttl": "1h", "bad": 0}), false),
            (json!({"more": 1}), false),
        ] {
            assert_eq!(acl.decide("a", Operation::Update, Some(&data)).is_allowed(), want, "{data} {text}");
        }
        assert!(!acl.decide("a", Operation::Update, None).is_allowed(), "required, but no data at all");
    }
}

#[test]
fn blocks_without_equals_sign_are_read_as_maps() {
    let acl =
        acl("path \"a\" {\n capabilities = [\"update\"]\n allowed_parameters {\n  ttl = [\"1h\"]\n }\n}");
    assert!(acl.decide("a", Operation::Update, Some(&json!({"ttl": "1h"}))).is_allowed());
    assert!(!acl.decide("a", Operation::Update, Some(&json!({"other": "1h"}))).is_allowed());
}

#[test]
fn what_is_wrong_with_a_rule_is_named() {
    let form = |key: &str, form| RuleProblem::Form { key: key.to_owned(), form };
    for (setting, want) in [
        ("capabilities = [\"red\"]", RuleProblem::Capability("red".into())),
        ("capabilities = [\"root\"]", RuleProblem::Capability("root".into())),
        ("capabilities = [\"Read\"]", RuleProblem::Capability("Read".into())),
        ("capabilities = \"read\"", form("capabilities", "a list of words, such as [\"read\"]")),
        ("capabilities = [1]", form("capabilities", "a list of words, such as [\"read\"]")),
        ("capabilities = [read]", form("capabilities", "written out, without references or templates")),
        ("capabilities = [\"${x}\"]", form("capabilities", "written out, without references or templates")),
        ("policy = \"all\"", RuleProblem::OldPolicy("all".into())),
        ("capability = [\"read\"]", RuleProblem::Key("capability".into())),
        ("rules \"x\" {\n}", RuleProblem::Key("rules".into())),
        ("mfa_methods = [\"x\"]", RuleProblem::Unsupported("mfa_methods".into())),
        ("control_group = {}", RuleProblem::Unsupported("control_group".into())),
        (
            "allowed_parameters = [\"x\"]",
            form("allowed_parameters", "a map of lists, such as { \"ttl\" = [\"1h\"] }"),
        ),
        (
            "allowed_parameters = { x = 1 }",
            form("allowed_parameters", "a map of lists, such as { \"ttl\" = [\"1h\"] }"),
        ),
        ("denied_parameters = { X = [], x = [] }", RuleProblem::Twice("x".into())),
        ("denied_parameters = { \"x*\" = [] }", RuleProblem::ParameterKey("x*".into())),
        ("denied_parameters = { \"/data/x\" = [] }", RuleProblem::ParameterKey("/data/x".into())),
        ("required_parameters = [\"*\"]", RuleProblem::ParameterKey("*".into())),
        ("min_wrapping_ttl = \"soon\"", form("min_wrapping_ttl", "seconds or a duration such as \"5m\"")),
        ("min_wrapping_ttl = \"2m\"\n max_wrapping_ttl = \"1m\"", RuleProblem::WrappingBounds),
    ] {
        let text = format!("path \"a/b\" {{\n {setting}\n}}");
        let want = PolicyError::Rule { path: "a/b".into(), problem: want };
        assert_eq!(Policy::parse("p", &text).err(), Some(want), "{text}");
    }
    let long = format!("path \"{}\" {{}}", "a/".repeat(513));
    let error = Policy::parse("p", &long).expect_err("too long").to_string();
    assert!(error.ends_with("the path is longer than 1024 bytes"), "{error}");
    for (path, problem) in
        [("a/+*", RuleProblem::PlusStar), ("secret/{{identity.entity.id}}/*", RuleProblem::Template)]
    {
        let text = format!("path \"{path}\" {{ policy = \"deny\" }}");
        assert_eq!(Policy::parse("p", &text).err(), Some(PolicyError::Rule { path: path.into(), problem }));
    }
}

#[test]
fn what_is_wrong_around_rules_is_named() {
    for (text, want) in [
        ("paths \"a\" {}", "failed to parse policy: invalid key \"paths\""),
        ("version = 1", "failed to parse policy: invalid key \"version\""),
        ("path = {}", "failed to parse policy: a rule is written path"),
        ("path {}", "failed to parse policy: a rule is written path"),
        ("path \"a\" \"b\" {}", "failed to parse policy: a rule is written path"),
        ("path a {}", "failed to parse policy: a rule is written path"),
        ("path \"a\" {\n capabilities = [\"read\"\n}", "failed to parse policy: line 3"),
        ("\n\n&", "failed to parse policy: line 3, column 1"),
        ("{", "failed to parse policy: EOF"),
        ("{\"path\": 1}", "failed to parse policy: a rule is written path"),
        ("{\"path\": {\"a\": 1}}", "failed to parse policy: path \"a\""),
        ("{\"rules\": {}}", "failed to parse policy: invalid key \"rules\""),
    ] {
        let error = Policy::parse("p", text).expect_err(text).to_string();
        assert!(error.starts_with(want), "{text:?}: {error}");
    }
}

#[test]
fn a_setting_given_twice_is_refused_in_either_form() {
    for text in [
        "path \"a\" {\n capabilities = [\"deny\"]\n capabilities = [\"read\"]\n}",
        "path \"a\" {\n capabilities = [\"read\"]\n denied_parameters = { x = [] }\n denied_parameters {\n }\n}",
        "path \"a\" {\n capabilities = [\"read\"]\n denied_parameters = { x = [], \"x\" = [\"1\"] }\n}",
        "path \"a\" {\n capabilities = [\"read\"]\n denied_parameters = { x = [], x = [\"1\"] }\n}",
        r#"{"path": {"a": {"capabilities": ["deny"], "capabilities": ["read"]}}}"#,
        r#"{"path": {"a": {"capabilities": ["deny"]}, "a": {"capabilities": ["read"]}}}"#,
        r#"{"path": {"a": {"capabilities": ["update"], "denied_parameters": {"x": [], "x": ["1"]}}}}"#,
    ] {
        assert!(Policy::parse("p", text).is_err(), "{text}");
    }
}

#[test]
fn two_blocks_on_one_path_add_up_and_deny_wins() {
    let grant = "path \"a\" { capabilities = [\"read\"] }\npath \"a\" { capabilities = [\"list\"] }\n";
    assert_eq!(words(grant, "a"), "list read");
    assert_eq!(words(&format!("{grant}path \"/a\" {{ policy = \"deny\" }}\n"), "a"), "deny");
}

#[test]
fn hostile_nesting_is_an_error_and_not_a_crash() {
    for (open, close) in [("[", "]"), ("{ x = ", "}"), ("(", ")"), ("!", ""), ("-", ""), ("\"${", "}\"")] {
        let text =
            format!("path \"a\" {{\n capabilities = {}{}\n}}", open.repeat(50_000), close.repeat(50_000));
        assert!(Policy::parse("p", &text).is_err(), "{open}");
    }
    let blocks = format!("path \"a\" {{ {}", "x {\n".repeat(50_000));
    assert!(Policy::parse("p", &blocks).is_err());
    let json = format!("{{\"path\": {}", "[".repeat(50_000));
    assert!(Policy::parse("p", &json).is_err());
}
