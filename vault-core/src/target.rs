//! A target: a system on which accounts live. Its management credential is an account of its own.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::path::Name;
use crate::rotation::port::TargetSpec;

/// The record of a target; holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Its name.
    pub name: Name,
    /// The kind of rotator that serves it.
    pub rotator: String,
    /// Where it is and how to talk to it.
    pub spec: TargetSpec,
    /// The name of the management credential there.
    pub username: String,
    /// How many accounts are worked on at once, so that one slow target delays nobody else and none is
    /// overrun.
    pub concurrency: u32,
    /// When it was first configured.
    pub created_at: Timestamp,
}

/// Accounts of one target that are worked on at once, where nothing is configured.
pub const CONCURRENCY_DEFAULT: u32 = 4;
/// The most that may be configured.
pub const CONCURRENCY_MAX: u32 = 256;
