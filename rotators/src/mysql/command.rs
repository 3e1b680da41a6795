//! Statements, with names and passwords quoted; pure.
//!
//! Account statements take no parameters, so name and password stand in the text. Quoting relies on
//! [`SQL_MODE`], the first statement of each session.

use data_encoding::HEXUPPER;
use sha1::Digest as _;
use vault_core::id::RotationId;
use vault_core::secret::SecretString;

use super::account::{Account, push_literal};
use super::identity::Plugin;

/// Which server it is, as far as statements differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Flavour {
    #[default]
    MySql,
    MariaDb,
}

/// Whose password is set: statements differ by that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// That of an account that is there.
    Other,
    /// The session's own, which may need no privilege.
    Own,
    /// That of an account which is made by it.
    New,
}

/// A change of a password.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change<'a> {
    pub(super) flavour: Flavour,
    pub(super) account: &'a Account,
    /// Whose password it is.
    pub(super) kind: Kind,
    pub(super) plugin: Plugin,
    /// Whether the vault hashes; for MariaDB only.
    pub(super) hashed: bool,
    /// Whether the old password is kept as the second one.
    pub(super) retain: bool,
}

impl Change<'_> {
    /// The statement that sets this password. It is secret: it holds the password or its hash. The account's plugin
    /// is named or, in `SET PASSWORD`, kept by the server: `IDENTIFIED BY` alone would give it the default one.
    pub(super) fn statement(&self, password: &SecretString) -> SecretString {
        let hash = if self.hashed { hash(self.plugin, password) } else { None };
        let value = hash.as_ref().unwrap_or(password).expose();
        let name = self.account.quoted();
        // Enough room from the start: growing would leave copies of the secret behind.
        let mut out = String::with_capacity(name.len() + 2 * value.len() + 128);
        if self.kind == Kind::Own {
            out.push_str("SET PASSWORD = ");
        } else {
            out.push_str(if self.kind == Kind::New { "CREATE USER " } else { "ALTER USER " });
            out.push_str(&name);
            out.push_str(match self.flavour {
                Flavour::MySql => " IDENTIFIED WITH ",
                Flavour::MariaDb => " IDENTIFIED VIA ",
            });
            out.push_str(self.plugin.name());
            out.push_str(match self.flavour {
                Flavour::MySql => " BY ",
                Flavour::MariaDb => " USING ",
            });
        }
        let by_function = self.flavour == Flavour::MariaDb && hash.is_none();
        if by_function {
            out.push_str("PASSWORD(");
        }
        push_literal(&mut out, value);
        if by_function {
            out.push(')');
        }
        if self.retain {
            out.push_str(" RETAIN CURRENT PASSWORD");
        }
        SecretString::new(out)
    }
}

/// What the server stores of this password, where that can be made without it.
fn hash(plugin: Plugin, password: &SecretString) -> Option<SecretString> {
    let password = password.expose().as_bytes();
    match plugin {
        Plugin::Native => {
            let twice = sha1::Sha1::digest(sha1::Sha1::digest(password));
            Some(SecretString::new(format!("*{}", HEXUPPER.encode(&twice))))
        }
        Plugin::CachingSha2 => None,
    }
}

/// Gives an account a hash that is no password's, after which none opens it until it is given one. Its plugin stays.
pub(super) fn take_password(flavour: Flavour, account: &Account, plugin: Plugin) -> String {
    let how = match flavour {
        Flavour::MySql => ["WITH", "AS"],
        Flavour::MariaDb => ["VIA", "USING"],
    };
    // As the servers give them to accounts of their own.
    let hash = match plugin {
        Plugin::Native => "*THISISNOTAVALIDPASSWORDTHATCANBEUSEDHERE",
        Plugin::CachingSha2 => "$A$005$THISISACOMBINATIONOFINVALIDSALTANDPASSWORDTHATMUSTNEVERBRBEUSED",
    };
    format!("ALTER USER {} IDENTIFIED {} {} {} '{hash}'", account.quoted(), how[0], plugin.name(), how[1])
}

/// Removes the old password that was kept beside the new one.
pub(super) fn discard_old(account: &Account) -> String {
    format!("ALTER USER {} DISCARD OLD PASSWORD", account.quoted())
}

/// The lock that a session holds while it may change something, as a quoted string. 45 characters of 64.
pub(super) fn mark(rotation: RotationId) -> String {
    format!("'rotunda:{rotation}'")
}

/// The limits of a session: locks are waited for so long, and one that lost its client ends by itself.
pub(super) fn session_limits(statement_timeout_secs: u64) -> String {
    format!(
        "SET SESSION autocommit = 1, SESSION lock_wait_timeout = {statement_timeout_secs}, \
         SESSION innodb_lock_wait_timeout = {statement_timeout_secs}, SESSION wait_timeout = {}",
        statement_timeout_secs.saturating_add(IDLE_GRACE_SECS)
    )
}

/// From here on quotes mean what our quoting relies on: neither `NO_BACKSLASH_ESCAPES` nor `ANSI_QUOTES`, and no
/// mode that implies them; and a GRANT makes no user that is not there, where the server would.
pub(super) const SQL_MODE: &str = "SET SESSION sql_mode = IF(VERSION() LIKE '%MariaDB%' OR VERSION() LIKE '5.%', \
     'NO_AUTO_CREATE_USER,STRICT_TRANS_TABLES', 'STRICT_TRANS_TABLES')";
/// Names and passwords go through as UTF-8, also where the server does not ask the client.
pub(super) const CHARSET: &str = "SET NAMES utf8mb4";
/// An idle session outlives our own waiting, so that it is we who close it.
const IDLE_GRACE_SECS: u64 = 30;

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretString {
        SecretString::new(text.to_owned())
    }

    #[test]
    fn each_server_is_told_in_its_own_words_and_the_plugin_stays() {
        use Flavour::{MariaDb, MySql};
        use Plugin::{CachingSha2, Native};
        let account = Account { user: "a'b".to_owned(), host: "10.%".to_owned() };
        for (flavour, plugin, kind, retain, want) in [
            (
                MariaDb,
                Native,
                Kind::Other,
                false,
                r"ALTER USER 'a\'b'@'10.%' IDENTIFIED VIA mysql_native_password USING PASSWORD('p\\w')",
            ),
            (MariaDb, Native, Kind::Own, false, r"SET PASSWORD = PASSWORD('p\\w')"),
            (
                MySql,
                CachingSha2,
                Kind::Other,
                false,
                r"ALTER USER 'a\'b'@'10.%' IDENTIFIED WITH caching_sha2_password BY 'p\\w'",
            ),
            (
                MySql,
                CachingSha2,
                Kind::Other,
                true,
                r"ALTER USER 'a\'b'@'10.%' IDENTIFIED WITH caching_sha2_password BY 'p\\w' RETAIN CURRENT PASSWORD",
            ),
            (
                MariaDb,
                Native,
                Kind::New,
                false,
                r"CREATE USER 'a\'b'@'10.%' IDENTIFIED VIA mysql_native_password USING PASSWORD('p\\w')",
            ),
            (
                MySql,
                CachingSha2,
                Kind::New,
                false,
                r"CREATE USER 'a\'b'@'10.%' IDENTIFIED WITH caching_sha2_password BY 'p\\w'",
            ),
            (MySql, Native, Kind::Own, true, r"SET PASSWORD = 'p\\w' RETAIN CURRENT PASSWORD"),
        ] {
            let change = Change { flavour, account: &account, kind, plugin, hashed: false, retain };
            assert_eq!(change.statement(&secret(r"p\w")).expose(), want);
        }
        assert_eq!(discard_old(&account), r"ALTER USER 'a\'b'@'10.%' DISCARD OLD PASSWORD");
    }

    #[test]
    fn a_hash_of_no_password_has_the_form_that_the_servers_demand() {
        let account = Account { user: "app".to_owned(), host: "%".to_owned() };
        for (flavour, plugin, length, words) in [
            (Flavour::MariaDb, Plugin::Native, 41, "'app'@'%' IDENTIFIED VIA mysql_native_password USING '*"),
            (Flavour::MySql, Plugin::Native, 41, "'app'@'%' IDENTIFIED WITH mysql_native_password AS '*"),
            (
                Flavour::MySql,
                Plugin::CachingSha2,
                70,
                "'app'@'%' IDENTIFIED WITH caching_sha2_password AS '$A$005$",
            ),
        ] {
            let statement = take_password(flavour, &account, plugin);
            assert!(statement.contains(words), "{statement}");
            assert_eq!(statement.rsplit('\'').nth(1).map(str::len), Some(length), "{statement}");
        }
    }

    #[test]
    fn where_the_vault_hashes_the_password_is_not_in_the_statement() {
        let account = Account { user: "app".to_owned(), host: "%".to_owned() };
        // As MariaDB 10.11 makes them of the password `pw`.
        for (plugin, kind, want) in [
            (
                Plugin::Native,
                Kind::Other,
                "ALTER USER 'app'@'%' IDENTIFIED VIA mysql_native_password USING '*D821809F681A40A6E379B50D0463EFAE20BDD122'",
            ),
            (Plugin::Native, Kind::Own, "SET PASSWORD = '*D821809F681A40A6E379B50D0463EFAE20BDD122'"),
        ] {
            let change = Change {
                flavour: Flavour::MariaDb,
                account: &account,
                kind,
                plugin,
                hashed: true,
                retain: false,
            };
            assert_eq!(change.statement(&secret("pw")).expose(), want);
        }
        assert!(hash(Plugin::CachingSha2, &secret("pw")).is_none());
    }
}
