//! `targets/…`: the systems on which accounts live.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    WireTime,
    account::LoginsCounted,
    incident::FailureFacts,
    lenient,
    rehearsal::{Finding, Light},
    sensitive::Sensitive,
    silence::Silenced,
};

/// POST `targets/config/<name>`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TargetConfig {
    /// The kind of target, such as `postgresql`.
    pub rotator: String,
    /// Where it is; `{{username}}` and `{{password}}` stand for the management credential.
    pub connection_url: String,
    /// The name of the management credential.
    pub username: String,
    /// Its password; kept when absent in a later write, never given back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<Sensitive<String>>,
    /// Rotations that may run on it at once.
    #[serde(deserialize_with = "lenient::optional_u64", skip_serializing_if = "Option::is_none")]
    pub max_concurrency: Option<u64>,
    /// Who looks after it.
    #[serde(deserialize_with = "lenient::optional_text", skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// What only this kind of target knows (TLS mode, statements, …). May hold nothing secret.
    #[serde(flatten)]
    pub settings: Map<String, Value>,
}

/// GET `targets/config/<name>`: as written, without the password, also not inside the URL.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TargetRead {
    /// The kind of target.
    pub rotator: String,
    /// Where it is, with any password taken out.
    pub connection_url: String,
    /// The name of the management credential.
    pub username: String,
    /// The version of its password.
    pub version: u64,
    /// Rotations that may run on it at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_concurrency: Option<u64>,
    /// Which names may be managed as accounts there (`*` at either end for any text); none for all.
    pub allowed_usernames: Vec<String>,
    /// How passwords are made of accounts that name no policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_policy: Option<String>,
    /// What is done about a credential that was changed outside: `park` or `reconcile`.
    pub on_drift: String,
    /// Refused logins in a row that lock an account there; 0: not known.
    pub lockout_threshold: u64,
    /// How long it counts one.
    pub lockout_window: String,
    /// How often its credentials are looked at; `0s`: not by itself.
    pub heartbeat: String,
    /// Logins for that in a minute, at most.
    pub heartbeat_rate: u64,
    /// Who looks after it, and after the accounts on it that name no team.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// What it was made by, when that was an engine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub belongs_to: Option<String>,
    /// Whether that is gone, and the target stays because of its accounts or its password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub released: Option<bool>,
    /// What only this kind of target knows.
    #[serde(flatten)]
    pub settings: Map<String, Value>,
}

/// POST `targets/check/<name>`: what the preflight found; a failure is 502 with [`FailureFacts`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TargetCheck {
    /// How the target names itself and its version.
    pub server: String,
    /// What was tried and held.
    pub passed: Vec<String>,
    /// What works but should be mended.
    pub warnings: Vec<String>,
    /// Green, or amber where there are warnings. Red is the failure.
    pub light: Light,
    /// The warnings as findings, in the form of a rehearsal's.
    pub findings: Vec<Finding>,
}

/// POST `targets/rotate/<name>`: the management credential after its rotation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TargetRotated {
    /// The version now in use.
    pub version: u64,
    /// The rotation's state, as in an account's status.
    pub state: String,
}

/// GET `targets/status/<name>`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TargetStatus {
    /// The kind of target.
    pub rotator: String,
    /// The state of the management credential.
    pub state: String,
    /// Its version.
    pub version: u64,
    /// When it was last changed.
    pub last_rotation: Option<WireTime>,
    /// Accounts that live on it.
    pub accounts: Option<u64>,
    /// Whether the clock begins anything on it.
    pub circuit: Circuit,
    /// Refused logins that count for the management credential, where the target says when it locks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lockout: Option<LoginsCounted>,
    /// The silence or maintenance that it is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silenced: Option<Silenced>,
    /// Who looks after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// What stands in the way, when something does.
    #[serde(flatten)]
    pub failure: FailureFacts,
}

/// Whether a target answers, and what the clock makes of that.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Circuit {
    /// `closed` (it answers, as far as is known), `open` (the clock begins nothing on it) or `half_open` (one account is
    /// let through to find out).
    pub state: String,
    /// Since when it does not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<WireTime>,
    /// When the next account is let through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_probe: Option<WireTime>,
    /// Calls without an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failures: Option<u64>,
    /// Accounts that were let through to find out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probes: Option<u64>,
}
