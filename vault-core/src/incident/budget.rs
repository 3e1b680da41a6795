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
        let share = share(failed, ended)?;
        let (failed, ended) = (u128::from(failed), u128::from(ended));
        let whole = u128::from(WHOLE);
        // What is more than nothing is not told as nothing.
        let least = u128::from(failed > 0);
        let burn = (failed * whole * whole).checked_div(ended * u128::from(WHOLE - self.0))?.max(least);
        let least = least.min(length.as_millis());
        let spent = (burn.saturating_mul(length.as_millis()) / PERIOD.as_millis()).max(least);
        let narrow = |figure: u128| u64::try_from(figure).unwrap_or(u64::MAX);
        Some(Budget { share, burn: narrow(burn), spent: narrow(spent) })
    }
}

/// What share `failed` of `ended` is, in millionths: rounded down, but never to nothing where one failed. `None` when
/// nothing ended.
#[must_use]
pub fn share(failed: u64, ended: u64) -> Option<u64> {
    let share = (u128::from(failed) * u128::from(WHOLE)).checked_div(u128::from(ended))?;
    Some(u64::try_from(share).unwrap_or(u64::MAX).max(u64::from(failed > 0)))
}

impl Default for Objective {
    /// 99.5 %.
    fn default() -> Self {
        Self(995_000)
    }
}

/// How an objective fares. All figures are in millionths, rounded down, but never to nothing where something failed.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failure_of_many_is_not_told_as_none() {
        let most = Objective::from_millionths(1).unwrap();
        for (failed, ended, length, want) in [
            (1, 2_500, PERIOD, Some((400, 400, 400))),
            (1, 3_000_000, PERIOD, Some((1, 1, 1))),
            (1, 3_000_000, Duration::from_millis(1), Some((1, 1, 1))),
            (1, 3_000_000, Duration::ZERO, Some((1, 1, 0))),
            (0, 3_000_000, PERIOD, Some((0, 0, 0))),
            (2_999_999, 3_000_000, PERIOD, Some((999_999, 1_000_000, 1_000_000))),
            (0, 0, PERIOD, None),
        ] {
            let told = most.budget(failed, ended, length).map(|told| (told.share, told.burn, told.spent));
            assert_eq!(told, want, "{failed} of {ended}");
        }
    }
}
