//! What each thing that a rehearsal sees means for a rotation; pure.
//!
//! Red is what a rotation would fail by, now. Amber is what it would succeed with, and what could not be tried.

use std::time::Duration;

use super::{Finding, Light};
use crate::clock::Timestamp;
use crate::rotation::fault::{Fault, FaultClass};

/// What kind of finding it is. The words are stable; each has its line in `docs/rehearsal.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Code {
    /// A rotation would fail with this class, at the step that the sentence names.
    Fails(FaultClass),
    /// What became of a change on the shadow is not known: the answer was lost.
    OutcomeUnknown,
    /// The target refuses what the password policy makes, and takes what the stricter one makes.
    PolicyRefusedOnce,
    /// The password policy makes what the target cannot hold.
    CandidateUnfit,
    /// The password policy makes the same password again.
    CandidatesRepeat,
    /// The target refuses the credential that is served.
    CurrentRefused,
    /// The account's own rotation has not ended.
    RotationOpen,
    /// No shadow can be made on this kind of target.
    NoShadow,
    /// The management credential may not make a shadow here.
    ShadowRefused,
    /// The shadow is not let in, for another reason than its password.
    ShadowBlocked,
    /// A shadow is still on the target.
    ShadowLeft,
    /// The target does not keep late requests from taking effect.
    LateRequests,
    /// Sessions of the account stay open after a rotation.
    SessionsStay,
    /// Two credentials could live side by side, and the policy gives consumers no time.
    NoGrace,
    /// Live consumers hold another version than the current one.
    ConsumersLag,
    /// The target's clock and the vault's differ.
    ClockSkew,
    /// The target's check warns.
    TargetWarning,
    /// The rehearsal took too long to be brought to its end.
    TooSlow,
}

impl Code {
    /// The code as it stands in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fails(class) => class.as_str(),
            Self::OutcomeUnknown => "outcome_unknown",
            Self::PolicyRefusedOnce => "policy_refused_once",
            Self::CandidateUnfit => "candidate_unfit",
            Self::CandidatesRepeat => "candidates_repeat",
            Self::CurrentRefused => "current_refused",
            Self::RotationOpen => "rotation_open",
            Self::NoShadow => "no_shadow",
            Self::ShadowRefused => "shadow_refused",
            Self::ShadowBlocked => "shadow_blocked",
            Self::ShadowLeft => "shadow_left",
            Self::LateRequests => "late_requests",
            Self::SessionsStay => "sessions_stay",
            Self::NoGrace => "no_grace",
            Self::ConsumersLag => "consumers_lag",
            Self::ClockSkew => "clock_skew",
            Self::TargetWarning => "target_warning",
            Self::TooSlow => "too_slow",
        }
    }

    /// Its light.
    #[must_use]
    pub const fn light(self) -> Light {
        match self {
            Self::Fails(_) | Self::CandidateUnfit | Self::CandidatesRepeat => Light::Red,
            Self::OutcomeUnknown
            | Self::PolicyRefusedOnce
            | Self::CurrentRefused
            | Self::RotationOpen
            | Self::NoShadow
            | Self::ShadowRefused
            | Self::ShadowBlocked
            | Self::ShadowLeft
            | Self::LateRequests
            | Self::SessionsStay
            | Self::NoGrace
            | Self::ConsumersLag
            | Self::ClockSkew
            | Self::TargetWarning
            | Self::TooSlow => Light::Amber,
        }
    }

    /// What it is, where nothing more is known of it.
    const fn what(self) -> &'static str {
        match self {
            Self::CandidatesRepeat => "the password policy made the same password twice in three draws",
            Self::NoShadow => {
                "no shadow account can be made on this kind of target: the account and the management credential were \
                 looked at, and no change was tried"
            }
            Self::LateRequests => {
                "this target gives no means to keep a request that was held up on its way from taking effect later"
            }
            Self::SessionsStay => "sessions of the account cannot be ended here: they outlive a rotation",
            Self::NoGrace => {
                "old and new credential can live side by side on this target, and the rotation policy has no grace: \
                 consumers that have not fetched the new one are refused at once"
            }
            Self::RotationOpen => "a rotation of the account has not ended",
            Self::TooSlow => "the target answers so slowly that the rehearsal was not brought to its end",
            Self::Fails(_)
            | Self::OutcomeUnknown
            | Self::PolicyRefusedOnce
            | Self::CandidateUnfit
            | Self::CurrentRefused
            | Self::ShadowRefused
            | Self::ShadowBlocked
            | Self::ShadowLeft
            | Self::ConsumersLag
            | Self::ClockSkew
            | Self::TargetWarning => "",
        }
    }

    /// What to mend.
    #[must_use]
    pub const fn mend(self) -> &'static str {
        match self {
            Self::Fails(class) => mend_fault(class),
            Self::OutcomeUnknown => {
                "rehearse again; if it stays, look at the network and at proxies in the path"
            }
            Self::PolicyRefusedOnce => {
                "give the account a password policy that the target's rules take at once"
            }
            Self::CandidateUnfit => {
                "write a password policy of characters and a length that the target can hold"
            }
            Self::CandidatesRepeat => "write a password policy with more characters, or a longer one",
            Self::CurrentRefused => {
                "the password was changed outside: rotunda account verify, then reconcile or rotate"
            }
            Self::RotationOpen => "see rotunda account status, and its incident",
            Self::NoShadow => "try the first rotation at a time when somebody can look",
            Self::ShadowRefused => {
                "let the management credential make and remove accounts, or do without this proof"
            }
            Self::ShadowBlocked => {
                "let names that begin with rotunda-shadow- in where the account is let in (host rules, the right to \
                 connect), or do without this proof"
            }
            Self::ShadowLeft => "it is removed as soon as the target lets it be; see the vault's log",
            Self::LateRequests => {
                "let nothing between vault and target hold requests back; see the rotator's page"
            }
            Self::SessionsStay => {
                "grant the right to end sessions, or let consumers connect anew after a rotation"
            }
            Self::NoGrace => {
                "give the rotation policy a grace that is longer than consumers take to fetch again"
            }
            Self::ConsumersLag => "see rotunda account consumers: let them fetch the current version first",
            Self::ClockSkew => "set both clocks by NTP: expiry dates on the target are counted by its own",
            Self::TargetWarning => "see the rotator's page",
            Self::TooSlow => "look at the target's load and at the path to it",
        }
    }
}

const fn mend_fault(class: FaultClass) -> &'static str {
    match class {
        FaultClass::Preflight => "mend the setting that the sentence names",
        FaultClass::Unreachable => "look at address, port, firewall and whether the server runs",
        FaultClass::Tls => "look at sslmode, sslrootcert, and the name and end of the server's certificate",
        FaultClass::ManagementAuthRefused => {
            "set the management password by targets/config, or renew its expiry date on the target"
        }
        FaultClass::PermissionDenied => "grant the management credential what the rotator's page names",
        FaultClass::PolicyRejected => "write a password policy that satisfies the target's rules",
        FaultClass::AccountMissing => "make the account on the target, or mend its username",
        FaultClass::AccountLocked => "unlock the account on the target, or renew its expiry date",
        FaultClass::VerifyRefused => {
            "look whether the address leads to one server only: a pooler with a list of its own, a load balancer, a \
             replica in the path"
        }
        FaultClass::RightsLost => "look what on the target takes rights from accounts whose password changes",
        FaultClass::OldStillValid => {
            "look what keeps the old password alive: a cache, a second directory, a setting of the target"
        }
        FaultClass::StoreFailed => "look at the vault's disk and its log",
        FaultClass::PluginFailed | FaultClass::PluginTimeout => {
            "look at the vault's log: the plugin broke down"
        }
        FaultClass::Ambiguous | FaultClass::ConsumerLag | FaultClass::Drift | FaultClass::Overdue => {
            "see its runbook in docs/runbooks.md"
        }
    }
}

/// Something that was seen, on its way to a finding.
#[derive(Clone, Debug)]
pub struct Seen {
    code: Code,
    what: String,
}

impl Seen {
    /// Something of which the code says all.
    #[must_use]
    pub fn new(code: Code) -> Self {
        Self { code, what: code.what().to_owned() }
    }

    /// Something in these words, which hold no secret.
    #[must_use]
    pub fn told(code: Code, what: impl Into<String>) -> Self {
        Self { code, what: what.into() }
    }

    /// The finding.
    #[must_use]
    pub fn finding(&self) -> Finding {
        Finding {
            light: self.code.light(),
            code: self.code.as_str().to_owned(),
            what: self.what.clone(),
            mend: self.code.mend().to_owned(),
        }
    }
}

/// What the vault was about when a fault came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Looking at the target by the management credential.
    Check,
    /// Looking at the account.
    Preflight,
    /// Logging in by the credential that is served.
    Login,
    /// Making the shadow.
    Make,
    /// Looking at the shadow.
    ShadowPreflight,
    /// Setting the shadow's password.
    Change,
    /// Logging in as the shadow.
    Verify,
    /// Taking the shadow's old password away, and seeing it refused.
    Retire,
    /// Ending the shadow's sessions.
    EndSessions,
    /// Removing the shadow.
    Remove,
}

impl Moment {
    const fn word(self) -> &'static str {
        match self {
            Self::Check => "looking at the target",
            Self::Preflight => "looking at the account",
            Self::Login => "logging in with the credential that is served",
            Self::Make => "making the shadow account",
            Self::ShadowPreflight => "looking at the shadow account",
            Self::Change => "setting the shadow's password",
            Self::Verify => "logging in as the shadow",
            Self::Retire => "retiring the shadow's old password",
            Self::EndSessions => "ending the shadow's sessions",
            Self::Remove => "removing the shadow account",
        }
    }
}

/// What a fault at this moment means for a rotation.
#[must_use]
pub fn fault(moment: Moment, fault: &Fault) -> Finding {
    use FaultClass::{AccountLocked, Ambiguous, PermissionDenied, Preflight};
    let code = match (moment, fault.class) {
        (Moment::Remove, _) => Code::ShadowLeft,
        (_, Ambiguous) => Code::OutcomeUnknown,
        (Moment::Make, PermissionDenied | Preflight) => Code::ShadowRefused,
        (Moment::ShadowPreflight, PermissionDenied | Preflight | AccountLocked) => Code::ShadowBlocked,
        (Moment::Verify, Preflight | AccountLocked) => Code::ShadowBlocked,
        (Moment::EndSessions, PermissionDenied) => Code::SessionsStay,
        (_, class) => Code::Fails(class),
    };
    Seen::told(code, format!("{}: {}", moment.word(), fault.detail)).finding()
}

/// What a candidate means that the target refused by its rules: the stricter one was taken, or refused as well.
#[must_use]
pub fn policy(refusal: &Fault, stricter: Option<&Fault>) -> Finding {
    match stricter {
        None => {
            let what = format!("{}; it took the stricter one that a rotation tries next", refusal.detail);
            Seen::told(Code::PolicyRefusedOnce, what).finding()
        }
        Some(again) => {
            let what = format!("{}; the stricter one that a rotation tries next, too", again.detail);
            Seen::told(Code::Fails(FaultClass::PolicyRejected), what).finding()
        }
    }
}

/// What it means that the target's clock said `theirs` between `before` and `after` by the vault's.
#[must_use]
pub fn clock(theirs: Timestamp, before: Timestamp, after: Timestamp) -> Option<Finding> {
    let (ahead, behind) = (theirs.since(after), before.since(theirs));
    let (skew, word) = if ahead > behind { (ahead, "ahead of") } else { (behind, "behind") };
    (skew > SKEW_MAX).then(|| {
        let what = format!("the target's clock is {} s {word} the vault's", skew.as_secs());
        Seen::told(Code::ClockSkew, what).finding()
    })
}

/// More than the clocks of two machines differ by that are looked after.
const SKEW_MAX: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_rotation_would_fail_by_is_red_and_what_only_the_shadow_fails_by_is_amber() {
        use FaultClass as Class;
        for (moment, class, light, code) in [
            (Moment::Check, Class::ManagementAuthRefused, Light::Red, "management_auth_refused"),
            (Moment::Check, Class::Tls, Light::Red, "tls"),
            (Moment::Preflight, Class::PermissionDenied, Light::Red, "permission_denied"),
            (Moment::Preflight, Class::Preflight, Light::Red, "preflight"),
            (Moment::Login, Class::AccountLocked, Light::Red, "account_locked"),
            (Moment::Make, Class::PermissionDenied, Light::Amber, "shadow_refused"),
            (Moment::Make, Class::Unreachable, Light::Red, "unreachable"),
            (Moment::ShadowPreflight, Class::Preflight, Light::Amber, "shadow_blocked"),
            (Moment::ShadowPreflight, Class::Unreachable, Light::Red, "unreachable"),
            (Moment::Change, Class::PermissionDenied, Light::Red, "permission_denied"),
            (Moment::Change, Class::Ambiguous, Light::Amber, "outcome_unknown"),
            (Moment::Verify, Class::Preflight, Light::Amber, "shadow_blocked"),
            (Moment::Verify, Class::VerifyRefused, Light::Red, "verify_refused"),
            (Moment::Retire, Class::OldStillValid, Light::Red, "old_still_valid"),
            (Moment::EndSessions, Class::PermissionDenied, Light::Amber, "sessions_stay"),
            (Moment::Remove, Class::Unreachable, Light::Amber, "shadow_left"),
        ] {
            let found = fault(moment, &Fault::new(class, "db:5432: it is so"));
            assert_eq!((found.light, found.code.as_str()), (light, code), "{moment:?} {class}");
            assert!(found.what.ends_with("db:5432: it is so") && !found.mend.is_empty());
        }
    }

    #[test]
    fn a_policy_is_red_only_when_the_stricter_candidate_is_refused_too() {
        let refused = Fault::new(FaultClass::PolicyRejected, "too short");
        assert_eq!(policy(&refused, None).light, Light::Amber);
        let red = policy(&refused, Some(&refused));
        assert_eq!((red.light, red.code.as_str()), (Light::Red, "policy_rejected"));
    }

    #[test]
    fn clocks_differ_by_what_the_answer_could_not_have_taken() {
        let at = |seconds: u64| Timestamp::EPOCH.plus(Duration::from_secs(seconds));
        for (theirs, before, after, word) in [
            (1000, 1000, 1000, None),
            (1030, 990, 1000, None),
            (970, 1000, 1010, None),
            // Anywhere within a slow answer is right.
            (1050, 1000, 1100, None),
            (1031, 990, 1000, Some("31 s ahead of")),
            (900, 1000, 1010, Some("100 s behind")),
        ] {
            let found = clock(at(theirs), at(before), at(after));
            assert_eq!(found.is_some(), word.is_some(), "{theirs} in {before}..{after}");
            assert!(found.is_none_or(|found| found.what.contains(word.unwrap_or_default())));
        }
    }
}
