//! The rotation report: what failed, and how long it took to detect, notify, acknowledge, mitigate and repair.
//!
//! Every figure is a function of the records and of a [`Window`]. What happened at or after the window's end changes none
//! of them, so the report of a past window says the same for ever. The definitions, with an example that is worked out by
//! hand, are in `docs/measures.md`.

use std::collections::BTreeMap;
use std::time::Duration;

use super::budget::{Budget, Objective};
use super::entry::Entry;
use super::measure::{Lasted, Samples, Single, Spread};
use super::view::{End, View};
use super::{Incident, Kind};
use crate::account::Subject;
use crate::account::plan::RunEnd;
use crate::clock::Timestamp;
use crate::id::IncidentId;
use crate::rotation::attempt::Attempt;
use crate::team::{NO_TEAM, Team};

mod change;
mod window;

pub use self::change::Change;
pub use self::window::{By, MONTHS_MAX, WINDOW_DEFAULT, Window, months};

/// What is told of a window, or of a part of what happened in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Rotations that ended well.
    pub succeeded: u64,
    /// Rotations that were parked.
    pub failed: u64,
    /// Attempts that those took which ended.
    pub attempts_of_ended: u64,
    /// Attempts that ended well, of any rotation.
    pub attempts_succeeded: u64,
    /// Attempts that failed, of any rotation.
    pub attempts_failed: u64,
    /// Incidents that began in the window.
    pub opened: u64,
    /// Incidents that were remediated in the window.
    pub resolved: u64,
    /// Incidents that were open at its end.
    pub open: u64,
    /// The age of the oldest of these.
    pub oldest_open: Option<Duration>,
    /// Incidents that were remediated and that nobody had acknowledged.
    pub never_acknowledged: u64,
    /// Incidents that were remediated and that nobody was notified of.
    pub never_notified: u64,
    /// Incidents whose subject was given up.
    pub withdrawn: u64,
    /// Incidents that were reviewed in the window, whenever they were.
    pub reviewed: u64,
    /// Minutes of work on these, as their notes and reviews tell.
    pub staff_minutes: u64,
    /// Incidents that were remediated and not reviewed: nobody knows what they cost.
    pub unreviewed: u64,
    /// Incidents by class.
    pub by_class: BTreeMap<&'static str, u64>,
    /// Time to detect.
    pub ttd: Spread,
    /// Time to notify.
    pub ttn: Spread,
    /// Time to acknowledge.
    pub tta: Spread,
    /// Time to mitigate.
    pub ttm: Spread,
    /// Time to repair.
    pub ttr: Spread,
    /// Single times to repair, at most [`REPAIRS_MAX`].
    pub repairs: Vec<Single>,
}

impl Figures {
    /// The error budget by the rotations that ended.
    #[must_use]
    pub fn rotation_budget(&self, objective: Objective, window: Window) -> Option<Budget> {
        objective.budget(self.failed, self.failed + self.succeeded, window.length())
    }

    /// The error budget by attempts.
    #[must_use]
    pub fn attempt_budget(&self, objective: Objective, window: Window) -> Option<Budget> {
        let ended = self.attempts_failed + self.attempts_succeeded;
        objective.budget(self.attempts_failed, ended, window.length())
    }
}

/// The figures of a window, as records are added one by one and in any order.
#[derive(Clone, Debug)]
struct Tally {
    window: Window,
    figures: Figures,
    samples: [Samples; 5],
}

impl Tally {
    fn new(window: Window) -> Self {
        Self { window, figures: Figures::default(), samples: Default::default() }
    }

    fn run(&mut self, run: &RunEnd) {
        if !self.window.holds(run.ended_at) {
            return;
        }
        let figures = &mut self.figures;
        figures.attempts_of_ended += u64::from(run.attempts);
        if run.failed.is_some() { figures.failed += 1 } else { figures.succeeded += 1 }
    }

    fn attempt(&mut self, attempt: &Attempt) {
        if !self.window.holds(attempt.at) {
            return;
        }
        let figures = &mut self.figures;
        if attempt.succeeded { figures.attempts_succeeded += 1 } else { figures.attempts_failed += 1 }
    }

    fn incident(&mut self, view: &View) {
        let window = self.window;
        if view.reviewed.is_some_and(|at| window.holds(at)) {
            self.figures.reviewed += 1;
            self.figures.staff_minutes += view.staff_minutes;
        }
        if !window.meets(view) {
            return;
        }
        self.count(view);
        for (samples, lasted) in self.samples.iter_mut().zip(times(view, window)) {
            match lasted {
                Some(_) if view.stepped_back => samples.doubt(),
                Some(lasted) => samples.add(lasted),
                None => {}
            }
        }
    }

    fn count(&mut self, view: &View) {
        let (window, figures) = (self.window, &mut self.figures);
        figures.opened += u64::from(window.holds(view.detected));
        *figures.by_class.entry(view.class.as_str()).or_default() += 1;
        match view.end {
            End::Open => {
                figures.open += 1;
                figures.oldest_open = figures.oldest_open.max(Some(window.as_of().since(view.detected)));
            }
            End::Remediated(at) => {
                figures.resolved += u64::from(window.holds(at));
                let is_acknowledged = view.acknowledged.is_some_and(|acknowledged| acknowledged <= at);
                figures.never_acknowledged += u64::from(!is_acknowledged);
                figures.never_notified += u64::from(view.notified.is_none());
                figures.unreviewed += u64::from(view.reviewed.is_none());
            }
            End::Withdrawn(_) => figures.withdrawn += 1,
        }
    }

    fn figures(self) -> Figures {
        let [.., repairs] = &self.samples;
        let repairs = repairs.few(REPAIRS_MAX);
        let [ttd, ttn, tta, ttm, ttr] = self.samples.map(Samples::spread);
        Figures { ttd, ttn, tta, ttm, ttr, repairs, ..self.figures }
    }
}

/// How long it took to detect, notify, acknowledge, mitigate and repair: of each what there is to tell.
fn times(view: &View, window: Window) -> [Option<Lasted>; 5] {
    let (start, end) = (view.detected, view.end.at());
    let until = |at: Option<Timestamp>| match (at, end) {
        (Some(end), _) => Some(Lasted { start, end, is_open: false }),
        (None, None) => Some(Lasted { start, end: window.as_of(), is_open: true }),
        (None, Some(_)) => None,
    };
    let acknowledged = view.acknowledged.filter(|at| end.is_none_or(|end| *at <= end));
    let repaired = match view.end {
        End::Remediated(at) => Some(at),
        End::Open | End::Withdrawn(_) => None,
    };
    let detected = view.fault.map(|fault| Lasted { start: fault, end: start, is_open: false });
    // A message that arrives when all is over took as long as it took.
    [detected, until(view.notified), until(acknowledged), until(view.mitigated), until(repaired)]
}

/// A part of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Which class, target, rotator, team or month (`2026-11`); of an account, its [`Subject::key`].
    pub name: String,
    /// The time it is about: the window, or the month's part of it.
    pub window: Window,
    /// Its figures.
    pub figures: Figures,
}

/// The whole and its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The whole.
    pub total: Figures,
    /// Its parts, by name.
    pub groups: Vec<Group>,
}

/// Adds up a report, as records are read one by one and in any order.
///
/// Of an incident it keeps at most five durations for the whole and five for each part that it is in; of one that was ever
/// merged with others, what was known of it, until all are there.
#[derive(Debug)]
pub struct Reporter {
    window: Window,
    by: By,
    rotators: BTreeMap<String, String>,
    total: Tally,
    groups: BTreeMap<String, Tally>,
    shared: Vec<Shared>,
}

/// An incident that was ever merged with others, as it was known.
#[derive(Debug)]
struct Shared {
    id: IncidentId,
    target: String,
    team: Option<Team>,
    subject: Option<String>,
    /// At the end of the window, and then of each month of a report by months.
    views: Vec<Option<View>>,
}

/// What something belongs to, by which it is in a part.
#[derive(Clone, Copy)]
struct Of<'a> {
    target: &'a str,
    team: Option<&'a Team>,
    /// Whose credential it is about, if any.
    subject: Option<&'a str>,
}

impl<'a> Of<'a> {
    fn incident(incident: &'a Incident) -> Self {
        let subject = Some(incident.subject.as_str()).filter(|_| incident.kind == Kind::Account);
        Self { target: &incident.target, team: incident.team.as_ref(), subject }
    }

    fn shared(shared: &'a Shared) -> Self {
        Self { target: &shared.target, team: shared.team.as_ref(), subject: shared.subject.as_deref() }
    }
}

impl Reporter {
    /// Nothing yet, for `window`, in parts `by`. `rotators` tells the kind of rotator of each target.
    #[must_use]
    pub fn new(window: Window, by: By, rotators: BTreeMap<String, String>) -> Self {
        let parts = if by == By::Month { months(window) } else { Vec::new() };
        let groups = parts.into_iter().map(|(name, part)| (name, Tally::new(part))).collect();
        Self { window, by, rotators, total: Tally::new(window), groups, shared: Vec::new() }
    }

    /// Whether the lines of `incident` before the end of the window are needed to add it.
    #[must_use]
    pub fn needs_lines(&self, incident: &Incident) -> bool {
        let parts = self.groups.values().filter(|_| self.by == By::Month).map(|part| part.window.to);
        parts.chain([self.window.to]).any(|until| View::needs_lines(incident, until))
    }

    /// Adds an incident; `lines` may be empty unless [`Reporter::needs_lines`] says otherwise. Those at or after the end of the
    /// window change nothing.
    pub fn incident(&mut self, incident: &Incident, lines: &[Entry]) {
        let known = |until| View::before(incident, lines, until);
        let Some(view) = known(self.window.to) else { return };
        let mut views = vec![Some(view)];
        if self.by == By::Month {
            // What was known at the end of the month, not at that of the window.
            views.extend(self.groups.values().map(|part| known(part.window.to)));
        }
        if incident.merged.is_shared() || views.iter().flatten().any(|view| view.into.is_some()) {
            let Of { target, team, subject } = Of::incident(incident);
            let (target, subject) = (target.to_owned(), subject.map(str::to_owned));
            self.shared.push(Shared { id: incident.id, target, team: team.cloned(), subject, views });
        } else {
            self.add(Of::incident(incident), &views);
        }
    }

    /// Adds what was known of an incident: for the whole, and then for each month.
    fn add(&mut self, of: Of<'_>, views: &[Option<View>]) {
        let Some((whole, months)) = views.split_first() else { return };
        if self.by == By::Month {
            for (part, view) in self.groups.values_mut().zip(months) {
                view.iter().for_each(|view| part.incident(view));
            }
        }
        let Some(view) = whole else { return };
        self.total.incident(view);
        if self.by != By::Month
            && self.window.touches(view)
            && let Some(part) = self.part(of, Some(view.class.as_str()))
        {
            part.incident(view);
        }
    }

    /// Adds those that were ever merged: those that were at the end of a part are one incident there.
    fn add_shared(&mut self) {
        let mut shared = std::mem::take(&mut self.shared);
        shared.sort_by_key(|one| one.id);
        let survivors: Vec<IncidentId> = shared.iter().map(|one| one.id).collect();
        for beneath in 0..shared.len() {
            let views = shared.get(beneath).map(|one| one.views.clone()).unwrap_or_default();
            for (part, view) in views.iter().enumerate() {
                let Some(into) = view.and_then(|view| view.into) else { continue };
                let place = survivors.binary_search(&into).ok();
                let survivor = place.and_then(|place| shared.get_mut(place)?.views.get_mut(part));
                // One whose survivor cannot be read stands for itself.
                if let (Some(Some(survivor)), Some(view)) = (survivor, view) {
                    *survivor = survivor.with(view);
                    let own = shared.get_mut(beneath).and_then(|one| one.views.get_mut(part));
                    own.into_iter().for_each(|own| *own = None);
                }
            }
        }
        shared.iter().for_each(|one| self.add(Of::shared(one), &one.views));
    }

    /// Adds a rotation that ended.
    pub fn run(&mut self, run: &RunEnd) {
        self.total.run(run);
        let of = Of { target: &run.target, team: run.team.as_ref(), subject: Some(&run.subject) };
        if self.by == By::Month {
            self.groups.values_mut().for_each(|part| part.run(run));
        } else if self.window.holds(run.ended_at)
            && let Some(part) = self.part(of, run.failed.map(|class| class.as_str()))
        {
            part.run(run);
        }
    }

    /// Adds an attempt.
    pub fn attempt(&mut self, attempt: &Attempt) {
        self.total.attempt(attempt);
        let (team, subject) = (attempt.team.as_ref(), Some(attempt.subject.as_str()));
        let of = Of { target: &attempt.target, team, subject };
        if self.by == By::Month {
            self.groups.values_mut().for_each(|part| part.attempt(attempt));
        } else if self.window.holds(attempt.at)
            && let Some(part) = self.part(of, attempt.class.map(|class| class.as_str()))
        {
            part.attempt(attempt);
        }
    }

    /// What was added up.
    #[must_use]
    pub fn finish(mut self) -> Report {
        self.add_shared();
        let groups = self.groups.into_iter().map(|(name, tally)| {
            let window = tally.window;
            Group { name, window, figures: tally.figures() }
        });
        Report { groups: groups.collect(), total: self.total.figures() }
    }

    /// The part that something belongs to; what succeeded is of no class, and what a target has is no account's.
    fn part(&mut self, of: Of<'_>, class: Option<&str>) -> Option<&mut Tally> {
        let name = match self.by {
            By::Whole | By::Month => return None,
            By::Class => class?,
            By::Target => of.target,
            By::Rotator => self.rotators.get(of.target).map_or(UNKNOWN, String::as_str),
            By::Team => of.team.map_or(NO_TEAM, Team::as_str),
            By::Account => of.subject.filter(|subject| Subject::from_key(subject).is_some())?,
        };
        let name = name.to_owned();
        Some(self.groups.entry(name).or_insert_with(|| Tally::new(self.window)))
    }
}

/// The rotator of a target that is no longer configured.
pub const UNKNOWN: &str = "unknown";
/// Single durations that a part of a report tells of: enough to draw.
pub const REPAIRS_MAX: usize = 200;

#[cfg(test)]
mod tests;
