//! An answer of the target, or its absence, becomes a class of failure. Pure.
//!
//! The scripts end with one word of ours; what the target's own programs say is never repeated.

use std::io;

use russh::Error;
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::Outcome;

use super::config::{Config, Elevation, Place};

/// Why a login did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LoginFailure {
    /// The server refused name and credential. It says the same of an account that does not exist, is locked,
    /// or that a module of PAM (faillock) holds off.
    Refused(Fault),
    /// The credential was taken, and the account may not log in all the same.
    Blocked(Fault),
    /// Nothing was learnt about the credential.
    Other(Fault),
}

impl LoginFailure {
    /// For the management credential: what refuses it is never tried again by itself.
    #[must_use]
    pub(super) fn of_management(self) -> Fault {
        match self {
            Self::Refused(fault) | Self::Blocked(fault) => {
                Fault::new(FaultClass::ManagementAuthRefused, fault.detail)
            }
            Self::Other(fault) => fault,
        }
    }
}

/// Judges a connection that did not come about. `shown` is the host key that was not accepted.
#[must_use]
pub(super) fn connection(error: &Error, shown: Option<&str>, config: &Config) -> Fault {
    let place = config.place();
    let say = |class, what: &str| Fault::new(class, format!("{place}: {what}"));
    match (error, shown) {
        (_, Some(shown)) if config.host_key.asks() => say(
            FaultClass::Preflight,
            &format!(
                "no host key is pinned; the server showed {shown}: compare it on the host (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), then set host_key"
            ),
        ),
        (_, Some(shown)) => say(
            FaultClass::Tls,
            &format!(
                "the server showed the host key {shown}, which host_key does not name; nothing was sent"
            ),
        ),
        (Error::NoCommonAlgo { .. }, _) => say(
            FaultClass::Tls,
            "the server has no host key of a pinned kind (Ed25519 or ECDSA), or no cipher in common",
        ),
        (Error::Version, _) => say(FaultClass::Unreachable, "what answers there does not speak SSH 2"),
        (Error::WrongServerSig | Error::Kex | Error::PacketAuth | Error::DecryptionError, _) => {
            say(FaultClass::Tls, "the exchange of keys failed")
        }
        (Error::IO(cause), _) => transport(cause, place),
        _ => say(FaultClass::Unreachable, "the connection broke before a login could be tried"),
    }
}

fn transport(cause: &io::Error, place: Place<'_>) -> Fault {
    Fault::new(FaultClass::Unreachable, format!("{place}: the connection broke ({})", cause.kind()))
}

/// A script never began: something else answered in its place.
#[must_use]
pub(super) fn not_begun(status: Option<u32>, sudo_spoke: bool, config: &Config) -> Fault {
    let say = |class, what: &str| Fault::new(class, format!("{}: {what}", config.place()));
    match (config.elevation, status) {
        (_, None) => say(FaultClass::Unreachable, "the connection broke before the command began"),
        (Elevation::Sudo, Some(1)) if sudo_spoke => say(
            FaultClass::PermissionDenied,
            "sudo refuses the management user, or asks it for a password: it needs a rule with NOPASSWD, or become = sudo_password",
        ),
        (Elevation::SudoPassword, Some(1)) if sudo_spoke => {
            say(FaultClass::PermissionDenied, "sudo refuses the management user")
        }
        (Elevation::Sudo | Elevation::SudoPassword, Some(127)) => {
            say(FaultClass::Preflight, "there is no sudo on the target")
        }
        (_, Some(status)) => say(
            FaultClass::Preflight,
            &format!(
                "the management user's shell ran something other than what was asked, with status {status}: a forced command, a restricted shell, a shell that is not POSIX, or an expired password"
            ),
        ),
    }
}

/// Judges the last word of a script that looked or ended something, where it was not `done`.
#[must_use]
pub(super) fn look(word: &str, name: &str, config: &Config) -> Fault {
    let say = |class, what: &str| Fault::new(class, format!("{}: {what}", config.place()));
    match word {
        "not-root" => say(
            FaultClass::PermissionDenied,
            "the management user is not root there: log in as root, or set become = sudo",
        ),
        "no-proc" => say(FaultClass::Preflight, "/proc cannot be read there, so nothing could be settled"),
        "no-tool" => say(FaultClass::Preflight, "a program is missing there: chpasswd, su or grep"),
        "missing" => say(FaultClass::AccountMissing, &format!("there is no account '{name}'")),
        "foreign" => say(
            FaultClass::Preflight,
            &format!(
                "the account '{name}' is not in the local /etc/passwd and /etc/shadow: a directory has it"
            ),
        ),
        "locked" => say(FaultClass::AccountLocked, &format!("the account '{name}' is locked (passwd -l)")),
        "no-password" => {
            say(FaultClass::AccountLocked, &format!("the account '{name}' has no password to log in with"))
        }
        "expired" => say(FaultClass::AccountLocked, &format!("the account '{name}' has expired (chage -E)")),
        "read-only" => say(FaultClass::Preflight, "/etc is read-only there"),
        "left" => say(FaultClass::Unreachable, "processes that were told to end are still there"),
        _ => say(FaultClass::Preflight, "the target did not understand what was asked"),
    }
}

/// Judges the last word of a script that changes something.
#[must_use]
pub(super) fn change(word: &str, name: &str, config: &Config) -> Outcome {
    let not =
        |class, what: &str| Outcome::NotApplied(Fault::new(class, format!("{}: {what}", config.place())));
    match word {
        "done" => Outcome::Applied,
        "torn" => unknown("the change failed on its way and may have been made in part", config),
        "unchanged" => unknown("chpasswd said it was done, and /etc/shadow did not change", config),
        "policy" => not(FaultClass::PolicyRejected, "PAM refused the new password"),
        "busy" => not(FaultClass::Unreachable, "the password file is locked by another program"),
        "failed" => not(FaultClass::Preflight, "chpasswd failed, and nothing was changed"),
        "no-home" => not(FaultClass::Preflight, "the account's home or .ssh folder cannot be used"),
        "link" => not(FaultClass::Preflight, "authorized_keys is a link; it must be a file of the account's"),
        "odd-file" => not(FaultClass::Preflight, "authorized_keys cannot be read whole by its owner"),
        "full" => not(
            FaultClass::Unreachable,
            "authorized_keys could not be written by its owner: a full disk, a quota, or a folder of somebody else",
        ),
        "input" => not(FaultClass::Unreachable, "the connection broke before the change was asked for"),
        _ => Outcome::NotApplied(look(word, name, config)),
    }
}

/// What was sent and not answered.
#[must_use]
pub(super) fn unknown(what: &str, config: &Config) -> Outcome {
    Outcome::Unknown(Fault::new(FaultClass::Ambiguous, format!("{}: {what}", config.place())))
}
