//! Changing the passwords of a user, and keeping the change over a restart of the server.
//!
//! `ACL SETUSER` is one command, done whole or not at all. What it did lives in the server's memory until
//! `ACL SAVE` or `CONFIG REWRITE`. A change that cannot be kept is taken back: a password that a restart
//! would lose must not become the account's.

use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::Outcome;

use super::config::{Config, Persist};
use super::session::{Failure, Session};
use super::user::User;

/// Where the server keeps its users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Home {
    /// In its ACL file.
    AclFile,
    /// In its configuration file.
    ConfigFile,
    /// Only in memory, as somebody has said they know.
    Memory,
}

impl Home {
    /// Asks the server where it keeps its users, unless the settings say it.
    pub(super) async fn find(session: &mut Session<'_>, config: &Config) -> Result<Self, Fault> {
        match config.persist {
            Persist::AclFile => return Ok(Self::AclFile),
            Persist::ConfigFile => return Ok(Self::ConfigFile),
            Persist::Nowhere => return Ok(Self::Memory),
            Persist::Auto => {}
        }
        let asked = session.ask(&["CONFIG", "GET", "aclfile"]).await.map_err(|failure| {
            let fault = session.fault(failure, "CONFIG GET aclfile");
            let detail =
                format!("{}; grant +config|get, or say by persist where users are kept", fault.detail);
            Fault { detail, ..fault }
        })?;
        let named = |reply: Option<&super::reply::Reply>| {
            reply.and_then(super::reply::Reply::text).is_some_and(|text| !text.is_empty())
        };
        if named(asked.value("aclfile")) {
            return Ok(Self::AclFile);
        }
        let info = session.look(&["INFO", "server"], "INFO").await?;
        if info.text().and_then(|text| field(text, "config_file")).is_some_and(|file| !file.is_empty()) {
            return Ok(Self::ConfigFile);
        }
        let what = "the server has neither an ACL file nor a configuration file, so its restart would lose \
                    the new password; give it an aclfile, or set persist to none";
        Err(Fault::new(FaultClass::Preflight, format!("{}: {what}", session.place())))
    }

    /// Why this user cannot be kept there.
    pub(super) fn obstacle(self, name: &str) -> Option<&'static str> {
        match self {
            Self::ConfigFile if name == DEFAULT => Some(
                "the user 'default' and its requirepass cannot be kept safely in the configuration file; \
                 give the server an aclfile",
            ),
            Self::ConfigFile if !super::command::fits_config_file(name) => {
                Some("a user name with quotes or a backslash breaks the server's configuration file")
            }
            Self::AclFile | Self::ConfigFile | Self::Memory => None,
        }
    }

    /// The command that keeps all users.
    pub(super) fn command(self) -> Option<[&'static str; 2]> {
        match self {
            Self::AclFile => Some(["ACL", "SAVE"]),
            Self::ConfigFile => Some(["CONFIG", "REWRITE"]),
            Self::Memory => None,
        }
    }

    /// Keeps what the server has in memory.
    pub(super) async fn keep(self, session: &mut Session<'_>) -> Result<(), Failure> {
        match self.command() {
            Some(words) => session.ask(&words).await.map(drop),
            None => Ok(()),
        }
    }
}

/// Changes the passwords of `user` by these rules and keeps that. No rules: it is only kept.
pub(super) async fn change(
    session: &mut Session<'_>,
    home: Home,
    name: &str,
    user: &User,
    rules: &[&str],
) -> Outcome {
    if !rules.is_empty() {
        match set(session, name, rules).await {
            Ok(()) => {}
            Err(failure @ Failure::Said(_)) => {
                return Outcome::NotApplied(session.fault(failure, "ACL SETUSER"));
            }
            Err(Failure::Silent) => {
                return unknown(session, "ACL SETUSER was sent and its answer did not come");
            }
        }
    }
    match home.keep(session).await {
        Ok(()) => Outcome::Applied,
        Err(Failure::Silent) => unknown(session, "the change was made; whether it was saved is not known"),
        Err(failure @ Failure::Said(_)) => {
            let fault = session.fault(failure, "saving the users");
            // Nothing of ours to take back: an earlier attempt made the change.
            if rules.is_empty() {
                return Outcome::Unknown(Fault { class: FaultClass::Ambiguous, ..fault });
            }
            let before: Vec<String> = user.passwords.iter().map(|stored| format!("#{stored}")).collect();
            let back: Vec<&str> =
                std::iter::once("resetpass").chain(before.iter().map(String::as_str)).collect();
            match set(session, name, &back).await {
                Ok(()) => Outcome::NotApplied(fault),
                Err(_) => unknown(session, "the change could not be saved, nor certainly taken back"),
            }
        }
    }
}

async fn set(session: &mut Session<'_>, name: &str, rules: &[&str]) -> Result<(), Failure> {
    let words: Vec<&str> = ["ACL", "SETUSER", name].into_iter().chain(rules.iter().copied()).collect();
    session.ask(&words).await.map(drop)
}

fn unknown(session: &Session<'_>, what: &str) -> Outcome {
    Outcome::Unknown(Fault::new(FaultClass::Ambiguous, format!("{}: {what}", session.place())))
}

/// The value of a line `name:value` of `INFO`.
pub(super) fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines().find_map(|line| line.trim_end().strip_prefix(name)?.strip_prefix(':'))
}

/// Whom a login by password alone means.
const DEFAULT: &str = "default";
