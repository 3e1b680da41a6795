//! The rotation report: what failed, and how long it took to detect, acknowledge, mitigate and remediate.
//!
//! An incident that is still open is a censored observation: its time to remediate is at least its age
//! so far. It is never left out, and so it can raise a percentile but never lower one.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Incident, IncidentState, Marks};
use crate::account::plan::RunEnd;
use crate::clock::Timestamp;

/// The distribution of one duration, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Distribution {
    /// Observations, open ones included.
    pub n: u64,
    /// Of these, still open: counted with their age so far.
    pub open: u64,
    /// Arithmetic mean.
    pub mean: u64,
    /// Median (nearest rank).
    pub p50: u64,
    /// 90th percentile (nearest rank).
    pub p90: u64,
    /// Largest.
    pub max: u64,
}

/// What the report says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Rotations that ended well.
    pub succeeded: u64,
    /// Rotations that were parked.
    pub failed: u64,
    /// Attempts of all of them.
    pub attempts: u64,
    /// Incidents that began in the window.
    pub opened: u64,
    /// Incidents that were remediated in the window.
    pub resolved: u64,
    /// Incidents that are open now.
    pub open: u64,
    /// The age of the oldest open one.
    pub oldest_open: Option<Duration>,
    /// Incidents by class.
    pub by_class: BTreeMap<&'static str, u64>,
    /// Time to detect.
    pub ttd: Distribution,
    /// Time to acknowledge.
    pub tta: Distribution,
    /// Time to mitigate.
    pub ttm: Distribution,
    /// Time to remediate.
    pub ttr: Distribution,
}

/// The report over `[from, to)`, as seen at `now`.
///
/// An incident counts when it was detected in the window, or is open, or was remediated in the window.
#[must_use]
pub fn rotation<'a>(
    incidents: impl Iterator<Item = &'a Incident>,
    runs: impl Iterator<Item = &'a RunEnd>,
    from: Timestamp,
    to: Timestamp,
    now: Timestamp,
) -> Report {
    let inside = |at: Option<Timestamp>| at.is_some_and(|at| from <= at && at < to);
    let mut report = Report::default();
    for run in runs.filter(|run| inside(Some(run.ended_at))) {
        report.attempts += u64::from(run.attempts);
        if run.failed.is_some() { report.failed += 1 } else { report.succeeded += 1 }
    }
    let mut samples: [Samples; 4] = Default::default();
    for incident in incidents {
        let Marks { t2, t3, t5, t6, t7, .. } = incident.marks;
        let open = incident.state == IncidentState::Open;
        if !(inside(t3) || inside(t7) || (open && t3.is_some_and(|at| at < to))) {
            continue;
        }
        report.opened += u64::from(inside(t3));
        report.resolved += u64::from(inside(t7));
        *report.by_class.entry(incident.class.as_str()).or_default() += 1;
        if open {
            report.open += 1;
            let age = t3.map(|at| now.since(at));
            report.oldest_open = report.oldest_open.max(age);
        }
        // By a clock that was stepped back they are no observations.
        if incident.stepped_back.is_some() {
            continue;
        }
        let [ttd, tta, ttm, ttr] = &mut samples;
        ttd.add(t2, t3, open, now);
        tta.add(t3, t5, open, now);
        ttm.add(t3, t6, open, now);
        ttr.add(t3, t7, open, now);
    }
    let [ttd, tta, ttm, ttr] = samples.map(Samples::distribution);
    Report { ttd, tta, ttm, ttr, ..report }
}

#[derive(Default)]
struct Samples {
    millis: Vec<u64>,
    open: u64,
}

impl Samples {
    /// Adds the time from `start` to `end`; while the incident is open and the end has not come, its age.
    fn add(&mut self, start: Option<Timestamp>, end: Option<Timestamp>, open: bool, now: Timestamp) {
        let Some(start) = start else { return };
        let end = match (end, open) {
            (Some(end), _) => end,
            (None, true) => {
                self.open += 1;
                now
            }
            // Closed without that event (nobody acknowledged): there is no such duration.
            (None, false) => return,
        };
        self.millis.push(u64::try_from(end.since(start).as_millis()).unwrap_or(u64::MAX));
    }

    fn distribution(mut self) -> Distribution {
        self.millis.sort_unstable();
        let n = self.millis.len() as u64;
        let Some(max) = self.millis.last().copied() else { return Distribution::default() };
        let sum: u128 = self.millis.iter().map(|&value| u128::from(value)).sum();
        Distribution {
            n,
            open: self.open,
            mean: u64::try_from(sum / u128::from(n)).unwrap_or(u64::MAX),
            p50: self.nearest_rank(50),
            p90: self.nearest_rank(90),
            max,
        }
    }

    /// The nearest-rank percentile: the smallest value such that `percent` % of all are not greater.
    fn nearest_rank(&self, percent: usize) -> u64 {
        let rank = (self.millis.len() * percent).div_ceil(100).max(1);
        self.millis.get(rank - 1).copied().unwrap_or_default()
    }
}
