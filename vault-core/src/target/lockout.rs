//! The lockout guard of a target: how many refused logins the vault may still cause, so that none of them locks an account.
//!
//! Directories and databases lock an account after so many refused logins within a while, and begin anew when one
//! succeeds. The vault causes refused logins of its own: it looks whether an old password is dead, and which of several
//! stored ones works. Each login is written into a [`Tally`] **before** it is sent, as if it were refused, and put right when
//! the answer is known: so neither a crash nor a lost answer makes it forget one. It keeps one login away from the
//! threshold; whoever wants more left for people says a lower one.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::schedule::span;

/// What a target says about when it locks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Lockout {
    /// Refused logins in a row that lock an account there; 0: not known, and nothing is guarded.
    pub threshold: u32,
    /// How long the target counts one.
    pub window: Duration,
}

impl Default for Lockout {
    fn default() -> Self {
        Self { threshold: 0, window: WINDOW_DEFAULT }
    }
}

impl Lockout {
    /// What the vault keeps to; `None` where nothing is known.
    #[must_use]
    pub const fn limit(&self) -> Option<Limit> {
        if self.threshold < THRESHOLD_MIN {
            return None;
        }
        Some(Limit { refusals: self.threshold - 1, window: self.window })
    }
}

/// Refused logins that the vault may cause for one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// How many, at least one.
    pub refusals: u32,
    /// Within what time.
    pub window: Duration,
}

impl Limit {
    /// How many of all [`refusals`](Self::refusals) seats a call by the management credential takes while it is under way,
    /// where `counted` refused logins count already: room for itself and for those that count, so that whoever is under
    /// way fits beside them.
    #[must_use]
    pub fn seats(&self, counted: u32) -> u32 {
        counted.saturating_add(1).min(self.refusals)
    }
}

/// What a login showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Login {
    /// It was let in: the target counts from the beginning.
    Works,
    /// It was refused, or it is not known whether it was.
    Refused,
}

/// Whether logins may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// They may.
    Go,
    /// Not before then.
    Wait(Timestamp),
}

/// The refused logins of one name that the vault has caused, since one was let in and within the window.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tally {
    /// When, oldest first.
    refused: Vec<Timestamp>,
}

impl Tally {
    /// As the target counts now: without what it has forgotten. What lies in the future, because the clock was stepped
    /// back, is taken to have happened now: so it counts for one more window, and no longer.
    #[must_use]
    pub fn aged(mut self, limit: Limit, now: Timestamp) -> Self {
        for at in &mut self.refused {
            *at = (*at).min(now);
        }
        self.refused.retain(|at| now.since(*at) < limit.window);
        self
    }

    /// How many count now.
    #[must_use]
    pub fn count(&self, limit: Limit, now: Timestamp) -> u32 {
        let counted = self.refused.iter().filter(|at| **at > now || now.since(**at) < limit.window).count();
        u32::try_from(counted).unwrap_or(u32::MAX)
    }

    /// How many more the vault may cause now.
    #[must_use]
    pub fn room(&self, limit: Limit, now: Timestamp) -> u32 {
        limit.refusals.saturating_sub(self.count(limit, now))
    }

    /// Whether `needed` logins may be refused now. More than the target ever allows is asked for as all that it allows:
    /// who needs more stops on the way. Nobody waits longer than the window.
    #[must_use]
    pub fn admit(&self, needed: u32, limit: Limit, now: Timestamp) -> Admission {
        let aged = self.clone().aged(limit, now);
        let needed = needed.min(limit.refusals);
        let lacking = needed.saturating_sub(aged.room(limit, now));
        if lacking == 0 {
            return Admission::Go;
        }
        // Those over the limit, after it was lowered, go first.
        let over = aged.count(limit, now).saturating_sub(limit.refusals);
        let last = usize::try_from(lacking.saturating_add(over)).unwrap_or(usize::MAX).saturating_sub(1);
        let freed = aged.refused.get(last).or(aged.refused.last()).copied().unwrap_or(now);
        Admission::Wait(freed.plus(limit.window))
    }

    /// Why `logins` as `username` must not be sent now; `None` where they may.
    #[must_use]
    pub fn held(&self, username: &str, logins: u32, lockout: Lockout, now: Timestamp) -> Option<Held> {
        let limit = lockout.limit()?;
        let Admission::Wait(until) = self.admit(logins, limit, now) else { return None };
        Some(Held { username: username.to_owned(), until, refused: self.count(limit, now), lockout })
    }

    /// Writes down `logins` that are about to be sent.
    #[must_use]
    pub fn reserve(self, logins: u32, limit: Limit, now: Timestamp) -> Self {
        (0..logins).fold(self.aged(limit, now), |tally, _| tally.with(now))
    }

    /// Takes back what was [reserved](Self::reserve) at `at`: what came of it is told by [`heard`](Self::heard).
    #[must_use]
    pub fn release(mut self, logins: u32, at: Timestamp) -> Self {
        for _ in 0..logins {
            let Some(place) = self.refused.iter().rposition(|reserved| *reserved == at) else { break };
            self.refused.remove(place);
        }
        self
    }

    /// Takes in what a login showed.
    #[must_use]
    pub fn heard(self, login: Login, limit: Limit, now: Timestamp) -> Self {
        match login {
            Login::Works => Self::default(),
            Login::Refused => self.aged(limit, now).with(now),
        }
    }

    /// Whether there is nothing to remember.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.refused.is_empty()
    }

    fn with(mut self, at: Timestamp) -> Self {
        self.refused.push(at);
        let over = self.refused.len().saturating_sub(THRESHOLD_MAX as usize);
        self.refused.drain(..over);
        self
    }
}

/// Why a login is not sent, as people are told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "held back by the lockout guard until {}: the target locks {username:?} after {} refused logins within {} \
     (lockout_threshold, lockout_window), and {refused} may count already",
    until.to_rfc3339(), lockout.threshold, span::format(lockout.window)
)]
pub struct Held {
    /// The name that would be logged in.
    pub username: String,
    /// Until when.
    pub until: Timestamp,
    /// Refused logins that count now.
    pub refused: u32,
    /// What the target says.
    pub lockout: Lockout,
}

/// The least that may be configured: with one the vault could not log in at all.
pub const THRESHOLD_MIN: u32 = 2;
/// The most.
pub const THRESHOLD_MAX: u32 = 1_000;
/// How long a target counts a refused login, unless configured.
pub const WINDOW_DEFAULT: Duration = Duration::from_secs(15 * 60);
/// The shortest that may be configured.
pub const WINDOW_MIN: Duration = Duration::from_secs(1);
/// The longest.
pub const WINDOW_MAX: Duration = Duration::from_secs(90 * 24 * 3600);

#[cfg(test)]
mod tests;
