//! What follows from the figures of a part: its cost, and what became of it since the part before.

use super::Figures;

/// The figures of a part less those of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Of rotations that were parked.
    pub failed_rotations: i64,
    /// Of attempts that failed.
    pub failed_attempts: i64,
    /// Of incidents that were opened.
    pub opened: i64,
}

impl Figures {
    /// What became of the figures since `before`.
    #[must_use]
    pub fn change_since(&self, before: &Self) -> Change {
        Change {
            failed_rotations: less(self.failed, before.failed),
            failed_attempts: less(self.attempts_failed, before.attempts_failed),
            opened: less(self.opened, before.opened),
        }
    }

    /// What the minutes of work cost by `hourly` hundredths for an hour: in millionths of the whole, rounded down.
    #[must_use]
    pub fn cost(&self, hourly: u64) -> u64 {
        hourly.saturating_mul(self.staff_minutes).saturating_mul(10_000) / 60
    }
}

fn less(this: u64, before: u64) -> i64 {
    let (this, before) = (i64::try_from(this), i64::try_from(before));
    this.unwrap_or(i64::MAX).saturating_sub(before.unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cost_is_told_in_millionths_rounded_down() {
        for (hourly, staff_minutes, cost) in [
            (8_550, 150, 213_750_000),
            (1, 1, 166),
            (0, 1_000, 0),
        ] {
            let figures = Figures { staff_minutes, ..Figures::default() };
            assert_eq!(figures.cost(hourly), cost, "{hourly} {staff_minutes}");
        }
    }
}
