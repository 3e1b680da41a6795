//! What an account may do, as stable lines; the reading is pure.
//!
//! The lines come of `SHOW CREATE USER` and `SHOW GRANTS`, which management and the account itself see alike as long as
//! no role of the account is active. `USAGE` means no right and is left out.
//! Each privilege has its own line, so that one that is added takes none away.

use vault_core::rotation::port::Rights;

use super::identity::{Identity, Token, tokens};

/// All lines: how it is let in, under which conditions, and what was granted to it.
pub(super) fn rights(identity: &Identity, grants: &[String]) -> Rights {
    let mut lines: Vec<String> =
        identity.plugins.iter().map(|plugin| format!("let in by {plugin}")).collect();
    if !identity.conditions.is_empty() {
        lines.push(format!("account {}", identity.conditions));
    }
    lines.extend(grants.iter().flat_map(|grant| lines_of(grant)).filter(|line| line != NO_RIGHT));
    lines.sort();
    lines.dedup();
    Rights(lines)
}

/// Whether whoever has these grants may change every account: by them, or perhaps by a role of which they say
/// no more than its name.
pub(super) fn may_alter_others(grants: &[String]) -> bool {
    let reaches = |line: &String| {
        let of = |object: &str, privileges: &[&str]| {
            privileges.iter().any(|privilege| {
                let start = format!("grant {privilege} on {object}");
                line.to_lowercase().starts_with(&start.to_lowercase())
            })
        };
        of("*.*", &["CREATE USER", "ALL PRIVILEGES"]) || line.starts_with("role ")
    };
    grants.iter().flat_map(|grant| lines_of(grant)).any(|line| reaches(&line))
}

/// The lines of one row of `SHOW GRANTS`.
fn lines_of(grant: &str) -> Vec<String> {
    let tokens = tokens(grant);
    let [verb, rest @ ..] = tokens.as_slice() else { return Vec::new() };
    // The account's own name says nothing; what follows it in MariaDB's first row is in the account's line.
    let Some(to) = rest.iter().position(|token| token.is("TO") || token.is("FROM") || token.is("FOR")) else {
        return vec![shown(&tokens)];
    };
    let (what, tail) = rest.split_at(to);
    let option =
        |name: &str| tail.windows(2).any(|pair| matches!(pair, [a, b] if a.is(name) && b.is("OPTION")));
    let mut suffix = String::new();
    for (name, words) in [("GRANT", " with grant option"), ("ADMIN", " with admin option")] {
        if option(name) {
            suffix.push_str(words);
        }
    }
    let verb = match verb {
        Token::Word(word) => word.to_lowercase(),
        _ => String::new(),
    };
    match what.iter().position(|token| token.is("ON")) {
        Some(on) => {
            let (privileges, object) = what.split_at(on);
            let object = shown(object.get(1..).unwrap_or_default());
            list(privileges).map(|privilege| format!("{verb} {privilege} on {object}{suffix}")).collect()
        }
        None if verb == "grant" => list(what).map(|role| format!("role {role}{suffix}")).collect(),
        None => vec![format!("{verb} {}", shown(what))],
    }
}

/// What commas part, but for those in parentheses.
fn list(tokens: &[Token]) -> impl Iterator<Item = String> + '_ {
    let mut depth = 0_u32;
    tokens
        .split(move |token| {
            match token {
                Token::Sign('(') => depth += 1,
                Token::Sign(')') => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0 && *token == Token::Sign(',')
        })
        .map(shown)
}

/// The tokens as text, names in backticks, whatever quotes the server's `sql_quote_show_create` and `sql_mode` took.
fn shown(tokens: &[Token]) -> String {
    let mut out = String::new();
    let mut after_word = false;
    for token in tokens {
        match token {
            Token::Word(text) => {
                if after_word {
                    out.push(' ');
                }
                out.push_str(text);
            }
            Token::Quoted(text) => {
                if after_word {
                    out.push(' ');
                }
                out.push('`');
                out.push_str(text);
                out.push('`');
            }
            Token::Sign(sign) => out.push(*sign),
        }
        after_word = matches!(token, Token::Word(text) if text != ".");
    }
    out
}

const NO_RIGHT: &str = "grant USAGE on *.*";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_privilege_has_its_own_line_and_no_hash_is_in_any() {
        for (grant, lines) in [
            (
                "GRANT USAGE ON *.* TO `app`@`%` IDENTIFIED BY PASSWORD '*D821' REQUIRE SSL WITH MAX_USER_CONNECTIONS 4",
                &["grant USAGE on *.*"][..],
            ),
            (
                "GRANT SELECT, INSERT (`a, b`, c), CREATE TEMPORARY TABLES ON `te``st`.* TO `app`@`%` WITH GRANT OPTION",
                &[
                    "grant SELECT on `te`st`.* with grant option",
                    "grant INSERT(`a, b`,c) on `te`st`.* with grant option",
                    "grant CREATE TEMPORARY TABLES on `te`st`.* with grant option",
                ],
            ),
            ("GRANT `r` TO `app`@`%` WITH ADMIN OPTION", &["role `r` with admin option"]),
            ("GRANT `r`@`%`,`s`@`%` TO `app`@`%`", &["role `r`@`%`", "role `s`@`%`"]),
            ("SET DEFAULT ROLE `r` FOR `app`@`%`", &["set DEFAULT ROLE `r`"]),
            ("REVOKE SELECT ON `mysql`.* FROM `app`@`%`", &["revoke SELECT on `mysql`.*"]),
            ("GRANT PROXY ON 'root'@'localhost' TO 'app'@'%'", &["grant PROXY on `root`@`localhost`"]),
            ("GRANT EXECUTE ON PROCEDURE `d`.`p` TO `app`@`%`", &["grant EXECUTE on PROCEDURE `d`.`p`"]),
            ("GRANT SELECT ON `TO`.`x` TO `app`@`%`", &["grant SELECT on `TO`.`x`"]),
        ] {
            assert_eq!(lines_of(grant), lines, "{grant}");
        }
    }

    #[test]
    fn a_change_of_the_password_alone_changes_no_line() {
        let before = Identity::parse("CREATE USER `app`@`%` IDENTIFIED VIA ed25519 USING 'one' REQUIRE SSL");
        let after = Identity::parse("CREATE USER `app`@`%` IDENTIFIED VIA ed25519 USING 'two' REQUIRE SSL");
        let grants = |hash: &str| {
            vec![format!("GRANT SELECT ON *.* TO `app`@`%` IDENTIFIED VIA ed25519 USING '{hash}'")]
        };
        let rights_before = rights(&before, &grants("one"));
        assert_eq!(rights_before, rights(&after, &grants("two")));
        assert_eq!(
            rights_before.0,
            ["account REQUIRE SSL", "grant SELECT on *.*", "let in by ed25519"].map(str::to_owned)
        );
        let another = Identity::parse("CREATE USER `app`@`%` IDENTIFIED BY PASSWORD 'two' REQUIRE SSL");
        assert_eq!(
            rights_before.lost_in(&rights(&another, &[])),
            ["grant SELECT on *.*", "let in by ed25519"]
        );
    }

    #[test]
    fn who_may_change_accounts_is_read_off_the_grants() {
        for (grant, may) in [
            ("GRANT CREATE USER ON *.* TO `vault`@`%`", true),
            ("GRANT SELECT, CREATE USER ON *.* TO `vault`@`%`", true),
            ("GRANT ALL PRIVILEGES ON *.* TO `root`@`%` WITH GRANT OPTION", true),
            ("GRANT `admins` TO `vault`@`%`", true),
            ("GRANT ALL PRIVILEGES ON `app`.* TO `vault`@`%`", false),
            ("GRANT SELECT ON `mysql`.* TO `vault`@`%`", false),
            ("GRANT CREATE USER_STUFF ON *.* TO `vault`@`%`", false),
        ] {
            assert_eq!(may_alter_others(&[grant.to_owned()]), may, "{grant}");
        }
    }
}
