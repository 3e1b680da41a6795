//! A refusal of a service becomes a class of failure; pure.

use std::fmt;

use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::Minting;

use super::api::{Failure, Refusal};

/// A look that failed, as a fault; `what` names it as a policy does (`iam:GetUser`).
pub(super) fn look(failure: Failure, what: &str, place: &dyn fmt::Display) -> Fault {
    match failure {
        Failure::Unsent(fault) => fault,
        Failure::Said(refusal) => said(&refusal, what, place),
        Failure::Silent => {
            Fault::new(FaultClass::Unreachable, format!("{place}: {what} got no answer that could be used"))
        }
    }
}

/// What became of the request for a key.
pub(super) fn making(failure: Failure, what: &str, place: &dyn fmt::Display) -> Minting {
    match failure {
        // Half done, perhaps.
        Failure::Said(Refusal { status: 500.., ref code, .. }) if !THROTTLED.contains(&code.as_str()) => {
            let what = format!("{place}: {what} failed half-way, perhaps ({code})");
            Minting::Unknown(Fault::new(FaultClass::Ambiguous, what))
        }
        Failure::Silent => {
            let what = format!("{place}: {what} was sent and its answer did not come");
            Minting::Unknown(Fault::new(FaultClass::Ambiguous, what))
        }
        told => Minting::NotMade(look(told, what, place)),
    }
}

fn said(refusal: &Refusal, what: &str, place: &dyn fmt::Display) -> Fault {
    use FaultClass::{AccountMissing, ManagementAuthRefused, PermissionDenied, Preflight, Unreachable};
    let Refusal { status, code, clock } = refusal;
    if let Some(theirs) = clock {
        let what = format!(
            "{place}: {what} was refused because of the time in it: the clock of this machine is more than five \
             minutes off. There it is {theirs}"
        );
        return Fault::new(Preflight, what);
    }
    let (class, why) = match code.as_str() {
        "SignatureDoesNotMatch" => (ManagementAuthRefused, "the secret is not that of this access key"),
        "InvalidClientTokenId" | "UnrecognizedClientException" | "InvalidAccessKeyId" => {
            (ManagementAuthRefused, "there is no such access key, or it is inactive")
        }
        "AccessDenied" | "AccessDeniedException" | "NotAuthorized" | "OptInRequired" => {
            (PermissionDenied, "no policy of the management key allows it, or one denies it")
        }
        "NoSuchEntity" => (AccountMissing, "there is no such user"),
        "LimitExceeded" => {
            (Preflight, "both places for access keys of this user are taken: delete the one that nobody uses")
        }
        "ConcurrentModification" | "EntityTemporarilyUnmodifiable" => {
            (Unreachable, "the user is being changed by somebody else")
        }
        code if THROTTLED.contains(&code) => (Unreachable, "too many requests; it is tried again later"),
        _ if *status >= 500 => (Unreachable, "the service could not do it now"),
        _ => (Preflight, "the service does not take this request"),
    };
    Fault::new(class, format!("{place}: {what} failed: {why} ({code})"))
}

const THROTTLED: [&str; 5] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestLimitExceeded",
    "TooManyRequestsException",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_has_its_class_and_what_may_have_happened_is_unknown() {
        use FaultClass::*;
        for (status, code, class, certain) in [
            (403, "SignatureDoesNotMatch", ManagementAuthRefused, true),
            (403, "InvalidClientTokenId", ManagementAuthRefused, true),
            (403, "AccessDenied", PermissionDenied, true),
            (404, "NoSuchEntity", AccountMissing, true),
            (409, "LimitExceeded", Preflight, true),
            (409, "ConcurrentModification", Unreachable, true),
            (400, "Throttling", Unreachable, true),
            (503, "RequestLimitExceeded", Unreachable, true),
            (503, "ServiceUnavailable", Unreachable, false),
            (500, "ServiceFailure", Unreachable, false),
            (400, "ValidationError", Preflight, true),
        ] {
            let refusal = Failure::Said(Refusal { status, code: code.to_owned(), clock: None });
            let looked = look(refusal.clone(), "iam:CreateAccessKey", &"iam");
            assert_eq!(looked.class, class, "{code}");
            assert!(
                looked.detail.contains(code) && looked.detail.contains("iam:CreateAccessKey"),
                "{looked}"
            );
            match making(refusal, "iam:CreateAccessKey", &"iam") {
                Minting::NotMade(fault) => assert_eq!((certain, fault.class), (true, class), "{code}"),
                Minting::Unknown(fault) => assert_eq!((certain, fault.class), (false, Ambiguous), "{code}"),
                Minting::Made(_) => panic!("{code}: made"),
            }
        }
        assert!(matches!(making(Failure::Silent, "iam:CreateAccessKey", &"iam"), Minting::Unknown(_)));
    }

    #[test]
    fn clocks_that_are_apart_are_told_with_the_services_time() {
        for code in ["RequestExpired", "SignatureDoesNotMatch"] {
            let clock = Some("Sun, 22 Nov 2026 16:00:00 GMT".to_owned());
            let refusal = Failure::Said(Refusal { status: 400, code: code.to_owned(), clock });
            let fault = look(refusal, "sts:GetCallerIdentity", &"sts");
            assert_eq!(fault.class, FaultClass::Preflight, "{code}");
            assert!(fault.detail.contains("clock") && fault.detail.contains("16:00:00"), "{fault}");
        }
    }
}
