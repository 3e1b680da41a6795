//! The parts of a report by team and by account.

use super::*;
use crate::entropy::SeededEntropy;
use crate::id::RotationId;
use crate::incident::entry::Cause;
use crate::incident::ledger::{FaultReport, LedgerEvent, record};
use crate::incident::merge::Merges;
use crate::lease::dynamic::trouble::SUBJECT;
use crate::rotation::fault::FaultClass;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fn team(name: &str) -> Option<Team> {
    (!name.is_empty()).then(|| Team::parse(name).unwrap())
}

/// An incident of `subject` that took so many minutes, with its time line.
fn reviewed(seed: u64, kind: Kind, subject: &str, whose: &str, staff_minutes: u32) -> (Incident, Vec<Entry>) {
    let incident = IncidentId::generate(NOW, &SeededEntropy::new(seed));
    let at = NOW.minus(Duration::from_secs(3600));
    let by = || "eve".to_owned();
    let events = [
        LedgerEvent::Fault(FaultReport {
            incident,
            reopened: false,
            at,
            subject: subject.to_owned(),
            target: "pg".to_owned(),
            class: FaultClass::Drift,
            phase: None,
            detail: "words".to_owned(),
            due_at: at,
            started_at: at,
            attempts: 1,
            stays_parked: false,
            scope: Default::default(),
            moved_from: None,
        }),
        LedgerEvent::Remediated { incident, at },
        LedgerEvent::Reviewed { incident, at, by: by(), cause: Cause::Person, text: by(), staff_minutes },
    ];
    let (mut folded, mut lines) = (None, Vec::new());
    for event in &events {
        let recorded = record(folded.take(), event).unwrap();
        lines.extend(recorded.entry);
        folded = Some(recorded.incident);
    }
    (Incident { kind, team: team(whose), ..folded.unwrap() }, lines)
}

fn ended(subject: &str, whose: &str) -> RunEnd {
    RunEnd {
        rotation: RotationId::generate(NOW, &SeededEntropy::new(9)),
        subject: subject.to_owned(),
        target: "pg".to_owned(),
        due_at: NOW,
        started_at: NOW,
        ended_at: NOW,
        attempts: 1,
        failed: None,
        team: team(whose),
    }
}

/// Of each part its name, incidents opened, staff minutes and rotations that succeeded; the whole comes first.
fn parts(by: By, incidents: &[(Incident, Vec<Entry>)], runs: &[RunEnd]) -> Vec<(String, [u64; 3])> {
    let mut reporter = Reporter::new(Window::until_now(NOW), by, BTreeMap::new());
    incidents.iter().for_each(|(incident, lines)| reporter.incident(incident, lines));
    runs.iter().for_each(|run| reporter.run(run));
    let report = reporter.finish();
    let told = |figures: &Figures| [figures.opened, figures.staff_minutes, figures.succeeded];
    let parts = report.groups.iter().map(|part| (part.name.clone(), told(&part.figures)));
    std::iter::once(("whole".to_owned(), told(&report.total))).chain(parts).collect()
}

fn named(parts: &[(&str, [u64; 3])]) -> Vec<(String, [u64; 3])> {
    parts.iter().map(|(name, told)| ((*name).to_owned(), *told)).collect()
}

#[test]
fn what_is_of_no_team_is_told_by_itself() {
    let incidents = [
        reviewed(1, Kind::Account, "a/app", "payments", 30),
        reviewed(2, Kind::Account, "a/app", "search", 5),
        reviewed(3, Kind::Target, "pg", "search", 60),
        reviewed(4, Kind::Account, "a/old", "", 7),
    ];
    let runs = [ended("a/app", "search"), ended("a/app", "payments"), ended("a/old", "")];
    let want =
        [("whole", [4, 102, 3]), (NO_TEAM, [1, 7, 1]), ("payments", [1, 30, 1]), ("search", [2, 65, 1])];
    assert_eq!(parts(By::Team, &incidents, &runs), named(&want));
}

#[test]
fn what_a_target_or_its_leases_cost_is_no_accounts() {
    let incidents = [
        reviewed(1, Kind::Account, "a/app", "", 30),
        reviewed(2, Kind::Account, "a/app", "", 5),
        reviewed(3, Kind::Target, "pg", "", 60),
        reviewed(4, Kind::Account, "m/pg", "", 7),
        reviewed(5, Kind::Account, &format!("{SUBJECT}pg"), "", 8),
    ];
    let runs = [ended("a/app", ""), ended("a/quiet", "")];
    let want = [("whole", [5, 110, 2]), ("a/app", [2, 35, 1]), ("a/quiet", [0, 0, 1]), ("m/pg", [1, 7, 0])];
    assert_eq!(parts(By::Account, &incidents, &runs), named(&want));
}

#[test]
fn merged_incidents_are_the_survivors() {
    let (survivor, lines) = reviewed(1, Kind::Account, "a/app", "payments", 30);
    let (beneath, mut said) = reviewed(2, Kind::Account, "a/other", "search", 5);
    let into = LedgerEvent::Merged { incident: beneath.id, at: NOW, by: "eve".to_owned(), into: survivor.id };
    let merged = record(Some(beneath), &into).unwrap();
    said.extend(merged.entry);
    let survivor = Incident { merged: Merges { ever: true, ..survivor.merged }, ..survivor };
    let incidents = [(merged.incident, said), (survivor, lines)];
    assert_eq!(parts(By::Team, &incidents, &[]), named(&[("whole", [1, 35, 0]), ("payments", [1, 35, 0])]));
    assert_eq!(parts(By::Account, &incidents, &[]), named(&[("whole", [1, 35, 0]), ("a/app", [1, 35, 0])]));
}
