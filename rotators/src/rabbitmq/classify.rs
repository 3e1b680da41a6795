//! A refusal of the server becomes a class of failure; pure.

use vault_core::rotation::fault::{Fault, FaultClass};
use vault_core::rotation::port::Outcome;

use super::api::{Failure, Refusal};
use super::config::{Hashing, Place};

/// A look that failed, as a fault; `what` names it.
pub(super) fn look(failure: Failure, what: &str, place: Place<'_>) -> Fault {
    match failure {
        Failure::Unsent(fault) => fault,
        Failure::Said(refusal) => said(refusal, what, place),
        Failure::Silent => {
            Fault::new(FaultClass::Unreachable, format!("{place}: {what} got no answer that could be used"))
        }
    }
}

/// What became of the request that sets the password.
pub(super) fn change(failure: Failure, hashing: Hashing, place: Place<'_>) -> Outcome {
    match failure {
        Failure::Unsent(fault) => Outcome::NotApplied(fault),
        Failure::Said(Refusal { status: 400, .. }) if hashing == Hashing::Server => {
            let what = "the server's credential validator refused the new password (status 400)";
            Outcome::NotApplied(Fault::new(FaultClass::PolicyRejected, format!("{place}: {what}")))
        }
        // Also said of what the server could not finish (a cluster that lost its leader), so it proves nothing.
        Failure::Said(Refusal { status: 400, .. }) => {
            let what = format!("{place}: the server answered the new password with status 400");
            Outcome::Unknown(Fault::new(FaultClass::Ambiguous, what))
        }
        // Told by the server itself, before it did anything.
        Failure::Said(refusal) if (400..500).contains(&refusal.status) => {
            Outcome::NotApplied(said(refusal, "setting the password", place))
        }
        Failure::Said(Refusal { status, .. }) => {
            let what = format!("{place}: setting the password failed half-way, perhaps (status {status})");
            Outcome::Unknown(Fault::new(FaultClass::Ambiguous, what))
        }
        Failure::Silent => {
            let what = "the request that sets the password was sent and its answer did not come";
            Outcome::Unknown(Fault::new(FaultClass::Ambiguous, format!("{place}: {what}")))
        }
    }
}

fn said(refusal: Refusal, what: &str, place: Place<'_>) -> Fault {
    use FaultClass::{ManagementAuthRefused, PermissionDenied, Preflight, Unreachable};
    let (class, why) = match refusal.status {
        401 if refusal.lacks_tag => (PermissionDenied, "the management user lacks the tag administrator"),
        401 => (ManagementAuthRefused, "the server refused this user name and password"),
        403 => (PermissionDenied, "the management user may not do this"),
        408 | 429 => (Unreachable, "the server has no time for it now"),
        300..=499 => (Preflight, "this is no management API of RabbitMQ, or it does not know the request"),
        _ => (Unreachable, "the server could not do it now"),
    };
    Fault::new(class, format!("{place}: {what} failed: {why} (status {})", refusal.status))
}

#[cfg(test)]
mod tests {
    use vault_core::rotation::port::TargetSpec;

    use super::super::config::Config;
    use super::*;

    #[test]
    fn each_status_has_its_class_and_what_may_have_happened_is_unknown() {
        let spec = TargetSpec { connection_url: "http://mq".to_owned(), settings: Default::default() };
        let config = Config::parse(&spec).unwrap();
        let place = config.place();
        for (status, lacks_tag, hashing, want, looked) in [
            (401, false, Hashing::Sha256, "not applied", FaultClass::ManagementAuthRefused),
            (401, true, Hashing::Sha256, "not applied", FaultClass::PermissionDenied),
            (403, false, Hashing::Sha256, "not applied", FaultClass::PermissionDenied),
            (404, false, Hashing::Sha256, "not applied", FaultClass::Preflight),
            (400, false, Hashing::Sha256, "unknown", FaultClass::Preflight),
            (400, false, Hashing::Server, "policy", FaultClass::Preflight),
            (429, false, Hashing::Sha256, "not applied", FaultClass::Unreachable),
            (302, false, Hashing::Sha256, "unknown", FaultClass::Preflight),
            (500, false, Hashing::Sha256, "unknown", FaultClass::Unreachable),
            (503, false, Hashing::Server, "unknown", FaultClass::Unreachable),
        ] {
            let refusal = Refusal { status, lacks_tag };
            let found = change(Failure::Said(refusal), hashing, place);
            let word = match &found {
                Outcome::NotApplied(fault) if fault.class == FaultClass::PolicyRejected => "policy",
                Outcome::NotApplied(fault) => {
                    assert_eq!(fault.class, looked, "{status}");
                    "not applied"
                }
                Outcome::Unknown(fault) => {
                    assert_eq!(fault.class, FaultClass::Ambiguous, "{status}");
                    "unknown"
                }
                Outcome::Applied => "applied",
            };
            assert_eq!(word, want, "{status}: {found:?}");
            assert_eq!(look(Failure::Said(refusal), "a look", place).class, looked, "{status}");
        }
        assert!(matches!(change(Failure::Silent, Hashing::Sha256, place), Outcome::Unknown(_)));
    }
}
