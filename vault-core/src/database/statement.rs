//! Which statements of rotation say what a rotation does anyway.
//!
//! A rotator sets a password in its own way (PostgreSQL: by a verifier, so that the password is in no log),
//! verifies it and proves the old one dead. Vault's setups often write the usual statement out. That one is
//! taken at its word; any other would ask for something that is not done, and is refused by the caller.

/// Whether a statement sets the password of the user and does nothing else:
/// `ALTER ROLE "{{name}}" [WITH] [LOGIN] [ENCRYPTED] PASSWORD '{{password}}'`, or as MySQL says it
/// `ALTER USER '{{name}}'@'%' IDENTIFIED BY '{{password}}'`.
#[must_use]
pub fn sets_password(statement: &str) -> bool {
    let spaced = statement.trim().trim_end_matches(';').replace('\'', " ' ").replace('"', " \" ");
    let spaced = spaced.replace("{{", " {{").replace("}}", "}} ").replace("{{ ", "{{").replace(" }}", "}}");
    let words: Vec<String> = spaced.split_whitespace().map(str::to_uppercase).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).filter(|word| *word != "\"").collect();
    if let ["ALTER", "USER", "'", "{{NAME}}" | "{{USERNAME}}", "'", rest @ ..] = words.as_slice() {
        let rest = rest.strip_prefix(&["@", "'", "%", "'"]).unwrap_or(rest);
        return rest == ["IDENTIFIED", "BY", "'", "{{PASSWORD}}", "'"];
    }
    let Some(["ALTER", "ROLE" | "USER", "{{NAME}}" | "{{USERNAME}}", rest @ ..]) = words.get(..) else {
        return false;
    };
    let rest = rest.strip_prefix(&["WITH"]).unwrap_or(rest);
    // Only users that may log in are rotated at all.
    let rest = rest.strip_prefix(&["LOGIN"]).unwrap_or(rest);
    let rest = rest.strip_prefix(&["ENCRYPTED"]).unwrap_or(rest);
    rest == ["PASSWORD", "'", "{{PASSWORD}}", "'"]
}

/// Statements as they are meant: each item may be a statement, several with `;` between them, a JSON list of
/// them in a text, or any of these in base64.
#[must_use]
pub fn read(items: Vec<String>) -> Vec<String> {
    let unfolded = items.into_iter().flat_map(|item| {
        let text = data_encoding::BASE64
            .decode(item.trim().as_bytes())
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
            // A single word is no statement, and may look like base64.
            .filter(|text| text.contains(char::is_whitespace))
            .unwrap_or(item);
        serde_json::from_str::<Vec<String>>(&text).unwrap_or_else(|_| vec![text])
    });
    unfolded.filter(|text| !text.trim().is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_come_in_any_of_the_ways_of_clients() {
        let base64 = data_encoding::BASE64.encode(b"DROP ROLE x; SELECT 1");
        for (items, want) in [
            (vec!["SELECT 1"], vec!["SELECT 1"]),
            (vec![r#"["SELECT 1", "SELECT 2"]"#], vec!["SELECT 1", "SELECT 2"]),
            (vec![base64.as_str(), ""], vec!["DROP ROLE x; SELECT 1"]),
            (vec!["COMMIT12"], vec!["COMMIT12"]),
            (vec![], vec![]),
        ] {
            assert_eq!(read(items.iter().map(|&item| item.to_owned()).collect()), want, "{items:?}");
        }
    }

    #[test]
    fn only_the_usual_statement_is_what_a_rotation_does() {
        for (statement, want) in [
            (r#"ALTER USER "{{name}}" WITH PASSWORD '{{password}}';"#, true),
            (r#"ALTER ROLE "{{username}}" PASSWORD '{{password}}'"#, true),
            (r#"alter role {{name}} with encrypted password '{{password}}' ; "#, true),
            ("ALTER ROLE \"{{ name }}\"\n  WITH PASSWORD '{{ password }}'", true),
            (r#"ALTER ROLE "{{name}}" WITH LOGIN PASSWORD '{{password}}';"#, true),
            (r#"ALTER USER "{{name}}" WITH PASSWORD '{{password}}' VALID UNTIL 'infinity'"#, false),
            (r#"ALTER USER "{{name}}" WITH PASSWORD '{{password}}'; DROP TABLE x"#, false),
            (r#"ALTER USER "postgres" WITH PASSWORD '{{password}}'"#, false),
            (r#"ALTER USER "{{name}}" WITH PASSWORD 'fixed'"#, false),
            (r#"ALTER USER "{{name}}" NOLOGIN"#, false),
            ("ALTER USER '{{username}}'@'%' IDENTIFIED BY '{{password}}';", true),
            ("ALTER USER '{{name}}' IDENTIFIED BY '{{password}}'", true),
            ("ALTER USER '{{name}}'@'%' IDENTIFIED BY '{{password}}' ACCOUNT UNLOCK", false),
            ("ALTER USER 'root'@'%' IDENTIFIED BY '{{password}}'", false),
            ("SELECT set_password('{{name}}', '{{password}}')", false),
            ("", false),
        ] {
            assert_eq!(sets_password(statement), want, "{statement}");
        }
    }
}
