//! How much failure an objective allows, and how fast it is used up.

use std::time::Duration;

/// What share of rotations shall succeed, over [`PERIOD`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Objective(u32);

impl Objective {
    /// From millionths: 995 000 is 99.5 %. `None` for all or more, which leaves nothing to measure against, and for none.
    #[must_use]
    pub const fn from_millionths(millionths: u32) -> Option<Self> {
        if millionths == 0 || millionths >= WHOLE { None } else { Some(Self(millionths)) }
    }

    /// In millionths.
    #[must_use]
    pub const fn millionths(self) -> u32 {
        self.0
    }

    /// The budget after `failed` of `ended` within a window of `length`; `None` when nothing ended.
    #[must_use]
    pub fn budget(self, failed: u64, ended: u64, length: Duration) -> Option<Budget> {
        let (failed, ended) = (u128::from(failed), u128::from(ended));
        let whole = u128::from(WHOLE);
        let share = (failed * whole).checked_div(ended)?;
        let burn = (failed * whole * whole).checked_div(ended * u128::from(WHOLE - self.0))?;
        let spent = burn.saturating_mul(length.as_millis()) / PERIOD.as_millis();
        let narrow = |figure: u128| u64::try_from(figure).unwrap_or(u64::MAX);
        Some(Budget { share: narrow(share), burn: narrow(burn), spent: narrow(spent) })
    }
}

impl Default for Objective {
    /// 99.5 %.
    fn default() -> Self {
        Self(995_000)
    }
}

/// How an objective fares. All figures are in millionths, rounded down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// The share that failed.
    pub share: u64,
    /// That share by the share that the objective allows: at 1 000 000 the budget lasts exactly [`PERIOD`].
    pub burn: u64,
    /// What part of the budget of a whole [`PERIOD`] went in the window; above 1 000 000 it is overdrawn.
    pub spent: u64,
}

/// The time over which an objective is given.
pub const PERIOD: Duration = Duration::from_secs(30 * 24 * 60 * 60);
const WHOLE: u32 = 1_000_000;
