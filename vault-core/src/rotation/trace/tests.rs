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

/// The rotation as its `Prepare` is refused for good.
fn parked(before: &Account, now: Timestamp) -> Plan {
    let fault =
        Fault::new(FaultClass::ManagementAuthRefused, "the target refused a login with password hunter2");
    let plan = advance(before.clone(), Event::Prepared(Err(fault)), &context(now)).unwrap();
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
    let call = Call { effect: Effect::Prepare, began: BEGAN, took };
    let span = step(&before, call, Some(&plan), "postgresql", id()).unwrap();
    assert_eq!((span.name, span.kind), ("prepare", Kind::Client));
    assert_eq!((span.began, span.ended), (nanos(BEGAN), nanos(BEGAN) + 1_500_000));
    assert_eq!(span.failed, Some(FaultClass::ManagementAuthRefused));
    assert_eq!(text(&span, "rotunda.path"), "accounts/db/app");
    assert_eq!(text(&span, "rotunda.target"), "pg");
    assert_eq!(text(&span, "rotunda.rotator"), "postgresql");
    assert_eq!(text(&span, "rotunda.attempt"), "1");
    let moments: Vec<&str> = span.moments.iter().map(|moment| moment.name.as_str()).collect();
    assert_eq!(moments, ["failed", "parked"]);
    assert!(!format!("{span:?}").contains("hunter2"));
}

#[test]
fn outside_a_rotation_nothing_is_told() {
    let mut account = begun().account;
    account.stage = Stage::Idle;
    let call = Call { effect: Effect::Check, began: BEGAN, took: Duration::ZERO };
    assert_eq!(step(&account, call, None, "postgresql", id()), None);
}

#[test]
fn the_rotation_is_told_at_its_end_as_that_of_which_its_steps_are_parts() {
    let before = begun().account;
    let ended_at = BEGAN.plus(Duration::from_secs(2));
    let plan = parked(&before, ended_at);
    let span = ended(&before, &plan, "postgresql").unwrap();
    let call = Call { effect: Effect::Prepare, began: BEGAN, took: Duration::ZERO };
    let part = step(&before, call, Some(&plan), "postgresql", id()).unwrap();
    assert_eq!((span.name, span.parent), ("rotation", None));
    assert_eq!((part.place.trace, part.parent), (span.place.trace, Some(span.place.span)));
    assert_eq!((span.began, span.ended), (nanos(BEGAN), nanos(ended_at)));
    assert_eq!(span.failed, Some(FaultClass::ManagementAuthRefused));
    assert_eq!(text(&span, "rotunda.cause"), "schedule");
    assert_eq!(text(&span, "rotunda.attempts"), "1");
    // Nothing ended with what began it.
    assert_eq!(ended(&before, &begun(), "postgresql"), None);
}

#[test]
fn what_was_parked_and_went_on_is_a_span_of_its_own_beneath_the_first() {
    let before = begun().account;
    let first = parked(&before, BEGAN.plus(Duration::from_secs(2)));
    let root = ended(&before, &first, "postgresql").unwrap();
    let by = Cause::Demand { principal: "ada".to_owned() };
    let later = BEGAN.plus(Duration::from_secs(60));
    let again = rotation::request(first.account, by, &context(later)).unwrap().account;
    assert_eq!(again.stage.step(), Some(Step::Prepare));
    let second = parked(&again, later);
    let span = ended(&again, &second, "postgresql").unwrap();
    assert_eq!(span.place.trace, root.place.trace);
    assert_ne!(span.place.span, root.place.span);
    assert_eq!(span.parent, Some(root.place.span));
    let call = Call { effect: Effect::Prepare, began: later, took: Duration::ZERO };
    let part = step(&again, call, Some(&second), "postgresql", id()).unwrap();
    assert_eq!(part.parent, Some(span.place.span));
}

#[test]
fn a_clock_that_steps_back_ends_no_span_before_it_began() {
    let before = begun().account;
    let plan = parked(&before, BEGAN.minus(Duration::from_secs(3_600)));
    let span = ended(&before, &plan, "postgresql").unwrap();
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
