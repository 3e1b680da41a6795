//! The log of attempts: one line for each, written with the decision that ends it.
//!
//! A rotation of an unreachable target is tried for as long as that lasts and ends in none of that time: only its
//! attempts tell.

use serde::{Deserialize, Serialize};

use super::fault::FaultClass;
use super::run::{Stage, Step};
use crate::account::Account;
use crate::account::plan::Plan;
use crate::clock::Timestamp;
use crate::id::RotationId;
use crate::team::Team;

/// An attempt that is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The rotation it belongs to.
    pub rotation: RotationId,
    /// Which one of that rotation: 1, 2, … and anew from 1 after a person let it go on.
    pub number: u32,
    /// Whose credential, as [`crate::account::Subject::key`].
    pub subject: String,
    /// The target.
    pub target: String,
    /// When it was over.
    pub at: Timestamp,
    /// Whether the rotation was done with it.
    pub succeeded: bool,
    /// The class of what it failed by.
    pub class: Option<FaultClass>,
    /// The step that it failed in.
    pub phase: Option<Step>,
    /// Whose the account was then. Whoever commits the record sets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<Team>,
}

/// The attempt that ends with `plan`, which was decided upon `before` at `now`.
///
/// An attempt ends when the rotation is done, waits for its next attempt, is parked, or goes on with another
/// candidate. A grace is part of the attempt before it, and so is what the lockout guard holds back. An attempt whose process died is picked up, not ended.
#[must_use]
pub fn ended(before: &Account, plan: &Plan, now: Timestamp) -> Option<Attempt> {
    let Stage::Active { run, step } = &before.stage else { return None };
    let attempt = |class: Option<FaultClass>, succeeded| Attempt {
        rotation: run.id,
        number: run.attempts,
        subject: before.subject.key(),
        target: before.target.to_string(),
        at: now,
        succeeded,
        class,
        phase: (!succeeded).then_some(*step),
        team: None,
    };
    if let Some(end) = plan.ended.as_ref().filter(|end| end.rotation == run.id) {
        return Some(attempt(end.failed, end.failed.is_none()));
    }
    let next = plan.account.stage.run().filter(|next| next.id == run.id)?;
    let class = next.fault.as_ref().map(|fault| fault.class);
    match &plan.account.stage {
        Stage::Waiting { .. } if next.grace.is_none() && next.held.is_none() => Some(attempt(class, false)),
        Stage::Active { .. } if next.attempts > run.attempts => Some(attempt(class, false)),
        Stage::Idle | Stage::Active { .. } | Stage::Waiting { .. } | Stage::Parked { .. } => None,
    }
}

/// How long attempts are kept.
pub const KEPT: std::time::Duration = std::time::Duration::from_secs(400 * 24 * 60 * 60);
