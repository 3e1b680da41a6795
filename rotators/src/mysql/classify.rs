//! An answer of the server, or its absence, becomes a class of failure; pure but for reading the error.
//!
//! The error number decides (MySQL's "Server Error Message Reference"; MariaDB's "Error Codes", where they differ).
//! Messages are never repeated: a syntax error quotes the statement, and with it the password.

use mysql_async::{DriverError, Error, IoError};
use vault_core::rotation::fault::{Fault, FaultClass};

use super::config::Place;
use crate::network::tls;

/// Why a login did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LoginFailure {
    /// The server refused name and password. It says the same of an account that does not exist, and of one that
    /// must use TLS where the connection does not.
    Refused(Fault),
    /// The account may not log in, or must do something first.
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

/// The number of the server's error, if it was one.
#[must_use]
pub(super) fn code(error: &Error) -> Option<u16> {
    match error {
        Error::Server(error) => Some(error.code),
        _ => None,
    }
}

/// Judges a failed login by what came back.
#[must_use]
pub(super) fn login(error: &Error, place: Place<'_>) -> LoginFailure {
    match code(error) {
        Some(code) => login_code(code, place),
        None => LoginFailure::Other(transport(error, place)),
    }
}

fn login_code(code: u16, place: Place<'_>) -> LoginFailure {
    use FaultClass::{AccountLocked, Preflight, Unreachable, VerifyRefused};
    let say = |class, what: &str| Fault::new(class, format!("{place}: {what} (error {code})"));
    match code {
        1045 | 1698 => LoginFailure::Refused(say(
            VerifyRefused,
            "the server refused this user name and password (or there is no such account for this host, or it must use TLS)",
        )),
        3118 | 4151 => LoginFailure::Blocked(say(AccountLocked, "the account is locked")),
        3955 | 4150 => {
            LoginFailure::Blocked(say(AccountLocked, "the account is locked after too many refused logins"))
        }
        1820 | 1862 => LoginFailure::Blocked(say(AccountLocked, "the account's password has expired")),
        1130 => LoginFailure::Other(say(Preflight, "the server lets no account in from this host")),
        1129 => LoginFailure::Other(say(
            Preflight,
            "the server has blocked this host after many broken connections: FLUSH HOSTS there",
        )),
        1044 => LoginFailure::Other(say(Preflight, "the account may not use this database")),
        1049 => LoginFailure::Other(say(Preflight, "the database does not exist")),
        3159 | 4031 => LoginFailure::Other(say(Preflight, "the server asks for TLS; set sslmode")),
        1251 | 1275 | 1524 => LoginFailure::Other(say(
            Preflight,
            "the account is let in by another proof than a password of this kind",
        )),
        1040 | 1203 | 1226 => {
            LoginFailure::Other(say(Unreachable, "no connection is free, on the server or for this account"))
        }
        1053 | 1927 => LoginFailure::Other(say(Unreachable, "the server is stopping")),
        _ => LoginFailure::Other(say(Unreachable, "the server could not complete the login")),
    }
}

/// A failure that did not come from the server's own words: network, TLS, protocol.
#[must_use]
pub(super) fn transport(error: &Error, place: Place<'_>) -> Fault {
    let say = |class, what: &str| Fault::new(class, format!("{place}: {what}"));
    match error {
        Error::Io(IoError::Tls(_)) => say(FaultClass::Tls, "TLS cannot be set up"),
        Error::Io(IoError::Io(cause)) if cause.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()) => {
            say(FaultClass::Tls, &format!("TLS failed: {}", tls::words(cause)))
        }
        Error::Driver(DriverError::NoClientSslFlagFromServer) => {
            say(FaultClass::Tls, "the server does not offer TLS")
        }
        Error::Driver(
            DriverError::UnknownAuthPlugin { .. }
            | DriverError::MysqlOldPasswordDisabled
            | DriverError::CleartextPluginDisabled
            | DriverError::InvalidParsecSalt
            | DriverError::UnexpectedPacket { .. },
        ) => say(
            FaultClass::Preflight,
            "the server asks for another proof than a password of a kind that is known",
        ),
        _ => say(FaultClass::Unreachable, "the connection broke"),
    }
}

/// Judges a failed look at the server, or a failed act other than the change itself.
#[must_use]
pub(super) fn look(error: &Error, place: Place<'_>) -> Fault {
    let Some(code) = code(error) else { return transport(error, place) };
    let say = |class, what: &str| Fault::new(class, format!("{place}: {what} (error {code})"));
    match code {
        1044 | 1142 | 1143 | 1227 | 1370 => say(
            FaultClass::PermissionDenied,
            "the management credential may not look at other accounts; grant it SELECT on mysql.*",
        ),
        1095 => say(
            FaultClass::PermissionDenied,
            "the management credential may not end sessions of others; grant it CONNECTION ADMIN (MySQL: CONNECTION_ADMIN)",
        ),
        1820 => say(FaultClass::ManagementAuthRefused, "the management credential's password has expired"),
        _ => say(FaultClass::Unreachable, "the server could not answer"),
    }
}

/// Judges an error reply to the change, and to what stood behind it. `None` where it does not prove that the
/// change did not happen: account statements are no transactions, and one that was interrupted may have worked.
#[must_use]
pub(super) fn change(code: u16, behind: &[u16], place: Place<'_>) -> Option<Fault> {
    use FaultClass::{AccountMissing, ManagementAuthRefused, PermissionDenied, PolicyRejected, Preflight};
    // MariaDB says 1396 for every failure of ALTER USER; the cause is among the warnings.
    let code = behind.iter().copied().find(|code| code_decides(*code)).unwrap_or(code);
    let say = |class, what: &str| Some(Fault::new(class, format!("{place}: {what} (error {code})")));
    match code {
        1819 | 3638 => say(PolicyRejected, "the server's password policy refused the new password"),
        1227 | 1044 | 1142 | 1143 | 1370 => {
            say(PermissionDenied, "the management credential may not change this account")
        }
        1396 | 1133 | 1141 => say(AccountMissing, "there is no such account"),
        1820 => say(ManagementAuthRefused, "the management credential's password has expired"),
        1290 | 1836 => say(
            Preflight,
            "the server is read-only, or its options forbid this (strict_password_validation: set password_hashing to server)",
        ),
        1524 | 1699 => say(Preflight, "the account's plugin keeps no password on the server"),
        3891 | 3892 => say(
            Preflight,
            "the account must give its current password to change it (PASSWORD REQUIRE CURRENT)",
        ),
        3894 | 3895 => say(Preflight, "the server cannot keep the current password beside the new one"),
        1064 | 1231 | 1372 | 1470 => say(Preflight, "the server does not take this change"),
        _ => None,
    }
}

/// Whether an error that stands behind another one says more.
fn code_decides(code: u16) -> bool {
    matches!(code, 1819 | 3638 | 1290 | 1372 | 1524 | 1699)
}

/// Judges an error reply to a statement that a role's templates made; `what` names it.
#[must_use]
pub(super) fn statement(error: &Error, behind: &[u16], place: Place<'_>, what: &str) -> Fault {
    use FaultClass::{PermissionDenied, PolicyRejected, Preflight, Unreachable};
    let Some(code) = code(error) else { return transport(error, place) };
    let code = behind.iter().copied().find(|code| code_decides(*code)).unwrap_or(code);
    let say = |class, why: &str| Fault::new(class, format!("{place}: {what} failed: {why} (error {code})"));
    match code {
        1227 | 1044 | 1045 | 1142 | 1143 | 1370 | 1410 => {
            say(PermissionDenied, "the management credential may not do this")
        }
        1819 | 3638 => say(PolicyRejected, "the server's password policy refused the password"),
        1396 => say(Preflight, "there is such a user already, or none"),
        1470 => say(Preflight, "the name is too long for this server"),
        1290 | 1836 => say(Preflight, "the server is read-only, or its options forbid this"),
        // Time ran out, locks, a full server, its end: it may go better another time.
        1205 | 1213 | 1317 | 1969 | 3024 | 1040 | 1053 | 1021 | 1037 | 1041 | 1206 | 1927 => {
            say(Unreachable, "the server could not do it now")
        }
        _ => say(Preflight, "the server refused it"),
    }
}

#[cfg(test)]
mod tests {
    use mysql_async::ServerError;
    use vault_core::rotation::port::TargetSpec;

    use super::super::config::Config;
    use super::*;

    fn config() -> Config {
        let spec = TargetSpec {
            connection_url: "mysql://db.example".to_owned(),
            settings: std::collections::BTreeMap::new(),
        };
        Config::parse(&spec).unwrap()
    }

    fn said(code: u16) -> Error {
        Error::Server(ServerError {
            code,
            message: "near 'hunter2' at line 1".to_owned(),
            state: "HY000".to_owned(),
        })
    }

    #[test]
    fn a_refused_login_is_told_from_every_other_failure() {
        let config = config();
        for (code, want) in [
            (1045, "refused verify_refused"),
            (1698, "refused verify_refused"),
            (4151, "blocked account_locked"),
            (3118, "blocked account_locked"),
            (3955, "blocked account_locked"),
            (1862, "blocked account_locked"),
            (1820, "blocked account_locked"),
            (1130, "other preflight"),
            (1049, "other preflight"),
            (1044, "other preflight"),
            (1524, "other preflight"),
            (1040, "other unreachable"),
            (1226, "other unreachable"),
            (1105, "other unreachable"),
        ] {
            let (word, fault) = match login(&said(code), config.place()) {
                LoginFailure::Refused(fault) => ("refused", fault),
                LoginFailure::Blocked(fault) => ("blocked", fault),
                LoginFailure::Other(fault) => ("other", fault),
            };
            assert_eq!(format!("{word} {}", fault.class), want, "{code}");
            assert!(!fault.detail.contains("hunter2"), "{fault}");
        }
        let management = login(&said(4151), config.place()).of_management();
        assert_eq!(management.class, FaultClass::ManagementAuthRefused);
    }

    #[test]
    fn only_a_refusal_proves_that_the_change_did_not_happen() {
        let config = config();
        let class = |code, behind: &[u16]| change(code, behind, config.place()).map(|fault| fault.class);
        for (code, behind, want) in [
            (1819, &[][..], Some(FaultClass::PolicyRejected)),
            (1396, &[1819, 1396], Some(FaultClass::PolicyRejected)),
            (1396, &[1290, 1396], Some(FaultClass::Preflight)),
            (1396, &[1396], Some(FaultClass::AccountMissing)),
            (1133, &[], Some(FaultClass::AccountMissing)),
            (1227, &[], Some(FaultClass::PermissionDenied)),
            (1290, &[], Some(FaultClass::Preflight)),
            (1699, &[], Some(FaultClass::Preflight)),
            (1205, &[], None),
            (1317, &[], None),
            (1969, &[], None),
            (1105, &[], None),
        ] {
            assert_eq!(class(code, behind), want, "{code} {behind:?}");
        }
    }

    #[test]
    fn statements_of_a_role_fail_with_their_place_and_never_with_their_text() {
        let config = config();
        for (code, behind, want) in [
            (1064, &[][..], FaultClass::Preflight),
            (1227, &[], FaultClass::PermissionDenied),
            (1396, &[1819], FaultClass::PolicyRejected),
            (1205, &[], FaultClass::Unreachable),
        ] {
            let fault = statement(&said(code), behind, config.place(), "statement 2 of the role");
            assert_eq!(fault.class, want, "{code}");
            assert!(fault.detail.contains("statement 2") && !fault.detail.contains("hunter2"), "{fault}");
        }
        assert_eq!(look(&said(1142), config.place()).class, FaultClass::PermissionDenied);
        assert_eq!(look(&said(1095), config.place()).class, FaultClass::PermissionDenied);
        assert_eq!(look(&said(1205), config.place()).class, FaultClass::Unreachable);
        let broken = Error::Driver(DriverError::ConnectionClosed);
        assert_eq!(look(&broken, config.place()).class, FaultClass::Unreachable);
    }
}
