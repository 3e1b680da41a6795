//! Statements with placeholders, filled in one pass; pure.
//!
//! `{{name}}` and `{{username}}` stand for the user, `{{password}}` for the password (or its verifier) and
//! `{{expiration}}` for a time, as in Vault. The statements say how they quote: `"{{name}}"`,
//! `'{{password}}'`. What could end such a quotation is doubled.

use vault_core::clock::Timestamp;
use vault_core::rotation::provisioner::Statements;
use vault_core::secret::SecretString;

/// What is filled in.
pub(super) struct Values<'a> {
    pub(super) username: &'a str,
    pub(super) password: Option<&'a SecretString>,
    pub(super) expiration: Option<Timestamp>,
}

/// Whether a role's statements can work at all.
pub(super) fn check(statements: &Statements) -> Result<(), String> {
    // What each of them can be filled with, as the verbs have it.
    let lists = [
        ("creation_statements", &statements.creation, &["name", "username", "password", "expiration"][..]),
        ("revocation_statements", &statements.revocation, &["name", "username"]),
        ("rollback_statements", &statements.rollback, &["name", "username"]),
        ("renew_statements", &statements.renew, &["name", "username", "expiration"]),
    ];
    for (name, list, known) in lists {
        let bytes: usize = list.iter().map(String::len).sum();
        if list.len() > STATEMENTS_MAX || bytes > BYTES_MAX {
            return Err(format!("{name}: at most {STATEMENTS_MAX} statements of {BYTES_MAX} bytes together"));
        }
        if list.iter().any(|statement| statement.contains('\0')) {
            return Err(format!("{name} holds a NUL character, which PostgreSQL cannot"));
        }
        if list.iter().any(|statement| may_commit(statement)) {
            return Err(format!(
                "{name}: the vault begins and ends the transaction; leave out BEGIN, COMMIT, ROLLBACK and the like"
            ));
        }
        if let Some(other) =
            list.iter().flat_map(|text| placeholders(text)).find(|word| !known.contains(word))
        {
            return Err(format!(
                "{name}: {{{{{other}}}}} is nothing that can be filled in there; known are {}",
                known.join(", ")
            ));
        }
        let named = |statement: &String| NAMES.iter().any(|name| statement.contains(name));
        if !list.is_empty() && !list.iter().any(named) {
            return Err(format!("{name} does not say {{{{name}}}}: it would not be about the lease's user"));
        }
    }
    Ok(())
}

/// What stands between doubled braces, where it is a word: an array's braces hold something else.
fn placeholders(statement: &str) -> impl Iterator<Item = &str> {
    let inside = statement.split("{{").skip(1).filter_map(|rest| rest.split_once("}}"));
    let is_word = |text: &str| {
        let word = text.trim();
        !word.is_empty() && word.chars().all(|c| c.is_ascii_alphabetic() || c == '_')
    };
    inside.map(|(text, _)| text).filter(move |text| is_word(text))
}

/// A statement without the comments before it.
fn uncommented(mut text: &str) -> &str {
    loop {
        text = text.trim_start();
        if let Some(comment) = text.strip_prefix("--") {
            // The server's lexer ends it at a carriage return, too.
            text = comment.split_once(['\n', '\r']).map_or("", |(_, rest)| rest);
        } else if let Some(comment) = text.strip_prefix("/*") {
            text = comment_end(comment);
        } else {
            return text;
        }
    }
}

/// What follows a comment that was opened once already; they nest.
fn comment_end(mut text: &str) -> &str {
    let mut depth = 1_u32;
    while depth > 0 {
        let Some(at) = text.find("*/") else { return "" };
        let (inside, rest) = text.split_at(at);
        match inside.find("/*") {
            Some(opens) => {
                depth += 1;
                text = text.get(opens + 2..).unwrap_or_default();
            }
            None => {
                depth -= 1;
                text = rest.get(2..).unwrap_or_default();
            }
        }
    }
    text
}

/// Whether a statement begins with a word that ends a transaction. What hides it better (a procedure) is
/// noticed when it has run.
fn may_commit(statement: &str) -> bool {
    let ends = |part: &str| {
        let part = uncommented(part);
        let word = part.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
        let rest = part.to_ascii_lowercase();
        match word.to_ascii_lowercase().as_str() {
            // `END` closes a block of a function's body as well: then a body is what is quoted.
            "commit" | "rollback" | "abort" => !rest.contains("savepoint") && !rest.contains(" to "),
            "begin" | "end" => !statement.contains('$'),
            "start" => rest.contains("transaction"),
            "prepare" => rest.contains("transaction"),
            _ => false,
        }
    };
    statement.split(';').any(ends)
}

/// The statements with the values in them. They are secret: the password or its verifier may be there.
pub(super) fn filled(statements: &[String], values: &Values<'_>) -> Vec<SecretString> {
    statements.iter().map(|statement| fill(statement, values)).collect()
}

fn fill(template: &str, values: &Values<'_>) -> SecretString {
    let expiration = values.expiration.map(expiration).unwrap_or_default();
    let password = values.password.map_or("", SecretString::expose);
    // Enough room from the start: growing would leave copies of the secret behind.
    let longest = values.username.len().max(password.len()).max(expiration.len());
    let places = template.matches("{{").count();
    let mut out = String::with_capacity(template.len() + places * 2 * longest);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        rest = match after.split_once("}}") {
            Some(("name" | "username", tail)) => {
                push(&mut out, values.username, '"');
                tail
            }
            Some(("password", tail)) if values.password.is_some() => {
                push(&mut out, password, '\'');
                tail
            }
            Some(("expiration", tail)) if values.expiration.is_some() => {
                out.push_str(&expiration);
                tail
            }
            _ => {
                out.push_str("{{");
                after
            }
        };
    }
    out.push_str(rest);
    SecretString::new(out)
}

fn push(out: &mut String, value: &str, quote: char) {
    for c in value.chars() {
        if c == quote {
            out.push(c);
        }
        out.push(c);
    }
}

/// As Vault writes it: `2026-11-22 06:20:00+0000`.
fn expiration(at: Timestamp) -> String {
    at.to_utc().format("%Y-%m-%d %H:%M:%S%z").to_string()
}

/// Keeps a user in, where a role does not say how.
pub(super) const RENEW: &str = r#"ALTER ROLE "{{name}}" VALID UNTIL '{{expiration}}'"#;
/// Removes a user that owns nothing, where a role does not say how: what it may do is taken away. What it owns
/// is handed to nobody: a function or view of its making would act with the rights of who gets it.
pub(super) const DROP: [&str; 2] = [r#"DROP OWNED BY "{{name}}""#, r#"DROP ROLE "{{name}}""#];
const NAMES: [&str; 2] = ["{{name}}", "{{username}}"];
/// Statements in one list.
const STATEMENTS_MAX: usize = 64;
/// Of all statements in one list.
const BYTES_MAX: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn filled_with(template: &str, username: &str, password: &str) -> String {
        let password = SecretString::new(password.to_owned());
        let expiration = Some(Timestamp::from_secs(1_790_000_000));
        fill(template, &Values { username, password: Some(&password), expiration }).expose().to_owned()
    }

    #[test]
    fn placeholders_are_filled_once_and_nothing_ends_its_quotation() {
        for (template, want) in [
            (
                r#"CREATE ROLE "{{name}}" PASSWORD '{{password}}'"#,
                r#"CREATE ROLE "v-u""1" PASSWORD 'it''s{{name}}'"#,
            ),
            ("VALID UNTIL '{{expiration}}'", "VALID UNTIL '2026-09-21 14:13:20+0000'"),
            ("{{username}}{{name}}", r#"v-u""1v-u""1"#),
            ("{{other}} {{ {{name", "{{other}} {{ {{name"),
        ] {
            assert_eq!(filled_with(template, "v-u\"1", "it's{{name}}"), want);
        }
        // Without a password there is none to fill in.
        let values = Values { username: "u", password: None, expiration: None };
        assert_eq!(
            fill("{{password}} {{expiration}} {{name}}", &values).expose(),
            "{{password}} {{expiration}} u"
        );
    }

    #[test]
    fn statements_that_cannot_work_are_refused_beforehand() {
        let creation = |list: &[&str]| Statements {
            creation: list.iter().map(|text| (*text).to_owned()).collect(),
            ..Statements::default()
        };
        for (list, word) in [
            (&["CREATE ROLE app"][..], "{{name}}"),
            (&["CREATE ROLE \"{{name}}\"; COMMIT;"], "transaction"),
            (&["SELECT '{{name}}'", "/* a /* nested */ one */ COMMIT AND CHAIN"], "transaction"),
            (&["SELECT '{{name}}'; -- the end\n  --\nCOMMIT"], "transaction"),
            (&["-- {{name}}\rCOMMIT"], "transaction"),
            (&["/**/ /**/rollback AND CHAIN", "SELECT '{{name}}'"], "transaction"),
            (&["begin", "CREATE ROLE \"{{name}}\""], "transaction"),
            (&["CREATE ROLE \"{{name}}\"\0"], "NUL"),
            (&["CREATE ROLE \"{{name}}\"", "SELECT '{{ password }}'"], "{{ password }}"),
            (&["CREATE ROLE \"{{name}}\" PASSWORD '{{passwort}}'"], "{{passwort}}"),
        ] {
            let error = check(&creation(list)).unwrap_err();
            assert!(error.contains(word) && error.starts_with("creation_statements"), "{error}");
        }
        let of = |text: &str| vec![format!("ALTER ROLE \"{{{{name}}}}\" {text}")];
        for (statements, word) in [
            (Statements { renew: of("PASSWORD '{{password}}'"), ..Statements::default() }, "{{password}}"),
            (
                Statements { revocation: of("PASSWORD '{{password}}'"), ..Statements::default() },
                "{{password}}",
            ),
            (
                Statements { rollback: of("VALID UNTIL '{{expiration}}'"), ..Statements::default() },
                "{{expiration}}",
            ),
        ] {
            let error = check(&statements).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
        let known = Statements { renew: of("VALID UNTIL '{{expiration}}'"), ..Statements::default() };
        assert_eq!(check(&known), Ok(()));
        let many = vec!["SELECT '{{name}}'".to_owned(); STATEMENTS_MAX + 1];
        check(&Statements { renew: many, ..Statements::default() }).unwrap_err();
        for list in [
            &[][..],
            &[
                "CREATE ROLE \"{{name}}\" LOGIN; GRANT app TO \"{{name}}\"; COMMENT ON ROLE \"{{name}}\" IS 'x'",
            ],
            &["DO $$ BEGIN EXECUTE 'CREATE ROLE \"{{username}}\"'; END $$"],
            &["CREATE ROLE \"{{name}}\"; SELECT '{{1,2},{3,4}}'::int[]"],
            &["CREATE ROLE \"{{name}}\"; SAVEPOINT a; ROLLBACK TO SAVEPOINT a"],
            &[
                "-- COMMIT\nCREATE ROLE \"{{name}}\"; /* COMMIT",
                "-- ROLLBACK",
                "/*/ COMMIT */ SELECT '*/ COMMIT'",
            ],
        ] {
            assert_eq!(check(&creation(list)), Ok(()), "{list:?}");
        }
    }
}
