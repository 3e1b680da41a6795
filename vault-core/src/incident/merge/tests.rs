//! What may be merged, what closes when, and that no order of anything closes what is not proven or hides what is open.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::group::{self, Member};
use super::*;
use crate::incident::ledger::{FaultReport, record};
use crate::rotation::fault::{FaultClass, Scope};

fn at(minute: i64) -> Timestamp {
    Timestamp::from_secs(1_800_000_000 + 60 * minute)
}

fn id(number: u8) -> IncidentId {
    IncidentId::from_stored([number; 16])
}

/// The incidents 0 to 2 are of an account each, 3 and 4 of the targets 3 and 4.
#[derive(Clone, Default)]
struct World {
    incidents: BTreeMap<u8, Incident>,
    /// Accounts beneath a target's incident, and the lines of all.
    members: BTreeMap<(u8, u8), Member>,
    lines: BTreeMap<u8, Vec<Entry>>,
    now: i64,
}

fn number(incident: IncidentId) -> u8 {
    incident.as_bytes()[0]
}

impl World {
    fn fault(&mut self, incident: u8, account: u8, class: FaultClass) {
        let is_target = incident >= FIRST_TARGET;
        let report = FaultReport {
            incident: id(incident),
            reopened: false,
            at: at(self.now),
            subject: format!("a/{incident}-{account}"),
            target: if is_target { format!("t{incident}") } else { "t3".to_owned() },
            class,
            phase: None,
            detail: "words".to_owned(),
            due_at: at(self.now),
            started_at: at(self.now),
            attempts: 1,
            stays_parked: false,
            scope: if is_target { Scope::Target } else { Scope::Account },
            moved_from: None,
        };
        self.tell(&LedgerEvent::Fault(report), account);
    }

    fn prove(&mut self, incident: u8, account: u8) {
        self.tell(&LedgerEvent::Remediated { incident: id(incident), at: at(self.now) }, account);
    }

    fn withdraw(&mut self, incident: u8, account: u8) {
        let by = "ann".to_owned();
        self.tell(&LedgerEvent::Withdrawn { incident: id(incident), at: at(self.now), by }, account);
    }

    fn merge(&mut self, one: u8, into: u8) -> Result<(), Refusal> {
        let (Some(first), Some(second)) = (self.incidents.get(&one), self.incidents.get(&into)) else {
            return Err(Refusal::Over);
        };
        for event in join(first, second, at(self.now), "ann")? {
            self.tell(&event, 0);
        }
        Ok(())
    }

    fn unmerge(&mut self, one: u8) -> Result<(), Refusal> {
        let first = self.incidents.get(&one).ok_or(Refusal::NotMerged)?;
        may_unmerge(self.incidents.get(&number(survivor(first)?)))?;
        let (by, incident) = ("ann".to_owned(), id(one));
        self.tell(&LedgerEvent::Unmerged { incident, at: at(self.now), by }, 0);
        Ok(())
    }

    fn take(&mut self, one: u8) {
        let (by, incident) = ("bob".to_owned(), id(one));
        let event = LedgerEvent::Acknowledged { incident, at: at(self.now), by };
        if self.incidents.get(&one).is_some_and(|known| ledger::refusal(known, &event).is_none()) {
            self.tell(&event, 0);
        }
    }

    /// As a commit does it.
    fn tell(&mut self, event: &LedgerEvent, account: u8) {
        self.now += 1;
        let incident = number(event.incident());
        let before = self.incidents.get(&incident).cloned();
        self.fold(event, account);
        let Some(after) = self.incidents.get(&incident) else { return };
        for event in follows(before.as_ref(), after, &[event]) {
            self.fold(&event, 0);
        }
    }

    fn fold(&mut self, event: &LedgerEvent, account: u8) {
        let key = number(event.incident());
        let before = self.incidents.get(&key).cloned();
        let (incident, entries) = if matches!(event, LedgerEvent::Beneath { .. }) {
            let Some(before) = before else { return };
            let Heard { incident, entries } = hear(before, event);
            (incident, entries)
        } else if key >= FIRST_TARGET {
            let member = self.members.get(&(key, account)).cloned();
            let Some(heard) = group::hear(before, member, event) else { return };
            if let Some(member) = heard.member {
                self.members.insert((key, account), member);
            }
            (heard.incident, heard.entries)
        } else {
            let Some(recorded) = record(before, event) else { return };
            (recorded.incident, recorded.entry.into_iter().collect())
        };
        self.incidents.insert(key, incident);
        self.lines.entry(key).or_default().extend(entries);
    }

    fn state(&self, one: u8) -> IncidentState {
        self.incidents[&one].state
    }

    fn words(&self, one: u8) -> Vec<&'static str> {
        self.lines[&one].iter().map(Entry::word).collect()
    }
}

/// Three that are open, and a target's.
fn four() -> World {
    let mut world = World::default();
    for one in 0..3 {
        world.fault(one, 0, FaultClass::StoreFailed);
    }
    world.fault(3, 0, FaultClass::Unreachable);
    world
}

#[test]
fn what_may_not_be_merged_is_refused_with_its_reason() {
    let mut world = four();
    world.merge(0, 1).unwrap();
    world.fault(4, 0, FaultClass::Unreachable);
    world.prove(4, 0);
    assert_eq!(world.merge(2, 2), Err(Refusal::Itself));
    assert_eq!(world.merge(0, 2), Err(Refusal::Merged(id(1))));
    assert_eq!(world.merge(2, 0), Err(Refusal::IntoMerged(id(1))));
    assert_eq!(world.merge(1, 0), Err(Refusal::IntoMerged(id(1))), "no circle");
    assert_eq!(world.merge(1, 2), Err(Refusal::HasOthers));
    assert_eq!(world.merge(4, 2), Err(Refusal::Over));
    assert_eq!(world.merge(2, 4), Err(Refusal::IntoOver));
    assert_eq!(world.merge(3, 2), Err(Refusal::IntoMember), "2 is on that target");
    assert_eq!(world.unmerge(2), Err(Refusal::NotMerged));
    world.fault(4, 0, FaultClass::Unreachable);
    world.merge(4, 2).unwrap();
    world.merge(3, 2).unwrap_err();
    let full = world.incidents.get_mut(&1).unwrap();
    full.merged.beneath = vec![Duplicate { incident: id(0), is_open: true }; BENEATH_MAX];
    assert_eq!(world.merge(3, 1), Err(Refusal::IntoMember));
    world.unmerge(4).unwrap();
    assert_eq!(world.merge(4, 1), Err(Refusal::Full));
}

#[test]
fn the_survivor_is_over_with_the_last_proof_whoever_it_is_of() {
    for own_first in [true, false] {
        let mut world = four();
        world.merge(0, 1).unwrap();
        let (first, last) = if own_first { (1, 0) } else { (0, 1) };
        world.prove(first, 0);
        assert_eq!(world.state(1), IncidentState::Open, "{own_first}");
        assert_eq!(world.incidents[&1].marks.t7, None);
        world.prove(last, 0);
        assert_eq!((world.state(0), world.state(1)), (IncidentState::Closed, IncidentState::Closed));
        let t7 = |one: u8| world.incidents[&one].marks.t7.unwrap();
        assert_eq!(t7(1), t7(0).max(t7(1)), "the last of both");
    }
}

#[test]
fn a_targets_incident_waits_for_what_is_merged_into_it() {
    let mut world = four();
    world.merge(0, 3).unwrap();
    world.prove(3, 0);
    assert_eq!(world.state(3), IncidentState::Open);
    world.fault(3, 1, FaultClass::Unreachable);
    world.prove(0, 0);
    assert_eq!(world.state(3), IncidentState::Open, "another account fails there");
    world.prove(3, 1);
    assert_eq!(world.state(3), IncidentState::Closed);
    let words =
        ["opened", "joined", "merged", "left", "own_proven", "joined", "merged_proven", "left", "remediated"];
    assert_eq!(world.words(3), words);
    assert_eq!(world.words(0), ["opened", "merged", "remediated"]);
}

#[test]
fn what_fails_again_beneath_it_opens_the_survivor_again() {
    let mut world = four();
    world.merge(0, 1).unwrap();
    world.prove(1, 0);
    world.prove(0, 0);
    world.fault(0, 0, FaultClass::Drift);
    let survivor = &world.incidents[&1];
    assert_eq!(
        (survivor.state, survivor.marks.t7, survivor.class),
        (IncidentState::Open, None, FaultClass::Drift)
    );
    assert_eq!(survivor.severity(), Severity::Critical);
    assert!(survivor.waits_since().is_some() && world.incidents[&0].waits_since().is_none());
    world.prove(0, 0);
    assert_eq!(world.state(1), IncidentState::Closed, "its own part was over all the time");
    // Its own failure opens it alone.
    world.fault(1, 0, FaultClass::StoreFailed);
    assert_eq!((world.state(1), world.state(0)), (IncidentState::Open, IncidentState::Closed));
    world.prove(1, 0);
    assert_eq!(world.state(1), IncidentState::Closed);
}

#[test]
fn what_nobody_proved_is_no_repair() {
    let mut world = four();
    world.merge(0, 1).unwrap();
    world.withdraw(1, 0);
    assert_eq!(world.state(1), IncidentState::Open);
    world.withdraw(0, 0);
    assert_eq!((world.state(1), world.incidents[&1].marks.t7), (IncidentState::Closed, None));
    assert_eq!(world.words(1), ["opened", "merged", "own_withdrawn", "merged_withdrawn", "withdrawn"]);
}

#[test]
fn who_takes_the_survivor_takes_all_and_a_merged_one_waits_for_nobody() {
    let mut world = four();
    world.merge(0, 1).unwrap();
    assert_eq!(world.incidents[&0].waits_since(), None);
    world.take(0);
    assert!(!world.incidents[&0].taken, "by the survivor only");
    world.take(1);
    assert!(world.incidents[&0].taken && world.incidents[&1].taken);
    let (by, incident) = ("bob".to_owned(), id(1));
    let assigned = LedgerEvent::Assigned { incident, at: at(world.now), by, owner: "dba".to_owned() };
    world.tell(&assigned, 0);
    assert_eq!(world.incidents[&0].owner.as_deref(), Some("dba"));
    // Who has the one has what comes beneath it later, too.
    world.merge(2, 1).unwrap();
    assert!(world.incidents[&2].taken && world.incidents[&2].owner.as_deref() == Some("dba"));
    // One that nobody has taken waits again from when it stands for itself.
    let mut world = four();
    world.merge(2, 1).unwrap();
    world.unmerge(2).unwrap();
    assert_eq!(world.incidents[&2].waits_since(), Some(at(world.now - 1)));
}

#[test]
fn how_bad_those_beneath_it_are_is_not_forgotten() {
    // One that was proven, and fails again while the survivor is open.
    let mut world = four();
    world.merge(0, 1).unwrap();
    world.prove(0, 0);
    world.fault(0, 0, FaultClass::Drift);
    assert_eq!(world.incidents[&1].severity(), Severity::Critical);
    // The survivor's own part was over, and fails again less badly.
    let mut world = four();
    world.merge(0, 1).unwrap();
    assert_eq!(world.incidents[&1].severity(), Severity::Error);
    world.fault(0, 0, FaultClass::Drift);
    assert_eq!(world.incidents[&1].severity(), Severity::Critical);
    world.prove(1, 0);
    world.fault(1, 0, FaultClass::StoreFailed);
    assert_eq!(world.incidents[&1].severity(), Severity::Critical);
}

#[test]
fn taken_apart_each_goes_its_own_way_and_one_that_only_waited_is_over() {
    let mut world = four();
    world.merge(0, 1).unwrap();
    world.merge(2, 1).unwrap();
    world.prove(1, 0);
    world.unmerge(0).unwrap();
    assert_eq!(world.state(1), IncidentState::Open, "2 is beneath it");
    world.prove(2, 0);
    assert_eq!((world.state(1), world.state(0)), (IncidentState::Closed, IncidentState::Open));
    assert_eq!(world.unmerge(2), Err(Refusal::SurvivorOver));
    world.fault(1, 0, FaultClass::StoreFailed);
    world.merge(0, 1).unwrap();
    world.prove(1, 0);
    world.unmerge(0).unwrap();
    assert_eq!(
        (world.state(1), world.state(0)),
        (IncidentState::Closed, IncidentState::Open),
        "by its own proof"
    );
}

#[test]
fn records_from_before_are_merged_with_none() {
    let incident = four().incidents[&0].clone();
    let stored = serde_json::to_value(&incident).unwrap();
    assert!(stored.get("merged").is_none(), "as before where nothing was merged");
    assert_eq!(serde_json::from_value::<Incident>(stored).unwrap(), incident);
}

/// Something that may happen.
#[derive(Clone, Debug)]
enum Act {
    Fail(u8, u8, bool),
    Prove(u8, u8),
    Withdraw(u8, u8),
    Merge(u8, u8),
    Unmerge(u8),
    Take(u8),
}

fn act() -> impl Strategy<Value = Act> {
    let (one, account) = (0..5_u8, 0..2_u8);
    prop_oneof![
        3 => (one.clone(), account.clone(), any::<bool>()).prop_map(|(one, account, bad)| Act::Fail(one, account, bad)),
        3 => (one.clone(), account.clone()).prop_map(|(one, account)| Act::Prove(one, account)),
        1 => (one.clone(), account).prop_map(|(one, account)| Act::Withdraw(one, account)),
        3 => (one.clone(), one.clone()).prop_map(|(one, into)| Act::Merge(one, into)),
        1 => one.clone().prop_map(Act::Unmerge),
        1 => one.prop_map(Act::Take),
    ]
}

/// Which accounts fail, as somebody outside knows: the engine tells of the end of a failure only where there is one.
type Failing = BTreeMap<(u8, u8), bool>;

fn happens(world: &mut World, failing: &mut Failing, act: &Act) {
    let account_of = |one: u8, account: u8| if one < FIRST_TARGET { 0 } else { account };
    match *act {
        Act::Fail(one, account, is_bad) => {
            let account = account_of(one, account);
            let class = if is_bad { FaultClass::ManagementAuthRefused } else { FaultClass::Unreachable };
            failing.insert((one, account), true);
            world.fault(one, account, class);
        }
        Act::Prove(one, account) | Act::Withdraw(one, account) => {
            let account = account_of(one, account);
            if failing.insert((one, account), false) == Some(true) {
                if matches!(act, Act::Prove(..)) {
                    world.prove(one, account)
                } else {
                    world.withdraw(one, account)
                }
            }
        }
        Act::Merge(one, into) => drop(world.merge(one, into)),
        Act::Unmerge(one) => drop(world.unmerge(one)),
        Act::Take(one) => world.take(one),
    }
}

fn holds(world: &World, failing: &Failing) -> Result<(), TestCaseError> {
    for (number, incident) in &world.incidents {
        let own = failing.iter().any(|((of, _), fails)| of == number && *fails);
        let beneath = incident.merged.beneath.iter().map(|one| &world.incidents[&self::number(one.incident)]);
        let open_beneath = beneath.clone().any(|one| one.state == IncidentState::Open);
        let is_open = incident.state == IncidentState::Open;
        // Open as long as anything of it is not proven, and no longer.
        prop_assert_eq!(is_open, own || open_beneath, "incident {}", number);
        for (duplicate, one) in incident.merged.beneath.iter().zip(beneath) {
            prop_assert_eq!(one.merged.into, Some(incident.id));
            prop_assert_eq!(duplicate.is_open, one.state == IncidentState::Open);
        }
        if let Some(into) = incident.merged.into {
            let survivor = &world.incidents[&self::number(into)];
            // It is shown: beneath one that stands for itself and is open with it.
            prop_assert!(survivor.merged.into.is_none() && incident.merged.beneath.is_empty());
            prop_assert!(survivor.merged.beneath.iter().any(|one| one.incident == incident.id));
            prop_assert!(!is_open || survivor.state == IncidentState::Open);
            prop_assert!(incident.waits_since().is_none());
        }
        let lines = &world.lines[number];
        prop_assert_eq!(incident.marks, crate::incident::entry::marks(lines.iter()));
        prop_assert_eq!(incident.lines, lines.len() as u64);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_order_of_anything_closes_what_is_not_proven_or_hides_what_is_open(acts in prop::collection::vec(act(), 1..40)) {
        let (mut world, mut failing) = (World::default(), Failing::new());
        for act in &acts {
            happens(&mut world, &mut failing, act);
            holds(&world, &failing)?;
        }
    }
}

/// From here on the incidents are of targets.
const FIRST_TARGET: u8 = 3;
