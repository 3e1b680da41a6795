//! What is expected of each fault: the promises of `docs/incidents.md`, one by one.

use std::time::Duration;

use vault_core::rotation::fault::FaultClass;

use crate::fault::{Fault, Kind};
use crate::judge::{Aspect, Want};

/// The expectations of a fault on a server of this kind with so many accounts.
#[must_use]
pub(crate) fn of(fault: Fault, kind: Kind, accounts: usize) -> Vec<(Aspect, Want)> {
    let is = |words: &str| Want::Is(words.to_owned());
    let hurt = if fault.is_of_target() { accounts } else { 1 };
    let mut expected = vec![
        (Aspect::Detected, Want::Within(DETECTED_WITHIN)),
        (Aspect::Class, is(class(fault).as_str())),
        (Aspect::Grouped, Want::Is(grouped(fault, hurt))),
        (Aspect::Notified, Want::Exactly(1, "incident.opened")),
        (Aspect::Acted, Want::Is(acted(fault, kind, hurt))),
    ];
    expected.extend(bound(fault, kind).map(|want| (Aspect::Bounded, want)));
    expected.extend([
        (Aspect::Remedied, is(remedy(fault, kind))),
        (Aspect::Closed, is(closed(fault, kind))),
        (Aspect::Intact, Want::Is(intact(hurt))),
        (Aspect::Played, is(TO_THE_END)),
    ]);
    expected
}

/// What is expected of all accounts of a server when everything is over.
#[must_use]
pub(crate) fn at_the_end(accounts: usize) -> Vec<(Aspect, Want)> {
    vec![
        (Aspect::Intact, Want::Is(format!("{accounts} of {accounts} let in"))),
        (Aspect::Closed, Want::Exactly(0, "incidents open")),
        (Aspect::Played, Want::Is(TO_THE_END.to_owned())),
    ]
}

/// What is expected of the vault itself when everything is over.
#[must_use]
pub(crate) fn of_the_vault() -> Vec<(Aspect, Want)> {
    vec![
        (Aspect::Notified, Want::Exactly(0, "messages with a wrong signature")),
        (Aspect::Acted, Want::Is("audit trail intact".to_owned())),
        (Aspect::Closed, Want::Is("store whole".to_owned())),
        (Aspect::Played, Want::Is(TO_THE_END.to_owned())),
    ]
}

const fn class(fault: Fault) -> FaultClass {
    match fault {
        Fault::Stopped => FaultClass::Unreachable,
        Fault::Refused | Fault::Expired => FaultClass::ManagementAuthRefused,
        Fault::Locked => FaultClass::AccountLocked,
        Fault::Drift => FaultClass::Drift,
        Fault::Cut => FaultClass::Ambiguous,
        Fault::Policy => FaultClass::PolicyRejected,
    }
}

/// So many incidents of a target or of accounts, and so many accounts hurt.
pub(crate) fn grouped(fault: Fault, hurt: usize) -> String {
    if fault.is_of_target() { target_group(1, hurt) } else { account_group(1) }
}

/// How incidents of targets are told.
pub(crate) fn target_group(incidents: u64, accounts: usize) -> String {
    format!("{incidents} of the target, {accounts} accounts beneath")
}

/// How incidents of accounts are told.
pub(crate) fn account_group(incidents: u64) -> String {
    format!("{incidents} of the account")
}

fn acted(fault: Fault, kind: Kind, hurt: usize) -> String {
    match (fault, kind) {
        (Fault::Stopped, _) => "goes on trying, 0 parked".to_owned(),
        (Fault::Refused | Fault::Expired, _) => format!("{hurt} of {hurt} parked"),
        (Fault::Locked, _) | (Fault::Policy, Kind::Ldap) => "parked".to_owned(),
        (Fault::Drift, _) => "the dead password is served to nobody".to_owned(),
        (Fault::Cut, _) => "probed, the change is found and kept".to_owned(),
        (Fault::Policy, Kind::Postgresql) => "a stricter candidate is taken".to_owned(),
    }
}

fn bound(fault: Fault, kind: Kind) -> Option<Want> {
    match (fault, kind) {
        // Those under way when the first refusal came; never a loop.
        (Fault::Refused | Fault::Expired, _) => {
            Some(Want::AtMost(MAX_CONCURRENCY, "management logins refused"))
        }
        (Fault::Cut, _) => Some(Want::Exactly(1, "answers cut off")),
        (Fault::Policy, _) => Some(Want::Exactly(2, "candidates offered")),
        (Fault::Stopped | Fault::Locked | Fault::Drift, _) => None,
    }
}

/// The command that a person types, with how it must end; `by itself` when none is needed.
pub(crate) const fn remedy(fault: Fault, kind: Kind) -> &'static str {
    match (fault, kind) {
        (Fault::Stopped | Fault::Cut, _) | (Fault::Policy, Kind::Postgresql) => BY_ITSELF,
        (Fault::Refused, _) => "incident do ID set_password: 0",
        (Fault::Expired, _) => "target write NAME password=-: 0",
        (Fault::Locked, _) => "incident do ID unpark: 0",
        (Fault::Drift, _) => "account reconcile PATH: 0",
        (Fault::Policy, Kind::Ldap) => "rotate PATH: 0",
    }
}

/// What mends itself within the rotation is over before anybody could look.
const fn closed(fault: Fault, kind: Kind) -> &'static str {
    match (fault, kind) {
        (Fault::Cut, _) | (Fault::Policy, Kind::Postgresql) => CLOSED_BY_ITSELF,
        _ => CLOSED_AFTER_PROOF,
    }
}

/// How logins are told when all of them are as they shall be.
pub(crate) fn intact(hurt: usize) -> String {
    logins(hurt, hurt, hurt)
}

/// How logins are told: of `all`, so many new passwords let in and so many old ones refused.
pub(crate) fn logins(all: usize, let_in: usize, refused: usize) -> String {
    format!("{let_in} of {all} let in, {refused} old refused")
}

/// How a fault is told that could be played to its end.
pub(crate) const TO_THE_END: &str = "to the end";
/// No person is needed.
pub(crate) const BY_ITSELF: &str = "by itself";
/// Closed by the vault's own verification, without a person.
pub(crate) const CLOSED_BY_ITSELF: &str = "verified, t7";
/// Open until mended, then closed by a verification.
pub(crate) const CLOSED_AFTER_PROOF: &str = "open until mended; verified, t7";
/// How many accounts of a target the vault works on at once.
pub(crate) const MAX_CONCURRENCY: u64 = 4;
/// From the harm to the incident. The drill asks for the rotations at once; a busy machine takes its time.
const DETECTED_WITHIN: Duration = Duration::from_secs(60);
