//! Names and passwords in statements for PostgreSQL: a second reading finds exactly what was put in.

use rotators::postgres::command::{alter_password, check_name, check_password, forbid_login, join};
use rotators::postgres::config::Hashing;
use vault_core::clock::Timestamp;
use vault_core::entropy::SeededEntropy;
use vault_core::lease::dynamic::username::{NAME_BYTES_MAX, username};
use vault_core::secret::SecretString;

use super::parts::parts;

/// Quotes `name %% password`, and makes a user's name of both.
pub fn run(data: &[u8]) {
    let Some(parts) = parts(data) else { return };
    let mut parts = parts.into_iter();
    let (name, password) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let made = username(name, password, Timestamp::from_secs(1_790_000_000), &SeededEntropy::new(1));
    assert!(made.len() <= NAME_BYTES_MAX && check_name(&made).is_ok());
    assert!(made.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.@".contains(&byte)));

    let secret = SecretString::new(password.to_owned());
    if check_name(name).is_err() || check_password(&secret).is_err() {
        return;
    }
    let statement = alter_password(name, &secret, Hashing::Server);
    let rest = statement.expose().strip_prefix("ALTER ROLE ").and_then(identifier);
    let read = rest.and_then(|(name, rest)| Some((name, literal(rest.strip_prefix(" PASSWORD ")?)?)));
    assert_eq!(read, Some((name.to_owned(), (password.to_owned(), ""))));
    for (statement, head, tail) in
        [(forbid_login(name), "ALTER ROLE ", " NOLOGIN"), (join(name), "GRANT ", " TO CURRENT_USER")]
    {
        let read = statement.strip_prefix(head).and_then(identifier);
        assert_eq!(read, Some((name.to_owned(), tail)));
    }
}

/// `"…"` by the manual's lexical rules, and what follows.
fn identifier(text: &str) -> Option<(String, &str)> {
    quoted(text.strip_prefix('"')?, '"', false)
}

/// `'…'` or `E'…'`, and what follows.
fn literal(text: &str) -> Option<(String, &str)> {
    match text.strip_prefix("E'") {
        Some(rest) => quoted(rest, '\'', true),
        // A backslash would mean what the server's settings say.
        None => quoted(text.strip_prefix('\'')?, '\'', false).filter(|(text, _)| !text.contains('\\')),
    }
}

fn quoted(text: &str, quote: char, has_escapes: bool) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.chars();
    loop {
        match chars.next()? {
            '\\' if has_escapes => match chars.next()? {
                c @ ('\\' | '\'') => value.push(c),
                _ => return None,
            },
            c if c == quote => match chars.as_str().strip_prefix(quote) {
                Some(rest) => {
                    value.push(quote);
                    chars = rest.chars();
                }
                None => return Some((value, chars.as_str())),
            },
            c => value.push(c),
        }
    }
}
