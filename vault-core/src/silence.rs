//! Silences and maintenance windows: what is expected to fail for a while, who says so, and until when.
//!
//! ```text
//!   Planned ── `from` ──► InForce ── `until`, or a person ──► Ending ── accounts go on, what is still open is told ──► gone
//! ```
//!
//! A silence hides nothing: incidents are opened, counted and shown as ever. Their notification waits until it ends. A
//! maintenance also keeps rotations that the clock asks for from beginning on its target ([`hold`]). Neither lasts for
//! ever: each has an end that was said when it was made.

pub mod foresee;
pub mod hold;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::account::Subject;
use crate::campaign::selection::fits;
use crate::clock::Timestamp;
use crate::id::{IncidentId, SilenceId};
use crate::incident::severity::Severity;
use crate::path::Name;

/// What a silence is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Everything on this target, its management credential too.
    Target(Name),
    /// The accounts whose path fits; `*` stands for any text.
    Accounts(String),
}

/// What it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Nobody is notified.
    Silence,
    /// Nor does the clock begin a rotation. Of a target only.
    Maintenance,
}

impl Mode {
    /// Each of them.
    pub const ALL: [Self; 2] = [Self::Silence, Self::Maintenance];

    /// The word in requests, answers and metrics.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Silence => "silence",
            Self::Maintenance => "maintenance",
        }
    }

    /// By its [`word`](Self::word).
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.word() == word)
    }
}

/// Where it stands. It is stored, so that a clock that steps back neither begins it again nor ends it twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// It begins later.
    Planned,
    /// It lasts.
    InForce,
    /// It is over, and what waited for that is being set going.
    Ending,
}

impl Stage {
    /// The word in answers.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::InForce => "active",
            Self::Ending => "ending",
        }
    }
}

/// One silence. Its record goes when all that waited for its end is done; the audit file remembers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// Which one.
    pub id: SilenceId,
    /// What it is about.
    pub scope: Scope,
    /// What it does.
    pub mode: Mode,
    /// Where it stands.
    pub stage: Stage,
    /// When it begins.
    pub from: Timestamp,
    /// When it ends by itself.
    pub until: Timestamp,
    /// Who said so.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Who ended it before its time.
    #[serde(default)]
    pub ended_by: Option<String>,
}

/// A notification that a silence keeps back. Stored under the incident's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withheld {
    /// The silence.
    pub silence: SilenceId,
    /// Since when.
    pub since: Timestamp,
    /// How bad the incident was as it was told before, where it was: of that one its end is told, too.
    #[serde(default)]
    pub told: Option<Severity>,
    /// Whether what is kept back is another failure than the one that was told: then it is told in full, to everybody.
    #[serde(default)]
    pub news: bool,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// What it is about.
    pub scope: Scope,
    /// What it does.
    pub mode: Mode,
    /// When it begins; the present, when nothing is said.
    pub from: Option<Timestamp>,
    /// When it ends.
    pub until: Timestamp,
    /// Why.
    pub reason: String,
}

/// Why there can be no such silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    /// Nobody would know why nobody was told.
    #[error("a reason is required: who finds this in the night must know why")]
    NoReason,
    /// The reason, or the pattern, is too long.
    #[error("the reason may have 1024 bytes, and the pattern 512")]
    TooLong,
    /// It has no accounts.
    #[error("the pattern of accounts is empty; `*` stands for any text")]
    NoPattern,
    /// It would be over.
    #[error("it must end after it begins, and in the future")]
    Over,
    /// It would last too long.
    #[error("it may last 30 days at most; what is to be silent longer needs a person who says so again")]
    LastsTooLong,
    /// It would begin too late.
    #[error("it may begin 30 days from now at the latest")]
    TooFar,
    /// Rotations are held back on a target as a whole.
    #[error("a maintenance is of a target; of accounts there is a silence")]
    NotATarget,
}

impl Silence {
    /// What `ask` asks for, as said by `by`.
    ///
    /// # Errors
    /// [`Unfit`] by cause.
    pub fn new(id: SilenceId, ask: Ask, by: String, now: Timestamp) -> Result<Self, Unfit> {
        let Ask { scope, mode, from, until, reason } = ask;
        let from = from.unwrap_or(now);
        match &scope {
            Scope::Accounts(_) if mode == Mode::Maintenance => return Err(Unfit::NotATarget),
            Scope::Accounts(pattern) if pattern.is_empty() => return Err(Unfit::NoPattern),
            Scope::Accounts(pattern) if pattern.len() > PATTERN_BYTES_MAX => return Err(Unfit::TooLong),
            Scope::Accounts(_) | Scope::Target(_) => {}
        }
        checked(&reason, from, until, now)?;
        let stage = if from <= now { Stage::InForce } else { Stage::Planned };
        Ok(Self { id, scope, mode, stage, from, until, by, reason, ended_by: None })
    }

    /// The same with another end, and who said that; of one that is ending it is too late.
    ///
    /// # Errors
    /// [`Unfit`] by cause. The longest that it may last is counted from the present: each prolongation is said by
    /// somebody.
    pub fn prolonged(
        self,
        until: Timestamp,
        reason: String,
        by: String,
        now: Timestamp,
    ) -> Result<Self, Unfit> {
        if self.stage == Stage::Ending {
            return Err(Unfit::Over);
        }
        checked(&reason, self.from.max(now), until, now)?;
        Ok(Self { until, reason, by, ..self })
    }

    /// Ended by hand.
    #[must_use]
    pub fn ended(self, by: String) -> Self {
        Self { stage: Stage::Ending, ended_by: Some(by), ..self }
    }

    /// What the clock makes of it; `None`: nothing.
    #[must_use]
    pub fn turned(&self, now: Timestamp) -> Option<Self> {
        let stage = match self.stage {
            Stage::Planned | Stage::InForce if self.until <= now => Stage::Ending,
            Stage::Planned if self.from <= now => Stage::InForce,
            _ => return None,
        };
        Some(Self { stage, ..self.clone() })
    }

    /// When the clock has something to do with it. While it ends that is at once, whatever the clock says.
    #[must_use]
    pub const fn wake(&self) -> Timestamp {
        match self.stage {
            Stage::Planned => self.from,
            Stage::InForce => self.until,
            Stage::Ending => Timestamp::EPOCH,
        }
    }

    /// Whether it lasts.
    #[must_use]
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.stage == Stage::InForce && now < self.until
    }

    /// Whether it is about this subject ([`Subject::key`], or other text of what is none) on this target.
    #[must_use]
    pub fn concerns(&self, subject: &str, target: &str) -> bool {
        match &self.scope {
            Scope::Target(name) => name.as_str() == target,
            Scope::Accounts(pattern) => match Subject::from_key(subject) {
                Some(Subject::Account(path)) => fits(pattern, path.as_str()),
                Some(Subject::Management(_)) | None => false,
            },
        }
    }

    /// Whether it is a maintenance of this target.
    #[must_use]
    pub fn maintains(&self, target: &str) -> bool {
        self.mode == Mode::Maintenance
            && matches!(&self.scope, Scope::Target(name) if name.as_str() == target)
    }

    /// Over how long what it held back begins once it is over: a quarter of the time that it lasted, five minutes at
    /// most.
    #[must_use]
    pub fn spread(&self, now: Timestamp) -> Duration {
        (now.min(self.until).since(self.from) / 4).min(SPREAD_MAX)
    }
}

fn checked(reason: &str, from: Timestamp, until: Timestamp, now: Timestamp) -> Result<(), Unfit> {
    if reason.trim().is_empty() {
        return Err(Unfit::NoReason);
    }
    if reason.len() > REASON_BYTES_MAX {
        return Err(Unfit::TooLong);
    }
    if until <= from || until <= now {
        return Err(Unfit::Over);
    }
    if until.since(from.max(now)) > LASTS_MAX {
        return Err(Unfit::LastsTooLong);
    }
    if from.since(now) > AHEAD_MAX {
        return Err(Unfit::TooFar);
    }
    Ok(())
}

/// Of those in force that are about this, the one that lasts longest.
#[must_use]
pub fn covers<'a>(
    silences: impl IntoIterator<Item = &'a Silence>,
    subject: &str,
    target: &str,
    now: Timestamp,
) -> Option<&'a Silence> {
    let about = |silence: &&Silence| silence.is_in_force(now) && silence.concerns(subject, target);
    silences.into_iter().filter(about).max_by_key(|silence| silence.until)
}

/// The maintenance that this target is in; of several the one that lasts longest.
#[must_use]
pub fn maintenance<'a>(
    silences: impl IntoIterator<Item = &'a Silence>,
    target: &str,
    now: Timestamp,
) -> Option<&'a Silence> {
    let about = |silence: &&Silence| silence.is_in_force(now) && silence.maintains(target);
    silences.into_iter().filter(about).max_by_key(|silence| silence.until)
}

/// The name of a silence's record.
#[must_use]
pub fn key(id: SilenceId) -> Vec<u8> {
    [SILENCES, id.as_bytes().as_slice()].concat()
}

/// The name of the record of a notification that is kept back.
#[must_use]
pub fn withheld_key(incident: IncidentId) -> Vec<u8> {
    [WITHHELD, incident.as_bytes().as_slice()].concat()
}

/// The incident in a name of [`withheld_key`].
#[must_use]
pub fn withheld_incident(key: &[u8]) -> Option<IncidentId> {
    Some(IncidentId::from_stored(key.strip_prefix(WITHHELD)?.try_into().ok()?))
}

/// What the names of silences begin with.
pub const SILENCES: &[u8] = b"s";
/// What the names of notifications that are kept back begin with.
pub const WITHHELD: &[u8] = b"w";
/// The longest that one lasts.
pub const LASTS_MAX: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How far ahead one may be planned.
pub const AHEAD_MAX: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// Most silences at a time.
pub const SILENCES_MAX: usize = 200;
/// Longest reason.
pub const REASON_BYTES_MAX: usize = 1024;
/// Longest pattern.
pub const PATTERN_BYTES_MAX: usize = 512;
const SPREAD_MAX: Duration = Duration::from_secs(5 * 60);

#[cfg(test)]
mod tests;
