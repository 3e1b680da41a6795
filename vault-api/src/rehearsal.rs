//! `accounts/rehearse`, and the findings of `targets/check`.

use serde::{Deserialize, Serialize};

use crate::WireTime;

/// What a look or a rehearsal comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Light {
    /// It would work.
    #[default]
    Green,
    /// It would work, but something is worth mending, or could not be proved.
    Amber,
    /// It would fail.
    Red,
}

impl Light {
    /// The word used on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Green => "green",
            Self::Amber => "amber",
            Self::Red => "red",
        }
    }
}

/// One thing that was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Finding {
    /// How bad it is.
    pub light: Light,
    /// What kind; stable.
    pub code: String,
    /// What it is.
    pub what: String,
    /// What to mend.
    pub mend: String,
}

/// POST and GET `accounts/rehearse/<path>`: 200 with the report, 202 while it is still running.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rehearsal {
    /// `rehearsed` or `running`.
    pub outcome: String,
    /// The worst light of all findings; absent while it is running.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub light: Option<Light>,
    /// When it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub began_at: Option<WireTime>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<WireTime>,
    /// What was done and went well, in order.
    pub passed: Vec<String>,
    /// What was found, the worst first.
    pub findings: Vec<Finding>,
    /// The shadow account that may still be on the target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shadow: Option<String>,
}

/// The last rehearsal, in an account's status.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LastRehearsal {
    /// Its light.
    pub light: Light,
    /// When it ended.
    pub at: WireTime,
    /// The codes of its findings, the worst first.
    pub codes: Vec<String>,
}
