//! What policies accept, and what the passwords look like.

use proptest::prelude::*;

use super::*;
use crate::entropy::{OsEntropy, SeededEntropy};

const VAULT_EXAMPLE: &str = r#"
    length=20

    rule "charset" {
      charset = "abcdefghijklmnopqrstuvwxyz"
      min-chars = 1
    }
    rule "charset" {
      charset = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
      min-chars = 1
    }
    rule "charset" {
      charset = "0123456789"
      min-chars = 1
    }
    rule "charset" {
      charset = "!@#$%^&*"   # not the quote
      min-chars = 1
    }
"#;

fn count(password: &str, charset: &str) -> usize {
    password.chars().filter(|c| charset.contains(*c)).count()
}

#[test]
fn the_example_of_vaults_manual_is_read_and_kept() {
    let policy = PasswordPolicy::parse(VAULT_EXAMPLE).unwrap();
    let entropy = SeededEntropy::new(1);
    for _ in 0..200 {
        let password = policy.generate(&entropy);
        let password = password.expose();
        assert_eq!(password.chars().count(), 20);
        for charset in [LOWER, UPPER, DIGITS, "!@#$%^&*"] {
            assert!(count(password, charset) >= 1, "{password}");
        }
        assert_eq!(count(password, &[LOWER, UPPER, DIGITS, "!@#$%^&*"].concat()), 20, "{password}");
    }
}

#[test]
fn hcl_on_one_line_and_json_mean_the_same() {
    let expected = PasswordPolicy::parse(
        "length = 8\nrule \"charset\" {\n charset = \"abc\"\n min-chars = 2\n}\nrule \"charset\" { charset = \"01\" }",
    )
    .unwrap();
    for text in [
        r#"length = 8 rule "charset" { charset = "abc" min-chars = 2 } rule "charset" { charset = "01" }"#,
        r#"length=8 rule "charset"{charset="abc" min-chars=2}rule "charset"{charset="01"} // end"#,
        r#"{"length": 8, "rule": [{"charset": {"charset": "abc", "min-chars": 2}}, {"charset": {"charset": "01"}}]}"#,
        r#"{"length": 8, "rule": {"charset": [{"charset": "abc", "min-chars": 2}, {"charset": "01", "min-chars": 0}]}}"#,
    ] {
        assert_eq!(PasswordPolicy::parse(text).as_ref(), Ok(&expected), "{text}");
    }
}

#[test]
fn what_is_no_policy_is_refused_with_what_to_mend() {
    use PasswordPolicyError as E;
    let deep = "rule \"charset\" ".to_owned() + &"{".repeat(3000);
    let brackets = "length = ".to_owned() + &"[".repeat(3000);
    let minus = "length = ".to_owned() + &"-".repeat(3000) + "1";
    for (text, error) in [
        ("", E::Length),
        ("length = 20", E::NoRules),
        ("length = 3 rule \"charset\" { charset = \"abc\" }", E::Length),
        ("length = 257 rule \"charset\" { charset = \"abc\" }", E::Length),
        ("length = -20 rule \"charset\" { charset = \"abc\" }", E::Length),
        ("length = \"20\" rule \"charset\" { charset = \"abc\" }", E::Length),
        ("length = 20 length = 21", E::Malformed),
        ("length = 20 rule \"charset\" { }", E::Charset),
        ("length = 20 rule \"charset\" { charset = \"\" }", E::Charset),
        ("length = 20 rule \"charset\" { charset = 5 }", E::Charset),
        ("length = 20 rule \"charset\" { charset = \"a\\nb\" }", E::Charset),
        ("length = 20 rule \"charset\" { charset = \"a\u{202e}b\" }", E::Charset),
        ("length = 20 rule \"charset\" { charset = \"abc\" min-chars = -1 }", E::MinChars),
        ("length = 20 rule \"charset\" { charset = \"abc\" min-chars = \"x\" }", E::MinChars),
        (
            "length = 4 rule \"charset\" { charset = \"abc\" min-chars = 5 }",
            E::MinCharsAboveLength { needed: 5, length: 4 },
        ),
        ("length = 20 rule \"words\" { charset = \"abc\" }", E::UnknownRule("words".into())),
        ("length = 20 rule { charset = \"abc\" }", E::UnknownRule(String::new())),
        ("length = 20 rules = 1", E::Unknown("rules".into())),
        ("length = 20 rule \"charset\" { charset = \"abc\" max = 1 }", E::Unknown("max".into())),
        ("length = 20 rule \"charset\" { charset = \"${upper(\"a\")}\" }", E::Malformed),
        ("length = twenty()", E::Malformed),
        ("length", E::Malformed),
        ("{\"length\": 20", E::Malformed),
        ("{\"length\": 20, \"rule\": [1]}", E::Malformed),
        ("{\"length\": 20.5}", E::Length),
        ("{\"length\": 20, \"rule\": [{\"words\": {}}]}", E::UnknownRule("words".into())),
        (&deep, E::Malformed),
        (&brackets, E::Malformed),
        (&minus, E::Malformed),
        (&"#".repeat(20_000), E::TooLong),
    ] {
        assert_eq!(PasswordPolicy::parse(text), Err(error), "{}", text.get(..60).unwrap_or(text));
    }
}

#[test]
fn bounds_of_charset_and_rules_are_kept() {
    let of = |chars: usize| {
        let charset: String = (0x4e00u32..).take(chars).filter_map(char::from_u32).collect();
        PasswordPolicy::parse(&format!("length = 4 rule \"charset\" {{ charset = \"{charset}\" }}"))
    };
    assert!(of(256).is_ok());
    assert_eq!(of(257), Err(PasswordPolicyError::Charset));
    let many = |rules: usize| {
        PasswordPolicy::parse(
            &("length = 4 ".to_owned() + &"rule \"charset\" { charset = \"a\" }".repeat(rules)),
        )
    };
    assert!(many(RULES_MAX).is_ok());
    assert_eq!(many(RULES_MAX + 1), Err(PasswordPolicyError::TooManyRules));
}

#[test]
fn the_default_is_safe_unquoted_and_has_every_class() {
    let entropy = SeededEntropy::new(2);
    for _ in 0..500 {
        let password = PasswordPolicy::default().generate(&entropy);
        let password = password.expose();
        assert_eq!(password.len(), 32);
        assert!(password.starts_with(|c: char| c.is_ascii_alphabetic()), "{password}");
        for charset in [LOWER, UPPER, DIGITS, "-"] {
            assert!(count(password, charset) >= 1, "{password}");
        }
        assert_eq!(count(password, &[LOWER, UPPER, DIGITS, "-"].concat()), 32, "{password}");
    }
}

#[test]
fn the_stricter_policy_is_longer_and_has_all_classes_whatever_it_came_from() {
    let entropy = SeededEntropy::new(3);
    let of_length = |length: usize| {
        PasswordPolicy::parse(&format!("length = {length} rule \"charset\" {{ charset = \"'$ é\" }}"))
            .unwrap()
    };
    for (before, after) in [(4, 24), (16, 24), (20, 30), (40, 60), (50, 64), (64, 64), (100, 100), (256, 256)]
    {
        let policy = of_length(before).stricter();
        let password = policy.generate(&entropy);
        let password = password.expose();
        assert_eq!(password.len(), after);
        assert!(password.starts_with(|c: char| c.is_ascii_alphabetic()), "{password}");
        for (charset, least) in [(LOWER, 2), (UPPER, 2), (DIGITS, 2), ("-_", 1)] {
            assert!(count(password, charset) >= least, "{password}");
        }
        assert_eq!(count(password, &[LOWER, UPPER, DIGITS, "-_"].concat()), after, "{password}");
    }
    let default = PasswordPolicy::default();
    assert!(default.stricter().length() > default.length());
}

#[test]
fn rules_that_few_words_satisfy_are_met_all_the_same() {
    let policy = PasswordPolicy::parse(
        r#"length = 20 rule "charset" { charset = "abcdefghijklmnopqrstuvwxyzé!" min-chars = 1 }
           rule "charset" { charset = "0123456789" min-chars = 19 }"#,
    )
    .unwrap();
    let entropy = SeededEntropy::new(4);
    let mut letter_at = [0u32; 20];
    for _ in 0..2_000 {
        let password = policy.generate(&entropy);
        assert_eq!(count(password.expose(), DIGITS), 19);
        let at = password.expose().chars().position(|c| !c.is_ascii_digit()).unwrap();
        letter_at[at] += 1;
    }
    // 100 expected at each place; 19 degrees of freedom.
    assert!(chi_square(&letter_at, 100.0) < 43.8, "{letter_at:?}");
}

#[test]
fn every_character_is_equally_likely() {
    let charset: String = ('!'..='~').filter(|c| !"\"\\%$".contains(*c)).take(67).collect();
    let policy =
        PasswordPolicy::parse(&format!("length = 256 rule \"charset\" {{ charset = \"{charset}\" }}"))
            .unwrap();
    let mut seen = [0u32; 67];
    let entropy = SeededEntropy::new(5);
    for _ in 0..523 {
        for c in policy.generate(&entropy).expose().chars() {
            seen[charset.find(c).unwrap()] += 1;
        }
    }
    let expected = f64::from(seen.iter().sum::<u32>()) / 67.0;
    // 66 degrees of freedom: 0.1 % of even generators lie above 107.
    assert!(chi_square(&seen, expected) < 107.0, "{seen:?}");
}

#[test]
fn first_characters_of_the_default_are_equally_likely_letters() {
    let letters = [LOWER, UPPER].concat();
    let mut seen = [0u32; 52];
    let entropy = SeededEntropy::new(6);
    for _ in 0..5_200 {
        let first = PasswordPolicy::default().generate(&entropy).expose().chars().next().unwrap();
        seen[letters.find(first).unwrap()] += 1;
    }
    // 51 degrees of freedom: 0.1 % of even generators lie above 87.97.
    assert!(chi_square(&seen, 100.0) < 87.97, "{seen:?}");
}

#[test]
fn passwords_differ() {
    let policy = PasswordPolicy::default();
    let mut seen: Vec<String> = (0..1_000).map(|_| policy.generate(&OsEntropy).expose().to_owned()).collect();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 1_000);
}

fn chi_square(seen: &[u32], expected: f64) -> f64 {
    seen.iter().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum()
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in r#"(length|rule|"charset"|charset|min-chars|[{}=" \n#/0-9a-z-]){0,30}"#) {
        let _ = PasswordPolicy::parse(&text);
    }

    #[test]
    fn any_policy_that_is_read_makes_passwords_that_keep_it(
        length in 4usize..40, sets in proptest::collection::vec(("[a-zA-Z0-9 _.é-]{1,12}", 0usize..6), 1..5), seed: u64,
    ) {
        let rules: String = sets.iter().map(|(charset, min)| {
            format!("rule \"charset\" {{ charset = \"{charset}\" min-chars = {min} }} ")
        }).collect();
        let needed: usize = sets.iter().map(|(_, min)| min).sum();
        match PasswordPolicy::parse(&format!("length = {length} {rules}")) {
            Err(error) => prop_assert!(needed > length, "{error}"),
            Ok(policy) => {
                let password = policy.generate(&SeededEntropy::new(seed));
                prop_assert_eq!(password.expose().chars().count(), length);
                for (charset, min) in &sets {
                    prop_assert!(count(password.expose(), charset) >= *min);
                }
            }
        }
    }
}
