//! What an answer means: a class of failure, or none. Pure.

use serde_json::Value;
use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::Probe;

use super::config::Place;
use super::pointer::{Condition, name_in};
use super::service::{Ask, Login};

/// What a request is for; its name stands in messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The login of the management credential.
    Session,
    /// Who am I.
    Check,
    Account,
    Rights,
    Credentials,
    Create,
    Delete,
    Set,
    Sessions,
    EndSessions,
}

impl Purpose {
    fn words(self) -> &'static str {
        match self {
            Self::Session => "the login of the management credential",
            Self::Check => "the check of the management credential",
            Self::Account => "the look at the account",
            Self::Rights => "the look at the account's rights",
            Self::Credentials => "the list of the account's credentials",
            Self::Create => "making a credential",
            Self::Delete => "deleting a credential",
            Self::Set => "setting the password",
            Self::Sessions => "the list of the account's sessions",
            Self::EndSessions => "ending the account's sessions",
        }
    }
}

/// What an answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It was done.
    Done,
    /// It certainly was not, for this reason.
    Refused(FaultClass),
    /// Neither.
    Unclear,
}

/// What this answer to `ask` says.
pub(super) fn verdict(ask: &Ask, purpose: Purpose, status: u16, body: &Value) -> Verdict {
    use FaultClass::{
        AccountMissing, ManagementAuthRefused, PermissionDenied, PolicyRejected, Preflight, Unreachable,
    };
    if let Some((_, class)) = ask.errors.iter().find(|(condition, _)| condition.holds(Some(status), body)) {
        return if *class == FaultClass::Ambiguous { Verdict::Unclear } else { Verdict::Refused(*class) };
    }
    if is_ok(&ask.ok, status, body) {
        return Verdict::Done;
    }
    Verdict::Refused(match status {
        401 => ManagementAuthRefused,
        403 => PermissionDenied,
        404 if matches!(purpose, Purpose::Check | Purpose::Session) => Preflight,
        404 => AccountMissing,
        400 | 409 | 422 if purpose == Purpose::Set => PolicyRejected,
        408 => return Verdict::Unclear,
        429 => Unreachable,
        400..=499 => Preflight,
        _ => return Verdict::Unclear,
    })
}

/// The fault of a look that brought this answer.
pub(super) fn look(class: Option<FaultClass>, purpose: Purpose, status: u16, place: Place<'_>) -> Fault {
    let class = class.unwrap_or(match status {
        408 | 500.. => FaultClass::Unreachable,
        _ => FaultClass::Preflight,
    });
    said(class, purpose, status, place)
}

/// A refusal, as a fault.
pub(super) fn said(class: FaultClass, purpose: Purpose, status: u16, place: Place<'_>) -> Fault {
    let why = match class {
        FaultClass::ManagementAuthRefused => "the API refused the management credential",
        FaultClass::PermissionDenied => "the management credential may not do this",
        FaultClass::AccountMissing => "there is no such account",
        FaultClass::AccountLocked => "the account is locked or disabled",
        FaultClass::PolicyRejected => "the API refused the new password",
        FaultClass::Unreachable => "the API could not do it now",
        _ => "the answer is none that the description explains",
    };
    Fault::new(class, format!("{place}: {} failed: {why} (status {status})", purpose.words()))
}

/// A change of which it is not known whether it was done.
pub(super) fn doubtful(purpose: Purpose, status: Option<u16>, place: Place<'_>) -> Fault {
    let what = match status {
        Some(status) => {
            format!("{} was answered with status {status}, which proves nothing", purpose.words())
        }
        None => format!("{} was asked for and no answer came that could be used", purpose.words()),
    };
    Fault::new(FaultClass::Ambiguous, format!("{place}: {what}"))
}

/// A look to which no answer came.
pub(super) fn silent(purpose: Purpose, place: Place<'_>) -> Fault {
    let what = format!("{place}: {} got no answer that could be used", purpose.words());
    Fault::new(FaultClass::Unreachable, what)
}

/// What a login shows that was answered like this.
pub(super) fn login(login: &Login, username: &str, status: u16, body: &Value, place: Place<'_>) -> Probe {
    let holds = |all: &[Condition]| all.iter().any(|condition| condition.holds(Some(status), body));
    let fault = |class, what: &str| Fault::new(class, format!("{place}: {what} (status {status})"));
    if holds(&login.locked) {
        return Probe::Blocked(fault(FaultClass::AccountLocked, "the account is locked or disabled"));
    }
    if holds(&login.refused) {
        return Probe::Refused;
    }
    if is_ok(&login.ask.ok, status, body) {
        let whose = login.account.as_ref().map(|place| body.pointer(place).and_then(name_in));
        return match whose {
            Some(whose) if whose.as_deref() != Some(username) => Probe::Inconclusive(fault(
                FaultClass::Preflight,
                "the credential opens another account, or login.account is not where its name stands",
            )),
            _ => Probe::Works,
        };
    }
    match status {
        403 => Probe::Blocked(fault(FaultClass::AccountLocked, "the login was forbidden")),
        408 | 429 | 500.. => {
            Probe::Inconclusive(fault(FaultClass::Unreachable, "the API could not judge the login now"))
        }
        _ => Probe::Inconclusive(fault(
            FaultClass::Preflight,
            "the login was answered in a way that the description does not explain",
        )),
    }
}

/// Any 2xx unless the description says more.
fn is_ok(conditions: &[Condition], status: u16, body: &Value) -> bool {
    if conditions.is_empty() {
        return (200..300).contains(&status);
    }
    conditions.iter().any(|condition| condition.holds(Some(status), body))
}

#[cfg(test)]
mod tests;
