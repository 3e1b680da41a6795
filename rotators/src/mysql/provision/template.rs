//! Statements with placeholders, filled in one pass; pure.
//!
//! `{{name}}` and `{{username}}` stand for the user, `{{password}}` for the password and `{{expiration}}` for a time,
//! as in Vault. The statements say how they quote: `'{{name}}'@'%'`, `'{{password}}'`. What could end such a
//! quotation is escaped; the names hold no such sign.

use vault_core::clock::Timestamp;
use vault_core::rotation::provisioner::Statements;
use vault_core::secret::SecretString;

use crate::mysql::account::push_escaped;

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
        if list.iter().any(|statement| changes_session(statement)) {
            return Err(format!(
                "{name}: leave out SET sql_mode, SET NAMES and RELEASE_LOCK: the vault's quoting and its mark on the \
                 session depend on them"
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

/// What stands between doubled braces, where it is a word.
fn placeholders(statement: &str) -> impl Iterator<Item = &str> {
    let inside = statement.split("{{").skip(1).filter_map(|rest| rest.split_once("}}"));
    let is_word = |text: &str| {
        let word = text.trim();
        !word.is_empty() && word.chars().all(|c| c.is_ascii_alphabetic() || c == '_')
    };
    inside.map(|(text, _)| text).filter(move |text| is_word(text))
}

/// Whether a statement plainly changes what quotes mean in the session, or takes the mark from it.
fn changes_session(statement: &str) -> bool {
    let lower = statement.to_ascii_lowercase();
    ["sql_mode", "set names", "character set", "release_lock", "release_all_locks"]
        .iter()
        .any(|word| lower.contains(word))
}

/// The statements with the values in them. They are secret: the password may be there.
pub(super) fn filled(statements: &[String], values: &Values<'_>) -> Vec<SecretString> {
    statements.iter().map(|statement| fill(statement, values)).collect()
}

fn fill(template: &str, values: &Values<'_>) -> SecretString {
    let expiration = values.expiration.map(expiration).unwrap_or_default();
    let password = values.password.map_or("", SecretString::expose);
    // Enough room from the start: growing would leave copies of the secret behind.
    let longest = values.username.len().max(2 * password.len()).max(expiration.len());
    let mut out = String::with_capacity(template.len() + template.matches("{{").count() * longest);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        rest = match after.split_once("}}") {
            Some(("name" | "username", tail)) => {
                out.push_str(values.username);
                tail
            }
            Some(("password", tail)) if values.password.is_some() => {
                push_escaped(&mut out, password);
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

/// As Vault writes it for these servers: `2026-11-22 06:20:00`.
fn expiration(at: Timestamp) -> String {
    at.to_utc().format("%Y-%m-%d %H:%M:%S").to_string()
}

const NAMES: [&str; 2] = ["{{name}}", "{{username}}"];
/// Statements in one list.
const STATEMENTS_MAX: usize = 64;
/// Of all statements in one list.
const BYTES_MAX: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_once_and_nothing_ends_its_quotation() {
        let password = SecretString::new(r#"it's\{{name}}""#.to_owned());
        let values = Values {
            username: "v-u-1",
            password: Some(&password),
            expiration: Some(Timestamp::from_secs(1_790_000_000)),
        };
        for (template, want) in [
            (
                "CREATE USER '{{name}}'@'%' IDENTIFIED BY '{{password}}'",
                r#"CREATE USER 'v-u-1'@'%' IDENTIFIED BY 'it\'s\\{{name}}\"'"#,
            ),
            ("'{{expiration}}'", "'2026-09-21 14:13:20'"),
            ("{{username}}{{name}}", "v-u-1v-u-1"),
            ("{{other}} {{ {{name", "{{other}} {{ {{name"),
        ] {
            assert_eq!(fill(template, &values).expose(), want);
        }
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
            (&["CREATE USER app"][..], "{{name}}"),
            (&["CREATE USER '{{name}}'", "SET SESSION sql_mode = 'ANSI_QUOTES'"], "sql_mode"),
            (&["CREATE USER '{{name}}'; DO RELEASE_ALL_LOCKS()"], "RELEASE_LOCK"),
            (&["CREATE USER '{{name}}' IDENTIFIED BY '{{ password }}'"], "{{ password }}"),
            (&["CREATE USER '{{name}}' IDENTIFIED BY '{{passwort}}'"], "{{passwort}}"),
        ] {
            let error = check(&creation(list)).unwrap_err();
            assert!(error.contains(word) && error.starts_with("creation_statements"), "{error}");
        }
        let revocation = Statements {
            revocation: vec!["ALTER USER '{{name}}' IDENTIFIED BY '{{password}}'".to_owned()],
            ..Statements::default()
        };
        assert!(check(&revocation).unwrap_err().contains("{{password}}"));
        let many = vec!["SELECT '{{name}}'".to_owned(); STATEMENTS_MAX + 1];
        check(&Statements { renew: many, ..Statements::default() }).unwrap_err();
        for list in [
            &[][..],
            &[
                "CREATE USER '{{name}}'@'%' IDENTIFIED BY '{{password}}';GRANT SELECT ON *.* TO '{{name}}'@'%';",
            ],
            &[
                "CREATE USER '{{username}}'@'%' IDENTIFIED BY '{{password}}' ATTRIBUTE '{\"until\": \"{{expiration}}\"}'",
            ],
        ] {
            assert_eq!(check(&creation(list)), Ok(()), "{list:?}");
        }
    }
}
