//! `accounts/config`, `accounts/creds`, `accounts/status`, `accounts/history`.

mod history;
mod standing;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::history::{AccountEvent, AccountHistory};
pub use self::standing::{CredentialAge, Holder, Waiter};
use crate::{
    WireTime, consumer::ConsumerSummary, duration::Seconds, incident::FailureFacts, lenient,
    rehearsal::LastRehearsal, sensitive::Sensitive, silence::Silenced,
};

/// POST `accounts/config/<path>`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AccountConfig {
    /// Where the account lives.
    pub target: String,
    /// Its name there.
    pub username: String,
    /// A second name there, which takes turns with the first.
    #[serde(deserialize_with = "lenient::optional_text", skip_serializing_if = "Option::is_none")]
    pub alternate_username: Option<String>,
    /// Its password of today; without one it is adopted by a first rotation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<Sensitive<String>>,
    /// When it is rotated.
    #[serde(deserialize_with = "lenient::optional_text", skip_serializing_if = "Option::is_none")]
    pub rotation_policy: Option<String>,
    /// How its passwords look.
    #[serde(deserialize_with = "lenient::optional_text", skip_serializing_if = "Option::is_none")]
    pub password_policy: Option<String>,
    /// How long a check-out lasts when the caller does not say.
    #[serde(deserialize_with = "lenient::optional_seconds", skip_serializing_if = "Option::is_none")]
    pub ttl: Option<Seconds>,
    /// How long a check-out lasts at most.
    #[serde(deserialize_with = "lenient::optional_seconds", skip_serializing_if = "Option::is_none")]
    pub max_ttl: Option<Seconds>,
    /// Who looks after it, where that is not who looks after its target.
    #[serde(deserialize_with = "lenient::optional_text", skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
}

/// What becomes of a managed account's password when the vault forgets the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Disposal {
    /// Changed once more to one that nobody knows.
    RotateAndForget,
    /// Given to the caller; removed once the caller confirms that all of it has arrived.
    HandOver,
}

/// DELETE `accounts/config/<path>`: in the body or as the query parameter `disposal`; refused without a choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AccountDelete {
    /// The choice.
    pub disposal: Option<Disposal>,
}

/// The answer to a delete with a hand-over that is not confirmed, of an account or a target: nothing is removed yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HandedOver {
    /// The account's name on its target.
    pub username: String,
    /// Every version that the target may accept; the likeliest comes first.
    pub passwords: Vec<HandedPassword>,
    /// What the second delete says in its parameter `confirm`.
    pub confirm: String,
}

/// One version of a password that is handed over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HandedPassword {
    /// Its number.
    pub version: u64,
    /// What the vault takes it for: `current`, `previous` or `pending`.
    pub state: String,
    /// The name that it opens, where that is not the account's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The password; absent when it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<Sensitive<String>>,
}

/// GET `accounts/creds/<path>`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Credential {
    /// The account's name on its target.
    pub username: String,
    /// Its password.
    pub password: Sensitive<String>,
    /// Which version that is.
    pub version: u64,
    /// When it was last changed.
    pub last_rotation: Option<WireTime>,
    /// When it is next due.
    pub next_rotation: Option<WireTime>,
    /// Seconds until then; 0 without a schedule.
    pub ttl: u64,
}

/// GET `accounts/watch/<path>`, and the data of each of its events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Watched {
    /// The current version; 0 while there is none.
    pub version: u64,
    /// Whether it is another than the one that the caller named.
    pub changed: bool,
    /// When it was last changed.
    pub last_rotation: Option<WireTime>,
    /// When it is next due.
    pub next_rotation: Option<WireTime>,
}

/// Where an account's rotation stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccountState {
    /// Nothing to do.
    #[default]
    Idle,
    /// A rotation is due and waits for its turn.
    Due,
    /// A candidate is stored; the target was not touched yet.
    Staged,
    /// The target took the candidate; it is being verified.
    Applied,
    /// The outcome is unknown; it is being probed.
    Doubtful,
    /// Rights were lost; the old password is being put back.
    Reverting,
    /// The new password serves; the old one is being proved dead.
    Retiring,
    /// Failed and will be tried again by itself.
    Backoff,
    /// The new password serves, and the old one lives on for a while.
    Grace,
    /// Failed and waits for a person.
    Parked,
    /// A password that was handed out may still be alive; not lendable until it is dead.
    Quarantined,
}

impl AccountState {
    /// All, in the order of a rotation.
    pub const ALL: [Self; 11] = [
        Self::Idle,
        Self::Due,
        Self::Staged,
        Self::Applied,
        Self::Doubtful,
        Self::Reverting,
        Self::Retiring,
        Self::Backoff,
        Self::Grace,
        Self::Parked,
        Self::Quarantined,
    ];

    /// The word used on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Due => "due",
            Self::Staged => "staged",
            Self::Applied => "applied",
            Self::Doubtful => "doubtful",
            Self::Reverting => "reverting",
            Self::Retiring => "retiring",
            Self::Backoff => "backoff",
            Self::Grace => "grace",
            Self::Parked => "parked",
            Self::Quarantined => "quarantined",
        }
    }
}

/// Refused logins that the vault has caused, and that its target counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LoginsCounted {
    /// The name that was logged in.
    pub username: String,
    /// How many count now; of one whose answer is not known, the worst.
    pub refused: u64,
    /// How many lock the account; the vault causes fewer.
    pub threshold: u64,
    /// When none of them counts any more.
    pub until: Option<WireTime>,
    /// Until when the next login is held back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_until: Option<WireTime>,
}

/// GET `accounts/status/<path>`: never a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AccountStatus {
    /// Where the account lives.
    pub target: String,
    /// Its name there.
    pub username: String,
    /// A second name there, which takes turns with the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alternate_username: Option<String>,
    /// Which of the two names the served version opens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username_in_use: Option<String>,
    /// Where its rotation stands.
    pub state: AccountState,
    /// The version that is served.
    pub version: u64,
    /// The version that is being brought to the target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending_version: Option<u64>,
    /// When the served version was verified.
    pub last_rotation: Option<WireTime>,
    /// When the next rotation is due.
    pub next_rotation: Option<WireTime>,
    /// When the served version was last seen to work, unless it was refused since.
    pub last_verified: Option<WireTime>,
    /// When it is looked next whether it works.
    pub next_heartbeat: Option<WireTime>,
    /// Until when a maintenance of its target holds what is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_until: Option<WireTime>,
    /// Refused logins that count for it, where its target says when it locks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lockout: Option<LoginsCounted>,
    /// What keeps its notifications back, while that lasts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silenced: Option<Silenced>,
    /// Why the last attempt failed, and when the next one is.
    #[serde(flatten)]
    pub failure: FailureFacts,
    /// Who has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holder: Option<Holder>,
    /// Who waits for it, first in line first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub line: Vec<Waiter>,
    /// Who has which version of it; where one account is asked about, or a listing is asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consumers: Option<ConsumerSummary>,
    /// The pool that lends it too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// What the last rehearsal of its rotation came to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rehearsal: Option<LastRehearsal>,
    /// When it is rotated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotation_policy: Option<String>,
    /// How its passwords look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_policy: Option<String>,
    /// Seconds a check-out lasts at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_ttl: Option<u64>,
    /// How old the served version is; absent where there is none yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age: Option<CredentialAge>,
    /// Who looks after it: its own team, or its target's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
}

/// LIST `accounts/status?state=…&q=…&team=…&offset=…&limit=…&consumers=…`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StatusListing {
    /// All that fit, of which these may be a part.
    pub total: u64,
    /// The paths, sorted.
    pub keys: Vec<String>,
    /// The status of each.
    pub key_info: BTreeMap<String, AccountStatus>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disposal_has_exactly_the_two_words_of_the_documentation() {
        let read = |json: &str| serde_json::from_str::<AccountDelete>(json).map(|request| request.disposal);
        assert_eq!(read(r#"{"disposal":"rotate-and-forget"}"#).unwrap(), Some(Disposal::RotateAndForget));
        assert_eq!(read(r#"{"disposal":"hand-over"}"#).unwrap(), Some(Disposal::HandOver));
        assert_eq!(read("{}").unwrap(), None);
        assert!(read(r#"{"disposal":"forget"}"#).is_err());
    }

    #[test]
    fn a_status_with_a_failure_is_one_flat_object() {
        let json = serde_json::json!({
            "target": "pg", "username": "app", "state": "backoff", "version": 3, "pending_version": 4,
            "last_rotation": null, "next_rotation": null, "last_verified": null, "next_heartbeat": null,
            "class": "unreachable", "attempts": 2, "next_attempt": "2026-01-01T00:00:00Z", "incident": "i-1"
        });
        let status: AccountStatus = serde_json::from_str(&json.to_string()).unwrap();
        assert_eq!(status.state, AccountState::Backoff);
        assert_eq!(status.failure.class.as_deref(), Some("unreachable"));
        assert_eq!(status.failure.attempts, Some(2));
        assert_eq!(serde_json::to_value(&status).unwrap(), json);
    }

    #[test]
    fn each_states_word_is_the_one_on_the_wire() {
        for word in [
            "idle",
            "due",
            "staged",
            "applied",
            "doubtful",
            "retiring",
            "backoff",
            "grace",
            "parked",
            "quarantined",
        ] {
            let state: AccountState = serde_json::from_value(word.into()).unwrap();
            assert_eq!(state.word(), word);
        }
    }

    #[test]
    fn no_debug_output_shows_a_password() {
        let credential = Credential { password: "canary".to_owned().into(), ..Credential::default() };
        let config = AccountConfig { password: Some("canary".to_owned().into()), ..AccountConfig::default() };
        assert!(!format!("{credential:?}{config:?}").contains("canary"));
    }
}
