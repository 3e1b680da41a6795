//! The circuit breaker: a table of its turns, and what holds for any course of events.

use proptest::prelude::*;

use super::*;
use crate::rotation::event::Finding;
use crate::rotation::port::{Outcome, Probe};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const DOWN: Evidence = Evidence::Silent(FaultClass::Unreachable);

fn heard(circuit: Circuit, evidence: Evidence, now: Timestamp, draw: u64) -> (Circuit, Option<Turn>) {
    circuit.heard(evidence, Caller::Probe, now, draw)
}

fn after(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

/// Opened at `NOW`, with the shortest pause.
fn open() -> Circuit {
    (0..TRIP_AFTER).fold(Circuit::FRESH, |circuit, _| heard(circuit, DOWN, NOW, 0).0)
}

#[test]
fn it_opens_after_five_failures_without_an_answer_in_between() {
    let mut circuit = Circuit::FRESH;
    for count in 1..TRIP_AFTER {
        let (next, turn) = heard(circuit, DOWN, NOW, 0);
        assert_eq!((next, turn), (Circuit::Closed { failures: count }, None));
        circuit = next;
    }
    assert_eq!(heard(circuit, Evidence::Reached, NOW, 0), (Circuit::FRESH, None), "an answer begins anew");
    let (open, turn) = heard(circuit, Evidence::Silent(FaultClass::Tls), NOW, 0);
    let outage = Broken { since: NOW, failures: TRIP_AFTER, probes: 0, class: FaultClass::Tls };
    assert_eq!(turn, Some(Turn::Opened(outage)));
    assert_eq!((open.word(), open.shut_until(), open.outage()), ("open", Some(after(5)), Some(&outage)));
}

#[test]
fn one_is_let_through_when_the_pause_is_over_and_its_answer_closes_it() {
    let open = open();
    assert_eq!(open.ask(after(4)), (open, Admission::Wait(after(5))));
    let (half, admission) = open.ask(after(5));
    assert_eq!((half.word(), admission), ("half_open", Admission::Probe));
    assert!(matches!(half.ask(after(6)).1, Admission::Wait(_)), "one at a time");
    let (closed, turn) = heard(half, Evidence::Reached, after(7), 0);
    assert_eq!(closed, Circuit::FRESH);
    assert!(matches!(turn, Some(Turn::Closed(Broken { probes: 1, since: NOW, .. }))), "{turn:?}");
    assert_eq!(closed.ask(after(7)).1, Admission::Go);
}

#[test]
fn each_probe_that_fails_doubles_the_longest_pause_up_to_five_minutes() {
    let (mut circuit, mut now) = (open(), NOW);
    for seconds in [20, 40, 80, 160, 300, 300] {
        now = now.plus(PAUSE_CAP);
        let (half, admission) = circuit.ask(now);
        assert_eq!(admission, Admission::Probe);
        let (next, turn) = heard(half, DOWN, now, u64::MAX);
        assert!(matches!(turn, Some(Turn::Failed(_))));
        assert_eq!(next.shut_until(), Some(now.plus(Duration::from_secs(seconds))));
        circuit = next;
    }
}

#[test]
fn what_a_person_presses_closes_it_by_an_answer_and_ends_nobodys_probe_by_none() {
    let open = open();
    let closes = |circuit: Circuit| {
        let (next, turn) = circuit.heard(Evidence::Reached, Caller::Other, after(6), 0);
        next == Circuit::FRESH && matches!(turn, Some(Turn::Closed(_)))
    };
    assert!(closes(open));
    let (still, turn) = open.heard(DOWN, Caller::Other, after(1), u64::MAX);
    assert_eq!((still.shut_until(), turn), (Some(after(5)), None), "the next probe is not put off by it");
    assert_eq!(still.outage().map(|outage| outage.failures), Some(TRIP_AFTER + 1));
    let (half, _) = open.ask(after(5));
    let (still, turn) = half.heard(DOWN, Caller::Other, after(6), u64::MAX);
    assert_eq!((still.word(), still.shut_until(), turn), ("half_open", half.shut_until(), None));
    assert_eq!(still.outage().map(|outage| outage.failures), Some(TRIP_AFTER + 1), "it is counted");
    assert!(closes(still));
    assert!(matches!(heard(still, DOWN, after(7), 0), (Circuit::Open { .. }, Some(Turn::Failed(_)))));
}

#[test]
fn a_probe_that_never_tells_anything_is_followed_by_another() {
    let (half, _) = open().ask(after(5));
    assert!(matches!(half.ask(after(124)).1, Admission::Wait(_)));
    assert_eq!(half.ask(after(125)).1, Admission::Probe);
    assert_eq!(half.unasked().ask(after(6)).1, Admission::Probe, "one that had nothing to ask, at once");
    // A clock that was stepped back keeps nobody waiting for ever.
    assert_eq!(half.ask(after(4)).1, Admission::Probe);
    assert_eq!(open().ask(NOW.minus(Duration::from_secs(3600))).1, Admission::Probe);
}

#[test]
fn what_was_said_is_an_answer_and_what_the_vault_did_not_ask_is_nothing() {
    let fault = |class| Fault::new(class, "");
    let prepared = |class| Evidence::of(&Event::Prepared(Err(fault(class))));
    for class in FaultClass::ALL {
        let want = match class {
            FaultClass::Unreachable
            | FaultClass::Tls
            | FaultClass::PluginFailed
            | FaultClass::PluginTimeout => Some(Evidence::Silent(class)),
            FaultClass::Preflight
            | FaultClass::StoreFailed
            | FaultClass::Ambiguous
            | FaultClass::ConsumerLag
            | FaultClass::Overdue => None,
            _ => Some(Evidence::Reached),
        };
        assert_eq!(prepared(class), want, "{class}");
    }
    assert_eq!(Evidence::of(&Event::Checked(Probe::Refused)), Some(Evidence::Reached));
    assert_eq!(Evidence::of(&Event::Probed(Finding::NoneWorks)), Some(Evidence::Reached));
    assert_eq!(Evidence::of(&Event::Applied(Outcome::Unknown(fault(FaultClass::Ambiguous)))), None);
}

#[derive(Clone, Copy, Debug)]
enum Happening {
    Heard(bool, bool),
    Asked,
    Unasked,
    Later(u64),
    Back(u64),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        4 => (prop::bool::weighted(0.2), any::<bool>())
            .prop_map(|(answered, probe)| Happening::Heard(answered, probe)),
        4 => Just(Happening::Asked),
        1 => Just(Happening::Unasked),
        4 => (0..400u64).prop_map(Happening::Later),
        1 => (0..4000u64).prop_map(Happening::Back),
    ]
}

proptest! {
    /// Nothing goes before five failures in a row were seen or after an answer without being told to; one at a time goes
    /// while it is open; and nobody waits for longer than the longest pause.
    #[test]
    fn whatever_happens_it_neither_lets_all_through_nor_waits_for_ever(
        course in prop::collection::vec((happening(), any::<u64>()), 1..200),
    ) {
        let (mut circuit, mut now, mut silent) = (Circuit::FRESH, NOW, 0);
        for (what, draw) in course {
            match what {
                Happening::Heard(answered, probe) => {
                    let evidence = if answered { Evidence::Reached } else { DOWN };
                    silent = if answered { 0 } else { silent + 1 };
                    let caller = if probe { Caller::Probe } else { Caller::Other };
                    circuit = circuit.heard(evidence, caller, now, draw).0;
                }
                Happening::Asked => {
                    let (next, admission) = circuit.ask(now);
                    match admission {
                        Admission::Go => prop_assert!(silent < TRIP_AFTER),
                        Admission::Probe => {
                            prop_assert!(silent >= TRIP_AFTER);
                            prop_assert!(matches!(next.ask(now).1, Admission::Wait(_)));
                        }
                        Admission::Wait(until) => {
                            prop_assert!(until > now && until.since(now) <= PAUSE_CAP);
                            prop_assert_eq!(next.ask(until).1, Admission::Probe);
                        }
                    }
                    circuit = next;
                }
                Happening::Unasked => circuit = circuit.unasked(),
                Happening::Later(seconds) => now = now.plus(Duration::from_secs(seconds)),
                Happening::Back(seconds) => now = now.minus(Duration::from_secs(seconds)),
            }
            prop_assert_eq!(circuit.outage().is_none(), silent < TRIP_AFTER);
        }
    }
}
