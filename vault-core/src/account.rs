//! One account and everything that is decided about it: credential versions, rotation, lending, health.
//!
//! An account is one record. Whatever changes it goes through a pure function that returns a
//! [`plan::Plan`]; the plan is committed as one batch, and only then is its effect run. Two processes
//! that decide at once conflict on the record's revision, so one of them decides again.
//!
//! The management credential of a target is an account too ([`Subject::Management`]): it rotates under
//! the same promises, through itself, and is never lent.

pub mod plan;
pub mod standing;
pub mod wake;

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::plan::Effect;
use crate::clock::Timestamp;
use crate::database::Origin;
use crate::id::IncidentId;
use crate::lease::Lending;
use crate::path::{AccountPath, Name};
use crate::rotation::fault::{FaultClass, Scope};
use crate::rotation::run::{Run, Stage, Step};
use crate::schedule::RotationPolicy;
use crate::team::Team;

/// Whose credential it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// An account under `accounts/`.
    Account(AccountPath),
    /// The credential by which the vault acts on this target.
    Management(Name),
}

impl Subject {
    /// The name of the record in the store, `a/<path>` or `m/<target>`.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Account(path) => format!("a/{path}"),
            Self::Management(target) => format!("m/{target}"),
        }
    }

    /// Reads [`Subject::key`] back.
    #[must_use]
    pub fn from_key(key: &str) -> Option<Self> {
        match key.split_at_checked(2)? {
            ("a/", path) => AccountPath::parse(path).ok().map(Self::Account),
            ("m/", name) => Name::parse(name).ok().map(Self::Management),
            _ => None,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(path) => write!(f, "{path}"),
            Self::Management(target) => write!(f, "management credential of {target}"),
        }
    }
}

/// What a person configured about an account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// When it rotates by itself; without one, only on demand and after each lease.
    pub rotation_policy: Option<Name>,
    /// A rotation policy of its own, which goes before any that is named: that of a static role.
    pub own_rotation: Option<RotationPolicy>,
    /// A second name on the target, which takes turns with the account's own: each rotation changes the one that
    /// nobody uses.
    pub alternate_username: Option<String>,
    /// How candidates are made; without one, as the target says, or by the built-in policy.
    pub password_policy: Option<Name>,
    /// The length of a check-out that asks for none.
    pub ttl: Option<Duration>,
    /// The longest a check-out may last, renewals included.
    pub max_ttl: Option<Duration>,
    /// How often it is looked whether its credential works; zero: never; without one, as its target says.
    pub heartbeat: Option<Duration>,
    /// Who looks after it; without one, as its target says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<Team>,
}

/// When it is looked next whether the credential works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Beat {
    /// When; `None`: not by itself.
    pub next: Option<Timestamp>,
    /// Looks since the last one that showed something.
    pub misses: u32,
    /// The time under which it stands in the index. Whoever commits the record sets it.
    pub armed: Option<Timestamp>,
    /// Whether it is put off by the lockout guard, and its history says so.
    pub held: bool,
}

/// One version of a credential. The secret itself is a record of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Its number: 1, 2, … never used twice.
    pub number: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// Whether it belongs to the account's second name ([`Settings::alternate_username`]).
    #[serde(default)]
    pub is_alternate: bool,
}

impl Version {
    /// One for the account's own name.
    #[must_use]
    pub const fn new(number: u64, created_at: Timestamp) -> Self {
        Self { number, created_at, is_alternate: false }
    }
}

/// The versions that are stored. At most one of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Versions {
    /// The highest number ever given.
    pub last: u64,
    /// The candidate: stored, and perhaps already live on the target.
    pub pending: Option<Version>,
    /// The one that readers get.
    pub current: Option<Version>,
    /// The one before, until the target is seen to refuse it.
    pub previous: Option<Version>,
}

impl Versions {
    /// Every stored version in the order in which a doubtful target is probed.
    pub fn stored(&self) -> impl Iterator<Item = Version> + use<> {
        [self.pending, self.current, self.previous].into_iter().flatten()
    }
}

/// What the last look at the target showed about the current version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// Nobody looked yet.
    Unknown,
    /// It logged in at this time.
    Verified(Timestamp),
    /// The target refused it at this time.
    Refused(Timestamp),
}

/// The account's record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Who it is.
    pub subject: Subject,
    /// The target it lives on.
    pub target: Name,
    /// Its name there.
    pub username: String,
    /// What was configured.
    pub settings: Settings,
    /// The static role of a database mount that it was made by.
    #[serde(default)]
    pub origin: Option<Origin>,
    /// When it was first configured.
    pub created_at: Timestamp,
    /// The stored versions.
    pub versions: Versions,
    /// Where its rotation stands.
    pub stage: Stage,
    /// The last promotion.
    pub last_rotation: Option<Timestamp>,
    /// The next scheduled rotation, jitter included; stored, so that a restart changes nothing.
    pub next_rotation: Option<Timestamp>,
    /// Who holds it and who waits.
    pub lending: Lending,
    /// What the last look showed.
    pub health: Health,
    /// The open incident: its own, or its target's.
    pub incident: Option<IncidentId>,
    /// Whose the open incident is. Of its target's the account is a member, and leaves it by its own proof.
    #[serde(default)]
    pub incident_scope: Scope,
    /// The incident of its own that was closed last and when: a failure within [`REOPEN_WITHIN`] reopens it.
    pub last_incident: Option<(IncidentId, Timestamp)>,
    /// The number of the next history entry.
    pub history_next: u64,
    /// The time under which the account stands in the due index. Whoever commits the record sets it.
    #[serde(default)]
    pub armed: Option<Timestamp>,
    /// Until when a maintenance of its target holds what the clock asks for ([`crate::silence::hold`]); nothing that is
    /// in flight is held.
    #[serde(default)]
    pub held_until: Option<Timestamp>,
    /// Whether what the clock asks for waits until its target answers again: the target's circuit is open
    /// ([`crate::target::breaker`]).
    #[serde(default)]
    pub waits: bool,
    /// Its place among those that wait so, as it is stored. Whoever commits the record sets it.
    #[serde(default)]
    pub queued: Option<u8>,
    /// Its next heartbeat.
    #[serde(default)]
    pub beat: Beat,
    /// The incident by which the vault set a fresh credential by itself, because its target's settings say so. It does
    /// that once for each.
    #[serde(default)]
    pub reconciled: Option<IncidentId>,
}

impl Account {
    /// A newly configured account without any credential.
    #[must_use]
    pub fn new(subject: Subject, target: Name, username: String, settings: Settings, now: Timestamp) -> Self {
        Self {
            subject,
            target,
            username,
            settings,
            origin: None,
            created_at: now,
            versions: Versions::default(),
            stage: Stage::Idle,
            last_rotation: None,
            next_rotation: None,
            lending: Lending::default(),
            health: Health::Unknown,
            incident: None,
            incident_scope: Scope::Account,
            last_incident: None,
            history_next: 0,
            armed: None,
            held_until: None,
            waits: false,
            queued: None,
            beat: Beat::default(),
            reconciled: None,
        }
    }

    /// Makes room for a password that a person brought: it becomes current. What was current is kept as the
    /// previous version, unless it never logged in and an older one is kept that may have. Of two names that take
    /// turns it is the password of the account's own, so that a candidate for that one is out of turn. The caller
    /// stores the secret, wipes what has no place any more, and verifies.
    pub fn adopt_known(&mut self, now: Timestamp) -> Adopted {
        self.versions.last += 1;
        let number = self.versions.last;
        let before = self.versions.current.replace(Version::new(number, now));
        let kept = self.versions.previous.take();
        // What a rotation has promoted has logged in, whatever the target says of it since.
        let is_promoted = self.stage.begin_again();
        let is_proven = is_promoted || matches!(self.health, Health::Verified(_));
        let (previous, displaced) = match (before, kept) {
            (Some(before), Some(kept)) if is_proven => (Some(before), Some(kept)),
            (Some(before), Some(kept)) => (Some(kept), Some(before)),
            (before, kept) => (before.or(kept), None),
        };
        self.versions.previous = previous;
        self.health = Health::Unknown;
        let turn = self.is_alternates_turn();
        let untimely = self.versions.pending.take_if(|pending| pending.is_alternate != turn);
        let displaced = [displaced, untimely].into_iter().flatten().map(|version| version.number).collect();
        Adopted { number, displaced }
    }

    /// Whether a password that a person brings may become the current version: while no rotation is between states. The
    /// management credential's rotation that has promoted its candidate, and rests, is none where the target knows one
    /// password at a time and has refused what was promoted: nobody else can mend that credential.
    #[must_use]
    pub fn takes_known(&self) -> bool {
        let is_refused = |run: &Run| {
            run.fault.as_ref().is_some_and(|fault| fault.class == FaultClass::ManagementAuthRefused)
        };
        let is_promoted = self.stage.step() == Some(Step::Retire)
            && !self.stage.is_active()
            && self.stage.run().is_some_and(|run| !run.overlaps && is_refused(run));
        self.stage.untouched() || is_promoted && matches!(self.subject, Subject::Management(_))
    }

    /// The name on the target that a version was stored for. Where the target names credentials itself, the stored
    /// secret says another.
    #[must_use]
    pub fn username_of(&self, version: Version) -> &str {
        let alternate = self.settings.alternate_username.as_deref().filter(|_| version.is_alternate);
        alternate.unwrap_or(&self.username)
    }

    /// Whether the next candidate is one for the account's second name: of two, the one that nobody uses.
    #[must_use]
    pub fn is_alternates_turn(&self) -> bool {
        self.settings.alternate_username.is_some()
            && self.versions.current.is_some_and(|current| !current.is_alternate)
    }

    /// The name on the target that a rotation changes: that of its candidate, also before there is one.
    fn changing(&self) -> &str {
        match (self.versions.pending, &self.settings.alternate_username) {
            (Some(pending), _) => self.username_of(pending),
            (None, Some(alternate)) if self.is_alternates_turn() => alternate,
            (None, _) => &self.username,
        }
    }

    /// The name on the target that an effect is about: of two that take turns, a retirement sees the new one.
    #[must_use]
    pub fn username_for(&self, effect: Effect) -> &str {
        match (effect, self.versions.current) {
            (Effect::Retire { .. }, Some(current)) => self.username_of(current),
            _ => self.changing(),
        }
    }

    /// Of two names that take turns, the other one than [`Account::username_for`].
    #[must_use]
    pub fn username_beside(&self, effect: Effect) -> Option<&str> {
        let alternate = self.settings.alternate_username.as_deref()?;
        Some(if self.username_for(effect) == alternate { &self.username } else { alternate })
    }

    /// What a reader may be given.
    #[must_use]
    pub fn readable(&self) -> Readable {
        match (&self.stage, self.versions.current) {
            (_, None) => Readable::NotYet,
            (_, Some(_)) if matches!(self.health, Health::Refused(_)) => Readable::Refused,
            (stage, Some(_)) if stage.current_is_dead() => Readable::Changing,
            (stage, Some(version)) if stage.current_is_doubtful() => Readable::Doubtful(version.number),
            (_, Some(version)) => Readable::Yes(version.number),
        }
    }
}

/// The version numbers of a password that a person brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adopted {
    /// Its own.
    pub number: u64,
    /// Those of versions that have no place any more and are to be wiped.
    pub displaced: Vec<u64>,
}

/// Whether the current version may be handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readable {
    /// Yes, this version.
    Yes(u64),
    /// A rotation is between apply and its outcome; this version is the best known one.
    Doubtful(u64),
    /// The target has confirmed the change and the new version is not verified yet: wait.
    Changing,
    /// The target is known to refuse the current version: changed outside, and not repaired yet.
    Refused,
    /// The account has no credential yet: its first rotation has not succeeded.
    NotYet,
}

/// A failure this soon after an incident closed belongs to that incident.
pub const REOPEN_WITHIN: Duration = Duration::from_secs(24 * 60 * 60);
