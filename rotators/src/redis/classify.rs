//! An error reply of the server becomes a class of failure; pure.
//!
//! The first word decides, and where that is only `ERR` a few fixed parts of the sentence. The server's own
//! words are never repeated: some of them quote the command, with the hash of a password.

use vault_core::rotation::fault::{Fault, FaultClass};

use super::config::Place;

/// Why a login did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LoginFailure {
    /// The server refused name and password. It says the same of a user that does not exist, is off or has
    /// no password.
    Refused(Fault),
    /// Nothing was learnt about the credential.
    Other(Fault),
}

impl LoginFailure {
    /// For the management credential: what refuses it is never tried again by itself.
    pub(super) fn of_management(self) -> Fault {
        match self {
            Self::Refused(fault) => Fault::new(FaultClass::ManagementAuthRefused, fault.detail),
            Self::Other(fault) => fault,
        }
    }
}

/// Judges an error reply to `AUTH`.
pub(super) fn login(refusal: &str, place: Place<'_>) -> LoginFailure {
    if first_word(refusal) == "WRONGPASS" {
        let what = "the server refused this user name and password (or the user is missing or off)";
        return LoginFailure::Refused(Fault::new(FaultClass::VerifyRefused, format!("{place}: {what}")));
    }
    if first_word(refusal) == "ERR"
        && (refusal.contains("arguments") || refusal.contains("no password is set"))
    {
        let what = "the server knows no users: it is older than Redis 6, or no ACL server at all";
        return LoginFailure::Other(Fault::new(FaultClass::Preflight, format!("{place}: {what}")));
    }
    LoginFailure::Other(command(refusal, "the login", place))
}

/// Judges an error reply to a command; `what` names the command.
pub(super) fn command(refusal: &str, what: &str, place: Place<'_>) -> Fault {
    use FaultClass::{PermissionDenied, Preflight, Unreachable};
    let word = first_word(refusal);
    let (class, why) = match word {
        "NOPERM" => (PermissionDenied, "the management user may not do this"),
        "READONLY" => (Preflight, "the server is a read-only replica"),
        "DENIED" => (Preflight, "the server is in protected mode and takes no connection from here"),
        "NOAUTH" => (Preflight, "the server asks for a login first"),
        "ERR" if refusal.contains("unknown command") || refusal.contains("nknown subcommand") => {
            (Preflight, "the server does not know this command: it is renamed, or the server is too old")
        }
        "ERR" if refusal.contains("not configured to use an ACL file") => {
            (Preflight, "the server has no ACL file: set persist to config or none")
        }
        "ERR" if refusal.contains("without a config file") => {
            (Preflight, "the server was started without a configuration file: set persist to aclfile or none")
        }
        "ERR" if refusal.contains("Error in ACL SETUSER") || refusal.contains("Usernames") => {
            (Preflight, "the server does not take this user name or rule")
        }
        "LOADING" => (Unreachable, "the server is still loading its data"),
        "BUSY" => (Unreachable, "the server is busy with a script"),
        "OOM" | "MISCONF" => (Unreachable, "the server is out of memory, or cannot write to its disk"),
        "MASTERDOWN" | "CLUSTERDOWN" | "TRYAGAIN" | "NOREPLICAS" => {
            (Unreachable, "its cluster is not complete")
        }
        _ => (Unreachable, "the server could not do it now"),
    };
    Fault::new(class, format!("{place}: {what} failed: {why} ({word})"))
}

/// Whether the server says that there is no such user.
pub(super) fn is_missing(refusal: &str) -> bool {
    refusal.starts_with("ERR No such user")
}

/// The word in capitals that an error begins with, or what stands for it.
fn first_word(refusal: &str) -> &'static str {
    let word = refusal.split(' ').next().unwrap_or_default();
    WORDS.iter().find(|known| **known == word).copied().unwrap_or("another error")
}

const WORDS: [&str; 14] = [
    "ERR",
    "WRONGPASS",
    "NOPERM",
    "NOAUTH",
    "READONLY",
    "DENIED",
    "LOADING",
    "BUSY",
    "OOM",
    "MISCONF",
    "MASTERDOWN",
    "CLUSTERDOWN",
    "TRYAGAIN",
    "NOREPLICAS",
];

#[cfg(test)]
mod tests {
    use vault_core::rotation::port::TargetSpec;

    use super::super::config::Config;
    use super::*;

    #[test]
    fn only_a_refused_password_counts_as_refused_and_each_error_has_its_class() {
        let spec = TargetSpec { connection_url: "redis://cache".to_owned(), settings: Default::default() };
        let config = Config::parse(&spec).unwrap();
        for (refusal, class) in [
            ("WRONGPASS invalid username-password pair or user is disabled.", None),
            ("ERR wrong number of arguments for 'auth' command", Some(FaultClass::Preflight)),
            ("NOAUTH HELLO must be called", Some(FaultClass::Preflight)),
            (
                "NOPERM this user has no permissions to run the 'acl|save' command",
                Some(FaultClass::PermissionDenied),
            ),
            ("LOADING Redis is loading the dataset in memory", Some(FaultClass::Unreachable)),
            ("BUSY Redis is busy running a script.", Some(FaultClass::Unreachable)),
            ("OOM command not allowed", Some(FaultClass::Unreachable)),
            ("MISCONF Redis is configured to save RDB snapshots", Some(FaultClass::Unreachable)),
            ("READONLY You can't write against a read only replica.", Some(FaultClass::Preflight)),
            ("DENIED Redis is running in protected mode", Some(FaultClass::Preflight)),
            ("ERR max number of clients reached", Some(FaultClass::Unreachable)),
            ("ERR unknown command 'ACL'", Some(FaultClass::Preflight)),
            ("ERR This Redis instance is not configured to use an ACL file.", Some(FaultClass::Preflight)),
            ("ERR The server is running without a config file", Some(FaultClass::Preflight)),
            ("ERR Error in ACL SETUSER modifier '#hunter2'", Some(FaultClass::Preflight)),
            ("ERR There was an error trying to save the ACLs.", Some(FaultClass::Unreachable)),
            ("hunter2", Some(FaultClass::Unreachable)),
        ] {
            let found = login(refusal, config.place());
            let fault = match &found {
                LoginFailure::Refused(fault) | LoginFailure::Other(fault) => fault,
            };
            assert_eq!(matches!(found, LoginFailure::Refused(_)), class.is_none(), "{refusal}");
            assert_eq!(fault.class, class.unwrap_or(FaultClass::VerifyRefused), "{refusal}");
            assert!(fault.detail.starts_with("cache:6379: ") && !fault.detail.contains("hunter2"), "{fault}");
        }
    }
}
