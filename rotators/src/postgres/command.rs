//! Statements, with names and passwords quoted; pure.
//!
//! `ALTER ROLE` takes no parameters, so name and password stand in the text. Quoting follows the manual,
//! "Lexical Structure": identifiers in double quotes, strings as `E'…'` when they hold a backslash, so
//! that the server's `standard_conforming_strings` does not matter.

use vault_core::secret::SecretString;

use super::config::Hashing;

/// Why a name or a password cannot live on a PostgreSQL server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoginError {
    /// No name.
    #[error("the username is empty")]
    NameEmpty,
    /// The server would cut it silently and hit another role.
    #[error("the username is longer than {NAME_BYTES_MAX} bytes, which PostgreSQL would cut")]
    NameTooLong,
    /// The wire protocol ends strings with NUL.
    #[error("the username holds a NUL character, which PostgreSQL cannot")]
    NameNul,
    /// Names of the server's own.
    #[error("'public', 'none' and names that begin with 'pg_' are reserved by PostgreSQL and cannot log in")]
    NameReserved,
    /// An empty password switches password login off.
    #[error("the password is empty, and PostgreSQL would then refuse every login by password")]
    PasswordEmpty,
    /// Longer than servers and clients handle.
    #[error("the password is longer than {PASSWORD_BYTES_MAX} bytes")]
    PasswordTooLong,
    /// The wire protocol ends strings with NUL.
    #[error("the password holds a NUL character, which PostgreSQL cannot")]
    PasswordNul,
}

/// Whether the server can hold this name.
///
/// # Errors
/// [`LoginError`] by cause.
pub fn check_name(name: &str) -> Result<(), LoginError> {
    if name.is_empty() {
        return Err(LoginError::NameEmpty);
    }
    if name.contains('\0') {
        return Err(LoginError::NameNul);
    }
    if name.len() > NAME_BYTES_MAX {
        return Err(LoginError::NameTooLong);
    }
    if name.starts_with("pg_") || matches!(name, "public" | "none") {
        return Err(LoginError::NameReserved);
    }
    Ok(())
}

/// Whether the server can hold this password.
///
/// # Errors
/// [`LoginError`] by cause.
pub fn check_password(password: &SecretString) -> Result<(), LoginError> {
    let password = password.expose();
    if password.is_empty() {
        return Err(LoginError::PasswordEmpty);
    }
    if password.contains('\0') {
        return Err(LoginError::PasswordNul);
    }
    if password.len() > PASSWORD_BYTES_MAX {
        return Err(LoginError::PasswordTooLong);
    }
    Ok(())
}

/// The statement that sets a password. It is secret: it holds the password or its verifier.
#[must_use]
pub fn alter_password(name: &str, password: &SecretString, hashing: Hashing) -> SecretString {
    let stored = match hashing {
        Hashing::Scram => {
            SecretString::new(postgres_protocol::password::scram_sha_256(password.expose().as_bytes()))
        }
        Hashing::Server => password.duplicate(),
    };
    // Enough room from the start: growing would leave copies of the secret behind.
    let room = 2 * (name.len() + stored.expose().len()) + 64;
    let mut statement = String::with_capacity(room);
    statement.push_str("ALTER ROLE ");
    push_identifier(&mut statement, name);
    statement.push_str(" PASSWORD ");
    push_literal(&mut statement, stored.expose());
    SecretString::new(statement)
}

/// The statement that makes a role which may log in until `until` and do nothing else; it has no password yet.
#[must_use]
pub fn create_shadow(name: &str, until: &str) -> String {
    let mut statement = String::from("CREATE ROLE ");
    push_identifier(&mut statement, name);
    statement.push_str(" LOGIN NOINHERIT NOCREATEDB NOCREATEROLE VALID UNTIL ");
    push_literal(&mut statement, until);
    statement
}

/// The statement after which no password opens a role until it is given one.
#[must_use]
pub fn take_password(name: &str) -> String {
    let mut statement = String::from("ALTER ROLE ");
    push_identifier(&mut statement, name);
    statement.push_str(" PASSWORD NULL");
    statement
}

/// The statement after which a role logs in no more, whatever its password.
#[must_use]
pub fn forbid_login(name: &str) -> String {
    let mut statement = String::from("ALTER ROLE ");
    push_identifier(&mut statement, name);
    statement.push_str(" NOLOGIN");
    statement
}

/// The statement by which the management role may act with the rights of a role that it has made.
#[must_use]
pub fn join(name: &str) -> String {
    let mut statement = String::from("GRANT ");
    push_identifier(&mut statement, name);
    statement.push_str(" TO CURRENT_USER");
    statement
}

/// Begins the change, even where sessions are read-only by default; fails on a standby.
pub const BEGIN: &str = "BEGIN READ WRITE";

/// Ends the change. The only statement whose lost reply leaves a doubt.
pub const COMMIT: &str = "COMMIT";

/// The limits of the change's transaction, as one query of constants.
///
/// A session that lost its client must not keep the role's row locked, so it ends itself when idle; and
/// a commit must be on disk before it is acknowledged, whatever the role's defaults are.
#[must_use]
pub fn transaction_limits(statement_timeout_millis: u128) -> String {
    format!(
        "SELECT pg_catalog.set_config('statement_timeout', '{statement_timeout_millis}', true), \
         pg_catalog.set_config('lock_timeout', '{statement_timeout_millis}', true), \
         pg_catalog.set_config('idle_in_transaction_session_timeout', '{}', true), \
         CASE WHEN pg_catalog.current_setting('synchronous_commit') = 'off' \
         THEN pg_catalog.set_config('synchronous_commit', 'local', true) END",
        statement_timeout_millis.saturating_add(IDLE_GRACE_MILLIS)
    )
}

/// The first statement of every session that looks things up: names mean the server's own catalogue,
/// whatever schemas the database's owner has put in the way.
#[must_use]
pub fn session_limits(statement_timeout_millis: u128) -> String {
    format!(
        "SELECT pg_catalog.set_config('search_path', 'pg_catalog', false), \
         pg_catalog.set_config('statement_timeout', '{statement_timeout_millis}', false)"
    )
}

fn push_identifier(out: &mut String, name: &str) {
    out.push('"');
    for c in name.chars() {
        if c == '"' {
            out.push('"');
        }
        out.push(c);
    }
    out.push('"');
}

fn push_literal(out: &mut String, text: &str) {
    if text.contains('\\') {
        out.push('E');
    }
    out.push('\'');
    for c in text.chars() {
        if matches!(c, '\'' | '\\') {
            out.push(c);
        }
        out.push(c);
    }
    out.push('\'');
}

/// `NAMEDATALEN - 1` of an ordinary build, in bytes.
const NAME_BYTES_MAX: usize = 63;
/// In bytes; within what servers since version 10 and their clients take.
const PASSWORD_BYTES_MAX: usize = 900;
/// An idle session outlives our own waiting a little, so that it is we who close it.
const IDLE_GRACE_MILLIS: u128 = 5_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretString {
        SecretString::new(text.to_owned())
    }

    #[test]
    fn names_and_passwords_are_quoted() {
        for (name, password, statement) in [
            ("app", "plain", r#"ALTER ROLE "app" PASSWORD 'plain'"#),
            (r#"a"b"#, "it's", r#"ALTER ROLE "a""b" PASSWORD 'it''s'"#),
            (r"a\b", r"c\'d", r#"ALTER ROLE "a\b" PASSWORD E'c\\''d'"#),
            ("äpp 用户", "$$;--\n%s", "ALTER ROLE \"äpp 用户\" PASSWORD '$$;--\n%s'"),
        ] {
            let built = alter_password(name, &secret(password), Hashing::Server);
            assert_eq!(built.expose(), statement);
        }
    }

    /// Reads a statement back by the lexical rules of the manual, as the server would.
    fn unquote(statement: &str) -> Option<(String, String)> {
        let rest = statement.strip_prefix("ALTER ROLE \"")?;
        let mut name = String::new();
        let mut chars = rest.chars();
        loop {
            match chars.next()? {
                '"' if chars.as_str().starts_with('"') => name.extend(chars.next()),
                '"' => break,
                c => name.push(c),
            }
        }
        let rest = chars.as_str().strip_prefix(" PASSWORD ")?;
        let escapes = rest.starts_with('E');
        let mut chars = rest.trim_start_matches('E').strip_prefix('\'')?.chars();
        let mut password = String::new();
        loop {
            match chars.next()? {
                '\\' if escapes => password.extend(chars.next()),
                '\'' if chars.as_str().starts_with('\'') => password.extend(chars.next()),
                '\'' => break,
                c => password.push(c),
            }
        }
        chars.as_str().is_empty().then_some((name, password))
    }

    #[test]
    fn whatever_the_pieces_nothing_breaks_out_of_its_quotes() {
        const PIECES: [&str; 9] = ["'", "\"", "\\", "$", ";", "--", "a", "ß", "E'"];
        // All texts of up to four pieces.
        for number in 0..PIECES.len().pow(4) {
            let text: String =
                (0..4_u32).map(|place| PIECES[number / PIECES.len().pow(place) % PIECES.len()]).collect();
            let built = alter_password(&text, &secret(&text), Hashing::Server);
            assert_eq!(unquote(built.expose()), Some((text.clone(), text)));
        }
    }

    #[test]
    fn by_default_the_password_is_not_in_the_statement() {
        let built = alter_password("app", &secret("hunter2"), Hashing::Scram);
        assert!(!built.expose().contains("hunter2"));
        assert!(built.expose().starts_with(r#"ALTER ROLE "app" PASSWORD 'SCRAM-SHA-256$4096:"#));
        let again = alter_password("app", &secret("hunter2"), Hashing::Scram);
        assert_ne!(built.expose(), again.expose(), "each verifier has its own salt");
    }

    #[test]
    fn names_that_the_server_would_change_or_reserve_are_refused() {
        for (name, error) in [
            ("", LoginError::NameEmpty),
            ("a\0b", LoginError::NameNul),
            (&"x".repeat(64), LoginError::NameTooLong),
            (&"ä".repeat(32), LoginError::NameTooLong),
            ("pg_monitor", LoginError::NameReserved),
            ("public", LoginError::NameReserved),
            ("none", LoginError::NameReserved),
        ] {
            assert_eq!(check_name(name), Err(error), "{name:?}");
        }
        for name in
            [&"x".repeat(63), &"ä".repeat(31), "PUBLIC", "current_user", "pgadmin", " ", "a'b\"c\\d$e"]
        {
            assert_eq!(check_name(name), Ok(()), "{name:?}");
        }
    }

    #[test]
    fn passwords_that_the_server_cannot_hold_are_refused() {
        for (password, error) in [
            (String::new(), LoginError::PasswordEmpty),
            ("a\0b".to_owned(), LoginError::PasswordNul),
            ("x".repeat(901), LoginError::PasswordTooLong),
        ] {
            assert_eq!(check_password(&SecretString::new(password)), Err(error));
        }
        assert_eq!(check_password(&secret("'\"\\$ä\n")), Ok(()));
    }
}
