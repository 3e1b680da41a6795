//! A user of the server, as `ACL GETUSER` shows it; pure.

use vault_core::rotation::port::Rights;

use super::reply::Reply;

/// A user. Not to be shown: it holds the hashes of passwords.
pub(super) struct User {
    flags: Vec<String>,
    /// Hashes, in hexadecimal, the oldest first.
    pub(super) passwords: Vec<String>,
    /// What it may do, as lines.
    lines: Vec<String>,
}

impl User {
    /// Reads the answer; `None` when there is no such user.
    pub(super) fn read(reply: &Reply) -> Option<Self> {
        if reply.parts().is_empty() {
            return None;
        }
        let flags = texts(reply.value("flags"));
        let mut lines: Vec<String> = flags.iter().map(|flag| format!("flag {flag}")).collect();
        if let Some(commands) = reply.value("commands").and_then(Reply::text) {
            lines.push(format!("commands {}", in_order(commands)));
        }
        for kind in ["keys", "channels"] {
            lines.extend(texts(reply.value(kind)).iter().map(|pattern| format!("{kind} {pattern}")));
        }
        for selector in reply.value("selectors").map(Reply::parts).unwrap_or_default() {
            let said = ["commands", "keys", "channels"].map(|kind| {
                let rules = in_order(&texts(selector.value(kind)).join(" "));
                format!("{kind} {}", if rules.is_empty() { "none" } else { &rules })
            });
            lines.push(format!("selector {}", said.join(", ")));
        }
        Some(Self { flags, passwords: texts(reply.value("passwords")), lines })
    }

    /// Whether it may log in at all.
    pub(super) fn enabled(&self) -> bool {
        self.has("on")
    }

    /// Whether every password opens it.
    pub(super) fn open_to_all(&self) -> bool {
        self.has("nopass")
    }

    /// Whether this is one of its passwords, by its hash.
    pub(super) fn holds(&self, stored: &str) -> bool {
        self.passwords.iter().any(|password| password == stored)
    }

    /// What it may do, as stable lines.
    pub(super) fn rights(&self) -> Rights {
        let mut lines = self.lines.clone();
        lines.sort();
        Rights(lines)
    }

    fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|found| found == flag)
    }
}

/// Rules in an order of ours but for the first, on which the others build. The server's own order is another
/// after each of its starts.
fn in_order(rules: &str) -> String {
    let mut words: Vec<&str> = rules.split_whitespace().collect();
    if let Some((_, rest)) = words.split_first_mut() {
        rest.sort_unstable();
    }
    words.join(" ")
}

/// A list of texts, or the words of one: the server's versions differ.
fn texts(reply: Option<&Reply>) -> Vec<String> {
    let Some(reply) = reply else { return Vec::new() };
    match reply.text() {
        Some(text) => text.split_whitespace().map(str::to_owned).collect(),
        None => reply.parts().iter().filter_map(Reply::text).map(str::to_owned).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Reply {
        Reply::Text(text.to_owned())
    }

    fn list(parts: &[&str]) -> Reply {
        Reply::List(parts.iter().map(|part| text(part)).collect())
    }

    #[test]
    fn the_answers_of_redis_6_and_7_are_both_read() {
        let six = Reply::List(vec![
            text("flags"),
            list(&["on"]),
            text("passwords"),
            list(&["aa", "bb"]),
            text("commands"),
            text("-@all +set +get"),
            text("keys"),
            list(&["app:*", "x"]),
        ]);
        let seven = Reply::List(vec![
            text("flags"),
            list(&["on"]),
            text("passwords"),
            list(&["aa", "bb"]),
            text("commands"),
            text("-@all +get"),
            text("keys"),
            text("~x ~app:*"),
            text("selectors"),
            Reply::List(vec![Reply::List(vec![
                text("commands"),
                text("-@all +set"),
                text("keys"),
                text("~w:*"),
            ])]),
        ]);
        let six = User::read(&six).unwrap();
        assert_eq!(six.rights().0, ["commands -@all +get +set", "flag on", "keys app:*", "keys x"]);
        let seven = User::read(&seven).unwrap();
        assert_eq!(
            seven.rights().0,
            [
                "commands -@all +get",
                "flag on",
                "keys ~app:*",
                "keys ~x",
                "selector commands -@all +set, keys ~w:*, channels none"
            ]
        );
        assert!(seven.enabled() && !seven.open_to_all() && seven.holds("bb") && !seven.holds("cc"));
        assert!(User::read(&Reply::Nothing).is_none());
    }
}
