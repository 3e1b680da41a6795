//! The trace of a rotation: one for each, from what is recorded of it anyway.
//!
//! ```text
//!   rotation                              its id is that of the rotation, without the hyphens
//!    ├─ prepare  apply  verify  …         one call to the target each, as it ends; or why none was made
//!    ├─ requested ──link──► the caller's trace, where a `requested` links back
//!    └─ rotation                          one that was parked and went on, to its next end
//! ```
//!
//! The span of the rotation itself is told when it ends: with its retry days later, or with its restart in another
//! process. So its id follows from the rotation's, and nothing about traces is stored.

use std::time::Duration;

use super::event::Event;
use super::fault::FaultClass;
use super::run::{Cause, Run, Stage};
use crate::account::plan::{Effect, HistoryEntry, Plan};
use crate::account::{Account, Subject};
use crate::clock::Timestamp;
use crate::id::RotationId;
use crate::trace::{Attribute, Kind, Moment, Place, Span, SpanId, TraceId, nanos};

/// The trace of a rotation.
#[must_use]
pub fn trace_of(rotation: RotationId) -> TraceId {
    TraceId::from_bytes(*rotation.as_bytes())
}

/// The span of a rotation that was parked so often before: the random half of its id, with the number in it.
fn root(rotation: RotationId, parked: u32) -> Place {
    let [.., a, b, c, d, e, f, g, h] = *rotation.as_bytes();
    let own = u64::from_be_bytes([a, b, c, d, e, f, g, h]) ^ u64::from(parked);
    // The variant's bits of RFC 9562 are in there, so that it is never zero but for an id that is none.
    let span = SpanId::from_bytes(own.to_be_bytes()).unwrap_or_else(|| root(rotation, parked ^ 1).span);
    Place { trace: trace_of(rotation), span }
}

/// The rotation that `plan` ends, which was decided upon `before`.
#[must_use]
pub fn ended(before: &Account, plan: &Plan, rotator: &str, now: Timestamp) -> Option<Span> {
    let Some(end) = plan.ended.as_ref() else {
        return overtaken(before, plan.account.stage.run(), rotator, now);
    };
    let run = before.stage.run().or_else(|| plan.account.stage.run()).filter(|run| run.id == end.rotation);
    // A plan that parks has counted that already, and this is the span of what came before.
    let parked = before.stage.run().filter(|run| run.id == end.rotation).map_or(0, |run| run.parked);
    let mut attributes = about(&plan.account, rotator);
    attributes.push(("rotunda.attempts", end.attempts.into()));
    attributes.push(("rotunda.due_at", end.due_at.to_rfc3339().into()));
    attributes.extend(run.map(|run| ("rotunda.cause", word(&run.cause).into())));
    Some(whole((end.rotation, parked), [end.started_at, end.ended_at], end.failed, attributes))
}

/// The rotation that `before` was in, where it is over without an end: another one, `next`, has taken its place, or the
/// account is not managed any more. One that is parked was told when it was.
#[must_use]
pub fn overtaken(before: &Account, next: Option<&Run>, rotator: &str, now: Timestamp) -> Option<Span> {
    let is_parked = matches!(before.stage, Stage::Parked { .. });
    let run = before.stage.run().filter(|run| !is_parked && next.is_none_or(|next| next.id != run.id))?;
    let mut attributes = about(before, rotator);
    attributes.push(("rotunda.attempts", run.attempts.into()));
    attributes.push(("rotunda.due_at", run.due_at.to_rfc3339().into()));
    attributes.push(("rotunda.cause", word(&run.cause).into()));
    let failed = run.fault.as_ref().map(|fault| fault.class);
    Some(whole((run.id, run.parked), [run.started_at, now], failed, attributes))
}

/// A rotation `from` its first attempt `to` its end.
fn whole(
    (rotation, parked): (RotationId, u32),
    [from, to]: [Timestamp; 2],
    failed: Option<FaultClass>,
    attributes: Vec<Attribute>,
) -> Span {
    let (place, first) = (root(rotation, parked), root(rotation, 0).span);
    Span {
        place,
        parent: (parked > 0).then_some(first),
        name: "rotation",
        kind: Kind::Internal,
        began: nanos(from),
        ended: nanos(to).max(nanos(from)),
        failed,
        attributes,
        moments: Vec::new(),
        links: Vec::new(),
    }
}

/// A call to a target for a rotation.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// What was called for.
    pub effect: Effect,
    /// When it began.
    pub began: Timestamp,
    /// How long it took; `None` where the target was not asked at all.
    pub took: Option<Duration>,
}

/// The step that `call` was, by its answer, and by what was decided of that; `before` is the account as it was called for.
/// `None` for a call outside any rotation.
#[must_use]
pub fn step(
    before: &Account,
    call: Call,
    (answer, plan): (&Event, Option<&Plan>),
    rotator: &str,
    id: SpanId,
) -> Option<Span> {
    let run = before.stage.run()?;
    // A decision may begin another rotation: that has a trace of its own.
    let is_of_it = |entry: &&HistoryEntry| entry.rotation.is_none_or(|rotation| rotation == run.id);
    let history: Vec<_> = plan.map_or(&[][..], |plan| &plan.history).iter().filter(is_of_it).collect();
    let decided = history.iter().find_map(|entry| entry.class);
    let root = root(run.id, run.parked);
    let began = nanos(call.began);
    let took = u64::try_from(call.took.unwrap_or_default().as_nanos()).unwrap_or(u64::MAX);
    let mut attributes = about(before, rotator);
    attributes.push(("rotunda.attempt", run.attempts.into()));
    Some(Span {
        place: Place { trace: root.trace, span: id },
        parent: Some(root.span),
        name: call.effect.phase(),
        kind: if call.took.is_some() { Kind::Client } else { Kind::Internal },
        began,
        ended: began.saturating_add(took),
        failed: decided.or_else(|| answer.fault().map(|fault| fault.class)),
        attributes,
        moments: history.into_iter().map(moment).collect(),
        links: Vec::new(),
    })
}

/// The request of `caller` for a rotation that `plan` begins or lets go on: a span in its trace, and one in that of the
/// rotation, which lead to each other.
#[must_use]
pub fn requested(
    plan: &Plan,
    rotator: &str,
    at: Timestamp,
    caller: Place,
    ids: [SpanId; 2],
) -> [Option<Span>; 2] {
    let Some(run) = plan.account.stage.run() else { return [None, None] };
    let root = root(run.id, run.parked);
    let [there, here] = ids;
    let span = |place, parent, link| {
        let mut attributes = about(&plan.account, rotator);
        attributes.push(("rotunda.rotation_id", run.id.to_string().into()));
        Some(Span {
            place,
            parent: Some(parent),
            name: "requested",
            kind: Kind::Producer,
            began: nanos(at),
            ended: nanos(at),
            failed: None,
            attributes,
            moments: Vec::new(),
            links: vec![link],
        })
    };
    let (theirs, ours) = (Place { span: there, ..caller }, Place { span: here, ..root });
    [span(theirs, caller.span, root), span(ours, root.span, theirs)]
}

fn about(account: &Account, rotator: &str) -> Vec<Attribute> {
    let path = match &account.subject {
        Subject::Account(path) => format!("accounts/{path}"),
        Subject::Management(target) => format!("targets/{target}"),
    };
    vec![
        ("rotunda.path", path.into()),
        ("rotunda.target", account.target.to_string().into()),
        ("rotunda.rotator", rotator.into()),
    ]
}

fn moment(entry: &HistoryEntry) -> Moment {
    let version = entry.version.map(|version| ("rotunda.version", version.into()));
    let class = entry.class.map(|class| ("error.type", class.as_str().into()));
    Moment { at: entry.at, name: kind(entry), attributes: version.into_iter().chain(class).collect() }
}

/// The kind as it stands in the history.
fn kind(entry: &HistoryEntry) -> String {
    let word = serde_json::to_value(entry.kind).ok();
    word.and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

const fn word(cause: &Cause) -> &'static str {
    match cause {
        Cause::Schedule => "schedule",
        Cause::Adopt { .. } => "adopt",
        Cause::Demand { .. } => "demand",
        Cause::Revocation { .. } => "revocation",
        Cause::LeaseClose { .. } => "lease_close",
    }
}

#[cfg(test)]
mod tests;
