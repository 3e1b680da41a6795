//! Made-up histories: the records as the vault keeps them.

use std::time::Duration;

use vault_core::account::plan::RunEnd;
use vault_core::clock::Timestamp;
use vault_core::entropy::SeededEntropy;
use vault_core::id::{IncidentId, RotationId};
use vault_core::incident::Incident;
use vault_core::incident::entry::{Cause, Entry};
use vault_core::incident::ledger::{FaultReport, LedgerEvent};
use vault_core::incident::report::Window;
use vault_core::lease::dynamic::trouble::SUBJECT;
use vault_core::rotation::attempt::Attempt;
use vault_core::rotation::fault::{FaultClass, Scope};
use vault_core::rotation::run::Step;

use super::export::Records;
use super::merged::{self, OF_TARGET, Told, fold};
use super::whose::{TARGETS, Teams};

/// A small generator for choices.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    pub(crate) fn choice(&mut self, sides: u64) -> usize {
        usize::try_from(self.roll(sides)).unwrap()
    }

    fn class(&mut self) -> FaultClass {
        CLASSES[self.choice(CLASSES.len() as u64)]
    }
}

/// Whether the wall clock steps back now and then.
#[derive(Clone, Copy)]
pub(crate) enum Clock {
    Steps,
    Honest,
}

/// What happened in one store.
pub(crate) struct History {
    /// Each with its time line.
    pub(crate) incidents: Vec<(Incident, Vec<Entry>)>,
    pub(crate) runs: Vec<RunEnd>,
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) now: Timestamp,
    /// Each incident's events, in order.
    events: Vec<Told>,
    teams: Teams,
}

impl History {
    /// `count` incidents, and as many rotations and attempts, by a wall clock of this kind.
    pub(crate) fn random(seed: u64, count: usize, clock: Clock) -> Self {
        let (mut dice, entropy) = (Dice(seed), SeededEntropy::new(seed));
        let mut events = Vec::new();
        let (mut runs, mut attempts) = (Vec::new(), Vec::new());
        // Of every fifth store nobody has said whose anything is.
        let teams = if seed % 5 == 4 { Teams::default() } else { Teams::random(seed) };
        for _ in 0..count {
            let target = format!("t{}", dice.roll(TARGETS));
            let began = moment(&mut dice);
            let subject = subject(&mut dice, &target);
            events.push(incident(&mut dice, &entropy, (&subject, &target), (began, clock)));
            let account = account(&mut dice, &target);
            let run = rotation(&mut dice, &entropy, (&account, &target));
            runs.push(RunEnd { team: teams.of(&account, &target, run.ended_at), ..run });
            let attempt = tried(&mut dice, &entropy, (&account, &target));
            attempts.push(Attempt { team: teams.of(&account, &target, attempt.at), ..attempt });
        }
        merged::some(&mut Dice(seed ^ 0xFACE), &mut events);
        let known = |told: &Told| folded(&teams, told.iter().map(|(_, event)| event));
        let incidents = events.iter().filter_map(known).collect();
        Self { incidents, runs, attempts, now: Timestamp::from_millis(BEGIN + SPAN), events, teams }
    }

    /// All of it, with the rotators of all targets but one, which is not configured any more.
    pub(crate) fn records(&self) -> Records<'_> {
        let rotators = [("t0", "postgresql"), ("t1", "ldap"), ("t2", "postgresql")];
        Records {
            incidents: self.incidents.iter().map(|(incident, lines)| (incident, lines.as_slice())).collect(),
            runs: self.runs.iter().collect(),
            attempts: self.attempts.iter().collect(),
            rotators: rotators.map(|(target, rotator)| (target.to_owned(), rotator.to_owned())).into(),
        }
    }

    /// How many incidents are about what came into other hands between their first line and their last.
    pub(crate) fn handed_over(&self) -> usize {
        let was = |(incident, lines): &&(Incident, Vec<Entry>)| {
            let ends = lines.first().zip(lines.last()).map(|(first, last)| (first.at, last.at));
            ends.is_some_and(|ends| self.teams.changed(&incident.subject, &incident.target, ends))
        };
        self.incidents.iter().filter(was).count()
    }

    /// The records as they were at `until`.
    pub(crate) fn cut(&self, until: Timestamp) -> Self {
        let known = |events: &Told| {
            folded(&self.teams, events.iter().filter(|(at, _)| *at < until).map(|(_, event)| event))
        };
        Self {
            incidents: self.events.iter().filter_map(known).collect(),
            runs: self.runs.iter().filter(|run| run.ended_at < until).cloned().collect(),
            attempts: self.attempts.iter().filter(|attempt| attempt.at < until).cloned().collect(),
            now: until,
            events: Vec::new(),
            teams: Teams::default(),
        }
    }

    /// Some window, also one that ends exactly with a month or lies partly ahead.
    pub(crate) fn window(&self, dice: &mut Dice) -> Window {
        let months = ["2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z"];
        let from = moment(dice);
        let to = match dice.roll(4) {
            0 => Timestamp::parse_rfc3339(months[dice.choice(3)]).unwrap(),
            _ => from.plus(Duration::from_millis(1 + dice.roll(u64::try_from(SPAN).unwrap()))),
        };
        let now = if dice.roll(3) == 0 { moment(dice) } else { self.now };
        Window { from: from.min(to.minus(Duration::from_millis(1))), to, now }
    }
}

/// The record and the time line that events come to, stamped with whose it was when it was opened.
fn folded<'a>(
    teams: &Teams,
    events: impl Iterator<Item = &'a LedgerEvent>,
) -> Option<(Incident, Vec<Entry>)> {
    let (mut incident, mut lines): (_, Vec<Entry>) = (None, Vec::new());
    for event in events {
        if let Some((after, entries)) = fold(incident.clone(), event) {
            incident = Some(after);
            lines.extend(entries);
        }
    }
    let (incident, opened) = (incident?, lines.first()?.at);
    let team = teams.of(&incident.subject, &incident.target, opened);
    Some((Incident { team, ..incident }, lines))
}

/// What an incident is about: mostly an account, and now and then what is none.
fn subject(dice: &mut Dice, target: &str) -> String {
    match dice.roll(8) {
        0 => format!("{OF_TARGET}{target}"),
        1 => format!("{SUBJECT}{target}"),
        _ => account(dice, target),
    }
}

/// The key of an account or management credential.
fn account(dice: &mut Dice, target: &str) -> String {
    match dice.roll(8) {
        0 => format!("m/{target}"),
        other => format!("a/{target}/app-{}", other / 2),
    }
}

fn moment(dice: &mut Dice) -> Timestamp {
    let whole = BEGIN + i64::try_from(dice.roll(u64::try_from(SPAN).unwrap())).unwrap();
    match dice.roll(10) {
        // Months' ends, to the millisecond.
        0 => Timestamp::parse_rfc3339("2026-02-28T23:59:59.999Z").unwrap(),
        1 => Timestamp::parse_rfc3339("2026-03-01T00:00:00Z").unwrap(),
        _ => Timestamp::from_millis(whole),
    }
}

/// The events of one incident, each with the time by which it counts.
fn incident(
    dice: &mut Dice,
    entropy: &SeededEntropy,
    (subject, target): (&str, &str),
    (began, clock): (Timestamp, Clock),
) -> Told {
    let id = IncidentId::generate(began, entropy);
    let due_at = began.minus(Duration::from_secs(dice.roll(100_000)));
    let started_at = match (clock, dice.roll(20)) {
        // The clock was stepped back between the attempt's beginning and its end.
        (Clock::Steps, 0) => began.plus(Duration::from_secs(1)),
        _ => began,
    };
    let fault = |at, class, reopened| {
        LedgerEvent::Fault(FaultReport {
            incident: id,
            reopened,
            at,
            subject: subject.to_owned(),
            target: target.to_owned(),
            class,
            phase: Some(Step::Apply),
            detail: "port 5432: closed".to_owned(),
            due_at,
            started_at,
            attempts: 1,
            stays_parked: false,
            scope: Scope::Account,
            moved_from: None,
        })
    };
    let mut told = vec![(began, fault(began, dice.class(), false))];
    let (mut at, mut is_open, mut openings) = (began, true, 0);
    for _ in 0..dice.roll(12) {
        at = match clock {
            Clock::Steps => step(dice, at),
            Clock::Honest => step(dice, at).max(at),
        };
        let by = "eve".to_owned();
        // A year, now and then: the most that one note may tell of.
        let most = if dice.roll(4) == 0 { 525_601 } else { 90 };
        let staff_minutes = u32::try_from(dice.roll(most)).unwrap();
        let event = match (dice.roll(11), is_open) {
            (0 | 1, _) => {
                let event = fault(at, dice.class(), !is_open);
                openings += u32::from(!is_open);
                is_open = true;
                event
            }
            (2 | 3, _) => LedgerEvent::Acknowledged { incident: id, at, by },
            // Now and then what comes late is of an opening that is over.
            (9 | 10, _) => {
                let receiver = "chat".to_owned();
                let opening = openings.saturating_sub(u32::try_from(dice.roll(2)).unwrap());
                LedgerEvent::Notified { incident: id, at, receiver, opening }
            }
            (4, true) => LedgerEvent::Mitigated { incident: id, at },
            (5 | 6, true) => {
                is_open = false;
                LedgerEvent::Remediated { incident: id, at }
            }
            (7, true) if dice.roll(2) == 0 => {
                is_open = false;
                LedgerEvent::Withdrawn { incident: id, at, by }
            }
            (4..=7, false) => {
                let (cause, text) = (Cause::Network, "a cable".to_owned());
                LedgerEvent::Reviewed { incident: id, at, by, cause, text, staff_minutes }
            }
            _ => LedgerEvent::Note { incident: id, at, by, text: "seen: yes".to_owned(), staff_minutes },
        };
        told.push((at, event));
    }
    told
}

/// The clock goes on, by a little or by weeks; now and then it steps back, also by less than counts, and now and then it
/// stands.
fn step(dice: &mut Dice, at: Timestamp) -> Timestamp {
    match dice.roll(15) {
        14 => at.minus(Duration::from_millis(998 + dice.roll(4))),
        0 => at.minus(Duration::from_millis(1 + dice.roll(3_600_000))),
        1 => at.minus(Duration::from_millis(dice.roll(20 * 24 * 3_600_000))),
        2 => at,
        3..=5 => at.plus(Duration::from_millis(dice.roll(20 * 24 * 3_600_000))),
        _ => at.plus(Duration::from_millis(dice.roll(7_200_000))),
    }
}

fn rotation(dice: &mut Dice, entropy: &SeededEntropy, (subject, target): (&str, &str)) -> RunEnd {
    let ended_at = moment(dice);
    RunEnd {
        rotation: RotationId::generate(ended_at, entropy),
        subject: subject.to_owned(),
        target: target.to_owned(),
        due_at: ended_at,
        started_at: ended_at,
        ended_at,
        attempts: u32::try_from(1 + dice.roll(5)).unwrap(),
        failed: (dice.roll(5) == 0).then(|| dice.class()),
        team: None,
    }
}

fn tried(dice: &mut Dice, entropy: &SeededEntropy, (subject, target): (&str, &str)) -> Attempt {
    let at = moment(dice);
    let class = (dice.roll(3) == 0).then(|| dice.class());
    Attempt {
        rotation: RotationId::generate(at, entropy),
        number: 1,
        subject: subject.to_owned(),
        target: target.to_owned(),
        at,
        succeeded: class.is_none(),
        class,
        phase: class.map(|_| Step::Apply),
        team: None,
    }
}

const CLASSES: [FaultClass; 4] =
    [FaultClass::Unreachable, FaultClass::Overdue, FaultClass::PolicyRejected, FaultClass::Drift];
/// The year 2026 begins.
pub(crate) const BEGIN: i64 = 1_767_225_600_000;
/// 140 days.
pub(crate) const SPAN: i64 = 140 * 24 * 3_600_000;

/// The incidents of the table on the page: name, t2, t3, and what then.
pub(crate) fn of_page(example: &str) -> Vec<(Incident, Vec<Entry>)> {
    let time = |text: &str| {
        let (day, hour) = text.trim().split_once(' ').unwrap();
        Timestamp::parse_rfc3339(&format!("2026-{day}T{hour}:00Z")).unwrap()
    };
    let entropy = SeededEntropy::new(1);
    let rows = example.lines().map(|line| line.split('|').map(str::trim).collect::<Vec<_>>());
    let of_row = |cells: &[&str]| {
        let (wrong, at) = (time(cells[2]), time(cells[3]));
        let incident = IncidentId::generate(at, &entropy);
        // What was wrong before it was seen was overdue.
        let class = if wrong < at { FaultClass::Overdue } else { FaultClass::Unreachable };
        let fault = |at, reopened| {
            LedgerEvent::Fault(FaultReport {
                incident,
                reopened,
                at,
                subject: "a/app".to_owned(),
                target: "t".to_owned(),
                class,
                phase: None,
                detail: "port 5432: closed".to_owned(),
                due_at: wrong,
                started_at: at,
                attempts: 1,
                stays_parked: false,
                scope: Scope::Account,
                moved_from: None,
            })
        };
        let later = cells[4].split(", ").map(|event| {
            let (word, at) = event.split_once(' ').unwrap();
            let (at, by) = (time(at), "eve".to_owned());
            match word {
                "notified" => LedgerEvent::Notified { incident, at, receiver: "chat".to_owned(), opening: 0 },
                "acknowledged" => LedgerEvent::Acknowledged { incident, at, by },
                "mitigated" => LedgerEvent::Mitigated { incident, at },
                "remediated" => LedgerEvent::Remediated { incident, at },
                "withdrawn" => LedgerEvent::Withdrawn { incident, at, by },
                "reopened" => fault(at, true),
                "noted" => LedgerEvent::Note { incident, at, by, text: String::new(), staff_minutes: 30 },
                "reviewed" => {
                    let (cause, text) = (Cause::Unknown, String::new());
                    LedgerEvent::Reviewed { incident, at, by, cause, text, staff_minutes: 60 }
                }
                other => unreachable!("{other}"),
            }
        });
        let events: Vec<LedgerEvent> = std::iter::once(fault(at, false)).chain(later).collect();
        folded(&Teams::default(), events.iter())
    };
    let is_incident = |cells: &Vec<&str>| cells.len() == 6 && cells[1].len() == 1;
    rows.filter(is_incident).filter_map(|cells| of_row(&cells)).collect()
}
