//! Distributions of durations of which some have not ended.
//!
//! A duration that has not ended is a censored observation: it is at least as long as it is old. It is never left out,
//! and never averaged as if it had ended. Where the clock was stepped back meanwhile there is no duration that could be
//! told: it is counted as suspect, and never as zero.

use crate::clock::Timestamp;

/// A distribution. All durations are in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spread {
    /// Observations: `completed + censored`.
    pub n: u64,
    /// Those that have ended.
    pub completed: u64,
    /// Those that have not: they count with their age.
    pub censored: u64,
    /// Those that cannot be told, because the clock was stepped back; in none of the other figures.
    pub suspect: u64,
    /// The arithmetic mean of the completed ones, rounded down.
    pub mean: Option<u64>,
    /// The median, by nearest rank over completed and censored ones.
    pub p50: Option<Rank>,
    /// The 90th percentile, likewise.
    pub p90: Option<Rank>,
    /// The largest.
    pub max: Option<Rank>,
}

/// The observation at a rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rank {
    /// Its duration so far, in microseconds.
    pub micros: u64,
    /// Whether the true figure may be larger, because an observation up to this rank has not ended.
    pub is_floor: bool,
}

/// A duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lasted {
    /// Since when.
    pub start: Timestamp,
    /// Until when, at least.
    pub end: Timestamp,
    /// Whether it had not ended by then.
    pub is_open: bool,
}

/// One observation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Single {
    /// Its duration so far, in microseconds.
    pub micros: u64,
    /// Whether it has not ended.
    pub is_open: bool,
}

/// Observations, as they are gathered.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    /// Milliseconds, and whether it has not ended: so that of two equal ones the one that has ended sorts first.
    values: Vec<(u64, bool)>,
    suspect: u64,
}

impl Samples {
    /// Adds what lasted, or has lasted.
    pub fn add(&mut self, lasted: Lasted) {
        let Lasted { start, end, is_open } = lasted;
        match u64::try_from(end.as_millis().saturating_sub(start.as_millis())) {
            Ok(millis) => self.values.push((millis, is_open)),
            // Only by a clock that shows less than it did, or in a record from before version 2.
            Err(_) => self.doubt(),
        }
    }

    /// Counts what cannot be told.
    pub fn doubt(&mut self) {
        self.suspect += 1;
    }

    /// At most `most` of what was added, in order, the shortest and the longest among them.
    #[must_use]
    pub fn few(&self, most: usize) -> Vec<Single> {
        let mut values = self.values.clone();
        values.sort_unstable();
        let last = values.len().saturating_sub(1);
        let steps = most.saturating_sub(1).max(1);
        let kept = (0..most.min(values.len()))
            .filter_map(|step| values.get(if values.len() <= most { step } else { step * last / steps }));
        kept.map(|(millis, is_open)| Single { micros: millis.saturating_mul(1000), is_open: *is_open })
            .collect()
    }

    /// The distribution of what was added.
    #[must_use]
    pub fn spread(mut self) -> Spread {
        self.values.sort_unstable();
        let n = self.values.len();
        let censored = self.values.iter().filter(|(_, is_open)| *is_open).count();
        let completed = n - censored;
        let ended = self.values.iter().filter(|(_, is_open)| !*is_open);
        let sum: u128 = ended.map(|(millis, _)| u128::from(*millis) * 1000).sum();
        let first_open = self.values.iter().position(|(_, is_open)| *is_open).unwrap_or(n);
        let at = |percent: usize| {
            // The nearest rank: the smallest observation such that `percent` % of all are not greater.
            let index = n.saturating_mul(percent).div_ceil(100).max(1) - 1;
            let (millis, _) = self.values.get(index)?;
            Some(Rank { micros: millis.saturating_mul(1000), is_floor: first_open <= index })
        };
        Spread {
            n: n as u64,
            completed: completed as u64,
            censored: censored as u64,
            suspect: self.suspect,
            mean: sum.checked_div(completed as u128).and_then(|mean| u64::try_from(mean).ok()),
            p50: at(50),
            p90: at(90),
            max: at(100),
        }
    }
}
