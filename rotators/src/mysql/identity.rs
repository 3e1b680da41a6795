//! What an account is, as `SHOW CREATE USER` tells it; pure.
//!
//! The statement is the only look at an account that both servers give to the account itself as well. It is
//! read by its quotes: names and hashes may hold every sign.

/// How an account is let in, and under which conditions. Holds no hash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Identity {
    /// The plugins that may let it in, in order; several where MariaDB's `OR` parts them, or MySQL's factors do.
    pub(super) plugins: Vec<String>,
    /// What follows: `REQUIRE SSL WITH MAX_USER_CONNECTIONS 4 …`, without what people write into it as they like.
    pub(super) conditions: String,
}

/// A piece of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A word, or a number.
    Word(String),
    /// What stood in quotes.
    Quoted(String),
    /// Any other sign.
    Sign(char),
}

impl Token {
    pub(super) fn is(&self, word: &str) -> bool {
        matches!(self, Self::Word(text) if text.eq_ignore_ascii_case(word))
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Word(text) | Self::Quoted(text) => Some(text),
            Self::Sign(_) => None,
        }
    }
}

/// Cuts a statement of the server's into its pieces.
pub(super) fn tokens(statement: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut chars = statement.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\'' | '"' | '`' => {
                let mut text = String::new();
                while let Some(inner) = chars.next() {
                    if inner == '\\' && c != '`' {
                        text.extend(chars.next());
                    } else if inner != c {
                        text.push(inner);
                    } else if chars.next_if_eq(&c).is_some() {
                        text.push(c);
                    } else {
                        break;
                    }
                }
                tokens.push(Token::Quoted(text));
            }
            c if c.is_whitespace() => {}
            c if is_of_word(c) => {
                let mut text = String::from(c);
                while let Some(next) = chars.next_if(|c| is_of_word(*c)) {
                    text.push(next);
                }
                tokens.push(Token::Word(text));
            }
            c => tokens.push(Token::Sign(c)),
        }
    }
    tokens
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$' | '.')
}

impl Identity {
    /// Reads the statement.
    pub(super) fn parse(statement: &str) -> Self {
        let tokens = tokens(statement);
        // CREATE USER `app`@`%`
        let mut rest = tokens.get(5..).unwrap_or_default();
        let mut plugins = Vec::new();
        loop {
            let named = |plugin: &Token| plugin.text().map(str::to_owned);
            rest = match rest {
                [first, by, _, _, tail @ ..] if first.is("IDENTIFIED") && by.is("BY") => {
                    plugins.push(NATIVE.to_owned());
                    tail
                }
                [first, _, plugin, tail @ ..] if first.is("IDENTIFIED") => {
                    plugins.extend(named(plugin));
                    without_hash(tail)
                }
                [first, plugin, tail @ ..] if first.is("OR") => {
                    plugins.extend(named(plugin));
                    without_hash(tail)
                }
                [first, tail @ ..] if first.is("AND") => tail,
                _ => break,
            };
        }
        if plugins.is_empty() {
            // MariaDB says nothing of an account without a password.
            plugins.push(NATIVE.to_owned());
        }
        Self { plugins, conditions: conditions(rest) }
    }

    /// The plugin that lets it in by a password of which the server keeps a hash.
    ///
    /// # Errors
    /// A sentence that says how it is let in instead.
    pub(super) fn plugin(&self) -> Result<Plugin, String> {
        match self.plugins.as_slice() {
            [one] if one == "ed25519" => Err(
                "is let in by ed25519, of whose right passwords the vault's driver fails one in 256: no login would \
                 prove anything; give it mysql_native_password"
                    .to_owned(),
            ),
            [one] => Plugin::named(one).ok_or_else(|| {
                format!(
                    "is let in by the plugin '{one}', which keeps no password that could be changed here; \
                     mysql_native_password and caching_sha2_password do"
                )
            }),
            several => Err(format!(
                "is let in by several plugins ({}), so that a change of one password would leave the others",
                several.join(", ")
            )),
        }
    }

    /// Whether it was locked.
    pub(super) fn is_locked(&self) -> bool {
        self.conditions.contains("ACCOUNT LOCK")
    }

    /// Whether its password was made to expire.
    pub(super) fn is_expired(&self) -> bool {
        const POLICY: [&str; 3] = ["DEFAULT", "NEVER", "INTERVAL"];
        self.conditions.match_indices(EXPIRE).any(|(at, _)| {
            let rest = self.conditions.get(at + EXPIRE.len()..).unwrap_or_default().trim_start();
            !POLICY.iter().any(|word| rest.starts_with(word))
        })
    }

    /// What it needs of a connection: nothing, TLS, or a certificate of its own.
    pub(super) fn need(&self) -> Need {
        let required = |word: &str| self.conditions.contains(&format!("REQUIRE {word}"));
        if required("X509") || required("ISSUER") || required("SUBJECT") || required("CIPHER") {
            Need::Certificate
        } else if required("SSL") {
            Need::Tls
        } else {
            Need::Nothing
        }
    }
}

/// What an account needs of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    Nothing,
    Tls,
    /// A certificate of the client's, or a certain cipher.
    Certificate,
}

/// A way to be let in by a password of which the server keeps a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plugin {
    Native,
    CachingSha2,
}

impl Plugin {
    fn named(name: &str) -> Option<Self> {
        [Self::Native, Self::CachingSha2].into_iter().find(|plugin| plugin.name() == name)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Native => NATIVE,
            Self::CachingSha2 => "caching_sha2_password",
        }
    }
}

fn without_hash(rest: &[Token]) -> &[Token] {
    match rest {
        [first, _, tail @ ..] if ["USING", "AS", "BY"].iter().any(|word| first.is(word)) => tail,
        _ => rest,
    }
}

/// The rest as one line. Of what is quoted only what is known to be no secret.
fn conditions(rest: &[Token]) -> String {
    let mut out: Vec<&str> = Vec::new();
    for token in rest {
        match token {
            Token::Word(word) if matches!(word.as_str(), "ATTRIBUTE" | "COMMENT") => break,
            Token::Word(word) if !word.starts_with("0x") => out.push(word),
            Token::Quoted(text)
                if out.last().is_some_and(|word| matches!(*word, "ISSUER" | "SUBJECT" | "CIPHER")) =>
            {
                out.push(text);
            }
            _ => {}
        }
    }
    out.join(" ")
}

const NATIVE: &str = "mysql_native_password";
const EXPIRE: &str = "PASSWORD EXPIRE";

#[cfg(test)]
mod tests {
    use super::*;

    /// Plugins and conditions.
    fn read(statement: &str) -> (Vec<String>, String) {
        let identity = Identity::parse(statement);
        (identity.plugins, identity.conditions)
    }

    #[test]
    fn both_servers_statements_are_read_and_no_hash_is_kept() {
        for (statement, plugins, conditions) in [
            ("CREATE USER `app`@`%`", &["mysql_native_password"][..], ""),
            (
                "CREATE USER `app`@`%` IDENTIFIED BY PASSWORD '*D821' REQUIRE SSL WITH MAX_USER_CONNECTIONS 4",
                &["mysql_native_password"],
                "REQUIRE SSL WITH MAX_USER_CONNECTIONS 4",
            ),
            (
                "CREATE USER `a``b IDENTIFIED`@`10.%` IDENTIFIED VIA ed25519 USING '97XN' OR unix_socket ACCOUNT LOCK",
                &["ed25519", "unix_socket"],
                "ACCOUNT LOCK",
            ),
            (
                "CREATE USER `p`@`%` IDENTIFIED VIA pam USING 'mariadb' PASSWORD EXPIRE",
                &["pam"],
                "PASSWORD EXPIRE",
            ),
            (
                "CREATE USER `app`@`%` IDENTIFIED WITH 'caching_sha2_password' AS '$A$005$\\'s\\\\ IDENTIFIED' REQUIRE NONE \
                 PASSWORD EXPIRE DEFAULT ACCOUNT UNLOCK PASSWORD REQUIRE CURRENT DEFAULT ATTRIBUTE '{\"a\": \"b\"}'",
                &["caching_sha2_password"],
                "REQUIRE NONE PASSWORD EXPIRE DEFAULT ACCOUNT UNLOCK PASSWORD REQUIRE CURRENT DEFAULT",
            ),
            (
                "CREATE USER `app`@`%` IDENTIFIED WITH 'caching_sha2_password' AS 0x24412430 AND IDENTIFIED WITH \
                 'authentication_ldap_simple' AS 'uid=x' REQUIRE SUBJECT '/CN=app' COMMENT 'x'",
                &["caching_sha2_password", "authentication_ldap_simple"],
                "REQUIRE SUBJECT /CN=app",
            ),
            (
                "CREATE USER `w`@`%` IDENTIFIED WITH 'authentication_webauthn' INITIAL AUTHENTICATION IDENTIFIED BY 'h4sh'",
                &["authentication_webauthn"],
                "INITIAL AUTHENTICATION IDENTIFIED BY",
            ),
        ] {
            let (found, rest) = read(statement);
            assert_eq!(
                (found.as_slice(), rest.as_str()),
                (plugins.map_to_strings().as_slice(), conditions),
                "{statement}"
            );
        }
    }

    trait Strings {
        fn map_to_strings(&self) -> Vec<String>;
    }

    impl Strings for [&str] {
        fn map_to_strings(&self) -> Vec<String> {
            self.iter().map(|text| (*text).to_owned()).collect()
        }
    }

    #[test]
    fn an_account_is_rotated_only_where_one_password_lets_it_in() {
        let of =
            |plugins: &[&str]| Identity { plugins: plugins.map_to_strings(), ..Identity::default() }.plugin();
        for plugin in [Plugin::Native, Plugin::CachingSha2] {
            assert_eq!(of(&[plugin.name()]), Ok(plugin));
        }
        for other in ["unix_socket", "pam", "gssapi", "auth_socket", "sha256_password", "parsec", ""] {
            assert!(of(&[other]).unwrap_err().contains(&format!("'{other}'")));
        }
        assert!(of(&["ed25519"]).unwrap_err().contains("one in 256"));
        assert!(
            of(&["ed25519", "unix_socket"]).unwrap_err().contains("several plugins (ed25519, unix_socket)")
        );
    }

    #[test]
    fn what_keeps_an_account_out_is_seen() {
        let of = |conditions: &str| Identity { conditions: conditions.to_owned(), ..Identity::default() };
        for (conditions, locked, expired, need) in [
            ("", false, false, Need::Nothing),
            ("ACCOUNT LOCK", true, false, Need::Nothing),
            (
                "REQUIRE NONE PASSWORD EXPIRE DEFAULT ACCOUNT UNLOCK PASSWORD REQUIRE CURRENT DEFAULT",
                false,
                false,
                Need::Nothing,
            ),
            ("REQUIRE SSL PASSWORD EXPIRE", false, true, Need::Tls),
            ("PASSWORD EXPIRE ACCOUNT UNLOCK", false, true, Need::Nothing),
            ("PASSWORD EXPIRE INTERVAL 10 DAY", false, false, Need::Nothing),
            ("PASSWORD EXPIRE NEVER", false, false, Need::Nothing),
            ("REQUIRE X509", false, false, Need::Certificate),
            ("REQUIRE ISSUER /CN=x SUBJECT /CN=y", false, false, Need::Certificate),
        ] {
            let identity = of(conditions);
            assert_eq!(
                (identity.is_locked(), identity.is_expired(), identity.need()),
                (locked, expired, need),
                "{conditions}"
            );
        }
    }
}
