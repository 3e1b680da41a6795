//! The name of an account: a user, and the hosts that it comes from; pure.
//!
//! An account is written `user@host`, as in `app@10.0.%`; without a host it is `'app'@'%'`. The last `@`
//! counts, since a host has none: a user with an `@` in its name is written with its host. The user alone is
//! what a login names.

use std::fmt;

use vault_core::secret::SecretString;

/// An account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) user: String,
    pub(super) host: String,
}

/// Why a name or a password cannot live on a MySQL or MariaDB server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum LoginError {
    /// No user: an anonymous account.
    #[error("the username names no user")]
    NameEmpty,
    /// Longer than the column that holds it.
    #[error(
        "the username is longer than {USER_CHARS_MAX} characters (MySQL: 32), or its host than {HOST_CHARS_MAX}"
    )]
    NameTooLong,
    /// The wire protocol ends names with NUL.
    #[error("the username holds a NUL character, which the server cannot")]
    NameNul,
    /// The server cuts blanks off the end.
    #[error("the username ends with a blank, which the server cuts off")]
    NameBlank,
    /// The column is of three-byte characters.
    #[error("the username holds a character beyond U+FFFF, which the server cannot")]
    NamePlane,
    /// As the server prints it.
    #[error("write the username as user@host, without quotes")]
    NameQuoted,
    /// A host that no account can have.
    #[error(
        "the host behind the @ of the username is empty or holds a blank or a quote; without a host it is %"
    )]
    Host,
    /// Whoever knows the name would get in.
    #[error("the password is empty, so everybody would be let in")]
    PasswordEmpty,
    /// Longer than every plugin takes.
    #[error("the password is longer than {PASSWORD_BYTES_MAX} bytes")]
    PasswordTooLong,
    /// The wire protocol ends passwords with NUL.
    #[error("the password holds a NUL character, which the server cannot")]
    PasswordNul,
}

impl Account {
    /// Reads `user@host` or `user`.
    ///
    /// # Errors
    /// [`LoginError`] by cause.
    pub(super) fn parse(name: &str) -> Result<Self, LoginError> {
        let quoted = |quote: char| name.starts_with(quote) && name.contains(&format!("{quote}@{quote}"));
        if ['\'', '`', '"'].into_iter().any(quoted) {
            return Err(LoginError::NameQuoted);
        }
        let (user, host) = name.rsplit_once('@').unwrap_or((name, "%"));
        if user.is_empty() {
            return Err(LoginError::NameEmpty);
        }
        if name.contains('\0') {
            return Err(LoginError::NameNul);
        }
        if user.chars().count() > USER_CHARS_MAX || host.chars().count() > HOST_CHARS_MAX {
            return Err(LoginError::NameTooLong);
        }
        if user.ends_with(' ') {
            return Err(LoginError::NameBlank);
        }
        if name.chars().any(|c| c > '\u{ffff}') {
            return Err(LoginError::NamePlane);
        }
        let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '\'' | '"' | '`' | '\\');
        if host.is_empty() || host.contains(odd) {
            return Err(LoginError::Host);
        }
        // As the server stores it.
        Ok(Self { user: user.to_owned(), host: host.to_lowercase() })
    }

    /// Reads what `CURRENT_USER()` and `USER()` answer.
    pub(super) fn answered(text: &str) -> Self {
        let (user, host) = text.rsplit_once('@').unwrap_or((text, ""));
        Self { user: user.to_owned(), host: host.to_lowercase() }
    }

    /// Whether, of somebody who comes from `seen`, the server would look at another of these accounts, or never
    /// at this one. Only what is certain is told: which name an address has is the server's knowledge.
    pub(super) fn misses(&self, seen: &str, others: &[Self]) -> Option<String> {
        let is_pattern = self.host.contains(['%', '_', '/']);
        let first = |other: &&Self| {
            (other.user == self.user || other.user.is_empty()) && other.host.eq_ignore_ascii_case(seen)
        };
        if is_pattern && let Some(other) = others.iter().find(first) {
            return Some(format!("is let in as the account {other}"));
        }
        let is_loopback = |host: &str| matches!(host, "localhost" | "127.0.0.1" | "::1");
        (is_loopback(&self.host) && !is_loopback(seen)).then(|| format!("may only come from {}", self.host))
    }

    /// The account in a statement, as two strings.
    pub(super) fn quoted(&self) -> String {
        let mut out = String::with_capacity(2 * (self.user.len() + self.host.len()) + 8);
        push_literal(&mut out, &self.user);
        out.push('@');
        push_literal(&mut out, &self.host);
        out
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}'@'{}'", self.user, self.host)
    }
}

/// Whether the server can hold this password.
///
/// # Errors
/// [`LoginError`] by cause.
pub(super) fn check_password(password: &SecretString) -> Result<(), LoginError> {
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

/// A string in single quotes, for a session in which backslashes escape: every session of ours sets that
/// (`command::SQL_MODE`), whatever `NO_BACKSLASH_ESCAPES` and `ANSI_QUOTES` are on the server.
pub(super) fn push_literal(out: &mut String, text: &str) {
    out.push('\'');
    push_escaped(out, text);
    out.push('\'');
}

/// What stands between quotes of whichever kind.
pub(super) fn push_escaped(out: &mut String, text: &str) {
    for c in text.chars() {
        if matches!(c, '\'' | '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
}

/// MariaDB's `USERNAME_CHAR_LENGTH`. MySQL's is 32, where the server finds no such account.
const USER_CHARS_MAX: usize = 128;
/// Of both.
const HOST_CHARS_MAX: usize = 255;
/// In bytes: what `caching_sha2_password` takes, the least of the three.
const PASSWORD_BYTES_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn account(user: &str, host: &str) -> Account {
        Account { user: user.to_owned(), host: host.to_owned() }
    }

    #[test]
    fn the_last_at_sign_parts_user_and_host() {
        for (name, want) in [
            ("app", account("app", "%")),
            ("app@10.0.%", account("app", "10.0.%")),
            ("app@LOCALHOST", account("app", "localhost")),
            ("app@2001:db8::/ffff:ffff::", account("app", "2001:db8::/ffff:ffff::")),
            ("me@example.org@%", account("me@example.org", "%")),
            ("it's", account("it's", "%")),
            ("two words", account("two words", "%")),
            ("a`b\"c\\d", account("a`b\"c\\d", "%")),
        ] {
            assert_eq!(Account::parse(name), Ok(want), "{name}");
        }
        for (name, error) in [
            ("", LoginError::NameEmpty),
            ("@localhost", LoginError::NameEmpty),
            ("app@", LoginError::Host),
            ("app@10.0.0.1'", LoginError::Host),
            ("a\0b", LoginError::NameNul),
            ("blank ", LoginError::NameBlank),
            ("blank @%", LoginError::NameBlank),
            ("\u{1f600}", LoginError::NamePlane),
            ("'app'@'%'", LoginError::NameQuoted),
            ("`app`@`%`", LoginError::NameQuoted),
            (&"x".repeat(129), LoginError::NameTooLong),
        ] {
            assert_eq!(Account::parse(name), Err(error), "{name:?}");
        }
        assert_eq!(Account::parse(&"ä".repeat(128)).map(|account| account.host), Ok("%".to_owned()));
    }

    #[test]
    fn passwords_that_the_server_cannot_hold_are_refused() {
        for (password, error) in [
            (String::new(), LoginError::PasswordEmpty),
            ("a\0b".to_owned(), LoginError::PasswordNul),
            ("x".repeat(257), LoginError::PasswordTooLong),
        ] {
            assert_eq!(check_password(&SecretString::new(password)), Err(error));
        }
        assert_eq!(check_password(&SecretString::new("'\"\\$ä\n".repeat(30))), Ok(()));
    }

    /// Reads an account back by the server's rules, in which backslashes escape.
    fn unquote(text: &str) -> Option<Account> {
        fn one(chars: &mut std::str::Chars<'_>) -> Option<String> {
            let mut out = String::new();
            (chars.next()? == '\'').then_some(())?;
            loop {
                match chars.next()? {
                    '\\' => out.extend(chars.next()),
                    '\'' if chars.as_str().starts_with('\'') => out.extend(chars.next()),
                    '\'' => return Some(out),
                    c => out.push(c),
                }
            }
        }
        let mut chars = text.chars();
        let user = one(&mut chars)?;
        (chars.next()? == '@').then_some(())?;
        let host = one(&mut chars)?;
        chars.as_str().is_empty().then_some(Account { user, host })
    }

    #[test]
    fn whatever_the_pieces_nothing_breaks_out_of_its_quotes() {
        const PIECES: [&str; 9] = ["'", "\"", "\\", "`", ";", "-- ", "a", "ß", "@"];
        for number in 0..PIECES.len().pow(4) {
            let text: String =
                (0..4_u32).map(|place| PIECES[number / PIECES.len().pow(place) % PIECES.len()]).collect();
            let account = account(&text, "10.%");
            assert_eq!(unquote(&account.quoted()), Some(account));
        }
    }

    #[test]
    fn a_login_that_certainly_ends_elsewhere_is_told() {
        let others =
            [account("", "vault.example"), account("app", "localhost"), account("other", "10.0.0.9")];
        for (host, seen, word) in [
            ("%", "localhost", Some("'app'@'localhost'")),
            ("%", "vault.example", Some("''@'vault.example'")),
            ("10.%", "Localhost", Some("'app'@'localhost'")),
            ("%", "10.0.0.9", None),
            ("localhost", "localhost", None),
            ("127.0.0.1", "localhost", None),
            ("localhost", "10.0.0.9", Some("only come from localhost")),
            ("db.example", "10.0.0.9", None),
        ] {
            let found = account("app", host).misses(seen, &others);
            assert_eq!(found.is_some(), word.is_some(), "{host} from {seen}: {found:?}");
            assert!(found.unwrap_or_default().contains(word.unwrap_or_default()), "{host} from {seen}");
        }
    }
}
