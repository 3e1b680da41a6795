//! What a call on the target found out, as the state machine hears of it.

use super::fault::{Fault, FaultClass};
use super::port::{Outcome, Probe, Rights, Verification};

/// What an effect found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Preflight: the account's rights, or why the change cannot succeed.
    Prepared(Result<Rights, Fault>),
    /// What became of the change.
    Applied(Outcome),
    /// What the fresh login with the candidate showed.
    Verified(Verification),
    /// Which stored version works.
    Probed(Finding),
    /// What became of putting the old password back.
    Reverted(Outcome),
    /// Whether the old version is dead.
    Retired(Retirement),
    /// What a login with the current version showed, outside any rotation.
    Checked(Probe),
    /// What a login with the previous version showed: [`super::previous`].
    CheckedPrevious(Probe),
    /// Not all logins could be sent that it takes: one more refused could lock the account ([`super::lockout`]).
    OutOfRoom,
}

impl Event {
    /// Whether the target refused the management credential. Then nobody else may try it: a second and
    /// third refusal could lock it out.
    #[must_use]
    pub fn management_refused(&self) -> bool {
        // Outside a rotation an account logs in by itself.
        let is_managed = !matches!(self, Self::Checked(_));
        is_managed && self.fault().is_some_and(|fault| fault.class == FaultClass::ManagementAuthRefused)
    }

    /// What went wrong with the call, as far as that is a fault by itself: that a login was refused is an answer, too.
    #[must_use]
    pub fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Prepared(Err(fault))
            | Self::Applied(Outcome::NotApplied(fault) | Outcome::Unknown(fault))
            | Self::Reverted(Outcome::NotApplied(fault) | Outcome::Unknown(fault))
            | Self::Verified(Verification::Refused(fault) | Verification::Inconclusive(fault))
            | Self::Probed(Finding::Blocked(fault) | Finding::Inconclusive(fault))
            | Self::Retired(Retirement::Unproven(fault))
            | Self::Checked(Probe::Blocked(fault) | Probe::Inconclusive(fault))
            | Self::CheckedPrevious(Probe::Blocked(fault) | Probe::Inconclusive(fault)) => Some(fault),
            _ => None,
        }
    }

    /// Whether it is not known if the target was changed.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Applied(Outcome::Unknown(_)) | Self::Reverted(Outcome::Unknown(_)))
    }
}

/// What probing every stored version showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// This version logs in.
    Works(u64),
    /// The target refused every stored version.
    NoneWorks,
    /// The target does not judge passwords of this account (locked, expired).
    Blocked(Fault),
    /// Nothing was learnt.
    Inconclusive(Fault),
}

/// What retiring the old version showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Retirement {
    /// The target refuses it; this many open sessions were ended, if any were to be.
    Dead {
        /// Sessions ended.
        sessions: Option<u32>,
        /// Why sessions could not be ended, when they should have been.
        sessions_left: Option<Fault>,
    },
    /// It still opens the target.
    StillValid,
    /// The target refuses the new version, which lived beside it.
    CurrentRefused {
        /// Whether the old one works.
        old_works: bool,
    },
    /// Not known.
    Unproven(Fault),
}
