//! The records of a store as the independent program reads them, and the report in its words.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use vault_core::account::plan::RunEnd;
use vault_core::clock::Timestamp;
use vault_core::incident::Incident;
use vault_core::incident::budget::{Budget, Objective};
use vault_core::incident::entry::{Entry, What};
use vault_core::incident::measure::{Rank, Single, Spread};
use vault_core::incident::report::{By, Change, Figures, Report, Reporter, Window};
use vault_core::rotation::attempt::Attempt;
use vault_core::rotation::fault::FaultClass;

use crate::program::shuffle;

/// What a report is added up from.
pub(crate) struct Records<'a> {
    /// Each with its time line.
    pub(crate) incidents: Vec<(&'a Incident, &'a [Entry])>,
    pub(crate) runs: Vec<&'a RunEnd>,
    pub(crate) attempts: Vec<&'a Attempt>,
    /// The rotator of each target that is configured.
    pub(crate) rotators: BTreeMap<String, String>,
}

/// One of them.
#[derive(Clone, Copy)]
enum One<'a> {
    Incident(&'a Incident, &'a [Entry]),
    Run(&'a RunEnd),
    Attempt(&'a Attempt),
}

/// What is asked of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    pub(crate) window: Window,
    pub(crate) objective: Objective,
    /// In hundredths.
    pub(crate) hourly_cost: Option<u64>,
}

/// What a report is divided by, and the word for it.
pub(crate) const PARTS: [(By, &str); 6] = [
    (By::Month, "month"),
    (By::Target, "target"),
    (By::Class, "class"),
    (By::Rotator, "rotator"),
    (By::Team, "team"),
    (By::Account, "account"),
];

impl Terms {
    /// As the program is asked.
    pub(crate) fn asked(&self) -> Value {
        let Window { from, to, now } = self.window;
        json!({
            "from": from.as_millis(), "to": to.as_millis(), "now": now.as_millis(),
            "by": PARTS.map(|(_, word)| word),
            "objective": self.objective.millionths(), "hourly_cost": self.hourly_cost,
        })
    }
}

impl Records<'_> {
    /// One after the other, as the program reads them.
    pub(crate) fn exported(&self) -> Vec<Value> {
        let incidents = self.incidents.iter().flat_map(|(incident, lines)| {
            let id = incident.id.to_string();
            let lines: Vec<Value> = lines.iter().map(|line| exported(&id, line)).collect();
            let record = json!({
                "record": "incident", "id": id, "kind": incident.kind.word(), "subject": incident.subject,
                "target": incident.target, "team": incident.team,
            });
            std::iter::once(record).chain(lines)
        });
        let runs = self.runs.iter().map(|run| {
            json!({
                "record": "rotation", "rotation": run.rotation.to_string(), "subject": run.subject,
                "target": run.target, "team": run.team, "at": run.ended_at.as_millis(), "attempts": run.attempts,
                "class": run.failed.map(FaultClass::as_str),
            })
        });
        let attempts = self.attempts.iter().map(|attempt| {
            json!({
                "record": "attempt", "rotation": attempt.rotation.to_string(), "number": attempt.number,
                "subject": attempt.subject, "target": attempt.target, "team": attempt.team,
                "at": attempt.at.as_millis(), "succeeded": attempt.succeeded,
                "class": attempt.class.map(FaultClass::as_str),
            })
        });
        let rotators = self.rotators.iter();
        let targets =
            rotators.map(|(name, rotator)| json!({ "record": "target", "name": name, "rotator": rotator }));
        incidents.chain(runs).chain(attempts).chain(targets).collect()
    }

    /// The report, of records that are added in any order.
    pub(crate) fn report(&self, window: Window, by: By, roll: impl FnMut(u64) -> u64) -> Report {
        let mut reporter = Reporter::new(window, by, self.rotators.clone());
        let incidents = self.incidents.iter().map(|(incident, lines)| One::Incident(incident, lines));
        let runs = self.runs.iter().map(|run| One::Run(run));
        let attempts = self.attempts.iter().map(|attempt| One::Attempt(attempt));
        let mut all: Vec<One<'_>> = incidents.chain(runs).chain(attempts).collect();
        shuffle(&mut all, roll);
        for one in all {
            match one {
                One::Incident(incident, lines) => {
                    let lines = if reporter.needs_lines(incident) { lines } else { &[] };
                    reporter.incident(incident, lines);
                }
                One::Run(run) => reporter.run(run),
                One::Attempt(attempt) => reporter.attempt(attempt),
            }
        }
        reporter.finish()
    }

    /// The whole and its parts by everything, in the words of the program.
    pub(crate) fn measured(&self, terms: &Terms, mut roll: impl FnMut(u64) -> u64) -> Value {
        let mut total = Value::Null;
        let parts: BTreeMap<&str, Value> = PARTS
            .into_iter()
            .map(|(by, word)| {
                let report = self.report(terms.window, by, &mut roll);
                let whole = figures(&report.total, terms.window, terms);
                assert!(total.is_null() || total == whole, "the whole is another by {word}");
                total = whole;
                (word, parts(&report, by, terms))
            })
            .collect();
        json!({ "total": total, "parts": parts })
    }
}

/// A line of an incident's time line.
fn exported(incident: &str, line: &Entry) -> Value {
    let (fault, started) = match &line.what {
        What::Opened { fault_at, started_at, .. } => (Some(fault_at), Some(started_at)),
        _ => (None, None),
    };
    let into = match &line.what {
        What::Merged { into } => Some(into.to_string()),
        _ => None,
    };
    json!({
        "record": "line",
        "incident": incident,
        "seq": line.seq,
        "at": line.at.as_millis(),
        "clock": line.wall.map(Timestamp::as_millis),
        "kind": line.word(),
        "class": line.failure().map(|failure| failure.class.as_str()),
        "staff_minutes": line.staff_minutes(),
        "fault": fault.map(|at| at.as_millis()),
        "started": started.map(|at| at.as_millis()),
        "into": into,
    })
}

fn parts(report: &Report, by: By, terms: &Terms) -> Value {
    let mut before: Option<&Figures> = None;
    let parts = report.groups.iter().map(|part| {
        let mut told = figures(&part.figures, part.window, terms);
        let change = before.replace(&part.figures).filter(|_| by == By::Month);
        let change = change.map(|before| changed(part.figures.change_since(before)));
        told["change"] = change.unwrap_or_default();
        (part.name.clone(), told)
    });
    parts.collect::<BTreeMap<String, Value>>().into_iter().collect()
}

fn figures(figures: &Figures, window: Window, terms: &Terms) -> Value {
    json!({
        "window": [window.from.as_millis(), window.to.as_millis()],
        "succeeded": figures.succeeded,
        "failed": figures.failed,
        "attempts_of_ended": figures.attempts_of_ended,
        "attempts_succeeded": figures.attempts_succeeded,
        "attempts_failed": figures.attempts_failed,
        "rotation_budget": figures.rotation_budget(terms.objective, window).map(budget),
        "attempt_budget": figures.attempt_budget(terms.objective, window).map(budget),
        "opened": figures.opened,
        "resolved": figures.resolved,
        "open": figures.open,
        "oldest_open": figures.oldest_open.map(|age| u64::try_from(age.as_micros()).unwrap()),
        "never_acknowledged": figures.never_acknowledged,
        "never_notified": figures.never_notified,
        "withdrawn": figures.withdrawn,
        "reviewed": figures.reviewed,
        "staff_minutes": figures.staff_minutes,
        "cost": terms.hourly_cost.map(|hourly| figures.cost(hourly)),
        "unreviewed": figures.unreviewed,
        "by_class": figures.by_class,
        "ttd": spread(figures.ttd),
        "ttn": spread(figures.ttn),
        "tta": spread(figures.tta),
        "ttm": spread(figures.ttm),
        "ttr": spread(figures.ttr),
        "repairs": figures.repairs.iter().map(single).collect::<Vec<_>>(),
    })
}

fn changed(change: Change) -> Value {
    json!({
        "failed_rotations": change.failed_rotations,
        "failed_attempts": change.failed_attempts,
        "opened": change.opened,
    })
}

fn budget(budget: Budget) -> Value {
    json!({ "share": budget.share, "burn": budget.burn, "spent": budget.spent })
}

fn single(single: &Single) -> Value {
    json!({ "micros": single.micros, "open": single.is_open })
}

fn spread(spread: Spread) -> Value {
    let rank = |rank: Option<Rank>| rank.map(|r| json!({ "micros": r.micros, "is_floor": r.is_floor }));
    json!({
        "n": spread.n,
        "completed": spread.completed,
        "censored": spread.censored,
        "suspect": spread.suspect,
        "mean": spread.mean,
        "p50": rank(spread.p50),
        "p90": rank(spread.p90),
        "max": rank(spread.max),
    })
}
