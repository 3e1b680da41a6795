//! Where a number lies on a plot, and which numbers are written beside it.

/// From a range of numbers to a range of the plot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    domain: (f64, f64),
    range: (f64, f64),
    is_log: bool,
}

impl Scale {
    /// Each step is as long as the next.
    pub(super) fn linear(domain: (f64, f64), range: (f64, f64)) -> Self {
        Self { domain, range, is_log: false }
    }

    /// Each tenfold is as long as the next; both ends are above 0.
    pub(super) fn log(domain: (f64, f64), range: (f64, f64)) -> Self {
        Self { domain, range, is_log: true }
    }

    /// Where `value` lies; what is beyond an end lies at it.
    pub(super) fn at(&self, value: f64) -> f64 {
        let by = |value: f64| if self.is_log { value.max(f64::MIN_POSITIVE).log10() } else { value };
        let (low, high) = (by(self.domain.0), by(self.domain.1));
        let share = if high > low { ((by(value) - low) / (high - low)).clamp(0.0, 1.0) } else { 0.0 };
        self.range.0 + share * (self.range.1 - self.range.0)
    }
}

/// Numbers from 0 on of which the last is at least `most`, in steps of 1, 2 or 5 times a power of ten; at most six.
pub(super) fn counts(most: f64) -> Vec<f64> {
    let most = if most.is_finite() { most.max(1.0) } else { 1.0 };
    let mut power = 1.0;
    loop {
        for step in [power, 2.0 * power, 5.0 * power] {
            if most / step <= STEPS {
                let mut ticks = vec![0.0];
                let mut tick = step;
                while tick < most {
                    ticks.push(tick);
                    tick += step;
                }
                ticks.push(tick);
                return ticks;
            }
        }
        power *= 10.0;
    }
}

/// Durations that people know by name, from the last that is at most `least` to the first that is at least `most`.
pub(super) fn durations(least: f64, most: f64) -> Vec<(f64, &'static str)> {
    let first = SPANS.iter().rposition(|(seconds, _)| *seconds <= least).unwrap_or(0);
    let last = SPANS.iter().position(|(seconds, _)| *seconds >= most).unwrap_or(SPANS.len() - 1);
    let last = last.max(first + 1).min(SPANS.len() - 1);
    SPANS.iter().skip(first.min(last - 1)).take(last - first.min(last - 1) + 1).copied().collect()
}

/// Steps between the ticks of a count, at most.
const STEPS: f64 = 5.0;
/// On a scale by powers these are about as far from each other.
const SPANS: [(f64, &str); 10] = [
    (1.0, "1 s"),
    (10.0, "10 s"),
    (60.0, "1 min"),
    (600.0, "10 min"),
    (3600.0, "1 h"),
    (21_600.0, "6 h"),
    (86_400.0, "1 d"),
    (604_800.0, "7 d"),
    (2_592_000.0, "30 d"),
    (31_536_000.0, "1 y"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn near(left: f64, right: f64) -> bool {
        (left - right).abs() < 1e-9
    }

    #[test]
    fn a_number_lies_where_its_share_is_and_never_beyond() {
        let scale = Scale::linear((0.0, 10.0), (100.0, 0.0));
        for (value, want) in [(0.0, 100.0), (5.0, 50.0), (10.0, 0.0), (99.0, 0.0), (-1.0, 100.0)] {
            assert!(near(scale.at(value), want), "{value}");
        }
        let scale = Scale::log((1.0, 100.0), (0.0, 200.0));
        for (value, want) in [(1.0, 0.0), (10.0, 100.0), (100.0, 200.0), (0.0, 0.0), (1e9, 200.0)] {
            assert!(near(scale.at(value), want), "{value}");
        }
        assert!(near(Scale::linear((3.0, 3.0), (7.0, 9.0)).at(3.0), 7.0), "nothing to divide by");
    }

    #[test]
    fn ticks_are_round_reach_the_top_and_are_few() {
        for (most, want) in [
            (0.0, vec![0.0, 1.0]),
            (1.0, vec![0.0, 1.0]),
            (3.0, vec![0.0, 1.0, 2.0, 3.0]),
            (7.0, vec![0.0, 2.0, 4.0, 6.0, 8.0]),
            (30.0, vec![0.0, 10.0, 20.0, 30.0]),
            (41.0, vec![0.0, 10.0, 20.0, 30.0, 40.0, 50.0]),
            (f64::NAN, vec![0.0, 1.0]),
        ] {
            assert_eq!(counts(most), want, "{most}");
        }
        for most in [9.0, 99.0, 12_345.0, 4e9] {
            let ticks = counts(most);
            assert!(ticks.len() <= 7 && *ticks.last().unwrap() >= most, "{most}: {ticks:?}");
        }
    }

    #[test]
    fn durations_have_names_and_cover_what_there_is() {
        let names =
            |least, most| durations(least, most).into_iter().map(|(_, name)| name).collect::<Vec<_>>();
        assert_eq!(names(30.0, 1800.0), ["10 s", "1 min", "10 min", "1 h"]);
        assert_eq!(names(60.0, 60.0), ["1 min", "10 min"]);
        assert_eq!(names(0.0, 0.5), ["1 s", "10 s"]);
        assert_eq!(names(1e12, 1e12), ["30 d", "1 y"]);
    }
}
