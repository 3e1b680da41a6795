//! Where a rotation stands.

use serde::{Deserialize, Serialize};

use super::fault::Fault;
use super::grace::Grace;
use super::port::Rights;
use crate::clock::Timestamp;
use crate::id::RotationId;

/// Why a rotation runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Its time came.
    Schedule,
    /// The account was configured without a password.
    Adopt {
        /// Who configured it.
        principal: String,
    },
    /// Somebody asked.
    Demand {
        /// Who.
        principal: String,
    },
    /// Somebody asked, and what is known of the account must die at once: after a breach, or when somebody leaves.
    Revocation {
        /// Who.
        principal: String,
    },
    /// A lease ends, and what it handed out must die.
    LeaseClose {
        /// The lease.
        lease: String,
        /// Who ended it; `None` is its expiry.
        principal: Option<String>,
    },
}

impl Cause {
    /// The person behind it.
    #[must_use]
    pub fn principal(&self) -> Option<String> {
        match self {
            Self::Schedule => None,
            Self::Adopt { principal } | Self::Demand { principal } | Self::Revocation { principal } => {
                Some(principal.clone())
            }
            Self::LeaseClose { principal, .. } => principal.clone(),
        }
    }
}

impl Cause {
    /// Whether the old version dies at once, with the sessions that it opened, whatever consumers are used to.
    #[must_use]
    pub const fn spares_nobody(&self) -> bool {
        matches!(self, Self::LeaseClose { .. } | Self::Revocation { .. })
    }
}

/// What a rotation does or would do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Look whether the change can succeed. The target is not changed.
    Prepare,
    /// The candidate is durable; the target is being changed.
    Apply,
    /// The target confirmed; the candidate is being verified.
    Verify,
    /// It is not known what the target holds.
    Probe,
    /// Rights were lost; the old password is being put back.
    Revert,
    /// Promoted; the old version is being seen dead.
    Retire,
}

/// One planned change of the credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its id; also marks what it does on the target.
    pub id: RotationId,
    /// Why.
    pub cause: Cause,
    /// t0: when it was due.
    pub due_at: Timestamp,
    /// t1: when its first attempt began.
    pub started_at: Timestamp,
    /// Attempts so far, the running one included.
    pub attempts: u32,
    /// Candidates that the target's policy refused.
    pub refusals: u32,
    /// The account's rights before the change, to compare with.
    pub rights: Rights,
    /// Whether the old password is being put back.
    pub reverting: bool,
    /// Whether the target keeps the old credential beside the new one until it is retired.
    pub overlaps: bool,
    /// Whether the target makes the candidate, in `Apply`.
    #[serde(default)]
    pub mints: bool,
    /// Whether the outcome of an attempt with this candidate was unknown: then a refusal may mean that it is live.
    #[serde(default)]
    pub doubtful: bool,
    /// The last failure.
    pub fault: Option<Fault>,
    /// How long the old version lives on; none before the promotion, and none once the Retire has begun.
    #[serde(default)]
    pub grace: Option<Grace>,
    /// Until when the lockout guard of the target holds it back ([`super::lockout`]); none once it goes on.
    #[serde(default)]
    pub held: Option<Timestamp>,
    /// Versions that the target has refused in the doubt that it is in, where that is remembered to spare it logins.
    #[serde(default)]
    pub refused: Vec<u64>,
    /// How often it was parked.
    #[serde(default)]
    pub parked: u32,
}

/// Where an account's rotation stands. What is in flight or waiting is the [`Step`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Nothing to do before the next due time.
    Idle,
    /// The step's effect is in flight (or its process died).
    Active {
        /// The rotation.
        run: Run,
        /// What is in flight.
        step: Step,
    },
    /// The step is tried again later.
    Waiting {
        /// The rotation.
        run: Run,
        /// What is tried.
        step: Step,
        /// When.
        at: Timestamp,
    },
    /// A person must look at it.
    Parked {
        /// The rotation.
        run: Run,
        /// Where it stopped.
        step: Step,
    },
}

impl Stage {
    /// The rotation in progress, waiting or parked.
    #[must_use]
    pub fn run(&self) -> Option<&Run> {
        match self {
            Self::Idle => None,
            Self::Active { run, .. } | Self::Waiting { run, .. } | Self::Parked { run, .. } => Some(run),
        }
    }

    /// The step in flight, waiting or parked.
    #[must_use]
    pub fn step(&self) -> Option<Step> {
        match self {
            Self::Idle => None,
            Self::Active { step, .. } | Self::Waiting { step, .. } | Self::Parked { step, .. } => Some(*step),
        }
    }

    /// Whether an effect is in flight.
    #[must_use]
    pub fn is_active(&self) -> bool {
        matches!(self, Self::Active { .. })
    }

    /// Whether this rotation has certainly not touched the target: the current version is what it was.
    #[must_use]
    pub fn untouched(&self) -> bool {
        matches!(self.step(), None | Some(Step::Prepare))
    }

    /// Has what rests after its promotion begin again with a look; tells whether it did.
    pub(crate) fn begin_again(&mut self) -> bool {
        match self {
            Self::Waiting { step, .. } | Self::Parked { step, .. } if *step == Step::Retire => {
                *step = Step::Prepare;
                true
            }
            _ => false,
        }
    }

    /// Whether the target has confirmed that it no longer takes the current version.
    #[must_use]
    pub fn current_is_dead(&self) -> bool {
        matches!(self.step(), Some(Step::Verify)) && self.run().is_some_and(|run| !run.overlaps)
    }

    /// Whether it is not known if the target still takes the current version.
    #[must_use]
    pub fn current_is_doubtful(&self) -> bool {
        match self {
            Self::Active { step, .. } => matches!(step, Step::Apply | Step::Probe | Step::Revert),
            // A definite "not applied" waits at Prepare; a waiting Probe or Revert is open.
            Self::Waiting { step, .. } | Self::Parked { step, .. } => {
                matches!(step, Step::Probe | Step::Revert)
            }
            Self::Idle => false,
        }
    }

    /// The stage as it stands in status answers.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Waiting { run, .. } if run.grace.is_some() => "grace",
            Self::Waiting { .. } => "backoff",
            Self::Parked { .. } => "parked",
            Self::Active { step, .. } => match step {
                Step::Prepare => "due",
                Step::Apply => "staged",
                Step::Verify => "applied",
                Step::Probe => "doubtful",
                Step::Revert => "reverting",
                Step::Retire => "retiring",
            },
        }
    }
}
