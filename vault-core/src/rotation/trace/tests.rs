//! What is told of a rotation, from its first step to its end.

use super::*;
use crate::account::Settings;
use crate::account::plan::Context;
use crate::entropy::SeededEntropy;
use crate::id::IncidentId;
use crate::path::{AccountPath, Name};
use crate::rotation::fault::{Fault, FaultClass};
use crate::rotation::run::{Stage, Step};
use crate::rotation::step::{self as rotation, Event, advance};
use crate::trace::Value;

const BEGAN: Timestamp = Timestamp::from_secs(1_000_000);

fn context(now: Timestamp) -> Context {
    let entropy = SeededEntropy::new(1);
    Context {
        now,
        next_due: None,
        window_open: true,
        retries: 3,
        retry_base: Duration::from_secs(1),
        retry_cap: Duration::from_secs(60),
        grace: Duration::ZERO,
        early_after: Duration::ZERO,
        hold: Duration::ZERO,
        overlaps: false,
        mints: false,
        draw: 0,
        rotation: RotationId::generate(BEGAN, &entropy),
        incident: IncidentId::generate(now, &entropy),
        group: Default::default(),
        circuit: None,
        heartbeat: None,
        reconciles: false,
    }
}

fn begun() -> Plan {
    let subject = Subject::Account(AccountPath::parse("db/app").unwrap());
    let target = Name::parse("pg").unwrap();
    let account = Account::new(subject, target, "app".to_owned(), Settings::default(), BEGAN);
    rotation::start(account, Cause::Schedule, &context(BEGAN))
}

fn id() -> SpanId {
    SpanId::from_bytes([9; 8]).unwrap()
}

fn text(span: &Span, name: &str) -> String {
    match span.attributes.iter().find(|(known, _)| *known == name) {
        Some((_, Value::Text(text))) => text.clone(),
        Some((_, Value::Number(number))) => number.to_string(),
        None => String::new(),
    }
}

/// The answer to a `Prepare` that is refused for good.
fn refused() -> Event {
    Event::Prepared(Err(Fault::new(
        FaultClass::ManagementAuthRefused,
        "the target refused a login with password hunter2",
    )))
}

/// The rotation as its `Prepare` is refused for good.
fn parked(before: &Account, now: Timestamp) -> Plan {
    let plan = advance(before.clone(), refused(), &context(now)).unwrap();
    assert!(matches!(plan.account.stage, Stage::Parked { .. }), "{:?}", plan.account.stage);
    plan
}

#[test]
fn the_trace_is_the_rotation() {
    let plan = begun();
    let run = plan.account.stage.run().unwrap();
    assert_eq!(trace_of(run.id).to_string(), run.id.to_string().replace('-', ""));
}

#[test]
fn a_step_tells_when_for_what_and_what_came_of_it_and_no_text_of_the_targets() {
    let before = begun().account;
    let plan = parked(&before, BEGAN.plus(Duration::from_secs(2)));
    let took = Duration::from_micros(1_500);
    let call = Call { effect: Effect::Prepare, began: BEGAN, took: Some(took) };
    let span = step(&before, call, (&refused(), Some(&plan)), "postgresql", id()).unwrap();
    assert_eq!((span.name, span.kind), ("prepare", Kind::Client));
    assert_eq!((span.began, span.ended), (nanos(BEGAN), nanos(BEGAN) + 1_500_000));
    assert_eq!(span.failed, Some(FaultClass::ManagementAuthRefused));
    assert_eq!(text(&span, "rotunda.path"), "accounts/db/app");
    assert_eq!(text(&span, "rotunda.target"), "pg");
    assert_eq!(text(&span, "rotunda.rotator"), "postgresql");
    assert_eq!(text(&span, "rotunda.attempt"), "1");
    let moments: Vec<&str> = span.moments.iter().map(|moment| moment.name.as_str()).collect();
    assert_eq!(moments, ["failed", "parked"]);
    let class = FaultClass::ManagementAuthRefused.as_str();
    assert_eq!(span.moments[0].attributes, [("error.type", class.into())]);
    assert!(!format!("{span:?}").contains("hunter2"));
}

#[test]
fn outside_a_rotation_nothing_is_told() {
    let mut account = begun().account;
    account.stage = Stage::Idle;
    let call = Call { effect: Effect::Check, began: BEGAN, took: Some(Duration::ZERO) };
    assert_eq!(step(&account, call, (&refused(), None), "postgresql", id()), None);
}

#[test]
fn the_rotation_is_told_at_its_end_as_that_of_which_its_steps_are_parts() {
    let before = begun().account;
    let ended_at = BEGAN.plus(Duration::from_secs(2));
    let plan = parked(&before, ended_at);
    let span = ended(&before, &plan, "postgresql", BEGAN).unwrap();
    let call = Call { effect: Effect::Prepare, began: BEGAN, took: Some(Duration::ZERO) };
    let part = step(&before, call, (&refused(), Some(&plan)), "postgresql", id()).unwrap();
    assert_eq!((span.name, span.parent), ("rotation", None));
    assert_eq!((part.place.trace, part.parent), (span.place.trace, Some(span.place.span)));
    assert_eq!((span.began, span.ended), (nanos(BEGAN), nanos(ended_at)));
    assert_eq!(span.failed, Some(FaultClass::ManagementAuthRefused));
    assert_eq!(text(&span, "rotunda.cause"), "schedule");
    assert_eq!(text(&span, "rotunda.attempts"), "1");
    assert_eq!(text(&span, "rotunda.due_at"), BEGAN.to_rfc3339());
    // Nothing ended with what began it.
    assert_eq!(ended(&before, &begun(), "postgresql", BEGAN), None);
}

#[test]
fn what_was_parked_and_went_on_is_a_span_of_its_own_beneath_the_first() {
    let before = begun().account;
    let first = parked(&before, BEGAN.plus(Duration::from_secs(2)));
    let root = ended(&before, &first, "postgresql", BEGAN).unwrap();
    let by = Cause::Demand { principal: "ada".to_owned() };
    let later = BEGAN.plus(Duration::from_secs(60));
    let again = rotation::request(first.account, by, &context(later)).unwrap().account;
    assert_eq!(again.stage.step(), Some(Step::Prepare));
    let second = parked(&again, later);
    let span = ended(&again, &second, "postgresql", later).unwrap();
    assert_eq!(span.place.trace, root.place.trace);
    assert_ne!(span.place.span, root.place.span);
    assert_eq!(span.parent, Some(root.place.span));
    let call = Call { effect: Effect::Prepare, began: later, took: Some(Duration::ZERO) };
    let part = step(&again, call, (&refused(), Some(&second)), "postgresql", id()).unwrap();
    assert_eq!(part.parent, Some(span.place.span));
}

#[test]
fn a_clock_that_steps_back_ends_no_span_before_it_began() {
    let before = begun().account;
    let plan = parked(&before, BEGAN.minus(Duration::from_secs(3_600)));
    let span = ended(&before, &plan, "postgresql", BEGAN).unwrap();
    assert_eq!((span.began, span.ended), (nanos(BEGAN), nanos(BEGAN)));
}

#[test]
fn a_caller_and_the_rotation_find_each_other() {
    let plan = begun();
    let caller = Place { trace: TraceId::from_bytes([7; 16]), span: SpanId::from_bytes([8; 8]).unwrap() };
    let ids = [id(), SpanId::from_bytes([10; 8]).unwrap()];
    let [theirs, ours] = requested(&plan, "postgresql", BEGAN, caller, ids).map(Option::unwrap);
    assert_eq!((theirs.place.trace, theirs.parent), (caller.trace, Some(caller.span)));
    let run = plan.account.stage.run().unwrap();
    assert_eq!(ours.place.trace, trace_of(run.id));
    assert_eq!(ours.links, [theirs.place]);
    assert_eq!(theirs.links[0].trace, ours.place.trace);
    assert_eq!(Some(theirs.links[0].span), ours.parent);
    assert_eq!(text(&theirs, "rotunda.rotation_id"), run.id.to_string());
}

#[test]
fn a_step_that_asked_nobody_is_no_call_and_one_that_decides_nothing_has_failed_all_the_same() {
    let before = begun().account;
    let call = Call { effect: Effect::Prepare, began: BEGAN, took: None };
    let span = step(&before, call, (&refused(), None), "postgresql", id()).unwrap();
    assert_eq!((span.kind, span.began, span.ended), (Kind::Internal, nanos(BEGAN), nanos(BEGAN)));
    assert_eq!(span.failed, Some(FaultClass::ManagementAuthRefused));
    let right = Event::Prepared(Ok(Default::default()));
    assert_eq!(step(&before, call, (&right, None), "postgresql", id()).unwrap().failed, None);
    // What is decided counts, where the answer by itself is no failure.
    let plan = parked(&before, BEGAN);
    let span = step(&before, call, (&right, Some(&plan)), "postgresql", id()).unwrap();
    assert_eq!(span.failed, Some(FaultClass::ManagementAuthRefused));
}

#[test]
fn what_is_decided_of_another_rotation_is_in_another_trace() {
    let before = begun().account;
    let mut plan = parked(&before, BEGAN);
    let other = RotationId::generate(BEGAN, &SeededEntropy::new(2));
    for (entry, rotation) in plan.history.iter_mut().zip([None, Some(other)]) {
        entry.rotation = rotation;
    }
    let call = Call { effect: Effect::Prepare, began: BEGAN, took: None };
    let span = step(&before, call, (&refused(), Some(&plan)), "postgresql", id()).unwrap();
    let moments: Vec<&str> = span.moments.iter().map(|moment| moment.name.as_str()).collect();
    assert_eq!(moments, ["failed"]);
}

#[test]
fn one_whose_place_another_takes_is_told_too_and_one_that_goes_on_is_not() {
    let before = begun().account;
    let fault = Event::Prepared(Err(Fault::new(FaultClass::Unreachable, "nobody there")));
    let waiting = advance(before.clone(), fault, &context(BEGAN)).unwrap();
    assert!(matches!(waiting.account.stage, Stage::Waiting { .. }), "{:?}", waiting.account.stage);
    let later = BEGAN.plus(Duration::from_secs(9));
    assert_eq!(ended(&before, &waiting, "postgresql", later), None, "it goes on");
    let entropy = SeededEntropy::new(2);
    let rotation = RotationId::generate(later, &entropy);
    let idle = Account { stage: Stage::Idle, ..waiting.account.clone() };
    let next = rotation::start(idle, Cause::Schedule, &Context { rotation, ..context(later) });
    let span = ended(&waiting.account, &next, "postgresql", later).unwrap();
    let run = before.stage.run().unwrap();
    assert_eq!((span.place.trace, span.parent), (trace_of(run.id), None));
    assert_eq!((span.began, span.ended), (nanos(BEGAN), nanos(later)));
    assert_eq!(span.failed, Some(FaultClass::Unreachable));
    assert_eq!(
        Some(&span.place),
        overtaken(&waiting.account, None, "postgresql", later).as_ref().map(|s| &s.place)
    );
    // What was parked has been told.
    assert_eq!(overtaken(&parked(&before, BEGAN).account, None, "postgresql", later), None);
}
