//! An answer of the directory, or its absence, becomes a class of failure; pure.
//!
//! The result code decides (RFC 4511, appendix A), then the reason beside it: the response control of
//! password policies (draft-behera-ldap-password-policy), or the number in Active Directory's text. Texts are
//! never repeated: a site's own module may quote the password in one.

use ldap3::LdapResult;
use vault_core::rotation::fault::{Fault, FaultClass};

use super::config::Place;

/// What the directory said, cut down to what decides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reply {
    /// The result code.
    pub(super) code: u32,
    /// The error in the response control of password policies.
    pub(super) policy: Option<u8>,
    /// Active Directory's number for the reason of a refused bind (`data 52e`).
    data: Option<u32>,
    /// Active Directory's number at the beginning of its text (`0000052D: …`).
    windows: Option<u32>,
}

impl Reply {
    pub(super) fn of(result: &LdapResult) -> Self {
        let control = result.ctrls.iter().find(|control| control.1.ctype == POLICY_CONTROL);
        let value = control.and_then(|control| control.1.val.as_deref());
        Self { policy: value.and_then(policy_error), ..Self::from_text(result.rc, &result.text) }
    }

    /// Whether the new password was refused for having been used before.
    pub(super) fn is_reuse(&self) -> bool {
        self.policy == Some(IN_HISTORY)
    }

    fn from_text(code: u32, text: &str) -> Self {
        let hex = |text: &str| u32::from_str_radix(text, 16).ok();
        let windows =
            text.split_once(':').filter(|(head, _)| head.len() == 8).and_then(|(head, _)| hex(head));
        let data = text.split_once(", data ").and_then(|(_, rest)| hex(rest.split(',').next()?.trim()));
        // Only Active Directory's texts begin with such a number.
        Self { code, policy: None, data: windows.and(data), windows }
    }
}

/// The error in the control's value: `SEQUENCE { warning [0] …, error [1] ENUMERATED }`, both optional.
fn policy_error(value: &[u8]) -> Option<u8> {
    let [0x30, length, rest @ ..] = value else { return None };
    let mut rest = rest.get(..usize::from(*length))?;
    while let [tag, length, tail @ ..] = rest {
        let content = tail.get(..usize::from(*length))?;
        match (tag, content) {
            (0x81, [error]) => return Some(*error),
            _ => rest = tail.get(usize::from(*length)..)?,
        }
    }
    None
}

/// Why a login did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LoginFailure {
    /// The directory refused name and password. Many say the same of an account that is not there, has no password
    /// or is locked.
    Refused(Fault),
    /// The directory refused the account for another reason than the password.
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

/// Judges the answer to a bind.
pub(super) fn login(reply: &Reply, place: Place<'_>) -> Result<(), LoginFailure> {
    use FaultClass::{AccountLocked, Preflight, Tls, Unreachable, VerifyRefused};
    let say = |class, what: &str| Fault::new(class, format!("{place}: {what} (result {})", number(reply)));
    let blocked = |what: &str| Err(LoginFailure::Blocked(say(AccountLocked, what)));
    let refused = |what: &str| Err(LoginFailure::Refused(say(VerifyRefused, what)));
    let other = |class, what: &str| Err(LoginFailure::Other(say(class, what)));
    match (reply.code, reply.policy, reply.data) {
        (SUCCESS, Some(CHANGE_AFTER_RESET), _) => blocked(
            "the account must change its password after a reset (pwdReset), so it can do nothing else",
        ),
        (SUCCESS, ..) => Ok(()),
        (49, Some(PASSWORD_EXPIRED), _) | (49, _, Some(0x532)) => blocked("the password has expired"),
        (49, Some(ACCOUNT_LOCKED), _) | (49, _, Some(0x775)) => blocked("the account is locked"),
        (49, _, Some(0x773)) => blocked("the account must change its password at the next logon"),
        (49, _, Some(0x533)) => blocked("the account is disabled"),
        (49, _, Some(0x701)) => blocked("the account has expired"),
        (49, _, Some(0x530)) => blocked("the account may not log in at this time"),
        (49, _, Some(0x531)) => blocked("the account may not log in from here"),
        (49, _, Some(0x569)) => blocked("the account lacks the right to this kind of logon"),
        (49, _, None | Some(0x52e)) => {
            refused("the directory refused this name and password (or the account is missing, or locked)")
        }
        (32, ..) | (49, _, Some(0x525)) => refused("the directory knows no such account"),
        (49, _, Some(_)) => other(Unreachable, "the directory could not judge the password"),
        (48, ..) => refused("the account has no password"),
        (8 | 13, ..) => other(Tls, "the directory takes passwords over TLS only"),
        (10, ..) => other(Preflight, REFERRAL),
        (34, ..) => other(Preflight, "the directory cannot read the DN"),
        (2 | 7 | 50 | 53, ..) => other(Preflight, "the directory takes no simple bind for this account"),
        _ => other(Unreachable, "the directory could not complete the login"),
    }
}

/// Judges an answer to the request that sets the password, where it is no success.
pub(super) fn change(reply: &Reply, place: Place<'_>) -> Fault {
    use FaultClass::{AccountMissing, PermissionDenied, PolicyRejected, Preflight, Tls, Unreachable};
    let say = |class, what: &str| Fault::new(class, format!("{place}: {what} (result {})", number(reply)));
    match (reply.code, reply.policy, reply.windows) {
        (_, Some(error @ (5 | 6 | IN_HISTORY)), _) => say(PolicyRejected, policy_words(error)),
        (_, Some(3), _) => say(PermissionDenied, "the password policy lets nobody change this password"),
        (_, Some(4), _) => say(
            Preflight,
            "the password policy wants the old password with the new one (pwdSafeModify); switch that off for this account",
        ),
        (_, Some(7), _) => say(Unreachable, "the password is too young to be changed (pwdMinAge)"),
        (_, _, Some(0x52d)) => say(
            PolicyRejected,
            "the domain's password policy refused the new password (length, complexity or history)",
        ),
        (53, _, Some(0x1f)) => say(Tls, "Active Directory sets passwords over TLS of 128 bits or more only"),
        (19, ..) => say(PolicyRejected, "a password policy of the directory refused the new password"),
        (50, ..) => {
            say(PermissionDenied, "the management credential may not set the password of this account")
        }
        (32, ..) => say(AccountMissing, "the account is not there"),
        (10, ..) => say(Preflight, REFERRAL),
        (53, ..) => {
            say(Preflight, "the directory is unwilling: it is read-only, or takes no password in this way")
        }
        (8 | 13, ..) => say(Tls, "the directory takes passwords over TLS only"),
        (2 | 12, ..) => {
            say(Preflight, "the directory does not know the Password Modify operation (RFC 3062)")
        }
        (17 | 18 | 20 | 21 | 65, ..) => say(Preflight, "the account's entry cannot hold a password"),
        _ => say(Unreachable, "the directory could not make the change"),
    }
}

/// Judges an answer to the request that adds or removes a mark, where it is no success.
pub(super) fn mark(reply: &Reply, place: Place<'_>) -> Fault {
    let say = |class, what: &str| Fault::new(class, format!("{place}: {what} (result {})", number(reply)));
    match reply.code {
        50 => say(
            FaultClass::PermissionDenied,
            "the management credential may not write the attribute in fence_attribute",
        ),
        17..=21 | 53 | 65 => say(
            FaultClass::Preflight,
            "the account's entry cannot hold a mark in the attribute in fence_attribute",
        ),
        _ => change(reply, place),
    }
}

/// Whether a failure in answer to the request that sets the password leaves a doubt: a proxy before the directory
/// answers so when it lost the directory, and a directory when it lost its way.
pub(super) fn leaves_doubt(reply: &Reply) -> bool {
    let known_reason = reply.policy.is_some() || reply.windows.is_some();
    matches!(reply.code, 1 | 3 | 52 | 80 | 81..) && !known_reason
}

/// Judges an answer to a search, where it is no success; `what` names what was looked for.
pub(super) fn look(reply: &Reply, place: Place<'_>, what: &str) -> Fault {
    use FaultClass::{PermissionDenied, Preflight, Tls, Unreachable};
    let say =
        |class, why: &str| Fault::new(class, format!("{place}: {what}: {why} (result {})", number(reply)));
    match reply.code {
        50 => say(PermissionDenied, "the management credential may not look"),
        32 => say(Preflight, "there is no such entry, or the management credential may not see it"),
        4 => say(Preflight, "the directory shows the management credential too few entries at once"),
        10 => say(Preflight, REFERRAL),
        34 => say(Preflight, "the directory cannot read the DN"),
        8 | 13 => say(Tls, "the directory wants TLS"),
        _ => say(Unreachable, "the directory could not answer"),
    }
}

/// The codes that decided, for people and search engines.
fn number(reply: &Reply) -> String {
    match (reply.policy, reply.data.or(reply.windows)) {
        (Some(policy), _) => format!("{}, policy error {policy}", reply.code),
        (None, Some(reason)) => format!("{}, reason {reason:x}", reply.code),
        (None, None) => reply.code.to_string(),
    }
}

fn policy_words(error: u8) -> &'static str {
    match error {
        6 => "the password policy refused the new password: too short",
        IN_HISTORY => "the password policy refused the new password: it was used before",
        _ => "the password policy refused the new password: not good enough",
    }
}

/// The control by which a client says that it understands answers of password policies, and the answer itself.
pub(super) const POLICY_CONTROL: &str = "1.3.6.1.4.1.42.2.27.8.5.1";
pub(super) const SUCCESS: u32 = 0;
/// An attribute or value that is to be removed is not there.
pub(super) const NO_SUCH_ATTRIBUTE: u32 = 16;
pub(super) const NO_SUCH_OBJECT: u32 = 32;
const PASSWORD_EXPIRED: u8 = 0;
const ACCOUNT_LOCKED: u8 = 1;
const CHANGE_AFTER_RESET: u8 = 2;
const IN_HISTORY: u8 = 8;
const REFERRAL: &str =
    "this server refers to another one: a read-only replica, or not its entry; name the primary";

#[cfg(test)]
mod tests;
