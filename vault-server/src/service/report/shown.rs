//! The rotation report in the words of the API.

use std::collections::BTreeMap;
use std::time::Duration;

use vault_api::report::{
    AttemptCounts, Budget, Burn, Change, IncidentCounts, Repair, ReportGroup, RotationCounts, RotationReport,
    Spread as ShownSpread, Window as ShownWindow, Work,
};
use vault_core::incident::budget::{self, Objective};
use vault_core::incident::measure::{Rank, Single, Spread};
use vault_core::incident::report::{self, By, Figures, Group, Report, Window};

use super::Terms;

pub(super) fn report(report: &Report, window: Window, by: By, terms: Terms) -> RotationReport {
    let total = &report.total;
    let before = std::iter::once(None).chain(report.groups.iter().map(Some));
    let groups = before.zip(&report.groups).map(|(before, part)| {
        let before = before.filter(|_| by == By::Month);
        group(part, before.map(|before| &before.figures), by, terms)
    });
    RotationReport {
        window: span(window),
        rotations: rotations(total),
        attempts: attempts(total),
        budget: budget(total, window, terms.objective),
        incidents: incidents(total),
        work: work(total, terms),
        by_class: total.by_class.iter().map(|(class, count)| ((*class).to_owned(), *count)).collect(),
        ttd: spread(total.ttd),
        ttn: spread(total.ttn),
        tta: spread(total.tta),
        ttm: spread(total.ttm),
        ttr: spread(total.ttr),
        currency: None,
        groups: groups.collect(),
        left_out: 0,
        also: BTreeMap::new(),
    }
}

/// Keeps the `most` parts of which most failed, the worst first; of those alike that with more incidents, then by name.
pub fn keep_worst(groups: &mut Vec<ReportGroup>, most: usize) {
    let failed = |group: &ReportGroup| group.rotations.failure_share.unwrap_or(0.0);
    groups.sort_by(|one, other| {
        let by_share = failed(other).total_cmp(&failed(one));
        by_share.then(other.incidents.opened.cmp(&one.incidents.opened)).then(one.name.cmp(&other.name))
    });
    groups.truncate(most);
}

fn group(part: &Group, before: Option<&Figures>, by: By, terms: Terms) -> ReportGroup {
    let figures = &part.figures;
    let shown = ReportGroup {
        name: part.name.clone(),
        window: span(part.window),
        rotations: rotations(figures),
        attempts: attempts(figures),
        budget: budget(figures, part.window, terms.objective),
        incidents: incidents(figures),
        work: work(figures, terms),
        ttd: spread(figures.ttd),
        ttn: spread(figures.ttn),
        tta: spread(figures.tta),
        ttm: spread(figures.ttm),
        ttr: spread(figures.ttr),
        repairs: if terms.durations { figures.repairs.iter().map(repair).collect() } else { Vec::new() },
        change: before.map(|before| change(figures.change_since(before))),
    };
    if by != By::Class {
        return shown;
    }
    // What succeeded is of no class, so there is no whole to have a share in.
    ReportGroup {
        rotations: RotationCounts { failure_share: None, ..shown.rotations },
        attempts: AttemptCounts { failure_share: None, ..shown.attempts },
        budget: Budget { rotations: None, attempts: None, ..shown.budget },
        ..shown
    }
}

fn change(change: report::Change) -> Change {
    let report::Change { failed_rotations, failed_attempts, opened } = change;
    Change { failed_rotations, failed_attempts, opened }
}

fn repair(single: &Single) -> Repair {
    Repair { seconds: millionths(single.micros), open: single.is_open }
}

fn rotations(figures: &Figures) -> RotationCounts {
    RotationCounts {
        succeeded: figures.succeeded,
        failed: figures.failed,
        attempts: figures.attempts_of_ended,
        failure_share: share(figures.failed, figures.succeeded),
    }
}

fn attempts(figures: &Figures) -> AttemptCounts {
    AttemptCounts {
        succeeded: figures.attempts_succeeded,
        failed: figures.attempts_failed,
        failure_share: share(figures.attempts_failed, figures.attempts_succeeded),
    }
}

fn incidents(figures: &Figures) -> IncidentCounts {
    IncidentCounts {
        opened: figures.opened,
        resolved: figures.resolved,
        open: figures.open,
        oldest_open_seconds: figures.oldest_open.map(|age| age.as_secs()),
        never_acknowledged: figures.never_acknowledged,
        never_notified: figures.never_notified,
        withdrawn: figures.withdrawn,
    }
}

fn work(figures: &Figures, terms: Terms) -> Work {
    Work {
        reviewed: figures.reviewed,
        unreviewed: figures.unreviewed,
        staff_minutes: figures.staff_minutes,
        cost: terms.hourly_cost.map(|hourly| millionths(figures.cost(hourly))),
    }
}

fn budget(figures: &Figures, window: Window, objective: Objective) -> Budget {
    let burn =
        |budget: budget::Budget| Burn { rate: millionths(budget.burn), spent: millionths(budget.spent) };
    Budget {
        objective: f64::from(objective.millionths()) / 10_000.0,
        rotations: figures.rotation_budget(objective, window).map(burn),
        attempts: figures.attempt_budget(objective, window).map(burn),
    }
}

fn share(failed: u64, succeeded: u64) -> Option<f64> {
    budget::share(failed, failed.saturating_add(succeeded)).map(millionths)
}

fn span(window: Window) -> ShownWindow {
    ShownWindow { from: window.from.to_rfc3339(), to: window.to.to_rfc3339() }
}

fn spread(spread: Spread) -> ShownSpread {
    let figure = |rank: Option<Rank>| rank.map(|rank| millionths(rank.micros));
    let is_floor = |rank: Option<Rank>| rank.is_some_and(|rank| rank.is_floor);
    ShownSpread {
        n: spread.n,
        completed: spread.completed,
        censored: spread.censored,
        suspect: spread.suspect,
        mean: spread.mean.map(millionths),
        p50: figure(spread.p50),
        p50_is_floor: is_floor(spread.p50),
        p90: figure(spread.p90),
        p90_is_floor: is_floor(spread.p90),
        max: figure(spread.max),
        max_is_floor: is_floor(spread.max),
    }
}

/// Millionths as a fraction: by way of a duration, which is divided without a cast that could lose digits unseen.
pub(super) fn millionths(figure: u64) -> f64 {
    Duration::from_micros(figure).as_secs_f64()
}
