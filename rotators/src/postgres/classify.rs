//! An answer of the server, or its absence, becomes a class of failure; pure but for reading the error.
//!
//! The SQLSTATE decides (manual, appendix "PostgreSQL Error Codes"), and where one code means several
//! things the name of the routine that raised it, which is not translated as messages are. Messages are
//! never repeated: a site's own module may quote the password in one.

use std::error::Error as _;
use std::io;

use tokio_postgres::Error;
use tokio_postgres::error::Severity;
use vault_core::rotation::fault::{Fault, FaultClass};

use super::config::Place;
use crate::network::tls;

/// What the server said, cut down to what decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reply<'a> {
    /// The SQLSTATE.
    pub(super) code: &'a str,
    /// The routine of the server that raised it.
    pub(super) routine: &'a str,
    /// Whether the server ended the session with it.
    pub(super) ends_session: bool,
}

impl<'a> Reply<'a> {
    /// The server's reply in `error`, if it was one.
    #[must_use]
    pub(super) fn of(error: &'a Error) -> Option<Self> {
        let reply = error.as_db_error()?;
        Some(Self {
            code: reply.code().code(),
            routine: reply.routine().unwrap_or_default(),
            ends_session: matches!(reply.parsed_severity(), Some(Severity::Fatal | Severity::Panic))
                || reply.parsed_severity().is_none() && reply.severity() != "ERROR",
        })
    }
}

/// Why a login did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LoginFailure {
    /// The server refused name and password. It says the same of a role that does not exist, has no
    /// password, or whose password has expired (`VALID UNTIL`).
    Refused(Fault),
    /// The password was right, and the role may not log in.
    Blocked(Fault),
    /// The password was right, and the role may not connect to this database.
    NoConnect(Fault),
    /// The server's host rules let nobody of this name in from here; the password was not asked for.
    NotFromHere(Fault),
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
            // No password was judged, and it is the same for every account there: waited for, as for a network.
            Self::NotFromHere(fault) => Fault::new(FaultClass::Unreachable, fault.detail),
            Self::NoConnect(fault) | Self::Other(fault) => fault,
        }
    }
}

/// Judges a failed login by what came back.
#[must_use]
pub(super) fn login(error: &Error, place: Place<'_>) -> LoginFailure {
    match Reply::of(error) {
        Some(reply) => login_reply(reply, place),
        None => LoginFailure::Other(transport(error, place)),
    }
}

fn login_reply(reply: Reply<'_>, place: Place<'_>) -> LoginFailure {
    use FaultClass::{AccountLocked, Preflight, Unreachable, VerifyRefused};
    let say = |class, what: &str| Fault::new(class, format!("{place}: {what} (SQLSTATE {})", reply.code));
    match (reply.code, reply.routine) {
        ("28P01", _) => LoginFailure::Refused(say(
            VerifyRefused,
            "the server refused this user name and password (or the role is missing, or its password expired)",
        )),
        // After the password was found right: no such role (with trust or peer), or NOLOGIN.
        ("28000", "InitializeSessionUserId") => {
            LoginFailure::Blocked(say(AccountLocked, "the role may not log in"))
        }
        ("28000", "ClientAuthentication") => LoginFailure::NotFromHere(say(
            Preflight,
            "the server's host rules (pg_hba.conf) do not let this role in from here by password",
        )),
        // Another way of authentication (ldap, pam, …) may have judged the password: not tried again by itself.
        ("28000", _) => LoginFailure::Other(say(
            Preflight,
            "the server's host rules (pg_hba.conf) ask for another proof than a password of its own, and refused it",
        )),
        ("42501", _) => LoginFailure::NoConnect(say(Preflight, "the role may not connect to this database")),
        ("3D000", _) => LoginFailure::Other(say(Preflight, "the database does not exist")),
        ("55000", _) => LoginFailure::Other(say(Preflight, "the database takes no connections")),
        ("53300", _) => {
            LoginFailure::Other(say(Unreachable, "no connection is free, on the server or for this role"))
        }
        ("57P03", _) => {
            LoginFailure::Other(say(Unreachable, "the server is starting, stopping or recovering"))
        }
        ("0A000" | "08P01" | "22023", _) => {
            LoginFailure::Other(say(Preflight, "the server refused the way of connecting"))
        }
        _ => LoginFailure::Other(say(Unreachable, "the server could not complete the login")),
    }
}

/// A failure that did not come from the server's own words: network, TLS, protocol.
#[must_use]
pub(super) fn transport(error: &Error, place: Place<'_>) -> Fault {
    // `tokio_postgres` keeps the kind to itself and shows it as this text; the tests hold it to that.
    match error.to_string().as_str() {
        TLS_KIND => match error.source().and_then(|cause| cause.downcast_ref::<io::Error>()) {
            Some(cause) if cause.get_ref().is_none_or(|inner| !inner.is::<rustls::Error>()) => Fault::new(
                FaultClass::Unreachable,
                format!("{place}: the connection broke in the TLS handshake"),
            ),
            Some(cause) => Fault::new(FaultClass::Tls, format!("{place}: TLS failed: {}", tls::words(cause))),
            None => Fault::new(FaultClass::Tls, format!("{place}: the server does not offer TLS")),
        },
        AUTHENTICATION_KIND => Fault::new(
            FaultClass::Preflight,
            format!("{place}: the server asks for another proof than a password, or could not prove itself"),
        ),
        _ => Fault::new(FaultClass::Unreachable, format!("{place}: the connection broke")),
    }
}

/// Judges a failed look at the server's catalogue, or a failed act other than the change itself.
#[must_use]
pub(super) fn look(error: &Error, place: Place<'_>) -> Fault {
    let Some(reply) = Reply::of(error) else { return transport(error, place) };
    let say = |class, what: &str| Fault::new(class, format!("{place}: {what} (SQLSTATE {})", reply.code));
    match reply.code {
        "42501" => say(FaultClass::PermissionDenied, "the management credential may not do this"),
        _ => say(FaultClass::Unreachable, "the server could not answer"),
    }
}

/// Judges an error reply to the change. It certainly did not happen.
#[must_use]
pub(super) fn change(error: &Error, place: Place<'_>) -> Fault {
    match Reply::of(error) {
        Some(reply) => change_reply(reply, place),
        None => transport(error, place),
    }
}

fn change_reply(reply: Reply<'_>, place: Place<'_>) -> Fault {
    use FaultClass::{AccountMissing, PermissionDenied, PolicyRejected, Preflight, Unreachable};
    let say = |class, what: &str| Fault::new(class, format!("{place}: {what} (SQLSTATE {})", reply.code));
    match reply.code {
        "42501" => say(PermissionDenied, "the management credential may not change this role"),
        "42704" => say(AccountMissing, "the role does not exist"),
        "25006" => say(Unreachable, "the server is read-only: a standby, or set so"),
        "0A000" => say(Preflight, "the server cannot do this now: a standby, or a feature it lacks"),
        "42939" | "42601" | "22P05" | "22021" => say(Preflight, "the server cannot take this role name"),
        code if code.starts_with("22")
            || code.starts_with("28")
            || code.starts_with("23")
            || code == "P0001" =>
        {
            say(PolicyRejected, "a password policy of the server refused the new password")
        }
        _ => say(Unreachable, "the server could not make the change"),
    }
}

/// Judges an error reply to a statement that a role's templates made; `what` names it.
#[must_use]
pub(super) fn statement(error: &Error, place: Place<'_>, what: &str) -> Fault {
    match Reply::of(error) {
        Some(reply) => statement_reply(reply, place, what),
        None => transport(error, place),
    }
}

fn statement_reply(reply: Reply<'_>, place: Place<'_>, what: &str) -> Fault {
    use FaultClass::{PermissionDenied, Preflight, Unreachable};
    let say = |class, why: &str| {
        Fault::new(class, format!("{place}: {what} failed: {why} (SQLSTATE {})", reply.code))
    };
    match reply.code {
        "42501" => say(PermissionDenied, "the management credential may not do this"),
        "42710" => say(Preflight, "there is such a role or object already"),
        "2BP01" => say(
            Preflight,
            "other objects depend on it, perhaps in another database: give revocation_statements",
        ),
        "25006" => say(Preflight, "the server is read-only: a standby, or set so"),
        // Time ran out, locks, a full server, its end: it may go better another time.
        code if ["57", "55", "53", "40", "58", "XX"].iter().any(|class| code.starts_with(class)) => {
            say(Unreachable, "the server could not do it now")
        }
        _ => say(Preflight, "the server refused it"),
    }
}

/// Whether the reply says that the role is not there.
#[must_use]
pub(super) fn is_missing(error: &Error) -> bool {
    Reply::of(error).is_some_and(|reply| reply.code == "42704")
}

/// Whether the reply says that there is nothing of that kind, or not for this role.
#[must_use]
pub(super) fn is_withheld(error: &Error) -> bool {
    Reply::of(error).is_some_and(|reply| matches!(reply.code, "42501" | "42883" | "0A000"))
}

/// Whether an error in answer to COMMIT proves that nothing was committed. The session's end proves
/// nothing: the server may have been stopped after the commit and before its answer.
#[must_use]
pub(super) fn refused_commit(error: &Error) -> bool {
    Reply::of(error).is_some_and(|reply| !reply.ends_session)
}

const TLS_KIND: &str = "error performing TLS handshake";
const AUTHENTICATION_KIND: &str = "authentication error";

#[cfg(test)]
mod tests {
    use vault_core::rotation::port::TargetSpec;

    use super::super::config::Config;
    use super::*;

    fn config() -> Config {
        Config::parse(&TargetSpec {
            connection_url: "postgresql://{{username}}:{{password}}@db/app".to_owned(),
            settings: std::collections::BTreeMap::new(),
        })
        .unwrap()
    }

    fn reply<'a>(code: &'a str, routine: &'a str) -> Reply<'a> {
        Reply { code, routine, ends_session: true }
    }

    #[test]
    fn only_a_refused_password_counts_as_refused() {
        let config = config();
        for (code, routine, word) in [
            ("28P01", "auth_failed", "refused"),
            ("28000", "InitializeSessionUserId", "blocked"),
            ("28000", "ClientAuthentication", "preflight"),
            ("28000", "auth_failed", "preflight"),
            ("3D000", "InitPostgres", "preflight"),
            ("42501", "CheckMyDatabase", "no connect"),
            ("53300", "InitializeSessionUserId", "unreachable"),
            ("57P03", "ProcessStartupPacket", "unreachable"),
            ("57P01", "ProcessInterrupts", "unreachable"),
            ("XX000", "", "unreachable"),
        ] {
            let got = match login_reply(reply(code, routine), config.place()) {
                LoginFailure::Refused(_) => "refused",
                LoginFailure::Blocked(fault) => {
                    assert_eq!(fault.class, FaultClass::AccountLocked);
                    "blocked"
                }
                LoginFailure::NoConnect(_) => "no connect",
                LoginFailure::NotFromHere(fault) | LoginFailure::Other(fault) => fault.class.as_str(),
            };
            assert_eq!(got, word, "{code} by {routine}");
        }
    }

    #[test]
    fn a_management_credential_that_cannot_log_in_is_never_a_matter_of_waiting() {
        let config = config();
        for (code, routine) in [("28P01", "auth_failed"), ("28000", "InitializeSessionUserId")] {
            let fault = login_reply(reply(code, routine), config.place()).of_management();
            assert_eq!(fault.class, FaultClass::ManagementAuthRefused);
            assert!(fault.detail.starts_with("db:5432/app: "), "{fault}");
        }
        // Unless its password was not judged at all.
        let shut_out = login_reply(reply("28000", "ClientAuthentication"), config.place()).of_management();
        assert_eq!(shut_out.class, FaultClass::Unreachable);
        let elsewhere = login_reply(reply("28000", "auth_failed"), config.place()).of_management();
        assert_eq!(elsewhere.class, FaultClass::Preflight, "a directory may have refused the password");
    }

    #[test]
    fn an_error_reply_to_the_change_has_its_class() {
        let config = config();
        for (code, class) in [
            ("42501", FaultClass::PermissionDenied),
            ("42704", FaultClass::AccountMissing),
            ("25006", FaultClass::Unreachable),
            ("22023", FaultClass::PolicyRejected),
            ("28000", FaultClass::PolicyRejected),
            ("P0001", FaultClass::PolicyRejected),
            ("42939", FaultClass::Preflight),
            ("22021", FaultClass::Preflight),
            ("57014", FaultClass::Unreachable),
            ("55P03", FaultClass::Unreachable),
            ("XX000", FaultClass::Unreachable),
        ] {
            assert_eq!(change_reply(reply(code, ""), config.place()).class, class, "{code}");
        }
    }
}
