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
        // Years of many people by the greatest hourly cost are more than fits into 64 bits before it is divided.
        let cost = u128::from(hourly) * u128::from(self.staff_minutes) * 10_000 / 60;
        u64::try_from(cost).unwrap_or(u64::MAX)
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
    fn the_cost_of_years_of_work_is_told_whole() {
        for (hourly, staff_minutes, cost) in [
            (8_550, 150, 213_750_000),
            (1, 1, 166),
            (0, 1_000, 0),
            // Forty people for a year, by the greatest hourly cost that is taken.
            (100_000_000, 40 * 525_600, 350_400_000_000_000_000),
        ] {
            let figures = Figures { staff_minutes, ..Figures::default() };
            assert_eq!(figures.cost(hourly), cost, "{hourly} {staff_minutes}");
        }
    }
}
